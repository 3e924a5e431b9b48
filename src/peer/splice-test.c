#include "mixroom/peer.h"

#include <stdatomic.h>
#include <string.h>

#define WATCHDOG_S 20

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  MxrFanout *fanout;
  MxrSplice *splice;
  GMutex lock;
  GCond changed;
  GPtrArray *packets; /* MxrRtpPacket */
  bool is_subscribed;
} Fixture;

/* Two sources: any addresses. */
static const char encoder, uplink;

static void
on_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_mutex_lock (&fixture->lock);
  for (guint i = 0; i < n_packets; i++)
    g_ptr_array_add (fixture->packets, mxr_rtp_packet_ref (packets[i]));
  g_cond_signal (&fixture->changed);
  g_mutex_unlock (&fixture->lock);
}

static void
subscribe (gpointer data)
{
  Fixture *fixture = data;
  mxr_fanout_subscribe (fixture->fanout, on_packets, fixture);
  g_mutex_lock (&fixture->lock);
  fixture->is_subscribed = true;
  g_cond_signal (&fixture->changed);
  g_mutex_unlock (&fixture->lock);
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;

  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 1;
  fixture->net = mxr_net_new (fixture->config, &error);
  g_assert_no_error (error);
  fixture->fanout = mxr_fanout_new (fixture->net, "VP8");
  fixture->splice = mxr_splice_new (fixture->fanout, "VP8", &encoder);
  fixture->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_rtp_packet_unref);
  g_mutex_init (&fixture->lock);
  g_cond_init (&fixture->changed);
  mxr_mailbox_post (mxr_net_thread_get_mailbox (mxr_net_get_thread (fixture->net, 0)), subscribe, fixture, NULL);
  g_mutex_lock (&fixture->lock);
  while (!fixture->is_subscribed)
    g_assert_true (g_cond_wait_until (&fixture->changed, &fixture->lock, deadline_us));
  g_mutex_unlock (&fixture->lock);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_splice_unref (fixture->splice);
  mxr_fanout_close (fixture->fanout);
  mxr_fanout_unref (fixture->fanout);
  mxr_net_free (fixture->net);
  g_ptr_array_unref (fixture->packets);
  g_mutex_clear (&fixture->lock);
  g_cond_clear (&fixture->changed);
  mxr_config_free (fixture->config);
}

/* ---- Frames of two packets; the payload's last byte says who sent it -------------------------------------- */

static GstBuffer *
make_packet (gconstpointer source, guint16 seq, guint32 timestamp, bool is_first, bool is_keyframe)
{
  guint8 rtp[] = { 0x80, is_first ? 96 : 96 | 0x80, seq >> 8, seq & 0xff, timestamp >> 24, timestamp >> 16 & 0xff,
                   timestamp >> 8 & 0xff, timestamp & 0xff, 0, 0, 0, 1, is_first ? 0x10 : 0x00,
                   is_keyframe ? 0x10 : 0x11, source == &uplink ? 'u' : 'e' };
  return gst_buffer_new_memdup (rtp, sizeof rtp);
}

static void
push (Fixture *fixture, gconstpointer source, guint16 seq, guint32 timestamp, bool is_keyframe)
{
  g_autoptr (GstBufferList) frame = gst_buffer_list_new ();
  gst_buffer_list_add (frame, make_packet (source, seq, timestamp, true, is_keyframe));
  gst_buffer_list_add (frame, make_packet (source, seq + 1, timestamp, false, is_keyframe));
  mxr_splice_push (fixture->splice, source, frame, 0);
}

static char *
wait_for (Fixture *fixture, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  GString *senders = g_string_new (NULL);

  g_mutex_lock (&fixture->lock);
  while (fixture->packets->len < n)
    g_assert_true (g_cond_wait_until (&fixture->changed, &fixture->lock, deadline_us));
  for (guint i = 0; i < fixture->packets->len; i++) {
    const MxrRtpPacket *packet = fixture->packets->pdata[i];
    g_string_append_c (senders, (char) packet->payload[packet->payload_bytes - 1]);
  }
  g_mutex_unlock (&fixture->lock);
  return g_string_free (senders, FALSE);
}

/* ---- Tests -------------------------------------------------------------------------------------------------- */

static void
test_takes_over_at_keyframe (Fixture *fixture, gconstpointer unused)
{
  push (fixture, &encoder, 100, 3000, true);
  push (fixture, &uplink, 7, 900000, true); /* not selected */
  mxr_splice_select (fixture->splice, &uplink);
  push (fixture, &uplink, 9, 903000, false);
  push (fixture, &encoder, 102, 6000, false);
  g_assert_true (mxr_splice_get_active (fixture->splice) == &encoder);
  push (fixture, &uplink, 11, 906000, true);
  g_assert_true (mxr_splice_get_active (fixture->splice) == &uplink);
  g_assert_false (mxr_splice_uses (fixture->splice, &encoder));
  push (fixture, &encoder, 104, 9000, true);
  push (fixture, &uplink, 13, 909000, false);
  g_autofree char *senders = wait_for (fixture, 8);
  g_assert_cmpstr (senders, ==, "eeeeuuuu");
}

