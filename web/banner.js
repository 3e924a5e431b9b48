/* The one calm banner: what is wrong with the connection, and that it is being mended, or what is made of it. */

import { h, setText } from './dom.js';
import { formatBitrate } from './mixroom.js';
import { qualityMark } from './quality.js';
import { onLanguage, t, tCount } from './strings.js';
import { announce } from './toasts.js';

/* Shorter troubles are over before one has read about them. */
const PATIENCE_MS = 800;
/* A picture that comes back is there to stay before the banner goes. */
const HOLD_MS = 2_000;

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

const REDUCED = {
  audio: { bandwidth: 'link.audioRate', unknown: 'link.audio', loss: 'link.audioLoss' },
  slides: { bandwidth: 'link.slidesRate', unknown: 'link.slides', loss: 'link.slidesLoss' },
};

/**
 * What is to be said about the downlink's picture: {key, rate}, or null where it moves, if small. `rate`: what the
 * connection carries, in two digits: a banner that changes with each kbit/s is not calm.
 */
export function reductionOf(rung) {
  const { kind, reason, available } = rung ?? {};
  const keys = reason === 'bandwidth' || reason === 'loss' ? REDUCED[kind] : undefined;
  if (!keys) return null;
  if (reason === 'bandwidth' && !(available > 0)) return { key: keys.unknown, rate: '' };
  return { key: keys[reason], rate: formatBitrate(Number(Number(available).toPrecision(2))) };
}

export class Banner {
  #call;
  #hadMedia = false;
  #backAt = null;
  #timer = null;
  #ticker = null;
  #reduction = null; /* the one that is told */
  #reductionTimer = null;
  #text = h('span');
  #spinner = h('span', { class: 'spinner' });
  #mark = qualityMark('bad');

  constructor(call, signal) {
    this.#call = call;
    this.#mark.setAttribute('aria-hidden', 'true');
    this.element = h('div', { id: 'banner', role: 'status', hidden: true }, this.#spinner, this.#mark, this.#text);
    const on = (type, listener) => call.addEventListener(type, listener, { signal });
    on('health', () => this.#check());
    on('closing', ({ detail }) => this.#onClosing(detail));
    on('rung', () => this.#onRung());
    onLanguage(() => this.#show(), signal);
    signal.addEventListener('abort', () => {
      clearTimeout(this.#timer);
      clearTimeout(this.#reductionTimer);
      clearInterval(this.#ticker);
    });
    this.#check();
    this.#onRung();
  }

  /* ---- Trouble ---- */

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
    } else if (!this.#spinner.hidden && !this.element.hidden) this.#show();
    else this.#timer ??= setTimeout(() => this.#showTrouble(), PATIENCE_MS);
  }

  #showTrouble() {
    this.#timer = null;
    this.#show();
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

  /* ---- The picture ---- */

  #onRung() {
    const reduction = reductionOf(this.#call.rung);
    clearTimeout(this.#reductionTimer);
    if (reduction && this.#reduction) this.#tell(reduction);
    else if (reduction) this.#reductionTimer = setTimeout(() => this.#tell(reduction), PATIENCE_MS);
    else if (this.#reduction) this.#reductionTimer = setTimeout(() => this.#tell(null), HOLD_MS);
  }

  #tell(reduction) {
    if (!reduction) announce(t('link.better'));
    this.#reduction = reduction;
    this.#show();
  }

  /* ---- Both ---- */

  #sentence() {
    const seconds = this.#backAt === null ? 0 : Math.ceil((this.#backAt - performance.now()) / 1000);
    if (seconds > 0) return tCount('trouble.closing', seconds);
    const trouble = this.#timer === null ? this.#trouble() : null;
    return trouble ? t(SENTENCES[trouble]) : null;
  }

  #show() {
    const trouble = this.#sentence();
    const sentence = trouble ?? (this.#reduction ? t(this.#reduction.key, this.#reduction) : null);
    this.element.hidden = sentence === null;
    this.#spinner.hidden = trouble === null;
    this.#mark.hidden = trouble !== null;
    if (sentence !== null) setText(this.#text, sentence);
  }
}
