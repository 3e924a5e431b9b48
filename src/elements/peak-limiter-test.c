#include <ebur128.h>
#include <math.h>

#include "peak-limiter.h"

#define RATE_HZ 48000
#define N_FRAMES (2 * RATE_HZ)
/* What the ceiling is announced as, and what two ways of interpolating may differ by [dB]. */
#define CEILING_DBTP (-1.0)

static double
true_peak_db (const float *samples, guint n_channels, guint n_frames)
{
  ebur128_state *meter = ebur128_init (n_channels, RATE_HZ, EBUR128_MODE_TRUE_PEAK);
  double highest = 0;

  ebur128_add_frames_float (meter, samples, n_frames);
  for (guint c = 0; c < n_channels; c++) {
    double peak = 0;
    ebur128_true_peak (meter, c, &peak);
    highest = MAX (highest, peak);
  }
  ebur128_destroy (&meter);
  return 20 * log10 (highest);
}

/* In blocks of changing lengths. */
static void
run (float *samples, guint n_channels, guint n_frames)
{
  MxrPeakLimiter limiter;

  mxr_peak_limiter_init (&limiter, n_channels);
  for (guint done = 0, n = 1; done < n_frames; done += n) {
    n = MIN (1 + done * 7 % 1000, n_frames - done);
    mxr_peak_limiter_run (&limiter, samples + done * n_channels, n);
  }
}

static void
test_transparent_below_the_ceiling (void)
{
  g_autofree float *samples = g_new (float, 2 * N_FRAMES), *out = g_new (float, 2 * N_FRAMES);

  for (guint i = 0; i < 2 * N_FRAMES; i++)
    samples[i] = out[i] = (float) (0.85 * sin (i / 2 * 0.013 + i % 2));
  run (out, 2, N_FRAMES);
  for (guint i = 0; i < 2 * MXR_PEAK_DELAY_FRAMES; i++)
    g_assert_true (out[i] == 0);
  for (guint i = 2 * MXR_PEAK_DELAY_FRAMES; i < 2 * N_FRAMES; i++)
    g_assert_true (out[i] == samples[i - 2 * MXR_PEAK_DELAY_FRAMES]);
}

typedef double (*Sound) (guint frame);

/* Its samples are at 0.71 of what is between them. */
static double
quarter_rate (guint i)
{
  return sin (G_PI / 2 * i + G_PI / 4);
}

static double
bursts (guint i)
{
  return i % 9000 < 300 ? 8 * sin (i * 0.3) : 0.01 * sin (i * 0.1);
}

static double
clicks (guint i)
{
  return i % 6007 == 0 ? 20 : i % 6007 == 150 ? -3 : 0;
}

static double
square (guint i)
{
  return i / 37 % 2 ? 2 : -2;
}

static double
noise (guint i)
{
  return ((i * 1103515245u + 12345u) >> 8 & 0xffff) / 16384.0 - 2;
}

static void
test_no_true_peak_is_above (void)
{
  static const Sound sounds[] = { quarter_rate, bursts, clicks, square, noise };

  for (guint k = 0; k < G_N_ELEMENTS (sounds); k++)
    for (guint n_channels = 1; n_channels <= 2; n_channels++) {
      g_autofree float *samples = g_new (float, n_channels * N_FRAMES);
      for (guint i = 0; i < n_channels * N_FRAMES; i++)
        samples[i] = (float) (sounds[k](i / n_channels) * (i % n_channels ? 0.5 : 1));
      run (samples, n_channels, N_FRAMES);
      double peak_db = true_peak_db (samples, n_channels, N_FRAMES);
      g_test_message ("sound %u: %.2f dBTP", k, peak_db);
      g_assert_cmpfloat (peak_db, <=, CEILING_DBTP);
      g_assert_cmpfloat (peak_db, >, CEILING_DBTP - 1);
    }
}

/* After a peak of 20 dB too much all is as before, half a second and the look-ahead later; and exactly so. */
static void
test_comes_back (void)
{
  g_autofree float *samples = g_new (float, N_FRAMES), *out = g_new (float, N_FRAMES);

  for (guint i = 0; i < N_FRAMES; i++)
    samples[i] = out[i] = i == 4800 ? 8.81f : (float) (0.1 * sin (i * 0.01));
  run (out, 1, N_FRAMES);
  guint back = 4800 + RATE_HZ * 55 / 100;
  g_assert_cmpfloat (fabsf (out[4900 + MXR_PEAK_DELAY_FRAMES]), <, fabsf (samples[4900]) / 5);
  for (guint i = back; i < N_FRAMES; i++)
    g_assert_true (out[i] == samples[i - MXR_PEAK_DELAY_FRAMES]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/peak-limiter/transparent-below-the-ceiling", test_transparent_below_the_ceiling);
  g_test_add_func ("/peak-limiter/no-true-peak-is-above", test_no_true_peak_is_above);
  g_test_add_func ("/peak-limiter/comes-back", test_comes_back);
  return g_test_run ();
}
