/* RFC 2198: packets that carry earlier ones of their stream along. */

#include "rtp-private.h"

#include <string.h>

/* RFC 2198 3: F, payload type, 14 bits of time stamp offset, 10 bits of length; of the last block F and payload type only. */
#define BLOCK_HEADER_BYTES 4
#define PRIMARY_HEADER_BYTES 1
#define FOLLOWS 0x80

/* The weight of a report is that of its packets: two seconds of 20 ms. */
#define LOSS_MEMORY_PACKETS 100
/* A single lost packet of a pause is no rate. */
#define LOSS_MIN_PACKETS 10
#define LOSS_ON 0.01
#define LOSS_OFF 0.005
/* Two blocks leave a third power of the loss where one leaves the second, for as many bytes again. */
#define LOSS_TWO_ON 0.10
#define LOSS_TWO_OFF 0.06
/* 10 s of 20 ms. */
#define CLEAN_PACKETS 500
/* Two and a half times a sound of 32 kbit/s with its headers: below, what is lost was too much already, and copies would be more. */
#define CARRIED_MIN_BPS 105000

guint
mxr_red_parse (const guint8 *payload, gsize n_bytes, MxrRedBlock out_blocks[MXR_RED_BLOCKS_MAX])
{
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  gsize at = 0, n_data = 0;
  guint n = 0;

  for (; at < n_bytes && (payload[at] & FOLLOWS) != 0; at += BLOCK_HEADER_BYTES, n++) {
    if (n == MXR_RED_BLOCKS_MAX - 1 || n_bytes - at < BLOCK_HEADER_BYTES)
      return 0;
    const guint32 header = mxr_read_u32 (payload + at);
    blocks[n] = (MxrRedBlock){ .payload_type = header >> 24 & 0x7f,
                               .timestamp_offset = header >> 10 & MXR_RED_OFFSET_MAX,
                               .n_bytes = header & MXR_RED_BLOCK_MAX_BYTES };
    n_data += blocks[n].n_bytes;
  }
  if (at == n_bytes || n_bytes - at - PRIMARY_HEADER_BYTES < n_data)
    return 0;
  blocks[n++] = (MxrRedBlock){ .payload_type = payload[at], .n_bytes = n_bytes - at - PRIMARY_HEADER_BYTES - n_data };
  at += PRIMARY_HEADER_BYTES;
  for (guint i = 0; i < n; at += blocks[i++].n_bytes)
    blocks[i].data = payload + at;
  memcpy (out_blocks, blocks, n * sizeof blocks[0]);
  return n;
}

gsize
mxr_red_count_bytes (const MxrRedBlock *blocks, guint n_blocks)
{
  gsize n_bytes = (n_blocks - 1) * BLOCK_HEADER_BYTES + PRIMARY_HEADER_BYTES;
  for (guint i = 0; i < n_blocks; i++)
    n_bytes += blocks[i].n_bytes;
  return n_bytes;
}

gsize
mxr_red_write (guint8 *out, const MxrRedBlock *blocks, guint n_blocks)
{
  gsize at = 0;

  for (guint i = 0; i + 1 < n_blocks; i++, at += BLOCK_HEADER_BYTES)
    mxr_write_u32 (out + at, (guint32) (FOLLOWS | blocks[i].payload_type) << 24 | (guint32) blocks[i].timestamp_offset << 10 |
                               (guint32) blocks[i].n_bytes);
  out[at++] = blocks[n_blocks - 1].payload_type;
  for (guint i = 0; i < n_blocks; at += blocks[i++].n_bytes)
    memcpy (out + at, blocks[i].data, blocks[i].n_bytes);
  return at;
}

/* ---- When and how much ---------------------------------------------------------------------------------- */

