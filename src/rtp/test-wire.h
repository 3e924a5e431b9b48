#ifndef MXR_RTP_TEST_WIRE_H
#define MXR_RTP_TEST_WIRE_H

#include "rtp-private.h"

#include <string.h>

/* What the tests of this module share: packets made by hand, and a session whose output is kept. */

#ifndef TEST_MAX_OUTPUTS
#define TEST_MAX_OUTPUTS 8192
#endif

typedef struct {
  guint8 data[MXR_PACKET_MAX_BYTES];
  gsize size;
} TestPacket;

typedef struct {
  MxrRtpSession *session;
  guint8 batch[MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES]; /* of one packet */
  bool has_no_room;
  TestPacket *rtp, *rtcp; /* sent */
  guint n_rtp, n_rtcp;
  guint64 *indices; /* received */
  guint32 *ssrcs;
  guint n_received;
  MxrRtpReceiver *last_receiver;
  TestPacket last_received;
  guint n_keyframe_requests, n_byes;
} TestPeer;

/* 12 bytes of header, the extension if @extension_bytes, the payload. */
static inline gsize
test_make_rtp (guint8 *out, guint8 payload_type, guint16 seq, guint32 timestamp, guint32 ssrc,
               const guint8 *extension, gsize extension_bytes, gsize payload_bytes)
{
  gsize bytes = 12;
  out[0] = (guint8) (extension_bytes > 0 ? 0x90 : 0x80);
  out[1] = payload_type;
  mxr_write_u16 (out + 2, seq);
  mxr_write_u32 (out + 4, timestamp);
  mxr_write_u32 (out + 8, ssrc);
  if (extension_bytes > 0) {
    g_assert_cmpuint (extension_bytes % 4, ==, 0);
    mxr_write_u16 (out + 12, 0xBEDE);
    mxr_write_u16 (out + 14, (guint16) (extension_bytes / 4));
    memcpy (out + 16, extension, extension_bytes);
    bytes = 16 + extension_bytes;
  }
  for (gsize i = 0; i < payload_bytes; i++)
    out[bytes + i] = (guint8) (seq + i);
  return bytes + payload_bytes;
}

static inline void
test_on_send_rtcp (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data)
{
  TestPeer *peer = user_data;
  g_assert_cmpuint (size, <=, MXR_RTCP_MAX_BYTES);
  g_assert_cmpuint (size % 4, ==, 0);
  g_assert_cmpuint (peer->n_rtcp, <, TEST_MAX_OUTPUTS);
  memcpy (peer->rtcp[peer->n_rtcp].data, data, size);
  peer->rtcp[peer->n_rtcp++].size = size;
  memset (data + size, 0xee, MXR_SRTP_TRAILER_BYTES); /* the promised room */
}

static inline guint8 *
test_on_reserve_rtp (MxrRtpSender *sender, gpointer user_data)
{
  TestPeer *peer = user_data;
  return peer->has_no_room ? NULL : peer->batch;
}

static inline void
test_on_send_rtp (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data)
{
  TestPeer *peer = user_data;
  g_assert_true (data == peer->batch);
  g_assert_cmpuint (size, <=, MXR_PACKET_MAX_BYTES);
  g_assert_cmpuint (peer->n_rtp, <, TEST_MAX_OUTPUTS);
  memcpy (peer->rtp[peer->n_rtp].data, data, size);
  peer->rtp[peer->n_rtp++].size = size;
  memset (data, 0xee, size + MXR_SRTP_TRAILER_BYTES); /* as encryption does */
}

static inline void
test_on_receive_rtp (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq, gint64 now_us,
                     gpointer user_data)
{
  TestPeer *peer = user_data;
  g_assert_cmpuint (peer->n_received, <, TEST_MAX_OUTPUTS);
  g_assert_cmpuint ((guint16) extended_seq, ==, view->seq);
  peer->indices[peer->n_received] = extended_seq;
  peer->ssrcs[peer->n_received++] = view->ssrc;
  peer->last_receiver = receiver;
  memcpy (peer->last_received.data, view->data, view->size);
  peer->last_received.size = view->size;
}

static inline void
test_on_keyframe_request (MxrRtpSender *sender, gpointer user_data)
{
  ((TestPeer *) user_data)->n_keyframe_requests++;
}

static inline void
test_on_bye (MxrRtpReceiver *receiver, gpointer user_data)
{
  ((TestPeer *) user_data)->n_byes++;
}

static const MxrRtpSessionEvents test_events = {
  .on_send_rtcp = test_on_send_rtcp,
  .on_reserve_rtp = test_on_reserve_rtp,
  .on_send_rtp = test_on_send_rtp,
  .on_receive_rtp = test_on_receive_rtp,
  .on_keyframe_request = test_on_keyframe_request,
  .on_bye = test_on_bye,
};

