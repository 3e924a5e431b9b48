import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeMember, replaceRoster } from '../../web/roster.js';

const member = (id, more = {}) => ({ id, name: id, hand: false, quality: 'good', uplink: { audio: true, video: false }, ...more });
const types = (events) => events.map(([type, detail]) => [type, detail.id ?? detail.participant ?? null]);

describe('roster', () => {
  it('has no news for somebody new', () => {
    const { roster, events } = replaceRoster(new Map(), [member('a'), member('b')]);
    assert.deepEqual([...roster.keys()], ['a', 'b']);
    assert.deepEqual([roster.get('a').audio, roster.get('a').video, roster.get('a').uplink], [true, false, undefined]);
    assert.deepEqual(types(events), [['roster', null]]);
  });

  it('tells who came and went while one was away', () => {
    const { roster } = replaceRoster(new Map(), [member('a'), member('b')]);
    assert.deepEqual(types(replaceRoster(roster, [member('b'), member('c')]).events), [['roster', null], ['enter', 'c'], ['exit', 'a']]);
  });

  it('tells what changes', () => {
    const { roster } = replaceRoster(new Map(), [member('a')]);
    const change = (message) => types(changeMember(roster, { type: 'participant', ...message })).slice(1);
    assert.deepEqual(change(member('b')), [['enter', 'b']]);
    assert.deepEqual(change(member('b', { audioMuted: true })), []);
    assert.deepEqual(change(member('b', { hand: true, quality: 'lost' })), [['hand', 'b'], ['quality', 'b']]);
    assert.deepEqual(change(member('b', { hand: true, quality: 'lost' })), []);
    assert.equal(roster.get('b').type, undefined);
    assert.deepEqual(change({ id: 'b', name: '', gone: true }), [['exit', 'b']]);
    assert.deepEqual(change({ id: 'b', name: '', gone: true }), []);
    assert.deepEqual([...roster.keys()], ['a']);
  });
});
