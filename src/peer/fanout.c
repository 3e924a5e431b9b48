/* One lane per network thread: a ring from the producer, and the subscribers that live on that thread. A packet
 * crosses a thread once per lane, not once per subscriber. */

#include "keyframe-cache.h"
#include "keyframe-start.h"
#include "mixroom/peer.h"

#include <stdatomic.h>

/* A frame is pushed all at once. 720p at 1.5 Mbit/s is about 170 packets a second and a key frame about 60, but one that is
 * passed through may have 1 MB, some 900 packets, and with one of them missing nobody would see any more. */
#define PICTURE_RING_PACKETS 1024
#define SOUND_RING_PACKETS 256
/* Sent by one dispatch of the loop: one or two milliseconds, which receiving can wait without harm. */
#define SLICE_PACKETS 512

typedef struct {
  MxrFanoutFunc func;
  gpointer user_data;
} Subscriber;

typedef struct {
  MxrNetThread *thread;
  MxrRing *ring; /* of MxrRtpPacket: producer to net thread */
  guint ring_packets;
  GSource *source;
  atomic_uint n_subscribers; /* read by the producer */
  atomic_bool signalled;
  atomic_uint_fast64_t n_dropped;
  /* Net thread only. */
  GArray *subscribers;                         /* Subscriber, in order of coming */
  MxrRtpPacket *packets[MXR_FANOUT_BATCH_MAX]; /* owned: being delivered */
  guint n_packets;
  guint n_served; /* subscribers that have got them */
  GQueue ahead;   /* of MxrRtpPacket, before the ring: taken from it for a subscriber who has left */
} Lane;

typedef struct {
  GSource source;
  Lane *lane;
} LaneSource;

struct _MxrFanout {
  gatomicrefcount refs;
  guint n_lanes;
  Lane *lanes;
  char *codec;
  MxrKeyframeCache recent;
  atomic_uint frames_per_packet;
  /* Producer only. */
  MxrOpusAggregator aggregator;
  gint64 sample_us; /* when it was pushed */
  bool has_keyframe;
  guint32 keyframe_timestamp;
  atomic_uint_fast64_t n_packets;
  atomic_uint_fast64_t n_bytes;
  atomic_int_fast64_t keyframe_us; /* when the newest one began */
};

static MxrRtpPacket *
pop (Lane *lane)
{
  MxrRtpPacket *packet = g_queue_pop_head (&lane->ahead);
  return packet != NULL ? packet : mxr_ring_pop (lane->ring);
}

static void
pop_batch (Lane *lane)
{
  MxrRtpPacket *packet;
  while (lane->n_packets < MXR_FANOUT_BATCH_MAX && (packet = pop (lane)) != NULL)
    lane->packets[lane->n_packets++] = packet;
}

static void
end_batch (Lane *lane)
{
  for (guint i = 0; i < lane->n_packets; i++)
    mxr_rtp_packet_unref (lane->packets[i]);
  lane->n_packets = 0;
  lane->n_served = 0;
}

/* What came between the last packet's pop and the last subscriber's end is not for the next one, who may come minutes
 * later. Thread: the lane's, which is the ring's consumer. */
static void
drain (Lane *lane)
{
  MxrRtpPacket *packet;
  end_batch (lane);
  while ((packet = pop (lane)) != NULL)
    mxr_rtp_packet_unref (packet);
}

/* Serves subscribers for as long as @budget lasts, each with the whole batch; more may be gone after a call. */
static void
serve (Lane *lane, guint *budget)
{
  while (lane->n_served < lane->subscribers->len && *budget > 0) {
    const Subscriber subscriber = g_array_index (lane->subscribers, Subscriber, lane->n_served);
    lane->n_served++;
    *budget -= MIN (*budget, lane->n_packets);
    subscriber.func (lane->packets, lane->n_packets, lane->n_served == lane->subscribers->len, subscriber.user_data);
  }
}

/* A key frame for many viewers takes longer than others should wait who share the thread: it goes out in slices, and
 * between two of them the loop looks at all else. */
