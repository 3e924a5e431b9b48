#include <math.h>
#include <string.h>

#include "mix-ops.h"
#include "mix-ring.h"

#define MS 48
#define BLOCK (20 * MS)
#define TONE_HZ 440.0
#define AMPLITUDE 0.5

/* A tone of half of full scale never steps further than this; splices and fades may add a little. */
#define STEP_MAX (int)(1.25 * AMPLITUDE * MXR_MIX_FULL_SCALE * 2 * G_PI * TONE_HZ / 48000)

typedef struct {
  MxrMixRing *ring;
  guint64 sent;
  double loudness;
  gint32 last;
  int largest_step;
  guint n_silent;
  guint64 now_ns;
} Bench;

static Bench
bench_new (void)
{
  return (Bench){ .ring = mxr_mix_ring_new (1, BLOCK, 10 * MS), .loudness = AMPLITUDE };
}

static void
put (Bench *bench, guint n_frames)
{
  guint skip = mxr_mix_ring_begin (bench->ring, n_frames, bench->now_ns);

  bench->sent += skip;
  n_frames -= skip;
  while (n_frames > 0) {
    gint32 *span;
    guint n = mxr_mix_ring_span (bench->ring, n_frames, &span);
    for (guint i = 0; i < n; i++, bench->sent++)
      span[i] =
          (gint32)(bench->loudness * MXR_MIX_FULL_SCALE * sin (2 * G_PI * TONE_HZ * bench->sent / 48000));
    mxr_mix_ring_commit (bench->ring, n);
    n_frames -= n;
  }
}

static void
put_blocks (Bench *bench, guint n_blocks)
{
  for (guint i = 0; i < n_blocks; i++)
    put (bench, BLOCK);
}

static bool
get (Bench *bench)
{
  gint32 out[BLOCK] = { 0 };
  bool played = mxr_mix_ring_pull (bench->ring, out, bench->now_ns);

  bench->n_silent += !played;
  for (guint i = 0; i < BLOCK; i++) {
    bench->largest_step = MAX (bench->largest_step, ABS (out[i] - bench->last));
    bench->last = out[i];
  }
  return played;
}

static void
bench_check_and_free (Bench *bench)
{
  g_assert_cmpint (bench->largest_step, <=, STEP_MAX);
  mxr_mix_ring_free (bench->ring);
}

static void
test_prefill_then_play (void)
{
  Bench bench = bench_new ();

  put (&bench, BLOCK);
  g_assert_false (get (&bench));
  put (&bench, BLOCK - 1);
  g_assert_false (get (&bench));
  put (&bench, 1);
  g_assert_true (get (&bench));
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, ==, BLOCK);
  bench_check_and_free (&bench);
}

static void
test_what_plays_is_what_came (void)
{
  g_autoptr (MxrMixRing) ring = mxr_mix_ring_new (2, BLOCK, 20 * MS);
  gint32 counter = 0, out[2 * BLOCK], expected = 0;

  for (guint block = 0; block < 100; block++) {
    gint32 *span;
    mxr_mix_ring_begin (ring, BLOCK, G_MAXUINT64);
    for (guint left = BLOCK, n; left > 0; left -= n) {
      n = mxr_mix_ring_span (ring, left, &span);
      for (guint i = 0; i < 2 * n; i++)
        span[i] = counter++;
      mxr_mix_ring_commit (ring, n);
    }
    if (!mxr_mix_ring_pull (ring, out, 0))
      continue;
    for (guint i = 0; i < 2 * BLOCK; i++, expected++)
      if (expected >= 2 * 5 * MS) /* after the fade-in */
        g_assert_cmpint (out[i], ==, expected);
  }
  g_assert_cmpint (expected, ==, 99 * 2 * BLOCK);
}

/* Every possible rest at the moment the ring runs dry. */
static void
test_underrun_fades (void)
{
  for (guint rest = 0; rest < BLOCK; rest += 7) {
    Bench bench = bench_new ();
    put_blocks (&bench, 2);
    g_assert_true (get (&bench));
    put (&bench, rest);
    g_assert_true (get (&bench));
    g_assert_true (get (&bench));
    g_assert_cmpint (bench.last, ==, 0);
    g_assert_false (get (&bench));
    g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).underruns, ==, 1);
    for (guint i = 0; i < 10; i++) {
      put (&bench, BLOCK);
      get (&bench);
    }
    g_assert_cmpuint (bench.n_silent, >=, 2); /* prefilled again, and with a larger cushion */
    g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, >=, 20 * MS);
    bench_check_and_free (&bench);
  }
}

