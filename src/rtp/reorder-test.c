#include "rtp-private.h"

#include <stdlib.h>

#define FIRST ((guint64) 1 << 20)
#define FRAME_MS 20
#define FRAME_UNITS (48 * FRAME_MS)
#define MS ((gint64) 1000)
#define BEGIN_US ((gint64) 1000 * 1000)

static guint n_items; /* that exist */

static gpointer
new_item (guint64 seq)
{
  guint64 *item = g_new (guint64, 1);
  *item = seq;
  n_items++;
  return item;
}

static void
free_item (gpointer item)
{
  n_items--;
  g_free (item);
}

static MxrReorder *
new_reorder (guint patience_ms, bool follows_jitter)
{
  const MxrReorderConfig config = {
    .n_slots = 32, .max_bytes = 4000, .patience_us = patience_ms * MS, .follows_jitter = follows_jitter, .clock_rate = 48000,
  };
  return mxr_reorder_new (&config, free_item);
}

static bool
push_sized (MxrReorder *reorder, guint64 seq, gint64 arrival_us, gsize n_bytes)
{
  const MxrReorderPacket packet = {
    .extended_seq = seq, .timestamp = (guint32) (seq * FRAME_UNITS), .arrival_us = arrival_us, .n_bytes = n_bytes,
    .item = new_item (seq), .flags = (guint) (seq % 7), .tag = reorder,
  };
  bool taken = mxr_reorder_push (reorder, &packet);
  if (!taken)
    free_item (packet.item);
  return taken;
}

static bool
push (MxrReorder *reorder, guint64 seq, gint64 arrival_us)
{
  return push_sized (reorder, seq, arrival_us, 100);
}

/* What comes out next as a word: its number above FIRST; "lost 3"; "restart"; "" for nothing. */
static const char *
pop (MxrReorder *reorder, gint64 now_us)
{
  static char text[64];
  MxrReorderPacket packet;
  guint n_lost = 0;

  switch (mxr_reorder_pop (reorder, now_us, &packet, &n_lost)) {
  case MXR_REORDER_PACKET:
    g_assert_cmpuint (*(guint64 *) packet.item, ==, packet.extended_seq);
    g_assert_cmpuint (packet.flags, ==, packet.extended_seq % 7);
    g_assert_true (packet.tag == reorder);
    free_item (packet.item);
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, (gint64) (packet.extended_seq - FIRST));
    return text;
  case MXR_REORDER_LOST:
    g_snprintf (text, sizeof text, "lost %u", n_lost);
    return text;
  case MXR_REORDER_RESTART:
    return "restart";
  case MXR_REORDER_NONE:
  default:
    return "";
  }
}

#define assert_pops(reorder, now_us, ...)                                                                      \
  G_STMT_START                                                                                                 \
  {                                                                                                            \
    const char *const expected_[] = { __VA_ARGS__, "" };                                                       \
    for (guint i_ = 0; i_ < G_N_ELEMENTS (expected_); i_++)                                                    \
      g_assert_cmpstr (pop (reorder, now_us), ==, expected_[i_]);                                              \
  }                                                                                                            \
  G_STMT_END

/* ---- Order ------------------------------------------------------------------------------------------------ */

static void
test_in_order_at_once (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, false);

  for (guint i = 0; i < 200; i++) {
    g_autofree char *number = g_strdup_printf ("%u", i);
    g_assert_true (push (reorder, FIRST + i, BEGIN_US + i * FRAME_MS * MS));
    assert_pops (reorder, BEGIN_US + i * FRAME_MS * MS, number);
    g_assert_cmpint (mxr_reorder_due_us (reorder), ==, G_MAXINT64);
  }
}

static void
test_swapped (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, false);
  MxrReorderStats stats;

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 3, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push (reorder, FIRST + 2, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push (reorder, FIRST + 1, BEGIN_US + 5 * MS);
  assert_pops (reorder, BEGIN_US + 5 * MS, "1", "2", "3");
  mxr_reorder_get_stats (reorder, &stats);
  g_assert_cmpuint (stats.reordered, ==, 2);
  g_assert_cmpuint (stats.lost + stats.late + stats.n_waiting, ==, 0);
}

