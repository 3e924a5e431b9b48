/* For whom a sound has FEC. */

#include "room-private.h"

#include <string.h>

static guint
choose (const double *losses, guint n_losses, guint n_listeners, guint percent)
{
  g_autofree double *copy = g_memdup2 (losses, n_losses * sizeof *losses);
  return mxr_sound_choose_loss (copy, n_losses, n_listeners, percent);
}

static void
test_one_of_few (void)
{
  g_assert_cmpuint (choose ((double[]){ 0 }, 1, 1, 0), ==, 0);
  g_assert_cmpuint (choose ((double[]){ 0.02 }, 1, 1, 0), ==, 0);
  g_assert_cmpuint (choose ((double[]){ 0.04 }, 1, 1, 0), ==, 10);
  g_assert_cmpuint (choose ((double[]){ 0, 0, 0.04, 0, 0 }, 5, 5, 0), ==, 10);
  g_assert_cmpuint (choose ((double[]){ 0, 0, 0.04, 0, 0, 0 }, 6, 6, 0), ==, 10); /* a sixth */
  g_assert_cmpuint (choose (NULL, 0, 0, 0), ==, 0);
}

static void
test_share_of_many (void)
{
  double losses[100] = { 0 };

  for (guint n_lossy = 0; n_lossy <= 30; n_lossy++) {
    g_assert_cmpuint (choose (losses, 100, 100, 0) > 0, ==, n_lossy >= 10);
    losses[n_lossy] = 0.08;
  }
}

/* The median of those who lose, in steps, and not beyond what the encoder makes use of. */
static void
test_how_much (void)
{
  g_assert_cmpuint (choose ((double[]){ 0.31, 0, 0.12, 0.04 }, 4, 4, 0), ==, 15);
  g_assert_cmpuint (choose ((double[]){ 0.04, 0.17 }, 2, 2, 0), ==, 10);
  g_assert_cmpuint (choose ((double[]){ 0.9, 0.9 }, 2, 2, 0), ==, 30);
}

/* It does not go with the first good second. */
static void
test_stays_for_a_while (void)
{
  g_assert_cmpuint (choose ((double[]){ 0.02 }, 1, 1, 10), ==, 10);
  g_assert_cmpuint (choose ((double[]){ 0.009 }, 1, 1, 10), ==, 0);
}

static bool
is_thin (guint estimate_bps, bool was_thin)
{
  const MxrPeerBandwidth bandwidth = { .estimate_bps = estimate_bps, .is_measured = true };
  return mxr_sound_is_thin (&bandwidth, 42000, was_thin);
}

static void
test_thin (void)
{
  const MxrPeerBandwidth belief = { .estimate_bps = 30000 };
  g_assert_false (mxr_sound_is_thin (&belief, 42000, false));
  g_assert_true (is_thin (45000, false));
  g_assert_false (is_thin (50000, false));
  g_assert_true (is_thin (60000, true));
  g_assert_false (is_thin (65000, true));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sound-loss/one-of-few", test_one_of_few);
  g_test_add_func ("/sound-loss/share-of-many", test_share_of_many);
  g_test_add_func ("/sound-loss/how-much", test_how_much);
  g_test_add_func ("/sound-loss/stays-for-a-while", test_stays_for_a_while);
  g_test_add_func ("/sound-loss/thin", test_thin);
  return g_test_run ();
}
