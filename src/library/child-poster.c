/* One picture of a file, as a JPEG. */

#include "child.h"

#include <glib/gstdio.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#define WITHIN_S 20
/* An early moment, but behind what a recording begins with: nobody is there yet. */
#define NOT_BEFORE_MS 3000
#define WIDTH_MAX_PX 480

typedef struct {
  GstElement *pipeline;
  GstElement *first; /* of those that make the JPEG */
} Poster;

static bool
set_size (const Poster *poster, GstPad *pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GstElement) filter = gst_bin_get_by_name (GST_BIN (poster->pipeline), "size");
  GstVideoInfo info;

  if (caps == NULL || !gst_video_info_from_caps (&info, caps) || info.width == 0 || info.height == 0)
    return false;
  guint64 shown = gst_util_uint64_scale_int (info.width, info.par_n, MAX (info.par_d, 1));
  guint width = CLAMP (shown, 2, WIDTH_MAX_PX);
  guint height = CLAMP (gst_util_uint64_scale (info.height, width, MAX (shown, 1)), 2, 4 * WIDTH_MAX_PX);
  g_autoptr (GstCaps) size = gst_caps_new_simple ("video/x-raw", "width", G_TYPE_INT, (int) width, "height", G_TYPE_INT,
                                                  (int) height, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
  g_object_set (filter, "caps", size, NULL);
  return true;
}

static void
on_pad (GstElement *decoder, GstPad *pad, gpointer user_data)
{
  Poster *poster = user_data;
  g_autoptr (GstPad) wanted = gst_element_get_static_pad (poster->first, "sink");

  if (!gst_pad_is_linked (wanted) && set_size (poster, pad)) {
    gst_pad_link (pad, wanted);
    return;
  }
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");
  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (poster->pipeline), sink);
  gst_pad_link (pad, sink_pad);
  gst_element_sync_state_with_parent (sink);
}

/* Atomically: whoever asks for it meanwhile gets none, or all of it. */
static bool
write_sample (GstSample *sample, const char *path, GError **error)
{
  GstMapInfo map;

  if (!gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ))
    return false;
  bool is_written = g_file_set_contents (path, (const char *) map.data, map.size, error);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  return is_written;
}

static bool
take_picture (const Poster *poster, GstElement *sink, guint64 duration_ms, const char *path, GError **error)
{
  guint64 at_ms = MAX (duration_ms / 10, NOT_BEFORE_MS);

  gst_element_set_state (poster->pipeline, GST_STATE_PAUSED);
  if (!mxr_child_wait (poster->pipeline, GST_MESSAGE_ASYNC_DONE, WITHIN_S, error))
    return false;
  if (at_ms < duration_ms && gst_element_seek_simple (poster->pipeline, GST_FORMAT_TIME,
                                                      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, at_ms * GST_MSECOND) &&
      !mxr_child_wait (poster->pipeline, GST_MESSAGE_ASYNC_DONE, WITHIN_S, error))
    return false;
  g_autoptr (GstSample) sample = gst_app_sink_try_pull_preroll (GST_APP_SINK (sink), WITHIN_S * GST_SECOND);
  if (sample == NULL) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE, "no picture comes out of it");
    return false;
  }
  return write_sample (sample, path, error);
}

/* Of sound nothing need be decoded. */
static gboolean
is_to_decode (GstElement *decoder, GstPad *pad, GstCaps *caps, gpointer user_data)
{
  return !g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps, 0)), "audio/");
}

bool
mxr_child_write_poster (const char *path, guint64 duration_ms, const char *out_path, GError **error)
{
  g_autoptr (GstElement) pipeline =
    gst_parse_launch_full ("filesrc name=file ! decodebin name=decoder "
                           "videoconvert name=first ! videoscale add-borders=false ! capsfilter name=size "
                           "! jpegenc quality=80 ! appsink name=sink sync=false max-buffers=1",
                           NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (pipeline == NULL)
    return false;
  gst_object_ref_sink (pipeline);
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) decoder = gst_bin_get_by_name (GST_BIN (pipeline), "decoder");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstElement) first = gst_bin_get_by_name (GST_BIN (pipeline), "first");
  Poster poster = { pipeline, first };

  g_object_set (file, "location", path, NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad), &poster);
  g_signal_connect (decoder, "autoplug-continue", G_CALLBACK (is_to_decode), NULL);
  bool is_written = take_picture (&poster, sink, duration_ms, out_path, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return is_written;
}
