#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "mixroom/limits.h"
#include "peer-test-client.h"

/* ---- Negotiation --------------------------------------------------------------------------------------------------- */

static guint
count (const char *text, const char *what)
{
  guint n = 0;
  for (const char *at = strstr (text, what); at != NULL; at = strstr (at + 1, what))
    n++;
  return n;
}

/* Every offer of real clients that we have gets an answer, and again as a renegotiation. */
static void
test_recorded_offers (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *folder = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "tests", "data", "sdp", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n_files = 0;

  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    if (!g_str_has_suffix (name, ".sdp"))
      continue;
    g_autofree char *offer = read_offer (name);
    g_test_message ("%s", name);
    negotiate_well (fixture, offer);
    g_assert_cmpuint (count (fixture->answer, "\r\nm="), ==, count (offer, "\nm="));
    negotiate_well (fixture, offer);
    close_peer (fixture);
    new_peer (fixture);
    n_files++;
  }
  g_assert_cmpuint (n_files, >=, 10);
}

static void
test_out_of_order (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");
  g_autoptr (GError) error = NULL;

  g_assert_false (mxr_peer_add_candidate (fixture->peer, "candidate:1 1 udp 1 127.0.0.1 9 typ host", &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_NOT_NEGOTIATED);
  g_clear_error (&error);
  g_assert_false (mxr_peer_restart_ice (fixture->peer, "abcd", "0123456789012345678901", on_answer, fixture, &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_NOT_NEGOTIATED);
  g_clear_error (&error);
  g_assert_false (negotiate (fixture, "v=0\r\n", &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BAD_SDP);
  g_clear_error (&error);

  g_assert_true (negotiate (fixture, offer, &error));
  g_assert_false (negotiate (fixture, offer, &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BUSY);
  g_clear_error (&error);
  PUMP_UNTIL (fixture->n_answers == 1);
  g_assert_true (mxr_peer_restart_ice (fixture->peer, "abcd", "0123456789012345678901", on_answer, fixture, &error));
  g_assert_false (mxr_peer_has_ice_credentials (fixture->peer, "abcd", "0123456789012345678901"));
  g_assert_false (negotiate (fixture, offer, &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BUSY);
  PUMP_UNTIL (fixture->n_answers == 2);
  g_assert_true (mxr_peer_has_ice_credentials (fixture->peer, "abcd", "0123456789012345678901"));
  /* Credentials that the transport refuses leave those in use. */
  g_clear_error (&error);
  g_assert_true (mxr_peer_restart_ice (fixture->peer, "x", "y", on_answer, fixture, &error));
  PUMP_UNTIL (fixture->n_errors == 1);
  g_assert_true (mxr_peer_has_ice_credentials (fixture->peer, "abcd", "0123456789012345678901"));
}

static void
test_candidates_have_an_end (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");
  guint n_taken = 0;

  negotiate_well (fixture, offer);
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *candidate = g_strdup_printf ("candidate:1 1 udp 1 127.0.0.1 %u typ host", 1024 + i);
    g_autoptr (GError) error = NULL;
    bool taken = mxr_peer_add_candidate (fixture->peer, candidate, &error);
    n_taken += taken;
    if (!taken)
      g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BAD_CANDIDATE);
  }
  g_assert_cmpuint (n_taken, ==, MXR_CANDIDATES_MAX);
  g_autofree char *huge = g_strnfill (MXR_CANDIDATE_MAX_BYTES + 1, 'x');
  g_assert_false (mxr_peer_add_candidate (fixture->peer, huge, NULL));
  g_assert_true (mxr_peer_add_candidate (fixture->peer, "", NULL));
}

/* Before anything, with an offer at any point of its way, from within the answer. */
static void
test_close_in_each_state (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");

  close_peer (fixture);
  for (guint i = 0; i < 12; i++) {
    new_peer (fixture);
    g_assert_true (mxr_peer_negotiate (fixture->peer, offer, i % 2 == 0, on_answer, fixture, NULL));
    g_usleep (i * 300);
    if (i > 6)
      g_main_context_iteration (NULL, FALSE);
    guint n = fixture->n_answers;
    close_peer (fixture);
    pump_for_ms (5);
    g_assert_cmpuint (fixture->n_answers, ==, n);
  }
  fixture->closes_in_answer = true;
  new_peer (fixture);
  guint n = fixture->n_answers;
  g_assert_true (negotiate (fixture, offer, NULL));
  PUMP_UNTIL (fixture->n_answers > n);
  g_assert_null (fixture->peer);
  g_assert_cmpuint (fixture->n_errors, ==, 0);
}

static void
test_uplink_that_cannot_be_added (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");
  g_autoptr (GError) error = NULL;

  fixture->refuses_uplinks = true;
  g_assert_false (negotiate (fixture, offer, &error));
  g_assert_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_FAILED);
  fixture->refuses_uplinks = false;
  negotiate_well (fixture, offer);
  g_assert_cmpuint (fixture->n_added, ==, 2);
}

/* All media off and on again: uplinks go and come, and the downlinks that come again are other streams, whose sequence
 * numbers may begin anew. */
static void
test_off_and_on_again (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");
  g_autofree char *off = substitute (offer, "^a=(sendrecv|sendonly|recvonly)", "a=inactive");

  negotiate_well (fixture, offer);
  g_autofree char *first = find (fixture->answer, "^a=ssrc:(\\d+) cname");
  g_assert_nonnull (first);
  g_assert_cmpuint (fixture->n_downlinks[MXR_RTP_AUDIO], ==, 1);
  negotiate_well (fixture, offer);
  g_autofree char *same = find (fixture->answer, "^a=ssrc:(\\d+) cname");
  g_assert_cmpstr (first, ==, same);
  g_assert_cmpuint (fixture->n_added, ==, 2);
  g_assert_cmpuint (fixture->n_downlinks[MXR_RTP_AUDIO], ==, 1);

  negotiate_well (fixture, off);
  g_assert_cmpuint (fixture->n_removed, ==, 2);
  g_assert_cmpuint (fixture->n_downlinks[MXR_RTP_AUDIO], ==, 2);
  negotiate_well (fixture, offer);
  g_autofree char *second = find (fixture->answer, "^a=ssrc:(\\d+) cname");
  g_assert_cmpstr (first, !=, second);
  g_assert_cmpuint (fixture->n_added, ==, 4);
  g_assert_cmpuint (fixture->n_downlinks[MXR_RTP_AUDIO], ==, 3);
}

/* ---- Connected ----------------------------------------------------------------------------------------------------- */

static void
push_packet (MxrFanout *fanout, guint16 seq, guint32 timestamp, const guint8 *payload, bool keyframe)
{
  guint8 rtp[16] = { 0x80, 0x80 | 96, seq >> 8, seq & 0xff, timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff,
                     timestamp & 0xff, 0, 0, 0, 1, payload[0], payload[1], 0, 0 };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, keyframe);
  mxr_fanout_push (fanout, packet, sizeof rtp);
  mxr_fanout_flush (fanout);
}

static bool
has_reports (Client *client)
{
  g_mutex_lock (&client->lock);
  bool has = client->has_report[0] && client->has_report[1] && client->n_rtp[0] > 0 && client->n_rtp[1] > 0;
  g_mutex_unlock (&client->lock);
  return has;
}

/* Wall time [s] of an RTP timestamp, by the last report: what a client aligns lips by (RFC 3550 6.4.1). */
static double
to_wall (const Client *client, MxrRtpKind kind, guint32 rtp_time)
{
  double rate = kind == MXR_RTP_AUDIO ? 48000 : 90000;
  return client->report_ntp[kind] / 4294967296.0 + (gint32) (rtp_time - client->report_rtp[kind]) / rate;
}

static void
on_subscribed (MxrPeer *peer, gpointer user_data)
{
  *(guint *) user_data += 1;
}

static void
test_one_clock_for_sound_and_picture (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) sound = mxr_fanout_new (fixture->net, "OPUS");
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  const guint8 payload[] = { 0x10, 0x50 };
  Client client = { 0 };
  guint n_subscribed = 0;

  client_connect (fixture, &client);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, sound, on_subscribed, &n_subscribed);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, on_subscribed, &n_subscribed);
  PUMP_UNTIL (n_subscribed == 2);
  PUMP_UNTIL (fixture->n_keyframe_requests == 1);
  for (guint i = 0; !has_reports (&client) && i < 500; i++) { /* both at running time i x 20 ms */
    push_packet (sound, i, i * 960, payload, false);
    push_packet (picture, i, i * 1800, payload, i >= 5);
    pump_for_ms (20);
  }
  g_assert_true (has_reports (&client));
  pump_for_ms (100);
  g_mutex_lock (&client.lock);
  double skew_ms = fabs (to_wall (&client, MXR_RTP_AUDIO, client.last_rtp[MXR_RTP_AUDIO]) -
                         to_wall (&client, MXR_RTP_VIDEO, client.last_rtp[MXR_RTP_VIDEO])) * 1000;
  g_mutex_unlock (&client.lock);
  g_test_message ("sound and picture of one instant are %.3f ms apart by their reports", skew_ms);
  g_assert_cmpfloat (skew_ms, <, 2);
  g_assert_cmpuint (client.n_rtp[MXR_RTP_VIDEO] + 5, ==, client.n_rtp[MXR_RTP_AUDIO]); /* none before the key frame */
  close_peer (fixture);
  client_wait_for (&client, &client.is_hung_up);
  mxr_fanout_close (sound);
  mxr_fanout_close (picture);
  client_clear (&client);
}

