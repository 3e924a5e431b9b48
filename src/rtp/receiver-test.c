#include "test-wire.h"

#define MS 1000
#define START_US G_GINT64_CONSTANT (5000000)

static void
receive (TestPeer *peer, guint8 payload_type, guint16 seq, guint32 ssrc, const void *extension,
         gsize extension_bytes, gsize payload_bytes, gint64 now_us)
{
  guint8 data[MXR_PACKET_MAX_BYTES];
  const gsize size =
      test_make_rtp (data, payload_type, seq, seq * 90u, ssrc, extension, extension_bytes, payload_bytes);
  mxr_rtp_session_receive_rtp (peer->session, data, size, now_us);
}

static MxrRtpReceiver *
add (TestPeer *peer, const char *mid, guint8 mid_id, guint8 payload_type, guint32 ssrc)
{
  const MxrRtpReceiverConfig config = {
    .kind = MXR_RTP_AUDIO,
    .mid = mid,
    .mid_id = mid_id,
    .payload_type = payload_type,
    .clock_rate = 48000,
    .rtx_payload_type = -1,
    .ssrc = ssrc,
  };
  return mxr_rtp_session_add_receiver (peer->session, &config);
}

static void
test_demux_order (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *known = add (peer, "k", 2, 96, 0x11);
  MxrRtpReceiver *by_mid = add (peer, "m", 5, 96, 0); /* the same payload type, another id for the MID */
  MxrRtpReceiver *by_type = add (peer, NULL, 0, 111, 0);

  receive (peer, 96, 1, 0x11, NULL, 0, 10, START_US);
  g_assert_true (peer->last_receiver == known);
  /* under an id that is another section's MID, its audio level with the same value */
  receive (peer, 111, 1, 0x33, (const guint8 *) "\x50m\0\0", 4, 10, START_US);
  g_assert_true (peer->last_receiver == by_type);
  receive (peer, 96, 1, 0x22, NULL, 0, 10, START_US); /* ambiguous */
  g_assert_cmpuint (test_peer_stats (peer).dropped_unknown_source, ==, 1);
  receive (peer, 96, 1, 0x22,
           "\x20"
           "m\0\0",
           4, 10, START_US); /* id 2 is the other section's */
  g_assert_cmpuint (test_peer_stats (peer).dropped_unknown_source, ==, 2);
  receive (peer, 96, 1, 0x22,
           "\x50"
           "m\0\0",
           4, 10, START_US);
  g_assert_true (peer->last_receiver == by_mid);
  receive (peer, 96, 2, 0x22, NULL, 0, 10, START_US); /* latched */
  g_assert_cmpuint (peer->n_received, ==, 4);
  receive (peer, 111, 3, 0x22, NULL, 0, 10, START_US);
  receive (peer, 100, 3, 0x44, NULL, 0, 10, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_payload_type, ==, 1);
  g_assert_cmpuint (test_peer_stats (peer).dropped_unknown_source, ==, 3);
}

static void
test_ssrc_changes_are_rare (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *receiver = add (peer, NULL, 0, 111, 0);
  MxrRtpReceiverStats stats;

  receive (peer, 111, 40000, 0x1, NULL, 0, 10, START_US);
  for (guint i = 0; i < 100; i++)
    receive (peer, 111, (guint16) i, 0x2 + i, NULL, 0, 10, START_US + i);
  g_assert_cmpuint (test_peer_stats (peer).dropped_ssrc_change, ==, 100);
  receive (peer, 111, 5, 0x77, NULL, 0, 10, START_US + 1000 * MS);
  mxr_rtp_receiver_get_stats (receiver, &stats);
  g_assert_cmphex (stats.ssrc, ==, 0x77);
  g_assert_cmpuint (stats.ssrc_changes, ==, 1);
  g_assert_cmpint (stats.lost, ==, 0);
  g_assert_cmpuint (peer->n_received, ==, 2);
  g_assert_cmpuint (peer->indices[1], >, peer->indices[0]);

  /* after a BYE at once, and the event comes once */
  const guint32 bye[] = { 0x77 };
  guint8 rtcp[8];
  const gsize size = test_make_rtcp (rtcp, 1, 203, bye, 1);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US + 1001 * MS);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US + 1001 * MS);
  g_assert_cmpuint (peer->n_byes, ==, 1);
  receive (peer, 111, 5, 0x78, NULL, 0, 10, START_US + 1002 * MS);
  g_assert_cmpuint (peer->n_received, ==, 3);

  /* it sends again, so it may end again */
  mxr_write_u32 (rtcp + 4, 0x78);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US + 1003 * MS);
  g_assert_cmpuint (peer->n_byes, ==, 2);
}

