#include "clip.h"

#include <gst/rtp/gstrtpbuffer.h>

#include "pull.h"

#define FRAMES_MAX (10 * MXR_PICTURE_FPS)
#define FLASH_FRAMES MXR_PICTURE_FPS /* of each colour */
/* Between two changes 0.38 of a frame, the golden section, more than whole frames: all distances soon occur. */
#define FLASH_STRETCH (1 + 0.38 / FLASH_FRAMES)
#define FRAME_US ((double) G_USEC_PER_SEC / MXR_PICTURE_FPS)

/* Deep blue and deep red. */
const guint8 mxr_flash_colours[2][3] = { { 60, 210, 100 }, { 90, 90, 220 } };
/* The same for videotestsrc: ARGB, ITU-R BT.601. */
static const guint32 flash_argb[2] = { 0xff0c20d9, 0xffe81c0a };

/* ---- Coding --------------------------------------------------------------------------------------------------- */

static char *
describe_encoder (const MxrPictureCoding *coding)
{
  const guint mtu = MXR_MTU_BYTES - MXR_RTP_OVERHEAD_MAX_BYTES + 12;

  if (coding->codec == MXR_CODEC_VP8)
    return g_strdup_printf ("vp8enc deadline=1 cpu-used=8 threads=1 end-usage=cbr target-bitrate=%u "
                            "keyframe-max-dist=%d error-resilient=0 ! rtpvp8pay mtu=%u",
                            coding->bitrate_bps, MXR_PICTURE_FPS, mtu);
  /* OpenH264 complains on stderr at the end of each stream, so it comes second. */
  g_autoptr (GstElementFactory) x264 = gst_element_factory_find ("x264enc");
  g_autofree char *encoder =
    x264 != NULL ? g_strdup_printf ("x264enc tune=zerolatency speed-preset=veryfast bframes=0 threads=1 key-int-max=%d "
                                    "bitrate=%u",
                                    MXR_PICTURE_FPS, coding->bitrate_bps / 1000)
                 : g_strdup_printf ("openh264enc complexity=low rate-control=bitrate gop-size=%d multi-thread=1 "
                                    "bitrate=%u",
                                    MXR_PICTURE_FPS, coding->bitrate_bps);
  return g_strdup_printf ("%s ! video/x-h264,profile=constrained-baseline ! "
                          "rtph264pay config-interval=-1 aggregate-mode=zero-latency mtu=%u",
                          encoder, mtu);
}

/* @inout_is_open: whether the last frame waits for more packets. */
static void
append_packet (MxrClip *clip, GstBuffer *buffer, bool *inout_is_open)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  if (!gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp))
    return;
  const guint8 *payload = gst_rtp_buffer_get_payload (&rtp);
  const gsize n_bytes = gst_rtp_buffer_get_payload_len (&rtp);
  const bool is_last = gst_rtp_buffer_get_marker (&rtp);
  if (!*inout_is_open)
    mxr_clip_add_frame (clip);
  mxr_clip_add_packet (clip, payload, n_bytes, is_last, mxr_payload_starts_keyframe (clip->codec, payload, n_bytes));
  *inout_is_open = !is_last;
  gst_rtp_buffer_unmap (&rtp);
}

/* A payloader gives single buffers or, for a frame, a list of them. */
static void
append_sample (MxrClip *clip, GstSample *sample, bool *inout_is_open)
{
  GstBufferList *list = gst_sample_get_buffer_list (sample);

  if (list == NULL)
    append_packet (clip, gst_sample_get_buffer (sample), inout_is_open);
  for (guint i = 0; list != NULL && i < gst_buffer_list_length (list); i++)
    append_packet (clip, gst_buffer_list_get (list, i), inout_is_open);
}

static MxrClip *
run (GstElement *pipeline, MxrLoadCodec codec, double frame_us, GError **error)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (MxrClip) clip = mxr_clip_new (MXR_RTP_VIDEO, codec, frame_us);
  GError *failure = NULL;
  bool is_open = false;

  gst_app_sink_set_buffer_list_support (GST_APP_SINK (sink), TRUE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (clip->frames->len < FRAMES_MAX || is_open) {
    g_autoptr (GstSample) sample = mxr_pull_sample (pipeline, GST_APP_SINK (sink), &failure);
    if (sample == NULL)
      break;
    append_sample (clip, sample, &is_open);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (failure == NULL && clip->frames->len == 0)
    failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "there is no picture in it");
  if (failure == NULL)
    return g_steal_pointer (&clip);
  g_propagate_error (error, failure);
  return NULL;
}

static GstElement *
build (const char *source, const MxrPictureCoding *coding, GError **error)
{
  g_autofree char *encoder = describe_encoder (coding);
  g_autofree char *text =
    g_strdup_printf ("%s ! videoconvert ! videoscale ! videorate ! "
                     "video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1,framerate=%d/1 ! "
                     "%s ! appsink name=sink sync=false max-buffers=64",
                     source, coding->width_px, coding->height_px, MXR_PICTURE_FPS, encoder);
  return gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
}

MxrClip *
mxr_clip_new_picture (const char *path, const MxrPictureCoding *coding, GError **error)
{
  g_autofree char *made_up = g_strdup_printf ("videotestsrc pattern=zone-plate kx2=12 ky2=12 kt=1 num-buffers=%d",
                                              4 * MXR_PICTURE_FPS);
  g_autoptr (GstElement) pipeline = build (path != NULL ? "filesrc name=file ! decodebin" : made_up, coding, error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  if (file != NULL)
    g_object_set (file, "location", path, NULL);
  MxrClip *clip = run (pipeline, coding->codec, FRAME_US, error);
  if (clip == NULL && path != NULL)
    g_prefix_error (error, "%s: ", path);
  return clip;
}

MxrClip *
mxr_clip_new_flash (const MxrPictureCoding *coding, GError **error)
{
  g_autofree char *source = g_strdup_printf (
    "videotestsrc pattern=solid-color foreground-color=%u num-buffers=%d ! video/x-raw,framerate=%d/1 ! c.sink_0 "
    "videotestsrc pattern=solid-color foreground-color=%u num-buffers=%d ! video/x-raw,framerate=%d/1 ! c.sink_1 "
    "concat name=c",
    flash_argb[0], FLASH_FRAMES, MXR_PICTURE_FPS, flash_argb[1], FLASH_FRAMES, MXR_PICTURE_FPS);
  g_autoptr (GstElement) pipeline = build (source, coding, error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (MxrClip) clip = run (pipeline, coding->codec, FRAME_US * FLASH_STRETCH, error);
  if (clip == NULL)
    return NULL;
  if (clip->frames->len != 2 * FLASH_FRAMES) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the encoder made %u frames of %d", clip->frames->len,
                 2 * FLASH_FRAMES);
    return NULL;
  }
  for (guint i = 0; i < 2; i++) {
    MxrClipFrame *frame = &g_array_index (clip->frames, MxrClipFrame, i * FLASH_FRAMES);
    frame->mark_us = 0;
    frame->mark_value = i;
  }
  return g_steal_pointer (&clip);
}
