import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { FakeConnection, settle } from './fakes.mjs';

const world = new EventTarget();
globalThis.addEventListener = (...args) => world.addEventListener(...args);
globalThis.RTCPeerConnection = FakeConnection;
globalThis.MediaStream = class { addTrack() {} };
globalThis.WebSocket = class {
  static all = [];
  sent = [];

  constructor() { WebSocket.all.push(this); }

  send(text) { this.sent.push(JSON.parse(text)); }

  close() { this.isClosed = true; }
};
const { Call } = await import('../../web/call.js');

const socket = () => WebSocket.all.at(-1);
const say = (message) => socket().onmessage({ data: JSON.stringify(message) });
const line = (text, time, participant = 'p2') => ({ type: 'chat', participant, name: participant, text, time });
const offers = () => socket().sent.filter(({ type }) => type === 'offer');

/* The server's part of joining: as this participant, in a new connection or the one there is. */
async function letIn(participant) {
  socket().onopen();
  const { id } = socket().sent.at(-1);
  say({ type: 'joined', id, room: 'x', participant, resume: `of ${participant}`, iceServers: [] });
  await settle();
}

async function answer() {
  say({ type: 'answer', sdp: 'answer', id: offers().at(-1).id });
  await settle();
}

async function join() {
  const call = new Call({ url: 'http://h/', room: 'x', name: 'Ada' });
  const events = [];
  for (const type of ['chat', 'rung', 'quality', 'health', 'joined', 'outputs']) call.addEventListener(type, ({ detail }) => events.push([type, detail]));
  const joined = call.start();
  await letIn('p1');
  await answer();
  await joined;
  FakeConnection.last.become('connected', 'connected');
  return { call, heard: (type) => events.filter(([one]) => one === type).map(([, detail]) => detail) };
}

describe('call', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  const comeBackAs = async (participant) => {
    socket().onclose({ code: 1006 });
    mock.timers.tick(5000);
    await letIn(participant);
  };

  it('keeps what was said, asks for what it missed, and tells each line once and in order', async () => {
    const { call, heard } = await join();
    say(line('one', 1000));
    say(line('two', 1001, 'p1'));
    await comeBackAs('p1');
    const again = socket().sent[0];
    assert.deepEqual([again.resume, again.chatAfter], ['of p1', 1001]);
    /* A server that knows no chatAfter tells all of it. */
    for (const missed of [line('one', 1000), line('two', 1001, 'p1'), line('three', 1002), line('three', 1003)]) say(missed);
    assert.deepEqual(heard('chat').map(({ text, own }) => [text, own]), [['one', false], ['two', true], ['three', false], ['three', false]]);
    assert.deepEqual(call.chatLines.map(({ time }) => time), [1000, 1001, 1002, 1003]);
    call.leave();
  });

  it('does not repeat the history to who had to join anew', async () => {
    const { call, heard } = await join();
    say(line('mine', 1000, 'p1'));
    await comeBackAs('p9');
    for (const told of [line('mine', 1000, 'p1'), line('meanwhile', 1500)]) say(told);
    assert.deepEqual(heard('chat').map(({ text, own }) => [text, own]), [['mine', true], ['meanwhile', false]]);
    call.leave();
  });

  it('says what the picture is and why, and how good connections are', async () => {
    const { call, heard } = await join();
    const rung = { type: 'rung', kind: 'audio', width: 0, height: 0, framerate: 0, bitrate: 0, codec: 'VP8', reason: 'bandwidth', available: 90_000 };
    say(rung);
    assert.deepEqual(call.rung, rung);
    assert.equal(heard('rung').length, 1);
    say({ type: 'participants', list: [{ id: 'p2', name: 'Bob', quality: 'good' }] });
    say({ type: 'participant', id: 'p2', name: 'Bob', quality: 'good', hand: true });
    say({ type: 'participant', id: 'p2', name: 'Bob', quality: 'bad', hand: true });
    assert.deepEqual(heard('quality'), [{ participant: 'p2', quality: 'bad' }]);
    assert.equal(call.roster.get('p2').quality, 'bad');
    call.leave();
  });

  it('says whether the room is recorded and sent out', async () => {
    const { call, heard } = await join();
    assert.deepEqual(call.outputs, { recording: false, live: false });
    say({ type: 'outputs', recording: true, live: false });
    assert.deepEqual(call.outputs, { recording: true, live: false });
    say({ type: 'outputs', recording: false, live: true });
    assert.deepEqual(heard('outputs'), [{ recording: true, live: false }, { recording: false, live: true }]);
    call.leave();
  });

  it('knows what the connection carries, from the server or from what it said last', async () => {
    const { call } = await join();
    const ask = async (down) => {
      const asked = call.getServerLink();
      say({ type: 'link', id: socket().sent.at(-1).id, down });
      return asked;
    };
    assert.deepEqual(await ask({ loss: 0.1, roundTrip: 40 }), { loss: 0.1, roundTrip: 40, available: undefined });
    say({ type: 'rung', kind: 'video', reason: 'loss', available: 300_000 });
    assert.equal((await ask({})).available, 300_000);
    assert.equal((await ask({ measured: false, estimate: 1_000_000 })).available, 300_000, 'a belief is no measurement');
    assert.equal((await ask({ measured: true, estimate: 280_000 })).available, 280_000);
    call.leave();
  });

  it('takes a new network at once: another socket, the same place, a new path', async () => {
    const { call, heard } = await join();
    const [before, pc] = [socket(), FakeConnection.last];
    world.dispatchEvent(new Event('offline'));
    assert.equal(call.health.network, 'offline');
    world.dispatchEvent(new Event('online'));
    assert.ok(before.isClosed);
    assert.notEqual(socket(), before);
    await settle();
    await letIn('p1');
    assert.equal(socket().sent[0].resume, 'of p1');
    assert.equal(offers().length, 1);
    assert.equal(pc.offers.at(-1).iceRestart, true);
    await answer();
    assert.equal(FakeConnection.last, pc);
    assert.deepEqual(heard('joined'), [{ participant: 'p1' }]);
    assert.equal(call.health.network, 'online');
    call.leave();
  });

  it('makes a new connection when restarts do not help', async () => {
    const { call, heard } = await join();
    const pc = FakeConnection.last;
    pc.become('failed', 'failed');
    const before = socket();
    for (let i = 0; i < 10 && socket() === before; i++) {
      mock.timers.tick(6000);
      await settle();
      if (socket() === before) await answer();
    }
    assert.equal(pc.offers.length, 4);
    assert.equal(before.sent.at(-1).type, 'leave');
    await letIn('p7');
    assert.notEqual(FakeConnection.last, pc);
    await answer();
    assert.equal(heard('joined').at(-1).participant, 'p7');
    call.leave();
  });
});
