/* Controls of forms that repeat. Each is {element, value}: `value` reads it, and sets it without telling `onchange`. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { t } from './strings.js';

let serial = 0;

/* options: [{value, key (of its text) or text, icon (optional)}] */
const wordsOf = ({ key, text }) => (key ? h('span', { i18n: key }) : h('span', {}, text));

function control(element, get, set) {
  return { element, get value() { return get(); }, set value(value) { set(value); } };
}

/** One of a few, all in sight: radio buttons after their pattern, drawn as one bar. @param label key of the group's name */
export function segmented({ label, options, value, onchange, quiet = false }) {
  const name = `segmented-${++serial}`;
  const inputs = options.map((option) => h('input', { type: 'radio', name, value: option.value, checked: option.value === value,
    onchange: (event) => onchange?.(event.target.value) }));
  const choices = options.map((option, i) => h('label', {}, inputs[i], h('span', {}, option.icon ? icon(option.icon) : null, wordsOf(option))));
  const bar = h('div', { class: 'segmented', role: 'radiogroup', label }, ...choices);
  const element = quiet ? bar : h('div', { class: 'field' }, h('span', { class: 'field-name', i18n: label, 'aria-hidden': 'true' }), bar);
  return control(element, () => inputs.find((input) => input.checked)?.value,
    (wanted) => { for (const input of inputs) input.checked = input.value === wanted; });
}

/** fill(options) sets other ones, and keeps the choice where it is still there. */
export function choice({ label, options = [], value, onchange }) {
  const select = h('select', { onchange: () => onchange?.(select.value) });
  const make = (option) => (option.key ? h('option', { value: option.value, i18n: option.key }) : h('option', { value: option.value }, option.text));
  const element = h('label', { class: 'field' }, h('span', { class: 'field-name', i18n: label }), h('span', { class: 'select' }, select));
  const fill = (next, wanted = select.value) => {
    const same = next.length === select.options.length && next.every((option, i) => option.value === select.options[i].value
      && (option.key === select.options[i].dataset.i18n) && (option.key || option.text === select.options[i].textContent));
    if (!same) select.replaceChildren(...next.map(make));
    if (document.activeElement !== select || !same) select.value = wanted;
  };
  fill(options, value);
  return Object.assign(control(element, () => select.value, (wanted) => { select.value = wanted; }), { fill, select });
}

export function switchRow({ label, value = false, onchange }) {
  const input = h('input', { type: 'checkbox', role: 'switch', onchange: () => onchange?.(input.checked) });
  input.checked = value;
  const element = h('label', { class: 'switch-row' }, h('span', { i18n: label }), input);
  return control(element, () => input.checked, (wanted) => { input.checked = wanted; });
}

/** A slider. @param words (value) → what is shown beside it and said of it; onchange after it was let go */
export function slider({ label, min, max, step, value, words, onchange }) {
  /* No <output>: the label would be of that. */
  const shown = h('span', { class: 'number', 'aria-hidden': 'true' });
  /* While somebody moves it, it does not follow what the server says. */
  let isHeld = false;
  const release = () => { isHeld = false; };
  const input = h('input', { type: 'range', min, max, step, onpointerup: release, onpointercancel: release, onblur: release,
    oninput: () => { isHeld = true; show(); }, onchange: () => { release(); onchange?.(Number(input.value)); } });
  const show = () => {
    shown.textContent = words(Number(input.value));
    input.setAttribute('aria-valuetext', shown.textContent);
  };
  input.value = value ?? min;
  show();
  const element = h('label', { class: 'field' }, h('span', { class: 'field-name with-value' }, h('span', { i18n: label }), shown), input);
  return control(element, () => Number(input.value), (wanted) => {
    if (isHeld) return;
    input.value = wanted;
    show();
  });
}

export function textField({ label, ...attributes }) {
  const { placeholder, ...others } = attributes;
  const input = h('input', { autocomplete: 'off', spellcheck: 'false', placeholder, ...others });
  const element = h('label', { class: 'field' }, h('span', { class: 'field-name', i18n: label }), input);
  return Object.assign(control(element, () => input.value.trim(), (wanted) => { input.value = wanted; }), { input });
}

/** A button that lets the user choose a file. @param onfile (File) */
export function fileButton({ label, accept, onfile, primary = false }) {
  const input = h('input', { type: 'file', accept, class: 'visually-hidden', tabindex: '-1', 'aria-hidden': 'true', onchange: () => {
    const [file] = input.files;
    input.value = '';
    if (file) onfile(file);
  } });
  const button = h('button', { type: 'button', class: primary ? 'primary' : 'secondary', onclick: () => input.click() },
    icon('upload'), h('span', { i18n: label }));
  return { element: h('span', { class: 'file-button' }, input, button), button, input };
}

/** A button with an icon alone. @param name key of what a screen reader says, and of its tip */
export function iconButton(shape, name, onclick, classes = '') {
  const button = h('button', { type: 'button', class: `icon-button ${classes}`, label: name, onclick }, icon(shape));
  button.title = t(name);
  return button;
}
