#include "sim-private.h"

#define CROSS_PACKET_BYTES 1000

void
sim_link_init (SimLink *link, const SimScenario *scenario, GRand *rand)
{
  *link = (SimLink){ .scenario = scenario, .rand = rand, .waiting = G_QUEUE_INIT };
}

void
sim_link_clear (SimLink *link)
{
  g_queue_clear_full (&link->waiting, g_free);
}

static guint
capacity (const SimLink *link, gint64 now_us)
{
  return sim_capacity_at (link->scenario, (double) (now_us - SIM_EPOCH_US) / G_USEC_PER_SEC);
}

/* What waits longer than the queue is long is not let in. */
void
sim_link_push (SimLink *link, int flow, guint16 seq, guint n_bytes, gint64 now_us)
{
  const double room_bytes = link->scenario->queue_ms / 1e3 * MAX (capacity (link, now_us), 50000) / 8;
  if ((double) link->waiting_bytes + n_bytes > MAX (room_bytes, 3000))
    return;
  const SimPacket packet = { .flow = flow, .seq = seq, .n_bytes = n_bytes, .sent_us = now_us };
  g_queue_push_tail (&link->waiting, g_memdup2 (&packet, sizeof packet));
  link->waiting_bytes += n_bytes;
}

/* Call once each step. */
void
sim_link_push_cross_traffic (SimLink *link, gint64 now_us)
{
  const double at_s = (double) (now_us - SIM_EPOCH_US) / G_USEC_PER_SEC;
  if (at_s < link->scenario->cross_from_s || at_s >= link->scenario->cross_to_s)
    return;
  link->cross_bytes += link->scenario->cross_bps / 8.0 * SIM_STEP_US / G_USEC_PER_SEC;
  for (; link->cross_bytes >= CROSS_PACKET_BYTES; link->cross_bytes -= CROSS_PACKET_BYTES)
    sim_link_push (link, -1, 0, CROSS_PACKET_BYTES, now_us);
}

static bool
is_lost (SimLink *link, const SimPacket *packet)
{
  return packet->flow < 0 || (link->scenario->loss > 0 && g_rand_double (link->rand) < link->scenario->loss);
}

/* Call each step until it has none. Returns: (transfer full) (nullable): a packet that has been put on the link, and when
 * it arrives. What is lost, is so on its way: it took its time of the link. */
SimPacket *
sim_link_pop (SimLink *link, gint64 now_us)
{
  if (link->free_us < now_us - SIM_STEP_US)
    link->free_us = now_us - SIM_STEP_US;
  while (!g_queue_is_empty (&link->waiting)) {
    SimPacket *packet = g_queue_peek_head (&link->waiting);
    const gint64 start_us = MAX (link->free_us, packet->sent_us);
    const guint bps = capacity (link, start_us);
    if (start_us > now_us || bps == 0)
      return NULL;
    g_queue_pop_head (&link->waiting);
    link->waiting_bytes -= packet->n_bytes;
    packet->started_us = start_us;
    link->free_us = start_us + (gint64) packet->n_bytes * 8 * G_USEC_PER_SEC / bps;
    if (is_lost (link, packet)) {
      g_free (packet);
      continue;
    }
    const double jitter_us = link->scenario->jitter_ms * 1e3 * g_rand_double (link->rand);
    packet->arrival_us = MAX (link->free_us + link->scenario->delay_ms * 1000 + (gint64) jitter_us, link->last_arrival_us);
    link->last_arrival_us = packet->arrival_us;
    return packet;
  }
  return NULL;
}