static void
test_pause_is_no_underrun (void)
{
  Bench bench = bench_new ();

  put_blocks (&bench, 3);
  get (&bench);
  bench.loudness = 0;
  put_blocks (&bench, 3);
  for (guint i = 0; i < 10; i++)
    get (&bench);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).underruns, ==, 0);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).pauses, ==, 1);
  mxr_mix_ring_free (bench.ring); /* the tone's end is a jump of the test's own */
}

static void
test_overflow_keeps_the_newest (void)
{
  Bench bench = bench_new ();

  put_blocks (&bench, 3);
  get (&bench);
  for (guint i = 0; i < 20; i++)
    put (&bench, BLOCK);
  MxrMixRingStats stats = mxr_mix_ring_stats (bench.ring);
  g_assert_cmpuint (stats.n_frames, ==, MXR_MIX_RING_FRAMES);
  g_assert_cmpuint (stats.overruns, ==, 12);
  g_assert_cmpuint (stats.dropped, ==, 22 * BLOCK - MXR_MIX_RING_FRAMES);
  get (&bench);

  put (&bench, 5 * MXR_MIX_RING_FRAMES + 1);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, ==, MXR_MIX_RING_FRAMES);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).dropped, ==,
                    21 * BLOCK - MXR_MIX_RING_FRAMES + MXR_MIX_RING_FRAMES * 5 + 1);
  get (&bench);
  bench_check_and_free (&bench);
}

static void
test_end_plays_the_rest (void)
{
  Bench bench = bench_new ();

  put (&bench, BLOCK + 100);
  mxr_mix_ring_end (bench.ring);
  g_assert_true (get (&bench));
  g_assert_true (get (&bench));
  g_assert_cmpint (bench.last, ==, 0);
  g_assert_false (get (&bench));
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).underruns, ==, 0);
  put_blocks (&bench, 2);
  g_assert_true (get (&bench));
  mxr_mix_ring_flush (bench.ring);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, ==, 0);
  g_assert_true (get (&bench));
  g_assert_false (get (&bench));
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).underruns, ==, 0);
  bench_check_and_free (&bench);
}

/* A skipped input is there at once when somebody listens again, and not with a word of long ago. Memory is held only
 * while something comes. */
static void
test_skip (void)
{
  Bench bench = bench_new ();

  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).memory_bytes, ==, 0);
  for (guint i = 0; i < 50; i++) {
    put (&bench, BLOCK);
    mxr_mix_ring_skip (bench.ring, bench.now_ns);
    g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, <=, (i < 30 ? 180 : 20) * MS);
  }
  put (&bench, BLOCK);
  bench.now_ns = 12000000; /* the packet came 12 ms before the tick */
  g_assert_true (get (&bench));
  bench.now_ns = 0;
  for (guint i = 0; i < 9; i++)
    mxr_mix_ring_skip (bench.ring, bench.now_ns);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, ==, 0);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).memory_bytes, >, 0);
  for (guint i = 0; i < 100; i++)
    mxr_mix_ring_skip (bench.ring, bench.now_ns);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).memory_bytes, ==, 0);
  put (&bench, BLOCK);
  bench.now_ns = 12000000;
  g_assert_true (get (&bench));
  mxr_mix_ring_free (bench.ring);
}

/* Somebody begins to talk and is heard some blocks later: nothing of the begin is lost, and what it comes late by shrinks
 * while the talk goes on. History may come in one piece. */
