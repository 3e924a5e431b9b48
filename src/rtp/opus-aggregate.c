#include "rtp-private.h"

#include <opus.h>
#include <string.h>

/* libopus sends that much where there is nothing to send (DTX), and receivers know silence by it. */
#define DTX_MAX_BYTES 2

static void
forget (MxrOpusAggregator *aggregator)
{
  for (guint i = 0; i < aggregator->n_last; i++)
    mxr_rtp_packet_unref (aggregator->last[i]);
  aggregator->n_last = 0;
}

void
mxr_opus_aggregator_clear (MxrOpusAggregator *aggregator)
{
  forget (aggregator);
  g_clear_pointer (&aggregator->repacketizer, opus_repacketizer_destroy);
}

static guint
count_samples (const MxrRtpPacket *packet)
{
  return (guint) MAX (opus_packet_get_nb_samples (packet->payload, packet->payload_bytes, MXR_OPUS_CLOCK_HZ), 0);
}

static void
keep (MxrOpusAggregator *aggregator, guint n_frames, MxrRtpPacket *packet)
{
  if (aggregator->n_last > 0 &&
      packet->timestamp - aggregator->last[aggregator->n_last - 1]->timestamp != MXR_OPUS_PACKET_SAMPLES)
    forget (aggregator);
  for (; aggregator->n_last >= n_frames; aggregator->n_last--) {
    mxr_rtp_packet_unref (aggregator->last[0]);
    memmove (aggregator->last, aggregator->last + 1, (aggregator->n_last - 1) * sizeof aggregator->last[0]);
  }
  aggregator->last[aggregator->n_last++] = mxr_rtp_packet_ref (packet);
}

/* Returns: its bytes; 0 or less: they are not of one mode, bandwidth and frame size, as one packet must be, or it is too large. */
static opus_int32
repacketize (MxrOpusAggregator *aggregator, guint8 *out, gsize room)
{
  if (aggregator->repacketizer == NULL)
    aggregator->repacketizer = opus_repacketizer_create ();
  if (aggregator->repacketizer == NULL)
    return 0;
  opus_repacketizer_init (aggregator->repacketizer);
  for (guint i = 0; i < aggregator->n_last; i++)
    if (opus_repacketizer_cat (aggregator->repacketizer, aggregator->last[i]->payload, aggregator->last[i]->payload_bytes) != OPUS_OK)
      return 0;
  return opus_repacketizer_out (aggregator->repacketizer, out, (opus_int32) room);
}

MxrRtpPacket *
mxr_opus_aggregate (MxrOpusAggregator *aggregator, guint n_frames, MxrRtpPacket *packet)
{
  guint8 payload[MXR_RTP_PAYLOAD_MAX_BYTES];

  g_return_val_if_fail (n_frames > 1 && n_frames <= MXR_OPUS_AGGREGATE_MAX, NULL);
  if (packet->payload_bytes <= DTX_MAX_BYTES || count_samples (packet) != MXR_OPUS_PACKET_SAMPLES) {
    forget (aggregator);
    return NULL;
  }
  keep (aggregator, n_frames, packet);
  const opus_int32 n_bytes = aggregator->n_last == n_frames ? repacketize (aggregator, payload, sizeof payload) : 0;
  if (n_bytes <= 0)
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
