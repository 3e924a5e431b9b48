import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { nextSegment, parsePlaylist, typeOf } from '../../web/fragments.js';
import { chooseWay } from '../../web/watch.js';
import { Viewing, fragmentOf, iceServersOf } from '../../web/whep.js';
import { FakeConnection, settle } from './fakes.mjs';

const LIVE = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T09:00:00.000Z
#EXTINF:2.000,
00007.m4s
#EXTINF:2.000,
00008.m4s
#EXTINF:1.500,
00009.m4s
#EXTINF:2.000,
00010.m4s
`;

describe('a playlist', () => {
  const address = 'https://host/hls/x/index.m3u8';
  it('names its segments with their times', () => {
    const { map, segments, isOver, targetDuration } = parsePlaylist(LIVE, address);
    assert.deepEqual([map, isOver, targetDuration], ['https://host/hls/x/init.mp4', false, 2]);
    assert.deepEqual(segments.map(({ sequence, start, duration }) => [sequence, start, duration]), [[7, 0, 2], [8, 2, 2], [9, 4, 1.5], [10, 5.5, 2]]);
    assert.equal(segments[3].address, 'https://host/hls/x/00010.m4s');
    assert.equal(parsePlaylist(`${LIVE}#EXT-X-ENDLIST\r\n`, address).isOver, true);
    assert.equal(parsePlaylist('#EXTM3U\r\n#EXTINF:2,\r\n1.ts\r\n', address).map, null);
    assert.throws(() => parsePlaylist('<html>', address), /no playlist/);
  });

  it('is played near its end while live, from its beginning when over, and on from there', () => {
    const live = parsePlaylist(LIVE, address);
    assert.equal(nextSegment(live, null).sequence, 8);
    assert.equal(nextSegment({ ...live, isOver: true }, null).sequence, 7);
    assert.equal(nextSegment(live, 8).sequence, 9);
    assert.equal(nextSegment(live, 10), null);
    assert.equal(nextSegment(live, 3).sequence, 7, 'what has left the window is left out');
    assert.equal(nextSegment({ segments: [], isOver: false }, null), null);
  });

  it('has segments whose codecs are read, not guessed', () => {
    const bytes = (text, ...more) => new Uint8Array([...[...text].map((c) => c.charCodeAt(0)), ...more]);
    assert.equal(typeOf(bytes('....avcC', 1, 0x42, 0xc0, 0x1f, 255)), 'video/mp4; codecs="avc1.42C01F"');
    assert.equal(typeOf(bytes('mp4a..avcC', 1, 0x4d, 0x40, 0x1f)), 'video/mp4; codecs="avc1.4D401F,mp4a.40.2"');
    assert.equal(typeOf(bytes('Opus')), 'video/mp4; codecs="opus"');
  });
});

describe('the way to watch', () => {
  const choose = (query, { playsHls = false, playsFragments = false } = {}) => chooseWay(new URLSearchParams(query), { origin: 'https://host', playsHls, playsFragments });
  it('is HLS where the browser plays it or its pieces, else live', () => {
    const both = 'room=a&hls=/hls/1/index.m3u8';
    assert.deepEqual(choose(both, { playsHls: true, playsFragments: true }), { way: 'hls', address: 'https://host/hls/1/index.m3u8' });
    assert.deepEqual(choose(both, { playsFragments: true }), { way: 'fragments', address: 'https://host/hls/1/index.m3u8' });
    assert.deepEqual(choose(both), { way: 'whep', room: 'a', note: 'watching.noHls' });
    assert.deepEqual(choose('room=a', { playsHls: true }), { way: 'whep', room: 'a', note: null });
    assert.deepEqual(choose('hls=/x'), { note: 'watching.noHlsAtAll' });
    assert.deepEqual(choose(''), { note: 'watching.nothing' });
  });

  it('never leads to another server', () => {
    for (const address of ['https://evil/x.m3u8', '//evil/x.m3u8', 'javascript:alert(1)', 'data:text/plain,x', '\\\\evil\\x']) {
      assert.deepEqual(choose(new URLSearchParams({ room: 'a', hls: address }), { playsHls: true, playsFragments: true }), { note: 'watching.nothing' }, address);
    }
  });
});

