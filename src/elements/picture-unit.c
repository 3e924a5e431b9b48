#include "picture-unit.h"

#include "mixroom/rtp.h"

enum { NAL_IDR = 5, NAL_SINGLE_MAX = 23, NAL_STAP_A = 24, NAL_FU_A = 28 };

#define TYPE_MASK 0x1f
#define FU_START 0x80
#define FU_END 0x40

static const guint8 start_code[] = { 0, 0, 0, 1 };

void
mxr_picture_unit_init (MxrPictureUnit *unit)
{
  *unit = (MxrPictureUnit){ .bytes = g_byte_array_new () };
}

void
mxr_picture_unit_clear (MxrPictureUnit *unit)
{
  g_byte_array_unref (unit->bytes);
}

void
mxr_picture_unit_reset (MxrPictureUnit *unit)
{
  g_byte_array_set_size (unit->bytes, 0);
  unit->is_keyframe = unit->is_in_fragment = false;
}

/* ---- H.264 ------------------------------------------------------------------------------------------------ */

static void
begin_nal (MxrPictureUnit *unit, guint8 header)
{
  g_byte_array_append (unit->bytes, start_code, sizeof start_code);
  g_byte_array_append (unit->bytes, &header, 1);
  unit->is_keyframe |= (header & TYPE_MASK) == NAL_IDR;
}

/* Types that are nobody's, or not negotiated, are to be left out. */
static void
add_whole (MxrPictureUnit *unit, const guint8 *nal, gsize n_bytes)
{
  const guint type = nal[0] & TYPE_MASK;

  if (type == 0 || type > NAL_SINGLE_MAX)
    return;
  begin_nal (unit, nal[0]);
  g_byte_array_append (unit->bytes, nal + 1, (guint) n_bytes - 1);
}

static bool
add_aggregate (MxrPictureUnit *unit, const guint8 *at, const guint8 *end)
{
  for (gsize n_bytes; at < end; at += n_bytes) {
    if (end - at < 2)
      return false;
    n_bytes = (gsize) at[0] << 8 | at[1];
    at += 2;
    if (n_bytes == 0 || n_bytes > (gsize) (end - at))
      return false;
    add_whole (unit, at, n_bytes);
  }
  return true;
}

/* A NAL unit's header is parted between both bytes of each fragment's. */
static bool
add_fragment (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes)
{
  if (n_bytes < 2 || ((payload[1] & FU_START) != 0) == unit->is_in_fragment)
    return false;
  if (!unit->is_in_fragment)
    begin_nal (unit, (guint8) ((payload[0] & ~TYPE_MASK) | (payload[1] & TYPE_MASK)));
  unit->is_in_fragment = (payload[1] & FU_END) == 0;
  g_byte_array_append (unit->bytes, payload + 2, (guint) n_bytes - 2);
  return true;
}

bool
mxr_picture_unit_add_h264 (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes)
{
  const guint type = n_bytes > 0 ? payload[0] & TYPE_MASK : 0;

  /* Start codes make small units larger: a byte and its size become five. */
  if (n_bytes == 0 || unit->bytes->len + 2 * n_bytes > MXR_PICTURE_UNIT_MAX_BYTES)
    return false;
  if (type == NAL_FU_A)
    return add_fragment (unit, payload, n_bytes);
  if (unit->is_in_fragment)
    return false;
  if (type == NAL_STAP_A)
    return add_aggregate (unit, payload + 1, payload + n_bytes);
  add_whole (unit, payload, n_bytes);
  return true;
}

/* ---- VP8 --------------------------------------------------------------------------------------------------- */

enum { VP8_IS_START = 0x10, VP8_PARTITION = 0x07, VP8_IS_INTERFRAME = 0x01 };

/* RFC 6386 9.1: the first bit of a frame says what it is. */
bool
mxr_picture_unit_add_vp8 (MxrPictureUnit *unit, const guint8 *payload, gsize n_bytes)
{
  const gsize head = mxr_vp8_descriptor_bytes (payload, n_bytes);
  const bool is_first = unit->bytes->len == 0;

  if (head == 0 || head == n_bytes || unit->bytes->len + n_bytes > MXR_PICTURE_UNIT_MAX_BYTES)
    return false;
  if (is_first != ((payload[0] & VP8_IS_START) != 0 && (payload[0] & VP8_PARTITION) == 0))
    return false;
  if (is_first)
    unit->is_keyframe = (payload[head] & VP8_IS_INTERFRAME) == 0;
  g_byte_array_append (unit->bytes, payload + head, (guint) (n_bytes - head));
  return true;
}
