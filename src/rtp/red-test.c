#include "test-wire.h"

#define MS 1000
#define START_US G_GINT64_CONSTANT (5000000)
#define FRAME_UNITS 960
#define OPUS 111
#define RED 63

static int source;

/* ---- Payloads -------------------------------------------------------------------------------------------- */

/* As libwebrtc writes it: one earlier packet, 20 ms older. */
static void
test_word_for_word (void)
{
  static const guint8 payload[] = { 0x80 | OPUS, 0x0f, 0x00, 0x02, OPUS, 0xaa, 0xbb, 0xcc };
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  guint8 again[sizeof payload];

  g_assert_cmpuint (mxr_red_parse (payload, sizeof payload, blocks), ==, 2);
  g_assert_cmpuint (blocks[0].payload_type, ==, OPUS);
  g_assert_cmpuint (blocks[0].timestamp_offset, ==, FRAME_UNITS);
  g_assert_cmpmem (blocks[0].data, blocks[0].n_bytes, "\xaa\xbb", 2);
  g_assert_cmpuint (blocks[1].payload_type, ==, OPUS);
  g_assert_cmpmem (blocks[1].data, blocks[1].n_bytes, "\xcc", 1);
  g_assert_cmpuint (mxr_red_count_bytes (blocks, 2), ==, sizeof payload);
  g_assert_cmpuint (mxr_red_write (again, blocks, 2), ==, sizeof payload);
  g_assert_cmpmem (again, sizeof again, payload, sizeof payload);
}

static void
test_limits (void)
{
  guint8 payload[4096];
  guint8 bytes[MXR_RED_BLOCK_MAX_BYTES] = { 1 };
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX], read[MXR_RED_BLOCKS_MAX];

  for (guint n = 1; n <= 3; n++) {
    for (guint i = 0; i < n; i++)
      blocks[i] = (MxrRedBlock){ .payload_type = 127, .timestamp_offset = i + 1 < n ? MXR_RED_OFFSET_MAX : 0, .data = bytes,
                                 .n_bytes = sizeof bytes };
    gsize size = mxr_red_write (payload, blocks, n);
    g_assert_cmpuint (mxr_red_parse (payload, size, read), ==, n);
    for (guint i = 0; i < n; i++) {
      g_assert_cmpuint (read[i].timestamp_offset, ==, blocks[i].timestamp_offset);
      g_assert_cmpuint (read[i].n_bytes, ==, sizeof bytes);
    }
  }
}

/* Each beginning of a good one but those that only cut the primary, and a header that never ends. */
static void
test_malformed (void)
{
  static const guint8 good[] = { 0x80 | OPUS, 0x0f, 0x00, 0x02, OPUS, 0xaa, 0xbb, 0xcc };
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  guint8 endless[4 * MXR_RED_BLOCKS_MAX + 1];

  for (gsize size = 0; size < sizeof good; size++) {
    g_autofree guint8 *cut = g_memdup2 (good, size); /* for the sanitizer */
    g_assert_cmpuint (mxr_red_parse (cut, size, blocks), ==, size < 7 ? 0 : 2);
  }
  memset (endless, 0x80, sizeof endless);
  endless[sizeof endless - 1] = OPUS;
  g_assert_cmpuint (mxr_red_parse (endless, sizeof endless, blocks), ==, 0);
  g_assert_cmpuint (mxr_red_parse (endless + 4, sizeof endless - 4, blocks), ==, 0); /* blocks want more than there is */
}

/* Whatever comes, what is read lies within it, and written again it is the same. */
static void
test_random (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  guint n_good = 0;

  for (guint round = 0; round < 200000; round++) {
    gsize size = (gsize) g_rand_int_range (random, 0, 24);
    g_autofree guint8 *bytes = g_malloc (MAX (size, 1));
    guint8 again[32];
    MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
    for (gsize i = 0; i < size; i++)
      bytes[i] = (guint8) (g_rand_int (random) & (i % 4 == 3 ? 0x07 : i % 4 == 2 ? 0xfc : 0xff));
    guint n = mxr_red_parse (bytes, size, blocks);
    if (n == 0)
      continue;
    n_good++;
    g_assert_cmpuint (mxr_red_write (again, blocks, n), ==, size);
    g_assert_cmpmem (again, size, bytes, size);
  }
  g_assert_cmpuint (n_good, >, 1000);
}

