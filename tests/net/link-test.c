/* The pure parts of net-link: what becomes of packets, and what it may be told. */

#include "link-control.h"

#include <glib.h>
#include <string.h>

#define PACKET_BYTES (1000 + LINK_ETHERNET_BYTES)

typedef struct {
  LinkPath path;
  guint8 packet[PACKET_BYTES];
  int64_t arrivals_us[4096]; /* of what was taken, by the packet's number */
  guint n_taken, numbers[4096];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const LinkParams none = { 0 };
  link_path_init (&fixture->path, &none, 4096, 7);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  link_path_clear (&fixture->path);
}

static void
send (Fixture *fixture, guint number, int64_t now_us)
{
  memcpy (fixture->packet + LINK_ETHERNET_BYTES, &number, sizeof number);
  link_path_arrive (&fixture->path, fixture->packet, PACKET_BYTES, now_us);
}

/* Whatever leaves until then, each at its time. */
static void
take_until (Fixture *fixture, int64_t end_us)
{
  int64_t now_us;

  while ((now_us = link_path_next_us (&fixture->path)) <= end_us) {
    const LinkFrame *frame = link_path_take (&fixture->path, now_us);
    if (frame == NULL)
      continue; /* it left the line and is delayed now */
    guint number;
    memcpy (&number, frame->bytes + LINK_ETHERNET_BYTES, sizeof number);
    g_assert_cmpuint (frame->size, ==, PACKET_BYTES);
    fixture->numbers[fixture->n_taken++] = number;
    fixture->arrivals_us[number] = now_us;
  }
}

static void
change (Fixture *fixture, const char *command, int64_t now_us)
{
  LinkParams params[2] = { fixture->path.params, fixture->path.params };
  g_auto (GStrv) words = g_strsplit (command, " ", -1);

  g_assert_null (link_control_apply (params, (const char *const *) words));
  link_path_change (&fixture->path, &params[0], now_us);
}

static const LinkFigures *
total (Fixture *fixture)
{
  return &fixture->path.figures[LINK_FIGURES_TOTAL];
}

/* ---- Rate and queue ------------------------------------------------------------------------------------ */

static void
test_plain (Fixture *fixture, gconstpointer data)
{
  change (fixture, "delay_ms 50", 0);
  send (fixture, 0, 1000);
  take_until (fixture, 50999);
  g_assert_cmpuint (fixture->n_taken, ==, 0);
  take_until (fixture, 51000);
  g_assert_cmpuint (fixture->n_taken, ==, 1);
  g_assert_cmpint (link_path_next_us (&fixture->path), ==, INT64_MAX);
}

static void
test_rate (Fixture *fixture, gconstpointer data)
{
  change (fixture, "rate_kbps 800", 0); /* a packet in 10 ms */
  for (guint i = 0; i < 5; i++)
    send (fixture, i, 0);
  take_until (fixture, G_USEC_PER_SEC);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (fixture->arrivals_us[i], ==, 10000 * (i + 1));
  /* They waited for 0, 10, 20, 30, 40 ms. */
  g_assert_cmpuint (link_figures_wait_ms (total (fixture), 0.5), ==, 20);
  g_assert_cmpuint (link_figures_wait_ms (total (fixture), 0.95), ==, 40);
  g_assert_cmpuint (total (fixture)->delivered_bytes, ==, 5000);
}

/* Those who wait are served at the new rate, up and down. */
static void
test_rate_changes (Fixture *fixture, gconstpointer data)
{
  change (fixture, "rate_kbps 800", 0);
  for (guint i = 0; i < 4; i++)
    send (fixture, i, 0);
  take_until (fixture, 10000);
  change (fixture, "rate_kbps 80", 10000);
  take_until (fixture, 110000);
  g_assert_cmpuint (fixture->n_taken, ==, 2);
  g_assert_cmpint (fixture->arrivals_us[1], ==, 110000);
  change (fixture, "rate_kbps 0", 120000);
  take_until (fixture, 120000);
  g_assert_cmpuint (fixture->n_taken, ==, 4);
}

static void
test_queue_ms (Fixture *fixture, gconstpointer data)
{
  change (fixture, "rate_kbps 800", 0);
  change (fixture, "queue_ms 55", 0);
  for (guint i = 0; i < 20; i++)
    send (fixture, i, 0);
  take_until (fixture, G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->n_taken, ==, 6); /* the seventh would find 60 ms of others */
  g_assert_cmpuint (total (fixture)->overflowed, ==, 14);
}

static void
test_queue_bytes (Fixture *fixture, gconstpointer data)
{
  change (fixture, "rate_kbps 800", 0);
  change (fixture, "queue_bytes 3500", 0);
  for (guint i = 0; i < 20; i++)
    send (fixture, i, 0);
  take_until (fixture, G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->n_taken, ==, 3);
}

/* More than can be under way at a time is dropped, and nothing is lost of the room for later. */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  change (fixture, "delay_ms 1", 0);
  for (guint round = 0; round < 2; round++) {
    for (guint i = 0; i < 5000; i++)
      send (fixture, i % 4096, round * 10000);
    fixture->n_taken = 0;
    take_until (fixture, round * 10000 + 5000);
    g_assert_cmpuint (fixture->n_taken, ==, 4096);
  }
  g_assert_cmpuint (total (fixture)->overflowed, ==, 2 * (5000 - 4096));
}

/* ---- Chance -------------------------------------------------------------------------------------------- */

