import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const LIBRARY = ['mixroom.js', 'call.js', 'peer.js', 'signalling.js', 'media.js', 'network.js', 'roster.js', 'stats.js'];
const files = readdirSync(WEB, { recursive: true }).filter((file) => file.endsWith('.js'));
const importsOf = (file) => [...readFileSync(WEB + file, 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from.replace(/^(\.\.?\/)+/, ''));

it('the page knows the library by its door only', () => {
  for (const file of files.filter((one) => !LIBRARY.includes(one))) {
    for (const from of importsOf(file)) assert.ok(from === 'mixroom.js' || !LIBRARY.includes(from), `${file} imports ${from}`);
  }
});

it('the library needs nothing of the page, and nothing from elsewhere', () => {
  for (const file of LIBRARY) for (const from of importsOf(file)) assert.ok(LIBRARY.includes(from), `${file} imports ${from}`);
});

it('strangers\' words cannot become markup, and the Content-Security-Policy holds', () => {
  for (const file of files) assert.doesNotMatch(readFileSync(WEB + file, 'utf8'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, file);
  for (const page of ['index.html', 'example.html']) assert.doesNotMatch(readFileSync(WEB + page, 'utf8'), /\sstyle=|\son\w+=|<style|<script(?![^>]*src=)/, page);
});
