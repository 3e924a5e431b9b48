#include "rtp-private.h"

#include <string.h>

/* The most a client shall send, by REMB: draft-alvestrand-rmcat-remb-03. */

/* That there is no limit any more must arrive, or the client would keep to the last one for good. */
#define LIFTED_REPEATS 3
#define REMB_WORDS 3 /* "REMB", count and bitrate, one SSRC */
#define MANTISSA_BITS 18

void
mxr_rtp_receiver_set_max_bitrate (MxrRtpReceiver *receiver, guint bps)
{
  if (!receiver->config.remb || receiver->max_bps == bps)
    return;
  receiver->max_bps = bps;
  receiver->is_remb_pending = true;
  receiver->remb_repeats = bps != 0 ? G_MAXUINT : LIFTED_REPEATS;
}

/* The media SSRC is 0, the one concerned stands in the body. */
static void
add_remb (const MxrRtpReceiver *receiver, MxrRtcpWriter *writer)
{
  guint32 mantissa = receiver->max_bps != 0 ? receiver->max_bps : G_MAXUINT32;
  guint exponent = 0;
  guint8 *fci = mxr_rtcp_writer_add_feedback (writer, GST_RTCP_TYPE_PSFB, GST_RTCP_PSFB_TYPE_AFB, 0, REMB_WORDS);

  if (fci == NULL)
    return;
  while (mantissa >> MANTISSA_BITS != 0) {
    mantissa >>= 1;
    exponent++;
  }
  memcpy (fci, "REMB", 4);
  mxr_write_u32 (fci + 4, 1u << 24 | exponent << MANTISSA_BITS | mantissa);
  mxr_write_u32 (fci + 8, receiver->media.ssrc);
}

/* Within a report. */
void
mxr_rtp_receiver_repeat_max_bitrate (MxrRtpReceiver *receiver, MxrRtcpWriter *writer)
{
  if (receiver->remb_repeats == 0 || receiver->media.ssrc == 0)
    return;
  if (receiver->remb_repeats != G_MAXUINT)
    receiver->remb_repeats--;
  receiver->is_remb_pending = false;
  add_remb (receiver, writer);
}

bool
mxr_rtp_receiver_has_max_bitrate_due (const MxrRtpReceiver *receiver)
{
  return receiver->is_remb_pending && receiver->media.ssrc != 0;
}

void
mxr_rtp_receiver_poll_max_bitrate (MxrRtpReceiver *receiver)
{
  if (!mxr_rtp_receiver_has_max_bitrate_due (receiver))
    return;

  MxrRtcpWriter writer;
  mxr_rtcp_writer_begin_feedback (&writer, receiver->session);
  add_remb (receiver, &writer);
  mxr_rtcp_writer_send (&writer);
  receiver->is_remb_pending = false;
}
