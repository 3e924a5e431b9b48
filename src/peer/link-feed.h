#ifndef MXR_LINK_FEED_H
#define MXR_LINK_FEED_H

#include "mixroom/peer.h"

/* What feeds a downlink: one fan-out, and two while a sound changes from one to another that has the same timeline.
 *
 *   one ── set ──> changing: both are listened to, the former is passed on
 *    ^                │
 *    └── the new one's first packet; or it is quiet, or too late ──> the rest of the former, and on_changed
 *
 * Two sounds are of one mixer: every block goes to both, in either order. Which block a new subscription begins with is
 * chance, so the former goes on until the new one has begun: none is missing, and those that both have are told by
 * their time stamps. Everything belongs to one network thread; times are arguments. */

/** MxrLinkFeedFunc: As of MxrFanoutFunc. The feed may be set from within only by mxr_link_feed_set_listening() to false. */
typedef void (*MxrLinkFeedFunc) (MxrFanout *fanout, MxrRtpPacket *const *packets, guint n_packets, bool is_last,
                                 gpointer user_data);

typedef struct _MxrLinkFeed MxrLinkFeed;

/* Fields are private. */
typedef struct {
  MxrLinkFeed *feed;
  MxrFanout *fanout; /* owned; NULL: none */
  bool is_subscribed;
  gint64 last_us; /* when its last packet left the encoder; 0: none yet */
} MxrLinkSource;

struct _MxrLinkFeed {
  MxrLinkFeedFunc on_packets;
  void (*on_changed) (gpointer user_data);
  gpointer user_data;
  bool is_listening;
  MxrLinkSource sources[2];
  guint current;     /* the other one: the former, while changing */
  gint64 changed_us; /* when the change began */
  bool has_passed;
  guint32 last_timestamp; /* passed on */
};

/**
 * mxr_link_feed_init:
 * @feed: stays where it is
 * @on_changed: nothing of an earlier fan-out comes any more: once for each change that ends, and for those that it has
 *   taken the place of
 */
void mxr_link_feed_init (MxrLinkFeed *feed, MxrLinkFeedFunc on_packets, void (*on_changed) (gpointer user_data),
                         gpointer user_data);

/** mxr_link_feed_clear: No fan-out; what was passed on is forgotten. Calls on_changed. */
void mxr_link_feed_clear (MxrLinkFeed *feed);

/**
 * mxr_link_feed_set:
 * @fanout: (nullable): %NULL for none
 * @is_seamless: of the same timeline as the one before: the change is over when on_changed is called. Otherwise the one
 *   before is left at once, and on_changed called from within.
 */
void mxr_link_feed_set (MxrLinkFeed *feed, MxrFanout *fanout, bool is_seamless, gint64 now_us);

/** mxr_link_feed_set_listening: At first it does not. A change that is under way is over when it ends. */
void mxr_link_feed_set_listening (MxrLinkFeed *feed, bool is_listening);

/** mxr_link_feed_is_subscribed: Whether packets may come. */
bool mxr_link_feed_is_subscribed (const MxrLinkFeed *feed);

/** mxr_link_feed_is_news: Of sounds: whether @packet is later than all that have been asked about. Once per packet. */
bool mxr_link_feed_is_news (MxrLinkFeed *feed, const MxrRtpPacket *packet);

/** mxr_link_feed_poll: Ends a change that waits for nothing. Returns: when to poll again; %G_MAXINT64: there is no need. */
gint64 mxr_link_feed_poll (MxrLinkFeed *feed, gint64 now_us);
gint64 mxr_link_feed_get_due_us (const MxrLinkFeed *feed);

#endif
