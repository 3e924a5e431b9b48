#ifndef MXR_LOAD_TONE_H
#define MXR_LOAD_TONE_H

#include <stdbool.h>
#include <glib.h>

/* Tones and clicks: what talkers send to be known by, and how they are found again. Pure. */

#define MXR_SOUND_RATE_HZ 48000
#define MXR_SOUND_FRAME_SAMPLES 960 /* 20 ms */

/* Tones of one room, all below the click. */
#define MXR_TONES_MAX 64
#define MXR_TONE_AMPLITUDE 0.1 /* six at once and a click stay below full scale: the server's limiter rests */

/** mxr_tone_get_hz: @index: [0..MXR_TONES_MAX). Returns: a multiple of 0.5 Hz: two seconds loop without a seam. */
double mxr_tone_get_hz (guint index);

/**
 * mxr_tone_measure:
 * @samples: mono, full scale is 1
 *
 * Returns: amplitude of the sine at @hz, through a Hann window. Source: Goertzel, Amer. Math. Monthly 65 (1958).
 */
double mxr_tone_measure (const float *samples, guint n_samples, double hz);

/* Clicks are numbered by their pitch, so that one that comes late is not taken for the next. */
#define MXR_CLICK_NUMBERS 4
#define MXR_CLICK_LOWEST_HZ 4200
#define MXR_CLICK_STEP_HZ 1400
#define MXR_CLICK_SAMPLES 480 /* 10 ms, Hann-shaped */
#define MXR_CLICK_AMPLITUDE 0.4

/**
 * mxr_click_add: Adds one click to @samples, from the first on.
 * @n_samples: there are
 * @number: [0..MXR_CLICK_NUMBERS)
 */
void mxr_click_add (float *samples, guint n_samples, guint number);

#define MXR_CLICK_WINDOW_SAMPLES 240
#define MXR_CLICK_HOP_SAMPLES 48

/** MxrClickDetector: Finds clicks in a stream. A zeroed one is new. */
typedef struct {
  float window[MXR_CLICK_WINDOW_SAMPLES]; /* the latest */
  guint since_hop;                        /* samples since the last look */
  guint deaf_samples;                     /* after one that was found */
  guint number;                           /* of the one that was found last */
} MxrClickDetector;

/**
 * mxr_click_detector_feed:
 *
 * Only what is narrow counts: sibilants are as loud, but loud beside that frequency too.
 *
 * Returns: index in @samples at which a click was known [samples], and @detector has its number; -1: none. At most one
 * in 300 ms.
 */
int mxr_click_detector_feed (MxrClickDetector *detector, const float *samples, guint n_samples);

#endif
