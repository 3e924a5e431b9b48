/* A call: one place in one room. Joins the signalling, the connection and the user's own devices together, and mends
 * what breaks on the way. */

import { MixroomError, Signalling, socketUrl } from './signalling.js';
import { Peer } from './peer.js';
import { changeMember, replaceRoster } from './roster.js';
import { watchNetwork } from './network.js';
import { CAMERA_MAX_BITRATE_BPS, SCREEN_MAX_BITRATE_BPS, openScreen, openTrack, reasonOf } from './media.js';
import { sample } from './stats.js';

const KIND_OF = { microphone: 'audio', camera: 'video' };
const CHAT_LINES_MAX = 500;

/** Made by join() of mixroom.js. Its events and properties are described in README.md. */
export class Call extends EventTarget {
  participant = null;
  roster = new Map();
  chatLines = [];
  tiles = null;
  rung = null;
  uplink = null;
  outputs = { recording: false, live: false };
  handRaised = false;
  /* 'joining', 'joined', 'left' */
  state = 'joining';
  /* signalling: 'open', 'away'; media: 'connecting', 'connected', 'disconnected'; network: what the browser says */
  health = { signalling: 'away', media: 'connecting', network: 'online' };

  #options;
  #signalling;
  #peer = null;
  /* Of each device: its track, whether it is switched on, and why not when it cannot be. */
  #local = {
    microphone: { track: null, on: true, problem: null },
    camera: { track: null, on: true, problem: null },
  };
  #screen = null;
  #queue = { microphone: Promise.resolve(), camera: Promise.resolve() };
  #statsBefore;
  #stop = new AbortController();

  constructor({ url, room, name, token, stream, microphone = true, camera = true, devices = {}, codec, maxBitrate, fitUplink = true }) {
    super();
    this.room = room;
    this.name = name;
    this.#options = { codec, maxBitrate: maxBitrate ?? CAMERA_MAX_BITRATE_BPS, devices: { ...devices }, fitUplink };
    this.#take('microphone', stream?.getAudioTracks()[0], microphone);
    this.#take('camera', stream?.getVideoTracks()[0], camera);
    const identity = token ? { room, name, token } : { room, name };
    this.#signalling = new Signalling(socketUrl(url ?? globalThis.location.href), identity);
  }

  #take(device, track, on) {
    const local = this.#local[device];
    local.on = Boolean(track) && on;
    if (!track) return;
    if (device === 'camera' && !on) return track.stop();
    this.#own(device, track);
  }

  /* ---- Joining and leaving ---- */

  /** Used by join(). */
  start() {
    const { signal } = this.#stop;
    const listen = (target, type, listener) => target.addEventListener(type, listener, { signal });
    listen(globalThis, 'pagehide', () => this.leave());
    watchNetwork((network) => this.#onNetwork(network), signal);
    listen(this.#signalling, 'away', ({ detail }) => this.#onAway(detail));
    listen(this.#signalling, 'message', ({ detail }) => this.#onMessage(detail));
    return new Promise((resolve, reject) => {
      listen(this.#signalling, 'gone', ({ detail }) => {
        this.#finish(detail.error);
        reject(detail.error);
      });
      listen(this.#signalling, 'joined', ({ detail }) => this.#onJoined(detail).then(resolve, (error) => {
        if (this.state !== 'joining') return this.#onBrokenReturn(error);
        this.#signalling.close();
        this.#finish(error);
        reject(error);
      }));
      this.#signalling.open();
    });
  }

  async #onJoined(joined) {
    this.participant = joined.participant;
    this.#setHealth({ signalling: 'open' });
    this.#sendState();
    if (joined.resumed && this.#peer) {
      this.#peer.resumed();
      return;
    }
    /* Somebody new to the room: who was there before is no news. */
    this.roster = new Map();
    await this.#connect(joined.iceServers);
    this.state = 'joined';
    this.#emit('joined', { participant: this.participant });
  }

  #onBrokenReturn(error) {
    /* Lost again on the way back: the next return goes on with it. */
    if (error.code !== 'away' && error.code !== 'timeout' && error.code !== 'left') this.#emit('error', error);
  }

  async #connect(iceServers) {
    this.#peer?.close();
    const kinds = await deviceKinds();
    const peer = new Peer({
      iceServers,
      codec: this.#options.codec,
      maxBitrate: this.#screen ? SCREEN_MAX_BITRATE_BPS : this.#options.maxBitrate,
      limit: this.#options.fitUplink ? this.uplink : null,
      request: (message) => this.#signalling.request(message),
      tracks: {
        audio: this.#local.microphone.track ?? (kinds.has('audioinput') ? null : undefined),
        video: this.#screen ?? this.#local.camera.track ?? (kinds.has('videoinput') ? null : undefined),
      },
    });
    this.#peer = peer;
    this.#statsBefore = undefined;
    peer.addEventListener('candidate', ({ detail }) => this.#signalling.send({ type: 'candidate', ...detail }));
    peer.addEventListener('state', ({ detail }) => this.#setHealth({ media: detail }));
    peer.addEventListener('dead', () => this.#signalling.startOver());
    this.#setHealth({ media: 'connecting' });
    this.#emit('stream', { stream: peer.stream });
    await peer.negotiate();
  }

  /** Leaves the room and gives camera and microphone back. */
  leave() {
    if (this.state === 'left') return;
    this.#signalling.close();
    this.#finish(null);
  }

  #finish(error) {
    if (this.state === 'left') return;
    this.state = 'left';
    this.#stop.abort();
    this.#peer?.close();
    for (const local of Object.values(this.#local)) this.#release(local);
    this.#screen?.stop();
    this.#screen = null;
    this.#emit('left', { error });
  }

  /* ---- What the server says ---- */

  /** What is heard and seen: the mix. Changes with a new connection: event `stream`. */
  get stream() {
    return this.#peer?.stream ?? null;
  }

  #onMessage(message) {
    switch (message.type) {
      case 'participants':
        return this.#setRoster(message.list ?? []);
      case 'participant':
        return this.#emitRoster(changeMember(this.roster, message));
      case 'tiles':
        this.tiles = { view: message.view ?? 'main', canvas: message.canvas, tiles: message.tiles ?? [] };
        return this.#emit('tiles', this.tiles);
      case 'talking':
        return this.#setTalking(message);
      case 'candidate':
        return void this.#peer?.addCandidate(message);
      case 'rung':
        this.rung = message;
        return this.#emit('rung', message);
      case 'outputs':
        this.outputs = { recording: Boolean(message.recording), live: Boolean(message.live) };
        return this.#emit('outputs', this.outputs);
      case 'uplink':
        return this.#setUplink(message);
      case 'chat':
        return this.#addChat(message);
      case 'closing':
        return this.#emit('closing', message);
      case 'error':
        return this.#emit('error', new MixroomError(message.code, message.detail));
      default:
        /* A newer server says more than we know. */
        return undefined;
    }
  }

  #setUplink({ type, ...limit }) {
    this.uplink = limit;
    if (this.#options.fitUplink) this.#peer?.limitVideo(limit);
    this.#emit('uplink', limit);
  }

  #setRoster(list) {
    const { roster, events } = replaceRoster(this.roster, list);
    this.roster = roster;
    this.#emitRoster(events);
  }

  /* One's own coming and going, and raising a hand, are no news. */
  #emitRoster(events) {
    for (const [type, detail] of events) if (detail.id !== this.participant) this.#emit(type, detail);
  }

  #setTalking({ participant, talking }) {
    const member = this.roster.get(participant);
    if (!member) return;
    member.talking = Boolean(talking);
    this.#emit('talking', { participant, talking: member.talking });
  }

  /* Who joins anew is told again what was said before. */
  #addChat({ type, ...message }) {
    const { participant, time, text } = message;
    if (this.chatLines.some((line) => line.time === time && line.participant === participant && line.text === text)) return;
    const line = { ...message, own: participant === this.participant };
    this.chatLines.push(line);
    if (this.chatLines.length > CHAT_LINES_MAX) this.chatLines.shift();
    this.#signalling.chatAfter = Math.max(this.#signalling.chatAfter, Number(time) || 0);
    this.#emit('chat', line);
  }

  /* ---- What the user says ---- */

  chat(text) {
    this.#signalling.send({ type: 'chat', text });
  }

  raiseHand(raised) {
    this.handRaised = raised;
    this.#sayNow({ type: 'hand', raised });
    this.#emit('local', this.local);
  }

  /* State is not kept for later: after a loss it is said anew as it then is. */
  #sayNow(message) {
    if (this.#signalling.isOpen) this.#signalling.send(message);
  }

  #sendState() {
    this.#sendMute();
    if (this.handRaised) this.#sayNow({ type: 'hand', raised: true });
  }

  #sendMute() {
    const { microphone, camera, screen } = this.local;
    this.#sayNow({ type: 'mute', audio: !microphone.on, video: !camera.on && !screen });
  }

  /* ---- The user's own devices ---- */

  /** {microphone: {on, track, problem}, camera: the same, screen: whether it is shared}. Event `local` says it changed. */
  get local() {
    const { microphone, camera } = this.#local;
    return { microphone: { ...microphone }, camera: { ...camera }, screen: this.#screen !== null };
  }

  /** Switches the microphone. Opens it where there was none. Resolves with whether it is on; see local for a problem. */
  setMicrophone(on) {
    return this.#enqueue('microphone', async () => {
      if (on && !this.#local.microphone.track) await this.#open('microphone');
      const { track } = this.#local.microphone;
      if (track) track.enabled = on;
      this.#setOn('microphone', on && track !== null);
    });
  }

  /** Switches the camera; off, its light goes out. */
  setCamera(on) {
    return this.#enqueue('camera', async () => {
      if (!on) {
        /* First the word, so that the tile changes before the last frame grows stale. */
        this.#setOn('camera', false);
        this.#release(this.#local.camera);
        if (!this.#screen) await this.#peer?.setTrack('video', null);
        return;
      }
      if (!this.#local.camera.track) await this.#open('camera');
      this.#setOn('camera', this.#local.camera.track !== null);
    });
  }

  /** Uses another `microphone` or `camera` from now on. */
  setDevice(device, deviceId) {
    this.#options.devices[KIND_OF[device]] = deviceId;
    return this.#enqueue(device, async () => {
      const { track, on } = this.#local[device];
      if (!track) return;
      /* Phones open one camera at a time: the old one goes first. */
      this.#release(this.#local[device]);
      await this.#open(device);
      const fresh = this.#local[device].track;
      if (fresh) fresh.enabled = on;
      this.#setOn(device, on && fresh !== null);
    });
  }

  /** Shows the screen in place of the camera, or ends it. Rejects when the user or the browser refuses. */
  async shareScreen(on) {
    if (!on) return this.#endScreen();
    if (this.#screen) return undefined;
    const track = await openScreen();
    if (this.state !== 'joined') return track.stop();
    this.#screen = track;
    track.addEventListener('ended', () => this.#endScreen());
    await this.#peer.setTrack('video', track, SCREEN_MAX_BITRATE_BPS);
    this.#sendMute();
    this.#emit('local', this.local);
    return undefined;
  }

  async #endScreen() {
    const track = this.#screen;
    if (!track) return;
    this.#screen = null;
    track.stop();
    await this.#peer?.setTrack('video', this.#local.camera.track, this.#options.maxBitrate);
    this.#sendMute();
    this.#emit('local', this.local);
  }

  /* One change of a device at a time, in the order asked for. */
  #enqueue(device, change) {
    const done = this.#queue[device].then(() => (this.state === 'left' ? undefined : change()));
    this.#queue[device] = done.catch(() => {});
    return done.then(() => this.#local[device].on);
  }

  async #open(device) {
    const kind = KIND_OF[device];
    let track;
    try {
      track = await openTrack(kind, this.#options.devices[kind]);
    } catch (error) {
      this.#local[device].problem = reasonOf(error);
      return;
    }
    if (this.state === 'left') return track.stop();
    this.#own(device, track);
    if (device === 'camera' && this.#screen) return;
    await this.#peer?.setTrack(kind, track, kind === 'video' ? this.#options.maxBitrate : undefined).catch((error) => {
      /* The offer waits for the signalling to come back; the track is in place. */
      if (error.code !== 'away' && error.code !== 'timeout') throw error;
    });
  }

  #own(device, track) {
    const local = this.#local[device];
    local.track = track;
    local.problem = null;
    if (device === 'microphone') track.enabled = local.on;
    track.addEventListener('ended', () => this.#onUnplugged(device, track));
  }

  #release(local) {
    local.track?.stop();
    local.track = null;
  }

  #setOn(device, on) {
    this.#local[device].on = on;
    this.#sendMute();
    this.#emit('local', this.local);
  }

  /* stop() makes no `ended`: the device itself is gone, or permission was taken back. */
  #onUnplugged(device, track) {
    this.#enqueue(device, async () => {
      const local = this.#local[device];
      if (local.track !== track) return;
      const { on } = local;
      this.#release(local);
      await this.#open(device);
      if (local.track) local.track.enabled = on;
      else if (device === 'microphone' || !this.#screen) await this.#peer?.setTrack(KIND_OF[device], null);
      this.#setOn(device, on && local.track !== null);
      this.#emit('unplugged', { device, replaced: local.track?.label ?? null });
    });
  }

  /* ---- Health ---- */

  #onAway(detail) {
    this.#setHealth({ signalling: 'away' });
    this.#emit('away', detail);
  }

  #onNetwork(network) {
    this.#setHealth({ network });
    if (network === 'offline') return;
    /* Sockets of the network before are dead, whether the browser knows or not; the new path is offered once the
     * signalling is back. */
    this.#signalling.reconnect();
    this.#peer?.restart();
  }

  #setHealth(change) {
    this.health = { ...this.health, ...change };
    this.#emit('health', this.health);
  }

  /** Numbers of the time since the call before, see sample() in stats.js; undefined before there is a connection. */
  async getStats() {
    if (!this.#peer) return undefined;
    const { values, raw } = sample(await this.#peer.getStats(), this.#statsBefore);
    this.#statsBefore = raw;
    return values;
  }

  /** How long the server's stages hold sound and picture up: {audio, video}, each {buffer, decode, wait, compose, encode,
   * send} of {median, p95} [ms] of the last seconds; undefined while there is no connection to ask. */
  async getServerDelay() {
    const reply = await this.#signalling.request({ type: 'delay' }).catch(() => undefined);
    return reply?.server;
  }

  /** The way to this page as the server sees it, as far as it is known: {available [bit/s], loss [0..1], roundTrip [ms], …}. */
  async getServerLink() {
    const reply = await this.#signalling.request({ type: 'link' }).catch(() => undefined);
    const available = reply?.down?.measured ? reply.down.estimate : this.rung?.available;
    return { ...reply?.down, available: available > 0 ? available : undefined };
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

async function deviceKinds() {
  try {
    return new Set((await navigator.mediaDevices.enumerateDevices()).map((device) => device.kind));
  } catch {
    return new Set();
  }
}
