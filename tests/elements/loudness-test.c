/* Speech of several loudnesses through mxrloudness, measured by libebur128 on both sides. */
#include <ebur128.h>
#include <gst/app/gstappsink.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>

#include "mixroom/elements.h"

#define RATE_HZ 48000
#define BLOCK 960
#define SETTLE_S 10
#define MAX_LATENCY_NS (5 * GST_MSECOND)
#define CAPS "audio/x-raw,rate=48000,layout=interleaved"

/* ---- Sounds ------------------------------------------------------------------------------------------------- */

/* Harmonics that come and go as syllables do. */
static GArray *
make_speech (void)
{
  GArray *speech = g_array_new (FALSE, FALSE, sizeof (float));

  for (guint i = 0; i < 10 * RATE_HZ; i++) {
    double t = i / (double) RATE_HZ, value = 0;
    double syllable = MAX (0, sin (2 * G_PI * 3.1 * t)) * MAX (0, sin (2 * G_PI * 0.4 * t) + 0.5);
    for (int k = 1; k < 20; k++)
      value += sin (2 * G_PI * k * (120 * t + 2 * sin (2 * t))) / k;
    float sample = (float) (0.15 * syllable * value);
    g_array_append_val (speech, sample);
  }
  return speech;
}

/* Returns: (nullable): NULL where there is no such recording */
static GArray *
read_speech (const char *name)
{
  g_autofree char *beside = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "..", "shared", "media", NULL);
  const char *media = g_getenv ("MIXROOM_MEDIA") != NULL ? g_getenv ("MIXROOM_MEDIA") : beside;
  g_autofree char *path = g_build_filename (media, "speech", name, NULL);
  g_autofree char *launch = g_strdup_printf ("filesrc location=\"%s\" ! decodebin ! audioconvert ! audioresample ! " CAPS
                                             ",format=F32LE,channels=1 ! appsink name=out sync=false",
                                             path);
  GstSample *sample;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  GArray *speech = g_array_new (FALSE, FALSE, sizeof (float));
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (out))) != NULL) {
    GstMapInfo map;
    gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
    g_array_append_vals (speech, map.data, map.size / sizeof (float));
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return speech;
}

static double
integrate (const float *samples, guint n)
{
  ebur128_state *meter = ebur128_init (1, RATE_HZ, EBUR128_MODE_I);
  double lufs;

  ebur128_add_frames_float (meter, samples, n);
  g_assert_cmpint (ebur128_loudness_global (meter, &lufs), ==, EBUR128_SUCCESS);
  ebur128_destroy (&meter);
  return lufs;
}

static void
make_loud (GArray *speech, double lufs)
{
  float *samples = (float *) speech->data;
  float gain = (float) pow (10, (lufs - integrate (samples, speech->len)) / 20);

  for (guint i = 0; i < speech->len; i++)
    samples[i] *= gain;
}

/* ---- The element -------------------------------------------------------------------------------------------- */

typedef struct {
  GstHarness *harness;
  guint64 n_in, n_out; /* frames */
  GArray *out;         /* float */
} Rig;

static Rig *
rig_new (const char *caps, double target)
{
  Rig *rig = g_new0 (Rig, 1);

  rig->harness = gst_harness_new ("mxrloudness");
  gst_harness_set (rig->harness, "mxrloudness", "target", target, NULL);
  gst_harness_set_src_caps_str (rig->harness, caps);
  rig->out = g_array_new (FALSE, FALSE, sizeof (float));
  return rig;
}

static void
rig_free (Rig *rig)
{
  gst_harness_teardown (rig->harness);
  g_array_unref (rig->out);
  g_free (rig);
}

static double
get (Rig *rig, const char *name)
{
  double value;

  gst_harness_get (rig->harness, "mxrloudness", name, &value, NULL);
  return value;
}

