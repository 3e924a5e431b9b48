/* The programme: the view and the full mix, encoded once while a room has outputs, and handed to all of them.
 *
 *   view's tee -> queue -> H.264 -> appsink ─┐
 *                                            ├─> feed ─> outputs
 *   mixer ────────────────> AAC ──> appsink ─┘
 */

#include "room-private.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video-event.h>
#include <string.h>

/* Players and segments begin at key frames, and what a killed recording loses is at most one such stretch. */
#define KEYFRAME_US (2 * G_TIME_SPAN_SECOND)
/* Of outputs that begin: not sooner after the last one. */
#define KEYFRAME_MIN_US (500 * G_TIME_SPAN_MILLISECOND)
/* An encoder that failed is not tried again sooner. */
#define RETRY_US G_TIME_SPAN_SECOND

/* One encoding in the room's pipeline. */
typedef struct {
  MxrGraph *graph;
  MxrFeed *feed;
  MxrFeedStream stream;
  GstElement *bin, *encoder;
  GstElement *parent; /* tee or mixer */
  GstPad *upstream;   /* the request pad of @parent that feeds the bin; owned */
  bool is_added;      /* @bin is in the pipeline */
} Encoding;

struct _MxrProgramme {
  MxrRoom *room;
  MxrFeed *feed;
  GPtrArray *outputs;                        /* MxrOutput, owned, in order of their start */
  Encoding *encodings[MXR_FEED_N_STREAMS];   /* NULL: not needed, or failed */
  gint64 retry_us;                           /* when one that failed is tried again */
  gint64 keyframe_us, keyframe_due_us;
};

/* ---- Encoding ---------------------------------------------------------------------------------------------------- */

/* The appsink is inside the bin, which has stopped before the encoding is freed. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer user_data)
{
  Encoding *encoding = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample != NULL)
    mxr_feed_push (encoding->feed, encoding->stream, sample);
  return GST_FLOW_OK;
}

static GstElement *
new_sink (Encoding *encoding)
{
  GstElement *sink = gst_element_factory_make ("appsink", "sink");
  GstAppSinkCallbacks callbacks = { .new_sample = on_new_sample };

  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, encoding, NULL);
  return sink;
}

static bool
fill_bin (Encoding *encoding, MxrRoom *room, GError **error)
{
  const MxrConfig *config = room->hub->config;
  bool is_picture = encoding->stream == MXR_FEED_PICTURE;
  const MxrFragment *fragment = mxr_hub_find_programme_encoder (room->hub, encoding->stream, error);

  encoding->encoder = fragment != NULL ? mxr_fragment_new_bin (fragment, "encoder", error) : NULL;
  if (encoding->encoder == NULL)
    return false;
  GstElement *sink = new_sink (encoding), *queue = is_picture ? mxr_rung_new_queue () : NULL;
  gst_bin_add_many (GST_BIN (encoding->bin), encoding->encoder, sink, queue, NULL);
  mxr_fragment_bin_set_bitrate (encoding->encoder, is_picture ? config->programme.picture_bitrate_bps
                                                              : config->programme.sound_bitrate_bps);
  if (!gst_element_link (encoding->encoder, sink) || (queue != NULL && !gst_element_link (queue, encoding->encoder))) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the programme's encoder does not link");
    return false;
  }
  g_autoptr (GstPad) target = gst_element_get_static_pad (queue != NULL ? queue : encoding->encoder, "sink");
  gst_pad_set_offset (target, is_picture ? MXR_SOUND_BEHIND_PICTURE : 0);
  GstPad *ghost = gst_ghost_pad_new ("sink", target);
  gst_pad_set_active (ghost, TRUE);
  return gst_element_add_pad (encoding->bin, ghost);
}

/* The sound's pad has a number that no sink of the mixer has: nobody is left out. */
static bool
connect_bin (Encoding *encoding, MxrRoom *room, GError **error)
{
  bool is_picture = encoding->stream == MXR_FEED_PICTURE;
  g_autofree char *pad = is_picture ? g_strdup ("src_%u") : g_strdup_printf ("src_%u", room->next_key++);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (encoding->bin, "sink");

  encoding->parent = is_picture ? room->graph->views[0].tee : room->graph->sound;
  if (!mxr_branch_add (GST_BIN (room->graph->pipeline), encoding->bin, error))
    return false;
  encoding->is_added = true;
  encoding->upstream = gst_element_request_pad_simple (encoding->parent, pad);
  if (encoding->upstream != NULL && gst_pad_link (encoding->upstream, sink) == GST_PAD_LINK_OK &&
      (!is_picture || mxr_graph_link_view (&room->graph->views[0])))
    return true;
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the programme does not link to the mixers");
  return false;
}

