/* Life of an uplink, and what its two kinds have in common: the bin, the pad that feeds it, the reorder buffer. Chains are
 * synchronous: whoever pushes into the feed decodes (no queue, no appsrc, no thread of GStreamer's in between). */

#include "uplink-private.h"

/* So long a missing packet of a picture is waited for: it was asked for again, and comes a round trip later. What is in
 * order does not wait: the buffer passes it on at once, and the mixer shows it then. At 100 ms of round trip and 3 % of
 * loss, 25 s long, a key frame was needed 39 times with the 40 ms of sound, and 4 to 8 times with these. */
#define REPAIR_MS 250
/* What may wait: patience's worth of 2.5 ms packets of sound; of a picture of 15 Mbit/s. */
#define SOUND_SLOTS 32
#define PICTURE_SLOTS 512
#define SOUND_MAX_BYTES (16 * 1024)
#define PICTURE_MAX_BYTES (768 * 1024)

/* ---- The feed -------------------------------------------------------------------------------------------- */

static void
listener_free (gpointer data)
{
  MxrUplinkListener *listener = data;
  if (listener->destroy != NULL)
    listener->destroy (listener->user_data);
  g_free (listener);
}

static gboolean
on_feed_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  const MxrUplinkListener *listener = pad->eventdata;

  if (gst_event_has_name (event, "GstForceKeyUnit") && !atomic_load (&listener->closed))
    listener->events.on_keyframe_needed (listener->user_data);
  gst_event_unref (event); /* what else comes upstream (QoS, latency, reconfigure) has nobody to go to */
  return TRUE;
}

/* Live, and with no delay of its own. */
static gboolean
on_feed_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
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

void
mxr_uplink_start (MxrUplink *uplink)
{
  GstSegment segment;

  if (uplink->is_started)
    return;
  g_autofree char *id = g_strdup_printf ("mixroom/%s", GST_OBJECT_NAME (uplink->bin));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (uplink->feed, gst_event_new_stream_start (id));
  gst_pad_push_event (uplink->feed, gst_event_new_caps (uplink->caps));
  gst_pad_push_event (uplink->feed, gst_event_new_segment (&segment));
  uplink->is_started = true;
}

/* ---- Packets --------------------------------------------------------------------------------------------- */

void
mxr_uplink_take_copy (MxrReorder *reorder, const MxrReorderPacket *packet, const guint8 *rtp)
{
  MxrReorderPacket copy = *packet;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, packet->n_bytes, NULL);

  gst_buffer_fill (buffer, 0, rtp, packet->n_bytes);
  copy.item = buffer;
  if (!mxr_reorder_push (reorder, &copy))
    gst_buffer_unref (buffer);
}

void
mxr_uplink_number (MxrUplink *uplink, GstBuffer *buffer)
{
  const guint8 bytes[] = { (guint8) (uplink->next_seq >> 8), (guint8) uplink->next_seq };
  gst_buffer_fill (buffer, 2, bytes, sizeof bytes); /* RFC 3550 5.1 */
  uplink->next_seq++;
}

GstClockTime
mxr_uplink_get_time_ns (const MxrUplink *uplink, gint64 now_us)
{
  return (GstClockTime) MAX (now_us - uplink->timeline_us, 0) * GST_USECOND;
}

bool
mxr_uplink_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us)
{
  if (mxr_uplink_is_closed (uplink))
    return false;
  if (uplink->kind == MXR_RTP_AUDIO)
    mxr_uplink_sound_push (uplink, packet, now_us);
  else
    mxr_uplink_picture_push (uplink, packet, now_us);
  return true;
}

gint64
mxr_uplink_poll (MxrUplink *uplink, gint64 now_us)
{
  if (mxr_uplink_is_closed (uplink))
    return G_MAXINT64;
  if (uplink->kind == MXR_RTP_AUDIO)
    mxr_uplink_sound_poll (uplink, now_us);
  else
    mxr_uplink_picture_poll (uplink, now_us);
  mxr_uplink_tap_poll (uplink, now_us);
  return mxr_uplink_get_due_us (uplink);
}

gint64
mxr_uplink_get_due_us (const MxrUplink *uplink)
{
  if (mxr_uplink_is_closed (uplink))
    return G_MAXINT64;
  return MIN (mxr_reorder_due_us (uplink->reorder), mxr_uplink_tap_get_due_us (uplink));
}

