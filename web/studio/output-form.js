/* What is asked before an output starts. */

import { choice, segmented, switchRow, textField } from '../controls.js';
import { h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { explainRest } from '../problems.js';
import { t } from '../strings.js';
import { orderOf } from './format.js';

const HINTS = {
  file: 'output.hintFile',
  hls: 'output.hintHls',
  rtmp: 'output.hintRtmp',
  srt: 'output.hintSrt',
  tracks: 'output.hintTracks',
};

const STARTS = {
  file: 'output.startFile',
  hls: 'output.startHls',
  rtmp: 'output.startPush',
  srt: 'output.startPush',
  tracks: 'output.startTracks',
};

/** @param start async (order) */
export function outputForm(start) {
  const fields = makeFields();
  const type = segmented({ label: 'output.type', value: 'file', quiet: true, onchange: () => show(), options: [
    { value: 'file', key: 'output.file' }, { value: 'hls', text: 'HLS' }, { value: 'rtmp', text: 'RTMP' }, { value: 'srt', text: 'SRT' },
    { value: 'tracks', key: 'output.tracks' }] });
  const hint = h('p', { class: 'hint' });
  const error = h('p', { class: 'form-error', role: 'alert' });
  const words = h('span');
  const button = h('button', { id: 'output-start', type: 'submit', class: 'primary' }, icon('record'), words);
  const show = () => {
    for (const { of, control } of fields.all) control.element.hidden = !of.includes(type.value);
    setText(error, '');
    translate();
  };
  const translate = () => {
    setText(hint, t(HINTS[type.value]));
    setText(words, t(STARTS[type.value]));
  };
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    setText(error, '');
    try {
      await start(orderOf({ type: type.value, ...fields.values() }));
      /* Secrets stay no longer than they are needed. */
      fields.key.value = '';
      fields.passphrase.value = '';
    } catch (problem) {
      setText(error, explainRest(problem));
    }
    button.disabled = false;
  };
  const element = h('form', { id: 'output-form', class: 'stack', novalidate: true, onsubmit: submit }, type.element, hint,
    ...fields.all.map(({ control }) => control.element), error, button);
  show();
  return { element, translate };
}

function makeFields() {
  const format = choice({ label: 'output.format', value: 'mp4', options: [{ value: 'mp4', text: 'MP4' }, { value: 'mkv', text: 'Matroska' }] });
  const sound = choice({ label: 'output.sound', value: 'aac', options: [{ value: 'aac', text: 'AAC' }, { value: 'opus', text: 'Opus' }] });
  const split = choice({ label: 'output.split', value: '0', options: [{ value: '0', key: 'output.splitNever' },
    { value: '15', key: 'output.splitQuarter' }, { value: '30', key: 'output.splitHalf' }, { value: '60', key: 'output.splitHour' }] });
  const server = textField({ label: 'output.server', type: 'url', placeholder: 'rtmp://', inputmode: 'url' });
  /* Not remembered by the browser, and not to be read over a shoulder or in a shared screen. */
  const key = textField({ label: 'output.key', type: 'password', autocomplete: 'new-password' });
  const address = textField({ label: 'output.server', type: 'url', placeholder: 'srt://', inputmode: 'url' });
  const listener = switchRow({ label: 'output.listener' });
  const streamId = textField({ label: 'output.streamId' });
  const passphrase = textField({ label: 'output.passphrase', type: 'password', autocomplete: 'new-password' });
  const pair = { element: h('div', { class: 'pair' }, format.element, sound.element) };
  const all = [{ of: ['file'], control: pair }, { of: ['file'], control: split }, { of: ['rtmp'], control: server }, { of: ['rtmp'], control: key },
    { of: ['srt'], control: address }, { of: ['srt'], control: listener }, { of: ['srt'], control: streamId }, { of: ['srt'], control: passphrase }];
  const values = () => ({ format: format.value, sound: sound.value, splitMinutes: split.value, server: server.value, key: key.value,
    address: address.value, listener: listener.value, passphrase: passphrase.value, streamId: streamId.value });
  return { all, values, key, passphrase };
}
