#ifndef MXR_PLAYER_FEED_H
#define MXR_PLAYER_FEED_H

#include "mixroom/player.h"

#include "wire.h"

/* Where a stream of a player comes out. One thread pushes. */
typedef struct {
  GstElement *bin;
  GstPad *pad; /* of the bin */
  GstBufferPool *pool; /* of pictures */
  guint width, height; /* of the last picture; or channels of the last sound, and 0; 0: there was none */
  gint64 last_us; /* atomic */
} MxrPlayerFeed;

void mxr_player_feed_init (MxrPlayerFeed *feed);
void mxr_player_feed_clear (MxrPlayerFeed *feed);
/** mxr_player_feed_check: Whether a message with media is what the wire allows for. */
bool mxr_player_feed_check (const MxrWireHeader *header);
/** mxr_player_feed_read: @header: checked. Reads what follows it, and pushes that. Returns: false: the other end is gone. */
bool mxr_player_feed_read (MxrPlayerFeed *feed, const MxrWireHeader *header, int fd);

#endif
