#ifndef MXR_H264_UNIT_H
#define MXR_H264_UNIT_H

#include <glib.h>
#include <stdbool.h>

/* The packets of a picture in H.264 as the access unit that decoders take. Source: RFC 6184 5.6 (single NAL units), 5.7.1
 * (STAP-A), 5.8 (FU-A); ITU-T H.264 annex B (start codes). Interleaved mode is not offered, so its packets are malformed. */

/* More is no picture. */
#define MXR_H264_UNIT_MAX_BYTES (4 << 20)

/* Fields are for reading. */
typedef struct {
  GByteArray *bytes;   /* NAL units, each behind a start code */
  bool has_idr;        /* a slice of an instantaneous decoder refresh: what a decoder can begin with */
  bool is_in_fragment; /* the last NAL unit has not ended */
} MxrH264Unit;

void mxr_h264_unit_init (MxrH264Unit *unit);
void mxr_h264_unit_clear (MxrH264Unit *unit);

/** mxr_h264_unit_reset: Begins the next one, in the same memory. */
void mxr_h264_unit_reset (MxrH264Unit *unit);

/**
 * mxr_h264_unit_add:
 * @payload: of the next packet, without padding
 *
 * Returns: false when it is malformed, or the unit too large: then it is of no use.
 */
bool mxr_h264_unit_add (MxrH264Unit *unit, const guint8 *payload, gsize n_bytes);

#endif
