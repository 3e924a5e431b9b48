/**
 * SECTION:element-mxropusenc
 *
 * Opus by libopus, a packet for each 20 ms, like `opusenc` with properties of the same names. What it is for: an encoder
 * may go on where another one stands (mxr_opusenc_fork()), so that a listener changes from the one's packets to the
 * other's without a break.
 *
 * ## A second of sound, there and back
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=50 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 !
 *   mxropusenc bitrate=32000 ! rtpopuspay ! rtpopusdepay ! opusdec ! fakesink
 * ]|
 */
#include <opus.h>
#include <gst/audio/audio.h>

#include "mixroom/elements.h"
#include "opus-codec.h"

#define GST_CAT_DEFAULT mxr_opus_enc_debug
GST_DEBUG_CATEGORY_STATIC (mxr_opus_enc_debug);

#define MXR_TYPE_OPUS_ENC (mxr_opus_enc_get_type ())
G_DECLARE_FINAL_TYPE (MxrOpusEnc, mxr_opus_enc, MXR, OPUS_ENC, GstElement)

struct _MxrOpusEnc {
  GstElement parent;
  GstPad *sink, *src;

  /* Guarded by the object lock. */
  MxrOpusSettings settings;
  guint64 n_packets, n_forks, n_fresh;

  GWeakRef donor;   /* whom the first block goes on from; locks itself */
  guint n_channels; /* the streaming thread's; 0: no caps yet */
  GMutex codec_lock; /* guards the codec; held for a packet by the streaming thread, and by a fork for its copy */
  MxrOpusCodec *codec;
};

G_DEFINE_FINAL_TYPE (MxrOpusEnc, mxr_opus_enc, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (mxropusenc, "mxropusenc", GST_RANK_NONE, MXR_TYPE_OPUS_ENC,
                                       GST_DEBUG_CATEGORY_INIT (mxr_opus_enc_debug, "mxropusenc", 0, "Opus encoder"))

enum {
  PROP_0,
  PROP_BITRATE,
  PROP_BITRATE_TYPE,
  PROP_COMPLEXITY,
  PROP_AUDIO_TYPE,
  PROP_INBAND_FEC,
  PROP_PACKET_LOSS_PERCENTAGE,
  PROP_DTX,
  PROP_STATS
};

enum { RATE_CBR, RATE_VBR, RATE_CONSTRAINED_VBR };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = S16LE, rate = 48000, channels = [ 1, 2 ], layout = interleaved"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                             GST_STATIC_CAPS ("audio/x-opus, rate = 48000, channels = [ 1, 2 ], "
                                              "channel-mapping-family = 0, stream-count = 1, coupled-count = [ 0, 1 ]"));

static GType
bitrate_type_get_type (void)
{
  static const GEnumValue values[] = { { RATE_CBR, "Constant", "cbr" },
                                       { RATE_VBR, "Variable", "vbr" },
                                       { RATE_CONSTRAINED_VBR, "Variable within bounds", "constrained-vbr" },
                                       { 0, NULL, NULL } };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("MxrOpusEncBitrateType", values));
  return type;
}

static GType
audio_type_get_type (void)
{
  static const GEnumValue values[] = {
    { OPUS_APPLICATION_AUDIO, "All kinds of sound", "generic" },
    { OPUS_APPLICATION_VOIP, "Speech", "voice" },
    { OPUS_APPLICATION_RESTRICTED_LOWDELAY, "All kinds, 4 ms less delay, no speech modes", "restricted-lowdelay" },
    { 0, NULL, NULL }
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("MxrOpusEncAudioType", values));
  return type;
}

/* ---- Where the first block goes on from ----------------------------------------------------------------- */

/* Returns: (transfer full) (nullable): the donor's codec as it stood before @pts_ns, if it is of our kind. */
static MxrOpusCodec *
copy_donor (MxrOpusEnc *donor, GstClockTime pts_ns, guint n_channels, int application)
{
  MxrOpusCodec *copy = NULL;

  g_mutex_lock (&donor->codec_lock);
  if (donor->codec != NULL && mxr_opus_codec_get_channels (donor->codec) == n_channels &&
      mxr_opus_codec_get_application (donor->codec) == application)
    copy = mxr_opus_codec_copy_at (donor->codec, pts_ns);
  g_mutex_unlock (&donor->codec_lock);
  return copy;
}

