/* Branches come and go on a pipeline that plays: buffers keep flowing, nothing hangs, nothing is left behind.
 */

#define GST_USE_UNSTABLE_API
#include "mixroom/pipeline.h"

#include <unistd.h>

#define N_CYCLES 500
#define WATCHDOG_S 50 /* alarm() ends the process: a deadlock is a failure, not a wait */

typedef struct {
  GstElement *pipeline;
  GstElement *tee;
  MxrFragments *fragments;
  int n_tee_buffers;    /* atomic: entered the tee, until the first pad was requested */
  int n_main_buffers;   /* atomic: reached the sink that stays */
  int n_branch_buffers; /* atomic: reached a sink of a branch */
  guint n_removed;
} Fixture;

typedef struct {
  Fixture *fixture;
  GstElement *encoder; /* borrowed: the pipeline's */
  GstElement *sink;
  GstPad *tee_src;
} Branch;

static GstPadProbeReturn
count_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_atomic_int_inc ((int *) data);
  return GST_PAD_PROBE_OK;
}

static GstElement *
new_counting_sink (int *counter)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, count_buffer, counter,
                     NULL);
  return sink;
}

static void
wait_until_more (int *counter, int n)
{
  for (int start = g_atomic_int_get (counter); g_atomic_int_get (counter) < start + n;)
    g_main_context_iteration (NULL, FALSE);
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *dir = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "pipelines", NULL);
  const char *const dirs[] = { dir, NULL };
  g_autoptr (GError) error = NULL;

  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  fixture->pipeline = gst_parse_launch ("videotestsrc is-live=true pattern=ball "
                                        "! video/x-raw,format=I420,width=160,height=120,framerate=500/1 "
                                        "! tee name=tee allow-not-linked=true",
                                        &error);
  g_assert_no_error (error);
  fixture->tee = gst_bin_get_by_name (GST_BIN (fixture->pipeline), "tee");
  g_assert_cmpint (gst_element_set_state (fixture->pipeline, GST_STATE_PLAYING), !=,
                   GST_STATE_CHANGE_FAILURE);

  /* tee loses stream-start for a pad that is requested in the moment it passes. */
  g_autoptr (GstPad) tee_sink = gst_element_get_static_pad (fixture->tee, "sink");
  gulong probe =
      gst_pad_add_probe (tee_sink, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, &fixture->n_tee_buffers, NULL);
  wait_until_more (&fixture->n_tee_buffers, 1);
  gst_pad_remove_probe (tee_sink, probe);

  GstElement *sink = new_counting_sink (&fixture->n_main_buffers);
  g_assert_true (mxr_branch_add (GST_BIN (fixture->pipeline), sink, &error));
  g_assert_true (gst_element_link (fixture->tee, sink));
  wait_until_more (&fixture->n_main_buffers, 3);
}

static void
assert_no_error_was_posted (Fixture *fixture)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (fixture->pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
  g_assert_null (message);
}

