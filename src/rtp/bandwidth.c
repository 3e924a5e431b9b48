#include "bandwidth-private.h"

#include "rtp-private.h"

/* Puts the parts together: what a packet's feedback says to each, and the one number that follows from all. */

#define RTT_START_MS 100
#define RTT_SMOOTHING 0.2
/* Above this what arrives has waited behind our own packets. */
#define QUEUED_MS 10
/* Slots of 100 ms of what was sent; the running one is not counted. */
#define SLOT_US (100 * 1000)
#define N_SLOTS 6
/* Sending less than this part of the estimate, the source is the limit. */
#define LIMITED_PART 0.85
/* Clients send feedback at least each 250 ms while anything comes. Without it half of the rate is taken, again and again. */
#define SILENCE_US (1000 * 1000)
#define SILENCE_FACTOR 0.5
/* After queues have grown: how long until more is looked for. */
#define CALM_US (1000 * 1000)
/* How long queues must have grown where the source is the limit, unless much waits. */
#define LASTING_US (250 * 1000)
#define LONG_QUEUE_MS 250
/* After a decrease a neighbour's queue takes time to drain. In proportion to time, as MxrDelayQueue has it. */
#define ANSWER_US (1500 * 1000)
#define ANSWER_SLOPE 0.05
#define DRAINING_SLOPE -0.05
/* Growth without an end for so long means that the way has become wider. */
#define UNLIMITED_US (6 * 1000 * 1000)
#define WANT_GROWTH 1.1
/* Reports count where there is no transport-wide feedback, or none any more. */
#define REPORTS_AFTER_US (2 * 1000 * 1000)
/* Who limits us by REMB says so about once a second; who is silent about it for so long does not any more. */
#define REMB_STALE_US (20 * 1000 * 1000)

typedef struct {
  gsize bytes[N_SLOTS];
  gint64 slot; /* number of the running one */
} SendRate;

struct _MxrBandwidth {
  MxrBandwidthConfig config;
  MxrSentLog log;
  SendRate sending;
  MxrDelayTrend trend;
  MxrAckedRate acked;
  double acked_bps; /* by the last feedback, because to sum it up takes a microsecond; 0: not known */
  MxrRateControl control;
  MxrLossLimit loss;
  MxrProber prober;
  double rtt_ms;
  bool has_report_rtt;
  guint64 remb_bps;
  gint64 remb_us; /* when it was told */
  guint want_bps;
  gint64 reference; /* of the last feedback, 64 ms, without wraps */
  gint64 calm_us;       /* no probes before */
  gint64 over_us;       /* since when queues grow; 0: they do not */
  gint64 feedback_us;  /* of the last feedback; 0: none yet */
  gint64 unanswered_us; /* the first packet sent since; 0: none */
  double before_silence_bps;
  gint64 silence_us;   /* when the rate was last reduced for want of feedback; 0: feedback comes */
  gint64 outage_end_us; /* what was sent before is not counted as lost */
};

/* What one feedback message said. */
typedef struct {
  guint n_packets;
  int n_lost;
  gint64 newest_sent_us; /* of those that arrived; 0: none */
  bool is_probe_done;
} Told;

MxrBandwidth *
mxr_bandwidth_new (const MxrBandwidthConfig *config)
{
  g_return_val_if_fail (config->min_bps <= config->start_bps && config->start_bps <= config->max_bps, NULL);

  MxrBandwidth *bandwidth = g_new0 (MxrBandwidth, 1);
  bandwidth->config = *config;
  bandwidth->rtt_ms = RTT_START_MS;
  mxr_delay_trend_init (&bandwidth->trend);
  mxr_acked_rate_init (&bandwidth->acked);
  mxr_rate_control_init (&bandwidth->control, config);
  mxr_loss_limit_init (&bandwidth->loss, config);
  mxr_prober_init (&bandwidth->prober);
  return bandwidth;
}

void
mxr_bandwidth_free (MxrBandwidth *bandwidth)
{
  g_free (bandwidth);
}

static double
estimate (const MxrBandwidth *bandwidth)
{
  double bps = bandwidth->control.bps;

  if (bandwidth->feedback_us == 0 && bandwidth->remb_bps > 0)
    bps = (double) bandwidth->remb_bps;
  else if (bandwidth->remb_bps > 0)
    bps = MIN (bps, (double) bandwidth->remb_bps);
  if (bandwidth->loss.limit_bps > 0)
    bps = MIN (bps, bandwidth->loss.limit_bps);
  return CLAMP (bps, bandwidth->config.min_bps, bandwidth->config.max_bps);
}

static double
want (const MxrBandwidth *bandwidth)
{
  const double most_bps = bandwidth->remb_bps > 0 ? (double) bandwidth->remb_bps : bandwidth->config.max_bps;
  return MIN (MIN (bandwidth->want_bps, bandwidth->config.max_bps), most_bps);
}

