#include "link-feed.h"

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
}

static void
enter (MxrLinkSource *source, MxrFanout *fanout)
{
  source->fanout = fanout != NULL ? mxr_fanout_ref (fanout) : NULL;
  source->last_us = 0;
  listen_to (source);
}

static void
leave (MxrLinkSource *source)
{
  stop_listening_to (source);
  g_clear_pointer (&source->fanout, mxr_fanout_unref);
}

/* ---- A change ---------------------------------------------------------------------------------------------- */

/* What waits of the former is of blocks before the new one's, or the same. It may bring the end of the connection. */
static void
end_change (MxrLinkFeed *feed)
{
  MxrLinkSource *former = get_former (feed);
  g_autoptr (MxrFanout) fanout = mxr_fanout_ref (former->fanout);

  mxr_fanout_finish (fanout, former);
  if (!is_changing (feed))
    return;
  former->is_subscribed = false;
  leave (former);
  feed->on_changed (feed->user_data);
}

static void
on_fanout_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  MxrLinkSource *source = user_data;
  MxrLinkFeed *feed = source->feed;

  source->last_us = packets[n_packets - 1]->pushed_us;
  if (source == get_current (feed) && is_changing (feed))
    end_change (feed);
  if (source->is_subscribed)
    feed->on_packets (source->fanout, packets, n_packets, is_last, feed->user_data);
}

/* A change that is under way has passed nothing of its new fan-out on, so another takes its place without a trace. */
static void
change (MxrLinkFeed *feed, MxrFanout *fanout, gint64 now_us)
{
  if (fanout == get_current (feed)->fanout) {
    if (!is_changing (feed))
      feed->on_changed (feed->user_data);
    return;
  }
  if (is_changing (feed))
    leave (get_current (feed));
  else
    feed->current = !feed->current;
  if (fanout == get_former (feed)->fanout) {
    feed->current = !feed->current;
    feed->on_changed (feed->user_data);
    return;
  }
  feed->changed_us = now_us;
  enter (get_current (feed), fanout);
}

/* ---- For the link ------------------------------------------------------------------------------------------ */

void
mxr_link_feed_init (MxrLinkFeed *feed, MxrLinkFeedFunc on_packets, void (*on_changed) (gpointer user_data),
                    gpointer user_data)
{
  *feed = (MxrLinkFeed){ .on_packets = on_packets, .on_changed = on_changed, .user_data = user_data };
  for (guint i = 0; i < G_N_ELEMENTS (feed->sources); i++)
    feed->sources[i].feed = feed;
}

void
mxr_link_feed_clear (MxrLinkFeed *feed)
{
  mxr_link_feed_set (feed, NULL, false, 0);
  feed->has_passed = false;
}

void
mxr_link_feed_set (MxrLinkFeed *feed, MxrFanout *fanout, bool is_seamless, gint64 now_us)
{
  if (is_seamless && fanout != NULL && mxr_link_feed_is_subscribed (feed)) {
    change (feed, fanout, now_us);
    return;
  }
  leave (get_former (feed));
  leave (get_current (feed));
  enter (get_current (feed), fanout);
  feed->on_changed (feed->user_data);
}

void
mxr_link_feed_set_listening (MxrLinkFeed *feed, bool is_listening)
{
  feed->is_listening = is_listening;
  if (is_listening) {
    listen_to (get_current (feed));
    return;
  }
  stop_listening_to (get_current (feed));
  if (!is_changing (feed))
    return;
  leave (get_former (feed));
  feed->on_changed (feed->user_data);
}

bool
mxr_link_feed_is_subscribed (const MxrLinkFeed *feed)
{
  return feed->sources[feed->current].is_subscribed;
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
  if (!is_changing (feed))
    return G_MAXINT64;
  const gint64 quiet_us = MAX (feed->changed_us + BLOCK_US, feed->sources[!feed->current].last_us + QUIET_US);
  return MIN (quiet_us, feed->changed_us + CHANGE_MAX_US);
}

gint64
mxr_link_feed_poll (MxrLinkFeed *feed, gint64 now_us)
{
  if (mxr_link_feed_get_due_us (feed) <= now_us)
    end_change (feed);
  return mxr_link_feed_get_due_us (feed);
}