/* ---- When ------------------------------------------------------------------------------------------------ */

static void
report_times (MxrRedControl *control, double loss, guint n_reports, guint n_packets)
{
  for (guint i = 0; i < n_reports; i++)
    mxr_red_control_report (control, loss, control->n_sent + n_packets, G_MAXUINT);
}

static void
test_control (void)
{
  MxrRedControl control = { 0 };

  report_times (&control, 0, 60, 50);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  report_times (&control, 0.008, 60, 50);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  report_times (&control, 0.02, 5, 50);
  g_assert_cmpuint (control.n_blocks, ==, 1);
  report_times (&control, 0, 20, 50);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  report_times (&control, 0.05, 5, 50);
  g_assert_cmpuint (control.n_blocks, ==, 1);
  report_times (&control, 0.2, 8, 50);
  g_assert_cmpuint (control.n_blocks, ==, 2);
  report_times (&control, 0.08, 20, 50);
  g_assert_cmpuint (control.n_blocks, ==, 2);
  report_times (&control, 0.04, 20, 50);
  g_assert_cmpuint (control.n_blocks, ==, 1);
  report_times (&control, 0.007, 60, 50); /* between the two thresholds it stays as it is */
  g_assert_cmpuint (control.n_blocks, ==, 1);
  report_times (&control, 0, 9, 50);
  g_assert_cmpuint (control.n_blocks, ==, 1);
  report_times (&control, 0, 5, 50);
  g_assert_cmpuint (control.n_blocks, ==, 0);
}

/* On at once, and off by reports alone. */
static void
test_control_hint (void)
{
  MxrRedControl control = { 0 };

  mxr_red_control_hint (&control, 0.005, G_MAXUINT);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  mxr_red_control_hint (&control, 0.02, G_MAXUINT);
  g_assert_cmpuint (control.n_blocks, ==, 1);
  mxr_red_control_hint (&control, 0.12, G_MAXUINT);
  g_assert_cmpuint (control.n_blocks, ==, 2);
  mxr_red_control_hint (&control, 0, G_MAXUINT);
  g_assert_cmpuint (control.n_blocks, ==, 2);
  report_times (&control, 0, 11, 50);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  mxr_red_control_hint (&control, 0.12, 60000);
  g_assert_cmpuint (control.n_blocks, ==, 0);
}

/* What a link loses that is too narrow for the sound is lost because of what it is sent. */
static void
test_control_on_a_thin_link (void)
{
  MxrRedControl control = { 0 };

  report_times (&control, 0.2, 8, 50);
  g_assert_cmpuint (control.n_blocks, ==, 2);
  mxr_red_control_report (&control, 0.2, control.n_sent + 50, 60000);
  g_assert_cmpuint (control.n_blocks, ==, 0);
}

/* Pauses say nothing: neither that all is well, nor that one of two packets is half of them. */
static void
test_control_in_pauses (void)
{
  MxrRedControl control = { 0 };

  report_times (&control, 0.5, 3, 2);
  g_assert_cmpuint (control.n_blocks, ==, 0);
  report_times (&control, 0.1, 3, 250);
  g_assert_cmpuint (control.n_blocks, >, 0);
  for (guint i = 0; i < 100; i++) /* 200 packets in as many seconds */
    report_times (&control, 0, 1, 2);
  g_assert_cmpuint (control.n_blocks, >, 0);
}

/* ---- A downlink ------------------------------------------------------------------------------------------ */

static MxrRtpSender *
add_sound_sender (TestPeer *peer, guint8 red, guint history)
{
  const MxrRtpSenderConfig config = {
    .kind = MXR_RTP_AUDIO,
    .ssrc = 0x5001,
    .payload_type = OPUS,
    .clock_rate = 48000,
    .rtx_payload_type = -1,
    .red_payload_type = red,
    .transport_seq_id = 3,
    .history_packets = history,
    .initial_seq = 0x7ff0,
    .timestamp_offset = 0xfffff000,
  };
  return mxr_rtp_session_add_sender (peer->session, &config);
}

