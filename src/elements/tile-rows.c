#include "tile-rows.h"

#include <string.h>

const MxrScaleOps *
mxr_scale_ops_choose (void)
{
#ifdef MXR_HAVE_AVX2
  if (__builtin_cpu_supports ("avx2"))
    return &mxr_scale_ops_avx2;
#endif
  return NULL;
}

/* ---- Tables ----------------------------------------------------------------------------------------- */

/* How much of the stretch that sample @to covers lies before source sample @from, in parts of MXR_SCALE_ONE.
 * Rounding what has come together, and not each part, keeps the sum exact. */
static int
covered_before (const MxrScaleAxis *axis, int to, int from)
{
  gint64 begin = (gint64) to * axis->n_from, edge = (gint64) from * axis->n_to;
  gint64 before = CLAMP (edge - begin, 0, axis->n_from);
  return (int) ((2 * before * MXR_SCALE_ONE + axis->n_from) / (2 * axis->n_from));
}

static void
average (const MxrScaleAxis *axis, int to, MxrScaleTaps *taps)
{
  taps->first = (gint32) ((gint64) to * axis->n_from / axis->n_to);
  for (int k = 0; k < MXR_SCALE_TAPS; k++) {
    int before = covered_before (axis, to, taps->first + k),
        through = covered_before (axis, to, taps->first + k + 1);
    taps->weights[k] = (guint8) (through - before);
  }
}

/* Between the two samples whose middles are on either side of the new one's. */
static void
interpolate (const MxrScaleAxis *axis, int to, MxrScaleTaps *taps)
{
  gint64 half_parts = (2 * (gint64) to + 1) * axis->n_from - axis->n_to, whole = 2 * axis->n_to;
  half_parts = CLAMP (half_parts, 0, (axis->n_from - 1) * whole);
  int second = (int) ((half_parts % whole * MXR_SCALE_ONE + axis->n_to) / whole);

  taps->first = (gint32) (half_parts / whole);
  taps->weights[0] = (guint8) (MXR_SCALE_ONE - second);
  taps->weights[1] = (guint8) second;
}

/* The first tap has a weight, and a lone one is the first. */
static void
shift_empty_taps (MxrScaleTaps *taps)
{
  while (taps->weights[0] == 0) {
    taps->first++;
    memmove (taps->weights, taps->weights + 1, MXR_SCALE_TAPS - 1);
    taps->weights[MXR_SCALE_TAPS - 1] = 0;
  }
}

static void
fill_lane (MxrScaleBlock *block, int lane, const MxrScaleTaps *taps)
{
  block->from[lane] = taps->first;
  for (int i = 0; i < MXR_SCALE_BLOCK / 2; i++, taps++) {
    int at = lane * MXR_SCALE_BLOCK + 2 * i, first = taps->first - block->from[lane];
    bool is_lone = taps->weights[0] == MXR_SCALE_ONE;
    block->pick[at] = (guint8) first;
    block->pick[at + 1] = (guint8) (is_lone ? first : first + 1);
    block->weights[0][at] = (gint8) (is_lone ? MXR_SCALE_ONE / 2 : taps->weights[0]);
    block->weights[0][at + 1] = (gint8) (is_lone ? MXR_SCALE_ONE / 2 : taps->weights[1]);
    block->weights[1][at] = (gint8) taps->weights[2];
    block->weights[1][at + 1] = (gint8) taps->weights[3];
    block->has_more |= (taps->weights[2] | taps->weights[3]) != 0;
  }
}

