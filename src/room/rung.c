/* raw media -> [queue] -> encoder and payloader -> appsink -> fan-out. A picture has a queue, so that a slow encoder
 * loses frames and never holds the mixer up; sounds are encoded in the mixer's thread, where all of them together
 * cost less than the threads would. */

#include "room-private.h"

#include <stdatomic.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video-event.h>
#include <string.h>

/* Frames on their way through queue and encoder: one being encoded, one waiting, and one that the queue has dropped. */
#define ENTRIES 4

/* A picture that has come to the rung, known by its time stamp at the packets. */
typedef struct {
  GstClockTime pts_ns;
  gint64 entered_us;
} Entry;

struct _MxrRung {
  MxrRungParams params; /* strings owned below */
  char *name;
  char *codec;
  MxrGraph *graph;
  GstElement *bin;
  GstElement *encoder;
  GstElement *parent; /* mixer or tee: feeds the bin */
  GstPad *upstream;   /* the request pad of @parent that does; owned */
  bool is_added;       /* @bin is in the pipeline */
  bool is_slides;      /* each picture stands for itself, for seconds */
  MxrFanout *fanout;
  GstElement *units;   /* of a picture with a feed: of access units; NULL: there are none */
  MxrSplice *splice;   /* of a picture: into the fan-out; our encoder is its source NULL */
  MxrPeer *passed;     /* whose picture goes to the splice as it is; NULL: nobody's */
  guint loss_percent;  /* that a sound is encoded for */
  MxrKeyframeGovernor governor;
  guint64 n_keyframes;

  GMutex entries_lock;
  Entry entries[ENTRIES]; /* guarded by entries_lock, as is the next */
  guint next_entry;
};

/* ---- How long encoding takes --------------------------------------------------------------------------- */

/* The sound's is noted by its mixer, whose thread encodes. What is mixed while a picture is passed through is not encoded.
 * The branch is unlinked before the rung is freed. Thread: the view's. */
static GstPadProbeReturn
on_picture_enters (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  MxrRung *rung = user_data;

  if (!mxr_splice_uses (rung->splice, NULL))
    return GST_PAD_PROBE_DROP;
  if (rung->is_slides)
    mxr_fragment_bin_request_keyframe (rung->encoder);
  g_mutex_lock (&rung->entries_lock);
  rung->entries[rung->next_entry++ % ENTRIES] =
    (Entry){ GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)), g_get_monotonic_time () };
  g_mutex_unlock (&rung->entries_lock);
  return GST_PAD_PROBE_OK;
}

/* Returns: when the picture of these packets came, or 0. */
static gint64
find_entry_us (MxrRung *rung, GstSample *sample)
{
  GstBufferList *list = gst_sample_get_buffer_list (sample);
  GstBuffer *buffer = list != NULL ? gst_buffer_list_get (list, 0) : gst_sample_get_buffer (sample);
  gint64 entered_us = 0;

  if (buffer == NULL)
    return 0;
  g_mutex_lock (&rung->entries_lock);
  for (guint i = 0; i < ENTRIES; i++)
    if (rung->entries[i].pts_ns == GST_BUFFER_PTS (buffer))
      entered_us = rung->entries[i].entered_us;
  g_mutex_unlock (&rung->entries_lock);
  return entered_us;
}

static void
note_delay (MxrRung *rung, GstSample *sample)
{
  gint64 entered_us = find_entry_us (rung, sample);
  if (entered_us != 0)
    mxr_delay_note (&rung->graph->picture_encode, g_get_monotonic_time () - entered_us);
}

/* ---- The branch ---------------------------------------------------------------------------------------- */

/* The appsink is inside the rung's bin, which has stopped before the rung is freed. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer user_data)
{
  MxrRung *rung = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample == NULL)
    return GST_FLOW_OK;
  if (rung->splice != NULL)
    mxr_splice_push_sample (rung->splice, NULL, sample);
  else
    mxr_fanout_push_sample (rung->fanout, sample);
  if (rung->params.is_picture)
    note_delay (rung, sample);
  return GST_FLOW_OK;
}

static GstElement *
new_sink (MxrRung *rung)
{
  GstElement *sink = gst_element_factory_make ("appsink", "sink");
  GstAppSinkCallbacks callbacks = { .new_sample = on_new_sample };

  /* async=false: the pipeline must not wait for a branch's preroll. */
  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "buffer-list", TRUE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, rung, NULL);
  return sink;
}

/* Two frames: one being encoded, one waiting. What is older than the newest two is of no use to anybody. */
GstElement *
mxr_rung_new_queue (void)
{
  GstElement *queue = gst_element_factory_make ("queue", "queue");
  g_object_set (queue, "max-size-buffers", 2, "max-size-bytes", 0, "max-size-time", (guint64) 0, "silent", TRUE, NULL);
  gst_util_set_object_arg (G_OBJECT (queue), "leaky", "downstream");
  return queue;
}

