/* Which language, and the words in it. */

import en from './strings/en.js';
import ko from './strings/ko.js';

export const LANGUAGES = { en, ko };

let current = 'en';
let plural = new Intl.PluralRules('en');
const listeners = new Set();

/** The first of the wished languages (BCP 47 tags) that there is. */
export function pickLanguage(wishes) {
  for (const wish of wishes ?? []) {
    const primary = String(wish).toLowerCase().split('-')[0];
    if (primary in LANGUAGES) return primary;
  }
  return 'en';
}

export function getLanguage() {
  return current;
}

/** Changes the language of all that is shown. */
export function setLanguage(language) {
  current = language in LANGUAGES ? language : 'en';
  plural = new Intl.PluralRules(current);
  if (globalThis.document) {
    document.documentElement.lang = current;
    translate(document);
  }
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change of language, until `signal` aborts. */
export function onLanguage(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener('abort', () => listeners.delete(listener));
}

/** The sentence, with {placeholders} filled from `values`. */
export function t(key, values = {}) {
  const sentence = LANGUAGES[current][key] ?? en[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The same by a count: `key.one`, `key.other`. */
export function tCount(key, count) {
  const form = plural.select(count) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}`, { count });
}

/** Fills in what carries data-i18n (text), data-i18n-label (name for screen readers, tip) or data-i18n-placeholder. */
export function translate(root) {
  for (const node of root.querySelectorAll('[data-i18n]')) node.textContent = t(node.dataset.i18n);
  for (const node of root.querySelectorAll('[data-i18n-placeholder]')) node.placeholder = t(node.dataset.i18nPlaceholder);
  for (const node of root.querySelectorAll('[data-i18n-label]')) setLabel(node, node.dataset.i18nLabel);
}

/** Gives a control without text its name, which is its tip as well, where it has one. */
export function setLabel(node, key) {
  node.dataset.i18nLabel = key;
  node.setAttribute('aria-label', t(key));
  if (node.classList.contains('tipped')) node.dataset.tip = t(key);
  if (node.title) node.title = t(key);
}
