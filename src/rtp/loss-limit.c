#include "bandwidth-private.h"

#include <math.h>

/* Loss as draft-ietf-rmcat-gcc-02 6 takes it: much of it, and the rate falls. But where less is sent and as much is lost, it
 * is the way that loses, at any rate: what was taken is given back, and that much loss is not looked at again. */

#define WINDOW_US (1000 * 1000)
#define HEAVY_WINDOW_US (300 * 1000)
#define PACKETS_MIN 20
#define SMOOTHING 0.5
/* Loss above which there is too much of it: 10 % in the draft. Where nothing queues, it is more likely to be a poor radio. */
#define MUCH 0.10
#define MUCH_UNQUEUED 0.15
#define LITTLE 0.05
/* So much is not noise: what is lost is left out at once. */
#define HEAVY 0.30
#define DECREASE_INTERVAL_US (300 * 1000)
#define GROWTH_PER_S 1.08
#define STEP_MAX_S 2.0
/* Enough less was sent that loss had to become less. */
#define JUDGED_AT 0.8
#define INHERENT_MAX 0.35
/* Of the difference, where there is less of it than there was. */
#define FORGETTING 0.1
#define SETTLING_SAMPLES 1

void
mxr_loss_limit_init (MxrLossLimit *limit, const MxrBandwidthConfig *config)
{
  *limit = (MxrLossLimit){ .min_bps = config->min_bps, .max_bps = config->max_bps };
}

/* @n_lost: below 0 when packets that were told as lost came after all */
void
mxr_loss_limit_count (MxrLossLimit *limit, guint n_packets, int n_lost)
{
  limit->n_packets += n_packets;
  limit->n_lost += n_lost;
}

static void
decrease (MxrLossLimit *limit, double sample, double excess, const MxrLossInput *input, gint64 now_us)
{
  if (limit->before_sent_bps == 0) {
    limit->before_sent_bps = input->sent_bps;
    limit->before_loss = sample;
    limit->before_limit_bps = limit->limit_bps;
  }
  const double from_bps = limit->limit_bps > 0 ? MIN (limit->limit_bps, input->sent_bps) : input->sent_bps;
  const double bps = from_bps * (1 - (excess > HEAVY ? excess : excess / 2));
  limit->limit_bps = MAX (MAX (bps, input->busy_bps), limit->min_bps);
  limit->changed_us = now_us;
  limit->n_settling = SETTLING_SAMPLES;
}

static void
increase (MxrLossLimit *limit, gint64 now_us)
{
  limit->before_sent_bps = 0;
  if (limit->limit_bps == 0)
    return;
  const double past_s = MIN ((double) (now_us - limit->changed_us) / G_USEC_PER_SEC, STEP_MAX_S);
  limit->limit_bps *= pow (GROWTH_PER_S, past_s);
  limit->changed_us = now_us;
  if (limit->limit_bps >= limit->max_bps)
    limit->limit_bps = 0;
}

/* Were all the loss for want of room, there would be a certain amount of it now that less is sent. Is what is seen nearer to
 * that, or to what it was before? */
static bool
did_not_help (const MxrLossLimit *limit, double sample, double sent_bps)
{
  if (limit->before_sent_bps == 0 || limit->n_settling > 0 || sent_bps > JUDGED_AT * limit->before_sent_bps)
    return false;
  const double capacity_bps = limit->before_sent_bps * (1 - limit->before_loss);
  const double expected = MAX (0, 1 - capacity_bps / sent_bps);
  return sample > LITTLE && fabs (sample - limit->before_loss) < fabs (sample - expected);
}

static void
add_sample (MxrLossLimit *limit, double sample, const MxrLossInput *input, gint64 now_us)
{
  limit->loss += SMOOTHING * (sample - limit->loss);
  if (limit->loss < limit->inherent)
    limit->inherent += FORGETTING * (limit->loss - limit->inherent);
  if (limit->n_settling > 0)
    limit->n_settling--;

  if (did_not_help (limit, sample, input->sent_bps)) {
    limit->inherent = MIN (limit->loss, INHERENT_MAX);
    limit->limit_bps = limit->before_limit_bps;
    limit->before_sent_bps = 0;
    limit->changed_us = now_us;
    return;
  }
  const double excess = (limit->loss - limit->inherent) / (1 - limit->inherent);
  if (excess > (input->is_queued ? MUCH : MUCH_UNQUEUED)) {
    if (now_us - limit->changed_us >= DECREASE_INTERVAL_US && limit->n_settling == 0)
      decrease (limit, sample, excess, input, now_us);
  } else if (excess < LITTLE) {
    increase (limit, now_us);
  } else {
    limit->changed_us = now_us;
  }
}

/* What was counted, once it is enough to be a sample. */
void
mxr_loss_limit_update (MxrLossLimit *limit, const MxrLossInput *input, gint64 now_us)
{
  if (limit->window_us == 0)
    limit->window_us = now_us;
  const bool is_heavy = limit->n_lost > HEAVY * limit->n_packets;
  if (limit->n_packets < PACKETS_MIN || now_us - limit->window_us < (is_heavy ? HEAVY_WINDOW_US : WINDOW_US))
    return;
  add_sample (limit, CLAMP ((double) limit->n_lost / limit->n_packets, 0, 1), input, now_us);
  limit->n_packets = 0;
  limit->n_lost = 0;
  limit->window_us = now_us;
}

void
mxr_loss_limit_report (MxrLossLimit *limit, double fraction_lost, const MxrLossInput *input, gint64 now_us)
{
  add_sample (limit, CLAMP (fraction_lost, 0, 1), input, now_us);
}

/* What a probe found. */
void
mxr_loss_limit_raise (MxrLossLimit *limit, double bps)
{
  if (limit->limit_bps > 0)
    limit->limit_bps = MAX (limit->limit_bps, bps);
}
