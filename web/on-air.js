/* What everybody in a room must see: that it is recorded, or sent out. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { onLanguage, t } from './strings.js';

const MARKS = [
  { of: 'recording', shape: 'record', word: 'onAir.recWord', sentence: 'onAir.rec' },
  { of: 'live', shape: 'broadcast', word: 'onAir.liveWord', sentence: 'onAir.live' },
];

export class OnAir {
  #call;
  #marks = MARKS.map(({ of, shape, word, sentence }) => ({ of, sentence, node: h('span', { class: 'on-air-mark', data: { mark: of }, hidden: true }, icon(shape),
    h('span', { 'aria-hidden': 'true', i18n: word }), h('span', { class: 'visually-hidden', i18n: sentence })) }));
  /* A status: what appears in it is read out. */
  element = h('div', { id: 'on-air', role: 'status' }, ...this.#marks.map(({ node }) => node));

  constructor(call, signal) {
    this.#call = call;
    call.addEventListener('outputs', () => this.#render(), { signal });
    onLanguage(() => this.#render(), signal);
    this.#render();
  }

  #render() {
    for (const { of, sentence, node } of this.#marks) {
      node.hidden = !this.#call.outputs[of];
      node.title = t(sentence);
    }
  }
}
