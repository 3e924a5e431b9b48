#include "audiomix-private.h"

#include <math.h>

#include "mix-ops.h"

#define GST_CAT_DEFAULT mxr_audio_mix_debug

#define MS (MXR_MIX_RATE_HZ / 1000)
/* Coming into the mix must not cut the begin of a word; going out is never urgent. */
#define ACTIVE_IN_FRAMES (5 * MS)
#define ACTIVE_OUT_FRAMES (20 * MS)
/* Smoothing of the level, and how long nothing has to come before that counts as silence. */
#define LEVEL_FRAMES (100 * MS)
/* RFC 6464 3: 127 stands for silence. */
#define LEVEL_FLOOR_DB (-127.0)

struct _MxrAudioMixSink {
  GstPad parent;
  guint index;
  gint is_idle; /* atomic: has nothing; set by the tick, cleared by whoever changes that, who then wakes the mixer */

  GMutex lock; /* guards what follows; held by the streaming thread and the tick for one packet or block */
  GstAudioFormat sample_format;
  guint in_channels; /* 0: no caps yet */
  MxrAudioMixFormat format;
  MxrMixRing *ring;
  bool is_eos;

  double volume;
  bool mute, active;
  bool was_active;         /* at the last tick */
  float gain, gain_target; /* of the last frame taken; where it goes */
  float gain_step;         /* a frame */
  guint ramp_frames;       /* until it is there */
  double mean_square;      /* smoothed */
  guint quiet_frames;      /* since something came */
};

G_DEFINE_FINAL_TYPE (MxrAudioMixSink, mxr_audio_mix_sink, GST_TYPE_PAD)

enum { PROP_0, PROP_VOLUME, PROP_MUTE, PROP_ACTIVE, PROP_LEVEL, PROP_STATS };

/* ---- What comes in ------------------------------------------------------------------------------------- */

/* After a change, with the lock given back. */
static void
end_idleness (MxrAudioMixSink *self)
{
  if (g_atomic_int_exchange (&self->is_idle, FALSE))
    mxr_audio_mix_wake (GST_PAD (self));
}

static void
follow_level_locked (MxrAudioMixSink *self, double mean_square, guint n_frames)
{
  self->mean_square += (mean_square - self->mean_square) * n_frames / (n_frames + LEVEL_FRAMES);
}

static void
store_locked (MxrAudioMixSink *self, const guint8 *data, guint n_frames, GstClockTime now_ns)
{
  bool is_s16 = self->sample_format == GST_AUDIO_FORMAT_S16LE;
  gsize frame_bytes = self->in_channels * (is_s16 ? sizeof (gint16) : sizeof (float));
  guint n_channels = self->format.n_channels;
  guint n_surplus = mxr_mix_ring_begin (self->ring, n_frames, now_ns);

  data += n_surplus * frame_bytes;
  n_frames -= n_surplus;
  while (n_frames > 0) {
    gint32 *span;
    guint n = mxr_mix_ring_span (self->ring, n_frames, &span);
    if (is_s16)
      mxr_mix_from_s16 (span, n_channels, (const gint16 *)data, self->in_channels, n);
    else
      mxr_mix_from_f32 (span, n_channels, (const float *)data, self->in_channels, n);
    follow_level_locked (self, mxr_mix_mean_square (span, n * n_channels), n);
    mxr_mix_ring_commit (self->ring, n);
    data += n * frame_bytes;
    n_frames -= n;
  }
  self->quiet_frames = 0;
}

static void
note_wait_locked (MxrAudioMixSink *self, MxrDelay *delay, GstClockTime now_ns)
{
  guint wait_frames;

  if (GST_CLOCK_TIME_IS_VALID (now_ns) && mxr_mix_ring_get_wait (self->ring, now_ns, &wait_frames))
    mxr_delay_note (delay, (gint64)wait_frames * 1000 / MS);
}

