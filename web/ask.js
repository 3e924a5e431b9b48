/* One question before something that cannot be taken back. */

import { h } from './dom.js';
import { t } from './strings.js';

/** Resolves with whether the answer was yes. `title`, `text`, `action`: sentences, in the page's language already. */
export function ask({ title, text, action }) {
  return new Promise((resolve) => {
    const no = h('button', { type: 'button', class: 'secondary', onclick: () => dialog.close() }, t('ask.cancel'));
    const yes = h('button', { type: 'button', class: 'primary danger', onclick: () => dialog.close('yes') }, action);
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title' }, h('h2', { id: 'ask-title' }, title), h('p', {}, text),
      h('div', { class: 'ask-buttons' }, no, yes));
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
