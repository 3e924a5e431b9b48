/* The own picture where the picture from the server has none, as in a call of two: in a corner, moved, hidden, in nobody's way.
 * What the server would say is put into the page's socket. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { joinPlainly } from './fixture/bystander.mjs';
import { ARTEFACTS } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';

const DESK = { width: 1280, height: 720 };
const PHONE = { width: 360, height: 640 };
const SMALLEST = { width: 320, height: 568 };
const OTHER = 'Grandmother Elisabeth of the long Name';
const CANVAS = { width: 1280, height: 720 };

let server;
let person;
let page;
let other;
let own;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  server = await startServer();
  person = await Person.arrive('green');
  ({ page } = person);
  await page.setViewportSize(DESK);
  await person.join(server.url, 'two', 'Mina Park');
  other = await joinPlainly(server, 'two', OTHER);
  await person.sees(2);
  own = await person.id();
});

after(async () => {
  other?.socket.close();
  await person?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
});

const hear = (message) => page.evaluate((data) => globalThis.sockets.at(-1).onmessage({ data }), JSON.stringify(message));
const tile = (participant, x, y, w, h) => ({ participant, x, y, w, h, z: 0 });
const hearDirect = () => hear({ type: 'tiles', view: 'direct', canvas: CANVAS, tiles: [tile(other.id, 0, 0, 1, 1)] });
const hearMix = () => hear({ type: 'tiles', view: 'main', canvas: CANVAS, tiles: [tile(own, 0, 0.25, 0.5, 0.5), tile(other.id, 0.5, 0.25, 0.5, 0.5)] });

const apart = () => page.locator('.tile.apart');

/* Moves take 150 ms. */
async function settled() {
  await page.evaluate(() => Promise.all(document.querySelector('#stage').getAnimations({ subtree: true }).map((one) => one.finished.catch(() => {}))));
}

/* Which corner of the picture it is nearest to. */
async function corner() {
  await settled();
  return page.evaluate(() => {
    const self = document.querySelector('.tile.apart').getBoundingClientRect();
    const stage = document.querySelector('.picture').getBoundingClientRect();
    const down = self.top + self.height / 2 < stage.top + stage.height / 2 ? 'top' : 'bottom';
    return `${down}-${self.left + self.width / 2 < stage.left + stage.width / 2 ? 'left' : 'right'}`;
  });
}

/* What it lies over and must not: names, marks, controls of others; and whether it leaves the stage. */
async function inTheWay() {
  await settled();
  return page.evaluate(() => {
    const self = document.querySelector('.tile.apart').getBoundingClientRect();
    const stage = document.querySelector('#stage').getBoundingClientRect();
    const hits = (box) => box.width > 0 && box.left < self.right - 0.5 && self.left < box.right - 0.5 && box.top < self.bottom - 0.5 && self.top < box.bottom - 0.5;
    const found = [...document.querySelectorAll('.tile:not(.apart) .tile-label, .tile:not(.apart) .tile-hand, #banner, #on-air, #bar button, #panel')]
      .filter((node) => node.checkVisibility() && hits(node.getBoundingClientRect())).map((node) => node.id || node.className);
    const inside = self.left >= stage.left && self.right <= stage.right && self.top >= stage.top && self.bottom <= stage.bottom;
    return inside ? found : [...found, `out of the stage: ${JSON.stringify(self)}`];
  });
}

