#include "source.h"

#include <string.h>

#include "guard.h"
#include "outlet.h"

#define STATUS_MS 500
#define HTTP_TIMEOUT_S 8
#define RTSP_LATENCY_MS 200
/* Each frame thread of a decoder keeps pictures. */
#define DECODER_THREADS 2

struct _MxrSource {
  MxrOutletWire wire;
  GstElement *pipeline;
  GstElement *outlets[2]; /* of sound and picture; unowned; set by streaming threads before is_complete */
  gint is_complete;       /* all streams are known; atomic */
  guint bus_watch, status;
  bool is_live, is_prerolled, is_ready, is_over;
  bool is_wanted, is_buffering, loop;
  bool is_seeking;
};

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

static void
say (MxrSource *source, MxrWireKind kind, gint64 a, gint64 b)
{
  const MxrWireHeader header = { .kind = kind, .a = a, .b = b };
  mxr_outlet_wire_send (&source->wire, &header, NULL);
}

static void
end (MxrSource *source, MxrWireKind kind, const char *text)
{
  MxrWireHeader header = { .kind = kind };

  if (source->is_over)
    return;
  source->is_over = true;
  if (text != NULL)
    header.n_bytes = (guint32) MIN (strlen (text), MXR_WIRE_TEXT_MAX_BYTES);
  mxr_outlet_wire_send (&source->wire, &header, text);
}

static gint64
get_ms (MxrSource *source, gboolean (*query) (GstElement *, GstFormat, gint64 *))
{
  gint64 time_ns = -1;
  return query (source->pipeline, GST_FORMAT_TIME, &time_ns) && time_ns >= 0 ? time_ns / GST_MSECOND : -1;
}

static gboolean
on_status (gpointer user_data)
{
  MxrSource *source = user_data;
  if (source->is_ready && !source->is_over && !source->is_seeking)
    say (source, MXR_WIRE_STATUS, get_ms (source, gst_element_query_position), get_ms (source, gst_element_query_duration));
  return G_SOURCE_CONTINUE;
}

/* ---- Streams ---------------------------------------------------------------------------------------------------- */

static GstElement *
add_outlet (MxrSource *source, guint index)
{
  g_autoptr (GError) error = NULL;
  GstElement *outlet = mxr_outlet_new (index == 0 ? MXR_WIRE_SOUND : MXR_WIRE_PICTURE, &source->wire, &error);

  if (outlet == NULL) {
    GST_ELEMENT_ERROR (source->pipeline, CORE, MISSING_PLUGIN, ("%s", error->message), (NULL));
    return NULL;
  }
  gst_bin_add (GST_BIN (source->pipeline), outlet);
  gst_element_sync_state_with_parent (outlet);
  return outlet;
}

/* More languages, subtitles, pictures of a cover. */
static void
throw_away (MxrSource *source, GstPad *pad)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (source->pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  g_autoptr (GstPad) end_pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_link (pad, end_pad);
}

/* A playlist may change to other pads for the same stream. */
static void
on_pad_added (GstElement *decoder, GstPad *pad, gpointer user_data)
{
  MxrSource *source = user_data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const char *name = caps != NULL ? gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "";
  int index = strcmp (name, "audio/x-raw") == 0 ? 0 : strcmp (name, "video/x-raw") == 0 ? 1 : -1;

  if (index >= 0 && source->outlets[index] == NULL)
    source->outlets[index] = add_outlet (source, (guint) index);
  GstElement *outlet = index >= 0 ? source->outlets[index] : NULL;
  g_autoptr (GstPad) sink = outlet != NULL ? gst_element_get_static_pad (outlet, "sink") : NULL;
  if (sink == NULL || gst_pad_is_linked (sink) || gst_pad_link (pad, sink) != GST_PAD_LINK_OK)
    throw_away (source, pad);
}

static void
on_no_more_pads (GstElement *decoder, gpointer user_data)
{
  MxrSource *source = user_data;
  g_atomic_int_set (&source->is_complete, 1);
  gst_element_post_message (source->pipeline,
                            gst_message_new_application (GST_OBJECT (source->pipeline), gst_structure_new_empty ("complete")));
}

/* Over one connection, which is what the guard sees. */
static void
on_source_setup (GstElement *decoder, GstElement *element, gpointer user_data)
{
  const char *factory = GST_OBJECT_NAME (gst_element_get_factory (element));

  if (strcmp (factory, "souphttpsrc") == 0)
    g_object_set (element, "timeout", HTTP_TIMEOUT_S, "user-agent", "mixroom-player", NULL);
  else if (strcmp (factory, "rtspsrc") == 0)
    gst_util_set_object_arg (G_OBJECT (element), "protocols", "tcp");
  if (strcmp (factory, "rtspsrc") == 0)
    g_object_set (element, "latency", RTSP_LATENCY_MS, "user-agent", "mixroom-player", NULL);
}

static void
on_element_added (GstBin *bin, GstBin *parent, GstElement *element, gpointer user_data)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "max-threads") != NULL)
    g_object_set (element, "max-threads", DECODER_THREADS, NULL);
}

/* ---- Playing ---------------------------------------------------------------------------------------------------- */

static void
apply_state (MxrSource *source)
{
  bool plays = source->is_ready ? source->is_wanted : source->is_live;
  gst_element_set_state (source->pipeline, plays && !source->is_buffering ? GST_STATE_PLAYING : GST_STATE_PAUSED);
}

static void
seek (MxrSource *source, gint64 position_ms)
{
  source->is_seeking = gst_element_seek_simple (source->pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE,
                                                position_ms * GST_MSECOND);
}

static bool
can_seek (MxrSource *source)
{
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_TIME);
  gboolean seekable = FALSE;

  if (gst_element_query (source->pipeline, query))
    gst_query_parse_seeking (query, NULL, &seekable, NULL, NULL);
  return seekable;
}

