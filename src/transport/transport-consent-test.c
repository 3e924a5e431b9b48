#include "harness-test.h"

/* Who is silent for too long has left (RFC 7675). These tests need real time to pass: silence cannot be sped
 * up. */

static void
expire_after_one_second (MxrConfig *config)
{
  config->ice.consent_timeout_s = 1;
}

static bool
have_failed (Harness *harness)
{
  return harness->a.state == MXR_TRANSPORT_FAILED && harness->b.state == MXR_TRANSPORT_FAILED;
}

static void
test_expires (void)
{
  g_autoptr (Harness) harness = harness_new (expire_after_one_second);

  harness_connect (harness);
  const gint64 connected_us = g_get_monotonic_time ();
  harness_wait (harness, have_failed);
  const gint64 took_us = g_get_monotonic_time () - connected_us;
  g_assert_cmpstr (harness->a.reason, ==, "consent expired");
  g_assert_cmpint (took_us, >, 900000);
  g_assert_cmpint (took_us, <, 4 * G_USEC_PER_SEC);
  g_assert_cmpint (peer_send (&harness->a, 1), ==, MXR_SEND_NOT_CONNECTED);
}

/* A viewer sends nothing but a report now and then. */
static void
test_reports_count (void)
{
  g_autoptr (Harness) harness = harness_new (expire_after_one_second);

  harness_connect (harness);
  for (guint i = 0; i < 6; i++) {
    g_usleep (300000);
    g_assert_cmpint (peer_send_rtcp (&harness->a), ==, MXR_SEND_OK);
    g_assert_cmpint (peer_send_rtcp (&harness->b), ==, MXR_SEND_OK);
  }
  g_assert_true (are_connected (harness));
}

static void
expire_after_seven_seconds (MxrConfig *config)
{
  config->ice.consent_timeout_s = 7;
}

/* A peer on hold sends no media at all; its checks, every 4 to 6 s, are proof enough. */
static void
test_checks_count (void)
{
  g_autoptr (Harness) harness = harness_new (expire_after_seven_seconds);
  MxrTransportStats stats;

  harness_connect (harness);
  g_usleep (10 * G_USEC_PER_SEC);
  g_assert_true (are_connected (harness));
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpuint (stats.stun_seen, >, 0);
  g_assert_cmpuint (stats.packets_received, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/consent/expires", test_expires);
  g_test_add_func ("/consent/reports-count", test_reports_count);
  g_test_add_func ("/consent/checks-count", test_checks_count);
  return g_test_run ();
}
