/* Camera and microphone refused, switched off and on again; and what strangers write. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

const HOSTILE = '<img src=x onerror="globalThis.hacked = true"><script>globalThis.hacked = true</script>';
const HOSTILE_NAME = '<b onclick=alert(1)>Mallory</b>';

let server;
let sender;
let refuser;

before(async () => {
  server = await startServer();
  [sender, refuser] = await Promise.all([Person.arrive('red'), Person.arrive('blue', { devices: false })]);
});

after(async () => {
  await Promise.all([sender, refuser].map((person) => person?.leaveBrowser()));
  assert.equal(await server?.stop(), 0);
});

const tileOf = async (watcher, person) => {
  const id = await person.id();
  return (await watcher.look()).find(({ participant }) => participant === id);
};

async function untilMarker(watcher, person, marker) {
  for (let i = 0; i < 100; i += 1) {
    if ((await tileOf(watcher, person))?.marker === marker) return;
    await pause(100);
  }
  assert.fail(`the tile of ${person.colour} does not become ${marker}: ${JSON.stringify(await tileOf(watcher, person))}`);
}

const memberAt = async (watcher, person) => {
  const id = await person.id();
  return watcher.page.evaluate((who) => globalThis.mixroomCall.roster.get(who), id);
};

async function untilMember(watcher, person, condition, what) {
  for (let i = 0; i < 100; i += 1) {
    if (condition(await memberAt(watcher, person))) return;
    await pause(100);
  }
  assert.fail(`${what}: ${JSON.stringify(await memberAt(watcher, person))}`);
}

test('who refuses camera and microphone joins, sees and hears', async () => {
  await sender.join(server.url, 'devices', HOSTILE_NAME);
  const { page } = refuser;
  await page.goto(`${server.url}?room=devices&name=Refuser`);
  await page.getByText('The browser blocks camera and microphone').waitFor();
  await refuser.pressJoin();
  for (const person of [sender, refuser]) await person.sees(2);
  await untilMarker(refuser, sender, 'red');
  const before = await refuser.inbound('audio');
  await pause(2000);
  assert.ok((await refuser.inbound('audio')).totalAudioEnergy > (before.totalAudioEnergy ?? 0) + 1e-4, 'the refuser hears nothing');
  await untilMember(sender, refuser, ({ audioMuted, videoMuted }) => audioMuted && videoMuted, 'shown as sending something');
});

test('a tile without a camera is an avatar: neither black nor moving', async () => {
  const one = await tileOf(sender, refuser);
  await pause(1000);
  const other = await tileOf(sender, refuser);
  assert.equal(one.marker, null);
  assert.ok(one.mean > 5 && one.spread > 2, `the avatar is not to be seen: ${one.mean}, ${one.spread}`);
  assert.ok(Math.max(...one.thumb.map((value, i) => Math.abs(value - other.thumb[i]))) < 12, 'the avatar moves');
});

test('pressing a button that the browser refuses says how to allow it', async () => {
  await refuser.page.click('#toggle-camera');
  await refuser.page.locator('#toasts').getByText('The browser blocks the camera').waitFor();
});

test('microphone off is shown to the others, and on again', async () => {
  const tile = refuser.page.locator('.tile', { hasText: HOSTILE_NAME });
  await tile.locator('.tile-muted').waitFor({ state: 'hidden' });
  await sender.page.click('#toggle-mic');
  await untilMember(refuser, sender, ({ audioMuted }) => audioMuted === true, 'muted is not in the roster');
  await tile.locator('.tile-muted').waitFor({ state: 'visible' });
  assert.equal(await tile.getAttribute('aria-label'), `${HOSTILE_NAME}, microphone off`);
  await pause(1500);
  const before = await refuser.inbound('audio');
  await pause(2000);
  const quiet = (await refuser.inbound('audio')).totalAudioEnergy - before.totalAudioEnergy;
  assert.ok(quiet < 1e-5, `heard although muted: ${quiet}`);
  await sender.page.click('#toggle-mic');
  await tile.locator('.tile-muted').waitFor({ state: 'hidden' });
});

test('camera off becomes the avatar, and on again the picture', async () => {
  await sender.page.click('#toggle-camera');
  await untilMember(refuser, sender, ({ videoMuted }) => videoMuted === true, 'camera off is not in the roster');
  await untilMarker(refuser, sender, null);
  const { mean, spread } = await tileOf(refuser, sender);
  assert.ok(mean > 5 && spread > 2, `the avatar is not to be seen: ${mean}, ${spread}`);
  await sender.page.click('#toggle-camera');
  await untilMarker(refuser, sender, 'red');
});

test('a raised hand is seen', async () => {
  await sender.page.evaluate(() => globalThis.mixroomCall.raiseHand(true));
  await refuser.page.locator('.tile', { hasText: HOSTILE_NAME }).locator('.tile-hand').waitFor({ state: 'visible' });
});

test('what strangers write stays text', async () => {
  const { page } = refuser;
  await page.setViewportSize({ width: 1100, height: 700 });
  await page.click('#open-chat');
  await sender.page.click('#open-chat');
  await sender.page.fill('#chat-input', HOSTILE);
  await sender.page.press('#chat-input', 'Enter');
  const line = page.locator('.chat-lines li').last();
  await line.waitFor();
  assert.equal(await line.locator('p').textContent(), HOSTILE);
  assert.equal(await line.locator('strong').textContent(), HOSTILE_NAME);
  for (const watcher of [sender, refuser]) {
    assert.equal(await watcher.page.locator('.chat-lines li').count(), 1);
    assert.equal(await watcher.page.locator('#app img, #app b, #app script, #toasts img, #live img').count(), 0);
    assert.equal(await watcher.page.evaluate(() => globalThis.hacked), undefined);
    assert.deepEqual(watcher.errors, []);
  }
});
