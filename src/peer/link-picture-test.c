/* Pictures of one timeline that go to several fan-outs, and a feed that changes between them at key frames: orders of pushes,
 * deliveries and changes are made by hand, inside a network thread, by turning its context. */

#include "keyframe-cache.h"
#include "link-feed.h"

#include "test-net-thread.h"

#define MS ((gint64) 1000)
#define FRAME_RTP 3000
#define N_FANOUTS 3
#define N_FRAMES 3
#define N_PACKETS 2 /* of a frame */
#define PT 96

typedef struct {
  MxrNet *net;
  GMainContext *context; /* of the network thread */
  MxrFanout *fanouts[N_FANOUTS];
  guint n_pushed[N_FANOUTS]; /* packets */
  guint32 first_rtp;
  gint64 now_us; /* stands still: a busy machine is no silence */

  MxrLinkFeed feed;
  guint wanted;        /* fan-out that was asked for last */
  gsize room_bytes; /* that may be passed on at once */
  guint n_passed, n_begun, n_changed, n_asked;
  guint8 source;       /* of the last packet: payload */
  guint64 number;      /* of it, in its fan-out */
  guint32 timestamp;
  bool marker;
  gpointer run, former_run;
  bool is_over;         /* what was asked for last is in effect */
  bool may_break_off;   /* the former ends inside a frame */
  bool ends_in_passing; /* the connection, with the next packet */
} Fixture;

/* ---- Inside the network thread ------------------------------------------------------------------------------ */

/* Every packet that is passed on goes on with the one before it, or begins another run at a key frame between two frames. */
static void
check (Fixture *fixture, gpointer run, const MxrRtpPacket *packet)
{
  const guint8 source = packet->payload[0];
  const gint32 step = (gint32) (packet->timestamp - fixture->timestamp);

  if (run != fixture->run || fixture->n_passed == 0) {
    g_assert_true (packet->is_keyframe_start);
    g_assert_true (fixture->n_passed == 0 || fixture->marker || fixture->may_break_off);
    g_assert_true (fixture->n_passed == 0 || step > 0);
    g_assert_true (run != fixture->former_run);
    fixture->former_run = fixture->run;
    fixture->n_begun++;
  } else {
    g_assert_cmpuint (source, ==, fixture->source);
    g_assert_cmpuint (packet->number, ==, fixture->number + 1);
    g_assert_true (fixture->marker ? step > 0 : step == 0);
  }
  g_assert_true (!fixture->is_over || source == fixture->wanted);
  g_assert_cmpint ((gint32) (packet->timestamp - fixture->first_rtp - packet->payload[1] * FRAME_RTP), >=, 0);
}

static void
on_packets (gpointer run, MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Fixture *fixture = user_data;

  for (guint i = 0; i < n_packets; i++) {
    check (fixture, run, packets[i]);
    fixture->source = packets[i]->payload[0];
    fixture->number = packets[i]->number;
    fixture->timestamp = packets[i]->timestamp;
    fixture->marker = packets[i]->marker;
    fixture->run = run;
    fixture->n_passed++;
  }
  if (fixture->ends_in_passing)
    mxr_link_feed_set_listening (&fixture->feed, false, fixture->now_us);
}

static void
on_changed (gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->n_changed++;
  fixture->is_over = true;
}

static void
on_keyframe_needed (gpointer user_data)
{
  ((Fixture *) user_data)->n_asked++;
}

static gsize
get_room (gpointer user_data)
{
  return ((Fixture *) user_data)->room_bytes;
}

static const MxrLinkFeedEvents events = {
  .on_packets = on_packets,
  .on_changed = on_changed,
  .on_keyframe_needed = on_keyframe_needed,
  .get_room = get_room,
};

static void
set (Fixture *fixture, guint target)
{
  fixture->is_over = false;
  fixture->wanted = target;
  mxr_link_feed_set (&fixture->feed, fixture->fanouts[target], fixture->now_us);
}