static void
push_burst (MxrFanout *fanout, guint16 seq, guint32 timestamp, guint n, bool keyframe)
{
  guint8 rtp[200] = { 0x80, 96, [4] = timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff, timestamp & 0xff };
  for (guint i = 0; i < n; i++, seq++) {
    rtp[1] = 96 | (i == n - 1 ? 0x80 : 0);
    rtp[2] = seq >> 8;
    rtp[3] = seq & 0xff;
    g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, keyframe && i == 0);
    mxr_fanout_push (fanout, packet, sizeof rtp);
  }
  mxr_fanout_flush (fanout);
}

static guint
count_pictures (Client *client)
{
  g_mutex_lock (&client->lock);
  guint n = client->n_rtp[MXR_RTP_VIDEO];
  g_mutex_unlock (&client->lock);
  return n;
}

static guint
count_rtx (Client *client)
{
  g_mutex_lock (&client->lock);
  guint n = client->n_rtx;
  g_mutex_unlock (&client->lock);
  return n;
}

/* The client asks for 17 packets again from the third on. */
static void
send_nack (gpointer data)
{
  Client *client = data;
  guint8 nack[16 + MXR_SRTP_TRAILER_BYTES] = { 0x81, 205, 0, 3, 0, 0, 0, 9 };
  GST_WRITE_UINT32_BE (nack + 8, client->ssrcs[MXR_RTP_VIDEO]);
  GST_WRITE_UINT16_BE (nack + 12, (guint16) (client->first_picture + 2));
  GST_WRITE_UINT16_BE (nack + 14, 0xffff);
  g_assert_cmpint (mxr_transport_send_rtcp (client->transport, nack, 16, sizeof nack), ==, MXR_SEND_OK);
  client_set (client, &client->is_done);
}

