#include "ladder.h"

#define SECOND_US G_TIME_SPAN_SECOND
#define STEP_US (100 * G_TIME_SPAN_MILLISECOND)

enum { TOP, MIDDLE, LOW, SLIDES, SOUND };

typedef struct {
  MxrConfig *config;
  MxrLevels levels;
  guint bitrates_bps[MXR_LEVELS_MAX]; /* of each rung now */
  MxrLadder ladder;
  MxrPeerBandwidth bandwidth;
  gint64 now_us;
  guint n_changes;
} Fixture;

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  fixture->config = mxr_config_new ();
  mxr_levels_init (&fixture->levels, fixture->config);
  for (guint i = 0; i < fixture->levels.n; i++)
    fixture->bitrates_bps[i] = fixture->levels.levels[i].bitrate_bps;
  mxr_ladder_begin (&fixture->ladder, &fixture->levels, fixture->config->media.start_bitrate_bps);
  fixture->bandwidth = (MxrPeerBandwidth){ .estimate_bps = fixture->config->media.start_bitrate_bps, .rtt_ms = 40 };
  fixture->now_us = SECOND_US;
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_config_free (fixture->config);
}

/* Ten times a second. Returns: the level at the end. */
static guint
pass (Fixture *fixture, double seconds)
{
  for (gint64 end_us = fixture->now_us + (gint64) (seconds * SECOND_US); fixture->now_us < end_us; fixture->now_us += STEP_US)
    fixture->n_changes += mxr_ladder_update (&fixture->ladder, &fixture->levels, fixture->bitrates_bps,
                                             &fixture->bandwidth, fixture->now_us);
  return fixture->ladder.level;
}

static guint
carry (Fixture *fixture, guint estimate_bps, double seconds)
{
  fixture->bandwidth.estimate_bps = estimate_bps;
  fixture->bandwidth.is_measured = true;
  return pass (fixture, seconds);
}

/* ---- What there is ------------------------------------------------------------------------------------------- */

static void
test_levels (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  MxrLevels levels;

  mxr_levels_init (&levels, config);
  g_assert_cmpuint (levels.n, ==, SOUND);
  g_assert_cmpuint (levels.levels[TOP].width_px, ==, 1280);
  g_assert_cmpuint (levels.levels[MIDDLE].width_px, ==, 640);
  g_assert_cmpuint (levels.levels[LOW].width_px, ==, 320);
  g_assert_cmpuint (levels.levels[LOW].framerate, ==, 15);
  g_assert_cmpint (levels.levels[SLIDES].kind, ==, MXR_RUNG_SLIDES);
  g_assert_cmpuint (levels.levels[SLIDES].height_px, ==, 180);
  g_assert_cmpuint (levels.levels[SLIDES].least_bps, ==, levels.levels[SLIDES].bitrate_bps);

  /* Another shape, and no odd sizes. */
  config->room.width_px = 1000;
  config->room.height_px = 750;
  mxr_levels_init (&levels, config);
  g_assert_cmpuint (levels.levels[MIDDLE].width_px, ==, 480);
  g_assert_cmpuint (levels.levels[LOW].width_px, ==, 240);

  /* What is not less than the full picture is left out. */
  config->room.width_px = 480;
  config->room.height_px = 270;
  config->room.framerate = 10;
  config->media.slide_interval_s = 0;
  mxr_levels_init (&levels, config);
  g_assert_cmpuint (levels.n, ==, 2);
  g_assert_cmpuint (levels.levels[1].height_px, ==, 180);
  g_assert_cmpuint (levels.levels[1].framerate, ==, 10);
  config->media.video_bitrate_bps = 150000;
  mxr_levels_init (&levels, config);
  g_assert_cmpuint (levels.n, ==, 1);
}

static void
test_names (Fixture *fixture, gconstpointer unused)
{
  const char *const names[] = { "720p30", "360p30", "180p15", "slides", "audio" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *name = mxr_levels_get_name (&fixture->levels, i);
    g_assert_cmpstr (name, ==, names[i]);
  }
}

/* ---- The begin ----------------------------------------------------------------------------------------------- */

static void
test_unmeasured_stays_at_the_top (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpuint (pass (fixture, 60), ==, TOP);
  g_assert_cmpuint (fixture->n_changes, ==, 0);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_BEST);
}

/* An operator who believes in less begins lower; who never tells anything is not kept there. */
static void
test_begins_as_believed (Fixture *fixture, gconstpointer unused)
{
  mxr_ladder_begin (&fixture->ladder, &fixture->levels, 300000);
  fixture->bandwidth.estimate_bps = 300000;
  g_assert_cmpuint (fixture->ladder.level, ==, LOW);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_BANDWIDTH);
  g_assert_cmpuint (pass (fixture, 4), ==, LOW);
  g_assert_cmpuint (pass (fixture, 2), ==, TOP);
}

