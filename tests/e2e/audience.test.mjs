/* A browser among many: while it listens its sound comes in packets of 40 ms, and of 20 once it talks; both without a seam. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { endWithTest } from './fixture/children.mjs';
import { LOAD } from './fixture/needs.mjs';
import { pause } from './fixture/numbers.mjs';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';

const N_OTHERS = 24;
const WINDOW_MS = 3000;

let server;
let crowd;
let person;

before(async () => {
  server = await startServer();
  crowd = endWithTest(spawn(LOAD, ['--quiet', '--codec=none', `--participants=${N_OTHERS}`, '--talkers=2', '--ramp=20',
    '--duration=120', '--room=audience', server.url], { stdio: 'ignore' }));
  person = await Person.arrive('red');
});

after(async () => {
  await person?.leaveBrowser();
  crowd?.kill('SIGINT');
  assert.equal(await server?.stop(), 0);
});

/* What came in a while: packets a second, and the part of the samples that the browser had to make up. */
async function listen() {
  const before = await person.inbound('audio');
  await pause(WINDOW_MS);
  const now = await person.inbound('audio');
  const change = (name) => now[name] - before[name];
  return {
    perSecond: change('packetsReceived') / (change('totalSamplesDuration') || Infinity),
    concealed: change('concealedSamples') / change('totalSamplesReceived'),
    lost: change('packetsLost'),
    energy: change('totalAudioEnergy'),
  };
}

/* Until there are so many packets a second: then what came next. */
async function untilPackets(least, most) {
  let heard;
  for (let i = 0; i < 8; i += 1) {
    heard = await listen();
    if (heard.perSecond > least && heard.perSecond < most) return heard;
  }
  return assert.fail(`packets a second between ${least} and ${most}: ${JSON.stringify(heard)}`);
}

test('who listens gets half of the packets, and all of the sound', async () => {
  await person.join(server.url, 'audience', 'Listener');
  await person.page.click('#toggle-mic');
  await untilPackets(23, 28);
  const heard = await listen();
  assert.ok(heard.energy > 1e-4, 'nothing is heard');
  const { rungs } = await (await fetch(`${server.url}api/v1/rooms/audience`)).json();
  assert.deepEqual(rungs.filter(({ codec }) => codec === 'OPUS').map(({ ptime }) => ptime).sort(), [20, 20, 40], 'two who talk, and all others');
  assert.equal(heard.lost, 0);
  assert.ok(heard.concealed < 0.02, `${heard.concealed} of the samples were made up`);
});

test('who talks gets packets of 20 ms again', async () => {
  const before = await person.inbound('audio');
  await person.page.click('#toggle-mic');
  await untilPackets(45, 55);
  const now = await person.inbound('audio');
  assert.equal(now.packetsLost, before.packetsLost);
  const concealed = (now.concealedSamples - before.concealedSamples) / (now.totalSamplesReceived - before.totalSamplesReceived);
  assert.ok(concealed < 0.02, `${concealed} of the samples were made up at the change`);
  assert.deepEqual(person.errors, []);
});
