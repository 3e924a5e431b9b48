#include "rtp-private.h"

#include <opus.h>
#include <string.h>

void
mxr_opus_aggregator_clear (MxrOpusAggregator *aggregator)
{
  for (guint i = 0; i < aggregator->n_last; i++)
    mxr_rtp_packet_unref (aggregator->last[i]);
  aggregator->n_last = 0;
}

static bool
goes_on (const MxrRtpPacket *former, const MxrRtpPacket *packet)
{
  const int n_samples = opus_packet_get_nb_samples (former->payload, former->payload_bytes, MXR_OPUS_CLOCK_HZ);
  return n_samples > 0 && packet->timestamp - former->timestamp == (guint32) n_samples;
}

static void
keep (MxrOpusAggregator *aggregator, guint n_frames, MxrRtpPacket *packet)
{
  if (aggregator->n_last > 0 && !goes_on (aggregator->last[aggregator->n_last - 1], packet))
    mxr_opus_aggregator_clear (aggregator);
  for (; aggregator->n_last >= n_frames; aggregator->n_last--) {
    mxr_rtp_packet_unref (aggregator->last[0]);
    memmove (aggregator->last, aggregator->last + 1, (aggregator->n_last - 1) * sizeof aggregator->last[0]);
  }
  aggregator->last[aggregator->n_last++] = mxr_rtp_packet_ref (packet);
}

/* Returns: whether all are of one mode, bandwidth and frame size, which one packet must be. */
static bool
repacketize (const MxrOpusAggregator *aggregator, guint8 *out, gsize room, opus_int32 *out_bytes)
{
  OpusRepacketizer *repacketizer = opus_repacketizer_create ();
  bool is_one = repacketizer != NULL;

  for (guint i = 0; i < aggregator->n_last && is_one; i++)
    is_one = opus_repacketizer_cat (repacketizer, aggregator->last[i]->payload, aggregator->last[i]->payload_bytes) == OPUS_OK;
  *out_bytes = is_one ? opus_repacketizer_out (repacketizer, out, (opus_int32) room) : OPUS_INVALID_PACKET;
  opus_repacketizer_destroy (repacketizer);
  return *out_bytes > 0;
}

MxrRtpPacket *
mxr_opus_aggregate (MxrOpusAggregator *aggregator, guint n_frames, MxrRtpPacket *packet)
{
  guint8 payload[MXR_RTP_PAYLOAD_MAX_BYTES];
  opus_int32 n_bytes;

  g_return_val_if_fail (n_frames > 1 && n_frames <= MXR_OPUS_AGGREGATE_MAX, NULL);
  keep (aggregator, n_frames, packet);
  if (aggregator->n_last < n_frames || !repacketize (aggregator, payload, sizeof payload, &n_bytes))
    return NULL;
  const MxrRtpPacket *first = aggregator->last[0];
  const MxrRtpView view = { .timestamp = first->timestamp, .seq = packet->seq, .marker = first->marker };
  MxrRtpPacket *aggregate = mxr_rtp_packet_new (&view, (gsize) n_bytes, false);
  memcpy (aggregate->payload, payload, (gsize) n_bytes);
  aggregate->n_frames = (guint8) n_frames;
  aggregate->pushed_us = first->pushed_us;
  aggregate->number = packet->number;
  return aggregate;
}
