/**
 * SECTION:element-mxrloudness
 *
 * Brings a live sound to a loudness (EBU R 128) slowly, as a hand on a fader would, and holds its true peaks below -1 dBTP.
 * Pauses leave the gain as it is; digital silence stays silence.
 *
 * ## A tone 20 dB below full scale, brought to -16 LUFS
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=50 samplesperbuffer=960 volume=0.1 ! audio/x-raw,rate=48000,channels=2 !
 *   mxrloudness target=-16 ! fakesink
 * ]|
 */
#include <ebur128.h>
#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <math.h>

#include "loudness-gain.h"
#include "mixroom/elements.h"
#include "peak-limiter.h"

#define RATE_HZ 48000
#define STEP_FRAMES (RATE_HZ / 1000 * MXR_LOUDNESS_STEP_MS)
#define TARGET_LUFS (-16)
/* R 128: what is below is silence; nothing is told that is lower. */
#define SILENCE_LUFS (-70)
/* Frames worked on at once. */
#define BLOCK_FRAMES 480
#define LATENCY_NS (MXR_PEAK_DELAY_FRAMES * GST_SECOND / RATE_HZ)

#define GST_CAT_DEFAULT mxr_loudness_debug
GST_DEBUG_CATEGORY_STATIC (mxr_loudness_debug);

#define MXR_TYPE_LOUDNESS (mxr_loudness_get_type ())
G_DECLARE_FINAL_TYPE (MxrLoudness, mxr_loudness, MXR, LOUDNESS, GstBaseTransform)

typedef struct {
  double momentary, short_term, integrated; /* LUFS */
  double gain_db;
} Readings;

/* All but what the object lock guards belongs to whoever pushes. */
struct _MxrLoudness {
  GstBaseTransform parent;
  GstAudioInfo in_info;
  ebur128_state *in_meter, *out_meter; /* NULL: no caps yet */
  MxrLoudnessGain control;
  MxrPeakLimiter limiter;
  float gain, next_gain; /* now, and at the end of the step */
  guint n_step_frames;   /* of the step that are done */
  guint n_late;          /* frames of the delay that are still to be left out */
  GstClockTime next_pts_ns;

  /* Guarded by the object lock. */
  double target;
  Readings readings;
};

