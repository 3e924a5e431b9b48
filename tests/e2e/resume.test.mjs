/* The signalling breaks and the media goes on; the server breaks and the page comes back by itself. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
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
/* Somebody who only writes, and does not pass the wire. */
function writer(name) {
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}ws`, 'mixroom.v1');
  const write = (text) => socket.send(JSON.stringify({ type: 'chat', text }));
  return new Promise((resolve, reject) => {
    socket.onerror = reject;
    socket.onopen = () => socket.send(JSON.stringify({ type: 'join', room: 'lasting', name }));
    socket.onmessage = ({ data }) => { if (JSON.parse(data).type === 'joined') resolve({ write, leave: () => socket.close() }); };
  });
}

const lines = () => person.page.locator('.chat-lines li p').allInnerTexts();
const tiles = () => person.page.evaluate(() => globalThis.mixroomCall.tiles.tiles);

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

test('what is written meanwhile comes once and in order, and everybody has the place they had', async () => {
  const bob = await writer('Bob');
  await person.sees(2);
  const places = await tiles();
  bob.write('before');
  await until('the line from before', async () => (await lines()).includes('before'));
  wire.cut();
  await banner().waitFor({ state: 'visible' });
  for (const text of ['one', 'two', 'three']) bob.write(text);
  await person.page.evaluate(() => globalThis.mixroomCall.chat('mine'));
  await pause(500);
  wire.mend();
  await banner().waitFor({ state: 'hidden' });
  await until('the own line', async () => (await lines()).includes('mine'));
  assert.deepEqual((await lines()).slice(-5), ['before', 'one', 'two', 'three', 'mine']);
  assert.equal(new Set(await lines()).size, (await lines()).length);
  assert.deepEqual(await tiles(), places);
  bob.leave();
});

test('who comes later sees what was written before', async () => {
  const late = await Person.arrive('red');
  await late.join(server.url, 'lasting', 'Eve');
  await late.page.click('#open-chat');
  await late.page.getByText('three').waitFor();
  assert.deepEqual(await late.page.locator('.chat-lines li p').allInnerTexts(), await lines());
  assert.deepEqual(late.errors, []);
  await late.leave();
  await late.leaveBrowser();
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
