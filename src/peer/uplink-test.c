#include "mixroom/peer.h"

#include <gst/app/gstappsink.h>
#include <stdatomic.h>
#include <string.h>

/* Of the stock fragments. */
GST_ELEMENT_REGISTER_DECLARE (mxropusdec);
GST_ELEMENT_REGISTER_DECLARE (mxrpicturedec);

#define WATCHDOG_S 20
#define N_FRAMES 15

typedef struct {
  const char *codec;
  const char *decoder;
  const char *encoder; /* raw to RTP packets */
  int payload_type;
} Codec;

static const Codec codecs[] = {
  { "OPUS", "opusdec",
    "audiotestsrc num-buffers=15 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! rtpopuspay pt=111 seqnum-offset=1000",
    111 },
  { "VP8", "picturedec-vp8",
    "videotestsrc num-buffers=15 ! video/x-raw,format=I420,width=320,height=180,framerate=50/1 ! "
    "vp8enc deadline=1 cpu-used=-12 keyframe-max-dist=1000 ! rtpvp8pay mtu=300 picture-id-mode=15-bit pt=96 seqnum-offset=1000", 96 },
  { "H264", "picturedec-h264",
    "videotestsrc num-buffers=15 ! video/x-raw,format=I420,width=320,height=180,framerate=50/1 ! "
    "openh264enc gop-size=1000 ! video/x-h264,profile=constrained-baseline ! "
    "rtph264pay mtu=300 aggregate-mode=zero-latency config-interval=-1 pt=102 seqnum-offset=1000", 102 },
};

typedef struct {
  MxrConfig *config;
  MxrFragments *fragments;
  GstElement *pipeline;
  GstElement *sink;
  MxrUplink *uplink;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  gint64 timeline_us;
  atomic_uint n_frames, n_keyframe_requests, n_freed;
  GMutex lock;
  char *orientation; /* guarded by lock: of the last tag that arrived */
} Fixture;

/* ---- What comes out -------------------------------------------------------------------------------------------- */

static void
on_keyframe_needed (gpointer user_data)
{
  atomic_fetch_add (&((Fixture *) user_data)->n_keyframe_requests, 1);
}

static void
on_freed (gpointer user_data)
{
  atomic_fetch_add (&((Fixture *) user_data)->n_freed, 1);
}

static const MxrUplinkEvents events = { .on_keyframe_needed = on_keyframe_needed };

static GstPadProbeReturn
on_output (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Fixture *fixture = user_data;

  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    atomic_fetch_add (&fixture->n_frames, 1);
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_TAG) {
    GstTagList *tags;
    char *orientation;
    gst_event_parse_tag (info->data, &tags);
    if (gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &orientation)) {
      g_mutex_lock (&fixture->lock);
      g_free (fixture->orientation);
      fixture->orientation = orientation;
      g_mutex_unlock (&fixture->lock);
    }
  }
  return GST_PAD_PROBE_OK;
}

static void
add_uplink (Fixture *fixture, const Codec *codec)
{
  g_autoptr (GError) error = NULL;
  const MxrUplinkParams params = {
    .name = "uplink",
    .kind = g_str_equal (codec->codec, "OPUS") ? MXR_RTP_AUDIO : MXR_RTP_VIDEO,
    .codec = codec->codec,
    .payload_type = codec->payload_type,
    .clock_rate = g_str_equal (codec->codec, "OPUS") ? 48000 : 90000,
    .is_wanted = true,
    .timeline_us = fixture->timeline_us,
    .decoder = mxr_fragments_find (fixture->fragments, codec->decoder, MXR_FRAGMENT_DECODE, codec->codec, &error),
    .config = fixture->config,
    .pool = fixture->pool,
    .delays = fixture->delays,
  };
  g_assert_no_error (error);
  fixture->uplink = mxr_uplink_new (&params, &events, fixture, on_freed, &error);
  g_assert_no_error (error);
  g_assert_true (mxr_branch_add (GST_BIN (fixture->pipeline), mxr_uplink_get_bin (fixture->uplink), &error));
  g_assert_true (gst_element_link (mxr_uplink_get_bin (fixture->uplink), fixture->sink));
  mxr_uplink_open (fixture->uplink);
}

