#include "test-wire.h"

#define MS 1000
#define START_US G_GINT64_CONSTANT (5000000)

static int source_a, source_b;

static bool
send_packet (MxrRtpSender *sender, guint16 seq, gpointer tag, gint64 now_us)
{
  g_autoptr (MxrRtpPacket) packet = test_make_packet (seq, seq * 3000u, 100);
  return mxr_rtp_sender_send (sender, packet, tag, now_us);
}

static MxrRtpView
sent (const TestPeer *peer, guint nth)
{
  MxrRtpView view;
  g_assert_cmpuint (nth, <, peer->n_rtp);
  g_assert_true (mxr_rtp_view_parse (&view, peer->rtp[nth].data, peer->rtp[nth].size));
  return view;
}

static void
receive_nack (TestPeer *peer, guint16 pid, guint16 blp, gint64 now_us)
{
  const guint32 body[] = { 1, 0x5001, (guint32) pid << 16 | blp };
  guint8 rtcp[16];
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 205, body, 3), now_us);
}

static void
test_header (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  char mid[MXR_RTP_MID_MAX_BYTES + 1];
  guint16 transport_seq;

  g_assert_true (send_packet (sender, 500, &source_a, START_US));
  g_assert_true (send_packet (sender, 501, &source_a, START_US));
  const MxrRtpView view = sent (peer, 1);
  g_assert_cmphex (view.ssrc, ==, 0x5001);
  g_assert_cmpuint (view.payload_type, ==, 96);
  g_assert_cmpuint (view.seq, ==, 0x7fff);
  g_assert_cmphex (view.timestamp, ==, (guint32) (501u * 3000u + 0xffff0000u));
  g_assert_true (mxr_rtp_view_get_mid (&view, 1, mid));
  g_assert_cmpstr (mid, ==, "v");
  g_assert_true (mxr_rtp_view_get_transport_seq (&view, 3, &transport_seq));
  g_assert_cmpuint (transport_seq, ==, 1);
  g_assert_cmpuint (view.payload_bytes, ==, 100);
  g_assert_cmphex (view.payload[5], ==, (guint8) (501 + 5));
}

static void
test_numbers_across_sources (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const struct {
    guint16 seq;
    gpointer tag;
    int expected; /* our step from the first; -1: refused */
  } steps[] = {
    { 65530, &source_a, 0 },    { 65533, &source_a, 3 },
    { 65532, &source_a, 2 },    { 65532, &source_a, -1 },
    { 65533, &source_a, -1 },   { 2, &source_a, 8 },
    { 65529, &source_a, -1 }, /* before the start */
    { 9000, &source_b, 9 },     { 8999, &source_b, -1 },
    { 3, &source_a, 10 }, /* 3 is new to us in this run */
    { 1003, &source_a, 1010 },  { 2004, &source_a, 1011 },
    { 2003, &source_a, -1 },    { 40000, &source_a, 1012 },
    { 40001, &source_a, 1013 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    const guint n_before = peer->n_rtp;
    g_assert_cmpint (send_packet (sender, steps[i].seq, steps[i].tag, START_US), ==, steps[i].expected >= 0);
    g_assert_cmpuint (peer->n_rtp - n_before, ==, steps[i].expected >= 0);
    if (steps[i].expected >= 0)
      g_assert_cmpuint (sent (peer, n_before).seq, ==, (guint16) (0x7ffe + steps[i].expected));
  }
}

/* What was left out on purpose leaves no gap, and cannot come later. */
static void
test_cut (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);

  g_assert_true (send_packet (sender, 100, &source_a, START_US));
  mxr_rtp_sender_cut (sender);
  g_assert_true (send_packet (sender, 140, &source_a, START_US));
  g_assert_cmpuint (sent (peer, 1).seq, ==, (guint16) (sent (peer, 0).seq + 1));
  g_assert_false (send_packet (sender, 139, &source_a, START_US));
  g_assert_true (send_packet (sender, 142, &source_a, START_US));
  g_assert_cmpuint (sent (peer, 2).seq, ==, (guint16) (sent (peer, 1).seq + 2));
}

/* No number is ever used for two payloads, whatever the sources do. */
static void
test_numbers_are_unique (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  g_autofree guint8 *used = g_malloc0 (65536);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  guint16 seqs[2] = { 10, 60000 };

  for (guint i = 0; i < 3000; i++) {
    const guint which = g_rand_int_range (rand, 0, 20) == 0;
    seqs[which] = (guint16) (seqs[which] + g_rand_int_range (rand, -4, 7));
    if (!send_packet (sender, seqs[which], which ? (gpointer) &source_a : (gpointer) &source_b, START_US))
      continue;
    const guint16 seq = sent (peer, peer->n_rtp - 1).seq;
    g_assert_false (used[seq]);
    used[seq] = 1;
  }
  g_assert_cmpuint (peer->n_rtp, >, 1000);
}

