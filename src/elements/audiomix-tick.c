#include "audiomix-private.h"

#include <string.h>

#include "mix-ops.h"

#define GST_CAT_DEFAULT mxr_audio_mix_debug

#define MS (MXR_MIX_RATE_HZ / 1000)
/* Ticks that came late are made up for, up to this many; beyond, their blocks are left out. */
#define CATCH_UP_BLOCKS 3

guint
mxr_audio_mix_block_samples (const MxrAudioMix *self)
{
  return self->format.block_frames * self->format.n_channels;
}

static GstClockTime
block_time (const MxrAudioMix *self, guint64 index)
{
  return index * (self->format.block_frames / MS) * GST_MSECOND;
}

void
mxr_audio_mix_copy_refs (GPtrArray *to, const GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, gst_object_ref (from->pdata[i]));
}

/* Pads may be released while the tick works on them; it holds its own references and never the lock. */
static void
look_at_pads (MxrAudioMix *self)
{
  GST_OBJECT_LOCK (self);
  mxr_audio_mix_copy_refs (self->tick_sinks, self->sinks);
  mxr_audio_mix_copy_refs (self->tick_sources, self->sources);
  GST_OBJECT_UNLOCK (self);
  g_ptr_array_set_size (self->tick_parts, self->tick_sources->len);

  if (self->tick_sources->len > self->n_parts) {
    self->n_parts = self->tick_sources->len + 8;
    g_free (self->parts);
    self->parts = g_new (gint32, (gsize)self->n_parts * mxr_audio_mix_block_samples (self));
  }
}

/* Drops those that want no block. Returns: whether any is left. */
static bool
keep_listening_sources (MxrAudioMix *self)
{
  for (guint i = self->tick_sources->len; i > 0; i--)
    if (!mxr_audio_mix_source_wants_block (self->tick_sources->pdata[i - 1], &self->limiter))
      g_ptr_array_remove_index (self->tick_sources, i - 1);
  return self->tick_sources->len > 0;
}

/* Sums what every sink has, and keeps the parts that somebody does not want to hear. Sinks and sources are
 * both sorted by index, so one walk finds the pairs. */
static void
take_parts (MxrAudioMix *self, GstClockTime now_ns)
{
  guint n_samples = mxr_audio_mix_block_samples (self);
  guint at = 0;

  memset (self->sum, 0, sizeof (gint32) * n_samples);
  for (guint i = 0; i < self->tick_sources->len; i++)
    self->tick_parts->pdata[i] = NULL;
  for (guint i = 0; i < self->tick_sinks->len; i++) {
    MxrAudioMixSink *sink = self->tick_sinks->pdata[i];
    gint64 index = mxr_audio_mix_sink_index (sink);
    while (at < self->tick_sources->len &&
           mxr_audio_mix_source_sink_index (self->tick_sources->pdata[at]) < index)
      at++;
    bool is_paired = at < self->tick_sources->len &&
                     mxr_audio_mix_source_sink_index (self->tick_sources->pdata[at]) == index;
    gint32 *part = is_paired ? self->parts + (gsize)at * n_samples : self->minus;
    if (!mxr_audio_mix_sink_take (sink, part, now_ns))
      continue;
    mxr_mix_add (self->sum, part, n_samples);
    if (is_paired)
      self->tick_parts->pdata[at] = part;
  }
}

