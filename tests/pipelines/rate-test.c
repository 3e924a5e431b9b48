/* Encoders of pictures keep to their bitrate whatever the mixer leaves out: it pushes nothing where nothing changed, so
 * frames come at any distance. */

#include "mixroom/elements.h"
#include "mixroom/pipeline.h"

#include <gst/check/gstharness.h>
#include <string.h>

#define WIDTH 640
#define HEIGHT 360
#define TICK_RATE 30
#define BITRATE_BPS 600000
#define WARM_UP_TICKS (2 * TICK_RATE)
#define N_TICKS (10 * TICK_RATE)

static const char *pipelines_dir;

/* ---- Something to see: a texture that pans, under light noise ------------------------------------------- */

static guint32
scramble (guint32 seed)
{
  seed = (seed ^ (seed >> 15)) * 2246822519u;
  return seed ^ (seed >> 13);
}

static GstBuffer *
make_frame (guint index)
{
  const gsize n_luma = WIDTH * HEIGHT;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n_luma * 3 / 2, NULL);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++) {
      guint32 texture = scramble ((x + 2 * index) / 8 * 4099 + (y + index) / 8) % 128;
      guint32 noise = scramble (index * 7919 + y * WIDTH + x) % 8;
      map.data[y * WIDTH + x] = (guint8) (60 + texture + noise);
    }
  memset (map.data + n_luma, 128, n_luma / 2);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/* ---- Mixer and encoder, on a test clock ------------------------------------------------------------------ */

static GstElement *
new_encoder (const MxrFragments *fragments, const char *name, const char *codec)
{
  g_autoptr (GError) error = NULL;
  const MxrFragment *fragment = mxr_fragments_find (fragments, name, MXR_FRAGMENT_ENCODE, codec, &error);
  g_assert_no_error (error);
  GstElement *encoder = mxr_fragment_new_bin (fragment, "encoder", &error);
  g_assert_no_error (error);
  mxr_fragment_bin_set_bitrate (encoder, BITRATE_BPS);
  return encoder;
}

static GstHarness *
harness_new (const MxrFragments *fragments, const char *name, const char *codec)
{
  const MxrTile tile = { .sink = 0, .w = WIDTH, .h = HEIGHT };
  GstElement *bin = gst_bin_new ("rig");
  GstElement *mix = gst_element_factory_make ("mxrtilemix", "mix");
  GstElement *encoder = new_encoder (fragments, name, codec);

  gst_bin_add_many (GST_BIN (bin), mix, encoder, NULL);
  g_autoptr (GstPad) in = gst_element_request_pad_simple (mix, "sink_0");
  g_autoptr (GstPad) view = gst_element_request_pad_simple (mix, "src_0");
  g_autoptr (GstPad) encoder_sink = gst_element_get_static_pad (encoder, "sink");
  g_autoptr (GstPad) out = gst_element_get_static_pad (encoder, "src");
  g_object_set (view, "width", WIDTH, "height", HEIGHT, NULL);
  mxr_tilemix_set_tiles (mix, view, &tile, 1);
  g_assert_cmpint (gst_pad_link (view, encoder_sink), ==, GST_PAD_LINK_OK);
  gst_element_add_pad (bin, gst_ghost_pad_new ("sink", in));
  gst_element_add_pad (bin, gst_ghost_pad_new ("src", out));
  gst_object_ref_sink (bin);
  GstHarness *harness = gst_harness_new_with_element (bin, "sink", "src");
  gst_object_unref (bin);
  gst_harness_use_testclock (harness);
  gst_harness_set_src_caps_str (harness, "video/x-raw,format=I420,width=640,height=360,framerate=30/1");
  return harness;
}

static guint64
take_bytes (GstHarness *harness)
{
  guint64 n_bytes = 0;
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (harness)) != NULL) {
    n_bytes += gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
  }
  return n_bytes;
}

/* ---- What comes, and when -------------------------------------------------------------------------------- */

typedef bool (*ComesFunc) (guint tick);

static bool
always (guint tick)
{
  return true;
}

/* A camera's clock beside ours: 28 frames a second. */
static bool
not_each_fifteenth (guint tick)
{
  return tick % 15 != 14;
}

static bool
each_second (guint tick)
{
  return tick % 2 == 0;
}

static bool
by_chance (guint tick)
{
  return scramble (tick) % 3 != 0;
}