/* Time stamps go on without a gap, at the samples that they had. */
static void
take_out (Rig *rig)
{
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (rig->harness)) != NULL) {
    GstMapInfo map;
    g_assert_cmpint (ABS (GST_CLOCK_DIFF (gst_util_uint64_scale_int (rig->n_out, GST_SECOND, RATE_HZ), GST_BUFFER_PTS (buffer))),
                     <, GST_SECOND / RATE_HZ);
    gst_buffer_map (buffer, &map, GST_MAP_READ);
    for (gsize i = 0; i < map.size / sizeof (gint16); i++) {
      float sample = ((const gint16 *) map.data)[i] / 32768.0f;
      g_array_append_val (rig->out, sample);
    }
    rig->n_out += map.size / sizeof (gint16);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
}

static void
play (Rig *rig, const GArray *sound, guint seconds)
{
  for (guint block = 0; block < seconds * RATE_HZ / BLOCK; block++) {
    float samples[BLOCK];
    for (guint i = 0; i < BLOCK; i++)
      samples[i] = sound != NULL ? g_array_index (sound, float, (block * BLOCK + i) % sound->len) : 0;
    GstBuffer *buffer = gst_buffer_new_memdup (samples, sizeof samples);
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale_int (rig->n_in, GST_SECOND, RATE_HZ);
    rig->n_in += BLOCK;
    g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
    take_out (rig);
  }
}

static double
true_peak_db (const GArray *sound)
{
  ebur128_state *meter = ebur128_init (1, RATE_HZ, EBUR128_MODE_TRUE_PEAK);
  double peak;

  ebur128_add_frames_float (meter, (const float *) sound->data, sound->len);
  ebur128_true_peak (meter, 0, &peak);
  ebur128_destroy (&meter);
  return 20 * log10 (peak);
}

/* ---- Tests ---------------------------------------------------------------------------------------------------- */

static void
check_speech (GArray *speech, const char *name, guint n_targets)
{
  static const double levels[] = { -35, -23, -10 }, targets[] = { -16, -23 };

  for (guint i = 0; i < 3 * n_targets; i++) {
    double level = levels[i % 3], target = targets[i / 3];
    Rig *rig = rig_new (CAPS ",format=F32LE,channels=1", target);
    make_loud (speech, level);
    play (rig, speech, SETTLE_S + 15);
    double lufs = integrate ((float *) rig->out->data + SETTLE_S * RATE_HZ, rig->out->len - SETTLE_S * RATE_HZ);
    double peak_db = true_peak_db (rig->out);
    g_test_message ("%s of %.0f for %.0f: %.2f LUFS, %.2f dBTP", name, level, target, lufs, peak_db);
    g_assert_cmpfloat (fabs (lufs - target), <, 1);
    g_assert_cmpfloat (peak_db, <=, -1);
    g_assert_cmpfloat (fabs (get (rig, "short-term") - target), <, 6);
    g_assert_cmpfloat (fabs (get (rig, "integrated") - target), <, 6);
    rig_free (rig);
  }
}

static void
test_speech_comes_out_at_the_target (void)
{
  static const char *const recordings[] = { "lj.wav", "jfk.flac" };
  g_autoptr (GArray) made = make_speech ();

  check_speech (made, "made", 2);
  for (guint i = 0; i < G_N_ELEMENTS (recordings); i++) {
    g_autoptr (GArray) speech = read_speech (recordings[i]);
    if (speech != NULL)
      check_speech (speech, recordings[i], 1);
  }
}

static GArray *
make_noise (double lufs)
{
  GArray *noise = g_array_new (FALSE, FALSE, sizeof (float));
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 2 * RATE_HZ; i++) {
    float sample = (float) g_rand_double_range (rand, -1, 1);
    g_array_append_val (noise, sample);
  }
  make_loud (noise, lufs);
  return noise;
}

static void
test_a_pause_does_not_pump (void)
{
  g_autoptr (GArray) speech = make_speech (), noise = make_noise (-45);
  Rig *rig = rig_new (CAPS ",format=F32LE,channels=1", -16);

  make_loud (speech, -23);
  play (rig, speech, 15);
  double gain_db = get (rig, "gain");
  g_assert_cmpfloat (gain_db, >, 4);
  play (rig, noise, 20);
  g_assert_cmpfloat (fabs (get (rig, "gain") - gain_db), <, 1);
  play (rig, NULL, 20);
  g_assert_cmpfloat (fabs (get (rig, "gain") - gain_db), <, 1);
  for (guint i = rig->out->len - RATE_HZ; i < rig->out->len; i++)
    g_assert_true (g_array_index (rig->out, float, i) == 0); /* silence stays silence */
  rig_free (rig);
}

