#include "keyframe-start.h"

#include "mixroom/rtp.h"

#include <string.h>

#include "h264-size.h"

/* RFC 6184 5.2, 5.4 */
enum { NAL_SPS = 7, NAL_STAP_A = 24 };
/* RFC 6386 9.1: frame tag, start code, width and height. */
#define VP8_KEYFRAME_HEADER_BYTES 10

/* The first packet of the first partition, with a frame header that says "not inverse of key". */
static bool
is_vp8_start (const guint8 *payload, gsize n_bytes)
{
  gsize header = mxr_vp8_descriptor_bytes (payload, n_bytes);
  bool begins_frame = (payload[0] & 0x17) == 0x10;
  return header > 0 && header < n_bytes && begins_frame && (payload[header] & 1) == 0;
}

/* Returns: (nullable): the first sequence parameter set. RFC 6184 5.6; 5.7.1: units of 16 bits of size and a NAL each. */
static const guint8 *
find_sps (const guint8 *payload, gsize n_bytes, gsize *out_bytes)
{
  *out_bytes = n_bytes;
  if ((payload[0] & 31) == NAL_SPS)
    return payload;
  if ((payload[0] & 31) != NAL_STAP_A)
    return NULL;
  for (gsize at = 1; at + 3 <= n_bytes;) {
    gsize size = (gsize) (payload[at] << 8 | payload[at + 1]);
    at += 2;
    *out_bytes = MIN (size, n_bytes - at);
    if ((payload[at] & 31) == NAL_SPS)
      return payload + at;
    at += size;
  }
  return NULL;
}

bool
mxr_is_keyframe_start (const char *codec, const guint8 *payload, gsize n_bytes)
{
  if (n_bytes == 0)
    return false;
  if (strcmp (codec, "VP8") == 0)
    return is_vp8_start (payload, n_bytes);
  gsize sps_bytes;
  return strcmp (codec, "H264") == 0 && find_sps (payload, n_bytes, &sps_bytes) != NULL;
}

static bool
read_vp8_size (const guint8 *payload, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  gsize header = mxr_vp8_descriptor_bytes (payload, n_bytes);

  if (header == 0 || n_bytes < header + VP8_KEYFRAME_HEADER_BYTES)
    return false;
  const guint8 *frame = payload + header;
  if (frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a)
    return false;
  *out_width_px = (guint) (frame[6] | frame[7] << 8) & 0x3fff; /* above are two bits of scaling */
  *out_height_px = (guint) (frame[8] | frame[9] << 8) & 0x3fff;
  return true;
}

bool
mxr_read_keyframe_size (const char *codec, const guint8 *payload, gsize n_bytes, guint *out_width_px,
                        guint *out_height_px)
{
  gsize sps_bytes;

  if (n_bytes == 0)
    return false;
  if (strcmp (codec, "VP8") == 0)
    return read_vp8_size (payload, n_bytes, out_width_px, out_height_px);
  const guint8 *sps = find_sps (payload, n_bytes, &sps_bytes);
  return sps != NULL && mxr_h264_read_size (sps, sps_bytes, out_width_px, out_height_px);
}
