#ifndef MXR_LOAD_WATCH_H
#define MXR_LOAD_WATCH_H

#include "clip.h"

/* What can be told of a downlink without decoding it. Pure. */

/* As browsers' statistics count them: a frame that comes so late is a freeze. */
#define MXR_WATCH_FREEZE_US (500 * 1000)

typedef struct {
  guint64 packets, bytes;
  guint64 frames, keyframes; /* frames: distinct timestamps, in order */
  guint64 n_samples;         /* of Opus: what is in the packets, at MXR_SOUND_RATE_HZ */
  guint freezes;
  gint64 longest_gap_us; /* between the beginnings of two frames */
  gint64 first_us;       /* monotonic: of the first packet; 0: none yet */
  gint64 first_keyframe_us;
  gint64 last_frame_us;
  guint64 last_seq;
  guint32 last_timestamp;
} MxrWatch;

/** mxr_watch_note: Runs per packet. @extended_seq: as on_receive_rtp has it. */
void mxr_watch_note (MxrWatch *watch, MxrLoadCodec codec, const MxrRtpView *view, guint64 extended_seq, gint64 now_us);

/** mxr_watch_begin: Counts from here on; a gap that began before counts whole. */
void mxr_watch_begin (MxrWatch *watch);
/** mxr_watch_end: A gap that lasts still counts too. */
void mxr_watch_end (MxrWatch *watch, gint64 now_us);

#endif
