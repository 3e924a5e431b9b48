#include <math.h>

#include "loudness-gain.h"

#define STEPS_PER_S (1000 / MXR_LOUDNESS_STEP_MS)

/* Syllables and short pauses around @lufs. */
static double
speech (guint step, double lufs)
{
  return lufs + 3 * sin (step * 1.7) - (step % 13 < 2 ? 14 : 0);
}

static void
talk (MxrLoudnessGain *control, double lufs, guint seconds)
{
  for (guint i = 0; i < seconds * STEPS_PER_S; i++)
    mxr_loudness_gain_step (control, speech (i, lufs));
}

static void
hum (MxrLoudnessGain *control, double lufs, guint seconds)
{
  for (guint i = 0; i < seconds * STEPS_PER_S; i++)
    mxr_loudness_gain_step (control, lufs + 0.8 * sin (i * 2.3));
}

static void
test_levels (void)
{
  static const double levels[] = { -35, -23, -16, -10 };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++) {
    MxrLoudnessGain control = { .target = -16 };
    talk (&control, levels[i], 10);
    g_assert_cmpfloat (fabs (levels[i] + control.gain_db + 16), <, 1.5);
  }
}

static void
test_slow_and_limited (void)
{
  MxrLoudnessGain control = { .target = -16 };
  double before = 0;

  for (guint i = 0; i < 600; i++) {
    double gain_db = mxr_loudness_gain_step (&control, i < 300 ? speech (i, -48) : speech (i, 12));
    g_assert_cmpfloat (gain_db - before, <=, 0.3 + 1e-9);
    g_assert_cmpfloat (before - gain_db, <=, 1 + 1e-9);
    g_assert_cmpfloat (fabs (gain_db), <=, 20);
    before = gain_db;
  }
  g_assert_cmpfloat (control.gain_db, <, -19.9);
}

static void
test_pauses_leave_it (void)
{
  static const double noises[] = { -HUGE_VAL, -70, -60, -49, -40, NAN };

  for (guint i = 0; i < G_N_ELEMENTS (noises); i++) {
    MxrLoudnessGain control = { .target = -16 };
    talk (&control, -23, 15);
    double gain_db = control.gain_db;
    hum (&control, noises[i], 20);
    g_assert_cmpfloat (fabs (control.gain_db - gain_db), <, 1);
  }
}

/* One who speaks softly after one who does not is brought up, and one who shouts is brought down at once. */
static void
test_another_voice (void)
{
  MxrLoudnessGain control = { .target = -16 };

  talk (&control, -10, 20);
  talk (&control, -32, 14);
  g_assert_cmpfloat (fabs (control.gain_db - 16), <, 2.5);
  talk (&control, -10, 4);
  g_assert_cmpfloat (fabs (control.gain_db + 6), <, 2);
}

static void
test_what_stays_is_taken_up (void)
{
  MxrLoudnessGain control = { .target = -16 };

  talk (&control, -16, 20);
  hum (&control, -30, 45);
  g_assert_cmpfloat (fabs (control.gain_db - 14), <, 1);
}

static void
test_target_ramps (void)
{
  MxrLoudnessGain control = { .target = -16 };

  talk (&control, -20, 20);
  double gain_db = control.gain_db;
  control.target = -23;
  double next_db = mxr_loudness_gain_step (&control, -20);
  g_assert_cmpfloat (next_db, >=, gain_db - 1 - 1e-9);
  talk (&control, -20, 3);
  g_assert_cmpfloat (fabs (control.gain_db - gain_db + 7), <, 0.5);
}

/* Also while nobody talks. */
static void
test_no_target (void)
{
  MxrLoudnessGain control = { .target = -16 };

  talk (&control, -30, 20);
  g_assert_cmpfloat (control.gain_db, >, 10);
  control.target = 0;
  for (guint i = 0; i < 20; i++)
    mxr_loudness_gain_step (&control, -70);
  g_assert_cmpfloat (control.gain_db, ==, 0);
  talk (&control, -30, 20);
  g_assert_cmpfloat (control.gain_db, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loudness-gain/levels", test_levels);
  g_test_add_func ("/loudness-gain/slow-and-limited", test_slow_and_limited);
  g_test_add_func ("/loudness-gain/pauses-leave-it", test_pauses_leave_it);
  g_test_add_func ("/loudness-gain/another-voice", test_another_voice);
  g_test_add_func ("/loudness-gain/what-stays-is-taken-up", test_what_stays_is_taken_up);
  g_test_add_func ("/loudness-gain/target-ramps", test_target_ramps);
  g_test_add_func ("/loudness-gain/no-target", test_no_target);
  return g_test_run ();
}
