#include "tone.h"

#include <math.h>
#include <string.h>

#define TONE_LOWEST_HZ 300.0
#define TONE_HIGHEST_HZ 3000.0
/* Of a click's amplitude of 0.4; what a coder at 32 kbit/s leaves of it is 0.25 and more. */
#define CLICK_THRESHOLD 0.15
#define CLICK_ASIDE_HZ 700
#define CLICK_CONTRAST 2.5
#define CLICK_DEAF_SAMPLES (MXR_SOUND_RATE_HZ * 3 / 10)

/* In even ratios, so that no sum or difference of two is a third. */
double
mxr_tone_get_hz (guint index)
{
  const double ratio = pow (TONE_HIGHEST_HZ / TONE_LOWEST_HZ, 1.0 / (MXR_TONES_MAX - 1));
  /* Neighbours in number are far apart in pitch: 27 has no factor in common with 64. */
  return round (2 * TONE_LOWEST_HZ * pow (ratio, index * 27 % MXR_TONES_MAX)) / 2;
}

double
mxr_tone_measure (const float *samples, guint n_samples, double hz)
{
  const double step = 2 * G_PI / n_samples;
  const double coefficient = 2 * cos (2 * G_PI * hz / MXR_SOUND_RATE_HZ);
  /* The window's cosine by the same recurrence. */
  const double window_coefficient = 2 * cos (step);
  double window_1 = cos (step), window_2 = cos (2 * step);
  double s1 = 0, s2 = 0;

  for (guint i = 0; i < n_samples; i++) {
    const double window = window_coefficient * window_1 - window_2;
    window_2 = window_1;
    window_1 = window;
    const double s0 = samples[i] * 0.5 * (1 - window) + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  const double power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
  return 4 * sqrt (MAX (power, 0)) / n_samples;
}

static double
get_click_hz (guint number)
{
  return MXR_CLICK_LOWEST_HZ + (double) MXR_CLICK_STEP_HZ * number;
}

void
mxr_click_add (float *samples, guint n_samples, guint number)
{
  const double hz = get_click_hz (number);

  for (guint i = 0; i < MIN (n_samples, MXR_CLICK_SAMPLES); i++)
    samples[i] += (float) (MXR_CLICK_AMPLITUDE * 0.5 * (1 - cos (2 * G_PI * i / MXR_CLICK_SAMPLES)) *
                           sin (2 * G_PI * hz * i / MXR_SOUND_RATE_HZ));
}

static bool
is_click (const float *window, guint number)
{
  const double hz = get_click_hz (number), there = mxr_tone_measure (window, MXR_CLICK_WINDOW_SAMPLES, hz);
  if (there < CLICK_THRESHOLD)
    return false;
  const double below = mxr_tone_measure (window, MXR_CLICK_WINDOW_SAMPLES, hz - CLICK_ASIDE_HZ);
  const double above = mxr_tone_measure (window, MXR_CLICK_WINDOW_SAMPLES, hz + CLICK_ASIDE_HZ);
  return there > CLICK_CONTRAST * MAX (below, above);
}

static bool
look (MxrClickDetector *detector)
{
  for (guint number = 0; number < MXR_CLICK_NUMBERS; number++)
    if (is_click (detector->window, number)) {
      detector->number = number;
      return true;
    }
  return false;
}

/* One hop's samples at most. */
static void
slide (MxrClickDetector *detector, const float *samples, guint n_samples)
{
  memmove (detector->window, detector->window + n_samples,
           (MXR_CLICK_WINDOW_SAMPLES - n_samples) * sizeof detector->window[0]);
  memcpy (detector->window + MXR_CLICK_WINDOW_SAMPLES - n_samples, samples, n_samples * sizeof samples[0]);
  detector->deaf_samples -= MIN (detector->deaf_samples, n_samples);
}

int
mxr_click_detector_feed (MxrClickDetector *detector, const float *samples, guint n_samples)
{
  int found = -1;

  for (guint at = 0; at < n_samples;) {
    const guint step = MIN (MXR_CLICK_HOP_SAMPLES - detector->since_hop, n_samples - at);
    slide (detector, samples + at, step);
    at += step;
    detector->since_hop = (detector->since_hop + step) % MXR_CLICK_HOP_SAMPLES;
    if (detector->since_hop != 0 || detector->deaf_samples > 0 || !look (detector))
      continue;
    detector->deaf_samples = CLICK_DEAF_SAMPLES;
    found = (int) at;
  }
  return found;
}
