#ifndef MXR_LINK_PICTURE_H
#define MXR_LINK_PICTURE_H

#include "mixroom/rtp.h"

/* Where in a picture a downlink may begin, and with which time stamps. Pure. */

/* Fields are private. A zeroed one has passed nothing. */
typedef struct {
  bool has_passed;        /* anything, of whatever source */
  guint32 last_timestamp; /* of what was */
  bool in_frame;          /* what was passed last is not the end of its frame */
  guint64 last_number;    /* of the source that is passed */
} MxrLinkPicture;

/**
 * mxr_link_picture_begin:
 * @recent: (inout): MxrRtpPacket of a source, from a key frame on: to be passed, if the call returns true. Those of frames
 *   before the newest are replaced by copies that are stamped a millisecond apart, or less, just before the newest, so
 *   that nobody plays the past in real time
 *
 * Returns: false, with nothing changed, when @recent has nothing newer than what was passed: the next frame may have.
 */
bool mxr_link_picture_begin (MxrLinkPicture *picture, GPtrArray *recent);

/** mxr_link_picture_is_over: @recent: as above. Returns: whether nothing of it is newer than what was passed, and its source is in no hurry
 * to make something that is: who waited for that would see a picture that stands still. */
bool mxr_link_picture_is_over (const MxrLinkPicture *picture, const GPtrArray *recent, gint64 now_us);

/** mxr_link_picture_fits: @recent: as above. Returns: whether it is not larger than @room_bytes, or no more than the key frame, which has to
 * be sent in any case, and the frame that came with it. */
bool mxr_link_picture_fits (const GPtrArray *recent, gsize room_bytes);

/** mxr_link_picture_skip: Returns: how many of these, from the first on, were in @recent; the others are noted as passed. */
guint mxr_link_picture_skip (MxrLinkPicture *picture, MxrRtpPacket *const *packets, guint n_packets);

#endif