/* Packets say of which fan-out they are, and of which frame. */
static void
push (Fixture *fixture, guint target, bool is_keyframe)
{
  const guint frame = fixture->n_pushed[target] / N_PACKETS;
  const bool is_first = fixture->n_pushed[target] % N_PACKETS == 0;
  const guint16 seq = (guint16) (1000 * target + fixture->n_pushed[target]++);
  const guint32 rtp_time = fixture->first_rtp + frame * FRAME_RTP;
  const guint8 rtp[] = { 0x80, is_first ? PT : PT | 0x80, seq >> 8, seq & 0xff, rtp_time >> 24, rtp_time >> 16 & 0xff,
                         rtp_time >> 8 & 0xff, rtp_time & 0xff, 0, 0, 0, 1, (guint8) target, (guint8) frame };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, is_first && is_keyframe);

  mxr_fanout_push (fixture->fanouts[target], packet, sizeof rtp);
  packet->pushed_us = fixture->now_us;
  mxr_fanout_flush (fixture->fanouts[target]);
}

static void
push_frame (Fixture *fixture, guint target, bool is_keyframe)
{
  for (guint i = 0; i < N_PACKETS; i++)
    push (fixture, target, is_keyframe);
}

static void
deliver (Fixture *fixture)
{
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
}

/* Their lanes end with them, since this is their thread, of which the mailbox has no turn before the test's end. */
static void
free_fanouts (Fixture *fixture)
{
  for (guint i = 0; i < N_FANOUTS; i++)
    g_clear_pointer (&fixture->fanouts[i], mxr_fanout_unref);
}

/* The first fan-out's key frame has been passed on, and the others have had the same frame, too. */
static void
begin (Fixture *fixture, bool others_begin_with_keyframe)
{
  *fixture = (Fixture){ .net = fixture->net, .context = fixture->context, .now_us = g_get_monotonic_time (), .room_bytes = G_MAXSIZE };
  for (guint i = 0; i < N_FANOUTS; i++)
    fixture->fanouts[i] = mxr_fanout_new (fixture->net, "VP8");
  fixture->first_rtp = 0u - 2 * FRAME_RTP; /* across 2^32 */
  mxr_link_feed_init (&fixture->feed, MXR_RTP_VIDEO, &events, fixture);
  mxr_link_feed_set_listening (&fixture->feed, true, fixture->now_us);
  set (fixture, 0);
  g_assert_cmpuint (fixture->n_changed, ==, 1); /* there was none before */
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  fixture->n_changed = fixture->n_asked = 0;
  for (guint i = 0; i < N_FANOUTS; i++)
    push_frame (fixture, i, i == 0 || others_begin_with_keyframe);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, N_PACKETS);
}

static void
end (Fixture *fixture)
{
  mxr_link_feed_clear (&fixture->feed);
  g_assert_cmpint (mxr_link_feed_get_due_us (&fixture->feed), ==, G_MAXINT64);
  for (guint i = 0; i < N_FANOUTS; i++)
    if (fixture->fanouts[i] != NULL) {
      MxrFanoutStats stats;
      mxr_fanout_get_stats (fixture->fanouts[i], &stats);
      g_assert_cmpuint (stats.subscribers, ==, 0);
    }
  free_fanouts (fixture);
}

static guint
get_newest_frame (const Fixture *fixture)
{
  return (fixture->timestamp - fixture->first_rtp) / FRAME_RTP;
}

/* ---- Every order --------------------------------------------------------------------------------------------- */

/* Bit k of @order: the new one gets frame k first; bit N_FRAMES: packets of the two take turns within a frame. Bit i of
 * @deliveries: the thread has its turn behind push i. The change is asked for before push @at; the new one has a key frame with
 * frame @keyframe; 0: before it all; above N_FRAMES: none. */
