/* What composing costs: mxrtilemix, stock compositor and bare libyuv calls draw the same 1280x720 pictures
 * from 640x360 sources, every one of them new in every picture. CPU seconds per second of media at 30
 * pictures a second. */
#include <gst/app/gstappsink.h>
#include <gst/check/gsttestclock.h>
#include <gst/video/video.h>
#include <libyuv.h>

#include "mixroom/elements.h"
#include "paired.h"

#define N_PICTURES 150
#define RATE 30
#define WARM_UP 10
#define W 640
#define H 360
#define FRAME_BYTES (W * H * 3 / 2)
#define CANVAS_W 1280
#define CANVAS_H 720
#define SIDE_MAX 5
#define N_MAX (SIDE_MAX * SIDE_MAX)
#define N_CLIPS 4
#define LOGO_W 400
#define LOGO_H 200

/* What is to be composed. */
typedef struct {
  guint n;
  MxrTile tiles[N_MAX];
  GstBuffer **frames; /* n */
} Job;

static GstStaticPadTemplate source_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));
static GstStaticPadTemplate drain_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));

/* ---- Frames ----------------------------------------------------------------------------------------- */

static GstBuffer *
noise_frame (guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GstBuffer *frame = gst_buffer_new_allocate (NULL, FRAME_BYTES, NULL);
  GstMapInfo map;

  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int_range (rand, 16, 235);
  gst_buffer_unmap (frame, &map);
  return frame;
}

