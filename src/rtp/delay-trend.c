#include "bandwidth-private.h"

#include <math.h>

/* draft-ietf-rmcat-gcc-02 5.2 to 5.4, with the straight line through the last delays that libwebrtc uses in place of the
 * Kalman filter; its constants. */

/* Packets that left within 5 ms are one group. */
#define GROUP_US (5 * 1000)
/* Packets that come closer together than they were sent waited somewhere else than in a queue of ours. */
#define BURST_GAP_US (5 * 1000)
#define BURST_MAX_US (100 * 1000)
#define BACKWARDS_MAX 3
/* The client's clock stood still, or jumped. */
#define ARRIVAL_JUMP_US (3 * 1000 * 1000)
#define SMOOTHING 0.9
#define POINTS_MIN 10
#define GAIN 4.0
#define DELTAS_MAX 60
#define THRESHOLD_START 12.5
#define THRESHOLD_MIN 6.0
#define THRESHOLD_MAX 600.0
/* What is further above the threshold says nothing about noise. */
#define THRESHOLD_OUTLIER 15.0
#define THRESHOLD_UP 0.0087
#define THRESHOLD_DOWN 0.039
#define THRESHOLD_STEP_MAX_MS 100.0
#define OVER_MS 10.0

void
mxr_delay_trend_init (MxrDelayTrend *trend)
{
  *trend = (MxrDelayTrend){ .threshold = THRESHOLD_START, .over_ms = -1 };
}

static void
begin_group (MxrDelayTrend *trend, const MxrAckedPacket *packet)
{
  trend->current = (MxrPacketGroup){ .first_sent_us = packet->sent_us,
                                     .sent_us = packet->sent_us,
                                     .first_arrival_us = packet->arrival_us,
                                     .arrival_us = packet->arrival_us };
}

/* What was learned about noise is kept. */
static void
restart (MxrDelayTrend *trend, const MxrAckedPacket *packet)
{
  *trend = (MxrDelayTrend){ .threshold = trend->threshold, .over_ms = -1, .queue = trend->queue };
  trend->n_groups = 1;
  begin_group (trend, packet);
}

static bool
is_of_group (const MxrPacketGroup *group, const MxrAckedPacket *packet)
{
  if (packet->sent_us - group->first_sent_us <= GROUP_US)
    return true;
  const gint64 arrival_us = packet->arrival_us - group->arrival_us;
  const gint64 sent_us = packet->sent_us - group->sent_us;
  return arrival_us < sent_us && arrival_us <= BURST_GAP_US &&
         packet->arrival_us - group->first_arrival_us < BURST_MAX_US;
}

/* Least squares; from the oldest point on, so that the sums stay small. */
static double
fit_slope (const MxrDelayTrend *trend)
{
  const double n = MIN (trend->n_points, MXR_TREND_POINTS);
  const guint oldest = trend->n_points < MXR_TREND_POINTS ? 0 : trend->n_points % MXR_TREND_POINTS;
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;

  for (guint i = 0; i < (guint) n; i++) {
    const double x = trend->xs[i] - trend->xs[oldest], y = trend->ys[i] - trend->ys[oldest];
    sum_x += x;
    sum_y += y;
    sum_xx += x * x;
    sum_xy += x * y;
  }
  const double below = n * sum_xx - sum_x * sum_x;
  return below > 0 ? (n * sum_xy - sum_x * sum_y) / below : trend->trend;
}

static void
add_point (MxrDelayTrend *trend, double x, double y)
{
  const guint at = trend->n_points++ % MXR_TREND_POINTS;
  trend->xs[at] = x;
  trend->ys[at] = y;
}

