#include "ladder.h"

#define SECOND_US G_TIME_SPAN_SECOND

static const MxrQualityInput fine = { .is_connected = true, .kind = MXR_RUNG_VIDEO, .rtt_ms = 40 };

/* Asks four times a second. Returns: how often it was told. */
static guint
pass (MxrQualityMeter *meter, const MxrQualityInput *input, double seconds, gint64 *now_us)
{
  guint n_told = 0;

  for (gint64 end_us = *now_us + (gint64) (seconds * SECOND_US); *now_us < end_us; *now_us += SECOND_US / 4)
    n_told += mxr_quality_update (meter, input, *now_us);
  return n_told;
}

static void
test_words (void)
{
  const struct {
    MxrQualityInput input;
    MxrQuality quality;
  } cases[] = {
    { { 0 }, MXR_QUALITY_UNKNOWN },
    { fine, MXR_QUALITY_GOOD },
    { { .is_connected = true, .is_silent = true }, MXR_QUALITY_LOST },
    { { .is_connected = true, .kind = MXR_RUNG_AUDIO }, MXR_QUALITY_BAD },
    { { .is_connected = true, .kind = MXR_RUNG_SLIDES }, MXR_QUALITY_BAD },
    { { .is_connected = true, .is_lowered = true }, MXR_QUALITY_POOR },
    { { .is_connected = true, .loss_up = 0.05 }, MXR_QUALITY_POOR },
    { { .is_connected = true, .loss_down = 0.05 }, MXR_QUALITY_POOR },
    { { .is_connected = true, .loss_down = 0.2 }, MXR_QUALITY_BAD },
    { { .is_connected = true, .rtt_ms = -1 }, MXR_QUALITY_GOOD },
    { { .is_connected = true, .rtt_ms = 500 }, MXR_QUALITY_POOR },
    { { .is_connected = true, .queue_ms = 900 }, MXR_QUALITY_BAD },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrQualityMeter meter = { 0 };
    gint64 now_us = SECOND_US;
    pass (&meter, &cases[i].input, 2, &now_us);
    g_assert_cmpint (meter.told, ==, cases[i].quality);
  }
}

static void
test_worse_soon_better_late (void)
{
  const MxrQualityInput lossy = { .is_connected = true, .loss_down = 0.06 };
  MxrQualityMeter meter = { 0 };
  gint64 now_us = SECOND_US;

  g_assert_cmpuint (pass (&meter, &fine, 3, &now_us), ==, 1);
  g_assert_cmpuint (pass (&meter, &lossy, 0.75, &now_us), ==, 0);
  g_assert_cmpuint (pass (&meter, &lossy, 1, &now_us), ==, 1);
  g_assert_cmpint (meter.told, ==, MXR_QUALITY_POOR);
  g_assert_cmpuint (pass (&meter, &fine, 4.75, &now_us), ==, 0);
  g_assert_cmpuint (pass (&meter, &fine, 1, &now_us), ==, 1);
  g_assert_cmpint (meter.told, ==, MXR_QUALITY_GOOD);
}

/* A value that dances around a bound is told once. */
static void
test_no_flapping (void)
{
  const MxrQualityInput lossy = { .is_connected = true, .loss_up = 0.06 };
  MxrQualityMeter meter = { 0 };
  gint64 now_us = SECOND_US;
  guint n_told = pass (&meter, &fine, 1, &now_us);

  for (guint i = 0; i < 60; i++) {
    n_told += pass (&meter, &lossy, 1.5, &now_us);
    n_told += pass (&meter, &fine, 1.5, &now_us);
  }
  g_assert_cmpuint (n_told, ==, 2);
  g_assert_cmpint (meter.told, ==, MXR_QUALITY_POOR);
}

static void
test_silence (void)
{
  const MxrQualityInput silent = { .is_connected = true, .is_silent = true };
  MxrQualityMeter meter = { 0 };
  gint64 now_us = SECOND_US;

  pass (&meter, &fine, 3, &now_us);
  g_assert_cmpuint (pass (&meter, &silent, 0.25, &now_us), ==, 1);
  g_assert_cmpint (meter.told, ==, MXR_QUALITY_LOST);
  g_assert_cmpuint (pass (&meter, &fine, 0.75, &now_us), ==, 0); /* at most once a second */
  g_assert_cmpuint (pass (&meter, &fine, 0.5, &now_us), ==, 1);
  g_assert_cmpint (meter.told, ==, MXR_QUALITY_GOOD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quality/words", test_words);
  g_test_add_func ("/quality/worse-soon-better-late", test_worse_soon_better_late);
  g_test_add_func ("/quality/no-flapping", test_no_flapping);
  g_test_add_func ("/quality/silence", test_silence);
  return g_test_run ();
}
