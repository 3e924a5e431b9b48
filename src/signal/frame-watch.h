#ifndef MXR_FRAME_WATCH_H
#define MXR_FRAME_WATCH_H

#include "mixroom/base.h"

/* Chromium splits what does not fit its send buffer: a message of the default 64 KiB comes in 1 to 4 frames.
 */
#define MXR_FRAME_MAX_FRAGMENTS 64

typedef enum {
  MXR_FRAME_OK,
  MXR_FRAME_TOO_BIG,  /* the message, over all its fragments */
  MXR_FRAME_TOO_MANY, /* fragments of one message */
  MXR_FRAME_TOO_FAST, /* messages and control frames a second */
} MxrFrameVerdict;

/**
 * MxrFrameWatch:
 *
 * Reads along with one direction of a WebSocket: frame headers only, payload is skipped. libsoup 3.2 bounds
 * single frames, but neither a message of many fragments nor the pings it answers, and does not tell how much
 * of what was queued is sent yet. A zeroed one is ready for use.
 */
typedef struct {
  guint8 header[14];
  guint n_header;
  guint64 payload_left;  /* of the frame under way */
  bool counts_as_data;   /* the frame under way is no control frame */
  guint64 message_bytes; /* of the message under way */
  guint n_fragments;     /* of the message under way */
  guint64 data_bytes;    /* payload of text and binary frames that went by so far */
  MxrBucket rate;
} MxrFrameWatch;

typedef struct {
  guint64 max_message_bytes; /* 0: any */
  guint frames_per_second;   /* continuations aside; 0: any. Burst: four seconds' worth */
} MxrFrameLimits;

/**
 * mxr_frame_watch_feed:
 * @bytes: the next ones of the stream, split anyhow
 *
 * Thread: any; pure. Cost: per frame, not per byte.
 * Returns: the first limit that is broken; feed nothing more then.
 * Source: RFC 6455 5.2, 5.4.
 */
MxrFrameVerdict mxr_frame_watch_feed (MxrFrameWatch *watch, const MxrFrameLimits *limits, const guint8 *bytes,
                                      gsize n_bytes, gint64 now_us);

#endif
