/* The decoder against GStreamer's, picture by picture, and what becomes of packets that are lost, broken or made up. */

#include <gst/check/gstharness.h>
#include <gst/rtp/rtp.h>
#include <string.h>

#include "colours.h"
#include "mixroom/elements.h"

#define FRAME_NS (GST_SECOND / 30)
#define N_FRAMES 12
/* Neither is a whole number of macroblocks. */
#define WIDTH 322
#define HEIGHT 182

typedef struct {
  const char *caps;
  const char *encoder;
  const char *decoder; /* GStreamer's */
} Codec;

static const Codec h264 = {
  "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96",
  "openh264enc gop-size=0 ! rtph264pay mtu=400 config-interval=-1 aggregate-mode=zero-latency pt=96",
  "rtph264depay ! avdec_h264 max-threads=1",
};
static const Codec vp8 = {
  "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96",
  "vp8enc deadline=1 cpu-used=-8 keyframe-max-dist=1000 ! rtpvp8pay mtu=400 picture-id-mode=15-bit pt=96",
  "rtpvp8depay ! vp8dec",
};
static const Codec *codec; /* that the test is of */

/* ---- Packets ------------------------------------------------------------------------------------------------ */

/* A square that moves over something that is not flat. */
static GstBuffer *
make_frame (guint i, int width, int height)
{
  GstBuffer *frame = test_frame_new (width, height, test_colour_of (i % 3));

  for (int k = 0; k < 8; k++)
    test_frame_fill (frame, width, height, k * width / 8, k * height / 9, width / 9, height / 9, test_colour_of ((guint) k + 5));
  test_frame_fill (frame, width, height, (int) i * 10, 20, 48, 48, test_colour_of (20));
  GST_BUFFER_PTS (frame) = i * FRAME_NS;
  GST_BUFFER_DURATION (frame) = FRAME_NS;
  return frame;
}

static void
set_seq (GstBuffer *packet, guint16 seq)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  g_assert_true (gst_rtp_buffer_map (packet, GST_MAP_WRITE, &rtp));
  gst_rtp_buffer_set_seq (&rtp, seq);
  gst_rtp_buffer_unmap (&rtp);
}

static void
set_marker (GstBuffer *packet, bool marker)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  g_assert_true (gst_rtp_buffer_map (packet, GST_MAP_WRITE, &rtp));
  gst_rtp_buffer_set_marker (&rtp, marker);
  gst_rtp_buffer_unmap (&rtp);
}

/* @seq: of the first packet; of what comes after the last one in the end.
 * Returns: N_FRAMES arrays of GstBuffer; the first is a key frame, and only that. */
static GPtrArray *
encode (int width, int height, guint16 *seq)
{
  GPtrArray *frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  GstHarness *encoder = gst_harness_new_parse (codec->encoder);
  g_autofree char *caps = g_strdup_printf ("video/x-raw,format=I420,width=%d,height=%d,framerate=30/1", width, height);

  gst_harness_set_src_caps_str (encoder, caps);
  for (guint i = 0; i < N_FRAMES; i++) {
    GPtrArray *packets = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
    g_assert_cmpint (gst_harness_push (encoder, make_frame (i, width, height)), ==, GST_FLOW_OK);
    for (GstBuffer *packet; (packet = gst_harness_try_pull (encoder)) != NULL;) {
      packet = gst_buffer_make_writable (packet);
      set_seq (packet, (*seq)++);
      g_ptr_array_add (packets, packet);
    }
    g_assert_cmpuint (packets->len, >=, i == 0 ? 2 : 1);
    g_ptr_array_add (frames, packets);
  }
  gst_harness_teardown (encoder);
  return frames;
}

