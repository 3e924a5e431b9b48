#include "rtp-private.h"

/* The estimator as its owner sees it. The link behind it is in bandwidth-sim-test.c. */

#define START_US (10 * G_USEC_PER_SEC)

typedef struct {
  MxrBandwidth *bandwidth;
  MxrTwccRecorder recorder;
  guint16 seq;
  gint64 now_us;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const MxrBandwidthConfig config = { .start_bps = 1000000, .min_bps = 30000, .max_bps = 5000000 };
  fixture->bandwidth = mxr_bandwidth_new (&config);
  mxr_twcc_recorder_init (&fixture->recorder);
  fixture->seq = 65000;
  fixture->now_us = START_US;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mxr_bandwidth_free (fixture->bandwidth);
}

static MxrBandwidthState
state_of (const Fixture *fixture)
{
  MxrBandwidthState state;
  mxr_bandwidth_get_state (fixture->bandwidth, &state);
  return state;
}

/* Ten packets within 100 ms; feedback about them where the client gets them. @clock_us: the client's clock beside ours. */
static void
exchange (Fixture *fixture, guint n_bytes, gint64 clock_us, bool is_cut)
{
  guint8 fci[400];

  for (guint i = 0; i < 10; i++) {
    mxr_bandwidth_sent (fixture->bandwidth, fixture->seq, n_bytes, 0, fixture->now_us);
    if (!is_cut)
      mxr_twcc_recorder_add (&fixture->recorder, fixture->seq, fixture->now_us + clock_us);
    fixture->seq++;
    fixture->now_us += 10000;
    mxr_bandwidth_poll (fixture->bandwidth, fixture->now_us);
  }
  const gsize size = is_cut ? 0 : mxr_twcc_recorder_build (&fixture->recorder, fci, sizeof fci);
  if (size > 0)
    g_assert_true (mxr_bandwidth_feedback (fixture->bandwidth, fci, size, fixture->now_us));
}

static void
test_belief (Fixture *fixture, gconstpointer data)
{
  const guint8 cut[] = { 0, 1, 0, 9, 0, 0, 0, 0, 0x20 };

  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 1000000);
  g_assert_false (state_of (fixture).is_measured);
  g_assert_false (mxr_bandwidth_feedback (fixture->bandwidth, cut, sizeof cut, START_US));
  g_assert_false (state_of (fixture).is_measured);
  g_assert_cmpuint (state_of (fixture).delay_bps, ==, 0);
  exchange (fixture, 1000, 5, false);
  g_assert_true (state_of (fixture).is_measured);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 1000000);
}

/* Little is sent for minutes, by a client whose clock's 24 bits wrap meanwhile: the estimate stays. */
static void
test_little_is_sent (Fixture *fixture, gconstpointer data)
{
  const gint64 wrap_us = ((gint64) 1 << 24) * MXR_TWCC_REFERENCE_US;

  for (guint i = 0; i < 1200; i++)
    exchange (fixture, 60, wrap_us - START_US - 60 * G_USEC_PER_SEC, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 1000000);
  g_assert_cmpint (state_of (fixture).use, ==, MXR_BANDWIDTH_NORMAL);
  g_assert_cmpuint (state_of (fixture).acked_bps, >, 40000);
  g_assert_cmpuint (state_of (fixture).acked_bps, <, 60000);
  g_assert_cmpfloat (state_of (fixture).loss, ==, 0);
}

static void
test_silence (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    exchange (fixture, 1000, 5, false);
  /* nothing is sent: that nothing is heard means nothing */
  mxr_bandwidth_poll (fixture->bandwidth, fixture->now_us += 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (state_of (fixture).estimate_bps, >=, 1000000);
  for (guint i = 0; i < 25; i++)
    exchange (fixture, 1000, 5, true);
  g_assert_cmpuint (state_of (fixture).estimate_bps, <, 300000);
  for (guint i = 0; i < 3; i++)
    exchange (fixture, 1000, 5, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, >, 450000);
  g_assert_cmpfloat (state_of (fixture).loss, <, 0.01); /* what was sent into the gap does not count */
}

static void
test_remb (Fixture *fixture, gconstpointer data)
{
  mxr_bandwidth_remb (fixture->bandwidth, 3000000, START_US);
  g_assert_true (state_of (fixture).is_measured);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 3000000); /* all there is to know */
  exchange (fixture, 1000, 5, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 1000000); /* now it is a limit */
  mxr_bandwidth_remb (fixture->bandwidth, 400000, START_US);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 400000);
  mxr_bandwidth_remb (fixture->bandwidth, G_MAXINT64, START_US);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 1000000);
}

