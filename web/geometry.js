/* Where the picture lies in its box, and where a tile lies on the picture. Pure. */

/** The largest rectangle of the canvas's shape, centred in the box: {left, top, width, height} [px]. */
export function fit(box, canvas) {
  if (!(box.width > 0 && box.height > 0 && canvas?.width > 0 && canvas?.height > 0)) {
    return { left: 0, top: 0, width: Math.max(0, box.width || 0), height: Math.max(0, box.height || 0) };
  }
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const width = canvas.width * scale;
  const height = canvas.height * scale;
  return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height };
}

/* As the mixer: a picture is cut to fill its tile where less than this part of it is lost. */
const COVER_MAX_LOSS = 0.25;

/** How the mixer fits a picture into a tile, as a value of object-fit: `cover`, or `contain` with bars. */
export function fitOf(picture, tile) {
  const shape = picture.width * tile.height;
  const wanted = tile.width * picture.height;
  if (!(shape > 0 && wanted > 0)) return 'cover';
  return Math.abs(shape - wanted) < Math.max(shape, wanted) * COVER_MAX_LOSS ? 'cover' : 'contain';
}

/** CSS of a tile whose sides are fractions of the canvas [0..1]; what is out of range is brought back. */
export function placeTile({ x, y, w, h }) {
  const clamp = (value, max) => Math.min(max, Math.max(0, Number(value) || 0));
  const left = clamp(x, 1);
  const top = clamp(y, 1);
  const percent = (fraction) => `${+(fraction * 100).toFixed(4)}%`;
  return { left: percent(left), top: percent(top), width: percent(clamp(w, 1 - left)), height: percent(clamp(h, 1 - top)) };
}

/* ---- The own picture beside the others ---- */

/** Clockwise. */
export const CORNERS = ['top-left', 'top-right', 'bottom-right', 'bottom-left'];

/* A fifth of the stage, but no smaller than a face needs, and no larger than it deserves [px]. */
const SELF_SHARE = 0.2;
const SELF_LEAST = 112;
const SELF_MOST = 320;
const MARGIN = 8;
/* Below the picture the banner stands as well. */
const BANNER = 88;
/* Of a tile: the height where its name stands, and the width that a name needs; the corner where a hand is. */
const NAME_HEIGHT = 40;
const NAME_WIDTH = 96;
const HAND = 48;

const overlap = (one, other) => one.left < other.left + other.width && other.left < one.left + one.width
  && one.top < other.top + other.height && other.top < one.top + one.height;

/** Size of the own picture on a stage: its own shape, the longer side is a fifth of the stage's width: {width, height} [px]. */
export function selfSize(stage, picture) {
  const shape = Math.min(16 / 9, Math.max(9 / 16, picture?.width / picture?.height || 16 / 9));
  const side = Math.round(Math.min(SELF_MOST, Math.max(SELF_LEAST, stage.width * SELF_SHARE)));
  return shape >= 1 ? { width: side, height: Math.round(side / shape) } : { width: Math.round(side * shape), height: side };
}

/* The corner on the other side of the given axes; one that is none becomes the bottom right one. */
function mirrorCorner(corner, { across = false, down = false }) {
  const [vertical, horizontal] = CORNERS.includes(corner) ? corner.split('-') : ['bottom', 'right'];
  return `${(vertical === 'top') !== down ? 'top' : 'bottom'}-${(horizontal === 'left') !== across ? 'left' : 'right'}`;
}

/**
 * Where the own picture may lie: {corner: {left, top, width, height}} on the stage [px].
 * @param picture where the video lies on the stage, {left, top, width, height}
 * @param floor the lowest row of the stage that is free: below the picture where there is room, nothing is covered
 * @param mark (nullable) what stands at the top right of the stage
 */
export function selfSpots({ picture, size, floor, mark }) {
  const bottom = picture.top + picture.height;
  const ground = floor - bottom >= size.height + 2 * MARGIN + BANNER ? floor : bottom;
  return Object.fromEntries(CORNERS.map((corner) => {
    const spot = { ...size,
      left: corner.endsWith('left') ? picture.left + MARGIN : picture.left + picture.width - size.width - MARGIN,
      top: corner.startsWith('top') ? picture.top + MARGIN : ground - size.height - MARGIN };
    if (mark && overlap(spot, mark)) spot.top = mark.top + mark.height + MARGIN;
    return [corner, spot];
  }));
}

/** How a tile's name and hand give way to what lies over it: {left, right, hand} [px]; null: the name has no room left. */
export function giveWay(tile, spot) {
  const name = { ...tile, top: tile.top + tile.height - NAME_HEIGHT, height: NAME_HEIGHT };
  const [before, after] = [spot.left - tile.left, tile.left + tile.width - spot.left - spot.width];
  const hand = overlap({ ...tile, width: HAND, height: HAND }, spot) ? before + spot.width : 0;
  if (!overlap(name, spot)) return { left: 0, right: 0, hand };
  if (before >= NAME_WIDTH) return { left: 0, right: tile.width - before, hand };
  return after >= NAME_WIDTH ? { left: before + spot.width, right: 0, hand } : null;
}

/** The corner wished for, or the nearest one in which all tiles keep their names. @param tiles where they lie on the stage */
export function freeCorner(wish, spots, tiles) {
  const others = [{}, { down: true }, { across: true }, { across: true, down: true }].map((axes) => mirrorCorner(wish, axes));
  return others.find((corner) => tiles.every((tile) => giveWay(tile, spots[corner]) !== null)) ?? others[0];
}

/** The corner whose spot is nearest to where it was let go. */
export function nearestCorner(spots, { left, top }) {
  const far = (corner) => Math.hypot(spots[corner].left - left, spots[corner].top - top);
  return CORNERS.reduce((best, corner) => (far(corner) < far(best) ? corner : best));
}
