/* A button with a menu, after the menu button pattern of WAI-ARIA: arrows, Home, End, Escape. */

import { h } from './dom.js';
import { icon } from './icons.js';

let serial = 0;

/** @param items [{icon, key, onclick, class, id}]: `key` is the key of its text */
export function menu(button, items) {
  const id = `menu-${++serial}`;
  const entries = items.map((item) => h('button', { type: 'button', role: 'menuitem', tabindex: '-1', id: item.id, class: item.class,
    onclick: () => { close(); item.onclick(); } }, icon(item.icon), h('span', { i18n: item.key })));
  const list = h('div', { id, class: 'menu', role: 'menu', hidden: true, 'aria-labelledby': button.id }, ...entries);
  const visible = () => entries.filter((entry) => entry.offsetParent !== null);
  const outside = (event) => { if (!list.contains(event.target) && !button.contains(event.target)) close(false); };

  function open() {
    list.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    document.addEventListener('pointerdown', outside);
    visible()[0]?.focus();
  }

  function close(focus = true) {
    if (list.hidden) return;
    list.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside);
    if (focus) button.focus();
  }

  function onKey(event) {
    const shown = visible();
    const at = shown.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Escape' || event.key === 'Tab') close(event.key === 'Escape');
    else if (to !== undefined) shown.at(to === shown.length ? 0 : to).focus();
    else return;
    event.stopPropagation();
    if (event.key !== 'Tab') event.preventDefault();
  }

  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.setAttribute('aria-controls', id);
  button.addEventListener('click', () => (list.hidden ? open() : close()));
  list.addEventListener('keydown', onKey);
  return list;
}
