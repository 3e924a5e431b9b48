import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reductionOf, troubleOf } from '../../web/banner.js';
import { CORNERS, fit, fitOf, freeCorner, giveWay, nearestCorner, placeTile, selfSize, selfSpots } from '../../web/geometry.js';
import { actionOf } from '../../web/keys.js';
import { initials } from '../../web/lobby.js';
import { constraintsFor, levelOf, reasonOf } from '../../web/media.js';
import { describeRung, isReduced } from '../../web/panels/stats.js';
import { deviceProblems } from '../../web/problems.js';
import { isWeak, qualityLabel } from '../../web/quality.js';
import { delayBudget, formatBitrate, formatMs, formatPercent, sample, sparkline } from '../../web/stats.js';

describe('geometry', () => {
  it('fits the canvas into boxes of any shape', () => {
    const canvas = { width: 1280, height: 720 };
    assert.deepEqual(fit({ width: 1600, height: 720 }, canvas), { left: 160, top: 0, width: 1280, height: 720 });
    assert.deepEqual(fit({ width: 320, height: 568 }, canvas), { left: 0, top: 194, width: 320, height: 180 });
    assert.deepEqual(fit({ width: 3840, height: 2160 }, canvas), { left: 0, top: 0, width: 3840, height: 2160 });
  });

  it('stays harmless without sizes', () => {
    assert.deepEqual(fit({ width: 0, height: 0 }, { width: 16, height: 9 }), { left: 0, top: 0, width: 0, height: 0 });
    assert.deepEqual(fit({ width: 100, height: 50 }, { width: 0, height: 9 }), { left: 0, top: 0, width: 100, height: 50 });
    assert.deepEqual(fit({ width: 100, height: 50 }, undefined), { left: 0, top: 0, width: 100, height: 50 });
  });

  it('cuts or frames the own picture as the mixer does', () => {
    const wide = { width: 320, height: 180 };
    assert.equal(fitOf({ width: 640, height: 360 }, wide), 'cover');
    assert.equal(fitOf({ width: 1280, height: 800 }, wide), 'cover');
    assert.equal(fitOf({ width: 640, height: 480 }, wide), 'contain', 'exactly a quarter');
    assert.equal(fitOf({ width: 360, height: 640 }, wide), 'contain');
    assert.equal(fitOf({ width: 0, height: 0 }, wide), 'cover');
  });

  it('places tiles exactly, and keeps wrong ones on the picture', () => {
    assert.deepEqual(placeTile({ x: 0.5, y: 1 / 3, w: 0.5, h: 1 / 3 }), { left: '50%', top: '33.3333%', width: '50%', height: '33.3333%' });
    assert.deepEqual(placeTile({ x: -1, y: 0.9, w: 7, h: 0.5 }), { left: '0%', top: '90%', width: '100%', height: '10%' });
    assert.deepEqual(placeTile({ x: NaN, y: 'red;', w: Infinity, h: null }), { left: '0%', top: '0%', width: '100%', height: '0%' });
  });
});