MxrScaleAxis *
mxr_scale_axis_new (int n_from, int n_to)
{
  g_return_val_if_fail (mxr_scale_axis_can (n_from, n_to), NULL);
  MxrScaleAxis *axis = g_new0 (MxrScaleAxis, 1);

  axis->n_from = n_from;
  axis->n_to = n_to;
  axis->taps = g_new0 (MxrScaleTaps, n_to);
  for (int i = 0; i < n_to; i++) {
    if (n_to > n_from)
      interpolate (axis, i, &axis->taps[i]);
    else
      average (axis, i, &axis->taps[i]);
    shift_empty_taps (&axis->taps[i]);
  }

  axis->n_blocks = n_to < MXR_SCALE_BLOCK ? 0 : (guint) (n_to + MXR_SCALE_BLOCK - 1) / MXR_SCALE_BLOCK;
  axis->blocks = g_new0 (MxrScaleBlock, axis->n_blocks);
  for (guint i = 0; i < axis->n_blocks; i++) {
    axis->blocks[i].to = MIN ((int) i * MXR_SCALE_BLOCK, n_to - MXR_SCALE_BLOCK);
    fill_lane (&axis->blocks[i], 0, axis->taps + axis->blocks[i].to);
    fill_lane (&axis->blocks[i], 1, axis->taps + axis->blocks[i].to + MXR_SCALE_BLOCK / 2);
  }
  return axis;
}

void
mxr_scale_axis_free (MxrScaleAxis *axis)
{
  g_free (axis->taps);
  g_free (axis->blocks);
  g_free (axis);
}

/* ---- Planes ----------------------------------------------------------------------------------------- */

void
mxr_scaler_clear (MxrScaler *scaler)
{
  for (guint i = 0; i < MXR_SCALER_AXES; i++)
    g_clear_pointer (&scaler->axes[i], mxr_scale_axis_free);
  g_free (scaler->row);
  *scaler = (MxrScaler){ 0 };
}

bool
mxr_scaler_can (MxrScaler *scaler, int from_w, int from_h, int to_w, int to_h)
{
  if (!scaler->has_chosen) {
    scaler->ops = mxr_scale_ops_choose ();
    scaler->has_chosen = true;
  }
  return scaler->ops != NULL && mxr_scale_axis_can (from_w, to_w) && mxr_scale_axis_can (from_h, to_h);
}

/* Good until the next call but one: both axes of a plane are needed at a time. */
static const MxrScaleAxis *
find_axis (MxrScaler *scaler, int n_from, int n_to)
{
  guint oldest = 0;

  scaler->n_calls++;
  for (guint i = 0; i < MXR_SCALER_AXES; i++) {
    const MxrScaleAxis *axis = scaler->axes[i];
    if (axis != NULL && axis->n_from == n_from && axis->n_to == n_to) {
      scaler->used[i] = scaler->n_calls;
      return axis;
    }
    if (scaler->used[i] < scaler->used[oldest])
      oldest = i;
  }
  g_clear_pointer (&scaler->axes[oldest], mxr_scale_axis_free);
  scaler->axes[oldest] = mxr_scale_axis_new (n_from, n_to);
  scaler->used[oldest] = scaler->n_calls;
  return scaler->axes[oldest];
}

static void
reserve_row (MxrScaler *scaler, int width)
{
  gsize bytes = (gsize) width + MXR_SCALE_ROW_PADDING;

  if (scaler->row_bytes >= bytes)
    return;
  g_free (scaler->row);
  scaler->row = g_malloc0 (bytes);
  scaler->row_bytes = bytes;
}

void
mxr_scaler_scale_plane (MxrScaler *scaler, const guint8 *from, int from_stride, int from_w, int from_h,
                        guint8 *to, int to_stride, int to_w, int to_h)
{
  const MxrScaleAxis *down = find_axis (scaler, from_h, to_h), *across = find_axis (scaler, from_w, to_w);

  reserve_row (scaler, from_w);
  for (int y = 0; y < to_h; y++) {
    const MxrScaleTaps *taps = &down->taps[y];
    guint8 *out = to + (gsize) y * (gsize) to_stride;
    const guint8 *rows[MXR_SCALE_TAPS];
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      rows[k] = from + (gsize) MIN (taps->first + k, from_h - 1) * (gsize) from_stride;
    scaler->ops->blend_rows (from_w == to_w ? out : scaler->row, rows, taps->weights, from_w);
    if (from_w != to_w)
      scaler->ops->scale_row (out, scaler->row, across);
  }
}
