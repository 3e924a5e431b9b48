/* Who is shown small sends a small picture: told by the server, done by the page, measured at the browser's encoder. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from './fixture/person.mjs';
import { makeSilence, mediaOf } from './fixture/media.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

/* With the one in the browser: a grid of four by three on 1280x720, tiles of 316x178. */
const OTHERS = 9;
const WAIT_MS = 20_000;

let server;
let person;

before(async () => {
  server = await startServer({ settings: ['room.grid_max=10', 'room.max_participants=20'] });
  /* Without a voice, or the speaker's large tile would be theirs. */
  const { camera } = await mediaOf('green');
  person = await Person.arrive('green', { media: { camera, microphone: await makeSilence() } });
});

after(async () => {
  await person?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
});

/* Somebody with a tile and without media. */
function joinPlainly(name) {
  return person.page.evaluate((shown) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${globalThis.location.origin.replace(/^http/, 'ws')}/ws`, 'mixroom.v1');
    (globalThis.others ??= []).push(socket);
    socket.onerror = () => reject(new Error('no WebSocket'));
    socket.onopen = () => socket.send(JSON.stringify({ type: 'join', room: 'crowd', name: shown }));
    socket.onmessage = ({ data }) => { if (JSON.parse(data).type === 'joined') resolve(); };
  }), name);
}

function sent() {
  return person.page.evaluate(async () => {
    const report = await globalThis.connections.at(-1).getStats();
    const stat = [...report.values()].find((one) => one.type === 'outbound-rtp' && one.kind === 'video') ?? {};
    return { width: stat.frameWidth, height: stat.frameHeight, frames: stat.framesEncoded ?? 0, active: stat.active };
  });
}

async function until(what, isSo) {
  const deadline = performance.now() + WAIT_MS;
  let last;
  while (performance.now() < deadline) {
    last = await sent();
    if (isSo(last)) return last;
    await pause(100);
  }
  throw new Error(`not ${what}: ${JSON.stringify(last)}`);
}

const limit = () => person.page.evaluate(() => globalThis.mixroomCall.uplink);

test('alone, the camera is sent as it is', async () => {
  await person.join(server.url, 'crowd');
  assert.deepEqual(await limit(), { maxWidth: 1280, maxHeight: 720, maxFramerate: 30, maxBitrate: 1_500_000 });
  await until('at full size', ({ width, height }) => width === 640 && height === 360);
  /* It is all of the view, so it comes back as it is sent, and that is what the page is told. */
  await person.page.waitForFunction(() => globalThis.mixroomCall.rung?.width === 640);
  const { height, bitrate } = await person.page.evaluate(() => globalThis.mixroomCall.rung);
  assert.equal(height, 360);
  assert.ok(bitrate > 10_000 && bitrate < 2_000_000, `${bitrate} bit/s`);
});

test('a camera that is switched off gives way to the avatar, and is passed through again later', async () => {
  const markers = async () => (await person.look()).map(({ marker }) => marker);
  const seen = async (marker) => {
    for (let i = 0; i < 50 && (await markers())[0] !== marker; i += 1) await pause(100);
    assert.deepEqual(await markers(), [marker]);
  };
  await seen('green');
  await person.page.evaluate(() => globalThis.mixroomCall.setCamera(false));
  await person.page.waitForFunction(() => globalThis.mixroomCall.rung.width === 1280);
  await seen(null);
  await person.page.evaluate(() => globalThis.mixroomCall.setCamera(true));
  await person.page.waitForFunction(() => globalThis.mixroomCall.rung.width === 640);
  await seen('green');
});

test('in a crowd, it is sent at the size of its tile', async (t) => {
  for (let i = 0; i < OTHERS; i += 1) await joinPlainly(`other ${i}`);
  await person.page.waitForFunction(() => globalThis.mixroomCall.rung.width === 1280);
  const joinedAt = performance.now();
  const { width, height } = await until('at the size of the tile', (stat) => stat.width < 640);
  const { maxWidth, maxHeight, maxFramerate } = await limit();
  t.diagnostic(`${width}x${height} for a tile of ${maxWidth}x${maxHeight} after ${Math.round(performance.now() - joinedAt)} ms`);
  assert.ok(Math.abs(width - maxWidth) <= 2 && Math.abs(height - maxHeight) <= 2, `${width}x${height} for ${maxWidth}x${maxHeight}`);
  assert.equal(maxFramerate, 15);
  await person.sees(OTHERS + 1);
});

test('shown nowhere, nothing is sent; shown again, it comes back at once', async (t) => {
  /* Beyond the grid there is one large tile and four small ones; who came first has a place, so let the browser come last. */
  await person.leave();
  await joinPlainly('one too many');
  await person.page.click('#rejoin');
  await person.page.waitForFunction(() => document.querySelector('#preview')?.hidden === false);
  await person.pressJoin();
  assert.deepEqual(await limit(), { maxWidth: 0, maxHeight: 0, maxFramerate: 0, maxBitrate: 0 });
  await pause(1000);
  const { frames } = await sent();
  await pause(1000);
  assert.equal((await sent()).frames, frames, 'frames of a picture that nobody sees');

  const leftAt = performance.now();
  await person.page.evaluate(() => globalThis.others.forEach((other) => other.send(JSON.stringify({ type: 'leave' }))));
  await until('sent again', (stat) => stat.frames > frames && stat.width >= 320);
  t.diagnostic(`sent again ${Math.round(performance.now() - leftAt)} ms after there was a place`);
});

test('no page had an error', () => assert.deepEqual(person.errors, []));