describe('the own picture in a corner', () => {
  const picture = { left: 100, top: 0, width: 1000, height: 562 };
  const size = { width: 200, height: 112 };
  const spots = selfSpots({ picture, size, floor: 562, mark: null });
  const part = (x, y, w, h) => ({ left: picture.left + x * 1000, top: y * 562, width: w * 1000, height: h * 562 });

  it('is a fifth of the stage in its own shape, never tiny or huge', () => {
    assert.deepEqual(selfSize({ width: 1200 }, { width: 640, height: 480 }), { width: 240, height: 180 });
    assert.deepEqual(selfSize({ width: 304 }, { width: 1280, height: 720 }), { width: 112, height: 63 });
    assert.deepEqual(selfSize({ width: 304 }, { width: 720, height: 1280 }), { width: 63, height: 112 });
    assert.deepEqual(selfSize({ width: 3840 }, { width: 0, height: 0 }), { width: 320, height: 180 }, 'before the first frame');
    assert.deepEqual(selfSize({ width: 1000 }, { width: 4000, height: 100 }), { width: 200, height: 113 });
  });

  it('lies on the picture, or below it where there is room', () => {
    for (const corner of CORNERS) {
      const { left, top } = spots[corner];
      assert.equal(left, corner.endsWith('left') ? 108 : 892, corner);
      assert.equal(top, corner.startsWith('top') ? 8 : 442, corner);
    }
    const tall = selfSpots({ picture, size, floor: 1000, mark: null });
    assert.deepEqual([tall['top-left'].top, tall['bottom-left'].top], [8, 880]);
    assert.equal(selfSpots({ picture, size, floor: 600, mark: null })['bottom-left'].top, 442);
  });

  it('stands below the mark of a recording', () => {
    const marked = selfSpots({ picture, size, floor: 562, mark: { left: 1000, top: 12, width: 88, height: 28 } });
    assert.equal(marked['top-right'].top, 48);
    assert.deepEqual(marked['top-left'], spots['top-left']);
  });

  it('makes names and hands give way', () => {
    const whole = part(0, 0, 1, 1);
    assert.deepEqual(giveWay(whole, spots['top-right']), { left: 0, right: 0, hand: 0 });
    assert.deepEqual(giveWay(whole, spots['top-left']), { left: 0, right: 0, hand: 208 });
    assert.deepEqual(giveWay(whole, spots['bottom-right']), { left: 0, right: 208, hand: 0 });
    assert.deepEqual(giveWay(whole, spots['bottom-left']), { left: 208, right: 0, hand: 0 });
    assert.equal(giveWay(part(0.8, 0.8, 0.2, 0.2), spots['bottom-right']), null);
  });

  it('takes another corner rather than somebody\'s name', () => {
    const filmstrip = [part(0, 0, 1, 0.8), ...[0, 0.2, 0.4, 0.6, 0.8].map((x) => part(x, 0.8, 0.2, 0.2))];
    assert.equal(freeCorner('bottom-right', spots, filmstrip), 'top-right');
    assert.equal(freeCorner('bottom-left', spots, filmstrip), 'top-left');
    assert.equal(freeCorner('bottom-left', spots, [part(0, 0, 1, 1)]), 'bottom-left');
    assert.equal(freeCorner('nowhere', spots, []), 'bottom-right');
  });

  it('goes to the corner nearest to where it is let go', () => {
    for (const corner of CORNERS) assert.equal(nearestCorner(spots, { left: spots[corner].left + 30, top: spots[corner].top - 40 }), corner);
  });
});

describe('trouble', () => {
  const well = { network: 'online', signalling: 'open', media: 'connected' };
  it('is told by what is lost', () => {
    assert.equal(troubleOf(well, true), null);
    assert.equal(troubleOf({ ...well, media: 'connecting' }, false), null);
    assert.equal(troubleOf({ ...well, media: 'connecting' }, true), 'media');
    assert.equal(troubleOf({ ...well, signalling: 'away' }, true), 'signalling');
    assert.equal(troubleOf({ ...well, signalling: 'away', media: 'disconnected' }, true), 'both');
    assert.equal(troubleOf({ ...well, signalling: 'away', media: 'connecting' }, false), 'both');
    assert.equal(troubleOf({ ...well, network: 'offline', signalling: 'away' }, true), 'offline');
  });
});

describe('a reduced picture', () => {
  const rung = (kind, reason, available) => reductionOf({ kind, reason, available });
  it('is told with its reason, and what the connection carries in round figures', () => {
    assert.deepEqual(rung('audio', 'bandwidth', 91_234), { key: 'link.audioRate', rate: '91 kbit/s' });
    assert.deepEqual(rung('slides', 'bandwidth', 138_000), { key: 'link.slidesRate', rate: '140 kbit/s' });
    assert.equal(rung('audio', 'bandwidth', 0).key, 'link.audio');
    assert.equal(rung('slides', 'bandwidth').key, 'link.slides');
    assert.equal(rung('audio', 'loss', 500_000).key, 'link.audioLoss');
    assert.equal(rung('slides', 'loss', 0).key, 'link.slidesLoss');
  });

  it('is not told where it moves, nor where nobody can help it', () => {
    assert.equal(rung('video', 'bandwidth', 300_000), null);
    assert.equal(rung('video', 'best', 0), null);
    assert.equal(rung('audio', 'best', 0), null);
    assert.equal(rung('audio', 'constructor', 1), null);
    assert.equal(reductionOf(null), null);
    assert.equal(reductionOf({ width: 1280 }), null, 'an older server');
    assert.deepEqual([{ reason: 'best' }, { reason: 'loss' }, { reason: 'bandwidth' }, {}, null].map(isReduced), [false, true, true, false, false]);
  });

  it('reads as numbers where there is one', () => {
    const size = { width: 640, height: 360, framerate: 30, bitrate: 480_000 };
    assert.equal(describeRung({ kind: 'video', ...size }), '640 × 360 · 30 fps · 480 kbit/s');
    assert.equal(describeRung({ kind: 'video', ...size }, true), 'as sent · 640 × 360 · 480 kbit/s');
    assert.equal(describeRung({ kind: 'audio', ...size }, true), 'Sound alone');
    assert.equal(describeRung({ kind: 'slides', ...size, framerate: 0 }), '640 × 360 · slide show · 480 kbit/s');
    assert.equal(describeRung({ kind: 'audio' }), 'Sound alone');
    assert.equal(describeRung(null), '–');
  });
});

