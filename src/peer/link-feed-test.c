/* Blocks of a mixer that go to several fan-outs, and a feed that changes between them: every order of pushes, deliveries and
 * changes is made by hand, inside a network thread, by turning its context. */

#include "link-feed.h"

#include "test-net-thread.h"

#define MS ((gint64) 1000)
#define BLOCK_RTP 960
#define N_FANOUTS 3
#define N_BLOCKS 3

typedef struct {
  MxrNet *net;
  GMainContext *context; /* of the network thread */
  MxrFanout *fanouts[N_FANOUTS];
  bool first_is_first; /* the fan-outs are looked at in their order; else the other way round */
  guint n_pushed[N_FANOUTS]; /* blocks */
  guint32 first_rtp;

  MxrLinkFeed feed;
  guint listened;      /* number of the fan-out that alone may come once changes are over; N_FANOUTS: none */
  gpointer run;        /* of what came last */
  guint source;        /* that it came from */
  guint n_passed;      /* in order, from first_rtp on; more than once or with a gap fails at once */
  guint n_changed;
  bool is_over;         /* what was asked for last is in effect */
  guint n_strays;       /* after that, of another fan-out */
  bool ends_in_passing; /* the connection, with the next packet */
} Fixture;

/* ---- Inside the network thread ------------------------------------------------------------------------------ */

static void
on_packets (gpointer run, MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Fixture *fixture = user_data;

  for (guint i = 0; i < n_packets; i++) {
    if (!mxr_link_feed_is_news (&fixture->feed, packets[i]))
      continue;
    g_assert_cmphex (packets[i]->timestamp, ==, fixture->first_rtp + fixture->n_passed * BLOCK_RTP);
    fixture->n_passed++;
    fixture->n_strays += fixture->is_over && packets[i]->payload[0] != fixture->listened;
    g_assert_true (run != fixture->run || packets[i]->payload[0] == fixture->source);
    fixture->run = run;
    fixture->source = packets[i]->payload[0];
  }
  if (fixture->ends_in_passing)
    mxr_link_feed_set_listening (&fixture->feed, false, g_get_monotonic_time ());
}

static void
on_changed (gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->n_changed++;
  fixture->is_over = true;
}

static const MxrLinkFeedEvents events = { .on_packets = on_packets, .on_changed = on_changed };

static void
set (Fixture *fixture, guint target, gint64 now_us)
{
  fixture->is_over = false;
  fixture->listened = target;
  mxr_link_feed_set (&fixture->feed, fixture->fanouts[target], now_us);
}

static void
push (Fixture *fixture, guint target)
{
  const guint32 rtp_time = fixture->first_rtp + fixture->n_pushed[target] * BLOCK_RTP;
  const guint16 seq = (guint16) (1000 * target + fixture->n_pushed[target]);
  const guint8 rtp[] = { 0x80, 96, seq >> 8, seq & 0xff, rtp_time >> 24, rtp_time >> 16 & 0xff, rtp_time >> 8 & 0xff,
                         rtp_time & 0xff, 0, 0, 0, 1, (guint8) target };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, false);

  fixture->n_pushed[target]++;
  mxr_fanout_push (fixture->fanouts[target], packet, sizeof rtp);
  mxr_fanout_flush (fixture->fanouts[target]);
}

static void
deliver (Fixture *fixture)
{
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
}

static void
close_fanouts (Fixture *fixture)
{
  for (guint i = 0; i < N_FANOUTS; i++)
    if (fixture->fanouts[i] != NULL) {
      mxr_fanout_close (fixture->fanouts[i]);
      mxr_fanout_unref (g_steal_pointer (&fixture->fanouts[i]));
    }
}

static void
open_fanouts (Fixture *fixture, bool first_is_first)
{
  if (fixture->fanouts[0] != NULL && fixture->first_is_first == first_is_first)
    return;
  close_fanouts (fixture);
  fixture->first_is_first = first_is_first;
  for (guint i = 0; i < N_FANOUTS; i++)
    fixture->fanouts[first_is_first ? i : N_FANOUTS - 1 - i] = mxr_fanout_new (fixture->net, "OPUS");
}

/* One block from the first fan-out has been passed on. */
static void
begin (Fixture *fixture, bool first_is_first)
{
  open_fanouts (fixture, first_is_first);
  for (guint i = 0; i < N_FANOUTS; i++)
    fixture->n_pushed[i] = 0;
  fixture->first_rtp = 0u - 2 * BLOCK_RTP; /* across 2^32 */
  fixture->n_passed = fixture->n_changed = fixture->n_strays = 0;
  fixture->is_over = fixture->ends_in_passing = false;
  mxr_link_feed_init (&fixture->feed, MXR_RTP_AUDIO, &events, fixture);
  mxr_link_feed_set_listening (&fixture->feed, true, g_get_monotonic_time ());
  set (fixture, 0, 0);
  g_assert_cmpuint (fixture->n_changed, ==, 1); /* there was none before */
  fixture->n_changed = 0;
  for (guint i = 0; i < N_FANOUTS; i++)
    push (fixture, i);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1);
}

