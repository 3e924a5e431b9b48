#include "sim-private.h"

/* The server's downlink in short: rungs of given rates, key frames where the rung changes, a pacer, sound that does not wait,
 * probes of padding. */

#define AUDIO_BPS 40000
#define AUDIO_PACKET_BYTES 100
#define AUDIO_US (20 * 1000)
#define FRAME_US 33333
#define PACKET_BYTES 1200
/* What is left for the next one is a small one. */
#define LARGE_FRAME 1.8
#define KEY_FRAME_S 0.4 /* of the rung's rate */
#define PACING 2.5
#define PACER_BURST_US (10 * 1000)
#define PACER_MAX_S 0.25 /* of the pacing rate; more is dropped */
#define DECISION_US (100 * 1000)
#define GREEDY_MIN_BPS 30000
#define GREEDY_MAX_BPS 4000000
#define UP_AFTER_US (1000 * 1000)
#define FAILED_WITHIN_US (10 * 1000 * 1000)

static const double rungs_bps[] = { 1500e3, 500e3, 150e3, 0 };

void
sim_source_init (SimSourceState *source, const SimScenario *scenario)
{
  *source = (SimSourceState){ .kind = scenario->source,
                               .is_uneven = scenario->is_uneven,
                               .back_off_s = 5,
                               .video_bps = rungs_bps[0],
                               .wants_key_frame = true };
}

double
sim_source_target (const SimSourceState *source)
{
  return source->video_bps + AUDIO_BPS;
}

static void
step_to (SimSourceState *source, guint rung, gint64 now_us)
{
  if (rung < source->rung) {
    source->stepped_up_us = now_us;
  } else if (source->stepped_up_us != 0 && now_us - source->stepped_up_us < FAILED_WITHIN_US) {
    source->may_step_us = now_us + (gint64) (source->back_off_s * G_USEC_PER_SEC);
    source->back_off_s = MIN (2 * source->back_off_s, 60);
  }
  source->rung = rung;
  source->video_bps = rungs_bps[rung];
  source->wants_key_frame = rungs_bps[rung] > 0;
  source->better_us = 0;
}

/* Down at once, up after a while. */
static void
decide_rung (SimSourceState *source, double estimate_bps, gint64 now_us)
{
  guint rung = source->rung;

  while (rung + 1 < G_N_ELEMENTS (rungs_bps) && estimate_bps < 0.95 * (rungs_bps[rung] + AUDIO_BPS))
    rung++;
  if (rung != source->rung) {
    step_to (source, rung, now_us);
    return;
  }
  if (rung == 0 || estimate_bps < 1.05 * (rungs_bps[rung - 1] + AUDIO_BPS) || now_us < source->may_step_us) {
    source->better_us = 0;
    return;
  }
  if (source->better_us == 0)
    source->better_us = now_us;
  if (now_us - source->better_us < UP_AFTER_US)
    return;
  while (rung > 0 && estimate_bps >= 1.05 * (rungs_bps[rung - 1] + AUDIO_BPS))
    rung--;
  step_to (source, rung, now_us);
}

static void
decide (SimFlow *flow, gint64 now_us)
{
  SimSourceState *source = &flow->source;
  MxrBandwidthState state;

  if (now_us - source->decided_us < DECISION_US)
    return;
  source->decided_us = now_us;
  mxr_bandwidth_get_state (flow->bandwidth, &state);
  if (source->kind == SIM_GREEDY) {
    source->video_bps = CLAMP ((double) state.estimate_bps - AUDIO_BPS, GREEDY_MIN_BPS, GREEDY_MAX_BPS);
    mxr_bandwidth_want (flow->bandwidth, GREEDY_MAX_BPS);
  } else {
    decide_rung (source, state.estimate_bps, now_us);
    mxr_bandwidth_want (flow->bandwidth,
                        source->rung == 0 ? 0 : (guint) (1.3 * (rungs_bps[source->rung - 1] + AUDIO_BPS)));
  }
}

static void
send (SimFlow *flow, SimLink *link, guint n_bytes, guint probe, gint64 now_us)
{
  mxr_bandwidth_sent (flow->bandwidth, flow->seq, n_bytes, probe, now_us);
  sim_link_push (link, (int) flow->number, flow->seq, n_bytes, now_us);
  flow->seq++;
  flow->sent_bytes += n_bytes;
}

static void
make_frames (SimFlow *flow, GRand *rand, gint64 now_us)
{
  SimSourceState *source = &flow->source;

  for (; source->next_frame_us <= now_us; source->next_frame_us += FRAME_US) {
    double bytes = source->video_bps / 8 * FRAME_US / G_USEC_PER_SEC * g_rand_double_range (rand, 0.7, 1.3);
    if (source->is_uneven)
      bytes *= source->n_frames++ % 2 == 0 ? LARGE_FRAME : 2 - LARGE_FRAME;
    if (source->wants_key_frame)
      bytes = source->video_bps / 8 * KEY_FRAME_S;
    source->wants_key_frame = false;
    source->pending_bytes += bytes;
  }
}

static void
pace (SimFlow *flow, SimLink *link, gint64 now_us)
{
  SimSourceState *source = &flow->source;
  MxrBandwidthState state;

  mxr_bandwidth_get_state (flow->bandwidth, &state);
  const double bytes_per_us = PACING * state.estimate_bps / 8 / G_USEC_PER_SEC;
  source->budget_bytes += bytes_per_us * (double) (now_us - source->paced_us);
  source->budget_bytes = MIN (source->budget_bytes, MAX (bytes_per_us * PACER_BURST_US, PACKET_BYTES));
  source->paced_us = now_us;
  while (source->pending_bytes > 0 && source->budget_bytes > 0) {
    const double bytes = MIN (source->pending_bytes, PACKET_BYTES);
    if (bytes >= 100)
      send (flow, link, (guint) bytes, 0, now_us);
    source->pending_bytes -= bytes;
    source->budget_bytes -= bytes;
  }
  if (source->pending_bytes > bytes_per_us * PACER_MAX_S * G_USEC_PER_SEC + rungs_bps[0] / 8 * KEY_FRAME_S) {
    source->pending_bytes = 0;
    source->wants_key_frame = true;
  }
}

static void
send_probe (SimFlow *flow, SimLink *link, gint64 now_us)
{
  SimSourceState *source = &flow->source;

  if (source->probe_left == 0 && mxr_bandwidth_next_probe (flow->bandwidth, now_us, &source->probe)) {
    source->probe_left = source->probe.n_bytes;
    source->probe_us = now_us;
  }
  const guint packet_bytes = CLAMP (source->probe.n_bytes / 5, 100, PACKET_BYTES);
  while (source->probe_left > 0 && source->probe_us <= now_us) {
    send (flow, link, packet_bytes, source->probe.id, now_us);
    source->probe_us += (gint64) packet_bytes * 8 * G_USEC_PER_SEC / source->probe.rate_bps;
    source->probe_left -= MIN (source->probe_left, packet_bytes);
  }
}

/* One millisecond of what it sends. */
void
sim_source_step (SimFlow *flow, SimLink *link, GRand *rand, gint64 now_us)
{
  SimSourceState *source = &flow->source;

  if (source->paced_us == 0)
    source->paced_us = source->next_frame_us = source->next_audio_us = now_us;
  decide (flow, now_us);
  for (; source->next_audio_us <= now_us; source->next_audio_us += AUDIO_US)
    send (flow, link, AUDIO_PACKET_BYTES, 0, now_us);
  make_frames (flow, rand, now_us);
  pace (flow, link, now_us);
  send_probe (flow, link, now_us);
}