static void
test_duplicates_and_malformed (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  guint8 large[MXR_PACKET_MAX_BYTES + 1] = { 0x80, 111 };
  add (peer, NULL, 0, 111, 0);

  receive (peer, 111, 65535, 9, NULL, 0, 10, START_US);
  receive (peer, 111, 0, 9, NULL, 0, 10, START_US);
  receive (peer, 111, 65535, 9, NULL, 0, 10, START_US);
  g_assert_cmpuint (peer->n_received, ==, 2);
  g_assert_cmpuint (peer->indices[1], ==, peer->indices[0] + 1);
  g_assert_cmpuint (test_peer_stats (peer).dropped_duplicate, ==, 1);
  receive (peer, 111, 30000, 9, NULL, 0, 10, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_sequence, ==, 1);
  mxr_rtp_session_receive_rtp (peer->session, large, sizeof large, START_US);
  mxr_rtp_session_receive_rtp (peer->session, large, 11, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed, ==, 2);
}

/* RFC 4588: what comes out is the original in one piece, with extension and padding. */
static void
test_rtx (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *receiver = test_add_video_receiver (peer);
  MxrRtpReceiverStats stats;
  guint8 rtx[64];
  MxrRtpView view;

  receive (peer, 97, 7, 0xbb, NULL, 0, 20, START_US); /* of nothing we know */
  g_assert_cmpuint (test_peer_stats (peer).dropped_rtx, ==, 1);
  receive (peer, 96, 100, 0xaa, NULL, 0, 20, START_US);
  receive (peer, 96, 102, 0xaa, NULL, 0, 20, START_US);

  gsize size = test_make_rtp (rtx, 97, 8, 4242, 0xbb,
                              (const guint8 *) "\x10"
                                               "v\0\0",
                              4, 6);
  rtx[0] |= 0x20;
  rtx[1] |= 0x80;
  memcpy (rtx + 20,
          "\0\x65"
          "pa",
          4); /* OSN 101 */
  rtx[size - 1] = 2;
  mxr_rtp_session_receive_rtp (peer->session, rtx, size, START_US + 50 * MS);
  g_assert_cmpuint (peer->n_received, ==, 3);
  g_assert_cmpuint (peer->indices[2], ==, peer->indices[0] + 1);
  g_assert_true (mxr_rtp_view_parse (&view, peer->last_received.data, peer->last_received.size));
  g_assert_cmpuint (view.seq, ==, 101);
  g_assert_cmphex (view.ssrc, ==, 0xaa);
  g_assert_cmpuint (view.payload_type, ==, 96);
  g_assert_cmpuint (view.timestamp, ==, 4242);
  g_assert_true (view.marker);
  g_assert_cmpmem (view.payload, view.payload_bytes, "pa", 2);
  g_assert_cmpuint (view.extension_bytes, ==, 4);

  for (guint bytes = 0; bytes <= 2; bytes++) /* probes */
    receive (peer, 97, (guint16) (9 + bytes), 0xbb, NULL, 0, bytes, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_rtx, ==, 4);
  receive (peer, 97, 12, 0xaa, NULL, 0, 20, START_US); /* media's SSRC, retransmission's type */
  g_assert_cmpuint (test_peer_stats (peer).dropped_payload_type, ==, 1);
  mxr_rtp_receiver_get_stats (receiver, &stats);
  g_assert_cmpuint (stats.packets, ==, 2);
  g_assert_cmpuint (stats.rtx_packets, ==, 1);
  g_assert_cmpuint (stats.rtx_bytes, ==, view.size);
  g_assert_cmpint (stats.lost, ==, 1);
}

