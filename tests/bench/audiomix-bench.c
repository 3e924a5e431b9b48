/* What a block costs: mxraudiomix for N people, each sending and each hearing the others, against one stock
 * audiomixer per listener, and against the bare loops that sum all and subtract each. CPU seconds per second
 * of media. The stock figure is one audiomixer of N - 1 inputs, times N. All elements are fed by hand from
 * one thread and run as fast as they can; what feeding costs is taken off. */
#include <string.h>

#include <gst/gst.h>
#include <gst/check/gsttestclock.h>

#include "mixroom/elements.h"
#include "paired.h"

#define BLOCK_FRAMES 960
#define BLOCK_S 0.02
#define BLOCK_BYTES (BLOCK_FRAMES * 2)
#define N_BLOCKS 250
#define N_BLOCKS_STOCK 50
#define N_MAX 300
#define QUIET 100
#define LOUD 30000
#define CAPS "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved"

static GstFlowReturn
drop (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static void
listen_at (GstPad *source)
{
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SINK);
  gst_pad_set_chain_function (pad, drop);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (source, pad);
}

static GstPad *
feeder (GstElement *element)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (CAPS);
  GstSegment segment;
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SRC);
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (element, "sink_%u");

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (pad, sink);
  gst_pad_push_event (pad, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  return pad;
}

static void
feed (GstPad **pads, guint n, guint block, gint amplitude)
{
  for (guint k = 0; k < n; k++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, BLOCK_BYTES, NULL);
    GstMapInfo map;
    gst_buffer_map (buffer, &map, GST_MAP_WRITE);
    for (guint i = 0; i < BLOCK_BYTES / 2; i++)
      ((gint16 *) map.data)[i] = (gint16) ((i * (k + 1) * 37 % 200) * amplitude / 100 - amplitude);
    gst_buffer_unmap (buffer, &map);
    GST_BUFFER_PTS (buffer) = block * 20 * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    gst_pad_push (pads[k], buffer);
  }
}

/* Returns: what feeding @n pads costs that throw all away [s]. */
static double
feeding_s (guint n, guint n_blocks)
{
  GstPad *pads[N_MAX];

  for (guint k = 0; k < n; k++) {
    GstPad *sink = gst_pad_new (NULL, GST_PAD_SINK);
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_set_chain_function (sink, drop);
    gst_pad_set_active (sink, TRUE);
    pads[k] = gst_pad_new (NULL, GST_PAD_SRC);
    gst_pad_set_active (pads[k], TRUE);
    gst_pad_link (pads[k], sink);
    gst_pad_push_event (pads[k], gst_event_new_stream_start ("bench"));
    gst_pad_push_event (pads[k], gst_event_new_segment (&segment));
  }
  double begin_s = paired_cpu_s ();
  for (guint block = 0; block < n_blocks; block++)
    feed (pads, n, block, QUIET);
  return paired_cpu_s () - begin_s;
}

static double
mix (guint n, gint amplitude)
{
  GstElement *element = gst_element_factory_make ("mxraudiomix", NULL);
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new_with_start_time (10 * GST_MSECOND));
  GstPad *pads[N_MAX];

  gst_element_set_clock (element, GST_CLOCK (clock));
  gst_element_set_base_time (element, 0);
  gst_element_set_state (element, GST_STATE_PLAYING);
  for (guint k = 0; k < n; k++) {
    g_autofree char *name = g_strdup_printf ("src_%u", k);
    pads[k] = feeder (element);
    listen_at (gst_element_request_pad_simple (element, name));
  }
  feed (pads, n, 0, amplitude);
  double begin_s = paired_cpu_s ();
  for (guint block = 1; block <= N_BLOCKS; block++) {
    feed (pads, n, block, amplitude);
    gst_test_clock_crank (clock);
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
  }
  double used_s = paired_cpu_s () - begin_s;
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  return (used_s - feeding_s (n, N_BLOCKS)) / (N_BLOCKS * BLOCK_S);
}

static double
audiomix (gconstpointer n)
{
  return mix (*(const guint *) n, QUIET);
}

