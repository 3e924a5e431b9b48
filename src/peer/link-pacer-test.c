#include "link-pacer.h"

#include "link-clock.h"

#define START_US G_GINT64_CONSTANT (5000000)
#define MS 1000
#define PAYLOAD_BYTES 1000

/* A client behind a pacer: what has left, and when. */
typedef struct {
  MxrLinkPacer pacer;
  gint64 now_us;
  guint16 seq; /* of the source, next */
  guint n_left, n_left_of_frame;
  guint16 last_seq;
  guint32 last_timestamp;
  gint64 worst_held_us;
  guint n_skips; /* where the stream has gone on behind what was dropped */
} Viewer;

static int tag;

static void
leave (Viewer *viewer, const MxrRtpPacket *packet)
{
  if (viewer->n_left > 0) {
    g_assert_cmpint ((gint16) (packet->seq - viewer->last_seq), >, 0);
    g_assert_true (viewer->pacer.has_skipped == (packet->seq != (guint16) (viewer->last_seq + 1)));
    viewer->n_skips += viewer->pacer.has_skipped;
  }
  g_assert_true (packet->is_keyframe_start || !viewer->pacer.has_skipped);
  if (viewer->n_left == 0 || packet->timestamp != viewer->last_timestamp)
    viewer->n_left_of_frame = 0;
  viewer->n_left++;
  viewer->n_left_of_frame++;
  viewer->last_seq = packet->seq;
  viewer->last_timestamp = packet->timestamp;
  mxr_link_pacer_note_sent (&viewer->pacer, packet->payload_bytes, viewer->now_us);
}

/* Returns: packets that left. */
static guint
drain (Viewer *viewer)
{
  const guint n_before = viewer->n_left;
  gpointer packet_tag = NULL;
  MxrRtpPacket *packet;

  while ((packet = mxr_link_pacer_pop (&viewer->pacer, &packet_tag, viewer->now_us)) != NULL) {
    g_assert_true (packet_tag == &tag);
    viewer->worst_held_us = MAX (viewer->worst_held_us, viewer->pacer.held_us);
    leave (viewer, packet);
    mxr_rtp_packet_unref (packet);
  }
  return viewer->n_left - n_before;
}

static void
offer_packet (Viewer *viewer, guint32 timestamp, bool is_keyframe_start)
{
  guint8 rtp[12 + PAYLOAD_BYTES] = { 0x80, 96, viewer->seq >> 8, viewer->seq & 0xff,
                                     timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff, timestamp & 0xff };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, is_keyframe_start);

  viewer->seq++;
  if (mxr_link_pacer_push (&viewer->pacer, packet, &tag, viewer->now_us) == MXR_LINK_PACER_PASSES)
    leave (viewer, packet);
}

static void
offer_frame (Viewer *viewer, guint32 timestamp, guint n_packets, bool is_keyframe)
{
  for (guint i = 0; i < n_packets; i++)
    offer_packet (viewer, timestamp, is_keyframe && i == 0);
  drain (viewer);
}

/* The link's clock calls when something is due, and not more often than every 5 ms. */
static void
run_until (Viewer *viewer, gint64 until_us)
{
  gint64 due_us;
  while ((due_us = mxr_link_pacer_get_due_us (&viewer->pacer)) <= until_us) {
    viewer->now_us = MAX (due_us, viewer->now_us + MXR_LINK_ROUND_US);
    drain (viewer);
  }
  viewer->now_us = MAX (viewer->now_us, until_us);
}

static void
viewer_init (Viewer *viewer, guint estimate_bps, bool is_measured)
{
  *viewer = (Viewer){ .now_us = START_US };
  mxr_link_pacer_set_rate (&viewer->pacer, estimate_bps, 0, is_measured, viewer->now_us);
}

