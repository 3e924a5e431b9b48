/* A call of two: each gets the other's camera as it was sent; a third one makes it a mix, and nobody sees the change. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arriveAll } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { longest, pause } from './fixture/numbers.mjs';

/* The cameras' size at most, since a busy browser sends less; the room's picture is larger. */
const SENT_WIDTH = 640;
const MIXED_WIDTH = 1280;
/* What people notice as more than a hitch. */
const FREEZE_MS = 500;
const WAIT_MS = 20_000;

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

/* And keeps what the server calls the picture that one gets. */
async function join(person) {
  await person.page.addInitScript(() => {
    const Real = globalThis.WebSocket;
    globalThis.WebSocket = class extends Real {
      constructor(...args) {
        super(...args);
        this.addEventListener('message', ({ data }) => {
          const { type, view } = JSON.parse(data);
          if (type === 'tiles') globalThis.view = view;
        });
      }
    };
  });
  await person.join(server.url, 'call');
}

/* What the server says of the picture, and the picture itself. */
function picture(person) {
  return person.page.evaluate(() => {
    const { tiles, rung, uplink } = globalThis.mixroomCall;
    const video = document.querySelector('#stage video');
    return { view: globalThis.view, tiles: tiles.tiles.map(({ participant, x, y, w, h }) => ({ participant, x, y, w, h })),
      width: video.videoWidth, rung: rung.width, uplink: uplink.maxWidth };
  });
}

async function until(person, what, isSo) {
  const deadline = performance.now() + WAIT_MS;
  let last;
  while (performance.now() < deadline) {
    last = await picture(person);
    if (isSo(last)) return;
    await pause(100);
  }
  throw new Error(`${person.colour} does not get ${what}: ${JSON.stringify(last)}\nof ${JSON.stringify(await describe())}`);
}

async function getsDirectly(person, other) {
  const whole = [{ participant: await other.id(), x: 0, y: 0, w: 1, h: 1 }];
  await until(person, `${other.colour} directly`, ({ view, tiles, width, rung }) => view === 'direct'
    && JSON.stringify(tiles) === JSON.stringify(whole) && width <= SENT_WIDTH && rung <= SENT_WIDTH);
  await shows(person, [other.colour]);
}

async function getsMix(person, colours) {
  await until(person, 'the mix', ({ view, tiles, width }) => view === 'main' && tiles.length === colours.length && width === MIXED_WIDTH);
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
  /* As much as the other one can take, and not as much as a tile. */
  await until(red, 'to know how much is of use', ({ uplink }) => uplink === MIXED_WIDTH);
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
  const both = (what) => Promise.all([red, green].map(what));
  const frozen = async () => (await both((person) => person.inbound('video'))).map(({ totalFreezesDuration }) => totalFreezesDuration);

  await both((person) => person.watch());
  const earlier = await frozen();
  await join(blue);
  await getsMix(red, ['red', 'green', 'blue']);
  await getsMix(green, ['red', 'green', 'blue']);
  const coming = await both((person) => person.gaps());
  await both((person) => person.watch());
  await pause(3000);
  const quiet = await both((person) => person.gaps());
  await both((person) => person.watch());
  await blue.leave();
  await getsDirectly(red, green);
  await getsDirectly(green, red);
  const going = await both((person) => person.gaps());
  const later = await frozen();

  /* On a busy machine the browsers themselves skip; then what they skip in quiet is the measure. */
  const bound = Math.max(FREEZE_MS, 1.5 * longest(quiet, 'shownMs'));
  for (const [i, { colour }] of [red, green].entries()) {
    t.diagnostic(`${colour}: longest time between two frames ${coming[i].shownMs} ms to the mix, ${going[i].shownMs} ms from it, `
      + `${quiet[i].shownMs} ms in quiet; frozen for ${(later[i] - earlier[i]).toFixed(3)} s in all`);
    assert.ok(coming[i].shownMs <= bound && going[i].shownMs <= bound, `${colour} saw a freeze longer than ${bound} ms`);
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
