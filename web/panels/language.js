/* The choice of the page's language. */

import { h } from '../dom.js';
import { LANGUAGES, getLanguage, pickLanguage, setLanguage } from '../strings.js';
import { prefs } from '../store.js';

/** What the link wishes, or was chosen here before, or the browser wishes. */
export function startLanguage(link) {
  setLanguage(pickLanguage([link.get('lang'), prefs.get('language'), ...navigator.languages].filter(Boolean)));
}

export function languagePicker() {
  const options = Object.entries(LANGUAGES).map(([code, words]) => h('option', { value: code, lang: code }, words['language.name']));
  const select = h('select', { class: 'language', label: 'settings.language' }, ...options);
  select.value = getLanguage();
  select.addEventListener('change', () => {
    prefs.remember({ language: select.value });
    setLanguage(select.value);
  });
  return select;
}
