/* Every fragment moves buffers, and files that are no fragments are told so. */

#include "mixroom/elements.h"
#include "mixroom/pipeline.h"

#include <gst/check/gstharness.h>
#include <gst/rtp/gstrtpbuffer.h>
#include <glib/gstdio.h>
#include <string.h>

#define WIDTH 320
#define HEIGHT 240
#define FRAME_NS (GST_SECOND / 30)
#define START_NS (7 * GST_SECOND + 12345678)

static const char *pipelines_dir;

static MxrFragments *
load_stock (void)
{
  const char *const dirs[] = { "", "/nonexistent", pipelines_dir, NULL };
  g_autoptr (GError) error = NULL;
  MxrFragments *fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  return fragments;
}

static GstHarness *
harness_of (const MxrFragments *fragments, const char *name, MxrFragmentKind kind, const char *codec)
{
  g_autoptr (GError) error = NULL;
  const MxrFragment *fragment = mxr_fragments_find (fragments, name, kind, codec, &error);
  g_assert_no_error (error);
  GstElement *bin = mxr_fragment_new_bin (fragment, name, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (bin);
  GstHarness *harness = gst_harness_new_with_element (bin, "sink", "src");
  gst_object_unref (bin);
  return harness;
}

/* ---- Pictures: noise that moves, and a square whose brightness tells the frame ---- */

static guint8
luma_of (guint frame)
{
  return (guint8) (60 + 12 * (frame % 12));
}

static GstBuffer *
make_frame (guint frame, GstClockTime pts)
{
  const gsize n_luma = WIDTH * HEIGHT;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n_luma * 3 / 2, NULL);
  GstMapInfo map;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  guint32 seed = frame * 2654435761u + 1;
  for (gsize i = 0; i < n_luma; i++) {
    seed = seed * 1664525u + 1013904223u;
    map.data[i] = (guint8) (100 + (seed >> 26));
  }
  for (guint y = HEIGHT / 4; y < HEIGHT * 3 / 4; y++)
    memset (map.data + y * WIDTH + WIDTH / 4, luma_of (frame), WIDTH / 2);
  memset (map.data + n_luma, 128, n_luma / 2);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = FRAME_NS;
  return buffer;
}

static guint
read_luma (GstBuffer *buffer)
{
  guint8 pixel = 0;
  gst_buffer_extract (buffer, (HEIGHT / 2) * WIDTH + WIDTH / 2, &pixel, 1);
  return pixel;
}

static void
set_picture_caps (GstHarness *harness)
{
  gst_harness_set_src_caps_str (harness, "video/x-raw,format=I420,width=320,height=240,framerate=30/1");
}

/* Time stamps as a clock's are: not quite a thirtieth apart. */
static GstClockTime
pts_of (guint frame)
{
  return START_NS + frame * FRAME_NS + (frame % 3) * GST_MSECOND;
}

/* ---- Packets ---- */

static bool
is_vp8_key (const guint8 *payload, guint n_bytes)
{
  guint at = 1;
  if (n_bytes < 4 || (payload[0] & 0x1f) != 0x10) /* start of partition 0: RFC 7741 4.2 */
    return false;
  if (payload[0] & 0x80)
    at += 1 + ((payload[1] & 0x80) != 0 ? (payload[2] & 0x80 ? 2 : 1) : 0);
  return at < n_bytes && (payload[at] & 1) == 0;
}

static bool
is_h264_key (const guint8 *payload, guint n_bytes)
{
  if (n_bytes < 2)
    return false;
  guint type = payload[0] & 0x1f;
  if (type == 28) /* FU-A: RFC 6184 5.8 */
    return (payload[1] & 0x9f) == 0x85;
  if (type == 24) /* STAP-A: RFC 6184 5.7.1 */
    for (guint at = 1; at + 3 <= n_bytes; at += 2 + (guint) (payload[at] << 8 | payload[at + 1]))
      if ((payload[at + 2] & 0x1f) == 5)
        return true;
  return type == 5;
}

