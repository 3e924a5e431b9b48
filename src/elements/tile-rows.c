#include "tile-rows.h"

#include <math.h>

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

/* Catmull and Rom's spline. @x: distance from the middle, in its own unit */
static double
spline (double x)
{
  x = fabs (x);
  if (x < 1)
    return 1 + x * x * (1.5 * x - 2.5);
  return x < 2 ? 2 + x * (-4 + x * (2.5 - 0.5 * x)) : 0;
}

/* Rounds what has come together, and not each weight, so that the sum is exact. One that has all is alone. */
static void
round_weights (const double exact[MXR_SCALE_TAPS], gint16 weights[MXR_SCALE_TAPS])
{
  double sum = 0, total = exact[0] + exact[1] + exact[2] + exact[3];
  int before = 0, lone = -1;

  for (int k = 0; k < MXR_SCALE_TAPS; k++) {
    sum += exact[k];
    int through = (int) lrint (MXR_SCALE_ONE * sum / total);
    weights[k] = (gint16) (through - before);
    lone = weights[k] >= MXR_SCALE_ONE ? k : lone;
    before = through;
  }
  for (int k = 0; k < MXR_SCALE_TAPS && lone >= 0; k++)
    weights[k] = k == lone ? MXR_SCALE_ONE : 0;
}

/* The two samples on either side of the new one's middle. What lies outside counts as the border's. */
static void
choose_taps (const MxrScaleAxis *axis, int to, MxrScaleTaps *taps)
{
  double ratio = (double) axis->n_from / axis->n_to, stretch = ratio > 1 ? (1 + ratio) / 2 : 1;
  double middle = CLAMP ((to + 0.5) * ratio - 0.5, 0, axis->n_from - 1);
  double exact[MXR_SCALE_TAPS] = { 0 };

  taps->first = (gint32) middle - 1;
  for (int k = 0; k < MXR_SCALE_TAPS; k++) {
    int inside = CLAMP (taps->first + k, 0, axis->n_from - 1);
    exact[inside - taps->first] += spline ((taps->first + k - middle) / stretch);
  }
  round_weights (exact, taps->weights);
}

static void
fill_lane (MxrScaleBlock *block, int lane, const MxrScaleTaps *taps)
{
  block->from[lane] = taps->first;
  for (int i = 0; i < MXR_SCALE_BLOCK / 2; i++, taps++) {
    int at = lane * MXR_SCALE_BLOCK + 2 * i;
    for (int k = 0; k < MXR_SCALE_TAPS; k++) {
      block->pick[at + (k & 1)] = (guint8) (taps->first - block->from[lane] + (k & 1));
      block->weights[k / 2][at + (k & 1)] = (gint8) taps->weights[k];
    }
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      if (taps->weights[k] == MXR_SCALE_ONE) {
        block->pick[at] = block->pick[at + 1] = block->pick[at + (k & 1)];
        block->weights[k / 2][at] = block->weights[k / 2][at + 1] = MXR_SCALE_ONE / 2;
      }
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
  for (int i = 0; i < n_to; i++)
    choose_taps (axis, i, &axis->taps[i]);

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
  gsize bytes = (gsize) width + 2 * MXR_SCALE_ROW_PADDING;

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
  guint8 *row = scaler->row + MXR_SCALE_ROW_PADDING;
  for (int y = 0; y < to_h; y++) {
    const MxrScaleTaps *taps = &down->taps[y];
    guint8 *out = to + (gsize) y * (gsize) to_stride;
    const guint8 *rows[MXR_SCALE_TAPS];
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      rows[k] = from + (gsize) CLAMP (taps->first + k, 0, from_h - 1) * (gsize) from_stride;
    scaler->ops->blend_rows (from_w == to_w ? out : row, rows, taps->weights, from_w);
    if (from_w != to_w)
      scaler->ops->scale_row (out, row, across);
  }
}