static MxrOpusCodec *
make_codec (MxrOpusEnc *self, GstClockTime pts_ns, const MxrOpusSettings *settings)
{
  g_autoptr (GstElement) donor = g_weak_ref_get (&self->donor);
  MxrOpusCodec *copy =
      donor != NULL ? copy_donor (MXR_OPUS_ENC (donor), pts_ns, self->n_channels, settings->application) : NULL;

  if (donor != NULL && copy == NULL)
    GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT " has nothing to go on from: begins anew", donor);
  g_weak_ref_set (&self->donor, NULL);
  GST_OBJECT_LOCK (self);
  self->n_forks += copy != NULL;
  self->n_fresh += copy == NULL;
  GST_OBJECT_UNLOCK (self);
  return copy != NULL ? copy : mxr_opus_codec_new (self->n_channels, settings);
}

static MxrOpusEnc *
find_in (GstElement *element)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (!GST_IS_BIN (element))
    return MXR_IS_OPUS_ENC (element) ? gst_object_ref (MXR_OPUS_ENC (element)) : NULL;
  GstIterator *found = gst_bin_iterate_all_by_element_factory_name (GST_BIN (element), "mxropusenc");
  MxrOpusEnc *first = NULL;
  if (gst_iterator_next (found, &value) == GST_ITERATOR_OK)
    first = g_value_dup_object (&value);
  gst_iterator_free (found);
  return first;
}

bool
mxr_opusenc_fork (GstElement *encoder, GstElement *donor)
{
  g_autoptr (GstElement) self = GST_ELEMENT (find_in (encoder));
  g_autoptr (GstElement) other = GST_ELEMENT (find_in (donor));

  if (self == NULL || other == NULL || self == other)
    return false;
  g_weak_ref_set (&MXR_OPUS_ENC (self)->donor, other);
  return true;
}

bool
mxr_opusenc_set_loss (GstElement *encoder, guint percent)
{
  g_autoptr (MxrOpusEnc) self = find_in (encoder);

  if (self == NULL)
    return false;
  GST_OBJECT_LOCK (self);
  self->settings.has_fec = percent > 0;
  self->settings.loss_percent = (int) MIN (percent, 100);
  GST_OBJECT_UNLOCK (self);
  return true;
}

static void
forget (MxrOpusEnc *self)
{
  g_mutex_lock (&self->codec_lock);
  g_clear_pointer (&self->codec, mxr_opus_codec_free);
  g_mutex_unlock (&self->codec_lock);
}

/* ---- Streaming ------------------------------------------------------------------------------------------- */

/* Returns: whether the block goes on from the last one; *@out_ok: whether there is a codec. */
static bool
begin_block (MxrOpusEnc *self, GstClockTime pts_ns, bool *out_ok)
{
  GST_OBJECT_LOCK (self);
  MxrOpusSettings settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  MxrOpusCodec *made = self->codec == NULL ? make_codec (self, pts_ns, &settings) : NULL;

  g_mutex_lock (&self->codec_lock);
  if (made != NULL)
    self->codec = made;
  *out_ok = self->codec != NULL;
  if (*out_ok)
    mxr_opus_codec_set (self->codec, &settings);
  bool continues = *out_ok && mxr_opus_codec_begin (self->codec, pts_ns);
  g_mutex_unlock (&self->codec_lock);
  return continues && made == NULL;
}

static GstFlowReturn
push_packet (MxrOpusEnc *self, const guint8 *packet, int n_bytes, GstClockTime pts_ns, bool is_discont)
{
  /* Exactly as large as the packet: the payloader keeps the memory for as long as somebody may ask for it again. */
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) n_bytes, NULL);

  gst_buffer_fill (buffer, 0, packet, (gsize) n_bytes);
  GST_BUFFER_PTS (buffer) = pts_ns;
  GST_BUFFER_DURATION (buffer) = MXR_OPUS_PACKET_FRAMES * GST_SECOND / MXR_OPUS_RATE_HZ;
  if (is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  GST_OBJECT_LOCK (self);
  self->n_packets++;
  GST_OBJECT_UNLOCK (self);
  return gst_pad_push (self->src, buffer);
}

