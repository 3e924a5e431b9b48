/* A recording in the list: its poster, what it is, and one thing to press. */

import { h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { pathOf } from '../rest.js';
import { t } from '../strings.js';
import { formatBytes, formatClock, formatDate } from '../studio/format.js';

/** Where a recording's state is worth a word. */
export function stateWord(state) {
  if (state === 'recording') return t('recordings.recording');
  return state === 'failed' ? t('recordings.failed') : '';
}

export class RecordingCard {
  #rest;
  #n = {};

  constructor(rest, { onPlay }) {
    this.#rest = rest;
    const n = this.#n;
    n.poster = h('img', { alt: '', loading: 'lazy', hidden: true, onload: () => { n.poster.hidden = false; }, onerror: () => { n.poster.hidden = true; } });
    n.shape = h('span', { class: 'shape' });
    n.length = h('span', { class: 'length number' });
    n.state = h('span', { class: 'badge' });
    n.title = h('span', { class: 'recording-title' });
    n.facts = h('span', { class: 'recording-facts' });
    n.people = h('span', { class: 'recording-facts people-line' });
    n.button = h('button', { type: 'button', class: 'recording', onclick: onPlay },
      h('span', { class: 'poster' }, n.shape, n.poster, n.state, n.length), n.title, n.facts, n.people);
    this.element = h('li', {}, n.button);
  }

  show(recording) {
    const n = this.#n;
    const { id, title, room, started, duration, bytes, participants, state, type, poster } = recording;
    /* Made some time after the recording: looked for again whenever the list is. */
    const address = poster && state !== 'recording' ? this.#rest.address(pathOf('recordings', id, 'poster')) : '';
    if (address && (n.poster.src !== address || n.poster.hidden)) {
      n.poster.loading = n.poster.hidden ? 'eager' : 'lazy'; /* what is hidden is never near enough to be lazy */
      n.poster.src = address;
    }
    n.shape.replaceChildren(icon(String(type).startsWith('audio/') ? 'speaker' : 'play'));
    setText(n.title, title || formatDate(started));
    setText(n.facts, [room, formatDate(started), formatBytes(bytes)].filter(Boolean).join(' · '));
    setText(n.people, (participants ?? []).join(', '));
    setText(n.length, formatClock(duration));
    n.length.hidden = !(duration > 0);
    setText(n.state, stateWord(state));
    n.state.hidden = n.state.textContent === '';
    n.state.classList.toggle('recording-now', state === 'recording');
    n.button.setAttribute('aria-label', t('recordings.play', { title: `${n.title.textContent}, ${n.facts.textContent}` }));
  }
}
