#include "tile-rows.h"

#include <math.h>
#include <string.h>

#define WIDTH_MAX 1300
#define CANARY 0xa5

static void
fill_random (GRand *rand, guint8 *bytes, gsize n)
{
  /* Extremes first: sums that leave their 16 bits are made of them. */
  bool harsh = g_rand_boolean (rand);
  for (gsize i = 0; i < n; i++) {
    guint32 bits = g_rand_int (rand);
    bytes[i] = harsh ? (bits & 1 ? 255 : 0) : (guint8) bits;
  }
}

/* A size that @n_to may come from: all ratios alike, the borders more often. */
static int
random_source (GRand *rand, int n_to)
{
  switch (g_rand_int_range (rand, 0, 8)) {
  case 0:
    return 2 * n_to;
  case 1:
    return 2 * n_to - 1;
  case 2:
    return n_to;
  case 3:
    return g_rand_int_range (rand, 1, n_to + 1);
  default:
    return g_rand_int_range (rand, n_to, 2 * n_to + 1);
  }
}

/* ---- Tables ----------------------------------------------------------------------------------------- */

static void
check_taps (const MxrScaleAxis *axis)
{
  for (int i = 0; i < axis->n_to; i++) {
    const MxrScaleTaps *taps = &axis->taps[i];
    int sum = 0, positive[2] = { 0 }, n_weights = 0;
    bool is_lone = false;
    for (int k = 0; k < MXR_SCALE_TAPS; k++) {
      int weight = taps->weights[k], at = taps->first + k;
      sum += weight;
      positive[k / 2] += MAX (weight, 0);
      n_weights += weight != 0;
      is_lone = is_lone || weight == MXR_SCALE_ONE;
      g_assert_true (weight >= G_MININT8 && (weight <= G_MAXINT8 || weight == MXR_SCALE_ONE));
      g_assert_true (weight == 0 || (at >= 0 && at < axis->n_from));
    }
    g_assert_cmpint (sum, ==, MXR_SCALE_ONE);
    g_assert_true (!is_lone || n_weights == 1);
    /* 128 times 255 is what 16 bits hold: no pair is cut that the other one would have brought back. */
    g_assert_true (positive[0] <= MXR_SCALE_ONE && positive[1] <= MXR_SCALE_ONE);
    g_assert_cmpint (taps->first, >=, i > 0 ? axis->taps[i - 1].first : -1);
  }
}

static void
check_blocks (const MxrScaleAxis *axis)
{
  int covered = 0;

  for (guint i = 0; i < axis->n_blocks; i++) {
    const MxrScaleBlock *block = &axis->blocks[i];
    g_assert_true (block->to <= covered && block->to + MXR_SCALE_BLOCK <= axis->n_to);
    covered = block->to + MXR_SCALE_BLOCK;
    for (int k = 0; k < 2 * MXR_SCALE_BLOCK; k++)
      g_assert_cmpuint (block->pick[k], <, 16);
    for (int lane = 0; lane < 2; lane++)
      g_assert_true (block->from[lane] >= -1 &&
                     block->from[lane] + 2 + 16 <= axis->n_from + MXR_SCALE_ROW_PADDING);
  }
  g_assert_cmpint (covered, ==, axis->n_blocks == 0 ? 0 : axis->n_to);
}

/* What shrinks skips no source sample, and counts each nearly alike: that is what keeps it from shimmering.
 * The outermost ones stand for what lies outside too. */
static void
check_evenness (const MxrScaleAxis *axis)
{
  g_autofree int *counts = g_new0 (int, axis->n_from);
  double even = (double) MXR_SCALE_ONE * axis->n_to / axis->n_from;

  for (int i = 0; i < axis->n_to; i++)
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      if (axis->taps[i].weights[k] != 0)
        counts[axis->taps[i].first + k] += axis->taps[i].weights[k];
  for (int i = 3; i < axis->n_from - 3; i++)
    g_assert_cmpfloat (fabs (counts[i] - even), <=, 0.15 * even + 4);
}

static void
test_tables (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (int n_to = 1; n_to <= 4096; n_to += n_to < 300 ? 1 : 61)
    for (int round = 0; round < 6; round++) {
      int n_from = round == 0 ? 2 * n_to : round == 1 ? 2 * n_to - 1 : random_source (rand, n_to);
      g_autoptr (MxrScaleAxis) axis = mxr_scale_axis_new (n_from, n_to);
      check_taps (axis);
      check_blocks (axis);
      if (n_from >= n_to)
        check_evenness (axis);
    }
}