static void
change_once (Fixture *fixture, guint order, guint deliveries, guint at, guint keyframe)
{
  const guint n_pushes = 2 * N_FRAMES * N_PACKETS;

  begin (fixture, keyframe == 0);
  for (guint i = 0; i < n_pushes; i++) {
    const guint frame = i / (2 * N_PACKETS), k = i % (2 * N_PACKETS);
    const guint target = (order >> frame & 1) ^ ((order >> N_FRAMES & 1) ? k % 2 : k / N_PACKETS);
    if (i == at)
      set (fixture, 1);
    push (fixture, target, target == 1 && keyframe == frame + 1);
    if (deliveries >> i & 1)
      deliver (fixture);
  }
  deliver (fixture);
  g_assert_cmpuint (get_newest_frame (fixture), ==, N_FRAMES); /* whoever showed it */
  g_assert_cmpuint (fixture->n_asked, <=, 1);
  push_frame (fixture, 1, keyframe > N_FRAMES);
  push_frame (fixture, 0, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpuint (get_newest_frame (fixture), ==, N_FRAMES + 1);
  push_frame (fixture, 0, false);
  push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_begun, ==, 2);
  g_assert_cmpuint (get_newest_frame (fixture), ==, N_FRAMES + 2);
  end (fixture);
}

static void
run_every_order (Fixture *fixture)
{
  const guint n_pushes = 2 * N_FRAMES * N_PACKETS;
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (guint order = 0; order < 2 << N_FRAMES; order++)
    for (guint at = 0; at < n_pushes; at++)
      for (guint keyframe = 0; keyframe <= N_FRAMES + 1; keyframe++)
        for (guint i = 0; i < 32; i++)
          change_once (fixture, order, i == 0 ? 0 : i == 1 ? G_MAXUINT : g_rand_int (random) & g_rand_int (random), at, keyframe);
}

/* Three fan-outs, a second change to any of them while the first is under way or after it, key frames now and then. */
static void
change_twice (Fixture *fixture, GRand *random)
{
  const guint n_pushes = N_FANOUTS * 8 * N_PACKETS;
  const guint at = g_rand_int_range (random, 0, n_pushes), target = g_rand_int_range (random, 0, N_FANOUTS);

  begin (fixture, g_rand_boolean (random));
  for (guint i = 0; i < n_pushes; i++) {
    const guint pushed = (i / N_PACKETS) % N_FANOUTS;
    if (i == at / 2)
      set (fixture, 1);
    if (i == at)
      set (fixture, target);
    push (fixture, pushed, g_rand_int_range (random, 0, 4) == 0);
    if (g_rand_boolean (random))
      deliver (fixture);
  }
  for (guint i = 0; i < N_FANOUTS; i++)
    push_frame (fixture, i, true);
  deliver (fixture);
  push_frame (fixture, target, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, target);
  g_assert_cmpuint (fixture->n_changed, >=, 1); /* two in one, or one after the other */
  g_assert_true (fixture->is_over);
  g_assert_cmpuint (get_newest_frame (fixture), ==, 10);
  end (fixture);
}

static void
run_change_upon_change (Fixture *fixture)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  for (guint i = 0; i < 10000; i++)
    change_twice (fixture, random);
}

/* ---- One that does not come ---------------------------------------------------------------------------------- */

/* The former is sent for as long; each second the key frame is asked for again. */
static void
run_no_keyframe_comes (Fixture *fixture)
{
  begin (fixture, false);
  const gint64 before_us = fixture->now_us;
  set (fixture, 1);
  const gint64 due_us = mxr_link_feed_get_due_us (&fixture->feed);
  g_assert_cmpint (due_us, >=, before_us + 1000 * MS);
  for (guint i = 1; i <= 5; i++) {
    push_frame (fixture, 0, false);
    push_frame (fixture, 1, false);
    deliver (fixture);
    g_assert_cmpint (mxr_link_feed_poll (&fixture->feed, due_us - 1 + (i - 1) * 1000 * MS), ==, due_us + (i - 1) * 1000 * MS);
    g_assert_cmpuint (fixture->n_asked, ==, i);
    mxr_link_feed_poll (&fixture->feed, due_us + (i - 1) * 1000 * MS);
    g_assert_cmpuint (fixture->n_asked, ==, i + 1);
    g_assert_cmpuint (get_newest_frame (fixture), ==, i);
    g_assert_cmpuint (fixture->source, ==, 0);
  }
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  end (fixture);
}

