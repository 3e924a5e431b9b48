#include "rtp-private.h"

#include <string.h>

#define MAX_SEEN 70000

/* A receiver of feedback, written from the draft and sharing nothing with the encoder. */
typedef struct {
  gint64 *ticks; /* by extended number; -1: not received, -2: not told */
  guint64 highest;
  guint next_count;
} Decoder;

static guint8
symbol_at (const guint8 *fci, guint wanted)
{
  guint passed = 0;
  for (const guint8 *c = fci + 8;; c += 2) {
    const guint chunk = mxr_read_u16 (c);
    const guint n = chunk >> 15 == 0 ? chunk & 0x1fff : (chunk >> 14 & 1) == 0 ? 14 : 7;
    g_assert_cmpuint (n, >, 0);
    if (wanted >= passed + n) {
      passed += n;
      continue;
    }
    if (chunk >> 15 == 0)
      return chunk >> 13;
    return n == 14 ? chunk >> (13 - (wanted - passed)) & 1 : chunk >> (12 - 2 * (wanted - passed)) & 3;
  }
}

static gsize
count_chunk_bytes (const guint8 *fci, guint n_symbols)
{
  guint passed = 0;
  const guint8 *c = fci + 8;
  for (; passed < n_symbols; c += 2) {
    const guint chunk = mxr_read_u16 (c);
    passed += chunk >> 15 == 0 ? chunk & 0x1fff : (chunk >> 14 & 1) == 0 ? 14 : 7;
  }
  return (gsize) (c - fci) - 8;
}

static void
decode (Decoder *decoder, const guint8 *fci, gsize size)
{
  const guint n_symbols = mxr_read_u16 (fci + 2);
  gint32 reference = (gint32) mxr_read_u24 (fci + 4);
  gint64 ticks = (gint64) reference * 256;
  gsize at = 8 + count_chunk_bytes (fci, n_symbols);
  const guint64 base = mxr_seq_nearest (decoder->highest, mxr_read_u16 (fci));

  g_assert_cmpuint (fci[7], ==, decoder->next_count++ % 256);
  for (guint i = 0; i < n_symbols; i++) {
    const guint8 symbol = symbol_at (fci, i);
    g_assert_cmpuint (symbol, <=, 2);
    g_assert_cmpuint (base + i, <, MAX_SEEN * 2);
    decoder->ticks[base + i] = -1;
    if (symbol == 0)
      continue;
    ticks += symbol == 1 ? fci[at] : (gint16) mxr_read_u16 (fci + at);
    at += symbol;
    decoder->ticks[base + i] = ticks;
    decoder->highest = MAX (decoder->highest, base + i);
  }
  g_assert_cmpuint (at, <=, size);
  g_assert_cmpuint (size - at, <, 4);
}

static void
drain (MxrTwccRecorder *recorder, Decoder *decoder, gsize max_bytes)
{
  g_autofree guint8 *fci = g_malloc (max_bytes);
  MxrTwccReader reader;
  guint n_messages = 0;
  for (gsize bytes; (bytes = mxr_twcc_recorder_build (recorder, fci, max_bytes)) > 0; n_messages++) {
    g_assert_cmpuint (bytes, <=, max_bytes);
    g_assert_cmpuint (bytes % 4, ==, 0);
    g_assert_true (mxr_twcc_reader_init (&reader, fci, bytes));
    g_assert_cmpuint (reader.n_acked + reader.n_lost, ==, mxr_read_u16 (fci + 2));
    g_assert_true (reader.n_acked > 0 || max_bytes < 200); /* whose chunks may end within a gap */
    decode (decoder, fci, bytes);
    g_assert_cmpuint (n_messages, <, 200);
  }
  g_assert_cmpint (mxr_twcc_recorder_due_us (recorder), ==, G_MAXINT64);
}

/* Random loss, disorder, repetition, pauses of up to 20 s, wraps: what was told is when it came. */
static void
run_random (guint32 seed, guint loss_percent, gsize max_bytes, guint n_packets)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autofree gint64 *arrivals = g_new0 (gint64, MAX_SEEN * 2);
  Decoder decoder = { .ticks = g_new (gint64, MAX_SEEN * 2), .highest = 65000 };
  MxrTwccRecorder recorder;
  gint64 now_us = g_rand_int_range (rand, 1, 1000000);
  guint64 told_from = 65000;

  for (guint i = 0; i < MAX_SEEN * 2; i++)
    decoder.ticks[i] = -2;
  mxr_twcc_recorder_init (&recorder);
  for (guint64 next = 65000; next < 65000 + n_packets; next++) {
    const guint64 index =
        next - (next > 65050 && g_rand_int_range (rand, 0, 8) == 0 ? g_rand_int_range (rand, 0, 40) : 0);
    now_us += g_rand_int_range (rand, 0, 300) == 0 ? g_rand_int_range (rand, 0, 20000000)
                                                   : g_rand_int_range (rand, 0, 9000);
    if ((guint) g_rand_int_range (rand, 0, 100) < loss_percent && next > 65000)
      continue;
    mxr_twcc_recorder_add (&recorder, (guint16) index, now_us);
    if (arrivals[index] == 0)
      arrivals[index] = now_us;
    if (now_us >= mxr_twcc_recorder_due_us (&recorder))
      drain (&recorder, &decoder, max_bytes);
  }
  drain (&recorder, &decoder, max_bytes);
  for (guint64 index = told_from; index <= decoder.highest; index++)
    g_assert_cmpint (decoder.ticks[index], ==, arrivals[index] == 0 ? -1 : arrivals[index] / 250);
  g_free (decoder.ticks);
}

