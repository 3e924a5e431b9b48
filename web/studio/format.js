/* Words and numbers of the broadcaster's side. Pure. */

import { getLanguage, t } from '../strings.js';

const OUTPUT_STATES = {
  starting: 'output.starting',
  running: 'output.running',
  retrying: 'output.retrying',
  paused: 'output.paused',
  finished: 'output.finished',
  failed: 'output.failed',
};

const PLAYER_STATES = {
  starting: 'player.starting',
  playing: 'player.playing',
  paused: 'player.paused',
  finished: 'player.finished',
  failed: 'player.failed',
};

export const hasEnded = ({ state }) => state === 'finished' || state === 'failed';
/* What a host should not forget. */
export const isLive = (entry) => !hasEnded(entry);

/** The state as people say it; what a newer server says stays as it is. */
export const wordOfOutput = (state) => (Object.hasOwn(OUTPUT_STATES, state) ? t(OUTPUT_STATES[state]) : String(state));
export const wordOfPlayer = (state) => (Object.hasOwn(PLAYER_STATES, state) ? t(PLAYER_STATES[state]) : String(state));

/** 3723000 → "1:02:03"; 65000 → "1:05". */
export function formatClock(ms) {
  const seconds = Math.max(0, Math.floor((Number(ms) || 0) / 1000));
  const two = (value) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** 1234567 → "1.2 MB": powers of ten, as shops and file managers count. */
export function formatBytes(bytes) {
  const value = Math.max(0, Number(bytes) || 0);
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, value < 1000 ? 0 : Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power === 0 || scaled >= 99.95 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

export function formatDate(ms) {
  return new Date(Number(ms) || 0).toLocaleString(getLanguage(), { dateStyle: 'medium', timeStyle: 'short' });
}

export const formatFraction = (fraction) => `${+(fraction * 100).toFixed(1)} %`;

/** How long an output or player has lasted by now: what the server said, and what has passed since. */
export function lastedMs(ms, isGoingOn, sinceMs) {
  return (Number(ms) || 0) + (isGoingOn ? Math.max(0, sinceMs) : 0);
}

/* ---- Addresses ---- */

/** The address of an RTMP server and its stream key, as many services give them, in one. */
export function joinRtmp(server, key) {
  const base = server.trim();
  const secret = key.trim();
  if (secret === '') return base;
  return `${base.replace(/\/+$/, '')}/${secret}`;
}

/** An SRT address with its options. An address that says something itself is right. */
export function joinSrt(address, { listener = false, passphrase = '', streamId = '' } = {}) {
  const base = address.trim();
  const [place, query = ''] = base.split('?', 2);
  const options = new URLSearchParams(query);
  const set = (name, value) => { if (value !== '' && !options.has(name)) options.set(name, value); };
  set('mode', listener ? 'listener' : '');
  set('streamid', streamId.trim());
  set('passphrase', passphrase);
  const said = options.toString();
  return said === '' ? place : `${place}?${said}`;
}

/** What a body of POST .../outputs is, from what a form says. */
export function orderOf({ type, format, sound, splitMinutes, server, key, address, listener, passphrase, streamId }) {
  if (type === 'rtmp') return { type, url: joinRtmp(server, key) };
  if (type === 'srt') return { type, url: joinSrt(address, { listener, passphrase, streamId }) };
  if (type !== 'file') return { type };
  const order = { type, format };
  if (sound && sound !== 'aac') order.sound = sound;
  if (Number(splitMinutes) > 0) order.splitDuration = Number(splitMinutes) * 60; /* seconds */
  return order;
}

/** A page for viewers of what an output sends out. */
export function watchLink(base, { room, playlist }) {
  const link = new URL('watch.html', base);
  link.searchParams.set('room', room);
  if (playlist) link.searchParams.set('hls', playlist);
  return link.href;
}
