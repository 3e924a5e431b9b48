#include "bandwidth-private.h"

/* Bursts above the estimate, as libwebrtc does them: twice the estimate each, at once again while they find more. */

#define FACTOR 2.0
/* Of what is left of a probe that was sent, so much has to arrive. */
#define ACKED_MIN 0.8
#define PACKETS_MIN 5
#define DURATION_S 0.03
/* Five packets of a size that still goes through at once on a thin link. */
#define BYTES_MIN 600
/* What arrived this much slower than it was sent was held up by the link itself: the rate is the link's. */
#define SATURATED 0.9
#define SATURATED_PART 0.95
/* Faster than it was sent by this much: it was held up, and let go at once. */
#define COMPRESSED 2.0
#define SPAN_MAX_US (1000 * 1000)
/* It found so much of what it was sent with that there may be more. */
#define PROMISING 0.7
#define FOUND 1.05
/* No multiples of what frames take, or a probe would meet the same burst of a neighbour each time. */
#define PAUSE_MIN_US (2870 * 1000)
#define PAUSE_MAX_US (5330 * 1000)
#define TIMEOUT_US (1500 * 1000)
/* What there is use for must exceed the estimate by this much. */
#define WORTH 1.02

void
mxr_prober_init (MxrProber *prober)
{
  *prober = (MxrProber){ .due_us = G_MAXINT64, .pause_us = PAUSE_MIN_US };
}

/* Returns: whether a probe begins now. */
bool
mxr_prober_next (MxrProber *prober, double estimate_bps, double want_bps, gint64 now_us)
{
  if (prober->is_open || now_us < prober->due_us || want_bps < estimate_bps * WORTH)
    return false;

  const double rate_bps = MIN (estimate_bps * FACTOR, want_bps);
  const guint id = prober->probe.id + 1;
  prober->probe = (MxrBandwidthProbe){ .id = id != 0 ? id : 1,
                                       .rate_bps = (guint) rate_bps,
                                       .n_bytes = (guint) MAX (rate_bps * DURATION_S / 8, BYTES_MIN) };
  prober->is_open = true;
  prober->begun_us = now_us;
  prober->sent_bytes = prober->acked_bytes = prober->between_bytes = prober->other_bytes = 0;
  prober->n_acked = 0;
  return true;
}

void
mxr_prober_sent (MxrProber *prober, guint id, gsize n_bytes)
{
  if (prober->is_open && id == prober->probe.id)
    prober->sent_bytes += n_bytes;
}

/* @packet: any, in the order of sending: what is sent between the packets of a probe is part of the burst. Returns: whether
 * enough has arrived to judge it: finish it then. */
bool
mxr_prober_acked (MxrProber *prober, const MxrAckedPacket *packet)
{
  if (!prober->is_open)
    return false;
  if (packet->probe != prober->probe.id) {
    prober->other_bytes += packet->n_bytes;
    return false;
  }
  if (prober->n_acked++ == 0)
    prober->first = prober->last = *packet;
  else
    prober->between_bytes += prober->other_bytes;
  prober->other_bytes = 0;
  if (packet->arrival_us < prober->first.arrival_us)
    prober->first = *packet;
  if (packet->arrival_us >= prober->last.arrival_us)
    prober->last = *packet;
  prober->acked_bytes += packet->n_bytes;
  return prober->n_acked >= PACKETS_MIN && prober->acked_bytes >= ACKED_MIN * MAX (prober->sent_bytes, prober->probe.n_bytes);
}

/* The lesser of the rates at which it was sent and at which it arrived. 0: it says nothing. */
static double
measure (const MxrProber *prober)
{
  const gint64 sent_us = prober->last.sent_us - prober->first.sent_us;
  const gint64 arrival_us = prober->last.arrival_us - prober->first.arrival_us;

  if (prober->n_acked < PACKETS_MIN || sent_us <= 0 || arrival_us <= 0 || sent_us > SPAN_MAX_US || arrival_us > SPAN_MAX_US)
    return 0;
  const double bits_per_byte = 8.0 * G_USEC_PER_SEC;
  const double bits = (double) (prober->acked_bytes + prober->between_bytes) * bits_per_byte;
  const double send_bps = (bits - prober->last.n_bytes * bits_per_byte) / (double) sent_us;
  const double receive_bps = (bits - prober->first.n_bytes * bits_per_byte) / (double) arrival_us;
  if (receive_bps > COMPRESSED * send_bps)
    return 0;
  return receive_bps < SATURATED * send_bps ? SATURATED_PART * receive_bps : MIN (send_bps, receive_bps);
}

/* Judges the probe, be it that enough of it arrived or that it took too long. Returns: what it found; 0: nothing. */
double
mxr_prober_finish (MxrProber *prober, double estimate_bps, double want_bps, gint64 now_us)
{
  const double found_bps = measure (prober);

  prober->is_open = false;
  if (found_bps >= PROMISING * prober->probe.rate_bps && found_bps < want_bps) {
    prober->pause_us = PAUSE_MIN_US;
    prober->due_us = found_bps > FOUND * estimate_bps ? now_us : now_us + prober->pause_us;
    return found_bps;
  }
  prober->due_us = now_us + prober->pause_us;
  prober->pause_us = found_bps > FOUND * estimate_bps ? PAUSE_MIN_US : MIN (2 * prober->pause_us, PAUSE_MAX_US);
  return found_bps;
}

/* There is reason to look by @due_us at the latest. */
void
mxr_prober_hurry (MxrProber *prober, gint64 due_us)
{
  prober->due_us = MIN (prober->due_us, due_us);
}

/* Returns: when a probe that did not come back is given up; %G_MAXINT64: none is on the way. */
gint64
mxr_prober_timeout_us (const MxrProber *prober)
{
  return prober->is_open ? prober->begun_us + TIMEOUT_US : G_MAXINT64;
}
