#include "scale-ops.h"

#define HALF (MXR_SCALE_ONE / 2)

static void
blend_rows (guint8 *out, const guint8 *const rows[MXR_SCALE_TAPS], const guint8 weights[MXR_SCALE_TAPS],
            int n)
{
  for (int i = 0; i < n; i++) {
    int sum = HALF;
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      sum += rows[k][i] * weights[k];
    out[i] = (guint8) (sum >> MXR_SCALE_WEIGHT_BITS);
  }
}

static void
scale_row (guint8 *out, const guint8 *row, const MxrScaleAxis *axis)
{
  for (int i = 0; i < axis->n_to; i++) {
    const MxrScaleTaps *taps = &axis->taps[i];
    int sum = HALF;
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      sum += row[taps->first + k] * taps->weights[k];
    out[i] = (guint8) (sum >> MXR_SCALE_WEIGHT_BITS);
  }
}

const MxrScaleOps mxr_scale_ops_c = { "c", blend_rows, scale_row };
