#include "rtp-private.h"

#include <string.h>

#define SOURCE_MAX_GAP 1000
/* The MID goes along with the first packets, then with key frames and now and then, until the client reports.
 */
#define MID_FIRST_PACKETS 100
#define MID_EVERY_PACKETS 32
#define FIXED_HEADER_BYTES 12
#define ONE_BYTE_ID_MAX 14

/* Indices start above 0, so that a late packet's is never negative. */
#define FIRST_CYCLE ((guint64) 1 << 16)

MxrRtpSender *
mxr_rtp_session_add_sender (MxrRtpSession *session, const MxrRtpSenderConfig *config)
{
  const guint history = config->history_packets;
  g_return_val_if_fail (config->clock_rate > 0 && config->ssrc != 0, NULL);
  g_return_val_if_fail (config->initial_seq < 0x8000, NULL);
  g_return_val_if_fail ((history & (history - 1)) == 0 && history <= MXR_HISTORY_MAX_PACKETS, NULL);
  if (session->n_senders == MXR_RTP_SENDERS_MAX)
    return NULL;

  MxrRtpSender *sender = g_new0 (MxrRtpSender, 1);
  const gsize mid_bytes = config->mid != NULL ? strlen (config->mid) : 0;

  sender->session = session;
  sender->config = *config;
  sender->config.mid = NULL;
  if (mid_bytes <= MXR_RTP_MID_MAX_BYTES && config->mid_id != 0) {
    sender->mid_bytes = mid_bytes;
    memcpy (sender->mid, config->mid, mid_bytes);
  }
  mxr_history_init (&sender->history, history);
  sender->last_index = FIRST_CYCLE + config->initial_seq - 1;
  sender->rtx_seq = mxr_rtp_session_random (session) & 0x7fff;
  sender->fir_seq = -1;
  sender->stats.ssrc = config->ssrc;
  sender->stats.rtt_ms = -1;
  session->senders[session->n_senders++] = sender;
  return sender;
}

void
mxr_rtp_sender_free (MxrRtpSender *sender)
{
  mxr_history_clear (&sender->history);
  g_free (sender);
}

void
mxr_rtp_session_remove_sender (MxrRtpSession *session, MxrRtpSender *sender)
{
  for (guint i = 0; i < session->n_senders; i++) {
    if (session->senders[i] != sender)
      continue;
    session->n_senders--;
    memmove (&session->senders[i], &session->senders[i + 1],
             (session->n_senders - i) * sizeof session->senders[0]);
    mxr_rtp_sender_free (sender);
    return;
  }
  g_return_if_reached ();
}

gpointer
mxr_rtp_sender_get_user_data (const MxrRtpSender *sender)
{
  return sender->config.user_data;
}

void
mxr_rtp_sender_get_stats (const MxrRtpSender *sender, MxrRtpSenderStats *out_stats)
{
  *out_stats = sender->stats;
  out_stats->loss = sender->red.loss;
  out_stats->has_red = sender->config.red_payload_type != 0;
  out_stats->red_blocks = out_stats->has_red ? sender->red.n_blocks : 0;
}

void
mxr_rtp_sender_set_payload_type (MxrRtpSender *sender, guint8 payload_type, int rtx_payload_type)
{
  sender->config.payload_type = payload_type;
  sender->config.rtx_payload_type = rtx_payload_type;
}

