/* Three people meet through the page: everybody sees and hears everybody, and nobody's picture stands still when one comes or goes. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arriveAll } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { longest, median, pause } from './fixture/numbers.mjs';

const COLOURS = ['red', 'green', 'blue'];
/* What people notice as a freeze. */
const FREEZE_MS = 200;
const JOINS = 7;
/* Mean change of the brightness in a tile, 0..255. Measured in two seconds: a still picture 0.08 to 0.13, somebody who moves 1.3 to 5.8. */
const MOVED = 1;

let server;
let people = [];

before(async () => {
  /* Half the usual size: three browsers share this machine. At 1280x720 two cores are busy all the time, and a gap of 217 ms was seen. */
  server = await startServer({ settings: ['room.width_px=640', 'room.height_px=360'] });
  people = await arriveAll(COLOURS);
});

after(async () => {
  await Promise.all(people.map((person) => person.leaveBrowser()));
  assert.equal(await server?.stop(), 0);
});

test('three people join through the lobby', async () => {
  for (const person of people) await person.join(server.url, 'meeting');
  for (const person of people) await person.sees(3);
});

test('everybody sees everybody move, each in their tile', async () => {
  /* A tile shows its avatar until the first frame. Whose picture it is, is judged below. */
  for (const person of people) {
    for (let i = 0; i < 80 && (await person.look()).some(({ marker }) => marker === null); i += 1) await pause(250);
  }
  const ids = await Promise.all(people.map((person) => person.id()));
  for (const person of people) {
    const looks = [await person.look()];
    for (let i = 0; i < 8; i += 1) {
      await pause(250);
      looks.push(await person.look());
    }
    const where = `what ${person.colour} sees`;
    assert.deepEqual(looks[0].map(({ participant }) => participant).sort(), [...ids].sort(), where);
    for (const [i, tile] of looks[0].entries()) {
      assert.equal(tile.marker, COLOURS[ids.indexOf(tile.participant)], `${where} in the tile of ${tile.name}`);
      assert.equal(tile.name, tile.marker, where);
      assert.ok(tile.mean > 20 && tile.spread > 10, `${where}: the tile of ${tile.name} is black or flat: ${tile.mean}, ${tile.spread}`);
      const moved = Math.max(...looks.map((look) => difference(look[i].thumb, tile.thumb)));
      assert.ok(moved > MOVED, `${where}: ${tile.name} stands still (${moved})`);
      for (const other of looks[0].slice(i + 1)) {
        assert.ok(difference(other.thumb, tile.thumb) > 3, `${where}: ${tile.name} and ${other.name} look the same`);
      }
    }
  }
});

test('picture and sound go on at everybody', async () => {
  const measure = () => Promise.all(people.map(async (person) => [await person.inbound('video'), await person.inbound('audio')]));
  const earlier = await measure();
  await pause(3000);
  const later = await measure();
  for (const [i, person] of people.entries()) {
    const [video, audio] = later[i];
    const frames = video.framesDecoded - earlier[i][0].framesDecoded;
    const energy = audio.totalAudioEnergy - earlier[i][1].totalAudioEnergy;
    console.log(`# ${person.colour}: ${frames} frames of ${video.frameWidth}x${video.frameHeight} in 3 s, sound energy ${energy.toFixed(4)}`);
    assert.ok(frames > 20, `${person.colour} got ${frames} frames in 3 s`);
    assert.ok(energy > 1e-4, `${person.colour} hears nothing (${energy})`);
  }
});

test('nobody freezes when one leaves and comes back', async (t) => {
  const [comer, ...stayers] = people;
  const eachWatches = () => Promise.all(stayers.map((person) => person.watch()));
  const eachSays = () => Promise.all(stayers.map((person) => person.gaps()));

  await eachWatches();
  await pause(6000);
  const quiet = await eachSays();
  const frozenBefore = await Promise.all(stayers.map((person) => person.inbound('video')));
  await eachWatches();
  for (let i = 0; i < 3; i += 1) {
    await comer.leave();
    await stayers[0].sees(2);
    await pause(700);
    await comer.page.click('#rejoin');
    await comer.page.waitForFunction(() => document.querySelector('#preview')?.hidden === false);
    await comer.pressJoin();
    await stayers[0].sees(3);
    await pause(700);
  }
  const busy = await eachSays();
  const frozen = await Promise.all(stayers.map((person) => person.inbound('video')));

  for (const [i, person] of stayers.entries()) {
    const freezes = frozen[i].freezeCount - frozenBefore[i].freezeCount;
    console.log(`# ${person.colour}: longest time between two frames ${quiet[i].shownMs} ms in quiet, ${busy[i].shownMs} ms while one left `
      + `and joined; as mixed ${quiet[i].mixedMs} and ${busy[i].mixedMs} ms; ${freezes} freezes`);
    t.diagnostic(`${person.colour}: ${JSON.stringify({ quiet: quiet[i], busy: busy[i], freezes })}`);
    assert.ok(busy[i].frames > 30, `${person.colour} saw ${busy[i].frames} frames`);
  }
  /* On a busy machine the browsers themselves skip; then what they skip in quiet is the measure. */
  const bound = Math.max(FREEZE_MS, 1.5 * longest(quiet, 'shownMs'));
  assert.ok(longest(busy, 'shownMs') <= bound, `a freeze of ${longest(busy, 'shownMs')} ms, longer than ${bound} ms`);
  const mixedBound = Math.max(FREEZE_MS, 1.5 * longest(quiet, 'mixedMs'));
  assert.ok(longest(busy, 'mixedMs') <= mixedBound, `the mixer paused for ${longest(busy, 'mixedMs')} ms, longer than ${mixedBound} ms`);
});

test('the first frame comes soon after Join', async (t) => {
  const [comer] = people;
  const times = [];
  for (let i = 0; i < JOINS; i += 1) {
    await comer.leave();
    await comer.page.click('#rejoin');
    await comer.page.waitForFunction(() => document.querySelector('#preview')?.hidden === false);
    times.push(await comer.pressJoin());
    await pause(300);
  }
  const typical = Math.round(median(times));
  t.diagnostic(`first frame after ${typical} ms (median of ${times.map(Math.round)})`);
  /* 500 ms is the aim on a machine with time for it. */
  assert.ok(typical < 3000);
});

test('no page had an error', () => {
  for (const person of people) assert.deepEqual(person.errors, []);
});

function difference(one, other) {
  return one.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / one.length;
}