void
mxr_uplink_get_stats (MxrUplink *uplink, MxrUplinkStats *out_stats)
{
  *out_stats = uplink->stats;
  out_stats->codec = uplink->codec;
  mxr_reorder_get_stats (uplink->reorder, &out_stats->reorder);
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

static MxrReorder *
new_reorder (const MxrUplinkParams *params)
{
  const bool is_sound = params->kind == MXR_RTP_AUDIO;
  const guint jitter_ms = params->config->media.jitter_ms;
  const guint patience_ms = !is_sound && params->is_repaired ? MAX (jitter_ms, REPAIR_MS) : jitter_ms;
  const MxrReorderConfig config = {
    .n_slots = is_sound ? SOUND_SLOTS : PICTURE_SLOTS,
    .max_bytes = is_sound ? SOUND_MAX_BYTES : PICTURE_MAX_BYTES,
    .patience_us = (gint64) patience_ms * 1000,
    .follows_jitter = is_sound,
    .clock_rate = (guint) params->clock_rate,
  };
  return mxr_reorder_new (&config, (GDestroyNotify) gst_buffer_unref);
}

static MxrUplinkListener *
new_listener (const MxrUplinkEvents *events, gpointer user_data, GDestroyNotify destroy)
{
  MxrUplinkListener *listener = g_new0 (MxrUplinkListener, 1);

  listener->events = *events;
  listener->user_data = user_data;
  listener->destroy = destroy;
  return listener;
}

/* To the decoder sprop-stereo (RFC 7587 6.1) says what to make, whatever is sent: a room that mixes one channel spares itself
 * the second. */
static GstCaps *
new_caps (const MxrUplinkParams *params)
{
  const bool is_sound = params->kind == MXR_RTP_AUDIO;
  GstCaps *caps = gst_caps_new_simple ("application/x-rtp", "media", G_TYPE_STRING, is_sound ? "audio" : "video",
                                       "clock-rate", G_TYPE_INT, params->clock_rate, "encoding-name", G_TYPE_STRING,
                                       params->codec, "payload", G_TYPE_INT, params->payload_type, NULL);
  if (is_sound)
    gst_caps_set_simple (caps, "sprop-stereo", G_TYPE_STRING, params->config->media.audio_channels > 1 ? "1" : "0", NULL);
  return caps;
}

MxrUplink *
mxr_uplink_new (const MxrUplinkParams *params, const MxrUplinkEvents *events, gpointer user_data, GDestroyNotify destroy,
                GError **error)
{
  GstElement *bin = mxr_fragment_new_bin (params->decoder, params->name, error);
  if (bin == NULL) {
    if (destroy != NULL)
      destroy (user_data);
    return NULL;
  }
  MxrUplink *uplink = g_new0 (MxrUplink, 1);
  g_atomic_ref_count_init (&uplink->refs);
  uplink->kind = params->kind;
  uplink->codec = g_intern_string (params->codec);
  uplink->payload_type = params->payload_type;
  uplink->clock_rate = params->clock_rate;
  uplink->timeline_us = params->timeline_us;
  uplink->delays = mxr_peer_delays_ref (params->delays);
  uplink->is_wanted = params->is_wanted;
  uplink->caps = new_caps (params);
  uplink->bin = gst_object_ref_sink (bin);
  uplink->listener = new_listener (events, user_data, destroy);
  uplink->feed = new_feed (uplink);
  uplink->reorder = new_reorder (params);
  if (params->kind == MXR_RTP_VIDEO)
    mxr_uplink_picture_init (uplink, params->pool);
  else
    mxr_uplink_sound_init (uplink);
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
  if (uplink->kind == MXR_RTP_VIDEO)
    mxr_uplink_picture_clear (uplink);
  mxr_uplink_clear_tap (uplink);
  gst_pad_set_active (uplink->feed, FALSE);
  gst_object_unref (uplink->feed);
  gst_object_unref (uplink->bin);
  gst_caps_unref (uplink->caps);
  mxr_reorder_free (uplink->reorder);
  mxr_peer_delays_unref (uplink->delays);
  g_free (uplink);
}

void
mxr_uplink_close (MxrUplink *uplink)
{
  atomic_store (&uplink->listener->closed, true);
  gst_pad_set_active (uplink->feed, FALSE);
  if (uplink->kind == MXR_RTP_VIDEO)
    mxr_decode_lane_clear (uplink->picture.lane);
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

void
mxr_uplink_set_wanted (MxrUplink *uplink, bool wanted)
{
  atomic_store (&uplink->is_wanted, wanted);
}
