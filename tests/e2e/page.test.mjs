/* The page itself: keys, the order of Tab, names for screen readers, small screens, both languages. Leaves screenshots. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Person, arriveAll } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { ARTEFACTS } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const SMALLEST = { width: 320, height: 568 };

let server;
let people;
let page;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  server = await startServer();
  people = await arriveAll(['green', 'red', 'blue']);
  ({ page } = people[0]);
  await page.setViewportSize(DESK);
});

after(async () => {
  await Promise.all((people ?? []).map((person) => person.leaveBrowser()));
  assert.equal(await server?.stop(), 0);
});

async function shoot(name) {
  await pause(400);
  await page.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

/* Names and roles along Tab, from where the focus is. */
async function tabOrder(steps) {
  const names = [];
  for (let i = 0; i < steps; i += 1) {
    await page.keyboard.press('Tab');
    names.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName));
  }
  return names;
}

/* What can be pressed or filled in, is to be seen, and has no name that a screen reader could say. */
const nameless = () => page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea, a, video, [role="img"], [tabindex="0"]')]
  .filter((node) => node.offsetParent !== null && !node.closest('[aria-hidden="true"]'))
  .filter((node) => !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.labels?.length || node.innerText?.trim()))
  .map((node) => node.outerHTML.slice(0, 120)));

const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/* Buttons to be seen that are smaller than a thumb or stick out of the screen. */
const hardToHit = () => page.evaluate(() => [...document.querySelectorAll('button')].filter((node) => node.offsetParent !== null)
  .map((node) => ({ node: node.id || node.className, box: node.getBoundingClientRect() }))
  .filter(({ box }) => box.width < 43.5 || box.height < 43.5 || box.left < 0 || box.right > innerWidth || box.bottom > innerHeight)
  .map(({ node, box }) => `${node} ${Math.round(box.left)},${Math.round(box.top)} ${Math.round(box.width)}x${Math.round(box.height)}`));

/* A camera's name may be longer than its column. */
const columnsOverlap = () => page.evaluate(() => {
  const boxes = [...document.querySelectorAll('.device .select')].map((node) => node.getBoundingClientRect());
  return boxes.some((box, i) => boxes.slice(i + 1).some((other) => box.top === other.top && box.right > other.left));
});

test('the lobby: names, the order of Tab, both schemes', async () => {
  await page.goto(server.url);
  await page.waitForFunction(() => !document.querySelector('#preview').hidden);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'room-name');
  await page.keyboard.type('Studio');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Mina Park');
  assert.deepEqual(await tabOrder(1), ['join']);
  assert.deepEqual(await nameless(), []);
  await page.getByRole('button', { name: 'Turn off microphone' }).waitFor();
  await page.getByLabel('Your name').waitFor();
  await page.getByText('The server is reachable.').waitFor();
  assert.equal(await columnsOverlap(), false, 'the choices of devices overlap');
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot('lobby-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot('lobby-dark');
  await page.setViewportSize(PHONE);
  assert.equal(await overflow(), 0);
  await shoot('lobby-phone');
  await page.setViewportSize(DESK);
});

test('Enter joins', async () => {
  await page.focus('#display-name');
  await page.keyboard.press('Enter');
  await people[1].join(server.url, 'Studio', 'Jonas');
  await people[2].join(server.url, 'Studio', '아마라');
  for (const person of people) await person.sees(3);
  await pause(5000);
  await shoot('room');
  assert.deepEqual(await nameless(), []);
  assert.equal(new URL(page.url()).searchParams.get('room'), 'Studio');
});

test('the picture fills the stage as far as its shape lets it, and tiles lie on the picture', async () => {
  const places = await page.evaluate(() => {
    const box = (node) => node.getBoundingClientRect().toJSON();
    return { stage: box(document.querySelector('#stage')), picture: box(document.querySelector('.picture')),
      video: box(document.querySelector('.picture > video')), tiles: [...document.querySelectorAll('.tile')].map(box) };
  });
  const { stage, picture, video, tiles } = places;
  assert.ok(Math.abs(picture.width - stage.width) < 1 || Math.abs(picture.height - stage.height) < 1, JSON.stringify(places));
  assert.ok(Math.abs(picture.width / picture.height - 16 / 9) < 0.01);
  assert.ok(Math.abs(video.width - picture.width) < 1 && Math.abs(video.height - picture.height) < 1);
  assert.equal(tiles.length, 3);
  for (const tile of tiles) {
    assert.ok(tile.left >= picture.left - 1 && tile.right <= picture.right + 1 && tile.top >= picture.top - 1 && tile.bottom <= picture.bottom + 1);
    assert.ok(Math.abs(tile.width - picture.width / 2) < 8);
  }
});