/* Fills every N_CLIPS-th of @frames with those of one clip. Returns: whether there were enough. */
static bool
read_clip (const char *folder, guint clip, GstBuffer **frames)
{
  g_autofree char *line =
      g_strdup_printf ("filesrc location=\"%s/clip%u.vp8.mkv\" ! matroskademux ! vp8dec ! videoconvert ! "
                       "appsink name=out sync=false caps=video/x-raw,format=I420,width=%d,height=%d",
                       folder, clip, W, H);
  GstElement *pipeline = gst_parse_launch (line, NULL);
  guint k = clip;

  if (pipeline == NULL)
    return false;
  GstElement *out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (; k < N_MAX; k += N_CLIPS) {
    g_autoptr (GstSample) sample = gst_app_sink_try_pull_sample (GST_APP_SINK (out), 5 * GST_SECOND);
    if (sample == NULL)
      break;
    frames[k] = gst_buffer_new_allocate (NULL, FRAME_BYTES, NULL);
    GstMapInfo map;
    gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
    gst_buffer_fill (frames[k], 0, map.data, MIN (map.size, FRAME_BYTES));
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  return k >= N_MAX;
}

/* Returns: what they are. */
static const char *
make_frames (GstBuffer **frames)
{
  const char *folder = g_getenv ("MIXROOM_BENCH_MEDIA");
  bool are_clips = folder != NULL;

  for (guint clip = 0; clip < N_CLIPS && are_clips; clip++)
    are_clips = read_clip (folder, clip, frames);
  for (guint i = 0; i < N_MAX && !are_clips; i++) {
    gst_clear_buffer (&frames[i]);
    frames[i] = noise_frame (i);
  }
  return are_clips ? "clips" : "synthetic";
}

/* ---- Feeding elements ------------------------------------------------------------------------------- */

static GstFlowReturn
on_picture (GstPad *pad, GstObject *parent, GstBuffer *picture)
{
  gst_buffer_unref (picture);
  return GST_FLOW_OK;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static void
drain (GstPad *src)
{
  GstPad *pad = gst_pad_new_from_static_template (&drain_template, "sink");

  gst_pad_set_chain_function (pad, on_picture);
  gst_pad_set_event_function (pad, on_event);
  gst_pad_set_active (pad, TRUE);
  gst_pad_link (src, pad);
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

/* ---- The ways --------------------------------------------------------------------------------------- */

typedef void (*ViewsFunc) (GstElement *mix, GstPad *view, const Job *job);

/* @add_views: (nullable): what there is beside the full view. */
static double
compose (const Job *job, guint n_changing, ViewsFunc add_views)
{
  GstElement *mix = gst_element_factory_make ("mxrtilemix", NULL);
  GstTestClock *clock = GST_TEST_CLOCK (gst_test_clock_new ());
  GstPad *view = gst_element_request_pad_simple (mix, "src_%u"), *sources[N_MAX];
  double begin_s = 0;

  gst_element_set_clock (mix, GST_CLOCK (clock));
  gst_element_set_base_time (mix, 0);
  gst_element_set_state (mix, GST_STATE_PLAYING);
  if (add_views != NULL)
    add_views (mix, view, job);
  else
    drain (view);
  for (guint i = 0; i < job->n; i++) {
    GstPad *sink = gst_element_request_pad_simple (mix, "sink_%u");
    g_object_set (sink, "title", "Ada Lovelace", NULL);
    sources[i] = source_new (sink);
  }
  mxr_tilemix_set_tiles (mix, view, job->tiles, job->n);
  for (guint k = 0; k < N_PICTURES + WARM_UP; k++) {
    if (k == WARM_UP)
      begin_s = paired_cpu_s ();
    push_all (sources, k == 0 ? job->n : n_changing, job->frames, k);
    gst_test_clock_crank (clock);
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
  }
  double used_s = paired_cpu_s () - begin_s;
  gst_element_set_state (mix, GST_STATE_NULL);
  gst_object_unref (mix);
  return used_s * RATE / N_PICTURES;
}

static double
tilemix (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n, NULL);
}

static double
tilemix_still (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n / 2, NULL);
}

/* ---- The ladder: the same picture at 640x360, and at 320x180 with half the frames ------------------------- */

/* Views of their own: each tile is scaled from its source. */
static void
add_lower_views (GstElement *mix, GstPad *view, const Job *job)
{
  drain (view);
  for (int part = 2; part <= 4; part *= 2) {
    GstPad *lower = gst_element_request_pad_simple (mix, "src_%u");
    MxrTile tiles[N_MAX];
    g_object_set (lower, "width", CANVAS_W / part, "height", CANVAS_H / part, "framerate", part == 4 ? 15 : 30, 1, NULL);
    for (guint i = 0; i < job->n; i++) {
      const MxrTile *tile = &job->tiles[i];
      tiles[i] = (MxrTile){ tile->sink, tile->x / part, tile->y / part, tile->w / part, tile->h / part, 0 };
    }
    mxr_tilemix_set_tiles (mix, lower, tiles, job->n);
    drain (lower);
  }
}

/* One from the other by stock elements. */
static void
add_videoscale (GstElement *mix, GstPad *view, const Job *job)
{
  GstElement *bin = gst_parse_bin_from_description (
      "videoscale ! video/x-raw,width=640,height=360 ! tee name=t ! fakesink async=false sync=false "
      "t. ! videorate drop-only=true ! video/x-raw,framerate=15/1 ! videoscale ! video/x-raw,width=320,height=180 ! "
      "fakesink async=false sync=false",
      TRUE, NULL);
  gst_element_set_state (bin, GST_STATE_PLAYING);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (bin, "sink");
  gst_pad_link (view, sink);
}

static void
halve (const guint8 *from, int w, int h, guint8 *to)
{
  I420Scale (from, w, from + w * h, w / 2, from + w * h * 5 / 4, w / 2, w, h, to, w / 2, to + w * h / 4, w / 4,
             to + w * h / 4 * 5 / 4, w / 4, w / 2, h / 2, kFilterBox);
}

static GstFlowReturn
on_picture_to_halve (GstPad *pad, GstObject *parent, GstBuffer *picture)
{
  static guint count;
  GstBuffer *half = gst_buffer_new_allocate (NULL, CANVAS_W * CANVAS_H * 3 / 8, NULL);
  GstBuffer *quarter = gst_buffer_new_allocate (NULL, CANVAS_W * CANVAS_H * 3 / 32, NULL);
  GstMapInfo map, half_map, quarter_map;

  gst_buffer_map (picture, &map, GST_MAP_READ);
  gst_buffer_map (half, &half_map, GST_MAP_READWRITE);
  gst_buffer_map (quarter, &quarter_map, GST_MAP_READWRITE);
  halve (map.data, CANVAS_W, CANVAS_H, half_map.data);
  if (count++ % 2 == 0)
    halve (half_map.data, CANVAS_W / 2, CANVAS_H / 2, quarter_map.data);
  gst_buffer_unmap (picture, &map);
  gst_buffer_unmap (half, &half_map);
  gst_buffer_unmap (quarter, &quarter_map);
  gst_buffer_unref (half);
  gst_buffer_unref (quarter);
  gst_buffer_unref (picture);
  return GST_FLOW_OK;
}

/* One from the other by libyuv. */
static void
add_halving (GstElement *mix, GstPad *view, const Job *job)
{
  drain (view);
  g_autoptr (GstPad) sink = gst_pad_get_peer (view);
  gst_pad_set_chain_function (sink, on_picture_to_halve);
}

static double
ladder_of_views (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n, add_lower_views);
}

static double
ladder_by_videoscale (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n, add_videoscale);
}

static double
ladder_by_halving (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n, add_halving);
}

/* A logo of a tenth of the picture's height, a lower third in each tile, a clock. */
static void
add_look (GstElement *mix, GstPad *view, const Job *job)
{
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, LOGO_W * LOGO_H * 4, NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "BGRA", "width", G_TYPE_INT, LOGO_W,
                                                  "height", G_TYPE_INT, LOGO_H, NULL);

  gst_buffer_memset (pixels, 0, 0x80, LOGO_W * LOGO_H * 4);
  g_autoptr (GstSample) logo = gst_sample_new (pixels, caps, NULL, NULL);
  const MxrTileMixLook look = { .logo = logo,
                                .logo_is_top = true,
                                .logo_height = 0.1,
                                .labels = MXR_TILEMIX_LABELS_LOWER_THIRD,
                                .clock = true,
                                .safe_margin = 0.05 };
  mxr_tilemix_set_look (mix, view, &look);
  gst_buffer_unref (pixels);
  drain (view);
}

