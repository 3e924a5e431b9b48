#include "test-media.h"

#include <gst/gst.h>

void
test_media_write (const char *path, const char *muxer, guint duration_s)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *description = g_strdup_printf (
    "videotestsrc num-buffers=%u pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1 ! openh264enc gop-size=50 "
    "! h264parse ! mux. audiotestsrc num-buffers=%u samplesperbuffer=480 ! audio/x-raw,rate=48000 ! avenc_aac ! aacparse ! mux. "
    "%s ! filesink location=\"%s\" buffer-mode=unbuffered",
    25 * duration_s, 100 * duration_s, muxer, path);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

void
test_media_cut (const char *from, const char *to, double fraction)
{
  g_autofree char *bytes = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (from, &bytes, &n_bytes, NULL));
  g_assert_true (g_file_set_contents (to, bytes, (gssize) (n_bytes * fraction), NULL));
}
