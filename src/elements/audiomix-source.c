#include "audiomix-private.h"

#define GST_CAT_DEFAULT mxr_audio_mix_debug

/* Blocks of digital silence that go to each pad before a rest: an encoder fades its memory out and says that there is
 * silence (mxropusenc: its one byte, after 10 packets of zeros). Half a second at 20 ms a block. */
#define SETTLED_BLOCKS 25

struct _MxrAudioMixSource {
  GstPad parent;
  gint64 sink_index;
  MxrMixLimiter limiter; /* the tick's */
  bool is_started;       /* stream-start, caps and segment are on the pad; the tick's */
  bool is_flowing;       /* the last block was pushed; the tick's */
  guint n_silent;        /* blocks of digital silence in a row; the tick's */
  gint is_resting;       /* atomic: downstream said no; set by the tick, cleared by any thread */
};

G_DEFINE_FINAL_TYPE (MxrAudioMixSource, mxr_audio_mix_source, GST_TYPE_PAD)

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MxrAudioMixSource *self = MXR_AUDIO_MIX_SOURCE (pad);
  GstEventType type = GST_EVENT_TYPE (event);

  /* Linking sends one too. */
  if (type == GST_EVENT_RECONFIGURE) {
    g_atomic_int_set (&self->is_resting, FALSE);
    mxr_audio_mix_wake (pad);
  }
  gst_event_unref (event);
  return type != GST_EVENT_SEEK;
}

/* Both pads know each other by now. */
static GstPadLinkReturn
on_link (GstPad *pad, GstObject *parent, GstPad *peer)
{
  mxr_audio_mix_wake (pad);
  return GST_PAD_LINK_OK;
}

/* A block leaves at the tick that is its time stamp, and inputs are stamped anew, so what upstream needs is
 * no part of our latency: it passed before the samples lay in the ring. One block is for a tick that comes
 * late; the next one makes up for it. There is no upper bound: time stamps are fresh however long somebody
 * behind us waits. */
static void
answer_latency (MxrAudioMixSource *self, GstQuery *query)
{
  g_autoptr (GstElement) mix = gst_pad_get_parent_element (GST_PAD (self));
  guint block_ms = 0;

  if (mix != NULL)
    g_object_get (mix, "block-duration", &block_ms, NULL);
  gst_query_set_latency (query, TRUE, block_ms * GST_MSECOND, GST_CLOCK_TIME_NONE);
}

static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_LATENCY:
    answer_latency (MXR_AUDIO_MIX_SOURCE (pad), query);
    return TRUE;
  case GST_QUERY_CAPS:
  case GST_QUERY_ACCEPT_CAPS:
    return gst_pad_query_default (pad, parent, query);
  default:
    return FALSE; /* the default would ask the peers of the sink pads */
  }
}

gint64
mxr_audio_mix_source_sink_index (MxrAudioMixSource *self)
{
  return self->sink_index;
}

void
mxr_audio_mix_source_restart (MxrAudioMixSource *self)
{
  self->is_started = false;
  self->is_flowing = false;
  self->n_silent = 0;
  self->limiter = (MxrMixLimiter)MXR_MIX_LIMITER_INIT;
  g_atomic_int_set (&self->is_resting, FALSE);
}

bool
mxr_audio_mix_source_wants_block (MxrAudioMixSource *self, const MxrMixLimiter *limiter)
{
  bool wants = gst_pad_is_linked (GST_PAD (self)) && gst_pad_is_active (GST_PAD (self)) &&
               !g_atomic_int_get (&self->is_resting);

  if (!wants)
    self->is_flowing = false;
  if (!self->is_flowing) {
    self->limiter = *limiter;
    self->n_silent = 0;
  }
  return wants;
}

bool
mxr_audio_mix_source_has_settled (MxrAudioMixSource *self)
{
  return self->n_silent >= SETTLED_BLOCKS && self->limiter.gain == 1;
}

MxrMixLimiter *
mxr_audio_mix_source_limiter (MxrAudioMixSource *self)
{
  return &self->limiter;
}

static void
send_start (MxrAudioMixSource *self, GstCaps *caps, guint group_id)
{
  GstPad *pad = GST_PAD (self);
  g_autofree char *stream_id =
      g_strdup_printf ("%08x%08x/%s", g_random_int (), g_random_int (), GST_PAD_NAME (pad));
  GstSegment segment;

  GstEvent *stream_start = gst_event_new_stream_start (stream_id);
  gst_event_set_group_id (stream_start, group_id);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, stream_start);
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  self->is_started = true;
}

void
mxr_audio_mix_source_push (MxrAudioMixSource *self, GstCaps *caps, guint group_id, GstBuffer *buffer)
{
  if (!self->is_started)
    send_start (self, caps, group_id);
  if (!self->is_flowing && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT)) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  }

  self->n_silent = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) ? self->n_silent + 1 : 0;
  GstFlowReturn flow = gst_pad_push (GST_PAD (self), buffer);
  self->is_flowing = flow == GST_FLOW_OK;
  if (flow != GST_FLOW_EOS && flow > GST_FLOW_NOT_NEGOTIATED)
    return;
  GST_INFO_OBJECT (self, "%s from downstream: rests until it is linked anew", gst_flow_get_name (flow));
  g_atomic_int_set (&self->is_resting, TRUE);
  if (flow == GST_FLOW_EOS) {
    /* Who drives a stream says so when it ends; the next one begins from the start. */
    gst_pad_push_event (GST_PAD (self), gst_event_new_eos ());
    self->is_started = false;
  }
}

static void
mxr_audio_mix_source_class_init (MxrAudioMixSourceClass *klass)
{
}

static void
mxr_audio_mix_source_init (MxrAudioMixSource *self)
{
  self->limiter = (MxrMixLimiter)MXR_MIX_LIMITER_INIT;
}

MxrAudioMixSource *
mxr_audio_mix_source_new (GstPadTemplate *templ, const char *name, gint64 sink_index)
{
  MxrAudioMixSource *self = g_object_new (MXR_TYPE_AUDIO_MIX_SOURCE, "name", name, "direction", GST_PAD_SRC,
                                          "template", templ, NULL);

  self->sink_index = sink_index;
  gst_pad_set_link_function (GST_PAD (self), on_link);
  gst_pad_set_event_function (GST_PAD (self), on_event);
  gst_pad_set_query_function (GST_PAD (self), on_query);
  gst_pad_use_fixed_caps (GST_PAD (self));
  return self;
}