describe('a viewer by WHEP', () => {
  const SDP = 'v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\nm=audio 9 X\r\na=mid:0\r\nm=video 9 X\r\na=mid:1\r\n';
  let calls;
  let reply;

  class Connection extends FakeConnection {
    async createOffer() { return { type: 'offer', sdp: SDP }; }
    setConfiguration(configuration) { this.configuration = configuration; }
  }

  beforeEach(() => {
    calls = [];
    globalThis.RTCPeerConnection = Connection;
    globalThis.MediaStream = class { tracks = []; addTrack(track) { this.tracks.push(track); } };
    reply = () => new Response('answer', { status: 201, headers: { Location: '/whep/a/1', ETag: '"e"',
      Link: '<stun:host:3478>; rel="ice-server", <turn:host:3478?transport=udp>; rel="ice-server"; username="u"; credential="p,;q"; credential-type="password"' } });
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(globalThis, 'fetch', async (url, options) => {
      calls.push({ method: options.method, path: new URL(url).pathname, ...options });
      const response = options.method === 'POST' ? reply() : new Response(null, { status: 204 });
      Object.defineProperty(response, 'url', { value: String(url) });
      return response;
    });
  });

  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
    delete globalThis.RTCPeerConnection;
    delete globalThis.MediaStream;
  });

  const begin = async () => {
    const viewing = new Viewing({ url: 'https://host/', room: 'a b', token: 't' });
    const states = [];
    viewing.addEventListener('state', () => states.push(viewing.state));
    viewing.start();
    await settle();
    return { viewing, states };
  };

  it('offers, gathers with the servers it is told of, trickles, and leaves', async () => {
    const { viewing, states } = await begin();
    assert.deepEqual(calls[0] && [calls[0].method, calls[0].path, calls[0].headers.Authorization], ['POST', '/whep/a%20b', 'Bearer t']);
    assert.deepEqual(Connection.last.configuration.iceServers,
      [{ urls: 'stun:host:3478' }, { urls: 'turn:host:3478?transport=udp', username: 'u', credential: 'p,;q' }]);
    assert.equal(Connection.last.remoteDescription.sdp, 'answer');
    mock.timers.tick(60);
    assert.deepEqual([calls[1].method, calls[1].path, calls[1].headers['If-Match']], ['PATCH', '/whep/a/1', '"e"']);
    assert.match(calls[1].body, /^a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\nm=audio .*\r\na=mid:0\r\na=candidate of /);
    Connection.last.oniceconnectionstatechange = () => {};
    Connection.last.become('connected', 'connected');
    assert.deepEqual(states, ['live']);
    viewing.stop();
    assert.deepEqual([calls.at(-1).method, calls.at(-1).path], ['DELETE', '/whep/a/1']);
    assert.equal(Connection.last.signalingState, 'closed');
  });

  it('comes back after refusals and lost connections, at growing intervals', async () => {
    reply = () => Response.json({ type: '/problems/room-full', detail: 'full' }, { status: 503 });
    const { viewing, states } = await begin();
    assert.deepEqual([states, viewing.error.type], [['waiting'], 'room-full']);
    mock.timers.tick(1000);
    await settle();
    assert.equal(calls.length, 2);
    mock.timers.tick(1999);
    await settle();
    assert.equal(calls.length, 2);
    viewing.stop();
    mock.timers.tick(20_000);
    await settle();
    assert.equal(calls.length, 2);
  });

  it('reads Link headers and writes fragments as others do', () => {
    assert.deepEqual(iceServersOf(null), []);
    assert.deepEqual(iceServersOf('</x>; rel="urn:other", <stun:a>; rel=ice-server'), [{ urls: 'stun:a' }]);
    assert.match(fragmentOf(SDP, [], true), /a=mid:0\r\na=end-of-candidates\r\n$/);
  });
});
