#ifndef MXR_RTP_BYTES_H
#define MXR_RTP_BYTES_H

#include <glib.h>

/* Numbers in network order at any address: GStreamer's macros use aligned accesses where the processor allows
 * more, which the language does not, and extension elements start anywhere. */

static inline guint16
mxr_read_u16 (const guint8 *data)
{
  return (guint16) (data[0] << 8 | data[1]);
}

static inline guint32
mxr_read_u24 (const guint8 *data)
{
  return (guint32) data[0] << 16 | (guint32) data[1] << 8 | data[2];
}

static inline guint32
mxr_read_u32 (const guint8 *data)
{
  return (guint32) data[0] << 24 | mxr_read_u24 (data + 1);
}

static inline void
mxr_write_u16 (guint8 *out, guint16 value)
{
  out[0] = (guint8) (value >> 8);
  out[1] = (guint8) value;
}

static inline void
mxr_write_u24 (guint8 *out, guint32 value)
{
  out[0] = (guint8) (value >> 16);
  mxr_write_u16 (out + 1, (guint16) value);
}

static inline void
mxr_write_u32 (guint8 *out, guint32 value)
{
  mxr_write_u16 (out, (guint16) (value >> 16));
  mxr_write_u16 (out + 2, (guint16) value);
}

#endif
