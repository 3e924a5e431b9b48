#include "mixroom/rtp.h"

#include <string.h>

#define FRAME "frame"

static MxrRtpPacket *
rewrite (const guint8 *payload, gsize n_bytes)
{
  const MxrRtpView view = { .payload = payload, .payload_bytes = n_bytes, .timestamp = 9000, .seq = 7, .marker = true };
  return mxr_rtp_packet_new_vp8 (&view, true);
}

/* Every shape of descriptor gives way to the shortest. */
static void
test_shapes (void)
{
  static const struct {
    guint8 bytes[6];
    gsize n_bytes;
  } shapes[] = {
    { { 0x10 }, 1 },
    { { 0x90, 0x00 }, 2 },
    { { 0x90, 0x80, 0x23 }, 3 },
    { { 0x90, 0x80, 0x81, 0x23 }, 4 },
    { { 0x90, 0xf0, 0x81, 0x23, 0x44, 0x55 }, 6 },
    { { 0x90, 0x40, 0x44 }, 3 },
    { { 0x90, 0x10, 0x55 }, 3 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    guint8 payload[16];
    memcpy (payload, shapes[i].bytes, shapes[i].n_bytes);
    memcpy (payload + shapes[i].n_bytes, FRAME, strlen (FRAME));
    g_assert_cmpuint (mxr_vp8_descriptor_bytes (payload, shapes[i].n_bytes + strlen (FRAME)), ==, shapes[i].n_bytes);
    g_autoptr (MxrRtpPacket) packet = rewrite (payload, shapes[i].n_bytes + strlen (FRAME));
    g_assert_cmphex (packet->payload[0], ==, 0x10);
    g_assert_cmpmem (packet->payload + 1, packet->payload_bytes - 1, FRAME, strlen (FRAME));
    g_assert_true (packet->marker && packet->is_keyframe_start);
    g_assert_cmpuint (packet->timestamp, ==, 9000);
    g_assert_cmpuint (packet->seq, ==, 7);
  }
}

/* Whether others depend on the frame, where it begins, and which partition it is, stay as they are. */
static void
test_keeps_the_frames_bits (void)
{
  for (guint first = 0; first < 0x80; first++) {
    const guint8 payload[] = { (guint8) first, 'x' };
    g_autoptr (MxrRtpPacket) packet = rewrite (payload, sizeof payload);
    g_assert_cmphex (packet->payload[0], ==, first & 0x37);
  }
}

static void
test_cut_off (void)
{
  const guint8 whole[] = { 0x90, 0xf0, 0x81, 0x23, 0x44, 0x55, 'x' };
  for (gsize n = 0; n < sizeof whole; n++)
    g_assert_null (rewrite (whole, n));
  guint8 long_one[MXR_RTP_PAYLOAD_MAX_BYTES + 1] = { 0x10 };
  g_assert_null (rewrite (long_one, sizeof long_one));
  g_autoptr (MxrRtpPacket) packet = rewrite (long_one, sizeof long_one - 1);
  g_assert_cmpuint (packet->payload_bytes, ==, MXR_RTP_PAYLOAD_MAX_BYTES);
}

static void
test_any_bytes (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  for (guint i = 0; i < 100000; i++) {
    guint8 payload[8];
    gsize n_bytes = g_rand_int_range (rand, 0, sizeof payload + 1);
    for (gsize k = 0; k < n_bytes; k++)
      payload[k] = (guint8) g_rand_int (rand);
    MxrRtpPacket *packet = rewrite (payload, n_bytes);
    if (packet != NULL) {
      g_assert_cmpuint (packet->payload_bytes, <=, n_bytes);
      mxr_rtp_packet_unref (packet);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vp8-descriptor/shapes", test_shapes);
  g_test_add_func ("/vp8-descriptor/keeps-the-frames-bits", test_keeps_the_frames_bits);
  g_test_add_func ("/vp8-descriptor/cut-off", test_cut_off);
  g_test_add_func ("/vp8-descriptor/any-bytes", test_any_bytes);
  return g_test_run ();
}