G_DEFINE_FINAL_TYPE (MxrLoudness, mxr_loudness, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (mxrloudness, "mxrloudness", GST_RANK_NONE, MXR_TYPE_LOUDNESS,
                                       GST_DEBUG_CATEGORY_INIT (mxr_loudness_debug, "mxrloudness", 0, "loudness"))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = { S16LE, F32LE }, rate = 48000, channels = [ 1, 2 ], layout = interleaved"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("audio/x-raw, format = S16LE, rate = 48000, channels = [ 1, 2 ], layout = interleaved"));

/* ---- Steps of 100 ms ---------------------------------------------------------------------------------------- */

static double
read_meter (int (*read) (ebur128_state *, double *), ebur128_state *meter)
{
  double lufs = SILENCE_LUFS;

  return read (meter, &lufs) == EBUR128_SUCCESS ? MAX (lufs, SILENCE_LUFS) : SILENCE_LUFS;
}

static void
begin_step (MxrLoudness *self)
{
  double momentary = read_meter (ebur128_loudness_momentary, self->in_meter);
  Readings readings = { read_meter (ebur128_loudness_momentary, self->out_meter),
                        read_meter (ebur128_loudness_shortterm, self->out_meter),
                        read_meter (ebur128_loudness_global, self->out_meter), 0 };

  GST_OBJECT_LOCK (self);
  self->control.target = self->target;
  GST_OBJECT_UNLOCK (self);
  self->n_step_frames = 0;
  self->gain = self->next_gain;
  readings.gain_db = mxr_loudness_gain_step (&self->control, momentary);
  self->next_gain = (float) pow (10, readings.gain_db / 20);
  GST_OBJECT_LOCK (self);
  self->readings = readings;
  GST_OBJECT_UNLOCK (self);
}

/* ---- Samples ------------------------------------------------------------------------------------------------ */

static void
to_float (const MxrLoudness *self, const guint8 *in, float *out, guint n)
{
  bool is_float = GST_AUDIO_INFO_FORMAT (&self->in_info) == GST_AUDIO_FORMAT_F32LE;
  const gint16 *shorts = (const gint16 *) in;
  const float *floats = (const float *) in;

  for (guint i = 0; i < n; i++)
    out[i] = is_float ? (isfinite (floats[i]) ? floats[i] : 0) : shorts[i] / 32768.0f;
}

static void
to_short (const float *in, gint16 *out, guint n)
{
  for (guint i = 0; i < n; i++)
    out[i] = (gint16) lrintf (CLAMP (in[i] * 32768.0f, -32768.0f, 32767.0f));
}

/* At most to the end of the step. */
static void
run_block (MxrLoudness *self, const guint8 *in, gint16 *out, guint n_frames)
{
  guint n_channels = self->limiter.n_channels;
  float samples[2 * BLOCK_FRAMES] = { 0 }, by_frame = (self->next_gain - self->gain) / STEP_FRAMES;

  to_float (self, in, samples, n_frames * n_channels);
  ebur128_add_frames_float (self->in_meter, samples, n_frames);
  for (guint i = 0; i < n_frames * n_channels; i++)
    samples[i] *= self->gain + by_frame * (float) (self->n_step_frames + i / n_channels);
  mxr_peak_limiter_run (&self->limiter, samples, n_frames);
  ebur128_add_frames_float (self->out_meter, samples, n_frames);
  to_short (samples, out, n_frames * n_channels);
  self->n_step_frames += n_frames;
  if (self->n_step_frames == STEP_FRAMES)
    begin_step (self);
}

static void
run (MxrLoudness *self, const guint8 *in, gint16 *out, guint n_frames)
{
  guint in_bytes = (guint) GST_AUDIO_INFO_BPF (&self->in_info);

  while (n_frames > 0) {
    guint n = MIN (n_frames, MIN (BLOCK_FRAMES, STEP_FRAMES - self->n_step_frames));
    run_block (self, in, out, n);
    in += n * in_bytes;
    out += n * self->limiter.n_channels;
    n_frames -= n;
  }
}

/* What leaves is as much as what came, later by the delay, and stamped with the time that it had. What the delay holds at the
 * beginning is no sound and is left out. */
static GstFlowReturn
mxr_loudness_transform (GstBaseTransform *base, GstBuffer *in, GstBuffer *out)
{
  MxrLoudness *self = MXR_LOUDNESS (base);
  gsize out_bytes = sizeof (gint16) * self->limiter.n_channels;
  GstMapInfo in_map, out_map;

  if (self->in_meter == NULL || !gst_buffer_map (in, &in_map, GST_MAP_READ))
    return GST_FLOW_NOT_NEGOTIATED;
  guint n_frames = (guint) (in_map.size / (gsize) GST_AUDIO_INFO_BPF (&self->in_info));
  if (!gst_buffer_map (out, &out_map, GST_MAP_WRITE)) {
    gst_buffer_unmap (in, &in_map);
    return GST_FLOW_ERROR;
  }
  run (self, in_map.data, (gint16 *) out_map.data, n_frames);
  gst_buffer_unmap (in, &in_map);
  gst_buffer_unmap (out, &out_map);

  guint n_left_out = MIN (self->n_late, n_frames);
  guint64 behind_ns = gst_util_uint64_scale_int (MXR_PEAK_DELAY_FRAMES - n_left_out, GST_SECOND, RATE_HZ);
  self->n_late -= n_left_out;
  if (n_left_out == n_frames)
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  gst_buffer_resize (out, (gssize) (n_left_out * out_bytes), (gssize) ((n_frames - n_left_out) * out_bytes));
  GST_BUFFER_DURATION (out) = gst_util_uint64_scale_int (n_frames - n_left_out, GST_SECOND, RATE_HZ);
  GST_BUFFER_OFFSET (out) = GST_BUFFER_OFFSET_END (out) = GST_BUFFER_OFFSET_NONE;
  if (GST_BUFFER_PTS_IS_VALID (in)) {
    GST_BUFFER_PTS (out) = GST_BUFFER_PTS (in) - MIN (behind_ns, GST_BUFFER_PTS (in));
    self->next_pts_ns = GST_BUFFER_PTS (out) + GST_BUFFER_DURATION (out);
  }
  return GST_FLOW_OK;
}

/* ---- Streams -------------------------------------------------------------------------------------------------- */

static void
forget (MxrLoudness *self)
{
  if (self->in_meter != NULL)
    ebur128_destroy (&self->in_meter);
  if (self->out_meter != NULL)
    ebur128_destroy (&self->out_meter);
}

static void
reset (MxrLoudness *self)
{
  guint n_channels = (guint) self->in_info.channels;

  forget (self);
  self->control = (MxrLoudnessGain){ .gain_db = 0 };
  self->gain = self->next_gain = 1;
  self->n_step_frames = 0;
  self->n_late = MXR_PEAK_DELAY_FRAMES;
  self->next_pts_ns = GST_CLOCK_TIME_NONE;
  if (n_channels == 0)
    return;
  mxr_peak_limiter_init (&self->limiter, n_channels);
  /* A histogram, or what has been measured would grow with the programme. */
  self->in_meter = ebur128_init (n_channels, RATE_HZ, EBUR128_MODE_M);
  self->out_meter = ebur128_init (n_channels, RATE_HZ, EBUR128_MODE_S | EBUR128_MODE_I | EBUR128_MODE_HISTOGRAM);
}

static gboolean
mxr_loudness_set_caps (GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  MxrLoudness *self = MXR_LOUDNESS (base);

  if (!gst_audio_info_from_caps (&self->in_info, in_caps))
    return FALSE;
  reset (self);
  return self->in_meter != NULL && self->out_meter != NULL;
}

static gboolean
mxr_loudness_stop (GstBaseTransform *base)
{
  forget (MXR_LOUDNESS (base));
  return TRUE;
}

static GstCaps *
mxr_loudness_transform_caps (GstBaseTransform *base, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstCaps *other = gst_caps_copy (caps);
  GstCaps *may_be = gst_static_pad_template_get_caps (direction == GST_PAD_SINK ? &src_template : &sink_template);

  for (guint i = 0; i < gst_caps_get_size (other); i++)
    gst_structure_remove_field (gst_caps_get_structure (other, i), "format");
  GstCaps *result = gst_caps_intersect (other, may_be);
  gst_caps_unref (other);
  gst_caps_unref (may_be);
  if (filter == NULL)
    return result;
  GstCaps *filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
}

static gboolean
mxr_loudness_get_unit_size (GstBaseTransform *base, GstCaps *caps, gsize *size)
{
  GstAudioInfo info;

  if (!gst_audio_info_from_caps (&info, caps))
    return FALSE;
  *size = (gsize) GST_AUDIO_INFO_BPF (&info);
  return TRUE;
}

/* What the delay still holds. */
static void
drain (MxrLoudness *self)
{
  gsize n_bytes = sizeof (gint16) * self->limiter.n_channels * MXR_PEAK_DELAY_FRAMES;
  g_autofree guint8 *silence = g_malloc0 (2 * n_bytes);
  GstMapInfo map;

  if (self->in_meter == NULL || self->n_late > 0)
    return;
  GstBuffer *rest = gst_buffer_new_allocate (NULL, n_bytes, NULL);
  gst_buffer_map (rest, &map, GST_MAP_WRITE);
  run (self, silence, (gint16 *) map.data, MXR_PEAK_DELAY_FRAMES);
  gst_buffer_unmap (rest, &map);
  GST_BUFFER_PTS (rest) = self->next_pts_ns;
  GST_BUFFER_DURATION (rest) = LATENCY_NS;
  self->n_late = MXR_PEAK_DELAY_FRAMES;
  gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), rest);
}

