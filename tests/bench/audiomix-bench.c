/* What a block costs: mxraudiomix for N people, each sending and each hearing the others, against one stock
 * audiomixer per listener. Prints CPU seconds per second of media. The stock figure is one audiomixer of N -
 * 1 inputs, times N. Both are fed by hand from one thread and run as fast as they can. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gst/gst.h>
#include <gst/check/gsttestclock.h>

#include "mixroom/elements.h"

#define BLOCK_BYTES (960 * 2)
#define CAPS "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved"

static double
cpu_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

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
      ((gint16 *)map.data)[i] = (gint16)((i * (k + 1) * 37 % 200) * amplitude / 100 - amplitude);
    gst_buffer_unmap (buffer, &map);
    GST_BUFFER_PTS (buffer) = block * 20 * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    gst_pad_push (pads[k], buffer);
  }
}

static void
swallow (guint n, guint n_blocks, double *out_feeding_s)
{
  GstPad *pads[512];
  double before = cpu_s ();

  for (guint k = 0; k < n; k++) {
    GstPad *sink = gst_pad_new (NULL, GST_PAD_SINK);
    gst_pad_set_chain_function (sink, drop);
    gst_pad_set_active (sink, TRUE);
    pads[k] = gst_pad_new (NULL, GST_PAD_SRC);
    gst_pad_set_active (pads[k], TRUE);
    gst_pad_link (pads[k], sink);
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (pads[k], gst_event_new_stream_start ("bench"));
    gst_pad_push_event (pads[k], gst_event_new_segment (&segment));
  }
  for (guint block = 0; block < n_blocks; block++)
    feed (pads, n, block, 100);
  *out_feeding_s = cpu_s () - before;
}

static double
ours (guint n, guint n_blocks, gint amplitude)
{
  GstElement *mix = gst_element_factory_make ("mxraudiomix", NULL);
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new_with_start_time (10 * GST_MSECOND));
  GstPad *pads[512];

  gst_element_set_clock (mix, GST_CLOCK (clock));
  gst_element_set_base_time (mix, 0);
  gst_element_set_state (mix, GST_STATE_PLAYING);
  for (guint k = 0; k < n; k++) {
    g_autofree char *name = g_strdup_printf ("src_%u", k);
    pads[k] = feeder (mix);
    listen_at (gst_element_request_pad_simple (mix, name));
  }
  feed (pads, n, 0, amplitude);
  double before = cpu_s ();
  for (guint block = 1; block <= n_blocks; block++) {
    feed (pads, n, block, amplitude);
    gst_test_clock_crank (clock);
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
  }
  double spent = cpu_s () - before;
  gst_element_set_state (mix, GST_STATE_NULL);
  return spent;
}

static double
stock (guint n_inputs, guint n_blocks)
{
  GstElement *mix = gst_element_factory_make ("audiomixer", NULL);
  g_autoptr (GstPad) source = gst_element_get_static_pad (mix, "src");
  GstPad *pads[512];

  g_object_set (mix, "output-buffer-duration", 20 * GST_MSECOND, NULL);
  listen_at (source);
  gst_element_set_state (mix, GST_STATE_PLAYING);
  for (guint k = 0; k < n_inputs; k++)
    pads[k] = feeder (mix);
  double before = cpu_s ();
  for (guint block = 0; block < n_blocks; block++)
    feed (pads, n_inputs, block, 100);
  double spent = cpu_s () - before;
  for (guint k = 0; k < n_inputs; k++)
    gst_pad_push_event (pads[k], gst_event_new_flush_start ());
  gst_element_set_state (mix, GST_STATE_NULL);
  return spent;
}

int
main (int argc, char **argv)
{
  static const guint counts[] = { 10, 50, 100 };
  const guint n_blocks = 500;
  const double media_s = n_blocks * 0.02;

  gst_init (&argc, &argv);
  mxr_elements_register (NULL);
  printf ("people  mxraudiomix  when limiting  audiomixer per listener\n");
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    guint n = counts[i];
    double feeding, feeding_others;
    swallow (n, n_blocks, &feeding);
    swallow (n - 1, n_blocks / 5, &feeding_others);
    double quiet = ours (n, n_blocks, 100) - feeding;
    double loud = ours (n, n_blocks, 30000) - feeding;
    double theirs = (stock (n - 1, n_blocks / 5) - feeding_others) * n;
    printf ("%6u  %11.4f  %13.4f  %23.4f\n", n, quiet / media_s, loud / media_s, theirs * 5 / media_s);
  }
  return 0;
}
