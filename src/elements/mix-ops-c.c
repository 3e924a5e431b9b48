#include "mix-ops.h"

/* Plain loops that the compiler vectorises; at -O2 gcc 12 does so only for loops whose length it knows. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "S16LE and F32LE are read as the machine's own numbers"
#endif

static inline gint32
clamp_part (float value)
{
  value = value > -MXR_MIX_PART_MAX ? value : -MXR_MIX_PART_MAX;
  value = value < MXR_MIX_PART_MAX ? value : MXR_MIX_PART_MAX;
  return (gint32)(value + (value >= 0 ? 0.5f : -0.5f));
}

void
mxr_mix_from_s16 (gint32 *out, guint out_channels, const gint16 *in, guint in_channels, guint n_frames)
{
  const gint32 unit = 1 << MXR_MIX_FRACTION_BITS;

  if (in_channels == out_channels)
    for (guint i = 0; i < n_frames * in_channels; i++)
      out[i] = in[i] * unit;
  else if (in_channels == 1)
    for (guint i = 0; i < n_frames; i++)
      out[2 * i] = out[2 * i + 1] = in[i] * unit;
  else
    for (guint i = 0; i < n_frames; i++)
      out[i] = (in[2 * i] + in[2 * i + 1]) * (unit / 2);
}

static inline gint32
from_float (float value)
{
  return clamp_part (value == value ? value * (float)(32768 << MXR_MIX_FRACTION_BITS) : 0);
}

void
mxr_mix_from_f32 (gint32 *out, guint out_channels, const float *in, guint in_channels, guint n_frames)
{
  if (in_channels == out_channels)
    for (guint i = 0; i < n_frames * in_channels; i++)
      out[i] = from_float (in[i]);
  else if (in_channels == 1)
    for (guint i = 0; i < n_frames; i++)
      out[2 * i] = out[2 * i + 1] = from_float (in[i]);
  else
    for (guint i = 0; i < n_frames; i++)
      out[i] = (from_float (in[2 * i]) + from_float (in[2 * i + 1])) / 2;
}

void
mxr_mix_to_s16 (gint16 *out, const gint32 *in, guint n_samples)
{
  const gint32 half = 1 << (MXR_MIX_FRACTION_BITS - 1);

  for (guint i = 0; i < n_samples; i++) {
    gint32 value = (in[i] + half) >> MXR_MIX_FRACTION_BITS;
    value = value < G_MAXINT16 ? value : G_MAXINT16;
    out[i] = value > G_MININT16 ? value : G_MININT16;
  }
}

void
mxr_mix_add (gint32 *restrict sum, const gint32 *restrict part, guint n_samples)
{
  for (guint i = 0; i < n_samples; i++)
    sum[i] += part[i];
}

guint32
mxr_mix_subtract (gint32 *restrict out, const gint32 *restrict sum, const gint32 *restrict part,
                  guint n_samples)
{
  gint32 low = 0, high = 0;

  for (guint i = 0; i < n_samples; i++) {
    gint32 value = sum[i] - part[i];
    out[i] = value;
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return MAX (high, -low);
}

guint32
mxr_mix_peak (const gint32 *in, guint n_samples)
{
  gint32 low = 0, high = 0;

  for (guint i = 0; i < n_samples; i++) {
    low = in[i] < low ? in[i] : low;
    high = in[i] > high ? in[i] : high;
  }
  return MAX (high, -low);
}

double
mxr_mix_mean_square (const gint32 *in, guint n_samples)
{
  /* Eight sums side by side: a float sum may not be reordered by the compiler, and is the better for it. */
  float sums[8] = { 0 };
  double sum = 0;
  guint whole = n_samples & ~7u;

  if (n_samples == 0)
    return 0;
  for (guint i = 0; i < whole; i += 8)
    for (guint k = 0; k < 8; k++) {
      float value = in[i + k] * (1.0f / (32768 << MXR_MIX_FRACTION_BITS));
      sums[k] += value * value;
    }
  for (guint i = whole; i < n_samples; i++) {
    float value = in[i] * (1.0f / (32768 << MXR_MIX_FRACTION_BITS));
    sums[0] += value * value;
  }
  for (guint k = 0; k < 8; k++)
    sum += sums[k];
  return sum / n_samples;
}

void
mxr_mix_ramp (gint32 *samples, guint n_channels, guint n_frames, float gain, float step)
{
  if (n_channels == 1)
    for (guint i = 0; i < n_frames; i++)
      samples[i] = clamp_part (samples[i] * (gain + (gint32)(i + 1) * step));
  else
    for (guint i = 0; i < 2 * n_frames; i++)
      samples[i] = clamp_part (samples[i] * (gain + (gint32)(i / 2 + 1) * step));
}

void
mxr_mix_crossfade (gint32 *samples, const gint32 *from, guint n_channels, guint n_frames)
{
  float step = 1.0f / n_frames;

  for (guint i = 0; i < n_frames * n_channels; i++) {
    float weight = (i / n_channels) * step;
    samples[i] = clamp_part (from[i] + weight * ((float)samples[i] - from[i]));
  }
}

guint64
mxr_mix_distance (const gint32 *a, const gint32 *b, guint n_samples)
{
  guint64 sum = 0;

  for (guint i = 0; i < n_samples; i++)
    sum += ABS (a[i] - b[i]);
  return sum;
}