/* A former one that ended inside a frame holds nothing up for long. */
static void
run_former_ends_in_a_frame (Fixture *fixture)
{
  begin (fixture, true);
  fixture->may_break_off = true;
  push (fixture, 0, false);
  deliver (fixture);
  set (fixture, 1);
  push_frame (fixture, 1, false);
  push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 0);
  mxr_link_feed_poll (&fixture->feed, fixture->now_us + G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->source, ==, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  end (fixture);
}

/* What was kept is more than can be sent at once: a key frame is asked for, of whatever size, and the former goes on until it
 * is there. */
static void
run_kept_is_too_much (Fixture *fixture)
{
  begin (fixture, true);
  for (guint i = 0; i < 2; i++) {
    push_frame (fixture, 0, false);
    push_frame (fixture, 1, false);
  }
  deliver (fixture);
  fixture->room_bytes = 1;
  set (fixture, 1);
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  push_frame (fixture, 0, false);
  push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 0);
  push_frame (fixture, 0, false);
  push_frame (fixture, 1, true);
  push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  end (fixture);
}

/* Slides: what was kept is older than what is shown, and the next one seconds away. One is asked for, and the former goes on until
 * it is there; who comes back has it too. */
static void
run_kept_is_long_past (Fixture *fixture)
{
  begin (fixture, true);
  fixture->now_us += 5000 * MS;
  for (guint i = 0; i < 5; i++)
    push_frame (fixture, 0, false);
  deliver (fixture);
  set (fixture, 1);
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  push_frame (fixture, 0, false);
  deliver (fixture);
  g_assert_cmpuint (get_newest_frame (fixture), ==, 6);
  fixture->n_pushed[1] = fixture->n_pushed[0];
  push_frame (fixture, 1, true);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  mxr_link_feed_set_listening (&fixture->feed, false, fixture->now_us);
  fixture->now_us += 5000 * MS;
  mxr_link_feed_set_listening (&fixture->feed, true, fixture->now_us);
  g_assert_cmpuint (fixture->n_asked, ==, 2);
  push_frame (fixture, 1, true);
  deliver (fixture);
  g_assert_cmpuint (get_newest_frame (fixture), ==, 8);
  end (fixture);
}

/* A new one whose clock is far behind the former's: what is held of it has a limit, and behind that a key frame is asked for. */
static void
run_far_behind (Fixture *fixture)
{
  const guint n_frames = MXR_KEYFRAME_CACHE_LIMIT_PACKETS / N_PACKETS + 20;

  begin (fixture, true);
  for (guint i = 0; i < n_frames; i++) {
    push_frame (fixture, 0, false);
    deliver (fixture);
  }
  set (fixture, 1);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  for (guint i = 0; i < n_frames - 10; i++) {
    push_frame (fixture, 1, false);
    deliver (fixture);
  }
  g_assert_cmpuint (fixture->source, ==, 0);
  g_assert_cmpuint (fixture->n_asked, ==, 0);
  mxr_link_feed_poll (&fixture->feed, fixture->now_us + MXR_LINK_FEED_PATIENCE_US);
  g_assert_cmpuint (fixture->n_asked, ==, 1);
  for (guint i = 0; i < 12; i++)
    push_frame (fixture, 1, i == 0);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 1);
  g_assert_cmpuint (get_newest_frame (fixture), ==, n_frames + 2);
  end (fixture);
}

/* ---- Beginning and ending ---------------------------------------------------------------------------------------- */

/* Who comes gets the key frame and what came since, at once and no packet twice, and nobody asks for another. */
static void
run_begins_with_what_was_kept (Fixture *fixture)
{
  begin (fixture, true);
  mxr_link_feed_set (&fixture->feed, NULL, fixture->now_us);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  for (guint i = 0; i < 4; i++)
    push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, N_PACKETS);
  const guint32 former_rtp = fixture->timestamp;
  push (fixture, 1, false);
  set (fixture, 1);
  g_assert_cmpuint (fixture->n_passed, ==, N_PACKETS + 5 * N_PACKETS + 1);
  g_assert_cmpuint (fixture->timestamp, ==, fixture->first_rtp + 5 * FRAME_RTP);
  g_assert_cmpint ((gint32) (fixture->timestamp - former_rtp), ==, 5 * FRAME_RTP);
  push (fixture, 1, false);
  push_frame (fixture, 1, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, N_PACKETS + 7 * N_PACKETS);
  g_assert_cmpuint (fixture->n_asked, ==, 0);
  end (fixture);
}

