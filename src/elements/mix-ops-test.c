#include <math.h>
#include <string.h>

#include "mix-ops.h"

#define N 961 /* odd: no vector width divides it */

static void
fill_random (GRand *random, gint16 *out, guint n)
{
  for (guint i = 0; i < n; i++)
    out[i] = (gint16)g_rand_int_range (random, G_MININT16, G_MAXINT16 + 1);
}

static void
test_s16_comes_back_exactly (void)
{
  gint16 in[65536], out[65536];
  gint32 *wide = g_new (gint32, 65536);

  for (int i = 0; i < 65536; i++)
    in[i] = (gint16)(i - 32768);
  mxr_mix_from_s16 (wide, 1, in, 1, 65536);
  mxr_mix_to_s16 (out, wide, 65536);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  g_free (wide);
}

static void
test_channels (void)
{
  const gint16 mono[] = { 100, -7 }, stereo[] = { 100, 50, -7, 8 };
  gint32 out[4];

  mxr_mix_from_s16 (out, 2, mono, 1, 2);
  g_assert_cmpint (out[0], ==, 1600);
  g_assert_cmpint (out[1], ==, 1600);
  g_assert_cmpint (out[3], ==, -112);
  mxr_mix_from_s16 (out, 1, stereo, 2, 2);
  g_assert_cmpint (out[0], ==, 75 * 16);
  g_assert_cmpint (out[1], ==, 8); /* half a step survives */

  const float left_only[] = { 0.5f, 0.0f };
  mxr_mix_from_f32 (out, 1, left_only, 2, 1);
  g_assert_cmpint (out[0], ==, 32768 * 16 / 4);
}

static void
test_f32_out_of_bounds (void)
{
  const float in[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 4.5f, 1.0f, -1.0f, 1e-40f, -0.0f };
  gint32 out[G_N_ELEMENTS (in)];

  mxr_mix_from_f32 (out, 1, in, 1, G_N_ELEMENTS (in));
  g_assert_cmpint (out[0], ==, 0);
  g_assert_cmpint (out[1], ==, MXR_MIX_PART_MAX);
  g_assert_cmpint (out[2], ==, -MXR_MIX_PART_MAX);
  g_assert_cmpint (out[3], ==, MXR_MIX_PART_MAX);
  g_assert_cmpint (out[4], ==, -MXR_MIX_PART_MAX);
  g_assert_cmpint (out[5], ==, MXR_MIX_PART_MAX);
  g_assert_cmpint (out[6], ==, 32768 * 16);
  g_assert_cmpint (out[7], ==, -32768 * 16);
  g_assert_cmpint (out[8], ==, 0);
  g_assert_cmpint (out[9], ==, 0);
}

/* The sum less one part is the sum of the others, to the last bit, in any order and with the largest parts.
 */
static void
test_minus_is_exact (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  gint32 *parts = g_new (gint32, MXR_MIX_PARTS_MAX * N);
  gint32 sum[N] = { 0 }, others[N] = { 0 }, minus[N];
  guint k = 200;

  for (guint i = 0; i < MXR_MIX_PARTS_MAX * N; i++)
    parts[i] = g_rand_boolean (random) ? MXR_MIX_PART_MAX
                                       : g_rand_int_range (random, -MXR_MIX_PART_MAX, MXR_MIX_PART_MAX);
  for (guint p = 0; p < MXR_MIX_PARTS_MAX; p++)
    mxr_mix_add (sum, parts + p * N, N);
  for (guint p = MXR_MIX_PARTS_MAX; p > 0; p--)
    if (p - 1 != k)
      mxr_mix_add (others, parts + (p - 1) * N, N);
  guint32 peak = mxr_mix_subtract (minus, sum, parts + k * N, N);

  g_assert_cmpmem (minus, sizeof minus, others, sizeof others);
  g_assert_cmpuint (peak, ==, mxr_mix_peak (others, N));
  g_free (parts);
}

static void
test_saturates (void)
{
  const gint32 in[] = { 1 << 30, -(1 << 30), MXR_MIX_FULL_SCALE + 7, MXR_MIX_FULL_SCALE + 8, 7, 8, -8, -9 };
  const gint16 expected[] = { 32767, -32768, 32767, 32767, 0, 1, 0, -1 };
  gint16 out[G_N_ELEMENTS (in)];

  mxr_mix_to_s16 (out, in, G_N_ELEMENTS (in));
  g_assert_cmpmem (out, sizeof out, expected, sizeof expected);
  g_assert_cmpuint (mxr_mix_peak (in, G_N_ELEMENTS (in)), ==, 1 << 30);
}

static void
test_mean_square (void)
{
  gint32 square[N];

  for (guint i = 0; i < N; i++)
    square[i] = (i % 2 ? 1 : -1) * (32768 << MXR_MIX_FRACTION_BITS) / 2;
  g_assert_cmpfloat_with_epsilon (mxr_mix_mean_square (square, N), 0.25, 1e-6);
  g_assert_cmpfloat_with_epsilon (mxr_mix_mean_square (square, 3), 0.25, 1e-6);
  g_assert_cmpfloat (mxr_mix_mean_square (square, 0), ==, 0);
}

static void
test_ramp_and_crossfade (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  gint16 raw[2 * N];
  gint32 samples[2 * N], before[2 * N], from[2 * N];

  fill_random (random, raw, 2 * N);
  mxr_mix_from_s16 (samples, 2, raw, 2, N);
  memcpy (before, samples, sizeof samples);
  mxr_mix_ramp (samples, 2, N, 1.0f, -1.0f / N);
  for (guint i = 0; i < 2 * N; i++)
    g_assert_cmpint (ABS (samples[i] - (gint32)(before[i] * (1.0 - (i / 2 + 1.0) / N))), <=, 2);
  g_assert_cmpint (ABS (samples[2 * N - 1]), <=, 1);

  /* Held within what a part may be. */
  mxr_mix_from_s16 (samples, 2, raw, 2, N);
  mxr_mix_ramp (samples, 2, N, 40.0f, 0);
  g_assert_cmpuint (mxr_mix_peak (samples, 2 * N), ==, MXR_MIX_PART_MAX);

  memcpy (samples, before, sizeof samples);
  memset (from, 0, sizeof from);
  mxr_mix_crossfade (samples, from, 2, N);
  g_assert_cmpint (samples[0], ==, 0);
  g_assert_cmpint (samples[1], ==, 0);
  g_assert_cmpint (ABS (samples[N] - before[N] / 2), <=, ABS (before[N]) / 100 + 2);
  g_assert_cmpuint (mxr_mix_distance (samples, samples, 2 * N), ==, 0);
  g_assert_cmpuint (mxr_mix_distance (samples, before, 2), ==, (guint)(ABS (before[0]) + ABS (before[1])));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mix-ops/s16-comes-back-exactly", test_s16_comes_back_exactly);
  g_test_add_func ("/mix-ops/channels", test_channels);
  g_test_add_func ("/mix-ops/f32-out-of-bounds", test_f32_out_of_bounds);
  g_test_add_func ("/mix-ops/minus-is-exact", test_minus_is_exact);
  g_test_add_func ("/mix-ops/saturates", test_saturates);
  g_test_add_func ("/mix-ops/mean-square", test_mean_square);
  g_test_add_func ("/mix-ops/ramp-and-crossfade", test_ramp_and_crossfade);
  return g_test_run ();
}
