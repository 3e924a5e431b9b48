/* The network thread pushes straight into the jitter buffer's sink pad: that pad only queues, so the push is short,
 * and no thread and no second queue is needed in between (an appsrc would bring both). */

#include "mixroom/peer.h"
#include "mixroom/pipeline.h"

#include <stdatomic.h>

/* So long a missing packet of a picture is waited for: it was asked for again, and comes a round trip later. What is in
 * order does not wait: the buffer passes it on at once, and the mixer shows it then. At 100 ms of round trip and 3 % of
 * loss, 25 s long, a key frame was needed 39 times with the 40 ms of sound, and 4 to 8 times with these. */
#define REPAIR_MS 250
/* In order from the first packet on: the beginning does not wait either. */
#define START_PACKETS 2

/* Who is told of events from downstream. It lives with the feed pad: a media thread that is just bringing an event holds
 * the pad, but not the uplink. */
typedef struct {
  atomic_bool closed;
  MxrUplinkFunc on_keyframe_needed;
  gpointer user_data;
  GDestroyNotify destroy;
} Listener;

struct _MxrUplink {
  gatomicrefcount refs;
  MxrRtpKind kind;
  GstElement *bin; /* owned by the room's pipeline once added; our reference keeps it for close */
  GstPad *feed;    /* source pad without a parent, linked to the bin's sink */
  GstCaps *caps;
  gint64 timeline_us;
  const char *orientation; /* net thread: last one pushed */
  bool started;            /* net thread: the sticky events are out */
  Listener *listener; /* the feed's */
};

static void
listener_free (gpointer data)
{
  Listener *listener = data;
  if (listener->destroy != NULL)
    listener->destroy (listener->user_data);
  g_free (listener);
}

static gboolean
on_feed_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  const Listener *listener = pad->eventdata;

  if (gst_event_has_name (event, "GstForceKeyUnit") && !atomic_load (&listener->closed))
    listener->on_keyframe_needed (listener->user_data);
  gst_event_unref (event); /* what else comes upstream (QoS, latency, reconfigure) has nobody to go to */
  return TRUE;
}

/* Live, and with no delay of its own: the jitter buffer adds its own to the answer. */
static gboolean
on_feed_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static GstElement *
new_jitterbuffer (const MxrUplinkParams *params, GError **error)
{
  const guint jitter_ms = params->config->media.jitter_ms;
  const bool waits = params->kind == MXR_RTP_VIDEO && params->is_repaired;
  GstElement *element = gst_element_factory_make ("rtpjitterbuffer", "jitter");
  if (element == NULL) {
    g_set_error_literal (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                         "GStreamer has no rtpjitterbuffer; install gstreamer1.0-plugins-good");
    return NULL;
  }
  g_object_set (element, "latency", waits ? MAX (jitter_ms, REPAIR_MS) : jitter_ms, "faststart-min-packets",
                waits ? START_PACKETS : 0, "do-lost", TRUE, "do-retransmission", FALSE, NULL);
  return element;
}

static void
add_ghost_pad (GstElement *bin, GstElement *element, const char *name)
{
  g_autoptr (GstPad) target = gst_element_get_static_pad (element, name);
  GstPad *ghost = gst_ghost_pad_new (name, target);
  gst_pad_set_active (ghost, TRUE);
  gst_element_add_pad (bin, ghost);
}

static GstElement *
new_bin (const MxrUplinkParams *params, GError **error)
{
  GstElement *decoder = mxr_fragment_new_bin (params->decoder, "decoder", error);
  if (decoder == NULL)
    return NULL;
  GstElement *jitter = new_jitterbuffer (params, error);
  if (jitter == NULL) {
    gst_object_unref (gst_object_ref_sink (decoder));
    return NULL;
  }
  g_autoptr (GstElement) bin = gst_object_ref_sink (gst_bin_new (params->name));
  gst_bin_add_many (GST_BIN (bin), jitter, decoder, NULL);
  if (!gst_element_link (jitter, decoder)) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, "the jitter buffer does not link to the %s decoder",
                 params->codec);
    return NULL;
  }
  add_ghost_pad (bin, jitter, "sink");
  add_ghost_pad (bin, decoder, "src");
  return g_steal_pointer (&bin);
}

