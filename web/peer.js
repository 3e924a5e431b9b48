/* The one RTCPeerConnection of a call: a media section each for sound and picture, both for ever. Who joins, mutes or
 * shares changes tracks and pixels, never the sections. */

import { SilenceWatch } from './network.js';

/* A path that the browser doubts for this long is worth a new one, where nothing says sooner that it is silent; shorter
 * gaps mend themselves. */
const DISCONNECTED_MS = 4_000;
/* Between two restarts: the checks of one take some seconds. */
const RESTART_GAP_MS = 6_000;
const RESTARTS_MAX = 3;
const BUSY_RETRY_MS = 300;
const ENCODE_RETRY_MS = 1_000;

/**
 * Events: `candidate` {candidate, sdpMid}, `state` ('connecting', 'connected', 'disconnected'),
 * `dead`: this connection cannot be mended, make another.
 */
export class Peer extends EventTarget {
  stream = new MediaStream();
  state = 'connecting';
  #pc;
  #sections = {};
  /* Of the picture: what the user gives it, and what of it the server needs. */
  #maxBitrate;
  #limit = null;
  #encoding = Promise.resolve();
  #encodeTimer = null;
  #request;
  #held = [];
  #sent = false;
  #early = [];
  #running = null;
  #wanted = null;
  #restarts = 0;
  #restartTimer = null;
  #silence;

