#include "samples.h"

#include <math.h>

static void
test_none (void)
{
  MxrSamples samples = { 0 };
  g_assert_cmpfloat (mxr_samples_quantile (&samples, 0.5), ==, 0);
  mxr_samples_clear (&samples);
}

/* Against the definition, counted out. */
static void
test_quantiles (void)
{
  for (guint n = 1; n <= 101; n++) {
    g_auto (MxrSamples) samples = { 0 };
    for (guint i = 0; i < n; i++)
      mxr_samples_add (&samples, (i * 37) % n * 2.0); /* a permutation while n is no multiple of 37 */
    for (double quantile = 0; quantile <= 1; quantile += 0.05) {
      const double value = mxr_samples_quantile (&samples, quantile);
      guint n_below = 0, n_upto = 0;
      for (guint i = 0; i < n; i++) {
        n_below += samples.values[i] < value;
        n_upto += samples.values[i] <= value;
      }
      g_assert_cmpfloat (n_upto, >=, quantile * n - 1e-9);
      g_assert_true (n_below == 0 || n_below < quantile * n + 1e-9);
    }
  }
}

static void
test_adding_sets (void)
{
  g_auto (MxrSamples) all = { 0 };
  g_auto (MxrSamples) some = { 0 };

  for (guint i = 0; i < 1000; i++)
    mxr_samples_add (&some, -(double) i);
  mxr_samples_add_all (&all, &some);
  mxr_samples_add (&all, 7);
  mxr_samples_add_all (&all, &some);
  g_assert_cmpuint (all.n, ==, 2001);
  g_assert_cmpfloat (mxr_samples_quantile (&all, 1), ==, 7);
  g_assert_cmpfloat (mxr_samples_quantile (&all, 0), ==, -999);
  g_assert_cmpfloat (mxr_samples_quantile (&all, -3), ==, -999);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/samples/none", test_none);
  g_test_add_func ("/load/samples/quantiles", test_quantiles);
  g_test_add_func ("/load/samples/adding-sets", test_adding_sets);
  return g_test_run ();
}
