/* What a file holds: GstDiscoverer knows, but for the length of what was cut. */

#include "child.h"

#include <gst/pbutils/pbutils.h>
#include <stdlib.h>
#include <string.h>

/* On a slow disk; who asks gives up later than this. */
#define FIRST_WITHIN_S 10
#define ALL_WITHIN_S 240
/* What a header may claim. */
#define DURATION_MAX (30 * 24 * 3600 * GST_SECOND)

typedef struct {
  GstElement *pipeline;
  GMutex lock;
  GstClockTime end; /* of all that has passed */
} Reading;

static const struct {
  const char *caps, *picture, *sound, *ending;
} types[] = {
  { "video/quicktime", "video/mp4", "audio/mp4", "mp4" },
  { "application/x-3gp", "video/mp4", "audio/mp4", "mp4" },
  { "audio/x-m4a", "video/mp4", "audio/mp4", "m4a" },
  { "video/webm", "video/webm", "audio/webm", "webm" },
  { "audio/webm", "video/webm", "audio/webm", "webm" },
  { "video/x-matroska", "video/x-matroska", "audio/x-matroska", "mkv" },
  { "audio/x-matroska", "video/x-matroska", "audio/x-matroska", "mkv" },
  { "application/ogg", "video/ogg", "audio/ogg", "ogg" },
  { "video/ogg", "video/ogg", "audio/ogg", "ogg" },
  { "audio/ogg", "video/ogg", "audio/ogg", "ogg" },
  { "audio/x-wav", "audio/wav", "audio/wav", "wav" },
  { "audio/mpeg", "audio/mpeg", "audio/mpeg", "mp3" },
  { "application/x-id3", "audio/mpeg", "audio/mpeg", "mp3" },
  { "audio/x-flac", "audio/flac", "audio/flac", "flac" },
  { "video/mpegts", "video/mp2t", "video/mp2t", "ts" },
  { "video/x-msvideo", "video/x-msvideo", "video/x-msvideo", "avi" },
  { "video/x-flv", "video/x-flv", "video/x-flv", "flv" },
};

/* Tests with files that stall have less of it. */
static GstClockTime
get_patience (guint seconds)
{
  const char *most = g_getenv ("MIXROOM_PROBE_PATIENCE_S");
  return (most != NULL ? MIN (seconds, (guint) atoi (most)) : seconds) * GST_SECOND;
}

bool
mxr_child_wait (GstElement *pipeline, GstMessageType wanted, guint seconds, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
    gst_bus_timed_pop_filtered (bus, get_patience (seconds), wanted | GST_MESSAGE_ERROR);

  if (message == NULL)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "it takes too long to read");
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, error, NULL);
  return message != NULL && GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR;
}

/* ---- Streams ------------------------------------------------------------------------------------------------------ */

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Reading *reading = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment = NULL;

  if (event == NULL || !GST_BUFFER_PTS_IS_VALID (buffer))
    return GST_PAD_PROBE_OK;
  gst_event_parse_segment (event, &segment);
  GstClockTime end = GST_BUFFER_PTS (buffer) + (GST_BUFFER_DURATION_IS_VALID (buffer) ? GST_BUFFER_DURATION (buffer) : 0);
  end = segment->format == GST_FORMAT_TIME ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, end) : 0;
  g_mutex_lock (&reading->lock);
  if (GST_CLOCK_TIME_IS_VALID (end))
    reading->end = MAX (reading->end, end);
  g_mutex_unlock (&reading->lock);
  return GST_PAD_PROBE_OK;
}

static void
on_pad (GstElement *parser, GstPad *pad, gpointer user_data)
{
  Reading *reading = user_data;
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (reading->pipeline), sink);
  gst_pad_add_probe (sink_pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, reading, NULL);
  gst_pad_link (pad, sink_pad);
  gst_element_sync_state_with_parent (sink);
}

/* What is there before it breaks is what there is. */
static bool
measure (const char *path, guint64 *out_duration_ms, GError **error)
{
  g_autoptr (GstElement) pipeline =
    gst_parse_launch_full ("filesrc name=file ! parsebin name=parser", NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (pipeline == NULL)
    return false;
  gst_object_ref_sink (pipeline);
  Reading reading = { .pipeline = pipeline };
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) parser = gst_bin_get_by_name (GST_BIN (pipeline), "parser");

  g_mutex_init (&reading.lock);
  g_object_set (file, "location", path, NULL);
  g_signal_connect (parser, "pad-added", G_CALLBACK (on_pad), &reading);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  mxr_child_wait (pipeline, GST_MESSAGE_EOS, ALL_WITHIN_S, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_mutex_clear (&reading.lock);
  *out_duration_ms = GST_TIME_AS_MSECONDS (reading.end);
  return true;
}

/* ---- The head ------------------------------------------------------------------------------------------------------ */

static bool
find_type (GstDiscovererInfo *info, MxrFacts *facts, GError **error)
{
  g_autoptr (GstDiscovererStreamInfo) top = gst_discoverer_info_get_stream_info (info);
  g_autoptr (GstCaps) caps = top != NULL ? gst_discoverer_stream_info_get_caps (top) : NULL;
  const GstStructure *structure = caps != NULL && gst_caps_get_size (caps) > 0 ? gst_caps_get_structure (caps, 0) : NULL;
  const char *name = structure != NULL ? gst_structure_get_name (structure) : "unknown";

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (strcmp (types[i].caps, name) != 0)
      continue;
    facts->type = facts->width_px > 0 ? types[i].picture : types[i].sound;
    facts->ending = types[i].ending;
    return true;
  }
  g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, "it is of a kind that is not taken here (%s)", name);
  return false;
}

static void
read_streams (GstDiscovererInfo *info, MxrFacts *facts)
{
  GList *pictures = gst_discoverer_info_get_video_streams (info), *sounds = gst_discoverer_info_get_audio_streams (info);
  GstClockTime duration = gst_discoverer_info_get_duration (info);

  if (pictures != NULL) {
    facts->width_px = gst_discoverer_video_info_get_width (pictures->data);
    facts->height_px = gst_discoverer_video_info_get_height (pictures->data);
  }
  facts->has_sound = sounds != NULL;
  if (GST_CLOCK_TIME_IS_VALID (duration) && duration < DURATION_MAX)
    facts->duration_ms = GST_TIME_AS_MSECONDS (duration);
  gst_discoverer_stream_info_list_free (pictures);
  gst_discoverer_stream_info_list_free (sounds);
}

bool
mxr_child_read_facts (const char *path, bool is_whole, MxrFacts *out_facts, GError **error)
{
  g_autoptr (GstDiscoverer) discoverer = gst_discoverer_new (get_patience (FIRST_WITHIN_S), error);
  g_autofree char *uri = gst_filename_to_uri (path, error);
  MxrFacts facts = { 0 };

  if (discoverer == NULL || uri == NULL)
    return false;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GstDiscovererInfo) info = gst_discoverer_discover_uri (discoverer, uri, &cause);
  if (info != NULL)
    read_streams (info, &facts);
  if (facts.width_px == 0 && !facts.has_sound) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, "it has neither sound nor picture%s%s",
                 cause != NULL ? ": " : "", cause != NULL ? cause->message : "");
    return false;
  }
  if (!find_type (info, &facts, error) ||
      ((is_whole || facts.duration_ms == 0) && !measure (path, &facts.duration_ms, error)))
    return false;
  *out_facts = facts;
  return true;
}
