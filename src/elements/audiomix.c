/**
 * SECTION:element-mxraudiomix
 *
 * Mixes live audio at every tick of the clock: `src` is everybody, `src_3` is everybody less `sink_3`. Pads
 * may come and go at any time, and an input that is late is faded out, not waited for. mixroom/elements.h
 * says what a user must know.
 *
 * ## A call of two: each hears the other
 * |[
 * gst-launch-1.0 mxraudiomix name=mix sink_0::volume=0.5 ! fakesink async=false num-buffers=50
 *   audiotestsrc is-live=true freq=440 ! mix.sink_0  audiotestsrc is-live=true freq=660 ! mix.sink_1
 *   mix.src_0 ! fakesink async=false num-buffers=50  mix.src_1 ! fakesink async=false num-buffers=50
 * ]|
 */
#include "audiomix-private.h"

#include <string.h>

#include "mix-ops.h"
#include "tick.h"

#define GST_CAT_DEFAULT mxr_audio_mix_debug
GST_DEBUG_CATEGORY (mxr_audio_mix_debug);

#define MS (MXR_MIX_RATE_HZ / 1000)

static void mxr_audio_mix_child_proxy_init (gpointer iface, gpointer data);

G_DEFINE_FINAL_TYPE_WITH_CODE (MxrAudioMix, mxr_audio_mix, GST_TYPE_ELEMENT,
                               G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY, mxr_audio_mix_child_proxy_init))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (mxraudiomix, "mxraudiomix", GST_RANK_NONE, MXR_TYPE_AUDIO_MIX,
                                       GST_DEBUG_CATEGORY_INIT (mxr_audio_mix_debug, "mxraudiomix", 0,
                                                                "audio mixer"))

enum { PROP_0, PROP_CHANNELS, PROP_BLOCK_DURATION, PROP_PREFILL, PROP_REST, PROP_STATS };

#define SINK_CAPS                                                                                            \
  "audio/x-raw, format = { S16LE, F32LE }, rate = 48000, channels = [ 1, 2 ], layout = interleaved"
