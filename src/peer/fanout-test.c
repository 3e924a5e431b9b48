#include "mixroom/peer.h"

#include <gst/app/gstappsink.h>
#include <stdatomic.h>
#include <string.h>

#define N_THREADS 2
#define RING_PACKETS 256 /* of fanout.c, of a sound */
#define WATCHDOG_S 20

typedef struct {
  GMutex lock;
  GCond changed;
  GArray *seqs; /* guint16, in order of delivery */
  bool is_subscribed;
  guint n_strays; /* deliveries while not subscribed */
} Listener;

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  const char *codec;
  MxrFanout *fanout;
  Listener listeners[N_THREADS];
} Fixture;

/* ---- Calls into the network threads ------------------------------------------------------------------------ */

typedef struct {
  void (*func) (gpointer data);
  gpointer data;
  GMutex lock;
  GCond changed;
  bool done;
} Call;

static void
make_call (gpointer data)
{
  Call *call = data;
  call->func (call->data);
  g_mutex_lock (&call->lock);
  call->done = true;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static void
call_thread (Fixture *fixture, guint thread, void (*func) (gpointer), gpointer data)
{
  Call call = { .func = func, .data = data };
  g_mutex_init (&call.lock);
  g_cond_init (&call.changed);
  g_assert_true (
    mxr_mailbox_post (mxr_net_thread_get_mailbox (mxr_net_get_thread (fixture->net, thread)), make_call, &call, NULL));
  g_mutex_lock (&call.lock);
  while (!call.done)
    g_cond_wait (&call.changed, &call.lock);
  g_mutex_unlock (&call.lock);
  g_mutex_clear (&call.lock);
  g_cond_clear (&call.changed);
}

static void
on_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Listener *listener = user_data;
  g_mutex_lock (&listener->lock);
  listener->n_strays += !listener->is_subscribed;
  for (guint i = 0; i < n_packets; i++)
    g_array_append_val (listener->seqs, packets[i]->seq);
  g_cond_broadcast (&listener->changed);
  g_mutex_unlock (&listener->lock);
}

typedef struct {
  MxrFanout *fanout;
  Listener *listener;
} Subscription;

static void
subscribe (gpointer data)
{
  Subscription *subscription = data;
  subscription->listener->is_subscribed = true;
  mxr_fanout_subscribe (subscription->fanout, on_packets, subscription->listener);
}

static void
unsubscribe (gpointer data)
{
  Subscription *subscription = data;
  mxr_fanout_unsubscribe (subscription->fanout, subscription->listener);
  subscription->listener->is_subscribed = false;
}

static void
change (Fixture *fixture, guint thread, void (*func) (gpointer))
{
  Subscription subscription = { fixture->fanout, &fixture->listeners[thread] };
  call_thread (fixture, thread, func, &subscription);
}

static guint
wait_for (Listener *listener, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  g_mutex_lock (&listener->lock);
  while (listener->seqs->len < n && g_cond_wait_until (&listener->changed, &listener->lock, deadline_us))
    ;
  guint len = listener->seqs->len;
  g_mutex_unlock (&listener->lock);
  return len;
}

static void
push (MxrFanout *fanout, guint16 seq)
{
  guint8 rtp[] = { 0x80, 96, seq >> 8, seq & 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 42 };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, false);
  mxr_fanout_push (fanout, packet, sizeof rtp);
}

static void
fixture_init (Fixture *fixture, gconstpointer encoder)
{
  g_autoptr (GError) error = NULL;

  fixture->codec = encoder == NULL ? "OPUS" : strcmp (encoder, "vp8enc") == 0 ? "VP8" : "H264";
  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = N_THREADS;
  fixture->net = mxr_net_new (fixture->config, &error);
  g_assert_no_error (error);
  fixture->fanout = mxr_fanout_new (fixture->net, fixture->codec);
  for (guint i = 0; i < N_THREADS; i++) {
    g_mutex_init (&fixture->listeners[i].lock);
    g_cond_init (&fixture->listeners[i].changed);
    fixture->listeners[i].seqs = g_array_new (FALSE, FALSE, sizeof (guint16));
  }
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_fanout_close (fixture->fanout);
  mxr_fanout_unref (fixture->fanout);
  mxr_net_free (fixture->net);
  for (guint i = 0; i < N_THREADS; i++) {
    g_assert_cmpuint (fixture->listeners[i].n_strays, ==, 0);
    g_array_unref (fixture->listeners[i].seqs);
    g_mutex_clear (&fixture->listeners[i].lock);
    g_cond_clear (&fixture->listeners[i].changed);
  }
  mxr_config_free (fixture->config);
}