static void
test_two_byte_form_and_size (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  const MxrRtpSenderConfig config = {
    .ssrc = 0x5001,
    .payload_type = 96,
    .clock_rate = 90000,
    .rtx_ssrc = 0x5002,
    .rtx_payload_type = 97,
    .mid = "0123456789abcdef",
    .mid_id = 200,
    .transport_seq_id = 15,
    .history_packets = 16,
  };
  MxrRtpSender *sender = mxr_rtp_session_add_sender (peer->session, &config);
  g_autoptr (MxrRtpPacket) packet = test_make_packet (1, 1, MXR_RTP_PAYLOAD_MAX_BYTES);
  char mid[MXR_RTP_MID_MAX_BYTES + 1];

  g_assert_true (mxr_rtp_sender_send (sender, packet, &source_a, START_US));
  receive_nack (peer, 0, 0, START_US + 500 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, 2);
  g_assert_cmpuint (peer->rtp[1].size, ==, MXR_PACKET_MAX_BYTES);
  MxrRtpView view = sent (peer, 1);
  g_assert_cmphex (view.extension_profile, ==, 0x1000);
  g_assert_true (mxr_rtp_view_get_mid (&view, 200, mid));
  g_assert_cmpstr (mid, ==, config.mid);
}

static void
test_rtx (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  MxrRtpSenderStats stats;

  for (guint i = 0; i < 600; i++)
    send_packet (sender, (guint16) i, &source_a, START_US);
  const guint n_sent = peer->n_rtp;
  receive_nack (peer, (guint16) (0x7ffe + 595), 0x0005, START_US + 5 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, n_sent + 3);
  const MxrRtpView original = sent (peer, 596), rtx = sent (peer, n_sent + 1);
  g_assert_cmphex (rtx.ssrc, ==, 0x5002);
  g_assert_cmpuint (rtx.payload_type, ==, 97);
  g_assert_cmpuint (rtx.timestamp, ==, original.timestamp);
  g_assert_cmpuint (mxr_read_u16 (rtx.payload), ==, original.seq);
  g_assert_cmpmem (rtx.payload + 2, rtx.payload_bytes - 2, original.payload, original.payload_bytes);
  g_assert_cmpuint (rtx.seq, ==, (guint16) (sent (peer, n_sent).seq + 1));
  g_assert_cmpuint (sent (peer, n_sent).seq, <, 0x8000);

  g_assert_false (
      send_packet (sender, 10, &source_a, START_US)); /* sent, and out of the history: no second time */
  receive_nack (peer, (guint16) (0x7ffe + 595), 0x0005, START_US + 50 * MS); /* within a round trip */
  receive_nack (peer, 0x7ffe + 10, 0, START_US + 50 * MS);                   /* out of the history */
  receive_nack (peer, (guint16) (0x7ffe + 600), 0xffff, START_US + 50 * MS); /* not sent yet */
  g_assert_cmpuint (peer->n_rtp, ==, n_sent + 3);
  receive_nack (peer, (guint16) (0x7ffe + 595), 0, START_US + 105 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, n_sent + 4);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpuint (stats.rtx_packets, ==, 4);
  g_assert_cmpuint (stats.nacks_received, ==, 25);
  g_assert_cmpuint (stats.nacks_unanswered, ==, 21);
  g_assert_cmpuint (stats.packets, ==, 600);

  mxr_rtp_sender_set_payload_type (sender, 102, 103);
  receive_nack (peer, (guint16) (0x7ffe + 590), 0, START_US + 600 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, n_sent + 4);
  send_packet (sender, 600, &source_a, START_US + 600 * MS);
  g_assert_cmpuint (sent (peer, n_sent + 4).payload_type, ==, 102);
  receive_nack (peer, (guint16) (0x7ffe + 600), 0, START_US + 600 * MS);
  g_assert_cmpuint (sent (peer, n_sent + 5).payload_type, ==, 103);
}