typedef struct {
  guint n_packets, n_bytes;
  bool has_key;
  guint32 rtp_time;
  guint n_markers;
} Packets;

/* Takes what the encoder has made of one frame; hands it to @decoder, when there is one. */
static Packets
take_packets (GstHarness *encoder, const char *codec, GstHarness *decoder)
{
  Packets packets = { 0 };
  for (GstBuffer *buffer = gst_harness_try_pull (encoder); buffer != NULL;
       buffer = gst_harness_try_pull (encoder)) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    g_assert_cmpuint (gst_buffer_get_size (buffer), <=, 1160);
    g_assert_true (gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp));
    const guint8 *payload = gst_rtp_buffer_get_payload (&rtp);
    guint n_bytes = gst_rtp_buffer_get_payload_len (&rtp);
    guint32 rtp_time = gst_rtp_buffer_get_timestamp (&rtp);
    g_assert_true (packets.n_packets == 0 || rtp_time == packets.rtp_time);
    packets.rtp_time = rtp_time;
    packets.n_packets++;
    packets.n_bytes += n_bytes;
    packets.n_markers += gst_rtp_buffer_get_marker (&rtp);
    packets.has_key |=
        g_str_equal (codec, "VP8") ? is_vp8_key (payload, n_bytes) : is_h264_key (payload, n_bytes);
    gst_rtp_buffer_unmap (&rtp);
    if (decoder != NULL)
      g_assert_cmpint (gst_harness_push (decoder, buffer), ==, GST_FLOW_OK);
    else
      gst_buffer_unref (buffer);
  }
  return packets;
}

static Packets
encode_frame (GstHarness *encoder, const char *codec, guint frame)
{
  g_assert_cmpint (gst_harness_push (encoder, make_frame (frame, pts_of (frame))), ==, GST_FLOW_OK);
  return take_packets (encoder, codec, NULL);
}

/* ---- Round trips ---- */

static const struct {
  const char *codec, *encoder, *decoder;
} videos[] = {
  { "VP8", "vp8enc", "picturedec-vp8" },
  { "VP8", "vp8enc", "vp8dec" },
  { "H264", "openh264enc", "picturedec-h264" },
  { "H264", "openh264enc", "avdec_h264" },
  { "H264", "openh264enc", "openh264dec" },
  { "H264", "x264enc", "picturedec-h264" },
  { "H264", "x264enc", "avdec_h264" },
  { "H264", "x264enc", "openh264dec" },
};

static void
link_caps (GstHarness *encoder, GstHarness *decoder)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (encoder->sinkpad);
  g_assert_nonnull (caps);
  gst_harness_set_src_caps (decoder, gst_caps_ref (caps));
}

/* A frame in, its packets out, a frame out: nothing is held back, time is the running time, the picture is
 * the same. */
static void
test_video_round_trip (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (MxrFragments) fragments = load_stock ();
  GstHarness *encoder = harness_of (fragments, videos[i].encoder, MXR_FRAGMENT_ENCODE, videos[i].codec);
  GstHarness *decoder = harness_of (fragments, videos[i].decoder, MXR_FRAGMENT_DECODE, videos[i].codec);

  set_picture_caps (encoder);
  for (guint frame = 0; frame < 45; frame++) {
    g_assert_cmpint (gst_harness_push (encoder, make_frame (frame, pts_of (frame))), ==, GST_FLOW_OK);
    if (frame == 0)
      link_caps (encoder, decoder);
    Packets packets = take_packets (encoder, videos[i].codec, decoder);
    g_assert_cmpuint (packets.n_markers, ==, 1);
    g_assert_cmpuint (packets.rtp_time, ==,
                      (guint32) gst_util_uint64_scale (pts_of (frame), 90000, GST_SECOND));
    g_assert_true (packets.has_key == (frame == 0));

    g_autoptr (GstBuffer) decoded = gst_harness_try_pull (decoder);
    g_assert_nonnull (decoded);
    g_assert_cmpint (ABS ((int) read_luma (decoded) - luma_of (frame)), <=, 12);
  }
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (decoder->sinkpad);
  g_autoptr (GstCaps) wanted = gst_caps_from_string ("video/x-raw,format=I420,width=320,height=240");
  g_assert_true (gst_caps_is_subset (caps, wanted));
  gst_harness_teardown (encoder);
  gst_harness_teardown (decoder);
}

