#include "rtp-private.h"

static gsize
build (guint8 fci[400])
{
  MxrTwccRecorder recorder;

  mxr_twcc_recorder_init (&recorder);
  for (guint i = 0; i < 90; i++)
    mxr_twcc_recorder_add (&recorder, (guint16) (65500 + i * 3), 1000000 + i * 70000);
  return mxr_twcc_recorder_build (&recorder, fci, 400);
}

/* What the recorder wrote, with each of its kinds of chunks and deltas, comes out as it went in. */
static void
test_reads_what_was_written (void)
{
  guint8 fci[400];
  const gsize size = build (fci);
  MxrTwccReader reader;
  MxrTwccStatus status;
  guint n = 0, n_received = 0;

  g_assert_true (mxr_twcc_reader_init (&reader, fci, size));
  g_assert_cmpuint (reader.n_acked, >, 50);
  const gint64 reference_us = (gint64) reader.reference * MXR_TWCC_REFERENCE_US;
  const guint n_packets = reader.n_left;
  for (; mxr_twcc_reader_next (&reader, &status); n++) {
    g_assert_cmpuint (status.seq, ==, (guint16) (65500 + n));
    g_assert_cmpint (status.is_received, ==, n % 3 == 0);
    if (!status.is_received)
      continue;
    n_received++;
    g_assert_cmpint (reference_us + status.offset_us, ==, 1000000 + n / 3 * 70000);
  }
  g_assert_cmpuint (n, ==, n_packets);
  g_assert_cmpuint (n_received, >, 50);
}

/* By hand, from the draft: a run, two-bit and one-bit chunks, a delta below 0, numbers that wrap. */
static void
test_each_chunk (void)
{
  const guint8 fci[] = { 0xff, 0xff, 0, 13, 0xff, 0xff, 0xff, 7, 0x20, 3, 0xe1, 0x01, 0xa8, 0x00,
                         1, 2, 3, 0xff, 0xfc, 4, 5, 6, 0xff, 0 };
  const int ticks[13] = { 1, 3, 6, 2, -1, 6, -1, -1, -1, 11, 17, -1, 272 }; /* -1: missing */
  MxrTwccReader reader;
  MxrTwccStatus status;

  g_assert_true (mxr_twcc_reader_init (&reader, fci, sizeof fci));
  g_assert_cmpuint (reader.reference, ==, 0xffffff);
  g_assert_cmpuint (reader.n_acked, ==, 8);
  g_assert_cmpuint (reader.n_lost, ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (ticks); i++) {
    g_assert_true (mxr_twcc_reader_next (&reader, &status));
    g_assert_cmpuint (status.seq, ==, (guint16) (0xffff + i));
    g_assert_cmpint (status.is_received, ==, ticks[i] >= 0);
    if (status.is_received)
      g_assert_cmpint (status.offset_us, ==, ticks[i] * 250);
  }
  g_assert_false (mxr_twcc_reader_next (&reader, &status));
}

/* To the end; the sanitizers see a step behind it. */
static bool
walk (const guint8 *fci, gsize size)
{
  MxrTwccReader reader;
  MxrTwccStatus status;
  guint n_received = 0, n = 0;

  if (!mxr_twcc_reader_init (&reader, fci, size))
    return false;
  for (; mxr_twcc_reader_next (&reader, &status); n++)
    n_received += status.is_received;
  g_assert_cmpuint (n, ==, mxr_read_u16 (fci + 2));
  g_assert_cmpuint (n_received, ==, reader.n_acked);
  g_assert_cmpuint (n - n_received, ==, reader.n_lost);
  return true;
}

/* The reader of the client's feedback: truncation, mutation, noise. */
static void
test_malformed (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (9);
  guint8 fci[400];
  MxrTwccReader reader;
  const gsize size = build (fci);

  for (gsize cut = 0; cut <= size; cut++) {
    g_autofree guint8 *copy = g_memdup2 (fci, cut);
    if (walk (copy, cut))
      g_assert_cmpuint (size - cut, <, 4); /* only the filling may be missing */
  }
  for (guint i = 0; i < 20000; i++) {
    g_autofree guint8 *copy = g_memdup2 (fci, size);
    for (guint n = 0; n < 4; n++)
      copy[g_rand_int_range (rand, 0, (gint32) size)] = (guint8) g_rand_int (rand);
    walk (copy, size);
  }
  const guint8 empty_run[] = { 0, 0, 0, 9, 0, 0, 0, 0, 0x20, 0, 0, 0 };
  const guint8 reserved[] = { 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0 };
  g_assert_false (mxr_twcc_reader_init (&reader, empty_run, sizeof empty_run));
  g_assert_false (mxr_twcc_reader_init (&reader, reserved, sizeof reserved));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/twcc-feedback/reads-what-was-written", test_reads_what_was_written);
  g_test_add_func ("/twcc-feedback/each-chunk", test_each_chunk);
  g_test_add_func ("/twcc-feedback/malformed", test_malformed);
  return g_test_run ();
}