#define SOURCE_CAPS "audio/x-raw, format = S16LE, rate = 48000, channels = [ 1, 2 ], layout = interleaved"

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (SINK_CAPS));
static GstStaticPadTemplate source_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (SOURCE_CAPS));
static GstStaticPadTemplate minus_template =
    GST_STATIC_PAD_TEMPLATE ("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (SOURCE_CAPS));

/* ---- Pads ---------------------------------------------------------------------------------------------- */

static MxrAudioMixFormat
format_locked (const MxrAudioMix *self)
{
  return (MxrAudioMixFormat){ .n_channels = self->n_channels,
                              .block_frames = self->block_ms * MS,
                              .prefill_frames = self->prefill_ms * MS };
}

static gint64
pad_index (gconstpointer pad)
{
  return MXR_IS_AUDIO_MIX_SINK ((gpointer)pad) ? mxr_audio_mix_sink_index ((MxrAudioMixSink *)pad)
                                               : mxr_audio_mix_source_sink_index ((MxrAudioMixSource *)pad);
}

static void
insert_sorted_locked (GPtrArray *pads, GstPad *pad)
{
  guint at = pads->len;

  while (at > 0 && pad_index (pads->pdata[at - 1]) > pad_index (pad))
    at--;
  g_ptr_array_insert (pads, at, gst_object_ref (pad));
}

/* Reads the number of @name, or takes the next one that was never used. */
static bool
choose_index (MxrAudioMix *self, bool is_sink, const char *name, guint *out_index)
{
  guint *next = is_sink ? &self->next_sink : &self->next_source;
  const char *prefix = is_sink ? "sink_" : "src_";
  guint64 index = 0;

  GST_OBJECT_LOCK (self);
  bool is_full = is_sink && self->sinks->len >= MXR_MIX_PARTS_MAX;
  if (name == NULL || strchr (name, '%') != NULL)
    index = *next;
  bool is_named = name != NULL && strchr (name, '%') == NULL;
  bool is_valid =
      !is_named || (g_str_has_prefix (name, prefix) &&
                    g_ascii_string_to_unsigned (name + strlen (prefix), 10, 0, G_MAXUINT - 1, &index, NULL));
  if (is_valid && !is_full && index >= *next)
    *next = (guint)index + 1;
  GST_OBJECT_UNLOCK (self);

  if (!is_valid || is_full) {
    GST_WARNING_OBJECT (self, "no pad %s: %s", name, is_full ? "there are too many" : "no such name");
    return false;
  }
  *out_index = (guint)index;
  return true;
}

static GstPad *
mxr_audio_mix_request_new_pad (GstElement *element, GstPadTemplate *templ, const char *wanted,
                               const GstCaps *caps)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (element);
  bool is_sink = GST_PAD_TEMPLATE_DIRECTION (templ) == GST_PAD_SINK;
  guint index;

  if (!choose_index (self, is_sink, wanted, &index))
    return NULL;
  g_autofree char *name = g_strdup_printf (is_sink ? "sink_%u" : "src_%u", index);
  g_autoptr (GstPad) existing = gst_element_get_static_pad (element, name);
  if (existing != NULL) {
    GST_WARNING_OBJECT (self, "%s exists", name);
    return NULL;
  }

  GST_OBJECT_LOCK (self);
  MxrAudioMixFormat format = format_locked (self);
  GST_OBJECT_UNLOCK (self);
  GstPad *pad = is_sink ? GST_PAD (mxr_audio_mix_sink_new (templ, name, index, &format))
                        : GST_PAD (mxr_audio_mix_source_new (templ, name, index));
  if (!gst_element_add_pad (element, pad))
    return NULL;
  GST_OBJECT_LOCK (self);
  insert_sorted_locked (is_sink ? self->sinks : self->sources, pad);
  GST_OBJECT_UNLOCK (self);
  if (is_sink)
    gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  return pad;
}

static void
mxr_audio_mix_release_pad (GstElement *element, GstPad *pad)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (element);
  bool is_sink = GST_PAD_IS_SINK (pad);
  g_autofree char *name = gst_pad_get_name (pad);
  g_autoptr (GstPad) alive = gst_object_ref (pad);

  GST_OBJECT_LOCK (self);
  bool is_ours = g_ptr_array_remove (is_sink ? self->sinks : self->sources, pad);
  GST_OBJECT_UNLOCK (self);
  if (!is_ours)
    return;
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
  if (is_sink)
    gst_child_proxy_child_removed (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
}

static guint
child_proxy_get_children_count (GstChildProxy *proxy)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (proxy);

  GST_OBJECT_LOCK (self);
  guint n = self->sinks->len;
  GST_OBJECT_UNLOCK (self);
  return n;
}

static GObject *
child_proxy_get_child_by_index (GstChildProxy *proxy, guint index)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (proxy);

  GST_OBJECT_LOCK (self);
  GObject *child = index < self->sinks->len ? g_object_ref (self->sinks->pdata[index]) : NULL;
  GST_OBJECT_UNLOCK (self);
  return child;
}

static void
mxr_audio_mix_child_proxy_init (gpointer iface, gpointer data)
{
  GstChildProxyInterface *proxy = iface;
  proxy->get_children_count = child_proxy_get_children_count;
  proxy->get_child_by_index = child_proxy_get_child_by_index;
}

/* ---- States -------------------------------------------------------------------------------------------- */

static GstCaps *
source_caps (guint n_channels)
{
  GstAudioInfo info;
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16LE, MXR_MIX_RATE_HZ, (gint)n_channels, NULL);
  return gst_audio_info_to_caps (&info);
}

