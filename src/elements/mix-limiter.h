#ifndef MXR_MIX_LIMITER_H
#define MXR_MIX_LIMITER_H

#include <glib.h>

G_BEGIN_DECLS

/**
 * MxrMixLimiter:
 * @gain: at the end of the last block; exactly 1 when nothing was limited for a while
 *
 * Brings wide samples down to 16 bit. While the gain is 1 and no sample is above full scale, the output is
 * the input, bit by bit. Otherwise one gain for all channels goes down within a millisecond and comes back at
 * 20 dB a second: slow against the period of a voice, so that the wave keeps its shape. There is no delay:
 * what a block's first samples overshoot before the gain is down is clipped at full scale. The same input
 * gives the same output, so equal gains mean equal outputs. The caller serialises.
 */
typedef struct _MxrMixLimiter {
  float gain;
} MxrMixLimiter;

#define MXR_MIX_LIMITER_INIT                                                                                 \
  {                                                                                                          \
    1.0f                                                                                                     \
  }

/**
 * mxr_mix_limiter_run:
 * @in: n_frames x n_channels, wide; see mix-ops.h
 * @peak: largest magnitude in @in
 * @n_frames: whole milliseconds at 48000 Hz
 */
void mxr_mix_limiter_run (MxrMixLimiter *limiter, gint16 *out, const gint32 *in, guint n_channels,
                          guint n_frames, guint32 peak);

/** mxr_mix_limiter_rest: What mxr_mix_limiter_run() does to the gain when a block is silent. */
void mxr_mix_limiter_rest (MxrMixLimiter *limiter, guint n_frames);

G_END_DECLS

#endif
