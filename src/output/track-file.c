/* One file of a track: RTP is depacketised and goes into Matroska, in threads of its own. A single stream, because a muxer waits
 * for each of its streams: of two that a participant sends, one may be silent for hours. */

#include "output-private.h"

#include <gst/app/gstappsrc.h>

#define END_WITHIN_S 5

struct _MxrTrackFile {
  GstElement *pipeline;
  GstAppSrc *source;
  guint bus_watch, timer;
  bool is_starting, is_stopping, must_stop; /* a worker is at it; it is to be stopped once it is not */
  atomic_uint_fast64_t n_bytes;
  atomic_uint_fast64_t *total_bytes;
  GError *error; /* NULL: none yet */
  MxrTrackFileFunc on_over;
  gpointer user_data;
};

/* The payload type is any: what comes is of the codec. It is in order; a number that is behind follows a pause of thousands. */
static const struct {
  const char *codec;
  const char *chain;
} chains[] = {
  { "OPUS", "caps=application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=96 ! rtpopusdepay max-reorder=0" },
  { "VP8", "caps=application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96 ! rtpvp8depay max-reorder=0" },
  { "H264", "caps=application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96 ! rtph264depay max-reorder=0 ! h264parse" },
};

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

static void change_state_in_worker (MxrTrackFile *file, GstState state);

static void
set_state (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  gst_element_set_state (data, GPOINTER_TO_INT (g_object_get_data (G_OBJECT (task), "state")));
  g_task_return_boolean (task, TRUE);
}

static void
on_state_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrTrackFile *file = user_data;

  if (file->is_stopping) {
    file->on_over (file, file->error, file->user_data);
    return;
  }
  file->is_starting = false;
  if (file->must_stop)
    change_state_in_worker (file, GST_STATE_NULL);
}

static void
change_state_in_worker (MxrTrackFile *file, GstState state)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_state_set, file);

  file->is_starting = state == GST_STATE_PLAYING;
  file->is_stopping = state == GST_STATE_NULL;
  g_object_set_data (G_OBJECT (task), "state", GINT_TO_POINTER (state));
  g_task_set_task_data (task, gst_object_ref (file->pipeline), gst_object_unref);
  g_task_run_in_thread (task, set_state);
}

/* Two workers might do it in the wrong order. */
static void
stop (MxrTrackFile *file)
{
  g_clear_handle_id (&file->timer, g_source_remove);
  if (file->must_stop)
    return;
  file->must_stop = true;
  if (!file->is_starting)
    change_state_in_worker (file, GST_STATE_NULL);
}

/* ---- The pipeline ------------------------------------------------------------------------------------------------ */

static gboolean
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  MxrTrackFile *file = user_data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR && file->error == NULL)
    gst_message_parse_error (message, &file->error, NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    stop (file);
  return G_SOURCE_CONTINUE;
}

static GstPadProbeReturn
count_bytes (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  MxrTrackFile *file = user_data;
  bool is_list = (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0;
  gsize n_bytes = is_list ? gst_buffer_list_calculate_size (GST_PAD_PROBE_INFO_BUFFER_LIST (info))
                          : gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  atomic_fetch_add (&file->n_bytes, n_bytes);
  atomic_fetch_add (file->total_bytes, n_bytes);
  return GST_PAD_PROBE_OK;
}

static char *
describe (const char *codec)
{
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++)
    if (g_str_equal (chains[i].codec, codec))
      return g_strdup_printf ("appsrc name=source format=time max-bytes=0 %s ! matroskamux max-cluster-duration=1000000000 "
                              "! filesink name=sink buffer-mode=unbuffered async=false sync=false",
                              chains[i].chain);
  g_return_val_if_reached (NULL);
}

MxrTrackFile *
mxr_track_file_new (const char *codec, const char *path, atomic_uint_fast64_t *total_bytes, MxrTrackFileFunc on_over,
                    gpointer user_data, GError **error)
{
  g_autofree char *description = describe (codec);
  GstElement *pipeline = mxr_output_parse (description, error);
  if (pipeline == NULL)
    return NULL;

  MxrTrackFile *file = g_new0 (MxrTrackFile, 1);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (pipeline));
  file->pipeline = gst_object_ref_sink (pipeline);
  file->source = GST_APP_SRC (gst_bin_get_by_name (GST_BIN (pipeline), "source"));
  file->total_bytes = total_bytes;
  file->on_over = on_over;
  file->user_data = user_data;
  file->bus_watch = gst_bus_add_watch (bus, on_bus_message, file);
  g_object_set (sink, "location", path, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, count_bytes, file, NULL);
  change_state_in_worker (file, GST_STATE_PLAYING);
  return file;
}

void
mxr_track_file_free (MxrTrackFile *file)
{
  g_source_remove (file->bus_watch);
  gst_object_unref (file->source);
  gst_object_unref (file->pipeline);
  g_clear_error (&file->error);
  g_free (file);
}

void
mxr_track_file_push (MxrTrackFile *file, GstBufferList *packets, GstClockTime time_ns)
{
  GstBufferList *own = gst_buffer_list_make_writable (packets);

  for (guint i = 0; i < gst_buffer_list_length (own); i++) {
    GstBuffer *packet = gst_buffer_list_get_writable (own, i);
    GST_BUFFER_PTS (packet) = GST_BUFFER_DTS (packet) = time_ns;
  }
  gst_app_src_push_buffer_list (file->source, own);
}

static gboolean
on_end_is_late (gpointer user_data)
{
  MxrTrackFile *file = user_data;

  file->timer = 0;
  stop (file);
  return G_SOURCE_REMOVE;
}

void
mxr_track_file_end (MxrTrackFile *file)
{
  if (file->must_stop || file->timer != 0)
    return;
  gst_app_src_end_of_stream (file->source);
  file->timer = g_timeout_add_seconds (END_WITHIN_S, on_end_is_late, file);
}

gsize
mxr_track_file_get_held_bytes (MxrTrackFile *file)
{
  return gst_app_src_get_current_level_bytes (file->source);
}

guint64
mxr_track_file_get_bytes (MxrTrackFile *file)
{
  return atomic_load (&file->n_bytes);
}
