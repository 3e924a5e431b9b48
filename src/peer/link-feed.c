#include "link-feed.h"

#include "keyframe-cache.h"

/* A block that reached the former fan-out but came too early for the new subscription is behind us after that: sounds are
 * packets of 20 ms, and a mixer may be late by a few. */
#define BLOCK_US (25 * G_TIME_SPAN_MILLISECOND)
/* A former one that has brought nothing for so long brings nothing now: silence (DTX), or its end. */
#define QUIET_US (50 * G_TIME_SPAN_MILLISECOND)
/* An encoder that has not begun by then, while the former one speaks, has failed; the room waits for the change. */
#define CHANGE_MAX_US (60 * G_TIME_SPAN_MILLISECOND)

static MxrLinkSource *
get_current (MxrLinkFeed *feed)
{
  return &feed->sources[feed->current];
}

static MxrLinkSource *
get_former (MxrLinkFeed *feed)
{
  return &feed->sources[!feed->current];
}

static bool
is_changing (const MxrLinkFeed *feed)
{
  return feed->sources[!feed->current].fanout != NULL;
}

/* ---- One fan-out ------------------------------------------------------------------------------------------- */

static void on_fanout_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data);

static void
listen_to (MxrLinkSource *source)
{
  if (source->fanout == NULL || source->is_subscribed || !source->feed->is_listening)
    return;
  source->is_subscribed = true;
  mxr_fanout_subscribe (source->fanout, on_fanout_packets, source);
}

static void
stop_listening_to (MxrLinkSource *source)
{
  if (source->is_subscribed)
    mxr_fanout_unsubscribe (source->fanout, source);
  source->is_subscribed = false;
  if (source == get_current (source->feed))
    g_clear_pointer (&source->feed->held, g_ptr_array_unref);
}

static void
enter (MxrLinkSource *source, MxrFanout *fanout)
{
  source->fanout = fanout != NULL ? mxr_fanout_ref (fanout) : NULL;
  source->last_us = 0;
  source->run = ++source->feed->n_runs;
  listen_to (source);
}

static void
leave (MxrLinkSource *source)
{
  stop_listening_to (source);
  g_clear_pointer (&source->fanout, mxr_fanout_unref);
}

/* ---- Sounds ------------------------------------------------------------------------------------------------ */

/* What waits of the former is of blocks before the new one's, or the same. It may bring the end of the connection. */
static void
end_sound_change (MxrLinkFeed *feed)
{
  MxrLinkSource *former = get_former (feed);
  g_autoptr (MxrFanout) fanout = mxr_fanout_ref (former->fanout);

  mxr_fanout_finish (fanout, former);
  if (!is_changing (feed))
    return;
  former->is_subscribed = false;
  leave (former);
  feed->events->on_changed (feed->user_data);
}

static void
pass_sound (MxrLinkSource *source, MxrRtpPacket *const *packets, guint n_packets, bool is_last)
{
  MxrLinkFeed *feed = source->feed;

  if (source == get_current (feed) && is_changing (feed))
    end_sound_change (feed);
  if (source->is_subscribed)
    feed->events->on_packets (GSIZE_TO_POINTER (source->run), packets, n_packets, is_last, feed->user_data);
}

static gint64
get_sound_due_us (const MxrLinkFeed *feed)
{
  if (!is_changing (feed))
    return G_MAXINT64;
  const gint64 quiet_us = MAX (feed->changed_us + BLOCK_US, feed->sources[!feed->current].last_us + QUIET_US);
  return MIN (quiet_us, feed->changed_us + CHANGE_MAX_US);
}

/* ---- Pictures ---------------------------------------------------------------------------------------------- */

/* A former one that ended inside a frame is not waited for. */
static bool
is_between_frames (MxrLinkFeed *feed, gint64 now_us)
{
  return !is_changing (feed) || !feed->picture.in_frame || now_us > get_former (feed)->last_us + QUIET_US;
}

