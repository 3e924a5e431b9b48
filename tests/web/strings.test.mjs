import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import en from '../../web/strings/en.js';
import ko from '../../web/strings/ko.js';
import { pickLanguage, setLanguage, t, tCount } from '../../web/strings.js';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const namespaces = [...new Set(Object.keys(en).map((key) => key.split('.')[0]))];
const placeholders = (sentence) => [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

/* Every quoted 'namespace.key' in the page's code. */
function usedKeys() {
  const files = readdirSync(WEB, { recursive: true }).filter((file) => file.endsWith('.js') && !file.startsWith('strings'));
  const quoted = new RegExp(`'((?:${namespaces.join('|')})\\.[a-zA-Z]+(?:\\.[a-zA-Z]+)?)'`, 'g');
  return new Set(files.flatMap((file) => [...readFileSync(WEB + file, 'utf8').matchAll(quoted)].map(([, key]) => key)));
}

describe('strings', () => {
  it('are the same keys with the same placeholders in both languages', () => {
    assert.deepEqual(Object.keys(ko), Object.keys(en));
    for (const key of Object.keys(en)) {
      assert.ok(ko[key].trim() !== '' && en[key].trim() !== '', key);
      assert.deepEqual(placeholders(ko[key]), placeholders(en[key]), key);
    }
  });

  it('are in Korean where Korean is meant', () => {
    const same = Object.keys(en).filter((key) => en[key] === ko[key]);
    assert.deepEqual(same, ['app.name']);
    for (const key of Object.keys(ko)) if (!same.includes(key)) assert.match(ko[key], /[가-힣]/, key);
  });

  it('exist for every key the page uses, and are all used', () => {
    const used = usedKeys();
    assert.ok(used.size > 80);
    for (const key of used) assert.ok(key in en || `${key}.other` in en, `missing: ${key}`);
    const counted = (key) => used.has(key.replace(/\.(one|other)$/, ''));
    for (const key of Object.keys(en)) assert.ok(used.has(key) || counted(key), `unused: ${key}`);
  });

  it('are chosen by what the browser wishes', () => {
    assert.equal(pickLanguage(['ko-KR', 'en']), 'ko');
    assert.equal(pickLanguage(['de-DE', 'en-GB', 'ko']), 'en');
    assert.equal(pickLanguage(['fr', 'ja']), 'en');
    assert.equal(pickLanguage([]), 'en');
    assert.equal(pickLanguage(undefined), 'en');
  });

  it('take values as they are, never as a pattern', () => {
    setLanguage('en');
    assert.equal(t('room.entered', { name: '$& {name} <b>' }), '$& {name} <b> joined.');
    assert.equal(t('room.entered'), '{name} joined.');
    assert.equal(t('no.such.key'), 'no.such.key');
    assert.equal(tCount('people.count', 1), '1 person in the room');
    assert.equal(tCount('people.count', 0), '0 people in the room');
    setLanguage('ko');
    assert.equal(tCount('people.count', 1), '1명이 참여 중');
    setLanguage('xx');
    assert.equal(t('chat.title'), 'Chat');
  });
});
