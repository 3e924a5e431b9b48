/* The own tile where the picture has none, as in a call of two: it stands apart in a corner of the stage, can be moved to
 * another one, and hidden. */

import { h } from './dom.js';
import { CORNERS, freeCorner, giveWay, nearestCorner, selfSize, selfSpots } from './geometry.js';
import { icon } from './icons.js';
import { prefs } from './store.js';
import { t } from './strings.js';
import { announce } from './toasts.js';

/* Less is a hand that trembles. */
const DRAG_LEAST_PX = 5;

const KEYS = {
  ArrowLeft: (corner) => corner.replace('right', 'left'),
  ArrowRight: (corner) => corner.replace('left', 'right'),
  ArrowUp: (corner) => corner.replace('bottom', 'top'),
  ArrowDown: (corner) => corner.replace('top', 'bottom'),
};

const NAMES = { 'top-left': 'look.topLeft', 'top-right': 'look.topRight', 'bottom-right': 'look.bottomRight', 'bottom-left': 'look.bottomLeft' };

export class SelfView {
  #stage;
  #tile = null;
  #picture = null;
  #spots = null;
  #tiles = [];
  #shown = null; /* the corner where it is */
  #drag = null;
  #wasDragged = false; /* what was dragged was not clicked */
  #move;
  #hide;

  /** @param stage the element it stands on; onHide: the user wishes not to see it */
  constructor(stage, onHide) {
    this.#stage = stage;
    this.#move = h('button', { type: 'button', class: 'self-move', label: 'self.move', onclick: (event) => this.#onClick(event),
      onkeydown: (event) => this.#onKey(event), onpointerdown: (event) => this.#onDown(event), onpointermove: (event) => this.#onMove(event),
      onpointerup: () => this.#onUp(), onpointercancel: () => this.#onCancel() });
    this.#hide = h('button', { type: 'button', class: 'self-hide', label: 'self.hide', onclick: onHide }, h('span', {}, icon('close')));
    /* A click leaves the focus where it was, so that Space goes on being the key to talk. */
    for (const button of [this.#move, this.#hide]) button.addEventListener('mousedown', (event) => event.preventDefault());
  }

  /** The tile that stands apart, or null. */
  get tile() {
    return this.#tile;
  }

  /** From now on this tile stands apart; null: none does. */
  take(tile) {
    if (tile === this.#tile) return;
    const hadFocus = [this.#move, this.#hide].includes(document.activeElement);
    this.#onCancel();
    this.#tile?.classList.remove('apart');
    this.#tile = tile;
    tile?.classList.add('apart');
    for (const button of [this.#move, this.#hide]) {
      if (tile) tile.append(button);
      else button.remove();
    }
    if (hadFocus && !tile) this.#stage.focus({ preventScroll: true });
  }

  /**
   * Puts it into its corner, and lets the names of the others give way.
   * @param camera {width, height} of the own picture; picture: where the video lies on the stage; floor, mark: see selfSpots()
   * @param tiles of the others: [{element, left, top, width, height}] on the stage
   */
  place({ camera, picture, floor, mark, tiles }) {
    this.#picture = picture;
    this.#tiles = tiles;
    const stage = { width: this.#stage.clientWidth };
    this.#spots = this.#tile && selfSpots({ picture, floor, mark, size: selfSize(stage, camera) });
    this.#settle();
  }

  #settle() {
    const spot = this.#tile && this.#spots[this.#shown = freeCorner(prefs.get('selfCorner'), this.#spots, this.#tiles)];
    for (const tile of this.#tiles) {
      const { left, right, hand } = (spot && giveWay(tile, spot)) ?? { left: 0, right: 0, hand: 0 };
      for (const [name, px] of Object.entries({ left, right, hand })) tile.element.style.setProperty(`--give-${name}`, `${px}px`);
    }
    if (!spot || this.#drag?.at) return; /* it is in somebody's hand */
    this.#tile.dataset.corner = this.#shown;
    this.#tile.classList.toggle('upright', spot.height > spot.width);
    Object.assign(this.#tile.style, { width: `${spot.width}px`, height: `${spot.height}px`, zIndex: '100' });
    this.#putAt(spot);
  }

  #putAt({ left, top }) {
    Object.assign(this.#tile.style, { left: `${left - this.#picture.left}px`, top: `${top - this.#picture.top}px` });
  }

  #choose(corner) {
    prefs.remember({ selfCorner: corner });
    this.#settle();
    announce(t('self.moved', { corner: t(NAMES[this.#shown]) }));
  }

  /* ---- Keys, and who neither drags nor has arrows ---- */

  #onKey(event) {
    const go = KEYS[event.key];
    if (!go || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const corner = go(this.#shown);
    if (corner !== this.#shown) this.#choose(corner);
  }

  #onClick({ detail }) {
    if (detail > 0 && this.#wasDragged) return;
    this.#choose(CORNERS[(CORNERS.indexOf(this.#shown) + 1) % CORNERS.length]);
  }

  /* ---- Dragging ---- */

  #onDown(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    const box = this.#tile.getBoundingClientRect();
    const { left, top } = this.#spots[this.#shown];
    /* On large screens the page is zoomed: pointers are not. */
    this.#drag = { x: event.clientX, y: event.clientY, left, top, scale: box.width / this.#tile.offsetWidth || 1, at: null };
    this.#wasDragged = false;
    this.#move.setPointerCapture(event.pointerId);
  }

  #onMove(event) {
    if (!this.#drag) return;
    const { x, y, left, top, scale } = this.#drag;
    const [right, down] = [(event.clientX - x) / scale, (event.clientY - y) / scale];
    if (!this.#wasDragged && Math.hypot(right, down) < DRAG_LEAST_PX) return;
    this.#wasDragged = true;
    const within = (value, most) => Math.max(0, Math.min(most, value));
    this.#drag.at = { left: within(left + right, this.#stage.clientWidth - this.#tile.offsetWidth),
      top: within(top + down, this.#stage.clientHeight - this.#tile.offsetHeight) };
    this.#tile.classList.add('dragged');
    this.#putAt(this.#drag.at);
  }

  #onUp() {
    const at = this.#drag?.at;
    this.#drag = null;
    this.#tile?.classList.remove('dragged');
    if (at) this.#choose(nearestCorner(this.#spots, at));
  }

  #onCancel() {
    if (!this.#drag) return;
    this.#drag = null;
    this.#tile.classList.remove('dragged');
    this.#settle();
  }
}
