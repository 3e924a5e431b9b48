#include "test-uplink.h"

#define FIRST ((guint64) 1 << 20)
#define BEGIN_US (1000 * MS)
#define FRAME_MS 33

/* No decoder: what is sent here is no picture; and one that is as slow as a decoder on a busy machine. */
static const char quick[] = "#: kind = decode  #: codec = VP8  #: needs = rtpvp8depay\n"
                            "rtpvp8depay request-keyframe=true wait-for-keyframe=true\n";
static const char slow[] = "#: kind = decode  #: codec = VP8  #: needs = rtpvp8depay\n"
                           "rtpvp8depay request-keyframe=true wait-for-keyframe=true\n! identity sleep-time=5000\n";

typedef struct {
  Room room;
  Chain chain;
  guint64 seq;
  guint n_sent;
} Fixture;

static void
fixture_init (Fixture *fixture, gconstpointer fragment)
{
  room_init (&fixture->room, 2, fragment);
  fixture->seq = FIRST;
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  chain_clear (&fixture->chain);
  room_clear (&fixture->room);
}

/* ---- Frames ----------------------------------------------------------------------------------------------- */

enum { KEY = 1, NO_MARKER = 2, SKIP_FIRST = 4, SKIP_LAST = 8, HUGE_SIDE = 16 };

/* A frame of @n_packets (RFC 7741 4.2, RFC 6386 9.1). */
static void
send_to (Chain *chain, guint64 *seq, guint index, guint n_packets, guint flags)
{
  guint16 side = (flags & HUGE_SIDE) != 0 ? 5000 : 64;

  for (guint i = 0; i < n_packets; i++) {
    const guint8 first[] = { 0x10, (flags & KEY) != 0 ? 0 : 1, 0, 0, 0x9d, 0x01, 0x2a, side & 0xff, side >> 8, 64, 0, 0 };
    const guint8 next[] = { 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    const TestPacket packet = {
      .seq = (*seq)++,
      .timestamp = index * FRAME_MS * 90,
      .marker = i == n_packets - 1 && (flags & NO_MARKER) == 0,
      .payload = i == 0 ? first : next,
      .n_bytes = sizeof first,
    };
    if ((i == 0 && (flags & SKIP_FIRST) != 0) || (i == n_packets - 1 && (flags & SKIP_LAST) != 0))
      continue;
    g_assert_true (chain_push (chain, &packet, BEGIN_US + index * FRAME_MS * MS));
  }
}

static void
send (Fixture *fixture, guint n_packets, guint flags)
{
  send_to (&fixture->chain, &fixture->seq, fixture->n_sent++, n_packets, flags);
}

static gint64
now_us (const Fixture *fixture)
{
  return BEGIN_US + fixture->n_sent * FRAME_MS * MS;
}

static void
wait_for_frames (Chain *chain, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_US;

  while (chain->n_buffers < n && g_get_monotonic_time () < deadline_us)
    g_usleep (500);
  g_usleep (5000); /* no more of them */
  g_assert_cmpuint (chain->n_buffers, ==, n);
}

/* ---- What is decoded -------------------------------------------------------------------------------------- */

static void
test_frames (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 5, KEY);
  for (guint i = 0; i < 19; i++)
    send (fixture, 1 + i % 4, 0);
  wait_for_frames (&fixture->chain, 20);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 0);
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (stats.decoded, ==, 20);
  g_assert_cmpuint (stats.refused, ==, 0);
}

static void
test_begins_with_key_frame (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint i = 0; i < 5; i++)
    send (fixture, 2, 0);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 5);
  send (fixture, 2, KEY);
  send (fixture, 2, 0);
  wait_for_frames (&fixture->chain, 2);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 5);
  g_assert_cmpuint (chain_stats (&fixture->chain).refused, ==, 5);
}

/* A frame with a hole, at whichever place, and all after it are left out until a key frame, which is asked for; and
 * the depayloader does not ask again. */
static void
test_broken_frame (Fixture *fixture, gconstpointer unused)
{
  static const guint holes[] = { SKIP_FIRST, SKIP_LAST, SKIP_FIRST | SKIP_LAST };
  guint n_expected = 0;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint i = 0; i < G_N_ELEMENTS (holes); i++) {
    guint n_before = fixture->chain.n_keyframe_requests;
    send (fixture, 3, KEY);
    send (fixture, 3, holes[i]);
    send (fixture, 3, 0);
    mxr_uplink_poll (fixture->chain.uplink, now_us (fixture) + 1000 * MS);
    send (fixture, 3, 0);
    guint n_asked = fixture->chain.n_keyframe_requests;
    g_assert_cmpuint (n_asked, >, n_before);
    send (fixture, 3, KEY);
    send (fixture, 3, 0);
    n_expected += 3;
    wait_for_frames (&fixture->chain, n_expected);
    g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, n_asked);
  }
}