/* Sends so many, a millisecond apart; the longest run of lost ones. */
static guint
endure (Fixture *fixture, guint n, guint *out_n_runs)
{
  guint longest = 0, run = 0;

  *out_n_runs = 0;
  for (guint i = 0; i < n; i++) {
    const guint64 lost = total (fixture)->lost;
    send (fixture, 0, (int64_t) i * 1000);
    fixture->n_taken = 0;
    take_until (fixture, (int64_t) i * 1000);
    const bool is_lost = total (fixture)->lost > lost;
    *out_n_runs += is_lost && run == 0;
    run = is_lost ? run + 1 : 0;
    longest = MAX (longest, run);
  }
  return longest;
}

static void
test_loss (Fixture *fixture, gconstpointer data)
{
  guint n_runs;

  change (fixture, "loss 10", 0);
  g_assert_cmpuint (endure (fixture, 100000, &n_runs), <, 10);
  g_assert_cmpuint (total (fixture)->lost, >, 9500);
  g_assert_cmpuint (total (fixture)->lost, <, 10500);
  g_assert_cmpuint (total (fixture)->delivered + total (fixture)->lost, ==, 100000);
}

static void
test_bursts (Fixture *fixture, gconstpointer data)
{
  guint n_runs;

  change (fixture, "burst 10 4", 0);
  g_assert_cmpuint (endure (fixture, 200000, &n_runs), >, 10);
  const double share = (double) total (fixture)->lost / 200000,
               mean = (double) total (fixture)->lost / n_runs;
  g_assert_cmpfloat_with_epsilon (share, 0.1, 0.01);
  g_assert_cmpfloat_with_epsilon (mean, 4, 0.3);
  change (fixture, "burst 0", 200 * G_USEC_PER_SEC);
  const guint64 lost = total (fixture)->lost;
  endure (fixture, 1000, &n_runs);
  g_assert_cmpuint (total (fixture)->lost, ==, lost);
}

static void
test_cut (Fixture *fixture, gconstpointer data)
{
  change (fixture, "cut 1", 0);
  send (fixture, 0, 0);
  change (fixture, "cut 0", 1);
  send (fixture, 1, 1);
  take_until (fixture, 10);
  g_assert_cmpuint (fixture->n_taken, ==, 1);
  g_assert_cmpuint (fixture->numbers[0], ==, 1);
}

static void
test_duplicates (Fixture *fixture, gconstpointer data)
{
  change (fixture, "duplicate 100", 0);
  for (guint i = 0; i < 100; i++)
    send (fixture, i, 1000 * i);
  take_until (fixture, G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->n_taken, ==, 200);
  for (guint i = 0; i < 200; i++)
    g_assert_cmpuint (fixture->numbers[i], ==, i / 2);
  g_assert_cmpuint (total (fixture)->duplicated, ==, 100);
}

/* Jitter keeps the order, reordering does not. */
static void
test_jitter_and_order (Fixture *fixture, gconstpointer data)
{
  guint n_late = 0;

  change (fixture, "jitter_ms 50", 0);
  for (guint i = 0; i < 1000; i++)
    send (fixture, i, 10000 * i);
  take_until (fixture, G_MAXINT64 - 1);
  for (guint i = 0; i < 1000; i++) {
    g_assert_cmpuint (fixture->numbers[i], ==, i);
    g_assert_cmpint (fixture->arrivals_us[i] - 10000 * i, <=, 50000);
  }
  fixture->n_taken = 0;
  change (fixture, "reorder 10", 20 * G_USEC_PER_SEC);
  for (guint i = 0; i < 1000; i++)
    send (fixture, i, 20 * G_USEC_PER_SEC + 10000 * i);
  take_until (fixture, G_MAXINT64 - 1);
  for (guint i = 1; i < 1000; i++)
    n_late += fixture->numbers[i] < fixture->numbers[i - 1];
  g_assert_cmpuint (n_late, >, 50);
  g_assert_cmpuint (total (fixture)->reordered, >=, n_late);
}

/* ---- What it is told ----------------------------------------------------------------------------------- */

static void
test_commands (void)
{
  static const char *const wrong[] = { "",        "a_to_b",   "loss",          "loss x",    "loss 101",
                                       "loss -1", "loss 1 2", "burst 95",      "burst 5 0", "a_to_b a_to_b",
                                       "rate 5",  "cut 2",    "delay_ms 1 2 3" };
  LinkParams params[2] = { { 0 } }, former[2] = { { 0 } };
  const char *words[8];

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree char *line = g_strdup (wrong[i]);
    link_control_split (line, words, G_N_ELEMENTS (words));
    g_assert_nonnull (link_control_apply (params, words));
    g_assert_cmpmem (params, sizeof params, former, sizeof former);
  }
  char one[] = "b_to_a rate_kbps 500\n", both[] = "burst 10,4\n";
  link_control_split (one, words, G_N_ELEMENTS (words));
  g_assert_null (link_control_apply (params, words));
  g_assert_cmpint (params[0].rate_bps, ==, 0);
  g_assert_cmpint (params[1].rate_bps, ==, 500000);
  link_control_split (both, words, G_N_ELEMENTS (words));
  g_assert_null (link_control_apply (params, words));
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpfloat (params[i].burst_loss, ==, 0.1);
    g_assert_cmpfloat (params[i].burst_packets, ==, 4);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/link/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("plain", test_plain);
  ADD ("rate", test_rate);
  ADD ("rate-changes", test_rate_changes);
  ADD ("queue-ms", test_queue_ms);
  ADD ("queue-bytes", test_queue_bytes);
  ADD ("full", test_full);
  ADD ("loss", test_loss);
  ADD ("bursts", test_bursts);
  ADD ("cut", test_cut);
  ADD ("duplicates", test_duplicates);
  ADD ("jitter-and-order", test_jitter_and_order);
  g_test_add_func ("/link/commands", test_commands);
  return g_test_run ();
}