/* ---- Kernels ---------------------------------------------------------------------------------------- */

/* Every width, from any address: the same bytes as plain C makes, and not one beside them. */
static void
test_kernels_agree (void)
{
  const MxrScaleOps *ops = mxr_scale_ops_choose ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  enum { ROOM = WIDTH_MAX + 64 };
  guint8 expected[ROOM], seen[ROOM];

  if (ops == NULL) {
    g_test_skip ("no vector kernels for this processor");
    return;
  }
  for (int n_to = 1; n_to <= WIDTH_MAX; n_to++) {
    int n_from = random_source (rand, n_to), at = g_rand_int_range (rand, 1, 32);
    g_autoptr (MxrScaleAxis) axis = mxr_scale_axis_new (n_from, n_to);
    /* Allocated to the byte, so that the address sanitizer sees the first one too far. */
    g_autofree guint8 *padded = g_malloc ((gsize) n_from + 2 * MXR_SCALE_ROW_PADDING);
    const guint8 *row = padded + MXR_SCALE_ROW_PADDING;
    fill_random (rand, padded, (gsize) n_from + 2 * MXR_SCALE_ROW_PADDING);
    memset (expected, CANARY, ROOM);
    memset (seen, CANARY, ROOM);
    mxr_scale_ops_c.scale_row (expected + at, row, axis);
    ops->scale_row (seen + at, row, axis);
    g_assert_cmpmem (seen, ROOM, expected, ROOM);
  }
}

static void
test_blends_agree (void)
{
  const MxrScaleOps *ops = mxr_scale_ops_choose ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (6);
  enum { ROOM = WIDTH_MAX + 64 };
  guint8 expected[ROOM], seen[ROOM];

  if (ops == NULL) {
    g_test_skip ("no vector kernels for this processor");
    return;
  }
  for (int n = 1; n <= WIDTH_MAX; n++) {
    g_autoptr (MxrScaleAxis) axis = mxr_scale_axis_new (random_source (rand, 50), 50);
    const MxrScaleTaps *taps = &axis->taps[g_rand_int_range (rand, 0, 50)];
    int stride = n + g_rand_int_range (rand, 0, 40), at = g_rand_int_range (rand, 1, 32);
    g_autofree guint8 *source = g_malloc ((gsize) (3 * stride + n));
    const guint8 *rows[MXR_SCALE_TAPS];
    fill_random (rand, source, (gsize) (3 * stride + n));
    for (int k = 0; k < MXR_SCALE_TAPS; k++)
      rows[k] = source + k * stride;
    memset (expected, CANARY, ROOM);
    memset (seen, CANARY, ROOM);
    mxr_scale_ops_c.blend_rows (expected + at, rows, taps->weights, n);
    ops->blend_rows (seen + at, rows, taps->weights, n);
    g_assert_cmpmem (seen, ROOM, expected, ROOM);
  }
}

/* ---- Planes ----------------------------------------------------------------------------------------- */

/* The weight that a source sample has in a target one: as the curve is, with nothing rounded. */
static double
exact_weight (double distance, double ratio)
{
  double x = fabs (distance) / MAX (1, (1 + ratio) / 2);

  if (x >= 2)
    return 0;
  return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
}

/* Target sample @to of a line of @n samples that are @step bytes apart. Those outside are the outermost's
 * like. */
static double
exact_line (const double *line, int n, int step, int to, double ratio)
{
  double middle = CLAMP ((to + 0.5) * ratio - 0.5, 0, n - 1), sum = 0, total = 0;

  for (int k = (int) middle - 1; k <= (int) middle + 2; k++) {
    double weight = exact_weight (k - middle, ratio);
    sum += weight * line[CLAMP (k, 0, n - 1) * step];
    total += weight;
  }
  return sum / total;
}

