/* The WebSocket to the server (docs: api.md, subprotocol mixroom.v1): join, resume after a loss, requests and their
 * replies, and messages that wait while the connection is away. Knows nothing of media. */

export const SUBPROTOCOL = 'mixroom.v1';

const JOIN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 8_000;
const BACKOFF_FIRST_MS = 500;
/* Short, because the server keeps the place of somebody who is away for a limited time only. */
const BACKOFF_MAX_MS = 5_000;
/* Enough for the candidates of one gathering and what a person types meanwhile. */
const PENDING_MAX = 64;

/* The server's close code for a connection whose participant goes on with another one (src/signal/README.md). */
const CLOSE_RESUMED_ELSEWHERE = 4001;

/* Errors after which trying again with the same words cannot help. */
const FINAL_CODES = new Set(['bad-token', 'unauthorized', 'forbidden', 'bad-name', 'bad-request', 'nothing-usable']);

/** An error with a stable code: the server's, or one of `unreachable`, `away`, `timeout`, `left`. */
export class MixroomError extends Error {
  constructor(code, detail = '') {
    super(detail || code);
    this.name = 'MixroomError';
    this.code = code;
    this.detail = detail;
  }
}

/** The WebSocket's address for a page of the server: http://host/any/ becomes ws://host/any/ws. */
export function socketUrl(base) {
  const url = new URL('ws', base);
  url.protocol = url.protocol === 'https:' || url.protocol === 'wss:' ? 'wss:' : 'ws:';
  url.search = '';
  url.hash = '';
  return url.href;
}

/** Time to wait before attempt number `attempt` (from 0): doubles up to a bound, the second half of it by chance. */
export function backoffMs(attempt, random = Math.random) {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + random() / 2));
}

/**
 * Events: `joined` {resumed, participant, iceServers, …}, `message` (detail: what the server said), `away` {retryIn},
 * `gone` {error}: it ended for good.
 */
export class Signalling extends EventTarget {
  /* `time` of the last line of chat that came: who resumes is told what is later. */
  chatAfter = 0;
  #url;
  #identity;
  #env;
  #socket = null;
  #state = 'idle'; /* idle, opening, joining, open, away, closed */
  #resume = null;
  #participant = null;
  #nextId = 1;
  #joinId = null;
  #requests = new Map();
  #pending = [];
  #attempt = 0;
  #retryTimer = null;
  #joinTimer = null;
  #returnAt = null; /* when a server that goes down wants to see us again */
  #returnTimer = null;