static void
test_onset_is_kept (gconstpointer data)
{
  guint n_waiting = GPOINTER_TO_UINT (data) & 15, n_at_once = GPOINTER_TO_UINT (data) >> 4;
  Bench bench = bench_new ();
  guint heard = 0, first = 0;
  gint32 out[BLOCK];

  bench.loudness = 0;
  for (guint i = 0; i < 50; i++, mxr_mix_ring_skip (bench.ring, bench.now_ns))
    put (&bench, BLOCK);
  bench.loudness = AMPLITUDE;
  put_blocks (&bench, n_at_once);
  for (guint i = 0; i < n_waiting; i++, mxr_mix_ring_skip (bench.ring, bench.now_ns))
    put (&bench, BLOCK);
  guint waited = (n_at_once + n_waiting) * 20;
  for (guint i = 0; i < 500; i++) {
    bench.now_ns += 20000000;
    put (&bench, BLOCK);
    bench.now_ns += 12000000; /* a packet comes 12 ms before the tick */
    bool played = mxr_mix_ring_pull (bench.ring, out, bench.now_ns);
    bench.now_ns -= 12000000;
    for (guint k = 0; played && k < BLOCK && heard == 0; k++)
      if (ABS (out[k]) > MXR_MIX_FULL_SCALE / 50)
        heard = i * BLOCK + k + 1;
    first = heard != 0 && first == 0 ? mxr_mix_ring_stats (bench.ring).n_frames / MS : first;
  }
  MxrMixRingStats stats = mxr_mix_ring_stats (bench.ring);
  g_test_message ("first sample after %u ms of waiting and %u ms, ring then %u ms, at last %u ms", waited, heard / MS, first,
                  stats.n_frames / MS);
  g_assert_cmpuint (heard, >, 0);
  g_assert_cmpuint (heard, <=, 31 * MS); /* what is quiet before it is at most a block and the cushion */
  g_assert_cmpuint (first, >=, waited - 20);
  g_assert_cmpuint (stats.n_frames, <=, 20 * MS);
  g_assert_cmpuint (stats.underruns, ==, 0);
  mxr_mix_ring_free (bench.ring);
}

typedef struct {
  int drift_ppm;
  guint packet_ms;
  guint jitter_ms;
  bool has_pauses; /* soft for a second in every four */
} Drift;

/* Ten minutes of a sender whose clock is not ours, packet by packet. */
static void
test_drift (gconstpointer data)
{
  const Drift *drift = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Bench bench = bench_new ();
  double period = drift->packet_ms * MS * (1 - drift->drift_ppm * 1e-6); /* in our frames */
  double sent_at = 0.4 * BLOCK, arrives_at = sent_at;
  guint most = 0;
  guint64 underruns_settled = 0;

  for (guint64 now = BLOCK; now < 600ull * 48000; now += BLOCK) {
    while (arrives_at <= now) {
      if (drift->has_pauses)
        bench.loudness = (guint64)sent_at / 48000 % 4 == 3 ? 0.001 : AMPLITUDE;
      bench.now_ns = (guint64)(arrives_at * 1e9 / 48000);
      put (&bench, drift->packet_ms * MS);
      sent_at += period;
      arrives_at = MAX (arrives_at, sent_at + g_rand_double_range (random, 0, drift->jitter_ms * MS + 0.001));
    }
    bench.now_ns = now * 1000000 / MS;
    get (&bench);
    if (now == 30ull * 48000)
      underruns_settled = mxr_mix_ring_stats (bench.ring).underruns;
    if (now > 30ull * 48000)
      most = MAX (most, mxr_mix_ring_stats (bench.ring).n_frames);
  }
  MxrMixRingStats stats = mxr_mix_ring_stats (bench.ring);
  g_test_message ("most %u ms, underruns %d, dropped %d, inserted %d, step %.2f", most / MS,
                  (int)stats.underruns, (int)stats.dropped, (int)stats.inserted,
                  (double)bench.largest_step / STEP_MAX);
  g_assert_cmpuint (stats.underruns, ==, underruns_settled);
  g_assert_cmpuint (most, <, (40 + drift->packet_ms + drift->jitter_ms) * MS);
  int drifted = (int)(600 * 48000 * 1e-6 * drift->drift_ppm);
  g_assert_cmpint (ABS ((int)stats.dropped - (int)stats.inserted - drifted), <, 60 * MS);
  if (drift->has_pauses)
    mxr_mix_ring_free (bench.ring); /* the tone's own begins and ends are jumps */
  else
    bench_check_and_free (&bench);
}

/* ---- Jitter that ends ------------------------------------------------------------------------------------ */

static int
compare_ints (gconstpointer a, gconstpointer b)
{
  return *(const int *)a - *(const int *)b;
}

static guint
quantile_ms (GArray *delays, double quantile)
{
  g_array_sort (delays, compare_ints);
  return (guint)g_array_index (delays, int, (guint)(quantile * (delays->len - 1))) / MS;
}

enum { BEFORE, DURING, RECOVERING, LATER, N_PARTS };

typedef struct {
  GArray *delays[N_PARTS]; /* of packets [frames] */
  guint underruns[N_PARTS];
} Delays;

/* 10 s with 5 ms of jitter, 20 s with 30 ms, 30 s with 5 ms again. A packet's delay is from when a network without jitter
 * would have brought it until its block is mixed. */
