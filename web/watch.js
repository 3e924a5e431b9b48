/* The viewer's page: the programme by HLS, where the browser plays that or its pieces; else live by WHEP. */

import { FragmentPlayer } from './fragments.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { startLanguage } from './panels/language.js';
import { explainRest } from './problems.js';
import { t } from './strings.js';
import { Viewing } from './whep.js';

const HLS = 'application/vnd.apple.mpegurl';
/* The playlist comes with the first segment. */
const RETRY_MS = 3000;

/** Which way to watch: {way: 'hls' or 'fragments', address}, {way: 'whep', room, note}, or {note} where there is none. Notes are keys. */
export function chooseWay(link, { origin, playsHls, playsFragments }) {
  const room = link.get('room');
  const playlist = link.get('hls');
  const address = playlist ? new URL(playlist, `${origin}/`) : null;
  /* Other servers' streams are not ours to show. */
  if (address && address.origin !== origin) return { note: 'watching.nothing' };
  if (address && playsHls) return { way: 'hls', address: address.href };
  if (address && playsFragments) return { way: 'fragments', address: address.href };
  if (room) return { way: 'whep', room, note: address ? 'watching.noHls' : null };
  return { note: address ? 'watching.noHlsAtAll' : 'watching.nothing' };
}

/* Who watches needs no link for hosts, whatever is wrong with this one. @returns undefined: nothing that a viewer could mend */
function whyNot(error) {
  if (!error?.status) return undefined;
  return error.status === 401 || error.type === 'token-too-weak' ? t('error.badToken') : explainRest(error);
}

class Watch {
  #link;
  #video = h('video', { playsinline: true, label: 'watching.title' });
  #words = h('p', { class: 'watch-words', role: 'status' });
  #note = h('p', { class: 'watch-note', role: 'status' });
  #unmute = h('button', { type: 'button', class: 'primary unmute', hidden: true, onclick: () => { this.#video.muted = false; } }, icon('speaker'),
    h('span', { i18n: 'watching.unmute' }));

  constructor(link) {
    const way = chooseWay(link, { origin: location.origin, playsHls: this.#video.canPlayType(HLS) !== '', playsFragments: 'MediaSource' in globalThis });
    const title = link.get('room') ?? '';
    document.title = `${title || t('watching.title')} – ${t('app.name')}`;
    this.element = h('main', { class: 'watch' }, h('h1', { class: 'visually-hidden' }, title || t('watching.title')), this.#video, this.#words, this.#note, this.#unmute);
    this.#link = link;
    /* Before that there is nothing to control. */
    this.#video.addEventListener('loadedmetadata', () => { this.#video.controls = true; });
    this.#video.addEventListener('playing', () => this.#become(null));
    this.#video.addEventListener('volumechange', () => { if (!this.#video.muted) this.#unmute.hidden = true; });
    this.#video.addEventListener('ended', () => this.#tell('watching.ended'));
    this.#go(way);
  }

  #go({ way, address, room, note }) {
    this.#tell(way ? note : null);
    this.#become(way ? 'watching.connecting' : note);
    if (way === 'hls') this.#playHls(address);
    else if (way === 'fragments') this.#playFragments(address);
    else if (way === 'whep') this.#playLive(room, this.#link.get('token'));
  }

  #tell(key) {
    setText(this.#note, key ? t(key) : '');
    this.#note.hidden = !key;
  }

  /* @key of the sentence over the picture; null: it plays */
  #become(key, text) {
    setText(this.#words, key ? text ?? t(key) : '');
    this.#words.hidden = !key;
  }

  /* A browser that asks for a gesture before sound plays at least the picture. */
  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== 'NotAllowedError') return;
      this.#video.muted = true;
      this.#unmute.hidden = false;
      await this.#video.play().catch(() => {});
    }
  }

  #playHls(address) {
    const video = this.#video;
    const start = () => {
      video.src = address;
      this.#play();
    };
    video.addEventListener('error', () => {
      this.#become('watching.waiting');
      setTimeout(start, RETRY_MS);
    });
    start();
  }

  #playFragments(address) {
    const player = new FragmentPlayer(this.#video, address);
    player.addEventListener('waiting', () => this.#become('watching.waiting'));
    player.addEventListener('unsupported', () => {
      player.stop();
      this.#go(chooseWay(this.#link, { origin: location.origin, playsHls: false, playsFragments: false }));
    });
    player.start();
    this.#play();
  }

  #playLive(room, token) {
    const viewing = new Viewing({ url: new URL('.', document.baseURI), room, token });
    viewing.addEventListener('stream', () => {
      this.#video.srcObject = viewing.stream;
      this.#play();
    });
    viewing.addEventListener('state', () => {
      if (viewing.state === 'waiting') this.#become('watching.waiting', whyNot(viewing.error));
    });
    viewing.start();
    addEventListener('pagehide', () => viewing.stop());
  }
}

if (globalThis.document) {
  const link = new URLSearchParams(location.search);
  startLanguage(link);
  document.getElementById('app').replaceChildren(new Watch(link).element);
}