static void
encoding_free (gpointer data)
{
  Encoding *encoding = data;

  if (encoding->upstream != NULL) {
    gst_element_release_request_pad (encoding->parent, encoding->upstream);
    gst_object_unref (encoding->upstream);
    if (encoding->stream == MXR_FEED_PICTURE)
      mxr_graph_link_view (&encoding->graph->views[0]);
  }
  gst_object_unref (encoding->bin);
  mxr_feed_unref (encoding->feed);
  g_free (encoding);
}

static void
encoding_remove (Encoding *encoding)
{
  if (encoding->is_added)
    mxr_branch_remove (GST_BIN (encoding->graph->pipeline), encoding->bin, encoding->upstream, encoding_free, encoding);
  else
    encoding_free (encoding);
}

static Encoding *
encoding_new (MxrProgramme *programme, MxrFeedStream stream, GError **error)
{
  MxrRoom *room = programme->room;
  Encoding *encoding = g_new0 (Encoding, 1);
  g_autofree char *name = g_strdup_printf ("programme-%u", room->next_key++);

  encoding->graph = room->graph;
  encoding->feed = mxr_feed_ref (programme->feed);
  encoding->stream = stream;
  encoding->bin = gst_object_ref_sink (gst_bin_new (name));
  if (fill_bin (encoding, room, error) && connect_bin (encoding, room, error))
    return encoding;
  encoding_remove (encoding);
  return NULL;
}

/* ---- On and off --------------------------------------------------------------------------------------------------- */

static bool
is_taken (const MxrProgramme *programme, MxrFeedStream stream)
{
  for (guint i = 0; i < programme->outputs->len; i++)
    if (mxr_output_is_live (programme->outputs->pdata[i]) && mxr_output_takes (programme->outputs->pdata[i], stream))
      return true;
  return false;
}

bool
mxr_programme_is_on (const MxrRoom *room)
{
  for (guint i = 0; room->programme != NULL && i < MXR_FEED_N_STREAMS; i++)
    if (is_taken (room->programme, i))
      return true;
  return false;
}

static void
start (MxrProgramme *programme)
{
  MxrRoom *room = programme->room;

  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++) {
    g_autoptr (GError) error = NULL;
    if (programme->encodings[i] != NULL || !is_taken (programme, i))
      continue;
    programme->encodings[i] = encoding_new (programme, i, &error);
    if (programme->encodings[i] != NULL)
      continue;
    programme->retry_us = g_get_monotonic_time () + RETRY_US;
    if (mxr_log_allowed (&room->errors))
      mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no programme: %s", error->message);
  }
}

/* While somebody listens who knows no gaps, the mixer must not rest. */
void
mxr_programme_update (MxrProgramme *programme)
{
  MxrRoom *room = programme->room;
  bool is_on = mxr_programme_is_on (room);

  g_object_set (room->graph->sound, "rest", !is_on, NULL);
  if (is_on)
    start (programme);
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    if (!is_taken (programme, i))
      g_clear_pointer (&programme->encodings[i], encoding_remove);
  mxr_stage_want_uplinks (room);
  mxr_tracks_update (room);
}

