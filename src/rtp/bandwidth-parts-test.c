#include "rtp-private.h"

/* The parts of the estimator, each with numbers made by hand. */

static const MxrBandwidthConfig config = { .start_bps = 1000000, .min_bps = 30000, .max_bps = 5000000 };

static void
test_sent_log (void)
{
  g_autofree MxrSentLog *log = g_new0 (MxrSentLog, 1);

  g_assert_null (mxr_sent_log_find (log, 0));
  g_assert_true (mxr_sent_log_add (log, 65534, 100, 0, 1));
  g_assert_true (mxr_sent_log_add (log, 65535, 200, 7, 2));
  g_assert_true (mxr_sent_log_add (log, 0, 300, 0, 3)); /* wraps */
  g_assert_false (mxr_sent_log_add (log, 65535, 200, 0, 4)); /* a plain repetition */
  g_assert_cmpuint (mxr_sent_log_find (log, 65535)->probe, ==, 7);
  g_assert_cmpint (mxr_sent_log_find (log, 65535)->sent_us, ==, 2);
  g_assert_cmpuint (mxr_sent_log_find (log, 0)->n_bytes, ==, 300);
  g_assert_null (mxr_sent_log_find (log, 1));     /* not sent yet */
  g_assert_null (mxr_sent_log_find (log, 65533)); /* never sent */
  for (guint i = 1; i < MXR_SENT_PACKETS; i++)
    g_assert_true (mxr_sent_log_add (log, (guint16) i, 10, 0, 4 + i));
  g_assert_null (mxr_sent_log_find (log, 65535)); /* its place was taken */
  g_assert_nonnull (mxr_sent_log_find (log, 0));
}

/* @n packets of 1000 bytes, each @sent_gap_us after the last, that arrive @arrival_gap_us apart. */
static void
acked_run (MxrAckedRate *rate, guint n, gint64 sent_gap_us, gint64 arrival_gap_us, bool is_queued)
{
  const gint64 from_us = rate->end > 0 ? rate->packets[(rate->end - 1) % MXR_ACKED_PACKETS].arrival_us : 0;
  for (guint i = 1; i <= n; i++) {
    const MxrAckedPacket packet = { .sent_us = from_us + i * sent_gap_us,
                                    .arrival_us = from_us + i * arrival_gap_us,
                                    .n_bytes = 1000 };
    mxr_acked_rate_add (rate, &packet, is_queued);
  }
}

static void
test_acked_rate (void)
{
  g_autofree MxrAckedRate *rate = g_new (MxrAckedRate, 1);

  mxr_acked_rate_init (rate);
  acked_run (rate, 4, 10000, 10000, false);
  g_assert_cmpfloat (mxr_acked_rate_get (rate), ==, 0); /* too few */
  acked_run (rate, 96, 10000, 10000, false);
  g_assert_cmpfloat_with_epsilon (mxr_acked_rate_get (rate), 800e3, 1);
  g_assert_cmpfloat (mxr_acked_rate_get_busy (rate), ==, 0);
  /* what was sent fast and arrives slowly: the way's rate, without what was before the queue */
  acked_run (rate, 10, 2000, 20000, true);
  g_assert_cmpfloat_with_epsilon (mxr_acked_rate_get_busy (rate), 400e3, 1);
  g_assert_cmpfloat (mxr_acked_rate_get (rate), >, 450e3);
  /* what arrives at once after it was held up is not more than was sent */
  mxr_acked_rate_init (rate);
  acked_run (rate, 60, 10000, 1000, false);
  g_assert_cmpfloat_with_epsilon (mxr_acked_rate_get (rate), 800e3, 1);
}

static double
feed_trend (MxrDelayTrend *trend, gint64 *sent_us, double *delay_us, guint n, gint64 gap_us, double growth)
{
  for (guint i = 0; i < n; i++) {
    *sent_us += gap_us;
    *delay_us = MAX (0, *delay_us + growth * (double) gap_us);
    const MxrAckedPacket packet = { .sent_us = *sent_us, .arrival_us = 777 + *sent_us + (gint64) *delay_us, .n_bytes = 1000 };
    mxr_delay_trend_add (trend, &packet);
  }
  return trend->queue.queue_ms;
}