static GstFlowReturn
chain_locked (MxrAudioMixSink *self, GstBuffer *buffer, MxrDelay *wait_delay, GstClockTime now_ns)
{
  if (self->is_eos)
    return GST_FLOW_EOS;
  if (self->in_channels == 0)
    return GST_FLOW_NOT_NEGOTIATED;

  g_auto (GstBufferMapInfo) map = GST_MAP_INFO_INIT;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  gsize sample_bytes = self->sample_format == GST_AUDIO_FORMAT_S16LE ? sizeof (gint16) : sizeof (float);
  /* An hour in one buffer is as good as the ring's length. */
  gsize n_frames = MIN (map.size / (sample_bytes * self->in_channels), 3600u * MXR_MIX_RATE_HZ);
  if (n_frames == 0)
    return GST_FLOW_OK;
  note_wait_locked (self, wait_delay, now_ns);
  store_locked (self, map.data, (guint)n_frames, now_ns);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MxrAudioMixSink *self = MXR_AUDIO_MIX_SINK (pad);
  GstClockTime now_ns = gst_element_get_current_running_time (GST_ELEMENT (parent));

  g_mutex_lock (&self->lock);
  GstFlowReturn flow = chain_locked (self, buffer, &MXR_AUDIO_MIX (parent)->wait_delay, now_ns);
  g_mutex_unlock (&self->lock);
  if (flow == GST_FLOW_OK)
    end_idleness (self);
  gst_buffer_unref (buffer);
  return flow;
}

static bool
take_caps (MxrAudioMixSink *self, GstEvent *event)
{
  GstCaps *caps;
  GstAudioInfo info;

  gst_event_parse_caps (event, &caps);
  if (!gst_audio_info_from_caps (&info, caps) || info.rate != MXR_MIX_RATE_HZ || info.channels > 2 ||
      info.layout != GST_AUDIO_LAYOUT_INTERLEAVED ||
      (info.finfo->format != GST_AUDIO_FORMAT_S16LE && info.finfo->format != GST_AUDIO_FORMAT_F32LE)) {
    GST_WARNING_OBJECT (self, "caps refused: %" GST_PTR_FORMAT, caps);
    return false;
  }
  g_mutex_lock (&self->lock);
  self->sample_format = info.finfo->format;
  self->in_channels = info.channels;
  g_mutex_unlock (&self->lock);
  return true;
}

/* A lost packet is a gap of a packet; a gap longer than the ring is a pause, and the ring may run dry. */
static void
take_gap (MxrAudioMixSink *self, GstEvent *event)
{
  GstClockTime timestamp, duration;

  gst_event_parse_gap (event, &timestamp, &duration);
  if (!GST_CLOCK_TIME_IS_VALID (duration) || duration > MXR_MIX_RING_FRAMES * GST_MSECOND / MS)
    return;
  g_mutex_lock (&self->lock);
  mxr_mix_ring_write_silence (self->ring,
                              gst_util_uint64_scale_round (duration, MXR_MIX_RATE_HZ, GST_SECOND));
  g_mutex_unlock (&self->lock);
  end_idleness (self);
}

/* Nothing is passed on: what happens to one input is no business of the outputs. */
static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MxrAudioMixSink *self = MXR_AUDIO_MIX_SINK (pad);
  bool accepted = true;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    accepted = take_caps (self, event);
    break;
  case GST_EVENT_GAP:
    take_gap (self, event);
    break;
  case GST_EVENT_EOS:
    g_mutex_lock (&self->lock);
    self->is_eos = true;
    mxr_mix_ring_end (self->ring);
    g_mutex_unlock (&self->lock);
    break;
  case GST_EVENT_FLUSH_STOP:
    g_mutex_lock (&self->lock);
    self->is_eos = false;
    mxr_mix_ring_flush (self->ring);
    g_mutex_unlock (&self->lock);
    break;
  case GST_EVENT_STREAM_START:
    g_mutex_lock (&self->lock);
    self->is_eos = false;
    g_mutex_unlock (&self->lock);
    break;
  default:
    break;
  }
  gst_event_unref (event);
  return accepted;
}

static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS:
  case GST_QUERY_ACCEPT_CAPS:
    return gst_pad_query_default (pad, parent, query);
  default:
    return FALSE; /* the default would ask the peers of the source pads */
  }
}

/* ---- What goes into the mix ---------------------------------------------------------------------------- */

static void
aim_gain_locked (MxrAudioMixSink *self)
{
  float target = self->active && !self->mute ? (float)self->volume : 0.0f;

  if (target != self->gain_target) {
    self->ramp_frames = self->format.block_frames;
    if (self->active != self->was_active)
      self->ramp_frames = self->active ? ACTIVE_IN_FRAMES : ACTIVE_OUT_FRAMES;
    self->gain_target = target;
    self->gain_step = (target - self->gain) / self->ramp_frames;
  }
  self->was_active = self->active;
}