/* Beside the fan-out's sink. */
static bool
add_units (MxrRung *rung, GstElement *sink, GError **error)
{
  GstElement *tee = gst_element_factory_make ("tee", "tee");
  const MxrLevels *levels = &rung->graph->views[rung->params.view].levels;

  rung->units = mxr_units_new_bin (rung->params.feed, levels->levels[rung->params.level].framerate, error);
  gst_bin_add (GST_BIN (rung->bin), tee);
  if (rung->units == NULL)
    return false;
  gst_bin_add (GST_BIN (rung->bin), rung->units);
  return gst_element_link (tee, sink) && gst_element_link (tee, rung->units) && gst_element_link (rung->encoder, tee);
}

static bool
fill_bin (MxrRung *rung, GError **error)
{
  GstElement *encoder = mxr_fragment_new_bin (rung->params.encoder, "encoder", error);
  if (encoder == NULL)
    return false;

  GstElement *sink = new_sink (rung);
  GstElement *queue = rung->params.is_picture ? mxr_rung_new_queue () : NULL;
  gst_bin_add_many (GST_BIN (rung->bin), encoder, sink, queue, NULL);
  rung->encoder = encoder;
  mxr_fragment_bin_set_bitrate (encoder, rung->params.bitrate_bps);
  if (rung->params.goes_on_from != NULL) {
    mxr_opusenc_fork (encoder, rung->params.goes_on_from->encoder);
    mxr_rung_set_loss (rung, rung->params.goes_on_from->loss_percent);
  }
  bool is_linked = rung->params.feed != NULL ? add_units (rung, sink, error) : gst_element_link (encoder, sink);
  if (!is_linked || (queue != NULL && !gst_element_link (queue, encoder))) {
    if (error == NULL || *error == NULL)
      g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the %s encoder does not link", rung->codec);
    return false;
  }
  g_autoptr (GstPad) target = gst_element_get_static_pad (queue != NULL ? queue : encoder, "sink");
  if (rung->params.is_picture) {
    gst_pad_set_offset (target, MXR_SOUND_BEHIND_PICTURE);
    gst_pad_add_probe (target, GST_PAD_PROBE_TYPE_BUFFER, on_picture_enters, rung, NULL);
  }
  GstPad *ghost = gst_ghost_pad_new ("sink", target);
  gst_pad_set_active (ghost, TRUE);
  return gst_element_add_pad (rung->bin, ghost);
}

/* Returns: (nullable): that feeds it; NULL: a pad of the mixer's own does. */
static const MxrGraphTee *
get_tee (const MxrRung *rung)
{
  if (rung->params.is_picture)
    return &rung->graph->views[rung->params.view].sizes[rung->params.level];
  return rung->params.is_programme ? &rung->graph->programme_sound : NULL;
}

static GstPad *
request_upstream (MxrRung *rung)
{
  if (get_tee (rung) != NULL)
    return gst_element_request_pad_simple (rung->parent, "src_%u");
  g_autofree char *name = g_strdup_printf ("src_%u", rung->params.number);
  return gst_element_request_pad_simple (rung->parent, name);
}

static bool
connect_bin (MxrRung *rung, GError **error)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (rung->bin, "sink");

  rung->parent = get_tee (rung) != NULL ? get_tee (rung)->tee : rung->graph->sound;
  if (!mxr_branch_add (GST_BIN (rung->graph->pipeline), rung->bin, error))
    return false;
  rung->is_added = true;
  rung->upstream = request_upstream (rung);
  if (rung->upstream != NULL && gst_pad_link (rung->upstream, sink) == GST_PAD_LINK_OK &&
      (get_tee (rung) == NULL || mxr_graph_link_tee (get_tee (rung))))
    return true;
  g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "%s does not link to what feeds it", rung->name);
  return false;
}

/* Its branch, if it ever was in the pipeline, is out of it. */
static void
rung_free (gpointer data)
{
  MxrRung *rung = data;

  if (rung->upstream != NULL) {
    gst_element_release_request_pad (rung->parent, rung->upstream);
    gst_object_unref (rung->upstream);
    if (get_tee (rung) != NULL)
      mxr_graph_link_tee (get_tee (rung));
  }
  if (rung->splice != NULL)
    mxr_splice_close (rung->splice);
  g_clear_pointer (&rung->splice, mxr_splice_unref);
  mxr_fanout_close (rung->fanout);
  mxr_fanout_unref (rung->fanout);
  gst_object_unref (rung->bin);
  g_mutex_clear (&rung->entries_lock);
  g_free (rung->name);
  g_free (rung->codec);
  g_free (rung);
}

bool
mxr_rung_is_free (MxrGraph *graph, guint32 number)
{
  g_autofree char *name = g_strdup_printf ("src_%u", number);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (graph->sound, name);
  return pad == NULL;
}