/* The connection comes back: the same fan-out begins anew, with numbers and times that go on. */
static void
run_connection_comes_back (Fixture *fixture)
{
  begin (fixture, false);
  push_frame (fixture, 0, false);
  deliver (fixture);
  mxr_link_feed_set_listening (&fixture->feed, false, fixture->now_us);
  mxr_link_feed_set_listening (&fixture->feed, true, fixture->now_us);
  g_assert_cmpuint (fixture->n_begun, ==, 1); /* there is nothing newer */
  push_frame (fixture, 0, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_begun, ==, 2);
  g_assert_cmpuint (fixture->n_passed, ==, 2 * N_PACKETS + 3 * N_PACKETS);
  end (fixture);
}

static void
run_connection_ends (Fixture *fixture)
{
  begin (fixture, false);
  set (fixture, 1);
  mxr_link_feed_set_listening (&fixture->feed, false, fixture->now_us);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpint (mxr_link_feed_get_due_us (&fixture->feed), ==, G_MAXINT64);
  push_frame (fixture, 0, false);
  push_frame (fixture, 1, true);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, N_PACKETS);
  mxr_link_feed_set_listening (&fixture->feed, true, fixture->now_us);
  g_assert_cmpuint (fixture->source, ==, 1);
  end (fixture);
}

/* With the first packets of the new one, and with the former's. */
static void
run_connection_ends_in_passing (Fixture *fixture)
{
  for (guint target = 0; target < 2; target++) {
    begin (fixture, false);
    set (fixture, 1);
    fixture->ends_in_passing = true;
    push_frame (fixture, target, true);
    push_frame (fixture, !target, true);
    deliver (fixture);
    g_assert_cmpuint (fixture->n_changed, ==, 1);
    g_assert_cmpuint (fixture->n_passed, ==, 2 * N_PACKETS);
    end (fixture);
  }
}

static void
run_same_and_none (Fixture *fixture)
{
  begin (fixture, false);
  set (fixture, 0); /* what is so already */
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_asked, ==, 0);
  set (fixture, 1);
  set (fixture, 1); /* what is on its way */
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  set (fixture, 0); /* back, with nothing in between */
  g_assert_cmpuint (fixture->n_changed, ==, 2);
  push_frame (fixture, 1, true);
  push_frame (fixture, 0, false);
  deliver (fixture);
  g_assert_cmpuint (fixture->source, ==, 0);
  g_assert_cmpuint (fixture->n_begun, ==, 1);
  set (fixture, 2);
  g_assert_cmpuint (fixture->n_changed, ==, 2);
  mxr_link_feed_set (&fixture->feed, NULL, fixture->now_us);
  g_assert_cmpuint (fixture->n_changed, ==, 3);
  for (guint i = 0; i < N_FANOUTS; i++)
    push_frame (fixture, i, true);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2 * N_PACKETS);
  end (fixture);
}

/* ---- Time stamps -------------------------------------------------------------------------------------------------- */

static GPtrArray *
make_recent (guint n_frames, guint32 newest_rtp, guint32 frame_rtp)
{
  GPtrArray *recent = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_rtp_packet_unref);

  for (guint i = 0; i < n_frames * N_PACKETS; i++) {
    const guint32 rtp_time = newest_rtp - (n_frames - 1 - i / N_PACKETS) * frame_rtp;
    const guint8 rtp[] = { 0x80, i % N_PACKETS == 0 ? PT : PT | 0x80, 0, (guint8) i, rtp_time >> 24, rtp_time >> 16 & 0xff,
                           rtp_time >> 8 & 0xff, rtp_time & 0xff, 0, 0, 0, 1, 42 };
    MxrRtpPacket *packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, i == 0);
    packet->number = 1 + i;
    g_ptr_array_add (recent, packet);
  }
  return recent;
}

