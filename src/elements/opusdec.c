/**
 * SECTION:element-mxropusdec
 *
 * Opus by libopus, a block for each packet as soon as it is there. What it is for: a gap before a packet is filled out of the
 * coarse copy of the lost one that the packet may have (in-band FEC), and made up else, without holding every packet back
 * until the next as `opusdec use-inband-fec=true` does. So a gap is filled when what comes after it has come.
 *
 * ## A second of sound, there and back
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=50 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 !
 *   mxropusenc bitrate=32000 ! rtpopuspay ! rtpopusdepay ! mxropusdec ! fakesink
 * ]|
 */
#include <opus.h>
#include <gst/audio/audio.h>

#include "mixroom/elements.h"

#define RATE_HZ 48000
/* RFC 6716 2.1.4: no packet is longer, and libopus makes up no more at once. */
#define FRAMES_MAX (RATE_HZ * 120 / 1000)
/* What is made up comes in steps of 2.5 ms. */
#define FRAMES_STEP (RATE_HZ / 400)
/* The place of a packet that cannot be decoded. */
#define FRAMES_OF_BAD (RATE_HZ / 50)

#define GST_CAT_DEFAULT mxr_opus_dec_debug
GST_DEBUG_CATEGORY_STATIC (mxr_opus_dec_debug);

#define MXR_TYPE_OPUS_DEC (mxr_opus_dec_get_type ())
G_DECLARE_FINAL_TYPE (MxrOpusDec, mxr_opus_dec, MXR, OPUS_DEC, GstElement)

/* All but the pads belongs to whoever pushes. */
struct _MxrOpusDec {
  GstElement parent;
  GstPad *sink, *src;
  OpusDecoder *state; /* NULL: no caps yet */
  guint n_channels;
  GstClockTime gap_pts_ns;
  guint n_gap_frames; /* that are missing before the next packet; 0: nothing */
};

G_DEFINE_FINAL_TYPE (MxrOpusDec, mxr_opus_dec, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (mxropusdec, "mxropusdec", GST_RANK_NONE, MXR_TYPE_OPUS_DEC,
                                       GST_DEBUG_CATEGORY_INIT (mxr_opus_dec_debug, "mxropusdec", 0, "Opus decoder"))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-opus, channel-mapping-family = 0"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = S16LE, rate = 48000, channels = [ 1, 2 ], layout = interleaved"));

/* ---- Decoding --------------------------------------------------------------------------------------------- */

/* @data: (nullable): %NULL: made up. @is_copy: of the one before @data, out of it. */
static GstFlowReturn
decode (MxrOpusDec *self, const guint8 *data, gsize size, guint n_frames, bool is_copy, GstClockTime pts_ns, bool is_discont)
{
  const gsize frame_bytes = sizeof (gint16) * self->n_channels;
  GstBuffer *block = gst_buffer_new_allocate (NULL, n_frames * frame_bytes, NULL);
  GstMapInfo map;

  gst_buffer_map (block, &map, GST_MAP_WRITE);
  int n = opus_decode (self->state, data, (opus_int32) size, (opus_int16 *) map.data, (int) n_frames, is_copy);
  gst_buffer_unmap (block, &map);
  if (n <= 0) {
    GST_DEBUG_OBJECT (self, "%" G_GSIZE_FORMAT " bytes are not decoded: %s", size, opus_strerror (n));
    gst_buffer_unref (block);
    return data != NULL ? decode (self, NULL, 0, n_frames, false, pts_ns, is_discont) : GST_FLOW_OK;
  }
  gst_buffer_set_size (block, (gssize) ((gsize) n * frame_bytes));
  GST_BUFFER_PTS (block) = pts_ns;
  GST_BUFFER_DURATION (block) = gst_util_uint64_scale_int ((guint64) n, GST_SECOND, RATE_HZ);
  if (is_discont)
    GST_BUFFER_FLAG_SET (block, GST_BUFFER_FLAG_DISCONT);
  return gst_pad_push (self->src, block);
}

/* libopus makes up what is before the copy, and all of it when there is none. */
static GstFlowReturn
fill_gap (MxrOpusDec *self, const GstMapInfo *packet)
{
  guint n_frames = self->n_gap_frames;

  self->n_gap_frames = 0;
  return decode (self, packet->data, packet->size, n_frames, true, self->gap_pts_ns, false);
}