static void
test_random_arrivals (void)
{
  const guint losses[] = { 0, 2, 20, 60, 97 };
  for (guint32 seed = 0; seed < 40; seed++)
    run_random (seed, losses[seed % G_N_ELEMENTS (losses)], seed % 3 == 0 ? 64 : 1000, 3000);
}

/* A number far off is believed at the second one; what was open before is forgotten with the old run. */
static void
test_jump_and_window (void)
{
  guint8 fci[1000];
  MxrTwccRecorder recorder;

  mxr_twcc_recorder_init (&recorder);
  mxr_twcc_recorder_add (&recorder, 10, 1000);
  mxr_twcc_recorder_add (&recorder, 40000, 2000);
  g_assert_cmpuint (recorder.n_unreported, ==, 1);
  mxr_twcc_recorder_add (&recorder, 40001, 3000);
  g_assert_cmpuint (mxr_twcc_recorder_build (&recorder, fci, sizeof fci), >, 0);
  g_assert_cmpuint (mxr_read_u16 (fci), ==, 40001);
  g_assert_cmpuint (mxr_read_u16 (fci + 2), ==, 1);

  /* a gap longer than the window tells only of the window */
  mxr_twcc_recorder_add (&recorder, 42501, 4000);
  g_assert_cmpuint (mxr_twcc_recorder_build (&recorder, fci, sizeof fci), >, 0);
  g_assert_cmpuint (mxr_read_u16 (fci), ==, 42501 - MXR_TWCC_WINDOW + 1);
  g_assert_cmpuint (mxr_read_u16 (fci + 2), ==, MXR_TWCC_WINDOW);
  g_assert_cmpuint (mxr_twcc_recorder_build (&recorder, fci, sizeof fci), ==, 0);
}

static void
test_due (void)
{
  MxrTwccRecorder recorder;
  mxr_twcc_recorder_init (&recorder);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, G_MAXINT64);
  mxr_twcc_recorder_add (&recorder, 0, 5000);
  mxr_twcc_recorder_add (&recorder, 0, 6000);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, MXR_TWCC_INTERVAL_SPARSE_US);
  for (guint16 i = 1; i < 5; i++)
    mxr_twcc_recorder_add (&recorder, i, 6000);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, MXR_TWCC_INTERVAL_MAX_US);
  for (guint16 i = 5; i < 14; i++) /* few packets wait for more */
    mxr_twcc_recorder_add (&recorder, i, 6000);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, 5000 + MXR_TWCC_INTERVAL_US);
  mxr_twcc_recorder_set_rate (&recorder, 100000);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, 5000 + 160000);
  mxr_twcc_recorder_set_rate (&recorder, 0);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, 5000 + MXR_TWCC_INTERVAL_MAX_US);
  mxr_twcc_recorder_set_rate (&recorder, G_MAXUINT);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, 5000 + MXR_TWCC_INTERVAL_US);
  for (guint16 i = 14; i < MXR_TWCC_MAX_PACKETS; i++)
    mxr_twcc_recorder_add (&recorder, i, 7000);
  g_assert_cmpint (mxr_twcc_recorder_due_us (&recorder), ==, 5000);
}

/* One stream alone, from whatever place on the grid. Returns: messages in 10 s, each of which is sent at the grid's times. */
static guint
count_messages (gint64 begin_us, gint64 step_us, gint64 age_max_us)
{
  guint8 fci[256];
  MxrTwccRecorder recorder;
  guint n_messages = 0;
  gint64 since_us = begin_us;

  mxr_twcc_recorder_init (&recorder);
  for (gint64 i = 0; i * step_us < 10 * G_USEC_PER_SEC; i++) {
    const gint64 now_us = begin_us + i * step_us, due_us = mxr_twcc_recorder_due_us (&recorder);
    if (due_us <= now_us) {
      g_assert_cmpint (due_us % MXR_RTP_GRID_US, ==, 0);
      g_assert_cmpint (due_us - since_us, <=, age_max_us);
      while (mxr_twcc_recorder_build (&recorder, fci, sizeof fci) > 0)
        n_messages++;
    }
    if (recorder.n_unreported == 0)
      since_us = now_us;
    mxr_twcc_recorder_add (&recorder, (guint16) i, now_us);
  }
  return n_messages;
}

static void
test_sound_alone (void)
{
  for (gint64 begin_us = 1000000; begin_us < 1050000; begin_us += 1700) {
    g_assert_cmpuint (count_messages (begin_us, 20000, MXR_TWCC_INTERVAL_MAX_US), <=, 48);
    g_assert_cmpuint (count_messages (begin_us, 400000, MXR_TWCC_INTERVAL_SPARSE_US), <=, 13);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/twcc/random-arrivals", test_random_arrivals);
  g_test_add_func ("/twcc/jump-and-window", test_jump_and_window);
  g_test_add_func ("/twcc/due", test_due);
  g_test_add_func ("/twcc/sound-alone", test_sound_alone);
  return g_test_run ();
}