static void
measure_delays (Delays *delays, guint phase_frames, GRand *random)
{
  Bench bench = bench_new ();
  double sent_at = phase_frames, arrives_at = phase_frames;

  for (guint64 now = BLOCK; now < 60ull * 48000; now += BLOCK) {
    guint second = (guint)(now / 48000);
    guint part = second < 10 ? BEFORE : second < 30 ? DURING : second < 40 ? RECOVERING : LATER;
    guint jitter_frames = (part == DURING ? 30 : 5) * MS;
    guint64 underruns = mxr_mix_ring_stats (bench.ring).underruns;
    while (arrives_at <= now) {
      guint wait;
      bench.now_ns = (guint64)(arrives_at * 1e9 / 48000);
      bench.loudness = second % 4 == 3 ? 0.001 : AMPLITUDE;
      if (mxr_mix_ring_get_wait (bench.ring, bench.now_ns, &wait)) {
        int delay = (int)(wait + arrives_at - sent_at);
        g_array_append_val (delays->delays[part], delay);
      }
      put (&bench, BLOCK);
      sent_at += BLOCK;
      arrives_at = MAX (arrives_at, sent_at + g_rand_double_range (random, 0, jitter_frames));
    }
    bench.now_ns = now * 1000000 / MS;
    get (&bench);
    delays->underruns[part] += (guint)(mxr_mix_ring_stats (bench.ring).underruns - underruns);
  }
  mxr_mix_ring_free (bench.ring);
}

static void
test_jitter_ends (void)
{
  static const guint median_max_ms[] = { 24, 50, 45, 30 }, most_max_ms[] = { 34, 65, 65, 40 };
  static const guint underruns_max[] = { 0, 40, 0, 0 };
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  Delays delays = { 0 };

  for (guint i = 0; i < N_PARTS; i++)
    delays.delays[i] = g_array_new (FALSE, FALSE, sizeof (int));
  for (guint phase = 0; phase < BLOCK; phase += MS) /* of the packets within a block */
    measure_delays (&delays, phase, random);
  for (guint i = 0; i < N_PARTS; i++) {
    guint median_ms = quantile_ms (delays.delays[i], 0.5), most_ms = quantile_ms (delays.delays[i], 0.95);
    g_test_message ("part %u: median %u ms, 95 %% %u ms, %u underruns in 20 runs", i, median_ms, most_ms,
                    delays.underruns[i]);
    g_assert_cmpuint (median_ms, <=, median_max_ms[i]);
    g_assert_cmpuint (most_ms, <=, most_max_ms[i]);
    g_assert_cmpuint (delays.underruns[i], <=, underruns_max[i]);
    g_array_unref (delays.delays[i]);
  }
}

int
main (int argc, char **argv)
{
  static const Drift drifts[] = { { 300, 20, 0, false },  { -300, 20, 0, false }, { 300, 20, 15, false },
                                  { -300, 20, 15, true }, { 300, 60, 0, true },   { 0, 20, 40, false },
                                  { -300, 10, 5, false } };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mix-ring/prefill-then-play", test_prefill_then_play);
  g_test_add_func ("/mix-ring/what-plays-is-what-came", test_what_plays_is_what_came);
  g_test_add_func ("/mix-ring/underrun-fades", test_underrun_fades);
  g_test_add_func ("/mix-ring/pause-is-no-underrun", test_pause_is_no_underrun);
  g_test_add_func ("/mix-ring/overflow-keeps-the-newest", test_overflow_keeps_the_newest);
  g_test_add_func ("/mix-ring/end-plays-the-rest", test_end_plays_the_rest);
  g_test_add_func ("/mix-ring/skip", test_skip);
  /* Blocks that pass before it is heard, and 16 times those that come at once. */
  static const guint onsets[] = { 0x01, 0x03, 0x06, 0x60, 0x61, 0x52 };
  for (guint i = 0; i < G_N_ELEMENTS (onsets); i++) {
    g_autofree char *name = g_strdup_printf ("/mix-ring/onset-is-kept/%02x", onsets[i]);
    g_test_add_data_func (name, GUINT_TO_POINTER (onsets[i]), test_onset_is_kept);
  }
  g_test_add_func ("/mix-ring/jitter-ends", test_jitter_ends);
  for (guint i = 0; i < G_N_ELEMENTS (drifts); i++) {
    const Drift *drift = &drifts[i];
    g_autofree char *name =
        g_strdup_printf ("/mix-ring/drift/%+dppm-%ums-jitter-%u%s", drift->drift_ppm, drift->packet_ms,
                         drift->jitter_ms, drift->has_pauses ? "-pauses" : "");
    g_test_add_data_func (name, drift, test_drift);
  }
  return g_test_run ();
}