/* 5.4: slower down than up, so that one loss of a competing flow does not make us deaf. */
static void
adapt_threshold (MxrDelayTrend *trend, double modified, gint64 arrival_us)
{
  const double past_ms = MIN ((double) (arrival_us - trend->threshold_us) / 1000, THRESHOLD_STEP_MAX_MS);
  const double size = fabs (modified);

  trend->threshold_us = arrival_us;
  if (size > trend->threshold + THRESHOLD_OUTLIER)
    return;
  trend->threshold += (size < trend->threshold ? THRESHOLD_DOWN : THRESHOLD_UP) * (size - trend->threshold) * past_ms;
  trend->threshold = CLAMP (trend->threshold, THRESHOLD_MIN, THRESHOLD_MAX);
}

/* 5.3: a trend that is above the threshold for a while, and does not fall, means that queues grow. */
static void
detect (MxrDelayTrend *trend, double slope, double sent_ms, gint64 arrival_us)
{
  const double modified = MIN (trend->n_deltas, DELTAS_MAX) * slope * GAIN;

  if (modified > trend->threshold) {
    trend->over_ms = trend->over_ms < 0 ? sent_ms / 2 : trend->over_ms + sent_ms;
    trend->n_over++;
    if (trend->over_ms > OVER_MS && trend->n_over > 1 && slope >= trend->trend) {
      trend->over_ms = 0;
      trend->n_over = 0;
      trend->trend_use = MXR_BANDWIDTH_OVERUSE;
    }
  } else {
    trend->over_ms = -1;
    trend->n_over = 0;
    trend->trend_use = modified < -trend->threshold ? MXR_BANDWIDTH_UNDERUSE : MXR_BANDWIDTH_NORMAL;
  }
  trend->trend = slope;
  adapt_threshold (trend, modified, arrival_us);
}

static void
compare_groups (MxrDelayTrend *trend, double sent_ms, double arrival_ms)
{
  const gint64 arrival_us = trend->current.arrival_us;

  if (trend->n_deltas++ == 0)
    trend->origin_us = trend->threshold_us = arrival_us;
  trend->accumulated_ms += arrival_ms - sent_ms;
  trend->smoothed_ms = SMOOTHING * trend->smoothed_ms + (1 - SMOOTHING) * trend->accumulated_ms;
  add_point (trend, (double) (arrival_us - trend->origin_us) / 1000, trend->smoothed_ms);
  detect (trend, trend->n_points >= POINTS_MIN ? fit_slope (trend) : 0, sent_ms, arrival_us);
}

static void
finish_group (MxrDelayTrend *trend, const MxrAckedPacket *next)
{
  const MxrPacketGroup *current = &trend->current, *former = &trend->former;

  if (trend->n_groups == 2) {
    const gint64 arrival_us = current->arrival_us - former->arrival_us;
    const gint64 sent_us = current->sent_us - former->sent_us;
    if (arrival_us < 0) {
      if (++trend->n_backwards >= BACKWARDS_MAX)
        restart (trend, next);
      return;
    }
    trend->n_backwards = 0;
    if (arrival_us - sent_us > ARRIVAL_JUMP_US) {
      restart (trend, next);
      return;
    }
    compare_groups (trend, (double) sent_us / 1000, (double) arrival_us / 1000);
  }
  trend->former = trend->current;
  trend->n_groups = 2;
  begin_group (trend, next);
}

/* @packet: in the order in which they were sent */
void
mxr_delay_trend_add (MxrDelayTrend *trend, const MxrAckedPacket *packet)
{
  mxr_delay_queue_add (&trend->queue, packet);
  if (trend->n_groups == 0) {
    restart (trend, packet);
  } else if (packet->sent_us < trend->current.first_sent_us) {
    return; /* told late */
  } else if (is_of_group (&trend->current, packet)) {
    trend->current.sent_us = MAX (trend->current.sent_us, packet->sent_us);
    trend->current.arrival_us = MAX (trend->current.arrival_us, packet->arrival_us);
  } else {
    finish_group (trend, packet);
  }
  trend->use = mxr_delay_queue_is_standing (&trend->queue) ? MXR_BANDWIDTH_OVERUSE : trend->trend_use;
}
