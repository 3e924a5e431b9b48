#include "link-pacer.h"

/* draft-ietf-rmcat-gcc-02 leaves it open; libwebrtc's factor is the same. */
#define PACING_FACTOR 2.5
/* At the estimate itself, so much may leave at once: what key frames are more than the other pictures. */
#define LASTING_BURST_US (750 * 1000)
/* What waits on the way delays sound too. Above the first, less than the estimate leaves, so that the queue gets shorter; from the
 * second on half of it, without bursts. */
#define QUEUE_MIN_MS 60.0
#define QUEUE_MAX_MS 200.0
#define DRAINING_PART 0.5
/* A client who tells nothing may well carry more than is believed. */
#define BELIEF_FACTOR 5
/* What becomes due is left to gather for so long, so that packets leave in batches. */
#define SLICE_US (MXR_LINK_PACER_BURST_US / 2)
/* Sound and repairs do not wait for the count; after so much of them the picture goes on all the same. */
#define DEBT_MAX_US (500 * 1000)
/* A key frame in vain is paid by all viewers of a picture: the rate that made it overflow is to change first. */
#define KEYFRAME_PATIENCE_US G_USEC_PER_SEC
#define CAPACITY_MIN 64
/* A key frame that a client of ours sends may be without end. */
#define CAPACITY_MAX 1024

static MxrLinkPacerEntry *
get_entry (const MxrLinkPacer *pacer, guint nth)
{
  return &pacer->entries[(pacer->first + nth) & (pacer->capacity - 1)];
}

static gsize
get_queue_max_bytes (const MxrLinkPacer *pacer)
{
  return (gsize) (pacer->rate_bps * MXR_LINK_PACER_QUEUE_US / 8 / G_USEC_PER_SEC);
}

static bool
is_too_much (const MxrLinkPacer *pacer, gsize n_more_bytes)
{
  return pacer->n_waiting_bytes + n_more_bytes > get_queue_max_bytes (pacer) || pacer->n_waiting >= CAPACITY_MAX / 2;
}

static bool
is_of_keyframe (const MxrLinkPacer *pacer, const MxrRtpPacket *packet)
{
  return pacer->has_keyframe && packet->timestamp == pacer->keyframe_timestamp;
}

/* Of one that has left in part. */
static bool
is_of_begun_keyframe (const MxrLinkPacer *pacer, const MxrRtpPacket *packet)
{
  return pacer->has_begun_keyframe && packet->timestamp == pacer->left_timestamp;
}

static void
note_keyframe (MxrLinkPacer *pacer, const MxrRtpPacket *packet)
{
  if (!packet->is_keyframe_start)
    return;
  pacer->has_keyframe = true;
  pacer->keyframe_timestamp = packet->timestamp;
}

static void
note_left (MxrLinkPacer *pacer, const MxrRtpPacket *packet, bool skips)
{
  pacer->has_skipped = skips;
  pacer->has_begun_keyframe =
      packet->is_keyframe_start || (pacer->has_begun_keyframe && packet->timestamp == pacer->left_timestamp);
  pacer->left_timestamp = packet->timestamp;
}

/* ---- What waits -------------------------------------------------------------------------------------------- */

static MxrRtpPacket *
take_first (MxrLinkPacer *pacer)
{
  MxrRtpPacket *packet = get_entry (pacer, 0)->packet;

  pacer->first = (pacer->first + 1) & (pacer->capacity - 1);
  pacer->n_waiting--;
  pacer->n_waiting_bytes -= packet->payload_bytes;
  return packet;
}

static void
append (MxrLinkPacer *pacer, MxrLinkPacerEntry entry)
{
  *get_entry (pacer, pacer->n_waiting++) = entry;
  pacer->n_waiting_bytes += entry.packet->payload_bytes;
}

static void
grow (MxrLinkPacer *pacer)
{
  const guint capacity = MAX (2 * pacer->capacity, CAPACITY_MIN);
  MxrLinkPacerEntry *entries = g_new (MxrLinkPacerEntry, capacity);

  for (guint i = 0; i < pacer->n_waiting; i++)
    entries[i] = *get_entry (pacer, i);
  g_free (pacer->entries);
  pacer->entries = entries;
  pacer->capacity = capacity;
  pacer->first = 0;
}