/* ---- Down and up --------------------------------------------------------------------------------------------- */

static void
test_down_at_once (Fixture *fixture, gconstpointer unused)
{
  const struct {
    guint estimate_bps, level;
  } cases[] = { { 1700000, TOP }, { 1480000, TOP }, { 1200000, MIDDLE }, { 600000, MIDDLE }, { 400000, LOW },
                { 220000, LOW },  { 150000, SLIDES }, { 80000, SLIDES }, { 50000, SOUND },    { 10000, SOUND } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    mxr_ladder_begin (&fixture->ladder, &fixture->levels, 2000000);
    g_assert_cmpuint (carry (fixture, cases[i].estimate_bps, 0.1), ==, cases[i].level);
    g_assert_cmpint (fixture->ladder.reason, ==, cases[i].level == TOP ? MXR_RUNG_REASON_BEST : MXR_RUNG_REASON_BANDWIDTH);
  }
}

/* A dip is not followed, what lasts is. */
static void
test_dips (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpuint (carry (fixture, 1330000, 0.9), ==, TOP);
  g_assert_cmpuint (carry (fixture, 1500000, 0.2), ==, TOP);
  g_assert_cmpuint (carry (fixture, 1330000, 1.1), ==, MIDDLE);
}

/* As good as enough, but it has queued for a second. */
static void
test_down_by_queue (Fixture *fixture, gconstpointer unused)
{
  fixture->bandwidth.queue_ms = 300;
  g_assert_cmpuint (carry (fixture, 1600000, 0.9), ==, TOP);
  g_assert_cmpuint (carry (fixture, 1600000, 0.3), ==, MIDDLE);
}

static void
test_up_when_it_has_lasted (Fixture *fixture, gconstpointer unused)
{
  carry (fixture, 400000, 1);
  g_assert_cmpuint (carry (fixture, 575000, 20), ==, LOW); /* needed, without a margin */
  g_assert_cmpuint (carry (fixture, 700000, 1.9), ==, LOW);
  g_assert_cmpuint (carry (fixture, 500000, 0.2), ==, LOW);
  g_assert_cmpuint (carry (fixture, 700000, 1.9), ==, LOW);
  g_assert_cmpuint (carry (fixture, 700000, 0.3), ==, MIDDLE);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_BANDWIDTH);
  g_assert_cmpuint (carry (fixture, 3000000, 2.2), ==, TOP);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_BEST);
}

static void
test_up_over_several (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpuint (carry (fixture, 40000, 30), ==, SOUND);
  g_assert_cmpuint (carry (fixture, 2000000, 2.2), ==, TOP);
  g_assert_cmpuint (fixture->n_changes, ==, 2);
}

/* What the link carries is found out only by probes for what is wanted. */
static void
test_climbs_by_what_it_wants (Fixture *fixture, gconstpointer unused)
{
  gint64 begin_us = fixture->now_us;

  carry (fixture, 40000, 1);
  while (fixture->ladder.level != TOP) {
    guint wanted_bps =
      mxr_ladder_get_wanted_bps (&fixture->ladder, &fixture->levels, fixture->bitrates_bps, &fixture->bandwidth);
    carry (fixture, MIN (wanted_bps, 10000000), 0.1);
    g_assert_cmpint (fixture->now_us - begin_us, <, 12 * SECOND_US);
  }
  g_assert_cmpuint (mxr_ladder_get_wanted_bps (&fixture->ladder, &fixture->levels, fixture->bitrates_bps, &fixture->bandwidth),
                    <, 2300000);
}

/* An estimate that promises too much: each step up has to be taken back. */
static void
test_backs_off (Fixture *fixture, gconstpointer unused)
{
  gint64 waits_us[8];

  carry (fixture, 600000, 1);
  for (guint i = 0; i < G_N_ELEMENTS (waits_us); i++) {
    gint64 begin_us = fixture->now_us;
    while (carry (fixture, 2200000, 0.1) != TOP)
      g_assert_cmpint (fixture->now_us - begin_us, <, 61 * SECOND_US);
    waits_us[i] = fixture->now_us - begin_us;
    g_assert_cmpuint (carry (fixture, 600000, 3), ==, MIDDLE);
  }
  g_assert_cmpint (waits_us[0], <, 3 * SECOND_US);
  g_assert_cmpint (waits_us[2], >, waits_us[1] + 4 * SECOND_US);
  g_assert_cmpint (waits_us[3], >, waits_us[2] + 9 * SECOND_US);
  g_assert_cmpint (waits_us[7], >, 50 * SECOND_US);
  /* News: far more than what was promised then. */
  g_assert_cmpuint (carry (fixture, 4000000, 2.2), ==, TOP);
  /* And what has lasted is forgiven. */
  g_assert_cmpuint (carry (fixture, 2000000, 20), ==, TOP);
  g_assert_cmpuint (carry (fixture, 600000, 3), ==, MIDDLE);
  g_assert_cmpuint (carry (fixture, 2200000, 2.2), ==, TOP);
}

