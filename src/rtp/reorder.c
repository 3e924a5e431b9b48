#include "rtp-private.h"

/* A number so far ahead of the last is no loss: MxrSeqState lets smaller jumps through as such, and puts the numbers of
 * a sender that began anew at least a cycle higher. */
#define JUMP_PACKETS MXR_SEQ_MAX_DROPOUT
/* How much of the cushion of sound is spent on a missing packet: so many mean deviations, and at least what a quiet
 * network and a busy sender are off. */
#define JITTER_FACTOR 4
#define JITTER_MIN_US (10 * 1000)
/* Time stamps that leave the clock by more than this began anew. */
#define TRANSIT_MAX_US (2 * G_USEC_PER_SEC)
/* The smallest transit is forgotten this fast, so that it follows a slow clock and a longer way. */
#define LEAK_PER_SECOND_US 1000

struct _MxrReorder {
  MxrReorderConfig config;
  GDestroyNotify free_item;
  MxrReorderPacket *slots; /* by number modulo n_slots; without item: empty */
  guint64 next_seq;        /* to go out next; 0: not begun */
  guint64 highest;         /* that came */
  gsize n_bytes;
  MxrReorderPacket ahead; /* one that does not fit the slots yet; without item: none */
  bool is_waiting;        /* next_seq is missing, and something waits behind it */
  gint64 due_us;          /* while is_waiting */

  bool has_last;
  guint32 last_timestamp; /* of what went out last */
  bool has_transit;
  guint32 transit_min; /* arrival minus time stamp [clock units], modulo 2^32 */
  guint32 transit_last;
  gint64 leaked_us;
  gint64 jitter_us;
  MxrReorderStats stats;
};

MxrReorder *
mxr_reorder_new (const MxrReorderConfig *config, GDestroyNotify free_item)
{
  g_return_val_if_fail (config->n_slots > 0 && (config->n_slots & (config->n_slots - 1)) == 0, NULL);
  MxrReorder *reorder = g_new0 (MxrReorder, 1);

  reorder->config = *config;
  reorder->free_item = free_item;
  reorder->slots = g_new0 (MxrReorderPacket, config->n_slots);
  return reorder;
}

static MxrReorderPacket *
slot_of (const MxrReorder *reorder, guint64 seq)
{
  return &reorder->slots[seq % reorder->config.n_slots];
}

static void
drop (MxrReorder *reorder, MxrReorderPacket *packet)
{
  if (packet->item != NULL)
    reorder->free_item (g_steal_pointer (&packet->item));
}

void
mxr_reorder_reset (MxrReorder *reorder, guint64 next_seq)
{
  for (guint i = 0; i < reorder->config.n_slots; i++)
    drop (reorder, &reorder->slots[i]);
  drop (reorder, &reorder->ahead);
  reorder->n_bytes = 0;
  reorder->stats.n_waiting = 0;
  reorder->next_seq = next_seq;
  reorder->highest = next_seq > 0 ? next_seq - 1 : 0;
  reorder->is_waiting = reorder->has_last = reorder->has_transit = false;
}

void
mxr_reorder_free (MxrReorder *reorder)
{
  mxr_reorder_reset (reorder, 0);
  g_free (reorder->slots);
  g_free (reorder);
}

/* ---- How late packets are ------------------------------------------------------------------------------- */

static gint64
to_us (const MxrReorder *reorder, gint32 units)
{
  return (gint64) units * G_USEC_PER_SEC / (gint64) reorder->config.clock_rate;
}

static guint32
to_units (const MxrReorder *reorder, gint64 time_us)
{
  return (guint32) ((guint64) time_us * reorder->config.clock_rate / G_USEC_PER_SEC);
}

static void
begin_transit (MxrReorder *reorder, guint32 transit, gint64 now_us)
{
  reorder->has_transit = true;
  reorder->transit_min = reorder->transit_last = transit;
  reorder->leaked_us = now_us;
  reorder->jitter_us = 0;
}