describe('the quality of a connection', () => {
  it('has a name where it is known, and a mark on the picture where it is weak', () => {
    assert.deepEqual(['lost', 'bad', 'poor', 'good', 'unknown', undefined, 'toString'].map(isWeak), [true, true, true, false, false, false, false]);
    assert.deepEqual(['lost', 'good', 'unknown', undefined].map(qualityLabel), ['quality.lost', 'quality.good', undefined, undefined]);
  });
});

describe('keys', () => {
  const press = (key, code, more = {}) => actionOf({ key, code, ctrlKey: false, metaKey: false, altKey: false, ...more });
  it('are where they are printed, in any script', () => {
    assert.equal(press('m', 'KeyM'), 'microphone');
    assert.equal(press('M', 'KeyM'), 'microphone');
    assert.equal(press('ㅡ', 'KeyM'), 'microphone');
    assert.equal(press('m', 'Semicolon'), 'microphone'); /* AZERTY */
    assert.equal(press(',', 'KeyM'), null); /* AZERTY */
    assert.equal(press('?', 'Slash', { shiftKey: true }), 'help');
    assert.equal(press('x', 'KeyX'), null);
    assert.equal(press('Enter', 'Enter'), null);
  });

  it('leave the browser its own', () => {
    for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { repeat: true }, { isComposing: true }]) {
      assert.equal(press('c', 'KeyC', more), null);
    }
  });
});

describe('initials', () => {
  it('are whole characters of any script', () => {
    assert.equal(initials('Ada Lovelace'), 'AL');
    assert.equal(initials('  ada  '), 'A');
    assert.equal(initials('김하늘'), '김');
    assert.equal(initials('𝒜da 🦊 fox'), '𝒜F');
    assert.equal(initials(''), '');
  });
});

describe('devices', () => {
  it('are wished for, not required', () => {
    assert.deepEqual(constraintsFor('video', 'cam').deviceId, { ideal: 'cam' });
    assert.equal('deviceId' in constraintsFor('video', ''), false);
    assert.equal(constraintsFor('audio').echoCancellation, true);
    assert.deepEqual(constraintsFor('video').width, { ideal: 640 });
  });

  it('refuse for reasons that have a sentence', () => {
    const reason = (name) => reasonOf(Object.assign(new Error(), { name }));
    assert.deepEqual(['NotAllowedError', 'NotFoundError', 'NotReadableError', 'InsecureError', 'TypeError'].map(reason),
      ['denied', 'missing', 'busy', 'insecure', 'failed']);
    assert.equal(reasonOf(undefined), 'failed');
    assert.deepEqual(deviceProblems('denied', 'denied'), ['media.denied']);
    assert.deepEqual(deviceProblems('ready', 'busy'), ['media.busyCamera']);
    assert.deepEqual(deviceProblems('missing', 'denied'), ['media.deniedCamera', 'media.missingMicrophone']);
    assert.deepEqual(deviceProblems('busy', 'busy'), ['media.busyCamera', 'media.busyMicrophone']);
    assert.deepEqual(deviceProblems('ready', 'unasked'), []);
  });

  it('are heard on a scale from silence to loud', () => {
    assert.equal(levelOf(new Float32Array(64)), 0);
    assert.equal(levelOf(new Float32Array(64).fill(1)), 1);
    const middle = levelOf(new Float32Array(64).fill(10 ** (-35 / 20)));
    assert.ok(Math.abs(middle - 0.5) < 0.001);
  });
});

