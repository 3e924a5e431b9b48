#include "rtp-private.h"

#include <string.h>

#define NACK_PAIR_BYTES 4
#define FIR_ENTRY_BYTES 8
#define REMB_HEADER_BYTES 8

static MxrRtpSender *
find_sender (const MxrRtpSession *session, guint32 ssrc)
{
  for (guint i = 0; i < session->n_senders; i++)
    if (session->senders[i]->config.ssrc == ssrc)
      return session->senders[i];
  return NULL;
}

/* RFC 4585 6.2.1. */
static void
read_nack (MxrRtpSender *sender, const guint8 *fci, gsize bytes, gint64 now_us)
{
  for (; bytes >= NACK_PAIR_BYTES; fci += NACK_PAIR_BYTES, bytes -= NACK_PAIR_BYTES) {
    const guint16 pid = mxr_read_u16 (fci), blp = mxr_read_u16 (fci + 2);
    mxr_rtp_sender_retransmit (sender, pid, now_us);
    for (guint i = 0; i < 16; i++)
      if ((blp >> i & 1) != 0)
        mxr_rtp_sender_retransmit (sender, (guint16) (pid + i + 1), now_us);
  }
}

/* RFC 5104 4.3.1: the media SSRC of the packet is unused; a repeated number is a repeated request. */
static void
read_fir (MxrRtpSession *session, const guint8 *fci, gsize bytes)
{
  for (; bytes >= FIR_ENTRY_BYTES; fci += FIR_ENTRY_BYTES, bytes -= FIR_ENTRY_BYTES) {
    MxrRtpSender *sender = find_sender (session, mxr_read_u32 (fci));
    if (sender == NULL || sender->fir_seq == fci[4])
      continue;
    sender->fir_seq = fci[4];
    sender->stats.firs_received++;
    sender->is_keyframe_wanted = true;
  }
}

/* draft-alvestrand-rmcat-remb-03 2.2: "REMB", number of SSRCs, 6 bits exponent, 18 bits mantissa. */
static void
read_remb (MxrRtpSession *session, const guint8 *fci, gsize bytes, gint64 now_us)
{
  if (bytes < REMB_HEADER_BYTES || memcmp (fci, "REMB", 4) != 0)
    return;
  const guint exponent = fci[5] >> 2;
  const guint64 mantissa = mxr_read_u24 (fci + 5) & 0x3ffff;
  /* Above 2^63 bit/s it says "no limit" as well as the largest number does. */
  session->stats.remb_bps = exponent > 45 ? G_MAXINT64 : mantissa << exponent;
  mxr_rtp_downlink_remb (session, session->stats.remb_bps, now_us);
}

static void
read_transport_feedback (MxrRtpSession *session, const guint8 *fci, gsize bytes, gint64 now_us)
{
  MxrTwccReader reader;
  if (!mxr_twcc_reader_init (&reader, fci, bytes) || !mxr_rtp_downlink_feedback (session, fci, bytes, now_us)) {
    session->stats.dropped_malformed_rtcp++;
    return;
  }
  session->stats.feedback_received++;
  session->stats.feedback_acked += reader.n_acked;
  session->stats.feedback_lost += reader.n_lost;
}

/* @packet: RTPFB or PSFB */
void
mxr_rtp_session_read_feedback (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us)
{
  const bool is_transport = gst_rtcp_packet_get_type (packet) == GST_RTCP_TYPE_RTPFB;
  const GstRTCPFBType format = gst_rtcp_packet_fb_get_type (packet);
  const gsize bytes = 4 * (gsize) gst_rtcp_packet_fb_get_fci_length (packet);
  const guint8 *fci = gst_rtcp_packet_fb_get_fci (packet);
  MxrRtpSender *sender = find_sender (session, gst_rtcp_packet_fb_get_media_ssrc (packet));

  if (is_transport && format == GST_RTCP_RTPFB_TYPE_TWCC) {
    read_transport_feedback (session, fci, bytes, now_us);
  } else if (is_transport && format == GST_RTCP_RTPFB_TYPE_NACK && sender != NULL) {
    read_nack (sender, fci, bytes, now_us);
  } else if (!is_transport && format == GST_RTCP_PSFB_TYPE_PLI && sender != NULL) {
    sender->stats.plis_received++;
    sender->is_keyframe_wanted = true;
  } else if (!is_transport && format == GST_RTCP_PSFB_TYPE_FIR) {
    read_fir (session, fci, bytes);
  } else if (!is_transport && format == GST_RTCP_PSFB_TYPE_AFB) {
    read_remb (session, fci, bytes, now_us);
  }
}
