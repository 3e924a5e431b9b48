/* RED over a real connection, by the recorded Chromium's offer: payload type 63 for packets of 111. */

#include "peer-test-client.h"

#include <string.h>

#define BLOCK_RTP 960
#define UPLINK_SSRC 1103643845
#define N_PACKETS 60

static void
write_u32 (guint8 *out, guint32 value)
{
  for (guint i = 0; i < 4; i++)
    out[i] = (guint8) (value >> (24 - 8 * i));
}

/* Each packet with the one before; every third is lost. */
static void
send_red (gpointer data)
{
  static const guint8 opus[] = { 0x08, 1, 2, 3 };
  Client *client = data;
  const guint i = client->n_sent++;
  const MxrRedBlock blocks[] = { { 111, BLOCK_RTP, opus, sizeof opus }, { 111, 0, opus, sizeof opus } };
  guint8 rtp[64 + MXR_SRTP_TRAILER_BYTES] = { 0x80, 63, i >> 8, i & 0xff };

  write_u32 (rtp + 4, i * BLOCK_RTP);
  write_u32 (rtp + 8, UPLINK_SSRC);
  gsize size = 12 + mxr_red_write (rtp + 12, blocks, G_N_ELEMENTS (blocks));
  if (i % 3 != 1)
    mxr_transport_send_rtp (client->transport, rtp, size, sizeof rtp);
  client_set (client, &client->is_done);
}

static MxrPeerStats
get_stats (Fixture *fixture)
{
  MxrPeerStats stats;
  mxr_peer_get_stats (fixture->peer, &stats);
  return stats;
}

static void
test_up (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };

  mxr_peer_set_wanted (fixture->peer, MXR_RTP_AUDIO, true);
  client_connect (fixture, &client);
  for (guint i = 0; i < N_PACKETS; i++) {
    client_call (&client, send_red);
    pump_for_ms (5);
  }
  PUMP_UNTIL (get_stats (fixture).decoding[MXR_RTP_AUDIO].decoded == N_PACKETS);
  const MxrUplinkStats stats = get_stats (fixture).decoding[MXR_RTP_AUDIO];
  g_assert_cmpuint (stats.recovered, ==, N_PACKETS / 3);
  g_assert_cmpuint (stats.concealed + stats.fec, ==, 0);
  g_assert_cmpuint (get_stats (fixture).uplink[MXR_RTP_AUDIO].packets, ==, N_PACKETS - N_PACKETS / 3);
  close_peer (fixture);
  client_clear (&client);
}

static void
push_block (MxrFanout *fanout, guint block)
{
  guint8 rtp[] = { 0x80, 111, block >> 8, block & 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 8, 1, 2, 3 };
  write_u32 (rtp + 4, block * BLOCK_RTP);
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, false);
  mxr_fanout_push (fanout, packet, sizeof rtp);
  mxr_fanout_flush (fanout);
}

/* A receiver report of a fifth lost. RFC 3550 6.4.2. */
static void
report_loss (gpointer data)
{
  Client *client = data;
  guint8 rtcp[32 + MXR_SRTP_TRAILER_BYTES] = { 0x81, 201, 0, 7 };

  write_u32 (rtcp + 4, UPLINK_SSRC);
  write_u32 (rtcp + 8, client->ssrcs[MXR_RTP_AUDIO]);
  rtcp[12] = 256 / 5;
  mxr_transport_send_rtcp (client->transport, rtcp, 32, sizeof rtcp);
  client_set (client, &client->is_done);
}

static guint
count_red (Client *client)
{
  g_mutex_lock (&client->lock);
  guint n = client->n_red;
  g_mutex_unlock (&client->lock);
  return n;
}

static void
test_down (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) fanout = mxr_fanout_new (fixture->net, "OPUS");
  Client client = { 0 };
  guint block = 0;

  client_connect (fixture, &client);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, fanout, NULL, NULL);
  pump_for_ms (50);
  for (; block < 50; block++) {
    push_block (fanout, block);
    pump_for_ms (2);
  }
  PUMP_UNTIL (get_stats (fixture).downlink[MXR_RTP_AUDIO].packets == 50);
  g_assert_true (get_stats (fixture).downlink[MXR_RTP_AUDIO].has_red);
  g_assert_cmpuint (count_red (&client), ==, 0);
  client_call (&client, report_loss);
  PUMP_UNTIL (get_stats (fixture).downlink[MXR_RTP_AUDIO].red_blocks > 0);
  for (; block < 100; block++) {
    push_block (fanout, block);
    pump_for_ms (2);
  }
  PUMP_UNTIL (count_red (&client) == 50);
  PUMP_UNTIL (get_stats (fixture).downlink[MXR_RTP_AUDIO].red_packets == 50);
  mxr_fanout_close (fanout);
  close_peer (fixture);
  client_clear (&client);
}

/* ---- A tap -------------------------------------------------------------------------------------------------- */

typedef struct {
  gint n_units, n_freed; /* atomic */
  GstClockTime time_ns;
} Tapped;

static bool
on_unit (const MxrTapUnit *unit, gpointer user_data)
{
  Tapped *tapped = user_data;
  g_assert_cmpint (unit->kind, ==, MXR_RTP_AUDIO);
  g_assert_cmpuint (unit->time_ns, >, tapped->time_ns);
  tapped->time_ns = unit->time_ns;
  g_atomic_int_inc (&tapped->n_units);
  return true;
}

static void
on_tap_freed (gpointer user_data)
{
  Tapped *tapped = user_data;
  g_atomic_int_inc (&tapped->n_freed);
}

/* It was set before there was a connection, and takes the place of another; nobody hears the sound. */
static void
test_tap (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };
  Tapped former = { 0 }, tapped = { 0 };

  mxr_peer_set_tap (fixture->peer, on_unit, &former, on_tap_freed);
  mxr_peer_set_tap (fixture->peer, on_unit, &tapped, on_tap_freed);
  client_connect (fixture, &client);
  g_assert_cmpint (g_atomic_int_get (&former.n_freed), ==, 1);
  for (guint i = 0; i < N_PACKETS; i++) {
    client_call (&client, send_red);
    pump_for_ms (5);
  }
  PUMP_UNTIL (g_atomic_int_get (&tapped.n_units) == N_PACKETS);
  g_assert_cmpint (g_atomic_int_get (&tapped.n_freed), ==, 0);
  close_peer (fixture);
  PUMP_UNTIL (g_atomic_int_get (&tapped.n_freed) == 1);
  g_assert_cmpint (former.n_units, ==, 0);
  client_wait_for (&client, &client.is_hung_up);
  client_clear (&client);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
  g_test_add ("/red/up", Fixture, NULL, fixture_init, test_up, fixture_clear);
  g_test_add ("/red/down", Fixture, NULL, fixture_init, test_down, fixture_clear);
  g_test_add ("/red/tap", Fixture, NULL, fixture_init, test_tap, fixture_clear);
  return g_test_run ();
}