static void
test_keyframe_on_request (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (MxrFragments) fragments = load_stock ();
  GstHarness *encoder = harness_of (fragments, videos[i].encoder, MXR_FRAGMENT_ENCODE, videos[i].codec);
  guint frame = 0;

  set_picture_caps (encoder);
  g_assert_true (encode_frame (encoder, videos[i].codec, frame++).has_key);
  for (guint round = 0; round < 5; round++) {
    for (guint k = 0; k < 7; k++)
      g_assert_false (encode_frame (encoder, videos[i].codec, frame++).has_key);
    g_assert_true (mxr_fragment_bin_request_keyframe (encoder->element));
    g_assert_true (encode_frame (encoder, videos[i].codec, frame++).has_key);
  }
  gst_harness_teardown (encoder);
}

static guint
encode_second (GstHarness *encoder, const char *codec, guint *frame)
{
  guint n_bytes = 0;
  for (guint end = *frame + 30; *frame < end; *frame += 1)
    n_bytes += encode_frame (encoder, codec, *frame).n_bytes;
  return n_bytes;
}

static void
test_bitrate_live (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (MxrFragments) fragments = load_stock ();
  GstHarness *encoder = harness_of (fragments, videos[i].encoder, MXR_FRAGMENT_ENCODE, videos[i].codec);
  guint frame = 0;

  set_picture_caps (encoder);
  g_assert_true (mxr_fragment_bin_set_bitrate (encoder->element, 1200000));
  encode_second (encoder, videos[i].codec, &frame);
  guint high = encode_second (encoder, videos[i].codec, &frame);
  g_assert_true (mxr_fragment_bin_set_bitrate (encoder->element, 400000));
  encode_second (encoder, videos[i].codec, &frame);
  guint low = encode_second (encoder, videos[i].codec, &frame);
  g_test_message ("%s: %u, then %u bit/s", videos[i].encoder, high * 8, low * 8);
  g_assert_cmpuint (high * 8, >, 800000);
  g_assert_cmpuint (high * 8, <, 1600000);
  g_assert_cmpuint (low * 8, <, 600000);
  g_assert_true (mxr_fragment_bin_set_bitrate (encoder->element, 0)); /* clamped, not refused */
  g_assert_true (mxr_fragment_bin_set_bitrate (encoder->element, G_MAXUINT));
  encode_second (encoder, videos[i].codec, &frame);
  gst_harness_teardown (encoder);
}

/* ---- Sound ---- */

static GstBuffer *
make_block (guint block)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 960 * 2, NULL);
  GstMapInfo map;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (guint i = 0; i < 960; i++) /* a triangle of 480 Hz */
    ((gint16 *) map.data)[i] = (gint16) (ABS ((int) (i % 100) - 50) * 400 - 10000);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = START_NS + block * 20 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
  return buffer;
}

static double
energy_of (GstBuffer *buffer)
{
  GstMapInfo map;
  double sum = 0;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  for (gsize i = 0; i < map.size / 2; i++)
    sum += (double) ((gint16 *) map.data)[i] * ((gint16 *) map.data)[i];
  sum /= (double) MAX (map.size / 2, 1);
  gst_buffer_unmap (buffer, &map);
  return sum;
}

/* The encoder looks 6.5 ms ahead and says so in its time stamps, which are those of the sound that is decoded. */
#define OPUS_LOOKAHEAD_SAMPLES 312

