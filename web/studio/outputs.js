/* What goes out of the room: each with its state, and how to pause and stop it. */

import { ask } from '../ask.js';
import { iconButton } from '../controls.js';
import { h, setText, syncChildren } from '../dom.js';
import { icon } from '../icons.js';
import { formatBitrate } from '../mixroom.js';
import { explainRest } from '../problems.js';
import { pathOf } from '../rest.js';
import { setLabel, t } from '../strings.js';
import { toast } from '../toasts.js';
import { formatBytes, formatClock, hasEnded, isLive, lastedMs, watchLink, wordOfOutput } from './format.js';
import { outputForm } from './output-form.js';
import { Section } from './section.js';

const INTERVAL_MS = 2000;
/* Of those that ended: what one may still want to read. */
const ENDED_SHOWN = 4;

const NAMES = { file: 'output.file', tracks: 'output.tracks' };
const nameOf = (type) => (Object.hasOwn(NAMES, type) ? t(NAMES[type]) : String(type).toUpperCase());

export class Outputs {
  #rest;
  #room;
  #list = h('ul', { class: 'cards', label: 'output.title' });
  #empty = h('p', { class: 'hint', i18n: 'output.none' });
  #form;
  #entries = [];
  #at = 0;
  #onChange;

  /** @param onChange (entries) after each answer */
  constructor({ rest, room, onChange }) {
    this.#rest = rest;
    this.#room = room;
    this.#onChange = onChange;
    this.#form = outputForm((order) => this.#start(order));
    this.section = new Section({ id: 'programme-outputs', title: 'output.title', intervalMs: INTERVAL_MS, open: true, ask: () => this.refresh() },
      this.#empty, this.#list, this.#form.element);
  }

  #path(...parts) {
    return pathOf('rooms', this.#room, 'outputs', ...parts);
  }

  async refresh() {
    this.#entries = await this.#rest.get(this.#path());
    this.#at = performance.now();
    this.#onChange(this.#entries);
    this.render();
  }

  /** Also once a second: what runs gets longer. */
  render() {
    const live = this.#entries.filter(isLive);
    const ended = this.#entries.filter(hasEnded).slice(-ENDED_SHOWN).reverse();
    this.#empty.hidden = live.length + ended.length > 0;
    syncChildren(this.#list, [...live, ...ended], { key: ({ id }) => id, make: (entry) => this.#make(entry), update: (node, entry) => this.#show(node, entry) });
  }

  translate() {
    this.#form.translate();
    this.render();
  }

  async #start(order) {
    await this.#rest.post(this.#path(), order);
    await this.section.poll.now();
  }

  async #change(job) {
    try {
      await job();
    } catch (error) {
      toast(explainRest(error));
    }
    this.section.poll.now();
  }

  async #stop({ id, type }) {
    const yes = await ask({ title: t('output.stopTitle', { name: nameOf(type) }), text: t('output.stopText'), action: t('output.stop') });
    if (yes) await this.#change(() => this.#rest.remove(this.#path(id)));
  }

  #make({ id, type, playlist }) {
    const entry = () => this.#entries.find((one) => one.id === id) ?? { id, type };
    const pause = iconButton('pause', 'output.pause', () => this.#change(() => this.#rest.patch(this.#path(id), { paused: entry().state !== 'paused' })), 'pause');
    const stop = iconButton('stop', 'output.stop', () => this.#stop(entry()), 'stop');
    const links = playlist ? this.#links(playlist) : null;
    return h('li', { class: 'card output' },
      h('div', { class: 'card-head' }, h('span', { class: 'state-dot' }), h('strong', {}), h('span', { class: 'state', role: 'status' }), pause, stop),
      h('p', { class: 'facts' }), h('p', { class: 'detail' }), links);
  }

  #links(playlist) {
    const address = new URL(playlist, document.baseURI).href;
    const page = watchLink(document.baseURI, { room: this.#room, playlist });
    return h('div', { class: 'card-links' },
      h('a', { href: page, target: '_blank', rel: 'noopener', i18n: 'output.watch' }),
      h('button', { type: 'button', class: 'link', i18n: 'output.copyPage', onclick: () => copy(page) }),
      h('button', { type: 'button', class: 'link', i18n: 'output.copyPlaylist', onclick: () => copy(address) }));
  }

  #show(node, entry) {
    const [head, facts, detail] = node.children;
    const [, name, state, pause, stop] = head.children;
    const goesOn = entry.state === 'running';
    node.dataset.state = entry.state;
    setText(name, nameOf(entry.type));
    setText(state, wordOfOutput(entry.state));
    const rate = goesOn && entry.bitrate > 0 ? formatBitrate(entry.bitrate) : null;
    setText(facts, [formatClock(lastedMs(entry.duration, goesOn, performance.now() - this.#at)), formatBytes(entry.bytes), rate].filter(Boolean).join(' · '));
    setText(detail, [entry.recording ?? entry.server, entry.detail].filter(Boolean).join('\n'));
    detail.hidden = detail.textContent === '';
    pause.hidden = !['running', 'paused', 'starting'].includes(entry.state);
    stop.hidden = hasEnded(entry);
    const isPaused = entry.state === 'paused';
    if (pause.dataset.paused === String(isPaused)) return;
    pause.dataset.paused = String(isPaused);
    pause.replaceChildren(icon(isPaused ? 'play' : 'pause'));
    setLabel(pause, isPaused ? 'output.resume' : 'output.pause');
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t('room.linkCopied'));
  } catch {
    toast(t('output.copyFailed', { text }));
  }
}
