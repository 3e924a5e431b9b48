#include <math.h>

#include "mix-limiter.h"
#include "mix-ops.h"

#define BLOCK 960

static void
make_block (gint32 *out, double frequency_hz, double amplitude, guint block)
{
  for (guint i = 0; i < BLOCK; i++)
    out[i] = (gint32)lrint (amplitude * MXR_MIX_FULL_SCALE *
                            sin (2 * G_PI * frequency_hz * (block * BLOCK + i) / 48000.0));
}

static int
run (MxrMixLimiter *limiter, gint16 *out, const gint32 *in)
{
  int largest = 0;

  mxr_mix_limiter_run (limiter, out, in, 1, BLOCK, mxr_mix_peak (in, BLOCK));
  for (guint i = 0; i < BLOCK; i++)
    largest = MAX (largest, ABS ((int)out[i]));
  return largest;
}

static void
test_transparent_up_to_full_scale (void)
{
  MxrMixLimiter limiter = MXR_MIX_LIMITER_INIT;
  gint32 in[BLOCK];
  gint16 out[BLOCK], expected[BLOCK];

  for (guint block = 0; block < 10; block++) {
    make_block (in, 440, 1.0, block);
    run (&limiter, out, in);
    mxr_mix_to_s16 (expected, in, BLOCK);
    g_assert_cmpmem (out, sizeof out, expected, sizeof expected);
  }
  g_assert_cmpfloat (limiter.gain, ==, 1.0f);
}

/* From nothing to 50 times too loud at once, at all pitches: the sign is kept, the level held, the wave
 * unbroken. */
static void
test_holds_what_is_far_too_loud (void)
{
  for (double frequency_hz = 55; frequency_hz < 12000; frequency_hz *= 2.3) {
    MxrMixLimiter limiter = MXR_MIX_LIMITER_INIT;
    gint32 in[BLOCK];
    gint16 out[BLOCK], last = 0;
    for (guint block = 0; block < 50; block++) {
      make_block (in, frequency_hz, 50.0, block);
      g_assert_cmpint (run (&limiter, out, in), <=, 32768);
      for (guint i = 0; i < BLOCK; i++)
        g_assert_cmpint (in[i] < 0 ? -out[i] : out[i], >=, 0);
      double slope = 2 * sin (G_PI * frequency_hz / 48000) * 32767; /* of a full sine */
      for (guint i = 0; i < BLOCK && block > 1; i++) {
        g_assert_cmpfloat (ABS (out[i] - last), <=, slope * 1.1 + 2);
        last = out[i];
      }
      last = out[BLOCK - 1];
    }
    g_assert_cmpfloat (limiter.gain, >, 0.9 * 0.95 / 50);
    g_assert_cmpfloat (limiter.gain, <, 1.1 * 0.95 / 50);
  }
}

static void
test_comes_back_to_exactly_one (void)
{
  MxrMixLimiter limiter = MXR_MIX_LIMITER_INIT, resting;
  gint32 in[BLOCK];
  gint16 out[BLOCK];

  make_block (in, 440, 4.0, 0);
  run (&limiter, out, in);
  g_assert_cmpfloat (limiter.gain, <, 0.3);
  resting = limiter;
  make_block (in, 440, 0.1, 0);
  for (guint block = 0; block < 25; block++) {
    float before = limiter.gain;
    run (&limiter, out, in);
    mxr_mix_limiter_rest (&resting, BLOCK);
    g_assert_cmpfloat (limiter.gain / before, <, 1.06); /* 20 dB a second are 0.4 dB a block */
  }
  g_assert_cmpfloat (limiter.gain, <, 1.0f);
  g_assert_cmpfloat (limiter.gain, ==, resting.gain);
  for (guint block = 0; block < 25; block++)
    run (&limiter, out, in);
  g_assert_cmpfloat (limiter.gain, ==, 1.0f);
}

/* Largest sums there can be, with alternating signs: no wrap. */
static void
test_extremes (void)
{
  MxrMixLimiter limiter = MXR_MIX_LIMITER_INIT;
  gint32 in[BLOCK];
  gint16 out[BLOCK];

  for (guint i = 0; i < BLOCK; i++)
    in[i] = i % 2 ? 1 << 30 : -(1 << 30);
  for (guint block = 0; block < 3; block++) {
    run (&limiter, out, in);
    for (guint i = 0; i < BLOCK; i++)
      g_assert_true (i % 2 ? out[i] > 0 : out[i] < 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mix-limiter/transparent-up-to-full-scale", test_transparent_up_to_full_scale);
  g_test_add_func ("/mix-limiter/holds-what-is-far-too-loud", test_holds_what_is_far_too_loud);
  g_test_add_func ("/mix-limiter/comes-back-to-exactly-one", test_comes_back_to_exactly_one);
  g_test_add_func ("/mix-limiter/extremes", test_extremes);
  return g_test_run ();
}
