#include "mixroom/rtp.h"

#include <gst/gst.h>

/* The first byte says how to cut the rest into packets, so that sequences of packets are tried too. */

#define RED 63

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What an uplink of sound does with it. */
static void
on_receive_rtp (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq, gint64 now_us, gpointer user_data)
{
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  const guint n = view->payload_type == RED ? mxr_red_parse (view->payload, view->payload_bytes, blocks) : 0;

  for (guint i = 0; i < n; i++)
    mxr_opus_has_fec (blocks[i].data, blocks[i].n_bytes);
  if (n > 0)
    g_assert_cmpuint (mxr_red_count_bytes (blocks, n), ==, view->payload_bytes);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const MxrRtpSessionConfig config = { .cname = "fuzz", .ssrc = 1, .reduced_size = true };
  static const MxrRtpSessionEvents events = { .on_receive_rtp = on_receive_rtp };
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
  const MxrRtpReceiverConfig audio = { .kind = MXR_RTP_AUDIO, .payload_type = 111, .clock_rate = 48000, .rtx_payload_type = -1,
                                       .red_payload_type = RED };

  gst_init (NULL, NULL); /* once: later calls return at once */
  g_autoptr (MxrRtpSession) session = mxr_rtp_session_new (&config, &events, NULL);
  mxr_rtp_session_add_receiver (session, &video);
  mxr_rtp_session_add_receiver (session, &audio);

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
