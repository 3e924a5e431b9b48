#ifndef MXR_TONES_H
#define MXR_TONES_H

#include <glib.h>

G_BEGIN_DECLS

/* The oracle of every audio test: each input sends its own tone, and a mix is right when exactly the expected
 * tones are in it. Tones lie on multiples of 100 Hz: over a whole number of 10 ms stretches they are
 * orthogonal, so one is measured without a trace of the others. */

#define TONES_RATE_HZ 48000

/** tones_frequency: Returns: the tone of input @k [Hz]; 300 Hz and up, below 20 kHz for 0..190. */
double tones_frequency (guint k);

/**
 * tones_write:
 * @out: n_frames x n_channels; the same in all channels
 * @amplitude: 1.0 is full scale
 * @position: of the first frame, so that pieces join without a jump
 */
void tones_write_s16 (gint16 *out, guint n_channels, guint n_frames, double frequency_hz, double amplitude,
                      guint64 position);
void tones_write_f32 (float *out, guint n_channels, guint n_frames, double frequency_hz, double amplitude,
                      guint64 position);

/**
 * tones_measure:
 * @in: n_frames x n_channels
 * @channel: which one is looked at
 * @n_frames: a multiple of 480 for exactness
 *
 * Goertzel's algorithm.
 * Returns: amplitude of that frequency; 1.0 is full scale.
 */
double tones_measure (const gint16 *in, guint n_channels, guint channel, guint n_frames, double frequency_hz);

/** tones_largest_jump: Returns: the largest step from a sample to the next of the same channel; 1.0 is full
 * scale. */
double tones_largest_jump (const gint16 *in, guint n_channels, guint n_frames);

G_END_DECLS

#endif
