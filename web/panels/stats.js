/* Numbers for the curious: what flows, what is lost, how long it takes. */

import { h, setText, svg } from '../dom.js';
import { icon } from '../icons.js';
import { DelayBars } from './delay.js';
import { formatBitrate, formatMs, formatPercent, sparkline } from '../mixroom.js';
import { t } from '../strings.js';

const SAMPLES = 60;
const INTERVAL_MS = 1000;
const SPARK = { width: 88, height: 22 };

const ROWS = [
  { value: 'down', label: 'stats.down', format: formatBitrate },
  { value: 'available', label: 'stats.available', format: formatBitrate },
  { value: 'up', label: 'stats.up', format: formatBitrate },
  { value: 'rtt', label: 'stats.rtt', format: formatMs },
  { value: 'jitterBuffer', label: 'stats.jitterBuffer', format: formatMs },
  { value: 'loss', label: 'stats.loss', format: formatPercent },
  { value: 'lossUp', label: 'stats.lossUp', format: formatPercent },
  { value: 'fps', label: 'stats.fps', format: (fps) => (fps === undefined ? '–' : String(Math.round(fps))) },
];

const REASONS = { best: 'stats.whyBest', bandwidth: 'stats.whyBandwidth', loss: 'stats.whyLoss' };

/** Whether the downlink's picture is less than the server could send. */
export function isReduced(rung) {
  return rung?.reason === 'bandwidth' || rung?.reason === 'loss';
}

/** @param isDirect whether it is somebody's picture as it was sent */
export function describeRung(rung, isDirect = false) {
  if (!rung) return '–';
  const { kind, width, height, framerate, bitrate } = rung;
  if (kind === 'audio') return t('stats.audio');
  if (isDirect) return [t('stats.asSent'), `${width} × ${height}`, formatBitrate(bitrate)].join(' · ');
  return [`${width} × ${height}`, kind === 'slides' ? t('stats.slides') : `${framerate} fps`, formatBitrate(bitrate)].join(' · ');
}

export class StatsPanel extends EventTarget {
  open = false;
  #call;
  #timer = null;
  #history = [];
  #rows;
  #facts;
  #delay = new DelayBars();

  constructor(call, signal) {
    super();
    this.#call = call;
    this.#rows = ROWS.map((row) => {
      const line = svg('polyline', { points: '' });
      const number = h('td', { class: 'number' }, '–');
      const spark = svg('svg', { class: 'spark', viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, 'aria-hidden': 'true' }, line);
      return { ...row, line, number, element: h('tr', {}, h('th', { scope: 'row', i18n: row.label }), h('td', {}, spark), number) };
    });
    this.#facts = { picture: h('dd'), path: h('dd'), rung: h('dd'), why: h('dd') };
    const close = h('button', { type: 'button', class: 'icon-button', label: 'stats.close', onclick: () => this.hide() }, icon('close'));
    this.element = h('section', { id: 'stats', class: 'stats', hidden: true, label: 'stats.title', tabindex: '-1',
      onkeydown: (event) => { if (event.key === 'Escape') this.hide(); } },
      h('div', { class: 'stats-head' }, h('h2', { i18n: 'stats.title' }), close),
      h('table', {}, h('tbody', {}, ...this.#rows.map(({ element }) => element))),
      this.#delay.element,
      h('dl', {}, ...Object.entries({ picture: 'stats.picture', path: 'stats.path', rung: 'stats.rung', why: 'stats.why' })
        .flatMap(([name, key]) => [h('dt', { i18n: key }), this.#facts[name]])));
    signal.addEventListener('abort', () => clearInterval(this.#timer));
  }

  get #isDirect() {
    return this.#call.tiles?.view === 'direct';
  }

  toggle() {
    if (this.open) this.hide();
    else this.show();
  }

  show() {
    this.open = true;
    this.element.hidden = false;
    this.#timer = setInterval(() => this.#update(), INTERVAL_MS);
    this.#update();
    this.dispatchEvent(new Event('change'));
    this.element.focus({ preventScroll: true });
  }

  hide() {
    if (!this.open) return;
    this.open = false;
    this.element.hidden = true;
    clearInterval(this.#timer);
    this.#history = [];
    this.dispatchEvent(new CustomEvent('change', { detail: { closed: true } }));
  }

  async #update() {
    const [stats, delay, { available }] = await Promise.all([this.#call.getStats().catch(() => undefined),
      this.#call.getServerDelay(), this.#call.getServerLink()]);
    if (!stats || !this.open) return;
    const values = { ...stats, available };
    this.#history.push(values);
    if (this.#history.length > SAMPLES) this.#history.shift();
    for (const { value, format, line, number } of this.#rows) {
      setText(number, format(values[value]));
      line.setAttribute('points', sparkline(this.#history.map((one) => one[value]), SPARK.width, SPARK.height, SAMPLES));
    }
    this.#delay.update(delay, values, this.#isDirect);
    this.#showFacts(values);
  }

  #showFacts({ width, height, codec, protocol, localType, remoteType }) {
    const { picture, path, rung, why } = this.#facts;
    setText(picture, width ? [`${width} × ${height}`, codec].filter(Boolean).join(' · ') : t('stats.waiting'));
    setText(path, protocol ? `${protocol.toUpperCase()} · ${localType} – ${remoteType}` : t('stats.waiting'));
    setText(rung, describeRung(this.#call.rung, this.#isDirect));
    const reason = REASONS[this.#call.rung?.reason];
    setText(why, reason ? t(reason) : '–');
  }
}
