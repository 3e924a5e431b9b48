#include "demux.h"

static MxrPacketKind
classify (guint8 first, guint8 second, gsize size)
{
  guint8 data[64] = { first, second };
  return mxr_demux_classify (data, size);
}

/* RFC 7983 7, all 256 first bytes. */
static void
test_first_byte (void)
{
  for (guint first = 0; first < 256; first++) {
    const MxrPacketKind kind = classify ((guint8) first, 0, 64);
    if (first <= 3)
      g_assert_cmpint (kind, ==, MXR_PACKET_STUN);
    else if (first >= 20 && first <= 63)
      g_assert_cmpint (kind, ==, MXR_PACKET_DTLS);
    else if (first >= 128 && first <= 191)
      g_assert_cmpint (kind, ==, MXR_PACKET_RTP);
    else
      g_assert_cmpint (kind, ==, MXR_PACKET_UNKNOWN);
  }
}

/* RFC 5761 4: 192 to 223, whatever the marker bit made of the payload type. */
static void
test_second_byte (void)
{
  for (guint second = 0; second < 256; second++)
    g_assert_cmpint (classify (0x80, (guint8) second, 64), ==,
                     second >= 192 && second <= 223 ? MXR_PACKET_RTCP : MXR_PACKET_RTP);
}

static void
test_shorter_than_a_header (void)
{
  g_assert_cmpint (mxr_demux_classify (NULL, 0), ==, MXR_PACKET_UNKNOWN);
  g_assert_cmpint (classify (0, 1, 19), ==, MXR_PACKET_UNKNOWN);
  g_assert_cmpint (classify (22, 0xfe, 12), ==, MXR_PACKET_UNKNOWN);
  g_assert_cmpint (classify (0x80, 96, 11), ==, MXR_PACKET_UNKNOWN);
  g_assert_cmpint (classify (0x80, 96, 12), ==, MXR_PACKET_RTP);
  g_assert_cmpint (classify (0x80, 200, 7), ==, MXR_PACKET_UNKNOWN);
  g_assert_cmpint (classify (0x80, 200, 8), ==, MXR_PACKET_RTCP);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demux/first-byte", test_first_byte);
  g_test_add_func ("/demux/second-byte", test_second_byte);
  g_test_add_func ("/demux/shorter-than-a-header", test_shorter_than_a_header);
  return g_test_run ();
}