static void
test_nack_and_pli (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, true);
  MxrRtpReceiver *receiver = test_add_video_receiver (peer);
  gsize bytes;

  g_assert_false (mxr_rtp_session_request_keyframe (peer->session, receiver, START_US));
  receive (peer, 96, 10, 0xaa, NULL, 0, 20, START_US);
  receive (peer, 96, 13, 0xaa, NULL, 0, 20, START_US);
  g_assert_cmpint (mxr_rtp_session_poll (peer->session, START_US), ==, START_US + 10 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, 0);
  mxr_rtp_session_poll (peer->session, START_US + 10 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  const guint8 nack[] = { 0x81, 205, 0, 3, 0, 0, 0x12, 0x34, 0, 0, 0, 0xaa, 0, 11, 0, 1 };
  g_assert_cmpmem (peer->rtcp[0].data, peer->rtcp[0].size, nack, sizeof nack);

  g_assert_true (mxr_rtp_session_request_keyframe (peer->session, receiver, START_US));
  mxr_rtp_session_poll (peer->session, START_US + 11 * MS);
  const guint8 pli[] = { 0x81, 206, 0, 2, 0, 0, 0x12, 0x34, 0, 0, 0, 0xaa };
  g_assert_cmpmem (peer->rtcp[1].data, peer->rtcp[1].size, pli, sizeof pli);
  mxr_rtp_session_poll (peer->session, START_US + 211 * MS);

  /* what came late is not asked for again, what did not is */
  receive (peer, 96, 11, 0xaa, NULL, 0, 20, START_US + 212 * MS);
  const guint n_after = peer->n_rtcp;
  mxr_rtp_session_poll (peer->session, START_US + 340 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, n_after + 1);
  const guint8 one_left[] = { 0, 12, 0, 0 };
  const guint8 *again = test_get_rtcp (&peer->rtcp[n_after], 205, 1, &bytes);
  g_assert_cmpmem (again + 12, bytes - 12, one_left, sizeof one_left);

  /* a gap beyond repair asks for a key frame in place of the packets */
  const guint n_before = peer->n_rtcp;
  receive (peer, 96, 1100, 0xaa, NULL, 0, 20, START_US + 450 * MS);
  mxr_rtp_session_poll (peer->session, START_US + 450 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, n_before + 1);
  test_get_rtcp (&peer->rtcp[n_before], 206, 1, &bytes);
}

/* libwebrtc answers one in 300 ms (EncoderRtcpFeedback): what is wanted meanwhile is not lost, but asked for when it will be
 * answered. */
static void
test_plis_are_apart (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, true);
  MxrRtpReceiver *receiver = test_add_video_receiver (peer);
  MxrRtpReceiverStats stats;
  gint64 asked_us[2] = { 0 };
  guint n = 0;

  receive (peer, 96, 10, 0xaa, NULL, 0, 20, START_US);
  for (gint64 now_us = START_US; now_us < START_US + 500 * MS && n < 2; now_us += MS) {
    if (n == 0 || now_us < asked_us[0] + 250 * MS)
      g_assert_true (mxr_rtp_session_request_keyframe (peer->session, receiver, now_us));
    mxr_rtp_session_poll (peer->session, now_us);
    mxr_rtp_receiver_get_stats (receiver, &stats);
    if (stats.plis_sent > n)
      asked_us[n++] = now_us;
  }
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpint (asked_us[0], ==, START_US);
  g_assert_cmpint (asked_us[1] - asked_us[0], >, 300 * MS);
  g_assert_cmpint (asked_us[1] - asked_us[0], <=, 400 * MS);
}