/* Under SRTP another byte at the same number would break the encryption. */
static void
test_plain_repetition_is_identical (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, false);
  const guint32 rr[] = { 9, 0x5001, 0, 0x7fff, 0, 0, 0 };
  guint8 rtcp[40];

  send_packet (sender, 1, &source_a, START_US);
  send_packet (sender, 2, &source_a, START_US);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 201, rr, 7),
                                START_US); /* ends the MID */
  receive_nack (peer, 0x7ffe, 1, START_US + 500 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, 4);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpmem (peer->rtp[i].data, peer->rtp[i].size, peer->rtp[i + 2].data, peer->rtp[i + 2].size);
}

static void
test_retransmission_rate (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  for (guint i = 0; i < 512; i++)
    send_packet (sender, (guint16) i, &source_a, START_US);
  for (guint round = 0; round < 10; round++)
    for (guint i = 0; i < 512; i += 17)
      receive_nack (peer, (guint16) (0x7ffe + i), 0xffff, START_US + 1000 * MS);
  g_assert_cmpuint (peer->n_rtp - 512, ==, 256);
}

static void
test_mid_until_reported (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const guint32 rr[] = { 9, 0x5001, 0, 0x7fff, 0, 0, 0 };
  char mid[MXR_RTP_MID_MAX_BYTES + 1];
  guint8 rtcp[40];
  guint n_with = 0;

  for (guint i = 0; i < 400; i++) {
    send_packet (sender, (guint16) i, &source_a, START_US);
    const MxrRtpView view = sent (peer, i);
    n_with += mxr_rtp_view_get_mid (&view, 1, mid);
  }
  g_assert_cmpuint (n_with, >=, 100);
  g_assert_cmpuint (n_with, <, 130);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 201, rr, 7), START_US);
  for (guint i = 400; i < 500; i++) {
    send_packet (sender, (guint16) i, &source_a, START_US);
    const MxrRtpView view = sent (peer, i);
    g_assert_false (mxr_rtp_view_get_mid (&view, 1, mid));
  }
}

/* Packets of one frame have headers of one size, whatever the client says between them. */
static void
test_frame_has_one_header (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const guint32 rr[] = { 9, 0x5001, 0, 0x7fff, 0, 0, 0 };
  guint8 rtcp[40];
  guint n_with = 0;

  for (guint i = 0; i < 900; i++) {
    g_autoptr (MxrRtpPacket) packet = test_make_packet ((guint16) i, i / 3 * 3000, 100);
    packet->is_keyframe_start = i % 150 == 0;
    if (i == 601) /* in the middle of a frame that has it */
      mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 201, rr, 7), START_US);
    g_assert_true (mxr_rtp_sender_send (sender, packet, &source_a, START_US));
    g_assert_cmpuint (peer->rtp[i].size, ==, peer->rtp[i / 3 * 3].size);
    n_with += peer->rtp[i].size > peer->rtp[0].size - 4;
    if (i == 602)
      g_assert_cmpuint (peer->rtp[i].size, ==, peer->rtp[0].size);
    if (i > 602)
      g_assert_cmpuint (peer->rtp[i].size, <, peer->rtp[0].size);
  }
  g_assert_cmpuint (n_with, >, 102 + 3 * 3);
  g_assert_cmpuint (n_with, <, 200);
}

/* No room is no packet: its number stays free, and what is repeated later is what was sent. */
static void
test_no_room (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  MxrRtpSenderStats stats;

  g_assert_true (send_packet (sender, 10, &source_a, START_US));
  peer->has_no_room = true;
  g_assert_false (send_packet (sender, 11, &source_a, START_US));
  receive_nack (peer, 0x7ffe, 0, START_US + 500 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, 1);
  peer->has_no_room = false;
  g_assert_true (send_packet (sender, 12, &source_a, START_US));
  g_assert_cmpuint (sent (peer, 1).seq, ==, 0x7ffe + 2);
  g_assert_true (send_packet (sender, 11, &source_a, START_US));
  g_assert_cmpuint (sent (peer, 2).seq, ==, 0x7ffe + 1);
  receive_nack (peer, 0x7ffe, 0, START_US + 500 * MS); /* what found no room was not a repetition */
  g_assert_cmpuint (peer->n_rtp, ==, 4);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpuint (stats.packets, ==, 3);
  g_assert_cmpuint (stats.refused, ==, 1);
  g_assert_cmpuint (stats.nacks_unanswered, ==, 1);
}

/* A retransmission between packets of a frame: each stream's numbers go on, across 2^16, and transport-wide ones are in the
 * order of leaving. */