static void
test_without_marker (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 3, KEY);
  send (fixture, 3, NO_MARKER);
  send (fixture, 3, 0);
  mxr_uplink_poll (fixture->chain.uplink, now_us (fixture));
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 3);
}

/* From the lost packet's time until it is given up. Lets time pass from one due time to the next. */
static guint
measure_patience_ms (Fixture *fixture)
{
  const guint lost = 5;
  gint64 given_up_us = 0;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint i = 0; i < 8; i++)
    send (fixture, 1, i == 0 ? KEY : i == lost ? SKIP_FIRST : 0);
  while (fixture->chain.n_keyframe_requests == 0) {
    given_up_us = mxr_uplink_get_due_us (fixture->chain.uplink);
    g_assert_cmpint (given_up_us, <, G_MAXINT64);
    mxr_uplink_poll (fixture->chain.uplink, given_up_us);
  }
  return (guint) ((given_up_us - BEGIN_US) / MS) - lost * FRAME_MS;
}

static void
test_waits_for_repair (Fixture *fixture, gconstpointer unused)
{
  fixture->room.is_repaired = true;
  guint patience_ms = measure_patience_ms (fixture);
  g_test_message ("%u ms", patience_ms);
  /* Two round trips of 100 ms; and no more than people take for a hitch. */
  g_assert_cmpuint (patience_ms, >=, 200);
  g_assert_cmpuint (patience_ms, <=, 300);
}

static void
test_without_repair_only_for_jitter (Fixture *fixture, gconstpointer unused)
{
  guint patience_ms = measure_patience_ms (fixture);
  g_test_message ("%u ms", patience_ms);
  g_assert_cmpuint (patience_ms, <=, 80);
}

/* One that never ends is not kept for ever. */
static void
test_endless_frame (Fixture *fixture, gconstpointer unused)
{
  static guint8 payload[1200] = { 0x10 };

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint i = 0; i < 2000; i++) {
    const TestPacket packet = { .seq = fixture->seq++, .payload = payload, .n_bytes = sizeof payload };
    chain_push (&fixture->chain, &packet, BEGIN_US);
  }
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (stats.refused, ==, 1);
  g_assert_cmpuint (stats.decoded, ==, 0);
  fixture->n_sent = 1;
  send (fixture, 3, KEY);
  wait_for_frames (&fixture->chain, 1);
}

/* Nor is there a use in asking for another of the kind. */
static void
test_huge_picture (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 3, KEY | HUGE_SIDE);
  for (guint i = 0; i < 10; i++)
    send (fixture, 3, 0);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).refused, ==, 11);
  send (fixture, 3, KEY);
  send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, 2);
}

/* The frame's header goes on in the second packet, where only the decoder would see the size. */
static void
test_hidden_size (Fixture *fixture, gconstpointer unused)
{
  const guint8 first[] = { 0x10, 0, 0, 0, 0x9d }, rest[] = { 0x00, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0 };

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint i = 0; i < 2; i++) {
    const TestPacket packet = { .seq = fixture->seq++, .marker = i == 1, .payload = i == 0 ? first : rest,
                                .n_bytes = i == 0 ? sizeof first : sizeof rest };
    chain_push (&fixture->chain, &packet, BEGIN_US);
  }
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 0);
  fixture->n_sent = 1;
  send (fixture, 3, KEY);
  wait_for_frames (&fixture->chain, 1);
}

static void
test_padding (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 3, KEY);
  for (guint i = 0; i < 10; i++) {
    const TestPacket padding = { .seq = fixture->seq++, .timestamp = 1 };
    chain_push (&fixture->chain, &padding, now_us (fixture));
    send (fixture, 3, 0);
  }
  wait_for_frames (&fixture->chain, 11);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 0);
}

/* ---- Wanted or not ---------------------------------------------------------------------------------------- */

static void
test_wanted_again (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 3, KEY);
  send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, 2);
  mxr_uplink_set_wanted (fixture->chain.uplink, false);
  for (guint i = 0; i < 10; i++)
    send (fixture, 3, i == 5 ? KEY : 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).unwanted, ==, 10);
  mxr_uplink_set_wanted (fixture->chain.uplink, true);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 0);
  mxr_uplink_poll (fixture->chain.uplink, now_us (fixture));
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 1); /* at once */
  send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, 2);
  send (fixture, 3, KEY);
  send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, 4);
}

static void
test_unwanted_from_the_start (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", false);
  for (guint i = 0; i < 10; i++)
    send (fixture, 3, i == 0 ? KEY : 0);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 0);
  wait_for_frames (&fixture->chain, 0);
}

