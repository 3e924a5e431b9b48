/* The choice of camera, microphone and speaker, in the lobby and in the settings alike. */

import { h } from '../dom.js';
import { icon } from '../icons.js';
import { canChooseSpeaker, listDevices } from '../mixroom.js';
import { onLanguage, t } from '../strings.js';
import { prefs } from '../store.js';

const CHOICES = [
  { device: 'camera', kind: 'videoinput', pref: 'videoDevice', label: 'device.camera' },
  { device: 'microphone', kind: 'audioinput', pref: 'audioDevice', label: 'device.microphone' },
  { device: 'speaker', kind: 'audiooutput', pref: 'speaker', label: 'device.speaker' },
];

/** Builds the selects. `onChoose` (device, id) is called after the choice is remembered. Refreshes until `signal` aborts. */
export function devicePickers(onChoose, signal) {
  const rows = CHOICES.filter(({ device }) => device !== 'speaker' || canChooseSpeaker()).map((choice) => {
    const select = h('select', { onchange: () => choose(choice, select) });
    const row = h('label', { class: 'field device' }, h('span', { class: 'field-name', i18n: choice.label }),
      h('span', { class: 'select' }, icon(choice.device), select));
    return { ...choice, select, row };
  });
  const choose = ({ device, pref }, select) => {
    prefs.remember({ [pref]: select.value });
    onChoose(device, select.value);
  };
  const refresh = async () => {
    const lists = await listDevices();
    for (const { kind, pref, select } of rows) fill(select, lists[kind], prefs.get(pref));
  };
  const element = h('div', { class: 'devices' }, ...rows.map(({ row }) => row));
  navigator.mediaDevices?.addEventListener?.('devicechange', refresh, { signal });
  onLanguage(refresh, signal);
  refresh();
  return { element, refresh };
}

function fill(select, devices, chosen) {
  const named = devices.filter(({ id }) => id !== '' && id !== 'default' && id !== 'communications');
  const first = devices.length === 0 ? t('device.none') : t('device.default');
  const options = named.map(({ id, label }, i) => h('option', { value: id }, label || t('device.unnamed', { number: i + 1 })));
  select.replaceChildren(h('option', { value: '' }, first), ...options);
  select.disabled = devices.length === 0;
  select.value = named.some(({ id }) => id === chosen) ? chosen : '';
}
