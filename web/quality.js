/* How good somebody's connection is, as a mark of bars. */

import { h } from './dom.js';
import { icon } from './icons.js';
import { setLabel } from './strings.js';

const LABELS = new Map([['good', 'quality.good'], ['poor', 'quality.poor'], ['bad', 'quality.bad'], ['lost', 'quality.lost']]);

/** Key of its name; undefined where nothing is known. */
export const qualityLabel = (quality) => LABELS.get(quality);

/** Whether it is worth a mark on the picture. */
export const isWeak = (quality) => LABELS.has(quality) && quality !== 'good';

/** The mark; CSS lights as many bars as `data-quality` says. */
export function qualityMark(quality) {
  const mark = h('span', { class: 'quality', role: 'img' }, icon('quality'));
  setQuality(mark, quality);
  return mark;
}

export function setQuality(mark, quality) {
  mark.dataset.quality = quality;
  if (qualityLabel(quality)) setLabel(mark, qualityLabel(quality));
}
