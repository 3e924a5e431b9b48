/* A Chromium that joins by WHIP, with fetch() and RTCPeerConnection alone, as a program, so that it can live in another network
 * namespace than the server:
 *
 *   node whip-browser.mjs URL ROOM NAME
 *
 * It sends a picture and a tone that the page makes. Four times a second it writes what it gets, a JSON object a line.
 * SIGUSR2 restarts ICE (PATCH), SIGTERM ends it. */

import { definePlainClient } from '../e2e/fixture/plain-client.mjs';
import { Person } from '../e2e/fixture/person.mjs';
import { pause } from '../e2e/fixture/numbers.mjs';

const [url, room, name] = process.argv.slice(2);
const start = performance.now();
const say = (report) => console.log(JSON.stringify({ ms: Math.round(performance.now() - start), ...report }));

/* No camera: without one, and without leave to use it, a browser hides its addresses behind names of mDNS. */
function makeStream() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
  const context = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    n += 1;
    context.fillStyle = `hsl(${n % 360}, 80%, 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 66);
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 500 });
  const destination = audio.createMediaStreamDestination();
  tone.connect(destination);
  tone.start();
  return new MediaStream([...canvas.captureStream(15).getTracks(), ...destination.stream.getTracks()]);
}

const person = await Person.arrive('green', { bypassCSP: true, media: { camera: '/dev/null', microphone: '/dev/null' } });
await person.page.goto(`${url}healthz`);
await person.page.evaluate(definePlainClient);
await person.page.evaluate(`globalThis.makeStream = ${makeStream}`);
const status = await person.page.evaluate(async (endpoint) => {
  globalThis.client = await PlainClient.start(endpoint, makeStream());
  return globalThis.client.status;
}, `${url}whip/${room}?name=${name}`);
console.log(`POST: ${status}, trickle: ${await person.page.evaluate(() => globalThis.client.trickle())}`);

let isOver = false;
process.on('SIGTERM', () => { isOver = true; });
process.on('SIGUSR2', async () => say({ restart: await person.page.evaluate(() => globalThis.client.restart()) }));
while (!isOver) {
  say({ got: await person.page.evaluate(async () => ({ ...await globalThis.client.received(), candidates: globalThis.client.candidates })) });
  await pause(250);
}
await person.leaveBrowser();
process.exit(0);