/* ---- Tests -------------------------------------------------------------------------------------------------- */

static void
test_order_on_two_threads (Fixture *fixture, gconstpointer unused)
{
  const guint n = 20000, burst = 100;
  MxrFanoutStats stats;

  for (guint i = 0; i < N_THREADS; i++)
    change (fixture, i, subscribe);
  for (guint sent = 0; sent < n; sent += burst) {
    for (guint k = 0; k < burst; k++)
      push (fixture->fanout, (guint16) (sent + k));
    mxr_fanout_flush (fixture->fanout);
    for (guint i = 0; i < N_THREADS; i++) /* never more than the ring holds */
      g_assert_cmpuint (wait_for (&fixture->listeners[i], sent + burst), ==, sent + burst);
  }
  for (guint i = 0; i < N_THREADS; i++)
    for (guint k = 0; k < n; k++)
      g_assert_cmpuint (g_array_index (fixture->listeners[i].seqs, guint16, k), ==, (guint16) k);
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_assert_cmpuint (stats.packets, ==, n);
  g_assert_cmpuint (stats.bytes, ==, n * 13);
  g_assert_cmpuint (stats.dropped, ==, 0);
  g_assert_cmpuint (stats.subscribers, ==, N_THREADS);
  for (guint i = 0; i < N_THREADS; i++)
    change (fixture, i, unsubscribe);
}

typedef struct {
  atomic_bool is_blocked, is_released;
} Block;

static void
block (gpointer data)
{
  Block *held = data;
  atomic_store (&held->is_blocked, true);
  while (!atomic_load (&held->is_released))
    g_usleep (1000);
}

static void
block_thread (Fixture *fixture, guint thread, Block *held)
{
  g_assert_true (
    mxr_mailbox_post (mxr_net_thread_get_mailbox (mxr_net_get_thread (fixture->net, thread)), block, held, NULL));
  while (!atomic_load (&held->is_blocked))
    g_usleep (1000);
}

/* One thread hangs: it loses what its ring does not hold, which is counted; the other loses nothing. */
static void
test_slow_lane (Fixture *fixture, gconstpointer unused)
{
  const guint n = RING_PACKETS + 100;
  Block held = { false, false };
  MxrFanoutStats stats;

  for (guint i = 0; i < N_THREADS; i++)
    change (fixture, i, subscribe);
  block_thread (fixture, 0, &held);
  for (guint k = 0; k < n; k++) {
    push (fixture->fanout, k);
    mxr_fanout_flush (fixture->fanout);
    g_assert_cmpuint (wait_for (&fixture->listeners[1], k + 1), ==, k + 1);
  }
  atomic_store (&held.is_released, true);
  g_assert_cmpuint (wait_for (&fixture->listeners[0], RING_PACKETS), ==, RING_PACKETS);
  change (fixture, 0, unsubscribe);
  change (fixture, 1, unsubscribe);
  g_assert_cmpuint (fixture->listeners[0].seqs->len, ==, RING_PACKETS);
  for (guint k = 0; k < RING_PACKETS; k++)
    g_assert_cmpuint (g_array_index (fixture->listeners[0].seqs, guint16, k), ==, k);
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_assert_cmpuint (stats.dropped, ==, n - RING_PACKETS);
}

/* One of 1 MB, which an uplink takes and passes on, is pushed while the threads cannot yet take any of it. */
static void
test_large_keyframe (Fixture *fixture, gconstpointer unused)
{
  const guint n = 900;
  Block held[N_THREADS] = { { false, false } };
  MxrFanoutStats stats;

  for (guint i = 0; i < N_THREADS; i++) {
    change (fixture, i, subscribe);
    block_thread (fixture, i, &held[i]);
  }
  for (guint k = 0; k < n; k++)
    push (fixture->fanout, k);
  mxr_fanout_flush (fixture->fanout);
  for (guint i = 0; i < N_THREADS; i++) {
    atomic_store (&held[i].is_released, true);
    g_assert_cmpuint (wait_for (&fixture->listeners[i], n), ==, n);
    change (fixture, i, unsubscribe);
  }
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_assert_cmpuint (stats.dropped, ==, 0);
}

