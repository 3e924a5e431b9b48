#ifndef MXR_PLAYER_WIRE_H
#define MXR_PLAYER_WIRE_H

#include "mixroom/base.h"

/* What the server and the process of a player say to each other, over one stream socket: a header, and as many bytes as it
 * says. Both are of one build on one machine, so it is in the host's order. The server believes nothing of it. */

/* The descriptor that the process is given. */
#define MXR_WIRE_FD 3

/* Of the picture: no side longer, and no more in all. */
#define MXR_WIRE_SIDE_MAX_PX 1280
#define MXR_WIRE_PICTURE_MAX_PX (1280 * 720)
/* A block is 20 ms; a decoder's end may leave a longer one. */
#define MXR_WIRE_SOUND_MAX_BYTES (48000 / 5 * 2 * 2)
#define MXR_WIRE_TEXT_MAX_BYTES 4096
#define MXR_WIRE_RATE 48000
#define MXR_WIRE_BLOCK_MS 20

typedef enum {
  /* To the process: */
  MXR_WIRE_ALLOW,     /* text: hosts that may be fetched from; a: whether private addresses may; before OPEN_URL */
  MXR_WIRE_OPEN_FILE, /* text: path; a: whether it is repeated */
  MXR_WIRE_OPEN_URL,  /* text; a: the same */
  MXR_WIRE_PLAY,
  MXR_WIRE_PAUSE,
  MXR_WIRE_SEEK, /* a: ms */
  MXR_WIRE_LOOP, /* a: whether */
  /* From it: */
  MXR_WIRE_READY,    /* a: duration [ms], -1: not known; b: MXR_WIRE_HAS_ bits. Media follows PLAY */
  MXR_WIRE_SOUND,    /* width: channels; S16LE, interleaved */
  MXR_WIRE_PICTURE,  /* width, height; I420 as gst_video_info_set_format() lays it out */
  MXR_WIRE_STATUS,   /* a: position, b: duration [ms] */
  MXR_WIRE_FINISHED,
  MXR_WIRE_FAILED, /* text */
  MXR_WIRE_N_KINDS,
} MxrWireKind;

#define MXR_WIRE_HAS_SOUND 1
#define MXR_WIRE_HAS_PICTURE 2
#define MXR_WIRE_CAN_SEEK 4

typedef struct {
  guint32 kind, n_bytes;
  guint32 width, height;
  gint64 a, b;
} MxrWireHeader;

/** mxr_wire_send: @may_wait: until all of it is taken; else nothing waits, and what is not taken at once is lost.
 * Returns: false: not all of it was taken, or the other end is gone: the wire is of no use any more. The caller serialises. */
bool mxr_wire_send (int fd, const MxrWireHeader *header, const void *bytes, bool may_wait);
/** mxr_wire_read: Waits for so many. Returns: false: the other end is gone. */
bool mxr_wire_read (int fd, void *bytes, gsize n_bytes);

#endif
