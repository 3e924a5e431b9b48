/* Building elements without a framework. Text only ever becomes text nodes: names and chat come from strangers. */

import { setLabel, t } from './strings.js';

/**
 * h('button', {class: 'x', i18n: 'bar.leave', onclick: f}, …children).
 * i18n: key of its text; label: key of its aria-label (and tip); on…: listener; data: dataset; others: attributes,
 * where false and null are left out and true is empty.
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'i18n' || name === 'label') continue;
    else node.setAttribute(name, value === true ? '' : value);
  }
  if (attributes.i18n) {
    node.dataset.i18n = attributes.i18n;
    node.textContent = t(attributes.i18n);
  }
  if (attributes.label) setLabel(node, attributes.label);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Sets the text only where it differs, so that screen readers are not told twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Lets `parent` hold one node for each item, in their order. Nodes are kept by key, so that focus and half-set controls stay.
 * @param make (item) → node; update (node, item)
 */
export function syncChildren(parent, items, { key, make, update }) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, i) => {
    const name = String(key(item));
    let node = old.get(name);
    old.delete(name);
    if (!node) {
      node = make(item);
      node.dataset.key = name;
    }
    update(node, item);
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
  for (const node of old.values()) node.remove();
}