static void
advance_slots (SendRate *sending, gint64 now_us)
{
  const gint64 slot = now_us / SLOT_US;
  for (gint64 i = MAX (sending->slot + 1, slot - N_SLOTS + 1); i <= slot; i++)
    sending->bytes[i % N_SLOTS] = 0;
  sending->slot = slot;
}

static double
sent_bps (MxrBandwidth *bandwidth, gint64 now_us)
{
  SendRate *sending = &bandwidth->sending;
  gsize bytes = 0;

  advance_slots (sending, now_us);
  for (guint i = 0; i < N_SLOTS; i++)
    if (i != sending->slot % N_SLOTS)
      bytes += sending->bytes[i];
  return (double) bytes * 8 * G_USEC_PER_SEC / (SLOT_US * (N_SLOTS - 1));
}

void
mxr_bandwidth_sent (MxrBandwidth *bandwidth, guint16 transport_seq, gsize n_bytes, guint probe, gint64 now_us)
{
  advance_slots (&bandwidth->sending, now_us);
  bandwidth->sending.bytes[bandwidth->sending.slot % N_SLOTS] += n_bytes;
  if (!mxr_sent_log_add (&bandwidth->log, transport_seq, n_bytes, probe, now_us))
    return;
  if (bandwidth->unanswered_us == 0)
    bandwidth->unanswered_us = now_us;
  if (probe != 0)
    mxr_prober_sent (&bandwidth->prober, probe, n_bytes);
}

static void
tell_lost (MxrBandwidth *bandwidth, MxrSentPacket *packet, Told *told)
{
  if (packet->is_told || packet->is_lost || packet->sent_us < bandwidth->outage_end_us)
    return;
  packet->is_lost = true;
  told->n_packets++;
  told->n_lost++;
}

static void
tell_received (MxrBandwidth *bandwidth, MxrSentPacket *packet, gint64 arrival_us, Told *told)
{
  const MxrAckedPacket acked = {
    .sent_us = packet->sent_us, .arrival_us = arrival_us, .n_bytes = packet->n_bytes, .probe = packet->probe
  };

  if (packet->is_told)
    return;
  packet->is_told = true;
  if (packet->is_lost)
    told->n_lost--;
  else
    told->n_packets++;
  told->newest_sent_us = MAX (told->newest_sent_us, packet->sent_us);
  mxr_delay_trend_add (&bandwidth->trend, &acked);
  mxr_acked_rate_add (&bandwidth->acked, &acked, bandwidth->trend.queue.queue_ms > QUEUED_MS);
  told->is_probe_done |= mxr_prober_acked (&bandwidth->prober, &acked);
}

static MxrLossInput
loss_input (MxrBandwidth *bandwidth, gint64 now_us)
{
  const double bps = sent_bps (bandwidth, now_us);
  return (MxrLossInput){ .sent_bps = bps > 0 ? bps : estimate (bandwidth),
                         .busy_bps = mxr_acked_rate_get_busy (&bandwidth->acked),
                         .is_queued = bandwidth->trend.queue.queue_ms > QUEUED_MS };
}

/* Whether the source sends less than it may. */
static bool
is_limited (MxrBandwidth *bandwidth, gint64 now_us)
{
  return sent_bps (bandwidth, now_us) < LIMITED_PART * estimate (bandwidth);
}

static void
finish_probe (MxrBandwidth *bandwidth, gint64 now_us)
{
  const double found_bps = mxr_prober_finish (&bandwidth->prober, estimate (bandwidth), want (bandwidth), now_us);

  if (bandwidth->trend.use == MXR_BANDWIDTH_OVERUSE)
    return;
  mxr_rate_control_raise (&bandwidth->control, found_bps);
  mxr_loss_limit_raise (&bandwidth->loss, found_bps);
}

/* Frames of uneven size make a trend of some milliseconds that is no queue, and what arrives then says what was sent, not what the
 * way carries. */
static bool
is_waited (const MxrBandwidth *bandwidth)
{
  return mxr_acked_rate_get_busy (&bandwidth->acked) > 0 || mxr_delay_queue_is_standing (&bandwidth->trend.queue);
}

/* A burst of a source that sends little otherwise, be it our key frame or a neighbour's, waits for a moment and is gone: the
 * rate would fall to a part of the little. What counts there is a queue that is still there a feedback later and does not drain,
 * and after a decrease one that grows further. */