/* All, or all but the newest key frame and what is left of one that is on its way. */
static void
drop (MxrLinkPacer *pacer, bool keeps_keyframe)
{
  bool skips = false;

  for (guint n = pacer->n_waiting; n > 0; n--) {
    MxrLinkPacerEntry entry = *get_entry (pacer, 0);
    take_first (pacer);
    if (keeps_keyframe && (is_of_keyframe (pacer, entry.packet) || is_of_begun_keyframe (pacer, entry.packet))) {
      entry.skips |= skips;
      skips = false;
      append (pacer, entry);
      continue;
    }
    skips = true;
    mxr_rtp_packet_unref (entry.packet);
    pacer->n_dropped++;
  }
  pacer->skips |= skips;
}

/* A key frame is taken whatever its size, or a slow client would never see one. It takes the place of what waits, but for
 * one that is on its way: key frames that come faster than they leave would all stay without their end. */
static bool
make_room (MxrLinkPacer *pacer, const MxrRtpPacket *packet)
{
  const bool overflows = pacer->lasting_bps > 0 && is_too_much (pacer, packet->payload_bytes);

  if (packet->is_keyframe_start && overflows) {
    if (pacer->n_waiting > 0 && is_of_begun_keyframe (pacer, get_entry (pacer, 0)->packet))
      return false;
    drop (pacer, false);
    return true;
  }
  if (overflows && !is_of_keyframe (pacer, packet)) {
    drop (pacer, true);
    return false;
  }
  if (pacer->n_waiting == CAPACITY_MAX) {
    drop (pacer, false);
    return false;
  }
  return true;
}

void
mxr_link_pacer_clear (MxrLinkPacer *pacer)
{
  while (pacer->n_waiting > 0)
    mxr_rtp_packet_unref (take_first (pacer));
  g_clear_pointer (&pacer->entries, g_free);
  pacer->first = pacer->capacity = 0;
  pacer->has_keyframe = pacer->has_begun_keyframe = pacer->is_dropping = pacer->skips = false;
  pacer->held_us = 0;
}

/* ---- What leaves ------------------------------------------------------------------------------------------- */

/* What has been saved up stays, as far as there is room for it: after a queue a burst would be the next one. */
static void
set_lasting_burst (MxrLinkPacer *pacer, gint64 burst_us, gint64 now_us)
{
  const gint64 saved_us = pacer->lasting_burst_us - MAX (pacer->lasting_free_us - now_us, 0);

  if (burst_us != pacer->lasting_burst_us && pacer->lasting_bps > 0)
    pacer->lasting_free_us = now_us + burst_us - MIN (saved_us, burst_us);
  pacer->lasting_burst_us = burst_us;
}

void
mxr_link_pacer_set_rate (MxrLinkPacer *pacer, guint estimate_bps, double queue_ms, bool is_measured, gint64 now_us)
{
  const double full = CLAMP ((queue_ms - QUEUE_MIN_MS) / (QUEUE_MAX_MS - QUEUE_MIN_MS), 0, 1);

  set_lasting_burst (pacer, (gint64) (LASTING_BURST_US * (1 - full)), now_us);
  pacer->rate_bps = (guint64) (estimate_bps * (is_measured ? PACING_FACTOR : BELIEF_FACTOR));
  pacer->lasting_bps = is_measured ? (guint64) (estimate_bps * (1 - (1 - DRAINING_PART) * full)) : 0;
}

static void
count (gint64 *free_us, guint64 rate_bps, gsize n_bytes, gint64 burst_us, gint64 now_us)
{
  if (rate_bps == 0)
    return;
  const gint64 takes_us = (gint64) (n_bytes * 8 * G_USEC_PER_SEC / rate_bps);
  *free_us = MIN (MAX (*free_us, now_us) + takes_us, now_us + burst_us + DEBT_MAX_US);
}

