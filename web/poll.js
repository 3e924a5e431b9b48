/* Asking again and again, while somebody looks. */

const BACKOFF_MAX = 8;

export class Poll {
  #job;
  #intervalMs;
  #timer = null;
  #running = false;
  #again = false;
  #failures = 0;
  #onVisible = () => { if (!document.hidden && this.on) this.now(); };
  on = false;

  /** @param job async; one that rejects is asked less and less often, down to an eighth. `intervalMs` is between two of them. */
  constructor(job, intervalMs) {
    this.#job = job;
    this.#intervalMs = intervalMs;
  }

  start() {
    if (this.on) return;
    this.on = true;
    this.#failures = 0;
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible);
    this.now();
  }

  stop() {
    this.on = false;
    clearTimeout(this.#timer);
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible);
  }

  /** Out of turn: after something was changed. */
  async now() {
    if (!this.on) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#running = true;
    try {
      await this.#job();
      this.#failures = 0;
    } catch {
      this.#failures += 1;
    }
    this.#running = false;
    if (!this.on) return;
    if (!this.#again) return this.#plan();
    this.#again = false;
    this.now();
  }

  /* A page nobody sees asks nothing; visibilitychange goes on. */
  #plan() {
    const wait = this.#intervalMs * Math.min(BACKOFF_MAX, 2 ** this.#failures);
    this.#timer = setTimeout(() => { if (!globalThis.document?.hidden) this.now(); }, wait);
  }
}
