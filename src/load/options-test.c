#include "options.h"

#include <string.h>

static bool
parse (MxrLoadOptions *options, const char *line, GError **error)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  return mxr_load_options_parse (options, words, error);
}

static void
test_defaults (void)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (parse (&options, "mixroom-load", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (options.server, ==, "http://127.0.0.1:8080");
  g_assert_cmpstr (options.host, ==, "127.0.0.1");
  g_assert_cmpstr (options.room, ==, "load");
  g_assert_cmpint (options.n_talkers, ==, options.n_participants);
  g_assert_cmpint (options.n_cameras, ==, options.n_participants);
  g_assert_cmpint (options.codec, ==, MXR_CODEC_VP8);
  g_assert_cmpint (options.expect, ==, MXR_EXPECT_WHAT_IS_SENT);
  g_assert_false (options.no_audio_level);
  g_assert_cmpuint (mxr_load_options_count_clients (&options), ==, 4);
}

static void
test_values (void)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (parse (&options,
                        "mixroom-load -p 10 -t 3 --viewers=20 -r 3 --codec=H264 --size=320x180 --loss=2.5 --tones "
                        "--delay --no-audio-level --audio-level --video a.mkv --video b.mkv https://[::1]:8443/",
                        &error));
  g_assert_no_error (error);
  g_assert_cmpstr (options.host, ==, "::1");
  g_assert_cmpuint (mxr_load_options_count_clients (&options), ==, 90);
  g_assert_cmpint (options.codec, ==, MXR_CODEC_H264);
  g_assert_cmpuint (options.width_px, ==, 320);
  g_assert_cmpfloat_with_epsilon (options.loss, 0.025, 1e-9);
  g_assert_false (options.no_audio_level);
  g_assert_cmpuint (g_strv_length (options.video_files), ==, 2);
}

static void
test_longest (void)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_assert_true (parse (&options, "mixroom-load --duration=86400", NULL));
  g_assert_cmpint (mxr_load_options_get_duration_us (&options), ==, G_TIME_SPAN_DAY);
}

static void
test_sound_only (void)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_assert_true (parse (&options, "mixroom-load --codec none --cameras 3", NULL));
  g_assert_cmpint (options.n_cameras, ==, 0);
}

/* What a file shows, and what others show, may stand still. */
static void
test_frame_rates (void)
{
  static const struct {
    const char *line;
    double rate;
  } cases[] = {
    { "mixroom-load", 5 },
    { "mixroom-load --video a.mkv", 0 },
    { "mixroom-load --participants=0 --viewers=2", 0 },
    { "mixroom-load --cameras=0", 0 },
    { "mixroom-load --participants=0 --viewers=2 --min-frame-rate=29", 29 },
    { "mixroom-load --min-frame-rate=0", 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (MxrLoadOptions) options = { 0 };
    g_assert_true (parse (&options, cases[i].line, NULL));
    if (options.min_frame_rate != cases[i].rate)
      g_error ("%s: %g", cases[i].line, options.min_frame_rate);
  }
}

static void
test_expect (void)
{
  g_auto (MxrLoadOptions) sound = { 0 }, both = { 0 }, none = { 0 };

  g_assert_true (parse (&sound, "mixroom-load --expect=sound --churn=1 -p 3 -t 2", NULL));
  g_assert_cmpint (sound.expect, ==, MXR_EXPECT_SOUND);
  g_assert_true (parse (&both, "mixroom-load --expect=picture,sound", NULL));
  g_assert_cmpint (both.expect, ==, MXR_EXPECT_SOUND | MXR_EXPECT_PICTURE);
  g_assert_true (parse (&none, "mixroom-load --expect=none", NULL));
  g_assert_cmpint (none.expect, ==, MXR_EXPECT_NONE);
}

/* Each message names the option, so that one sees what to change. */
static void
test_errors (void)
{
  static const struct {
    const char *line, *in_message;
  } cases[] = {
    { "mixroom-load --participants", "--participants" },
    { "mixroom-load --participants=-1", "--participants" },
    { "mixroom-load --participants=99999", "--participants" },
    { "mixroom-load --participants=many", "many" },
    { "mixroom-load --participants=4 --talkers=5", "--talkers" },
    { "mixroom-load --cameras=5", "--cameras" },
    { "mixroom-load --participants=0", "0 clients" },
    { "mixroom-load --participants=9000 --rooms=2", "18000" },
    { "mixroom-load --codec=vp9", "vp9" },
    { "mixroom-load --size=641x360", "641x360" },
    { "mixroom-load --size=640", "640" },
    { "mixroom-load --size=640x360x2", "640x360x2" },
    { "mixroom-load --size=99999x360", "99999x360" },
    { "mixroom-load --loss=51", "--loss" },
    { "mixroom-load --loss=nan", "--loss" },
    { "mixroom-load --jitter=5000", "--jitter" },
    { "mixroom-load --ramp=0", "--ramp" },
    { "mixroom-load --duration=0", "--duration" },
    { "mixroom-load --settle=-1", "--settle" },
    { "mixroom-load --tones --participants=65", "--talkers=64" },
    { "mixroom-load --tones --talkers=0", "--talkers=1" },
    { "mixroom-load --tones --dtx", "--dtx" },
    { "mixroom-load --tones --audio=x.wav", "--audio" },
    { "mixroom-load --churn=1", "--talkers" },
    { "mixroom-load --participants=3 --talkers=2 --tones --churn=1", "--viewers" },
    { "mixroom-load --expect=all", "'all'" },
    { "mixroom-load --expect=none,sound", "'none,sound'" },
    { "mixroom-load --expect=", "--expect" },
    { "mixroom-load --expect=picture --codec=none", "--codec" },
    { "mixroom-load --min-sound=101", "--min-sound" },
    { "mixroom-load --min-frame-rate=500", "--min-frame-rate" },
    { "mixroom-load localhost:8080", "localhost:8080" },
    { "mixroom-load ftp://localhost", "ftp://localhost" },
    { "mixroom-load http://", "http://" },
    { "mixroom-load http://localhost surplus", "surplus" },
    { "mixroom-load --nonsense", "--nonsense" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (MxrLoadOptions) options = { 0 };
    g_autoptr (GError) error = NULL;
    g_assert_false (parse (&options, cases[i].line, &error));
    g_assert_nonnull (error);
    g_assert_true (error->domain == G_OPTION_ERROR);
    if (strstr (error->message, cases[i].in_message) == NULL)
      g_error ("%s: '%s' does not say '%s'", cases[i].line, error->message, cases[i].in_message);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/options/defaults", test_defaults);
  g_test_add_func ("/load/options/values", test_values);
  g_test_add_func ("/load/options/longest", test_longest);
  g_test_add_func ("/load/options/sound-only", test_sound_only);
  g_test_add_func ("/load/options/frame-rates", test_frame_rates);
  g_test_add_func ("/load/options/expect", test_expect);
  g_test_add_func ("/load/options/errors", test_errors);
  return g_test_run ();
}
