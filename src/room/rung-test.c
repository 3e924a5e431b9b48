/* Rungs in a pipeline that plays: own sounds begin in the state of the shared one, and a still picture has key frames. */

#include "room-private.h"

#define N_OWN 20
#define WATCHDOG_US (20 * G_USEC_PER_SEC)

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  MxrFragments *fragments;
  MxrGraph *graph;
} Fixture;

static void
on_error (GstObject *source, const GError *error, gpointer user_data)
{
  g_error ("%s: %s", GST_OBJECT_NAME (source), error->message);
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { path, NULL };
  g_autoptr (GError) error = NULL;

  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 1;
  fixture->net = mxr_net_new (fixture->config, &error);
  g_assert_no_error (error);
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  fixture->graph = mxr_graph_new (fixture->config, "room", on_error, NULL, &error);
  g_assert_no_error (error);
}

static void
wait_for_removals (Fixture *fixture)
{
  while (mxr_branch_count_removals (GST_BIN (fixture->graph->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  wait_for_removals (fixture);
  mxr_graph_free (fixture->graph);
  mxr_net_free (fixture->net);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
}

static MxrRung *
add_sound (Fixture *fixture, const char *name, guint32 number, MxrRung *goes_on_from)
{
  const MxrRungParams params = {
    .encoder = mxr_fragments_find (fixture->fragments, "opusenc", MXR_FRAGMENT_ENCODE, "OPUS", NULL),
    .name = name,
    .codec = "OPUS",
    .bitrate_bps = 32000,
    .keyframe_interval_ms = 1000,
    .number = number,
    .goes_on_from = goes_on_from,
  };
  g_autoptr (GError) error = NULL;
  MxrRung *rung = mxr_rung_new (fixture->graph, fixture->net, &params, &error);
  g_assert_no_error (error);
  return rung;
}

static guint64
get_stat (Fixture *fixture, const char *rung, const char *name)
{
  g_autoptr (GstElement) bin = gst_bin_get_by_name (GST_BIN (fixture->graph->pipeline), rung);
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (bin), "enc");
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (encoder, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

static void
wait_for_begin (Fixture *fixture, const char *rung)
{
  gint64 end_us = g_get_monotonic_time () + WATCHDOG_US;

  while (get_stat (fixture, rung, "forks") + get_stat (fixture, rung, "fresh-starts") == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, end_us);
    g_usleep (1000);
  }
}

/* Its pad may be served before the shared one's or after it, and it may come at any moment of a tick. */
static void
test_own_goes_on_from_shared (Fixture *fixture, gconstpointer unused)
{
  MxrRung *shared = add_sound (fixture, "shared", 100, NULL);
  wait_for_begin (fixture, "shared");
  g_assert_cmpuint (get_stat (fixture, "shared", "fresh-starts"), ==, 1);

  for (guint i = 0; i < N_OWN; i++) {
    g_autofree char *name = g_strdup_printf ("own-%u", i);
    MxrRung *own = add_sound (fixture, name, i % 2 == 0 ? i : 100 + i, shared);
    wait_for_begin (fixture, name);
    g_assert_cmpuint (get_stat (fixture, name, "forks"), ==, 1);
    g_assert_cmpuint (get_stat (fixture, name, "fresh-starts"), ==, 0);
    mxr_rung_remove (own);
    g_usleep (i * 1700 % 20000);
  }
  mxr_rung_remove (shared);
}

static int
get_loss (Fixture *fixture, const char *rung)
{
  g_autoptr (GstElement) bin = gst_bin_get_by_name (GST_BIN (fixture->graph->pipeline), rung);
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (bin), "enc");
  gboolean has_fec;
  int percent;

  g_object_get (encoder, "inband-fec", &has_fec, "packet-loss-percentage", &percent, NULL);
  return has_fec ? percent : 0;
}

/* An own sound begins as what it goes on from, and then is what its listener needs. */
static void
test_loss (Fixture *fixture, gconstpointer unused)
{
  MxrRung *shared = add_sound (fixture, "shared", 100, NULL);
  g_assert_cmpint (get_loss (fixture, "shared"), ==, 0);
  mxr_rung_set_loss (shared, 15);
  MxrRung *own = add_sound (fixture, "own", 1, shared);
  g_assert_cmpint (get_loss (fixture, "shared"), ==, 15);
  g_assert_cmpint (get_loss (fixture, "own"), ==, 15);
  g_assert_cmpuint (mxr_rung_get_loss (own), ==, 15);
  mxr_rung_set_loss (own, 0);
  g_assert_cmpint (get_loss (fixture, "own"), ==, 0);
  g_assert_cmpint (get_loss (fixture, "shared"), ==, 15);
  mxr_rung_remove (own);
  mxr_rung_remove (shared);
}

static GstPadProbeReturn
on_encoded (GstPad *pad, GstPadProbeInfo *info, gpointer n_keyframes)
{
  if (!GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_DELTA_UNIT))
    g_atomic_int_inc ((int *) n_keyframes);
  return GST_PAD_PROBE_OK;
}

static MxrRung *
add_picture (Fixture *fixture, guint interval_ms, int *n_keyframes)
{
  const MxrRungParams params = {
    .encoder = mxr_fragments_find (fixture->fragments, "vp8enc", MXR_FRAGMENT_ENCODE, "VP8", NULL),
    .name = "still",
    .codec = "VP8",
    .bitrate_bps = 500000,
    .keyframe_interval_ms = interval_ms,
    .is_picture = true,
  };
  g_autoptr (GError) error = NULL;
  MxrRung *rung = mxr_rung_new (fixture->graph, fixture->net, &params, &error);
  g_assert_no_error (error);

  g_autoptr (GstElement) bin = gst_bin_get_by_name (GST_BIN (fixture->graph->pipeline), "still");
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (bin), "enc");
  g_autoptr (GstPad) src = gst_element_get_static_pad (encoder, "src");
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, on_encoded, n_keyframes, NULL);
  return rung;
}

