/* What the programme looks like. Every change goes out at once: the preview shows it. */

import { choice, fileButton, segmented, slider, switchRow } from '../controls.js';
import { h, setText } from '../dom.js';
import { explainRest } from '../problems.js';
import { pathOf } from '../rest.js';
import { t } from '../strings.js';
import { formatFraction } from './format.js';
import { Section } from './section.js';

const INTERVAL_MS = 10_000;
const COLOUR = /^#[0-9a-f]{6}$/i;
const CORNERS = [{ value: 'top-left', key: 'look.topLeft' }, { value: 'top-right', key: 'look.topRight' },
  { value: 'bottom-left', key: 'look.bottomLeft' }, { value: 'bottom-right', key: 'look.bottomRight' }];
const LOUDNESSES = [{ value: '-23', key: 'look.loudnessBroadcast' }, { value: '-16', key: 'look.loudnessWeb' }, { value: '0', key: 'look.loudnessOff' }];

/** A file's name as the server keeps it: what else it has becomes a dash. */
export function imageName(name) {
  return name.normalize('NFKD').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '').slice(-64) || 'image';
}

export class Look {
  #rest;
  #call;
  #look = null;
  #images = null; /* null: the server keeps none */
  #c;
  #facts = h('p', { class: 'hint' });
  #error = h('p', { class: 'form-error', role: 'alert' });
  #imagesNote = h('p', { class: 'hint' });
  #imagesError = null;
  #onChange;

  /** @param onChange after each change */
  constructor({ rest, call, onChange }) {
    this.#rest = rest;
    this.#call = call;
    this.#onChange = onChange;
    this.#c = this.#build();
    this.section = new Section({ id: 'programme-look', title: 'look.title', intervalMs: INTERVAL_MS, ask: () => this.refresh() }, this.#arrange());
  }

  get #path() {
    return `${pathOf('rooms', this.#call.room)}/programme`;
  }

  #build() {
    const set = (name) => (value) => this.#change({ [name]: value });
    const upload = (name) => fileButton({ label: 'look.upload', accept: 'image/png,image/jpeg', onfile: (file) => this.#upload(file, name) });
    const colour = h('input', { type: 'color', label: 'look.colour', onchange: () => this.#change({ background: colour.value }) });
    return {
      layout: segmented({ label: 'look.layout', onchange: set('layout'), options: [{ value: 'auto', key: 'look.auto', icon: 'layoutAuto' },
        { value: 'grid', key: 'look.grid', icon: 'layoutGrid' }, { value: 'speaker', key: 'look.speaker', icon: 'layoutSpeaker' },
        { value: 'share', key: 'look.share', icon: 'screen' }] }),
      pin: choice({ label: 'look.pin', onchange: set('pin') }),
      labels: segmented({ label: 'look.labels', onchange: set('labels'), options: [{ value: 'none', key: 'look.labelsNone' },
        { value: 'names', key: 'look.labelsNames' }, { value: 'lower-third', key: 'look.labelsLowerThird' }] }),
      clock: switchRow({ label: 'look.clock', onchange: set('clock') }),
      background: choice({ label: 'look.background', onchange: (name) => this.#change({ background: name === '' ? colour.value : name }) }),
      colour,
      backgroundUpload: upload('background'),
      logo: choice({ label: 'look.logo', onchange: set('logo') }),
      logoUpload: upload('logo'),
      corner: choice({ label: 'look.corner', options: CORNERS, onchange: set('logoCorner') }),
      height: slider({ label: 'look.logoHeight', min: 0.02, max: 0.5, step: 0.01, words: formatFraction, onchange: set('logoHeight') }),
      margin: slider({ label: 'look.margin', min: 0, max: 0.1, step: 0.005, words: formatFraction, onchange: set('safeMargin') }),
      loudness: choice({ label: 'look.loudness', options: LOUDNESSES, onchange: (value) => this.#change({ loudness: Number(value) }) }),
    };
  }

  #arrange() {
    const c = this.#c;
    this.#c.logoPart = h('div', { class: 'pair' }, c.corner.element, c.height.element);
    return h('div', { class: 'stack' }, this.#facts, c.layout.element, c.pin.element, c.labels.element, c.clock.element,
      h('div', { class: 'with-colour' }, c.background.element, c.colour, c.backgroundUpload.element),
      h('div', { class: 'with-upload' }, c.logo.element, c.logoUpload.element), c.logoPart, this.#imagesNote,
      c.margin.element, c.loudness.element, this.#error);
  }

  async refresh() {
    this.#look = await this.#rest.get(this.#path);
    try {
      this.#images = await this.#rest.get(`images?${new URLSearchParams({ room: this.#call.room })}`);
      this.#imagesError = null;
    } catch (error) {
      this.#images = null;
      this.#imagesError = error;
    }
    this.render();
  }

  render() {
    const [c, look] = [this.#c, this.#look];
    if (!look) return;
    const isColour = look.background === '' || COLOUR.test(look.background ?? '');
    const images = (this.#images ?? []).map(({ name }) => ({ value: name, text: name }));
    const known = (name) => (name && !images.some(({ value }) => value === name) ? [{ value: name, text: name }] : []);
    setText(this.#facts, [`${look.width} × ${look.height}`, `${look.framerate} fps`, look.isRoomPicture ? t('look.isRoomPicture') : null].filter(Boolean).join(' · '));
    c.layout.value = look.layout;
    c.pin.fill([{ value: '', key: 'look.pinNobody' }, ...[...this.#call.roster.values()].map(({ id, name }) => ({ value: id, text: String(name) }))], look.pin ?? '');
    c.labels.value = look.labels;
    c.clock.value = Boolean(look.clock);
    c.background.fill([{ value: '', key: 'look.colour' }, ...images, ...(isColour ? [] : known(look.background))], isColour ? '' : look.background);
    c.colour.hidden = !isColour;
    if (document.activeElement !== c.colour) c.colour.value = look.background && isColour ? look.background : '#000000';
    c.logo.fill([{ value: '', key: 'look.logoNone' }, ...images, ...known(look.logo)], look.logo ?? '');
    c.corner.value = look.logoCorner;
    c.height.value = look.logoHeight;
    c.logoPart.hidden = !look.logo;
    c.margin.value = look.safeMargin;
    this.#renderLoudness(Number(look.loudness));
    for (const upload of [c.backgroundUpload, c.logoUpload]) upload.element.hidden = this.#images === null;
    setText(this.#imagesNote, this.#imagesError ? explainRest(this.#imagesError) : '');
    this.#imagesNote.hidden = !this.#imagesError;
  }

  #renderLoudness(value) {
    const { loudness } = this.#c;
    const own = LOUDNESSES.some((option) => Number(option.value) === value) ? [] : [{ value: String(value), text: `${value} LUFS` }];
    loudness.fill([...LOUDNESSES, ...own], String(value));
  }

  async #change(changes) {
    try {
      this.#look = await this.#rest.patch(this.#path, changes);
      setText(this.#error, '');
      this.#onChange();
    } catch (error) {
      setText(this.#error, explainRest(error));
    }
    this.render();
  }

  async #upload(file, use) {
    const name = imageName(file.name);
    try {
      await this.#rest.upload('PUT', pathOf('images', name), file);
      await this.refresh();
      await this.#change({ [use]: name });
    } catch (error) {
      setText(this.#error, error.type === 'token-too-weak' ? t('look.uploadTooWeak') : explainRest(error));
    }
  }
}
