/* Mixroom's client library: everything a page needs to join a room. See README.md and example.html. */

import { Call } from './call.js';

export { Call } from './call.js';
export { MixroomError } from './signalling.js';
export { openDevices, listDevices, canChooseSpeaker, canShareScreen, LevelMeter } from './media.js';
export { delayBudget, sparkline, formatBitrate, formatPercent, formatMs } from './stats.js';

/**
 * Joins a room. Resolves when the server has let us in and answered the media offer; rejects with a MixroomError.
 *
 * @param options
 *   room        name of the room
 *   name        name shown to the others
 *   url         the server; default: where this page came from
 *   token       where the server asks for one
 *   stream      MediaStream to send; its tracks belong to the call from now on. Default: nothing is sent yet
 *   microphone, camera  false: join with it switched off
 *   devices     {audio, video}: device ids for what is opened later
 *   codec       'VP8' or 'H264': the video codec to prefer
 *   maxBitrate  of the video sent [bit/s]
 *   fitUplink   false: the video sent does not follow the size at which it is shown
 */
export async function join(options) {
  const call = new Call(options);
  await call.start();
  return call;
}

/** Whether the server answers over HTTP: {reachable, ms}. Says nothing about UDP; only a call can. */
export async function checkServer(url = globalThis.location.href, timeoutMs = 5000) {
  const begin = performance.now();
  try {
    const response = await fetch(new URL('healthz', url), { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) });
    return { reachable: response.ok, ms: performance.now() - begin };
  } catch {
    return { reachable: false, ms: performance.now() - begin };
  }
}