/* Half a minute of an estimate that swings by a fifth around what is needed. */
static void
test_no_flapping (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 60; i++) {
    carry (fixture, 1520000, 0.3);
    carry (fixture, 1860000, 0.3);
  }
  g_assert_cmpuint (fixture->n_changes, ==, 0);
  for (guint i = 0; i < 60; i++) {
    carry (fixture, 1150000, 0.3);
    carry (fixture, 1860000, 0.3);
  }
  g_assert_cmpuint (fixture->n_changes, ==, 1);
}

/* ---- Loss ---------------------------------------------------------------------------------------------------- */

static void
test_loss (Fixture *fixture, gconstpointer unused)
{
  /* What gets lost is sent again: a tenth of it is carried by this link all the same. */
  fixture->bandwidth.loss = 0.1;
  g_assert_cmpuint (carry (fixture, 2000000, 10), ==, TOP);
  fixture->bandwidth.loss = 0.3;
  g_assert_cmpuint (carry (fixture, 5000000, 2.2), ==, MIDDLE);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_LOSS);
  g_assert_cmpuint (carry (fixture, 5000000, 20), ==, SLIDES);
  fixture->bandwidth.loss = 0.02;
  g_assert_cmpuint (carry (fixture, 5000000, 2.2), ==, TOP);

  fixture->bandwidth.loss = 0.15;
  g_assert_cmpuint (carry (fixture, 700000, 0.1), ==, MIDDLE);
  g_assert_cmpint (fixture->ladder.reason, ==, MXR_RUNG_REASON_LOSS);
}

/* ---- Bitrates ------------------------------------------------------------------------------------------------ */

/* A rung of which the bitrate was lowered needs less. */
static void
test_lowered_rung (Fixture *fixture, gconstpointer unused)
{
  fixture->bitrates_bps[TOP] = fixture->levels.levels[TOP].least_bps;
  g_assert_cmpuint (carry (fixture, 1120000, 10), ==, TOP);
  fixture->bitrates_bps[TOP] = fixture->levels.levels[TOP].bitrate_bps; /* by somebody stronger */
  g_assert_cmpuint (carry (fixture, 1120000, 0.1), ==, MIDDLE);
}

static void
test_carried (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpuint (mxr_ladder_get_carried_bps (&fixture->levels, &fixture->bandwidth), ==, G_MAXUINT);
  fixture->bandwidth.is_measured = true;
  fixture->bandwidth.estimate_bps = 1100000;
  g_assert_cmpfloat_with_epsilon (mxr_ladder_get_carried_bps (&fixture->levels, &fixture->bandwidth), 1005619, 2);
  fixture->bandwidth.paced_ms = 500; /* that much of it goes to what waits */
  g_assert_cmpfloat_with_epsilon (mxr_ladder_get_carried_bps (&fixture->levels, &fixture->bandwidth), 0.75 * 1047619 - 42000, 2);
  fixture->bandwidth.estimate_bps = 1000;
  g_assert_cmpuint (mxr_ladder_get_carried_bps (&fixture->levels, &fixture->bandwidth), ==, 0);
}

static void
test_adapt_bitrate (Fixture *fixture, gconstpointer unused)
{
  const MxrLevel *top = &fixture->levels.levels[TOP];

  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1500000, G_MAXUINT, 0), ==, 1500000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1500000, 1450000, 0), ==, 1500000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1500000, 1200000, 0), ==, 1200000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1500000, 100000, 0), ==, 975000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 975000, 1500000, SECOND_US / 2), ==, 975000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1000000, 1500000, SECOND_US), ==, 1100000);
  g_assert_cmpuint (mxr_level_adapt_bitrate (top, 1480000, G_MAXUINT, SECOND_US), ==, 1500000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ladder/levels", test_levels);
#define ADD(name, func) g_test_add ("/ladder/" name, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("names", test_names);
  ADD ("unmeasured-stays-at-the-top", test_unmeasured_stays_at_the_top);
  ADD ("begins-as-believed", test_begins_as_believed);
  ADD ("down-at-once", test_down_at_once);
  ADD ("dips", test_dips);
  ADD ("down-by-queue", test_down_by_queue);
  ADD ("up-when-it-has-lasted", test_up_when_it_has_lasted);
  ADD ("up-over-several", test_up_over_several);
  ADD ("climbs-by-what-it-wants", test_climbs_by_what_it_wants);
  ADD ("backs-off", test_backs_off);
  ADD ("no-flapping", test_no_flapping);
  ADD ("loss", test_loss);
  ADD ("lowered-rung", test_lowered_rung);
  ADD ("carried", test_carried);
  ADD ("adapt-bitrate", test_adapt_bitrate);
  return g_test_run ();
}
