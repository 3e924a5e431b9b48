#include "bandwidth-private.h"

#define PACKETS_MIN 5
#define SPAN_MIN_US (40 * 1000)
/* Of a burst alone nothing can be said about what is carried lastingly. */
#define SPAN_WHOLE_US (MXR_ACKED_WINDOW_US * 4 / 5)

void
mxr_acked_rate_init (MxrAckedRate *rate)
{
  rate->end = rate->start = rate->busy_start = 0;
}

static const MxrAckedPacket *
at (const MxrAckedRate *rate, guint64 i)
{
  return &rate->packets[i % MXR_ACKED_PACKETS];
}

/* @is_queued: it waited behind others */
void
mxr_acked_rate_add (MxrAckedRate *rate, const MxrAckedPacket *packet, bool is_queued)
{
  /* The client's clock was set back: nothing before can be compared with what comes. */
  if (rate->end > rate->start && packet->arrival_us < at (rate, rate->end - 1)->arrival_us - MXR_ACKED_WINDOW_US)
    mxr_acked_rate_init (rate);
  rate->packets[rate->end++ % MXR_ACKED_PACKETS] = *packet;
  if (!is_queued)
    rate->busy_start = rate->end;
  if (rate->end - rate->start > MXR_ACKED_PACKETS)
    rate->start++;
  while (at (rate, rate->start)->arrival_us < packet->arrival_us - MXR_ACKED_WINDOW_US)
    rate->start++;
}

/* Of what arrived from number @start on; the first packet only says when it began. 0: too little to tell. */
static double
measure (const MxrAckedRate *rate, guint64 start, gint64 span_min_us, bool by_sending_too)
{
  gint64 first_us = G_MAXINT64, last_us = G_MININT64, first_sent_us = G_MAXINT64, last_sent_us = G_MININT64;
  gsize bytes = 0;

  if (rate->end < start + PACKETS_MIN)
    return 0;
  for (guint64 i = start; i < rate->end; i++) {
    const MxrAckedPacket *packet = at (rate, i);
    first_us = MIN (first_us, packet->arrival_us);
    last_us = MAX (last_us, packet->arrival_us);
    first_sent_us = MIN (first_sent_us, packet->sent_us);
    last_sent_us = MAX (last_sent_us, packet->sent_us);
    bytes += packet->n_bytes;
  }
  gint64 span_us = last_us - first_us;
  if (by_sending_too)
    span_us = MAX (span_us, last_sent_us - first_sent_us);
  if (span_us < span_min_us)
    return 0;
  return (double) (bytes - at (rate, start)->n_bytes) * 8 * G_USEC_PER_SEC / (double) span_us;
}

/* What was sent and arrived within the window, the lesser of both: packets that were held up somewhere arrive at a rate that
 * nobody sent. Returns: 0: not known. */
double
mxr_acked_rate_get (const MxrAckedRate *rate)
{
  return measure (rate, rate->start, SPAN_MIN_US, true);
}

/* While packets wait in a queue, what arrives is what the way carries, whatever was sent before or since. */
double
mxr_acked_rate_get_busy (const MxrAckedRate *rate)
{
  return measure (rate, MAX (rate->start, rate->busy_start), SPAN_MIN_US, false);
}

/* As mxr_acked_rate_get(), of nothing less than most of the window. */
double
mxr_acked_rate_get_whole (const MxrAckedRate *rate)
{
  return measure (rate, rate->start, SPAN_WHOLE_US, true);
}