/* What was left in the ring by a subscriber that went is not for the next one. */
static void
test_nothing_stale (Fixture *fixture, gconstpointer unused)
{
  change (fixture, 0, subscribe);
  push (fixture->fanout, 1); /* and no flush: the subscriber goes before it */
  change (fixture, 0, unsubscribe);
  change (fixture, 0, subscribe);
  push (fixture->fanout, 2);
  mxr_fanout_flush (fixture->fanout);
  g_assert_cmpuint (wait_for (&fixture->listeners[0], 1), ==, 1);
  g_assert_cmpuint (g_array_index (fixture->listeners[0].seqs, guint16, 0), ==, 2);
  change (fixture, 0, unsubscribe);
}

typedef struct {
  MxrFanout *fanout;
  atomic_bool ends;
} Producer;

static gpointer
produce (gpointer data)
{
  Producer *producer = data;
  for (guint16 seq = 0; !atomic_load (&producer->ends); seq++) {
    push (producer->fanout, seq);
    mxr_fanout_flush (producer->fanout);
    if (seq % 64 == 0)
      g_usleep (500);
  }
  return NULL;
}

/* fixture_clear() sees whether anybody was called who was not subscribed; the sanitizers see the rest. */
static void
test_churn (Fixture *fixture, gconstpointer unused)
{
  Producer producer = { fixture->fanout, false };
  GThread *thread = g_thread_new ("producer", produce, &producer);

  for (guint round = 0; round < 300; round++) {
    change (fixture, round % N_THREADS, subscribe);
    if (round % 3 == 0)
      wait_for (&fixture->listeners[round % N_THREADS], fixture->listeners[round % N_THREADS].seqs->len + 1);
    change (fixture, round % N_THREADS, unsubscribe);
  }
  atomic_store (&producer.ends, true);
  g_thread_join (thread);
  g_assert_cmpuint (fixture->listeners[0].seqs->len, >, 0);
}

/* Packets are in the rings and threads are signalled when the end comes; subscribers go after it. */
static void
test_close_in_flight (Fixture *fixture, gconstpointer unused)
{
  for (guint round = 0; round < 50; round++) {
    MxrFanout *fanout = mxr_fanout_new (fixture->net, fixture->codec);
    Subscription subscriptions[] = { { fanout, &fixture->listeners[0] }, { fanout, &fixture->listeners[1] } };

    for (guint i = 0; i < N_THREADS; i++)
      call_thread (fixture, i, subscribe, &subscriptions[i]);
    for (guint k = 0; k < 100; k++)
      push (fanout, k);
    mxr_fanout_flush (fanout);
    mxr_fanout_close (fanout);
    for (guint i = 0; i < N_THREADS; i++)
      call_thread (fixture, i, unsubscribe, &subscriptions[i]);
    mxr_fanout_unref (fanout);
  }
}

/* ---- Many on one thread -------------------------------------------------------------------------------------- */

#define N_MEMBERS 80
#define N_BATCH 64 /* 80 x 64 packets are several slices */
#define N_BATCHES 4

typedef struct _Crowd Crowd;

typedef struct {
  Crowd *crowd;
  guint n_calls, n_packets, n_strays;
  bool is_in;
  int sends_off; /* with the second batch: this member, which may be itself; -1: none */
} Member;

struct _Crowd {
  MxrFanout *fanout;
  MxrNetThread *thread;
  Member members[N_MEMBERS];
  guint n_last;
  guint n_deliveries, n_at_interlude; /* the second: when a call got its turn */
  Listener *end;
};

static void
leave (Crowd *crowd, guint i)
{
  mxr_fanout_unsubscribe (crowd->fanout, &crowd->members[i]);
  crowd->members[i].is_in = false;
}

static void
on_interlude (gpointer data)
{
  Crowd *crowd = data;
  crowd->n_at_interlude = crowd->n_deliveries;
}

