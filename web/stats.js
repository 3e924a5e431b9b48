/* What getStats() says, as few numbers a person can read. Pure: the report and the one before are arguments. */

/**
 * @param report Map-like of RTCStats by id
 * @param before the `raw` of the sample before, or undefined
 * @returns {{values, raw}} values: up, down [bit/s], loss, lossUp [0..1], rtt, jitterBuffer, soundBuffer [ms], fps, width,
 *   height, codec, protocol, localType, remoteType; undefined where the browser does not know
 */
export function sample(report, before) {
  const raw = collect(report);
  const seconds = before ? (raw.time - before.time) / 1000 : 0;
  const rate = (now, then) => (seconds > 0 && now >= then ? (now - then) / seconds : undefined);
  const bits = (now, then) => (seconds > 0 && now >= then ? ((now - then) * 8) / seconds : undefined);
  const values = {
    up: before ? bits(raw.bytesUp, before.bytesUp) : undefined,
    down: before ? bits(raw.bytesDown, before.bytesDown) : undefined,
    loss: before ? lossBetween(raw, before) : undefined,
    lossUp: raw.lossUp,
    rtt: raw.rtt,
    jitterBuffer: before ? meanDelayMs(raw.buffers.video, before.buffers.video) : undefined,
    soundBuffer: before ? meanDelayMs(raw.buffers.audio, before.buffers.audio) : undefined,
    fps: raw.fps ?? (before ? rate(raw.frames, before.frames) : undefined),
    width: raw.width,
    height: raw.height,
    codec: raw.codec,
    protocol: raw.protocol,
    localType: raw.localType,
    remoteType: raw.remoteType,
  };
  return { values, raw };
}

function collect(report) {
  const raw = { time: 0, bytesUp: 0, bytesDown: 0, packets: 0, lost: 0, frames: 0, buffers: {} };
  for (const stat of report.values()) {
    if (stat.type === 'outbound-rtp') raw.bytesUp += stat.bytesSent ?? 0;
    else if (stat.type === 'inbound-rtp') addInbound(raw, stat, report);
    else if (stat.type === 'remote-inbound-rtp') addRemote(raw, stat);
    else if (stat.type === 'transport') addPair(raw, report.get(stat.selectedCandidatePairId), report);
    else if (stat.type === 'candidate-pair' && stat.selected) addPair(raw, stat, report);
    raw.time = Math.max(raw.time, stat.timestamp ?? 0);
  }
  return raw;
}

function addInbound(raw, stat, report) {
  raw.bytesDown += stat.bytesReceived ?? 0;
  raw.packets += stat.packetsReceived ?? 0;
  raw.lost += stat.packetsLost ?? 0;
  raw.buffers[stat.kind] = { delay: stat.jitterBufferDelay ?? 0, emitted: stat.jitterBufferEmittedCount ?? 0 };
  if (stat.kind !== 'video') return;
  raw.fps = stat.framesPerSecond;
  raw.frames = stat.framesDecoded ?? 0;
  raw.width = stat.frameWidth;
  raw.height = stat.frameHeight;
  raw.codec = report.get(stat.codecId)?.mimeType?.split('/')[1];
}

function addRemote(raw, stat) {
  if (stat.fractionLost === undefined) return;
  raw.lossUp = Math.max(raw.lossUp ?? 0, stat.fractionLost);
}

function addPair(raw, pair, report) {
  if (!pair) return;
  if (pair.currentRoundTripTime !== undefined) raw.rtt = pair.currentRoundTripTime * 1000;
  const local = report.get(pair.localCandidateId);
  raw.protocol = local?.protocol;
  raw.localType = local?.candidateType;
  raw.remoteType = report.get(pair.remoteCandidateId)?.candidateType;
}

function lossBetween(raw, before) {
  /* The count goes down when a late packet arrives after all. */
  const lost = Math.max(0, raw.lost - before.lost);
  const received = Math.max(0, raw.packets - before.packets);
  return lost + received > 0 ? lost / (lost + received) : undefined;
}

function meanDelayMs(buffer, before) {
  const emitted = buffer && before ? buffer.emitted - before.emitted : 0;
  return emitted > 0 ? ((buffer.delay - before.delay) / emitted) * 1000 : undefined;
}

/* In the order of the way; what stands between `network` and `playout` is the server's. */
const STAGES = ['network', 'buffer', 'decode', 'wait', 'compose', 'encode', 'send', 'playout'];
/* What a picture goes through that nobody mixes. */
const STAGES_DIRECT = ['network', 'send', 'playout'];

/**
 * Where the time goes between a sender and this page, as [{stage, ms}].
 *
 * @param server medians of the server's stages, as {buffer: {median, p95}, …} [ms]; undefined: nothing is known
 * @param values of sample(): the network is taken to be as far on the sender's side as on ours
 * @param isDirect whether the picture is passed on as it was sent
 */
export function delayBudget(server, values, kind, isDirect = false) {
  const isPassed = isDirect && kind === 'video';
  if (!isPassed && (!server || Object.keys(server).length === 0)) return [];
  const own = { network: values?.rtt, playout: kind === 'audio' ? values?.soundBuffer : values?.jitterBuffer };
  return (isPassed ? STAGES_DIRECT : STAGES).map((stage) => ({ stage, ms: own[stage] ?? server?.[stage]?.median }))
    .filter(({ ms }) => Number.isFinite(ms) && ms >= 0);
}

/** Points of an SVG polyline for the values, oldest first, in a box; undefined ones leave no point. */
export function sparkline(values, width, height, capacity) {
  const known = values.filter((value) => value !== undefined);
  const top = Math.max(...known, 0) || 1;
  const step = width / Math.max(1, capacity - 1);
  const points = [];
  values.forEach((value, i) => {
    if (value === undefined) return;
    const x = width - (values.length - 1 - i) * step;
    points.push(`${x.toFixed(1)},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`);
  });
  return points.join(' ');
}

/** 1234567 → "1.2 Mbit/s"; undefined → "–". */
export function formatBitrate(bps) {
  if (bps === undefined) return '–';
  if (bps >= 999_500) return `${(bps / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bps / 1000)} kbit/s`;
}

export function formatPercent(fraction) {
  return fraction === undefined ? '–' : `${(fraction * 100).toFixed(1)} %`;
}

export function formatMs(ms) {
  return ms === undefined ? '–' : `${Math.round(ms)} ms`;
}