static GstFlowReturn
take_packet (MxrOpusDec *self, const GstMapInfo *packet, GstClockTime pts_ns, bool is_discont)
{
  int n_frames = packet->size > 0 ? opus_decoder_get_nb_samples (self->state, packet->data, (opus_int32) packet->size) : 0;
  bool is_good = n_frames > 0 && n_frames <= FRAMES_MAX;
  GstFlowReturn flow = GST_FLOW_OK;

  if (self->n_gap_frames > 0 && is_good) {
    flow = fill_gap (self, packet);
    is_discont = false;
  }
  if (flow != GST_FLOW_OK)
    return flow;
  if (!is_good)
    return decode (self, NULL, 0, FRAMES_OF_BAD, false, pts_ns, is_discont);
  return decode (self, packet->data, packet->size, (guint) n_frames, false, pts_ns, is_discont);
}

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MxrOpusDec *self = MXR_OPUS_DEC (parent);
  GstFlowReturn flow = GST_FLOW_NOT_NEGOTIATED;
  GstMapInfo map;

  if (self->state != NULL && gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    flow = take_packet (self, &map, GST_BUFFER_PTS (buffer), GST_BUFFER_IS_DISCONT (buffer));
    gst_buffer_unmap (buffer, &map);
  }
  gst_buffer_unref (buffer);
  return flow;
}

/* ---- Events ------------------------------------------------------------------------------------------------ */

static void
forget (MxrOpusDec *self)
{
  g_clear_pointer (&self->state, opus_decoder_destroy);
  self->n_gap_frames = 0;
}

/* As many channels as the stream is said to have, unless downstream wants another number: libopus makes either of both. */
static GstCaps *
choose_caps (MxrOpusDec *self, const GstCaps *opus)
{
  g_autoptr (GstCaps) allowed = gst_pad_get_allowed_caps (self->src);
  int n_channels = 2;

  if (allowed == NULL)
    allowed = gst_pad_get_pad_template_caps (self->src);
  if (gst_caps_is_empty (allowed))
    return NULL;
  gst_structure_get_int (gst_caps_get_structure (opus, 0), "channels", &n_channels);
  GstCaps *raw = gst_caps_truncate (gst_caps_copy (allowed));
  gst_structure_fixate_field_nearest_int (gst_caps_get_structure (raw, 0), "channels", n_channels);
  return gst_caps_fixate (raw);
}

static gboolean
take_caps (MxrOpusDec *self, GstEvent *event)
{
  GstCaps *opus;
  GstAudioInfo info;
  int error = OPUS_OK;

  gst_event_parse_caps (event, &opus);
  g_autoptr (GstCaps) raw = choose_caps (self, opus);
  if (raw == NULL || !gst_audio_info_from_caps (&info, raw))
    return FALSE;
  forget (self);
  self->n_channels = (guint) info.channels;
  self->state = opus_decoder_create (RATE_HZ, info.channels, &error);
  return error == OPUS_OK && gst_pad_push_event (self->src, gst_event_new_caps (raw));
}

static void
take_gap (MxrOpusDec *self, GstEvent *event)
{
  GstClockTime pts_ns, duration_ns;

  gst_event_parse_gap (event, &pts_ns, &duration_ns);
  if (!GST_CLOCK_TIME_IS_VALID (duration_ns))
    return;
  guint64 n_frames = gst_util_uint64_scale_int_round (duration_ns, RATE_HZ, GST_SECOND);
  if (self->n_gap_frames == 0)
    self->gap_pts_ns = pts_ns;
  n_frames = MIN (self->n_gap_frames + n_frames, FRAMES_MAX);
  self->n_gap_frames = (guint) n_frames / FRAMES_STEP * FRAMES_STEP;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MxrOpusDec *self = MXR_OPUS_DEC (parent);
  gboolean is_taken = TRUE;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    is_taken = take_caps (self, event);
    gst_event_unref (event);
    return is_taken;
  case GST_EVENT_GAP:
    take_gap (self, event);
    gst_event_unref (event);
    return TRUE;
  case GST_EVENT_FLUSH_STOP:
    self->n_gap_frames = 0;
    if (self->state != NULL)
      opus_decoder_ctl (self->state, OPUS_RESET_STATE);
    break;
  default:
    break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
mxr_opus_dec_change_state (GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn result = GST_ELEMENT_CLASS (mxr_opus_dec_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    forget (MXR_OPUS_DEC (element));
  return result;
}

/* ---- The object -------------------------------------------------------------------------------------------- */

static void
mxr_opus_dec_finalize (GObject *object)
{
  forget (MXR_OPUS_DEC (object));
  G_OBJECT_CLASS (mxr_opus_dec_parent_class)->finalize (object);
}

static void
mxr_opus_dec_class_init (MxrOpusDecClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = mxr_opus_dec_finalize;
  element_class->change_state = mxr_opus_dec_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Opus decoder", "Codec/Decoder/Audio",
                                         "Decodes Opus at once, and what was lost from what comes next", "Mixroom");
}

static void
mxr_opus_dec_init (MxrOpusDec *self)
{
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, on_chain);
  gst_pad_set_event_function (self->sink, on_event);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