static void
wait_for_keyframes (int *n_keyframes, int n)
{
  gint64 end_us = g_get_monotonic_time () + WATCHDOG_US;

  while (g_atomic_int_get (n_keyframes) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, end_us);
    g_usleep (1000);
  }
}

/* An empty view never changes, and is sent again once a second: ten newcomers would wait for ten seconds. */
static void
test_keyframes_of_a_still_picture (Fixture *fixture, gconstpointer unused)
{
  int n_keyframes = 0;
  MxrRung *rung = add_picture (fixture, 100, &n_keyframes);

  wait_for_keyframes (&n_keyframes, 1);
  gint64 begin_us = g_get_monotonic_time ();
  for (int i = 0; i < 10; i++) {
    mxr_rung_request_keyframe (rung, begin_us + i * G_USEC_PER_SEC);
    wait_for_keyframes (&n_keyframes, 2 + i);
  }
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, 4 * G_USEC_PER_SEC);
  g_assert_cmpuint (mxr_rung_count_keyframes (rung), ==, 10);
  mxr_rung_remove (rung);
  wait_for_removals (fixture); /* the probe counts into this function's frame */
}

#define STORM_S 4
#define STORM_STEP_MS 50 /* of a room's ticks */

/* A hundred viewers ask in every 50 ms: one key frame a second is made, and nobody waits for longer than that. */
static void
test_storm_of_requests (Fixture *fixture, gconstpointer unused)
{
  int n_keyframes = 0;
  MxrRung *rung = add_picture (fixture, 1000, &n_keyframes);
  gint64 unanswered_us = 0; /* since when */

  wait_for_keyframes (&n_keyframes, 1); /* which the encoder begins with */
  const int n_before = g_atomic_int_get (&n_keyframes);
  for (gint64 now_us = 1; now_us < STORM_S * G_USEC_PER_SEC; now_us += STORM_STEP_MS * 1000) {
    const guint64 n_asked = mxr_rung_count_keyframes (rung);
    mxr_rung_tick (rung, now_us);
    for (guint i = 0; i < 100; i++)
      mxr_rung_request_keyframe (rung, now_us);
    if (unanswered_us == 0)
      unanswered_us = now_us;
    if (mxr_rung_count_keyframes (rung) == n_asked)
      continue;
    wait_for_keyframes (&n_keyframes, n_before + (int) n_asked + 1);
    g_assert_cmpint (now_us - unanswered_us, <=, G_USEC_PER_SEC + STORM_STEP_MS * 1000);
    unanswered_us = 0;
  }
  g_assert_cmpuint (mxr_rung_count_keyframes (rung), ==, STORM_S);
  g_assert_cmpint (g_atomic_int_get (&n_keyframes), <=, n_before + STORM_S);
  mxr_rung_remove (rung);
  wait_for_removals (fixture); /* the probe counts into this function's frame */
}

