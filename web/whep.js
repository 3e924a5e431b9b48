/* Watching the programme: WHEP, receiving only. draft-ietf-wish-whep; RFC 9725 for trickle and ETag. */

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 10_000;
/* A path that the browser doubts for so long is given up. */
const DISCONNECTED_MS = 5_000;
/* Candidates that come together go together. */
const TRICKLE_MS = 50;

/** The ICE servers of a WHEP answer's Link headers: [{urls, username, credential}]. */
export function iceServersOf(link) {
  if (!link) return [];
  return [...link.matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^;,\s]*))*)/g)].map(([, urls, rest]) => {
    const values = Object.fromEntries([...rest.matchAll(/;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;,\s]*))/g)].map(([, name, quoted, bare]) => [name, quoted ?? bare]));
    return { urls, ...values };
  }).filter(({ rel }) => rel === 'ice-server')
    .map(({ urls, username, credential }) => (username === undefined ? { urls } : { urls, username, credential }));
}

/** The trickled fragment: RFC 8840 with what RFC 9725 4.3.3 asks for. */
export function fragmentOf(sdp, candidates, isLast) {
  const line = (name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)?.[1].trim();
  return [`a=ice-ufrag:${line('ice-ufrag')}`, `a=ice-pwd:${line('ice-pwd')}`, 'm=audio 9 UDP/TLS/RTP/SAVPF 0', `a=mid:${line('mid')}`,
    ...candidates.map((candidate) => `a=${candidate}`), ...(isLast ? ['a=end-of-candidates'] : []), ''].join('\r\n');
}

/**
 * A viewer of a room's programme. Comes back by itself after whatever goes wrong, until stop().
 * `stream`: sound and picture; events: `stream` (a new one), `state` ('connecting', 'live', 'waiting': tried again soon, with `error`).
 */
export class Viewing extends EventTarget {
  stream = null;
  state = 'connecting';
  error = null;
  #endpoint;
  #headers;
  #session = null;
  #retryMs = RETRY_MIN_MS;
  #timer = null;
  #stopped = false;

  constructor({ url, room, token }) {
    super();
    this.#endpoint = new URL(`whep/${encodeURIComponent(room)}`, url);
    this.#headers = token ? { Authorization: `Bearer ${token}` } : {};
  }

  start() {
    this.#connect();
    return this;
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #drop() {
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    clearTimeout(session.doubt);
    clearTimeout(session.trickle);
    session.pc.close();
    if (session.resource) fetch(session.resource, { method: 'DELETE', headers: this.#headers, keepalive: true }).catch(() => {});
  }

  #become(state, error = null) {
    this.state = state;
    this.error = error;
    this.dispatchEvent(new Event('state'));
  }

  /* The offer goes before the browser gathers: the answer names the ICE servers to gather with. */
  async #connect() {
    const session = { pc: new RTCPeerConnection({ bundlePolicy: 'max-bundle' }), resource: null, etag: '*', candidates: [] };
    const { pc } = session;
    this.#session = session;
    try {
      for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
      const stream = new MediaStream();
      pc.ontrack = ({ track }) => stream.addTrack(track);
      pc.onicecandidate = ({ candidate }) => this.#onCandidate(session, candidate);
      pc.onconnectionstatechange = () => this.#onState(session);
      const offer = await pc.createOffer();
      const answer = await this.#offer(session, offer.sdp);
      if (this.#session !== session) return;
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: 'answer', sdp: answer });
      this.stream = stream;
      this.dispatchEvent(new Event('stream'));
    } catch (error) {
      if (this.#session === session) this.#retry(error);
    }
  }

  async #offer(session, sdp) {
    const response = await fetch(this.#endpoint, { method: 'POST', body: sdp, headers: { ...this.#headers, 'Content-Type': 'application/sdp' } });
    if (!response.ok) {
      const { detail, type } = await response.json().catch(() => ({}));
      throw Object.assign(new Error(detail), { status: response.status, type: String(type ?? '').split('/').at(-1), detail });
    }
    session.resource = new URL(response.headers.get('Location'), response.url);
    session.etag = response.headers.get('ETag') ?? '*';
    const answer = await response.text();
    if (this.#session !== session) {
      fetch(session.resource, { method: 'DELETE', headers: this.#headers }).catch(() => {});
      return answer;
    }
    const iceServers = iceServersOf(response.headers.get('Link'));
    if (iceServers.length > 0) session.pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers });
    return answer;
  }

  #onCandidate(session, candidate) {
    if (candidate?.candidate) session.candidates.push(candidate.candidate);
    const send = () => {
      session.trickle = null;
      if (this.#session !== session) return;
      const body = fragmentOf(session.pc.localDescription.sdp, session.candidates.splice(0), candidate === null);
      fetch(session.resource, { method: 'PATCH', body,
        headers: { ...this.#headers, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': session.etag } }).catch(() => {});
    };
    clearTimeout(session.trickle);
    session.trickle = setTimeout(send, candidate === null ? 0 : TRICKLE_MS);
  }

  #onState(session) {
    if (this.#session !== session) return;
    const { connectionState } = session.pc;
    clearTimeout(session.doubt);
    if (connectionState === 'connected') {
      this.#retryMs = RETRY_MIN_MS;
      this.#become('live');
    } else if (connectionState === 'failed' || connectionState === 'closed') {
      this.#retry(null);
    } else if (connectionState === 'disconnected') {
      session.doubt = setTimeout(() => this.#retry(null), DISCONNECTED_MS);
    }
  }

  #retry(error) {
    this.#drop();
    if (this.#stopped) return;
    this.#become('waiting', error);
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }
}
