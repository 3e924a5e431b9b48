/* The broadcaster's side: outputs through the panel, HLS and WHEP in the viewer's page, the recording in the library. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { ARTEFACTS } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';

const ROOM = 'Studio';
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const SMALLEST = { width: 320, height: 568 };

let directory;
let server;
let host;
let page;
let watchLink;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  directory = mkdtempSync(`${tmpdir()}/mixroom-programme-`);
  for (const name of ['hls', 'recordings', 'images']) mkdirSync(`${directory}/${name}`);
  server = await startServer({ settings: [`programme.hls_directory=${directory}/hls`, `programme.recordings_directory=${directory}/recordings`,
    `programme.images_directory=${directory}/images`, 'programme.push=true', 'players.files=true', 'players.urls=true', 'players.private_addresses=true'] });
  host = await Person.arrive('green');
  ({ page } = host);
  await page.setViewportSize(DESK);
  await host.join(server.url, ROOM, 'Mina Park');
});

after(async () => {
  await host?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

async function shoot(name, where = page) {
  await pause(400);
  await where.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

const overflow = (where = page) => where.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/* What can be pressed or filled in, is to be seen, and has no name that a screen reader could say. */
const nameless = (where = page) => where.evaluate(() => [...document.querySelectorAll('button, input, select, textarea, a, video, [role="img"]')]
  .filter((node) => node.checkVisibility() && !node.closest('[aria-hidden="true"]'))
  .filter((node) => !(node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.labels?.length || node.innerText?.trim()))
  .map((node) => node.outerHTML.slice(0, 120)));

const card = (name) => page.locator('.card', { hasText: name });

/* A video that shows moving pictures: {width, seconds (that passed in it)}. */
async function plays(where) {
  await where.waitForFunction(() => {
    const video = document.querySelector('video');
    return video?.videoWidth > 0 && video.currentTime > 0 && !video.paused;
  });
  const begin = await where.evaluate(() => document.querySelector('video').currentTime);
  await where.waitForFunction((from) => document.querySelector('video').currentTime > from + 2, begin);
  return where.evaluate(() => document.querySelector('video').videoWidth);
}

async function openTab(address, { prepare } = {}) {
  const tab = await page.context().newPage();
  tab.setDefaultTimeout(30_000);
  await tab.setViewportSize({ width: 640, height: 360 });
  if (prepare) await tab.addInitScript(prepare);
  await tab.goto(address);
  return tab;
}

async function start(kind) {
  await page.getByRole('radio', { name: kind }).check();
  await page.click('#output-start');
}

test('the panel opens from the bar, and shows the programme live', async () => {
  await page.click('#open-programme');
  await page.getByRole('tabpanel', { name: 'Programme' }).waitFor();
  await page.getByText('Nothing goes out yet.').waitFor();
  await page.getByRole('button', { name: 'Live preview' }).click();
  await page.waitForFunction(() => document.querySelector('.programme-preview video').videoWidth > 0);
  await page.waitForFunction(() => document.querySelector('.programme-preview .level .lit') !== null);
  await shoot('programme-live');
  await page.getByRole('button', { name: 'End live preview' }).click();
  assert.equal(await page.locator('.programme-preview video').isVisible(), false);
});

/* The mean colour of a part of what the preview shows. */
const colourAt = (x, y, w, h) => page.evaluate(([left, top, width, height]) => {
  const canvas = document.querySelector('.programme-preview canvas');
  const { data } = canvas.getContext('2d').getImageData(canvas.width * left, canvas.height * top, canvas.width * width, canvas.height * height);
  const sum = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) for (const c of [0, 1, 2]) sum[c] += data[i + c];
  return sum.map((value) => Math.round(value / (data.length / 4)));
}, [x, y, w, h]);

async function until(what, condition) {
  let last;
  for (let i = 0; i < 100; i += 1) {
    last = await condition();
    if (last === true) return;
    await pause(200);
  }
  assert.fail(`not within 20 s: ${what}; last ${JSON.stringify(last)}`);
}

const near = (colour, wanted) => wanted.every((value, c) => Math.abs(value - colour[c]) < 40) || colour;

const look = () => page.locator('#programme-look');

