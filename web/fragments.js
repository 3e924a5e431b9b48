/* HLS of fragmented MP4 for browsers that play none by themselves: segments are fetched and handed to MediaSource.
 * RFC 8216, as much of it as this server's playlists say: one rendition, one EXT-X-MAP, no encryption, no byte ranges. */

/* What is fetched ahead, and what is kept behind for who seeks back. Seconds. */
const AHEAD_S = 30;
const BEHIND_S = 30;
/* A live stream begins three segments before its end (RFC 8216 6.3.3). */
const LIVE_SEGMENTS = 3;
const RETRY_MS = 2_000;

/** {map (address or null), segments: [{address, sequence, start [s], duration [s]}], isOver, targetDuration [s]} */
export function parsePlaylist(text, address) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  if (lines[0] !== '#EXTM3U') throw new Error('this is no playlist');
  const tag = (name) => lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2);
  const map = /URI="([^"]+)"/.exec(tag('EXT-X-MAP') ?? '')?.[1];
  let sequence = Number(tag('EXT-X-MEDIA-SEQUENCE') ?? 0);
  let [start, duration] = [0, 0];
  const segments = [];
  for (const line of lines) {
    if (line.startsWith('#EXTINF:')) duration = Number.parseFloat(line.slice(8)) || 0;
    if (line === '' || line.startsWith('#')) continue;
    segments.push({ address: new URL(line, address).href, sequence: sequence++, start, duration });
    start += duration;
  }
  return { map: map ? new URL(map, address).href : null, segments, isOver: lines.includes('#EXT-X-ENDLIST'), targetDuration: Number(tag('EXT-X-TARGETDURATION')) || 2 };
}

/** What MediaSource wants to know of an initialisation segment: RFC 6381. H.264 says its profile in avcC. */
export function typeOf(bytes) {
  const text = String.fromCharCode(...bytes.subarray(0, 4096));
  const hex = (value) => value.toString(16).padStart(2, '0').toUpperCase();
  const codecs = [];
  const avcC = text.indexOf('avcC');
  if (avcC >= 0 && avcC + 8 <= bytes.length) codecs.push(`avc1.${[...bytes.subarray(avcC + 5, avcC + 8)].map(hex).join('')}`);
  if (text.includes('mp4a')) codecs.push('mp4a.40.2');
  if (text.includes('Opus')) codecs.push('opus');
  return `video/mp4; codecs="${codecs.join(',')}"`;
}

/** Which segment is the next to fetch: the one after `last` (a sequence number, or null), or where a player begins. */
export function nextSegment({ segments, isOver }, last) {
  if (last === null) return segments.at(isOver ? 0 : Math.max(0, segments.length - LIVE_SEGMENTS)) ?? null;
  /* What left the window meanwhile is left out. */
  return segments.find(({ sequence }) => sequence > last) ?? null;
}

/** Events: `unsupported`: the segments are none of fragmented MP4; `waiting`: there is nothing (yet). */
export class FragmentPlayer extends EventTarget {
  #video;
  #address;
  #stop = new AbortController();
  #source = new MediaSource();
  #buffer = null;
  #playlist = null;
  #last = null;

  constructor(video, address) {
    super();
    this.#video = video;
    this.#address = address;
  }

  start() {
    const { signal } = this.#stop;
    this.#video.src = URL.createObjectURL(this.#source);
    this.#source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(this.#video.src);
      this.#run();
    }, { once: true, signal });
    this.#video.addEventListener('seeking', () => this.#onSeek(), { signal });
    return this;
  }

  stop() {
    this.#stop.abort();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  async #run() {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const isNews = await this.#step();
        if (isNews === null) return;
        if (!isNews) await pause(Math.min(RETRY_MS, 500 * this.#playlist.targetDuration));
      } catch (error) {
        if (signal.aborted) return;
        console.debug('the stream stands still', error);
        this.dispatchEvent(new Event('waiting'));
        await pause(RETRY_MS);
      }
    }
  }

  /* Resolves with whether something was appended; null: it is of no use to go on. */
  async #step() {
    if (!this.#playlist?.isOver) this.#playlist = parsePlaylist(await this.#fetch(this.#address, 'text'), this.#address);
    if (!this.#buffer) {
      if (!await this.#begin()) return null;
    }
    const segment = nextSegment(this.#playlist, this.#last);
    if (!segment) {
      if (this.#playlist.isOver && this.#source.readyState === 'open') this.#source.endOfStream();
      return false;
    }
    if (this.#ahead() > AHEAD_S) return false;
    const bytes = await this.#fetch(segment.address, 'arrayBuffer');
    const last = this.#last;
    await this.#change(() => this.#buffer.appendBuffer(bytes));
    /* Somebody may have sought meanwhile. */
    if (this.#last === last) this.#last = segment.sequence;
    await this.#forget();
    this.#jump();
    return true;
  }

  async #begin() {
    const { map, isOver, segments } = this.#playlist;
    if (!map && segments.length === 0) throw new Error('nothing has come yet');
    const init = map ? new Uint8Array(await this.#fetch(map, 'arrayBuffer')) : null;
    if (!init || !MediaSource.isTypeSupported(typeOf(init))) {
      this.dispatchEvent(new Event('unsupported'));
      return false;
    }
    this.#buffer = this.#source.addSourceBuffer(typeOf(init));
    await this.#change(() => this.#buffer.appendBuffer(init));
    const end = segments.at(-1);
    this.#source.duration = isOver && end ? end.start + end.duration : Infinity;
    return true;
  }

  async #fetch(address, kind) {
    const response = await fetch(address, { signal: this.#stop.signal, cache: kind === 'text' ? 'no-store' : 'default' });
    if (!response.ok) throw new Error(`${response.status} ${address}`);
    return response[kind]();
  }

  #change(change) {
    return new Promise((resolve, reject) => {
      this.#buffer.addEventListener('updateend', resolve, { once: true });
      this.#buffer.addEventListener('error', () => reject(new Error('the segment cannot be decoded')), { once: true });
      change();
    });
  }

  #ranges() {
    const { buffered } = this.#buffer;
    return [...Array(buffered.length).keys()].map((i) => [buffered.start(i), buffered.end(i)]);
  }

  #ahead() {
    const now = this.#video.currentTime;
    const range = this.#ranges().find(([start, end]) => start <= now && now <= end);
    return range ? range[1] - now : 0;
  }

  async #forget() {
    const { buffered } = this.#buffer;
    const until = this.#video.currentTime - BEHIND_S;
    if (buffered.length > 0 && buffered.start(0) < until - BEHIND_S) await this.#change(() => this.#buffer.remove(buffered.start(0), until));
  }

  /* To the beginning of a live stream, and over a hole. */
  #jump() {
    const now = this.#video.currentTime;
    const ranges = this.#ranges();
    if (ranges.some(([start, end]) => start <= now && now < end - 0.05)) return;
    const next = ranges.find(([start]) => start > now);
    if (next) this.#video.currentTime = next[0];
  }

  /* In a stream that is over one may go anywhere. */
  #onSeek() {
    if (!this.#playlist?.isOver || !this.#buffer) return;
    const now = this.#video.currentTime;
    if (this.#ranges().some(([start, end]) => start <= now && now <= end)) return;
    const target = this.#playlist.segments.findLast(({ start }) => start <= now);
    if (target) this.#last = target.sequence - 1;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