static GstBufferPool *
open_pool (GstCaps *caps, guint block_bytes)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, block_bytes, 0, 0);
  gst_buffer_pool_set_config (pool, config);
  gst_buffer_pool_set_active (pool, TRUE);
  return pool;
}

static void
prepare (MxrAudioMix *self)
{
  g_autoptr (GPtrArray) sinks = g_ptr_array_new_with_free_func (gst_object_unref);
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (gst_object_unref);

  GST_OBJECT_LOCK (self);
  self->format = format_locked (self);
  self->n_blocks = self->n_skipped = 0;
  mxr_audio_mix_copy_refs (sinks, self->sinks);
  mxr_audio_mix_copy_refs (sources, self->sources);
  GST_OBJECT_UNLOCK (self);

  for (guint i = 0; i < sinks->len; i++)
    mxr_audio_mix_sink_configure (sinks->pdata[i], &self->format);
  for (guint i = 0; i < sources->len; i++)
    mxr_audio_mix_source_restart (sources->pdata[i]);
  self->limiter = (MxrMixLimiter)MXR_MIX_LIMITER_INIT;
  self->has_rested = false;
  self->group_id = gst_util_group_id_next ();
  self->caps = source_caps (self->format.n_channels);
  self->pool = open_pool (self->caps, mxr_audio_mix_block_samples (self) * sizeof (gint16));
  self->sum = g_new (gint32, mxr_audio_mix_block_samples (self));
  self->minus = g_new (gint32, mxr_audio_mix_block_samples (self));
  mxr_tick_set_rate (self->tick, 1000, self->format.block_frames / MS);
}

static void
put_away (MxrAudioMix *self)
{
  if (self->pool != NULL)
    gst_buffer_pool_set_active (self->pool, FALSE);
  gst_clear_object (&self->pool);
  gst_clear_caps (&self->caps);
  g_clear_pointer (&self->sum, g_free);
  g_clear_pointer (&self->minus, g_free);
  g_clear_pointer (&self->parts, g_free);
  self->n_parts = 0;
}

static GstStateChangeReturn
mxr_audio_mix_change_state (GstElement *element, GstStateChange transition)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    prepare (self);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    mxr_tick_start (self->tick);
  else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    mxr_tick_pause (self->tick);

  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (mxr_audio_mix_parent_class)->change_state (element, transition);

  if (result == GST_STATE_CHANGE_FAILURE) {
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
      put_away (self);
    return result;
  }
  /* A live element has nothing to show while it is paused. */
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    mxr_tick_stop (self->tick);
    put_away (self);
  }
  return result;
}

/* ---- The object ---------------------------------------------------------------------------------------- */

static void
mxr_audio_mix_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_CHANNELS:
    self->n_channels = g_value_get_uint (value);
    break;
  case PROP_BLOCK_DURATION:
    self->block_ms = g_value_get_uint (value);
    break;
  case PROP_PREFILL:
    self->prefill_ms = g_value_get_uint (value);
    break;
  case PROP_REST:
    g_atomic_int_set (&self->may_rest, g_value_get_boolean (value));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  GST_OBJECT_UNLOCK (self);
  if (id == PROP_REST)
    mxr_tick_wake (self->tick);
}

