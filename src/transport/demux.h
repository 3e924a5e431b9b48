#ifndef MXR_DEMUX_H
#define MXR_DEMUX_H

#include <glib.h>

/* What a datagram is, by its first bytes. Pure. */

typedef enum {
  MXR_PACKET_UNKNOWN,
  MXR_PACKET_STUN,
  MXR_PACKET_DTLS,
  MXR_PACKET_RTP,
  MXR_PACKET_RTCP,
} MxrPacketKind;

#define MXR_RTP_HEADER_BYTES 12 /* RFC 3550 5.1 */
#define MXR_RTCP_HEADER_BYTES 8 /* first header word and SSRC, RFC 3550 6.4 */

/**
 * mxr_demux_classify:
 *
 * Source: RFC 7983 7 (first byte), RFC 5761 4 (RTP or RTCP). Shorter than the kind's header: UNKNOWN.
 */
static inline MxrPacketKind
mxr_demux_classify (const guint8 *data, gsize size)
{
  if (size == 0)
    return MXR_PACKET_UNKNOWN;
  if (data[0] <= 3)
    return size >= 20 ? MXR_PACKET_STUN : MXR_PACKET_UNKNOWN;
  if (data[0] >= 20 && data[0] <= 63)
    return size >= 13 ? MXR_PACKET_DTLS : MXR_PACKET_UNKNOWN;
  if (data[0] < 128 || data[0] > 191 || size < MXR_RTCP_HEADER_BYTES)
    return MXR_PACKET_UNKNOWN;
  if (data[1] >= 192 && data[1] <= 223)
    return MXR_PACKET_RTCP;
  return size >= MXR_RTP_HEADER_BYTES ? MXR_PACKET_RTP : MXR_PACKET_UNKNOWN;
}

#endif
