/* The page of recordings: what was recorded is found, watched, renamed, downloaded, uploaded and deleted. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { ARTEFACTS } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';

const ROOM = 'Choir & friends';
const DESK = { width: 1280, height: 800 };
const SMALLEST = { width: 320, height: 568 };
/* Long enough for a poster and for two key frames. */
const RECORD_MS = 7000;

let directory;
let server;
let host;
let page;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  directory = mkdtempSync(`${tmpdir()}/mixroom-library-`);
  server = await startServer({ settings: [`programme.recordings_directory=${directory}`, 'library.upload_max_mib=64'] });
  host = await Person.arrive('green');
  ({ page } = host);
  await host.join(server.url, ROOM, 'Mina Park');
  const outputs = `${server.url}api/v1/rooms/${encodeURIComponent(ROOM)}/outputs`;
  const order = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ type: 'file' }) };
  const { id } = await (await fetch(outputs, order)).json();
  await pause(RECORD_MS);
  await fetch(`${outputs}/${id}`, { method: 'DELETE' });
  for (let i = 0; i < 50 && (await recordings())[0]?.state !== 'finished'; i += 1) await pause(200);
  await page.setViewportSize(DESK);
  await page.goto(`${server.url}library.html?room=${encodeURIComponent(ROOM)}`);
});

after(async () => {
  await host?.leaveBrowser();
  if (server) assert.equal(await server.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

const recordings = async () => (await (await fetch(`${server.url}api/v1/recordings`)).json()).recordings;
const cards = () => page.locator('#recordings > li');

async function shoot(name) {
  await pause(400);
  await page.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test('what was recorded is listed, with a poster', async () => {
  await page.getByRole('heading', { name: `Recordings of ${ROOM}` }).waitFor();
  await cards().first().waitFor();
  assert.equal(await cards().count(), 1);
  assert.match(await cards().first().innerText(), /Choir & friends · .* MB/s);
  assert.match(await cards().first().innerText(), /Mina Park/);
  const hasPoster = () => page.evaluate(() => document.querySelector('.poster img').naturalWidth > 0);
  for (let i = 0; i < 20 && !await hasPoster(); i += 1) {
    await pause(500);
    await page.reload();
    await cards().first().waitFor();
  }
  assert.equal(await hasPoster(), true);
  await page.emulateMedia({ colorScheme: 'light' });
  await shoot('library-light');
  await page.emulateMedia({ colorScheme: 'dark' });
});

test('it plays, by the keyboard as well', async () => {
  await cards().first().getByRole('button').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.waitForFunction(() => {
    const video = document.querySelector('#player video');
    return video.videoWidth === 1280 && video.currentTime > 1;
  });
  const seconds = await page.evaluate(() => document.querySelector('#player video').duration);
  assert.ok(seconds > RECORD_MS / 1000 - 3 && seconds < RECORD_MS / 1000 + 5, `${seconds} s`);
  await shoot('library-player');
});

test('its title is changed, and found', async () => {
  await page.fill('#recording-title', 'Rehearsal <b>"5%"</b> 연습');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Rehearsal <b>"5%"</b> 연습' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.recording-title', { hasText: 'Rehearsal <b>' }).waitFor();
  await page.fill('#search', 'nothing like it');
  await page.getByText('Nothing found.').waitFor();
  await page.fill('#search', '연습');
  await cards().first().waitFor();
  await page.fill('#search', '');
});

test('it is downloaded in pieces, and uploaded again', async () => {
  await cards().first().getByRole('button').click();
  const address = await page.getByRole('link', { name: 'Download' }).getAttribute('href');
  const piece = await fetch(address, { headers: { Range: 'bytes=4-7' } });
  assert.equal(piece.status, 206);
  assert.equal(await piece.text(), 'ftyp');
  const whole = Buffer.from(await (await fetch(address)).arrayBuffer());
  await page.keyboard.press('Escape');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload a recording' }).click();
  await (await chooser).setFiles({ name: 'Second voice.mp4', mimeType: 'video/mp4', buffer: whole });
  await page.locator('.recording-title', { hasText: 'Second voice' }).waitFor();
  assert.equal(await cards().count(), 2);
});

test('what is no recording is refused in words', async () => {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload a recording' }).click();
  await (await chooser).setFiles({ name: 'notes.mp4', mimeType: 'video/mp4', buffer: Buffer.from('these are notes') });
  await page.locator('.toast', { hasText: /play|media/ }).waitFor();
  assert.equal(await cards().count(), 2);
});

test('a small screen has all of it, in Korean as well', async () => {
  await page.setViewportSize(SMALLEST);
  assert.equal(await overflow(), 0);
  await shoot('library-smallest');
  await cards().first().getByRole('button').click();
  await page.getByRole('dialog').waitFor();
  await shoot('library-player-smallest');
  await page.keyboard.press('Escape');
  await page.locator('select.language').selectOption('ko');
  await page.getByRole('heading', { name: `${ROOM}의 녹화` }).waitFor();
  assert.equal(await overflow(), 0);
  await shoot('library-korean');
  await page.locator('select.language').selectOption('en');
  await page.setViewportSize(DESK);
});

test('it is deleted after a question, and its file with it', async () => {
  for (const left of [1, 0]) {
    await cards().first().getByRole('button').click();
    await page.locator('#player').getByRole('button', { name: 'Delete' }).click();
    await page.locator('.ask').getByRole('button', { name: 'Delete' }).click();
    await page.waitForFunction((count) => document.querySelectorAll('#recordings > li').length === count && !document.querySelector('dialog[open]'), left);
  }
  await page.getByText('There are no recordings yet.').waitFor();
  assert.deepEqual(await recordings(), []);
});

test('no page had an error', () => assert.deepEqual(host.errors, []));