/* A burst that is more than a batch, what was asked for again, and another burst: in order, nothing twice, and the key
 * frame's first packet is the first of all although it stands in the middle of a batch. */
static void
test_batches_and_repetitions (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  Client client = { 0 };
  MxrDelayCounts counts;

  client_connect (fixture, &client);
  g_autofree char *rtx = find (strstr (fixture->answer, "\r\nm=video"), "^a=ssrc-group:FID \\d+ (\\d+)");
  client.rtx_ssrc = (guint32) g_ascii_strtoull (rtx, NULL, 10);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
  PUMP_UNTIL (fixture->n_keyframe_requests == 1);
  push_burst (picture, 0xfff0, 1000, 10, false);
  push_burst (picture, 0xfffa, 4000, 100, true); /* across 2^16 */
  PUMP_UNTIL (count_pictures (&client) == 100);
  client_call (&client, send_nack);
  push_burst (picture, 0x005e, 7000, 70, false);
  PUMP_UNTIL (count_pictures (&client) == 170 && count_rtx (&client) == 17);
  g_assert_cmpuint (client.last_original, ==, (guint16) (client.first_picture + 18));
  g_assert_cmpuint (client.last_picture, ==, (guint16) (client.first_picture + 169));
  mxr_delay_read (&fixture->delays->send[MXR_RTP_VIDEO], &counts);
  g_assert_cmpuint (counts.n, >=, 2); /* deliveries */
  g_assert_cmpuint (counts.n, <=, 180);
  g_assert_cmpint (counts.sum_us, >, 0);
  g_assert_cmpint (mxr_delay_counts_quantile_us (&counts, 1), <, G_USEC_PER_SEC);
  mxr_fanout_close (picture);
  close_peer (fixture);
  client_clear (&client);
}