static void
test_opus_round_trip (void)
{
  g_autoptr (MxrFragments) fragments = load_stock ();
  GstHarness *encoder = harness_of (fragments, "opusenc", MXR_FRAGMENT_ENCODE, "opus");
  GstHarness *decoder = harness_of (fragments, "opusdec", MXR_FRAGMENT_DECODE, "OPUS");

  gst_harness_set_src_caps_str (encoder, "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=1");
  g_assert_true (mxr_fragment_bin_set_bitrate (encoder->element, 24000));
  g_assert_false (mxr_fragment_bin_request_keyframe (encoder->element));
  for (guint block = 0; block < 50; block++) {
    g_assert_cmpint (gst_harness_push (encoder, make_block (block)), ==, GST_FLOW_OK);
    if (block == 0)
      link_caps (encoder, decoder);
    Packets packets = take_packets (encoder, "opus", decoder);
    g_assert_cmpuint (packets.n_packets, ==, 1);
    guint64 start_rtp = gst_util_uint64_scale (START_NS, 48000, GST_SECOND);
    g_assert_cmpuint (packets.rtp_time, ==,
                      (guint32) start_rtp + block * 960 - OPUS_LOOKAHEAD_SAMPLES);
    g_autoptr (GstBuffer) decoded = gst_harness_try_pull (decoder);
    g_assert_nonnull (decoded);
    if (block > 2)
      g_assert_cmpfloat (energy_of (decoded), >, 1e7);
  }
  gst_harness_teardown (encoder);
  gst_harness_teardown (decoder);
}

/* A packet lost: the picture stands, a key frame is asked for. */
static void
test_loss_asks_for_keyframe (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (MxrFragments) fragments = load_stock ();
  GstHarness *encoder = harness_of (fragments, videos[i].encoder, MXR_FRAGMENT_ENCODE, videos[i].codec);
  GstHarness *decoder = harness_of (fragments, videos[i].decoder, MXR_FRAGMENT_DECODE, videos[i].codec);

  set_picture_caps (encoder);
  for (guint frame = 0; frame < 10; frame++) {
    g_assert_cmpint (gst_harness_push (encoder, make_frame (frame, pts_of (frame))), ==, GST_FLOW_OK);
    if (frame == 0)
      link_caps (encoder, decoder);
    if (frame == 5)
      gst_buffer_unref (gst_harness_pull (encoder));
    take_packets (encoder, videos[i].codec, decoder);
    g_autoptr (GstBuffer) decoded = gst_harness_try_pull (decoder);
    g_assert_true (frame < 5 ? decoded != NULL : frame == 5 || decoded == NULL);
  }
  bool is_asked = false;
  for (GstEvent *event = gst_harness_try_pull_upstream_event (decoder); event != NULL;
       event = gst_harness_try_pull_upstream_event (decoder)) {
    is_asked |= gst_event_has_name (event, "GstForceKeyUnit");
    gst_event_unref (event);
  }
  g_assert_true (is_asked);
  gst_harness_teardown (encoder);
  gst_harness_teardown (decoder);
}

/* ---- Files ---- */

static void
write_file (const char *dir, const char *name, const char *bytes, gssize n_bytes)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autoptr (GError) error = NULL;
  g_file_set_contents (path, bytes, n_bytes, &error);
  g_assert_no_error (error);
}

static void
remove_dir (char *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  for (const char *entry = g_dir_read_name (entries); entry != NULL; entry = g_dir_read_name (entries)) {
    g_autofree char *path = g_build_filename (dir, entry, NULL);
    g_remove (path);
  }
  g_rmdir (dir);
  g_free (dir);
}

#define DECODE "#: kind = decode #: codec = VP8\n"
#define ENCODE "#: kind = encode #: codec = VP8 #: keyframe = force-key-unit\n"

