#include "scale-ops.h"

/* Each two are added in 16 bits, then the two sums. */
static inline guint8
weigh (const guint8 samples[MXR_SCALE_TAPS], const gint16 weights[MXR_SCALE_TAPS])
{
  int near = samples[0] * weights[0] + samples[1] * weights[1];
  int far = samples[2] * weights[2] + samples[3] * weights[3];
  int sum = CLAMP (near, G_MININT16, G_MAXINT16) + CLAMP (far, G_MININT16, G_MAXINT16);
  int rounded = (CLAMP (sum, G_MININT16, G_MAXINT16) + MXR_SCALE_ONE / 2) >> MXR_SCALE_WEIGHT_BITS;
  return (guint8) CLAMP (rounded, 0, G_MAXUINT8);
}

static void
blend_rows (guint8 *out, const guint8 *const rows[MXR_SCALE_TAPS], const gint16 weights[MXR_SCALE_TAPS],
            int n)
{
  for (int i = 0; i < n; i++) {
    const guint8 samples[MXR_SCALE_TAPS] = { rows[0][i], rows[1][i], rows[2][i], rows[3][i] };
    out[i] = weigh (samples, weights);
  }
}

static void
scale_row (guint8 *out, const guint8 *row, const MxrScaleAxis *axis)
{
  for (int i = 0; i < axis->n_to; i++)
    out[i] = weigh (row + axis->taps[i].first, axis->taps[i].weights);
}

const MxrScaleOps mxr_scale_ops_c = { "c", blend_rows, scale_row };
