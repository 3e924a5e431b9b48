/* What the page makes of a poor network: the banner for each rung, marks of weak connections, the statistics' reason; and a
 * server that stands still is noticed and come back to. What the server would say is put into the page's socket. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { joinPlainly } from './fixture/bystander.mjs';
import { ARTEFACTS } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const SMALLEST = { width: 320, height: 568 };
const OTHERS = ['Jonas', '아마라', 'Grandmother Elisabeth'];

const VIDEO = { kind: 'video', width: 1280, height: 720, framerate: 30, bitrate: 1_500_000, codec: 'VP8', reason: 'best', available: 0 };
const SMALL = { ...VIDEO, width: 640, height: 360, bitrate: 480_000, reason: 'bandwidth', available: 610_000 };
const SLIDES = { ...SMALL, kind: 'slides', framerate: 0, bitrate: 40_000, available: 138_000 };
const AUDIO = { ...VIDEO, kind: 'audio', width: 0, height: 0, framerate: 0, bitrate: 0, reason: 'bandwidth', available: 91_234 };

let server;
let person;
let page;
let others;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  server = await startServer();
  person = await Person.arrive('green');
  ({ page } = person);
  await page.setViewportSize(DESK);
  await person.join(server.url, 'poor', 'Mina Park');
  others = [];
  for (const name of OTHERS) others.push(await joinPlainly(server, 'poor', name)); /* tiles stand in the order of joining */
  await person.sees(OTHERS.length + 1);
});

after(async () => {
  for (const { socket } of others ?? []) socket.close();
  await person?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
});

const hear = (message) => page.evaluate((data) => globalThis.sockets.at(-1).onmessage({ data }), JSON.stringify(message));
const hearRung = (rung) => hear({ type: 'rung', ...rung });

async function speak(language) {
  await page.click('#open-more');
  await page.click('#open-settings');
  await page.getByRole('dialog').locator('select').last().selectOption(language);
  await page.keyboard.press('Escape');
}

async function shoot(name) {
  await pause(400);
  await page.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

const banner = () => page.locator('#banner');

/* All of it is on the screen, and none of its words are cut off. */
async function assertFits() {
  const { box, cut, width, overflow } = await page.evaluate(() => {
    const node = document.querySelector('#banner');
    return { box: node.getBoundingClientRect().toJSON(), cut: node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight,
      width: innerWidth, overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
  });
  assert.ok(box.left >= 0 && box.right <= width && box.top >= 0 && !cut, JSON.stringify({ box, cut, width }));
  assert.equal(overflow, 0);
}

async function expectBanner(sentence) {
  await page.waitForFunction((wanted) => {
    const node = document.querySelector('#banner');
    return !node.hidden && node.innerText.trim() === wanted;
  }, sentence);
  await assertFits();
}

test('sound alone: the banner says why and how much, the old picture is dimmed', async () => {
  await hearRung(AUDIO);
  await expectBanner('Video paused: your connection carries 91 kbit/s. Sound goes on.');
  assert.equal(await banner().getAttribute('role'), 'status');
  await shoot('reduced-audio');
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.picture > video')).opacity), '0.35');
  await page.setViewportSize(SMALLEST);
  await pause(200);
  await assertFits();
  await shoot('reduced-audio-smallest');
  await page.setViewportSize(DESK);
  await hearRung({ ...AUDIO, reason: 'loss', available: 0 });
  await expectBanner('Video paused: too much gets lost on your connection. Sound goes on.');
});

test('a slide show', async () => {
  await hearRung(SLIDES);
  await expectBanner('Your connection is slow (140 kbit/s): a new picture every few seconds.');
  await shoot('reduced-slides');
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.picture > video')).opacity), '1');
  await page.setViewportSize(SMALLEST);
  await pause(200);
  await assertFits();
  await shoot('reduced-slides-smallest');
  await page.setViewportSize(DESK);
});

test('a smaller picture is no matter for a banner: it goes, is said to be over, and a dot stays', async () => {
  await hearRung(SMALL);
  await banner().waitFor({ state: 'hidden' });
  assert.match(await page.locator('#live').innerText(), /The video goes on\./);
  await page.getByRole('button', { name: 'Connection statistics, reduced picture' }).click();
  await page.waitForFunction(() => /640 × 360 · 30 fps · 480 kbit\/s/.test(document.querySelector('#stats').innerText));
  assert.match(await page.locator('#stats').innerText(), /Your connection carries no more/);
  await page.waitForFunction(() => document.querySelectorAll('#stats .spark polyline')[1].getAttribute('points').split(' ').length > 2);
  await shoot('reduced-small');
  await page.keyboard.press('Escape');
  await page.setViewportSize(PHONE);
  await shoot('reduced-small-phone');
  await page.setViewportSize(DESK);
  await hearRung(VIDEO);
  await page.getByRole('button', { name: 'Connection statistics', exact: true }).waitFor();
});

test('a rung that is over within a moment is not told', async () => {
  await hearRung(AUDIO);
  await pause(200);
  await hearRung(VIDEO);
  await pause(1500);
  assert.equal(await banner().isVisible(), false);
});

test('trouble goes before a slow connection, which is told again when it is over', async () => {
  await hearRung(AUDIO);
  await expectBanner('Video paused: your connection carries 91 kbit/s. Sound goes on.');
  await page.evaluate(() => globalThis.dispatchEvent(new Event('offline')));
  await expectBanner('You are offline. The call goes on as soon as the network is back.');
  await page.evaluate(() => globalThis.dispatchEvent(new Event('online')));
  /* The page comes back to the same place, where the server says anew what the picture is. */
  await page.waitForFunction(() => globalThis.mixroomCall.health.signalling === 'open' && globalThis.mixroomCall.rung.kind === 'video');
  await banner().waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => globalThis.connections.length), 1);
});

