/* Cameras, microphones and speakers: what to ask the browser for, and what its refusals mean. */

/* What the server shows a participant at is rarely larger, and an uplink of this size is cheap for old phones. */
export const CAMERA_IDEAL = { width: 640, height: 360, frameRate: 30 };
export const CAMERA_MAX_BITRATE_BPS = 900_000;
/* A screen is read, not watched: pixels before frames. */
export const SCREEN_IDEAL = { width: 1280, height: 720, frameRate: 15 };
export const SCREEN_MAX_BITRATE_BPS = 1_800_000;

/** Constraints of one kind (`audio`, `video`); `deviceId` is a wish, so that a device that is gone is no error. */
export function constraintsFor(kind, deviceId) {
  const device = deviceId ? { deviceId: { ideal: deviceId } } : {};
  if (kind === 'audio') {
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } };
  }
  return {
    ...device,
    width: { ideal: CAMERA_IDEAL.width },
    height: { ideal: CAMERA_IDEAL.height },
    frameRate: { ideal: CAMERA_IDEAL.frameRate, max: CAMERA_IDEAL.frameRate },
  };
}

/** What a refusal of getUserMedia means: `denied`, `missing`, `busy`, `insecure` or `failed`. */
export function reasonOf(error) {
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'InsecureError':
      return 'insecure';
    default:
      return 'failed';
  }
}

function mediaDevices() {
  if (globalThis.navigator?.mediaDevices?.getUserMedia) return navigator.mediaDevices;
  const error = new Error('cameras and microphones need https: or localhost');
  error.name = 'InsecureError';
  throw error;
}

/** One live track. Rejects with the browser's error: see reasonOf(). */
export async function openTrack(kind, deviceId) {
  const stream = await mediaDevices().getUserMedia({ [kind]: constraintsFor(kind, deviceId) });
  return stream.getTracks()[0];
}

/**
 * Camera and microphone as far as they can be had. Never rejects:
 * {stream, audio, video}, where audio and video are `ready` or the reason why not (reasonOf()), or `unasked`.
 */
export async function openDevices({ audio = true, video = true, audioDevice, videoDevice } = {}) {
  const result = { stream: new MediaStream(), audio: 'unasked', video: 'unasked' };
  if (audio && video) {
    /* Together first: one question from the browser rather than two. */
    try {
      const both = { audio: constraintsFor('audio', audioDevice), video: constraintsFor('video', videoDevice) };
      result.stream = await mediaDevices().getUserMedia(both);
      result.audio = result.video = 'ready';
      return result;
    } catch (error) {
      if (reasonOf(error) === 'insecure') return { ...result, audio: 'insecure', video: 'insecure' };
    }
  }
  for (const [kind, wanted, device] of [['audio', audio, audioDevice], ['video', video, videoDevice]]) {
    if (!wanted) continue;
    try {
      result.stream.addTrack(await openTrack(kind, device));
      result[kind] = 'ready';
    } catch (error) {
      result[kind] = reasonOf(error);
    }
  }
  return result;
}

/** {audioinput, videoinput, audiooutput}: lists of {id, label}. Labels are empty before permission. */
export async function listDevices() {
  const lists = { audioinput: [], videoinput: [], audiooutput: [] };
  if (!globalThis.navigator?.mediaDevices?.enumerateDevices) return lists;
  for (const device of await navigator.mediaDevices.enumerateDevices()) {
    lists[device.kind]?.push({ id: device.deviceId, label: device.label });
  }
  return lists;
}

/** Whether the page may choose the speaker. */
export function canChooseSpeaker() {
  return typeof globalThis.HTMLMediaElement?.prototype.setSinkId === 'function';
}

/** Whether the page may show the screen. */
export function canShareScreen() {
  return typeof globalThis.navigator?.mediaDevices?.getDisplayMedia === 'function';
}

/** The screen's video track, asked from the user. */
export async function openScreen() {
  const video = {
    width: { max: SCREEN_IDEAL.width },
    height: { max: SCREEN_IDEAL.height },
    frameRate: { ideal: SCREEN_IDEAL.frameRate },
  };
  const [track] = (await navigator.mediaDevices.getDisplayMedia({ video, audio: false })).getVideoTracks();
  track.contentHint = 'detail';
  return track;
}

/** Calls `onLevel` with 0..1 some 15 times a second, while the track lives and until close(). */
export class LevelMeter {
  #context;
  #timer;

  constructor(track, onLevel) {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      /* Browsers start contexts only after a gesture: the next look after one starts it. */
      if (this.#context.state === 'suspended') this.#context.resume().catch(() => {});
      analyser.getFloatTimeDomainData(samples);
      onLevel(levelOf(samples));
    }, 66);
  }

  close() {
    clearInterval(this.#timer);
    this.#context.close().catch(() => {});
  }
}

/** Loudness for the eye: -60 dBFS is 0, -10 dBFS and above is 1. */
export function levelOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (db + 60) / 50));
}