static GstPad *
new_feed (MxrUplink *uplink)
{
  g_autofree char *name = g_strdup_printf ("feed-%s", GST_OBJECT_NAME (uplink->bin));
  GstPad *feed = gst_object_ref_sink (gst_pad_new (name, GST_PAD_SRC));

  gst_pad_set_event_function_full (feed, on_feed_event, uplink->listener, listener_free);
  gst_pad_set_query_function (feed, on_feed_query);
  gst_pad_set_active (feed, TRUE);
  return feed;
}

MxrUplink *
mxr_uplink_new (const MxrUplinkParams *params, MxrUplinkFunc on_keyframe_needed, gpointer user_data,
                GDestroyNotify destroy, GError **error)
{
  GstElement *bin = new_bin (params, error);
  if (bin == NULL) {
    if (destroy != NULL)
      destroy (user_data);
    return NULL;
  }
  MxrUplink *uplink = g_new0 (MxrUplink, 1);
  g_atomic_ref_count_init (&uplink->refs);
  uplink->kind = params->kind;
  uplink->timeline_us = params->timeline_us;
  uplink->listener = g_new0 (Listener, 1);
  uplink->listener->on_keyframe_needed = on_keyframe_needed;
  uplink->listener->user_data = user_data;
  uplink->listener->destroy = destroy;
  uplink->caps = gst_caps_new_simple (
    "application/x-rtp", "media", G_TYPE_STRING, params->kind == MXR_RTP_AUDIO ? "audio" : "video", "clock-rate",
    G_TYPE_INT, params->clock_rate, "encoding-name", G_TYPE_STRING, params->codec, "payload", G_TYPE_INT,
    params->payload_type, NULL);
  uplink->bin = bin;
  uplink->feed = new_feed (uplink);
  return uplink;
}

MxrUplink *
mxr_uplink_ref (MxrUplink *uplink)
{
  g_atomic_ref_count_inc (&uplink->refs);
  return uplink;
}

void
mxr_uplink_unref (MxrUplink *uplink)
{
  if (!g_atomic_ref_count_dec (&uplink->refs))
    return;
  gst_pad_set_active (uplink->feed, FALSE);
  gst_object_unref (uplink->feed);
  gst_object_unref (uplink->bin);
  gst_caps_unref (uplink->caps);
  g_free (uplink);
}

void
mxr_uplink_close (MxrUplink *uplink)
{
  atomic_store (&uplink->listener->closed, true);
  gst_pad_set_active (uplink->feed, FALSE);
}

void
mxr_uplink_open (MxrUplink *uplink)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (uplink->bin, "sink");
  gst_pad_link_full (uplink->feed, sink, GST_PAD_LINK_CHECK_NOTHING);
}

GstElement *
mxr_uplink_get_bin (MxrUplink *uplink)
{
  return uplink->bin;
}

static void
push_start (MxrUplink *uplink)
{
  g_autofree char *id = g_strdup_printf ("mixroom/%s", GST_OBJECT_NAME (uplink->bin));
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (uplink->feed, gst_event_new_stream_start (id));
  gst_pad_push_event (uplink->feed, gst_event_new_caps (uplink->caps));
  gst_pad_push_event (uplink->feed, gst_event_new_segment (&segment));
  uplink->started = true;
}

/* The orientation travels as a tag between the packets, so that it meets the very frames it belongs to. */
static void
push_orientation (MxrUplink *uplink, const char *orientation)
{
  GstTagList *tags = gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, orientation, NULL);

  gst_pad_push_event (uplink->feed, gst_event_new_tag (tags));
  uplink->orientation = orientation;
}

bool
mxr_uplink_push (MxrUplink *uplink, const guint8 *rtp, gsize n_bytes, const char *orientation, gint64 now_us)
{
  if (atomic_load_explicit (&uplink->listener->closed, memory_order_relaxed))
    return false;
  if (!uplink->started)
    push_start (uplink);
  if (orientation != NULL && orientation != uplink->orientation)
    push_orientation (uplink, orientation);

  GstBuffer *buffer = gst_buffer_new_memdup (rtp, n_bytes);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = MAX (now_us - uplink->timeline_us, 0) * GST_USECOND;
  return gst_pad_push (uplink->feed, buffer) == GST_FLOW_OK;
}