static void
wait_for_removals (Fixture *fixture)
{
  while (mxr_branch_count_removals (GST_BIN (fixture->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  wait_for_removals (fixture);
  assert_no_error_was_posted (fixture);
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  gst_object_unref (fixture->tee);
  gst_object_unref (fixture->pipeline);
  mxr_fragments_free (fixture->fragments);
}

static void
on_sink_removed (gpointer data)
{
  Branch *branch = data;
  branch->fixture->n_removed++;
  g_free (branch);
}

static void
on_encoder_removed (gpointer data)
{
  Branch *branch = data;
  gst_element_release_request_pad (branch->fixture->tee, branch->tee_src);
  gst_object_unref (branch->tee_src);
  mxr_branch_remove (GST_BIN (branch->fixture->pipeline), branch->sink, NULL, on_sink_removed, branch);
}

static Branch *
add_branch (Fixture *fixture, const char *encoder, const char *codec)
{
  Branch *branch = g_new0 (Branch, 1);
  const MxrFragment *fragment =
      mxr_fragments_find (fixture->fragments, encoder, MXR_FRAGMENT_ENCODE, codec, NULL);
  branch->fixture = fixture;
  branch->sink = new_counting_sink (&fixture->n_branch_buffers);
  branch->encoder = mxr_fragment_new_bin (fragment, NULL, NULL);
  g_assert_true (mxr_branch_add (GST_BIN (fixture->pipeline), branch->sink, NULL));
  g_assert_true (mxr_branch_add (GST_BIN (fixture->pipeline), branch->encoder, NULL));
  g_assert_true (gst_element_link (branch->encoder, branch->sink));
  branch->tee_src = gst_element_request_pad_simple (fixture->tee, "src_%u");
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (branch->encoder, "sink");
  g_assert_cmpint (gst_pad_link (branch->tee_src, sink_pad), ==, GST_PAD_LINK_OK);
  return branch;
}

static void
remove_branch (Branch *branch)
{
  mxr_branch_remove (GST_BIN (branch->fixture->pipeline), branch->encoder, branch->tee_src,
                     on_encoder_removed, branch);
}

/* Every third branch is removed at once, the others after their first packets or while others are being
 * removed. */
static void
test_churn (Fixture *fixture, gconstpointer data)
{
  static const char *const encoders[][2] = { { "vp8enc", "VP8" },
                                             { "openh264enc", "H264" },
                                             { "x264enc", "H264" } };
  gint64 slowest_us = 0;

  for (guint cycle = 0; cycle < N_CYCLES; cycle++) {
    const char *const *encoder = encoders[cycle / 3 % G_N_ELEMENTS (encoders)];
    Branch *branch = add_branch (fixture, encoder[0], encoder[1]);
    if (cycle % 3 != 0)
      wait_until_more (&fixture->n_branch_buffers, 1);
    gint64 before_us = g_get_monotonic_time ();
    remove_branch (branch);
    slowest_us = MAX (slowest_us, g_get_monotonic_time () - before_us);
    if (cycle % 16 == 0)
      wait_until_more (&fixture->n_main_buffers, 1);
    while (mxr_branch_count_removals (GST_BIN (fixture->pipeline)) > 8)
      g_main_context_iteration (NULL, TRUE);
  }
  wait_for_removals (fixture);
  g_assert_cmpuint (fixture->n_removed, ==, N_CYCLES);
  wait_until_more (&fixture->n_main_buffers, 3);
  assert_no_error_was_posted (fixture);
  g_assert_cmpint (GST_BIN_NUMCHILDREN (fixture->pipeline), ==,
                   4); /* source, caps, tee, the sink that stays */
  g_assert_cmpint (fixture->tee->numsrcpads, ==, 1);
  g_test_message ("slowest mxr_branch_remove: %" G_GINT64_FORMAT " us", slowest_us);
}

/* The branch holds a buffer for a long time: the control thread does not notice, and the rest goes on when it
 * is let go. */
static GstPadProbeReturn
hold_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  int *gate = data;
  g_atomic_int_set (&gate[0], 1);
  while (!g_atomic_int_get (&gate[1]))
    g_usleep (1000);
  return GST_PAD_PROBE_OK;
}

static void
test_busy_branch_does_not_block (Fixture *fixture, gconstpointer data)
{
  int gate[2] = { 0, 0 };
  Branch *branch = add_branch (fixture, "vp8enc", "VP8");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (branch->sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, hold_buffer, gate,
                     NULL);
  while (!g_atomic_int_get (&gate[0]))
    g_main_context_iteration (NULL, FALSE);

  remove_branch (branch); /* returns although the buffer is still inside */
  g_assert_cmpuint (mxr_branch_count_removals (GST_BIN (fixture->pipeline)), ==, 1);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (fixture->n_removed, ==, 0);
  g_atomic_int_set (&gate[1], 1);
  wait_for_removals (fixture);
  g_assert_cmpuint (fixture->n_removed, ==, 1);
  wait_until_more (&fixture->n_main_buffers, 3);
}

/* The room ends while branches are on their way out. */
static void
test_pipeline_stops_meanwhile (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    remove_branch (add_branch (fixture, "openh264enc", "H264"));
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  wait_for_removals (fixture);
  g_assert_cmpuint (fixture->n_removed, ==, 5);
}

static void
test_add_failures (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  g_object_set (source, "location", "/nonexistent/file", NULL);
  g_assert_false (mxr_branch_add (GST_BIN (fixture->pipeline), source, &error));
  g_assert_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_FAILED);
  g_assert_cmpint (GST_BIN_NUMCHILDREN (fixture->pipeline), ==, 4);
  wait_until_more (&fixture->n_main_buffers, 3);

  g_autoptr (GstBus) bus = gst_element_get_bus (fixture->pipeline);
  guint n_errors = 0; /* the source's own words */
  for (GstMessage *message; (message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL; n_errors++)
    gst_message_unref (message);
  g_assert_cmpuint (n_errors, >, 0);
}

/* Last: whatever the tests before made is gone; factories and caps of templates live as long as the process.
 */
static void
test_nothing_leaks (void)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstStructure *live = NULL;
  g_assert_cmpuint (g_list_length (tracers), ==, 1);
  g_signal_emit_by_name (tracers->data, "get-live-objects", &live);
  g_autofree char *text = gst_structure_to_string (live);
  const GValue *list = gst_structure_get_value (live, "live-objects-list");
  if (gst_value_list_get_size (list) > 0)
    g_error ("%s", text);
  gst_structure_free (live);
  g_list_free_full (tracers, gst_object_unref);
}

int
main (int argc, char **argv)
{
  g_setenv ("GST_TRACERS", "leaks(filters=\"GstElement,GstPad,GstBus,GstTask,GstBuffer,GstEvent\")", TRUE);
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  alarm (WATCHDOG_S);

  g_test_add ("/branch/churn", Fixture, NULL, fixture_set_up, test_churn, fixture_tear_down);
  g_test_add ("/branch/busy-branch-does-not-block", Fixture, NULL, fixture_set_up,
              test_busy_branch_does_not_block, fixture_tear_down);
  g_test_add ("/branch/pipeline-stops-meanwhile", Fixture, NULL, fixture_set_up,
              test_pipeline_stops_meanwhile, fixture_tear_down);
  g_test_add ("/branch/add-failures", Fixture, NULL, fixture_set_up, test_add_failures, fixture_tear_down);
  g_test_add_func ("/branch/nothing-leaks", test_nothing_leaks);
  return g_test_run ();
}
