import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MixroomError, Signalling, backoffMs, socketUrl } from '../../web/signalling.js';

/* A world with a clock of its own: nothing here waits for real. */
class World {
  sockets = [];
  clock = 0;
  #timers = new Map();
  #serial = 0;

  constructor() {
    const world = this;
    this.env = {
      now: () => world.clock,
      random: () => 1,
      setTimeout: (f, ms) => {
        world.#timers.set(++world.#serial, { f, at: world.clock + ms });
        return world.#serial;
      },
      clearTimeout: (timer) => world.#timers.delete(timer),
      WebSocket: class {
        sent = [];
        closed = false;
        constructor(url, protocols) {
          Object.assign(this, { url, protocols });
          world.sockets.push(this);
        }
        send(text) { this.sent.push(JSON.parse(text)); }
        close() { this.closed = true; }
      },
    };
  }

  get socket() { return this.sockets.at(-1); }

  say(message, socket = this.socket) { socket.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) }); }

  advance(ms) {
    const end = this.clock + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.clock = due[1].at;
      due[1].f();
    }
    this.clock = end;
  }

  join({ participant = 'p1', resume = 'r1' } = {}) {
    this.socket.onopen();
    const join = this.socket.sent.at(-1);
    this.say({ type: 'joined', id: join.id, room: 'x', participant, resume, iceServers: [] });
    return join;
  }

  open(identity = { room: 'x', name: 'Ada' }) {
    const signalling = new Signalling('ws://h/ws', identity, this.env);
    const events = [];
    for (const type of ['joined', 'message', 'away', 'gone']) signalling.addEventListener(type, ({ detail }) => events.push([type, detail]));
    signalling.open();
    return { signalling, events, types: () => events.map(([type]) => type) };
  }
}

describe('addresses and waits', () => {
  it('finds the socket beside the page', () => {
    assert.equal(socketUrl('https://example.org/'), 'wss://example.org/ws');
    assert.equal(socketUrl('http://127.0.0.1:8080/call/index.html?room=x#y'), 'ws://127.0.0.1:8080/call/ws');
    assert.equal(socketUrl('wss://example.org/'), 'wss://example.org/ws');
  });

  it('backs off by chance and within bounds', () => {
    assert.equal(backoffMs(0, () => 0), 250);
    assert.equal(backoffMs(0, () => 1), 500);
    assert.equal(backoffMs(2, () => 1), 2000);
    assert.equal(backoffMs(1000, () => 1), 5000);
  });
});

describe('joining', () => {
  it('sends the identity with the subprotocol and resolves requests by id', async () => {
    const world = new World();
    const { signalling, types } = world.open({ room: 'x', name: 'Ada', token: 't' });
    assert.deepEqual(world.socket.protocols, ['mixroom.v1']);
    const { id, ...join } = world.join();
    assert.deepEqual(join, { type: 'join', room: 'x', name: 'Ada', token: 't' });
    assert.equal(typeof id, 'string');
    assert.deepEqual(types(), ['joined']);
    const first = signalling.request({ type: 'offer', sdp: 'a' });
    const second = signalling.request({ type: 'offer', sdp: 'b' });
    const [one, two] = world.socket.sent.slice(-2);
    world.say({ type: 'answer', sdp: 'B', id: two.id });
    world.say({ type: 'error', code: 'busy', detail: 'wait', id: one.id });
    assert.equal((await second).sdp, 'B');
    await assert.rejects(first, (error) => error instanceof MixroomError && error.code === 'busy' && error.detail === 'wait');
  });

  it('ends at once when the first attempt fails, and tries no more', () => {
    for (const fail of [(w) => w.socket.onclose(), (w) => w.advance(10_000), (w) => {
      w.socket.onopen();
      w.say({ type: 'error', id: w.socket.sent[0].id, code: 'room-full' });
    }]) {
      const world = new World();
      const { types } = world.open();
      fail(world);
      world.advance(60_000);
      assert.deepEqual(types(), ['gone']);
      assert.equal(world.sockets.length, 1);
      assert.ok(world.socket.closed);
    }
  });

  it('survives what is no message', () => {
    const world = new World();
    const { types } = world.open();
    world.join();
    for (const junk of ['', '{', 'null', '3', '"x"', '[]']) world.say(junk);
    assert.deepEqual(types(), ['joined', 'message']);
  });

  it('takes a second `joined` for nothing', () => {
    const world = new World();
    const { types } = world.open();
    world.join();
    world.say({ type: 'joined', participant: 'p9', resume: 'r9' });
    assert.deepEqual(types(), ['joined']);
  });
});

