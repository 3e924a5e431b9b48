import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { Poll } from '../../web/poll.js';
import { Rest, pathOf } from '../../web/rest.js';
import { settle } from './fakes.mjs';

const answer = (status, body) => new Response(body === undefined ? null : JSON.stringify(body), { status });

describe('requests', () => {
  afterEach(() => mock.restoreAll());

  it('carry the token, JSON and escaped names', async () => {
    const fetched = mock.method(globalThis, 'fetch', async () => answer(201, { id: 'x' }));
    const rest = new Rest({ url: 'https://host/sub/', token: 'abc' });
    assert.deepEqual(await rest.post(pathOf('rooms', 'a/b ?', 'outputs'), { type: 'hls' }), { id: 'x' });
    const [url, options] = fetched.mock.calls[0].arguments;
    assert.equal(url.href, 'https://host/sub/api/v1/rooms/a%2Fb%20%3F/outputs');
    assert.deepEqual([options.method, options.body, options.headers.Authorization, options.headers['Content-Type']],
      ['POST', '{"type":"hls"}', 'Bearer abc', 'application/json']);
    assert.equal(rest.address(pathOf('recordings', '1', 'media'), { download: '1' }), 'https://host/sub/api/v1/recordings/1/media?download=1&access_token=abc');
    assert.equal(new Rest({ url: 'https://host/' }).address('recordings/1/poster'), 'https://host/api/v1/recordings/1/poster');
  });

  it('that are refused say why', async () => {
    const rest = new Rest({ url: 'https://host/' });
    mock.method(globalThis, 'fetch', async () => answer(403, { type: '/problems/output-off', detail: 'set it' }));
    await assert.rejects(rest.get('x'), { name: 'RestError', status: 403, type: 'output-off', detail: 'set it' });
    mock.method(globalThis, 'fetch', async () => new Response('<html>', { status: 502 }));
    await assert.rejects(rest.remove('x'), { status: 502, type: '' });
    mock.method(globalThis, 'fetch', async () => { throw new TypeError('Failed to fetch'); });
    await assert.rejects(rest.patch('x', {}), { status: 0, type: 'unreachable' });
    mock.method(globalThis, 'fetch', async () => new Response(null, { status: 204 }));
    assert.equal(await rest.remove('x'), null);
  });
});

describe('asking again and again', () => {
  afterEach(() => {
    mock.timers.reset();
    delete globalThis.document;
  });

  const watch = async (job, { hidden = false } = {}) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const page = Object.assign(new EventTarget(), { hidden });
    globalThis.document = page;
    const poll = new Poll(job, 1000);
    poll.start();
    await settle();
    return { poll, page, pass: async (ms) => { mock.timers.tick(ms); await settle(); } };
  };

  it('is at once, then after the interval, until stopped', async () => {
    const job = mock.fn(async () => {});
    const { poll, pass } = await watch(job);
    assert.equal(job.mock.callCount(), 1);
    await pass(999);
    assert.equal(job.mock.callCount(), 1);
    await pass(1);
    assert.equal(job.mock.callCount(), 2);
    poll.stop();
    await pass(5000);
    await poll.now();
    assert.equal(job.mock.callCount(), 2);
  });

  it('waits longer where nothing comes of it', async () => {
    const job = mock.fn(async () => { throw new Error('no'); });
    const { pass } = await watch(job);
    await pass(1999);
    assert.equal(job.mock.callCount(), 1);
    await pass(1);
    assert.equal(job.mock.callCount(), 2);
    await pass(3999);
    assert.equal(job.mock.callCount(), 2);
  });

  it('rests while nobody looks', async () => {
    const job = mock.fn(async () => {});
    const { page, pass } = await watch(job);
    page.hidden = true;
    await pass(10_000);
    assert.equal(job.mock.callCount(), 1);
    page.hidden = false;
    page.dispatchEvent(new Event('visibilitychange'));
    await settle();
    assert.equal(job.mock.callCount(), 2);
  });

  it('is one at a time, and once more after what was changed meanwhile', async () => {
    const waiting = [];
    const job = mock.fn(() => new Promise((resolve) => { waiting.push(resolve); }));
    const { poll } = await watch(job);
    poll.now();
    poll.now();
    assert.equal(job.mock.callCount(), 1);
    waiting.shift()();
    await settle();
    assert.equal(job.mock.callCount(), 2);
    waiting.shift()();
    await settle();
    assert.equal(job.mock.callCount(), 2);
  });
});