static void
apply_gain_locked (MxrAudioMixSink *self, gint32 *samples)
{
  guint n_channels = self->format.n_channels;
  guint n_frames = self->format.block_frames;
  guint n_ramp = MIN (self->ramp_frames, n_frames);

  if (n_ramp > 0) {
    mxr_mix_ramp (samples, n_channels, n_ramp, self->gain, self->gain_step);
    self->ramp_frames -= n_ramp;
    self->gain = self->ramp_frames > 0 ? self->gain + n_ramp * self->gain_step : self->gain_target;
  }
  if (n_ramp < n_frames && self->gain != 1.0f)
    mxr_mix_ramp (samples + n_ramp * n_channels, n_channels, n_frames - n_ramp, self->gain, 0);
}

static void
pass_time_locked (MxrAudioMixSink *self)
{
  guint n_frames = self->format.block_frames;

  self->quiet_frames = MIN (self->quiet_frames + n_frames, G_MAXUINT / 2);
  if (self->quiet_frames > LEVEL_FRAMES)
    follow_level_locked (self, 0, n_frames);
}

static void
settle_gain_locked (MxrAudioMixSink *self)
{
  self->gain = self->gain_target;
  self->ramp_frames = 0;
}

/* Of hundreds of inputs most have nothing for most of the time: the tick does not even take their locks. */
static void
rest_if_idle_locked (MxrAudioMixSink *self)
{
  if (mxr_mix_ring_stats (self->ring).memory_bytes > 0)
    return;
  self->mean_square = 0;
  g_atomic_int_set (&self->is_idle, TRUE);
}

bool
mxr_audio_mix_sink_take (MxrAudioMixSink *self, gint32 *out, GstClockTime now_ns)
{
  bool is_heard = false;

  if (g_atomic_int_get (&self->is_idle))
    return false;
  g_mutex_lock (&self->lock);
  aim_gain_locked (self);
  pass_time_locked (self);
  if (self->gain == 0 && self->gain_target == 0)
    mxr_mix_ring_skip (self->ring, now_ns);
  else
    is_heard = mxr_mix_ring_pull (self->ring, out, now_ns);
  if (is_heard)
    apply_gain_locked (self, out);
  else
    settle_gain_locked (self);
  rest_if_idle_locked (self);
  g_mutex_unlock (&self->lock);
  return is_heard;
}

void
mxr_audio_mix_sink_skip (MxrAudioMixSink *self, GstClockTime now_ns)
{
  if (g_atomic_int_get (&self->is_idle))
    return;
  g_mutex_lock (&self->lock);
  aim_gain_locked (self);
  settle_gain_locked (self);
  pass_time_locked (self);
  mxr_mix_ring_skip (self->ring, now_ns);
  rest_if_idle_locked (self);
  g_mutex_unlock (&self->lock);
}

bool
mxr_audio_mix_sink_is_idle (MxrAudioMixSink *self)
{
  return g_atomic_int_get (&self->is_idle);
}

void
mxr_audio_mix_sink_lose (MxrAudioMixSink *self, guint64 n_blocks)
{
  g_mutex_lock (&self->lock);
  mxr_mix_ring_skip_blocks (self->ring, n_blocks);
  g_mutex_unlock (&self->lock);
}

guint
mxr_audio_mix_sink_index (MxrAudioMixSink *self)
{
  return self->index;
}

void
mxr_audio_mix_sink_configure (MxrAudioMixSink *self, const MxrAudioMixFormat *format)
{
  MxrMixRing *ring = mxr_mix_ring_new (format->n_channels, format->block_frames, format->prefill_frames);

  g_mutex_lock (&self->lock);
  MxrMixRing *old = self->ring;
  self->ring = ring;
  self->format = *format;
  self->is_eos = false;
  self->mean_square = 0;
  g_atomic_int_set (&self->is_idle, FALSE);
  /* Whoever is in the mix from the beginning needs no ramp. */
  self->was_active = self->active;
  self->gain_target = self->active && !self->mute ? (float)self->volume : 0.0f;
  settle_gain_locked (self);
  g_mutex_unlock (&self->lock);
  mxr_mix_ring_free (old);
}

/* ---- The object ---------------------------------------------------------------------------------------- */

