#include "mixroom/rtp.h"

#include <gst/gst.h>

/* The first byte says how to cut the rest into packets, so that sequences of packets are tried too. */

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const MxrRtpSessionConfig config = { .cname = "fuzz", .ssrc = 1, .reduced_size = true };
  const MxrRtpSessionEvents events = { NULL };
  const MxrRtpReceiverConfig video = {
    .kind = MXR_RTP_VIDEO,
    .mid = "0",
    .payload_type = 96,
    .clock_rate = 90000,
    .rtx_payload_type = 97,
    .mid_id = 1,
    .transport_seq_id = 3,
    .nack = true,
    .pli = true,
    .transport_cc = true,
  };

  gst_init (NULL, NULL); /* once: later calls return at once */
  g_autoptr (MxrRtpSession) session = mxr_rtp_session_new (&config, &events, NULL);
  mxr_rtp_session_add_receiver (session, &video);

  const gsize piece_bytes = size > 0 && data[0] > 12 ? data[0] : G_MAXSIZE;
  gint64 now_us = G_USEC_PER_SEC;
  for (gsize at = 1; at < size; now_us += 20000) {
    const gsize bytes = MIN (piece_bytes, size - at);
    g_autofree guint8 *packet = g_memdup2 (data + at, bytes);
    mxr_rtp_session_receive_rtp (session, packet, bytes, now_us);
    mxr_rtp_session_poll (session, now_us);
    at += bytes;
  }
  return 0;
}
