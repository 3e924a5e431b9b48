/* The lobby: who you are, where you go, what they will see and hear of you. One button. */

import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { LevelMeter, checkServer, openDevices } from './mixroom.js';
import { devicePickers } from './panels/devices.js';
import { languagePicker } from './panels/language.js';
import { deviceProblems, explain } from './problems.js';
import { onLanguage, setLabel, t } from './strings.js';
import { prefs } from './store.js';

const NAME_MAX = 64;
/* A browser that has permission opens the devices sooner than one could read that it asks. */
const ASKING_PATIENCE_MS = 800;
/* From here the devices stand below the picture; on smaller screens they fold away. */
const WIDE = '(min-width: 900px)';

/** Up to two initials for somebody without a picture. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return '';
  const first = [...words[0]][0];
  const last = words.length > 1 ? [...words.at(-1)][0] : '';
  return (first + last).toLocaleUpperCase();
}

export class Lobby {
  #onJoin;
  #stop = new AbortController();
  #stream = new MediaStream();
  #state = { audio: 'asking', video: 'asking' };
  #wanted = { audio: prefs.get('microphone'), video: prefs.get('camera') };
  #meter = null;
  #generation = 0;
  #joining = false;
  #patient = true;
  #server = 'lobby.server.checking';
  #error = null;
  #nodes = {};

  /** @param onJoin called with {room, name, stream, microphone, camera}; its promise rejects with what went wrong */
  constructor({ room, name, onJoin }) {
    this.#onJoin = onJoin;
    this.element = this.#build(room, name);
    const { signal } = this.#stop;
    onLanguage(() => this.#render(), signal);
    this.#watchPermissions(signal);
  }

  /** Called once the element is in the page. */
  start() {
    const { room, name, join } = this.#nodes;
    (room.value === '' ? room : name.value === '' ? name : join).focus({ preventScroll: true });
    this.#render();
    this.#open();
    setTimeout(() => {
      this.#patient = false;
      this.#render();
    }, ASKING_PATIENCE_MS);
    checkServer(new URL('.', document.baseURI)).then(({ reachable }) => {
      this.#server = reachable ? 'lobby.server.ok' : 'lobby.server.failed';
      this.#render();
    });
  }

  #build(room, name) {
    const input = (id, value, autocomplete) => h('input', { id, value, maxlength: NAME_MAX, autocomplete, spellcheck: 'false',
      enterkeyhint: 'go', 'aria-describedby': 'lobby-error', oninput: () => this.#clearError() });
    const round = (id, kind) => h('button', { id, type: 'button', class: 'round tipped', onclick: () => this.#toggle(kind) });
    const n = this.#nodes;
    n.video = h('video', { id: 'preview', class: 'mirrored', label: 'lobby.preview' });
    Object.assign(n.video, { muted: true, autoplay: true, playsInline: true });
    n.avatar = h('span', { class: 'avatar', 'aria-hidden': 'true' });
    n.cameraState = h('p', { class: 'preview-state' });
    n.level = h('div', { class: 'level', role: 'img', label: 'lobby.level' }, ...[1, 2, 3, 4, 5].map(() => h('i')));
    n.microphone = round('lobby-mic', 'audio');
    n.camera = round('lobby-camera', 'video');
    n.notice = h('p', { class: 'notice', role: 'status' });
    n.room = input('room-name', room, 'off');
    n.name = input('display-name', name, 'name');
    n.name.addEventListener('input', () => setText(n.avatar, initials(n.name.value)));
    n.error = h('p', { id: 'lobby-error', class: 'form-error', role: 'alert' });
    n.join = h('button', { id: 'join', type: 'submit', class: 'primary' });
    n.server = h('p', { class: 'server', role: 'status' }, h('i'), n.serverText = h('span'));
    const wide = matchMedia(WIDE);
    n.pickers = devicePickers((device) => this.#chosen(device), this.#stop.signal);
    n.details = h('details', { class: 'device-box', open: wide.matches }, h('summary', { i18n: 'lobby.devices' }), n.pickers.element);
    wide.addEventListener('change', () => { n.details.open = wide.matches; }, { signal: this.#stop.signal });
    return this.#arrange();
  }

  #arrange() {
    const n = this.#nodes;
    const preview = h('section', { class: 'preview-side' },
      h('div', { class: 'preview' }, h('div', { class: 'preview-off' }, n.avatar, n.cameraState), n.video, n.level,
        h('div', { class: 'preview-buttons' }, n.microphone, n.camera)),
      n.notice);
    const form = h('form', { class: 'join-form', novalidate: true, onsubmit: (event) => this.#submit(event) },
      h('h1', { i18n: 'lobby.title' }),
      h('label', { class: 'field' }, h('span', { class: 'field-name', i18n: 'lobby.room' }), n.room,
        h('span', { class: 'hint', i18n: 'lobby.roomHint' })),
      h('label', { class: 'field' }, h('span', { class: 'field-name', i18n: 'lobby.name' }), n.name),
      n.error, n.join, n.server);
    return h('div', { class: 'lobby' },
      h('header', { class: 'lobby-head' }, h('span', { class: 'wordmark', i18n: 'app.name' }), languagePicker()),
      h('main', { class: 'lobby-main' }, preview, form, n.details));
  }

  /* ---- Devices ---- */

  async #open() {
    const generation = ++this.#generation;
    const { audio, video } = this.#wanted;
    /* Off in the last call: the microphone is opened all the same, muted, so that switching it on asks nothing. */
    const asked = { audio: true, video, audioDevice: prefs.get('audioDevice'), videoDevice: prefs.get('videoDevice') };
    const opened = await openDevices(asked);
    if (generation !== this.#generation || this.#stop.signal.aborted) {
      for (const track of opened.stream.getTracks()) track.stop();
      return;
    }
    this.#stopTracks();
    this.#stream = opened.stream;
    this.#state = { audio: opened.audio, video: opened.video };
    for (const track of opened.stream.getAudioTracks()) track.enabled = audio;
    for (const track of opened.stream.getTracks()) track.addEventListener('ended', () => this.#open());
    this.#show();
    this.#nodes.pickers.refresh();
  }

  #show() {
    const [camera] = this.#stream.getVideoTracks();
    this.#nodes.video.srcObject = camera ? new MediaStream([camera]) : null;
    this.#meter?.close();
    this.#meter = null;
    const [microphone] = this.#stream.getAudioTracks();
    if (microphone) this.#meter = new LevelMeter(microphone, (level) => this.#showLevel(level));
    this.#render();
  }

  #showLevel(level) {
    const bars = [...this.#nodes.level.children];
    bars.forEach((bar, i) => bar.classList.toggle('lit', level * bars.length > i + 0.3));
  }

  #toggle(kind) {
    const on = !(this.#wanted[kind] && this.#state[kind] === 'ready');
    this.#wanted[kind] = on;
    prefs.remember({ microphone: this.#wanted.audio, camera: this.#wanted.video });
    const tracks = kind === 'audio' ? this.#stream.getAudioTracks() : this.#stream.getVideoTracks();
    if (kind === 'audio' && tracks.length > 0) {
      tracks[0].enabled = on;
      return this.#render();
    }
    if (kind === 'video' && !on) {
      for (const track of tracks) {
        track.stop();
        this.#stream.removeTrack(track);
      }
      this.#state.video = 'unasked';
      return this.#show();
    }
    return this.#open();
  }

  #chosen(device) {
    if (device !== 'speaker') this.#open();
  }

  async #watchPermissions(signal) {
    for (const name of ['camera', 'microphone']) {
      try {
        const permission = await navigator.permissions.query({ name });
        permission.addEventListener('change', () => { if (permission.state === 'granted') this.#open(); }, { signal });
      } catch {
        /* This browser does not tell; the buttons ask again. */
      }
    }
  }

  #stopTracks() {
    for (const track of this.#stream.getTracks()) track.stop();
  }

  /* ---- What is shown ---- */

  #render() {
    const n = this.#nodes;
    const microphoneOn = this.#wanted.audio && this.#state.audio === 'ready';
    const cameraOn = this.#wanted.video && this.#state.video === 'ready';
    this.#renderButton(n.microphone, 'microphone', microphoneOn, microphoneOn ? 'bar.microphoneOff' : 'bar.microphoneOn');
    this.#renderButton(n.camera, 'camera', cameraOn, cameraOn ? 'bar.cameraOff' : 'bar.cameraOn');
    n.video.hidden = !cameraOn;
    n.level.hidden = !microphoneOn;
    setText(n.avatar, initials(n.name.value));
    setText(n.cameraState, this.#state.video === 'asking' ? '' : t(this.#state.video === 'missing' ? 'media.noCamera' : 'media.cameraOff'));
    setText(n.notice, this.#noticeText());
    n.notice.hidden = n.notice.textContent === '';
    setText(n.serverText, t(this.#server));
    n.server.dataset.state = this.#server.split('.').at(-1);
    setText(n.join, t(this.#joining ? 'lobby.joining' : 'lobby.join'));
    n.join.setAttribute('aria-disabled', String(this.#joining));
    setText(n.error, this.#error ? this.#error() : '');
  }

  #renderButton(button, device, on, label) {
    button.replaceChildren(icon(on ? device : `${device}Off`));
    button.classList.toggle('off', !on);
    setLabel(button, label);
  }

  #noticeText() {
    if (this.#state.video === 'asking') return this.#patient ? '' : t('media.asking');
    return deviceProblems(this.#state.audio, this.#state.video).map((key) => t(key)).join(' ');
  }

  #clearError() {
    if (!this.#error) return;
    this.#error = null;
    this.#render();
  }

  /* ---- Joining ---- */

  async #submit(event) {
    event.preventDefault();
    if (this.#joining) return;
    const room = this.#nodes.room.value.trim();
    const name = this.#nodes.name.value.trim();
    if (room === '') return this.#complain(this.#nodes.room, () => t('lobby.needRoom'));
    if (name === '') return this.#complain(this.#nodes.name, () => t('lobby.needName'));
    if (!globalThis.RTCPeerConnection) return this.#complain(this.#nodes.join, () => t('error.noWebrtc'));
    this.#joining = true;
    this.#error = null;
    this.#render();
    try {
      await this.#onJoin({ room, name, stream: this.#handOver(), microphone: this.#wanted.audio, camera: this.#wanted.video });
    } catch (error) {
      console.warn('joining failed', error);
      this.#joining = false;
      this.#complain(this.#nodes.join, () => explain(error));
    }
  }

  /* The call gets copies, so that the preview stays as it is if joining fails. */
  #handOver() {
    return new MediaStream(this.#stream.getTracks().map((track) => track.clone()));
  }

  #complain(node, message) {
    this.#error = message;
    this.#render();
    node.focus();
  }

  close() {
    this.#stop.abort();
    this.#generation += 1;
    this.#meter?.close();
    this.#stopTracks();
  }
}