static void
test_repetition_between_packets (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const guint n = 33000; /* from 0x7ffe past 65535 */
  guint16 expected = 0x7ffe, transport_seq, rtx_seq = 0;
  guint n_rtx = 0;

  for (guint i = 0; i < n; i++) {
    peer->n_rtp = 0;
    g_assert_true (send_packet (sender, (guint16) i, &source_a, START_US + i * MS));
    if (i % 50 == 49)
      receive_nack (peer, (guint16) (expected - 3), 0, START_US + i * MS);
    g_assert_cmpuint (peer->n_rtp, ==, i % 50 == 49 ? 2 : 1);
    const MxrRtpView view = sent (peer, 0);
    g_assert_cmpuint (view.seq, ==, expected++);
    g_assert_true (mxr_rtp_view_get_transport_seq (&view, 3, &transport_seq));
    g_assert_cmpuint (transport_seq, ==, (guint16) (i + n_rtx));
    if (peer->n_rtp == 1)
      continue;
    const MxrRtpView rtx = sent (peer, 1);
    g_assert_cmpuint (mxr_read_u16 (rtx.payload), ==, (guint16) (expected - 4));
    g_assert_true (n_rtx == 0 || rtx.seq == (guint16) (rtx_seq + 1));
    rtx_seq = rtx.seq;
    g_assert_true (mxr_rtp_view_get_transport_seq (&rtx, 3, &transport_seq));
    g_assert_cmpuint (transport_seq, ==, (guint16) (i + ++n_rtx));
  }
  g_assert_cmpuint (n_rtx, ==, n / 50);
}

static void
test_history_holds_and_releases (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  g_autoptr (MxrRtpPacket) packet = test_make_packet (7, 7, 10);
  MxrRtpSender *sender = test_add_video_sender (peer, true);

  mxr_rtp_sender_send (sender, packet, &source_a, START_US);
  g_assert_true (g_atomic_ref_count_compare (&packet->refs, 2));
  for (guint i = 8; i < 8 + 512; i++)
    send_packet (sender, (guint16) i, &source_a, START_US);
  g_assert_true (g_atomic_ref_count_compare (&packet->refs, 1));
  mxr_rtp_sender_send (sender, packet, &source_b, START_US);
  mxr_rtp_session_remove_sender (peer->session, sender);
  g_assert_true (g_atomic_ref_count_compare (&packet->refs, 1));
}

/* The first report goes out at once; its two times are the same instant, and audio and video share the clock.
 */
static void
test_sender_report (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const gint64 base_us =
      START_US - G_GINT64_CONSTANT (100000) * G_USEC_PER_SEC; /* 27 hours: 90 kHz has wrapped */
  gsize bytes;

  send_packet (sender, 1, &source_a, START_US);
  mxr_rtp_session_poll (peer->session, START_US);
  g_assert_cmpuint (peer->n_rtcp, ==, 0); /* no timeline yet */
  mxr_rtp_session_set_timeline (peer->session, base_us);
  mxr_rtp_session_poll (peer->session, START_US + 500001);
  g_assert_cmpuint (peer->n_rtcp, ==, 1);
  const guint8 *sr = test_get_rtcp (&peer->rtcp[0], 200, 0, &bytes);
  g_assert_cmpuint (bytes, ==, 28);
  g_assert_cmphex (mxr_read_u32 (sr + 4), ==, 0x5001);
  g_assert_cmpuint (mxr_read_u32 (sr + 8), ==, 1700000005u + 2208988800u);
  g_assert_cmphex (mxr_read_u32 (sr + 12), ==, 0x800010c6); /* 0.500001 s */
  g_assert_cmpuint (mxr_read_u32 (sr + 16), ==,
                    (guint32) (G_GUINT64_CONSTANT (100000) * 90000 + 45000 + 0xffff0000u));
  g_assert_cmpuint (mxr_read_u32 (sr + 20), ==, 1);
  g_assert_cmpuint (mxr_read_u32 (sr + 24), ==, 100);

  const MxrRtpSenderConfig audio = { .ssrc = 0x6001, .clock_rate = 48000, .rtx_payload_type = -1 };
  MxrRtpSender *second = mxr_rtp_session_add_sender (peer->session, &audio);
  send_packet (second, 1, &source_a, START_US + 600000);
  mxr_rtp_session_poll (peer->session, START_US + 600000);
  g_assert_cmpuint (peer->n_rtcp, ==, 2);
  sr = test_get_rtcp (&peer->rtcp[1], 200, 0, &bytes);
  g_assert_cmphex (mxr_read_u32 (sr + 4), ==, 0x5001);
  g_assert_cmphex (mxr_read_u32 (sr + 28 + 4), ==, 0x6001);
  g_assert_cmpmem (sr + 8, 8, sr + 28 + 8, 8);
}