static void
test_late_and_twice (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, false);
  MxrReorderStats stats;

  push (reorder, FIRST + 10, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "10");
  g_assert_false (push (reorder, FIRST + 10, BEGIN_US));
  g_assert_false (push (reorder, FIRST + 9, BEGIN_US));
  g_assert_false (push (reorder, 1, BEGIN_US));
  push (reorder, FIRST + 12, BEGIN_US);
  g_assert_false (push (reorder, FIRST + 12, BEGIN_US));
  assert_pops (reorder, BEGIN_US + 40 * MS, "lost 1", "12");
  g_assert_false (push (reorder, FIRST + 11, BEGIN_US));
  mxr_reorder_get_stats (reorder, &stats);
  g_assert_cmpuint (stats.late, ==, 4);
}

/* ---- Time ------------------------------------------------------------------------------------------------- */

static void
test_waits_with_patience (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (250, false);

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 2, BEGIN_US + 40 * MS);
  g_assert_cmpstr (pop (reorder, BEGIN_US + 40 * MS), ==, "");
  g_assert_cmpint (mxr_reorder_due_us (reorder), ==, BEGIN_US + 290 * MS);
  push (reorder, FIRST + 4, BEGIN_US + 80 * MS);
  g_assert_cmpstr (pop (reorder, BEGIN_US + 289 * MS), ==, "");
  assert_pops (reorder, BEGIN_US + 290 * MS, "lost 1", "2");
  g_assert_cmpint (mxr_reorder_due_us (reorder), ==, BEGIN_US + 330 * MS);
}

/* The second of two gaps that were seen together does not begin to be waited for when the first is repaired. */
static void
test_repair_does_not_prolong (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (250, false);

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 4, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push (reorder, FIRST + 3, BEGIN_US + 100 * MS);
  push (reorder, FIRST + 1, BEGIN_US + 110 * MS);
  assert_pops (reorder, BEGIN_US + 110 * MS, "1");
  g_assert_cmpint (mxr_reorder_due_us (reorder), ==, BEGIN_US + 250 * MS);
  assert_pops (reorder, BEGIN_US + 250 * MS, "lost 1", "3", "4");
}

/* On a quiet network the next packet of sound already tells that the one before it is too late. */
static void
test_sound_is_concealed_in_time (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, true);
  gint64 now_us = BEGIN_US;

  for (guint i = 0; i < 50; i++, now_us += FRAME_MS * MS) {
    push (reorder, FIRST + i, now_us);
    while (*pop (reorder, now_us) != '\0')
      ;
  }
  now_us += FRAME_MS * MS; /* 50 is lost */
  push (reorder, FIRST + 51, now_us);
  assert_pops (reorder, now_us, "lost 1", "51");
}

/* On one that swaps neighbours by a few milliseconds it waits for them. */
static void
test_sound_waits_as_far_as_jitter_goes (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, true);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  gint64 now_us = BEGIN_US;

  for (guint i = 0; i < 200; i++, now_us += FRAME_MS * MS) {
    push (reorder, FIRST + i, now_us + g_rand_int_range (random, 0, 19) * MS);
    while (*pop (reorder, now_us + 19 * MS) != '\0')
      ;
  }
  push (reorder, FIRST + 201, now_us + FRAME_MS * MS);
  g_assert_cmpstr (pop (reorder, now_us + FRAME_MS * MS), ==, "");
  gint64 waited_us = mxr_reorder_due_us (reorder) - (now_us + FRAME_MS * MS);
  g_assert_cmpint (waited_us, >, 0);
  g_assert_cmpint (waited_us, <=, 20 * MS);
  push (reorder, FIRST + 200, now_us + 22 * MS);
  assert_pops (reorder, now_us + 22 * MS, "200", "201");
}

/* ---- Bounds ----------------------------------------------------------------------------------------------- */

static void
test_window (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (1000, false);

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 2, BEGIN_US);
  push (reorder, FIRST + 32, BEGIN_US); /* the last that fits */
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push (reorder, FIRST + 34, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "lost 1", "2");
  push (reorder, FIRST + 500, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "lost 29", "32", "lost 1", "34", "lost 465", "500");
  push (reorder, FIRST + 501, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "501");
}

static void
test_bytes (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (1000, false);

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push_sized (reorder, FIRST + 2, BEGIN_US, 1500);
  push_sized (reorder, FIRST + 4, BEGIN_US, 1500);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push_sized (reorder, FIRST + 5, BEGIN_US, 1500);
  assert_pops (reorder, BEGIN_US, "lost 1", "2");
}

