#include "check-picture.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <string.h>

#define N_SLOTS 256
/* A repair takes a round trip or two; the server's history is about so long. */
#define PATIENCE_US (250 * 1000)
/* Points of the picture that are looked at. A tile in a strip is a sixth of the width. */
#define COLUMNS 48
#define ROWS 27
#define SEEN_POINTS 3
#define TOLERANCE 32

typedef struct {
  guint64 seq; /* 0: empty */
  GstBuffer *buffer;
} Slot;

struct _MxrPictureCheck {
  MxrMarks *flashes;
  GstElement *pipeline;
  GstAppSrc *source;
  GstAppSink *sink;

  /* The feeding thread's. */
  Slot slots[N_SLOTS];
  guint64 next_seq; /* 0: before the first packet */
  gint64 stuck_us;  /* since when next_seq is missing; 0: it is not */

  /* GStreamer's thread's. */
  int seen; /* colour, -1: none yet */
  guint64 last_flash;

  GMutex lock; /* guards what follows */
  MxrPictureFindings findings;
};

/* ---- Looking -------------------------------------------------------------------------------------------------- */

static bool
is_colour (const guint8 *colour, const guint8 *const planes[3], const int strides[3], int x, int y)
{
  const int u = planes[1][y / 2 * strides[1] + x / 2], v = planes[2][y / 2 * strides[2] + x / 2];
  return ABS (u - colour[1]) < TOLERANCE && ABS (v - colour[2]) < TOLERANCE;
}

int
mxr_picture_find_flash (const guint8 *const planes[3], const int strides[3], int width_px, int height_px)
{
  guint n_seen[2] = { 0, 0 };

  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++)
      for (guint i = 0; i < 2; i++)
        n_seen[i] += is_colour (mxr_flash_colours[i], planes, strides, (2 * column + 1) * width_px / (2 * COLUMNS),
                                (2 * row + 1) * height_px / (2 * ROWS));
  for (int i = 0; i < 2; i++)
    if (n_seen[i] >= SEEN_POINTS && n_seen[1 - i] == 0)
      return i;
  return -1;
}

static int
look (GstSample *sample)
{
  GstVideoInfo info;
  GstVideoFrame frame;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (sample)) ||
      GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_I420 ||
      !gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ))
    return -1;
  const guint8 *const planes[3] = { GST_VIDEO_FRAME_PLANE_DATA (&frame, 0), GST_VIDEO_FRAME_PLANE_DATA (&frame, 1),
                                    GST_VIDEO_FRAME_PLANE_DATA (&frame, 2) };
  const int strides[3] = { GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 1),
                           GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 2) };
  const int seen =
    mxr_picture_find_flash (planes, strides, GST_VIDEO_FRAME_WIDTH (&frame), GST_VIDEO_FRAME_HEIGHT (&frame));
  gst_video_frame_unmap (&frame);
  return seen;
}

/* @at_us: when the frame's last packet came. */
static void
note_change (MxrPictureCheck *check, int seen, gint64 at_us)
{
  MxrMark mark;

  check->seen = seen;
  if (!mxr_marks_match (check->flashes, at_us, (guint) seen, MXR_FLASH_MAX_DELAY_US, check->last_flash, &mark))
    return;
  check->last_flash = mark.number;
  g_mutex_lock (&check->lock);
  mxr_samples_add (&check->findings.delays_ms, (double) (at_us - mark.at_us) / 1000);
  g_mutex_unlock (&check->lock);
}

static GstFlowReturn
on_frame (GstAppSink *sink, gpointer user_data)
{
  MxrPictureCheck *check = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample == NULL)
    return GST_FLOW_EOS;
  const int seen = look (sample);
  const int former = check->seen;
  if (seen >= 0 && former < 0)
    check->seen = seen;
  else if (seen >= 0 && seen != former)
    note_change (check, seen, (gint64) GST_TIME_AS_USECONDS (GST_BUFFER_PTS (gst_sample_get_buffer (sample))));
  g_mutex_lock (&check->lock);
  check->findings.n_frames++;
  g_mutex_unlock (&check->lock);
  return GST_FLOW_OK;
}

/* ---- Life ----------------------------------------------------------------------------------------------------- */