void
mxr_rtp_sender_set_red_payload_type (MxrRtpSender *sender, guint8 payload_type)
{
  sender->config.red_payload_type = payload_type;
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

static gsize
write_element (guint8 *out, bool is_two_byte, guint8 id, const void *data, gsize bytes)
{
  const gsize head = is_two_byte ? 2 : 1;
  if (is_two_byte) {
    out[0] = id;
    out[1] = (guint8) bytes;
  } else {
    out[0] = (guint8) (id << 4 | (bytes - 1));
  }
  memcpy (out + head, data, bytes);
  return head + bytes;
}

/* RFC 8285 4.2, 4.3. Returns the bytes written, 0 when there is no element. */
static gsize
write_extension (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint8 *out)
{
  const MxrRtpSenderConfig *config = &sender->config;
  const bool has_transport_seq = config->transport_seq_id != 0;
  const bool is_two_byte =
      (entry->has_mid && config->mid_id > ONE_BYTE_ID_MAX) || config->transport_seq_id > ONE_BYTE_ID_MAX;
  gsize bytes = 4;

  if (!entry->has_mid && !has_transport_seq)
    return 0;
  if (has_transport_seq) {
    const guint16 seq = GUINT16_TO_BE (entry->transport_seq);
    bytes += write_element (out + bytes, is_two_byte, config->transport_seq_id, &seq, sizeof seq);
  }
  if (entry->has_mid)
    bytes += write_element (out + bytes, is_two_byte, config->mid_id, sender->mid, sender->mid_bytes);
  while (bytes % 4 != 0)
    out[bytes++] = 0;
  mxr_write_u16 (out, is_two_byte ? 0x1000 : 0xBEDE);
  mxr_write_u16 (out + 2, (guint16) (bytes / 4 - 1));
  return bytes;
}

/* Returns its bytes. Of retransmissions it is the next one's of that stream. */
static gsize
write_header (const MxrRtpSender *sender, const MxrHistoryEntry *entry, bool as_rtx, bool marker, guint32 timestamp,
              guint8 *out)
{
  const guint8 own_payload_type = entry->n_redundant > 0 ? entry->red_payload_type : entry->payload_type;
  const guint8 payload_type = as_rtx ? (guint8) sender->config.rtx_payload_type : own_payload_type;
  const gsize extension_bytes = write_extension (sender, entry, out + FIXED_HEADER_BYTES);

  out[0] = (guint8) (2 << 6 | (extension_bytes > 0 ? 0x10 : 0));
  out[1] = (guint8) (payload_type | (marker ? 0x80 : 0));
  mxr_write_u16 (out + 2, as_rtx ? sender->rtx_seq : (guint16) entry->index);
  mxr_write_u32 (out + 4, timestamp + sender->config.timestamp_offset);
  mxr_write_u32 (out + 8, as_rtx ? sender->config.rtx_ssrc : sender->config.ssrc);
  return FIXED_HEADER_BYTES + extension_bytes;
}

/**
 * mxr_rtp_sender_write:
 * @as_rtx: with the retransmission stream's SSRC, payload type and next number, the original's before the
 * payload
 * @out: (out caller-allocates): MXR_PACKET_MAX_BYTES
 *
 * Returns: the packet's bytes. Without @as_rtx they are the same whenever the same entry is written.
 */
gsize
mxr_rtp_sender_write (const MxrRtpSender *sender, const MxrHistoryEntry *entry, bool as_rtx, guint8 *out)
{
  const MxrRtpPacket *packet = entry->packet;
  gsize bytes = write_header (sender, entry, as_rtx, packet->marker, packet->timestamp, out);

  if (as_rtx) {
    mxr_write_u16 (out + bytes, (guint16) entry->index);
    bytes += 2;
  }
  if (entry->n_redundant > 0)
    return bytes + mxr_red_write_entry (sender, entry, out + bytes);
  memcpy (out + bytes, packet->payload, packet->payload_bytes);
  return bytes + packet->payload_bytes;
}

/**
 * mxr_rtp_sender_write_padding:
 * @entry: its transport-wide number, and whether it has the MID
 *
 * A packet of the retransmission stream that brings nothing: @n_bytes of padding, and no number of an original, which
 * would make it a packet of that one with an empty payload. Source: RFC 3550 5.1.
 */
gsize
mxr_rtp_sender_write_padding (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint8 n_bytes, guint8 *out)
{
  const gsize bytes = write_header (sender, entry, true, false, sender->frame_timestamp, out);

  out[0] |= 0x20;
  memset (out + bytes, 0, n_bytes);
  out[bytes + n_bytes - 1] = n_bytes;
  return bytes + n_bytes;
}

/* ---- Sending ------------------------------------------------------------------------------------------- */

/* Whether @packet goes on with what the source sent before; @out_step: (out): from its highest. */
static bool
is_same_run (const MxrRtpSender *sender, const MxrRtpPacket *packet, gpointer source_tag, int *out_step)
{
  *out_step = (gint16) (guint16) (packet->seq - sender->source_seq);
  return sender->started && source_tag == sender->source_tag && ABS (*out_step) <= SOURCE_MAX_GAP;
}

/* Our index for a packet of the source; 0: it has no place. No index is ever used for two packets: under SRTP
 * that would be a key stream used twice. */
static guint64
place (MxrRtpSender *sender, const MxrRtpPacket *packet, gpointer source_tag)
{
  int step;
  const bool is_run = is_same_run (sender, packet, source_tag, &step);

  if (is_run && step <= 0) {
    const guint64 index = sender->last_index - (guint64) -step;
    if (index < sender->source_start || sender->last_index - index >= sender->history.n_entries)
      return 0;
    return mxr_history_find (&sender->history, index) == NULL ? index : 0;
  }
  sender->last_index += is_run ? (guint64) step : 1;
  sender->source_seq = packet->seq;
  sender->source_tag = source_tag;
  if (!is_run)
    sender->source_start = sender->last_index;
  return sender->last_index;
}

/* Asked for each packet, answered by the first of its frame: headers of one size make packets of one size, which the
 * kernel takes in one go (UDP_SEGMENT). */
static bool
needs_mid (MxrRtpSender *sender, const MxrRtpPacket *packet)
{
  const guint64 n_packets = sender->stats.packets;

  if (n_packets > 0 && packet->timestamp == sender->frame_timestamp)
    return sender->frame_has_mid;
  sender->frame_timestamp = packet->timestamp;
  sender->frame_has_mid = sender->mid_bytes > 0 && !sender->is_known &&
                          (n_packets < MID_FIRST_PACKETS || packet->is_keyframe_start || n_packets >= sender->mid_due_packets);
  if (sender->frame_has_mid)
    sender->mid_due_packets = n_packets + MID_EVERY_PACKETS;
  return sender->frame_has_mid;
}

static void
count_sent (MxrRtpSender *sender, const MxrHistoryEntry *entry, const guint8 *data, gsize size, gint64 now_us)
{
  const gsize extension_bytes = (data[0] & 0x10) != 0 ? 4 + 4 * (gsize) mxr_read_u16 (data + FIXED_HEADER_BYTES + 2) : 0;

  sender->stats.packets++;
  sender->stats.bytes += size;
  sender->stats.red_packets += entry->n_redundant > 0;
  sender->payload_octets += size - FIXED_HEADER_BYTES - extension_bytes;
  sender->stats.last_packet_us = now_us;
}

bool
mxr_rtp_sender_is_lossy (const MxrRtpSender *sender)
{
  return sender->red.n_blocks > 0;
}

void
mxr_rtp_sender_cut (MxrRtpSender *sender)
{
  sender->source_tag = NULL;
}

bool
mxr_rtp_sender_send (MxrRtpSender *sender, MxrRtpPacket *packet, gpointer source_tag, gint64 now_us)
{
  MxrRtpSession *session = sender->session;
  guint8 *out = mxr_rtp_session_reserve (session, sender);
  const guint64 index = out != NULL ? place (sender, packet, source_tag) : 0;

  if (index == 0) {
    sender->stats.refused++;
    return false;
  }
  if (!sender->started && session->has_timeline)
    session->report_due_us = now_us;
  sender->started = true;

  MxrHistoryEntry entry = {
    .packet = packet,
    .index = index,
    .transport_seq = sender->config.transport_seq_id != 0 ? session->transport_seq++ : 0,
    .payload_type = sender->config.payload_type,
    .red_payload_type = sender->config.red_payload_type,
    .has_mid = needs_mid (sender, packet),
  };
  entry.n_redundant = (guint8) mxr_red_choose (sender, &entry);
  const gsize size = mxr_rtp_sender_write (sender, &entry, false, out);
  mxr_history_add (&sender->history, &entry);
  count_sent (sender, &entry, out, size, now_us);
  if (sender->config.transport_seq_id != 0)
    mxr_rtp_downlink_note_sent (session, entry.transport_seq, size, now_us);
  mxr_rtp_session_send (session, sender, out, size);
  return true;
}