static void
check_plane (GRand *rand, const MxrScaleOps *ops, int w, int h, int to_w, int to_h)
{
  MxrScaler scaler = { .has_chosen = true, .ops = ops };
  g_autofree guint8 *from = g_malloc ((gsize) (w * h)), *to = g_malloc ((gsize) (to_w * to_h));
  g_autofree double *exact = g_new (double, w *h), *blended = g_new (double, w *to_h);
  double squares = 0;

  for (int i = 0; i < w * h; i++)
    exact[i] = from[i] = (guint8) g_rand_int_range (rand, 50, 206); /* so that the lobes cut nothing off */
  g_assert_true (mxr_scaler_can (&scaler, w, h, to_w, to_h));
  mxr_scaler_scale_plane (&scaler, from, w, w, h, to, to_w, to_w, to_h);
  for (int i = 0; i < w * to_h; i++)
    blended[i] = exact_line (exact + i % w, h, w, i / w, (double) h / to_h);
  for (int i = 0; i < to_w * to_h; i++) {
    double error = to[i] - exact_line (blended + i / to_w * w, w, 1, i % to_w, (double) w / to_w);
    g_assert_cmpfloat (fabs (error), <, 5);
    squares += error * error;
  }
  /* Noise is the hardest there is for weights of 7 bits. */
  g_assert_cmpfloat (squares / (to_w * to_h), <, 255 * 255 / pow (10, 4.6));
  mxr_scaler_clear (&scaler);
}

static void
test_follows_the_curve (void)
{
  static const int sizes[][4] = {
    { 640, 360, 426, 240 }, { 320, 180, 213, 120 }, { 320, 180, 256, 144 }, { 641, 359, 321, 180 },
    { 100, 100, 99, 51 },   { 64, 48, 64, 30 },     { 37, 5, 20, 5 },       { 5, 7, 3, 4 },
    { 213, 120, 320, 180 }, { 2, 3, 300, 200 },     { 1, 1, 40, 3 },
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    check_plane (rand, &mxr_scale_ops_c, sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
    if (mxr_scale_ops_choose () != NULL)
      check_plane (rand, mxr_scale_ops_choose (), sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
  }
}

/* A ramp that grows stays a ramp: no steps back, no steps of more than the slope. */
static void
test_grows_between (void)
{
  MxrScaler scaler = { .has_chosen = true, .ops = &mxr_scale_ops_c };
  guint8 from[51], to[171 * 3];

  for (int i = 0; i < 51; i++)
    from[i] = (guint8) (5 * i);
  mxr_scaler_scale_plane (&scaler, from, 51, 51, 1, to, 171, 171, 3);
  g_assert_cmpuint (to[0], ==, 0);
  g_assert_cmpuint (to[170], ==, 250);
  for (int i = 1; i < 171; i++) {
    g_assert_cmpint (to[i] - to[i - 1], >=, 0);
    g_assert_cmpint (to[i] - to[i - 1], <=, 4);
  }
  g_assert_cmpmem (to, 171, to + 171, 171);
  g_assert_cmpmem (to, 171, to + 342, 171);
  mxr_scaler_clear (&scaler);
}

/* What goes on at the same sizes finds its tables; what was not used for long makes room. */
static void
test_tables_are_kept (void)
{
  MxrScaler scaler = { .has_chosen = true, .ops = &mxr_scale_ops_c };
  guint8 from[200 * 2] = { 0 }, to[200] = { 0 };

  mxr_scaler_scale_plane (&scaler, from, 200, 200, 2, to, 100, 100, 1);
  const MxrScaleAxis *down = scaler.axes[0], *across = scaler.axes[1];
  for (int width = 101; width < 200; width++) {
    mxr_scaler_scale_plane (&scaler, from, 200, 200, 2, to, 100, 100, 1);
    mxr_scaler_scale_plane (&scaler, from, 200, 200, 2, to, width, width, 1);
    g_assert_true (scaler.axes[0] == down && scaler.axes[1] == across);
  }
  mxr_scaler_clear (&scaler);
  for (guint i = 0; i < MXR_SCALER_AXES; i++)
    g_assert_null (scaler.axes[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tile-rows/tables", test_tables);
  g_test_add_func ("/tile-rows/kernels-agree", test_kernels_agree);
  g_test_add_func ("/tile-rows/blends-agree", test_blends_agree);
  g_test_add_func ("/tile-rows/follows-the-curve", test_follows_the_curve);
  g_test_add_func ("/tile-rows/grows-between", test_grows_between);
  g_test_add_func ("/tile-rows/tables-are-kept", test_tables_are_kept);
  return g_test_run ();
}
