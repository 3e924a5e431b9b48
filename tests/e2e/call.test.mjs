/* A call of two: each gets the other's camera as it was sent; a third one makes it a mix, and nobody sees the change. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arriveAll } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

/* The cameras' size; the room's picture is larger. */
const SENT_WIDTH = 640;
const MIXED_WIDTH = 1280;
/* Of all changes together; a browser counts as a freeze what lasts 150 ms longer than frames did before. */
const FROZEN_S = 0.5;

let server;
let people = [];

before(async () => {
  server = await startServer({ settings: ['room.direct_calls=true'] });
  people = await arriveAll(['red', 'green', 'blue']);
});

after(async () => {
  await Promise.all(people.map((person) => person.leaveBrowser()));
  assert.equal(await server?.stop(), 0);
});

/* And from then on keeps what the server calls the picture that one gets. */
async function join(person) {
  await person.join(server.url, 'call');
  await person.page.evaluate(() => globalThis.sockets.at(-1).addEventListener('message', ({ data }) => {
    const { type, view } = JSON.parse(data);
    if (type === 'tiles') globalThis.view = view;
  }));
}

/* The message, and the picture itself. */
async function getsDirectly(person, other) {
  await person.page.waitForFunction(({ id, width }) => {
    const { tiles } = globalThis.mixroomCall;
    const [tile] = tiles.tiles;
    return globalThis.view === 'direct' && tiles.tiles.length === 1 && tile.participant === id && tile.x === 0 && tile.y === 0
      && tile.w === 1 && tile.h === 1 && document.querySelector('#stage video').videoWidth === width;
  }, { id: await other.id(), width: SENT_WIDTH });
  await shows(person, [other.colour]);
}

async function getsMix(person, colours) {
  await person.page.waitForFunction(({ count, width }) => {
    const { tiles } = globalThis.mixroomCall;
    return globalThis.view === 'main' && tiles.tiles.length === count && document.querySelector('#stage video').videoWidth === width;
  }, { count: colours.length, width: MIXED_WIDTH });
  await shows(person, colours);
}

/* null: an avatar */
async function shows(person, colours) {
  let markers;
  for (let i = 0; i < 50; i += 1) {
    markers = (await person.look()).map(({ marker }) => marker);
    if (`${[...markers].sort()}` === `${[...colours].sort()}`) return;
    await pause(100);
  }
  assert.deepEqual(markers, colours, `what ${person.colour} sees`);
}

async function describe() {
  return (await fetch(new URL('api/v1/rooms/call', server.url))).json();
}

test('each gets the other as sent, and nothing is encoded', async () => {
  const [red, green] = people;
  await join(red);
  await join(green);
  await getsDirectly(red, green);
  await getsDirectly(green, red);
  await red.page.waitForFunction((width) => globalThis.mixroomCall.rung.width === width, SENT_WIDTH);
  /* As much as the other one can take, and not as much as a tile. */
  await red.page.waitForFunction((width) => globalThis.mixroomCall.uplink.maxWidth === width, MIXED_WIDTH);
  let room;
  for (let i = 0; i < 100; i += 1) {
    room = await describe();
    if (room.rungs.every(({ level }) => level === undefined)) break;
    await pause(100);
  }
  assert.deepEqual(room.rungs.filter(({ level }) => level !== undefined), []);
  assert.deepEqual(room.participants.map(({ direct }) => direct), [true, true]);
});

test('a third comes and goes, and nobody sees a seam', async (t) => {
  const [red, green, blue] = people;
  const counted = () => Promise.all([red, green].map((person) => person.inbound('video')));
  const earlier = await counted();

  await join(blue);
  await getsMix(red, ['red', 'green', 'blue']);
  await getsMix(green, ['red', 'green', 'blue']);
  await pause(1000);
  await blue.leave();
  await getsDirectly(red, green);
  await getsDirectly(green, red);
  await pause(1000);
  for (const [i, stat] of (await counted()).entries()) {
    const freezes = stat.freezeCount - earlier[i].freezeCount;
    const frozenS = stat.totalFreezesDuration - earlier[i].totalFreezesDuration;
    t.diagnostic(`${people[i].colour}: ${freezes} freezes, ${frozenS.toFixed(3)} s in all`);
    assert.ok(frozenS < FROZEN_S, `${people[i].colour}: ${freezes} freezes, ${frozenS} s in all`);
  }
});

test('who switches the camera off is not seen any longer, and the other goes on', async (t) => {
  const [red, green] = people;
  const mutedAt = performance.now();
  await green.page.evaluate(() => globalThis.mixroomCall.setCamera(false));
  await getsMix(red, ['red', null]);
  t.diagnostic(`gone after ${Math.round(performance.now() - mutedAt)} ms`);
  await getsDirectly(green, red);
  await green.page.evaluate(() => globalThis.mixroomCall.setCamera(true));
  await getsDirectly(red, green);
});

test('no page had an error', () => {
  for (const person of people) assert.deepEqual(person.errors, []);
});
