/* Recordings and addresses that are played into the room. */

import { choice, iconButton, segmented, slider, switchRow, textField } from '../controls.js';
import { h, setText, syncChildren } from '../dom.js';
import { icon } from '../icons.js';
import { explainRest } from '../problems.js';
import { pathOf } from '../rest.js';
import { setLabel, t } from '../strings.js';
import { toast } from '../toasts.js';
import { formatClock, formatDate, hasEnded, lastedMs, wordOfPlayer } from './format.js';
import { Section } from './section.js';

const INTERVAL_MS = 2000;
const RECORDINGS_SHOWN = 50;
const formatVolume = (value) => `${Math.round(value * 100)} %`;

export class Players {
  #rest;
  #room;
  #list = h('ul', { class: 'cards', label: 'player.title' });
  #error = h('p', { class: 'form-error', role: 'alert' });
  #entries = [];
  #at = 0;
  #controls = new WeakMap();
  #form = {};

  constructor({ rest, room }) {
    this.#rest = rest;
    this.#room = room;
    this.section = new Section({ id: 'programme-players', title: 'player.title', intervalMs: INTERVAL_MS, ask: () => this.refresh() },
      this.#list, this.#buildForm());
  }

  #path(...parts) {
    return pathOf('rooms', this.#room, 'players', ...parts);
  }

  async refresh() {
    this.#entries = await this.#rest.get(this.#path());
    this.#at = performance.now();
    this.render();
  }

  render() {
    syncChildren(this.#list, this.#entries, { key: ({ id }) => id, make: (entry) => this.#make(entry), update: (node, entry) => this.#show(node, entry) });
  }

  /* ---- Starting one ---- */

  #buildForm() {
    const f = this.#form;
    f.kind = segmented({ label: 'player.kind', value: 'url', quiet: true, onchange: () => this.#showKind(),
      options: [{ value: 'recording', key: 'player.recording' }, { value: 'url', key: 'player.address' }] });
    f.recording = choice({ label: 'player.recording' });
    f.url = textField({ label: 'player.address', type: 'url', placeholder: 'https://', inputmode: 'url' });
    f.loop = switchRow({ label: 'player.loop' });
    f.button = h('button', { type: 'submit', class: 'primary' }, icon('play'), h('span', { i18n: 'player.start' }));
    this.#showKind();
    return h('form', { id: 'player-form', class: 'stack', novalidate: true, onsubmit: (event) => this.#submit(event) },
      f.kind.element, f.recording.element, f.url.element, f.loop.element, this.#error, f.button);
  }

  #showKind() {
    const { kind, recording, url } = this.#form;
    recording.element.hidden = kind.value !== 'recording';
    url.element.hidden = kind.value !== 'url';
    setText(this.#error, '');
    if (kind.value === 'recording') this.#askRecordings();
  }

  async #askRecordings() {
    const room = this.#room;
    const { recordings } = await this.#rest.get(`recordings?${new URLSearchParams({ room, limit: RECORDINGS_SHOWN })}`).catch(() => ({ recordings: [] }));
    const finished = recordings.filter(({ state }) => state === 'finished');
    this.#form.recording.fill(finished.map(({ id, title, started }) => ({ value: String(id), text: title || formatDate(started) })));
  }

  async #submit(event) {
    event.preventDefault();
    const { kind, recording, url, loop, button } = this.#form;
    const chosen = kind.value === 'recording' ? recording.value : url.value;
    if (!chosen) return setText(this.#error, t(kind.value === 'recording' ? 'player.needRecording' : 'player.needAddress'));
    button.disabled = true;
    setText(this.#error, '');
    try {
      await this.#rest.post(this.#path(), { source: kind.value === 'recording' ? `recording:${chosen}` : chosen, loop: loop.value });
      url.value = '';
      this.section.poll.now();
    } catch (error) {
      setText(this.#error, explainRest(error));
    }
    button.disabled = false;
  }

  /* ---- Those that play ---- */

  async #change(job) {
    try {
      await job();
    } catch (error) {
      toast(explainRest(error));
    }
    this.section.poll.now();
  }

  #make({ id }) {
    const patch = (changes) => this.#change(() => this.#rest.patch(this.#path(id), changes));
    const entry = () => this.#entries.find((one) => one.id === id) ?? {};
    const pause = iconButton('pause', 'player.pause', () => patch({ paused: entry().state !== 'paused' }));
    const stop = iconButton('stop', 'player.stop', () => this.#change(() => this.#rest.remove(this.#path(id))));
    const position = slider({ label: 'player.position', min: 0, max: 1, step: 500, words: formatClock, onchange: (value) => patch({ position: value }) });
    const volume = slider({ label: 'player.volume', min: 0, max: 2, step: 0.05, words: formatVolume, onchange: (value) => patch({ volume: value }) });
    const loop = switchRow({ label: 'player.loop', onchange: (value) => patch({ loop: value }) });
    const name = h('strong');
    const state = h('span', { class: 'state', role: 'status' });
    const detail = h('p', { class: 'detail' });
    const settings = h('div', { class: 'stack tight' }, position.element, volume.element, loop.element);
    const node = h('li', { class: 'card' }, h('div', { class: 'card-head' }, h('span', { class: 'state-dot' }), name, state, pause, stop), detail, settings);
    this.#controls.set(node, { pause, stop, position, volume, loop, name, state, detail, settings });
    return node;
  }

  #show(node, entry) {
    const c = this.#controls.get(node);
    const isPaused = entry.state === 'paused';
    node.dataset.state = entry.state;
    setText(c.name, String(entry.name ?? ''));
    setText(c.state, wordOfPlayer(entry.state));
    setText(c.detail, entry.detail ?? '');
    c.detail.hidden = !entry.detail;
    c.pause.hidden = c.stop.hidden = c.settings.hidden = hasEnded(entry);
    c.pause.replaceChildren(icon(isPaused ? 'play' : 'pause'));
    setLabel(c.pause, isPaused ? 'player.resume' : 'player.pause');
    c.position.element.hidden = !(entry.duration > 0);
    c.position.element.querySelector('input').max = entry.duration;
    c.position.value = Math.min(entry.duration, lastedMs(entry.position, entry.state === 'playing', performance.now() - this.#at));
    c.volume.value = entry.volume;
    c.loop.value = Boolean(entry.loop);
  }
}