test('a still shows the programme, and its look is changed at once', async () => {
  await until('a picture', () => page.evaluate(() => document.querySelector('.programme-preview canvas').width === 1280));
  await page.getByText('Look and sound').click();
  await look().getByText('1280 × 720 · 30 fps').waitFor();
  await look().getByRole('radio', { name: 'Lower third' }).check();
  await look().getByRole('switch', { name: 'Clock' }).check();
  await look().getByRole('radio', { name: 'Grid' }).check();
  await look().getByLabel('Loudness').selectOption('-23');
  await until('the look', async () => {
    const { labels, clock, layout, loudness } = await (await fetch(`${server.url}api/v1/rooms/${ROOM}/programme`)).json();
    return (labels === 'lower-third' && clock === true && layout === 'grid' && loudness === -23) || { labels, clock, layout, loudness };
  });
  assert.deepEqual(await nameless(), []);
  await pause(3000);
  await page.setViewportSize({ ...DESK, height: 1300 });
  await shoot('programme-look');
  return page.setViewportSize(DESK);
});

test('a logo is uploaded, and seen', async () => {
  const picture = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 128, height: 128 });
    const paint = canvas.getContext('2d');
    paint.fillStyle = '#f000f0';
    paint.fillRect(0, 0, 128, 128);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  const chooser = page.waitForEvent('filechooser');
  await look().locator('.with-upload').getByRole('button', { name: 'Upload' }).click();
  await (await chooser).setFiles({ name: 'Our logo.png', mimeType: 'image/png', buffer: Buffer.from(picture) });
  await page.waitForFunction(() => document.querySelector('#programme-look .with-upload select').value === 'Our-logo.png');
  const { logoCorner, logoHeight, safeMargin } = await (await fetch(`${server.url}api/v1/rooms/${ROOM}/programme`)).json();
  const width = logoHeight * 9 / 16;
  const left = logoCorner.endsWith('right') ? 1 - safeMargin - width : safeMargin;
  const top = logoCorner.startsWith('bottom') ? 1 - safeMargin - logoHeight : safeMargin;
  await until('the logo', async () => near(await colourAt(left + width * 0.3, top + logoHeight * 0.3, width * 0.4, logoHeight * 0.4), [240, 0, 240]));
  return shoot('programme-logo');
});

const marks = (where) => where.locator('.on-air-mark:visible').evaluateAll((nodes) => nodes.map(({ dataset }) => dataset.mark));

test('a recording, tracks and HLS are started in the panel, and run', async () => {
  assert.deepEqual(await marks(page), []);
  await page.locator('#programme-look').evaluate((node) => { node.open = false; });
  await start('File');
  await card('File').getByText('Running').waitFor();
  await page.locator('[data-mark="recording"]').waitFor();
  assert.deepEqual(await marks(page), ['recording']);
  for (const kind of ['Tracks', 'HLS']) {
    await start(kind);
    await card(kind).getByText('Running').waitFor();
  }
  const facts = () => card('File').locator('.facts').innerText();
  const earlier = await facts();
  assert.match(earlier, /^\d+:\d\d · /);
  await page.waitForFunction((text) => document.querySelector('.card .facts').innerText !== text, earlier);
  assert.equal(await page.getByRole('button', { name: 'Programme, going out' }).count(), 1);
  assert.deepEqual(await nameless(), []);
  await shoot('programme-outputs');
  watchLink = await page.getByRole('link', { name: 'Watch' }).getAttribute('href');
});

test('who comes meanwhile sees and hears that it is recorded and sent out', async () => {
  const guest = await openTab(`${server.url}?room=${ROOM}&name=Guest`);
  await guest.locator('#join').click();
  for (const mark of ['recording', 'live']) await guest.locator(`[data-mark="${mark}"]`).waitFor();
  assert.equal(await guest.getByRole('status').filter({ hasText: 'This call is being recorded.' }).filter({ hasText: 'This call is being sent out live.' }).count(), 1);
  await guest.setViewportSize(SMALLEST);
  await shoot('on-air', guest);
  await guest.evaluate(async () => (await import('/strings.js')).setLanguage('ko'));
  await guest.getByText('이 통화를 녹화하고 있습니다.').waitFor();
  await guest.close();
  await host.sees(1);
});

test('the viewer\'s page plays the HLS, natively where the browser can', async () => {
  const tab = await openTab(watchLink);
  assert.equal(await plays(tab), 1280);
  const { src, isNative } = await tab.evaluate(() => {
    const video = document.querySelector('video');
    return { src: video.src, isNative: video.canPlayType('application/vnd.apple.mpegurl') !== '' };
  });
  assert.match(src, isNative ? /\/hls\/.*\.m3u8$/ : /^blob:/);
  await shoot('watch', tab);
  await tab.close();
});