/* Numbers have no gap, time does not stand still or run back, a key frame begins once. */
static void
test_is_one_stream (Fixture *fixture, gconstpointer unused)
{
  push (fixture, &encoder, 65535, 90000, true);
  mxr_splice_select (fixture->splice, &uplink);
  push (fixture, &uplink, 40000, 90000, true); /* the very same time */
  push (fixture, &uplink, 40002, 93000, false);
  mxr_splice_select (fixture->splice, &encoder);
  push (fixture, &encoder, 10, 92000, true); /* a little before */
  push (fixture, &encoder, 12, 95000, false);
  g_autofree char *senders = wait_for (fixture, 10);
  g_assert_cmpstr (senders, ==, "eeuuuueeee");

  for (guint i = 0; i < fixture->packets->len; i++) {
    const MxrRtpPacket *packet = fixture->packets->pdata[i], *first = fixture->packets->pdata[0];
    g_assert_cmpuint (packet->seq, ==, (guint16) (first->seq + i));
    g_assert_cmphex (packet->payload[0], ==, i % 2 == 0 ? 0x10 : 0x00);
    g_assert_cmpint (packet->is_keyframe_start, ==, i == 0 || i == 2 || i == 6);
    if (i % 2 == 1)
      g_assert_cmpuint (packet->timestamp, ==, ((const MxrRtpPacket *) fixture->packets->pdata[i - 1])->timestamp);
    else if (i > 0)
      g_assert_cmpuint (packet->timestamp, >, ((const MxrRtpPacket *) fixture->packets->pdata[i - 1])->timestamp);
  }
}

/* However many frames a source has for one instant, the next instant's is stamped with its own time. */
static void
test_keeps_to_the_clock (Fixture *fixture, gconstpointer unused)
{
  const guint n_frames = 100;

  for (guint i = 0; i < n_frames; i++)
    push (fixture, &encoder, (guint16) (2 * i), 90000 - i, i == 0);
  push (fixture, &encoder, (guint16) (2 * n_frames), 93000, false);
  g_free (wait_for (fixture, 2 * n_frames + 2));
  const MxrRtpPacket *last = fixture->packets->pdata[2 * n_frames];
  g_assert_cmpuint (last->timestamp, ==, 93000);
}

static void
test_close (Fixture *fixture, gconstpointer unused)
{
  MxrFanoutStats stats;

  push (fixture, &encoder, 0, 3000, true);
  mxr_splice_close (fixture->splice);
  push (fixture, &encoder, 2, 6000, true);
  mxr_splice_select (fixture->splice, &uplink);
  push (fixture, &uplink, 2, 6000, true);
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_assert_cmpuint (stats.packets, ==, 2);
}

typedef struct {
  Fixture *fixture;
  gconstpointer source;
  atomic_bool *stop;
} Pusher;

/* Never more than the fan-out's ring holds, or packets would be missing. */
static bool
is_far_behind (Fixture *fixture)
{
  MxrFanoutStats stats;
  mxr_fanout_get_stats (fixture->fanout, &stats);
  g_mutex_lock (&fixture->lock);
  bool is_far = stats.packets > fixture->packets->len + 64;
  g_mutex_unlock (&fixture->lock);
  return is_far;
}

static gpointer
push_for_long (gpointer data)
{
  Pusher *pusher = data;
  for (guint i = 0; !atomic_load (pusher->stop); i++) {
    push (pusher->fixture, pusher->source, (guint16) (2 * i), 3000 * i, i % 3 == 0);
    do
      g_usleep (100);
    while (is_far_behind (pusher->fixture) && !atomic_load (pusher->stop));
  }
  return NULL;
}

/* Two threads, and a third that changes its mind: at no time half a frame of each. */
static void
test_change_while_both_push (Fixture *fixture, gconstpointer unused)
{
  atomic_bool stop = false;
  Pusher pushers[] = { { fixture, &encoder, &stop }, { fixture, &uplink, &stop } };
  GThread *threads[2];

  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("push", push_for_long, &pushers[i]);
  for (guint i = 0; i < 200; i++) {
    mxr_splice_select (fixture->splice, i % 2 == 0 ? &uplink : &encoder);
    g_usleep (1000);
  }
  stop = true;
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  g_autofree char *senders = wait_for (fixture, 100);
  guint n_changes = 0;
  for (guint i = 1; i < fixture->packets->len; i++) {
    const MxrRtpPacket *former = fixture->packets->pdata[i - 1], *packet = fixture->packets->pdata[i];
    bool is_change = senders[i] != senders[i - 1];
    g_assert_true (!is_change || packet->is_keyframe_start);
    g_assert_true (former->timestamp != packet->timestamp || !is_change);
    g_assert_cmpuint (packet->seq, ==, (guint16) (former->seq + 1));
    n_changes += is_change;
  }
  g_assert_cmpuint (n_changes, >, 10);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/splice/takes-over-at-keyframe", test_takes_over_at_keyframe);
  ADD ("/splice/is-one-stream", test_is_one_stream);
  ADD ("/splice/keeps-to-the-clock", test_keeps_to_the_clock);
  ADD ("/splice/close", test_close);
  ADD ("/splice/change-while-both-push", test_change_while_both_push);
  return g_test_run ();
}