static GstHarness *
new_decoder (const char *launch, bool takes_strides)
{
  GstHarness *decoder = gst_harness_new_parse (launch);
  if (takes_strides)
    gst_harness_add_propose_allocation_meta (decoder, GST_VIDEO_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (decoder, codec->caps);
  return decoder;
}

static void
push (GstHarness *decoder, const GPtrArray *packets, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    g_assert_cmpint (gst_harness_push (decoder, gst_buffer_copy_deep (packets->pdata[i])), ==, GST_FLOW_OK);
}

static GstBuffer *
decode (GstHarness *decoder, const GPtrArray *packets)
{
  push (decoder, packets, 0, packets->len);
  return gst_harness_try_pull (decoder);
}

static void
expect_none (GstHarness *decoder, const GPtrArray *packets)
{
  g_autoptr (GstBuffer) picture = decode (decoder, packets);
  g_assert_null (picture);
}

static void
expect_picture (GstHarness *decoder, const GPtrArray *packets)
{
  g_autoptr (GstBuffer) picture = decode (decoder, packets);
  g_assert_nonnull (picture);
}

static guint
count_requests (GstHarness *decoder)
{
  guint n = 0;

  for (GstEvent *event; (event = gst_harness_try_pull_upstream_event (decoder)) != NULL; gst_event_unref (event))
    n += gst_event_has_name (event, "GstForceKeyUnit");
  return n;
}

/* ---- Pictures ------------------------------------------------------------------------------------------------- */

static void
assert_same (GstHarness *a, GstBuffer *picture_a, GstHarness *b, GstBuffer *picture_b)
{
  g_autoptr (GstCaps) caps_a = gst_pad_get_current_caps (a->sinkpad), caps_b = gst_pad_get_current_caps (b->sinkpad);
  GstVideoFrame frame_a, frame_b;
  GstVideoInfo info_a, info_b;

  g_assert_true (gst_video_info_from_caps (&info_a, caps_a) && gst_video_info_from_caps (&info_b, caps_b));
  g_assert_true (gst_video_frame_map (&frame_a, &info_a, picture_a, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&frame_b, &info_b, picture_b, GST_MAP_READ));
  for (guint plane = 0; plane < 3; plane++) {
    g_assert_cmpint (GST_VIDEO_FRAME_COMP_WIDTH (&frame_a, plane), ==, GST_VIDEO_FRAME_COMP_WIDTH (&frame_b, plane));
    g_assert_cmpint (GST_VIDEO_FRAME_COMP_HEIGHT (&frame_a, plane), ==, GST_VIDEO_FRAME_COMP_HEIGHT (&frame_b, plane));
    for (int row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT (&frame_a, plane); row++)
      g_assert_cmpmem ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame_a, plane) + row * GST_VIDEO_FRAME_PLANE_STRIDE (&frame_a, plane),
                       GST_VIDEO_FRAME_COMP_WIDTH (&frame_a, plane),
                       (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame_b, plane) + row * GST_VIDEO_FRAME_PLANE_STRIDE (&frame_b, plane),
                       GST_VIDEO_FRAME_COMP_WIDTH (&frame_b, plane));
  }
  gst_video_frame_unmap (&frame_a);
  gst_video_frame_unmap (&frame_b);
}

static void
check_pictures (bool takes_strides)
{
  guint16 seq = 0xfff8; /* across the end of the numbers */
  g_autoptr (GPtrArray) frames = encode (WIDTH, HEIGHT, &seq);
  GstHarness *ours = new_decoder ("mxrpicturedec", takes_strides);
  GstHarness *theirs = new_decoder (codec->decoder, false);

  for (guint i = 0; i < N_FRAMES; i++) {
    g_autoptr (GstBuffer) a = decode (ours, frames->pdata[i]), b = decode (theirs, frames->pdata[i]);
    g_assert_true (a != NULL && b != NULL);
    g_assert_cmpuint (GST_BUFFER_PTS (a), ==, i * FRAME_NS);
    g_assert_true ((gst_buffer_get_video_meta (a) != NULL) == takes_strides);
    assert_same (ours, a, theirs, b);
  }
  g_assert_cmpuint (count_requests (ours), ==, 0);
  gst_harness_teardown (ours);
  gst_harness_teardown (theirs);
}

static void
test_same_as_theirs (gconstpointer data)
{
  codec = data;
  check_pictures (true);
  check_pictures (false);
}

/* The pictures' memory is not the decoder's. */
static void
test_pictures_outlive_the_decoder (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  g_autoptr (GPtrArray) frames = encode (WIDTH, HEIGHT, &seq);
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);
  GstBuffer *pictures[N_FRAMES];
  gsize n_bytes = 0;

  for (guint i = 0; i < N_FRAMES; i++)
    g_assert_nonnull (pictures[i] = decode (decoder, frames->pdata[i]));
  gst_harness_teardown (decoder);
  for (guint i = 0; i < N_FRAMES; i++) {
    GstMapInfo map;
    g_assert_true (gst_buffer_map (pictures[i], &map, GST_MAP_READ));
    n_bytes += map.size;
    gst_buffer_unmap (pictures[i], &map);
    gst_buffer_unref (pictures[i]);
  }
  g_assert_cmpuint (n_bytes, >=, N_FRAMES * WIDTH * HEIGHT * 3 / 2);
}

static void
test_another_size (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  g_autoptr (GPtrArray) large = encode (WIDTH, HEIGHT, &seq);
  g_autoptr (GPtrArray) small = encode (160, 90, &seq);
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);
  GstVideoInfo info;

  expect_picture (decoder, large->pdata[0]);
  expect_picture (decoder, large->pdata[1]);
  for (guint i = 2; i < N_FRAMES; i++)
    expect_picture (decoder, large->pdata[i]);
  expect_picture (decoder, small->pdata[0]);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (decoder->sinkpad);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  g_assert_true (info.width == 160 && info.height == 90);
  gst_harness_teardown (decoder);
}

