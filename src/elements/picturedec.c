/**
 * SECTION:element-mxrpicturedec
 *
 * Packets of H.264 or VP8 to pictures, by libavcodec. What it is for: a depayloader and a decoder of GStreamer copy each picture
 * out of the decoder's memory; here it goes on in that memory, which comes back to libavcodec's pool when the last one who looks
 * at it has let it go. A frame is decoded with its last packet, on the thread that brings it. After a gap, or a frame that is
 * broken, none is shown until the key frame that is asked for upstream.
 *
 * ## A second of pictures, there and back
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vp8enc ! rtpvp8pay ! mxrpicturedec ! fakesink
 * ]|
 */
#include "picture-unit.h"

#include <gst/rtp/rtp.h>
#include <gst/video/video.h>
#include <libavcodec/avcodec.h>

#include "mixroom/elements.h"

#define SIDE_MAX_PX 4096
#define N_PLANES 3

#define GST_CAT_DEFAULT mxr_picture_dec_debug
GST_DEBUG_CATEGORY_STATIC (mxr_picture_dec_debug);

#define MXR_TYPE_PICTURE_DEC (mxr_picture_dec_get_type ())
G_DECLARE_FINAL_TYPE (MxrPictureDec, mxr_picture_dec, MXR, PICTURE_DEC, GstElement)

typedef struct {
  const char *name; /* encoding-name of the packets */
  enum AVCodecID id;
  bool (*add) (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes);
} Format;

static const Format formats[] = {
  { "H264", AV_CODEC_ID_H264, mxr_picture_unit_add_h264 },
  { "VP8", AV_CODEC_ID_VP8, mxr_picture_unit_add_vp8 },
};

/* All but the pads belongs to whoever pushes. */
struct _MxrPictureDec {
  GstElement parent;
  GstPad *sink, *src;

  MxrPictureUnit unit; /* of the packets so far */
  GstClockTime pts_ns;
  guint32 timestamp;
  guint16 next_seq;
  bool has_seq;
  bool is_broken; /* what is left of the unit has no use */
  bool waits_for_keyframe;

  const Format *format;
  AVCodecContext *codec; /* NULL: no caps yet */
  AVPacket *packet;
  AVFrame *frame;

  GstVideoInfo info; /* of the pictures that go out */
  bool has_info;
  bool takes_strides; /* downstream, any, and planes in memory of their own; else they are copied */
  GQueue held;        /* GstEvent: what may go on behind the caps only */
};

G_DEFINE_FINAL_TYPE (MxrPictureDec, mxr_picture_dec, GST_TYPE_ELEMENT)

/* What it says of bad streams is not the operator's business. */
static void
on_log (void *context, int level, const char *format, va_list arguments)
{
  if (level <= AV_LOG_WARNING)
    gst_debug_log_valist (GST_CAT_DEFAULT, GST_LEVEL_DEBUG, __FILE__, "libavcodec", __LINE__, NULL, format, arguments);
}

static void
begin_log (void)
{
  GST_DEBUG_CATEGORY_INIT (mxr_picture_dec_debug, "mxrpicturedec", 0, "decoder of pictures");
  av_log_set_callback (on_log);
}

GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (mxrpicturedec, "mxrpicturedec", GST_RANK_NONE, MXR_TYPE_PICTURE_DEC, begin_log ())

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("application/x-rtp, media = video, clock-rate = 90000, encoding-name = { H264, VP8 }"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("video/x-raw, format = I420, width = [ 1, 4096 ], height = [ 1, 4096 ], framerate = (fraction) [ 0, max ]"));

/* ---- Pictures out ------------------------------------------------------------------------------------------- */

static void
release_plane (gpointer data)
{
  AVBufferRef *plane = data;
  av_buffer_unref (&plane);
}

/* Its planes where they are; each holds the memory that it lies in. */
static GstBuffer *
wrap (MxrPictureDec *self)
{
  GstBuffer *buffer = gst_buffer_new ();
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };

  for (guint i = 0; i < N_PLANES; i++) {
    AVBufferRef *plane = av_buffer_ref (av_frame_get_plane_buffer (self->frame, (int) i));
    const gsize n_bytes = (gsize) (self->frame->linesize[i] * (GST_VIDEO_INFO_COMP_HEIGHT (&self->info, i) - 1) +
                                   GST_VIDEO_INFO_COMP_WIDTH (&self->info, i));
    offsets[i] = gst_buffer_get_size (buffer);
    strides[i] = self->frame->linesize[i];
    gst_buffer_append_memory (buffer, gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, self->frame->data[i], n_bytes, 0,
                                                              n_bytes, plane, release_plane));
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, (guint) self->info.width,
                                  (guint) self->info.height, N_PLANES, offsets, strides);
  return buffer;
}