describe('statistics', () => {
  const report = (time, bytes, lost, packets) => new Map([
    { id: 'o', type: 'outbound-rtp', bytesSent: bytes },
    { id: 'a', type: 'inbound-rtp', kind: 'audio', bytesReceived: bytes, packetsReceived: packets, packetsLost: lost },
    { id: 'v', type: 'inbound-rtp', kind: 'video', bytesReceived: bytes, framesPerSecond: 30, frameWidth: 1280, frameHeight: 720,
      codecId: 'c', jitterBufferDelay: bytes / 1000, jitterBufferEmittedCount: bytes / 50 },
    { id: 'c', type: 'codec', mimeType: 'video/VP8' },
    { id: 'r', type: 'remote-inbound-rtp', fractionLost: 0.25 },
    { id: 't', type: 'transport', selectedCandidatePairId: 'p', timestamp: time },
    { id: 'p', type: 'candidate-pair', currentRoundTripTime: 0.02, localCandidateId: 'l', remoteCandidateId: 'm' },
    { id: 'l', type: 'local-candidate', protocol: 'udp', candidateType: 'host' },
    { id: 'm', type: 'remote-candidate', candidateType: 'host' },
  ].map((stat) => [stat.id, stat]));

  it('are differences of two reports', () => {
    const first = sample(report(1000, 1000, 0, 100));
    assert.equal(first.values.up, undefined);
    assert.equal(first.values.rtt, 20);
    const { values } = sample(report(3000, 3000, 10, 190), first.raw);
    assert.equal(values.up, 8000);
    assert.equal(values.down, 16000);
    assert.equal(values.loss, 0.1);
    assert.equal(values.lossUp, 0.25);
    assert.ok(Math.abs(values.jitterBuffer - 50) < 1e-9);
    assert.deepEqual([values.fps, values.width, values.height, values.codec, values.protocol], [30, 1280, 720, 'VP8', 'udp']);
  });

  it('say nothing rather than nonsense after a new connection', () => {
    const first = sample(report(5000, 9000, 9, 900));
    const { values } = sample(report(6000, 10, 0, 1), first.raw);
    assert.equal(values.up, undefined);
    assert.equal(values.loss, undefined);
    assert.deepEqual(sample(new Map()).values.up, undefined);
  });

  it('add up the way from them to us, in order', () => {
    const server = { encode: { median: 5, p95: 9 }, buffer: { median: 0.5, p95: 1 }, wait: { median: 20, p95: 30 } };
    const values = { rtt: 40, jitterBuffer: 60, soundBuffer: 30 };
    assert.deepEqual(delayBudget(server, values, 'audio'), [{ stage: 'network', ms: 40 }, { stage: 'buffer', ms: 0.5 },
      { stage: 'wait', ms: 20 }, { stage: 'encode', ms: 5 }, { stage: 'playout', ms: 30 }]);
    assert.equal(delayBudget(server, values, 'video').at(-1).ms, 60);
    assert.deepEqual(delayBudget({ send: { median: 1 } }, undefined, 'video'), [{ stage: 'send', ms: 1 }]);
    assert.deepEqual(delayBudget(undefined, values, 'audio'), []);
    assert.deepEqual(delayBudget(server, values, 'video', true).map(({ stage }) => stage).filter((stage) => !['network', 'send', 'playout'].includes(stage)), [],
      'a picture that is passed on is not mixed');
    assert.deepEqual(delayBudget(server, values, 'audio', true), delayBudget(server, values, 'audio'), 'the sound always is');
    assert.equal(delayBudget(undefined, values, 'video', true)[0].stage, 'network');
    assert.deepEqual(delayBudget({}, values, 'audio'), []);
    assert.deepEqual(delayBudget({ send: { median: 'a' }, encode: {} }, {}, 'audio'), []);
  });

  it('draw as lines that end at the right', () => {
    assert.equal(sparkline([], 100, 20, 11), '');
    assert.equal(sparkline([0, 10], 100, 20, 11), '90.0,19.0 100.0,1.0');
    assert.equal(sparkline([undefined, 5], 100, 20, 11), '100.0,1.0');
    assert.equal(sparkline([0, 0], 100, 20, 11), '90.0,19.0 100.0,19.0');
  });

  it('read as numbers with units', () => {
    assert.deepEqual([undefined, 0, 999_400, 999_600, 1_250_000].map(formatBitrate), ['–', '0 kbit/s', '999 kbit/s', '1.0 Mbit/s', '1.3 Mbit/s']);
    assert.deepEqual([formatPercent(0.0123), formatPercent(undefined), formatMs(12.6), formatMs(undefined)], ['1.2 %', '–', '13 ms', '–']);
  });
});
