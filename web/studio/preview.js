/* What the programme looks like: a picture every two seconds, or live with its sound's level. */

import { iconButton } from '../controls.js';
import { h, setText } from '../dom.js';
import { LevelMeter } from '../mixroom.js';
import { Poll } from '../poll.js';
import { explainRest } from '../problems.js';
import { pathOf } from '../rest.js';
import { setLabel, t } from '../strings.js';
import { Viewing } from '../whep.js';

const INTERVAL_MS = 2000;

export class Preview {
  #rest;
  #room;
  #place;
  #poll;
  #shown = false;
  #viewing = null;
  #meter = null;
  #error = null;
  #hasPicture = false;
  #nodes = {};

  /** @param url, token where live preview comes from */
  constructor({ rest, room, url, token }) {
    this.#rest = rest;
    this.#room = room;
    this.#place = { url, room, token };
    this.#poll = new Poll(() => this.#take(), INTERVAL_MS);
    const n = this.#nodes;
    n.picture = h('canvas', { role: 'img', label: 'studio.preview', width: '16', height: '9' });
    n.video = h('video', { label: 'studio.preview', hidden: true });
    /* Muted: who looks is in the room and hears it already. */
    Object.assign(n.video, { muted: true, autoplay: true, playsInline: true });
    n.level = h('div', { class: 'level', role: 'img', label: 'studio.level', hidden: true }, ...[1, 2, 3, 4, 5].map(() => h('i')));
    n.words = h('p', { class: 'preview-words', role: 'status' });
    n.live = iconButton('broadcast', 'studio.previewLive', () => this.#toggle(), 'live');
    n.live.setAttribute('aria-pressed', 'false');
    this.element = h('div', { class: 'programme-preview' }, n.picture, n.video, n.words, n.level, n.live);
  }

  set shown(shown) {
    this.#shown = shown;
    if (!shown) this.#endLive();
    this.#update();
  }

  refresh() {
    this.#poll.now();
  }

  #update() {
    if (this.#shown && !this.#viewing) this.#poll.start();
    else this.#poll.stop();
    this.translate();
  }

  translate() {
    const { words, live } = this.#nodes;
    const waits = this.#viewing ? this.#viewing.state !== 'live' : !this.#hasPicture;
    setText(words, this.#error ? explainRest(this.#error) : waits ? t('studio.previewWaiting') : '');
    words.hidden = words.textContent === '';
    setLabel(live, this.#viewing ? 'studio.previewStill' : 'studio.previewLive');
  }

  /* ---- Stills ---- */

  async #take() {
    try {
      const blob = await this.#rest.blob(`${pathOf('rooms', this.#room)}/snapshot`, 'image/jpeg');
      const bitmap = await createImageBitmap(blob);
      const { picture } = this.#nodes;
      Object.assign(picture, { width: bitmap.width, height: bitmap.height });
      picture.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      this.#error = null;
      this.#hasPicture = true;
    } catch (error) {
      if (!this.#viewing) this.#error = error;
      throw error;
    } finally {
      this.translate();
    }
  }

  /* ---- Live ---- */

  #toggle() {
    if (this.#viewing) this.#endLive();
    else this.#startLive();
    this.#update();
  }

  #startLive() {
    const { video, picture, live } = this.#nodes;
    this.#error = null;
    this.#viewing = new Viewing(this.#place);
    this.#viewing.addEventListener('stream', () => this.#onStream());
    this.#viewing.addEventListener('state', () => {
      this.#error = this.#viewing?.error ?? null;
      this.translate();
    });
    this.#viewing.start();
    video.addEventListener('loadeddata', () => { video.hidden = !this.#viewing; picture.hidden = !video.hidden; }, { once: true });
    live.setAttribute('aria-pressed', 'true');
  }

  #onStream() {
    const { video, level } = this.#nodes;
    const { stream } = this.#viewing;
    video.srcObject = stream;
    this.#meter?.close();
    const [sound] = stream.getAudioTracks();
    this.#meter = sound ? new LevelMeter(sound, (value) => {
      [...level.children].forEach((bar, i) => bar.classList.toggle('lit', value * level.children.length > i + 0.3));
    }) : null;
    level.hidden = !sound;
  }

  #endLive() {
    const { video, picture, level, live } = this.#nodes;
    this.#viewing?.stop();
    this.#viewing = null;
    this.#meter?.close();
    this.#meter = null;
    this.#error = null;
    video.srcObject = null;
    video.hidden = true;
    picture.hidden = false;
    level.hidden = true;
    live.setAttribute('aria-pressed', 'false');
  }
}