static const struct {
  const char *name;
  ComesFunc comes;
} patterns[] = {
  { "always", always }, { "28 a second", not_each_fifteenth }, { "each second one", each_second }, { "by chance", by_chance },
};

static double
measure_bps (const MxrFragments *fragments, const char *name, const char *codec, ComesFunc comes)
{
  GstHarness *harness = harness_new (fragments, name, codec);
  GstTestClock *clock = gst_harness_get_testclock (harness);
  guint64 n_bytes = 0;

  for (guint tick = 0; tick < N_TICKS; tick++) {
    if (comes (tick))
      g_assert_cmpint (gst_harness_push (harness, make_frame (tick)), ==, GST_FLOW_OK);
    g_assert_true (gst_test_clock_crank (clock));
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
    guint64 n_more = take_bytes (harness);
    if (tick >= WARM_UP_TICKS)
      n_bytes += n_more;
  }
  gst_object_unref (clock);
  gst_harness_teardown (harness);
  return (double) n_bytes * 8 * TICK_RATE / (N_TICKS - WARM_UP_TICKS);
}

/* RTP's headers and each frame's rounding come on top of what the encoder was asked for. */
static void
check_rates (const char *name, const char *codec, double least)
{
  const char *const dirs[] = { pipelines_dir, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrFragments) fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++) {
    double rate_bps = measure_bps (fragments, name, codec, patterns[i].comes);
    g_test_message ("%s, frames %s: %.2f of the bitrate asked for", name, patterns[i].name, rate_bps / BITRATE_BPS);
    g_assert_cmpfloat (rate_bps, <, 1.12 * BITRATE_BPS);
    g_assert_cmpfloat (rate_bps, >, least * BITRATE_BPS);
  }
}

/* ---- A bitrate that follows the network ------------------------------------------------------------------ */

static double
run_bps (GstHarness *harness, guint *tick, guint n_ticks)
{
  GstTestClock *clock = gst_harness_get_testclock (harness);
  guint64 n_bytes = 0;

  for (guint end = *tick + n_ticks; *tick < end; (*tick)++) {
    g_assert_cmpint (gst_harness_push (harness, make_frame (*tick)), ==, GST_FLOW_OK);
    g_assert_true (gst_test_clock_crank (clock));
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
    n_bytes += take_bytes (harness);
  }
  gst_object_unref (clock);
  return (double) n_bytes * 8 * TICK_RATE / n_ticks;
}

/* At two thirds of 600 kbit/s openh264enc is at its coarsest, and makes 470 of this texture. */
#define CHANGED_BPS 1000000

/* As far down as a rung's may be lowered, and up again: it holds from the next second on. */
static void
check_change (const char *name, const char *codec)
{
  static const double parts[] = { 1, 0.65, 1, 0.8 };
  const char *const dirs[] = { pipelines_dir, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrFragments) fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  GstHarness *harness = harness_new (fragments, name, codec);
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (harness->element), "encoder");
  guint tick = 0;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    mxr_fragment_bin_set_bitrate (encoder, (guint) (parts[i] * CHANGED_BPS));
    run_bps (harness, &tick, TICK_RATE);
    double rate_bps = run_bps (harness, &tick, 4 * TICK_RATE);
    g_test_message ("%s: %.2f of %.2f of the bitrate", name, rate_bps / CHANGED_BPS, parts[i]);
    g_assert_cmpfloat (rate_bps, <, 1.12 * parts[i] * CHANGED_BPS);
    g_assert_cmpfloat (rate_bps, >, 0.8 * parts[i] * CHANGED_BPS);
  }
  gst_harness_teardown (harness);
}

/* ---- Tests ------------------------------------------------------------------------------------------------ */

static void
test_vp8enc (void)
{
  check_rates ("vp8enc", "VP8", 0.8);
  check_change ("vp8enc", "VP8");
}

static void
test_openh264enc (void)
{
  check_rates ("openh264enc", "H264", 0.8);
  check_change ("openh264enc", "H264");
}

/* Goes by the number of frames, so it gives less where there are fewer. */
static void
test_x264enc (void)
{
  check_rates ("x264enc", "H264", 0.4);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_assert_true (mxr_elements_register (NULL));
  g_autofree char *dir = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "pipelines", NULL);
  pipelines_dir = dir;
  g_test_add_func ("/rate/vp8enc", test_vp8enc);
  g_test_add_func ("/rate/openh264enc", test_openh264enc);
  g_test_add_func ("/rate/x264enc", test_x264enc);
  return g_test_run ();
}
