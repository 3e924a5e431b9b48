#include "bandwidth-private.h"

#include <math.h>

/* draft-ietf-rmcat-gcc-02 5.5, with libwebrtc's constants: additive increase near what the way is known to carry,
 * multiplicative beyond, a decrease to a part of what arrives. */

#define BETA 0.85
#define GROWTH_PER_S 1.08
/* The rate may run ahead of what is sent by this much only: more is for probes to find. */
#define AHEAD 1.5
#define AHEAD_BPS 10e3
#define CAPACITY_SMOOTHING 0.05
#define VARIANCE_MIN 0.4
#define VARIANCE_MAX 2.5
#define VARIANCE_START 0.4
#define MARGIN 0.25
/* Nothing is known of what arrives. */
#define BLIND_DECREASE 0.5
#define DECREASE_INTERVAL_MAX_US (200 * 1000)
#define DECREASE_INTERVAL_MIN_US (10 * 1000)
#define PACKET_BITS (1200 * 8.0)
#define RESPONSE_MS 100.0
#define ADDITIVE_MAX_PART 0.1
#define STEP_MAX_S 1.0
/* A source that sends more than this part above the rate does not follow it closely. One that does would win from its neighbours what
 * they leave free for a moment. */
#define UNHEEDED 1.1

void
mxr_rate_control_init (MxrRateControl *control, const MxrBandwidthConfig *config)
{
  *control = (MxrRateControl){ .bps = config->start_bps,
                               .min_bps = config->min_bps,
                               .max_bps = config->max_bps,
                               .variance = VARIANCE_START };
}

static double
deviation (const MxrRateControl *control)
{
  return sqrt (control->variance * control->capacity_bps / 1000) * 1000;
}

/* A neighbour that gives way for a moment is not a wider way: of two that share a link, one would run away from the other. */
static bool
is_beyond_capacity (const MxrRateControl *control, double bps)
{
  const double margin_bps = MAX (3 * deviation (control), MARGIN * control->capacity_bps);
  return control->capacity_bps > 0 && bps > control->capacity_bps + margin_bps;
}

static void
learn_capacity (MxrRateControl *control, double bps)
{
  if (control->capacity_bps == 0) {
    control->capacity_bps = bps;
    return;
  }
  const double error_kbps = (control->capacity_bps - bps) / 1000;
  control->capacity_bps += CAPACITY_SMOOTHING * (bps - control->capacity_bps);
  control->variance = (1 - CAPACITY_SMOOTHING) * control->variance +
                      CAPACITY_SMOOTHING * error_kbps * error_kbps * 1000 / MAX (control->capacity_bps, 1);
  control->variance = CLAMP (control->variance, VARIANCE_MIN, VARIANCE_MAX);
}

static bool
is_decrease_due (const MxrRateControl *control, const MxrRateInput *input, gint64 now_us)
{
  const gint64 interval_us =
      CLAMP ((gint64) (input->rtt_ms * 1000), DECREASE_INTERVAL_MIN_US, DECREASE_INTERVAL_MAX_US);
  if (control->decreased_us == 0 || now_us - control->decreased_us >= interval_us)
    return true;
  return input->acked_bps > 0 && input->acked_bps < control->bps / 2;
}

static void
set_bps (MxrRateControl *control, double bps)
{
  control->bps = CLAMP (bps, control->min_bps, control->max_bps);
}

static void
decrease (MxrRateControl *control, const MxrRateInput *input, gint64 now_us)
{
  const double arrives_bps = input->busy_bps > 0 ? input->busy_bps : input->acked_bps;
  const double bps = arrives_bps > 0 ? BETA * arrives_bps : BLIND_DECREASE * control->bps;

  if (arrives_bps > 0) {
    if (arrives_bps < control->capacity_bps - 3 * deviation (control))
      control->capacity_bps = 0;
    learn_capacity (control, arrives_bps);
  }
  if (bps < control->bps)
    set_bps (control, bps);
  control->decreased_us = now_us;
  control->is_increasing = false;
}

/* A full packet more for each time it takes to see what came of it. libwebrtc takes the mean packet of a frame, which is
 * smaller in slower streams: of two on one link the faster one then gains on the other. */
static double
additive_bps_per_s (double bps, double rtt_ms)
{
  return MIN (PACKET_BITS * 1000 / (2 * (rtt_ms + RESPONSE_MS)), ADDITIVE_MAX_PART * bps);
}

static void
increase (MxrRateControl *control, const MxrRateInput *input, gint64 now_us)
{
  const double past_s = MIN ((double) (now_us - control->updated_us) / G_USEC_PER_SEC, STEP_MAX_S);
  const double ceiling = AHEAD * input->acked_bps + AHEAD_BPS;

  if (is_beyond_capacity (control, input->acked_bps))
    control->capacity_bps = 0;
  if (control->bps >= ceiling)
    return;
  const double bps = control->capacity_bps > 0
                         ? control->bps + past_s * additive_bps_per_s (control->bps, input->rtt_ms)
                         : control->bps * pow (GROWTH_PER_S, past_s);
  set_bps (control, MIN (bps, ceiling));
}

/* Call for each feedback. Returns: whether the rate fell. */
bool
mxr_rate_control_update (MxrRateControl *control, const MxrRateInput *input, gint64 now_us)
{
  const double before = control->bps;

  if (input->use == MXR_BANDWIDTH_OVERUSE) {
    if (is_decrease_due (control, input, now_us))
      decrease (control, input, now_us);
  } else if (input->use == MXR_BANDWIDTH_NORMAL) {
    /* The first time it is held: the queue drains. */
    if (control->is_increasing)
      increase (control, input, now_us);
    if (input->carried_bps > UNHEEDED * control->bps)
      set_bps (control, input->carried_bps);
    control->is_increasing = true;
  } else {
    control->is_increasing = false;
  }
  control->updated_us = now_us;
  return control->bps < before;
}

/* What a probe found. */
void
mxr_rate_control_raise (MxrRateControl *control, double bps)
{
  if (bps <= control->bps)
    return;
  if (is_beyond_capacity (control, bps))
    control->capacity_bps = 0;
  set_bps (control, bps);
}
