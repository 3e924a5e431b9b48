import { join, openDevices } from './mixroom.js';

const $ = (id) => document.getElementById(id);
const { stream } = await openDevices();

try {
  const call = await join({ room: 'example', name: 'Guest', stream });
  $('state').textContent = 'In the room';
  $('mix').srcObject = call.stream;
  call.addEventListener('stream', () => { $('mix').srcObject = call.stream; });
  call.addEventListener('roster', () => {
    $('people').replaceChildren(...[...call.roster.values()].map(({ name }) => Object.assign(document.createElement('li'), { textContent: name })));
  });
  call.addEventListener('left', () => { $('state').textContent = 'Left'; });
  $('mute').onclick = () => call.setMicrophone(!call.local.microphone.on);
  $('leave').onclick = () => call.leave();
} catch (error) {
  $('state').textContent = `Not joined: ${error.code} ${error.detail}`;
}