static MxrBandwidthUse
lasting_use (MxrBandwidth *bandwidth, gint64 now_us)
{
  const MxrBandwidthUse use = bandwidth->trend.use;
  const MxrDelayQueue *queue = &bandwidth->trend.queue;

  if (use != MXR_BANDWIDTH_OVERUSE)
    bandwidth->over_us = 0;
  else if (bandwidth->over_us == 0)
    bandwidth->over_us = now_us;
  if (use != MXR_BANDWIDTH_OVERUSE)
    return use;
  if (!is_waited (bandwidth))
    return MXR_BANDWIDTH_UNDERUSE;
  if (!is_limited (bandwidth, now_us))
    return use;
  const bool did_decrease = bandwidth->control.decreased_us != 0 && now_us - bandwidth->control.decreased_us < ANSWER_US;
  const bool is_lasting = now_us - bandwidth->over_us >= LASTING_US || queue->queue_ms >= LONG_QUEUE_MS;
  const bool is_there = queue->queue_ms > QUEUED_MS && queue->slope > (did_decrease ? ANSWER_SLOPE : DRAINING_SLOPE);
  return is_lasting && is_there ? MXR_BANDWIDTH_OVERUSE : MXR_BANDWIDTH_UNDERUSE;
}

/* What has arrived while nothing waits is carried, whatever was taken for a queue before. Not of the time before a decrease, though:
 * that filled the queue. */
static double
carried_bps (MxrBandwidth *bandwidth, gint64 now_us)
{
  const gint64 settled_us = MXR_ACKED_WINDOW_US + (gint64) (bandwidth->rtt_ms * 1000);

  if (bandwidth->trend.queue.queue_ms > QUEUED_MS || now_us - bandwidth->control.decreased_us < settled_us)
    return 0;
  return mxr_acked_rate_get_whole (&bandwidth->acked);
}

static void
follow_delay (MxrBandwidth *bandwidth, gint64 now_us)
{
  bandwidth->acked_bps = mxr_acked_rate_get (&bandwidth->acked);
  const MxrRateInput input = { .use = lasting_use (bandwidth, now_us),
                               .acked_bps = bandwidth->acked_bps,
                               .busy_bps = mxr_acked_rate_get_busy (&bandwidth->acked),
                               .carried_bps = carried_bps (bandwidth, now_us),
                               .rtt_ms = bandwidth->rtt_ms };

  if (mxr_rate_control_update (&bandwidth->control, &input, now_us))
    mxr_prober_hurry (&bandwidth->prober, now_us + CALM_US);
  if (input.use == MXR_BANDWIDTH_OVERUSE)
    bandwidth->calm_us = now_us + CALM_US;
}

/* The first ever, or after a silence. That nothing came says nothing of what the way carries now: neither is it counted as
 * lost, nor is the rate searched for from the bottom. */
static void
hear_again (MxrBandwidth *bandwidth, gint64 now_us)
{
  if (bandwidth->feedback_us == 0)
    mxr_prober_hurry (&bandwidth->prober, now_us);
  if (bandwidth->silence_us == 0)
    return;
  bandwidth->silence_us = 0;
  bandwidth->outage_end_us = now_us;
  bandwidth->control.bps = MAX (bandwidth->control.bps, SILENCE_FACTOR * bandwidth->before_silence_bps);
  mxr_prober_hurry (&bandwidth->prober, now_us);
}

bool
mxr_bandwidth_feedback (MxrBandwidth *bandwidth, const guint8 *fci, gsize size, gint64 now_us)
{
  MxrTwccReader reader;
  MxrTwccStatus status;
  Told told = { 0 };

  if (!mxr_twcc_reader_init (&reader, fci, size))
    return false;

  if (bandwidth->feedback_us == 0)
    bandwidth->reference = reader.reference;
  mxr_twcc_unwrap_reference (&bandwidth->reference, reader.reference);
  const gint64 reference_us = bandwidth->reference * MXR_TWCC_REFERENCE_US;
  hear_again (bandwidth, now_us);
  while (mxr_twcc_reader_next (&reader, &status)) {
    MxrSentPacket *packet = mxr_sent_log_find (&bandwidth->log, status.seq);
    if (packet == NULL)
      mxr_twcc_reader_skip_missing (&reader, mxr_sent_log_count_unknown (&bandwidth->log, reader.seq));
    else if (status.is_received)
      tell_received (bandwidth, packet, reference_us + status.offset_us, &told);
    else
      tell_lost (bandwidth, packet, &told);
  }
  bandwidth->feedback_us = now_us;
  bandwidth->unanswered_us = 0;
  if (told.newest_sent_us > 0 && !bandwidth->has_report_rtt)
    bandwidth->rtt_ms += RTT_SMOOTHING * ((double) (now_us - told.newest_sent_us) / 1000 - bandwidth->rtt_ms);

  const MxrLossInput input = loss_input (bandwidth, now_us);
  mxr_loss_limit_count (&bandwidth->loss, told.n_packets, told.n_lost);
  mxr_loss_limit_update (&bandwidth->loss, &input, now_us);
  follow_delay (bandwidth, now_us);
  if (told.is_probe_done)
    finish_probe (bandwidth, now_us);
  return true;
}