/* For who does not know of strides. */
static GstBuffer *
copy (MxrPictureDec *self, GstBuffer *wrapped)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&self->info), NULL);
  GstVideoFrame from, to;

  if (gst_video_frame_map (&from, &self->info, wrapped, GST_MAP_READ)) {
    if (gst_video_frame_map (&to, &self->info, buffer, GST_MAP_WRITE)) {
      gst_video_frame_copy (&to, &from);
      gst_video_frame_unmap (&to);
    }
    gst_video_frame_unmap (&from);
  }
  gst_buffer_unref (wrapped);
  return buffer;
}

static void
ask_downstream (MxrPictureDec *self, GstCaps *caps)
{
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  self->takes_strides = gst_pad_peer_query (self->src, query) &&
                        gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
}

/* What is of another kind, or too large, is not what was negotiated: another key frame would be of that kind, too. */
static bool
is_presentable (const AVFrame *frame)
{
  return (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) && frame->width <= SIDE_MAX_PX &&
         frame->height <= SIDE_MAX_PX;
}

static bool
is_of_info (const MxrPictureDec *self)
{
  return self->has_info && self->frame->width == self->info.width && self->frame->height == self->info.height;
}

/* The first frame says what comes, and any may say something new. */
static bool
negotiate (MxrPictureDec *self)
{
  const bool is_same = is_of_info (self);

  if (is_same && !gst_pad_check_reconfigure (self->src))
    return true;
  if (!is_same)
    gst_video_info_set_format (&self->info, GST_VIDEO_FORMAT_I420, (guint) self->frame->width, (guint) self->frame->height);
  g_autoptr (GstCaps) caps = gst_video_info_to_caps (&self->info);
  if (!is_same && !gst_pad_push_event (self->src, gst_event_new_caps (caps)))
    return false;
  self->has_info = true;
  ask_downstream (self, caps);
  for (GstEvent *event; (event = g_queue_pop_head (&self->held)) != NULL;)
    gst_pad_push_event (self->src, event);
  return true;
}

static GstFlowReturn
push_picture (MxrPictureDec *self)
{
  if (!negotiate (self))
    return GST_FLOW_NOT_NEGOTIATED;
  GstBuffer *buffer = wrap (self);
  if (!self->takes_strides)
    buffer = copy (self, buffer);
  GST_BUFFER_PTS (buffer) = (GstClockTime) self->frame->pts;
  return gst_pad_push (self->src, buffer);
}

/* ---- Decoding ----------------------------------------------------------------------------------------------- */

/* One thread: a server has more streams than cores. */
static bool
open_codec (MxrPictureDec *self)
{
  const AVCodec *codec = avcodec_find_decoder (self->format->id);

  avcodec_free_context (&self->codec);
  self->codec = codec != NULL ? avcodec_alloc_context3 (codec) : NULL;
  if (self->codec == NULL)
    return false;
  self->codec->thread_count = 1;
  self->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
  self->codec->max_pixels = SIDE_MAX_PX * SIDE_MAX_PX;
  return avcodec_open2 (self->codec, codec, NULL) == 0;
}

/* Broken parameters may have told libavcodec to expect frames out of order: it would hold pictures back for good. */
static bool
begin_anew (MxrPictureDec *self)
{
  if (self->waits_for_keyframe && self->unit.is_keyframe)
    self->waits_for_keyframe = !open_codec (self);
  return !self->waits_for_keyframe;
}

