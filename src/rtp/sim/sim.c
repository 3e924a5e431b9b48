#include "sim-private.h"

#include <math.h>

#define FEEDBACK_US (100 * 1000)
#define START_BPS 2000000
#define MIN_BPS 30000
#define MAX_BPS 5000000

typedef struct {
  gint64 arrival_us;
  gsize size;
  guint8 fci[1000];
} SimFeedback;

guint
sim_capacity_at (const SimScenario *scenario, double at_s)
{
  guint bps = scenario->capacity[0].bps;
  for (guint i = 1; i < SIM_STEPS_MAX && scenario->capacity[i].at_s > 0 && scenario->capacity[i].at_s <= at_s; i++)
    bps = scenario->capacity[i].bps;
  return bps;
}

static void
init_flow (SimFlow *flow, guint number, const SimScenario *scenario)
{
  const MxrBandwidthConfig config = { .start_bps = scenario->start_bps != 0 ? scenario->start_bps : START_BPS,
                                      .min_bps = MIN_BPS,
                                      .max_bps = MAX_BPS };

  *flow = (SimFlow){ .number = number, .bandwidth = mxr_bandwidth_new (&config), .seq = (guint16) (65000 + number) };
  flow->recorder = g_new (MxrTwccRecorder, 1);
  mxr_twcc_recorder_init (flow->recorder);
  g_queue_init (&flow->arriving);
  g_queue_init (&flow->feedback);
  sim_source_init (&flow->source, scenario);
}

static void
clear_flow (SimFlow *flow)
{
  mxr_bandwidth_free (flow->bandwidth);
  g_free (flow->recorder);
  g_queue_clear_full (&flow->arriving, g_free);
  g_queue_clear_full (&flow->feedback, g_free);
}

static void
receive (SimFlow *flow, gint64 now_us)
{
  for (SimPacket *packet; (packet = g_queue_peek_head (&flow->arriving)) != NULL && packet->arrival_us <= now_us;) {
    mxr_twcc_recorder_add (flow->recorder, packet->seq, packet->arrival_us);
    flow->arrived_bytes += packet->n_bytes;
    g_free (g_queue_pop_head (&flow->arriving));
  }
}

/* The way back has the same delay, no queue, and is cut with the way there. */
static void
send_feedback (SimFlow *flow, const SimScenario *scenario, bool is_cut, gint64 now_us)
{
  if (now_us - flow->feedback_us < FEEDBACK_US)
    return;
  flow->feedback_us = now_us;
  for (;;) {
    SimFeedback *feedback = g_new (SimFeedback, 1);
    feedback->size = mxr_twcc_recorder_build (flow->recorder, feedback->fci, sizeof feedback->fci);
    feedback->arrival_us = now_us + scenario->delay_ms * 1000;
    if (feedback->size == 0 || is_cut) {
      g_free (feedback);
      return;
    }
    g_queue_push_tail (&flow->feedback, feedback);
  }
}

static void
take_feedback (SimFlow *flow, gint64 now_us)
{
  for (SimFeedback *feedback; (feedback = g_queue_peek_head (&flow->feedback)) != NULL && feedback->arrival_us <= now_us;) {
    g_assert_true (mxr_bandwidth_feedback (flow->bandwidth, feedback->fci, feedback->size, now_us));
    g_free (g_queue_pop_head (&flow->feedback));
  }
  mxr_bandwidth_poll (flow->bandwidth, now_us);
}

static void
carry (SimLink *link, SimFlow *flows, SimResult *result, gint64 now_us)
{
  sim_link_push_cross_traffic (link, now_us);
  for (SimPacket *packet; (packet = sim_link_pop (link, now_us)) != NULL;) {
    SimFlow *flow = &flows[packet->flow];
    const SimWait wait = { .at_s = (double) (packet->sent_us - SIM_EPOCH_US) / G_USEC_PER_SEC,
                           .ms = (double) (packet->started_us - packet->sent_us) / 1000 };
    g_array_append_val (result->waits[flow->number], wait);
    flow->queue_ms = MAX (flow->queue_ms, wait.ms);
    g_queue_push_tail (&flow->arriving, packet);
  }
}

static void
take_sample (SimFlow *flow, const SimScenario *scenario, double at_s, SimSample *out_sample)
{
  const bool is_cross = at_s >= scenario->cross_from_s && at_s < scenario->cross_to_s;
  const guint capacity_bps = sim_capacity_at (scenario, at_s);
  const guint cross_bps = is_cross ? MIN (scenario->cross_bps, capacity_bps) : 0;
  MxrBandwidthState state;

  mxr_bandwidth_get_state (flow->bandwidth, &state);
  *out_sample = (SimSample){ .at_s = at_s,
                             .capacity_bps = capacity_bps - cross_bps,
                             .estimate_bps = state.estimate_bps,
                             .sent_bps = (guint) (flow->sent_bytes * 8 * 1000 / SIM_SAMPLE_MS),
                             .arrived_bps = (guint) (flow->arrived_bytes * 8 * 1000 / SIM_SAMPLE_MS),
                             .target_bps = (guint) sim_source_target (&flow->source),
                             .queue_ms = flow->queue_ms };
  flow->sent_bytes = flow->arrived_bytes = 0;
  flow->queue_ms = 0;
}

static SimResult *
new_result (const SimScenario *scenario)
{
  SimResult *result = g_new0 (SimResult, 1);
  for (guint f = 0; f < scenario->n_flows; f++) {
    result->samples[f] = g_new0 (SimSample, (gsize) (scenario->duration_s * 1000 / SIM_SAMPLE_MS) + 1);
    result->waits[f] = g_array_new (FALSE, FALSE, sizeof (SimWait));
  }
  return result;
}

SimResult *
sim_run (const SimScenario *scenario, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  SimResult *result = new_result (scenario);
  SimFlow flows[SIM_FLOWS_MAX];
  SimLink link;

  sim_link_init (&link, scenario, rand);
  for (guint f = 0; f < scenario->n_flows; f++)
    init_flow (&flows[f], f, scenario);
  for (gint64 t = 0; t < (gint64) (scenario->duration_s * G_USEC_PER_SEC); t += SIM_STEP_US) {
    const gint64 now_us = SIM_EPOCH_US + t;
    const double at_s = (double) t / G_USEC_PER_SEC;
    for (guint f = 0; f < scenario->n_flows; f++)
      if (f == 0 || at_s >= scenario->second_from_s)
        sim_source_step (&flows[f], &link, rand, now_us);
    carry (&link, flows, result, now_us);
    for (guint f = 0; f < scenario->n_flows; f++) {
      receive (&flows[f], now_us);
      send_feedback (&flows[f], scenario, sim_capacity_at (scenario, at_s) == 0, now_us);
      take_feedback (&flows[f], now_us);
      if (t % (SIM_SAMPLE_MS * 1000) == 0)
        take_sample (&flows[f], scenario, at_s, &result->samples[f][result->n_samples]);
    }
    if (t % (SIM_SAMPLE_MS * 1000) == 0)
      result->n_samples++;
  }
  for (guint f = 0; f < scenario->n_flows; f++)
    clear_flow (&flows[f]);
  sim_link_clear (&link);
  return result;
}

void
sim_result_free (SimResult *result)
{
  for (guint f = 0; f < SIM_FLOWS_MAX; f++) {
    g_free (result->samples[f]);
    g_clear_pointer (&result->waits[f], g_array_unref);
  }
  g_free (result);
}
