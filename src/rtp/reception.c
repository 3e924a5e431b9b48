#include "rtp-private.h"

/* A new SSRC in the place of the last one; indices go on above its. @now_us: 0 when it was not heard yet */
void
mxr_reception_start (MxrReception *reception, guint32 ssrc, gint64 now_us)
{
  const guint64 above = reception->seq.highest;
  *reception = (MxrReception){ .ssrc = ssrc, .latched_us = now_us, .clock_rate = reception->clock_rate };
  mxr_seq_init (&reception->seq, above);
}

/* RFC 3550 A.8, in arithmetic modulo 2^32: transit times wrap with the timestamps, their differences do not.
 */
static void
update_jitter (MxrReception *reception, guint32 timestamp, gint64 now_us)
{
  const guint64 rate = reception->clock_rate;
  const guint64 seconds = (guint64) now_us / G_USEC_PER_SEC, rest_us = (guint64) now_us % G_USEC_PER_SEC;
  const guint32 arrival = (guint32) (seconds * rate + rest_us * rate / G_USEC_PER_SEC);
  const guint32 transit = arrival - timestamp;

  if (reception->has_transit) {
    const gint32 change = (gint32) (transit - reception->transit);
    const gint64 step = ABS ((gint64) change);
    /* A jump of a minute is another timeline, not jitter. */
    if (step < 60 * (gint64) rate)
      reception->jitter_q4 += (guint32) (step - ((reception->jitter_q4 + 8) >> 4));
  }
  reception->transit = transit;
  reception->has_transit = true;
}

MxrSeqResult
mxr_reception_update (MxrReception *reception, guint16 seq, guint32 timestamp, gint64 now_us,
                      guint64 *out_index)
{
  const gint64 lost = mxr_reception_count_lost (reception);
  const MxrSeqResult result = mxr_seq_update (&reception->seq, seq, true, out_index);
  if (result == MXR_SEQ_DUPLICATE || result == MXR_SEQ_REFUSED)
    return result;

  if (result == MXR_SEQ_RESTARTED) {
    reception->lost_before = lost;
    reception->first = *out_index;
    reception->received = 0;
    reception->expected_prior = reception->received_prior = 0;
    reception->has_transit = false;
  }
  reception->received++;
  reception->is_fresh = true;
  if (result != MXR_SEQ_LATE)
    update_jitter (reception, timestamp, now_us);
  return result;
}

static guint64
count_expected (const MxrReception *reception)
{
  return reception->seq.started ? reception->seq.highest - reception->first + 1 : 0;
}

gint64
mxr_reception_count_lost (const MxrReception *reception)
{
  return reception->lost_before + (gint64) (count_expected (reception) - reception->received);
}

void
mxr_reception_set_sr (MxrReception *reception, guint64 ntp, guint32 rtp, gint64 now_us)
{
  reception->sr_ntp = ntp;
  reception->sr_rtp = rtp;
  reception->sr_arrival_us = now_us;
}

/* RFC 3550 6.4.1 and A.3. */
void
mxr_reception_report (MxrReception *reception, gint64 now_us, MxrReportBlock *out_block)
{
  const guint64 expected = count_expected (reception);
  const gint64 expected_now = (gint64) (expected - reception->expected_prior);
  const gint64 lost_now = expected_now - (gint64) (reception->received - reception->received_prior);
  const gint64 fraction = expected_now > 0 && lost_now > 0 ? lost_now * 256 / expected_now : 0;
  const gint64 since_sr_us = now_us - reception->sr_arrival_us;

  reception->expected_prior = expected;
  reception->received_prior = reception->received;
  reception->is_fresh = false;
  reception->fraction_lost = (double) MIN (fraction, 255) / 256;

  *out_block = (MxrReportBlock){
    .ssrc = reception->ssrc,
    .fraction_lost = (guint8) MIN (fraction, 255),
    .lost = (gint32) CLAMP (mxr_reception_count_lost (reception), -0x800000, 0x7fffff),
    .highest = (guint32) (reception->seq.highest - (reception->first & ~(guint64) 0xffff)),
    .jitter = reception->jitter_q4 >> 4,
  };
  if (reception->sr_arrival_us == 0)
    return;
  out_block->lsr = (guint32) (reception->sr_ntp >> 16);
  out_block->dlsr = (guint32) MIN (since_sr_us / G_USEC_PER_SEC * 65536 +
                                       since_sr_us % G_USEC_PER_SEC * 65536 / G_USEC_PER_SEC,
                                   (gint64) G_MAXUINT32);
}
