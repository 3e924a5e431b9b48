#include "packet.h"

#include <string.h>

#include "mixroom/rtp.h"

/* As a sender writes it: MID and transport-wide number before the payload. */
static gsize
write_packet (guint8 *out, bool with_extension, guint n_payload)
{
  const guint8 plain[12] = { 0x80, 111, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8 };
  const guint8 block[12] = { 0xBE, 0xDE, 0, 2, 3 << 4 | 1, 0xAB, 0xCD, 4 << 4, 'm', 0, 0, 0 };
  gsize size = sizeof plain;

  memcpy (out, plain, sizeof plain);
  if (with_extension) {
    out[0] |= 0x10;
    memcpy (out + size, block, sizeof block);
    size += sizeof block;
  }
  for (guint i = 0; i < n_payload; i++)
    out[size++] = (guint8) (i * 7);
  return size;
}

static void
check (bool with_extension, guint n_payload, guint8 level, bool is_voice)
{
  guint8 packet[256], before[256];
  const gsize size = write_packet (packet, with_extension, n_payload);
  memcpy (before, packet, size);
  const gsize grown = mxr_packet_add_level (packet, size, 1, level, is_voice);
  MxrRtpView view, view_before;
  int level_dbov;
  bool voice;
  guint16 transport_seq;
  char mid[MXR_RTP_MID_MAX_BYTES + 1];

  g_assert_cmpuint (grown - size, <=, MXR_LEVEL_MAX_BYTES);
  g_assert_true (mxr_rtp_view_parse (&view, packet, grown));
  g_assert_true (mxr_rtp_view_parse (&view_before, before, size));
  g_assert_true (mxr_rtp_view_get_audio_level (&view, 1, &level_dbov, &voice));
  g_assert_cmpint (level_dbov, ==, -level);
  g_assert_true (voice == is_voice);
  g_assert_cmpmem (view.payload, view.payload_bytes, view_before.payload, view_before.payload_bytes);
  g_assert_cmpuint (view.seq, ==, 0x1234);
  g_assert_cmpuint (view.payload_type, ==, 111);
  g_assert_true (mxr_rtp_view_get_transport_seq (&view, 3, &transport_seq) == with_extension);
  g_assert_true (mxr_rtp_view_get_mid (&view, 4, mid) == with_extension);
  if (with_extension)
    g_assert_cmpuint (transport_seq, ==, 0xABCD);
}

static void
test_levels (void)
{
  for (guint level = 0; level <= 127; level++)
    for (guint i = 0; i < 4; i++)
      check (i % 2 == 0, 80 + i, (guint8) level, i / 2 == 0);
  check (true, 0, 30, true);
}

/* What is not of our own sender's form stays as it is, and nothing is read or written behind it. */
static void
test_other_forms (void)
{
  guint8 packet[256];
  const gsize size = write_packet (packet, true, 20);

  for (gsize cut = 0; cut <= size; cut++) {
    g_autofree guint8 *copy = g_malloc (cut + MXR_LEVEL_MAX_BYTES);
    memcpy (copy, packet, cut);
    const gsize grown = mxr_packet_add_level (copy, cut, 1, 30, true);
    if (grown == cut)
      g_assert_cmpmem (copy, cut, packet, cut);
    g_assert_cmpuint (grown, <=, cut + MXR_LEVEL_MAX_BYTES);
  }
  packet[14] = 0xff; /* a block longer than the packet */
  g_assert_cmpuint (mxr_packet_add_level (packet, size, 1, 30, true), ==, size);
  write_packet (packet, true, 20);
  packet[12] = 0x10; /* the two-byte form */
  packet[13] = 0x00;
  g_assert_cmpuint (mxr_packet_add_level (packet, size, 1, 30, true), ==, size);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/packet/levels", test_levels);
  g_test_add_func ("/load/packet/other-forms", test_other_forms);
  return g_test_run ();
}