static gpointer
take_reference (gconstpointer packet, gpointer unused)
{
  return mxr_rtp_packet_ref ((MxrRtpPacket *) packet);
}

static void
expect_steps (GPtrArray *recent, guint32 newest_rtp, guint32 step)
{
  const guint n_frames = recent->len / N_PACKETS;
  for (guint i = 0; i < recent->len; i++) {
    const MxrRtpPacket *packet = recent->pdata[i];
    g_assert_cmphex (packet->timestamp, ==, newest_rtp - (n_frames - 1 - i / N_PACKETS) * step);
    g_assert_cmpuint (packet->number, ==, 1 + i);
    g_assert_cmpuint (packet->seq, ==, i);
    g_assert_true (packet->marker == (i % N_PACKETS == 1));
    g_assert_true (packet->is_keyframe_start == (i == 0));
    g_assert_cmpuint (packet->payload[0], ==, 42);
  }
}

/* What is between what was passed and the newest frame is divided; the shared packets stay as they are. */
static void
run_time_stamps (Fixture *fixture)
{
  static const struct {
    guint n_frames;
    gint32 room_rtp; /* from what was passed to the newest; G_MAXINT32: nothing was */
    guint32 step;    /* 0: it cannot begin */
  } cases[] = { { 1, G_MAXINT32, 90 }, { 36, G_MAXINT32, 90 }, { 1, 1, 1 },   { 1, 0, 0 },      { 1, -3000, 0 }, { 5, 3000, 90 },
                { 36, 3000, 83 },      { 36, 36, 1 },          { 36, 35, 0 }, { 36, -36000, 0 },
                { 1, -59 * 90000, 0 }, { 1, -61 * 90000, 90 }, { 5, G_MININT32, 90 } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint32 newest_rtp = 1000; /* the others are from before 2^32 */
    MxrLinkPicture picture = { .has_passed = cases[i].room_rtp != G_MAXINT32,
                               .last_timestamp = newest_rtp - (guint32) cases[i].room_rtp };
    g_autoptr (GPtrArray) recent = make_recent (cases[i].n_frames, newest_rtp, FRAME_RTP);
    g_autoptr (GPtrArray) shared = g_ptr_array_copy (recent, take_reference, NULL);
    g_assert_true (mxr_link_picture_begin (&picture, recent) == (cases[i].step > 0));
    expect_steps (recent, newest_rtp, cases[i].step > 0 ? cases[i].step : FRAME_RTP);
    expect_steps (shared, newest_rtp, FRAME_RTP);
    g_assert_true (cases[i].step == 0 || recent->pdata[recent->len - 1] == shared->pdata[shared->len - 1]);
  }
}

/* ---- Frame ----------------------------------------------------------------------------------------------------- */

static void
run (MxrNet *net, GMainContext *context, gconstpointer func)
{
  Fixture fixture = { .net = net, .context = context };
  ((void (*) (Fixture *)) func) (&fixture);
}

static void
test_in_thread (gconstpointer func)
{
  call_in_net_thread (run, func);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add_data_func ("/link-picture/" path, (gconstpointer) func, test_in_thread)
  ADD ("every-order", run_every_order);
  ADD ("change-upon-change", run_change_upon_change);
  ADD ("no-keyframe-comes", run_no_keyframe_comes);
  ADD ("former-ends-in-a-frame", run_former_ends_in_a_frame);
  ADD ("kept-is-too-much", run_kept_is_too_much);
  ADD ("kept-is-long-past", run_kept_is_long_past);
  ADD ("begins-with-what-was-kept", run_begins_with_what_was_kept);
  ADD ("far-behind", run_far_behind);
  ADD ("connection-comes-back", run_connection_comes_back);
  ADD ("connection-ends", run_connection_ends);
  ADD ("connection-ends-in-passing", run_connection_ends_in_passing);
  ADD ("same-and-none", run_same_and_none);
  ADD ("time-stamps", run_time_stamps);
#undef ADD
  return g_test_run ();
}