  /**
   * @param request sends {type:'offer', sdp} and resolves with the answer
   * @param tracks {audio, video}: a track, null (to be sent later perhaps) or undefined (no such device)
   * @param maxBitrate of the picture [bit/s]
   * @param limit (nullable): see limitVideo()
   */
  constructor({ iceServers, request, tracks, codec, maxBitrate, limit = null }) {
    super();
    this.#maxBitrate = maxBitrate;
    this.#limit = limit;
    this.#request = request;
    this.#pc = new RTCPeerConnection({ iceServers: iceServers ?? [], bundlePolicy: 'max-bundle' });
    for (const kind of ['audio', 'video']) this.#addSection(kind, tracks[kind]);
    if (codec) preferCodec(this.#sections.video, codec);
    this.#pc.ontrack = ({ track }) => this.stream.addTrack(track);
    this.#pc.onicecandidate = ({ candidate }) => this.#onCandidate(candidate);
    this.#pc.onconnectionstatechange = () => this.#onState();
    this.#pc.oniceconnectionstatechange = () => this.#onState();
    this.#silence = new SilenceWatch(() => this.#pc.getStats(), (silent) => this.#onSilence(silent));
  }

  #addSection(kind, track) {
    const init = { direction: track === undefined ? 'recvonly' : 'sendrecv' };
    if (kind === 'video') init.sendEncodings = [encodingOf(track, this.#maxBitrate, this.#limit)];
    this.#sections[kind] = this.#pc.addTransceiver(track ?? kind, init);
  }

  /** Sends this track from now on; null: nothing. Renegotiates only where nothing could be sent before. */
  async setTrack(kind, track, maxBitrate) {
    const section = this.#sections[kind];
    await section.sender.replaceTrack(track);
    if (kind === 'video') {
      this.#maxBitrate = maxBitrate ?? this.#maxBitrate;
      await this.#encode();
    }
    if (track && section.direction === 'recvonly') {
      section.direction = 'sendrecv';
      await this.negotiate();
    }
  }

  /** The most of the picture that is of use to the server, as it says in `uplink`; null: all of it. */
  limitVideo(limit) {
    this.#limit = limit;
    return this.#encode();
  }

  /* One change at a time: parameters are refused that are not the latest, and while a negotiation changes them. A refused
   * change is made again, or a picture that was not wanted would never be sent any more. */
  #encode() {
    clearTimeout(this.#encodeTimer);
    this.#encoding = this.#encoding.then(async () => {
      const { sender } = this.#sections.video;
      const parameters = sender.getParameters();
      if (!parameters.encodings?.length) return;
      Object.assign(parameters.encodings[0], encodingOf(sender.track, this.#maxBitrate, this.#limit));
      await sender.setParameters(parameters);
    }).catch((error) => {
      if (this.#pc.signalingState === 'closed') return;
      console.debug('uplink not limited yet', error);
      clearTimeout(this.#encodeTimer);
      this.#encodeTimer = setTimeout(() => this.#encode(), ENCODE_RETRY_MS);
    });
    return this.#encoding;
  }

  /** Offers and applies the answer. One at a time: calls meanwhile share one more offer after it. */
  negotiate({ restart = false } = {}) {
    this.#wanted = { restart: restart || Boolean(this.#wanted?.restart) };
    this.#running ??= this.#negotiateAll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #negotiateAll() {
    while (this.#wanted && this.#pc.signalingState !== 'closed') {
      const { restart } = this.#wanted;
      this.#wanted = null;
      try {
        await this.#negotiateOnce(restart);
      } catch (error) {
        if (error.code !== 'busy') {
          if (error.code === 'away' || error.code === 'timeout') this.#wanted ??= { restart };
          throw error;
        }
        this.#wanted ??= { restart };
        await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
      }
    }
  }

  async #negotiateOnce(restart) {
    this.#sent = false;
    await this.#pc.setLocalDescription(await this.#pc.createOffer({ iceRestart: restart }));
    const reply = this.#request({ type: 'offer', sdp: this.#pc.localDescription.sdp });
    this.#sent = true;
    for (const candidate of this.#held.splice(0)) this.#emit('candidate', candidate);
    const answer = await reply;
    if (this.#pc.signalingState === 'closed') return;
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    this.#encode(); /* some browsers have nothing to set before there was an answer */
    for (const candidate of this.#early.splice(0)) await this.#apply(candidate);
  }

  /** The signalling is back: what could not be said meanwhile is said now. */
  resumed() {
    const unfinished = this.#wanted !== null;
    if (!unfinished && this.state === 'connected') return;
    this.negotiate({ restart: this.state !== 'connected' }).catch(() => {});
  }

  addCandidate({ candidate, sdpMid }) {
    const one = { candidate: candidate ?? '', sdpMid: sdpMid ?? '0' };
    if (this.#pc.remoteDescription && this.#pc.signalingState === 'stable') return this.#apply(one);
    this.#early.push(one);
    return undefined;
  }

  async #apply(candidate) {
    try {
      await this.#pc.addIceCandidate(candidate);
    } catch (error) {
      /* One address that this browser cannot use; the others may do. */
      console.debug('candidate not used', candidate.candidate, error);
    }
  }

  #onCandidate(candidate) {
    const message = { candidate: candidate?.candidate ?? '', sdpMid: candidate?.sdpMid ?? '0' };
    /* Candidates before their offer would be refused. */
    if (this.#sent) this.#emit('candidate', message);
    else this.#held.push(message);
  }

  #onState() {
    const { connectionState, iceConnectionState } = this.#pc;
    if (connectionState === 'connected') {
      this.#silence.start();
      if (this.#silence.silent) return;
      this.#restarts = 0;
      clearTimeout(this.#restartTimer);
      this.#restartTimer = null;
      this.#setState('connected');
    } else if (connectionState === 'failed' && iceConnectionState !== 'failed' && iceConnectionState !== 'disconnected') {
      /* The path is there, the keys are not: a restart of ICE would not help. */
      this.#emit('dead');
    } else if (iceConnectionState === 'failed') {
      this.#setState('disconnected');
      this.#restartIn(0);
    } else if (iceConnectionState === 'disconnected') {
      this.#setState('disconnected');
      this.#restartIn(DISCONNECTED_MS);
    }
  }

  /* The browser believes in a path for up to half a minute on which nothing comes any more. */
  #onSilence(silent) {
    if (!silent) return this.#onState();
    this.#setState('disconnected');
    this.#restartIn(0);
    return undefined;
  }

  /** Looks for a new path now, for example on a new network; the one there is goes on meanwhile. */
  restart() {
    clearTimeout(this.#restartTimer);
    this.#restartNow({ evenIfWell: true });
  }

  get #isWell() {
    return this.#pc.connectionState === 'connected' && !this.#silence.silent;
  }

  #restartIn(ms) {
    if (this.#restartTimer !== null && ms > 0) return;
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => this.#restartNow(), ms);
  }

  #restartNow({ evenIfWell = false } = {}) {
    this.#restartTimer = null;
    if (this.#pc.signalingState === 'closed') return;
    if (this.#isWell) this.#restarts = 0;
    if (this.#isWell && !evenIfWell) return;
    if (this.#restarts >= RESTARTS_MAX) return this.#emit('dead');
    this.#restarts += 1;
    this.#restartIn(RESTART_GAP_MS);
    /* Without a connection to the server the wish is kept for resumed(), and does not count. */
    this.negotiate({ restart: true }).catch((error) => {
      if (error.code === 'away' || error.code === 'timeout') this.#restarts -= 1;
    });
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#emit('state', state);
  }

  getStats() {
    return this.#pc.getStats();
  }

  close() {
    this.#silence.stop();
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#encodeTimer);
    this.#pc.onconnectionstatechange = this.#pc.oniceconnectionstatechange = this.#pc.onicecandidate = null;
    this.#pc.close();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function preferCodec(section, codec) {
  const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [];
  const wanted = (one) => one.mimeType.toLowerCase() === `video/${codec.toLowerCase()}`;
  if (!codecs.some(wanted) || !section.setCodecPreferences) return;
  section.setCodecPreferences([...codecs.filter(wanted), ...codecs.filter((one) => !wanted(one))]);
}

/* As the mixer: a picture is cut to fill its tile where less than this part of it is lost, else it is shown whole. */
const COVER_MAX_LOSS = 0.25;

/**
 * How a track is encoded, as a member of RTCRtpSendParameters.encodings: no larger than it is shown.
 * @param track (nullable)
 * @param maxBitrate (nullable) [bit/s]
 * @param limit (nullable): {maxWidth, maxHeight, maxFramerate, maxBitrate}: the tile; all 0: it is shown nowhere
 */
export function encodingOf(track, maxBitrate, limit) {
  const encoding = { active: true, scaleResolutionDownBy: 1 };
  if (maxBitrate) encoding.maxBitrate = maxBitrate;
  if (!limit) return encoding;
  if (!(limit.maxWidth > 0 && limit.maxHeight > 0)) return { ...encoding, active: false };
  const { width, height } = track?.getSettings?.() ?? {};
  if (width > 0 && height > 0) {
    const [least, most] = [width / limit.maxWidth, height / limit.maxHeight].sort((a, b) => a - b);
    const covers = 1 - least / most < COVER_MAX_LOSS;
    encoding.scaleResolutionDownBy = Math.max(1, covers ? least : most);
  }
  if (limit.maxFramerate > 0) encoding.maxFramerate = limit.maxFramerate;
  if (limit.maxBitrate > 0) encoding.maxBitrate = Math.min(maxBitrate || Infinity, limit.maxBitrate);
  return encoding;
}
