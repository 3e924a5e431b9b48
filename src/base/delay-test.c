#include "mixroom/base.h"

static void
test_bounds (void)
{
  for (guint i = 1; i < MXR_DELAY_N_BUCKETS; i++)
    g_assert_cmpint (mxr_delay_get_bound_us (i - 1), <, mxr_delay_get_bound_us (i));
  g_assert_cmpint (mxr_delay_get_bound_us (MXR_DELAY_N_BUCKETS - 1), ==, G_MAXINT64);
}

static void
test_edges (void)
{
  MxrDelay delay = { 0 };
  MxrDelayCounts counts;

  mxr_delay_note (&delay, -5);
  mxr_delay_note (&delay, 1000);
  mxr_delay_note (&delay, 1001);
  mxr_delay_note (&delay, G_USEC_PER_SEC * 60);
  mxr_delay_read (&delay, &counts);
  g_assert_cmpuint (counts.n, ==, 4);
  g_assert_cmpuint (counts.counts[0], ==, 2);
  g_assert_cmpuint (counts.counts[1], ==, 1);
  g_assert_cmpuint (counts.counts[MXR_DELAY_N_BUCKETS - 1], ==, 1);
  g_assert_cmpint (counts.sum_us, ==, 2001 + G_USEC_PER_SEC * 60);
}

static void
test_quantile (void)
{
  MxrDelay delay = { 0 };
  MxrDelayCounts counts, sum = { 0 };

  mxr_delay_read (&delay, &counts);
  g_assert_cmpint (mxr_delay_counts_quantile_us (&counts, 0.5), ==, 0);
  for (guint i = 0; i < 90; i++)
    mxr_delay_note (&delay, 15000);
  for (guint i = 0; i < 10; i++)
    mxr_delay_note (&delay, 70000);
  mxr_delay_read (&delay, &counts);
  mxr_delay_counts_add (&sum, &counts);
  mxr_delay_counts_add (&sum, &counts);
  g_assert_cmpuint (sum.n, ==, 200);
  gint64 median_us = mxr_delay_counts_quantile_us (&sum, 0.5);
  gint64 tail_us = mxr_delay_counts_quantile_us (&sum, 0.95);
  g_assert_true (median_us > 10000 && median_us <= 20000);
  g_assert_true (tail_us > 60000 && tail_us <= 80000);
}

static gpointer
note_many (gpointer delay)
{
  for (guint i = 0; i < 20000; i++)
    mxr_delay_note (delay, i);
  return NULL;
}

static void
test_threads (void)
{
  MxrDelay delay = { 0 };
  MxrDelayCounts counts;
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("note", note_many, &delay);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  mxr_delay_read (&delay, &counts);
  g_assert_cmpuint (counts.n, ==, 80000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/delay/bounds", test_bounds);
  g_test_add_func ("/delay/edges", test_edges);
  g_test_add_func ("/delay/quantile", test_quantile);
  g_test_add_func ("/delay/threads", test_threads);
  return g_test_run ();
}