static void
send_sound (MxrRtpSender *sender, guint i, guint32 timestamp, gsize n_bytes)
{
  g_autoptr (MxrRtpPacket) packet = test_make_packet ((guint16) i, timestamp, n_bytes);
  g_assert_true (mxr_rtp_sender_send (sender, packet, &source, START_US + i * 20 * MS));
}

static void
receive_report (TestPeer *peer, double fraction_lost, gint64 now_us)
{
  const guint32 body[] = { 1, 0x5001, (guint32) (fraction_lost * 256) << 24, 0, 0, 0, 0 };
  guint8 rtcp[32];
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 201, body, 7), now_us);
}

static void
receive_nack (TestPeer *peer, guint16 pid, gint64 now_us)
{
  const guint32 body[] = { 1, 0x5001, (guint32) pid << 16 };
  guint8 rtcp[16];
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, test_make_rtcp (rtcp, 1, 205, body, 3), now_us);
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
assert_is_packet (const guint8 *data, gsize n_bytes, guint i)
{
  g_assert_cmpuint (n_bytes, ==, 60 + i % 30);
  for (gsize k = 0; k < n_bytes; k++)
    g_assert_cmpuint (data[k], ==, (guint8) (i + k));
}

/* Packet @i as it went out: itself, with the @n_earlier before it. */
static void
assert_sent (const TestPeer *peer, guint i, guint n_earlier)
{
  const MxrRtpView view = sent (peer, i);
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];

  g_assert_cmpuint (view.payload_type, ==, n_earlier > 0 ? RED : OPUS);
  g_assert_cmpuint (view.timestamp, ==, i * FRAME_UNITS + 0xfffff000);
  if (n_earlier == 0) {
    assert_is_packet (view.payload, view.payload_bytes, i);
    return;
  }
  g_assert_cmpuint (mxr_red_parse (view.payload, view.payload_bytes, blocks), ==, n_earlier + 1);
  for (guint k = 0; k <= n_earlier; k++) {
    g_assert_cmpuint (blocks[k].payload_type, ==, OPUS);
    g_assert_cmpuint (blocks[k].timestamp_offset, ==, (n_earlier - k) * FRAME_UNITS);
    assert_is_packet (blocks[k].data, blocks[k].n_bytes, i - n_earlier + k);
  }
}

static void
send_second (TestPeer *peer, MxrRtpSender *sender, guint *i, double fraction_lost)
{
  for (guint end = *i + 50; *i < end; (*i)++)
    send_sound (sender, *i, *i * FRAME_UNITS, 60 + *i % 30);
  receive_report (peer, fraction_lost, START_US + *i * 20 * MS);
}

static void
test_follows_loss (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, RED, 4);
  MxrRtpSenderStats stats;
  guint i = 0;

  for (guint second = 0; second < 5; second++)
    send_second (peer, sender, &i, 0);
  for (guint second = 0; second < 5; second++)
    send_second (peer, sender, &i, 0.05);
  for (guint second = 0; second < 10; second++)
    send_second (peer, sender, &i, 0.2);
  send_second (peer, sender, &i, 0);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_true (stats.has_red);
  g_assert_cmpuint (stats.red_blocks, ==, 2);
  g_assert_cmpuint (stats.packets, ==, i);
  for (guint second = 0; second < 30; second++)
    send_second (peer, sender, &i, 0);

  for (guint k = 0; k < 250; k++)
    assert_sent (peer, k, 0);
  assert_sent (peer, 490, 1);
  assert_sent (peer, 1040, 2);
  assert_sent (peer, i - 1, 0);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpuint (stats.red_blocks, ==, 0);
  g_assert_cmpuint (stats.red_packets, >, 600);
  g_assert_cmpuint (stats.red_packets, <, 1800);
}

/* Who did not negotiate it sees nothing of it, whatever is lost. */
static void
test_not_negotiated (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, 0, 4);
  MxrRtpSenderStats stats;
  guint i = 0;

  for (guint second = 0; second < 10; second++)
    send_second (peer, sender, &i, 0.3);
  for (guint k = 0; k < i; k++)
    assert_sent (peer, k, 0);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_false (stats.has_red);
  g_assert_cmpuint (stats.red_packets, ==, 0);
  g_assert_cmpfloat (stats.loss, >, 0.25);
}

