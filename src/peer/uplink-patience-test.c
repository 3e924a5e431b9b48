/* How long an uplink waits for what is missing, on a test clock. */

#include "mixroom/peer.h"

#include <glib/gstdio.h>
#include <gst/check/gsttestclock.h>

#define FIRST_MS 1000 /* arrival of the first packet */
#define FRAME_MS 33

typedef struct {
  char *dir;
  MxrFragments *fragments;
  MxrConfig *config;
  GstClock *clock;
  GstElement *pipeline;
  MxrUplink *uplink;
  GMutex lock;
  GCond cond;
  bool needs_keyframe;
} Fixture;

static void
on_keyframe_needed (gpointer user_data)
{
  Fixture *fixture = user_data;
  g_mutex_lock (&fixture->lock);
  fixture->needs_keyframe = true;
  g_cond_signal (&fixture->cond);
  g_mutex_unlock (&fixture->lock);
}

/* No decoder: what is sent here is no picture. */
static void
load_fragment (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("uplink-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (fixture->dir, "depay.gst", NULL);
  g_file_set_contents (path,
                       "#: kind = decode  #: codec = VP8  #: needs = rtpvp8depay\n"
                       "rtpvp8depay request-keyframe=true wait-for-keyframe=true\n",
                       -1, &error);
  g_assert_no_error (error);
  const char *dirs[] = { fixture->dir, NULL };
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (fixture->dir);
}

static void
fixture_init (Fixture *fixture, bool is_repaired)
{
  g_autoptr (GError) error = NULL;

  g_mutex_init (&fixture->lock);
  g_cond_init (&fixture->cond);
  load_fragment (fixture);
  fixture->config = mxr_config_new ();
  const MxrUplinkParams params = {
    .name = "uplink",
    .kind = MXR_RTP_VIDEO,
    .codec = "VP8",
    .payload_type = 96,
    .clock_rate = 90000,
    .is_repaired = is_repaired,
    .decoder = mxr_fragments_find (fixture->fragments, "depay", MXR_FRAGMENT_DECODE, "VP8", &error),
    .config = fixture->config,
  };
  g_assert_no_error (error);
  fixture->uplink = mxr_uplink_new (&params, on_keyframe_needed, fixture, NULL, &error);
  g_assert_no_error (error);

  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  fixture->pipeline = gst_pipeline_new (NULL);
  fixture->clock = gst_test_clock_new_with_start_time (FIRST_MS * GST_MSECOND);
  gst_pipeline_use_clock (GST_PIPELINE (fixture->pipeline), fixture->clock);
  gst_element_set_start_time (fixture->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (fixture->pipeline, 0);
  gst_bin_add_many (GST_BIN (fixture->pipeline), mxr_uplink_get_bin (fixture->uplink), sink, NULL);
  g_assert_true (gst_element_link (mxr_uplink_get_bin (fixture->uplink), sink));
  mxr_uplink_open (fixture->uplink);
  gst_element_set_state (fixture->pipeline, GST_STATE_PLAYING);
}

static void
fixture_clear (Fixture *fixture)
{
  mxr_uplink_close (fixture->uplink);
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  gst_object_unref (fixture->pipeline);
  gst_object_unref (fixture->clock);
  mxr_uplink_unref (fixture->uplink);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  g_mutex_clear (&fixture->lock);
  g_cond_clear (&fixture->cond);
  g_free (fixture->dir);
}

/* One frame of one packet; the first is a key frame (RFC 7741 4.2, 4.3). */
static void
push_frame (Fixture *fixture, guint index)
{
  const guint32 timestamp = index * FRAME_MS * 90;
  const guint8 packet[] = { 0x80,
                            0x80 | 96,
                            0,
                            (guint8) index,
                            (guint8) (timestamp >> 24),
                            (guint8) (timestamp >> 16),
                            (guint8) (timestamp >> 8),
                            (guint8) timestamp,
                            0,
                            0,
                            0,
                            1,
                            0x10,
                            index == 0 ? 0x00 : 0x01,
                            0,
                            0,
                            0x9d,
                            0x01,
                            0x2a,
                            64,
                            0,
                            64,
                            0 };
  g_assert_true (
      mxr_uplink_push (fixture->uplink, packet, sizeof packet, NULL, (FIRST_MS + index * FRAME_MS) * 1000));
}

/* Lets time pass from timer to timer. */
static guint
wait_for_keyframe_request_ms (Fixture *fixture)
{
  GstTestClock *clock = GST_TEST_CLOCK (fixture->clock);

  g_mutex_lock (&fixture->lock);
  while (!fixture->needs_keyframe) {
    if (g_cond_wait_until (&fixture->cond, &fixture->lock, g_get_monotonic_time () + 50 * 1000))
      break;
    g_mutex_unlock (&fixture->lock);
    if (gst_test_clock_peek_id_count (clock) > 0)
      gst_test_clock_crank (clock);
    g_mutex_lock (&fixture->lock);
  }
  g_mutex_unlock (&fixture->lock);
  return (guint) (gst_clock_get_time (fixture->clock) / GST_MSECOND);
}

/* From the lost packet's time until it is given up. */
static guint
measure_patience_ms (bool is_repaired)
{
  Fixture fixture = { 0 };
  const guint lost = 5;

  fixture_init (&fixture, is_repaired);
  for (guint i = 0; i < 8; i++)
    if (i != lost)
      push_frame (&fixture, i);
  guint given_up_ms = wait_for_keyframe_request_ms (&fixture);
  fixture_clear (&fixture);
  return given_up_ms - (FIRST_MS + lost * FRAME_MS);
}

static void
test_waits_for_repair (void)
{
  guint patience_ms = measure_patience_ms (true);
  g_test_message ("%u ms", patience_ms);
  /* Two round trips of 100 ms; and no more than people take for a hitch. */
  g_assert_cmpuint (patience_ms, >=, 200);
  g_assert_cmpuint (patience_ms, <=, 300);
}

static void
test_without_repair_only_for_jitter (void)
{
  guint patience_ms = measure_patience_ms (false);
  g_test_message ("%u ms", patience_ms);
  g_assert_cmpuint (patience_ms, <=, 80);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uplink/waits-for-repair", test_waits_for_repair);
  g_test_add_func ("/uplink/without-repair-only-for-jitter", test_without_repair_only_for_jitter);
  return g_test_run ();
}