MxrRung *
mxr_rung_new (MxrGraph *graph, MxrNet *net, const MxrRungParams *params, GError **error)
{
  MxrRung *rung = g_new0 (MxrRung, 1);

  rung->params = *params;
  rung->params.name = rung->name = g_strdup (params->name);
  rung->params.codec = rung->codec = g_strdup (params->codec);
  rung->graph = graph;
  rung->is_slides = params->is_picture && graph->views[params->view].levels.levels[params->level].kind == MXR_RUNG_SLIDES;
  g_mutex_init (&rung->entries_lock);
  rung->fanout = mxr_fanout_new (net, params->codec);
  if (params->is_picture)
    rung->splice = mxr_splice_new (rung->fanout, params->codec, NULL);
  rung->bin = gst_object_ref_sink (gst_bin_new (params->name));
  mxr_keyframe_governor_init (&rung->governor, params->keyframe_interval_ms * G_GINT64_CONSTANT (1000));
  bool is_made = fill_bin (rung, error) && connect_bin (rung, error);
  rung->params.goes_on_from = NULL;
  rung->params.feed = NULL;
  if (is_made)
    return rung;
  mxr_rung_remove (rung);
  return NULL;
}

void
mxr_rung_remove (MxrRung *rung)
{
  mxr_rung_pass (rung, NULL);
  if (rung->is_added)
    mxr_branch_remove (GST_BIN (rung->graph->pipeline), rung->bin, rung->upstream, rung_free, rung);
  else
    rung_free (rung);
}

MxrFanout *
mxr_rung_get_fanout (MxrRung *rung)
{
  return rung->fanout;
}

const MxrRungParams *
mxr_rung_get_params (MxrRung *rung)
{
  return &rung->params;
}

bool
mxr_rung_is_ancestor (MxrRung *rung, GstObject *object)
{
  return gst_object_has_as_ancestor (object, GST_OBJECT (rung->bin));
}

void
mxr_rung_set_loss (MxrRung *rung, guint percent)
{
  if (rung->loss_percent == percent)
    return;
  rung->loss_percent = percent;
  mxr_opusenc_set_loss (rung->encoder, percent);
}

guint
mxr_rung_get_loss (const MxrRung *rung)
{
  return rung->loss_percent;
}

void
mxr_rung_set_bitrate (MxrRung *rung, guint bitrate_bps)
{
  if (bitrate_bps == rung->params.bitrate_bps)
    return;
  rung->params.bitrate_bps = bitrate_bps;
  mxr_fragment_bin_set_bitrate (rung->encoder, bitrate_bps);
}

/* The mixer, too, is asked: of a picture that does not change it would send the next one in a second. */
static void
encode_keyframe (MxrRung *rung)
{
  mxr_fragment_bin_request_keyframe (rung->encoder);
  gst_pad_send_event (rung->upstream, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

static void
make_keyframe (MxrRung *rung)
{
  rung->n_keyframes++;
  if (mxr_rung_is_passing (rung))
    mxr_peer_request_keyframe (rung->passed);
  else
    encode_keyframe (rung);
}

void
mxr_rung_pass (MxrRung *rung, MxrPeer *peer)
{
  if (rung->passed == peer)
    return;
  if (rung->passed != NULL)
    mxr_peer_pass (rung->passed, NULL, 0);
  rung->passed = peer;
  mxr_splice_select (rung->splice, peer);
  if (peer != NULL)
    mxr_peer_pass (peer, rung->splice, MXR_SOUND_BEHIND_PICTURE / GST_USECOND);
  else
    encode_keyframe (rung);
}

bool
mxr_rung_is_passing (MxrRung *rung)
{
  return rung->passed != NULL && mxr_splice_get_active (rung->splice) == rung->passed;
}

void
mxr_rung_set_feeding (MxrRung *rung, bool is_feeding)
{
  if (rung->units != NULL)
    mxr_units_set_open (rung->units, is_feeding);
}

void
mxr_rung_request_keyframe (MxrRung *rung, gint64 now_us)
{
  if (mxr_keyframe_governor_request (&rung->governor, now_us))
    make_keyframe (rung);
}

bool
mxr_rung_is_busy (const MxrRung *rung)
{
  return mxr_keyframe_governor_next_due_us (&rung->governor) != G_MAXINT64;
}

/* The request to the one who sends, or all of the key frame, may be lost, and most clients ask once. */
static bool
must_repeat (MxrRung *rung, gint64 now_us)
{
  MxrFanoutStats stats;

  if (!mxr_rung_is_passing (rung))
    return false;
  mxr_fanout_get_stats (rung->fanout, &stats);
  return mxr_keyframe_governor_repeat (&rung->governor, stats.keyframe_us, now_us);
}

void
mxr_rung_tick (MxrRung *rung, gint64 now_us)
{
  if (mxr_keyframe_governor_poll (&rung->governor, now_us) || must_repeat (rung, now_us))
    make_keyframe (rung);
}

guint64
mxr_rung_count_keyframes (MxrRung *rung)
{
  return rung->n_keyframes;
}