static GstFlowReturn
encode_block (MxrOpusEnc *self, const gint16 *frames, guint n_frames, GstClockTime pts_ns)
{
  guint8 packet[MXR_OPUS_PACKET_MAX_BYTES];
  GstFlowReturn flow = GST_FLOW_OK;
  bool has_codec = false;
  bool is_discont = !begin_block (self, pts_ns, &has_codec);
  int n_bytes = has_codec ? 0 : -1;

  while (flow == GST_FLOW_OK && n_bytes >= 0 && n_frames > 0) {
    guint64 packet_pts_ns;
    g_mutex_lock (&self->codec_lock);
    n_bytes = mxr_opus_codec_take (self->codec, &frames, &n_frames, packet, &packet_pts_ns);
    g_mutex_unlock (&self->codec_lock);
    if (n_bytes <= 0)
      continue;
    flow = push_packet (self, packet, n_bytes, packet_pts_ns, is_discont);
    is_discont = false;
  }
  if (n_bytes >= 0)
    return flow;
  GST_ELEMENT_ERROR (self, STREAM, ENCODE, ("libopus does not encode this."), (NULL));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MxrOpusEnc *self = MXR_OPUS_ENC (parent);
  GstMapInfo map;
  GstFlowReturn flow = GST_FLOW_OK;

  if (self->n_channels == 0 || !GST_BUFFER_PTS_IS_VALID (buffer)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    guint n_frames = (guint) (map.size / (sizeof (gint16) * self->n_channels));
    flow = encode_block (self, (const gint16 *) map.data, n_frames, GST_BUFFER_PTS (buffer));
    gst_buffer_unmap (buffer, &map);
  }
  gst_buffer_unref (buffer);
  return flow;
}

static gboolean
take_caps (MxrOpusEnc *self, GstEvent *event)
{
  GstCaps *caps;
  GstAudioInfo info;

  gst_event_parse_caps (event, &caps);
  if (!gst_audio_info_from_caps (&info, caps) || info.rate != MXR_OPUS_RATE_HZ || info.channels > 2 ||
      info.finfo->format != GST_AUDIO_FORMAT_S16LE)
    return FALSE;
  if (self->n_channels != (guint) info.channels) {
    g_mutex_lock (&self->codec_lock);
    g_clear_pointer (&self->codec, mxr_opus_codec_free);
    g_mutex_unlock (&self->codec_lock);
  }
  self->n_channels = (guint) info.channels;
  g_autoptr (GstCaps) opus = gst_caps_new_simple (
      "audio/x-opus", "rate", G_TYPE_INT, MXR_OPUS_RATE_HZ, "channels", G_TYPE_INT, info.channels,
      "channel-mapping-family", G_TYPE_INT, 0, "stream-count", G_TYPE_INT, 1, "coupled-count", G_TYPE_INT,
      info.channels - 1, NULL);
  return gst_pad_push_event (self->src, gst_event_new_caps (opus));
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MxrOpusEnc *self = MXR_OPUS_ENC (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gboolean accepted = take_caps (self, event);
    gst_event_unref (event);
    return accepted;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    forget (self);
  return gst_pad_event_default (pad, parent, event);
}

/* A packet leaves when its last frame is there. */
static gboolean
on_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  const GstClockTime packet_ns = MXR_OPUS_PACKET_FRAMES * GST_SECOND / MXR_OPUS_RATE_HZ;
  gboolean is_live;
  GstClockTime min_ns, max_ns;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  if (!gst_pad_peer_query (MXR_OPUS_ENC (parent)->sink, query))
    return FALSE;
  gst_query_parse_latency (query, &is_live, &min_ns, &max_ns);
  gst_query_set_latency (query, is_live, min_ns + packet_ns, GST_CLOCK_TIME_IS_VALID (max_ns) ? max_ns + packet_ns : max_ns);
  return TRUE;
}

static GstStateChangeReturn
mxr_opus_enc_change_state (GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn result = GST_ELEMENT_CLASS (mxr_opus_enc_parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    forget (MXR_OPUS_ENC (element));
    MXR_OPUS_ENC (element)->n_channels = 0;
  }
  return result;
}

/* ---- The object -------------------------------------------------------------------------------------------- */

static void
set_bitrate_type_locked (MxrOpusEnc *self, int type)
{
  self->settings.is_vbr = type != RATE_CBR;
  self->settings.is_constrained = type != RATE_VBR;
}

static int
bitrate_type_locked (const MxrOpusEnc *self)
{
  if (!self->settings.is_vbr)
    return RATE_CBR;
  return self->settings.is_constrained ? RATE_CONSTRAINED_VBR : RATE_VBR;
}

static void
mxr_opus_enc_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  MxrOpusEnc *self = MXR_OPUS_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_BITRATE:
    self->settings.bitrate_bps = g_value_get_int (value);
    break;
  case PROP_BITRATE_TYPE:
    set_bitrate_type_locked (self, g_value_get_enum (value));
    break;
  case PROP_COMPLEXITY:
    self->settings.complexity = g_value_get_int (value);
    break;
  case PROP_AUDIO_TYPE:
    self->settings.application = g_value_get_enum (value);
    break;
  case PROP_INBAND_FEC:
    self->settings.has_fec = g_value_get_boolean (value);
    break;
  case PROP_PACKET_LOSS_PERCENTAGE:
    self->settings.loss_percent = g_value_get_int (value);
    break;
  case PROP_DTX:
    self->settings.has_dtx = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  GST_OBJECT_UNLOCK (self);
}

