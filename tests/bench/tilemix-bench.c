/* What composing costs: mxrtilemix, stock compositor and bare libyuv calls draw the same 1280x720 pictures
 * from 640x360 sources, every one of them new in every picture. Prints CPU seconds per second of media at 30
 * pictures a second. */
#include <gst/check/gsttestclock.h>
#include <gst/video/video.h>
#include <libyuv.h>
#include <time.h>

#include "mixroom/elements.h"

#define N_PICTURES 300
#define RATE 30
#define WARM_UP 10
#define W 640
#define H 360
#define CANVAS_W 1280
#define CANVAS_H 720
#define N_MAX 25

static GstStaticPadTemplate source_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));
static GstStaticPadTemplate drain_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));

static double
cpu_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static GstBuffer *
noise_frame (guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GstBuffer *frame = gst_buffer_new_allocate (NULL, W * H * 3 / 2, NULL);
  GstMapInfo map;

  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int_range (rand, 16, 235);
  gst_buffer_unmap (frame, &map);
  return frame;
}

static GstFlowReturn
on_picture (GstPad *pad, GstObject *parent, GstBuffer *picture)
{
  g_atomic_int_inc ((gint *) gst_pad_get_element_private (pad));
  gst_buffer_unref (picture);
  return GST_FLOW_OK;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static GstPad *
drain_new (GstPad *src, gint *count)
{
  GstPad *pad = gst_pad_new_from_static_template (&drain_template, "sink");

  gst_pad_set_element_private (pad, count);
  gst_pad_set_chain_function (pad, on_picture);
  gst_pad_set_event_function (pad, on_event);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (src, pad);
  return pad;
}

static GstPad *
source_new (GstPad *sink)
{
  GstPad *pad = gst_pad_new_from_static_template (&source_template, "src");
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-raw,format=I420,width=640,height=360,framerate=30/1");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (pad, sink);
  gst_pad_push_event (pad, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  return pad;
}

static void
push_all (GstPad **sources, guint n, GstBuffer **frames, guint k)
{
  for (guint i = 0; i < n; i++) {
    GstBuffer *frame = gst_buffer_copy (frames[i]);
    GST_BUFFER_PTS (frame) = gst_util_uint64_scale (k, GST_SECOND, RATE);
    GST_BUFFER_DURATION (frame) = GST_SECOND / RATE;
    gst_pad_push (sources[i], frame);
  }
}

static double
measure_tilemix (const MxrTile *tiles, guint n, GstBuffer **frames, guint n_changing)
{
  GstElement *mix = gst_element_factory_make ("mxrtilemix", NULL);
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  GstPad *view = gst_element_request_pad_simple (mix, "src_%u"), *sources[N_MAX];
  gint count = 0;
  double begin_s = 0;

  gst_element_set_clock (mix, GST_CLOCK (clock));
  gst_element_set_base_time (mix, 0);
  gst_element_set_state (mix, GST_STATE_PLAYING);
  drain_new (view, &count);
  for (guint i = 0; i < n; i++)
    sources[i] = source_new (gst_element_request_pad_simple (mix, "sink_%u"));
  mxr_tilemix_set_tiles (mix, view, tiles, n);
  for (guint k = 0; k < N_PICTURES + WARM_UP; k++) {
    if (k == WARM_UP)
      begin_s = cpu_s ();
    push_all (sources, k == 0 ? n : n_changing, frames, k);
    gst_test_clock_crank (clock);
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
  }
  double used_s = cpu_s () - begin_s;
  gst_element_set_state (mix, GST_STATE_NULL);
  return used_s * RATE / N_PICTURES;
}

static double
measure_compositor (const MxrTile *tiles, guint n, GstBuffer **frames)
{
  GstElement *mix = gst_element_factory_make ("compositor", NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (mix, "src");
  GstPad *sources[N_MAX];
  gint count = 0;
  double begin_s = 0;

  g_object_set (mix, "max-threads", 1, NULL);
  drain_new (src, &count);
  for (guint i = 0; i < n; i++) {
    GstPad *sink = gst_element_request_pad_simple (mix, "sink_%u");
    g_object_set (sink, "xpos", tiles[i].x, "ypos", tiles[i].y, "width", tiles[i].w, "height", tiles[i].h,
                  NULL);
    gst_pad_set_active (sink, TRUE);
    sources[i] = source_new (sink);
  }
  gst_element_set_state (mix, GST_STATE_PLAYING);
  for (guint k = 0; k < N_PICTURES + WARM_UP; k++) {
    if (k == WARM_UP)
      begin_s = cpu_s ();
    push_all (sources, n, frames, k);
  }
  double used_s = cpu_s () - begin_s;
  return used_s * RATE / N_PICTURES; /* the process ends soon; taking this apart is not measured */
}

static double
measure_libyuv (const MxrTile *tiles, guint n, GstBuffer **frames, enum FilterMode filter)
{
  g_autofree guint8 *canvas = g_malloc0 (CANVAS_W * CANVAS_H * 3 / 2);
  guint8 *u = canvas + CANVAS_W * CANVAS_H, *v = u + CANVAS_W * CANVAS_H / 4;
  double begin_s = cpu_s ();

  for (guint k = 0; k < N_PICTURES * n; k++) {
    const MxrTile *tile = &tiles[k % n];
    GstMapInfo map;
    gst_buffer_map (frames[k % n], &map, GST_MAP_READ);
    int chroma = tile->y / 2 * (CANVAS_W / 2) + tile->x / 2;
    I420Scale (map.data, W, map.data + W * H, W / 2, map.data + W * H * 5 / 4, W / 2, W, H,
               canvas + tile->y * CANVAS_W + tile->x, CANVAS_W, u + chroma, CANVAS_W / 2, v + chroma,
               CANVAS_W / 2, tile->w, tile->h, filter);
    gst_buffer_unmap (frames[k % n], &map);
  }
  return (cpu_s () - begin_s) * RATE / N_PICTURES;
}

int
main (int argc, char **argv)
{
  GstBuffer *frames[N_MAX];

  gst_init (&argc, &argv);
  mxr_elements_register (NULL);
  for (guint i = 0; i < N_MAX; i++)
    frames[i] = noise_frame (i);
  g_print ("tiles  mxrtilemix  half still  compositor  libyuv none  bilinear  box\n");
  for (int side = 1; side <= 5; side++) {
    guint n = (guint) (side * side);
    MxrTile tiles[N_MAX];
    int w = CANVAS_W / side & ~1, h = CANVAS_H / side & ~1;
    for (guint i = 0; i < n; i++)
      tiles[i] = (MxrTile){ i, (int) i % side * w, (int) i / side * h, w, h, 0 };
    g_print ("%5u  %10.4f  %10.4f  %10.4f  %11.4f  %8.4f  %.4f\n", n, measure_tilemix (tiles, n, frames, n),
             measure_tilemix (tiles, n, frames, n / 2), measure_compositor (tiles, n, frames),
             measure_libyuv (tiles, n, frames, kFilterNone),
             measure_libyuv (tiles, n, frames, kFilterBilinear),
             measure_libyuv (tiles, n, frames, kFilterBox));
  }
  return 0;
}
