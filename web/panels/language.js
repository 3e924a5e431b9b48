/* The choice of the page's language. */

import { h } from '../dom.js';
import { LANGUAGES, getLanguage, setLanguage } from '../strings.js';
import { prefs } from '../store.js';

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
