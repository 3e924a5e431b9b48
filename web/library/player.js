/* One recording: it plays, and its title can be changed. */

import { iconButton } from '../controls.js';
import { h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { explainRest } from '../problems.js';
import { pathOf } from '../rest.js';
import { t } from '../strings.js';
import { formatBytes, formatClock, formatDate } from '../studio/format.js';
import { toast } from '../toasts.js';
import { stateWord } from './card.js';

export class PlayerDialog {
  #rest;
  #recording = null;
  #onChanged;
  #n = {};

  /** @param onChanged (recording); onRemove async (recording) → whether it is gone */
  constructor(rest, { onChanged, onRemove }) {
    this.#rest = rest;
    this.#onChanged = onChanged;
    const n = this.#n;
    n.heading = h('h2', { id: 'player-title' });
    n.video = h('video', { controls: true, playsinline: true, preload: 'metadata', onerror: () => this.#fail() });
    n.problem = h('p', { class: 'form-error', role: 'alert' });
    n.facts = h('dl', { class: 'recording-details' });
    n.title = h('input', { id: 'recording-title', required: true, maxlength: '200', autocomplete: 'off' });
    n.save = h('button', { type: 'submit', class: 'secondary', i18n: 'recordings.save' });
    n.rename = h('form', { class: 'rename', onsubmit: (event) => this.#save(event) },
      h('label', { class: 'field' }, h('span', { class: 'field-name', i18n: 'recordings.titleField' }), n.title), n.save);
    n.download = h('a', { class: 'secondary', download: '' }, icon('download'), h('span', { i18n: 'recordings.download' }));
    n.remove = h('button', { type: 'button', class: 'secondary', onclick: async () => { if (await onRemove(this.#recording)) this.element.close(); } },
      icon('remove'), h('span', { i18n: 'recordings.remove' }));
    this.element = h('dialog', { id: 'player', class: 'player', 'aria-labelledby': 'player-title', onclose: () => this.#stop(),
      onclick: (event) => { if (event.target === this.element) this.element.close(); } },
    h('div', { class: 'dialog-head' }, n.heading, iconButton('close', 'recordings.close', () => this.element.close())),
    n.video, n.problem, n.facts, n.rename, h('div', { class: 'player-buttons' }, n.download, n.remove));
  }

  show(recording) {
    const n = this.#n;
    this.#recording = recording;
    setText(n.problem, '');
    n.video.classList.toggle('sound', String(recording.type).startsWith('audio/'));
    n.video.src = this.#rest.address(pathOf('recordings', recording.id, 'media'));
    n.download.href = this.#rest.address(pathOf('recordings', recording.id, 'media'), { download: '1' });
    n.title.value = recording.title ?? '';
    n.remove.hidden = recording.state === 'recording';
    this.#render();
    this.element.showModal();
    n.video.focus();
    n.video.play().catch(() => {}); /* it waits for the controls then */
  }

  #render() {
    const { title, room, started, duration, bytes, participants, state } = this.#recording;
    const name = title || formatDate(started);
    setText(this.#n.heading, name);
    this.#n.video.setAttribute('aria-label', name);
    const rows = [['recordings.room', room], ['recordings.people', (participants ?? []).join(', ')],
      ['recordings.length', [formatClock(duration), formatBytes(bytes), formatDate(started), stateWord(state)].filter(Boolean).join(' · ')]];
    this.#n.facts.replaceChildren(...rows.filter(([, text]) => text).flatMap(([key, text]) => [h('dt', { i18n: key }), h('dd', {}, String(text))]));
  }

  async #save(event) {
    event.preventDefault();
    const title = this.#n.title.value.trim();
    this.#n.save.disabled = true;
    try {
      const changed = await this.#rest.patch(pathOf('recordings', this.#recording.id), { title });
      this.#recording = { ...this.#recording, title, ...changed };
      this.#onChanged(this.#recording);
      this.#render();
    } catch (error) {
      toast(explainRest(error));
    }
    this.#n.save.disabled = false;
  }

  #fail() {
    if (this.#n.video.getAttribute('src')) setText(this.#n.problem, t('recordings.cannotPlay'));
  }

  #stop() {
    const { video } = this.#n;
    video.pause();
    video.removeAttribute('src');
    video.load();
  }
}