/* Who has stopped sending it is limited no more, if there is anything else to go by. */
static void
test_old_remb (Fixture *fixture, gconstpointer data)
{
  mxr_bandwidth_remb (fixture->bandwidth, 400000, START_US);
  mxr_bandwidth_poll (fixture->bandwidth, START_US + 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 400000);
  exchange (fixture, 1000, 5, false);
  mxr_bandwidth_remb (fixture->bandwidth, 400000, fixture->now_us);
  for (guint i = 0; i < 190; i++)
    exchange (fixture, 1000, 5, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, ==, 400000);
  for (guint i = 0; i < 20; i++)
    exchange (fixture, 1000, 5, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, >=, 1000000);
  g_assert_cmpuint (state_of (fixture).remb_bps, ==, 0);
}

/* The client's clock is set while media flows, either way: nothing waits, and no less is carried than before. */
static void
test_clock_is_set (Fixture *fixture, gconstpointer data)
{
  const gint64 hour_us = 3600 * (gint64) G_USEC_PER_SEC, steps[] = { 0, hour_us, 0, -2 * G_USEC_PER_SEC, 5 * G_USEC_PER_SEC };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    for (guint k = 0; k < 50; k++)
      exchange (fixture, 1000, hour_us + steps[i], false);
    g_assert_cmpfloat (state_of (fixture).queue_ms, <, 10);
    g_assert_cmpint (state_of (fixture).use, ==, MXR_BANDWIDTH_NORMAL);
    g_assert_cmpuint (state_of (fixture).acked_bps, >, 700000);
    g_assert_cmpuint (state_of (fixture).estimate_bps, >=, 900000);
  }
}

/* Without transport-wide feedback there are still the reports. */
static void
test_reports (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    mxr_bandwidth_report (fixture->bandwidth, 0.5, 80, fixture->now_us += G_USEC_PER_SEC);
  g_assert_cmpuint (state_of (fixture).estimate_bps, <, 700000);
  g_assert_cmpuint (state_of (fixture).loss_bps, ==, state_of (fixture).estimate_bps);
  g_assert_false (state_of (fixture).is_measured);
}

static void
test_probes (Fixture *fixture, gconstpointer data)
{
  MxrBandwidthProbe probe;

  mxr_bandwidth_want (fixture->bandwidth, 2500000);
  g_assert_false (mxr_bandwidth_next_probe (fixture->bandwidth, fixture->now_us, &probe)); /* nobody would answer */
  exchange (fixture, 100, 5, false);
  mxr_bandwidth_want (fixture->bandwidth, 0);
  g_assert_false (mxr_bandwidth_next_probe (fixture->bandwidth, fixture->now_us, &probe));
  mxr_bandwidth_want (fixture->bandwidth, 2500000);
  g_assert_cmpint (mxr_bandwidth_poll (fixture->bandwidth, fixture->now_us), <=, fixture->now_us + 200000);
  g_assert_true (mxr_bandwidth_next_probe (fixture->bandwidth, fixture->now_us, &probe));
  g_assert_cmpuint (probe.id, !=, 0);
  g_assert_cmpuint (probe.rate_bps, ==, 2000000);
  /* it comes back as it was sent */
  for (guint i = 0; i < 8; i++) {
    mxr_bandwidth_sent (fixture->bandwidth, fixture->seq, 1000, probe.id, fixture->now_us);
    mxr_twcc_recorder_add (&fixture->recorder, fixture->seq++, fixture->now_us + 5);
    fixture->now_us += 4000;
  }
  exchange (fixture, 100, 5, false);
  g_assert_cmpuint (state_of (fixture).estimate_bps, >, 1900000);
  g_assert_true (mxr_bandwidth_next_probe (fixture->bandwidth, fixture->now_us, &probe));
  g_assert_cmpuint (probe.rate_bps, ==, 2500000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/bandwidth/belief", Fixture, NULL, set_up, test_belief, tear_down);
  g_test_add ("/bandwidth/little-is-sent", Fixture, NULL, set_up, test_little_is_sent, tear_down);
  g_test_add ("/bandwidth/silence", Fixture, NULL, set_up, test_silence, tear_down);
  g_test_add ("/bandwidth/remb", Fixture, NULL, set_up, test_remb, tear_down);
  g_test_add ("/bandwidth/old-remb", Fixture, NULL, set_up, test_old_remb, tear_down);
  g_test_add ("/bandwidth/clock-is-set", Fixture, NULL, set_up, test_clock_is_set, tear_down);
  g_test_add ("/bandwidth/reports", Fixture, NULL, set_up, test_reports, tear_down);
  g_test_add ("/bandwidth/probes", Fixture, NULL, set_up, test_probes, tear_down);
  return g_test_run ();
}
