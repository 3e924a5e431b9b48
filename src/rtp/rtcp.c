#include "rtp-private.h"

#include <string.h>

/* ---- Reading ------------------------------------------------------------------------------------------- */

/**
 * mxr_rtcp_normalise:
 * @out_is_whole: (out): there was nothing malformed
 *
 * Takes padding and packets of unknown types out of a compound packet in place, because GStreamer stops
 * reading at either. But RFC 3550 6.1 wants unknown types ignored, and libwebrtc pads its transport-wide
 * feedback wherever it stands, and to bytes: padding of no whole words is left to the feedback's own reader.
 *
 * Returns: bytes of the packets up to the first malformed one.
 */
gsize
mxr_rtcp_normalise (guint8 *data, gsize size, bool *out_is_whole)
{
  gsize read = 0, written = 0;

  while (size - read >= 4) {
    guint8 *packet = data + read;
    const gsize bytes = 4 * ((gsize) mxr_read_u16 (packet + 2) + 1);
    if (packet[0] >> 6 != 2 || bytes > size - read)
      break;

    const gsize padding = (packet[0] & 0x20) != 0 ? packet[bytes - 1] : 0;
    if ((packet[0] & 0x20) != 0 && (padding == 0 || padding > bytes - 4))
      break;
    const bool is_known = packet[1] >= GST_RTCP_TYPE_SR && packet[1] <= GST_RTCP_TYPE_XR;
    const gsize kept = !is_known ? 0 : padding % 4 == 0 ? bytes - padding : bytes;
    packet[0] &= (guint8) ~0x20;
    mxr_write_u16 (packet + 2, (guint16) (kept / 4 - 1));
    memmove (data + written, packet, kept);
    written += kept;
    read += bytes;
  }
  *out_is_whole = read == size;
  return written;
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

void
mxr_rtcp_writer_begin (MxrRtcpWriter *writer, MxrRtpSession *session)
{
  *writer = (MxrRtcpWriter){ .session = session };
  /* GStreamer writes one of a description's up to four zeros at its end. */
  memset (session->rtcp_out_bytes, 0, sizeof session->rtcp_out_bytes);
  gst_buffer_set_size (session->rtcp_out, 0);
  gst_rtcp_buffer_map (session->rtcp_out, GST_MAP_READWRITE, &writer->rtcp);
}

/* RFC 5506: feedback alone where the client agreed; else RFC 4585 3.1's minimal compound packet around it. */
void
mxr_rtcp_writer_begin_feedback (MxrRtcpWriter *writer, MxrRtpSession *session)
{
  GstRTCPPacket packet;

  mxr_rtcp_writer_begin (writer, session);
  if (session->config.reduced_size)
    return;
  if (gst_rtcp_buffer_add_packet (&writer->rtcp, GST_RTCP_TYPE_RR, &packet))
    gst_rtcp_packet_rr_set_ssrc (&packet, session->config.ssrc);
  mxr_rtcp_writer_add_sdes (writer, session->config.ssrc);
}

/* One description a packet: gst_rtcp_packet_sdes_add_item() gets the place of a second item wrong. */
void
mxr_rtcp_writer_add_sdes (MxrRtcpWriter *writer, guint32 ssrc)
{
  const char *cname = writer->session->cname;
  GstRTCPPacket packet;

  if (!gst_rtcp_buffer_add_packet (&writer->rtcp, GST_RTCP_TYPE_SDES, &packet))
    return;
  gst_rtcp_packet_sdes_add_item (&packet, ssrc);
  gst_rtcp_packet_sdes_add_entry (&packet, GST_RTCP_SDES_CNAME, (guint8) strlen (cname),
                                  (const guint8 *) cname);
}

/* Returns: (nullable): @n_words x 4 zeroed bytes to be filled; %NULL also when @n_words is 0 or there is no
 * room */
guint8 *
mxr_rtcp_writer_add_feedback (MxrRtcpWriter *writer, GstRTCPType type, GstRTCPFBType format,
                              guint32 media_ssrc, guint n_words)
{
  GstRTCPPacket packet;

  if (!gst_rtcp_buffer_add_packet (&writer->rtcp, type, &packet))
    return NULL;
  gst_rtcp_packet_fb_set_type (&packet, format);
  gst_rtcp_packet_fb_set_sender_ssrc (&packet, writer->session->config.ssrc);
  gst_rtcp_packet_fb_set_media_ssrc (&packet, media_ssrc);
  if (n_words == 0 || !gst_rtcp_packet_fb_set_fci_length (&packet, (guint16) n_words))
    return NULL;
  return gst_rtcp_packet_fb_get_fci (&packet);
}

void
mxr_rtcp_writer_send (MxrRtcpWriter *writer)
{
  MxrRtpSession *session = writer->session;

  gst_rtcp_buffer_unmap (&writer->rtcp);
  session->stats.rtcp_packets_sent++;
  if (session->events->on_send_rtcp != NULL)
    session->events->on_send_rtcp (session, session->rtcp_out_bytes, gst_buffer_get_size (session->rtcp_out),
                                   session->user_data);
}
