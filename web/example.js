import { join, openDevices } from './mixroom.js';

const $ = (id) => document.getElementById(id);
const { stream } = await openDevices();

try {
  const call = await join({ room: 'example', name: 'Guest', stream });
  $('state').textContent = 'In the room';
  $('mix').srcObject = call.stream;
  call.addEventListener('stream', () => { $('mix').srcObject = call.stream; });
  const showPeople = () => { $('people').textContent = [...call.roster.values()].map(({ name }) => name).join(', '); };
  call.addEventListener('roster', showPeople);
  showPeople();
  call.addEventListener('left', () => { $('state').textContent = 'Left'; });
  $('mute').onclick = () => call.setMicrophone(!call.local.microphone.on);
  $('leave').onclick = () => call.leave();
} catch (error) {
  $('state').textContent = `Not joined: ${error.code} ${error.detail}`;
}