static void
pass_held (MxrLinkSource *source)
{
  MxrLinkFeed *feed = source->feed;
  g_autoptr (GPtrArray) held = g_steal_pointer (&feed->held);

  for (guint i = 0; i < held->len && source->is_subscribed; i += MXR_FANOUT_BATCH_MAX)
    feed->events->on_packets (GSIZE_TO_POINTER (source->run), (MxrRtpPacket *const *) held->pdata + i,
                              MIN (held->len - i, MXR_FANOUT_BATCH_MAX), false, feed->user_data);
}

/* Those that are on their way were kept, too. A picture whose clock is so far behind that they become too many begins with
 * another key frame. */
static void
hold (MxrLinkFeed *feed, MxrRtpPacket *const *packets, guint n_packets)
{
  for (guint i = 0; i < n_packets && feed->held != NULL; i++) {
    const MxrRtpPacket *newest = feed->held->pdata[feed->held->len - 1];
    if (packets[i]->number <= newest->number)
      continue;
    if (packets[i]->is_keyframe_start)
      g_ptr_array_set_size (feed->held, 0);
    if (feed->held->len < MXR_KEYFRAME_CACHE_LIMIT_PACKETS)
      g_ptr_array_add (feed->held, mxr_rtp_packet_ref (packets[i]));
    else
      g_clear_pointer (&feed->held, g_ptr_array_unref);
  }
}

static bool
is_of_use (MxrLinkFeed *feed, const GPtrArray *recent, gint64 now_us)
{
  return mxr_link_picture_fits (recent, feed->events->get_room (feed->user_data)) &&
         !mxr_link_picture_is_over (&feed->picture, recent, now_us);
}

/* Returns: whether there is a key frame to begin with; then the former has ended. */
static bool
take_over (MxrLinkFeed *feed, gint64 now_us)
{
  if (feed->held != NULL)
    return true;
  if (!is_between_frames (feed, now_us))
    return false;
  feed->held = mxr_fanout_get_recent (get_current (feed)->fanout);
  if (feed->held != NULL && !is_of_use (feed, feed->held, now_us))
    g_clear_pointer (&feed->held, g_ptr_array_unref);
  if (feed->held != NULL && is_changing (feed)) {
    leave (get_former (feed));
    feed->events->on_changed (feed->user_data);
  }
  return feed->held != NULL;
}

/* The end of the connection may come from within. */
static void
try_to_begin (MxrLinkFeed *feed, gint64 now_us)
{
  if (!feed->is_waiting || !get_current (feed)->is_subscribed || !take_over (feed, now_us) ||
      !mxr_link_picture_begin (&feed->picture, feed->held))
    return;
  feed->is_waiting = false;
  get_current (feed)->last_us = now_us;
  get_current (feed)->run = ++feed->n_runs;
  pass_held (get_current (feed));
}

static void
wait_for_keyframe (MxrLinkFeed *feed, gint64 now_us)
{
  feed->is_waiting = true;
  try_to_begin (feed, now_us);
  if (!feed->is_waiting || !get_current (feed)->is_subscribed)
    return;
  feed->asked_us = now_us;
  if (feed->held == NULL)
    feed->events->on_keyframe_needed (feed->user_data);
}

static bool
is_passed (MxrLinkSource *source)
{
  MxrLinkFeed *feed = source->feed;
  return is_changing (feed) ? source == get_former (feed) : !feed->is_waiting;
}

static void
pass_picture (MxrLinkSource *source, MxrRtpPacket *const *packets, guint n_packets, bool is_last)
{
  MxrLinkFeed *feed = source->feed;
  const guint n_known = is_passed (source) ? mxr_link_picture_skip (&feed->picture, packets, n_packets) : n_packets;

  if (n_known < n_packets)
    feed->events->on_packets (GSIZE_TO_POINTER (source->run), packets + n_known, n_packets - n_known, is_last,
                              feed->user_data);
  else if (feed->held != NULL)
    hold (feed, packets, n_packets);
  try_to_begin (feed, source->last_us);
}

static gint64
get_picture_due_us (const MxrLinkFeed *feed)
{
  const bool is_asking = feed->is_waiting && feed->sources[feed->current].is_subscribed;
  return is_asking ? feed->asked_us + MXR_LINK_FEED_PATIENCE_US : G_MAXINT64;
}

/* ---- Both -------------------------------------------------------------------------------------------------- */