typedef struct {
  MxrFanout *fanout;
  atomic_bool ends;
} Producer;

static gpointer
produce (gpointer data)
{
  Producer *producer = data;
  for (guint i = 0; !atomic_load (&producer->ends); i++) {
    push_burst (producer->fanout, (guint16) (i * 40), i * 3000, 40, i % 10 == 0);
    g_usleep (1000);
  }
  return NULL;
}

/* Packets keep coming while the connection ends: by us, and by the client. */
static void
test_end_while_sending (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  Producer producer = { picture, false };
  GThread *thread = g_thread_new ("producer", produce, &producer);
  MxrFanoutStats stats;

  for (guint round = 0; round < 4; round++) {
    Client client = { 0 };
    fixture->is_connected = false;
    fixture->n_answers = 0;
    g_clear_pointer (&fixture->failed, g_free);
    client_connect (fixture, &client);
    mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
    PUMP_UNTIL (count_pictures (&client) > 200);
    if (round % 2 == 0) {
      client_call (&client, client_close);
      PUMP_UNTIL (fixture->failed != NULL);
      mxr_fanout_get_stats (picture, &stats);
      g_assert_cmpuint (stats.subscribers, ==, 0); /* nobody is served who is not connected */
    }
    close_peer (fixture);
    client_clear (&client);
    new_peer (fixture);
  }
  atomic_store (&producer.ends, true);
  g_thread_join (thread);
  mxr_fanout_close (picture);
}

/* Who comes when a key frame was just made gets it, and what came since, and nobody is asked for another. */
static void
test_begins_with_what_was_kept (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  Client client = { 0 };

  client_connect (fixture, &client);
  push_burst (picture, 0xfffa, 4000, 100, true); /* across 2^16 */
  push_burst (picture, 0x005e, 7000, 70, false);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
  PUMP_UNTIL (count_pictures (&client) == 170);
  push_burst (picture, 0x00a4, 10000, 1, false);
  PUMP_UNTIL (count_pictures (&client) == 171);
  g_assert_cmpuint (client.last_picture, ==, (guint16) (client.first_picture + 170));
  g_assert_cmpuint (fixture->n_keyframe_requests, ==, 0);
  close_peer (fixture);
  client_wait_for (&client, &client.is_hung_up);
  mxr_fanout_close (picture);
  client_clear (&client);
}

static void
send_pli (gpointer data)
{
  Client *client = data;
  guint8 pli[12 + MXR_SRTP_TRAILER_BYTES] = { 0x81, 206, 0, 2, 0, 0, 0, 9 };
  GST_WRITE_UINT32_BE (pli + 8, client->ssrcs[MXR_RTP_VIDEO]);
  g_assert_cmpint (mxr_transport_send_rtcp (client->transport, pli, 12, sizeof pli), ==, MXR_SEND_OK);
  client_set (client, &client->is_done);
}