/* What does not fit RFC 2198's fields goes alone. */
static void
test_what_does_not_fit (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, RED, 4);
  guint i = 0;

  for (guint second = 0; second < 6; second++)
    send_second (peer, sender, &i, 0.2);
  assert_sent (peer, i - 1, 2);
  send_sound (sender, i, i * FRAME_UNITS + MXR_RED_OFFSET_MAX - FRAME_UNITS + 1, 1); /* a pause before it */
  g_assert_cmpuint (sent (peer, i).payload_type, ==, OPUS);
  send_sound (sender, i + 1, (i + 100) * FRAME_UNITS, 600);
  g_assert_cmpuint (sent (peer, i + 1).payload_type, ==, OPUS);
  send_sound (sender, i + 2, (i + 101) * FRAME_UNITS, 500); /* room for one of them, and the other is too far */
  g_assert_cmpuint (sent (peer, i + 2).payload_type, ==, RED);
  g_assert_cmpuint (sent (peer, i + 2).payload_bytes, ==, 5 + 1100);
  send_sound (sender, i + 3, (i + 102) * FRAME_UNITS, 1100);
  g_assert_cmpuint (sent (peer, i + 3).payload_type, ==, OPUS);
  send_sound (sender, i + 4, (i + 103) * FRAME_UNITS, 10); /* the one before is too large */
  g_assert_cmpuint (sent (peer, i + 4).payload_type, ==, OPUS);
  send_sound (sender, i + 6, (i + 105) * FRAME_UNITS, 10); /* the one before never came */
  g_assert_cmpuint (sent (peer, i + 5).payload_type, ==, OPUS);
}

/* No number is sent with two contents: what is asked for again comes byte by byte, or not at all. */
static void
test_repeats_are_the_same (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, RED, 16);
  MxrRtpSenderStats stats;
  guint i = 0;

  for (guint second = 0; second < 6; second++)
    send_second (peer, sender, &i, 0.2);
  const guint first_kept = i - 16;
  for (guint k = first_kept; k < i; k++)
    receive_nack (peer, (guint16) (0x7ff0 + k), START_US + i * 20 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, i + 14); /* of the oldest two, what went along is gone */
  for (guint k = 0; k < 14; k++)
    g_assert_cmpmem (peer->rtp[i + k].data, peer->rtp[i + k].size, peer->rtp[first_kept + 2 + k].data,
                     peer->rtp[first_kept + 2 + k].size);
  mxr_rtp_sender_get_stats (sender, &stats);
  g_assert_cmpuint (stats.nacks_unanswered, ==, 2);
  mxr_rtp_sender_set_red_payload_type (sender, 0);
  receive_nack (peer, (guint16) (0x7ff0 + i - 1), START_US + i * 20 * MS + G_USEC_PER_SEC);
  g_assert_cmpuint (peer->n_rtp, ==, i + 14);
  send_sound (sender, i, i * FRAME_UNITS, 60 + i % 30);
  g_assert_cmpuint (sent (peer, i + 14).payload_type, ==, OPUS);
}

/* Sound is renumbered and RED is not: what was sent inside RED is never sent again with another type in it, and what comes
 * after it takes nothing along that the client would not know any more. */
static void
test_another_type_inside (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, RED, 16);
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  guint i = 0;

  for (guint second = 0; second < 6; second++)
    send_second (peer, sender, &i, 0.2);
  mxr_rtp_sender_set_payload_type (sender, OPUS - 1, -1);
  receive_nack (peer, sent (peer, i - 1).seq, START_US + i * 20 * MS);
  g_assert_cmpuint (peer->n_rtp, ==, i);
  send_sound (sender, i, i * FRAME_UNITS, 60);
  g_assert_cmpuint (sent (peer, i).payload_type, ==, OPUS - 1);
  send_sound (sender, i + 1, (i + 1) * FRAME_UNITS, 60);
  g_assert_cmpuint (sent (peer, i + 1).payload_type, ==, RED);
  g_assert_cmpuint (mxr_red_parse (sent (peer, i + 1).payload, sent (peer, i + 1).payload_bytes, blocks), ==, 2);
  g_assert_cmpuint (blocks[0].payload_type, ==, OPUS - 1);
  g_assert_cmpuint (blocks[1].payload_type, ==, OPUS - 1);
  receive_nack (peer, sent (peer, i + 1).seq, START_US + (i + 2) * 20 * MS);
  g_assert_cmpmem (peer->rtp[i + 2].data, peer->rtp[i + 2].size, peer->rtp[i + 1].data, peer->rtp[i + 1].size);
}

