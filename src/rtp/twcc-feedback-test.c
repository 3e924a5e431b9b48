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

static guint
count_walked (MxrSentLog *log, const guint8 *fci, gsize size, guint *out_n_found)
{
  MxrTwccReader reader;
  MxrTwccStatus status;
  guint n = 0;

  *out_n_found = 0;
  g_assert_true (mxr_twcc_reader_init (&reader, fci, size));
  for (; mxr_twcc_reader_next (&reader, &status); n++) {
    if (mxr_sent_log_find (log, status.seq) != NULL)
      (*out_n_found)++;
    else
      mxr_twcc_reader_skip_missing (&reader, mxr_sent_log_count_unknown (log, reader.seq));
  }
  g_assert_cmpuint (reader.n_left, ==, 0);
  return n;
}

/* A few bytes tell of all numbers there are. What was sent is looked at, wherever it is among them, and little else. */
static void
test_long_runs (void)
{
  guint8 fci[8 + 2 * 9] = { 0, 0, 0xff, 0xff };
  MxrSentLog *log = g_new0 (MxrSentLog, 1);
  guint n_found;

  for (guint i = 8; i < sizeof fci; i += 2)
    mxr_write_u16 (fci + i, 0x1fff);
  g_assert_cmpuint (count_walked (log, fci, sizeof fci, &n_found), <, 20);
  g_assert_cmpuint (n_found, ==, 0);
  for (guint i = 0; i < 3 * MXR_SENT_PACKETS; i++)
    mxr_sent_log_add (log, (guint16) (60000 + i), 100, 0, 1);
  for (guint base = 0; base < 65536; base += 97) {
    mxr_write_u16 (fci, (guint16) base);
    g_assert_cmpuint (count_walked (log, fci, sizeof fci, &n_found), <, MXR_SENT_PACKETS + 20);
    g_assert_cmpuint (n_found, >=, MXR_SENT_PACKETS - 1); /* one number of all is not told about */
    g_assert_cmpuint (n_found, <=, MXR_SENT_PACKETS);
  }
  g_free (log);
}

/* A clock that wraps goes on, backwards too, and one that runs on and on never counts to where sums of it overflow. */
static void
test_reference (void)
{
  gint64 reference = 0xfffffe;

  mxr_twcc_unwrap_reference (&reference, 3);
  g_assert_cmpint (reference, ==, 0x1000003);
  mxr_twcc_unwrap_reference (&reference, 0xffffff);
  g_assert_cmpint (reference, ==, 0xffffff);
  for (guint i = 0; i < 400000; i++) {
    mxr_twcc_unwrap_reference (&reference, (guint32) (reference + (i < 200000 ? 0x7fffff : -0x7fffff)) & 0xffffff);
    g_assert_cmpint (ABS (reference), <=, (gint64) 1 << 40);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/twcc-feedback/reads-what-was-written", test_reads_what_was_written);
  g_test_add_func ("/twcc-feedback/each-chunk", test_each_chunk);
  g_test_add_func ("/twcc-feedback/malformed", test_malformed);
  g_test_add_func ("/twcc-feedback/long-runs", test_long_runs);
  g_test_add_func ("/twcc-feedback/reference", test_reference);
  return g_test_run ();
}