static void
test_target_ramps (void)
{
  g_autoptr (GArray) speech = make_speech ();
  Rig *rig = rig_new (CAPS ",format=F32LE,channels=1", -23);

  make_loud (speech, -23);
  play (rig, speech, 15);
  double gain_db = get (rig, "gain");
  gst_harness_set (rig->harness, "mxrloudness", "target", -16.0, NULL);
  play (rig, speech, 1);
  g_assert_cmpfloat (get (rig, "gain") - gain_db, <, 3.5);
  play (rig, speech, 14);
  g_assert_cmpfloat (fabs (get (rig, "gain") - gain_db - 7), <, 1);
  rig_free (rig);
}

/* Latency is what it says; of what goes in nothing is lost at the end. */
static void
test_delay (void)
{
  Rig *rig = rig_new (CAPS ",format=F32LE,channels=1", -16);
  g_autoptr (GArray) click = g_array_new (FALSE, TRUE, sizeof (float));

  g_array_set_size (click, 5 * BLOCK);
  g_array_index (click, float, 4 * BLOCK + 900) = 0.5f;
  GstClockTime latency_ns = gst_harness_query_latency (rig->harness);
  g_assert_cmpuint (latency_ns, >, 0);
  g_assert_cmpuint (latency_ns, <=, MAX_LATENCY_NS);
  for (guint i = 0; i < 5; i++) {
    GstBuffer *buffer = gst_buffer_new_memdup ((float *) click->data + i * BLOCK, BLOCK * sizeof (float));
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale_int (i * BLOCK, GST_SECOND, RATE_HZ);
    gst_harness_push (rig->harness, buffer);
  }
  take_out (rig);
  g_assert_cmpuint (5 * BLOCK - rig->n_out, ==, (latency_ns * RATE_HZ + GST_SECOND / 2) / GST_SECOND);
  gst_harness_push_event (rig->harness, gst_event_new_eos ());
  take_out (rig);
  g_assert_cmpuint (rig->n_out, ==, 5 * BLOCK);
  for (guint i = 0; i < rig->out->len; i++)
    g_assert_true (g_array_index (rig->out, float, i) == g_array_index (click, float, i));
  rig_free (rig);
}

static void
test_stereo_shorts_and_bad_floats (void)
{
  GstHarness *harness = gst_harness_new ("mxrloudness");
  gint16 shorts[2 * BLOCK];
  float bad[2 * BLOCK];

  gst_harness_set_src_caps_str (harness, CAPS ",format=S16LE,channels=2");
  for (guint i = 0; i < 2 * BLOCK; i++) {
    shorts[i] = (gint16) (i % 2 ? 1000 * sin (i * 0.01) : 0);
    bad[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? HUGE_VALF : 1e30f;
  }
  gst_harness_push (harness, gst_buffer_new_memdup (shorts, sizeof shorts));
  g_autoptr (GstBuffer) out = gst_harness_pull (harness);
  gsize n_left_out = sizeof shorts - gst_buffer_get_size (out);
  g_assert_cmpint (gst_buffer_memcmp (out, 0, shorts, sizeof shorts - n_left_out), ==, 0);
  gst_harness_set_src_caps_str (harness, CAPS ",format=F32LE,channels=2");
  for (guint i = 0; i < 200; i++)
    g_assert_cmpint (gst_harness_push (harness, gst_buffer_new_memdup (bad, sizeof bad)), ==, GST_FLOW_OK);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/loudness/speech-comes-out-at-the-target", test_speech_comes_out_at_the_target);
  g_test_add_func ("/loudness/a-pause-does-not-pump", test_a_pause_does_not_pump);
  g_test_add_func ("/loudness/target-ramps", test_target_ramps);
  g_test_add_func ("/loudness/delay", test_delay);
  g_test_add_func ("/loudness/stereo-shorts-and-bad-floats", test_stereo_shorts_and_bad_floats);
  int result = g_test_run ();
  gst_deinit ();
  return result;
}