/* Without reduced size each feedback stands behind a report and a description (RFC 4585 3.1). */
static void
test_compound_feedback (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, false);
  gsize bytes;
  test_add_video_receiver (peer);
  receive (peer, 96, 10, 0xaa, NULL, 0, 20, START_US);
  receive (peer, 96, 14, 0xaa, NULL, 0, 20, START_US);
  mxr_rtp_session_poll (peer->session, START_US + 10 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  g_assert_cmphex (peer->rtcp[0].data[1], ==, 201);
  g_assert_true (gst_rtcp_buffer_validate_data (peer->rtcp[0].data, (guint) peer->rtcp[0].size));
  const guint8 *sdes = test_get_rtcp (&peer->rtcp[0], 202, 1, &bytes);
  const guint8 expected[] = { 0x81, 202, 0,   5,   0,   0,   0x12, 0x34, 1,   12,  'm', 'i',
                              'x',  'r', 'o', 'o', 'm', '-', 't',  'e',  's', 't', 0,   0 };
  g_assert_cmpmem (sdes, bytes, expected, sizeof expected);
  test_get_rtcp (&peer->rtcp[0], 205, 1, &bytes);
}

static void
test_transport_feedback (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, true);
  guint8 extension[] = { 0x31, 0, 0, 0 };
  gsize bytes;
  test_add_video_receiver (peer);
  for (guint i = 0; i < 5; i++) {
    extension[2] = (guint8) i;
    receive (peer, 96, (guint16) i, 0xaa, extension, 4, 20, START_US + i * MS);
  }
  g_assert_cmpint (mxr_rtp_session_poll (peer->session, START_US + 5 * MS), ==, START_US + 250 * MS);
  mxr_rtp_session_poll (peer->session, START_US + 250 * MS);
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  const guint8 *feedback = test_get_rtcp (&peer->rtcp[0], 205, 15, &bytes);
  const guint8 head[] = { 0, 0, 0x12, 0x34, 0, 0, 0, 0xaa, 0, 0, 0, 5 };
  g_assert_cmpmem (feedback + 4, sizeof head, head, sizeof head);
  g_assert_cmphex (feedback[19], ==, 0);
  const guint8 body[] = { 0x20, 5, 32, 4, 4, 4, 4 }; /* 5 s is 78 x 64 ms and 32 x 250 us */
  g_assert_cmpmem (feedback + 20, sizeof body, body, sizeof body);
  g_assert_cmpuint (mxr_read_u24 (feedback + 16), ==, 78);
}

static void
test_report (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, true);
  const guint32 sr[] = { 0xaa, 0xe0000001, 0x80000000, 777, 1, 2 };
  MxrRtpReceiverStats stats;
  guint8 rtcp[32];
  gsize bytes;
  MxrRtpReceiver *receiver = test_add_video_receiver (peer);

  receive (peer, 96, 65535, 0xaa, NULL, 0, 20, START_US);
  receive (peer, 96, 1, 0xaa, NULL, 0, 20, START_US + 1000);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 0, 200, sr, 6), START_US);
  mxr_rtp_receiver_get_stats (receiver, &stats);
  g_assert_cmphex (stats.sr_ntp, ==, G_GUINT64_CONSTANT (0xe000000180000000));
  g_assert_cmpuint (stats.sr_rtp, ==, 777);
  g_assert_cmpint (stats.sr_arrival_us, ==, START_US);

  gint64 due_us = mxr_rtp_session_poll (peer->session, START_US);
  const guint8 *rr = NULL;
  for (guint i = 0; rr == NULL && i < 100; i++) {
    due_us = mxr_rtp_session_poll (peer->session, due_us);
    rr = test_find_rtcp (&peer->rtcp[peer->n_rtcp - 1], 201, 1, &bytes);
  }
  rr = test_get_rtcp (&peer->rtcp[peer->n_rtcp - 1], 201, 1, &bytes);
  const guint8 *block = rr + 8;
  g_assert_cmphex (mxr_read_u32 (block), ==, 0xaa);
  g_assert_cmpuint (block[4], ==, 256 / 3);
  g_assert_cmpuint (mxr_read_u24 (block + 5), ==, 1);
  g_assert_cmphex (mxr_read_u32 (block + 8), ==, 0x10001);
  g_assert_cmphex (mxr_read_u32 (block + 16), ==, 0x00018000);
  g_assert_cmpuint (mxr_read_u32 (block + 20), >, 0);
  test_get_rtcp (&peer->rtcp[peer->n_rtcp - 1], 202, 1, &bytes);

  /* about one a second from now on, and no block of a source that is silent */
  const guint n_before = peer->n_rtcp;
  for (gint64 until_us = due_us + 20 * G_USEC_PER_SEC; due_us < until_us;)
    due_us = mxr_rtp_session_poll (peer->session, due_us);
  g_assert_null (test_find_rtcp (&peer->rtcp[peer->n_rtcp - 1], 201, 1, &bytes));
  g_assert_cmpuint (peer->n_rtcp - n_before, >=, 14);
  g_assert_cmpuint (peer->n_rtcp - n_before, <=, 30);
}

