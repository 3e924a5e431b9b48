#include "mixroom/rtp.h"

#include <gst/gst.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static guint8 *
on_reserve_rtp (MxrRtpSender *sender, gpointer user_data)
{
  return user_data;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const guint8 rtp[] = { 0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 'x' };
  const MxrRtpSessionConfig config = { .cname = "fuzz", .ssrc = 1, .start_bps = 500000, .min_bps = 30000, .max_bps = 5000000 };
  const MxrRtpSessionEvents events = { .on_reserve_rtp = on_reserve_rtp };
  guint8 out[MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES];
  const MxrRtpReceiverConfig uplink = {
    .payload_type = 96, .clock_rate = 90000, .rtx_payload_type = -1, .ssrc = 9
  };
  const MxrRtpSenderConfig downlink = { .kind = MXR_RTP_VIDEO,
                                        .ssrc = 2,
                                        .payload_type = 96,
                                        .clock_rate = 90000,
                                        .rtx_ssrc = 3,
                                        .rtx_payload_type = 97,
                                        .transport_seq_id = 3,
                                        .history_packets = 16 };

  gst_init (NULL, NULL); /* once: later calls return at once */
  g_autoptr (MxrRtpSession) session = mxr_rtp_session_new (&config, &events, out);
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, TRUE);

  mxr_rtp_session_add_receiver (session, &uplink);
  mxr_rtp_sender_send (mxr_rtp_session_add_sender (session, &downlink), packet, session, 1);
  mxr_rtp_session_want_bitrate (session, 2000000);
  mxr_rtp_session_receive_rtcp (session, data, size, G_USEC_PER_SEC);
  for (gint64 now_us = G_USEC_PER_SEC; now_us < 3 * G_USEC_PER_SEC; now_us += G_USEC_PER_SEC / 100) /* probes, too */
    mxr_rtp_session_poll (session, now_us);
  return 0;
}
