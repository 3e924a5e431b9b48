#ifndef MXR_MIX_OPS_H
#define MXR_MIX_OPS_H

#include <glib.h>

G_BEGIN_DECLS

/* The arithmetic of the audio mixer, without pads, threads or time.
 *
 * Samples are mixed as "wide" ones: S32 with the 16 bit sample in bits 4 to 19. An integer sum is exact and
 * does not depend on the order, so sum minus one part *is* the sum of the others, to the last bit; a float
 * sum only nearly is. Four bits of fraction keep what a volume or an F32 input has below 16 bit. One part is
 * at most 2^21 (four times full scale), so 2^9 parts stay below 2^30.
 *
 * Blocks are interleaved: n_frames x n_channels. */

#define MXR_MIX_FRACTION_BITS 4
#define MXR_MIX_FULL_SCALE (32767 << MXR_MIX_FRACTION_BITS)
#define MXR_MIX_PART_MAX (1 << 21)
#define MXR_MIX_PARTS_MAX 512

/**
 * mxr_mix_from_s16: (and mxr_mix_from_f32)
 * @in: n_frames x in_channels
 * @out: n_frames x out_channels
 *
 * Widens and maps 1 or 2 channels to 1 or 2: mono goes to both sides, stereo becomes the mean. F32 beyond
 * four times full scale is clipped there, NaN is silence.
 */
void mxr_mix_from_s16 (gint32 *out, guint out_channels, const gint16 *in, guint in_channels, guint n_frames);
void mxr_mix_from_f32 (gint32 *out, guint out_channels, const float *in, guint in_channels, guint n_frames);

/** mxr_mix_to_s16: Rounds to the nearest, saturates. Exact for what came from S16. */
void mxr_mix_to_s16 (gint16 *out, const gint32 *in, guint n_samples);

void mxr_mix_add (gint32 *sum, const gint32 *part, guint n_samples);

/** mxr_mix_subtract: Returns: the largest magnitude in @out, so that the limiter need not look again. */
guint32 mxr_mix_subtract (gint32 *out, const gint32 *sum, const gint32 *part, guint n_samples);
guint32 mxr_mix_peak (const gint32 *in, guint n_samples);

/** mxr_mix_mean_square: Returns: 1.0 for a square wave of full scale. */
double mxr_mix_mean_square (const gint32 *in, guint n_samples);

/**
 * mxr_mix_ramp:
 * @gain: of the frame before the first
 * @step: added from frame to frame
 *
 * In place; the result is held within %MXR_MIX_PART_MAX.
 */
void mxr_mix_ramp (gint32 *samples, guint n_channels, guint n_frames, float gain, float step);

/** mxr_mix_crossfade: In place: @samples starts as @from and ends as itself, @n_frames later. */
void mxr_mix_crossfade (gint32 *samples, const gint32 *from, guint n_channels, guint n_frames);

/** mxr_mix_distance: Returns: the sum of the absolute differences. */
guint64 mxr_mix_distance (const gint32 *a, const gint32 *b, guint n_samples);

G_END_DECLS

#endif
