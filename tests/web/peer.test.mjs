import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { FakeConnection, settle } from './fakes.mjs';

globalThis.RTCPeerConnection = FakeConnection;
globalThis.MediaStream = class { addTrack() {} };

const { Peer, encodingOf } = await import('../../web/peer.js');

const failure = (code) => Object.assign(new Error(code), { code });

const camera = (width, height) => ({ kind: 'video', getSettings: () => ({ width, height }) });
const tile = (maxWidth, maxHeight) => ({ maxWidth, maxHeight, maxFramerate: 30, maxBitrate: 300_000 });

function start(tracks = { audio: { kind: 'audio' }, video: undefined }) {
  const log = [];
  const replies = [];
  const peer = new Peer({ iceServers: [], tracks, request: (message) => {
    log.push(message.sdp);
    return new Promise((resolve, reject) => replies.push({ resolve: () => resolve({ sdp: 'answer' }), reject }));
  } });
  peer.addEventListener('candidate', ({ detail }) => log.push(detail.candidate));
  peer.addEventListener('state', ({ detail }) => log.push(`state ${detail}`));
  peer.addEventListener('dead', () => log.push('dead'));
  return { peer, pc: FakeConnection.last, log, replies };
}

describe('peer', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('offers what it may send, and says candidates after their offer only', async () => {
    const { peer, pc, log, replies } = start();
    assert.deepEqual(pc.sections.map(({ kind, direction }) => [kind, direction]), [['audio', 'sendrecv'], ['video', 'recvonly']]);
    peer.addCandidate({ candidate: 'early', sdpMid: '0' });
    const done = peer.negotiate();
    await settle();
    assert.deepEqual(log, ['offer 1', 'candidate of offer 1']);
    assert.deepEqual(pc.applied, []);
    replies[0].resolve();
    await done;
    assert.deepEqual(pc.applied, ['early']);
    await peer.addCandidate({ candidate: 'bad' });
    await peer.addCandidate({ candidate: '' });
    assert.deepEqual(pc.applied, ['early', '']);
  });

  it('has one offer under way, and one more for all that came meanwhile', async () => {
    const { peer, pc, replies } = start();
    const all = [peer.negotiate(), peer.negotiate(), peer.negotiate({ restart: true }), peer.negotiate()];
    await settle();
    replies[0].resolve();
    await settle();
    assert.equal(replies.length, pc.offers.length);
    for (const reply of replies) reply.resolve();
    await Promise.all(all);
    assert.ok(pc.offers.length <= 2);
    assert.ok(pc.offers.some(({ iceRestart }) => iceRestart));
  });

  it('offers anew only for the first track of a kind', async () => {
    const { peer, pc, replies } = start();
    peer.setTrack('audio', { kind: 'audio' });
    await settle();
    assert.equal(pc.offers.length, 0);
    peer.setTrack('video', { kind: 'video' });
    await settle();
    assert.equal(pc.offers.length, 1);
    assert.equal(pc.sections[1].direction, 'sendrecv');
    replies[0].resolve();
    await settle();
    await peer.setTrack('video', null);
    assert.equal(pc.offers.length, 1);
  });

  it('asks again when the server is busy', async () => {
    const { peer, pc, replies } = start();
    const done = peer.negotiate();
    await settle();
    replies[0].reject(failure('busy'));
    await settle();
    mock.timers.tick(300);
    await settle();
    assert.equal(pc.offers.length, 2);
    replies[1].resolve();
    await done;
  });

  it('keeps an offer that nobody could hear for when the signalling is back', async () => {
    const { peer, pc, replies } = start();
    const done = peer.negotiate();
    await settle();
    replies[0].reject(failure('away'));
    await assert.rejects(done, { code: 'away' });
    peer.resumed();
    await settle();
    assert.equal(pc.offers.length, 2);
    replies[1].resolve();
    await settle();
    pc.become('connected', 'connected');
    peer.resumed();
    await settle();
    assert.equal(pc.offers.length, 2);
  });

  it('restarts ICE after a silence, at once after a failure, and dies in the end', async () => {
    const { peer, pc, log, replies } = start();
    peer.negotiate();
    await settle();
    replies[0].resolve();
    await settle();
    pc.become('connected', 'connected');
    pc.become('disconnected', 'disconnected');
    mock.timers.tick(3999);
    await settle();
    assert.equal(pc.offers.length, 1);
    pc.become('connected', 'connected');
    mock.timers.tick(60_000);
    await settle();
    assert.equal(pc.offers.length, 1, 'it mended itself');
    pc.become('failed', 'failed');
    for (let i = 0; i < 10; i++) {
      mock.timers.tick(6000);
      await settle();
      for (const reply of replies) reply.resolve();
      await settle();
    }
    assert.deepEqual(pc.offers.slice(1), [{ iceRestart: true }, { iceRestart: true }, { iceRestart: true }]);
    assert.equal(log.filter((entry) => entry === 'dead').length, 1);
  });

  it('does not count restarts that could not be asked for', async () => {
    const { pc, log, replies } = start();
    pc.become('failed', 'failed');
    for (let i = 0; i < 10; i++) {
      mock.timers.tick(6000);
      await settle();
      for (const reply of replies) reply.reject(failure('away'));
      await settle();
    }
    assert.ok(pc.offers.length >= 9);
    assert.ok(!log.includes('dead'));
  });

  /* Seconds in which so many packets and answers to checks come. */
  const pass = async (pc, seconds, { packets = 0, checks = 0 } = {}) => {
    for (let i = 0; i < seconds; i++) {
      pc.packets += packets;
      pc.checks += checks;
      mock.timers.tick(1000);
      await settle();
    }
  };

  it('restarts ICE when nothing comes for three seconds, though the browser believes in the path', async () => {
    const { peer, pc, log, replies } = start();
    pc.become('connected', 'connected');
    await pass(pc, 5, { packets: 50 });
    await pass(pc, 2);
    assert.equal(pc.offers.length, 0);
    await pass(pc, 1);
    mock.timers.tick(0);
    await settle();
    assert.deepEqual(pc.offers, [{ iceRestart: true }]);
    assert.equal(peer.state, 'disconnected');
    replies[0].resolve();
    await pass(pc, 1, { packets: 50 });
    assert.equal(peer.state, 'connected');
    await pass(pc, 60, { packets: 50 });
    assert.equal(pc.offers.length, 1);
    assert.deepEqual(log.filter((entry) => entry.startsWith('state')), ['state connected', 'state disconnected', 'state connected']);
  });

  it('restarts ICE sooner where the browser doubts the path too, and dies when nothing helps', async () => {
    const { pc, log, replies } = start();
    pc.become('connected', 'connected');
    await pass(pc, 3, { packets: 50 });
    await pass(pc, 2);
    pc.become('disconnected', 'disconnected');
    await pass(pc, 1);
    mock.timers.tick(0);
    await settle();
    assert.equal(pc.offers.length, 1);
    for (let i = 0; i < 30; i++) {
      for (const reply of replies) reply.resolve();
      await pass(pc, 1);
    }
    assert.equal(pc.offers.length, 3);
    assert.ok(log.includes('dead'));
  });

  it('takes a server with nothing to say for no dead path', async () => {
    const { pc } = start();
    pc.become('connected', 'connected');
    for (let i = 0; i < 20; i++) {
      await pass(pc, 2);
      await pass(pc, 1, { checks: 1 });
    }
    assert.equal(pc.offers.length, 0);
  });

  it('looks for a path on a new network at once, as often as there is one', async () => {
    const { peer, pc, log, replies } = start();
    pc.become('connected', 'connected');
    for (let i = 1; i <= 5; i++) {
      peer.restart();
      await settle();
      assert.equal(pc.offers.length, i);
      replies[i - 1].resolve();
      await pass(pc, 10, { packets: 50 });
    }
    assert.ok(pc.offers.every(({ iceRestart }) => iceRestart));
    assert.deepEqual(log.filter((entry) => entry.startsWith('state') || entry === 'dead'), ['state connected']);
  });

  it('is dead when the path is there and the keys are not', () => {
    const { pc, log } = start();
    pc.become('failed', 'connected');
    assert.deepEqual(log, ['dead']);
  });

  it('is quiet after it was closed', async () => {
    const { peer, pc } = start();
    pc.become('failed', 'failed');
    peer.close();
    mock.timers.tick(60_000);
    await settle();
    assert.equal(pc.offers.length, 0);
  });

  it('sends the picture no larger than it is shown, and goes on as before when that is asked for', async () => {
    const { peer, pc } = start({ audio: null, video: camera(640, 360) });
    const { sender } = pc.sections[1];
    await peer.setTrack('video', camera(640, 360), 900_000);
    await peer.limitVideo(tile(320, 180));
    assert.deepEqual(sender.encodings, [{ active: true, scaleResolutionDownBy: 2, maxFramerate: 30, maxBitrate: 300_000 }]);
    await peer.setTrack('video', camera(1280, 720));
    assert.equal(sender.encodings[0].scaleResolutionDownBy, 4, 'another camera under the same limit');
    await peer.limitVideo({ maxWidth: 0, maxHeight: 0, maxFramerate: 0, maxBitrate: 0 });
    assert.equal(sender.encodings[0].active, false);
    await peer.limitVideo({ ...tile(1280, 720), maxBitrate: 1_500_000 });
    assert.equal(sender.encodings[0].active, true);
    assert.equal(sender.encodings[0].scaleResolutionDownBy, 1);
    assert.equal(sender.encodings[0].maxBitrate, 900_000, 'the user\'s own limit holds');
  });

  it('keeps to the latest limit when they come faster than the browser takes them', async () => {
    const { peer, pc } = start({ audio: null, video: camera(640, 360) });
    const { sender } = pc.sections[1];
    let refused = false;
    sender.setParameters = async ({ encodings }) => {
      await Promise.resolve();
      if (!refused) {
        refused = true;
        throw new Error('busy');
      }
      sender.encodings = encodings;
    };
    peer.limitVideo(tile(64, 36));
    peer.limitVideo(tile(128, 72));
    await peer.limitVideo(tile(160, 90));
    assert.equal(sender.encodings[0].scaleResolutionDownBy, 4);
  });

  it('sends the picture again after all, though the browser refused that at first', async () => {
    const { peer, pc } = start({ audio: null, video: camera(640, 360) });
    const { sender } = pc.sections[1];
    const accept = sender.setParameters;
    await peer.limitVideo(tile(0, 0));
    assert.equal(sender.encodings[0].active, false);
    sender.setParameters = async () => { throw new Error('changed by a negotiation'); };
    await peer.limitVideo(tile(320, 180));
    mock.timers.tick(1000);
    await settle();
    sender.setParameters = accept;
    assert.equal(sender.encodings[0].active, false);
    mock.timers.tick(1000);
    await settle();
    assert.equal(sender.encodings[0].active, true);
    assert.equal(sender.encodings[0].scaleResolutionDownBy, 2);
  });

  it('asks nothing of a browser any more that refuses after the end', async () => {
    const { peer, pc } = start({ audio: null, video: camera(640, 360) });
    let asked = 0;
    pc.sections[1].sender.setParameters = async () => {
      asked += 1;
      throw new Error('closed');
    };
    await peer.limitVideo(tile(320, 180));
    const late = peer.limitVideo(tile(160, 90));
    peer.close();
    await late;
    mock.timers.tick(60_000);
    await settle();
    assert.equal(asked, 2);
  });

  it('limits the picture after the answer where there was nothing to set before', async () => {
    const { peer, pc, replies } = start({ audio: null, video: camera(640, 360) });
    const { sender } = pc.sections[1];
    sender.encodings = [];
    await peer.limitVideo(tile(320, 180));
    assert.deepEqual(sender.encodings, []);
    const done = peer.negotiate();
    await settle();
    sender.encodings = [{}];
    replies[0].resolve();
    await done;
    await settle();
    assert.equal(sender.encodings[0].scaleResolutionDownBy, 2);
  });
});

describe('how a track is encoded', () => {
  const scaleOf = (track, limit) => encodingOf(track, undefined, limit).scaleResolutionDownBy;

  it('fills the tile where the mixer cuts, and fits into it where the mixer shows all', () => {
    assert.equal(scaleOf(camera(640, 400), tile(320, 180)), 2, 'a little high: cut to fill');
    assert.equal(scaleOf(camera(640, 480), tile(320, 180)), 480 / 180, 'four thirds: whole, with bars');
    assert.equal(scaleOf(camera(360, 640), tile(320, 180)), 640 / 180, 'upright: whole, with bars');
    assert.equal(scaleOf(camera(160, 90), tile(320, 180)), 1, 'never enlarged');
    assert.equal(scaleOf(null, tile(320, 180)), 1);
    assert.equal(scaleOf({ kind: 'video', getSettings: () => ({}) }, tile(320, 180)), 1);
  });

  it('is left alone without limits', () => {
    assert.deepEqual(encodingOf(camera(640, 360), undefined, null), { active: true, scaleResolutionDownBy: 1 });
    assert.deepEqual(encodingOf(null, 900_000, null), { active: true, scaleResolutionDownBy: 1, maxBitrate: 900_000 });
  });
});