/* A late packet takes the place left for it, alone, and changes nothing of what went out after it. */
static void
test_late_packet (void)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpSender *sender = add_sound_sender (peer, RED, 16);
  guint i = 0;

  for (guint second = 0; second < 6; second++)
    send_second (peer, sender, &i, 0.2);
  send_sound (sender, i + 1, (i + 1) * FRAME_UNITS, 60);
  send_sound (sender, i, i * FRAME_UNITS, 60);
  g_assert_cmpuint (sent (peer, i).payload_type, ==, OPUS);
  g_assert_cmpuint (sent (peer, i + 1).payload_type, ==, OPUS);
  g_assert_cmpuint (sent (peer, i + 1).seq, ==, sent (peer, i).seq - 1);
  receive_nack (peer, sent (peer, i).seq, START_US + (i + 2) * 20 * MS);
  g_assert_cmpmem (peer->rtp[i + 2].data, peer->rtp[i + 2].size, peer->rtp[i].data, peer->rtp[i].size);
  send_sound (sender, i + 2, (i + 2) * FRAME_UNITS, 60);
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  g_assert_cmpuint (mxr_red_parse (sent (peer, i + 3).payload, sent (peer, i + 3).payload_bytes, blocks), ==, 3);
}

/* ---- An uplink ------------------------------------------------------------------------------------------- */

static void
test_received_as_it_is (void)
{
  const MxrRtpReceiverConfig config = { .kind = MXR_RTP_AUDIO, .payload_type = OPUS, .clock_rate = 48000,
                                        .rtx_payload_type = -1, .red_payload_type = RED };
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  MxrRtpReceiver *receiver = mxr_rtp_session_add_receiver (peer->session, &config);
  guint8 rtp[200];

  for (guint i = 0; i < 10; i++)
    mxr_rtp_session_receive_rtp (peer->session, rtp, test_make_rtp (rtp, i % 2 == 0 ? RED : OPUS, 100 + i, 0, 9, NULL, 0, 50),
                                 START_US);
  g_assert_cmpuint (peer->n_received, ==, 10);
  g_assert_cmpuint (peer->indices[9], ==, peer->indices[0] + 9);
  mxr_rtp_receiver_set_red_payload_type (receiver, 0);
  mxr_rtp_session_receive_rtp (peer->session, rtp, test_make_rtp (rtp, RED, 110, 0, 9, NULL, 0, 50), START_US);
  mxr_rtp_session_receive_rtp (peer->session, rtp, test_make_rtp (rtp, 0, 110, 0, 9, NULL, 0, 50), START_US);
  g_assert_cmpuint (peer->n_received, ==, 10);
  g_assert_cmpuint (test_peer_stats (peer).dropped_payload_type, ==, 2);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/red/word-for-word", test_word_for_word);
  g_test_add_func ("/red/limits", test_limits);
  g_test_add_func ("/red/malformed", test_malformed);
  g_test_add_func ("/red/random", test_random);
  g_test_add_func ("/red/control", test_control);
  g_test_add_func ("/red/control-hint", test_control_hint);
  g_test_add_func ("/red/control-on-a-thin-link", test_control_on_a_thin_link);
  g_test_add_func ("/red/control-in-pauses", test_control_in_pauses);
  g_test_add_func ("/red/follows-loss", test_follows_loss);
  g_test_add_func ("/red/not-negotiated", test_not_negotiated);
  g_test_add_func ("/red/what-does-not-fit", test_what_does_not_fit);
  g_test_add_func ("/red/repeats-are-the-same", test_repeats_are_the_same);
  g_test_add_func ("/red/another-type-inside", test_another_type_inside);
  g_test_add_func ("/red/late-packet", test_late_packet);
  g_test_add_func ("/red/received-as-it-is", test_received_as_it_is);
  return g_test_run ();
}