static void
on_member_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Member *member = user_data;
  Crowd *crowd = member->crowd;

  member->n_strays += !member->is_in;
  crowd->n_last += is_last;
  for (guint i = 0; i < n_packets; i++)
    g_assert_cmpuint (packets[i]->seq, ==, (guint16) (65500 + member->n_packets + i)); /* in order, across 2^16 */
  member->n_calls++;
  member->n_packets += n_packets;
  if (crowd->n_deliveries++ == 0)
    mxr_mailbox_post (mxr_net_thread_get_mailbox (crowd->thread), on_interlude, crowd, NULL);
  if (member->n_calls == 2 && member->sends_off >= 0 && crowd->members[member->sends_off].is_in)
    leave (crowd, (guint) member->sends_off);
}

static void
join_all (gpointer data)
{
  Crowd *crowd = data;
  for (guint i = 0; i < N_MEMBERS; i++) {
    crowd->members[i] = (Member){ .crowd = crowd, .is_in = true, .sends_off = crowd->members[i].sends_off };
    mxr_fanout_subscribe (crowd->fanout, on_member_packets, &crowd->members[i]);
  }
  mxr_fanout_subscribe (crowd->fanout, on_packets, crowd->end);
}

static void
leave_all (gpointer data)
{
  Crowd *crowd = data;
  for (guint i = 0; i < N_MEMBERS; i++)
    leave (crowd, i);
  mxr_fanout_unsubscribe (crowd->fanout, crowd->end);
}

static void
stay (gpointer data)
{
}

static void
crowd_run (Fixture *fixture, Crowd *crowd)
{
  crowd->fanout = fixture->fanout;
  crowd->thread = mxr_net_get_thread (fixture->net, 0);
  crowd->end = &fixture->listeners[0];
  crowd->end->is_subscribed = true;
  call_thread (fixture, 0, join_all, crowd);
  for (guint n = 0; n < N_BATCHES; n++) {
    for (guint k = 0; k < N_BATCH; k++)
      push (fixture->fanout, (guint16) (65500 + n * N_BATCH + k));
    mxr_fanout_flush (fixture->fanout);
    g_assert_cmpuint (wait_for (crowd->end, (n + 1) * N_BATCH), ==, (n + 1) * N_BATCH);
    call_thread (fixture, 0, stay, crowd); /* or the lane, not yet back in its loop, takes a part of the next batch */
  }
  call_thread (fixture, 0, leave_all, crowd);
}

/* What is delivered to many leaves turns to others, and still comes to each once and in order. */
static void
test_slices (Fixture *fixture, gconstpointer unused)
{
  Crowd crowd = { 0 };

  for (guint i = 0; i < N_MEMBERS; i++)
    crowd.members[i].sends_off = -1;
  crowd_run (fixture, &crowd);
  for (guint i = 0; i < N_MEMBERS; i++) {
    g_assert_cmpuint (crowd.members[i].n_packets, ==, N_BATCHES * N_BATCH);
    g_assert_cmpuint (crowd.members[i].n_strays, ==, 0);
  }
  g_assert_cmpuint (crowd.n_at_interlude, >, 0);
  g_assert_cmpuint (crowd.n_at_interlude, <, N_MEMBERS);
  g_assert_cmpuint (crowd.n_last, ==, 0); /* the last of all is the listener */
}

/* Members send off themselves, some who have got the packets already and some who have not: nobody gets any after that,
 * and nobody else misses or repeats any. */
static void
test_leaving_inside_a_delivery (Fixture *fixture, gconstpointer unused)
{
  Crowd crowd = { 0 };
  const int sends_off[N_MEMBERS] = { [3] = 3, [10] = 2, [11] = 30, [40] = 41, [50] = 50, [60] = 5, [70] = 79, [78] = 78 };

  for (guint i = 0; i < N_MEMBERS; i++)
    crowd.members[i].sends_off = sends_off[i] != 0 ? sends_off[i] : -1;
  crowd_run (fixture, &crowd);
  for (guint i = 0; i < N_MEMBERS; i++) {
    const bool in_second = i == 3 || i == 2 || i == 50 || i == 5 || i == 78, before_it = i == 30 || i == 41 || i == 79;
    const guint n_batches = in_second ? 2 : before_it ? 1 : N_BATCHES;
    g_assert_cmpuint (crowd.members[i].n_packets, ==, n_batches * N_BATCH);
    g_assert_cmpuint (crowd.members[i].n_strays, ==, 0);
  }
}

