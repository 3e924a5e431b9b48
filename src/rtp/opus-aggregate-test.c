#include "rtp-private.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#define FRAME_SAMPLES (MXR_OPUS_CLOCK_HZ / 1000 * MXR_OPUS_PTIME_MS)
#define N_PACKETS 60

static OpusEncoder *
new_encoder (void)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create (MXR_OPUS_CLOCK_HZ, 1, OPUS_APPLICATION_AUDIO, &error);
  g_assert_cmpint (error, ==, OPUS_OK);
  return encoder;
}

/* A sweep, so that no two packets are alike. */
static MxrRtpPacket *
encode (OpusEncoder *encoder, guint n)
{
  gint16 samples[FRAME_SAMPLES];
  guint8 payload[MXR_RTP_PAYLOAD_MAX_BYTES];

  for (guint i = 0; i < FRAME_SAMPLES; i++) {
    const guint at = n * FRAME_SAMPLES + i;
    samples[i] = (gint16) (8000 * sin (at * (0.01 + at * 1e-7)));
  }
  const opus_int32 n_bytes = opus_encode (encoder, samples, FRAME_SAMPLES, payload, sizeof payload);
  g_assert_cmpint (n_bytes, >, 0);
  const MxrRtpView view = { .timestamp = n * FRAME_SAMPLES, .seq = (guint16) (65530 + n) };
  MxrRtpPacket *packet = mxr_rtp_packet_new (&view, (gsize) n_bytes, false);
  memcpy (packet->payload, payload, (gsize) n_bytes);
  packet->pushed_us = 1 + n * 20000;
  packet->number = n + 1;
  return packet;
}

static guint
decode (OpusDecoder *decoder, const MxrRtpPacket *packet, gint16 *out)
{
  const int n = opus_decode (decoder, packet->payload, packet->payload_bytes, out, MXR_OPUS_AGGREGATE_MAX * FRAME_SAMPLES, 0);
  g_assert_cmpint (n, >, 0);
  return (guint) n;
}

/* Packets one by one, and every n-th aggregate in place of the n packets that are in it: the same sound, sample by sample. */
static void
test_same_sound (gconstpointer data)
{
  const guint n_frames = GPOINTER_TO_UINT (data);
  static gint16 single[N_PACKETS * FRAME_SAMPLES], together[N_PACKETS * FRAME_SAMPLES];
  OpusEncoder *encoder = new_encoder ();
  OpusDecoder *one = opus_decoder_create (MXR_OPUS_CLOCK_HZ, 1, NULL), *other = opus_decoder_create (MXR_OPUS_CLOCK_HZ, 1, NULL);
  MxrOpusAggregator aggregator = { 0 };
  guint n_single = 0, n_together = 0;

  for (guint i = 0; i < N_PACKETS; i++) {
    g_autoptr (MxrRtpPacket) packet = encode (encoder, i);
    g_autoptr (MxrRtpPacket) aggregate = mxr_opus_aggregate (&aggregator, n_frames, packet);
    n_single += decode (one, packet, single + n_single);
    if (i < n_frames - 1) {
      g_assert_null (aggregate);
      continue;
    }
    g_assert_nonnull (aggregate);
    g_assert_cmpuint (aggregate->n_frames, ==, n_frames);
    g_assert_cmpuint (aggregate->timestamp, ==, packet->timestamp - (n_frames - 1) * FRAME_SAMPLES);
    g_assert_cmpuint (aggregate->seq, ==, packet->seq);
    g_assert_cmpuint (aggregate->number, ==, packet->number);
    g_assert_cmpint (aggregate->pushed_us, ==, packet->pushed_us - (n_frames - 1) * 20000);
    if (i % n_frames == n_frames - 1)
      n_together += decode (other, aggregate, together + n_together);
  }
  g_assert_cmpuint (n_together, ==, n_single);
  g_assert_cmpmem (together, n_together * sizeof together[0], single, n_single * sizeof single[0]);
  mxr_opus_aggregator_clear (&aggregator);
  opus_decoder_destroy (one);
  opus_decoder_destroy (other);
  opus_encoder_destroy (encoder);
}