static inline TestPeer *
test_peer_new (guint32 ssrc, bool reduced_size)
{
  const MxrRtpSessionConfig config = {
    .cname = "mixroom-test",
    .ssrc = ssrc,
    .random_seed = 7,
    .wall_offset_us = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC,
    .reduced_size = reduced_size,
  };
  TestPeer *peer = g_new0 (TestPeer, 1);
  peer->rtp = g_new (TestPacket, TEST_MAX_OUTPUTS);
  peer->rtcp = g_new (TestPacket, TEST_MAX_OUTPUTS);
  peer->indices = g_new (guint64, TEST_MAX_OUTPUTS);
  peer->ssrcs = g_new (guint32, TEST_MAX_OUTPUTS);
  peer->session = mxr_rtp_session_new (&config, &test_events, peer);
  return peer;
}

static inline void
test_peer_free (TestPeer *peer)
{
  mxr_rtp_session_free (peer->session);
  g_free (peer->rtp);
  g_free (peer->rtcp);
  g_free (peer->indices);
  g_free (peer->ssrcs);
  g_free (peer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPeer, test_peer_free)

static inline MxrRtpSessionStats
test_peer_stats (const TestPeer *peer)
{
  MxrRtpSessionStats stats;
  mxr_rtp_session_get_stats (peer->session, &stats);
  return stats;
}

static inline MxrRtpReceiver *
test_add_video_receiver (TestPeer *peer)
{
  const MxrRtpReceiverConfig config = {
    .kind = MXR_RTP_VIDEO,
    .mid = "v",
    .payload_type = 96,
    .clock_rate = 90000,
    .rtx_payload_type = 97,
    .mid_id = 1,
    .transport_seq_id = 3,
    .nack = true,
    .pli = true,
    .transport_cc = true,
    .remb = true,
  };
  return mxr_rtp_session_add_receiver (peer->session, &config);
}

static inline MxrRtpSender *
test_add_video_sender (TestPeer *peer, bool rtx)
{
  const MxrRtpSenderConfig config = {
    .kind = MXR_RTP_VIDEO,
    .ssrc = 0x5001,
    .payload_type = 96,
    .clock_rate = 90000,
    .rtx_ssrc = rtx ? 0x5002 : 0,
    .rtx_payload_type = rtx ? 97 : -1,
    .mid = "v",
    .mid_id = 1,
    .transport_seq_id = 3,
    .history_packets = 512,
    .initial_seq = 0x7ffe,
    .timestamp_offset = 0xffff0000,
  };
  return mxr_rtp_session_add_sender (peer->session, &config);
}

/* A packet of a source: its number, timestamp and a payload that depends on the number. */
static inline MxrRtpPacket *
test_make_packet (guint16 seq, guint32 timestamp, gsize payload_bytes)
{
  guint8 rtp[MXR_PACKET_MAX_BYTES];
  const gsize size = test_make_rtp (rtp, 111, seq, timestamp, 0xabcd, NULL, 0, payload_bytes);
  return mxr_rtp_packet_new_from_rtp (rtp, size, FALSE);
}

/* One RTCP packet with what stands behind the header; @words: of the body. */
static inline gsize
test_make_rtcp (guint8 *out, guint8 count, guint8 type, const guint32 *body, guint n_words)
{
  out[0] = (guint8) (0x80 | count);
  out[1] = type;
  mxr_write_u16 (out + 2, (guint16) n_words);
  for (guint i = 0; i < n_words; i++)
    mxr_write_u32 (out + 4 + 4 * i, body[i]);
  return 4 + 4 * n_words;
}

/* The first packet of type and count (or format; -1: any) in a compound packet, or %NULL. Reads without
 * GStreamer. */
static inline const guint8 *
test_find_rtcp (const TestPacket *packet, guint8 type, int count, gsize *out_bytes)
{
  gsize bytes = 0;
  *out_bytes = 0;
  for (gsize offset = 0; offset < packet->size; offset += bytes) {
    const guint8 *data = packet->data + offset;
    g_assert_cmpuint (packet->size - offset, >=, 4);
    g_assert_cmpuint (data[0] >> 6, ==, 2);
    bytes = 4 * ((gsize) mxr_read_u16 (data + 2) + 1);
    g_assert_cmpuint (bytes, <=, packet->size - offset);
    if (data[1] == type && (count < 0 || (data[0] & 0x1f) == count)) {
      *out_bytes = bytes;
      return data;
    }
  }
  return NULL;
}

/* The same, which must be there. */
static inline const guint8 *
test_get_rtcp (const TestPacket *packet, guint8 type, int count, gsize *out_bytes)
{
  const guint8 *data = test_find_rtcp (packet, type, count, out_bytes);
  if (data == NULL)
    g_error ("no RTCP packet of type %u, count %d", type, count);
  return data;
}

#endif
