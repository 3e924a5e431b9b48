#include "rtp-private.h"

/* A burst repairs half a second of a 720p stream; beyond the rate the path is what is broken, and more
 * packets do not mend it. A packet is at most MXR_PACKET_MAX_BYTES, so this is 6 Mbit/s. */
#define RTX_PACKETS_PER_SECOND 500
#define RTX_PACKETS_BURST 256
#define REPEAT_MIN_US (10 * 1000)
#define REPEAT_MAX_US (300 * 1000)

static bool
has_rtx (const MxrRtpSender *sender)
{
  return sender->config.rtx_payload_type >= 0 && sender->config.rtx_ssrc != 0;
}

/* What may be sent again now; %NULL else. */
static MxrHistoryEntry *
find_repeatable (MxrRtpSender *sender, guint16 seq, gint64 now_us)
{
  const gint64 pause_us = CLAMP (mxr_rtp_session_get_rtt_us (sender->session), REPEAT_MIN_US, REPEAT_MAX_US);
  MxrHistoryEntry *entry = mxr_history_find (&sender->history, mxr_seq_nearest (sender->last_index, seq));

  if (entry == NULL || (entry->repeated_us != 0 && now_us - entry->repeated_us < pause_us))
    return NULL;
  /* The RTX payload type stands for another one by now. */
  if (entry->payload_type != (entry->n_redundant > 0 ? sender->config.red_payload_type : sender->config.payload_type))
    return NULL;
  if (!has_rtx (sender) && !mxr_red_can_write (sender, entry))
    return NULL;
  if (!mxr_bucket_take (&sender->rtx_bucket, RTX_PACKETS_PER_SECOND, RTX_PACKETS_BURST, now_us))
    return NULL;
  return entry;
}

/* RFC 4588 4: a retransmission is a packet of its own stream with a transport-wide number of its own. Without
 * RTX it is the same packet byte by byte, or SRTP would encrypt two packets with one key stream. */
void
mxr_rtp_sender_retransmit (MxrRtpSender *sender, guint16 seq, gint64 now_us)
{
  MxrRtpSession *session = sender->session;
  guint8 *out = mxr_rtp_session_reserve (session, sender);
  MxrHistoryEntry *entry = out != NULL ? find_repeatable (sender, seq, now_us) : NULL;

  sender->stats.nacks_received++;
  if (entry == NULL) {
    sender->stats.nacks_unanswered++;
    return;
  }
  entry->repeated_us = now_us;

  MxrHistoryEntry repeated = *entry;
  if (has_rtx (sender)) {
    repeated.has_mid = sender->mid_bytes > 0 && !sender->is_known;
    repeated.transport_seq = sender->config.transport_seq_id != 0 ? session->transport_seq++ : 0;
    repeated.n_redundant = 0; /* what RTX repairs is the packet itself: its payload type stands for that one's */
  }
  const gsize size = mxr_rtp_sender_write (sender, &repeated, has_rtx (sender), out);
  if (has_rtx (sender))
    sender->rtx_seq++;
  sender->stats.rtx_packets++;
  sender->stats.rtx_bytes += size;
  mxr_rtp_session_send (session, sender, out, size);
}