/* RFC 3550 6.4.1, and the quickest way of late. */
static void
note_transit (MxrReorder *reorder, const MxrReorderPacket *packet)
{
  guint32 transit = to_units (reorder, packet->arrival_us) - packet->timestamp;
  gint64 step_us = ABS (to_us (reorder, (gint32) (transit - reorder->transit_last)));

  if (!reorder->has_transit || step_us > TRANSIT_MAX_US) {
    begin_transit (reorder, transit, packet->arrival_us);
    return;
  }
  reorder->jitter_us += (step_us - reorder->jitter_us) / 16;
  reorder->transit_last = transit;
  if (packet->arrival_us - reorder->leaked_us >= G_USEC_PER_SEC) {
    reorder->leaked_us = packet->arrival_us;
    reorder->transit_min += to_units (reorder, LEAK_PER_SECOND_US);
  }
  if ((gint32) (transit - reorder->transit_min) < 0)
    reorder->transit_min = transit;
}

/* ---- Waiting -------------------------------------------------------------------------------------------- */

/* The first that waits behind the gap; there is one. */
static const MxrReorderPacket *
find_behind_gap (const MxrReorder *reorder)
{
  for (guint64 seq = reorder->next_seq; seq <= reorder->highest; seq++)
    if (slot_of (reorder, seq)->item != NULL)
      return slot_of (reorder, seq);
  return &reorder->ahead;
}

/* When the gap was seen: at the first arrival of all that wait behind it, which a repair may not have been. */
static gint64
find_arrival_us (const MxrReorder *reorder)
{
  gint64 first_us = G_MAXINT64;

  for (guint64 seq = reorder->next_seq; seq <= reorder->highest; seq++)
    if (slot_of (reorder, seq)->item != NULL)
      first_us = MIN (first_us, slot_of (reorder, seq)->arrival_us);
  return first_us;
}

/* When the missing packet would be too late for its cushion. Its time stamp is taken to be on the line between those
 * of its neighbours. */
static gint64
find_too_late_us (const MxrReorder *reorder)
{
  const MxrReorderPacket *behind = find_behind_gap (reorder);
  guint64 n_missing = behind->extended_seq - reorder->next_seq;
  gint64 span_us = to_us (reorder, (gint32) (behind->timestamp - reorder->last_timestamp));
  if (!reorder->has_transit || !reorder->has_last || span_us < 0 || span_us > TRANSIT_MAX_US)
    return G_MAXINT64;
  guint32 transit_behind = to_units (reorder, behind->arrival_us) - behind->timestamp;
  gint64 behind_is_late_us = to_us (reorder, (gint32) (transit_behind - reorder->transit_min));
  gint64 behind_expected_us = behind->arrival_us - behind_is_late_us;
  gint64 expected_us = behind_expected_us - span_us * (gint64) n_missing / (gint64) (n_missing + 1);

  return expected_us + MAX (JITTER_FACTOR * reorder->jitter_us, JITTER_MIN_US);
}

static void
begin_to_wait (MxrReorder *reorder)
{
  reorder->is_waiting = true;
  reorder->due_us = find_arrival_us (reorder) + reorder->config.patience_us;
  if (reorder->config.follows_jitter)
    reorder->due_us = MIN (reorder->due_us, find_too_late_us (reorder));
}

static bool
must_give_up (const MxrReorder *reorder, gint64 now_us)
{
  return reorder->ahead.item != NULL || reorder->n_bytes > reorder->config.max_bytes || now_us >= reorder->due_us;
}

/* ---- In ------------------------------------------------------------------------------------------------- */

static void
store (MxrReorder *reorder, const MxrReorderPacket *packet)
{
  *slot_of (reorder, packet->extended_seq) = *packet;
  reorder->n_bytes += packet->n_bytes;
  reorder->stats.n_waiting++;
  reorder->highest = MAX (reorder->highest, packet->extended_seq);
}

bool
mxr_reorder_is_missing (const MxrReorder *reorder, guint64 extended_seq)
{
  return reorder->next_seq != 0 && extended_seq >= reorder->next_seq &&
         extended_seq - reorder->next_seq < reorder->config.n_slots && slot_of (reorder, extended_seq)->item == NULL;
}