static void
make_keyframe (MxrProgramme *programme, gint64 now_us)
{
  Encoding *encoding = programme->encodings[MXR_FEED_PICTURE];

  programme->keyframe_us = now_us;
  programme->keyframe_due_us = now_us + KEYFRAME_US;
  if (encoding == NULL)
    return;
  mxr_fragment_bin_request_keyframe (encoding->encoder);
  gst_pad_send_event (encoding->upstream, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

void
mxr_programme_tick (MxrRoom *room, gint64 now_us)
{
  MxrProgramme *programme = room->programme;

  if (!mxr_programme_is_on (room))
    return;
  if (programme->retry_us != 0 && now_us >= programme->retry_us) {
    programme->retry_us = 0;
    start (programme);
  }
  if (now_us >= programme->keyframe_due_us)
    make_keyframe (programme, now_us);
}

void
mxr_programme_recover (MxrRoom *room, GstObject *source)
{
  MxrProgramme *programme = room->programme;

  for (guint i = 0; programme != NULL && i < MXR_FEED_N_STREAMS; i++) {
    Encoding *encoding = programme->encodings[i];
    if (encoding == NULL || !gst_object_has_as_ancestor (source, GST_OBJECT (encoding->bin)))
      continue;
    g_clear_pointer (&programme->encodings[i], encoding_remove);
    programme->retry_us = g_get_monotonic_time () + RETRY_US;
  }
}

/* ---- Outputs -------------------------------------------------------------------------------------------------------- */

static void
request_keyframe (MxrProgramme *programme)
{
  programme->keyframe_due_us = MIN (programme->keyframe_due_us, programme->keyframe_us + KEYFRAME_MIN_US);
  mxr_room_stir (programme->room);
}

static void
on_keyframe_wanted (MxrOutput *output, gpointer user_data)
{
  request_keyframe (user_data);
}

static void
on_output_changed (MxrOutput *output, gpointer user_data)
{
  MxrProgramme *programme = user_data;
  MxrOutputInfo info;

  mxr_output_get_info (output, &info);
  mxr_log (info.state == MXR_OUTPUT_FAILED ? MXR_LOG_WARNING : MXR_LOG_INFO, "room", programme->room->name, NULL,
           "output %s (%s) is %s%s%s", info.id, info.type, mxr_output_state_to_string (info.state),
           info.detail != NULL ? ": " : "", info.detail != NULL ? info.detail : "");
  if (!mxr_output_is_live (output))
    mxr_programme_update (programme);
}

static const MxrOutputEvents output_events = {
  .on_changed = on_output_changed,
  .on_keyframe_wanted = on_keyframe_wanted,
};

GPtrArray *
mxr_programme_get_outputs (const MxrRoom *room)
{
  return room->programme != NULL ? room->programme->outputs : NULL;
}

static MxrProgramme *
get_programme (MxrRoom *room)
{
  if (room->programme != NULL)
    return room->programme;
  MxrProgramme *programme = room->programme = g_new0 (MxrProgramme, 1);
  programme->room = room;
  programme->feed = mxr_feed_new ();
  programme->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_output_free);
  return programme;
}

static void
forget_ended_outputs (MxrProgramme *programme)
{
  for (guint i = 0; i < programme->outputs->len && programme->outputs->len >= MXR_OUTPUTS_KEPT; i++)
    if (mxr_output_is_over (programme->outputs->pdata[i]))
      g_ptr_array_remove_index (programme->outputs, i--);
}

static guint
count_outputs (const MxrProgramme *programme)
{
  guint n = 0;

  for (guint i = 0; i < programme->outputs->len; i++)
    n += !mxr_output_is_over (programme->outputs->pdata[i]);
  return n;
}

MxrOutput *
mxr_programme_add_output (MxrRoom *room, const MxrOutputOrder *order, GError **error)
{
  const MxrConfig *config = room->hub->config;
  MxrProgramme *programme = get_programme (room);
  const MxrOutputRequest request = { order->type, order->format, order->url };
  const MxrOutputPlaces places = { config->programme.recordings_directory, config->programme.hls_directory,
                                   config->programme.push };

  if (count_outputs (programme) >= MXR_OUTPUTS_MAX) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUTS_FULL, "a room has %d outputs at most; stop one first",
                 MXR_OUTPUTS_MAX);
    return NULL;
  }
  if (g_strcmp0 (order->type, "tracks") == 0 && mxr_tracks_find_output (room) != NULL) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUTS_FULL,
                         "this room's tracks are being recorded already; stop that output first");
    return NULL;
  }
  forget_ended_outputs (programme);
  MxrOutput *output = mxr_output_new (&request, &places, room->name, programme->feed, &output_events, programme, error);
  if (output == NULL)
    return NULL;
  g_ptr_array_add (programme->outputs, output);
  mxr_programme_update (programme);
  request_keyframe (programme);
  return output;
}

void
mxr_programme_clear (MxrRoom *room)
{
  MxrProgramme *programme = room->programme;

  if (programme == NULL)
    return;
  for (guint i = 0; i < programme->outputs->len; i++)
    mxr_output_stop (programme->outputs->pdata[i]);
  mxr_programme_update (programme);
}

bool
mxr_programme_is_over (const MxrRoom *room)
{
  return room->programme == NULL || count_outputs (room->programme) == 0;
}

void
mxr_programme_free (MxrProgramme *programme)
{
  g_ptr_array_unref (programme->outputs);
  mxr_feed_unref (programme->feed);
  g_free (programme);
}
