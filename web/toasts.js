/* Short messages that come and go, read out by screen readers; and announcements that are only read out. */

import { h } from './dom.js';

const SHOWN_MAX = 3;
const LEAST_MS = 3500;
const PER_CHARACTER_MS = 55;

export function toast(text, { title } = {}) {
  const box = document.getElementById('toasts');
  const node = h('div', { class: 'toast' }, title ? h('strong', {}, title) : null, h('span', {}, text));
  while (box.childElementCount >= SHOWN_MAX) box.firstElementChild.remove();
  box.append(node);
  setTimeout(() => node.remove(), LEAST_MS + PER_CHARACTER_MS * Math.min(200, text.length));
}

/** For a screen that has nothing to do with what was said on the one before. */
export function clearToasts() {
  document.getElementById('toasts').replaceChildren();
}

export function announce(text) {
  const live = document.getElementById('live');
  live.append(h('p', {}, text));
  while (live.childElementCount > 5) live.firstElementChild.remove();
}