static void
test_restart (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (1000, false);
  const guint64 again = FIRST + 3 * 65536;

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 2, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  push (reorder, again, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "lost 1", "2", "restart", "196608");
  g_assert_false (push (reorder, FIRST + 3, BEGIN_US));
  push (reorder, G_MAXUINT64 - 40, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "restart");
  g_assert_cmpstr (pop (reorder, BEGIN_US), !=, "");
}

static void
test_reset (void)
{
  g_autoptr (MxrReorder) reorder = new_reorder (40, true);

  push (reorder, FIRST, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "0");
  push (reorder, FIRST + 2, BEGIN_US);
  mxr_reorder_reset (reorder, 0);
  g_assert_cmpuint (n_items, ==, 0);
  g_assert_cmpint (mxr_reorder_due_us (reorder), ==, G_MAXINT64);
  push (reorder, FIRST - 100, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "-100");
  mxr_reorder_reset (reorder, FIRST + 5);
  push (reorder, FIRST + 6, BEGIN_US);
  g_assert_cmpstr (pop (reorder, BEGIN_US), ==, "");
  g_assert_cmpint (mxr_reorder_due_us (reorder), ==, BEGIN_US + 40 * MS);
  push (reorder, FIRST + 5, BEGIN_US);
  assert_pops (reorder, BEGIN_US, "5", "6");
}

/* ---- Networks --------------------------------------------------------------------------------------------- */

typedef struct {
  guint64 seq;
  gint64 arrival_us;
} Arrival;

typedef struct {
  guint jitter_ms, loss_percent, n;
  guint patience_ms;
  bool follows_jitter;
} Network;

static int
compare_arrivals (gconstpointer a, gconstpointer b)
{
  const Arrival *left = a, *right = b;
  return left->arrival_us < right->arrival_us ? -1 : left->arrival_us > right->arrival_us;
}

static GArray *
send_through (const Network *network, GRand *random)
{
  GArray *arrivals = g_array_new (FALSE, FALSE, sizeof (Arrival));

  for (guint i = 0; i < network->n; i++) {
    const Arrival arrival = { FIRST + i, BEGIN_US + (gint64) i * FRAME_MS * MS +
                                           (network->jitter_ms > 0 ? g_rand_int_range (random, 0, network->jitter_ms * MS) : 0) };
    if (i == 0 || g_rand_int_range (random, 0, 100) >= (gint32) network->loss_percent)
      g_array_append_val (arrivals, arrival);
  }
  g_array_sort (arrivals, compare_arrivals);
  return arrivals;
}

typedef struct {
  guint64 next_seq;
  guint n_out, n_lost;
  gint64 longest_us;
} Outcome;

static void
drain (MxrReorder *reorder, gint64 now_us, Outcome *outcome)
{
  MxrReorderPacket packet;
  MxrReorderResult result;
  guint n_lost;

  while ((result = mxr_reorder_pop (reorder, now_us, &packet, &n_lost)) != MXR_REORDER_NONE) {
    g_assert_cmpint (result, !=, MXR_REORDER_RESTART);
    if (result == MXR_REORDER_LOST) {
      outcome->n_lost += n_lost;
      outcome->next_seq += n_lost;
      continue;
    }
    g_assert_cmpuint (packet.extended_seq, ==, outcome->next_seq);
    outcome->next_seq++;
    outcome->n_out++;
    outcome->longest_us = MAX (outcome->longest_us, now_us - packet.arrival_us);
    free_item (packet.item);
  }
}

/* Polled when it is due, but at rounds of 10 ms. */
static Outcome
run (const Network *network, guint32 seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GArray) arrivals = send_through (network, random);
  g_autoptr (MxrReorder) reorder = new_reorder (network->patience_ms, network->follows_jitter);
  const Arrival *first = &g_array_index (arrivals, Arrival, 0);
  Outcome outcome = { .next_seq = first->seq };

  for (guint i = 0; i < arrivals->len; i++) {
    const Arrival *arrival = &g_array_index (arrivals, Arrival, i);
    while (mxr_reorder_due_us (reorder) <= arrival->arrival_us) {
      gint64 round_us = (mxr_reorder_due_us (reorder) / (10 * MS) + 1) * 10 * MS;
      if (round_us > arrival->arrival_us)
        break;
      drain (reorder, round_us, &outcome);
    }
    push (reorder, arrival->seq, arrival->arrival_us);
    drain (reorder, arrival->arrival_us, &outcome);
  }
  while (mxr_reorder_due_us (reorder) < G_MAXINT64)
    drain (reorder, mxr_reorder_due_us (reorder), &outcome);
  return outcome;
}