/* A client may miss a packet of the very key frame it begins with, and GStreamer asks only once: however soon, it is heard. */
static void
test_request_at_once_is_heard (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  Client client = { 0 };

  client_connect (fixture, &client);
  push_burst (picture, 100, 4000, 50, true);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
  PUMP_UNTIL (count_pictures (&client) == 50);
  g_assert_cmpuint (fixture->n_keyframe_requests, ==, 0);
  client_call (&client, send_pli);
  PUMP_UNTIL (fixture->n_keyframe_requests == 1);
  close_peer (fixture);
  client_wait_for (&client, &client.is_hung_up);
  mxr_fanout_close (picture);
  client_clear (&client);
}

/* A key frame that got lost on its way to the link is asked for again while others pass by. */
static void
test_keyframe_is_asked_for_again (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  const guint8 payload[] = { 0x10, 0x51 };
  Client client = { 0 };

  client_connect (fixture, &client);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
  PUMP_UNTIL (fixture->n_keyframe_requests == 1);
  for (guint i = 0; fixture->n_keyframe_requests < 2 && i < 500; i++) {
    push_packet (picture, i, i * 3000, payload, false);
    pump_for_ms (20);
  }
  g_assert_cmpuint (fixture->n_keyframe_requests, ==, 2);
  g_assert_cmpuint (client.n_rtp[MXR_RTP_VIDEO], ==, 0);
  mxr_fanout_close (picture);
  close_peer (fixture);
  client_clear (&client);
}

/* The recorded offer's sound: payload type 111, level in element 1. */
static void
send_sound (gpointer data)
{
  Client *client = data;
  guint i = client->n_sent++;
  guint32 timestamp = i * 960, ssrc = client->sent_ssrc != 0 ? client->sent_ssrc : 1103643845;
  guint8 rtp[64 + MXR_SRTP_TRAILER_BYTES] = {
    0x90, 111, i >> 8, i & 0xff, timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff, timestamp & 0xff,
    ssrc >> 24, ssrc >> 16 & 0xff, ssrc >> 8 & 0xff, ssrc & 0xff,
    0xbe, 0xde, 0, 1, 0x10, client->level, 0, 0, 0x08, 1, 2, 3,
  };
  mxr_transport_send_rtp (client->transport, rtp, 24, sizeof rtp);
  client_set (client, &client->is_done);
}

static void
send_sounds (Client *client, guint n, guint8 level)
{
  client->level = level;
  for (guint i = 0; i < n; i++) {
    client_call (client, send_sound);
    pump_for_ms (20);
  }
}

static MxrUplinkStats
sound_stats (Fixture *fixture)
{
  MxrPeerStats stats;
  mxr_peer_get_stats (fixture->peer, &stats);
  return stats.decoding[MXR_RTP_AUDIO];
}

/* Silence, voice, and the room's decision, which begins with what was said before it. */
static void
test_sound_is_decoded_when_wanted (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };

  mxr_peer_set_wanted (fixture->peer, MXR_RTP_AUDIO, true); /* may be said at any time */
  mxr_peer_set_wanted (fixture->peer, MXR_RTP_AUDIO, false);
  client_connect (fixture, &client);
  send_sounds (&client, 20, 80);
  g_assert_cmpuint (fixture->n_voices, ==, 0);
  send_sounds (&client, 5, 0x80 | 20);
  PUMP_UNTIL (fixture->n_voices == 1);
  PUMP_UNTIL (sound_stats (fixture).unwanted == 25);
  g_assert_cmpuint (sound_stats (fixture).decoded, ==, 0);
  pump_for_ms (400); /* a pause that ends the voice: voice-history.c */
  send_sounds (&client, 5, 0x80 | 20);
  mxr_peer_set_wanted (fixture->peer, MXR_RTP_AUDIO, true);
  send_sounds (&client, 5, 80);
  PUMP_UNTIL (sound_stats (fixture).decoded >= 5);
  g_assert_cmpuint (sound_stats (fixture).decoded, <=, 5 + 7); /* and the past: all of it, or, on a busy machine, none */
  g_assert_cmpuint (sound_stats (fixture).unwanted, ==, 30);
  g_assert_cmpuint (fixture->n_voices, ==, 2);
  close_peer (fixture);
  client_clear (&client);
}

