/* Where the time goes between somebody's mouth and camera and this page: a bar of stages for sound and for picture. */

import { h, setText } from '../dom.js';
import { delayBudget, formatMs } from '../mixroom.js';
import { t } from '../strings.js';

const KINDS = { audio: 'delay.audio', video: 'delay.video' };
const STAGES = {
  network: 'delay.network',
  buffer: 'delay.buffer',
  decode: 'delay.decode',
  wait: 'delay.wait',
  compose: 'delay.compose',
  encode: 'delay.encode',
  send: 'delay.send',
  playout: 'delay.playout',
};

const nameOf = (stage) => t(STAGES[stage]);

export class DelayBars {
  #bars = {};
  #legend = h('ul', { class: 'delay-legend' });

  constructor() {
    for (const [kind, key] of Object.entries(KINDS)) {
      const total = h('span', { class: 'number' });
      const bar = h('div', { class: 'delay-bar', role: 'img' });
      this.#bars[kind] = { total, bar, element: h('div', { class: 'delay', hidden: true }, h('span', { i18n: key }), total, bar) };
    }
    this.element = h('section', { class: 'delays', hidden: true },
      h('h3', { i18n: 'delay.title' }), ...Object.values(this.#bars).map(({ element }) => element), this.#legend);
  }

  /** @param server what Call.getServerDelay() said; undefined hides the bars
   *  @param values of Call.getStats()
   *  @param isDirect whether the picture is passed on as it was sent */
  update(server, values, isDirect) {
    const seen = new Set();
    for (const kind of Object.keys(KINDS)) this.#show(kind, delayBudget(server?.[kind], values, kind, isDirect), seen);
    this.element.hidden = seen.size === 0;
    const shown = Object.keys(STAGES).filter((stage) => seen.has(stage)); /* in the order of the way */
    this.#legend.replaceChildren(...shown.map((stage) => h('li', {}, h('i', { class: `stage-${stage}` }), nameOf(stage))));
  }

  #show(kind, stages, seen) {
    const { total, bar, element } = this.#bars[kind];
    const texts = stages.map(({ stage, ms }) => `${nameOf(stage)}: ${formatMs(ms)}`);
    element.hidden = stages.length === 0;
    setText(total, formatMs(stages.reduce((sum, { ms }) => sum + ms, 0)));
    bar.replaceChildren(...stages.map(({ stage, ms }, i) => {
      const part = h('i', { class: `stage-${stage}`, title: texts[i] });
      part.style.flexGrow = ms.toFixed(2); /* as an attribute the Content-Security-Policy would forbid it */
      seen.add(stage);
      return part;
    }));
    bar.setAttribute('aria-label', texts.join(', '));
  }
}