static void
mxr_audio_mix_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_CHANNELS:
    g_value_set_uint (value, self->n_channels);
    break;
  case PROP_BLOCK_DURATION:
    g_value_set_uint (value, self->block_ms);
    break;
  case PROP_PREFILL:
    g_value_set_uint (value, self->prefill_ms);
    break;
  case PROP_REST:
    g_value_set_boolean (value, g_atomic_int_get (&self->may_rest));
    break;
  case PROP_STATS:
    g_value_take_boxed (value,
                        gst_structure_new ("mxraudiomix-stats", "blocks", G_TYPE_UINT64, self->n_blocks,
                                           "blocks-skipped", G_TYPE_UINT64, self->n_skipped, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
mxr_audio_mix_finalize (GObject *object)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (object);

  mxr_tick_free (self->tick);
  put_away (self);
  g_ptr_array_unref (self->sinks);
  g_ptr_array_unref (self->sources);
  g_ptr_array_unref (self->tick_sinks);
  g_ptr_array_unref (self->tick_sources);
  g_ptr_array_unref (self->tick_parts);
  G_OBJECT_CLASS (mxr_audio_mix_parent_class)->finalize (object);
}

void
mxr_audiomix_read_delays (GstElement *mix, MxrDelayCounts *out_wait, MxrDelayCounts *out_encode)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (mix);

  mxr_delay_read (&self->wait_delay, out_wait);
  mxr_delay_read (&self->encode_delay, out_encode);
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags read_write = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (
      klass, PROP_CHANNELS,
      g_param_spec_uint ("channels", "Channels", "Of the mix; counts from READY on", 1, 2, 1, read_write));
  g_object_class_install_property (klass, PROP_BLOCK_DURATION,
                                   g_param_spec_uint ("block-duration", "Block duration",
                                                      "Time between ticks; counts from READY on [ms]", 10, 40,
                                                      20, read_write));
  g_object_class_install_property (
      klass, PROP_PREFILL,
      g_param_spec_uint ("prefill", "Prefill",
                         "How late a packet may be before an input plays; counts from READY on [ms]", 0, 100, 10,
                         read_write));
  g_object_class_install_property (
      klass, PROP_REST,
      g_param_spec_boolean ("rest", "Rest",
                            "No blocks while nothing comes and half a second of silence was sent, but one each 10 s",
                            FALSE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (klass, PROP_STATS,
                                   g_param_spec_boxed ("stats", "Statistics", "blocks, blocks-skipped",
                                                       GST_TYPE_STRUCTURE,
                                                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
mxr_audio_mix_class_init (MxrAudioMixClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = mxr_audio_mix_set_property;
  object_class->get_property = mxr_audio_mix_get_property;
  object_class->finalize = mxr_audio_mix_finalize;
  install_properties (object_class);

  element_class->change_state = mxr_audio_mix_change_state;
  element_class->request_new_pad = mxr_audio_mix_request_new_pad;
  element_class->release_pad = mxr_audio_mix_release_pad;
  gst_element_class_add_static_pad_template_with_gtype (element_class, &sink_template,
                                                        MXR_TYPE_AUDIO_MIX_SINK);
  gst_element_class_add_static_pad_template_with_gtype (element_class, &source_template,
                                                        MXR_TYPE_AUDIO_MIX_SOURCE);
  gst_element_class_add_static_pad_template_with_gtype (element_class, &minus_template,
                                                        MXR_TYPE_AUDIO_MIX_SOURCE);
  gst_element_class_set_static_metadata (
      element_class, "Conference audio mixer", "Audio/Mixer",
      "Mixes live audio at every tick, exactly minus one for each listener", "Mixroom");
}

static void
mxr_audio_mix_init (MxrAudioMix *self)
{
  g_autoptr (GstPadTemplate) templ = gst_static_pad_template_get (&source_template);

  self->n_channels = 1;
  self->block_ms = 20;
  self->prefill_ms = 10;
  self->tick = mxr_tick_new (GST_ELEMENT (self), mxr_audio_mix_tick, 50, 1);
  self->sinks = g_ptr_array_new_with_free_func (gst_object_unref);
  self->sources = g_ptr_array_new_with_free_func (gst_object_unref);
  self->tick_sinks = g_ptr_array_new_with_free_func (gst_object_unref);
  self->tick_sources = g_ptr_array_new_with_free_func (gst_object_unref);
  self->tick_parts = g_ptr_array_new ();

  GstPad *source = GST_PAD (mxr_audio_mix_source_new (templ, "src", MXR_AUDIO_MIX_NO_SINK));
  gst_element_add_pad (GST_ELEMENT (self), source);
  g_ptr_array_add (self->sources, gst_object_ref (source));
}
