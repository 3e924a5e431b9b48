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
  return (Bench){ .ring = mxr_mix_ring_new (1, BLOCK, 20 * MS), .loudness = AMPLITUDE };
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
    g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, >=, 30 * MS);
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

/* A skipped input is there at once when somebody listens again, and not with a word of long ago. */
static void
test_skip (void)
{
  Bench bench = bench_new ();

  for (guint i = 0; i < 50; i++) {
    put (&bench, BLOCK);
    mxr_mix_ring_skip (bench.ring);
    g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, <=, 2 * BLOCK);
  }
  put (&bench, BLOCK);
  g_assert_true (get (&bench));
  for (guint i = 0; i < 6; i++)
    mxr_mix_ring_skip (bench.ring);
  mxr_mix_ring_skip (bench.ring);
  g_assert_cmpuint (mxr_mix_ring_stats (bench.ring).n_frames, ==, 0);
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
  g_assert_cmpuint (most, <, (60 + drift->packet_ms + 2 * drift->jitter_ms) * MS);
  int drifted = (int)(600 * 48000 * 1e-6 * drift->drift_ppm);
  g_assert_cmpint (ABS ((int)stats.dropped - (int)stats.inserted - drifted), <, 60 * MS);
  if (drift->has_pauses)
    mxr_mix_ring_free (bench.ring); /* the tone's own begins and ends are jumps */
  else
    bench_check_and_free (&bench);
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
  for (guint i = 0; i < G_N_ELEMENTS (drifts); i++) {
    const Drift *drift = &drifts[i];
    g_autofree char *name =
        g_strdup_printf ("/mix-ring/drift/%+dppm-%ums-jitter-%u%s", drift->drift_ppm, drift->packet_ms,
                         drift->jitter_ms, drift->has_pauses ? "-pauses" : "");
    g_test_add_data_func (name, drift, test_drift);
  }
  return g_test_run ();
}