static double
dressed (gconstpointer job)
{
  return compose (job, ((const Job *) job)->n, add_look);
}

static double
compositor (gconstpointer data)
{
  const Job *job = data;
  GstElement *mix = gst_element_factory_make ("compositor", NULL);
  g_autoptr (GstPad) src = gst_element_get_static_pad (mix, "src");
  GstPad *sources[N_MAX];
  double begin_s = 0;

  g_object_set (mix, "max-threads", 1, NULL);
  drain (src);
  for (guint i = 0; i < job->n; i++) {
    GstPad *sink = gst_element_request_pad_simple (mix, "sink_%u");
    const MxrTile *tile = &job->tiles[i];
    g_object_set (sink, "xpos", tile->x, "ypos", tile->y, "width", tile->w, "height", tile->h, NULL);
    gst_pad_set_active (sink, TRUE);
    sources[i] = source_new (sink);
  }
  gst_element_set_state (mix, GST_STATE_PLAYING);
  for (guint k = 0; k < N_PICTURES + WARM_UP; k++) {
    if (k == WARM_UP)
      begin_s = paired_cpu_s ();
    push_all (sources, job->n, job->frames, k);
  }
  double used_s = paired_cpu_s () - begin_s;
  for (guint i = 0; i < job->n; i++)
    gst_pad_push_event (sources[i], gst_event_new_flush_start ());
  gst_element_set_state (mix, GST_STATE_NULL);
  gst_object_unref (mix);
  return used_s * RATE / N_PICTURES;
}

/* No element, no clock, no thread: what the scaling alone costs with the library's filter. */
static double
libyuv (const Job *job, enum FilterMode filter)
{
  g_autofree guint8 *canvas = g_malloc0 (CANVAS_W * CANVAS_H * 3 / 2);
  guint8 *u = canvas + CANVAS_W * CANVAS_H, *v = u + CANVAS_W * CANVAS_H / 4;
  double begin_s = paired_cpu_s ();

  for (guint k = 0; k < N_PICTURES * job->n; k++) {
    const MxrTile *tile = &job->tiles[k % job->n];
    GstBuffer *frame = job->frames[k % job->n];
    GstMapInfo map;
    gst_buffer_map (frame, &map, GST_MAP_READ);
    int chroma = tile->y / 2 * (CANVAS_W / 2) + tile->x / 2;
    I420Scale (map.data, W, map.data + W * H, W / 2, map.data + W * H * 5 / 4, W / 2, W, H,
               canvas + tile->y * CANVAS_W + tile->x, CANVAS_W, u + chroma, CANVAS_W / 2, v + chroma,
               CANVAS_W / 2, tile->w, tile->h, filter);
    gst_buffer_unmap (frame, &map);
  }
  return (paired_cpu_s () - begin_s) * RATE / N_PICTURES;
}

static double
libyuv_none (gconstpointer job)
{
  return libyuv (job, kFilterNone);
}

static double
libyuv_bilinear (gconstpointer job)
{
  return libyuv (job, kFilterBilinear);
}

static double
libyuv_box (gconstpointer job)
{
  return libyuv (job, kFilterBox);
}

int
main (int argc, char **argv)
{
  GstBuffer *frames[N_MAX] = { NULL };
  Paired paired;

  gst_init (&argc, &argv);
  mxr_elements_register (NULL);
  paired_init (&paired, &argc, &argv, make_frames (frames));
  g_autoptr (GstElementFactory) stock = gst_element_factory_find ("compositor");
  const PairedWay rivals[] = { { "compositor", stock != NULL ? compositor : NULL },
                               { "libyuv-none", libyuv_none },
                               { "libyuv-bilinear", libyuv_bilinear },
                               { "libyuv-box", libyuv_box } };
  const PairedWay ladders[] = { { "videoscale", ladder_by_videoscale }, { "halving", ladder_by_halving }, { "no-ladder", tilemix } };
  const PairedWay looks[] = { { "undressed", tilemix } };
  for (int side = 1; side <= SIDE_MAX; side++) {
    Job job = { .n = (guint) (side * side), .frames = frames };
    int w = CANVAS_W / side & ~1, h = CANVAS_H / side & ~1;
    for (int i = 0; i < side * side; i++)
      job.tiles[i] = (MxrTile){ (guint) i, i % side * w, i / side * h, w, h, 0 };
    paired_measure (&paired, "tilemix", job.n, tilemix, rivals, G_N_ELEMENTS (rivals), &job);
    paired_measure (&paired, "dressed", job.n, dressed, looks, G_N_ELEMENTS (looks), &job);
    paired_measure (&paired, "ladder", job.n, ladder_of_views, ladders, G_N_ELEMENTS (ladders), &job);
    if (side > 1)
      paired_measure (&paired, "tilemix-still", job.n, tilemix_still, rivals, 1, &job);
  }
  for (guint i = 0; i < N_MAX; i++)
    gst_clear_buffer (&frames[i]);
  paired_clear (&paired);
  return 0;
}