static void
receive_report (TestPeer *peer, guint32 lsr, guint32 dlsr, gint64 now_us)
{
  const guint32 rr[] = { 9, 0x5001, 0x40fffffe, 0x7fff, 900, lsr, dlsr };
  guint8 rtcp[40];
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 201, rr, 7), now_us);
}

static void
test_receiver_report (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const guint32 lsr = (guint32) (mxr_rtp_session_get_ntp (peer->session, START_US) >> 16);
  MxrRtpSenderStats stats;

  send_packet (sender, 1, &source_a, START_US);
  receive_report (peer, 0, 0, START_US + 80 * MS);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpfloat (stats.rtt_ms, ==, -1);
  g_assert_cmpint (stats.lost, ==, -2);
  g_assert_cmpfloat (stats.fraction_lost, ==, 0.25);
  g_assert_cmpfloat (stats.jitter_ms, ==, 10);
  receive_report (peer, lsr, 65536 / 2, START_US + 580 * MS);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpfloat_with_epsilon (stats.rtt_ms, 80, 0.1);
  receive_report (peer, lsr, 0xffffffff, START_US + 580 * MS); /* lies */
  receive_report (peer, lsr + 0x10000, 0, START_US);
  receive_report (peer, lsr, 0, START_US + 11000 * MS);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpfloat_with_epsilon (stats.rtt_ms, 580, 0.1); /* 2^32 - 1 is almost nothing */
  receive_report (peer, lsr, 65536, START_US + 999 * MS);  /* a rounding below 0 */
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpfloat (stats.rtt_ms, ==, 0);
  g_assert_cmpfloat (test_peer_stats (peer).rtt_ms, >, 0);
}

static void
test_keyframe_requests (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  MxrRtpSenderStats stats;
  guint8 rtcp[128];
  const guint32 pli[] = { 9, 0x5001 }, other[] = { 9, 0x5002 };
  const guint32 fir[] = { 9, 0, 0x5001, 0x07000000, 0x9999, 0x01000000 };

  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 206, pli, 2), START_US);
  g_assert_cmpuint (peer->n_keyframe_requests, ==, 1);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 206, other, 2), START_US);
  g_assert_cmpuint (peer->n_keyframe_requests, ==, 1);
  for (guint i = 0; i < 3; i++)
    mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 4, 206, fir, 6), START_US);
  g_assert_cmpuint (peer->n_keyframe_requests, ==, 2);
  gsize size = test_make_rtcp (rtcp, 4, 206, fir, 6);
  rtcp[16] = 8;
  size += test_make_rtcp (rtcp + size, 1, 206, pli, 2);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US); /* two in one */
  g_assert_cmpuint (peer->n_keyframe_requests, ==, 3);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpuint (stats.plis_received, ==, 2);
  g_assert_cmpuint (stats.firs_received, ==, 2);
}

static void
test_remb_and_feedback (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  const guint32 remb[] = { 9, 0, 0x52454d42, 0x01000000 | 3 << 18 | 0x20001, 0x5001 };
  const guint32 huge[] = { 9, 0, 0x52454d42, 0x01ffffff };
  guint8 rtcp[64];

  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 15, 206, remb, 5), START_US);
  g_assert_cmpuint (test_peer_stats (peer).remb_bps, ==, 0x20001 << 3);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 15, 206, huge, 4), START_US);
  g_assert_cmpuint (test_peer_stats (peer).remb_bps, ==, G_MAXINT64);

  /* as libwebrtc sends it: alone, padded to a word by one byte that says so, and here another packet behind
   */
  const guint32 feedback[] = { 9, 0x5001, 0x00010003, 0x00000000,
                               0xa0000401 }; /* came 1 0 0; 1 ms; padding 1 */
  const guint32 pli[] = { 9, 0x5001 };
  gsize size = test_make_rtcp (rtcp, 15, 205, feedback, 5);
  rtcp[0] |= 0x20;
  size += test_make_rtcp (rtcp + size, 1, 206, pli, 2);
  test_add_video_sender (peer, true);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US);
  g_assert_cmpuint (test_peer_stats (peer).feedback_acked, ==, 1);
  g_assert_cmpuint (test_peer_stats (peer).feedback_lost, ==, 2);
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed_rtcp, ==, 0);
  g_assert_cmpuint (peer->n_keyframe_requests, ==, 1);
}