static gboolean
mxr_loudness_sink_event (GstBaseTransform *base, GstEvent *event)
{
  MxrLoudness *self = MXR_LOUDNESS (base);

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    drain (self);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP && self->in_meter != NULL)
    reset (self);
  return GST_BASE_TRANSFORM_CLASS (mxr_loudness_parent_class)->sink_event (base, event);
}

static gboolean
mxr_loudness_query (GstBaseTransform *base, GstPadDirection direction, GstQuery *query)
{
  gboolean is_answered = GST_BASE_TRANSFORM_CLASS (mxr_loudness_parent_class)->query (base, direction, query);
  GstClockTime min_ns, max_ns;
  gboolean is_live;

  if (!is_answered || direction != GST_PAD_SRC || GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return is_answered;
  gst_query_parse_latency (query, &is_live, &min_ns, &max_ns);
  gst_query_set_latency (query, is_live, min_ns + LATENCY_NS,
                         GST_CLOCK_TIME_IS_VALID (max_ns) ? max_ns + LATENCY_NS : max_ns);
  return TRUE;
}

/* ---- The object ------------------------------------------------------------------------------------------------ */

enum { PROP_TARGET = 1, PROP_MOMENTARY, PROP_SHORT_TERM, PROP_INTEGRATED, PROP_GAIN };

static void
mxr_loudness_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GST_OBJECT_LOCK (object);
  MXR_LOUDNESS (object)->target = g_value_get_double (value);
  GST_OBJECT_UNLOCK (object);
}

