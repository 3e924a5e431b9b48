#include "mixroom/rtp.h"

#include "bytes.h"

#include <string.h>

#define FIXED_HEADER_BYTES 12
#define PROFILE_ONE_BYTE 0xBEDE
#define PROFILE_TWO_BYTE 0x1000 /* the low four bits are the application's */

/* The header extension of RFC 3550 5.3.1: profile, length in words, elements. */
static bool
parse_extension (MxrRtpView *view)
{
  const gsize start = view->header_bytes;
  if (view->size < start + 4)
    return false;

  const gsize bytes = 4 * (gsize) mxr_read_u16 (view->data + start + 2);
  if (view->size < start + 4 + bytes)
    return false;

  view->extension_profile = mxr_read_u16 (view->data + start);
  view->extension = view->data + start + 4;
  view->extension_bytes = bytes;
  view->header_bytes += 4 + bytes;
  return true;
}

bool
mxr_rtp_view_parse (MxrRtpView *out_view, const guint8 *data, gsize size)
{
  if (size < FIXED_HEADER_BYTES || data[0] >> 6 != 2)
    return false;

  MxrRtpView view = {
    .data = data,
    .size = size,
    .header_bytes = FIXED_HEADER_BYTES + 4 * (data[0] & 0x0f),
    .marker = data[1] >> 7,
    .payload_type = data[1] & 0x7f,
    .seq = mxr_read_u16 (data + 2),
    .timestamp = mxr_read_u32 (data + 4),
    .ssrc = mxr_read_u32 (data + 8),
  };
  if (view.header_bytes > size)
    return false;
  if ((data[0] & 0x10) != 0 && !parse_extension (&view))
    return false;

  const gsize padding_bytes = (data[0] & 0x20) != 0 ? data[size - 1] : 0;
  if ((data[0] & 0x20) != 0 && (padding_bytes == 0 || padding_bytes > size - view.header_bytes))
    return false;

  view.payload = data + view.header_bytes;
  view.payload_bytes = size - view.header_bytes - padding_bytes;
  *out_view = view;
  return true;
}

/* Reads the element at @offset of either form. Returns false at the end of what may be read. @out_id is 0 for
 * padding, which is one byte long. */
static bool
read_element (const MxrRtpView *view, gsize offset, guint8 *out_id, gsize *out_start, gsize *out_bytes)
{
  const guint8 *element = view->extension + offset;
  const gsize left = view->extension_bytes - offset;
  const bool is_one_byte = view->extension_profile == PROFILE_ONE_BYTE;

  *out_id = is_one_byte ? element[0] >> 4 : element[0];
  *out_start = offset + 1;
  *out_bytes = 0;
  if (element[0] == 0)
    return true;
  if (is_one_byte && (*out_id == 0 || *out_id == 15)) /* RFC 8285 4.2: ends all processing */
    return false;
  if (!is_one_byte && left < 2)
    return false;

  *out_start = offset + (is_one_byte ? 1 : 2);
  *out_bytes = is_one_byte ? (element[0] & 0x0fu) + 1u : element[1];
  return *out_start + *out_bytes <= view->extension_bytes;
}

bool
mxr_rtp_view_get_extension (const MxrRtpView *view, guint8 id, const guint8 **out_data, gsize *out_bytes)
{
  const bool has_elements =
      view->extension_profile == PROFILE_ONE_BYTE || (view->extension_profile & 0xfff0) == PROFILE_TWO_BYTE;
  if (id == 0 || view->extension == NULL || !has_elements)
    return false;

  guint8 found;
  gsize start, bytes;
  for (gsize offset = 0; offset < view->extension_bytes; offset = start + bytes) {
    if (!read_element (view, offset, &found, &start, &bytes))
      return false;
    if (found == id) {
      *out_data = view->extension + start;
      *out_bytes = bytes;
      return true;
    }
  }
  return false;
}

bool
mxr_rtp_view_get_audio_level (const MxrRtpView *view, guint8 id, int *out_level_dbov, bool *out_voice)
{
  const guint8 *data;
  gsize bytes;
  if (!mxr_rtp_view_get_extension (view, id, &data, &bytes) || bytes < 1)
    return false;

  *out_level_dbov = -(data[0] & 0x7f);
  *out_voice = data[0] >> 7;
  return true;
}

bool
mxr_rtp_view_get_orientation (const MxrRtpView *view, guint8 id, guint *out_rotation_deg, bool *out_flip)
{
  const guint8 *data;
  gsize bytes;
  if (!mxr_rtp_view_get_extension (view, id, &data, &bytes) || bytes < 1)
    return false;

  *out_rotation_deg = 90u * (data[0] & 0x03u);
  *out_flip = (data[0] & 0x04) != 0;
  return true;
}

bool
mxr_rtp_view_get_mid (const MxrRtpView *view, guint8 id, char out_mid[MXR_RTP_MID_MAX_BYTES + 1])
{
  const guint8 *data;
  gsize bytes;
  if (!mxr_rtp_view_get_extension (view, id, &data, &bytes) || bytes < 1 || bytes > MXR_RTP_MID_MAX_BYTES)
    return false;
  for (gsize i = 0; i < bytes; i++)
    if (!g_ascii_isgraph (data[i]))
      return false;

  memcpy (out_mid, data, bytes);
  out_mid[bytes] = '\0';
  return true;
}

bool
mxr_rtp_view_get_transport_seq (const MxrRtpView *view, guint8 id, guint16 *out_seq)
{
  const guint8 *data;
  gsize bytes;
  if (!mxr_rtp_view_get_extension (view, id, &data, &bytes) || bytes < 2)
    return false;

  *out_seq = mxr_read_u16 (data);
  return true;
}

bool
mxr_is_rtcp (const guint8 *data, gsize size)
{
  return size >= 4 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}
