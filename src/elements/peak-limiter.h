#ifndef MXR_PEAK_LIMITER_H
#define MXR_PEAK_LIMITER_H

#include <glib.h>

G_BEGIN_DECLS

/* Frames of 48000 Hz. The gain is down over so many before a peak, 4 ms; the interpolation looks ahead by six more, and
 * holds the gain as long on the other side. */
#define MXR_PEAK_FADE_FRAMES 192
#define MXR_PEAK_HALF_TAPS 6
#define MXR_PEAK_HOLD_FRAMES (MXR_PEAK_FADE_FRAMES + 2 * MXR_PEAK_HALF_TAPS)
#define MXR_PEAK_DELAY_FRAMES (MXR_PEAK_HOLD_FRAMES - 1)

/**
 * MxrPeakLimiter:
 *
 * Holds the true peaks of a sound, those between its samples too, below -1 dB of full scale, with a look-ahead of
 * %MXR_PEAK_DELAY_FRAMES. One gain for all channels. While nothing is above, the output is the input, delayed, bit by bit.
 * Source: ITU-R BS.1770-4 annex 2 (four times oversampled). The caller serialises.
 */
typedef struct {
  guint64 frame;
  guint32 need; /* the gain that a peak wants */
} MxrPeakDip;

typedef struct {
  guint n_channels;
  float taps[3][2 * MXR_PEAK_HALF_TAPS]; /* of the samples a quarter, a half and three quarters between two */
  float harmless;                        /* samples up to here have no peaks above the ceiling between them */
  float history[2][2 * MXR_PEAK_HALF_TAPS];
  float delay[2 * MXR_PEAK_DELAY_FRAMES];
  guint delay_at;                         /* [frames] */
  guint64 frame;                          /* that comes next */
  MxrPeakDip dips[MXR_PEAK_HOLD_FRAMES];  /* a ring: what is still held, each smaller than those before it... */
  guint dips_at, n_dips;                  /* ...so that the first one is the smallest */
  double held;                            /* the smallest of those, and what comes back after it; 0..1 */
  guint32 fade[MXR_PEAK_FADE_FRAMES];     /* the last ones; their mean is the gain */
  guint fade_at;
  guint64 fade_sum; /* of integers: it never drifts */
} MxrPeakLimiter;

/** mxr_peak_limiter_init: @n_channels: 1 or 2 */
void mxr_peak_limiter_init (MxrPeakLimiter *limiter, guint n_channels);

/** mxr_peak_limiter_run: @samples: n_frames x n_channels; 1.0 is full scale; in place */
void mxr_peak_limiter_run (MxrPeakLimiter *limiter, float *samples, guint n_frames);

G_END_DECLS

#endif