async function shoot(name) {
  await settled();
  await page.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

test('in the mix, the own camera lies over its tile; passed through, it moves into the corner, and the stage stays', async () => {
  await page.locator(`.tile[data-tile="${own}"] video`).waitFor();
  await page.evaluate(() => { globalThis.ownVideo = document.querySelector('.tile .own'); });
  const size = () => page.evaluate(() => JSON.stringify(document.querySelector('.picture > video').getBoundingClientRect()));
  const before = await size();
  assert.equal(await apart().count(), 0);
  await hearDirect();
  await apart().waitFor();
  assert.equal(await size(), before);
  assert.equal(await corner(), 'bottom-right');
  const { share, same, paused, mirrored } = await page.evaluate(() => {
    const own = document.querySelector('.tile.apart .own');
    return { share: own.getBoundingClientRect().width / document.querySelector('#stage').clientWidth, same: own === globalThis.ownVideo,
      paused: own.paused, mirrored: getComputedStyle(own).transform };
  });
  assert.ok(share > 0.17 && share < 0.23, `${share} of the stage`);
  assert.deepEqual({ same, paused, mirrored }, { same: true, paused: false, mirrored: 'matrix(-1, 0, 0, 1, 0, 0)' });
  assert.deepEqual(await page.locator('.tile').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')).sort()), [OTHER, 'You']);
});

test('it says that the microphone is off, as a tile does', async () => {
  await hear({ type: 'participant', id: own, name: 'Mina Park', audioMuted: true, uplink: { audio: true, video: true } });
  await page.getByRole('listitem', { name: 'You, microphone off' }).waitFor();
  assert.ok(await page.locator('.apart .tile-muted').isVisible());
});

test('it goes from corner to corner by keys, by a click and by dragging, and stays there', async () => {
  const move = page.getByRole('button', { name: 'Move my picture to another corner' });
  await move.focus();
  for (const [key, wanted] of [['ArrowUp', 'top-right'], ['ArrowUp', 'top-right'], ['ArrowLeft', 'top-left'], ['ArrowDown', 'bottom-left'], ['ArrowRight', 'bottom-right'], ['Enter', 'bottom-left']]) {
    await page.keyboard.press(key);
    assert.equal(await corner(), wanted, key);
    assert.deepEqual(await inTheWay(), [], wanted);
  }
  assert.match(await page.locator('#live').innerText(), /Your picture: Bottom left/);
  await move.click({ position: { x: 20, y: 20 } });
  assert.equal(await corner(), 'top-left', 'clockwise by a click');
  const { x, y } = await apart().boundingBox();
  await page.mouse.move(x + 30, y + 30);
  await page.mouse.down();
  await page.mouse.move(x + 500, y + 200, { steps: 4 });
  const { x: heldAt } = await apart().boundingBox();
  assert.ok(Math.abs(heldAt - x - 470) < 2, 'it follows the pointer');
  await page.mouse.move(x + 850, y + 50, { steps: 4 });
  await page.mouse.up();
  assert.equal(await corner(), 'top-right');
  assert.equal(await page.evaluate(() => JSON.parse(localStorage.getItem('mixroom')).selfCorner), 'top-right');
});

test('on each screen and in each corner it is in nobody\'s way, with hands, a recording and the panel, too', async () => {
  await hear({ type: 'participant', id: other.id, name: OTHER, hand: true, audioMuted: true, quality: 'poor' });
  await hear({ type: 'outputs', recording: true, live: true });
  const move = page.locator('.self-move');
  for (const [name, size] of Object.entries({ desk: DESK, phone: PHONE, smallest: SMALLEST })) {
    await page.setViewportSize(size);
    for (const keys of [['ArrowUp', 'ArrowLeft'], ['ArrowRight'], ['ArrowDown', 'ArrowLeft'], ['ArrowRight']]) {
      for (const key of keys) await move.press(key);
      assert.deepEqual(await inTheWay(), [], `${name}, ${keys}`);
    }
    await shoot(`self-view-${name}`);
    const hide = await page.locator('.self-hide').boundingBox();
    assert.ok(hide.width >= 44 && hide.height >= 44, 'the button is large enough for a thumb');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
  }
  await page.click('#open-chat');
  assert.deepEqual(await inTheWay(), [], 'above the panel');
  await shoot('self-view-chat');
  await page.keyboard.press('Escape');
  await page.setViewportSize(DESK);
});

test('hidden, it comes back from the menu', async () => {
  await apart().hover();
  await page.getByRole('button', { name: 'Hide my picture' }).click();
  assert.equal(await apart().count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'open-more');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Show my picture' }).click();
  await apart().waitFor();
  assert.equal(await page.evaluate(() => document.querySelector('.apart .own').paused), false);
});

test('without the camera there is none, and in the mix it is a tile again', async () => {
  await page.keyboard.press('v');
  await apart().waitFor({ state: 'detached' });
  await page.click('#open-more');
  assert.equal(await page.getByRole('menuitem', { name: 'my picture' }).count(), 0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('v');
  await apart().waitFor();
  await hearMix();
  await apart().waitFor({ state: 'detached' });
  await settled();
  const share = await page.evaluate((id) => document.querySelector(`[data-tile="${id}"] .own`).getBoundingClientRect().width / document.querySelector('.picture').clientWidth, own);
  assert.ok(Math.abs(share - 0.5) < 0.01, `${share} of the picture`);
  assert.equal(await page.locator('.self-move, .self-hide').count(), 0);
});

test('the statistics say that the picture is passed on', async () => {
  await hearDirect();
  await apart().waitFor();
  await hear({ type: 'rung', kind: 'video', width: 1280, height: 720, framerate: 30, bitrate: 1_100_000, codec: 'VP8', reason: 'best', available: 0 });
  await page.click('#open-stats');
  await page.waitForFunction(() => /as sent · 1280 × 720 · 1.1 Mbit\/s/.test(document.querySelector('#stats').innerText));
  await shoot('self-view-statistics');
});

test('the page had no error', () => assert.deepEqual(person.errors, []));