static GstBuffer *
make_block (MxrAudioMix *self, const gint32 *samples, guint32 peak, MxrMixLimiter *limiter)
{
  GstBuffer *buffer = NULL;
  GstMapInfo map;

  if (gst_buffer_pool_acquire_buffer (self->pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  if (peak == 0) {
    memset (map.data, 0, map.size);
    mxr_mix_limiter_rest (limiter, self->format.block_frames);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  } else {
    mxr_mix_limiter_run (limiter, (gint16 *)map.data, samples, self->format.n_channels,
                         self->format.block_frames, peak);
  }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static void
stamp_block (MxrAudioMix *self, GstBuffer *buffer, guint64 index, bool is_discont)
{
  GST_BUFFER_PTS (buffer) = block_time (self, index);
  GST_BUFFER_DURATION (buffer) = block_time (self, 1);
  GST_BUFFER_OFFSET (buffer) = index * self->format.block_frames;
  GST_BUFFER_OFFSET_END (buffer) = (index + 1) * self->format.block_frames;
  if (is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

/* What stands behind a source pad works in our thread, so this is when its packets are on their way. */
static void
note_encoded (MxrAudioMix *self, guint64 index)
{
  GstClockTime now_ns = gst_element_get_current_running_time (GST_ELEMENT (self));
  if (GST_CLOCK_TIME_IS_VALID (now_ns))
    mxr_delay_note (&self->encode_delay, GST_CLOCK_DIFF (block_time (self, index), now_ns) / (gint64)GST_USECOND);
}

/* Who is not in the mix hears the full mix, and as long as the limiters agree it is the very same buffer. */
static void
push_blocks (MxrAudioMix *self, guint64 index, bool is_discont)
{
  guint n_samples = mxr_audio_mix_block_samples (self);
  guint32 peak = mxr_mix_peak (self->sum, n_samples);
  MxrMixLimiter before = self->limiter;
  g_autoptr (GstBuffer) full = make_block (self, self->sum, peak, &self->limiter);

  if (full == NULL)
    return; /* the pool is shut: the element stops */
  stamp_block (self, full, index, is_discont);
  for (guint i = 0; i < self->tick_sources->len; i++) {
    MxrAudioMixSource *source = self->tick_sources->pdata[i];
    const gint32 *part = self->tick_parts->pdata[i];
    MxrMixLimiter *limiter = mxr_audio_mix_source_limiter (source);
    GstBuffer *buffer;

    if (part == NULL && limiter->gain == before.gain) {
      *limiter = self->limiter;
      buffer = gst_buffer_ref (full);
    } else {
      guint32 own_peak = part != NULL ? mxr_mix_subtract (self->minus, self->sum, part, n_samples) : peak;
      buffer = make_block (self, part != NULL ? self->minus : self->sum, own_peak, limiter);
      if (buffer == NULL)
        return;
      stamp_block (self, buffer, index, is_discont);
    }
    mxr_audio_mix_source_push (source, self->caps, self->group_id, buffer);
    note_encoded (self, index);
  }
}

/* There is nothing to do until something happens to a pad: nothing comes, and all who listen have been told so. */
static bool
is_at_rest (const MxrAudioMix *self)
{
  bool is_at_rest = self->limiter.gain == 1;

  for (guint i = 0; is_at_rest && i < self->tick_sinks->len; i++)
    is_at_rest = mxr_audio_mix_sink_is_idle (self->tick_sinks->pdata[i]);
  for (guint i = 0; is_at_rest && i < self->tick_sources->len; i++)
    is_at_rest = mxr_audio_mix_source_has_settled (self->tick_sources->pdata[i]);
  return is_at_rest;
}

/* Whoever changes a pad after it was looked at wakes the tick, and then it does not rest. */
static void
rest_if_quiet (MxrAudioMix *self)
{
  self->has_rested = g_atomic_int_get (&self->may_rest) && is_at_rest (self);
  if (self->has_rested)
    mxr_tick_rest (self->tick, GST_CLOCK_TIME_NONE);
}

void
mxr_audio_mix_wake (GstPad *pad)
{
  g_autoptr (GstObject) mix = gst_object_get_parent (GST_OBJECT (pad));

  if (mix != NULL)
    mxr_tick_wake (MXR_AUDIO_MIX (mix)->tick);
}

static void
produce_block (MxrAudioMix *self, guint64 index, bool is_discont)
{
  look_at_pads (self);
  if (keep_listening_sources (self)) {
    take_parts (self, block_time (self, index));
    push_blocks (self, index, is_discont);
  } else {
    for (guint i = 0; i < self->tick_sinks->len; i++)
      mxr_audio_mix_sink_skip (self->tick_sinks->pdata[i], block_time (self, index));
  }
  rest_if_quiet (self);
  g_ptr_array_set_size (self->tick_sinks, 0);
  g_ptr_array_set_size (self->tick_sources, 0);

  GST_OBJECT_LOCK (self);
  self->n_blocks++;
  GST_OBJECT_UNLOCK (self);
}

static void
leave_out (MxrAudioMix *self, guint64 n_blocks)
{
  GST_WARNING_OBJECT (self, "%" G_GUINT64_FORMAT " blocks left out: the tick came too late", n_blocks);
  look_at_pads (self);
  for (guint i = 0; i < self->tick_sinks->len; i++)
    mxr_audio_mix_sink_lose (self->tick_sinks->pdata[i], n_blocks);
  g_ptr_array_set_size (self->tick_sinks, 0);
  g_ptr_array_set_size (self->tick_sources, 0);

  GST_OBJECT_LOCK (self);
  self->n_skipped += n_blocks;
  GST_OBJECT_UNLOCK (self);
}

void
mxr_audio_mix_tick (GstElement *element, guint64 index, GstClockTime running_time_ns, guint64 n_missed)
{
  MxrAudioMix *self = MXR_AUDIO_MIX (element);
  bool is_too_late = n_missed > CATCH_UP_BLOCKS;
  guint64 first = is_too_late ? index : index - n_missed;
  bool is_discont = is_too_late || (self->has_rested && first != self->next_index);

  if (is_too_late)
    leave_out (self, n_missed);
  for (guint64 at = first; at <= index; at++, is_discont = false)
    produce_block (self, at, is_discont);
  self->next_index = index + 1;
}
