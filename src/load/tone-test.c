#include "tone.h"

#include <math.h>
#include <string.h>

#define HALF_SECOND (MXR_SOUND_RATE_HZ / 2)

static void
add_sine (float *samples, guint n_samples, double hz, double amplitude, double phase)
{
  for (guint i = 0; i < n_samples; i++)
    samples[i] += (float) (amplitude * sin (phase + 2 * G_PI * hz * i / MXR_SOUND_RATE_HZ));
}

static void
add_noise (float *samples, guint n_samples, double amplitude)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (4);
  for (guint i = 0; i < n_samples; i++)
    samples[i] += (float) (amplitude * g_rand_double_range (random, -1, 1));
}

static void
test_amplitude (void)
{
  for (guint i = 0; i < MXR_TONES_MAX; i++) {
    g_autofree float *samples = g_new0 (float, HALF_SECOND);
    add_sine (samples, HALF_SECOND, mxr_tone_get_hz (i), 0.1, i);
    g_assert_cmpfloat_with_epsilon (mxr_tone_measure (samples, HALF_SECOND, mxr_tone_get_hz (i)), 0.1, 0.001);
  }
}

/* All of a room at once, but one: that one is not there. */
static void
test_absent (void)
{
  for (guint absent = 0; absent < MXR_TONES_MAX; absent++) {
    g_autofree float *samples = g_new0 (float, HALF_SECOND);
    for (guint i = 0; i < MXR_TONES_MAX; i++)
      if (i != absent)
        add_sine (samples, HALF_SECOND, mxr_tone_get_hz (i), 0.1, i);
    g_assert_cmpfloat (mxr_tone_measure (samples, HALF_SECOND, mxr_tone_get_hz (absent)), <, 0.1 / 300);
  }
}

static void
test_tones_differ (void)
{
  for (guint i = 0; i < MXR_TONES_MAX; i++) {
    const double hz = mxr_tone_get_hz (i);
    g_assert_cmpfloat (hz * 2, ==, floor (hz * 2));
    g_assert_cmpfloat (hz, <, MXR_CLICK_LOWEST_HZ - 700);
    for (guint k = 0; k < i; k++)
      g_assert_cmpfloat (fabs (hz - mxr_tone_get_hz (k)), >, 9); /* more than the window's main lobe at half a second */
  }
}

static int
find_click (const float *samples, guint n_samples, guint n_chunk, guint *out_number)
{
  MxrClickDetector detector = { 0 };
  int found = -1;

  for (guint at = 0; at < n_samples; at += n_chunk) {
    const int within = mxr_click_detector_feed (&detector, samples + at, MIN (n_chunk, n_samples - at));
    if (within >= 0) {
      g_assert_cmpint (found, ==, -1);
      g_assert_cmpint (within, >, 0);
      g_assert_cmpint (within, <=, (int) n_chunk);
      found = (int) at + within;
      *out_number = detector.number;
    }
  }
  return found;
}

/* Wherever it is, it is known within the same few milliseconds, however the stream is cut. */
static void
test_click (void)
{
  for (guint at = 0, number = 0; at < 12000; at += 611, number = (number + 1) % MXR_CLICK_NUMBERS) {
    guint seen = G_MAXUINT;
    g_autofree float *samples = g_new0 (float, 14400);
    add_noise (samples, 14400, 0.02);
    add_sine (samples, 14400, 440, 0.3, 0);
    mxr_click_add (samples + at, 14400 - at, number);
    const int found = find_click (samples, 14400, 960, &seen);
    g_assert_cmpint (found, >, (int) at);
    g_assert_cmpint (found - (int) at, <=, MXR_CLICK_SAMPLES);
    g_assert_cmpuint (seen, ==, number);
    g_assert_cmpint (find_click (samples, 14400, 1, &seen), ==, found);
    g_assert_cmpint (find_click (samples, 14400, 7, &seen), ==, found);
    g_assert_cmpint (find_click (samples, 14400, 14400, &seen), ==, found);
  }
}

static void
test_no_click (void)
{
  g_autofree float *samples = g_new0 (float, MXR_SOUND_RATE_HZ);
  guint number;

  g_assert_cmpint (find_click (samples, MXR_SOUND_RATE_HZ, 960, &number), ==, -1);
  add_noise (samples, MXR_SOUND_RATE_HZ, 0.4); /* a loud sibilant */
  g_assert_cmpint (find_click (samples, MXR_SOUND_RATE_HZ, 960, &number), ==, -1);
  memset (samples, 0, MXR_SOUND_RATE_HZ * sizeof samples[0]);
  for (guint i = 0; i < MXR_TONES_MAX; i++)
    add_sine (samples, MXR_SOUND_RATE_HZ, mxr_tone_get_hz (i), 0.1, 0);
  g_assert_cmpint (find_click (samples, MXR_SOUND_RATE_HZ, 960, &number), ==, -1);
}

static void
test_click_at_the_end (void)
{
  float few[10] = { 0 };
  mxr_click_add (few, 0, 0);
  mxr_click_add (few, 10, 0);
  g_assert_cmpfloat (fabs (few[9]), <, 0.01);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/tone/amplitude", test_amplitude);
  g_test_add_func ("/load/tone/absent", test_absent);
  g_test_add_func ("/load/tone/tones-differ", test_tones_differ);
  g_test_add_func ("/load/tone/click", test_click);
  g_test_add_func ("/load/tone/no-click", test_no_click);
  g_test_add_func ("/load/tone/click-at-the-end", test_click_at_the_end);
  return g_test_run ();
}