static void
get_ready (MxrSource *source)
{
  gint64 has = 0;

  if (source->is_ready || g_atomic_int_get (&source->is_complete) == 0 || !(source->is_live || source->is_prerolled))
    return;
  if (source->outlets[0] == NULL && source->outlets[1] == NULL) {
    end (source, MXR_WIRE_FAILED, "there is neither sound nor a picture in it");
    return;
  }
  source->is_ready = true;
  has |= source->outlets[0] != NULL ? MXR_WIRE_HAS_SOUND : 0;
  has |= source->outlets[1] != NULL ? MXR_WIRE_HAS_PICTURE : 0;
  has |= !source->is_live && can_seek (source) ? MXR_WIRE_CAN_SEEK : 0;
  say (source, MXR_WIRE_READY, get_ms (source, gst_element_query_duration), has);
}

/* ---- What the pipeline tells ------------------------------------------------------------------------------------ */

static char *
explain (const GError *error, bool is_ready)
{
  char *refusal = mxr_guard_take_refusal ();

  if (refusal != NULL)
    return refusal;
  if (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_TYPE_NOT_FOUND) ||
      g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE))
    return g_strdup ("that is no sound or video of a kind that is known here");
  if (g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) ||
      g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))
    return g_strdup ("the server has no decoder for it");
  if (error->domain == GST_RESOURCE_ERROR)
    return g_strdup_printf ("it cannot be read; the answer was '%s'", error->message);
  if (!is_ready && g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED))
    return g_strdup ("it cannot be read: there is no answer, or not all of it comes");
  return g_strdup (error->message);
}

static void
on_error (MxrSource *source, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_autofree char *text = explain (error, source->is_ready);
  end (source, MXR_WIRE_FAILED, text);
}

static void
on_eos (MxrSource *source)
{
  if (source->loop && !source->is_live)
    seek (source, 0);
  else
    source->is_seeking = false;
  if (!source->is_seeking)
    end (source, MXR_WIRE_FINISHED, NULL);
}

static void
on_buffering (MxrSource *source, GstMessage *message)
{
  int percent;

  gst_message_parse_buffering (message, &percent);
  source->is_buffering = percent < 100 && !source->is_live;
  if (source->is_ready)
    apply_state (source);
}

static gboolean
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  MxrSource *source = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_ERROR:
    on_error (source, message);
    break;
  case GST_MESSAGE_EOS:
    on_eos (source);
    break;
  case GST_MESSAGE_BUFFERING:
    on_buffering (source, message);
    break;
  case GST_MESSAGE_ASYNC_DONE:
    source->is_prerolled = true;
    source->is_seeking = false;
    get_ready (source);
    on_status (source);
    break;
  case GST_MESSAGE_APPLICATION:
    get_ready (source);
    break;
  default:
    break;
  }
  return G_SOURCE_CONTINUE;
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

static GstElement *
new_decoder (MxrSource *source, const char *uri)
{
  GstElement *decoder = gst_element_factory_make ("uridecodebin", NULL);

  if (decoder == NULL)
    return NULL;
  g_object_set (decoder, "uri", uri, "use-buffering", g_str_has_prefix (uri, "http"), NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad_added), source);
  g_signal_connect (decoder, "no-more-pads", G_CALLBACK (on_no_more_pads), source);
  g_signal_connect (decoder, "source-setup", G_CALLBACK (on_source_setup), source);
  g_signal_connect (decoder, "deep-element-added", G_CALLBACK (on_element_added), source);
  return decoder;
}

MxrSource *
mxr_source_new (int fd, const char *uri, bool loop)
{
  MxrSource *source = g_new0 (MxrSource, 1);
  GstElement *decoder = new_decoder (source, uri);

  g_mutex_init (&source->wire.lock);
  source->wire.fd = fd;
  source->loop = loop;
  source->pipeline = gst_object_ref_sink (gst_pipeline_new ("player"));
  g_autoptr (GstBus) bus = gst_element_get_bus (source->pipeline);
  source->bus_watch = gst_bus_add_watch (bus, on_bus_message, source);
  source->status = g_timeout_add (STATUS_MS, on_status, source);
  if (decoder == NULL) {
    end (source, MXR_WIRE_FAILED, "GStreamer has no element 'uridecodebin' here");
    return source;
  }
  gst_bin_add (GST_BIN (source->pipeline), decoder);
  source->is_live = gst_element_set_state (source->pipeline, GST_STATE_PAUSED) == GST_STATE_CHANGE_NO_PREROLL;
  apply_state (source);
  return source;
}

void
mxr_source_free (MxrSource *source)
{
  g_source_remove (source->bus_watch);
  g_source_remove (source->status);
  gst_element_set_state (source->pipeline, GST_STATE_NULL);
  gst_object_unref (source->pipeline);
  g_mutex_clear (&source->wire.lock);
  g_free (source);
}

static void
set_wanted (MxrSource *source, bool is_wanted)
{
  g_mutex_lock (&source->wire.lock);
  source->wire.is_open = true; /* the other end is linked */
  g_mutex_unlock (&source->wire.lock);
  source->is_wanted = is_wanted;
  apply_state (source);
}

void
mxr_source_command (MxrSource *source, const MxrWireHeader *command)
{
  if (source->is_over)
    return;
  switch (command->kind) {
  case MXR_WIRE_PLAY:
  case MXR_WIRE_PAUSE:
    set_wanted (source, command->kind == MXR_WIRE_PLAY);
    break;
  case MXR_WIRE_SEEK:
    seek (source, command->a);
    break;
  case MXR_WIRE_LOOP:
    source->loop = command->a != 0;
    break;
  default:
    break;
  }
}
