#ifndef MXR_KEYFRAME_CACHE_H
#define MXR_KEYFRAME_CACHE_H

#include "mixroom/rtp.h"

/* The packets of a picture from its last key frame on, so that whoever comes can begin at once. It holds references, and
 * gives up until the next key frame when they become too many: to catch up with more takes longer than a new one. */

/* The governors' interval, if it is not set otherwise, and what a key frame takes to be made: then there is always one that is kept, or
 * one may be asked for. With a longer interval, or where packets become too many first, whoever comes may have to wait for the rest of it. */
#define MXR_KEYFRAME_CACHE_MAX_US (1200 * G_TIME_SPAN_MILLISECOND)
/* As many as a downlink keeps to repeat. A key frame itself may have more. */
#define MXR_KEYFRAME_CACHE_MAX_PACKETS 512
/* Twice the largest key frame that an uplink takes (uplink-picture.c). A client whose picture is passed through may stamp all
 * its frames with one time. */
#define MXR_KEYFRAME_CACHE_LIMIT_PACKETS 2048

/* Fields are private. */
typedef struct {
  GMutex lock;        /* held while a packet is added, or references to all are taken */
  GPtrArray *packets; /* MxrRtpPacket; written by the producer under the lock */
  /* Producer only. */
  bool is_kept;
  guint32 timestamp; /* of the last packet */
} MxrKeyframeCache;

void mxr_keyframe_cache_init (MxrKeyframeCache *cache);
void mxr_keyframe_cache_clear (MxrKeyframeCache *cache);

/** mxr_keyframe_cache_add: @packet was stamped with the time (pushed_us). Thread: the producer. Cost: nothing but a look
 * where nothing is kept, as in sounds. */
void mxr_keyframe_cache_add (MxrKeyframeCache *cache, MxrRtpPacket *packet);

/** mxr_keyframe_cache_get: Returns: (transfer full) (nullable): MxrRtpPacket, of which the first starts a key frame. Thread: any. */
GPtrArray *mxr_keyframe_cache_get (MxrKeyframeCache *cache);

#endif