static void
remove_uplink (Fixture *fixture)
{
  GstElement *bin = mxr_uplink_get_bin (fixture->uplink);
  mxr_uplink_close (fixture->uplink);
  gst_element_unlink (bin, fixture->sink);
  mxr_branch_remove (GST_BIN (fixture->pipeline), bin, NULL, NULL, NULL);
  g_clear_pointer (&fixture->uplink, mxr_uplink_unref);
  while (mxr_branch_count_removals (GST_BIN (fixture->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { path, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  fixture->config = mxr_config_new ();
  fixture->config->media.jitter_ms = 150; /* a busy machine reorders by more than a client */
  GST_ELEMENT_REGISTER (mxropusdec, NULL);
  GST_ELEMENT_REGISTER (mxrpicturedec, NULL);
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  g_mutex_init (&fixture->lock);
  fixture->pool = mxr_decode_pool_new (2);
  fixture->delays = mxr_peer_delays_new ();
  fixture->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  fixture->sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (fixture->sink, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (fixture->pipeline), fixture->sink);
  gst_pipeline_use_clock (GST_PIPELINE (fixture->pipeline), clock);
  gst_element_set_start_time (fixture->pipeline, GST_CLOCK_TIME_NONE);
  fixture->timeline_us = g_get_monotonic_time ();
  gst_element_set_base_time (fixture->pipeline, fixture->timeline_us * GST_USECOND);
  gst_element_set_state (fixture->pipeline, GST_STATE_PLAYING);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (fixture->sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_output, fixture, NULL);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  if (fixture->uplink != NULL)
    remove_uplink (fixture);
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  gst_object_unref (fixture->pipeline);
  mxr_decode_pool_free (fixture->pool);
  mxr_peer_delays_unref (fixture->delays);
  g_assert_cmpuint (fixture->n_freed, ==, 1);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  g_mutex_clear (&fixture->lock);
  g_free (fixture->orientation);
}

/* ---- What goes in ------------------------------------------------------------------------------------------------ */

/* Packets of N_FRAMES frames, made by GStreamer's own encoders and payloaders. */
static GPtrArray *
make_packets (const Codec *codec)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *description = g_strdup_printf ("%s ! appsink name=sink sync=false buffer-list=false", codec->encoder);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  GPtrArray *packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    gsize size = gst_buffer_get_size (buffer);
    guint8 *bytes = g_malloc (size);
    gst_buffer_extract (buffer, 0, bytes, size);
    g_ptr_array_add (packets, g_bytes_new_take (bytes, size));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return packets;
}

static guint32
get_timestamp (GPtrArray *packets, guint i)
{
  const guint8 *rtp = g_bytes_get_data (packets->pdata[i], NULL);
  return (guint32) rtp[4] << 24 | rtp[5] << 16 | rtp[6] << 8 | rtp[7];
}

/* @cycle: how often the numbers began anew. */
static bool
push_bytes (MxrUplink *uplink, const guint8 *rtp, gsize size, guint cycle, const char *orientation)
{
  MxrRtpView view;
  if (!mxr_rtp_view_parse (&view, rtp, size))
    return true;
  const MxrUplinkPacket packet = {
    .view = &view,
    .extended_seq = (guint64) (cycle + 1) << 20 | view.seq,
    .orientation = orientation,
  };
  return mxr_uplink_push (uplink, &packet, g_get_monotonic_time ());
}

static bool
push (Fixture *fixture, GPtrArray *packets, guint i, const char *orientation)
{
  gsize size;
  const guint8 *rtp = g_bytes_get_data (packets->pdata[i], &size);
  return push_bytes (fixture->uplink, rtp, size, 0, orientation);
}

/* In real time, a frame's packets at once, as clients do. @skipped: one packet that is lost; -1: none. */
static void
push_all (Fixture *fixture, GPtrArray *packets, bool swaps, int skipped, const char *orientation)
{
  for (guint i = 0; i < packets->len; i++) {
    guint from = swaps && i > 1 ? i ^ 1 : i; /* pairs change places, but the first: it says where the numbers begin */
    if (i > 0 && get_timestamp (packets, i) != get_timestamp (packets, i - 1))
      g_usleep (20000);
    if ((int) from != skipped)
      g_assert_true (push (fixture, packets, from, orientation));
  }
}

static void
wait_for_frames (Fixture *fixture, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  while (atomic_load (&fixture->n_frames) < n && g_get_monotonic_time () < deadline_us) {
    g_usleep (2000);
    mxr_uplink_poll (fixture->uplink, g_get_monotonic_time ());
  }
  g_assert_cmpuint (atomic_load (&fixture->n_frames), >=, n);
}

/* ---- Tests --------------------------------------------------------------------------------------------------------- */

static void
test_decodes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) packets = make_packets (data);

  add_uplink (fixture, data);
  push_all (fixture, packets, false, -1, NULL);
  wait_for_frames (fixture, N_FRAMES - 1); /* Opus begins in the encoder's look-ahead */
}

static void
test_reorder (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) packets = make_packets (data);

  if (packets->len % 2 == 1)
    g_ptr_array_remove_index (packets, packets->len - 1);
  add_uplink (fixture, data);
  push_all (fixture, packets, true, -1, NULL);
  wait_for_frames (fixture, N_FRAMES - 3);
  g_assert_cmpuint (atomic_load (&fixture->n_keyframe_requests), ==, 0);
}

