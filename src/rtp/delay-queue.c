#include "bandwidth-private.h"

/* The fastest packet of ten seconds is what the way takes without queues. Older ones are forgotten: clocks drift, ways
 * change. */
#define SPAN_US (2500 * 1000)
#define MARK_US (100 * 1000)
/* Packets of one burst are late together. */
#define APART_US (10 * 1000)
/* More than what jitter leaves in the fastest of four packets. */
#define STANDING_MS 80
/* In proportion to time: less than this is neither growth nor shrinking. */
#define FLAT_SLOPE 0.05
/* No packet is overtaken by so much: the clock was set. */
#define BACK_US (500 * 1000)
/* A queue that stays as it is while we send less is not ours, or it is a longer way. */
#define FLAT_US (1000 * 1000)

static double
find_base (const MxrDelayQueue *queue)
{
  double base_ms = queue->base_ms[0];
  for (guint i = 1; i < MXR_BASE_SPANS; i++)
    base_ms = MIN (base_ms, queue->base_ms[i]);
  return base_ms;
}

static void
reset_base (MxrDelayQueue *queue, double delay_ms, gint64 arrival_us)
{
  for (guint i = 0; i < MXR_BASE_SPANS; i++)
    queue->base_ms[i] = delay_ms;
  queue->span_us = arrival_us;
}

static void
note_base (MxrDelayQueue *queue, double delay_ms, gint64 arrival_us)
{
  if (queue->n_latest == 0) {
    reset_base (queue, delay_ms, arrival_us);
  } else if (arrival_us - queue->span_us >= SPAN_US) {
    for (guint i = MXR_BASE_SPANS - 1; i > 0; i--)
      queue->base_ms[i] = queue->base_ms[i - 1];
    queue->base_ms[0] = delay_ms;
    queue->span_us = arrival_us;
  }
  queue->base_ms[0] = MIN (queue->base_ms[0], delay_ms);
}

static double
find_latest (const MxrDelayQueue *queue)
{
  double latest_ms = queue->latest_ms[0];
  for (guint i = 1; i < MIN (queue->n_latest, MXR_QUEUE_PACKETS); i++)
    latest_ms = MIN (latest_ms, queue->latest_ms[i]);
  return latest_ms;
}

static void
note_slope (MxrDelayQueue *queue, gint64 arrival_us)
{
  const gint64 past_us = arrival_us - queue->mark_us;
  if (past_us < MARK_US)
    return;
  queue->slope = (queue->queue_ms - queue->marked_ms) * 1000 / (double) past_us;
  queue->marked_ms = queue->queue_ms;
  queue->mark_us = arrival_us;
  if (queue->queue_ms < STANDING_MS || ABS (queue->slope) > FLAT_SLOPE)
    queue->flat_us = 0;
  else if (queue->flat_us == 0)
    queue->flat_us = arrival_us;
}

void
mxr_delay_queue_add (MxrDelayQueue *queue, const MxrAckedPacket *packet)
{
  const double delay_ms = (double) (packet->arrival_us - packet->sent_us) / 1000;
  const gint64 arrival_us = packet->arrival_us;

  if (arrival_us < queue->latest_us - BACK_US)
    *queue = (MxrDelayQueue){ 0 };
  note_base (queue, delay_ms, arrival_us);
  if (queue->n_latest == 0)
    queue->mark_us = arrival_us;
  else if (arrival_us - queue->latest_us < APART_US)
    return;
  queue->latest_us = arrival_us;
  queue->latest_ms[queue->n_latest++ % MXR_QUEUE_PACKETS] = delay_ms;
  queue->queue_ms = find_latest (queue) - find_base (queue);
  note_slope (queue, arrival_us);
  if (queue->flat_us != 0 && arrival_us - queue->flat_us >= FLAT_US) {
    reset_base (queue, find_latest (queue), arrival_us);
    queue->queue_ms = queue->marked_ms = 0;
    queue->flat_us = 0;
  }
}

/* Whether much waits and does not become less: that is too much even where the trend is lost in noise. */
bool
mxr_delay_queue_is_standing (const MxrDelayQueue *queue)
{
  return queue->queue_ms > STANDING_MS && queue->slope > -FLAT_SLOPE;
}