/* Whose leaving gets what waits, with others on the lane. In its thread, so that nothing is delivered meanwhile. */
static void
finish_members (gpointer data)
{
  Crowd *crowd = data;

  for (guint n = 0; n < 3; n++) {
    for (guint k = 0; k < 2 * N_BATCH; k++)
      push (crowd->fanout, (guint16) (65500 + n * 2 * N_BATCH + k));
    mxr_fanout_flush (crowd->fanout);
    mxr_fanout_finish (crowd->fanout, &crowd->members[n]);
    crowd->members[n].is_in = false;
  }
  mxr_fanout_finish (crowd->fanout, &crowd->members[0]); /* nobody any more */
}

/* Who finishes gets what waits, at once and in order, and nothing after it; the others get all of it, once, in theirs. */
static void
test_finishing (Fixture *fixture, gconstpointer unused)
{
  Crowd crowd = { .fanout = fixture->fanout, .thread = mxr_net_get_thread (fixture->net, 0), .end = &fixture->listeners[0] };
  const guint n = 3 * 2 * N_BATCH;

  for (guint i = 0; i < N_MEMBERS; i++)
    crowd.members[i].sends_off = i == 2 ? 2 : -1; /* unsubscribes itself while it finishes */
  crowd.end->is_subscribed = true;
  call_thread (fixture, 0, join_all, &crowd);
  call_thread (fixture, 0, finish_members, &crowd);
  g_assert_cmpuint (wait_for (crowd.end, n), ==, n);
  call_thread (fixture, 0, leave_all, &crowd);
  g_assert_cmpuint (crowd.members[0].n_packets, ==, 2 * N_BATCH);
  g_assert_cmpuint (crowd.members[1].n_packets, ==, 4 * N_BATCH);
  g_assert_cmpuint (crowd.members[2].n_packets, ==, 2);
  for (guint i = 0; i < N_MEMBERS; i++) {
    g_assert_cmpuint (crowd.members[i].n_strays, ==, 0);
    if (i > 2)
      g_assert_cmpuint (crowd.members[i].n_packets, ==, n);
  }
}

/* What was looked at ahead by the last one on a lane is not for the next one. */
static void
finish_alone (gpointer data)
{
  Subscription *subscription = data;

  subscribe (subscription);
  push (subscription->fanout, 1);
  mxr_fanout_flush (subscription->fanout);
  mxr_fanout_finish (subscription->fanout, subscription->listener);
  subscribe (subscription);
  push (subscription->fanout, 2);
  mxr_fanout_flush (subscription->fanout);
}

static void
test_finishing_alone (Fixture *fixture, gconstpointer unused)
{
  change (fixture, 0, finish_alone);
  g_assert_cmpuint (wait_for (&fixture->listeners[0], 2), ==, 2);
  push (fixture->fanout, 3);
  mxr_fanout_flush (fixture->fanout);
  g_assert_cmpuint (wait_for (&fixture->listeners[0], 3), ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (g_array_index (fixture->listeners[0].seqs, guint16, i), ==, i + 1);
  change (fixture, 0, unsubscribe);
}

/* ---- Key frames of real encoders ---------------------------------------------------------------------------- */

typedef struct {
  Listener *listener;
  GArray *starts; /* bool per packet */
  GArray *markers;
  GArray *first_bytes;
} Watch;

static void
on_watch (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Watch *watch = user_data;
  g_mutex_lock (&watch->listener->lock);
  for (guint i = 0; i < n_packets; i++) {
    g_array_append_val (watch->starts, packets[i]->is_keyframe_start);
    g_array_append_val (watch->markers, packets[i]->marker);
    g_array_append_val (watch->first_bytes, packets[i]->payload[0]);
    g_array_append_val (watch->listener->seqs, packets[i]->seq);
  }
  g_cond_broadcast (&watch->listener->changed);
  g_mutex_unlock (&watch->listener->lock);
}

static void
subscribe_watch (gpointer data)
{
  Subscription *subscription = data;
  mxr_fanout_subscribe (subscription->fanout, on_watch, subscription->listener);
}

static void
unsubscribe_watch (gpointer data)
{
  Subscription *subscription = data;
  mxr_fanout_unsubscribe (subscription->fanout, subscription->listener);
}

/* Encodes 20 frames one by one, with a key frame asked for before the eleventh. Returns: packets pushed. */
static guint64
run_encoder (Fixture *fixture, const MxrFragment *fragment)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    "videotestsrc name=source num-buffers=20 pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! "
    "identity name=here", &error);
  GstElement *encoder = mxr_fragment_new_bin (fragment, "encoder", &error);
  GstElement *sink = gst_element_factory_make ("appsink", "sink");
  g_autoptr (GstElement) here = gst_bin_get_by_name (GST_BIN (pipeline), "here");
  GstSample *sample;
  guint n_frames = 0;
  MxrFanoutStats stats;

  g_object_set (sink, "sync", FALSE, "buffer-list", TRUE, "max-buffers", 1, NULL);
  gst_bin_add_many (GST_BIN (pipeline), encoder, sink, NULL);
  g_assert_true (gst_element_link_many (here, encoder, sink, NULL));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    mxr_fanout_push_sample (fixture->fanout, sample);
    gst_sample_unref (sample);
    if (++n_frames == 10)
      mxr_fragment_bin_request_keyframe (encoder);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_assert_cmpuint (stats.dropped, ==, 0);
  return stats.packets;
}

