#include "link-aggregate.h"

/* A mixer may be late by some blocks. What has waited for longer is behind a pause, and nobody waits for it. */
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

/* Returns: 1, of @out. */
static guint
leave (MxrLinkAggregate *aggregate, gpointer run, MxrRtpPacket *packet, MxrLinkLeaving *out)
{
  const bool is_next = packet->n_frames > 1 || aggregate->has_dropped; /* an aggregate has the number of its last packet */
  *out = (MxrLinkLeaving){ mxr_rtp_packet_ref (packet), run, is_next };
  aggregate->has_dropped = false;
  return 1;
}

static guint
leave_held (MxrLinkAggregate *aggregate, gint64 now_us, MxrLinkLeaving *out)
{
  guint n = 0;

  for (guint i = 0; i < aggregate->n_held; i++)
    if (now_us - aggregate->held[i]->pushed_us <= HELD_MAX_US)
      n += leave (aggregate, aggregate->run, aggregate->held[i], out + n);
    else
      aggregate->has_dropped = true;
  mxr_link_aggregate_clear (aggregate);
  return n;
}

guint
mxr_link_aggregate_push (MxrLinkAggregate *aggregate, gpointer run, MxrRtpPacket *packet, bool may_wait,
                         MxrLinkLeaving out[MXR_OPUS_AGGREGATE_MAX])
{
  guint n = 0;

  if (aggregate->n_held > 0 && !goes_on (aggregate, run, packet))
    n = leave_held (aggregate, packet->pushed_us, out);
  if (is_complete (aggregate, packet)) {
    mxr_link_aggregate_clear (aggregate);
    return n + leave (aggregate, run, packet->aggregate, out + n);
  }
  if (may_wait && should_wait (aggregate, packet)) {
    aggregate->run = run;
    aggregate->held[aggregate->n_held++] = mxr_rtp_packet_ref (packet);
    return n;
  }
  n += leave_held (aggregate, packet->pushed_us, out + n);
  return n + leave (aggregate, run, packet, out + n);
}

void
mxr_link_aggregate_clear (MxrLinkAggregate *aggregate)
{
  for (guint i = 0; i < aggregate->n_held; i++)
    mxr_rtp_packet_unref (aggregate->held[i]);
  aggregate->n_held = 0;
}
