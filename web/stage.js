/* The stage: one video with everybody in it, and over it what the tiles say: names, marks, the user's own camera. */

import { h, setText } from './dom.js';
import { fit, fitOf, placeTile } from './geometry.js';
import { icon } from './icons.js';
import { canChooseSpeaker } from './mixroom.js';
import { whenNextPicture } from './next-picture.js';
import { isWeak, qualityLabel, qualityMark, setQuality } from './quality.js';
import { onLanguage, t } from './strings.js';
import { SelfView } from './self-view.js';
import { prefs } from './store.js';

const LAYOUT_BEFORE_TILES = { view: null, canvas: { width: 16, height: 9 }, tiles: [] };

const boxOf = ({ offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height }) => ({ left, top, width, height });

export class Stage {
  #call;
  #layout = LAYOUT_BEFORE_TILES; /* what is shown: the call's tiles may be those of the next picture */
  #stopWaiting = () => {};
  #tiles = new Map();
  #self = null;
  #selfView;
  #beside;
  #nodes = {};

  /**
   * @param panel what lies over the stage on small screens, or beside it; mark: what stands in the stage's top right corner
   * @param onSelfHide the user wishes not to see the own picture in its corner
   */
  constructor(call, { panel, mark, onSelfHide }, signal) {
    this.#call = call;
    this.#beside = { panel, mark };
    this.#build();
    this.element.append(mark);
    this.#selfView = new SelfView(this.element, onSelfHide);
    const on = (type, listener) => call.addEventListener(type, listener, { signal });
    on('stream', () => this.#attach());
    on('tiles', () => this.#onTiles());
    on('roster', () => this.#describeTiles());
    on('talking', () => this.#describeTiles());
    on('local', () => this.#placeTiles());
    on('rung', () => this.#pausePicture());
    onLanguage(() => this.#describeTiles(), signal);
    const observer = new ResizeObserver(() => this.#resize());
    for (const element of [this.element, panel, mark]) observer.observe(element);
    signal.addEventListener('abort', () => {
      observer.disconnect();
      this.#stopWaiting();
    });
    this.#attach();
    this.#onTiles();
    this.#pausePicture();
    this.setSpeaker(prefs.get('speaker'));
  }

  #build() {
    const n = this.#nodes;
    n.video = h('video', { label: 'room.stage' });
    Object.assign(n.video, { autoplay: true, playsInline: true });
    n.video.addEventListener('loadeddata', () => { n.connecting.hidden = true; });
    n.video.addEventListener('emptied', () => { n.connecting.hidden = false; });
    n.tiles = h('div', { class: 'tiles', role: 'list', label: 'people.title' });
    n.picture = h('div', { class: 'picture' }, n.video, n.tiles);
    n.connecting = h('div', { class: 'connecting', role: 'status' }, h('span', { class: 'spinner' }), h('span', { i18n: 'room.connecting' }));
    n.blocked = h('div', { class: 'sound-blocked', hidden: true }, h('p', { i18n: 'room.soundBlocked' }),
      h('button', { id: 'start-sound', type: 'button', class: 'primary', i18n: 'room.startSound', onclick: () => this.#play() }));
    this.element = h('section', { id: 'stage', tabindex: '-1', label: 'room.stage' }, n.picture, n.connecting, n.blocked);
    /* The user's own picture, from the camera itself: nobody waits for the way to the server and back to see oneself. */
    n.own = h('video', { class: 'own', 'aria-hidden': 'true' });
    Object.assign(n.own, { muted: true, autoplay: true, playsInline: true });
    n.own.addEventListener('resize', () => this.#fitOwn());
  }

  #attach() {
    const { video } = this.#nodes;
    if (!this.#call.stream || video.srcObject === this.#call.stream) return;
    video.srcObject = this.#call.stream;
    this.#play();
  }

  async #play() {
    const { video, blocked } = this.#nodes;
    try {
      video.muted = false;
      await video.play();
      blocked.hidden = true;
    } catch (error) {
      if (error.name !== 'NotAllowedError') return;
      /* The picture may go on without sound until the user says so. */
      blocked.hidden = false;
      video.muted = true;
      video.play().catch(() => {});
    }
  }

  /** Plays on the speaker of this device id, '' for the system's own. */
  async setSpeaker(deviceId) {
    if (!canChooseSpeaker() || this.#nodes.video.sinkId === deviceId) return;
    try {
      await this.#nodes.video.setSinkId(deviceId);
    } catch {
      /* The speaker is gone: the system's own goes on. */
    }
  }

  /* Sound alone: what is still seen is old, and may be nothing. */
  #pausePicture() {
    const paused = this.#call.rung?.kind === 'audio';
    this.#nodes.picture.classList.toggle('paused', paused);
    this.#nodes.connecting.classList.toggle('absent', paused);
  }

  setMirrored(mirrored) {
    this.#nodes.own.classList.toggle('mirrored', mirrored);
  }

  #resize() {
    const { picture } = this.#nodes;
    const box = { width: this.element.clientWidth, height: this.element.clientHeight };
    const place = fit(box, this.#layout.canvas);
    for (const [side, px] of Object.entries(place)) picture.style[side] = `${px}px`;
    this.#placeSelf();
  }

  /* Between the mix and the other's own picture nothing is where it was, so all moves when that is to be seen. */
  #onTiles() {
    const isOther = this.#layout.view !== null && this.#call.tiles.view !== this.#layout.view;
    const show = () => {
      this.#layout = this.#call.tiles ?? LAYOUT_BEFORE_TILES;
      this.#placeTiles();
    };
    this.#stopWaiting();
    if (isOther) this.#stopWaiting = whenNextPicture(this.#nodes.video, show);
    else show();
  }

  #placeTiles() {
    const { tiles } = this.#layout;
    const shown = new Set(tiles.map(({ participant }) => participant));
    const apart = this.#selfState === 'shown' ? this.#call.participant : null;
    for (const [id, node] of this.#tiles) {
      if (shown.has(id) || id === apart) continue;
      node.element.remove();
      this.#tiles.delete(id);
    }
    for (const tile of tiles) {
      const node = this.#tiles.get(tile.participant) ?? this.#addTile(tile.participant);
      Object.assign(node.element.style, placeTile(tile), { zIndex: String(Math.trunc(Number(tile.z) || 0)) });
    }
    this.#selfView.take(apart === null ? null : (this.#tiles.get(apart) ?? this.#addTile(apart)).element);
    this.element.dataset.self = this.#selfState;
    this.#resize();
    this.#describeTiles();
  }

  /* ---- The own picture ---- */

  /** The own camera where the picture has no tile of it: `shown` in a corner, `hidden` by the user, `none` to be shown. */
  get #selfState() {
    const { tiles } = this.#layout;
    const isNeeded = tiles.length > 0 && tiles.every(({ participant }) => participant !== this.#call.participant);
    if (!isNeeded || !this.#ownTrack()) return 'none';
    return prefs.get('selfView') ? 'shown' : 'hidden';
  }

  /** Shows it again, or hides it, and remembers that. */
  showSelf(shown) {
    prefs.remember({ selfView: shown });
    this.#placeTiles();
  }

  #placeSelf() {
    const { own, picture } = this.#nodes;
    const video = boxOf(picture);
    const [panel, mark] = [boxOf(this.#beside.panel), boxOf(this.#beside.mark)];
    const isCovered = panel.width > 0 && panel.left < this.element.offsetLeft + this.element.offsetWidth;
    const others = this.#layout.tiles.map(({ participant, x, y, w, h: down }) => ({ element: this.#tiles.get(participant).element,
      left: video.left + x * video.width, top: video.top + y * video.height, width: w * video.width, height: down * video.height }));
    this.#selfView.place({ camera: { width: own.videoWidth, height: own.videoHeight }, picture: video, tiles: others,
      floor: isCovered ? panel.top - this.element.offsetTop : this.element.clientHeight, mark: mark.width > 0 ? mark : null });
  }

  #ownTrack() {
    const { camera, screen } = this.#call.local;
    return camera.on && !screen ? camera.track : null;
  }

  #addTile(id) {
    const name = h('span', { class: 'tile-name' });
    const muted = h('span', { class: 'tile-muted' }, icon('microphoneOff'));
    const quality = qualityMark('unknown');
    quality.setAttribute('aria-hidden', 'true'); /* the tile's own name says it */
    const hand = h('span', { class: 'tile-hand' }, icon('hand'));
    const element = h('div', { class: 'tile', role: 'listitem', data: { tile: id } }, hand, h('span', { class: 'tile-label' }, quality, muted, name));
    const node = { element, name, quality, muted, hand };
    this.#tiles.set(id, node);
    this.#nodes.tiles.append(element);
    return node;
  }

  #describeTiles() {
    const { roster, participant } = this.#call;
    for (const [id, node] of this.#tiles) {
      const member = roster.get(id);
      const own = id === participant;
      const name = own ? t('room.you') : (member?.name ?? '');
      setText(node.name, name);
      node.muted.hidden = !member?.audioMuted;
      node.hand.hidden = !member?.hand;
      const weak = isWeak(member?.quality);
      node.quality.hidden = !qualityLabel(member?.quality); /* a good one is shown to who points at the tile */
      setQuality(node.quality, member?.quality ?? 'unknown');
      node.element.classList.toggle('talking', Boolean(member?.talking) && !member.audioMuted);
      const marks = [name, member?.audioMuted ? t('room.tileMuted') : '', member?.hand ? t('room.tileHand') : '',
        weak ? t(qualityLabel(member.quality)) : ''];
      node.element.setAttribute('aria-label', marks.filter(Boolean).join(', '));
    }
    this.#showOwn();
  }

  #showOwn() {
    const { own } = this.#nodes;
    const tile = this.#tiles.get(this.#call.participant);
    const track = this.#ownTrack();
    if (track !== this.#self) {
      this.#self = track;
      own.srcObject = track ? new MediaStream([track]) : null;
    }
    if (!tile || !track) return own.remove();
    this.#fitOwn();
    if (own.parentNode === tile.element) return;
    tile.element.prepend(own);
    /* An element that moved in the document stands still. */
    own.play().catch(() => {});
  }

  /* As the mixer fits it, so that nothing jumps when the overlay comes or goes; apart, its place has its shape. */
  #fitOwn() {
    const { own } = this.#nodes;
    if (this.#selfView.tile) {
      own.style.objectFit = 'cover';
      return this.#placeSelf();
    }
    const { canvas, tiles } = this.#layout;
    const tile = tiles.find(({ participant }) => participant === this.#call.participant);
    if (!tile) return undefined;
    own.style.objectFit = fitOf({ width: own.videoWidth, height: own.videoHeight }, { width: tile.w * canvas.width, height: tile.h * canvas.height });
    return undefined;
  }
}
