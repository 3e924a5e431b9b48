/* The library: what was recorded, to find, watch, rename, download and delete; and to upload. */

import { ask } from './ask.js';
import { fileButton } from './controls.js';
import { h, setText, syncChildren } from './dom.js';
import { icon } from './icons.js';
import { RecordingCard } from './library/card.js';
import { PlayerDialog } from './library/player.js';
import { languagePicker, startLanguage } from './panels/language.js';
import { explainRest } from './problems.js';
import { Rest, pathOf } from './rest.js';
import { onLanguage, setLabel, t, tCount } from './strings.js';
import { formatBytes } from './studio/format.js';
import { toast } from './toasts.js';

const PAGE_SIZE = 24;
/* Between two letters of somebody who types. */
const SEARCH_DELAY_MS = 250;

class Library {
  #rest;
  #room;
  #player;
  #recordings = [];
  #cards = new WeakMap();
  #next = null;
  #total = 0;
  #bytes = 0;
  #error = null;
  #loaded = false;
  #asked = 0;
  #timer = null;
  #sending = null;
  #n = {};

  constructor({ url, room, token }) {
    this.#rest = new Rest({ url, token });
    this.#room = room;
    this.#player = new PlayerDialog(this.#rest, { onChanged: (recording) => this.#replace(recording), onRemove: (recording) => this.#remove(recording) });
    this.element = this.#build();
    onLanguage(() => this.#render());
    this.#render();
    this.#load();
  }

  #build() {
    const n = this.#n;
    n.title = h('h1');
    n.facts = h('p', { class: 'hint', role: 'status' });
    n.search = h('input', { id: 'search', type: 'search', autocomplete: 'off', maxlength: '200', oninput: () => this.#searchSoon() });
    n.upload = fileButton({ label: 'recordings.upload', accept: 'video/*,audio/*,.mkv', onfile: (file) => this.#upload(file) });
    n.progress = h('progress', { max: '1', value: '0' });
    n.sending = h('div', { class: 'sending', hidden: true }, n.sendingText = h('span', { role: 'status' }), n.progress,
      h('button', { type: 'button', class: 'icon-button', label: 'recordings.uploadStop', onclick: () => this.#sending?.abort() }, icon('close')));
    n.notice = h('p', { class: 'notice', role: 'status' });
    n.list = h('ul', { id: 'recordings', class: 'recordings' });
    n.more = h('button', { id: 'more', type: 'button', class: 'secondary', i18n: 'recordings.more', onclick: () => this.#load({ more: true }) });
    return h('div', { class: 'library' },
      h('header', { class: 'lobby-head' }, h('span', { class: 'wordmark', i18n: 'app.name' }), languagePicker()),
      h('main', {}, h('div', { class: 'library-head' }, h('div', {}, n.title, n.facts), n.upload.element),
        h('div', { class: 'search' }, icon('search'), n.search), n.sending, n.notice, n.list, n.more),
      this.#player.element);
  }

  #render() {
    const n = this.#n;
    const words = this.#room ? t('recordings.ofRoom', { room: this.#room }) : t('recordings.title');
    setText(n.title, words);
    document.title = `${words} – ${t('app.name')}`;
    n.search.placeholder = t('recordings.search');
    n.search.setAttribute('aria-label', t('recordings.search'));
    setText(n.facts, this.#loaded ? `${tCount('recordings.count', this.#total)} · ${formatBytes(this.#bytes)}` : '');
    const empty = this.#loaded && this.#recordings.length === 0;
    setText(n.notice, this.#error ? explainRest(this.#error) : empty ? t(n.search.value ? 'recordings.noneFound' : 'recordings.none') : '');
    n.notice.hidden = n.notice.textContent === '';
    n.more.hidden = !this.#next;
    syncChildren(n.list, this.#recordings, { key: ({ id }) => id, make: (recording) => this.#make(recording),
      update: (node, recording) => this.#cards.get(node).show(recording) });
  }

  #make(recording) {
    const card = new RecordingCard(this.#rest, { onPlay: () => this.#player.show(this.#recordings.find(({ id }) => id === recording.id)) });
    this.#cards.set(card.element, card);
    return card.element;
  }

  /* ---- Finding ---- */

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), SEARCH_DELAY_MS);
  }

  async #load({ more = false } = {}) {
    const asked = ++this.#asked;
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    const wanted = { room: this.#room, q: this.#n.search.value.trim(), before: more ? this.#next : null };
    for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
    try {
      const { recordings, next, total, bytes } = await this.#rest.get(`recordings?${query}`);
      if (asked !== this.#asked) return;
      const known = new Set(more ? this.#recordings.map(({ id }) => id) : []);
      this.#recordings = [...(more ? this.#recordings : []), ...recordings.filter(({ id }) => !known.has(id))];
      [this.#next, this.#total, this.#bytes, this.#loaded, this.#error] = [next ?? null, total, bytes, true, null];
    } catch (error) {
      if (asked === this.#asked) this.#error = error;
    }
    this.#render();
  }

  #replace(recording) {
    this.#recordings = this.#recordings.map((one) => (one.id === recording.id ? recording : one));
    this.#render();
  }

  async #remove(recording) {
    const { id, title } = recording;
    if (!await ask({ title: t('recordings.removeTitle', { title }), text: t('recordings.removeText'), action: t('recordings.remove') })) return false;
    try {
      await this.#rest.remove(pathOf('recordings', id));
    } catch (error) {
      toast(explainRest(error));
      return false;
    }
    toast(t('recordings.removed', { title }));
    this.#recordings = this.#recordings.filter((one) => one.id !== id);
    this.#total -= 1;
    this.#bytes -= recording.bytes;
    this.#render();
    return true;
  }

  /* ---- Uploading ---- */

  async #upload(file) {
    const n = this.#n;
    const query = new URLSearchParams({ title: file.name.replace(/\.[^.]+$/, '') });
    if (this.#room) query.set('room', this.#room);
    this.#sending?.abort();
    const sending = new AbortController();
    this.#sending = sending;
    const show = (part) => {
      n.progress.value = part;
      setText(n.sendingText, t('recordings.uploading', { name: file.name, percent: Math.round(part * 100) }));
    };
    show(0);
    setLabel(n.progress, 'recordings.upload');
    n.sending.hidden = false;
    try {
      await this.#rest.upload('POST', `recordings?${query}`, file, { onProgress: show, signal: sending.signal });
      await this.#load();
    } catch (error) {
      if (error.name !== 'AbortError') toast(explainRest(error));
    }
    if (this.#sending === sending) n.sending.hidden = true;
  }
}

const link = new URLSearchParams(location.search);
startLanguage(link);
const library = new Library({ url: new URL('.', document.baseURI).href, room: link.get('room'), token: link.get('token') });
document.getElementById('app').replaceChildren(library.element);
