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