static const struct {
  const char *name, *text, *words;
  guint line;
  bool is_missing;
} bad[] = {
  { "two-open", DECODE "rtpvp8depay\nvp8dec\n", "2 open sink pads", 2, false },
  { "two-open-src", DECODE "identity ! tee name=t t.src_0 ! queue t.src_1 ! queue\n", "2 open source pads", 2,
    false },
  { "no-sink", DECODE "videotestsrc ! identity\n", "0 open sink pads", 2, false },
  { "no-source", DECODE "identity ! fakesink\n", "0 open source pads", 2, false },
  { "unknown-element", DECODE "rtpvp8depay\n# so\n! nosuchelement\n! identity\n", "nosuchelement", 4, true },
  { "needs", DECODE "#: needs = rtpvp8depay nosuchplugin\nrtpvp8depay ! vp8dec\n", "nosuchplugin", 2, true },
  { "unknown-property", DECODE "rtpvp8depay\n! vp8dec colour=red\n", "colour", 3, false },
  { "bad-value", DECODE "rtpvp8depay wait-for-keyframe=perhaps\n! vp8dec\n", "wait-for-keyframe", 2, false },
  { "does-not-fit", DECODE "rtpvp8depay\n! opusdec\n", "opusdec", 3, false },
  { "syntax", DECODE "rtpvp8depay\n! ! vp8dec\n", "syntax error", 3, false },
  { "no-front-matter", "rtpvp8depay ! vp8dec\n", "kind", 1, false },
  { "empty", "", "kind", 1, false },
  { "no-such-name", ENCODE "#: bitrate = other.target-bitrate bit/s\nvp8enc name=enc ! rtpvp8pay\n",
    "'other'", 2, false },
  { "no-such-property", ENCODE "#: bitrate = enc.rate bit/s\nvp8enc name=enc ! rtpvp8pay\n", "'rate'", 2,
    false },
  { "not-a-number", ENCODE "#: bitrate = enc.end-usage bit/s\nvp8enc name=enc ! rtpvp8pay\n", "whole number",
    2, false },
};

static const MxrFragmentProblem *
find_problem (GPtrArray *problems, const char *name)
{
  for (guint i = 0; i < problems->len; i++) {
    const MxrFragmentProblem *problem = g_ptr_array_index (problems, i);
    if (g_str_equal (problem->name, name))
      return problem;
  }
  g_error ("no problem was found in %s", name);
}

static void
assert_bad (const MxrFragments *fragments, GPtrArray *problems, guint i)
{
  const MxrFragmentProblem *problem = find_problem (problems, bad[i].name);
  g_autoptr (GError) error = NULL;

  g_test_message ("%s:%u: %s", problem->file, problem->line, problem->reason);
  g_assert_cmpuint (problem->line, ==, bad[i].line);
  g_assert_nonnull (strstr (problem->reason, bad[i].words));
  g_assert_true (problem->is_missing == bad[i].is_missing);
  g_assert_null (mxr_fragments_find (fragments, bad[i].name, MXR_FRAGMENT_DECODE, "VP8", &error));
  int code = bad[i].is_missing ? MXR_PIPELINE_ERROR_MISSING : MXR_PIPELINE_ERROR_BAD_FILE;
  g_assert_error (error, MXR_PIPELINE_ERROR, code);
  g_autofree char *where = g_strdup_printf ("%s.gst:%u: ", bad[i].name, bad[i].line);
  g_assert_nonnull (strstr (error->message, where));
}

static void
test_bad_files (void)
{
  char *dir = g_dir_make_tmp ("mixroom-XXXXXX", NULL);
  static const char junk[] = "#: kind = decode\n\0\x01\xff\xfe\0\0\x7f"
                             "ELF";
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *name = g_strconcat (bad[i].name, ".gst", NULL);
    write_file (dir, name, bad[i].text, -1);
  }
  write_file (dir, "junk.gst", junk, sizeof junk - 1);
  write_file (dir, "README.md", "not a fragment", -1);

  const char *const dirs[] = { dir, NULL };
  g_autoptr (MxrFragments) fragments = mxr_fragments_load (dirs, NULL);
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_fragment_problem_free);
  g_assert_false (mxr_fragments_check (fragments, problems));
  g_assert_cmpuint (problems->len, ==, G_N_ELEMENTS (bad) + 1);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_bad (fragments, problems, i);
  g_assert_cmpuint (find_problem (problems, "junk")->line, ==, 2);
  remove_dir (dir);
}