static void
wait_for_keyframe (MxrPictureDec *self)
{
  self->waits_for_keyframe = true;
  gst_pad_push_event (self->sink, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

static bool
is_broken (const AVFrame *frame)
{
  return (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame->decode_error_flags != 0;
}

static GstFlowReturn
take_pictures (MxrPictureDec *self)
{
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK && avcodec_receive_frame (self->codec, self->frame) == 0) {
    if (is_broken (self->frame))
      wait_for_keyframe (self);
    else if (is_presentable (self->frame))
      flow = push_picture (self);
    av_frame_unref (self->frame);
  }
  return flow;
}

/* libavcodec copies the unit: it reads a little beyond the end. */
static GstFlowReturn
decode (MxrPictureDec *self)
{
  if (!begin_anew (self))
    return GST_FLOW_OK;
  self->packet->data = self->unit.bytes->data;
  self->packet->size = (int) self->unit.bytes->len;
  self->packet->pts = (gint64) self->pts_ns;
  const int error = avcodec_send_packet (self->codec, self->packet);
  if (error < 0) {
    GST_DEBUG_OBJECT (self, "%u bytes are not decoded: %d", self->unit.bytes->len, error);
    wait_for_keyframe (self);
    return GST_FLOW_OK;
  }
  return take_pictures (self);
}

static GstFlowReturn
finish_unit (MxrPictureDec *self)
{
  const bool is_whole = !self->is_broken && !self->unit.is_in_fragment;
  GstFlowReturn flow = GST_FLOW_OK;

  if (self->unit.bytes->len > 0 && is_whole)
    flow = decode (self);
  else if (!is_whole)
    wait_for_keyframe (self);
  mxr_picture_unit_reset (&self->unit);
  self->is_broken = false;
  return flow;
}

/* ---- Packets in ----------------------------------------------------------------------------------------------- */

static void
note_gap (MxrPictureDec *self, guint16 seq)
{
  if (self->has_seq && seq != self->next_seq)
    self->is_broken = true;
  self->next_seq = (guint16) (seq + 1);
  self->has_seq = true;
}

static GstFlowReturn
take_packet (MxrPictureDec *self, GstRTPBuffer *rtp, GstClockTime pts_ns)
{
  const guint32 timestamp = gst_rtp_buffer_get_timestamp (rtp);
  const guint n_bytes = gst_rtp_buffer_get_payload_len (rtp);
  GstFlowReturn flow = GST_FLOW_OK;

  if (self->unit.bytes->len > 0 && timestamp != self->timestamp) /* it came without a marker */
    flow = finish_unit (self);
  note_gap (self, gst_rtp_buffer_get_seq (rtp));
  self->timestamp = timestamp;
  self->pts_ns = pts_ns;
  if (n_bytes > 0 && !self->is_broken)
    self->is_broken = !self->format->add (&self->unit, gst_rtp_buffer_get_payload (rtp), n_bytes);
  if (flow == GST_FLOW_OK && gst_rtp_buffer_get_marker (rtp))
    flow = finish_unit (self);
  return flow;
}

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MxrPictureDec *self = MXR_PICTURE_DEC (parent);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  GstFlowReturn flow = GST_FLOW_NOT_NEGOTIATED;

  if (self->codec != NULL && gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp)) {
    flow = take_packet (self, &rtp, GST_BUFFER_PTS (buffer));
    gst_rtp_buffer_unmap (&rtp);
  }
  gst_buffer_unref (buffer);
  return flow;
}

/* ---- Events ------------------------------------------------------------------------------------------------ */

static void
forget (MxrPictureDec *self)
{
  mxr_picture_unit_reset (&self->unit);
  avcodec_free_context (&self->codec);
  self->has_seq = self->is_broken = self->waits_for_keyframe = self->has_info = false;
  g_queue_clear_full (&self->held, (GDestroyNotify) gst_event_unref);
}

static gboolean
take_caps (MxrPictureDec *self, GstEvent *event)
{
  const Format *former = self->format;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  const char *name = gst_structure_get_string (gst_caps_get_structure (caps, 0), "encoding-name");
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (g_strcmp0 (name, formats[i].name) == 0)
      self->format = &formats[i];
  return self->format != NULL && ((self->format == former && self->codec != NULL) || open_codec (self));
}

static void
flush (MxrPictureDec *self)
{
  mxr_picture_unit_reset (&self->unit);
  self->has_seq = self->is_broken = false;
  if (self->codec != NULL)
    avcodec_flush_buffers (self->codec);
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MxrPictureDec *self = MXR_PICTURE_DEC (parent);
  gboolean is_taken;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    is_taken = take_caps (self, event);
    gst_event_unref (event);
    return is_taken;
  case GST_EVENT_FLUSH_STOP:
    flush (self);
    break;
  case GST_EVENT_SEGMENT:
  case GST_EVENT_TAG:
    if (self->has_info)
      break;
    g_queue_push_tail (&self->held, event);
    return TRUE;
  default:
    break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
mxr_picture_dec_change_state (GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn result = GST_ELEMENT_CLASS (mxr_picture_dec_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    forget (MXR_PICTURE_DEC (element));
  return result;
}

/* ---- The object -------------------------------------------------------------------------------------------- */

static void
mxr_picture_dec_finalize (GObject *object)
{
  MxrPictureDec *self = MXR_PICTURE_DEC (object);

  forget (self);
  mxr_picture_unit_clear (&self->unit);
  av_packet_free (&self->packet);
  av_frame_free (&self->frame);
  G_OBJECT_CLASS (mxr_picture_dec_parent_class)->finalize (object);
}

static void
mxr_picture_dec_class_init (MxrPictureDecClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = mxr_picture_dec_finalize;
  element_class->change_state = mxr_picture_dec_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Picture decoder", "Codec/Depayloader/Decoder/Video",
                                         "Decodes packets of H.264 and VP8 into pictures that nobody copies", "Mixroom");
}

static void
mxr_picture_dec_init (MxrPictureDec *self)
{
  mxr_picture_unit_init (&self->unit);
  g_queue_init (&self->held);
  self->packet = av_packet_alloc ();
  self->frame = av_frame_alloc ();
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, on_chain);
  gst_pad_set_event_function (self->sink, on_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
