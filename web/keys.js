/* The keyboard in the room: one letter each, and Space held to talk. */

const LETTERS = { m: 'microphone', v: 'camera', s: 'share', c: 'chat', p: 'people', f: 'fullscreen', '?': 'help' };

/** Which action an event asks for, or null. Works whatever script the keyboard writes: M is where M is printed. */
export function actionOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return null;
  const key = event.key.toLowerCase();
  if (key in LETTERS) return LETTERS[key];
  const isLatin = /^[\x20-\x7e]$/.test(event.key);
  const letter = /^Key([A-Z])$/.exec(event.code ?? '')?.[1].toLowerCase();
  return (!isLatin && event.key.length === 1 && LETTERS[letter]) || null;
}

function isTyping(target) {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null;
}

function wantsSpace(target) {
  return target instanceof Element && target.closest('button, a, summary, [role="tab"], [role="menuitem"]') !== null;
}

/** Calls actions[name]() for keys, and talk(true), talk(false) as Space goes down and up, until `signal` aborts. */
export function listenKeys(actions, talk, signal) {
  let talking = false;
  const stopTalking = () => {
    if (talking) talk(false);
    talking = false;
  };
  document.addEventListener('keydown', (event) => {
    if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
    if (event.key === ' ' && !wantsSpace(event.target)) {
      event.preventDefault();
      if (!talking && !event.repeat) talking = talk(true);
      return;
    }
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    actions[action]();
  }, { signal });
  document.addEventListener('keyup', (event) => { if (event.key === ' ') stopTalking(); }, { signal });
  globalThis.addEventListener('blur', stopTalking, { signal });
}