static gboolean
on_lane_ready (GSource *source, GSourceFunc callback, gpointer user_data)
{
  Lane *lane = ((LaneSource *) source)->lane;
  guint budget = SLICE_PACKETS;

  /* First the flag, then the ring: what is pushed after the last pop signals again. */
  g_source_set_ready_time (source, -1);
  atomic_store (&lane->signalled, false);
  for (;;) {
    if (lane->n_packets == 0)
      pop_batch (lane);
    if (lane->n_packets == 0)
      return G_SOURCE_CONTINUE;
    serve (lane, &budget);
    if (lane->n_served < lane->subscribers->len)
      break;
    end_batch (lane);
  }
  atomic_store (&lane->signalled, true);
  g_source_set_ready_time (source, 0);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs lane_source_funcs = { .dispatch = on_lane_ready };

static void
lane_init (Lane *lane, MxrNetThread *thread, guint ring_packets)
{
  lane->thread = thread;
  lane->ring_packets = ring_packets;
  lane->ring = mxr_ring_new (ring_packets, (GDestroyNotify) mxr_rtp_packet_unref);
  lane->subscribers = g_array_new (FALSE, FALSE, sizeof (Subscriber));
  lane->source = g_source_new (&lane_source_funcs, sizeof (LaneSource));
  ((LaneSource *) lane->source)->lane = lane;
  g_source_set_name (lane->source, "fanout");
  g_source_attach (lane->source, mxr_net_thread_get_context (thread));
}

/* In the lane's own thread: elsewhere the dispatch could still be running, or the thread's context be just ending. */
static void
lane_close (Lane *lane)
{
  g_source_destroy (lane->source);
  g_clear_pointer (&lane->source, g_source_unref);
}

static void
lane_clear (Lane *lane)
{
  if (lane->source != NULL) /* its thread has ended before it could be closed there */
    lane_close (lane);
  drain (lane);
  g_array_unref (lane->subscribers);
  mxr_ring_free (lane->ring);
}

MxrFanout *
mxr_fanout_new (MxrNet *net, const char *codec)
{
  MxrFanout *fanout = g_new0 (MxrFanout, 1);
  const guint ring_packets = g_str_equal (codec, "OPUS") ? SOUND_RING_PACKETS : PICTURE_RING_PACKETS;

  g_atomic_ref_count_init (&fanout->refs);
  fanout->codec = g_strdup (codec);
  mxr_keyframe_cache_init (&fanout->recent);
  fanout->n_lanes = mxr_net_get_n_threads (net);
  atomic_init (&fanout->frames_per_packet, 1);
  fanout->lanes = g_new0 (Lane, fanout->n_lanes);
  for (guint i = 0; i < fanout->n_lanes; i++)
    lane_init (&fanout->lanes[i], mxr_net_get_thread (net, i), ring_packets);
  return fanout;
}

MxrFanout *
mxr_fanout_ref (MxrFanout *fanout)
{
  g_atomic_ref_count_inc (&fanout->refs);
  return fanout;
}

void
mxr_fanout_unref (MxrFanout *fanout)
{
  if (!g_atomic_ref_count_dec (&fanout->refs))
    return;
  for (guint i = 0; i < fanout->n_lanes; i++)
    lane_clear (&fanout->lanes[i]);
  g_free (fanout->lanes);
  mxr_keyframe_cache_clear (&fanout->recent);
  mxr_opus_aggregator_clear (&fanout->aggregator);
  g_free (fanout->codec);
  g_free (fanout);
}

typedef struct {
  MxrFanout *fanout;
  Lane *lane;
} LaneCall;

static void
lane_call_free (gpointer data)
{
  LaneCall *call = data;
  mxr_fanout_unref (call->fanout);
  g_free (call);
}

static void
close_lane (gpointer data)
{
  lane_close (((LaneCall *) data)->lane);
}

void
mxr_fanout_close (MxrFanout *fanout)
{
  for (guint i = 0; i < fanout->n_lanes; i++) {
    LaneCall *call = g_new (LaneCall, 1);
    call->fanout = mxr_fanout_ref (fanout);
    call->lane = &fanout->lanes[i];
    mxr_mailbox_post (mxr_net_thread_get_mailbox (call->lane->thread), close_lane, call, lane_call_free);
  }
}

void
mxr_fanout_set_frames_per_packet (MxrFanout *fanout, guint n_frames)
{
  g_return_if_fail (n_frames > 0 && n_frames <= MXR_OPUS_AGGREGATE_MAX);
  atomic_store (&fanout->frames_per_packet, n_frames);
}

static MxrRtpPacket *
aggregate (MxrFanout *fanout, MxrRtpPacket *packet)
{
  const guint n_frames = atomic_load_explicit (&fanout->frames_per_packet, memory_order_relaxed);

  if (n_frames > 1)
    return mxr_opus_aggregate (&fanout->aggregator, n_frames, packet);
  mxr_opus_aggregator_clear (&fanout->aggregator);
  return NULL;
}

/* Kept first: who subscribes and then looks at what is kept gets each packet there, or from the ring, or both. */
static void
push (MxrFanout *fanout, MxrRtpPacket *packet, gsize n_bytes, gint64 now_us)
{
  packet->pushed_us = now_us;
  packet->number = 1 + atomic_fetch_add_explicit (&fanout->n_packets, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&fanout->n_bytes, n_bytes, memory_order_relaxed);
  if (packet->is_keyframe_start)
    atomic_store_explicit (&fanout->keyframe_us, now_us, memory_order_relaxed);
  packet->aggregate = aggregate (fanout, packet);
  mxr_keyframe_cache_add (&fanout->recent, packet);
  for (guint i = 0; i < fanout->n_lanes; i++) {
    Lane *lane = &fanout->lanes[i];
    if (atomic_load_explicit (&lane->n_subscribers, memory_order_relaxed) == 0)
      continue;
    if (mxr_ring_push (lane->ring, mxr_rtp_packet_ref (packet)))
      continue;
    mxr_rtp_packet_unref (packet);
    atomic_fetch_add_explicit (&lane->n_dropped, 1, memory_order_relaxed);
  }
}

void
mxr_fanout_push (MxrFanout *fanout, MxrRtpPacket *packet, gsize n_bytes)
{
  push (fanout, packet, n_bytes, g_get_monotonic_time ());
}

void
mxr_fanout_flush (MxrFanout *fanout)
{
  for (guint i = 0; i < fanout->n_lanes; i++) {
    Lane *lane = &fanout->lanes[i];
    if (atomic_load_explicit (&lane->n_subscribers, memory_order_relaxed) > 0 &&
        !atomic_exchange (&lane->signalled, true))
      g_source_set_ready_time (lane->source, 0);
  }
}

/* A frame starts once, though it may have parameter sets twice: the encoder's own, and the payloader's before them. Told
 * by the timestamp, because rtph264pay gives such parameter sets a marker of their own. */
static bool
starts_keyframe (MxrFanout *fanout, const MxrRtpView *view)
{
  bool is_begun = fanout->has_keyframe && view->timestamp == fanout->keyframe_timestamp;

  if (is_begun || !mxr_is_keyframe_start (fanout->codec, view->payload, view->payload_bytes))
    return false;
  fanout->has_keyframe = true;
  fanout->keyframe_timestamp = view->timestamp;
  return true;
}

static gboolean
push_buffer (GstBuffer **buffer, guint index, gpointer user_data)
{
  MxrFanout *fanout = user_data;
  GstMapInfo map;
  MxrRtpView view;

  if (!gst_buffer_map (*buffer, &map, GST_MAP_READ))
    return TRUE;
  if (mxr_rtp_view_parse (&view, map.data, map.size)) {
    g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (map.data, map.size, starts_keyframe (fanout, &view));
    if (packet != NULL)
      push (fanout, packet, map.size, fanout->sample_us);
  }
  gst_buffer_unmap (*buffer, &map);
  return TRUE;
}

void
mxr_fanout_push_sample (MxrFanout *fanout, GstSample *sample)
{
  GstBufferList *list = gst_sample_get_buffer_list (sample);
  GstBuffer *buffer = gst_sample_get_buffer (sample);

  fanout->sample_us = g_get_monotonic_time ();
  if (list != NULL)
    gst_buffer_list_foreach (list, push_buffer, fanout);
  else if (buffer != NULL)
    push_buffer (&buffer, 0, fanout);
  mxr_fanout_flush (fanout);
}

static Lane *
find_lane (MxrFanout *fanout)
{
  for (guint i = 0; i < fanout->n_lanes; i++)
    if (mxr_net_thread_is_current (fanout->lanes[i].thread))
      return &fanout->lanes[i];
  g_assert_not_reached ();
}

void
mxr_fanout_subscribe (MxrFanout *fanout, MxrFanoutFunc func, gpointer user_data)
{
  Lane *lane = find_lane (fanout);
  const Subscriber subscriber = { func, user_data };

  if (lane->subscribers->len == 0)
    drain (lane);
  g_array_append_val (lane->subscribers, subscriber);
  atomic_store (&lane->n_subscribers, lane->subscribers->len);
}

void
mxr_fanout_unsubscribe (MxrFanout *fanout, gpointer user_data)
{
  Lane *lane = find_lane (fanout);

  /* The others keep their order, and so their place in a delivery that is under way. */
  for (guint i = lane->subscribers->len; i > 0; i--)
    if (g_array_index (lane->subscribers, Subscriber, i - 1).user_data == user_data) {
      g_array_remove_index (lane->subscribers, i - 1);
      lane->n_served -= i <= lane->n_served;
    }
  atomic_store (&lane->n_subscribers, lane->subscribers->len);
}

static const Subscriber *
find_subscriber (const Lane *lane, gpointer user_data, guint *out_index)
{
  for (guint i = 0; i < lane->subscribers->len; i++)
    if (g_array_index (lane->subscribers, Subscriber, i).user_data == user_data) {
      *out_index = i;
      return &g_array_index (lane->subscribers, Subscriber, i);
    }
  return NULL;
}

/* The others get them when it is their turn. Bounded, should they never have one. */
static void
look_ahead (Lane *lane)
{
  MxrRtpPacket *packet;
  while (lane->ahead.length < lane->ring_packets && (packet = mxr_ring_pop (lane->ring)) != NULL)
    g_queue_push_tail (&lane->ahead, packet);
}

void
mxr_fanout_finish (MxrFanout *fanout, gpointer user_data)
{
  Lane *lane = find_lane (fanout);
  guint index;
  const Subscriber *subscriber = find_subscriber (lane, user_data, &index);

  if (subscriber != NULL && lane->n_packets > 0 && index >= lane->n_served)
    subscriber->func (lane->packets, lane->n_packets, false, user_data);
  look_ahead (lane);
  for (GList *at = lane->ahead.head; at != NULL; at = at->next) {
    MxrRtpPacket *packet = at->data;
    subscriber = find_subscriber (lane, user_data, &index); /* it may have gone meanwhile */
    if (subscriber != NULL)
      subscriber->func (&packet, 1, false, user_data);
  }
  mxr_fanout_unsubscribe (fanout, user_data);
}

GPtrArray *
mxr_fanout_get_recent (MxrFanout *fanout)
{
  return mxr_keyframe_cache_get (&fanout->recent);
}

void
mxr_fanout_get_stats (MxrFanout *fanout, MxrFanoutStats *out_stats)
{
  MxrFanoutStats stats = { .packets = atomic_load (&fanout->n_packets),
                           .bytes = atomic_load (&fanout->n_bytes),
                           .frames_per_packet = atomic_load (&fanout->frames_per_packet),
                           .keyframe_us = atomic_load (&fanout->keyframe_us) };

  for (guint i = 0; i < fanout->n_lanes; i++) {
    stats.dropped += atomic_load (&fanout->lanes[i].n_dropped);
    stats.subscribers += atomic_load (&fanout->lanes[i].n_subscribers);
  }
  *out_stats = stats;
}