/* One that an offer announces in the place of the other, with lower numbers. */
static void
test_other_source_in_the_same_section (Fixture *fixture, gconstpointer unused)
{
  Client client = { .n_sent = 1000 };

  client_connect (fixture, &client);
  mxr_peer_set_wanted (fixture->peer, MXR_RTP_AUDIO, true);
  send_sounds (&client, 5, 80);
  PUMP_UNTIL (sound_stats (fixture).decoded >= 3);
  for (guint i = 0; i < 2; i++) { /* of the first nothing comes */
    g_autofree char *ssrc = g_strdup_printf ("a=ssrc:%u", 77777 + i);
    g_autofree char *offer = substitute (client.offer, "^a=ssrc:1103643845", ssrc);
    negotiate_well (fixture, offer);
    client.sent_ssrc = 77777 + i;
  }
  const guint64 n_decoded = sound_stats (fixture).decoded;
  client.n_sent = 10;
  send_sounds (&client, 10, 80);
  PUMP_UNTIL (sound_stats (fixture).decoded >= n_decoded + 8);
  g_assert_cmpuint (sound_stats (fixture).reorder.late, ==, 0);
  g_assert_cmpuint (sound_stats (fixture).reorder.lost, ==, 0);
  g_assert_cmpuint (fixture->n_removed, ==, 0);
  close_peer (fixture);
  client_clear (&client);
}

static guint32
get_remb (Client *client)
{
  g_mutex_lock (&client->lock);
  guint32 remb = client->remb;
  g_mutex_unlock (&client->lock);
  return remb;
}

/* The answer agrees to what Chromium offers; a limit from before the connection holds, and so does a later one. */
static void
test_max_bitrate (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };

  mxr_peer_set_max_bitrate (fixture->peer, MXR_RTP_VIDEO, 150000);
  client_connect (fixture, &client);
  g_assert_nonnull (strstr (fixture->answer, " goog-remb\r\n"));
  PUMP_UNTIL (get_remb (&client) == 150000);
  mxr_peer_set_max_bitrate (fixture->peer, MXR_RTP_VIDEO, 1 << 20);
  PUMP_UNTIL (get_remb (&client) == (3 << 18 | 1 << 17));
  close_peer (fixture);
  client_clear (&client);
}

/* draft-alvestrand-rmcat-remb-03, of @mantissa x 2^6 bit/s. */
static void
send_remb (gpointer data)
{
  Client *client = data;
  guint8 remb[24 + MXR_SRTP_TRAILER_BYTES] = { 0x8f, 206, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 6 << 2 };
  GST_WRITE_UINT16_BE (remb + 18, (guint16) (client->estimate_bps >> 6));
  GST_WRITE_UINT32_BE (remb + 20, client->ssrcs[MXR_RTP_VIDEO]);
  g_assert_cmpint (mxr_transport_send_rtcp (client->transport, remb, 24, sizeof remb), ==, MXR_SEND_OK);
  client_set (client, &client->is_done);
}

static MxrPeerBandwidth
get_bandwidth (Fixture *fixture)
{
  MxrPeerBandwidth bandwidth;
  mxr_peer_get_bandwidth (fixture->peer, &bandwidth);
  return bandwidth;
}