bool
mxr_reorder_push (MxrReorder *reorder, const MxrReorderPacket *packet)
{
  g_return_val_if_fail (packet->item != NULL && reorder->ahead.item == NULL, false);

  if (reorder->next_seq == 0)
    reorder->next_seq = packet->extended_seq;
  if (packet->extended_seq < reorder->next_seq) {
    reorder->stats.late++;
    return false;
  }
  if (packet->extended_seq - reorder->next_seq >= reorder->config.n_slots) {
    reorder->ahead = *packet; /* the next pops make room */
    return true;
  }
  if (slot_of (reorder, packet->extended_seq)->item != NULL)
    return false;
  if (reorder->config.follows_jitter && !packet->is_recovered)
    note_transit (reorder, packet);
  reorder->stats.reordered += packet->extended_seq < reorder->highest && !packet->is_recovered;
  store (reorder, packet);
  return true;
}

/* ---- Out ------------------------------------------------------------------------------------------------ */

/* Nothing waits but the one that did not fit. */
static MxrReorderResult
skip_to_ahead (MxrReorder *reorder, guint *out_n_lost)
{
  MxrReorderPacket packet = reorder->ahead;
  guint64 n_missing = packet.extended_seq - reorder->next_seq;

  reorder->ahead.item = NULL;
  reorder->next_seq = packet.extended_seq;
  if (reorder->config.follows_jitter)
    note_transit (reorder, &packet);
  store (reorder, &packet);
  if (n_missing > JUMP_PACKETS)
    return MXR_REORDER_RESTART;
  *out_n_lost = (guint) n_missing;
  reorder->stats.lost += n_missing;
  return MXR_REORDER_LOST;
}

static MxrReorderResult
give_up (MxrReorder *reorder, guint *out_n_lost)
{
  const MxrReorderPacket *behind = find_behind_gap (reorder);

  *out_n_lost = (guint) (behind->extended_seq - reorder->next_seq);
  reorder->stats.lost += *out_n_lost;
  reorder->next_seq = behind->extended_seq;
  reorder->is_waiting = false;
  return MXR_REORDER_LOST;
}

static MxrReorderResult
take (MxrReorder *reorder, MxrReorderPacket *slot, MxrReorderPacket *out_packet)
{
  *out_packet = *slot;
  slot->item = NULL;
  reorder->n_bytes -= slot->n_bytes;
  reorder->stats.n_waiting--;
  reorder->next_seq++;
  reorder->has_last = true;
  reorder->last_timestamp = slot->timestamp;
  reorder->is_waiting = false;
  return MXR_REORDER_PACKET;
}

/* There is room for it now without anything being given up for it. */
static void
fit_ahead (MxrReorder *reorder)
{
  MxrReorderPacket packet = reorder->ahead;

  if (packet.item == NULL || packet.extended_seq - reorder->next_seq >= reorder->config.n_slots)
    return;
  reorder->ahead.item = NULL;
  if (reorder->config.follows_jitter)
    note_transit (reorder, &packet);
  store (reorder, &packet);
}

MxrReorderResult
mxr_reorder_pop (MxrReorder *reorder, gint64 now_us, MxrReorderPacket *out_packet, guint *out_n_lost)
{
  fit_ahead (reorder);
  if (reorder->stats.n_waiting == 0)
    return reorder->ahead.item != NULL ? skip_to_ahead (reorder, out_n_lost) : MXR_REORDER_NONE;

  MxrReorderPacket *next = slot_of (reorder, reorder->next_seq);
  if (next->item != NULL)
    return take (reorder, next, out_packet);
  if (!reorder->is_waiting)
    begin_to_wait (reorder);
  return must_give_up (reorder, now_us) ? give_up (reorder, out_n_lost) : MXR_REORDER_NONE;
}

gint64
mxr_reorder_due_us (const MxrReorder *reorder)
{
  return reorder->is_waiting ? reorder->due_us : G_MAXINT64;
}

void
mxr_reorder_get_stats (const MxrReorder *reorder, MxrReorderStats *out_stats)
{
  *out_stats = reorder->stats;
}