test('and where it cannot, its segments', async () => {
  const tab = await openTab(watchLink, { prepare: () => { HTMLMediaElement.prototype.canPlayType = () => ''; } });
  assert.ok(await plays(tab) > 0);
  assert.match(await tab.evaluate(() => document.querySelector('video').src), /^blob:/);
  await tab.close();
});

test('and without a playlist the programme live', async () => {
  const tab = await openTab(`${server.url}watch.html?room=${ROOM}`);
  assert.ok(await plays(tab) > 0);
  assert.equal(await tab.evaluate(() => document.querySelector('video').srcObject !== null), true);
  await tab.close();
});

test('pause, go on, and stop after a question', async () => {
  await card('File').getByRole('button', { name: 'Pause' }).click();
  await card('File').getByText('Paused').waitFor();
  await card('File').getByRole('button', { name: 'Go on' }).click();
  await card('File').getByText('Running').waitFor();
  await card('File').getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('dialog', { name: 'Stop File?' }).waitFor();
  await shoot('programme-stop');
  await page.keyboard.press('Escape');
  await pause(500);
  assert.equal(await card('File').getByText('Running').count(), 1, 'Escape stops nothing');
  for (const name of ['File', 'Tracks', 'HLS']) {
    await card(name).getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await card(name).getByText('Finished').waitFor();
  }
  assert.equal(await page.getByRole('button', { name: 'Programme, going out' }).count(), 0);
  assert.deepEqual(await marks(page), []);
});

test('a stream key is not shown, and gone after it was used', async () => {
  await page.getByRole('radio', { name: 'RTMP' }).check();
  const key = page.getByLabel('Stream key');
  assert.equal(await key.getAttribute('type'), 'password');
  await page.locator('#output-form input[type="url"]:visible').fill('rtmp://127.0.0.1:1/live');
  await key.fill('s3cret-key');
  await page.click('#output-start');
  await card('RTMP').getByText(/Starting|Trying again/).waitFor();
  assert.equal(await key.inputValue(), '');
  await page.waitForFunction(() => [...document.querySelectorAll('.card')].some((one) => /Trying again/.test(one.innerText)));
  const text = await card('RTMP').innerText();
  assert.match(text, /rtmp:\/\/127\.0\.0\.1:1/);
  assert.doesNotMatch(await page.locator('#panel').innerText(), /s3cret/);
  assert.doesNotMatch(server.log.join('\n'), /s3cret/);
  await shoot('programme-retrying');
});

test('a wrong address is said where it was entered', async () => {
  await page.locator('#output-form input[type="url"]:visible').fill('http://example.org');
  await page.click('#output-start');
  await page.locator('#output-form [role="alert"]', { hasText: 'an rtmp output needs a url' }).waitFor();
  assert.equal(await page.locator('.toast').count(), 0);
});

test('a phone has all of it, in Korean as well', async () => {
  for (const [name, size] of [['phone', PHONE], ['smallest', SMALLEST]]) {
    await page.setViewportSize(size);
    await pause(300);
    assert.equal(await overflow(), 0, name);
    const sticksOut = await page.evaluate(() => [...document.querySelectorAll('.programme *')].filter((node) => node.offsetParent !== null
      && node.getBoundingClientRect().right > document.querySelector('.programme').getBoundingClientRect().right + 1).map((node) => node.outerHTML.slice(0, 80)));
    assert.deepEqual(sticksOut, [], name);
    await shoot(`programme-${name}`);
  }
  await page.keyboard.press('Escape');
  await page.click('#open-more');
  await page.getByRole('menuitem', { name: 'Programme' }).click();
  await page.getByRole('tabpanel', { name: 'Programme' }).waitFor();
  await page.evaluate(async () => (await import('/strings.js')).setLanguage('ko'));
  await page.getByText('출력', { exact: true }).waitFor();
  assert.doesNotMatch(await page.locator('#panel').innerText(), /Outputs|Start|Layout|Running|Finished/);
  await shoot('programme-korean');
  await page.evaluate(async () => (await import('/strings.js')).setLanguage('en'));
  await page.setViewportSize(DESK);
});

