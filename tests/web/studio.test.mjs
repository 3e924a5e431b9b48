import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainRest } from '../../web/problems.js';
import { setLanguage } from '../../web/strings.js';
import { formatBytes, formatClock, formatFraction, hasEnded, isLive, joinRtmp, joinSrt, lastedMs, orderOf, watchLink, wordOfOutput, wordOfPlayer } from '../../web/studio/format.js';
import { imageName } from '../../web/studio/look.js';

describe('an output to be started', () => {
  it('is said as the server wants it', () => {
    assert.deepEqual(orderOf({ type: 'file', format: 'mp4', sound: 'aac', splitMinutes: '0' }), { type: 'file', format: 'mp4' });
    assert.deepEqual(orderOf({ type: 'file', format: 'mkv', sound: 'opus', splitMinutes: '15' }),
      { type: 'file', format: 'mkv', sound: 'opus', splitDuration: 900 });
    assert.deepEqual(orderOf({ type: 'hls', format: 'mp4', server: 'rtmp://a/b' }), { type: 'hls' });
    assert.deepEqual(orderOf({ type: 'tracks', sound: 'opus' }), { type: 'tracks' });
    assert.deepEqual(orderOf({ type: 'rtmp', server: 'rtmps://a/live/', key: ' s3cret?x=1 ' }), { type: 'rtmp', url: 'rtmps://a/live/s3cret?x=1' });
    assert.deepEqual(orderOf({ type: 'srt', address: 'srt://a:9000', listener: false, passphrase: '', streamId: '' }), { type: 'srt', url: 'srt://a:9000' });
  });

  it('joins a stream key, or takes an address that has one', () => {
    assert.equal(joinRtmp('rtmp://a/live', 'key'), 'rtmp://a/live/key');
    assert.equal(joinRtmp('rtmp://a/live//', 'key'), 'rtmp://a/live/key');
    assert.equal(joinRtmp(' rtmp://a/live/key ', ''), 'rtmp://a/live/key');
  });

  it('adds options of SRT, but never against the address', () => {
    assert.equal(joinSrt('srt://:9000', { listener: true }), 'srt://:9000?mode=listener');
    assert.equal(joinSrt('srt://a:1?mode=caller', { listener: true }), 'srt://a:1?mode=caller');
    assert.equal(joinSrt('srt://a:1', { passphrase: 'a b&c=d', streamId: '#!::r=x' }), 'srt://a:1?streamid=%23%21%3A%3Ar%3Dx&passphrase=a+b%26c%3Dd');
  });

  it('has a page for viewers, which carries no token', () => {
    const link = new URL(watchLink('https://host/sub/?room=x&token=secret', { room: 'a & b', playlist: '/hls/1/index.m3u8' }));
    assert.equal(link.pathname, '/sub/watch.html');
    assert.deepEqual([...link.searchParams], [['room', 'a & b'], ['hls', '/hls/1/index.m3u8']]);
    assert.equal(new URL(watchLink('https://host/', { room: 'a' })).search, '?room=a');
  });
});

describe('numbers of outputs', () => {
  it('read as people read them', () => {
    assert.deepEqual([0, 999, 65_000, 3_723_999, undefined, -5].map(formatClock), ['0:00', '0:00', '1:05', '1:02:03', '0:00', '0:00']);
    assert.deepEqual([0, 999, 1000, 12_345_678, 999_960, 123_456_789, 5e12, undefined].map(formatBytes),
      ['0 B', '999 B', '1.0 kB', '12.3 MB', '1000 kB', '123 MB', '5.0 TB', '0 B']);
    assert.deepEqual([0, 0.035, 0.5].map(formatFraction), ['0 %', '3.5 %', '50 %']);
  });

  it('go on between two answers where the output does', () => {
    assert.equal(lastedMs(5000, true, 1500), 6500);
    assert.equal(lastedMs(5000, false, 1500), 5000);
    assert.equal(lastedMs(undefined, true, -3), 0);
  });

  it('have words for each state, and leave unknown ones as they are', () => {
    setLanguage('en');
    assert.deepEqual(['starting', 'running', 'retrying', 'paused', 'finished', 'failed', 'draining', 'constructor'].map(wordOfOutput),
      ['Starting', 'Running', 'Trying again', 'Paused', 'Finished', 'Failed', 'draining', 'constructor']);
    assert.deepEqual(['playing', 'toString'].map(wordOfPlayer), ['Playing', 'toString']);
    assert.deepEqual(['starting', 'paused', 'finished', 'failed'].map((state) => [isLive({ state }), hasEnded({ state })]),
      [[true, false], [true, false], [false, true], [false, true]]);
  });
});

describe('what a server refuses', () => {
  it('is told with what to do', () => {
    setLanguage('en');
    const off = { status: 403, type: 'output-off', detail: 'its operator must set programme.hls_directory' };
    assert.equal(explainRest(off), 'The operator of this server has not switched this on: its operator must set programme.hls_directory');
    assert.match(explainRest({ status: 403, type: 'token-too-weak', detail: 'x' }), /link for hosts/);
    assert.match(explainRest({ status: 401, type: 'token-missing' }), /link for hosts/);
    assert.match(explainRest({ status: 0, type: 'unreachable' }), /cannot be reached/);
    assert.equal(explainRest({ status: 400, type: 'bad-output', detail: 'an rtmp output needs a url' }), 'Something went wrong: an rtmp output needs a url');
    assert.equal(explainRest({ status: 502, type: '', detail: '' }), 'Something went wrong: 502');
    assert.equal(explainRest({ status: 404, type: '', detail: '' }), 'This server does not offer it.');
  });
});

describe('an image', () => {
  it('has a name the server keeps', () => {
    assert.deepEqual(['logo.png', 'Our Logo (2).png', '../../etc/passwd', '.hidden.png', '로고', 'é.png'].map(imageName),
      ['logo.png', 'Our-Logo-2-.png', 'etc-passwd', 'hidden.png', 'image', 'e-.png']);
  });
});