/* Everything that came goes out, in order, or was told as lost before. */
static void
test_networks (void)
{
  static const guint losses[] = { 0, 5, 10, 20 };

  for (guint i = 0; i < G_N_ELEMENTS (losses); i++)
    for (guint jitter_ms = 0; jitter_ms <= 60; jitter_ms += 15) {
      const Network network = { jitter_ms, losses[i], 2000, 40, true };
      Outcome outcome = run (&network, 1 + i * 10 + jitter_ms);
      g_test_message ("%u ms, %u %%: %u out, %u lost, longest %" G_GINT64_FORMAT " us", jitter_ms, losses[i], outcome.n_out,
                      outcome.n_lost, outcome.longest_us);
      g_assert_cmpuint (outcome.n_lost, >=, network.n * losses[i] / 100 * 8 / 10);
      g_assert_cmpint (outcome.longest_us, <=, 50 * MS);
    }
}

/* 30 ms of jitter swap many packets, and 40 ms of patience lose next to none of them. */
static void
test_jitter_loses_nothing (void)
{
  const Network network = { 30, 0, 5000, 40, true };
  Outcome outcome = run (&network, 3);
  g_assert_cmpuint (outcome.n_lost, <=, 5);
  g_assert_cmpuint (outcome.n_out + outcome.n_lost, ==, outcome.next_seq - FIRST);
}

/* Without jitter a loss costs nobody any delay: it is told with the next packet. */
static void
test_loss_delays_nothing (void)
{
  const Network network = { 0, 10, 5000, 40, true };
  Outcome outcome = run (&network, 3);
  g_assert_cmpuint (outcome.n_lost, >, 400);
  g_assert_cmpint (outcome.longest_us, ==, 0);
}

/* Whatever numbers come: order holds, and nothing is leaked or kept for ever. */
static void
test_chaos (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);

  for (guint round = 0; round < 200; round++) {
    g_autoptr (MxrReorder) reorder = new_reorder (40, round % 2 == 0);
    gint64 now_us = BEGIN_US;
    guint64 base = FIRST, last = 0;
    for (guint i = 0; i < 400; i++) {
      MxrReorderPacket packet;
      guint n_lost;
      MxrReorderResult result;
      now_us += g_rand_int_range (random, 0, 30) * MS;
      base += (guint64) (g_rand_int_range (random, 0, 50) == 0 ? g_rand_int_range (random, 0, 1 << 20) : 1);
      push_sized (reorder, base + (guint64) g_rand_int_range (random, -60, 60), now_us, (gsize) g_rand_int_range (random, 1, 1500));
      while ((result = mxr_reorder_pop (reorder, now_us, &packet, &n_lost)) != MXR_REORDER_NONE)
        if (result == MXR_REORDER_PACKET) {
          g_assert_cmpuint (packet.extended_seq, >, last);
          last = packet.extended_seq;
          free_item (packet.item);
        }
      MxrReorderStats stats;
      mxr_reorder_get_stats (reorder, &stats);
      g_assert_cmpuint (stats.n_waiting, <=, 32);
      g_assert_true (stats.n_waiting == 0 || mxr_reorder_due_us (reorder) <= now_us + 40 * MS);
    }
  }
  g_assert_cmpuint (n_items, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reorder/in-order-at-once", test_in_order_at_once);
  g_test_add_func ("/reorder/swapped", test_swapped);
  g_test_add_func ("/reorder/late-and-twice", test_late_and_twice);
  g_test_add_func ("/reorder/waits-with-patience", test_waits_with_patience);
  g_test_add_func ("/reorder/repair-does-not-prolong", test_repair_does_not_prolong);
  g_test_add_func ("/reorder/sound-is-concealed-in-time", test_sound_is_concealed_in_time);
  g_test_add_func ("/reorder/sound-waits-as-far-as-jitter-goes", test_sound_waits_as_far_as_jitter_goes);
  g_test_add_func ("/reorder/window", test_window);
  g_test_add_func ("/reorder/bytes", test_bytes);
  g_test_add_func ("/reorder/restart", test_restart);
  g_test_add_func ("/reorder/reset", test_reset);
  g_test_add_func ("/reorder/networks", test_networks);
  g_test_add_func ("/reorder/jitter-loses-nothing", test_jitter_loses_nothing);
  g_test_add_func ("/reorder/loss-delays-nothing", test_loss_delays_nothing);
  g_test_add_func ("/reorder/chaos", test_chaos);
  return g_test_run ();
}
