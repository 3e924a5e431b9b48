/* Keeps the screen from sleeping while somebody is in a call. */

/** Holds a wake lock until `signal` aborts; the browser takes it away when the page is hidden, so it is asked for again. */
export function stayAwake(signal) {
  let lock = null;
  const ask = async () => {
    if (document.visibilityState !== 'visible' || signal.aborted) return;
    /* A browser without it, or one that saves its battery: the screen may sleep. */
    lock = await navigator.wakeLock?.request('screen').catch(() => null);
    if (signal.aborted) lock?.release();
  };
  document.addEventListener('visibilitychange', ask, { signal });
  signal.addEventListener('abort', () => lock?.release());
  ask();
}
