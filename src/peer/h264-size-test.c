#include "h264-size.h"

#include <gst/app/gstappsink.h>
#include <gst/gst.h>

/* What encoders write is the oracle. */
typedef struct {
  const char *encoder; /* to a byte stream with parameter sets */
  const char *needs;
  guint width_px, height_px;             /* of the picture */
  guint coded_width_px, coded_height_px; /* in whole macroblocks, of both fields */
} Case;

static const Case cases[] = {
  { "openh264enc", "openh264enc", 320, 180, 320, 192 },
  { "openh264enc", "openh264enc", 1280, 720, 1280, 720 },
  { "x264enc speed-preset=ultrafast", "x264enc", 642, 362, 656, 368 },
  { "x264enc speed-preset=ultrafast ! video/x-h264,profile=high", "x264enc", 1920, 1080, 1920, 1088 },
  { "x264enc speed-preset=ultrafast option-string=cqm=jvt ! video/x-h264,profile=high", "x264enc", 640, 480, 640, 480 },
  { "x264enc speed-preset=ultrafast interlaced=true ! video/x-h264,profile=main", "x264enc", 720, 576, 720, 576 },
  { "x264enc speed-preset=ultrafast qp-min=0 qp-max=0 quantizer=0 pass=quant", "x264enc", 4112, 64, 4112, 64 },
};

static bool
is_there (const char *factory)
{
  g_autoptr (GstElementFactory) found = gst_element_factory_find (factory);
  return found != NULL;
}

/* The first NAL of type 7, without start code. */
static GBytes *
find_sps (const guint8 *data, gsize size)
{
  for (gsize at = 0; at + 4 < size; at++) {
    if (data[at] != 0 || data[at + 1] != 0 || data[at + 2] != 1 || (data[at + 3] & 31) != 7)
      continue;
    gsize end = at + 3;
    while (end + 3 < size && !(data[end] == 0 && data[end + 1] == 0 && data[end + 2] <= 1))
      end++;
    return g_bytes_new (data + at + 3, end - at - 3);
  }
  return NULL;
}

static GBytes *
encode_sps (const Case *one)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf (
    "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=%u,height=%u,framerate=25/1 ! %s ! "
    "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false",
    one->width_px, one->height_px, one->encoder);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (GST_APP_SINK (sink));
  g_assert_nonnull (sample);
  GstMapInfo map;
  g_assert_true (gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ));
  GBytes *sps = find_sps (map.data, map.size);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_nonnull (sps);
  return sps;
}

static void
test_encoders (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint width_px = 0, height_px = 0;
    gsize n_bytes;
    if (!is_there (cases[i].needs) || !is_there ("h264parse"))
      continue;
    g_autoptr (GBytes) sps = encode_sps (&cases[i]);
    const guint8 *nal = g_bytes_get_data (sps, &n_bytes);
    g_assert_true (mxr_h264_read_size (nal, n_bytes, &width_px, &height_px));
    g_test_message ("%s: %ux%u", cases[i].encoder, width_px, height_px);
    g_assert_cmpuint (width_px, ==, cases[i].coded_width_px);
    g_assert_cmpuint (height_px, ==, cases[i].coded_height_px);
    g_assert_true (mxr_h264_read_shown_size (nal, n_bytes, &width_px, &height_px));
    g_assert_cmpuint (width_px, ==, cases[i].width_px);
    g_assert_cmpuint (height_px, ==, cases[i].height_px);
  }
}

/* x264, 1280x720, high profile, with emulation prevention bytes behind the sizes. */
static const guint8 known[] = { 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00,
                                0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60 };

static void
test_truncated (void)
{
  guint width_px = 0, height_px = 0, n_good = 0;

  for (gsize n = 0; n <= sizeof known; n++) {
    g_autofree guint8 *copy = g_memdup2 (known, n);
    width_px = height_px = 7;
    if (mxr_h264_read_size (copy, n, &width_px, &height_px)) {
      n_good++;
      g_assert_cmpuint (width_px, ==, 1280);
      g_assert_cmpuint (height_px, ==, 720);
    } else {
      g_assert_cmpuint (width_px + height_px, ==, 14);
      g_assert_cmpuint (n_good, ==, 0);
    }
  }
  g_assert_cmpuint (n_good, >, 0);
}

static void
test_any_bytes (void)
{
  for (guint round = 0; round < 200000; round++) {
    guint n = (guint) g_test_rand_int_range (0, 40), width_px = 1, height_px = 1;
    g_autofree guint8 *bytes = g_malloc (n + 1);
    for (guint i = 0; i < n; i++)
      bytes[i] = round % 3 == 0 ? (guint8) (g_test_rand_int () & g_test_rand_int () & g_test_rand_int ()) : (guint8) g_test_rand_int ();
    if (round % 2 == 0 && n > 1)
      bytes[1] = 100;
    if (mxr_h264_read_size (bytes, n, &width_px, &height_px)) {
      g_assert_cmpuint (width_px % 16 + height_px % 16, ==, 0);
      g_assert_cmpuint (width_px, >, 0);
      g_assert_cmpuint (height_px, >, 0);
    }
    guint shown_width_px = 1, shown_height_px = 1;
    if (mxr_h264_read_shown_size (bytes, n, &shown_width_px, &shown_height_px)) {
      g_assert_cmpuint (shown_width_px, <=, width_px);
      g_assert_cmpuint (shown_height_px, <=, height_px);
      g_assert_cmpuint (shown_width_px, >, 0);
      g_assert_cmpuint (shown_height_px, >, 0);
    }
  }
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/h264-size/encoders", test_encoders);
  g_test_add_func ("/h264-size/truncated", test_truncated);
  g_test_add_func ("/h264-size/any-bytes", test_any_bytes);
  return g_test_run ();
}
