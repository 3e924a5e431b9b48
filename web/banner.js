/* The one calm banner: what is wrong with the connection, and that it is being mended. */

import { h, setText } from './dom.js';
import { onLanguage, t, tCount } from './strings.js';

/* Shorter troubles are over before one has read about them. */
const PATIENCE_MS = 800;

/** Which trouble a call's health is, or null: `offline`, `both`, `signalling`, `media`. */
export function troubleOf({ network, signalling, media }, hadMedia) {
  const mediaLost = media === 'disconnected' || (hadMedia && media === 'connecting');
  if (network === 'offline') return 'offline';
  if (mediaLost && signalling === 'away') return 'both';
  if (mediaLost) return 'media';
  if (signalling === 'away') return hadMedia ? 'signalling' : 'both';
  return null;
}

const SENTENCES = {
  offline: 'trouble.offline',
  both: 'trouble.both',
  signalling: 'trouble.signalling',
  media: 'trouble.media',
};

export class Banner {
  #call;
  #hadMedia = false;
  #backAt = null;
  #timer = null;
  #ticker = null;
  #text;

  constructor(call, signal) {
    this.#call = call;
    this.#text = h('span');
    this.element = h('div', { id: 'banner', role: 'status', hidden: true }, h('span', { class: 'spinner' }), this.#text);
    call.addEventListener('health', () => this.#check(), { signal });
    call.addEventListener('closing', ({ detail }) => this.#onClosing(detail), { signal });
    onLanguage(() => this.#show(), signal);
    signal.addEventListener('abort', () => {
      clearTimeout(this.#timer);
      clearInterval(this.#ticker);
    });
    this.#check();
  }

  #trouble() {
    return troubleOf(this.#call.health, this.#hadMedia);
  }

  #check() {
    const { media, signalling } = this.#call.health;
    if (media === 'connected') this.#hadMedia = true;
    if (this.#backAt !== null && signalling === 'open' && performance.now() > this.#backAt) this.#endCountdown();
    if (this.#trouble() === null) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#show();
    } else if (!this.element.hidden) this.#show();
    else this.#timer ??= setTimeout(() => this.#show(), PATIENCE_MS);
  }

  #onClosing({ reconnectIn }) {
    if (typeof reconnectIn !== 'number') return;
    this.#backAt = performance.now() + reconnectIn;
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => this.#show(), 1000);
    this.#show();
  }

  #endCountdown() {
    this.#backAt = null;
    clearInterval(this.#ticker);
  }

  #sentence() {
    const seconds = this.#backAt === null ? 0 : Math.ceil((this.#backAt - performance.now()) / 1000);
    if (seconds > 0) return tCount('trouble.closing', seconds);
    const trouble = this.#trouble();
    return trouble ? t(SENTENCES[trouble]) : null;
  }

  #show() {
    this.#timer = null;
    const sentence = this.#sentence();
    this.element.hidden = sentence === null;
    if (sentence !== null) setText(this.#text, sentence);
  }
}