MxrPictureCheck *
mxr_picture_check_new (MxrLoadCodec codec, MxrMarks *flashes, GError **error)
{
  const bool is_vp8 = codec == MXR_CODEC_VP8;
  g_autofree char *text = g_strdup_printf (
    "appsrc name=source format=time "
    "caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=%s,payload=96 ! %s ! "
    "video/x-raw,format=I420 ! appsink name=sink sync=false max-buffers=4",
    is_vp8 ? "VP8" : "H264",
    is_vp8 ? "rtpvp8depay wait-for-keyframe=true ! vp8dec threads=1"
           : "rtph264depay wait-for-keyframe=true ! avdec_h264 max-threads=1");
  GstAppSinkCallbacks callbacks = { .new_sample = on_frame };
  GstElement *pipeline = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (pipeline == NULL)
    return NULL;

  MxrPictureCheck *check = g_new0 (MxrPictureCheck, 1);
  g_mutex_init (&check->lock);
  check->flashes = flashes;
  check->seen = -1;
  check->pipeline = pipeline;
  check->source = GST_APP_SRC (gst_bin_get_by_name (GST_BIN (pipeline), "source"));
  check->sink = GST_APP_SINK (gst_bin_get_by_name (GST_BIN (pipeline), "sink"));
  gst_app_sink_set_callbacks (check->sink, &callbacks, check, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return check;
}

void
mxr_picture_check_free (MxrPictureCheck *check)
{
  gst_element_set_state (check->pipeline, GST_STATE_NULL);
  gst_object_unref (check->source);
  gst_object_unref (check->sink);
  gst_object_unref (check->pipeline);
  for (guint i = 0; i < N_SLOTS; i++)
    gst_clear_buffer (&check->slots[i].buffer);
  mxr_samples_clear (&check->findings.delays_ms);
  g_mutex_clear (&check->lock);
  g_free (check);
}

void
mxr_picture_check_begin (MxrPictureCheck *check)
{
  g_mutex_lock (&check->lock);
  mxr_samples_clear (&check->findings.delays_ms);
  check->findings.n_frames = 0;
  g_mutex_unlock (&check->lock);
}

void
mxr_picture_check_take (MxrPictureCheck *check, MxrPictureFindings *out_findings)
{
  g_mutex_lock (&check->lock);
  *out_findings = check->findings;
  check->findings = (MxrPictureFindings){ 0 };
  g_mutex_unlock (&check->lock);
}

/* ---- Order ---------------------------------------------------------------------------------------------------- */

static GstBuffer *
take_slot (MxrPictureCheck *check, guint64 seq)
{
  Slot *slot = &check->slots[seq % N_SLOTS];
  return slot->seq == seq ? g_steal_pointer (&slot->buffer) : NULL;
}

static void
push_in_order (MxrPictureCheck *check)
{
  for (GstBuffer *buffer; (buffer = take_slot (check, check->next_seq)) != NULL; check->next_seq++) {
    gst_app_src_push_buffer (check->source, buffer);
    check->stuck_us = 0;
  }
}

/* Returns: whether what is missing is given up, so that the packets behind it go on. */
static bool
give_up (MxrPictureCheck *check, guint64 newest_seq, gint64 now_us)
{
  if (check->next_seq > newest_seq)
    return false;
  if (check->stuck_us == 0)
    check->stuck_us = now_us;
  if (now_us - check->stuck_us < PATIENCE_US && newest_seq - check->next_seq < N_SLOTS)
    return false;
  check->next_seq = newest_seq - check->next_seq < N_SLOTS ? check->next_seq : newest_seq;
  while (check->next_seq < newest_seq && check->slots[check->next_seq % N_SLOTS].seq != check->next_seq)
    check->next_seq++;
  return true;
}

bool
mxr_picture_check_feed (MxrPictureCheck *check, const MxrRtpView *view, guint64 extended_seq, gint64 now_us)
{
  if (check->next_seq == 0)
    check->next_seq = extended_seq;
  if (extended_seq < check->next_seq)
    return true;
  Slot *slot = &check->slots[extended_seq % N_SLOTS];
  gst_clear_buffer (&slot->buffer);
  slot->seq = extended_seq;
  slot->buffer = gst_buffer_new_memdup (view->data, view->size);
  GST_BUFFER_PTS (slot->buffer) = (GstClockTime) now_us * GST_USECOND;
  push_in_order (check);
  const bool is_lost = give_up (check, extended_seq, now_us);
  if (is_lost)
    push_in_order (check);
  return !is_lost;
}