/* As many receivers as there may be, all heard: everything in one packet within the bound. */
static void
test_full_report (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (0x1234, false);
  guint n_blocks = 0;
  gsize bytes;

  mxr_rtp_session_set_timeline (peer->session, 1);
  for (guint i = 0; i < MXR_RTP_SENDERS_MAX; i++) {
    const MxrRtpSenderConfig config = { .ssrc = 0x500 + i, .clock_rate = 48000, .rtx_payload_type = -1 };
    g_autoptr (MxrRtpPacket) packet = test_make_packet (1, 2, 30);
    MxrRtpSender *sender = mxr_rtp_session_add_sender (peer->session, &config);
    g_assert_true (mxr_rtp_sender_send (sender, packet, peer, START_US));
  }
  for (guint i = 0; i < MXR_RTP_RECEIVERS_MAX; i++) {
    const MxrRtpReceiverConfig config = { .payload_type = 96,
                                          .clock_rate = 48000,
                                          .rtx_payload_type = 97,
                                          .ssrc = 0x100 + i,
                                          .rtx_ssrc = 0x200 + i };
    g_assert_nonnull (mxr_rtp_session_add_receiver (peer->session, &config));
    receive (peer, 96, 1, 0x100 + i, NULL, 0, 20, START_US);
    receive (peer, 97, 1, 0x200 + i, NULL, 0, 20, START_US);
  }
  g_assert_null (mxr_rtp_session_add_receiver (peer->session, &(MxrRtpReceiverConfig){ .clock_rate = 1 }));
  g_assert_null (
      mxr_rtp_session_add_sender (peer->session, &(MxrRtpSenderConfig){ .clock_rate = 1, .ssrc = 1 }));
  mxr_rtp_session_send_bye (peer->session, START_US);
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  test_get_rtcp (&peer->rtcp[0], 203, 1 + MXR_RTP_SENDERS_MAX, &bytes);
  for (gsize at = 0; at < peer->rtcp[0].size; at += 4 * (mxr_read_u16 (peer->rtcp[0].data + at + 2) + 1u))
    if (peer->rtcp[0].data[at + 1] <= 201)
      n_blocks += peer->rtcp[0].data[at] & 0x1f;
  g_assert_cmpuint (n_blocks, ==, 2 * MXR_RTP_RECEIVERS_MAX);
}

static void
test_remove (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *first = add (peer, NULL, 0, 111, 1), *second = add (peer, NULL, 0, 112, 2);
  mxr_rtp_session_remove_receiver (peer->session, first);
  receive (peer, 111, 1, 1, NULL, 0, 10, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_unknown_source, ==, 1);
  receive (peer, 112, 1, 2, NULL, 0, 10, START_US);
  g_assert_true (peer->last_receiver == second);
}

