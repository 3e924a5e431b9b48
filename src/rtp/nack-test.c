#include "rtp-private.h"

#define MS 1000

static guint
collect (MxrNackList *list, gint64 now_us, guint16 *out_seqs)
{
  MxrNackPair pairs[600];
  guint n_asked, n_abandoned, n = 0;
  const guint n_pairs =
      mxr_nack_list_collect (list, now_us, 100 * MS, pairs, G_N_ELEMENTS (pairs), &n_asked, &n_abandoned);
  for (guint i = 0; i < n_pairs; i++) {
    out_seqs[n++] = pairs[i].pid;
    for (guint bit = 0; bit < 16; bit++)
      if ((pairs[i].blp >> bit & 1) != 0)
        out_seqs[n++] = (guint16) (pairs[i].pid + bit + 1);
  }
  g_assert_cmpuint (n, ==, n_asked);
  return n;
}

static MxrNackList *
list_new (guint64 end)
{
  MxrNackList *list = g_new (MxrNackList, 1);
  mxr_nack_list_reset (list, end);
  return list;
}

static void
test_tolerates_reordering (void)
{
  g_autofree MxrNackList *list = list_new (65535);
  guint16 seqs[2000];

  g_assert_true (mxr_nack_list_advance (list, 65536, 0)); /* 65535 is late */
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, 10 * MS);
  g_assert_true (mxr_nack_list_advance (list, 65537, MS));
  g_assert_cmpint (mxr_nack_list_due_us (list), >, MS);
  mxr_nack_list_remove (list, 65535);
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, G_MAXINT64);

  g_assert_true (mxr_nack_list_advance (list, 65539, 2 * MS));
  g_assert_true (mxr_nack_list_advance (list, 65540, 2 * MS));
  g_assert_true (mxr_nack_list_advance (list, 65541, 2 * MS)); /* 65538 overtaken by three */
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, 2 * MS);
  g_assert_cmpuint (collect (list, 2 * MS, seqs), ==, 1);
  g_assert_cmpuint (seqs[0], ==, 2);
}

static void
test_retries_and_gives_up (void)
{
  g_autofree MxrNackList *list = list_new (100);
  guint16 seqs[2000];
  guint n_asked = 0;
  gint64 last_us = -1000 * MS;

  mxr_nack_list_advance (list, 101, 0);
  for (gint64 now_us = 0; now_us <= 2000 * MS; now_us += MS) {
    if (mxr_nack_list_due_us (list) > now_us || collect (list, now_us, seqs) == 0)
      continue;
    g_assert_cmpint (now_us - last_us, >=, 125 * MS); /* a round trip and a quarter */
    g_assert_cmpint (now_us, <, 500 * MS);
    last_us = now_us;
    n_asked++;
  }
  g_assert_cmpuint (n_asked, ==, 4);
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, G_MAXINT64);
}

static void
test_at_most_ten_tries (void)
{
  g_autofree MxrNackList *list = list_new (100);
  guint n_total = 0;

  mxr_nack_list_advance (list, 101, 0);
  for (gint64 now_us = 0; now_us <= 1000 * MS; now_us += MS) {
    MxrNackPair pair;
    guint n_asked, n_abandoned;
    mxr_nack_list_collect (list, now_us, 0, &pair, 1, &n_asked, &n_abandoned);
    n_total += n_asked;
  }
  g_assert_cmpuint (n_total, ==, 10);
}

static void
test_gap_limits (void)
{
  g_autofree MxrNackList *list = list_new (5000);
  guint16 seqs[2000];

  g_assert_true (mxr_nack_list_advance (list, 6000, 0));
  g_assert_cmpuint (collect (list, 0, seqs), ==, 998); /* the last two may still be under way */
  g_assert_cmpuint (seqs[0], ==, 5000);
  g_assert_cmpuint (seqs[997], ==, 5997);
  g_assert_false (mxr_nack_list_advance (list, 6001, 0)); /* 1001 with one open for ever */
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, G_MAXINT64);
  g_assert_false (mxr_nack_list_advance (list, 7003, 0));
  g_assert_cmpint (mxr_nack_list_due_us (list), ==, G_MAXINT64);
}

/* Whatever does not fit is asked for by the next packet. */
static void
test_small_packets (void)
{
  g_autofree MxrNackList *list = list_new (0);
  guint n_asked, n_abandoned, n_total = 0;
  MxrNackPair pairs[3];

  for (guint64 i = 1; i < 400; i += 2) /* every other one is lost */
    mxr_nack_list_advance (list, i, 0);
  while (mxr_nack_list_due_us (list) <= 0) {
    g_assert_cmpuint (mxr_nack_list_collect (list, 0, 0, pairs, 3, &n_asked, &n_abandoned), >, 0);
    n_total += n_asked;
  }
  g_assert_cmpuint (n_total, ==, 199);
}

/* Random loss and late arrivals: asked for is exactly what did not come. */
static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autofree MxrNackList *list = list_new (65000);
  g_autofree guint8 *arrived = g_malloc0 (80000);
  guint64 highest = 64999;
  guint16 seqs[2000];

  for (gint64 now_us = 0; highest < 79000; now_us += 2 * MS) {
    const gint64 step = g_rand_int_range (rand, -6, 8);
    const guint64 index = (guint64) ((gint64) highest + step);
    if (index < 65000 || arrived[index])
      continue;
    arrived[index] = 1;
    if (index > highest)
      g_assert_true (mxr_nack_list_advance (list, index, now_us));
    else
      mxr_nack_list_remove (list, index);
    highest = MAX (highest, index);
    if (mxr_nack_list_due_us (list) > now_us)
      continue;
    const guint n = collect (list, now_us, seqs);
    for (guint i = 0; i < n; i++) {
      const guint64 asked = mxr_seq_nearest (highest, seqs[i]);
      g_assert_cmpuint (asked, <, highest);
      g_assert_false (arrived[asked]);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nack/tolerates-reordering", test_tolerates_reordering);
  g_test_add_func ("/nack/retries-and-gives-up", test_retries_and_gives_up);
  g_test_add_func ("/nack/at-most-ten-tries", test_at_most_ten_tries);
  g_test_add_func ("/nack/gap-limits", test_gap_limits);
  g_test_add_func ("/nack/small-packets", test_small_packets);
  g_test_add_func ("/nack/random", test_random);
  return g_test_run ();
}