test('letters do what the list of keys says', async () => {
  const local = () => page.evaluate(() => {
    const { microphone, camera } = globalThis.mixroomCall.local;
    return { microphone: microphone.on, camera: camera.on };
  });
  await page.keyboard.press('m');
  await page.getByRole('button', { name: 'Turn on microphone' }).waitFor();
  assert.deepEqual(await local(), { microphone: false, camera: true });
  assert.match(await page.locator('#live').innerText(), /Microphone off\./);
  await page.keyboard.down(' ');
  await page.getByRole('button', { name: 'Turn off microphone' }).waitFor();
  await page.keyboard.up(' ');
  await page.getByRole('button', { name: 'Turn on microphone' }).waitFor();
  await page.keyboard.press('m');
  await page.keyboard.press('v');
  await page.getByRole('button', { name: 'Turn on camera' }).waitFor();
  await page.keyboard.press('v');
  await page.getByRole('button', { name: 'Turn off camera' }).waitFor();
  assert.deepEqual(await local(), { microphone: true, camera: true });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await shoot('keys');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
});

test('people and chat open by key, take the focus, and give it back', async () => {
  await page.keyboard.press('p');
  await page.getByRole('tabpanel', { name: 'People' }).waitFor();
  assert.deepEqual((await page.locator('.person-name').allInnerTexts()).sort(), ['Jonas', 'Mina Park (you)', '아마라']);
  await pause(300);
  await shoot('people');
  await page.keyboard.press('c');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'chat-input');
  await page.keyboard.type('Can everybody see the sketch? I moved it to the left.');
  await page.keyboard.press('Enter');
  await page.getByText('Can everybody see the sketch?').first().waitFor();
  await people[1].page.evaluate(() => globalThis.mixroomCall.chat('Yes, it is fine. Let me open the window,\nit is warm in here.'));
  await people[2].page.evaluate(() => globalThis.mixroomCall.chat('네, 잘 보여요!'));
  await page.getByText('네, 잘 보여요!').first().waitFor();
  assert.deepEqual(await nameless(), []);
  /* Letters typed are letters. */
  assert.equal(await page.evaluate(() => globalThis.mixroomCall.local.microphone.on), true);
  await shoot('chat');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'open-chat');
});

test('Tab goes through the bar from left to right', async () => {
  await page.locator('#open-programme').waitFor(); // it comes once the server has said that it may be used
  await page.focus('#toggle-mic');
  const order = await tabOrder(9);
  assert.deepEqual(order, ['toggle-camera', 'toggle-share', 'toggle-hand', 'open-more', 'leave', 'open-programme', 'open-stats', 'open-people', 'open-chat']);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is not to be seen');
  await page.focus('#open-more');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Settings' }).waitFor();
  await shoot('menu');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'open-more');
});

test('statistics show what flows', async () => {
  await page.click('#open-stats');
  await page.waitForFunction(() => /Mbit|kbit/.test(document.querySelector('#stats tbody').innerText));
  await pause(6000);
  const text = await page.locator('#stats').innerText();
  assert.match(text, /1280 × 720 · (VP8|H264)/);
  assert.match(text, /UDP/);
  await shoot('statistics');
  const legend = await page.locator('.delay-legend').innerText();
  const stages = ['Waiting for the mix', 'Composing', 'Encoding', 'Sending', 'Your browser'].map((stage) => legend.indexOf(stage));
  assert.deepEqual(stages, stages.filter((at) => at >= 0).sort((a, b) => a - b), legend);
  await page.setViewportSize(SMALLEST);
  assert.equal(await overflow(), 0);
  await page.locator('.delays').scrollIntoViewIfNeeded();
  await shoot('statistics-smallest');
  await page.setViewportSize(DESK);
  await page.click('#open-stats');
});

test('settings', async () => {
  await page.click('#open-more');
  await page.click('#open-settings');
  await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  assert.deepEqual(await nameless(), []);
  await shoot('settings');
  await page.keyboard.press('Escape');
});

test('a phone has all of it', async () => {
  await page.setViewportSize(PHONE);
  await pause(300);
  assert.equal(await overflow(), 0);
  assert.deepEqual(await hardToHit(), []);
  await shoot('phone');
  await page.click('#open-chat');
  await page.getByText('네, 잘 보여요!').first().waitFor();
  assert.equal(await overflow(), 0);
  await shoot('phone-chat');
  await page.keyboard.press('Escape');
  await page.click('#open-more');
  await page.getByRole('menuitem', { name: 'People' }).waitFor();
  await shoot('phone-menu');
  await page.getByRole('menuitem', { name: 'People' }).click();
  await shoot('phone-people');
  await page.keyboard.press('Escape');
  await page.setViewportSize(SMALLEST);
  await pause(300);
  assert.equal(await overflow(), 0);
  assert.deepEqual(await hardToHit(), []);
  await shoot('smallest');
  await page.setViewportSize({ width: PHONE.height, height: PHONE.width });
  await shoot('phone-lying');
  await page.setViewportSize(DESK);
});

test('Korean, from the link and for good', async () => {
  const link = new URL(page.url());
  link.searchParams.set('lang', 'ko');
  await page.goto(link.href);
  await page.waitForFunction(() => !document.querySelector('#preview').hidden);
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
  await shoot('lobby-korean');
  await people[0].pressJoin();
  await people[0].sees(3);
  await page.keyboard.press('p');
  await pause(3000);
  assert.deepEqual(await nameless(), []);
  assert.doesNotMatch(await page.locator('#bar').innerText(), /people|room/i);
  await shoot('room-korean');
});

test('no page had an error', () => {
  for (const person of people) assert.deepEqual(person.errors, []);
});
