#ifndef MXR_LINK_FEED_H
#define MXR_LINK_FEED_H

#include "link-picture.h"
#include "mixroom/peer.h"

/* What feeds a downlink: one fan-out, and two while it changes from one to another that has the same timeline.
 *
 *   one ── set ──> changing: both are listened to, the former is passed on
 *    ^                │
 *    └── the new one has begun ──> on_changed
 *
 * Two sounds are of one mixer: every block goes to both, in either order. Which block a new subscription begins with is
 * chance, so the former goes on until the first packet of the new one; or until it is quiet, or too late. What then waits of
 * the former comes first: none is missing, and those that both have are told by their time stamps.
 *
 * A picture begins with a key frame that its fan-out has kept, and what came since, if that is not too much to be sent at
 * once, nor long past and older than what was passed on. Until there is one it is asked for, and the former goes on; then
 * it ends, with a whole frame, and the new one begins as soon as it has a newer frame, which is its next one at the latest:
 * two encoders make their frames of the same instants, the former maybe always a little sooner.
 *
 * Everything belongs to one network thread; times are arguments. */

/* How long a picture without a key frame is waited for before it is asked for again: no packet would be missing that the
 * client could ask for. The governors' interval is as long, if it is not set otherwise. */
#define MXR_LINK_FEED_PATIENCE_US G_USEC_PER_SEC

typedef struct {
  /* @run: compared only, and never the same again: packets of one run go on with its numbers, those of another fan-out, or of
   * one that begins anew, do not.
   * @is_last: as of MxrFanoutFunc. From within, the feed may be set by mxr_link_feed_set_listening() to false only. */
  void (*on_packets) (gpointer run, MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data);
  /* Nothing of an earlier fan-out comes any more: once for each change that ends, and for those that it has taken the place
   * of. */
  void (*on_changed) (gpointer user_data);
  /* Of a picture. */
  void (*on_keyframe_needed) (gpointer user_data);
  /* Of a picture: how many bytes may be passed on at once, and none of them is dropped. */
  gsize (*get_room) (gpointer user_data);
} MxrLinkFeedEvents;

typedef struct _MxrLinkFeed MxrLinkFeed;

/* Fields are private. */
typedef struct {
  MxrLinkFeed *feed;
  MxrFanout *fanout; /* owned; NULL: none */
  bool is_subscribed;
  gint64 last_us; /* when its last packet left the encoder; 0: none yet */
  gsize run;      /* that its packets are of; an address would come again, with the next fan-out or the one after it */
} MxrLinkSource;

struct _MxrLinkFeed {
  MxrRtpKind kind;
  const MxrLinkFeedEvents *events;
  gpointer user_data;
  bool is_listening;
  MxrLinkSource sources[2];
  guint current;     /* the other one: the former, while changing */
  gint64 changed_us; /* when the change began */
  gsize n_runs;      /* so far */

  /* Of a sound. */
  bool has_passed;
  guint32 last_timestamp; /* passed on */

  /* Of a picture. */
  bool is_waiting;  /* for a key frame of the current one */
  gint64 asked_us;  /* for it */
  GPtrArray *held;  /* MxrRtpPacket from the key frame on, of which none is newer than what was passed on; NULL: none */
  MxrLinkPicture picture;
};

/**
 * mxr_link_feed_init:
 * @feed: stays where it is
 * @events: outlive it
 */
void mxr_link_feed_init (MxrLinkFeed *feed, MxrRtpKind kind, const MxrLinkFeedEvents *events, gpointer user_data);

/** mxr_link_feed_clear: No fan-out; what was passed on is forgotten. Calls on_changed. */
void mxr_link_feed_clear (MxrLinkFeed *feed);

/**
 * mxr_link_feed_set:
 * @fanout: (nullable): %NULL for none
 *
 * The change is over when on_changed is called: from within, where none was passed on before, or with %NULL.
 */
void mxr_link_feed_set (MxrLinkFeed *feed, MxrFanout *fanout, gint64 now_us);

/** mxr_link_feed_set_listening: At first it does not. A change that is under way is over when it ends. */
void mxr_link_feed_set_listening (MxrLinkFeed *feed, bool is_listening, gint64 now_us);

/** mxr_link_feed_is_news: Of sounds: whether @packet is later than all that have been asked about. Once per packet. */
bool mxr_link_feed_is_news (MxrLinkFeed *feed, const MxrRtpPacket *packet);

/** mxr_link_feed_poll: Ends a change that waits for nothing. Returns: when to poll again; %G_MAXINT64: there is no need. */
gint64 mxr_link_feed_poll (MxrLinkFeed *feed, gint64 now_us);
gint64 mxr_link_feed_get_due_us (const MxrLinkFeed *feed);

#endif