static void
test_keyframe_starts (Fixture *fixture, gconstpointer name)
{
  const char *dirs[] = { g_test_get_dir (G_TEST_DIST), NULL };
  g_autofree char *path = g_build_filename (dirs[0], "..", "..", "pipelines", NULL);
  g_autoptr (GError) error = NULL;
  dirs[0] = path;
  g_autoptr (MxrFragments) fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  const MxrFragment *fragment = mxr_fragments_find (fragments, name, MXR_FRAGMENT_ENCODE, fixture->codec, &error);
  g_assert_no_error (error);

  Watch watch = { &fixture->listeners[0], g_array_new (FALSE, FALSE, sizeof (bool)),
                  g_array_new (FALSE, FALSE, sizeof (bool)), g_array_new (FALSE, FALSE, 1) };
  Subscription subscription = { fixture->fanout, (Listener *) &watch };
  call_thread (fixture, 0, subscribe_watch, &subscription);
  guint n = run_encoder (fixture, fragment);
  g_assert_cmpuint (wait_for (watch.listener, n), ==, n);
  call_thread (fixture, 0, unsubscribe_watch, &subscription);

  guint n_starts = 0, n_frames = 0;
  for (guint i = 0; i < n; i++) {
    bool is_first = i == 0 || g_array_index (watch.markers, bool, i - 1);
    guint8 nal = g_array_index (watch.first_bytes, guint8, i) & 31;
    n_frames += is_first;
    if (!g_array_index (watch.starts, bool, i))
      continue;
    n_starts++;
    g_assert_true (is_first);
    if (strcmp (fixture->codec, "H264") == 0) /* the parameter sets, alone or in a STAP-A: RFC 6184 5.7.1 */
      g_assert_true (nal == 7 || nal == 24);
  }
  g_assert_true (g_array_index (watch.starts, bool, 0));
  g_assert_cmpuint (n_frames, >=, 20); /* the parameter sets may have a marker of their own */
  g_assert_cmpuint (n_starts, ==, 2);
  g_array_unref (watch.starts);
  g_array_unref (watch.markers);
  g_array_unref (watch.first_bytes);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/fanout/order-on-two-threads", test_order_on_two_threads);
  ADD ("/fanout/slow-lane", test_slow_lane);
  ADD ("/fanout/nothing-stale", test_nothing_stale);
  ADD ("/fanout/churn", test_churn);
  ADD ("/fanout/close-in-flight", test_close_in_flight);
  ADD ("/fanout/slices", test_slices);
  ADD ("/fanout/leaving-inside-a-delivery", test_leaving_inside_a_delivery);
  ADD ("/fanout/finishing", test_finishing);
  ADD ("/fanout/finishing-alone", test_finishing_alone);
  g_test_add ("/fanout/large-keyframe", Fixture, "vp8enc", fixture_init, test_large_keyframe, fixture_clear);
  g_test_add ("/fanout/keyframe-starts/vp8", Fixture, "vp8enc", fixture_init, test_keyframe_starts, fixture_clear);
  g_test_add ("/fanout/keyframe-starts/openh264", Fixture, "openh264enc", fixture_init, test_keyframe_starts,
              fixture_clear);
  g_test_add ("/fanout/keyframe-starts/x264", Fixture, "x264enc", fixture_init, test_keyframe_starts, fixture_clear);
  return g_test_run ();
}