/* A lost packet of a picture asks for a key frame; one of a sound is made up by the decoder. */
static void
test_loss (Fixture *fixture, gconstpointer data)
{
  const Codec *codec = data;
  g_autoptr (GPtrArray) packets = make_packets (codec);
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;

  add_uplink (fixture, codec);
  push_all (fixture, packets, false, packets->len / 2, NULL);
  if (g_str_equal (codec->codec, "OPUS")) {
    wait_for_frames (fixture, N_FRAMES - 1);
    return;
  }
  while (atomic_load (&fixture->n_keyframe_requests) == 0 && g_get_monotonic_time () < deadline_us) {
    g_usleep (2000);
    mxr_uplink_poll (fixture->uplink, g_get_monotonic_time ());
  }
  g_assert_cmpuint (atomic_load (&fixture->n_keyframe_requests), >, 0);
}

/* Also when it is known before the decoder has said what it makes. */
static void
test_orientation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) packets = make_packets (data);

  add_uplink (fixture, data);
  push_all (fixture, packets, false, -1, "flip-rotate-90");
  wait_for_frames (fixture, N_FRAMES - 1);
  g_mutex_lock (&fixture->lock);
  g_assert_cmpstr (fixture->orientation, ==, "flip-rotate-90");
  g_mutex_unlock (&fixture->lock);
}

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) packets = make_packets (data);

  add_uplink (fixture, data);
  for (guint i = 0; i < packets->len; i++) {
    gsize size;
    g_autofree guint8 *bytes = g_bytes_unref_to_data (g_bytes_ref (packets->pdata[i]), &size);
    for (gsize k = 12 + i % 7; k < size; k += 1 + i % 5)
      bytes[k] ^= 0x5a + k;
    push_bytes (fixture->uplink, bytes, MAX (12, size - i % size), 0, NULL);
    g_usleep (1000);
  }
  push_all (fixture, packets, false, -1, NULL); /* whatever it makes of these */
}

typedef struct {
  Fixture *fixture;
  MxrUplink *uplink;
  GPtrArray *packets;
  atomic_uint n_pushed;
} Pusher;

/* The network thread has a reference of its own, and goes on until it is told that the uplink is closed. */
static gpointer
push_until_closed (gpointer data)
{
  Pusher *pusher = data;
  gsize size;

  for (guint i = 0;; i = (i + 1) % pusher->packets->len) {
    const guint8 *rtp = g_bytes_get_data (pusher->packets->pdata[i], &size);
    guint n_pushed = atomic_fetch_add (&pusher->n_pushed, 1);
    if (!push_bytes (pusher->uplink, rtp, size, n_pushed / pusher->packets->len, i % 3 == 0 ? "rotate-90" : "rotate-0"))
      break;
  }
  mxr_uplink_unref (pusher->uplink);
  return NULL;
}

static void
test_close_in_mid_push (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) packets = make_packets (data);

  for (guint round = 0; round < 10; round++) {
    add_uplink (fixture, data);
    Pusher pusher = { fixture, mxr_uplink_ref (fixture->uplink), packets, 0 };
    GThread *thread = g_thread_new ("net", push_until_closed, &pusher);
    while (atomic_load (&pusher.n_pushed) < 50 + round * 20)
      g_usleep (100);
    remove_uplink (fixture);
    g_thread_join (thread);
    gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
    while (atomic_load (&fixture->n_freed) == 0 && g_get_monotonic_time () < deadline_us)
      g_usleep (1000); /* a worker may still have a frame of it */
    g_assert_cmpuint (atomic_exchange (&fixture->n_freed, 0), ==, 1);
  }
  atomic_store (&fixture->n_freed, 1);
}

static void
add (const char *name, void (*func) (Fixture *, gconstpointer), guint first)
{
  for (guint i = first; i < G_N_ELEMENTS (codecs); i++) {
    g_autofree char *path = g_strdup_printf ("/uplink/%s/%s", name, codecs[i].codec);
    g_test_add (path, Fixture, &codecs[i], fixture_init, func, fixture_clear);
  }
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  add ("decodes", test_decodes, 0);
  add ("reorder", test_reorder, 0);
  add ("loss", test_loss, 0);
  add ("orientation", test_orientation, 1);
  add ("garbage", test_garbage, 0);
  add ("close-in-mid-push", test_close_in_mid_push, 0);
  return g_test_run ();
}
