#include "frame-watch.h"

static const MxrFrameLimits limits = { 1000, 10 };

static MxrFrameVerdict
feed (MxrFrameWatch *watch, const void *bytes, gsize n_bytes)
{
  return mxr_frame_watch_feed (watch, &limits, bytes, n_bytes, 1);
}

/* One masked frame whatever way it is split. */
static void
test_split_anywhere (void)
{
  guint8 stream[2 * (4 + 4 + 300)] = { 0 };
  for (guint i = 0; i < 2; i++) {
    guint8 *frame = stream + i * 308;
    frame[0] = 0x81;
    frame[1] = 0x80 | 126;
    frame[2] = 300 >> 8;
    frame[3] = 300 & 0xff;
  }
  for (gsize cut = 0; cut <= sizeof stream; cut++) {
    MxrFrameWatch watch = { 0 };
    g_assert_cmpint (feed (&watch, stream, cut), ==, MXR_FRAME_OK);
    g_assert_cmpint (feed (&watch, stream + cut, sizeof stream - cut), ==, MXR_FRAME_OK);
    g_assert_cmpuint (watch.data_bytes, ==, 600);
    g_assert_cmpuint (watch.payload_left, ==, 0);
  }
}

static void
test_too_big (void)
{
  static const guint8 exact[] = { 0x81, 0xfe, 1000 >> 8, 1000 & 0xff, 0, 0, 0, 0 };
  static const guint8 above[] = { 0x81, 0xfe, 1001 >> 8, 1001 & 0xff, 0, 0, 0, 0 };
  static const guint8 huge[] = { 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
  static const guint8 long_ping[] = { 0x89, 0xfe, 0, 126, 0, 0, 0, 0 };
  MxrFrameWatch a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
  g_assert_cmpint (feed (&a, exact, sizeof exact), ==, MXR_FRAME_OK);
  g_assert_cmpint (feed (&b, above, sizeof above), ==, MXR_FRAME_TOO_BIG);
  g_assert_cmpint (feed (&c, huge, sizeof huge), ==, MXR_FRAME_TOO_BIG);
  g_assert_cmpint (feed (&d, long_ping, sizeof long_ping), ==, MXR_FRAME_TOO_BIG);
}

/* Fragments add up, with pings between them, and the length does not wrap. */
static void
test_fragments (void)
{
  static const guint8 first[] = { 0x01, 0x81, 0, 0, 0, 0, 'x' };
  static const guint8 more[] = { 0x00, 0x81, 0, 0, 0, 0, 'x' };
  static const guint8 ping[] = { 0x89, 0x80, 0, 0, 0, 0 };
  static const guint8 wrap[] = { 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
  MxrFrameWatch watch = { 0 }, wrapping = { 0 };

  g_assert_cmpint (feed (&wrapping, first, sizeof first), ==, MXR_FRAME_OK);
  g_assert_cmpint (feed (&wrapping, wrap, sizeof wrap), ==, MXR_FRAME_TOO_BIG);

  g_assert_cmpint (feed (&watch, first, sizeof first), ==, MXR_FRAME_OK);
  g_assert_cmpint (feed (&watch, ping, sizeof ping), ==, MXR_FRAME_OK);
  for (guint i = 1; i < MXR_FRAME_MAX_FRAGMENTS; i++)
    g_assert_cmpint (feed (&watch, more, sizeof more), ==, MXR_FRAME_OK);
  g_assert_cmpuint (watch.message_bytes, ==, MXR_FRAME_MAX_FRAGMENTS);
  g_assert_cmpint (feed (&watch, more, sizeof more), ==, MXR_FRAME_TOO_MANY);
}

static void
test_rate (void)
{
  static const guint8 ping[] = { 0x89, 0x80, 0, 0, 0, 0 };
  MxrFrameWatch watch = { 0 };
  for (guint i = 0; i < 40; i++)
    g_assert_cmpint (feed (&watch, ping, sizeof ping), ==, MXR_FRAME_OK);
  g_assert_cmpint (feed (&watch, ping, sizeof ping), ==, MXR_FRAME_TOO_FAST);
}

/* What a server sends has no mask; pongs are no data. */
static void
test_counts_sent_data (void)
{
  static const MxrFrameLimits none = { 0 };
  static const guint8 sent[] = { 0x81, 3, 'a', 'b', 'c', 0x8a, 2, 'x', 'y', 0x81, 1, 'd' };
  MxrFrameWatch watch = { 0 };
  g_assert_cmpint (mxr_frame_watch_feed (&watch, &none, sent, sizeof sent, 0), ==, MXR_FRAME_OK);
  g_assert_cmpuint (watch.data_bytes, ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame-watch/split-anywhere", test_split_anywhere);
  g_test_add_func ("/frame-watch/too-big", test_too_big);
  g_test_add_func ("/frame-watch/fragments", test_fragments);
  g_test_add_func ("/frame-watch/rate", test_rate);
  g_test_add_func ("/frame-watch/counts-sent-data", test_counts_sent_data);
  return g_test_run ();
}