static void
end (Fixture *fixture)
{
  mxr_link_feed_clear (&fixture->feed);
  g_assert_cmpint (mxr_link_feed_get_due_us (&fixture->feed), ==, G_MAXINT64);
  g_assert_cmpuint (fixture->n_strays, ==, 0);
  for (guint i = 0; i < N_FANOUTS; i++)
    if (fixture->fanouts[i] != NULL) {
      MxrFanoutStats stats;
      mxr_fanout_get_stats (fixture->fanouts[i], &stats);
      g_assert_cmpuint (stats.subscribers, ==, 0);
    }
}

/* ---- Every order --------------------------------------------------------------------------------------------- */

/* Two fan-outs: bit k of @order: the new one gets block k first. Bit i of @deliveries: the thread has its turn behind push
 * i. The change is asked for before push @at. */
static void
change_once (Fixture *fixture, bool first_is_first, guint order, guint deliveries, guint at)
{
  bool has_come = false;

  begin (fixture, first_is_first);
  for (guint i = 0; i < 2 * N_BLOCKS; i++) {
    const guint target = (order >> i / 2 & 1) ^ (i & 1);
    if (i == at)
      set (fixture, 1, g_get_monotonic_time ());
    g_assert_false (i >= at && !has_come && fixture->n_changed > 0);
    has_come |= target == 1 && i >= at;
    push (fixture, target);
    if (deliveries >> i & 1)
      deliver (fixture);
  }
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1 + N_BLOCKS);
  g_assert_cmpuint (fixture->n_changed, ==, has_come);
  if (!has_come)
    mxr_link_feed_poll (&fixture->feed, g_get_monotonic_time () + G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  push (fixture, 0);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1 + N_BLOCKS);
  push (fixture, 1);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2 + N_BLOCKS);
  end (fixture);
}

static void
run_every_order (Fixture *fixture)
{
  for (guint first_is_first = 0; first_is_first < 2; first_is_first++)
    for (guint order = 0; order < 1 << N_BLOCKS; order++)
      for (guint deliveries = 0; deliveries < 1 << 2 * N_BLOCKS; deliveries++)
        for (guint at = 0; at < 2 * N_BLOCKS; at++)
          change_once (fixture, first_is_first, order, deliveries, at);
}

/* Three fan-outs in any order, and a second change, to @target, at any time: while the first is under way or after it. */
static void
change_twice (Fixture *fixture, bool first_is_first, const guint *order, guint32 deliveries, guint at, guint again_at,
              guint target)
{
  begin (fixture, first_is_first);
  for (guint i = 0; i < N_FANOUTS * N_BLOCKS; i++) {
    if (i == at)
      set (fixture, 1, g_get_monotonic_time ());
    if (i == again_at)
      set (fixture, target, g_get_monotonic_time ());
    push (fixture, order[i % N_FANOUTS]);
    if (deliveries >> i & 1)
      deliver (fixture);
  }
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1 + N_BLOCKS);
  mxr_link_feed_poll (&fixture->feed, g_get_monotonic_time () + G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->n_changed, >=, 1); /* two in one, or one after the other */
  g_assert_true (fixture->is_over);
  for (guint i = 0; i < N_FANOUTS; i++)
    if (i != target)
      push (fixture, i);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1 + N_BLOCKS);
  push (fixture, target);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2 + N_BLOCKS);
  end (fixture);
}

static void
run_change_upon_change (Fixture *fixture)
{
  static const guint orders[][N_FANOUTS] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  g_autoptr (GRand) random = g_rand_new_with_seed (11);

  for (guint first_is_first = 0; first_is_first < 2; first_is_first++)
    for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
      for (guint at = 0; at < N_FANOUTS * N_BLOCKS; at++)
        for (guint again_at = at; again_at < N_FANOUTS * N_BLOCKS; again_at++)
          for (guint k = 0; k < 2 * N_FANOUTS; k++)
            change_twice (fixture, first_is_first, orders[i], g_rand_int (random), at, again_at, k % N_FANOUTS);
}

/* ---- One that does not come ---------------------------------------------------------------------------------- */

/* The former speaks on: it is heard until it is too late for the new one. */
static void
run_new_one_is_silent (Fixture *fixture)
{
  begin (fixture, true);
  const gint64 changed_us = g_get_monotonic_time () - 30 * MS;
  set (fixture, 1, changed_us);
  push (fixture, 0);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2);
  g_assert_cmpint (mxr_link_feed_get_due_us (&fixture->feed), ==, changed_us + 60 * MS);
  g_assert_cmpint (mxr_link_feed_poll (&fixture->feed, changed_us + 60 * MS - 1), ==, changed_us + 60 * MS);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  push (fixture, 0); /* and is not delivered before the end */
  g_assert_cmpint (mxr_link_feed_poll (&fixture->feed, changed_us + 60 * MS), ==, G_MAXINT64);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_passed, ==, 3);
  push (fixture, 0);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 3);
  end (fixture);
}