/* The operator's file hides the stock one, also when it has a fault. */
static void
test_search_path (void)
{
  char *dir = g_dir_make_tmp ("mixroom-XXXXXX", NULL);
  write_file (dir, "opusdec.gst", "#: kind = decode #: codec = VP8\nrtpvp8depay ! vp8dec\n", -1);
  write_file (dir, "vp8dec.gst", "rubbish\n", -1);

  const char *const dirs[] = { dir, pipelines_dir, NULL };
  g_autoptr (MxrFragments) fragments = mxr_fragments_load (dirs, NULL);
  g_autoptr (GError) error = NULL;
  g_assert_nonnull (mxr_fragments_find (fragments, "opusdec", MXR_FRAGMENT_DECODE, "vp8", NULL));
  g_assert_null (mxr_fragments_find (fragments, "opusdec", MXR_FRAGMENT_DECODE, "opus", &error));
  g_assert_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_WRONG_USE);
  g_clear_error (&error);
  g_assert_null (mxr_fragments_find (fragments, "vp8dec", MXR_FRAGMENT_DECODE, "VP8", &error));
  g_assert_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_BAD_FILE);
  g_clear_error (&error);
  g_assert_nonnull (mxr_fragments_find (fragments, "vp8enc", MXR_FRAGMENT_ENCODE, "VP8", NULL));
  g_assert_null (mxr_fragments_find (fragments, "../vp8enc", MXR_FRAGMENT_ENCODE, "VP8", &error));
  g_assert_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  remove_dir (dir);

  const char *const nowhere[] = { "/nonexistent", NULL };
  g_assert_null (mxr_fragments_load (nowhere, &error));
  g_assert_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_NOT_FOUND);
}

static void
test_stock_is_fine (void)
{
  g_autoptr (MxrFragments) fragments = load_stock ();
  g_autoptr (GPtrArray) problems =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_fragment_problem_free);
  mxr_fragments_check (fragments, problems);
  for (guint i = 0; i < problems->len; i++) {
    const MxrFragmentProblem *problem = g_ptr_array_index (problems, i);
    g_error ("%s:%u: %s", problem->file, problem->line, problem->reason);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_autofree char *dir = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "pipelines", NULL);
  pipelines_dir = dir;

  g_test_add_func ("/fragments/stock-is-fine", test_stock_is_fine);
  for (guint i = 0; i < G_N_ELEMENTS (videos); i++) {
    g_autofree char *trip =
        g_strdup_printf ("/fragments/round-trip/%s-%s", videos[i].encoder, videos[i].decoder);
    g_autofree char *loss = g_strdup_printf ("/fragments/loss/%s-%s", videos[i].encoder, videos[i].decoder);
    g_test_add_data_func (trip, GUINT_TO_POINTER (i), test_video_round_trip);
    g_test_add_data_func (loss, GUINT_TO_POINTER (i), test_loss_asks_for_keyframe);
    if (i > 0 && g_str_equal (videos[i].encoder, videos[i - 1].encoder))
      continue;
    g_autofree char *key = g_strdup_printf ("/fragments/keyframe-on-request/%s", videos[i].encoder);
    g_autofree char *rate = g_strdup_printf ("/fragments/bitrate-live/%s", videos[i].encoder);
    g_test_add_data_func (key, GUINT_TO_POINTER (i), test_keyframe_on_request);
    g_test_add_data_func (rate, GUINT_TO_POINTER (i), test_bitrate_live);
  }
  g_test_add_func ("/fragments/round-trip/opus", test_opus_round_trip);
  g_test_add_func ("/fragments/bad-files", test_bad_files);
  g_test_add_func ("/fragments/search-path", test_search_path);
  return g_test_run ();
}