static MxrRtpPacket *
aggregate_of (MxrOpusAggregator *aggregator, MxrRtpPacket *first, MxrRtpPacket *second)
{
  mxr_opus_aggregator_clear (aggregator);
  g_assert_null (mxr_opus_aggregate (aggregator, 2, first));
  return mxr_opus_aggregate (aggregator, 2, second);
}

static void
test_what_does_not_go_together (void)
{
  OpusEncoder *encoder = new_encoder ();
  MxrOpusAggregator aggregator = { 0 };
  g_autoptr (MxrRtpPacket) first = encode (encoder, 0);
  g_autoptr (MxrRtpPacket) second = encode (encoder, 1);
  g_autoptr (MxrRtpPacket) good = aggregate_of (&aggregator, first, second);
  g_assert_nonnull (good);

  g_autoptr (MxrRtpPacket) gap = mxr_rtp_packet_copy (second, second->timestamp + FRAME_SAMPLES);
  g_assert_null (aggregate_of (&aggregator, first, gap));
  g_autoptr (MxrRtpPacket) repeated = mxr_rtp_packet_copy (second, first->timestamp);
  g_assert_null (aggregate_of (&aggregator, first, repeated));

  g_autoptr (MxrRtpPacket) other_mode = mxr_rtp_packet_copy (second, second->timestamp);
  other_mode->payload[0] ^= 4; /* RFC 6716 3.1: stereo */
  g_assert_null (aggregate_of (&aggregator, first, other_mode));

  const MxrRtpView view = { .timestamp = second->timestamp };
  g_autoptr (MxrRtpPacket) large = mxr_rtp_packet_new (&view, MXR_RTP_PAYLOAD_MAX_BYTES - 10, false);
  memset (large->payload, 0, large->payload_bytes);
  large->payload[0] = first->payload[0];
  g_assert_null (aggregate_of (&aggregator, first, large));

  g_autoptr (MxrRtpPacket) silence = mxr_rtp_packet_copy (second, second->timestamp);
  silence->payload_bytes = 1; /* DTX */
  g_assert_null (aggregate_of (&aggregator, first, silence));
  g_autoptr (MxrRtpPacket) behind = mxr_rtp_packet_copy (second, second->timestamp + FRAME_SAMPLES);
  g_assert_null (mxr_opus_aggregate (&aggregator, 2, behind));

  g_autoptr (MxrRtpPacket) broken = mxr_rtp_packet_copy (first, first->timestamp);
  broken->payload[0] |= 3; /* a count follows, and 0 is none */
  broken->payload[1] = 0;
  g_assert_null (aggregate_of (&aggregator, broken, second));
  mxr_opus_aggregator_clear (&aggregator);
  opus_encoder_destroy (encoder);
}

/* From three to two, as when an operator's setting would change, and after a gap: the next that are whole. */
static void
test_begins_anew (void)
{
  OpusEncoder *encoder = new_encoder ();
  MxrOpusAggregator aggregator = { 0 };

  for (guint i = 0; i < 12; i++) {
    g_autoptr (MxrRtpPacket) packet = encode (encoder, i < 6 ? i : i + 5);
    const guint n_frames = i < 4 || i >= 6 ? 3 : 2;
    g_autoptr (MxrRtpPacket) aggregate = mxr_opus_aggregate (&aggregator, n_frames, packet);
    const bool is_whole = (i >= 2 && i < 6) || i >= 8;
    g_assert_cmpint (aggregate != NULL, ==, is_whole);
    g_assert_true (aggregate == NULL || aggregate->n_frames == n_frames);
  }
  mxr_opus_aggregator_clear (&aggregator);
  opus_encoder_destroy (encoder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/opus-aggregate/same-sound/2", GUINT_TO_POINTER (2), test_same_sound);
  g_test_add_data_func ("/opus-aggregate/same-sound/3", GUINT_TO_POINTER (3), test_same_sound);
  g_test_add_func ("/opus-aggregate/what-does-not-go-together", test_what_does_not_go_together);
  g_test_add_func ("/opus-aggregate/begins-anew", test_begins_anew);
  return g_test_run ();
}
