#ifndef MXR_LINK_PACER_H
#define MXR_LINK_PACER_H

#include "mixroom/rtp.h"

/* Spreads what one client is sent. Sound, repairs and probes leave at once and are counted; packets of the picture leave
 * at once while the count allows, and wait in order behind that. They have no number of the downlink while they wait, so
 * what is dropped leaves no gap. Pure: the time is an argument. One net thread.
 *
 * Two counts: a key frame leaves at 2.5 times what the way is estimated to carry, so that it is not held up for longer than
 * it has to be; but over more than a second it is not more than the estimate, whatever the picture brings. What the way
 * does not carry would be lost there, and sound with it. */

/* What may leave in one go: a frame of a stream that the way carries well is less. */
#define MXR_LINK_PACER_BURST_US (10 * 1000)
/* More than so long at the higher rate does not wait, unless it is one key frame. */
#define MXR_LINK_PACER_QUEUE_US (250 * 1000)

/* Fields are private. */
typedef struct {
  MxrRtpPacket *packet; /* owned */
  gpointer tag;
  gint64 since_us; /* when it began to wait */
  bool skips;      /* what came just before it was dropped */
} MxrLinkPacerEntry;

typedef struct {
  /* To be read. */
  guint64 n_dropped;     /* packets */
  guint n_waiting;       /* packets */
  gsize n_waiting_bytes; /* their payloads */
  bool has_skipped;      /* between what left last and what left before it, something was dropped */
  /* Private. */
  guint64 rate_bps, lasting_bps; /* 0: not known, nothing waits; without limit */
  gint64 lasting_burst_us;
  gint64 free_us, lasting_free_us; /* when all that has left is through at these rates */
  gint64 held_us; /* what left last */
  MxrLinkPacerEntry *entries; /* a ring, made when something waits for the first time */
  guint first, capacity;      /* power of two */
  bool skips;                 /* what came last was dropped */
  bool is_dropping;           /* up to the next key frame */
  gint64 dropping_us;         /* since then; or when a key frame was asked for */
  bool has_keyframe;          /* since it was cleared */
  guint32 keyframe_timestamp; /* of the newest one */
  guint32 left_timestamp;     /* of the packet that left last */
  bool has_begun_keyframe;    /* that one was of a key frame */
} MxrLinkPacer;

/** mxr_link_pacer_clear: Nothing waits any more, and is not counted; its memory is given back. A zeroed pacer is empty. */
void mxr_link_pacer_clear (MxrLinkPacer *pacer);

/**
 * mxr_link_pacer_set_rate:
 * @queue_ms: that packets wait on the way: the longer, the less leaves beside what that way carries meanwhile
 * @is_measured: false when the estimate is a belief only: nothing is dropped then, packets leave at five times of it, and
 *   what would wait too long leaves at once
 */
void mxr_link_pacer_set_rate (MxrLinkPacer *pacer, guint estimate_bps, double queue_ms, bool is_measured, gint64 now_us);

/** mxr_link_pacer_note_sent: Whatever has left, of any kind. */
void mxr_link_pacer_note_sent (MxrLinkPacer *pacer, gsize n_bytes, gint64 now_us);

/** mxr_link_pacer_get_room: Returns: how many bytes of one picture or several can wait now without any being dropped. */
gsize mxr_link_pacer_get_room (const MxrLinkPacer *pacer);

typedef enum {
  MXR_LINK_PACER_PASSES, /* it leaves at once, and is to be sent: it does not go through the queue */
  MXR_LINK_PACER_WAITS,  /* the pacer has a reference of it */
  MXR_LINK_PACER_DROPPED,
} MxrLinkPacerResult;

/**
 * mxr_link_pacer_push:
 * @packet: (transfer none): of the picture, in order
 * @tag: comes out with it
 *
 * When too much waits, the packet is dropped, with all before it that has not left but key frames that are still of use,
 * and all after it up to the next key frame. Cost: a few comparisons while nothing waits.
 */
MxrLinkPacerResult mxr_link_pacer_push (MxrLinkPacer *pacer, MxrRtpPacket *packet, gpointer tag, gint64 now_us);

/** mxr_link_pacer_needs_keyframe: Returns: whether to ask for one now: it drops up to the next one, nothing waits any more,
 * and it is a second since it began to, or since this was true last. */
bool mxr_link_pacer_needs_keyframe (MxrLinkPacer *pacer, gint64 now_us);

/** mxr_link_pacer_pop: Returns: (transfer full) (nullable): what leaves now; %NULL: nothing more. Note it as sent before
 * the next call. */
MxrRtpPacket *mxr_link_pacer_pop (MxrLinkPacer *pacer, gpointer *out_tag, gint64 now_us);

/** mxr_link_pacer_get_held_us: Returns: by which the picture is held up: what waits foremost, or what left last. */
gint64 mxr_link_pacer_get_held_us (const MxrLinkPacer *pacer, gint64 now_us);
/** mxr_link_pacer_get_due_us: Returns: when to pop; %G_MAXINT64: nothing waits. */
gint64 mxr_link_pacer_get_due_us (const MxrLinkPacer *pacer);

#endif
