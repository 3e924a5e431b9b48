#ifndef MXR_UPLINK_PRIVATE_H
#define MXR_UPLINK_PRIVATE_H

#include <stdatomic.h>

#include "decode-pool.h"
#include "mixroom/peer.h"
#include "tap.h"
#include "voice-history.h"

/* Shared by uplink.c, uplink-sound.c, uplink-picture.c and tap.c. */

/* Who is told. It lives with the feed pad: a media thread that is just bringing an event holds the pad, but not the
 * uplink. */
typedef struct {
  atomic_bool closed;
  MxrUplinkEvents events;
  gpointer user_data;
  GDestroyNotify destroy;
} MxrUplinkListener;

/* What sound has of its own; network thread. */
typedef struct {
  MxrVoiceHistory history;
  bool has_levels;    /* RFC 6464 came at least once */
  bool is_from_past;  /* what is being pushed comes out of the history */
  bool is_discont;    /* what is pushed next does not continue what was before */
  bool has_timestamp; /* of a packet pushed before this one */
  guint32 timestamp;
  GstClockTime time_ns; /* of that one */
  guint packet_units;   /* length of a packet [clock units] */
  guint n_lost;         /* before the packet that comes next */
  bool decodes_fec;     /* the decoder makes a lost packet of its copy in the next */
} MxrUplinkSound;

/* The frame whose packets are coming; network thread. */
typedef struct {
  GstBufferList *packets; /* NULL: none */
  guint32 timestamp;
  gsize n_bytes;
  gint64 arrival_us; /* of the last packet */
  bool is_keyframe, is_too_large;
} MxrUplinkFrame;

/* Where frames are passed through to, beside the decoder. */
typedef struct {
  MxrSplice *splice; /* NULL: nowhere */
  gconstpointer source;
  gint64 delay_us;
  bool has_shift;
  guint32 shift; /* of time stamps, onto the room's timeline [1/90000 s] */
} MxrUplinkPass;

typedef struct {
  MxrTap *tap;         /* NULL: none */
  MxrReorder *reorder; /* of sound */
} MxrUplinkTap;

typedef struct {
  MxrDecodeLane *lane;
  MxrUplinkFrame frame;
  const char *orientation;        /* of the last frame that said so */
  const char *pushed_orientation; /* worker: the same, of what was decoded */
  bool waits_for_keyframe;
  bool is_decoded;                /* frames go to the decoder, once decoder_waits is over */
  bool decoder_waits;             /* for a key frame, while frames are passed through */
  MxrUplinkPass pass;
  bool is_too_large; /* the key frame that was there; there is no use in asking for another */
  bool skips_frame;  /* the rest of the frame of skipped_timestamp has lost its begin */
  guint32 skipped_timestamp;
} MxrUplinkPicture;

struct _MxrUplink {
  gatomicrefcount refs;
  MxrRtpKind kind;
  const char *codec; /* interned */
  int payload_type;
  int clock_rate;
  GstElement *bin; /* owned by the room's pipeline once added; our reference keeps it for close */
  GstPad *feed;    /* source pad without a parent, linked to the bin's sink */
  GstCaps *caps;
  gint64 timeline_us;
  MxrPeerDelays *delays;
  MxrUplinkListener *listener; /* the feed's */
  atomic_bool is_wanted;

  /* Whoever pushes: the network thread for sound, one worker at a time for pictures. */
  bool is_started;  /* the sticky events are out */
  guint16 next_seq; /* our own count: a gap of any length, and one that is no loss, is what we make of it */

  /* Network thread. */
  MxrReorder *reorder;
  bool decodes; /* for now */
  MxrUplinkTap tap;
  MxrUplinkStats stats;
  union {
    MxrUplinkSound sound;
    MxrUplinkPicture picture;
  };
};

/* ---- uplink.c ------------------------------------------------------------------------------------------- */

/** mxr_uplink_is_closed: Thread: any. */
static inline bool
mxr_uplink_is_closed (const MxrUplink *uplink)
{
  return atomic_load_explicit (&uplink->listener->closed, memory_order_relaxed);
}

/** mxr_uplink_start: Sticky events, once. Thread: whoever pushes. */
void mxr_uplink_start (MxrUplink *uplink);
/** mxr_uplink_take_copy: Hands a copy of the packet to @reorder. */
void mxr_uplink_take_copy (MxrReorder *reorder, const MxrReorderPacket *packet, const guint8 *rtp);
/** mxr_uplink_number: Writes our next number into @buffer. Thread: whoever pushes. */
void mxr_uplink_number (MxrUplink *uplink, GstBuffer *buffer);
/** mxr_uplink_get_time_ns: Running time. */
GstClockTime mxr_uplink_get_time_ns (const MxrUplink *uplink, gint64 now_us);

/* Flags of a packet in the reorder buffer. */
enum {
  MXR_UPLINK_EMPTY = 1 << 0, /* no payload */
  MXR_UPLINK_MARKER = 1 << 1,
  MXR_UPLINK_KEYFRAME = 1 << 2,
  MXR_UPLINK_TOO_LARGE = 1 << 3, /* or of a size that is hidden */
};

/* ---- uplink-sound.c, uplink-picture.c: network thread --------------------------------------------------- */

void mxr_uplink_sound_init (MxrUplink *uplink);
void mxr_uplink_sound_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us);
void mxr_uplink_sound_poll (MxrUplink *uplink, gint64 now_us);

void mxr_uplink_picture_init (MxrUplink *uplink, MxrDecodePool *pool);
void mxr_uplink_picture_clear (MxrUplink *uplink);
void mxr_uplink_picture_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us);
void mxr_uplink_picture_poll (MxrUplink *uplink, gint64 now_us);

/* ---- tap.c: network thread; nothing without a tap --------------------------------------------------------- */

/** mxr_uplink_tap_sound: @packet: without an item */
void mxr_uplink_tap_sound (MxrUplink *uplink, const MxrReorderPacket *packet, const guint8 *rtp);
/** mxr_uplink_tap_frame: One that is whole and can be decoded. */
void mxr_uplink_tap_frame (MxrUplink *uplink, const MxrUplinkFrame *frame, gint64 now_us);
void mxr_uplink_tap_poll (MxrUplink *uplink, gint64 now_us);
gint64 mxr_uplink_tap_get_due_us (const MxrUplink *uplink);
void mxr_uplink_clear_tap (MxrUplink *uplink);

#endif