test('weak connections have a mark on the tile, all have one among the people', async () => {
  const marks = () => page.evaluate(() => [...document.querySelectorAll('.tile')].map((tile) => {
    const mark = tile.querySelector('.quality');
    return mark.checkVisibility() ? mark.dataset.quality : null;
  }));
  await hear({ type: 'participant', id: await person.id(), name: 'Mina Park', quality: 'good' });
  for (const [i, quality] of ['poor', 'bad', 'lost'].entries()) {
    await hear({ type: 'participant', id: others[i].id, name: OTHERS[i], audioMuted: i === 2, quality });
  }
  assert.deepEqual(await marks(), [null, 'poor', 'bad', 'lost']);
  await page.locator('.tile').first().hover();
  assert.deepEqual(await marks(), ['good', 'poor', 'bad', 'lost'], 'who points at a tile');
  await page.locator('#bar').hover({ position: { x: 4, y: 4 } });
  await page.getByRole('listitem', { name: 'Jonas, Weak connection' }).waitFor();
  await page.keyboard.press('p');
  const names = await page.locator('.people .quality').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
  assert.deepEqual(names.sort(), ['Connection lost', 'Good connection', 'Very weak connection', 'Weak connection']);
  await shoot('quality');
  await page.keyboard.press('Escape');
  await page.setViewportSize(SMALLEST);
  await shoot('quality-smallest');
  await page.setViewportSize(DESK);
  await hear({ type: 'participant', id: others[0].id, name: OTHERS[0], quality: 'good' });
  assert.deepEqual(await marks(), [null, null, 'bad', 'lost']);
});

test('Korean fits the smallest screen too', async () => {
  await page.setViewportSize(SMALLEST);
  await speak('ko');
  await hearRung(SLIDES);
  await expectBanner('연결이 느려(140 kbit/s) 영상이 몇 초에 한 번씩 바뀝니다.');
  await hearRung(AUDIO);
  await expectBanner('연결이 느려(91 kbit/s) 영상을 잠시 멈췄습니다. 소리는 계속 들립니다.');
  await shoot('reduced-audio-korean');
  await speak('en');
  await hearRung(VIDEO);
  await page.setViewportSize(DESK);
});

/* The last one: for a while after it the server has real news of the connection. */
test('a server that stands still is noticed within seconds, asked for a new path, and the picture comes back', async (t) => {
  const offers = () => page.evaluate(() => globalThis.connections.at(-1).localDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1]);
  const first = await offers();
  await pause(4000);
  assert.equal(await offers(), first, 'a path that carries something is not restarted');
  server.stand();
  const stoodAt = Date.now();
  try {
    while (await offers() === first && Date.now() - stoodAt < 15_000) await pause(50);
    t.diagnostic(`ICE restart ${Date.now() - stoodAt} ms after the server stood still`);
    assert.notEqual(await offers(), first);
    await page.waitForFunction(() => globalThis.mixroomCall.health.media === 'disconnected');
    await banner().waitFor({ state: 'visible' });
    await shoot('interrupted');
  } finally {
    server.goOn();
  }
  const wentOnAt = Date.now();
  await page.waitForFunction(() => globalThis.mixroomCall.health.media === 'connected');
  await banner().waitFor({ state: 'hidden' });
  t.diagnostic(`connected ${Date.now() - wentOnAt} ms after it went on`);
  const { framesDecoded } = await person.inbound('video');
  await pause(1500);
  assert.ok((await person.inbound('video')).framesDecoded > framesDecoded);
});

test('the page had no error', () => assert.deepEqual(person.errors, []));
