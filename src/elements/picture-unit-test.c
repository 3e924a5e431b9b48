#include <string.h>

#include "picture-unit.h"

static void
expect (const MxrPictureUnit *unit, const char *bytes, gsize n_bytes)
{
  g_assert_cmpmem (unit->bytes->data, unit->bytes->len, bytes, n_bytes);
}
#define EXPECT(unit, bytes) expect (unit, bytes, sizeof bytes - 1)
#define ADD(unit, bytes) mxr_picture_unit_add_h264 (unit, (const guint8 *) bytes, sizeof bytes - 1)

static void
test_each_kind_of_packet (void)
{
  MxrPictureUnit unit;

  mxr_picture_unit_init (&unit);
  g_assert_true (ADD (&unit, "\x67\x42\xe0"));
  g_assert_true (ADD (&unit, "\x78\x00\x02\x67\x01\x00\x01\x68"));
  EXPECT (&unit, "\0\0\0\1\x67\x42\xe0\0\0\0\1\x67\x01\0\0\0\1\x68");
  g_assert_false (unit.is_keyframe);

  mxr_picture_unit_reset (&unit);
  g_assert_true (ADD (&unit, "\x7c\x85one"));
  g_assert_true (unit.is_in_fragment && unit.is_keyframe);
  g_assert_true (ADD (&unit, "\x7c\x05two"));
  g_assert_true (ADD (&unit, "\x7c\x45three"));
  g_assert_false (unit.is_in_fragment);
  EXPECT (&unit, "\0\0\0\1\x65onetwothree");
  mxr_picture_unit_clear (&unit);
}

#define ADD_VP8(unit, bytes) mxr_picture_unit_add_vp8 (unit, (const guint8 *) bytes, sizeof bytes - 1)

static void
test_vp8 (void)
{
  MxrPictureUnit unit;

  mxr_picture_unit_init (&unit);
  g_assert_true (ADD_VP8 (&unit, "\x10\x50\x01\x02"));
  g_assert_false (ADD_VP8 (&unit, "\x10\x50"));                                      /* another begin */
  g_assert_true (ADD_VP8 (&unit, "\x80\xf0\x81\x01\x07\x20\x03\x04"));            /* with all extensions */
  g_assert_true (ADD_VP8 (&unit, "\x11\x05"));                                       /* the second partition */
  EXPECT (&unit, "\x50\x01\x02\x03\x04\x05");
  g_assert_true (unit.is_keyframe);
  mxr_picture_unit_reset (&unit);
  g_assert_true (ADD_VP8 (&unit, "\x10\x51"));
  g_assert_false (unit.is_keyframe);
  mxr_picture_unit_reset (&unit);
  g_assert_false (ADD_VP8 (&unit, "\x00\x51")); /* no begin */
  g_assert_false (ADD_VP8 (&unit, "\x11\x51"));
  g_assert_false (ADD_VP8 (&unit, "\x10"));         /* nothing within */
  g_assert_false (ADD_VP8 (&unit, "\x90\x80\x81")); /* cut off */
  g_assert_false (mxr_picture_unit_add_vp8 (&unit, NULL, 0));
  mxr_picture_unit_clear (&unit);
}

/* RFC 6184 5.2: types that are reserved, or of a mode that was not negotiated, are left out. */
static void
test_others_are_left_out (void)
{
  static const guint8 types[] = { 0, 25, 26, 27, 29, 30, 31 };
  MxrPictureUnit unit;

  mxr_picture_unit_init (&unit);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    const guint8 payload[] = { types[i] | 0x60, 1, 2 };
    g_assert_true (mxr_picture_unit_add_h264 (&unit, payload, sizeof payload));
  }
  g_assert_true (ADD (&unit, "\x78\x00\x01\x7f\x00\x01\x68"));
  EXPECT (&unit, "\0\0\0\1\x68");
  mxr_picture_unit_clear (&unit);
}

static void
test_malformed (void)
{
  MxrPictureUnit unit;

  mxr_picture_unit_init (&unit);
  g_assert_false (mxr_picture_unit_add_h264 (&unit, NULL, 0));
  g_assert_false (ADD (&unit, "\x78\x00"));             /* half a size */
  g_assert_false (ADD (&unit, "\x78\x00\x00"));         /* nothing within */
  g_assert_false (ADD (&unit, "\x78\x00\x03\x67\x01")); /* more than there is */
  g_assert_false (ADD (&unit, "\x7c"));                 /* half a header */
  g_assert_false (ADD (&unit, "\x7c\x05two"));          /* no begin */
  g_assert_true (ADD (&unit, "\x7c\x85one"));
  g_assert_false (ADD (&unit, "\x7c\x85one")); /* another begin */
  g_assert_false (ADD (&unit, "\x61\x00"));    /* no end */
  mxr_picture_unit_clear (&unit);
}

static void
test_has_a_limit (void)
{
  g_autofree guint8 *payload = g_malloc0 (60000);
  gboolean fits = TRUE;
  MxrPictureUnit unit;

  mxr_picture_unit_init (&unit);
  payload[0] = 0x61;
  for (guint i = 0; i < 200 && fits; i++)
    fits = mxr_picture_unit_add_h264 (&unit, payload, 60000);
  g_assert_false (fits);
  g_assert_cmpuint (unit.bytes->len, <=, MXR_PICTURE_UNIT_MAX_BYTES);
  mxr_picture_unit_clear (&unit);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/picture-unit/h264/each-kind-of-packet", test_each_kind_of_packet);
  g_test_add_func ("/picture-unit/vp8", test_vp8);
  g_test_add_func ("/picture-unit/h264/others-are-left-out", test_others_are_left_out);
  g_test_add_func ("/picture-unit/h264/malformed", test_malformed);
  g_test_add_func ("/picture-unit/h264/has-a-limit", test_has_a_limit);
  return g_test_run ();
}