test('an address is played into the room: paused, quieter, stopped', async () => {
  const clip = `${directory}/clip.webm`;
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10', '-f', 'lavfi', '-i', 'sine=frequency=440',
    '-t', '20', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', clip]);
  const shop = http.createServer((request, response) => response.writeHead(200, { 'Content-Type': 'video/webm' }).end(readFileSync(clip))).listen(0, '127.0.0.1');
  await once(shop, 'listening');
  const players = page.locator('#programme-players');
  await page.getByText('Play into the room').click();
  await players.getByRole('button', { name: 'Play', exact: true }).click();
  await players.getByText('Enter the address of a video or stream.').waitFor();
  await players.getByRole('textbox', { name: 'Address' }).fill(`http://127.0.0.1:${shop.address().port}/clip.webm`);
  /* However slow the machine is, it does not end meanwhile. */
  await players.getByRole('switch', { name: 'Repeat' }).check();
  await players.getByRole('button', { name: 'Play', exact: true }).click();
  await players.locator('.card .state', { hasText: 'Playing' }).waitFor();
  await host.sees(2);
  await pause(2000);
  await shoot('programme-player');
  const state = async () => (await (await fetch(`${server.url}api/v1/rooms/${ROOM}/players`)).json())[0];
  await players.getByRole('slider', { name: 'Volume' }).fill('0.5');
  await until('half the volume', async () => (await state()).volume === 0.5);
  await players.getByRole('button', { name: 'Pause' }).click();
  await players.locator('.card .state', { hasText: 'Paused' }).waitFor();
  await players.getByRole('button', { name: 'Go on' }).click();
  await players.locator('.card .state', { hasText: 'Playing' }).waitFor();
  assert.deepEqual(await nameless(), []);
  await players.getByRole('button', { name: 'Stop playing' }).click();
  await host.sees(1);
  shop.close();
  return page.getByText('Play into the room').click();
});

test('a recording is played into the room, and its position followed and changed', async () => {
  const players = page.locator('#programme-players');
  await page.getByText('Play into the room').click();
  await players.getByRole('radio', { name: 'Recording' }).check();
  await until('the recordings', async () => (await players.locator('select option').count()) >= 3);
  await players.getByRole('combobox', { name: 'Recording' }).selectOption({ label: ROOM });
  await players.getByRole('button', { name: 'Play', exact: true }).click();
  await players.locator('.card .state', { hasText: 'Playing' }).waitFor();
  await host.sees(2);
  const position = players.getByRole('slider', { name: 'Position' });
  await position.fill('1000');
  await until('it to go on', async () => Number(await position.inputValue()) > 1500);
  await players.getByRole('button', { name: 'Stop playing' }).click();
  await host.sees(1);
  return page.getByText('Play into the room').click();
});

test('what the server does not do is said plainly, with what to set', async () => {
  const plain = await startServer();
  const tab = await page.context().newPage();
  await tab.setViewportSize(DESK);
  try {
    await tab.goto(`${plain.url}?room=Plain&name=Ada`);
    await tab.locator('#join').click();
    await tab.locator('#open-programme').click();
    await tab.click('#output-start');
    await tab.locator('#output-form [role="alert"]', { hasText: 'programme.recordings_directory' }).waitFor();
    assert.equal(await tab.locator('.toast').count(), 0);
    await shoot('programme-off', tab);
  } finally {
    await tab.close();
    assert.equal(await plain.stop(), 0);
  }
});

test('where tokens are on, only hosts have the panel', async () => {
  const secret = 'a secret of the tests, 32 bytes long or more';
  const token = (role) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ room: 'Guarded', role, exp: Math.floor(Date.now() / 1000) + 600 })}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };
  const guarded = await startServer({ settings: [`server.token_secret=${secret}`] });
  try {
    for (const [role, sees] of [['participant', false], ['host', true]]) {
      const tab = await page.context().newPage();
      await tab.setViewportSize(DESK);
      await tab.goto(`${guarded.url}?room=Guarded&name=Ada&token=${token(role)}`);
      const asked = tab.waitForResponse((response) => response.url().endsWith('/outputs'));
      await tab.locator('#join').click();
      await asked;
      await pause(300);
      assert.equal(await tab.locator('#open-programme').isVisible(), sees, role);
      await tab.close();
    }
  } finally {
    assert.equal(await guarded.stop(), 0);
  }
});

test('no page had an error', () => assert.deepEqual(host.errors, []));
