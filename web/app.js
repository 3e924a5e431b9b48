/* Which screen is shown: the lobby, the room, or the word of goodbye. */

import { h } from './dom.js';
import { Lobby } from './lobby.js';
import { join } from './mixroom.js';
import { startLanguage } from './panels/language.js';
import { explain } from './problems.js';
import { Room } from './room.js';
import { onLanguage, t } from './strings.js';
import { prefs } from './store.js';
import { clearToasts } from './toasts.js';

const link = new URLSearchParams(location.search);
let screen = null;

function show(next, className) {
  screen?.close?.();
  screen = next;
  clearToasts();
  document.body.className = className;
  document.getElementById('app').replaceChildren(next.element);
  next.start?.();
}

function showLobby({ room = link.get('room') ?? prefs.get('room'), name = link.get('name') ?? prefs.get('name') } = {}) {
  document.title = t('app.name');
  show(new Lobby({ room, name, onJoin: enter }), 'in-lobby');
}

async function enter({ room, name, ...media }) {
  const place = { url: new URL('.', document.baseURI).href, token: link.get('token') ?? undefined };
  const call = await join({
    room,
    name,
    ...media,
    ...place,
    codec: link.get('codec') ?? undefined,
    devices: { audio: prefs.get('audioDevice'), video: prefs.get('videoDevice') },
  });
  prefs.remember({ room, name });
  /* For scripts and the curious. */
  globalThis.mixroomCall = call;
  rememberInAddress(room);
  document.title = `${room} – ${t('app.name')}`;
  call.addEventListener('left', ({ detail }) => showGoodbye({ room, name }, detail.error));
  show(new Room(call, place), 'in-room');
}

/* So that the address can be sent on, and a reload comes back to the same room. */
function rememberInAddress(room) {
  const url = new URL(location.href);
  url.searchParams.set('room', room);
  history.replaceState(null, '', url);
}

function showGoodbye(place, error) {
  document.title = t('app.name');
  const again = h('button', { id: 'rejoin', type: 'button', class: 'primary', i18n: 'left.rejoin', onclick: () => showLobby(place) });
  const other = h('button', { type: 'button', class: 'secondary', i18n: 'left.lobby', onclick: () => showLobby({ ...place, room: '' }) });
  const reason = h('p', { role: 'status' }, error ? explain(error) : place.room);
  const element = h('main', { class: 'goodbye' }, h('h1', { i18n: error ? 'left.titleEnded' : 'left.title' }), reason,
    h('div', { class: 'goodbye-buttons' }, again, other));
  const stop = new AbortController();
  onLanguage(() => { if (error) reason.textContent = explain(error); }, stop.signal);
  show({ element, start: () => again.focus(), close: () => stop.abort() }, 'in-lobby');
}

startLanguage(link);
showLobby();
