/* The signalling breaks and the media goes on; the server breaks and the page comes back by itself. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from './fixture/person.mjs';
import { startServer, startWire } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

const FREEZE_MS = 1000;

let server;
let wire;
let person;

before(async () => {
  server = await startServer();
  wire = await startWire(server.port);
  person = await Person.arrive('green');
  await person.join(wire.url, 'lasting', 'Ada');
});

after(async () => {
  await person?.leaveBrowser();
  wire?.close();
  await server?.stop();
});

const banner = () => person.page.locator('#banner');
const decoded = async () => (await person.inbound('video')).framesDecoded ?? 0;

async function until(what, condition, seconds = 30) {
  for (let i = 0; i < seconds * 10; i += 1) {
    if (await condition()) return;
    await pause(100);
  }
  assert.fail(`not within ${seconds} s: ${what}`);
}

test('a WebSocket that is cut is resumed, and no frame waits for it', async (t) => {
  const id = await person.id();
  await until('frames come', async () => (await decoded()) > 30);
  await person.watch();
  wire.cut();
  await banner().waitFor({ state: 'visible' });
  assert.equal(await banner().innerText(), 'Reconnecting. Your sound goes on.');
  const away = await decoded();
  await pause(2000);
  assert.ok((await decoded()) > away + 15, 'frames go on without signalling');
  await person.page.evaluate(() => globalThis.mixroomCall.chat('said while away'));
  wire.mend();
  await banner().waitFor({ state: 'hidden' });
  const gaps = await person.gaps();
  t.diagnostic(`longest time between two frames ${gaps.shownMs} ms`);
  assert.ok(gaps.shownMs < FREEZE_MS);
  assert.equal(await person.id(), id);
  assert.equal(await person.page.evaluate(() => globalThis.connections.length), 1, 'the connection is the same one');
  await person.page.click('#open-chat');
  await person.page.getByText('said while away').waitFor();
  await person.page.click('#open-chat');
});

test('a server that dies is waited for, and the call goes on with the next one', async (t) => {
  const { port } = server;
  const id = await person.id();
  await server.kill();
  const diedAt = Date.now();
  await banner().waitFor({ state: 'visible' });
  t.diagnostic(`banner after ${Date.now() - diedAt} ms: ${await banner().innerText()}`);
  await pause(1500);
  assert.equal(await banner().isVisible(), true);
  server = await startServer({ port });
  const backAt = Date.now();
  await until('another participant', async () => (await person.id()) !== id);
  await banner().waitFor({ state: 'hidden' });
  await until('frames of the new connection', async () => (await decoded()) > 10);
  t.diagnostic(`in the new room after ${Date.now() - backAt} ms`);
  await person.sees(1);
  const [own] = await person.look();
  assert.equal(own.name, 'Ada');
  assert.equal(await person.page.locator('#stage .connecting').isHidden(), true);
});

test('leaving is final', async () => {
  await person.leave();
  await person.page.getByRole('heading', { name: 'You left the call' }).waitFor();
  await pause(1500);
  const rooms = await (await fetch(`${server.url}api/v1/rooms`)).json();
  assert.deepEqual(rooms.rooms ?? rooms, []);
  assert.deepEqual(person.errors, []);
});
