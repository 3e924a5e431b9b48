#include "rtp-private.h"

#include <string.h>

MxrRtpPacket *
mxr_rtp_packet_new (const MxrRtpView *view, gsize payload_bytes, bool keyframe)
{
  MxrRtpPacket *packet = g_malloc (sizeof *packet + payload_bytes);

  g_atomic_ref_count_init (&packet->refs);
  packet->aggregate = NULL;
  packet->n_frames = 1;
  packet->pushed_us = 0;
  packet->number = 0;
  packet->timestamp = view->timestamp;
  packet->seq = view->seq;
  packet->payload_bytes = (guint16) payload_bytes;
  packet->marker = view->marker;
  packet->is_keyframe_start = keyframe;
  return packet;
}

MxrRtpPacket *
mxr_rtp_packet_new_from_rtp (const guint8 *rtp, gsize size, gboolean keyframe)
{
  MxrRtpView view;
  if (!mxr_rtp_view_parse (&view, rtp, size))
    return NULL;
  if (view.payload_bytes == 0 || view.payload_bytes > MXR_RTP_PAYLOAD_MAX_BYTES)
    return NULL;

  MxrRtpPacket *packet = mxr_rtp_packet_new (&view, view.payload_bytes, keyframe);
  memcpy (packet->payload, view.payload, view.payload_bytes);
  return packet;
}

MxrRtpPacket *
mxr_rtp_packet_copy (const MxrRtpPacket *packet, guint32 timestamp)
{
  MxrRtpPacket *copy = g_memdup2 (packet, sizeof *packet + packet->payload_bytes);

  g_atomic_ref_count_init (&copy->refs);
  copy->aggregate = NULL;
  copy->timestamp = timestamp;
  return copy;
}

MxrRtpPacket *
mxr_rtp_packet_ref (MxrRtpPacket *packet)
{
  g_atomic_ref_count_inc (&packet->refs);
  return packet;
}

void
mxr_rtp_packet_unref (MxrRtpPacket *packet)
{
  if (!g_atomic_ref_count_dec (&packet->refs))
    return;
  g_clear_pointer (&packet->aggregate, mxr_rtp_packet_unref);
  g_free (packet);
}
