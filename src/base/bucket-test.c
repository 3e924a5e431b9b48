#include "mixroom/base.h"

static void
test_burst_then_rate (void)
{
  MxrBucket bucket = { 0 };
  gint64 now_us = 1000;

  for (int i = 0; i < 5; i++)
    g_assert_true (mxr_bucket_take (&bucket, 10, 5, now_us));
  g_assert_false (mxr_bucket_take (&bucket, 10, 5, now_us));
  g_assert_false (mxr_bucket_take (&bucket, 10, 5, now_us + 99000));
  g_assert_true (mxr_bucket_take (&bucket, 10, 5, now_us + 100000));
  g_assert_false (mxr_bucket_take (&bucket, 10, 5, now_us + 100000));
}

static void
test_never_above_burst (void)
{
  MxrBucket bucket = { 0 };
  int taken = 0;

  mxr_bucket_take (&bucket, 10, 5, 1);
  while (mxr_bucket_take (&bucket, 10, 5, G_GINT64_CONSTANT (3600000000)))
    taken++;
  g_assert_cmpint (taken, ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bucket/burst-then-rate", test_burst_then_rate);
  g_test_add_func ("/bucket/never-above-burst", test_never_above_burst);
  return g_test_run ();
}
