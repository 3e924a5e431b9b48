#include "test-wire.h"

/* version 2, padding, extension, 2 CSRCs, marker; one-byte elements: id 1 level, 3 transport seq, 4 CVO, 5
 * MID */
static const guint8 full[] = {
  0xb2, 0xe0, 0x12, 0x34, 1,    2,   3,    4,    5,    6,   7,   8, /* fixed */
  0,    0,    0,    1,    0,    0,   0,    2,                       /* CSRCs */
  0xbe, 0xde, 0,    4,                                              /* extension */
  0x10, 0x8a, 0x31, 0xab, 0xcd, 0,   0x40, 0x07, 0x52, 'a', 'b', 'c',
  0x60, 9,    0,    0,    'p',  'a', 'y',  0,    2, /* payload, padding */
};

static void
test_reads_everything (void)
{
  MxrRtpView view;
  int level;
  guint rotation;
  bool voice, flip;
  guint16 seq;
  char mid[MXR_RTP_MID_MAX_BYTES + 1];

  g_assert_true (mxr_rtp_view_parse (&view, full, sizeof full));
  g_assert_cmpuint (view.payload_type, ==, 0x60);
  g_assert_true (view.marker);
  g_assert_cmphex (view.seq, ==, 0x1234);
  g_assert_cmphex (view.timestamp, ==, 0x01020304);
  g_assert_cmphex (view.ssrc, ==, 0x05060708);
  g_assert_cmpuint (view.header_bytes, ==, 40);
  g_assert_cmpmem (view.payload, view.payload_bytes, "pay", 3);

  g_assert_true (mxr_rtp_view_get_audio_level (&view, 1, &level, &voice));
  g_assert_cmpint (level, ==, -10);
  g_assert_true (voice);
  g_assert_true (mxr_rtp_view_get_transport_seq (&view, 3, &seq));
  g_assert_cmphex (seq, ==, 0xabcd);
  g_assert_true (mxr_rtp_view_get_orientation (&view, 4, &rotation, &flip));
  g_assert_cmpuint (rotation, ==, 270);
  g_assert_true (flip);
  g_assert_true (mxr_rtp_view_get_mid (&view, 5, mid));
  g_assert_cmpstr (mid, ==, "abc");
  g_assert_false (mxr_rtp_view_get_mid (&view, 3, mid)); /* not printable */
  g_assert_cmpstr (mid, ==, "abc");
  g_assert_false (mxr_rtp_view_get_transport_seq (&view, 1, &seq)); /* too short */
  g_assert_false (mxr_rtp_view_get_audio_level (&view, 0, &level, &voice));
  g_assert_false (mxr_rtp_view_get_audio_level (&view, 7, &level, &voice));
}

/* In allocations of exact size, so that the sanitizer sees a byte too far. */
static void
test_every_truncation (void)
{
  const guint8 plain[] = { 0x92, 0x60, 0, 1, 0, 0, 0,    0,    0, 0, 0,    1, 0, 0,
                           0,    1,    0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0 };
  for (gsize size = 0; size <= sizeof plain; size++) {
    g_autofree guint8 *copy = g_memdup2 (plain, size);
    MxrRtpView view = { .size = 99 };
    const bool is_good = mxr_rtp_view_parse (&view, copy, size);
    g_assert_cmpint (is_good, ==, size == sizeof plain);
    g_assert_cmpuint (view.size, ==, is_good ? size : 99);
  }
}

static void
test_every_mutation (void)
{
  for (gsize at = 0; at < sizeof full; at++) {
    for (guint value = 0; value < 256; value++) {
      g_autofree guint8 *copy = g_memdup2 (full, sizeof full);
      MxrRtpView view;
      const guint8 *data;
      gsize bytes;
      copy[at] = (guint8) value;
      if (!mxr_rtp_view_parse (&view, copy, sizeof full))
        continue;
      g_assert_cmpuint (view.header_bytes + view.payload_bytes, <=, sizeof full);
      for (guint id = 0; id < 256; id++)
        if (mxr_rtp_view_get_extension (&view, (guint8) id, &data, &bytes))
          g_assert_true (data >= copy && data + bytes <= copy + view.header_bytes);
    }
  }
}

static void
test_padding (void)
{
  guint8 data[16] = { 0xa0, 96 };
  MxrRtpView view;
  for (guint padding = 0; padding < 256; padding++) {
    data[15] = (guint8) padding;
    const bool is_good = mxr_rtp_view_parse (&view, data, sizeof data);
    g_assert_cmpint (is_good, ==, padding >= 1 && padding <= 4);
    if (is_good)
      g_assert_cmpuint (view.payload_bytes, ==, 4 - padding);
  }
  data[0] = 0x60; /* version 1 */
  g_assert_false (mxr_rtp_view_parse (&view, data, sizeof data));
}