/* Beside what is passed through. A request that brings nothing is repeated: nobody else misses a key frame. */
static void
test_wanted_while_passed (Fixture *fixture, gconstpointer unused)
{
  const Chain *chain = &fixture->chain;
  MxrNet *net = mxr_net_new (fixture->room.config, NULL);
  MxrFanout *fanout = mxr_fanout_new (net, "VP8");
  MxrSplice *splice = mxr_splice_new (fanout, "VP8", chain);

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", false);
  mxr_uplink_pass (chain->uplink, splice, chain, 0);
  send (fixture, 3, KEY);
  send (fixture, 3, 0);
  mxr_uplink_set_wanted (chain->uplink, true);
  const guint n_before = chain->n_keyframe_requests;
  for (guint i = 0; i < 5; i++)
    send (fixture, 3, 0);
  g_assert_cmpuint (chain->n_keyframe_requests, >=, n_before + 5);
  g_assert_cmpuint (chain->n_buffers, ==, 0);
  const guint n_asked = chain->n_keyframe_requests;
  send (fixture, 3, KEY);
  send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, 2);
  g_assert_cmpuint (chain->n_keyframe_requests, ==, n_asked);
  mxr_uplink_set_wanted (chain->uplink, false);
  send (fixture, 3, 0);
  g_assert_cmpuint (chain->n_keyframe_requests, ==, n_asked);
  mxr_splice_unref (splice);
  mxr_fanout_close (fanout);
  mxr_fanout_unref (fanout);
  mxr_net_free (net);
}

/* ---- Workers ---------------------------------------------------------------------------------------------- */

/* So far behind, it drops what waits, asks for a key frame, and goes on from there. */
static void
test_slow_decoder (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  send (fixture, 3, KEY);
  for (guint i = 0; i < 100; i++)
    send (fixture, 3, 0);
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (stats.overflows, ==, 1);
  g_assert_cmpuint (stats.decoded, <=, 40);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, >, 0);
  g_usleep (20000);
  guint n_asked = fixture->chain.n_keyframe_requests, n_before = fixture->chain.n_buffers;
  g_assert_cmpuint (n_before, <, 10); /* what waited is not made up for */
  send (fixture, 3, KEY);
  for (guint i = 0; i < 9; i++)
    send (fixture, 3, 0);
  wait_for_frames (&fixture->chain, n_before + 10);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, ==, n_asked);
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_threads_do_not_grow (Fixture *fixture, gconstpointer unused)
{
  Chain chains[12];
  guint64 seqs[G_N_ELEMENTS (chains)];

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  guint n_before = count_threads ();
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++) {
    chain_init (&chains[i], &fixture->room, MXR_RTP_VIDEO, "test", true);
    seqs[i] = FIRST;
  }
  for (guint k = 0; k < 20; k++)
    for (guint i = 0; i < G_N_ELEMENTS (chains); i++)
      send_to (&chains[i], &seqs[i], k, 3, k == 0 ? KEY : 0);
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++)
    wait_for_frames (&chains[i], 20);
  g_assert_cmpuint (count_threads (), <=, n_before);
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++)
    chain_clear (&chains[i]);
}

/* Taken out while a worker is in the middle of it, and while more comes. */
static void
test_churn (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
  for (guint round = 0; round < 40; round++) {
    Chain chain;
    guint64 seq = FIRST;
    chain_init (&chain, &fixture->room, MXR_RTP_VIDEO, "test", true);
    for (guint k = 0; k < 1 + round % 7; k++)
      send_to (&chain, &seq, k, 2, k == 0 ? KEY : 0);
    if (round % 3 == 0)
      g_usleep (round * 200);
    chain_clear (&chain);
  }
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, fragment, func) g_test_add ("/uplink-picture/" path, Fixture, fragment, fixture_init, func, fixture_clear)
  ADD ("frames", quick, test_frames);
  ADD ("begins-with-key-frame", quick, test_begins_with_key_frame);
  ADD ("broken-frame", quick, test_broken_frame);
  ADD ("without-marker", quick, test_without_marker);
  ADD ("waits-for-repair", quick, test_waits_for_repair);
  ADD ("without-repair-only-for-jitter", quick, test_without_repair_only_for_jitter);
  ADD ("endless-frame", quick, test_endless_frame);
  ADD ("huge-picture", quick, test_huge_picture);
  ADD ("hidden-size", quick, test_hidden_size);
  ADD ("padding", quick, test_padding);
  ADD ("wanted-again", quick, test_wanted_again);
  ADD ("unwanted-from-the-start", quick, test_unwanted_from_the_start);
  ADD ("wanted-while-passed", quick, test_wanted_while_passed);
  ADD ("slow-decoder", slow, test_slow_decoder);
  ADD ("threads-do-not-grow", slow, test_threads_do_not_grow);
  ADD ("churn", slow, test_churn);
#undef ADD
  return g_test_run ();
}
