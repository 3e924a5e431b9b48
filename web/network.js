/* How one learns that the way to the server is another one or is dead, sooner than the browser says so. */

const LOOK_MS = 1_000;
/* In a row without anything. Sound comes 50 times a second and answers to the browser's own checks every 2.5 s, so this is
 * no pause of the server's. */
const SILENT_LOOKS = 3;
/* A change of network is said by more than one event. */
const SAME_CHANGE_MS = 1_000;

/** A number that changes when anything arrived, be it media or an answer to a check of the path. Pure. */
export function arrivals(report) {
  let sum = 0;
  for (const stat of report.values()) {
    if (stat.type === 'inbound-rtp') sum += stat.packetsReceived ?? 0;
    else if (stat.type === 'candidate-pair') sum += (stat.bytesReceived ?? 0) + (stat.responsesReceived ?? 0) + (stat.requestsReceived ?? 0);
  }
  return sum;
}

/** Looks once a second whether anything arrives. Calls `onChange(silent)` after three seconds without, and when it is over. */
export class SilenceWatch {
  silent = false;
  #getStats;
  #onChange;
  #arrived;
  #quietLooks = 0;
  #timer = null;

  constructor(getStats, onChange) {
    this.#getStats = getStats;
    this.#onChange = onChange;
  }

  start() {
    if (this.#timer === null) this.#plan();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan() {
    this.#timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  async #look() {
    const report = await this.#getStats().catch(() => null);
    if (this.#timer === undefined) return;
    this.#plan();
    if (!report) return;
    const arrived = arrivals(report);
    this.#quietLooks = arrived === this.#arrived ? this.#quietLooks + 1 : 0;
    this.#arrived = arrived;
    const silent = this.#quietLooks >= SILENT_LOOKS;
    if (silent === this.silent) return;
    this.silent = silent;
    this.#onChange(silent);
  }
}

/**
 * Calls `onChange('offline')` when the browser says that there is no network, and `onChange('online')` once when there is
 * one again or another one: from WLAN to mobile for example, where the browser tells. Until `signal` aborts.
 */
export function watchNetwork(onChange, signal) {
  const connection = globalThis.navigator?.connection;
  let type = connection?.type;
  let toldAt = -Infinity;
  const tellOnline = () => {
    if (performance.now() - toldAt < SAME_CHANGE_MS) return;
    toldAt = performance.now();
    onChange('online');
  };
  globalThis.addEventListener('offline', () => onChange('offline'), { signal });
  globalThis.addEventListener('online', tellOnline, { signal });
  /* It changes with every estimate of its speed too. */
  connection?.addEventListener?.('change', () => {
    if (connection.type === type) return;
    type = connection.type;
    if (type !== 'none') tellOnline();
  }, { signal });
}