void
mxr_link_pacer_note_sent (MxrLinkPacer *pacer, gsize n_bytes, gint64 now_us)
{
  count (&pacer->free_us, pacer->rate_bps, n_bytes, MXR_LINK_PACER_BURST_US, now_us);
  count (&pacer->lasting_free_us, pacer->lasting_bps, n_bytes, pacer->lasting_burst_us, now_us);
}

/* When the next packet may leave. */
static gint64
get_next_us (const MxrLinkPacer *pacer)
{
  const gint64 next_us = pacer->rate_bps > 0 ? pacer->free_us - MXR_LINK_PACER_BURST_US : G_MININT64;
  return pacer->lasting_bps > 0 ? MAX (next_us, pacer->lasting_free_us - pacer->lasting_burst_us) : next_us;
}

static bool
has_budget (const MxrLinkPacer *pacer, gint64 now_us)
{
  return get_next_us (pacer) <= now_us;
}

gsize
mxr_link_pacer_get_room (const MxrLinkPacer *pacer)
{
  const gsize max_bytes = get_queue_max_bytes (pacer) / 2; /* the frames that follow have to wait behind it */

  if (pacer->lasting_bps == 0)
    return G_MAXSIZE;
  return max_bytes - MIN (pacer->n_waiting_bytes, max_bytes);
}

static MxrLinkPacerResult
refuse (MxrLinkPacer *pacer, gint64 now_us)
{
  if (!pacer->is_dropping)
    pacer->dropping_us = now_us;
  pacer->is_dropping = pacer->skips = true;
  pacer->n_dropped++;
  return MXR_LINK_PACER_DROPPED;
}

MxrLinkPacerResult
mxr_link_pacer_push (MxrLinkPacer *pacer, MxrRtpPacket *packet, gpointer tag, gint64 now_us)
{
  const bool passes = pacer->n_waiting == 0 && has_budget (pacer, now_us);

  if ((pacer->is_dropping && !packet->is_keyframe_start) || (!passes && !make_room (pacer, packet)))
    return refuse (pacer, now_us);
  const bool skips = pacer->skips;
  pacer->is_dropping = pacer->skips = false;
  note_keyframe (pacer, packet);
  if (passes) {
    note_left (pacer, packet, skips);
    pacer->held_us = 0;
    return MXR_LINK_PACER_PASSES;
  }
  if (pacer->n_waiting == pacer->capacity)
    grow (pacer);
  append (pacer, (MxrLinkPacerEntry){ mxr_rtp_packet_ref (packet), tag, now_us, skips });
  return MXR_LINK_PACER_WAITS;
}

bool
mxr_link_pacer_needs_keyframe (MxrLinkPacer *pacer, gint64 now_us)
{
  if (!pacer->is_dropping || pacer->n_waiting > 0 || now_us - pacer->dropping_us < KEYFRAME_PATIENCE_US)
    return false;
  pacer->dropping_us = now_us;
  return true;
}

MxrRtpPacket *
mxr_link_pacer_pop (MxrLinkPacer *pacer, gpointer *out_tag, gint64 now_us)
{
  const bool overflows = pacer->lasting_bps == 0 && is_too_much (pacer, 0);

  if (pacer->n_waiting == 0 || (!has_budget (pacer, now_us) && !overflows))
    return NULL;
  const MxrLinkPacerEntry entry = *get_entry (pacer, 0);
  take_first (pacer);
  note_left (pacer, entry.packet, entry.skips);
  pacer->held_us = now_us - entry.since_us;
  *out_tag = entry.tag;
  return entry.packet;
}

gint64
mxr_link_pacer_get_held_us (const MxrLinkPacer *pacer, gint64 now_us)
{
  return pacer->n_waiting > 0 ? now_us - get_entry (pacer, 0)->since_us : pacer->held_us;
}

gint64
mxr_link_pacer_get_due_us (const MxrLinkPacer *pacer)
{
  return pacer->n_waiting > 0 ? get_next_us (pacer) + SLICE_US : G_MAXINT64;
}