static void
mxr_loudness_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  MxrLoudness *self = MXR_LOUDNESS (object);

  GST_OBJECT_LOCK (self);
  const double values[] = { [PROP_TARGET] = self->target,
                            [PROP_MOMENTARY] = self->readings.momentary,
                            [PROP_SHORT_TERM] = self->readings.short_term,
                            [PROP_INTEGRATED] = self->readings.integrated,
                            [PROP_GAIN] = self->readings.gain_db };
  GST_OBJECT_UNLOCK (self);
  g_value_set_double (value, values[id]);
}

static void
mxr_loudness_finalize (GObject *object)
{
  forget (MXR_LOUDNESS (object));
  G_OBJECT_CLASS (mxr_loudness_parent_class)->finalize (object);
}

static void
install_reading (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, double min, double max)
{
  g_object_class_install_property (
      klass, id, g_param_spec_double (name, nick, blurb, min, max, min, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
mxr_loudness_class_init (MxrLoudnessClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = mxr_loudness_set_property;
  object_class->get_property = mxr_loudness_get_property;
  object_class->finalize = mxr_loudness_finalize;
  g_object_class_install_property (
      object_class, PROP_TARGET,
      g_param_spec_double ("target", "Target", "Loudness to bring the sound to (LUFS); 0: as it is", -36, 0, TARGET_LUFS,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  install_reading (object_class, PROP_MOMENTARY, "momentary", "Momentary", "Of the last 400 ms that went out (LUFS)",
                   SILENCE_LUFS, 20);
  install_reading (object_class, PROP_SHORT_TERM, "short-term", "Short term", "Of the last 3 s that went out (LUFS)",
                   SILENCE_LUFS, 20);
  install_reading (object_class, PROP_INTEGRATED, "integrated", "Integrated", "Of all that went out (LUFS)", SILENCE_LUFS,
                   20);
  install_reading (object_class, PROP_GAIN, "gain", "Gain", "Of the fader, before the limiter (dB)", -20, 20);
  base_class->transform = mxr_loudness_transform;
  base_class->transform_caps = mxr_loudness_transform_caps;
  base_class->get_unit_size = mxr_loudness_get_unit_size;
  base_class->set_caps = mxr_loudness_set_caps;
  base_class->stop = mxr_loudness_stop;
  base_class->sink_event = mxr_loudness_sink_event;
  base_class->query = mxr_loudness_query;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Loudness", "Filter/Effect/Audio",
                                         "Brings a live sound to a loudness and limits its true peaks", "Mixroom");
}

static void
mxr_loudness_init (MxrLoudness *self)
{
  self->target = TARGET_LUFS;
  self->readings = (Readings){ SILENCE_LUFS, SILENCE_LUFS, SILENCE_LUFS, 0 };
}
