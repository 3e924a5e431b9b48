/* Settings and the list of keys: dialogs of the browser, which keep the focus and close with Escape. */

import { h } from '../dom.js';
import { icon } from '../icons.js';
import { devicePickers } from './devices.js';
import { languagePicker } from './language.js';
import { prefs } from '../store.js';

function dialog(id, title, ...content) {
  const close = h('button', { type: 'button', class: 'icon-button', label: 'settings.close', onclick: () => element.close() }, icon('close'));
  const element = h('dialog', { id, tabindex: '-1', 'aria-labelledby': `${id}-title` },
    h('div', { class: 'dialog-head' }, h('h2', { id: `${id}-title`, i18n: title }), close), ...content);
  /* A click beside it closes it. */
  element.addEventListener('click', (event) => { if (event.target === element) element.close(); });
  return element;
}

function open(element) {
  element.showModal();
  /* Rather than on the button that closes it. */
  element.focus();
}

/** @param onDevice (device, id) after a choice; onMirror (mirrored) */
export function settingsDialog({ onDevice, onMirror }, signal) {
  const pickers = devicePickers(onDevice, signal);
  const mirror = h('input', { type: 'checkbox', role: 'switch', id: 'mirror', 'aria-describedby': 'mirror-hint', onchange: () => {
    prefs.remember({ mirror: mirror.checked });
    onMirror(mirror.checked);
  } });
  mirror.checked = prefs.get('mirror');
  const element = dialog('settings', 'settings.title',
    pickers.element,
    h('label', { class: 'switch-row' }, h('span', {}, h('span', { i18n: 'settings.mirror' }),
      h('span', { id: 'mirror-hint', class: 'hint', i18n: 'settings.mirrorHint' })), mirror),
    h('div', { class: 'switch-row' }, h('span', { i18n: 'settings.language', 'aria-hidden': 'true' }), languagePicker()));
  const show = () => {
    pickers.refresh();
    open(element);
  };
  return { element, show };
}

const KEYS = [
  ['M', 'help.microphone'], ['help.space', 'help.talk'], ['V', 'help.camera'], ['S', 'help.share'],
  ['C', 'help.chat'], ['P', 'help.people'], ['F', 'help.fullscreen'], ['?', 'help.help'],
];

export function helpDialog() {
  const rows = KEYS.flatMap(([key, text]) => [
    h('dt', {}, key.startsWith('help.') ? h('kbd', { i18n: key }) : h('kbd', {}, key)),
    h('dd', { i18n: text }),
  ]);
  const element = dialog('help', 'help.title', h('dl', { class: 'keys' }, ...rows));
  return { element, show: () => open(element) };
}
