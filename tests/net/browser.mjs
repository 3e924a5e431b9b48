/* A person with a Chromium on the demo page, as a program, so that it can live in another network namespace than the server:
 *
 *   node browser.mjs URL ROOM NAME CAMERA MICROPHONE
 *
 * Camera and microphone are files (Y4M, WAV). It joins, writes one JSON object a line, four times a second, of what its
 * connection counts (../e2e/fixture/connection.mjs), and leaves at the end of its standard input. */

import { Person } from '../e2e/fixture/person.mjs';
import { measureConnection, watchGaps } from '../e2e/fixture/connection.mjs';
import { pause } from '../e2e/fixture/numbers.mjs';

const INTERVAL_MS = 250;
const [url, room, name, camera, microphone] = process.argv.slice(2);
const start = performance.now();
const leaving = new Promise((resolve) => { process.stdin.on('end', resolve).resume(); });
const say = (report) => console.log(JSON.stringify({ ms: Math.round(performance.now() - start), ...report }));

/* A tone is no noise: what is sent is what the microphone's file holds. */
function hearEverything() {
  const { mediaDevices } = navigator;
  const original = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = ({ audio, ...others }) => original({
    ...others,
    ...(audio && { audio: { ...audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false } }),
  });
}

const person = await Person.arrive(name, {
  media: { camera, microphone },
  /* A page gets a camera by https: or from localhost, and this server is neither. */
  args: [`--unsafely-treat-insecure-origin-as-secure=${new URL(url).origin}`, '--autoplay-policy=no-user-gesture-required'],
});
await person.page.addInitScript(hearEverything);
console.log(`browser after ${Math.round(performance.now() - start)} ms`);
const joinedMs = await person.join(url, room, name);
await person.page.evaluate(watchGaps);
console.log(`first frame ${Math.round(joinedMs)} ms after Join, ${Math.round(performance.now() - start)} ms in all`);

let isOver = false;
leaving.then(() => { isOver = true; });
while (!isOver) {
  const begun = performance.now();
  say({ participant: await person.id(), ...await person.page.evaluate(measureConnection) });
  await Promise.race([leaving, pause(Math.max(0, INTERVAL_MS - (performance.now() - begun)))]);
}
await person.leaveBrowser();
if (person.errors.length > 0) {
  console.log(`the page threw: ${person.errors.join('; ')}`);
  process.exit(1);
}
process.exit(0);