static void
test_delay_trend (void)
{
  MxrDelayTrend trend;
  gint64 sent_us = 1000000;
  double delay_us = 0;

  mxr_delay_trend_init (&trend);
  feed_trend (&trend, &sent_us, &delay_us, 100, 10000, 0);
  g_assert_cmpint (trend.use, ==, MXR_BANDWIDTH_NORMAL);
  g_assert_cmpfloat (trend.queue.queue_ms, ==, 0);
  feed_trend (&trend, &sent_us, &delay_us, 30, 10000, 0.1); /* 30 ms more within 300 ms */
  g_assert_cmpint (trend.use, ==, MXR_BANDWIDTH_OVERUSE);
  g_assert_cmpfloat (trend.queue.queue_ms, >, 20);
  feed_trend (&trend, &sent_us, &delay_us, 20, 10000, -0.1);
  g_assert_cmpint (trend.use, ==, MXR_BANDWIDTH_UNDERUSE);
  feed_trend (&trend, &sent_us, &delay_us, 200, 10000, -0.1);
  g_assert_cmpint (trend.use, ==, MXR_BANDWIDTH_NORMAL);
  g_assert_cmpfloat (trend.queue.queue_ms, <, 1);
}

/* A long way that takes the place of a short one looks like a queue at first. */
static void
test_longer_way (void)
{
  MxrDelayTrend trend;
  gint64 sent_us = 1000000;
  double delay_us = 0;

  mxr_delay_trend_init (&trend);
  feed_trend (&trend, &sent_us, &delay_us, 100, 10000, 0);
  delay_us = 150e3;
  feed_trend (&trend, &sent_us, &delay_us, 30, 10000, 0);
  g_assert_true (mxr_delay_queue_is_standing (&trend.queue));
  feed_trend (&trend, &sent_us, &delay_us, 200, 10000, 0);
  g_assert_false (mxr_delay_queue_is_standing (&trend.queue));
  g_assert_cmpint (trend.use, ==, MXR_BANDWIDTH_NORMAL);
}

static void
test_rate_control (void)
{
  MxrRateControl control;
  MxrRateInput input = { .use = MXR_BANDWIDTH_NORMAL, .acked_bps = 900e3, .rtt_ms = 50 };
  gint64 now_us = 1000000;

  mxr_rate_control_init (&control, &config);
  mxr_rate_control_update (&control, &input, now_us);
  for (guint i = 0; i < 100; i++)
    mxr_rate_control_update (&control, &input, now_us += 100000);
  g_assert_cmpfloat_with_epsilon (control.bps, 1.5 * 900e3 + 10e3, 1); /* not further ahead of what arrives */

  input.acked_bps = 100e3; /* little is sent: nothing is taken for that */
  mxr_rate_control_update (&control, &input, now_us += 100000);
  g_assert_cmpfloat_with_epsilon (control.bps, 1.5 * 900e3 + 10e3, 1);

  input = (MxrRateInput){ .use = MXR_BANDWIDTH_OVERUSE, .acked_bps = 900e3, .busy_bps = 800e3, .rtt_ms = 50 };
  g_assert_true (mxr_rate_control_update (&control, &input, now_us += 100000));
  g_assert_cmpfloat_with_epsilon (control.bps, 0.85 * 800e3, 1);
  g_assert_cmpfloat_with_epsilon (control.capacity_bps, 800e3, 1);

  /* near what it carries: 32 kbit/s each second, after one feedback's rest */
  input = (MxrRateInput){ .use = MXR_BANDWIDTH_NORMAL, .acked_bps = 680e3, .rtt_ms = 50 };
  for (guint i = 0; i < 11; i++)
    mxr_rate_control_update (&control, &input, now_us += 100000);
  g_assert_cmpfloat_with_epsilon (control.bps, 680e3 + 32e3, 1);

  /* more than that arrives, and nothing waits */
  input.carried_bps = 900e3;
  mxr_rate_control_update (&control, &input, now_us += 100000);
  g_assert_cmpfloat (control.bps, ==, 900e3);

  mxr_rate_control_raise (&control, 2000e3);
  g_assert_cmpfloat (control.capacity_bps, ==, 0);
  mxr_rate_control_raise (&control, 50e6);
  g_assert_cmpfloat (control.bps, ==, config.max_bps);
  input = (MxrRateInput){ .use = MXR_BANDWIDTH_OVERUSE, .acked_bps = 1, .rtt_ms = 50 };
  mxr_rate_control_update (&control, &input, now_us += 100000);
  g_assert_cmpfloat (control.bps, ==, config.min_bps);
}

/* Seconds of packets of which some are lost: of what is sent above @capacity_bps all, of the rest @inherent. */
static void
lose (MxrLossLimit *limit, guint n_seconds, double capacity_bps, double inherent, gint64 *now_us)
{
  for (guint i = 0; i < n_seconds * 10; i++) {
    const double sent_bps = limit->limit_bps > 0 ? MIN (limit->limit_bps, 1000e3) : 1000e3;
    const double through = MIN (1, capacity_bps / sent_bps) * (1 - inherent);
    const MxrLossInput input = { .sent_bps = sent_bps };
    mxr_loss_limit_count (limit, 100, (int) (100 * (1 - through) + 0.5));
    mxr_loss_limit_update (limit, &input, *now_us += 100000);
  }
}

