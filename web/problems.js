/* Which sentence explains which error. */

import { t } from './strings.js';

const SENTENCES = {
  unreachable: 'error.unreachable',
  away: 'error.unreachable',
  timeout: 'error.timeout',
  full: 'error.roomFull',
  'room-full': 'error.roomFull',
  draining: 'error.draining',
  'bad-token': 'error.badToken',
  unauthorized: 'error.badToken',
  forbidden: 'error.badToken',
  'rate-limited': 'error.rateLimited',
  'nothing-usable': 'error.nothingUsable',
  'bad-name': 'error.badName',
  elsewhere: 'error.elsewhere',
  failed: 'error.failed',
};

/** What to tell the user about an error of the call: what happened and what to do. */
export function explain(error) {
  const key = SENTENCES[error?.code];
  if (key) return t(key);
  return t('error.unknown', { detail: error?.detail || error?.message || error?.code || '' });
}

const ABOUT_ME = { 'token-too-weak': 'rest.tooWeak', 'token-missing': 'rest.tooWeak', 'token-invalid': 'error.badToken', 'too-large': 'rest.tooLarge' };

/** The same for a request of the REST interface, a RestError. What the server says of it is in English. */
export function explainRest({ status, type, detail, message }) {
  if (status === 0) return t('error.unreachable');
  if (Object.hasOwn(ABOUT_ME, type)) return t(ABOUT_ME[type]);
  /* Its operator has not switched it on; the detail says how. */
  if (status === 403) return t('rest.off', { detail });
  if (status === 404 && !detail) return t('rest.unknown');
  return t('error.unknown', { detail: detail || message || String(status) });
}

const DEVICE_PROBLEMS = {
  denied: { both: 'media.denied', camera: 'media.deniedCamera', microphone: 'media.deniedMicrophone' },
  missing: { both: 'media.missing', camera: 'media.missingCamera', microphone: 'media.missingMicrophone' },
  busy: { camera: 'media.busyCamera', microphone: 'media.busyMicrophone' },
  insecure: { both: 'media.insecure', camera: 'media.insecure', microphone: 'media.insecure' },
  failed: { camera: 'media.failedCamera', microphone: 'media.failedMicrophone' },
};

/** Key of the sentence about a device that cannot be used; `reason` as of reasonOf() in media.js. */
export function deviceProblem(device, reason) {
  return DEVICE_PROBLEMS[reason]?.[device] ?? null;
}

/** Keys of the sentences about both devices together. */
export function deviceProblems(microphone, camera) {
  const both = microphone === camera ? DEVICE_PROBLEMS[camera]?.both : null;
  if (both) return [both];
  return [deviceProblem('camera', camera), deviceProblem('microphone', microphone)].filter(Boolean);
}
