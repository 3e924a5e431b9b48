/* The broadcaster's panel: what goes out of the room, what it looks like, what is played into it. */

import { h } from '../dom.js';
import { icon } from '../icons.js';
import { Poll } from '../poll.js';
import { Rest, pathOf } from '../rest.js';
import { onLanguage } from '../strings.js';
import { isLive } from './format.js';
import { Look } from './look.js';
import { Outputs } from './outputs.js';
import { Players } from './players.js';
import { Preview } from './preview.js';

const TICK_MS = 1000;
/* While the panel is closed, and only while something goes out. */
const WATCH_MS = 15_000;

/** Events: `live`: whether something goes out has changed. */
export class Studio extends EventTarget {
  /* What goes out now, as of the last answer. */
  live = [];
  #rest;
  #room;
  #preview;
  #outputs;
  #sections;
  #ticker = null;
  #watch;

  constructor(call, { url, token }, signal) {
    super();
    this.#room = call.room;
    this.#rest = new Rest({ url, token });
    const place = { rest: this.#rest, room: call.room, call, url, token };
    this.#preview = new Preview(place);
    this.#outputs = new Outputs({ ...place, onChange: (entries) => this.#onOutputs(entries) });
    const look = new Look({ ...place, onChange: () => this.#preview.refresh() });
    const players = new Players(place);
    this.#sections = [this.#outputs, look, players];
    this.#watch = new Poll(() => this.#outputs.refresh(), WATCH_MS);
    this.element = h('div', { class: 'programme' }, this.#preview.element, ...this.#sections.map(({ section }) => section.element), this.#links(token));
    onLanguage(() => this.#translate(), signal);
    call.addEventListener('roster', () => look.render(), { signal });
    signal.addEventListener('abort', () => this.end());
  }

  /** Whether this server lets whoever is here make outputs. */
  async isAllowed() {
    try {
      this.#onOutputs(await this.#rest.get(pathOf('rooms', this.#room, 'outputs')));
      return true;
    } catch {
      return false;
    }
  }

  open() {
    this.#watch.stop();
    this.#preview.shown = true;
    for (const { section } of this.#sections) section.shown = true;
    this.#ticker ??= setInterval(() => this.#outputs.render(), TICK_MS);
  }

  close() {
    this.#preview.shown = false;
    for (const { section } of this.#sections) section.shown = false;
    clearInterval(this.#ticker);
    this.#ticker = null;
    this.#watchIfLive();
  }

  end() {
    this.close();
    this.#watch.stop();
  }

  #watchIfLive() {
    if (this.#ticker === null && this.live.length > 0) this.#watch.start();
    else this.#watch.stop();
  }

  #onOutputs(entries) {
    this.live = entries.filter(isLive);
    this.#watchIfLive();
    this.dispatchEvent(new Event('live'));
  }

  #translate() {
    this.#preview.translate();
    for (const one of this.#sections) {
      one.section.translate();
      (one.translate ?? one.render).call(one);
    }
  }

  #links(token) {
    const link = new URL('library.html', document.baseURI);
    link.searchParams.set('room', this.#room);
    if (token) link.searchParams.set('token', token);
    return h('a', { class: 'library-link', href: link.href, target: '_blank', rel: 'noopener' }, icon('library'), h('span', { i18n: 'studio.library' }));
  }
}