static void
test_loss_limit (void)
{
  MxrLossLimit limit;
  gint64 now_us = 1000000;

  mxr_loss_limit_init (&limit, &config);
  lose (&limit, 10, 5000e3, 0.10, &now_us); /* not for want of room */
  g_assert_cmpfloat (limit.limit_bps, ==, 0);
  lose (&limit, 10, 400e3, 0, &now_us);
  g_assert_cmpfloat (limit.limit_bps, >, 300e3);
  g_assert_cmpfloat (limit.limit_bps, <, 500e3);
  lose (&limit, 60, 5000e3, 0, &now_us);
  g_assert_cmpfloat (limit.limit_bps, ==, 0);
  lose (&limit, 15, 5000e3, 0.25, &now_us); /* is looked into, and given back */
  g_assert_cmpfloat (limit.limit_bps, ==, 0);
  g_assert_cmpfloat (limit.inherent, >, 0.15);
}

static double
run_probe (MxrProber *prober, double link_bps, double estimate_bps, double want_bps, gint64 now_us)
{
  gint64 arrival_us = now_us;
  bool is_done = false;

  g_assert_true (mxr_prober_next (prober, estimate_bps, want_bps, now_us));
  g_assert_false (mxr_prober_next (prober, estimate_bps, want_bps, now_us)); /* one at a time */
  const guint n_bytes = prober->probe.n_bytes / 6 + 1;
  for (guint i = 0; i < 6; i++) {
    const gint64 sent_us = now_us + (gint64) (i * n_bytes * 8e6 / prober->probe.rate_bps);
    arrival_us = MAX (arrival_us, sent_us) + (gint64) (n_bytes * 8e6 / link_bps);
    const MxrAckedPacket packet = { .sent_us = sent_us, .arrival_us = arrival_us, .n_bytes = n_bytes, .probe = prober->probe.id };
    mxr_prober_sent (prober, prober->probe.id, n_bytes);
    is_done = mxr_prober_acked (prober, &packet);
  }
  g_assert_true (is_done);
  return mxr_prober_finish (prober, estimate_bps, want_bps, arrival_us);
}

static void
test_prober (void)
{
  MxrProber prober;
  gint64 now_us = 1000000;

  mxr_prober_init (&prober);
  g_assert_false (mxr_prober_next (&prober, 300e3, 1000e3, now_us)); /* there was no feedback yet */
  mxr_prober_hurry (&prober, now_us);
  g_assert_false (mxr_prober_next (&prober, 300e3, 300e3, now_us)); /* no use for more */
  const double first_bps = run_probe (&prober, 10e6, 300e3, 1000e3, now_us);
  g_assert_cmpfloat_with_epsilon (first_bps, 600e3, 6e3);
  now_us = prober.due_us; /* at once again */
  const double second_bps = run_probe (&prober, 10e6, first_bps, 1000e3, now_us);
  g_assert_cmpfloat_with_epsilon (second_bps, 1000e3, 10e3); /* as much as there is use for */
  /* a link that is full: a little less than it carries, and a longer pause each time nothing is found */
  now_us = prober.due_us;
  const double third_bps = run_probe (&prober, 550e3, 530e3, 5000e3, now_us);
  g_assert_cmpfloat_with_epsilon (third_bps, 0.95 * 550e3, 6e3);
  const gint64 pause_us = prober.pause_us;
  now_us = prober.due_us;
  run_probe (&prober, 550e3, 530e3, 5000e3, now_us);
  g_assert_cmpint (prober.pause_us, >, 0);
  g_assert_cmpint (prober.pause_us, >=, pause_us);
  g_assert_cmpint (prober.due_us, >, now_us + 2 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bandwidth-parts/sent-log", test_sent_log);
  g_test_add_func ("/bandwidth-parts/acked-rate", test_acked_rate);
  g_test_add_func ("/bandwidth-parts/delay-trend", test_delay_trend);
  g_test_add_func ("/bandwidth-parts/longer-way", test_longer_way);
  g_test_add_func ("/bandwidth-parts/rate-control", test_rate_control);
  g_test_add_func ("/bandwidth-parts/loss-limit", test_loss_limit);
  g_test_add_func ("/bandwidth-parts/prober", test_prober);
  return g_test_run ();
}
