/* A part of the broadcaster's panel that folds: it asks the server only while it is unfolded and the panel is shown. */

import { h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { Poll } from '../poll.js';
import { explainRest } from '../problems.js';

export class Section {
  #shown = false;
  #error = null;
  #notice = h('p', { class: 'notice', role: 'status', hidden: true });

  /** @param ask async: gets and shows; what it throws is told in the section, in place of `content` when `isOff` says so */
  constructor({ id, title, intervalMs, ask, open = false }, ...content) {
    this.body = h('div', { class: 'section-body' }, ...content);
    this.element = h('details', { id, class: 'section', open, ontoggle: () => this.#update() },
      h('summary', {}, h('h3', { i18n: title }), icon('chevron')), this.#notice, this.body);
    this.poll = new Poll(() => this.#ask(ask), intervalMs);
  }

  set shown(shown) {
    this.#shown = shown;
    this.#update();
  }

  #update() {
    if (this.#shown && this.element.open) this.poll.start();
    else this.poll.stop();
  }

  async #ask(ask) {
    try {
      await ask();
      this.tell(null);
    } catch (error) {
      /* Nothing to press where the server does not have it. */
      this.body.hidden = error.status === 403 || error.status === 404 || error.status === 501;
      this.tell(error);
      throw error;
    }
  }

  /** @param error (nullable) */
  tell(error) {
    if (!error) this.body.hidden = false;
    this.#error = error;
    this.translate();
  }

  translate() {
    this.#notice.hidden = !this.#error;
    setText(this.#notice, this.#error ? explainRest(this.#error) : '');
  }
}