describe('losing the connection', () => {
  it('resumes, and says what waited', () => {
    const world = new World();
    const { signalling, events } = world.open();
    world.join();
    world.socket.onclose();
    signalling.send({ type: 'chat', text: 'meanwhile' });
    signalling.chatAfter = 1700;
    assert.equal(world.sockets.length, 1);
    world.advance(500);
    assert.equal(world.sockets.length, 2);
    const join = world.join();
    assert.equal(join.resume, 'r1');
    assert.equal(join.chatAfter, 1700);
    assert.equal(events.at(-1)[1].resumed, true);
    assert.deepEqual(world.socket.sent.at(-1), { type: 'chat', text: 'meanwhile' });
  });

  it('joins as somebody new when the place is gone, without the old candidates', () => {
    const world = new World();
    const { signalling, events } = world.open();
    world.join();
    world.socket.onclose();
    signalling.send({ type: 'candidate', candidate: 'c', sdpMid: '0' });
    signalling.send({ type: 'chat', text: 'still here' });
    world.advance(500);
    world.socket.onopen();
    world.say({ type: 'error', id: world.socket.sent.at(-1).id, code: 'not-found' });
    const again = world.socket.sent.at(-1);
    assert.equal(again.resume, undefined);
    assert.equal(again.chatAfter, undefined);
    world.say({ type: 'joined', id: again.id, participant: 'p2', resume: 'r2' });
    assert.equal(events.at(-1)[1].resumed, false);
    assert.deepEqual(world.socket.sent.slice(2), [{ type: 'chat', text: 'still here' }]);
  });

  it('believes the participant, not its own hope, that it was resumed', () => {
    const world = new World();
    const { events } = world.open();
    world.join();
    world.socket.onclose();
    world.advance(500);
    world.join({ participant: 'p2', resume: 'r2' });
    assert.equal(events.at(-1)[1].resumed, false);
  });

  it('keeps the resume token while the server is draining or busy', () => {
    for (const code of ['draining', 'rate-limited']) {
      const world = new World();
      const { types } = world.open();
      world.join();
      world.socket.onclose();
      world.advance(500);
      world.socket.onopen();
      world.say({ type: 'error', id: world.socket.sent.at(-1).id, code });
      world.advance(5000);
      world.socket.onopen();
      assert.equal(world.socket.sent.at(-1).resume, 'r1');
      assert.ok(!types().includes('gone'));
    }
  });

  it('gives up when the invitation is refused', () => {
    const world = new World();
    const { events } = world.open();
    world.join();
    world.socket.onclose();
    world.advance(500);
    world.socket.onopen();
    world.say({ type: 'error', id: world.socket.sent.at(-1).id, code: 'unauthorized' });
    assert.deepEqual([events.at(-1)[0], events.at(-1)[1].error.code], ['gone', 'unauthorized']);
  });

  it('fails what was asked, and drops a socket that no longer answers', async () => {
    const world = new World();
    const { signalling } = world.open();
    world.join();
    const asked = signalling.request({ type: 'offer', sdp: '' });
    const before = world.socket;
    world.advance(8000);
    await assert.rejects(asked, { code: 'timeout' });
    assert.ok(before.closed);
    assert.equal(world.sockets.length, 2);
    await assert.rejects(signalling.request({ type: 'offer', sdp: '' }), { code: 'away' });
  });

  it('keeps a bounded number of messages, the newest', () => {
    const world = new World();
    const { signalling } = world.open();
    world.join();
    world.socket.onclose();
    for (let i = 0; i < 200; i++) signalling.send({ type: 'chat', text: String(i) });
    world.advance(500);
    world.join();
    const chats = world.socket.sent.filter(({ type }) => type === 'chat');
    assert.equal(chats.length, 64);
    assert.equal(chats.at(-1).text, '199');
  });

  it('hears nothing from a socket that was replaced', () => {
    const world = new World();
    const { signalling, types } = world.open();
    world.join();
    const old = world.socket;
    signalling.reconnect();
    assert.equal(old.onmessage, null);
    world.join();
    assert.deepEqual(types(), ['joined', 'away', 'joined']);
  });
});

describe('closing', () => {
  it('comes back when the server asked for, counted from when it asked', () => {
    const world = new World();
    world.open();
    world.join();
    world.say({ type: 'closing', reason: 'draining', reconnectIn: 4000 });
    world.advance(1000);
    world.socket.onclose();
    world.advance(3999);
    assert.equal(world.sockets.length, 1);
    world.advance(1);
    assert.equal(world.sockets.length, 2);
  });

  it('leaves a server that does not hang up, when its time has come', () => {
    const world = new World();
    world.open();
    world.join();
    const old = world.socket;
    world.say({ type: 'closing', reason: 'draining', reconnectIn: 4000 });
    world.advance(5000);
    assert.deepEqual(old.sent.at(-1), { type: 'leave' });
    assert.equal(world.sockets.length, 2);
    assert.equal(world.join().resume, undefined);
  });

  it('does not fight another connection for the place', () => {
    const world = new World();
    const { events } = world.open();
    world.join();
    world.say({ type: 'closing', reason: 'another window took over' });
    world.socket.onclose({ code: 4001, reason: 'another window took over' });
    world.advance(60_000);
    assert.equal(events.at(-1)[1].error.code, 'elsewhere');
    assert.equal(world.sockets.length, 1);
  });

  it('joins anew after being removed', () => {
    const world = new World();
    world.open();
    world.join();
    world.say({ type: 'closing', reason: 'media lost' });
    world.socket.onclose();
    world.advance(500);
    assert.equal(world.join().resume, undefined);
  });

  it('says goodbye once, and nothing afterwards', () => {
    const world = new World();
    const { signalling, types } = world.open();
    world.join();
    signalling.close();
    signalling.close();
    signalling.send({ type: 'chat', text: 'late' });
    signalling.reconnect();
    signalling.startOver();
    world.advance(60_000);
    assert.deepEqual(world.socket.sent.slice(1), [{ type: 'leave' }]);
    assert.equal(world.sockets.length, 1);
    assert.deepEqual(types(), ['joined']);
  });
});
