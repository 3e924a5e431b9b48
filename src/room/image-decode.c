#include "image-decode.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "mixroom/room.h"

/* The largest picture takes a second on a slow core. */
#define TIMEOUT_NS (10 * GST_SECOND)

/* The middle of the picture that has the shape of what is wanted. */
static char *
describe_crop (const MxrImageHead *head, guint width_px, guint height_px)
{
  guint64 across = (guint64) head->width_px * height_px, along = (guint64) head->height_px * width_px;
  guint w = across > along ? (guint) MAX (along / height_px, 1) : head->width_px;
  guint h = along > across ? (guint) MAX (across / width_px, 1) : head->height_px;
  guint x = head->width_px - w, y = head->height_px - h;

  return g_strdup_printf ("videocrop left=%u right=%u top=%u bottom=%u ! videoscale add-borders=false ! "
                          "video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1,colorimetry=bt601",
                          x / 2, x - x / 2, y / 2, y - y / 2, width_px, height_px);
}

static GstElement *
new_pipeline (const MxrImageHead *head, bool is_logo, guint width_px, guint height_px, GError **error)
{
  const char *decoder = g_str_equal (head->type, "image/png") ? "pngdec" : "jpegdec";
  g_autofree char *shape = is_logo ? g_strdup ("video/x-raw,format=BGRA") : describe_crop (head, width_px, height_px);
  g_autofree char *line = g_strdup_printf ("appsrc name=in caps=%s ! %s ! video/x-raw,width=%u,height=%u ! videoconvert ! %s ! "
                                           "appsink name=out sync=false max-buffers=1 drop=true wait-on-eos=false",
                                           head->type, decoder, head->width_px, head->height_px, shape);
  return gst_parse_launch_full (line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
}

static void
feed (GstElement *pipeline, GBytes *bytes, gsize n_bytes)
{
  g_autoptr (GstElement) in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  g_autoptr (GBytes) picture = g_bytes_new_from_bytes (bytes, 0, n_bytes);
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (picture);

  GST_BUFFER_PTS (buffer) = 0;
  gst_app_src_push_buffer (GST_APP_SRC (in), buffer);
  gst_app_src_end_of_stream (GST_APP_SRC (in));
}

/* Returns: (transfer full) (nullable) */
static GstSample *
wait_for_picture (GstElement *pipeline, GError **error)
{
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, TIMEOUT_NS, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_autoptr (GError) cause = NULL;
  GstSample *sample = NULL;

  if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &cause, NULL);
  else if (message != NULL)
    sample = gst_app_sink_try_pull_sample (GST_APP_SINK (out), 0);
  if (sample == NULL)
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK, "The image cannot be decoded (%s); save it again.",
                 cause != NULL ? cause->message : message != NULL ? "there is no picture in it" : "it takes too long");
  return sample;
}

GstSample *
mxr_image_decode (GBytes *bytes, bool is_logo, guint width_px, guint height_px, GError **error)
{
  MxrImageHead head;
  const char *problem;
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);

  if (!mxr_image_head_read (data, n_bytes, &head, &problem)) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK, problem);
    return NULL;
  }
  g_autoptr (GstElement) pipeline = new_pipeline (&head, is_logo, width_px, height_px, error);
  if (pipeline == NULL)
    return NULL;
  gst_object_ref_sink (pipeline);
  feed (pipeline, bytes, head.n_bytes);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstSample *sample = wait_for_picture (pipeline, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return sample;
}
