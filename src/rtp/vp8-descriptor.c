#include "rtp-private.h"

#include <string.h>

/* RFC 7741 4.2: the payload descriptor of VP8. */
enum {
  HAS_EXTENSION = 0x80, /* X; in the first octet */
  KEPT_BITS = 0x37,     /* N, S and the partition's number: they are the frame's */
  HAS_PICTURE_ID = 0x80, /* I; in the second */
  HAS_TL0PICIDX = 0x40,  /* L */
  HAS_TID_OR_KEYIDX = 0x30, /* T, K */
  IS_LONG = 0x80,           /* M; in the picture id */
};
#define OWN_DESCRIPTOR_BYTES 1

gsize
mxr_vp8_descriptor_bytes (const guint8 *payload, gsize n_bytes)
{
  gsize size = 1;

  if (n_bytes == 0 || (payload[0] & HAS_EXTENSION) == 0)
    return MIN (size, n_bytes);
  if (n_bytes < 2)
    return 0;
  const guint8 extension = payload[1];
  size++;
  if ((extension & HAS_PICTURE_ID) != 0) {
    if (n_bytes <= size)
      return 0;
    size += (payload[size] & IS_LONG) != 0 ? 2 : 1;
  }
  size += (extension & HAS_TL0PICIDX) != 0;
  size += (extension & HAS_TID_OR_KEYIDX) != 0;
  return size <= n_bytes ? size : 0;
}

MxrRtpPacket *
mxr_rtp_packet_new_vp8 (const MxrRtpView *view, bool keyframe)
{
  const gsize head = mxr_vp8_descriptor_bytes (view->payload, view->payload_bytes);
  const gsize rest = view->payload_bytes - head;

  if (head == 0 || rest == 0 || OWN_DESCRIPTOR_BYTES + rest > MXR_RTP_PAYLOAD_MAX_BYTES)
    return NULL;
  MxrRtpPacket *packet = mxr_rtp_packet_new (view, OWN_DESCRIPTOR_BYTES + rest, keyframe);
  packet->payload[0] = view->payload[0] & KEPT_BITS;
  memcpy (packet->payload + OWN_DESCRIPTOR_BYTES, view->payload + head, rest);
  return packet;
}