/* Nobody speaks: there is nothing to lose but a block that is just on its way. */
static void
run_all_are_silent (Fixture *fixture)
{
  begin (fixture, true);
  const gint64 changed_us = g_get_monotonic_time () + G_USEC_PER_SEC;
  set (fixture, 1, changed_us);
  g_assert_cmpint (mxr_link_feed_get_due_us (&fixture->feed), ==, changed_us + 25 * MS);
  mxr_link_feed_poll (&fixture->feed, changed_us + 25 * MS - 1);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
  mxr_link_feed_poll (&fixture->feed, changed_us + 25 * MS);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  end (fixture);
}

/* Both end while a block is on its way. */
static void
run_fanouts_end (Fixture *fixture)
{
  begin (fixture, true);
  set (fixture, 1, g_get_monotonic_time ());
  push (fixture, 0);
  for (guint i = 0; i < 2; i++) {
    mxr_fanout_close (fixture->fanouts[i]);
    mxr_fanout_unref (g_steal_pointer (&fixture->fanouts[i]));
  }
  deliver (fixture);
  mxr_link_feed_poll (&fixture->feed, g_get_monotonic_time () + 60 * MS);
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  g_assert_cmpuint (fixture->n_passed, ==, 2);
  end (fixture);
}

/* ---- Other ends of a change ----------------------------------------------------------------------------------- */

static void
run_connection_ends (Fixture *fixture)
{
  begin (fixture, true);
  set (fixture, 1, g_get_monotonic_time ());
  mxr_link_feed_set_listening (&fixture->feed, false, g_get_monotonic_time ());
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  push (fixture, 0);
  push (fixture, 1);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 1);
  set (fixture, 2, g_get_monotonic_time ()); /* nothing is sent, so nothing is waited for */
  g_assert_cmpuint (fixture->n_changed, ==, 2);
  push (fixture, 2);
  fixture->first_rtp += BLOCK_RTP; /* the block that nobody got */
  mxr_link_feed_set_listening (&fixture->feed, true, g_get_monotonic_time ());
  push (fixture, 0);
  fixture->n_pushed[2]--;
  push (fixture, 2);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2);
  end (fixture);
}

/* The transport may fail with a packet: here with the rest of the former, while the new one's is being passed on. */
static void
run_connection_ends_in_passing (Fixture *fixture)
{
  for (guint first_is_first = 0; first_is_first < 2; first_is_first++) {
    begin (fixture, first_is_first);
    set (fixture, 1, g_get_monotonic_time ());
    push (fixture, 0);
    push (fixture, 0);
    push (fixture, 1);
    push (fixture, 1);
    mxr_fanout_close (fixture->fanouts[0]);
    mxr_fanout_unref (g_steal_pointer (&fixture->fanouts[0]));
    fixture->ends_in_passing = true;
    deliver (fixture);
    g_assert_cmpuint (fixture->n_changed, ==, 1);
    g_assert_cmpuint (fixture->n_passed, >=, 2);
    end (fixture);
  }
}

static void
run_same_and_none (Fixture *fixture)
{
  begin (fixture, true);
  set (fixture, 0, g_get_monotonic_time ()); /* what is so already */
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  set (fixture, 1, g_get_monotonic_time ());
  set (fixture, 1, g_get_monotonic_time ()); /* what is on its way */
  g_assert_cmpuint (fixture->n_changed, ==, 1);
  push (fixture, 0);
  push (fixture, 1);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_changed, ==, 2);
  g_assert_cmpuint (fixture->n_passed, ==, 2);
  set (fixture, 2, g_get_monotonic_time ());
  mxr_link_feed_set (&fixture->feed, NULL, g_get_monotonic_time ());
  g_assert_cmpuint (fixture->n_changed, ==, 3);
  for (guint i = 0; i < N_FANOUTS; i++)
    push (fixture, i);
  deliver (fixture);
  g_assert_cmpuint (fixture->n_passed, ==, 2);
  end (fixture);
}

/* ---- Frame ----------------------------------------------------------------------------------------------------- */

static void
run (MxrNet *net, GMainContext *context, gconstpointer func)
{
  Fixture fixture = { .net = net, .context = context };

  ((void (*) (Fixture *)) func) (&fixture);
  close_fanouts (&fixture);
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
#define ADD(path, func) g_test_add_data_func ("/link-feed/" path, (gconstpointer) func, test_in_thread)
  ADD ("every-order", run_every_order);
  ADD ("change-upon-change", run_change_upon_change);
  ADD ("new-one-is-silent", run_new_one_is_silent);
  ADD ("all-are-silent", run_all_are_silent);
  ADD ("fanouts-end", run_fanouts_end);
  ADD ("connection-ends", run_connection_ends);
  ADD ("connection-ends-in-passing", run_connection_ends_in_passing);
  ADD ("same-and-none", run_same_and_none);
#undef ADD
  return g_test_run ();
}
