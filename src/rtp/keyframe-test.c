#include "mixroom/rtp.h"

static void
test_merges_and_never_drops (void)
{
  MxrKeyframeGovernor governor;
  mxr_keyframe_governor_init (&governor, 1000);

  g_assert_false (mxr_keyframe_governor_poll (&governor, 0));
  g_assert_cmpint (mxr_keyframe_governor_next_due_us (&governor), ==, G_MAXINT64);
  g_assert_true (mxr_keyframe_governor_request (&governor, 5));
  g_assert_false (mxr_keyframe_governor_request (&governor, 6));
  g_assert_false (mxr_keyframe_governor_request (&governor, 1004));
  g_assert_cmpint (mxr_keyframe_governor_next_due_us (&governor), ==, 1005);
  g_assert_false (mxr_keyframe_governor_poll (&governor, 1004));
  g_assert_true (mxr_keyframe_governor_poll (&governor, 1005));
  g_assert_false (mxr_keyframe_governor_poll (&governor, 9000));
  g_assert_true (mxr_keyframe_governor_request (&governor, 2005));
}

/* Whatever is asked when: each request is answered within an interval, and answers are an interval apart. */
static void
test_random_requests (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  MxrKeyframeGovernor governor;
  gint64 last_us = -1000, waiting_since_us = -1;
  mxr_keyframe_governor_init (&governor, 1000);

  for (gint64 now_us = 0; now_us < 200000; now_us += 10) {
    bool emit = mxr_keyframe_governor_poll (&governor, now_us);
    if (g_rand_int_range (rand, 0, 30) == 0) {
      waiting_since_us = waiting_since_us < 0 ? now_us : waiting_since_us;
      emit |= mxr_keyframe_governor_request (&governor, now_us);
    }
    if (emit) {
      g_assert_cmpint (now_us - last_us, >=, 1000);
      g_assert_cmpint (waiting_since_us, >=, 0);
      last_us = now_us;
      waiting_since_us = mxr_keyframe_governor_next_due_us (&governor) == G_MAXINT64 ? -1 : now_us;
    }
    if (waiting_since_us >= 0)
      g_assert_cmpint (now_us - waiting_since_us, <=, 1000);
  }
}

/* Not more than once a second, however short the interval, and no more once one has come. */
static void
test_repeats_what_is_lost (void)
{
  const gint64 second_us = G_USEC_PER_SEC;
  MxrKeyframeGovernor governor;
  mxr_keyframe_governor_init (&governor, second_us / 10);

  g_assert_false (mxr_keyframe_governor_repeat (&governor, 0, 9 * second_us)); /* nobody has asked */
  g_assert_true (mxr_keyframe_governor_request (&governor, 10 * second_us));
  g_assert_false (mxr_keyframe_governor_repeat (&governor, 0, 10 * second_us + second_us / 2));
  g_assert_true (mxr_keyframe_governor_repeat (&governor, 9 * second_us, 11 * second_us));
  g_assert_false (mxr_keyframe_governor_repeat (&governor, 9 * second_us, 11 * second_us + second_us / 2));
  g_assert_true (mxr_keyframe_governor_repeat (&governor, 9 * second_us, 12 * second_us));
  g_assert_false (mxr_keyframe_governor_repeat (&governor, 12 * second_us + 1, 99 * second_us));
  mxr_keyframe_governor_init (&governor, 4 * second_us);
  g_assert_true (mxr_keyframe_governor_request (&governor, 10 * second_us));
  g_assert_false (mxr_keyframe_governor_repeat (&governor, 0, 13 * second_us));
  g_assert_true (mxr_keyframe_governor_repeat (&governor, 0, 14 * second_us));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyframe/merges-and-never-drops", test_merges_and_never_drops);
  g_test_add_func ("/keyframe/random-requests", test_random_requests);
  g_test_add_func ("/keyframe/repeats-what-is-lost", test_repeats_what_is_lost);
  return g_test_run ();
}