static void
on_fanout_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  MxrLinkSource *source = user_data;

  source->last_us = packets[n_packets - 1]->pushed_us;
  if (source->feed->kind == MXR_RTP_AUDIO)
    pass_sound (source, packets, n_packets, is_last);
  else
    pass_picture (source, packets, n_packets, is_last);
}

/* Another one for the current one, of which nothing was passed on. */
static void
begin (MxrLinkFeed *feed, MxrFanout *fanout, gint64 now_us)
{
  enter (get_current (feed), fanout);
  if (feed->kind == MXR_RTP_VIDEO)
    wait_for_keyframe (feed, now_us);
}

/* A change that is under way has passed nothing of its new fan-out on, so another takes its place without a trace. */
static void
change (MxrLinkFeed *feed, MxrFanout *fanout, gint64 now_us)
{
  if (fanout == get_current (feed)->fanout) {
    if (!is_changing (feed))
      feed->events->on_changed (feed->user_data);
    return;
  }
  if (is_changing (feed))
    leave (get_current (feed));
  else
    feed->current = !feed->current;
  if (fanout == get_former (feed)->fanout) {
    feed->current = !feed->current;
    feed->is_waiting = false;
    feed->events->on_changed (feed->user_data);
    return;
  }
  feed->changed_us = now_us;
  begin (feed, fanout, now_us);
}

/* ---- For the link ------------------------------------------------------------------------------------------ */

void
mxr_link_feed_init (MxrLinkFeed *feed, MxrRtpKind kind, const MxrLinkFeedEvents *events, gpointer user_data)
{
  *feed = (MxrLinkFeed){ .kind = kind, .events = events, .user_data = user_data };
  for (guint i = 0; i < G_N_ELEMENTS (feed->sources); i++)
    feed->sources[i].feed = feed;
}

void
mxr_link_feed_clear (MxrLinkFeed *feed)
{
  mxr_link_feed_set (feed, NULL, 0);
  feed->has_passed = false;
  feed->picture = (MxrLinkPicture){ 0 };
}

/* Whether one is passed on that can be, until another begins. */
static bool
has_begun (MxrLinkFeed *feed)
{
  return is_changing (feed) || (get_current (feed)->is_subscribed && !feed->is_waiting);
}

void
mxr_link_feed_set (MxrLinkFeed *feed, MxrFanout *fanout, gint64 now_us)
{
  if (fanout != NULL && has_begun (feed)) {
    change (feed, fanout, now_us);
    return;
  }
  leave (get_former (feed));
  leave (get_current (feed));
  feed->is_waiting = false;
  feed->events->on_changed (feed->user_data);
  if (fanout != NULL)
    begin (feed, fanout, now_us);
}

void
mxr_link_feed_set_listening (MxrLinkFeed *feed, bool is_listening, gint64 now_us)
{
  if (is_listening == feed->is_listening)
    return;
  feed->is_listening = is_listening;
  if (is_listening) {
    listen_to (get_current (feed));
    if (feed->kind == MXR_RTP_VIDEO)
      wait_for_keyframe (feed, now_us);
    return;
  }
  stop_listening_to (get_current (feed));
  if (!is_changing (feed))
    return;
  leave (get_former (feed));
  feed->events->on_changed (feed->user_data);
}

bool
mxr_link_feed_is_news (MxrLinkFeed *feed, const MxrRtpPacket *packet)
{
  if (feed->has_passed && (gint32) (packet->timestamp - feed->last_timestamp) <= 0)
    return false;
  feed->has_passed = true;
  feed->last_timestamp = packet->timestamp;
  return true;
}

gint64
mxr_link_feed_get_due_us (const MxrLinkFeed *feed)
{
  return feed->kind == MXR_RTP_AUDIO ? get_sound_due_us (feed) : get_picture_due_us (feed);
}

gint64
mxr_link_feed_poll (MxrLinkFeed *feed, gint64 now_us)
{
  if (mxr_link_feed_get_due_us (feed) > now_us)
    return mxr_link_feed_get_due_us (feed);
  if (feed->kind == MXR_RTP_AUDIO)
    end_sound_change (feed);
  else
    wait_for_keyframe (feed, now_us);
  return mxr_link_feed_get_due_us (feed);
}
