#include "mix-limiter.h"

#include "mix-ops.h"

/* The gain is a polyline with a node every millisecond. */
#define STEP_FRAMES 48
/* Where the gain of a block starts too high, it comes down in a third of that; the rest is clipped. */
#define HASTE_FRAMES 16
/* Peaks are brought to -0.45 dBFS: room for what grows while the gain still falls. */
#define CEILING (0.95f * MXR_MIX_FULL_SCALE)
/* 20 dB a second: 10^(20 / 20 / 1000) a step. */
#define RELEASE_PER_STEP 1.002305f

static float
gain_for (guint32 peak)
{
  return peak > CEILING ? CEILING / peak : 1.0f;
}

static void
scale (gint16 *out, const gint32 *in, guint n_channels, guint n_frames, float from, float to)
{
  gint32 scaled[2 * STEP_FRAMES];
  float step = (to - from) / n_frames;

  for (guint i = 0; i < n_frames * n_channels; i++)
    scaled[i] = (gint32)(in[i] * (from + (gint32)(i / n_channels) * step));
  mxr_mix_to_s16 (out, scaled, n_frames * n_channels);
}

void
mxr_mix_limiter_run (MxrMixLimiter *limiter, gint16 *out, const gint32 *in, guint n_channels, guint n_frames,
                     guint32 peak)
{
  g_return_if_fail (n_frames % STEP_FRAMES == 0 && n_channels <= 2);

  if (limiter->gain == 1.0f && peak <= MXR_MIX_FULL_SCALE) {
    mxr_mix_to_s16 (out, in, n_frames * n_channels);
    return;
  }

  guint step_samples = STEP_FRAMES * n_channels;
  guint n_steps = n_frames / STEP_FRAMES;
  float allowed = gain_for (mxr_mix_peak (in, step_samples));
  for (guint i = 0; i < n_steps; i++, in += step_samples, out += step_samples) {
    float from = limiter->gain;
    float allowed_next = i + 1 < n_steps ? gain_for (mxr_mix_peak (in + step_samples, step_samples)) : 1.0f;
    float to = MIN (MIN (from * RELEASE_PER_STEP, 1.0f), MIN (allowed, allowed_next));
    guint n_haste = from > allowed ? HASTE_FRAMES : 0;

    if (n_haste > 0)
      scale (out, in, n_channels, n_haste, from, to);
    scale (out + n_haste * n_channels, in + n_haste * n_channels, n_channels, STEP_FRAMES - n_haste,
           n_haste > 0 ? to : from, to);
    limiter->gain = to;
    allowed = allowed_next;
  }
}

void
mxr_mix_limiter_rest (MxrMixLimiter *limiter, guint n_frames)
{
  for (guint i = 0; limiter->gain < 1.0f && i < n_frames / STEP_FRAMES; i++)
    limiter->gain = MIN (limiter->gain * RELEASE_PER_STEP, 1.0f);
}
