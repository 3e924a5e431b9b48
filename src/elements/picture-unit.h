#ifndef MXR_PICTURE_UNIT_H
#define MXR_PICTURE_UNIT_H

#include <glib.h>
#include <stdbool.h>

/* The packets of a picture as the bytes that decoders take. Sources: RFC 6184 5.6 (single NAL units), 5.7.1 (STAP-A), 5.8 (FU-A)
 * with ITU-T H.264 annex B (start codes); RFC 7741 4.2 (VP8's payload descriptor). */

/* More is no picture. */
#define MXR_PICTURE_UNIT_MAX_BYTES (4 << 20)

/* Fields are for reading. */
typedef struct {
  GByteArray *bytes;   /* H.264: NAL units, each behind a start code; VP8: the frame */
  bool is_keyframe;    /* a decoder can begin with it; H.264: it has a slice of an instantaneous decoder refresh */
  bool is_in_fragment; /* H.264: the last NAL unit has not ended */
} MxrPictureUnit;

void mxr_picture_unit_init (MxrPictureUnit *unit);
void mxr_picture_unit_clear (MxrPictureUnit *unit);

/** mxr_picture_unit_reset: Begins the next one, in the same memory. */
void mxr_picture_unit_reset (MxrPictureUnit *unit);

/**
 * mxr_picture_unit_add_h264:
 * @payload: of the next packet, without padding
 *
 * Returns: false when it is malformed, or the unit too large: then it is of no use.
 */
bool mxr_picture_unit_add_h264 (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes);
bool mxr_picture_unit_add_vp8 (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes);

#endif