static bool
find (guint16 profile, const guint8 *elements, gsize bytes, guint8 id, gsize *out_bytes)
{
  const guint8 *data;
  guint8 packet[64];
  MxrRtpView view;
  const gsize size = test_make_rtp (packet, 96, 1, 1, 1, elements, bytes, 1);
  mxr_write_u16 (packet + 12, profile);
  g_assert_true (mxr_rtp_view_parse (&view, packet, size));
  return mxr_rtp_view_get_extension (&view, id, &data, out_bytes);
}

static void
test_element_forms (void)
{
  const guint8 two_byte[] = { 200, 3, 'x', 'y', 'z', 0, 15, 0, 7, 1, 9, 0 };
  const guint8 stops_at_15[] = { 0x10, 1, 0xf0, 1, 0x20, 2, 0, 0 };
  const guint8 stops_at_0[] = { 0x10, 1, 0x01, 1, 0x20, 2, 0, 0 };
  const guint8 too_long[] = { 0x10, 1, 0x23, 1 };
  const guint8 half[] = { 1, 1, 5, 2 };
  gsize bytes;

  g_assert_true (find (0x1000, two_byte, sizeof two_byte, 200, &bytes));
  g_assert_cmpuint (bytes, ==, 3);
  g_assert_true (find (0x1007, two_byte, sizeof two_byte, 15, &bytes));
  g_assert_cmpuint (bytes, ==, 0);
  g_assert_true (find (0x100f, two_byte, sizeof two_byte, 7, &bytes));
  g_assert_false (find (0x1010, two_byte, sizeof two_byte, 7, &bytes));
  g_assert_true (find (0xbede, stops_at_15, sizeof stops_at_15, 1, &bytes));
  g_assert_false (find (0xbede, stops_at_15, sizeof stops_at_15, 2, &bytes));
  g_assert_false (find (0xbede, stops_at_15, sizeof stops_at_15, 15, &bytes));
  g_assert_true (find (0xbede, stops_at_0, sizeof stops_at_0, 1, &bytes));
  g_assert_false (find (0xbede, stops_at_0, sizeof stops_at_0, 2, &bytes));
  g_assert_false (find (0xbede, too_long, sizeof too_long, 2, &bytes));
  g_assert_false (find (0x1000, half, sizeof half, 2, &bytes));
}

static void
test_mux (void)
{
  guint8 data[4] = { 0x80, 0, 0, 0 };
  for (guint type = 0; type < 256; type++) {
    data[1] = (guint8) type;
    g_assert_cmpint (mxr_is_rtcp (data, 4), ==, type >= 192 && type <= 223);
    g_assert_false (mxr_is_rtcp (data, 3));
  }
  data[0] = 0x40;
  data[1] = 200;
  g_assert_false (mxr_is_rtcp (data, 4));
}

static void
test_packet (void)
{
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (full, sizeof full, TRUE);
  guint8 *large = g_malloc0 (12 + MXR_RTP_PAYLOAD_MAX_BYTES + 1);

  g_assert_nonnull (packet);
  g_assert_cmpmem (packet->payload, packet->payload_bytes, "pay", 3);
  g_assert_cmphex (packet->seq, ==, 0x1234);
  g_assert_cmphex (packet->timestamp, ==, 0x01020304);
  g_assert_true (packet->marker && packet->is_keyframe_start);
  mxr_rtp_packet_unref (mxr_rtp_packet_ref (packet));

  large[0] = 0x80;
  g_assert_null (mxr_rtp_packet_new_from_rtp (large, 12, FALSE));
  g_assert_null (mxr_rtp_packet_new_from_rtp (large, 11, FALSE));
  g_assert_null (mxr_rtp_packet_new_from_rtp (large, 12 + MXR_RTP_PAYLOAD_MAX_BYTES + 1, FALSE));
  MxrRtpPacket *largest = mxr_rtp_packet_new_from_rtp (large, 12 + MXR_RTP_PAYLOAD_MAX_BYTES, FALSE);
  g_assert_nonnull (largest);
  mxr_rtp_packet_unref (largest);
  g_free (large);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/view/reads-everything", test_reads_everything);
  g_test_add_func ("/view/every-truncation", test_every_truncation);
  g_test_add_func ("/view/every-mutation", test_every_mutation);
  g_test_add_func ("/view/padding", test_padding);
  g_test_add_func ("/view/element-forms", test_element_forms);
  g_test_add_func ("/view/mux", test_mux);
  g_test_add_func ("/view/packet", test_packet);
  return g_test_run ();
}