/* ---- Slides ------------------------------------------------------------------------------------------------- */

typedef struct {
  int n_frames, n_keyframes, n_bytes;
} Slides;

static GstPadProbeReturn
on_slide (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Slides *slides = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  g_atomic_int_add (&slides->n_bytes, (int) gst_buffer_get_size (buffer));
  g_atomic_int_add (&slides->n_keyframes, !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  g_atomic_int_inc (&slides->n_frames);
  return GST_PAD_PROBE_OK;
}

static MxrRung *
add_slides (Fixture *fixture, guint level, Slides *slides)
{
  const MxrRungParams params = {
    .encoder = mxr_fragments_find (fixture->fragments, "vp8enc", MXR_FRAGMENT_ENCODE, "VP8", NULL),
    .name = "slides",
    .codec = "VP8",
    .bitrate_bps = fixture->graph->views[MXR_VIEW_ROOM].levels.levels[level].bitrate_bps,
    .level = level,
    .keyframe_interval_ms = 100,
    .is_picture = true,
  };
  g_autoptr (GError) error = NULL;
  MxrRung *rung = mxr_rung_new (fixture->graph, fixture->net, &params, &error);
  g_assert_no_error (error);

  g_autoptr (GstElement) bin = gst_bin_get_by_name (GST_BIN (fixture->graph->pipeline), "slides");
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (bin), "enc");
  g_autoptr (GstPad) src = gst_element_get_static_pad (encoder, "src");
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, on_slide, slides, NULL);
  return rung;
}

static void
wait_for_slides (Slides *slides, int n)
{
  gint64 end_us = g_get_monotonic_time () + WATCHDOG_US;

  while (g_atomic_int_get (&slides->n_frames) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, end_us);
    g_usleep (1000);
  }
}

/* Each shows all of the picture, none is followed by anything for a second, and who comes in between gets one at once. */
static void
test_slides (Fixture *fixture, gconstpointer unused)
{
  guint level = fixture->graph->views[MXR_VIEW_ROOM].levels.n - 1;
  Slides slides = { 0 };

  g_assert_cmpint (fixture->graph->views[MXR_VIEW_ROOM].levels.levels[level].kind, ==, MXR_RUNG_SLIDES);
  g_object_set (fixture->graph->views[MXR_VIEW_ROOM].sizes[level].pad, "framerate", 1, 1, NULL);
  MxrRung *rung = add_slides (fixture, level, &slides);
  gint64 begin_us = g_get_monotonic_time ();
  wait_for_slides (&slides, 4);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >, 1500 * G_TIME_SPAN_MILLISECOND);
  gint64 asked_us = g_get_monotonic_time ();
  mxr_rung_request_keyframe (rung, asked_us);
  wait_for_slides (&slides, 5);
  g_test_message ("after %d ms", (int) ((g_get_monotonic_time () - asked_us) / 1000));
  g_assert_cmpint (g_get_monotonic_time () - asked_us, <, 800 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpint (g_atomic_int_get (&slides.n_keyframes), ==, g_atomic_int_get (&slides.n_frames));
  mxr_rung_remove (rung);
  wait_for_removals (fixture);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_assert_true (mxr_elements_register (NULL));
  g_test_add ("/rung/own-goes-on-from-shared", Fixture, NULL, fixture_init, test_own_goes_on_from_shared, fixture_clear);
  g_test_add ("/rung/loss", Fixture, NULL, fixture_init, test_loss, fixture_clear);
  g_test_add ("/rung/keyframes-of-a-still-picture", Fixture, NULL, fixture_init, test_keyframes_of_a_still_picture,
              fixture_clear);
  g_test_add ("/rung/storm-of-requests", Fixture, NULL, fixture_init, test_storm_of_requests, fixture_clear);
  g_test_add ("/rung/slides", Fixture, NULL, fixture_init, test_slides, fixture_clear);
  return g_test_run ();
}
