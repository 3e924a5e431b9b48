/* Makes the picture of a room that README.md shows. Run by hand:
 * MIXROOM_SERVER=… node readme-picture.mjs room.png && ffmpeg -i room.png -quality 90 ../../web/about/room.webp */

import { Person } from './fixture/person.mjs';
import { makeCamera, makeSilence, mediaOf } from './fixture/media.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

/* As close as people sit: a part of the clip, [x, y] of its corner. */
const CAST = [
  { name: 'Mina', clip: 'book', corner: [80, 54] },
  { name: 'Jonas', clip: 'please', corner: [92, 4], talks: true },
  { name: 'Luca', clip: 'night', corner: [80, 40], muted: true },
  { name: 'Amar', clip: 'hungry', corner: [92, 0] },
];

const [file = 'room.png'] = process.argv.slice(2);
const server = await startServer();
const people = [];
for (const { name, clip, corner, talks, muted } of CAST) {
  const camera = await makeCamera({ clip, corner, rate: 30 });
  const { microphone } = talks ? await mediaOf('red') : { microphone: await makeSilence() };
  const person = await Person.arrive(name, { media: { camera, microphone }, viewport: { width: 1280, height: 800 } });
  people.push(person);
  await person.join(server.url, 'Design review');
  if (muted) await person.page.click('#toggle-mic');
}
const [host] = people;
await host.sees(CAST.length);
await pause(8000);
await host.page.mouse.move(640, 5);
await host.page.locator('.tile.talking', { hasText: 'Jonas' }).waitFor();
await host.page.screenshot({ path: file });
await Promise.all(people.map((person) => person.leaveBrowser()));
await server.stop();
