/* Plain WHIP and WHEP with fetch() and RTCPeerConnection: nothing of ours runs in the browser. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';
import { definePlainClient } from './fixture/plain-client.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await Person.arrive('green', { bypassCSP: true });
  await browser.page.goto(`${server.url}healthz`);
  await browser.page.evaluate(definePlainClient);
});

after(async () => {
  await browser?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
});

const received = (client) => browser.page.evaluate((name) => globalThis[name].received(), client);

/* Frames and sound grow. */
async function plays(client, least = 10) {
  const earlier = await received(client);
  for (let i = 0; i < 100; i += 1) {
    await pause(100);
    const now = await received(client);
    if (now.frames >= earlier.frames + least && now.energy > earlier.energy) return now;
  }
  assert.fail(`${client} gets nothing: ${JSON.stringify([earlier, await received(client)])}`);
}

async function participants() {
  const response = await fetch(`${server.url}api/v1/rooms/plain`);
  return response.ok ? (await response.json()).participants : [];
}

test('WHIP with sendrecv brings the mix back in the same connection', async () => {
  const joined = await browser.page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    globalThis.caller = await PlainClient.start('/whip/plain?name=Plain', stream);
    const { status, type, candidatesInOffer } = globalThis.caller;
    return { status, type, candidatesInOffer, trickled: await globalThis.caller.trickle() };
  });
  assert.deepEqual(joined, { status: 201, type: 'application/sdp', candidatesInOffer: 0, trickled: 204 });
  /* Alone, one hears nobody: there is only the picture. */
  for (let i = 0; i < 100 && (await received('caller')).frames < 10; i += 1) await pause(100);
  const { frames, sent } = await received('caller');
  assert.ok(frames >= 10 && sent > 10, `${frames} frames came, ${sent} packets went`);
  const [who] = await participants();
  assert.equal(who.name, 'Plain');
});

test('WHEP shows and plays the programme', async () => {
  const joined = await browser.page.evaluate(async () => {
    globalThis.viewer = await PlainClient.start('/whep/plain');
    return { status: globalThis.viewer.status, trickled: await globalThis.viewer.trickle() };
  });
  assert.deepEqual(joined, { status: 201, trickled: 204 });
  const { width, sent } = await plays('viewer');
  assert.ok(width > 0);
  assert.equal(sent, 0);
  const looks = await browser.page.evaluate(async () => {
    const video = globalThis.viewer.player;
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const canvas = new OffscreenCanvas(64, 36);
    const paint = canvas.getContext('2d');
    const shots = [];
    for (let i = 0; i < 6; i += 1) {
      paint.drawImage(video, 0, 0, 64, 36);
      shots.push([...paint.getImageData(0, 0, 64, 36).data]);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return shots;
  });
  const [first] = looks;
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  const moved = Math.max(...looks.map((look) => look.reduce((sum, value, i) => sum + Math.abs(value - first[i]), 0) / look.length));
  assert.ok(mean > 80 && moved > 0.3, `the picture is black or stands still: ${mean}, ${moved}`);
});

for (const client of ['caller', 'viewer']) {
  test(`the ${client} restarts ICE by PATCH, and media goes on`, async () => {
    const before = await received(client);
    const result = await browser.page.evaluate((name) => globalThis[name].restart(), client);
    assert.deepEqual(result, { status: 200, sameEtag: false, type: 'application/trickle-ice-sdpfrag' });
    for (let i = 0; i < 100; i += 1) {
      const { user, wanted } = await received(client);
      if (user === wanted) break;
      await pause(100);
    }
    const now = await received(client);
    assert.notEqual(now.wanted, before.user);
    assert.equal(now.user, now.wanted, 'the old path is still used');
    for (let i = 0; i < 100 && (await received(client)).frames < now.frames + 10; i += 1) await pause(100);
    const later = await received(client);
    assert.ok(later.frames >= now.frames + 10, `${later.frames - now.frames} frames in 10 s`);
    assert.equal(later.state, 'connected');
  });
}

test('an old ETag is refused', async () => {
  const status = await browser.page.evaluate(async () => (await globalThis.caller.patch(globalThis.caller.fragment([]), '"old"')).status);
  assert.equal(status, 412);
});

test('DELETE ends it', async () => {
  const ends = await browser.page.evaluate(async () => [await globalThis.viewer.end(), await globalThis.caller.end(),
    (await fetch(globalThis.caller.resource, { method: 'DELETE' })).status]);
  assert.deepEqual(ends, [200, 200, 404]);
  for (let i = 0; i < 50 && (await participants()).length > 0; i += 1) await pause(100);
  assert.deepEqual(await participants(), []);
});