  /** @param env WebSocket, setTimeout, clearTimeout, now and random; another one in tests */
  constructor(url, identity, env = {}) {
    super();
    this.#url = url;
    this.#identity = identity;
    this.#env = {
      WebSocket: env.WebSocket ?? globalThis.WebSocket,
      setTimeout: env.setTimeout ?? ((f, ms) => globalThis.setTimeout(f, ms)),
      clearTimeout: env.clearTimeout ?? ((timer) => globalThis.clearTimeout(timer)),
      now: env.now ?? (() => performance.now()),
      random: env.random ?? Math.random,
    };
  }

  get isOpen() {
    return this.#state === 'open';
  }

  /** Connects and joins. A first attempt that fails ends in `gone`; later losses are mended in silence. */
  open() {
    const { WebSocket } = this.#env;
    this.#clearTimers();
    this.#state = 'opening';
    let socket;
    try {
      socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    } catch (error) {
      this.#end(new MixroomError('unreachable', String(error.message ?? error)));
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.#sendJoin();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event);
    this.#joinTimer = this.#env.setTimeout(() => this.#lost(new MixroomError('timeout')), JOIN_TIMEOUT_MS);
  }

  /** Sends now, or after the next join or resume. The oldest go first when too many wait. */
  send(message) {
    if (this.isOpen) return this.#write(message);
    if (this.#state === 'closed') return;
    this.#pending.push(message);
    if (this.#pending.length > PENDING_MAX) this.#pending.shift();
  }

  /** Sends now and resolves with the reply of the same id. Rejects with `away` when there is no connection. */
  request(message, timeoutMs = REQUEST_TIMEOUT_MS) {
    if (!this.isOpen) return Promise.reject(new MixroomError('away'));
    const id = this.#newId();
    return new Promise((resolve, reject) => {
      const timer = this.#env.setTimeout(() => {
        this.#settle(id, new MixroomError('timeout'));
        /* Nobody answers: the connection is dead, although the browser has not noticed. */
        this.reconnect();
      }, timeoutMs);
      this.#requests.set(id, { resolve, reject, timer });
      this.#write({ ...message, id });
    });
  }

  /** Drops the connection and opens a new one at once: for another network, or a connection nobody answers on. */
  reconnect() {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    this.#dropSocket();
    this.#failRequests();
    this.#announceAway(0);
    this.#attempt = Math.max(this.#attempt, 1);
    this.open();
  }

  /** Leaves the room and joins it as somebody new, with nothing of the old session. */
  startOver() {
    if (this.#state === 'closed') return;
    if (this.isOpen) this.#write({ type: 'leave' });
    this.#resume = null;
    this.reconnect();
  }

  close() {
    if (this.#state === 'closed') return;
    if (this.isOpen) this.#write({ type: 'leave' });
    this.#state = 'closed';
    this.#clearTimers();
    this.#dropSocket(1000);
    this.#failRequests('left');
    this.#pending = [];
  }

  #newId() {
    return String(this.#nextId++);
  }

  #write(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #sendJoin() {
    this.#state = 'joining';
    this.#joinId = this.#newId();
    const join = { type: 'join', id: this.#joinId, ...this.#identity };
    if (this.#resume) Object.assign(join, { resume: this.#resume, chatAfter: this.chatAfter });
    this.#write(join);
  }

  #receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message === null || typeof message !== 'object') return;
    if (message.type === 'joined') return this.#joined(message);
    if (message.type === 'error' && this.#state === 'joining') return this.#refused(message);
    if (message.type === 'closing') return this.#closing(message);
    if (message.id !== undefined && this.#requests.has(String(message.id))) {
      const error = message.type === 'error' ? new MixroomError(message.code, message.detail) : null;
      return this.#settle(String(message.id), error, message);
    }
    this.#emit('message', message);
  }

  #joined(message) {
    if (this.#state !== 'joining') return;
    const resumed = this.#resume !== null && message.participant === this.#participant;
    this.#participant = message.participant;
    this.#clearTimers();
    this.#state = 'open';
    this.#attempt = 0;
    this.#returnAt = null;
    this.#resume = message.resume ?? null;
    const pending = this.#pending;
    this.#pending = [];
    for (const waiting of pending) {
      /* Candidates belong to the transport of the session that is gone. */
      if (resumed || waiting.type !== 'candidate') this.#write(waiting);
    }
    this.#emit('joined', { ...message, resumed });
  }

  #refused(message) {
    if (message.id !== undefined && String(message.id) !== this.#joinId) return;
    const error = new MixroomError(message.code, message.detail);
    if (this.#resume && !FINAL_CODES.has(error.code) && error.code !== 'draining' && error.code !== 'rate-limited') {
      /* Away for too long: the place is gone, so join as somebody new. */
      this.#resume = null;
      this.#sendJoin();
      return;
    }
    this.#lost(error);
  }

  #closing(message) {
    this.#emit('message', message);
    if (typeof message.reconnectIn === 'number' && message.reconnectIn >= 0) {
      this.#plan(message.reconnectIn);
    } else {
      this.#resume = null;
    }
  }

  #closed(event) {
    /* Another connection took this place over: taking it back would never end. */
    if (event?.code === CLOSE_RESUMED_ELSEWHERE) this.#end(new MixroomError('elsewhere', event.reason));
    else this.#lost(new MixroomError('unreachable'));
  }

  #lost(error) {
    if (this.#state === 'closed') return;
    const first = this.#attempt === 0 && (this.#state === 'opening' || this.#state === 'joining');
    this.#clearTimers();
    this.#dropSocket();
    this.#failRequests();
    if (first || FINAL_CODES.has(error.code)) return this.#end(error);
    const wait = this.#waitMs();
    this.#attempt += 1;
    this.#announceAway(wait);
    this.#retryTimer = this.#env.setTimeout(() => this.open(), wait);
  }

  /* The call goes on until the server hangs up; one that does not is left when it is time to come again. */
  #plan(reconnectInMs) {
    /* A server that comes back must not meet everybody in the same instant. */
    const wait = Math.round(reconnectInMs * (1 + this.#env.random() / 4));
    this.#returnAt = this.#env.now() + wait;
    this.#env.clearTimeout(this.#returnTimer);
    this.#returnTimer = this.#env.setTimeout(() => { if (this.isOpen) this.startOver(); }, wait);
  }

  #waitMs() {
    const left = this.#returnAt === null ? 0 : Math.ceil(this.#returnAt - this.#env.now());
    return left > 0 ? left : backoffMs(this.#attempt, this.#env.random);
  }

  #announceAway(retryIn) {
    this.#state = 'away';
    this.#emit('away', { retryIn });
  }

  #end(error) {
    this.#state = 'closed';
    this.#clearTimers();
    this.#dropSocket();
    this.#failRequests();
    this.#emit('gone', { error });
  }

  #settle(id, error, message) {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    this.#env.clearTimeout(request.timer);
    if (error) request.reject(error);
    else request.resolve(message);
  }

  #failRequests(code = 'away') {
    for (const id of [...this.#requests.keys()]) this.#settle(id, new MixroomError(code));
  }

  #dropSocket(code) {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #clearTimers() {
    this.#env.clearTimeout(this.#retryTimer);
    this.#env.clearTimeout(this.#joinTimer);
    this.#env.clearTimeout(this.#returnTimer);
    this.#retryTimer = this.#joinTimer = this.#returnTimer = null;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
