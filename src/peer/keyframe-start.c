#include "keyframe-start.h"

#include "mixroom/rtp.h"

#include <string.h>

#include "h264-size.h"

/* RFC 6184 5.2, 5.4 */
enum { NAL_SPS = 7, NAL_STAP_A = 24, NAL_STAP_B = 25, NAL_FU_A = 28, NAL_FU_B = 29 };
#define FU_START 0x80
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

static guint
get_nal_type (guint8 byte)
{
  return byte & 31;
}

/* RFC 6184 5.7: aggregation units are 16 bits of size and a NAL each; in a STAP-B a decoding order number comes first.
 * @at: (inout): where to look from; behind what was found. Returns: (nullable): the next sequence parameter set. */
static const guint8 *
next_aggregated_sps (const guint8 *payload, gsize n_bytes, gsize *at, gsize *out_bytes)
{
  while (*at + 3 <= n_bytes) {
    const gsize size = (gsize) (payload[*at] << 8 | payload[*at + 1]);
    const guint8 *nal = payload + *at + 2;
    *out_bytes = MIN (size, n_bytes - *at - 2);
    *at += 2 + size;
    if (get_nal_type (nal[0]) == NAL_SPS)
      return nal;
  }
  return NULL;
}

/* As next_aggregated_sps(), of any packet; @at is 0 at first. RFC 6184 5.6, 5.8: of a fragmented one nothing can be read
 * here, and no encoder makes such. */
static const guint8 *
next_sps (const guint8 *payload, gsize n_bytes, gsize *at, gsize *out_bytes)
{
  const guint type = get_nal_type (payload[0]);
  const bool is_first = *at == 0;

  if (type == NAL_STAP_A || type == NAL_STAP_B) {
    *at = is_first ? (type == NAL_STAP_A ? 1 : 3) : *at;
    return next_aggregated_sps (payload, n_bytes, at, out_bytes);
  }
  const bool is_fragment = (type == NAL_FU_A || type == NAL_FU_B) && n_bytes > 1 && (payload[1] & FU_START) != 0 &&
                           get_nal_type (payload[1]) == NAL_SPS;
  if (!is_first || (type != NAL_SPS && !is_fragment))
    return NULL;
  *at = n_bytes;
  *out_bytes = is_fragment ? 0 : n_bytes;
  return payload;
}

bool
mxr_is_keyframe_start (const char *codec, const guint8 *payload, gsize n_bytes)
{
  if (n_bytes == 0)
    return false;
  if (strcmp (codec, "VP8") == 0)
    return is_vp8_start (payload, n_bytes);
  gsize at = 0, sps_bytes;
  return strcmp (codec, "H264") == 0 && next_sps (payload, n_bytes, &at, &sps_bytes) != NULL;
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

static bool
read_h264_size (const guint8 *payload, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  guint largest_width_px = 0, largest_height_px = 0, width_px, height_px;
  gsize at = 0, sps_bytes;

  for (const guint8 *sps; (sps = next_sps (payload, n_bytes, &at, &sps_bytes)) != NULL;) {
    if (!mxr_h264_read_size (sps, sps_bytes, &width_px, &height_px))
      return false;
    largest_width_px = MAX (largest_width_px, width_px);
    largest_height_px = MAX (largest_height_px, height_px);
  }
  if (largest_width_px == 0)
    return false;
  *out_width_px = largest_width_px;
  *out_height_px = largest_height_px;
  return true;
}

bool
mxr_read_keyframe_size (const char *codec, const guint8 *payload, gsize n_bytes, guint *out_width_px,
                        guint *out_height_px)
{
  if (n_bytes == 0)
    return false;
  if (strcmp (codec, "VP8") == 0)
    return read_vp8_size (payload, n_bytes, out_width_px, out_height_px);
  return strcmp (codec, "H264") == 0 && read_h264_size (payload, n_bytes, out_width_px, out_height_px);
}

/* Returns: (nullable): the first one of the packet. */
static const guint8 *
find_sps (const char *codec, const guint8 *payload, gsize n_bytes, gsize *out_bytes)
{
  gsize at = 0;
  return strcmp (codec, "H264") == 0 && n_bytes > 0 ? next_sps (payload, n_bytes, &at, out_bytes) : NULL;
}

bool
mxr_read_shown_size (const char *codec, const guint8 *payload, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  gsize sps_bytes;
  const guint8 *sps = find_sps (codec, payload, n_bytes, &sps_bytes);

  return sps != NULL ? mxr_h264_read_shown_size (sps, sps_bytes, out_width_px, out_height_px)
                     : mxr_read_keyframe_size (codec, payload, n_bytes, out_width_px, out_height_px);
}

guint
mxr_read_h264_profile (const char *codec, const guint8 *payload, gsize n_bytes)
{
  gsize sps_bytes;
  const guint8 *sps = find_sps (codec, payload, n_bytes, &sps_bytes);

  return sps != NULL && sps_bytes >= 4 ? (guint) (sps[1] << 16 | sps[2] << 8 | sps[3]) : 0;
}