/* A stream that the way carries is never touched: every frame leaves as it comes. */
static void
test_fast_link_passes (void)
{
  Viewer viewer;

  viewer_init (&viewer, 2000000, true);
  for (guint i = 0; i < 300; i++) {
    offer_frame (&viewer, i * 3000, 4, i == 0);
    g_assert_cmpuint (viewer.n_left, ==, 4 * (i + 1));
    viewer.now_us += 33 * MS;
  }
  g_assert_null (viewer.pacer.entries);
  g_assert_cmpint (mxr_link_pacer_get_held_us (&viewer.pacer, viewer.now_us), ==, 0);
  g_assert_cmpint (mxr_link_pacer_get_due_us (&viewer.pacer), ==, G_MAXINT64);
}

/* Of a picture that is as much as the way is believed to carry, half leaves until what waits there is gone. */
static void
test_queue_drains (void)
{
  const guint estimate_bps = 500000;
  Viewer viewer;

  viewer_init (&viewer, estimate_bps, true);
  mxr_link_pacer_set_rate (&viewer.pacer, estimate_bps, 200, true, viewer.now_us);
  for (guint i = 0; i < 10; i++) {
    offer_frame (&viewer, i * 6000, 4, i == 0);
    run_until (&viewer, START_US + (gint64) (i + 1) * 66 * MS);
  }
  g_assert_cmpuint (viewer.n_left, >=, 16);
  g_assert_cmpuint (viewer.n_left, <=, 24);
  g_assert_cmpuint (viewer.pacer.n_dropped, ==, 0);
  mxr_link_pacer_set_rate (&viewer.pacer, estimate_bps, 0, true, viewer.now_us);
  const guint n_left = viewer.n_left;
  run_until (&viewer, viewer.now_us + 200 * MS);
  g_assert_cmpuint (viewer.n_left, <=, n_left + 14); /* no burst: 100 kbit of them */
  run_until (&viewer, viewer.now_us + 300 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 40);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* 60 packets at 4 Mbit/s take 120 ms: a burst, then slices; all of it, in order. */
static void
test_keyframe_is_spread (void)
{
  Viewer viewer;
  guint n_slices = 0;

  viewer_init (&viewer, 1600000, true);
  offer_frame (&viewer, 1, 60, true);
  g_assert_cmpuint (viewer.n_left, >=, 5);
  g_assert_cmpuint (viewer.n_left, <=, 7);
  while (viewer.n_left < 60) {
    viewer.now_us = MAX (mxr_link_pacer_get_due_us (&viewer.pacer), viewer.now_us + MXR_LINK_ROUND_US);
    const guint n = drain (&viewer);
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (n, <=, 4);
    n_slices++;
  }
  g_assert_cmpint (viewer.now_us - START_US, >=, 100 * MS);
  g_assert_cmpint (viewer.now_us - START_US, <=, 125 * MS);
  g_assert_cmpuint (n_slices, <=, 25);
  g_assert_cmpint (mxr_link_pacer_get_held_us (&viewer.pacer, viewer.now_us), ==, viewer.now_us - START_US);
  g_assert_cmpuint (viewer.pacer.n_dropped, ==, 0);
  g_assert_cmpuint (viewer.pacer.n_waiting_bytes, ==, 0);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* Sound and repairs go first because they do not ask; the picture behind them waits for as long as they take, but not for
 * ever. */
static void
test_other_packets_count (void)
{
  Viewer viewer;

  viewer_init (&viewer, 400000, true);
  mxr_link_pacer_note_sent (&viewer.pacer, 5000, viewer.now_us); /* 40 ms */
  offer_frame (&viewer, 1, 1, true);
  g_assert_cmpuint (viewer.n_left, ==, 0);
  run_until (&viewer, START_US + 29 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 0);
  run_until (&viewer, START_US + 36 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 1);
  for (guint i = 0; i < 1000; i++)
    mxr_link_pacer_note_sent (&viewer.pacer, 1000, viewer.now_us); /* 8 s of it */
  offer_frame (&viewer, 2, 1, false);
  run_until (&viewer, viewer.now_us + 520 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 2);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* Twice what the way carries, for a minute: never more than 250 ms waits, and a picture that is dropped goes on with a
 * key frame. */
static void
test_queue_is_bounded (void)
{
  Viewer viewer;
  const gsize max_bytes = 1000000 / 8 / 4;
  guint n_refused = 0;

  viewer_init (&viewer, 400000, true);
  for (guint i = 0; i < 1800; i++) {
    const bool is_keyframe = i % 60 == 0;
    const bool waited = viewer.pacer.is_dropping;
    offer_frame (&viewer, i * 3000, is_keyframe ? 20 : 8, is_keyframe);
    n_refused += viewer.pacer.is_dropping && !waited;
    g_assert_cmpuint (viewer.pacer.n_waiting_bytes, <=, max_bytes + 20 * PAYLOAD_BYTES);
    run_until (&viewer, START_US + (i + 1) * 33333);
  }
  g_assert_cmpuint (n_refused, >=, 20);
  g_assert_cmpuint (viewer.pacer.n_dropped, >, 0);
  g_assert_cmpuint (viewer.n_left, >=, 30 * 20); /* every key frame leaves */
  g_assert_cmpint (viewer.worst_held_us, <=, (250 + 160 + 20) * MS);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* Key frames of 64 KB, one a second, on a way that takes five seconds for each: those that begin are brought to their end.
 * Otherwise such a client would never see a picture. */
static void
test_large_keyframes_end (void)
{
  Viewer viewer;
  guint n_whole = 0;

  viewer_init (&viewer, 100000, true);
  for (guint i = 0; i < 20 * 30; i++) {
    const bool is_keyframe = i % 30 == 0;
    offer_frame (&viewer, i * 3000, is_keyframe ? 64 : 4, is_keyframe);
    for (gint64 until_us = START_US + (i + 1) * 33333; viewer.now_us < until_us;) {
      run_until (&viewer, MIN (until_us, viewer.now_us + MXR_LINK_ROUND_US));
      if (viewer.n_left_of_frame == 64) {
        n_whole++;
        viewer.n_left_of_frame = 0;
      }
    }
    g_assert_cmpuint (viewer.pacer.n_waiting, <=, 64 + 8);
  }
  g_test_message ("%u whole key frames in 20 s", n_whole);
  g_assert_cmpuint (n_whole, >=, 3);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* The next key frame is asked for when it can leave, once a second. */
static void
test_keyframe_is_asked_for (void)
{
  Viewer viewer;
  guint n_asked = 0;

  viewer_init (&viewer, 400000, true);
  for (guint i = 0; i < 30 * 5; i++) {
    offer_frame (&viewer, i * 3000, 20, i == 0);
    if (mxr_link_pacer_needs_keyframe (&viewer.pacer, viewer.now_us)) {
      g_assert_cmpuint (viewer.pacer.n_waiting, ==, 0);
      n_asked++;
    }
    run_until (&viewer, START_US + (i + 1) * 33333);
  }
  g_assert_true (viewer.pacer.is_dropping);
  g_assert_cmpuint (n_asked, ==, 4);
  offer_frame (&viewer, 1, 1, true);
  g_assert_false (viewer.pacer.is_dropping);
  g_assert_cmpuint (viewer.last_timestamp, ==, 1);
  g_assert_false (mxr_link_pacer_needs_keyframe (&viewer.pacer, viewer.now_us + 10000 * MS));
  mxr_link_pacer_clear (&viewer.pacer);
}

/* Of two key frames that wait, the older one is of no use. */
static void
test_newer_keyframe_takes_the_place (void)
{
  Viewer viewer;

  viewer_init (&viewer, 100000, true);
  mxr_link_pacer_note_sent (&viewer.pacer, 2000, viewer.now_us);
  offer_frame (&viewer, 1, 30, true);
  g_assert_cmpuint (viewer.n_left, ==, 0);
  offer_frame (&viewer, 2, 30, true);
  g_assert_cmpuint (viewer.pacer.n_waiting, ==, 30);
  g_assert_cmpuint (viewer.pacer.n_dropped, ==, 30);
  run_until (&viewer, START_US + 100 * MS); /* it has begun */
  g_assert_cmpuint (viewer.last_timestamp, ==, 2);
  offer_frame (&viewer, 3, 30, true);
  g_assert_true (viewer.pacer.is_dropping);
  run_until (&viewer, START_US + 2000 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 30);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* What is dropped behind a key frame that waits is not before that one, but before the next. */
static void
test_drops_between_keyframes (void)
{
  Viewer viewer;

  viewer_init (&viewer, 100000, true);
  offer_frame (&viewer, 1, 1, true);
  mxr_link_pacer_note_sent (&viewer.pacer, 2000, viewer.now_us);
  offer_frame (&viewer, 2, 3, false);
  offer_frame (&viewer, 3, 3, true);
  offer_frame (&viewer, 4, 6, false);
  offer_frame (&viewer, 5, 3, true);
  g_assert_cmpuint (viewer.n_left, ==, 1);
  g_assert_cmpuint (viewer.pacer.n_waiting, ==, 6);
  g_assert_cmpuint (viewer.pacer.n_dropped, ==, 9);
  run_until (&viewer, START_US + 2000 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 7);
  g_assert_cmpuint (viewer.n_skips, ==, 2);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* A belief drops nothing, nor does it hold up more than it says. */
static void
test_belief_drops_nothing (void)
{
  Viewer viewer;

  viewer_init (&viewer, 200000, false);
  for (guint i = 0; i < 300; i++) {
    offer_frame (&viewer, i * 3000, 8, i == 0);
    g_assert_cmpuint (viewer.pacer.n_waiting_bytes, <=, 1000000 / 8 / 4);
    run_until (&viewer, START_US + (i + 1) * 33333);
  }
  run_until (&viewer, viewer.now_us + 800 * MS);
  g_assert_cmpuint (viewer.n_left, ==, 300 * 8);
  g_assert_cmpuint (viewer.pacer.n_dropped, ==, 0);
  mxr_link_pacer_clear (&viewer.pacer);
}

/* Nobody knows the rate: all passes. A key frame without end: not all of it waits. */
static void
test_extremes (void)
{
  Viewer viewer;

  viewer_init (&viewer, 0, false);
  offer_frame (&viewer, 1, 500, true);
  g_assert_cmpuint (viewer.n_left, ==, 500);
  mxr_link_pacer_set_rate (&viewer.pacer, 12000, 0, true, viewer.now_us);
  offer_frame (&viewer, 2, 5000, true);
  g_assert_true (viewer.pacer.is_dropping);
  g_assert_cmpuint (viewer.pacer.n_waiting, ==, 0);
  offer_frame (&viewer, 3, 3, true);
  g_assert_cmpuint (viewer.pacer.n_waiting, >, 0);
  mxr_link_pacer_clear (&viewer.pacer);
  g_assert_cmpuint (viewer.pacer.n_waiting, ==, 0);
  g_assert_null (viewer.pacer.entries);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link-pacer/queue-drains", test_queue_drains);
  g_test_add_func ("/link-pacer/fast-link-passes", test_fast_link_passes);
  g_test_add_func ("/link-pacer/keyframe-is-spread", test_keyframe_is_spread);
  g_test_add_func ("/link-pacer/other-packets-count", test_other_packets_count);
  g_test_add_func ("/link-pacer/queue-is-bounded", test_queue_is_bounded);
  g_test_add_func ("/link-pacer/large-keyframes-end", test_large_keyframes_end);
  g_test_add_func ("/link-pacer/newer-keyframe-takes-the-place", test_newer_keyframe_takes_the_place);
  g_test_add_func ("/link-pacer/drops-between-keyframes", test_drops_between_keyframes);
  g_test_add_func ("/link-pacer/keyframe-is-asked-for", test_keyframe_is_asked_for);
  g_test_add_func ("/link-pacer/belief-drops-nothing", test_belief_drops_nothing);
  g_test_add_func ("/link-pacer/extremes", test_extremes);
  return g_test_run ();
}
