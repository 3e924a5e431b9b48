#include "link-aggregate.h"

/* A mixer may be late by some blocks. Longer, and it was the begin of a silence (DTX), which has nothing to say any more. */
#define HELD_MAX_US (200 * G_TIME_SPAN_MILLISECOND)

static bool
goes_on (const MxrLinkAggregate *aggregate, gconstpointer run, const MxrRtpPacket *packet)
{
  return run == aggregate->run && packet->number == aggregate->held[aggregate->n_held - 1]->number + 1;
}

static bool
is_complete (const MxrLinkAggregate *aggregate, const MxrRtpPacket *packet)
{
  return aggregate->n_held > 0 && packet->aggregate != NULL &&
         packet->aggregate->timestamp == aggregate->held[0]->timestamp;
}

static bool
should_wait (const MxrLinkAggregate *aggregate, const MxrRtpPacket *packet)
{
  if (packet->aggregate == NULL || aggregate->n_held + 1u >= packet->aggregate->n_frames)
    return false;
  return aggregate->n_held > 0 || (packet->number + aggregate->phase) % packet->aggregate->n_frames == 0;
}

static guint
give_up_held (MxrLinkAggregate *aggregate, gint64 now_us, MxrRtpPacket **out_packets)
{
  guint n = 0;

  for (guint i = 0; i < aggregate->n_held; i++)
    if (now_us - aggregate->held[i]->pushed_us <= HELD_MAX_US)
      out_packets[n++] = aggregate->held[i];
    else
      mxr_rtp_packet_unref (aggregate->held[i]);
  aggregate->n_held = 0;
  return n;
}

guint
mxr_link_aggregate_push (MxrLinkAggregate *aggregate, gconstpointer run, MxrRtpPacket *packet, bool may_wait,
                         MxrRtpPacket *out_packets[MXR_OPUS_AGGREGATE_MAX])
{
  guint n = 0;

  if (aggregate->n_held > 0 && !goes_on (aggregate, run, packet))
    n = give_up_held (aggregate, packet->pushed_us, out_packets);
  if (is_complete (aggregate, packet)) {
    mxr_link_aggregate_clear (aggregate);
    out_packets[n++] = mxr_rtp_packet_ref (packet->aggregate);
  } else if (may_wait && should_wait (aggregate, packet)) {
    aggregate->run = run;
    aggregate->held[aggregate->n_held++] = mxr_rtp_packet_ref (packet);
  } else {
    n += give_up_held (aggregate, packet->pushed_us, out_packets + n);
    out_packets[n++] = mxr_rtp_packet_ref (packet);
  }
  return n;
}

void
mxr_link_aggregate_clear (MxrLinkAggregate *aggregate)
{
  for (guint i = 0; i < aggregate->n_held; i++)
    mxr_rtp_packet_unref (aggregate->held[i]);
  aggregate->n_held = 0;
}