static GstStructure *
describe_locked (const MxrOpusEnc *self)
{
  return gst_structure_new ("mxropusenc-stats", "packets", G_TYPE_UINT64, self->n_packets, "forks", G_TYPE_UINT64,
                            self->n_forks, "fresh-starts", G_TYPE_UINT64, self->n_fresh, NULL);
}

static void
mxr_opus_enc_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  MxrOpusEnc *self = MXR_OPUS_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_BITRATE:
    g_value_set_int (value, self->settings.bitrate_bps);
    break;
  case PROP_BITRATE_TYPE:
    g_value_set_enum (value, bitrate_type_locked (self));
    break;
  case PROP_COMPLEXITY:
    g_value_set_int (value, self->settings.complexity);
    break;
  case PROP_AUDIO_TYPE:
    g_value_set_enum (value, self->settings.application);
    break;
  case PROP_INBAND_FEC:
    g_value_set_boolean (value, self->settings.has_fec);
    break;
  case PROP_PACKET_LOSS_PERCENTAGE:
    g_value_set_int (value, self->settings.loss_percent);
    break;
  case PROP_DTX:
    g_value_set_boolean (value, self->settings.has_dtx);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, describe_locked (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
mxr_opus_enc_finalize (GObject *object)
{
  MxrOpusEnc *self = MXR_OPUS_ENC (object);

  forget (self);
  g_weak_ref_clear (&self->donor);
  g_mutex_clear (&self->codec_lock);
  G_OBJECT_CLASS (mxr_opus_enc_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags live = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (
      klass, PROP_BITRATE, g_param_spec_int ("bitrate", "Bitrate", "Of all channels [bit/s]", 6000, 510000, 32000, live));
  g_object_class_install_property (klass, PROP_BITRATE_TYPE,
                                   g_param_spec_enum ("bitrate-type", "Bitrate type", "How the rate is held",
                                                      bitrate_type_get_type (), RATE_CONSTRAINED_VBR, live));
  g_object_class_install_property (
      klass, PROP_COMPLEXITY, g_param_spec_int ("complexity", "Complexity", "0 is cheap, 10 is good", 0, 10, 5, live));
  g_object_class_install_property (
      klass, PROP_AUDIO_TYPE,
      g_param_spec_enum ("audio-type", "Audio type", "What to be good at; counts from the first block on",
                         audio_type_get_type (), OPUS_APPLICATION_AUDIO, ready));
  g_object_class_install_property (
      klass, PROP_INBAND_FEC,
      g_param_spec_boolean ("inband-fec", "In-band FEC", "Packets repeat the one before, in speech modes", FALSE, live));
  g_object_class_install_property (klass, PROP_PACKET_LOSS_PERCENTAGE,
                                   g_param_spec_int ("packet-loss-percentage", "Packet loss percentage",
                                                     "What is to be expected", 0, 100, 0, live));
  g_object_class_install_property (
      klass, PROP_DTX, g_param_spec_boolean ("dtx", "DTX", "Of digital silence one byte is sent each 400 ms", FALSE, live));
  g_object_class_install_property (klass, PROP_STATS,
                                   g_param_spec_boxed ("stats", "Statistics", "packets, forks, fresh-starts",
                                                       GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
mxr_opus_enc_class_init (MxrOpusEncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = mxr_opus_enc_set_property;
  object_class->get_property = mxr_opus_enc_get_property;
  object_class->finalize = mxr_opus_enc_finalize;
  install_properties (object_class);
  element_class->change_state = mxr_opus_enc_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Opus encoder that forks", "Codec/Encoder/Audio",
                                         "Encodes Opus, and may go on where another encoder stands", "Mixroom");
}

static void
mxr_opus_enc_init (MxrOpusEnc *self)
{
  g_mutex_init (&self->codec_lock);
  g_weak_ref_init (&self->donor, NULL);
  self->settings = (MxrOpusSettings){ .application = OPUS_APPLICATION_AUDIO,
                                      .bitrate_bps = 32000,
                                      .is_vbr = TRUE,
                                      .is_constrained = TRUE,
                                      .complexity = 5 };
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_chain_function (self->sink, on_chain);
  gst_pad_set_event_function (self->sink, on_event);
  gst_pad_set_query_function (self->src, on_src_query);
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