/* What comes before the first picture goes on behind its caps. */
static void
test_tags_go_on (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  g_autoptr (GPtrArray) frames = encode (160, 90, &seq);
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);
  bool has_caps = false, has_tag = false;

  gst_harness_push_event (decoder, gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, "rotate-90", NULL)));
  expect_picture (decoder, frames->pdata[0]);
  for (GstEvent *event; (event = gst_harness_try_pull_event (decoder)) != NULL; gst_event_unref (event)) {
    has_caps |= GST_EVENT_TYPE (event) == GST_EVENT_CAPS;
    has_tag |= GST_EVENT_TYPE (event) == GST_EVENT_TAG;
    g_assert_true (has_caps || !has_tag);
  }
  g_assert_true (has_tag);
  gst_harness_teardown (decoder);
}

/* ---- Packets that are not as they should be ------------------------------------------------------------------ */

/* Nothing that is broken is shown, and what comes after it is not either, until the key frame that was asked for. */
static void
test_gap (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  g_autoptr (GPtrArray) frames = encode (WIDTH, HEIGHT, &seq);
  g_autoptr (GPtrArray) again = encode (WIDTH, HEIGHT, &seq);
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);
  GPtrArray *broken = frames->pdata[3];

  for (guint i = 0; i < 3; i++)
    expect_picture (decoder, frames->pdata[i]);
  push (decoder, broken, 1, broken->len - 1);
  for (guint i = 4; i < N_FRAMES; i++)
    expect_none (decoder, frames->pdata[i]);
  g_assert_cmpuint (count_requests (decoder), >, 0);
  for (guint i = 0; i < N_FRAMES; i++)
    expect_picture (decoder, again->pdata[i]);
  g_assert_cmpuint (count_requests (decoder), ==, 0);
  gst_harness_teardown (decoder);
}

/* A frame whose last packet has no marker is whole when the next one begins. */
static void
test_without_marker (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  g_autoptr (GPtrArray) frames = encode (WIDTH, HEIGHT, &seq);
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);
  GPtrArray *first = frames->pdata[0], *second = frames->pdata[1];

  set_marker (first->pdata[first->len - 1], false);
  expect_none (decoder, first);
  push (decoder, second, 0, second->len);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstBuffer) picture = gst_harness_try_pull (decoder);
    g_assert_cmpuint (GST_BUFFER_PTS (picture), ==, i * FRAME_NS);
  }
  g_assert_cmpuint (count_requests (decoder), ==, 0);
  gst_harness_teardown (decoder);
}

static void
spoil (GstBuffer *packet)
{
  GstMapInfo map;

  g_assert_true (gst_buffer_map (packet, &map, GST_MAP_READWRITE));
  for (guint i = 0; i < 4; i++)
    map.data[g_test_rand_int_range (12, (gint32) map.size)] = (guint8) g_test_rand_int ();
  gst_buffer_unmap (packet, &map);
}

static void
test_garbage (gconstpointer data)
{
  guint16 seq = 1;
  codec = data;
  GstHarness *decoder = new_decoder ("mxrpicturedec", true);

  for (guint round = 0; round < 20; round++) {
    g_autoptr (GPtrArray) frames = encode (WIDTH, HEIGHT, &seq);
    for (guint i = 0; i < N_FRAMES; i++) {
      GPtrArray *packets = frames->pdata[i];
      for (guint k = 0; k < packets->len; k++)
        if (g_test_rand_int_range (0, 4) == 0)
          spoil (packets->pdata[k]);
      push (decoder, packets, 0, packets->len);
    }
  }
  while (gst_harness_buffers_in_queue (decoder) > 0)
    gst_buffer_unref (gst_harness_pull (decoder));
  g_assert_true (count_requests (decoder) > 0 || codec == &vp8); /* to which almost anything is a picture */
  g_autoptr (GPtrArray) good = encode (WIDTH, HEIGHT, &seq);
  for (guint i = 0; i < N_FRAMES; i++)
    expect_picture (decoder, good->pdata[i]);
  gst_harness_teardown (decoder);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
#define ADD(name, func) \
  g_test_add_data_func ("/picturedec/h264/" name, &h264, func); \
  g_test_add_data_func ("/picturedec/vp8/" name, &vp8, func)
  ADD ("same-as-theirs", test_same_as_theirs);
  ADD ("pictures-outlive-the-decoder", test_pictures_outlive_the_decoder);
  ADD ("another-size", test_another_size);
  ADD ("tags-go-on", test_tags_go_on);
  ADD ("gap", test_gap);
  ADD ("without-marker", test_without_marker);
  ADD ("garbage", test_garbage);
  return g_test_run ();
}
