import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';

const world = new EventTarget();
globalThis.addEventListener = (...args) => world.addEventListener(...args);
const connection = Object.assign(new EventTarget(), { type: 'wifi' });
Object.defineProperty(globalThis, 'navigator', { value: { connection }, configurable: true });
const { arrivals, watchNetwork } = await import('../../web/network.js');

describe('what arrives', () => {
  it('is media and checks, whatever the browser counts of them', () => {
    const report = (...stats) => new Map(stats.map((stat, i) => [i, stat]));
    assert.equal(arrivals(report()), 0);
    assert.equal(arrivals(report({ type: 'inbound-rtp', packetsReceived: 5 }, { type: 'inbound-rtp' }, { type: 'outbound-rtp', packetsSent: 9 },
      { type: 'candidate-pair', bytesReceived: 100, responsesReceived: 2 }, { type: 'candidate-pair', requestsReceived: 3 })), 110);
  });
});

describe('the network', () => {
  let now = 0;
  let told;
  let stop;
  const say = (target, type) => target.dispatchEvent(new Event(type));

  beforeEach(() => {
    mock.method(performance, 'now', () => now);
    told = [];
    stop = new AbortController();
    connection.type = 'wifi';
    watchNetwork((network) => told.push(network), stop.signal);
  });
  afterEach(() => {
    stop.abort();
    mock.restoreAll();
    now += 60_000;
  });

  it('is gone, and there again', () => {
    say(world, 'offline');
    say(world, 'online');
    assert.deepEqual(told, ['offline', 'online']);
  });

  it('is another one: told once, however many events say so', () => {
    connection.type = 'cellular';
    say(connection, 'change');
    now += 200;
    say(world, 'online');
    assert.deepEqual(told, ['online']);
    now += 5000;
    connection.type = 'wifi';
    say(connection, 'change');
    assert.deepEqual(told, ['online', 'online']);
  });

  it('is the same one when only its speed is judged anew, and none at all is no other', () => {
    say(connection, 'change');
    connection.type = 'none';
    say(connection, 'change');
    assert.deepEqual(told, []);
  });

  it('is of no interest after the end', () => {
    stop.abort();
    connection.type = 'cellular';
    say(connection, 'change');
    say(world, 'online');
    say(world, 'offline');
    assert.deepEqual(told, []);
  });
});
