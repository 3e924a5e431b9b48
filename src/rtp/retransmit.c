#include "rtp-private.h"

/* A burst repairs half a second of a 720p stream; beyond the rate the path is what is broken, and more
 * packets do not mend it. A packet is at most MXR_PACKET_MAX_BYTES, so this is 6 Mbit/s. */
#define RTX_PACKETS_PER_SECOND 500
#define RTX_PACKETS_BURST 256
/* On a narrow path repairs may take half of what it carries: where all of it was theirs, repairs of repairs kept the
 * queue of a link of 500 kbit/s full for 7 s after the picture had become small. */
#define RTX_PART 2
#define RTX_PACKETS_PER_SECOND_MIN 10
#define REPEAT_MIN_US (10 * 1000)
#define REPEAT_MAX_US (300 * 1000)
/* A probe looks back so far for a packet that is large enough. */
#define PROBE_PACKETS 16
#define PADDING_MAX_BYTES 255

bool
mxr_rtp_sender_has_rtx (const MxrRtpSender *sender)
{
  return sender->config.rtx_payload_type >= 0 && sender->config.rtx_ssrc != 0;
}

static bool
may_repeat (MxrRtpSender *sender, gint64 now_us)
{
  const guint bps = mxr_rtp_downlink_get_measured_bps (sender->session);
  const guint per_second = CLAMP (bps / (RTX_PART * 8 * MXR_MTU_BYTES), RTX_PACKETS_PER_SECOND_MIN, RTX_PACKETS_PER_SECOND);

  return mxr_bucket_take (&sender->rtx_bucket, per_second, MIN (per_second, RTX_PACKETS_BURST), now_us);
}

/* Payload types stand for what they stood for when it was sent. */
static bool
is_of_these_types (const MxrRtpSender *sender, const MxrHistoryEntry *entry)
{
  return entry->payload_type == sender->config.payload_type &&
         (entry->n_redundant == 0 || entry->red_payload_type == sender->config.red_payload_type);
}

/* What may be sent again now; %NULL else. */
static MxrHistoryEntry *
find_repeatable (MxrRtpSender *sender, guint16 seq, gint64 now_us)
{
  const gint64 pause_us = CLAMP (mxr_rtp_session_get_rtt_us (sender->session), REPEAT_MIN_US, REPEAT_MAX_US);
  MxrHistoryEntry *entry = mxr_history_find (&sender->history, mxr_seq_nearest (sender->last_index, seq));

  if (entry == NULL || (entry->repeated_us != 0 && now_us - entry->repeated_us < pause_us))
    return NULL;
  if (!is_of_these_types (sender, entry))
    return NULL;
  if (!mxr_rtp_sender_has_rtx (sender) && !mxr_red_can_write (sender, entry))
    return NULL;
  return may_repeat (sender, now_us) ? entry : NULL;
}

/* A number of its own and of the transport's, for the next packet of the retransmission stream. */
static MxrHistoryEntry
begin_rtx (MxrRtpSender *sender, const MxrHistoryEntry *entry)
{
  MxrHistoryEntry repeated = *entry;

  repeated.n_redundant = 0; /* what RTX repairs is the packet itself: its payload type stands for that one's */
  repeated.has_mid = sender->mid_bytes > 0 && !sender->is_known;
  repeated.transport_seq = sender->config.transport_seq_id != 0 ? sender->session->transport_seq++ : 0;
  return repeated;
}

static void
end_rtx (MxrRtpSender *sender, const MxrHistoryEntry *repeated, gsize size, gint64 now_us)
{
  sender->rtx_seq++;
  if (sender->config.transport_seq_id != 0)
    mxr_rtp_downlink_note_sent (sender->session, repeated->transport_seq, size, now_us);
}

/* RFC 4588 4: a retransmission is a packet of its own stream with a transport-wide number of its own. Without
 * RTX it is the same packet byte by byte, or SRTP would encrypt two packets with one key stream; what the client says of
 * its transport-wide number is of the first one. */
void
mxr_rtp_sender_retransmit (MxrRtpSender *sender, guint16 seq, gint64 now_us)
{
  MxrRtpSession *session = sender->session;
  guint8 *out = mxr_rtp_session_reserve (session, sender);
  MxrHistoryEntry *entry = out != NULL ? find_repeatable (sender, seq, now_us) : NULL;
  gsize size;

  sender->stats.nacks_received++;
  if (entry == NULL) {
    sender->stats.nacks_unanswered++;
    return;
  }
  entry->repeated_us = now_us;
  if (mxr_rtp_sender_has_rtx (sender)) {
    const MxrHistoryEntry repeated = begin_rtx (sender, entry);
    size = mxr_rtp_sender_write (sender, &repeated, true, out);
    end_rtx (sender, &repeated, size, now_us);
  } else {
    size = mxr_rtp_sender_write (sender, entry, false, out);
  }
  sender->stats.rtx_packets++;
  sender->stats.rtx_bytes += size;
  mxr_rtp_session_send (session, sender, out, size);
}

/* ---- Probes ------------------------------------------------------------------------------------------- */

/* The largest of the last packets. */
static const MxrHistoryEntry *
find_large (const MxrRtpSender *sender)
{
  const MxrHistoryEntry *best = NULL;

  for (guint i = 0; i < PROBE_PACKETS; i++) {
    const MxrHistoryEntry *entry = mxr_history_find (&sender->history, sender->last_index - i);
    if (entry == NULL || entry->payload_type != sender->config.payload_type)
      continue;
    if (best == NULL || entry->packet->payload_bytes > best->packet->payload_bytes)
      best = entry;
  }
  return best;
}

/* A packet that the client knows already, or an empty one: it counts it as received and drops it. About @n_bytes, which
 * padding alone can make up to its limit. Returns its bytes, 0 when there was no room. */
gsize
mxr_rtp_sender_probe (MxrRtpSender *sender, gsize n_bytes, gint64 now_us)
{
  guint8 *out = mxr_rtp_session_reserve (sender->session, sender);
  const MxrHistoryEntry empty = { 0 };
  const MxrHistoryEntry *entry = n_bytes > PADDING_MAX_BYTES ? find_large (sender) : NULL;

  if (out == NULL)
    return 0;
  const MxrHistoryEntry probe = begin_rtx (sender, entry != NULL ? entry : &empty);
  const gsize size = entry != NULL
                         ? mxr_rtp_sender_write (sender, &probe, true, out)
                         : mxr_rtp_sender_write_padding (sender, &probe, (guint8) CLAMP (n_bytes, 1, PADDING_MAX_BYTES), out);
  end_rtx (sender, &probe, size, now_us);
  sender->stats.probe_packets++;
  sender->stats.probe_bytes += size;
  mxr_rtp_session_send (sender->session, sender, out, size);
  return size;
}
