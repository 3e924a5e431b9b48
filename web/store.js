/* What the page remembers on this device. Storage may be forbidden: then for this visit only. */

const KEY = 'mixroom';
const DEFAULTS = {
  room: '', name: '', language: '', mirror: true, microphone: true, camera: true,
  selfView: true, selfCorner: 'bottom-right',
  audioDevice: '', videoDevice: '', speaker: '',
};

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const known = Object.keys(DEFAULTS).filter((key) => typeof stored?.[key] === typeof DEFAULTS[key]);
    return Object.fromEntries(known.map((key) => [key, stored[key]]));
  } catch {
    return {};
  }
}

const values = { ...DEFAULTS, ...load() };

/** Preferences: read as properties; remember() changes and keeps them. */
export const prefs = Object.freeze({
  get: (key) => values[key],
  remember(changes) {
    Object.assign(values, changes);
    try {
      localStorage.setItem(KEY, JSON.stringify(values));
    } catch {
      /* For this visit only. */
    }
  },
});