/* A belief, what the client tells, a little more, which is no news, and much more. */
static void
test_bandwidth_is_told (Fixture *fixture, gconstpointer unused)
{
  Client client = { .estimate_bps = 640000 };

  mxr_peer_want_bitrate (fixture->peer, 1000000);
  client_connect (fixture, &client);
  g_assert_false (get_bandwidth (fixture).is_measured);
  g_assert_cmpuint (get_bandwidth (fixture).estimate_bps, ==, fixture->config->media.start_bitrate_bps);
  g_assert_cmpuint (fixture->n_bandwidths, ==, 0);
  client_call (&client, send_remb);
  PUMP_UNTIL (fixture->n_bandwidths == 1);
  g_assert_true (get_bandwidth (fixture).is_measured);
  g_assert_cmpuint (get_bandwidth (fixture).estimate_bps, ==, 640000);
  pump_for_ms (150);
  client.estimate_bps = 660032;
  client_call (&client, send_remb);
  PUMP_UNTIL (get_bandwidth (fixture).estimate_bps == 660032);
  pump_for_ms (150);
  g_assert_cmpuint (fixture->n_bandwidths, ==, 1);
  client.estimate_bps = 1280000;
  client_call (&client, send_remb);
  PUMP_UNTIL (fixture->n_bandwidths == 2);
  g_assert_cmpuint (get_bandwidth (fixture).estimate_bps, ==, 1280000);
  close_peer (fixture);
  client_clear (&client);
}

/* A key frame that is more than the way carries in a second leaves in slices, whole, and the room sees that it waits. */
static void
test_keyframe_is_paced (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (MxrFanout) picture = mxr_fanout_new (fixture->net, "VP8");
  Client client = { .estimate_bps = 128000 };
  MxrDelayCounts counts;

  client_connect (fixture, &client);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_VIDEO, picture, NULL, NULL);
  PUMP_UNTIL (fixture->n_keyframe_requests == 1);
  client_call (&client, send_remb);
  PUMP_UNTIL (fixture->n_bandwidths == 1);
  const gint64 begin_us = g_get_monotonic_time ();
  push_burst (picture, 1, 1000, 100, true); /* 21 KB: 1.3 s at 128 kbit/s, 750 ms of which may leave at 320 */
  pump_for_ms (50);
  g_assert_cmpuint (count_pictures (&client), >, 0);
  g_assert_cmpuint (count_pictures (&client), <, 50);
  PUMP_UNTIL (count_pictures (&client) == 100);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >, 400 * 1000);
  g_assert_cmpuint (client.last_picture, ==, (guint16) (client.first_picture + 99));
  mxr_delay_read (&fixture->delays->send[MXR_RTP_VIDEO], &counts);
  g_assert_cmpint (mxr_delay_counts_quantile_us (&counts, 1), >, 400 * 1000);
  mxr_fanout_close (picture);
  close_peer (fixture);
  client_clear (&client);
}

static void
test_client_hangs_up (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };
  g_autoptr (GError) error = NULL;

  client_connect (fixture, &client);
  client_call (&client, client_close);
  PUMP_UNTIL (fixture->failed != NULL);
  g_assert_cmpstr (fixture->failed, ==, "the client closed the connection");
  client_clear (&client);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/peer/recorded-offers", test_recorded_offers);
  ADD ("/peer/out-of-order", test_out_of_order);
  ADD ("/peer/candidates-have-an-end", test_candidates_have_an_end);
  ADD ("/peer/close-in-each-state", test_close_in_each_state);
  ADD ("/peer/uplink-that-cannot-be-added", test_uplink_that_cannot_be_added);
  ADD ("/peer/off-and-on-again", test_off_and_on_again);
  ADD ("/peer/one-clock-for-sound-and-picture", test_one_clock_for_sound_and_picture);
  ADD ("/peer/begins-with-what-was-kept", test_begins_with_what_was_kept);
  ADD ("/peer/request-at-once-is-heard", test_request_at_once_is_heard);
  ADD ("/peer/keyframe-is-asked-for-again", test_keyframe_is_asked_for_again);
  ADD ("/peer/sound-is-decoded-when-wanted", test_sound_is_decoded_when_wanted);
  ADD ("/peer/other-source-in-the-same-section", test_other_source_in_the_same_section);
  ADD ("/peer/batches-and-repetitions", test_batches_and_repetitions);
  ADD ("/peer/end-while-sending", test_end_while_sending);
  ADD ("/peer/max-bitrate", test_max_bitrate);
  ADD ("/peer/bandwidth-is-told", test_bandwidth_is_told);
  ADD ("/peer/keyframe-is-paced", test_keyframe_is_paced);
  ADD ("/peer/client-hangs-up", test_client_hangs_up);
  return g_test_run ();
}