static void
mxr_audio_mix_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  MxrAudioMixSink *self = MXR_AUDIO_MIX_SINK (object);

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_VOLUME:
    self->volume = g_value_get_double (value);
    break;
  case PROP_MUTE:
    self->mute = g_value_get_boolean (value);
    break;
  case PROP_ACTIVE:
    self->active = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  g_mutex_unlock (&self->lock);
  end_idleness (self);
}

static double
level_db_locked (MxrAudioMixSink *self)
{
  double mean_square = MAX (self->mean_square, 1e-13);
  return CLAMP (10 * log10 (mean_square), LEVEL_FLOOR_DB, 0.0);
}

static GstStructure *
describe_locked (MxrAudioMixSink *self)
{
  MxrMixRingStats stats = mxr_mix_ring_stats (self->ring);
  return gst_structure_new ("mxraudiomix-sink-stats", "samples", G_TYPE_UINT, stats.n_frames, "underruns",
                            G_TYPE_UINT64, stats.underruns, "pauses", G_TYPE_UINT64, stats.pauses, "overruns",
                            G_TYPE_UINT64, stats.overruns, "dropped", G_TYPE_UINT64, stats.dropped,
                            "inserted", G_TYPE_UINT64, stats.inserted, NULL);
}

static void
mxr_audio_mix_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  MxrAudioMixSink *self = MXR_AUDIO_MIX_SINK (object);

  g_mutex_lock (&self->lock);
  switch (id) {
  case PROP_VOLUME:
    g_value_set_double (value, self->volume);
    break;
  case PROP_MUTE:
    g_value_set_boolean (value, self->mute);
    break;
  case PROP_ACTIVE:
    g_value_set_boolean (value, self->active);
    break;
  case PROP_LEVEL:
    g_value_set_double (value, level_db_locked (self));
    break;
  case PROP_STATS:
    g_value_take_boxed (value, describe_locked (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  g_mutex_unlock (&self->lock);
}

static void
mxr_audio_mix_sink_finalize (GObject *object)
{
  MxrAudioMixSink *self = MXR_AUDIO_MIX_SINK (object);

  mxr_mix_ring_free (self->ring);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (mxr_audio_mix_sink_parent_class)->finalize (object);
}

static void
mxr_audio_mix_sink_class_init (MxrAudioMixSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read_write = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = mxr_audio_mix_sink_set_property;
  object_class->get_property = mxr_audio_mix_sink_get_property;
  object_class->finalize = mxr_audio_mix_sink_finalize;
  g_object_class_install_property (
      object_class, PROP_VOLUME,
      g_param_spec_double ("volume", "Volume", "Factor, ramped over a block", 0, 4, 1, read_write));
  g_object_class_install_property (object_class, PROP_MUTE,
                                   g_param_spec_boolean ("mute", "Mute",
                                                         "Adds nothing to the mix; ramped over a block",
                                                         FALSE, read_write));
  g_object_class_install_property (object_class, PROP_ACTIVE,
                                   g_param_spec_boolean ("active", "Active",
                                                         "Is in the mix; comes in 5 ms, goes in 20 ms", TRUE,
                                                         read_write));
  g_object_class_install_property (
      object_class, PROP_LEVEL,
      g_param_spec_double ("level", "Level", "Of what comes in, before volume and mute, smoothed [dBFS]",
                           LEVEL_FLOOR_DB, 0, LEVEL_FLOOR_DB, read_only));
  g_object_class_install_property (
      object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "samples, underruns, pauses, overruns, dropped, inserted",
                          GST_TYPE_STRUCTURE, read_only));
}

static void
mxr_audio_mix_sink_init (MxrAudioMixSink *self)
{
  g_mutex_init (&self->lock);
  self->volume = 1;
  self->active = true;
}

MxrAudioMixSink *
mxr_audio_mix_sink_new (GstPadTemplate *templ, const char *name, guint index, const MxrAudioMixFormat *format)
{
  MxrAudioMixSink *self = g_object_new (MXR_TYPE_AUDIO_MIX_SINK, "name", name, "direction", GST_PAD_SINK,
                                        "template", templ, NULL);

  self->index = index;
  self->ring = mxr_mix_ring_new (format->n_channels, format->block_frames, format->prefill_frames);
  self->format = *format;
  self->was_active = true;
  self->gain = self->gain_target = 1;
  self->is_idle = true;
  gst_pad_set_chain_function (GST_PAD (self), on_chain);
  gst_pad_set_event_function (GST_PAD (self), on_event);
  gst_pad_set_query_function (GST_PAD (self), on_query);
  return self;
}