static double
audiomix_limiting (gconstpointer n)
{
  return mix (*(const guint *) n, LOUD);
}

static double
audiomixer_each (gconstpointer data)
{
  guint n = *(const guint *) data, n_inputs = n - 1;
  GstElement *element = gst_element_factory_make ("audiomixer", NULL);
  g_autoptr (GstPad) source = gst_element_get_static_pad (element, "src");
  GstPad *pads[N_MAX];

  g_object_set (element, "output-buffer-duration", 20 * GST_MSECOND, NULL);
  listen_at (source);
  gst_element_set_state (element, GST_STATE_PLAYING);
  for (guint k = 0; k < n_inputs; k++)
    pads[k] = feeder (element);
  double begin_s = paired_cpu_s ();
  for (guint block = 0; block < N_BLOCKS_STOCK; block++)
    feed (pads, n_inputs, block, QUIET);
  double used_s = paired_cpu_s () - begin_s;
  for (guint k = 0; k < n_inputs; k++)
    gst_pad_push_event (pads[k], gst_event_new_flush_start ());
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  return (used_s - feeding_s (n_inputs, N_BLOCKS_STOCK)) * n / (N_BLOCKS_STOCK * BLOCK_S);
}

static void
add_block (gint32 *restrict sum, const gint16 *restrict part)
{
  for (guint i = 0; i < BLOCK_FRAMES; i++)
    sum[i] += part[i];
}

static void
subtract_block (gint16 *restrict out, const gint32 *restrict sum, const gint16 *restrict part)
{
  for (guint i = 0; i < BLOCK_FRAMES; i++) {
    gint32 value = sum[i] - part[i];
    value = value < G_MAXINT16 ? value : G_MAXINT16;
    out[i] = (gint16) (value > G_MININT16 ? value : G_MININT16);
  }
}

/* The least that this kind of mixing can be: no pads, no buffers, no volume, no level, no limiter. */
static double
plain_c (gconstpointer data)
{
  guint n = *(const guint *) data;
  g_autofree gint16 *parts = g_new (gint16, (gsize) n * BLOCK_FRAMES);
  gint16 out[BLOCK_FRAMES];
  gint32 sum[BLOCK_FRAMES];
  guint check = 0;

  for (gsize i = 0; i < (gsize) n * BLOCK_FRAMES; i++)
    parts[i] = (gint16) (i * 37 % 200);
  double begin_s = paired_cpu_s ();
  for (guint block = 0; block < N_BLOCKS; block++) {
    memset (sum, 0, sizeof sum);
    for (guint k = 0; k < n; k++)
      add_block (sum, parts + k * BLOCK_FRAMES);
    for (guint k = 0; k < n; k++) {
      subtract_block (out, sum, parts + k * BLOCK_FRAMES);
      check += (guint) out[k % BLOCK_FRAMES];
    }
  }
  double used_s = paired_cpu_s () - begin_s;
  g_assert_cmpuint (check, !=, 0); /* somebody has to look, or the compiler leaves all of it out */
  return used_s / (N_BLOCKS * BLOCK_S);
}

int
main (int argc, char **argv)
{
  static const guint counts[] = { 10, 50, 100, 300 };
  const guint stock_max = 100; /* beyond it takes minutes */
  Paired paired;

  gst_init (&argc, &argv);
  mxr_elements_register (NULL);
  paired_init (&paired, &argc, &argv, "synthetic");
  g_autoptr (GstElementFactory) stock = gst_element_factory_find ("audiomixer");
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    const PairedWay rivals[] = {
      { "plain-c", plain_c },
      { "audiomixer-each", stock != NULL && counts[i] <= stock_max ? audiomixer_each : NULL },
    };
    paired_measure (&paired, "audiomix", counts[i], audiomix, rivals, G_N_ELEMENTS (rivals), &counts[i]);
    paired_measure (&paired, "audiomix-limiting", counts[i], audiomix_limiting, rivals, 1, &counts[i]);
  }
  paired_clear (&paired);
  return 0;
}