/* Each truncation and many mutations of a compound packet with everything in it. */
static void
test_malformed_rtcp (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  const guint32 sr[] = { 0xaa, 1, 2, 3, 4, 5, 0x5001, 0, 0, 0, 0, 0, 0x5003, 0, 0, 0, 0, 0 };
  const guint32 bye[] = { 0xaa, 0xbb, 0x03616263 }, fir[] = { 9, 0, 0x5001, 0x07000000 };
  const guint32 nack[] = { 9, 0x5001, 0x7ffeffff, 0x7fffffff };
  const guint32 feedback[] = { 9, 0x5001, 0x00010005, 0x00000000, 0x20050101, 0x01010100 };
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  guint8 rtcp[256];
  gsize size = test_make_rtcp (rtcp, 2, 200, sr, 18);
  test_add_video_receiver (peer);
  size += test_make_rtcp (rtcp + size, 4, 206, fir, 4);
  size += test_make_rtcp (rtcp + size, 1, 205, nack, 4);
  size += test_make_rtcp (rtcp + size, 15, 205, feedback, 6);
  size += test_make_rtcp (rtcp + size, 2, 203, bye, 3);
  send_packet (sender, 1, &source_a, START_US);

  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed_rtcp, ==, 0);
  for (gsize cut = 0; cut < size; cut++) {
    g_autofree guint8 *copy = g_memdup2 (rtcp, cut);
    mxr_rtp_session_receive_rtcp (peer->session, copy, cut, START_US);
  }
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed_rtcp, ==,
                    size - 4); /* 4 cuts are between packets */
  for (guint i = 0; i < 20000 && peer->n_rtp < TEST_MAX_OUTPUTS - 100; i++) {
    g_autofree guint8 *copy = g_memdup2 (rtcp, size);
    for (guint n = 0; n < 3; n++)
      copy[g_rand_int_range (rand, 0, (gint32) size)] = (guint8) g_rand_int (rand);
    mxr_rtp_session_receive_rtcp (peer->session, copy, size, START_US + i * MS);
    mxr_rtp_session_poll (peer->session, START_US + i * MS);
  }
}

/* Blocks that the header counts and the packet lacks; unknown types are passed over. */
static void
test_rtcp_counts_and_types (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  const guint32 rr[] = { 9, 0x5001, 0x80000000, 1, 2, 3, 4 };
  MxrRtpSenderStats stats;
  guint8 rtcp[64];

  send_packet (sender, 1, &source_a, START_US);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 2, 201, rr, 7), START_US);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpint (stats.last_report_us, ==, 0);
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed_rtcp, ==, 1);

  gsize size = test_make_rtcp (rtcp, 3, 212, rr, 2);
  size += test_make_rtcp (rtcp + size, 1, 201, rr, 7);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpint (stats.last_report_us, ==, START_US);
  g_assert_cmpuint (test_peer_stats (peer).dropped_malformed_rtcp, ==, 1);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sender/header", test_header);
  g_test_add_func ("/sender/numbers-across-sources", test_numbers_across_sources);
  g_test_add_func ("/sender/cut", test_cut);
  g_test_add_func ("/sender/numbers-are-unique", test_numbers_are_unique);
  g_test_add_func ("/sender/two-byte-form-and-size", test_two_byte_form_and_size);
  g_test_add_func ("/sender/rtx", test_rtx);
  g_test_add_func ("/sender/plain-repetition-is-identical", test_plain_repetition_is_identical);
  g_test_add_func ("/sender/retransmission-rate", test_retransmission_rate);
  g_test_add_func ("/sender/mid-until-reported", test_mid_until_reported);
  g_test_add_func ("/sender/frame-has-one-header", test_frame_has_one_header);
  g_test_add_func ("/sender/no-room", test_no_room);
  g_test_add_func ("/sender/repetition-between-packets", test_repetition_between_packets);
  g_test_add_func ("/sender/history-holds-and-releases", test_history_holds_and_releases);
  g_test_add_func ("/sender/sender-report", test_sender_report);
  g_test_add_func ("/sender/receiver-report", test_receiver_report);
  g_test_add_func ("/sender/keyframe-requests", test_keyframe_requests);
  g_test_add_func ("/sender/remb-and-feedback", test_remb_and_feedback);
  g_test_add_func ("/sender/malformed-rtcp", test_malformed_rtcp);
  g_test_add_func ("/sender/rtcp-counts-and-types", test_rtcp_counts_and_types);
  return g_test_run ();
}