/* The bitrate of the REMB in the nth RTCP packet, 0 when there is none. */
static guint64
get_remb_bps (const TestPeer *peer, guint nth)
{
  gsize bytes;
  const guint8 *remb = test_find_rtcp (&peer->rtcp[nth], 206, 15, &bytes);

  if (remb == NULL)
    return 0;
  g_assert_cmpuint (bytes, ==, 24);
  g_assert_cmphex (mxr_read_u32 (remb + 8), ==, 0);
  g_assert_cmpmem (remb + 12, 4, "REMB", 4);
  g_assert_cmpuint (remb[16], ==, 1);
  g_assert_cmphex (mxr_read_u32 (remb + 20), ==, 0xaa);
  return (guint64) (mxr_read_u24 (remb + 17) & 0x3ffff) << (remb[17] >> 2);
}

/* Told at once and with each report; that the limit is gone, three times more. Before the source is known nothing is. */
static void
test_max_bitrate (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *receiver = test_add_video_receiver (peer);
  gint64 now_us = START_US;

  mxr_rtp_session_poll (peer->session, now_us); /* plans the first report */
  mxr_rtp_receiver_set_max_bitrate (receiver, 123456789);
  mxr_rtp_session_poll (peer->session, now_us);
  g_assert_cmpuint (peer->n_rtcp, ==, 0);
  receive (peer, 96, 1, 0xaa, NULL, 0, 20, now_us);
  for (guint i = 0; i < 3; i++)
    now_us = mxr_rtp_session_poll (peer->session, now_us);
  g_assert_cmpuint (peer->n_rtcp, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (get_remb_bps (peer, i), ==, 123456789 / 512 * 512);

  mxr_rtp_receiver_set_max_bitrate (receiver, 150000); /* exact, and once */
  mxr_rtp_receiver_set_max_bitrate (receiver, 150000);
  mxr_rtp_session_poll (peer->session, now_us);
  mxr_rtp_session_poll (peer->session, now_us);
  g_assert_cmpuint (peer->n_rtcp, ==, 4);
  g_assert_cmpuint (get_remb_bps (peer, 3), ==, 150000);

  mxr_rtp_receiver_set_max_bitrate (receiver, 0);
  for (guint i = 0; i < 6; i++)
    now_us = mxr_rtp_session_poll (peer->session, now_us + 1);
  g_assert_cmpuint (peer->n_rtcp, ==, 10);
  for (guint i = 4; i < 10; i++)
    g_assert_cmpuint (get_remb_bps (peer, i), ==, i < 8 ? G_MAXUINT32 / 16384 * 16384ull : 0);
}

static void
test_max_bitrate_needs_remb (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *receiver = add (peer, NULL, 0, 111, 0xaa);

  mxr_rtp_receiver_set_max_bitrate (receiver, 1000);
  receive (peer, 111, 1, 0xaa, NULL, 0, 20, START_US);
  mxr_rtp_session_poll (peer->session, mxr_rtp_session_poll (peer->session, START_US));
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  g_assert_cmpuint (get_remb_bps (peer, 0), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receiver/demux-order", test_demux_order);
  g_test_add_func ("/receiver/ssrc-changes-are-rare", test_ssrc_changes_are_rare);
  g_test_add_func ("/receiver/duplicates-and-malformed", test_duplicates_and_malformed);
  g_test_add_func ("/receiver/rtx", test_rtx);
  g_test_add_func ("/receiver/nack-and-pli", test_nack_and_pli);
  g_test_add_func ("/receiver/plis-are-apart", test_plis_are_apart);
  g_test_add_func ("/receiver/compound-feedback", test_compound_feedback);
  g_test_add_func ("/receiver/transport-feedback", test_transport_feedback);
  g_test_add_func ("/receiver/report", test_report);
  g_test_add_func ("/receiver/full-report", test_full_report);
  g_test_add_func ("/receiver/remove", test_remove);
  g_test_add_func ("/receiver/max-bitrate", test_max_bitrate);
  g_test_add_func ("/receiver/max-bitrate-needs-remb", test_max_bitrate_needs_remb);
  return g_test_run ();
}