void
mxr_red_control_report (MxrRedControl *control, double fraction_lost, guint64 n_sent, guint carried_bps)
{
  const guint64 n_packets = n_sent - control->n_sent;

  if (n_packets < LOSS_MIN_PACKETS)
    return;
  control->n_sent = n_sent;
  control->loss += (fraction_lost - control->loss) * (double) n_packets / (double) (n_packets + LOSS_MEMORY_PACKETS);
  control->n_clean = control->loss < LOSS_OFF ? control->n_clean + n_packets : 0;
  if (carried_bps < CARRIED_MIN_BPS)
    control->n_blocks = 0;
  else if (control->loss >= LOSS_TWO_ON || (control->n_blocks == 2 && control->loss >= LOSS_TWO_OFF))
    control->n_blocks = 2;
  else if (control->loss >= LOSS_ON || (control->n_blocks > 0 && control->n_clean < CLEAN_PACKETS))
    control->n_blocks = 1;
  else
    control->n_blocks = 0;
}

/* Reports about sound come 5 s apart from some clients, feedback about all packets at once: it turns copies on, reports off. */
void
mxr_red_control_hint (MxrRedControl *control, double loss, guint carried_bps)
{
  const guint n_blocks = loss >= LOSS_TWO_ON ? 2 : loss >= LOSS_ON ? 1 : 0;

  if (carried_bps < CARRIED_MIN_BPS) {
    control->n_blocks = 0;
  } else if (n_blocks > 0) {
    control->n_blocks = MAX (control->n_blocks, n_blocks);
    control->n_clean = 0;
  }
}

/* ---- A downlink's packets ------------------------------------------------------------------------------- */

/* The packets before @index with the one in the end, as far as they are still there; 0 when one is not. A packet under a
 * number never changes, so what is found makes the same bytes each time. */
static guint
collect (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint n_redundant, MxrRedBlock *blocks)
{
  for (guint i = 0; i < n_redundant; i++) {
    const MxrHistoryEntry *earlier = mxr_history_find (&sender->history, entry->index - n_redundant + i);
    if (earlier == NULL)
      return 0;
    blocks[i] = (MxrRedBlock){ .payload_type = earlier->payload_type,
                               .timestamp_offset = (guint16) (entry->packet->timestamp - earlier->packet->timestamp),
                               .data = earlier->packet->payload,
                               .n_bytes = earlier->packet->payload_bytes };
  }
  blocks[n_redundant] = (MxrRedBlock){ .payload_type = entry->payload_type,
                                       .data = entry->packet->payload,
                                       .n_bytes = entry->packet->payload_bytes };
  return n_redundant + 1;
}

static bool
fits (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint distance)
{
  const MxrHistoryEntry *earlier = mxr_history_find (&sender->history, entry->index - distance);
  if (earlier == NULL || earlier->payload_type != entry->payload_type ||
      earlier->packet->payload_bytes > MXR_RED_BLOCK_MAX_BYTES)
    return false;
  const gint32 offset = (gint32) (entry->packet->timestamp - earlier->packet->timestamp);
  return offset > 0 && offset <= MXR_RED_OFFSET_MAX;
}

/* Without a gap from the packet before on: a receiver tells a block's number by its place. */
guint
mxr_red_choose (const MxrRtpSender *sender, const MxrHistoryEntry *entry)
{
  MxrRedBlock blocks[MXR_RED_REDUNDANT_MAX + 1];
  guint n = 0;

  if (sender->config.red_payload_type == 0 || entry->index != sender->last_index)
    return 0;
  while (n < sender->red.n_blocks && fits (sender, entry, n + 1))
    n++;
  for (; n > 0; n--)
    if (mxr_red_count_bytes (blocks, collect (sender, entry, n, blocks)) <= MXR_RTP_PAYLOAD_MAX_BYTES)
      return n;
  return 0;
}

bool
mxr_red_can_write (const MxrRtpSender *sender, const MxrHistoryEntry *entry)
{
  MxrRedBlock blocks[MXR_RED_REDUNDANT_MAX + 1];
  return collect (sender, entry, entry->n_redundant, blocks) > 0;
}

gsize
mxr_red_write_entry (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint8 *out)
{
  MxrRedBlock blocks[MXR_RED_REDUNDANT_MAX + 1];
  return mxr_red_write (out, blocks, collect (sender, entry, entry->n_redundant, blocks));
}
