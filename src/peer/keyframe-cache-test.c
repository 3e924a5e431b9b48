#include "keyframe-cache.h"

#define N_ROUNDS 2000

static void
add (MxrKeyframeCache *cache, guint16 seq, guint32 timestamp, bool is_keyframe, gint64 pushed_us)
{
  const guint8 rtp[] = { 0x80, 96, seq >> 8, seq & 0xff, timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff,
                         timestamp & 0xff, 0, 0, 0, 1, 42 };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, is_keyframe);
  packet->pushed_us = pushed_us;
  mxr_keyframe_cache_add (cache, packet);
}

/* Number of packets from @first_seq on; 0: none are kept. */
static void
expect (MxrKeyframeCache *cache, guint n, guint16 first_seq)
{
  g_autoptr (GPtrArray) packets = mxr_keyframe_cache_get (cache);
  g_assert_cmpuint (packets != NULL ? packets->len : 0, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (((const MxrRtpPacket *) packets->pdata[i])->seq, ==, (guint16) (first_seq + i));
}

static void
test_from_the_last_keyframe_on (void)
{
  MxrKeyframeCache cache;

  mxr_keyframe_cache_init (&cache);
  expect (&cache, 0, 0);
  add (&cache, 1, 3000, false, 1);
  expect (&cache, 0, 0);
  for (guint16 seq = 2; seq < 7; seq++)
    add (&cache, seq, 6000, seq == 2, 1);
  expect (&cache, 5, 2);
  add (&cache, 7, 9000, false, 1);
  expect (&cache, 6, 2);
  add (&cache, 8, 12000, true, 1);
  expect (&cache, 1, 8);
  mxr_keyframe_cache_clear (&cache);
}

static void
test_time (void)
{
  MxrKeyframeCache cache;

  mxr_keyframe_cache_init (&cache);
  add (&cache, 0, 0, true, 5000);
  add (&cache, 1, 3000, false, 5000 + MXR_KEYFRAME_CACHE_MAX_US);
  expect (&cache, 2, 0);
  add (&cache, 2, 3000, false, 5001 + MXR_KEYFRAME_CACHE_MAX_US); /* the same frame */
  expect (&cache, 3, 0);
  add (&cache, 3, 6000, false, 5001 + MXR_KEYFRAME_CACHE_MAX_US);
  expect (&cache, 0, 0);
  add (&cache, 4, 9000, false, 5002 + MXR_KEYFRAME_CACHE_MAX_US);
  expect (&cache, 0, 0);
  add (&cache, 5, 12000, true, 5003 + MXR_KEYFRAME_CACHE_MAX_US);
  expect (&cache, 1, 5);
  mxr_keyframe_cache_clear (&cache);
}

/* A key frame is whole whatever its size; the frame after it is too much then. */
static void
test_number (void)
{
  MxrKeyframeCache cache;
  const guint16 n = 2 * MXR_KEYFRAME_CACHE_MAX_PACKETS;

  mxr_keyframe_cache_init (&cache);
  for (guint16 seq = 0; seq < n; seq++)
    add (&cache, seq, 0, seq == 0, 1);
  expect (&cache, n, 0);
  add (&cache, n, 3000, false, 1);
  expect (&cache, 0, 0);
  for (guint16 seq = 0; seq < MXR_KEYFRAME_CACHE_MAX_PACKETS; seq++)
    add (&cache, seq, 3000u * seq, seq == 0, 1);
  expect (&cache, MXR_KEYFRAME_CACHE_MAX_PACKETS, 0);
  add (&cache, MXR_KEYFRAME_CACHE_MAX_PACKETS, 3000 * MXR_KEYFRAME_CACHE_MAX_PACKETS, false, 1);
  expect (&cache, 0, 0);
  mxr_keyframe_cache_clear (&cache);
}

/* A frame without an end is given up, and the next key frame is kept. */
static void
test_endless_frame (void)
{
  MxrKeyframeCache cache;

  mxr_keyframe_cache_init (&cache);
  for (guint16 seq = 0; seq < MXR_KEYFRAME_CACHE_LIMIT_PACKETS; seq++)
    add (&cache, seq, 0, seq == 0, 1);
  expect (&cache, MXR_KEYFRAME_CACHE_LIMIT_PACKETS, 0);
  for (guint16 seq = 0; seq < 3; seq++)
    add (&cache, MXR_KEYFRAME_CACHE_LIMIT_PACKETS + seq, 0, false, 1);
  expect (&cache, 0, 0);
  add (&cache, 7, 3000, true, 1);
  expect (&cache, 1, 7);
  mxr_keyframe_cache_clear (&cache);
}

static gpointer
produce (gpointer cache)
{
  for (guint i = 0; i < N_ROUNDS * 50; i++)
    add (cache, (guint16) i, 3000 * i, i % 50 == 0, 1);
  return NULL;
}

/* What is taken while packets are added begins with a key frame and has no gap. */
static void
test_taken_while_added (void)
{
  MxrKeyframeCache cache;

  mxr_keyframe_cache_init (&cache);
  GThread *thread = g_thread_new ("producer", produce, &cache);
  for (guint round = 0; round < N_ROUNDS; round++) {
    g_autoptr (GPtrArray) packets = mxr_keyframe_cache_get (&cache);
    for (guint i = 0; packets != NULL && i < packets->len; i++) {
      const MxrRtpPacket *packet = packets->pdata[i], *first = packets->pdata[0];
      g_assert_true (packet->is_keyframe_start == (i == 0));
      g_assert_cmpuint (packet->seq, ==, (guint16) (first->seq + i));
    }
  }
  g_thread_join (thread);
  expect (&cache, 50, (guint16) ((N_ROUNDS - 1) * 50));
  mxr_keyframe_cache_clear (&cache);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyframe-cache/from-the-last-keyframe-on", test_from_the_last_keyframe_on);
  g_test_add_func ("/keyframe-cache/time", test_time);
  g_test_add_func ("/keyframe-cache/number", test_number);
  g_test_add_func ("/keyframe-cache/endless-frame", test_endless_frame);
  g_test_add_func ("/keyframe-cache/taken-while-added", test_taken_while_added);
  return g_test_run ();
}
