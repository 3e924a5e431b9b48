#include "rtp-private.h"

static void
test_wrap_late_duplicate (void)
{
  MxrSeqState state;
  guint64 first, index;

  mxr_seq_init (&state, 0);
  g_assert_cmpint (mxr_seq_update (&state, 65534, true, &first), ==, MXR_SEQ_RESTARTED);
  g_assert_cmpint (mxr_seq_update (&state, 1, true, &index), ==, MXR_SEQ_ADVANCED);
  g_assert_cmpuint (index, ==, first + 3);
  g_assert_cmpint (mxr_seq_update (&state, 65535, true, &index), ==, MXR_SEQ_LATE);
  g_assert_cmpuint (index, ==, first + 1);
  g_assert_cmpint (mxr_seq_update (&state, 65535, true, &index), ==, MXR_SEQ_DUPLICATE);
  g_assert_cmpint (mxr_seq_update (&state, 65533, true, &index), ==, MXR_SEQ_LATE); /* before the first */
  g_assert_cmpuint (index, ==, first - 1);
  g_assert_cmpint (mxr_seq_update (&state, 1, true, &index), ==, MXR_SEQ_DUPLICATE);
}

static void
test_jump_needs_a_second_packet (void)
{
  MxrSeqState state;
  guint64 first, index;

  mxr_seq_init (&state, 0);
  mxr_seq_update (&state, 100, true, &first);
  g_assert_cmpint (mxr_seq_update (&state, 100 + MXR_SEQ_MAX_DROPOUT, true, &index), ==, MXR_SEQ_ADVANCED);
  g_assert_cmpint (mxr_seq_update (&state, 50000, true, &index), ==, MXR_SEQ_REFUSED);
  g_assert_cmpint (mxr_seq_update (&state, 3101, true, &index), ==, MXR_SEQ_ADVANCED); /* a stray: go on */
  g_assert_cmpint (mxr_seq_update (&state, 50001, true, &index), ==, MXR_SEQ_REFUSED);
  g_assert_cmpint (mxr_seq_update (&state, 50003, true, &index), ==, MXR_SEQ_REFUSED);
  const guint64 before = index;
  g_assert_cmpint (mxr_seq_update (&state, 50004, true, &index), ==, MXR_SEQ_RESTARTED);
  g_assert_cmpuint (index, >, before);
  g_assert_cmpuint (index % 65536, ==, 50004);
  /* retransmissions may not */
  g_assert_cmpint (mxr_seq_update (&state, 10, false, &index), ==, MXR_SEQ_REFUSED);
  g_assert_cmpint (mxr_seq_update (&state, 11, false, &index), ==, MXR_SEQ_REFUSED);
}

/* Against a model that knows the true index: loss, disorder, repetition over several wraps. */
static void
test_random_streams (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  for (guint round = 0; round < 5; round++) {
    g_autofree guint8 *seen = g_malloc0 (400000);
    MxrSeqState state;
    guint64 highest = 2000, index, offset;
    const guint16 start = (guint16) g_rand_int (rand);

    mxr_seq_init (&state, 0);
    g_assert_cmpint (mxr_seq_update (&state, (guint16) (start + highest), true, &offset), ==,
                     MXR_SEQ_RESTARTED);
    offset -= highest;
    seen[highest] = 1;
    while (highest < 390000) {
      const gint64 step = g_rand_int_range (rand, 0, 100) == 0 ? g_rand_int_range (rand, 2, 2900)
                                                               : g_rand_int_range (rand, -20, 24);
      const guint64 truth = (guint64) ((gint64) highest + step);
      const MxrSeqResult result = mxr_seq_update (&state, (guint16) (start + truth), true, &index);
      const MxrSeqResult expected = seen[truth] ? MXR_SEQ_DUPLICATE
                                    : step > 0  ? MXR_SEQ_ADVANCED
                                                : MXR_SEQ_LATE;
      g_assert_cmpint (result, ==, expected);
      if (result != MXR_SEQ_DUPLICATE)
        g_assert_cmpuint (index - offset, ==, truth);
      seen[truth] = 1;
      highest = MAX (highest, truth);
    }
  }
}

static MxrReception
make_reception (void)
{
  MxrReception reception = { .clock_rate = 90000 };
  mxr_reception_start (&reception, 0x99, 1);
  return reception;
}

/* RFC 3550 A.8: constant transit means no jitter, also over the timestamp's wrap. */
static void
test_jitter (void)
{
  MxrReception reception = make_reception ();
  MxrReportBlock block;
  guint64 index;
  guint32 timestamp = 0xffffff00;
  gint64 now_us = 1000000;

  for (guint i = 0; i < 200; i++, timestamp += 900, now_us += 10000)
    mxr_reception_update (&reception, (guint16) (65500 + i), timestamp, now_us, &index);
  mxr_reception_report (&reception, now_us, &block);
  g_assert_cmpuint (block.jitter, ==, 0);
  /* each packet 4 ms off its neighbours: the mean tends to 4 ms = 360 units */
  for (guint i = 0; i < 400; i++, timestamp += 900, now_us += 10000)
    mxr_reception_update (&reception, (guint16) (65700 + i), timestamp, now_us + (i % 2) * 4000, &index);
  mxr_reception_report (&reception, now_us, &block);
  g_assert_cmpuint (block.jitter, >=, 345);
  g_assert_cmpuint (block.jitter, <=, 365);
}

static void
test_loss (void)
{
  MxrReception reception = make_reception ();
  MxrReportBlock block;
  guint64 index;

  for (guint i = 0; i < 100; i++)
    if (i % 4 != 2)
      mxr_reception_update (&reception, (guint16) (65530 + i), 0, 1000000, &index);
  mxr_reception_report (&reception, 1000000, &block);
  g_assert_cmpuint (block.ssrc, ==, 0x99);
  g_assert_cmpint (block.lost, ==, 25);
  g_assert_cmpuint (block.fraction_lost, ==, 64);
  g_assert_cmpuint (block.highest, ==, 65530 + 99);
  g_assert_cmpuint (block.lsr, ==, 0);
  for (guint i = 100; i < 200; i++)
    mxr_reception_update (&reception, (guint16) (65530 + i), 0, 1000000, &index);
  mxr_reception_set_sr (&reception, G_GUINT64_CONSTANT (0x1122334455667788), 5, 1000000);
  mxr_reception_report (&reception, 3500000, &block);
  g_assert_cmpint (block.lost, ==, 25);
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  g_assert_cmphex (block.lsr, ==, 0x33445566);
  g_assert_cmpuint (block.dlsr, ==, 65536 * 5 / 2);
  mxr_reception_update (&reception, (guint16) (65530 + 2), 0, 1000000, &index); /* late, not lost */
  mxr_reception_report (&reception, 3500000, &block);
  g_assert_cmpint (block.lost, ==, 24);
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  /* the sender starts anew: what was lost stays */
  mxr_reception_update (&reception, 30000, 0, 1000000, &index);
  mxr_reception_update (&reception, 30001, 0, 1000000, &index);
  mxr_reception_report (&reception, 3500000, &block);
  g_assert_cmpint (block.lost, ==, 24);
  g_assert_cmpuint (block.highest, ==, 30001);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sequence/wrap-late-duplicate", test_wrap_late_duplicate);
  g_test_add_func ("/sequence/jump-needs-a-second-packet", test_jump_needs_a_second_packet);
  g_test_add_func ("/sequence/random-streams", test_random_streams);
  g_test_add_func ("/reception/jitter", test_jitter);
  g_test_add_func ("/reception/loss", test_loss);
  return g_test_run ();
}