void
mxr_bandwidth_report (MxrBandwidth *bandwidth, double fraction_lost, double rtt_ms, gint64 now_us)
{
  if (rtt_ms >= 0) {
    bandwidth->rtt_ms = rtt_ms;
    bandwidth->has_report_rtt = true;
  }
  if (bandwidth->feedback_us != 0 && now_us - bandwidth->feedback_us < REPORTS_AFTER_US)
    return;
  const MxrLossInput input = loss_input (bandwidth, now_us);
  mxr_loss_limit_report (&bandwidth->loss, fraction_lost, &input, now_us);
}

void
mxr_bandwidth_remb (MxrBandwidth *bandwidth, guint64 bps, gint64 now_us)
{
  bandwidth->remb_bps = bps;
  bandwidth->remb_us = now_us;
}

void
mxr_bandwidth_want (MxrBandwidth *bandwidth, guint bps)
{
  /* Another step of what is sent: what was not looked for before may be there. */
  if (bps > WANT_GROWTH * bandwidth->want_bps)
    mxr_prober_hurry (&bandwidth->prober, 0);
  bandwidth->want_bps = bps;
}

/* Full, the way shows by itself what it carries, unless it has not for long. */
static bool
may_probe (MxrBandwidth *bandwidth, gint64 now_us)
{
  if (bandwidth->feedback_us == 0 || bandwidth->silence_us != 0 || now_us < bandwidth->calm_us)
    return false;
  return bandwidth->control.capacity_bps == 0 || now_us - bandwidth->control.decreased_us > UNLIMITED_US ||
         is_limited (bandwidth, now_us);
}

bool
mxr_bandwidth_next_probe (MxrBandwidth *bandwidth, gint64 now_us, MxrBandwidthProbe *out_probe)
{
  if (!may_probe (bandwidth, now_us) ||
      !mxr_prober_next (&bandwidth->prober, estimate (bandwidth), want (bandwidth), now_us))
    return false;
  *out_probe = bandwidth->prober.probe;
  return true;
}

static gint64
remb_due_us (const MxrBandwidth *bandwidth)
{
  return bandwidth->remb_bps > 0 && bandwidth->feedback_us != 0 ? bandwidth->remb_us + REMB_STALE_US : G_MAXINT64;
}

static gint64
silence_due_us (const MxrBandwidth *bandwidth)
{
  if (bandwidth->feedback_us == 0 || bandwidth->unanswered_us == 0)
    return G_MAXINT64;
  return MAX (bandwidth->unanswered_us, bandwidth->silence_us) + SILENCE_US;
}

gint64
mxr_bandwidth_poll (MxrBandwidth *bandwidth, gint64 now_us)
{
  if (now_us >= silence_due_us (bandwidth)) {
    if (bandwidth->silence_us == 0)
      bandwidth->before_silence_bps = bandwidth->control.bps;
    bandwidth->silence_us = now_us;
    bandwidth->control.bps = MAX (bandwidth->control.bps * SILENCE_FACTOR, bandwidth->config.min_bps);
  }
  if (now_us >= remb_due_us (bandwidth))
    bandwidth->remb_bps = 0;
  if (now_us >= mxr_prober_timeout_us (&bandwidth->prober))
    finish_probe (bandwidth, now_us);

  gint64 due_us = MIN (MIN (silence_due_us (bandwidth), remb_due_us (bandwidth)), mxr_prober_timeout_us (&bandwidth->prober));
  if (!bandwidth->prober.is_open && bandwidth->feedback_us != 0 && want (bandwidth) > estimate (bandwidth))
    due_us = MIN (due_us, MAX (MAX (bandwidth->prober.due_us, bandwidth->calm_us), now_us + SLOT_US));
  return due_us;
}

void
mxr_bandwidth_get_state (const MxrBandwidth *bandwidth, MxrBandwidthState *out_state)
{
  const bool has_feedback = bandwidth->feedback_us != 0;

  *out_state = (MxrBandwidthState){ .estimate_bps = (guint) estimate (bandwidth),
                                    .delay_bps = has_feedback ? (guint) bandwidth->control.bps : 0,
                                    .loss_bps = (guint) MIN (bandwidth->loss.limit_bps, G_MAXUINT),
                                    .remb_bps = (guint) MIN (bandwidth->remb_bps, G_MAXUINT),
                                    .acked_bps = (guint) MIN (bandwidth->acked_bps, G_MAXUINT),
                                    .loss = bandwidth->loss.loss,
                                    .queue_ms = bandwidth->trend.queue.queue_ms,
                                    .use = bandwidth->trend.use,
                                    .is_measured = has_feedback || bandwidth->remb_bps > 0 };
}
