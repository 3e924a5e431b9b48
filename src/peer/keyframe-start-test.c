#include "keyframe-start.h"

#include <string.h>

#include "h264-size.h"

typedef struct {
  const char *codec;
  guint8 bytes[12];
  guint n_bytes;
  bool starts;
} Case;

static const Case cases[] = {
  { "VP8", { 0x10, 0x50 }, 2, true },                               /* S, PID 0, P = 0 */
  { "VP8", { 0x10, 0x51 }, 2, false },                              /* an inter frame */
  { "VP8", { 0x00, 0x50 }, 2, false },                              /* goes on with a partition */
  { "VP8", { 0x11, 0x50 }, 2, false },                              /* the second partition */
  { "VP8", { 0x30, 0x50 }, 2, true },                               /* a non-reference one all the same */
  { "VP8", { 0x90, 0x80, 0x12, 0x50 }, 4, true },                   /* PictureID of 7 bits */
  { "VP8", { 0x90, 0x80, 0x92, 0x34, 0x50 }, 5, true },             /* of 15 bits */
  { "VP8", { 0x90, 0x80, 0x92, 0x34, 0x51 }, 5, false },
  { "VP8", { 0x90, 0xf0, 0x92, 0x34, 1, 2, 0x50 }, 7, true },       /* TL0PICIDX, TID and KEYIDX */
  { "VP8", { 0x90, 0x60, 1, 2, 0x50 }, 5, true },                   /* no PictureID */
  { "H264", { 0x67, 0x42 }, 2, true },                              /* SPS */
  { "H264", { 0x68, 0xce }, 2, false },                             /* PPS alone */
  { "H264", { 0x65, 0x88 }, 2, false },                             /* IDR without them */
  { "H264", { 0x61, 0x88 }, 2, false },                             /* a slice */
  { "H264", { 0x78, 0, 1, 0x09, 0, 2, 0x67, 0x42 }, 8, true },      /* STAP-A: delimiter, SPS */
  { "H264", { 0x78, 0, 2, 0x61, 0x88, 0, 1, 0x06 }, 8, false },     /* slice, SEI */
  { "H264", { 0x7c, 0x85, 0x88 }, 3, false },                       /* the same, as FU-A */
  { "H264", { 0x78, 0xff, 0xff, 0x61, 0, 2, 0x67, 0x42 }, 8, false }, /* STAP-A that says more than there is */
  { "H264", { 0x79, 0, 0, 0, 2, 0x67, 0x42 }, 7, true },              /* STAP-B */
  { "H264", { 0x7c, 0x87, 0x42 }, 3, true },                          /* a fragmented SPS: FU-A */
  { "H264", { 0x7c, 0x07, 0x42 }, 3, false },                         /* its rest */
  { "OPUS", { 0x10, 0x50 }, 2, false },
};

static void
test_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("case %u", i);
    g_assert_true (mxr_is_keyframe_start (cases[i].codec, cases[i].bytes, cases[i].n_bytes) == cases[i].starts);
  }
}

/* Each length in memory of just that length, so that the sanitizer sees a byte too many. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint n = 0; n < cases[i].n_bytes; n++) {
      g_autofree guint8 *copy = g_memdup2 (cases[i].bytes, n);
      bool starts = mxr_is_keyframe_start (cases[i].codec, copy, n);
      if (n == 0 || (n == 1 && strcmp (cases[i].codec, "VP8") == 0))
        g_assert_false (starts);
    }
}

static void
test_profile (void)
{
  const guint8 alone[] = { 0x67, 0x42, 0xc0, 0x1f, 0x8c };
  const guint8 aggregated[] = { 0x78, 0, 1, 0x09, 0, 5, 0x67, 0x4d, 0x80, 0x0b, 0x8c };
  const guint8 vp8[] = { 0x10, 0x50, 1, 2, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0 };

  g_assert_cmphex (mxr_read_h264_profile ("H264", alone, sizeof alone), ==, 0x42c01f);
  g_assert_cmphex (mxr_read_h264_profile ("H264", aggregated, sizeof aggregated), ==, 0x4d800b);
  g_assert_cmphex (mxr_read_h264_profile ("VP8", vp8, sizeof vp8), ==, 0);
  for (gsize n = 0; n < 4; n++) {
    g_autofree guint8 *copy = g_memdup2 (alone, n);
    g_assert_cmphex (mxr_read_h264_profile ("H264", copy, n), ==, 0);
  }
}

/* The scaling bits are no part of a size. */
static void
test_size (void)
{
  const guint8 vp8[] = { 0x90, 0x80, 0x92, 0x34, 0x50, 1, 2, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0xc1, 0 };
  const guint8 damaged[] = { 0x10, 0x50, 1, 2, 0x9d, 0x01, 0x2b, 0x80, 0x02, 0x68, 0x01, 0 };
  const guint8 h264[] = { 0x78, 0, 1, 0x09, 0, 26, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10,
                          0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60 };
  guint width_px = 0, height_px = 0;

  g_assert_true (mxr_read_keyframe_size ("VP8", vp8, sizeof vp8, &width_px, &height_px));
  g_assert_cmpuint (width_px, ==, 640);
  g_assert_cmpuint (height_px, ==, 360);
  for (gsize n = 0; n < sizeof vp8 - 1; n++) {
    g_autofree guint8 *copy = g_memdup2 (vp8, n);
    g_assert_false (mxr_read_keyframe_size ("VP8", copy, n, &width_px, &height_px));
  }
  g_assert_false (mxr_read_keyframe_size ("VP8", damaged, sizeof damaged, &width_px, &height_px));
  for (gsize n = 0; n < 8; n++) {
    g_autofree guint8 *copy = g_memdup2 (h264, n);
    g_assert_false (mxr_read_keyframe_size ("H264", copy, n, &width_px, &height_px));
  }
  g_assert_true (mxr_read_keyframe_size ("H264", h264, sizeof h264, &width_px, &height_px));
  g_assert_cmpuint (width_px, ==, 1280);
  g_assert_cmpuint (height_px, ==, 720);
  g_assert_false (mxr_read_keyframe_size ("OPUS", vp8, sizeof vp8, &width_px, &height_px));
}

/* What a decoder would find in packets that no encoder makes: the size it takes memory for is told, or none. */
static void
test_hidden_size (void)
{
  const guint8 small[] = { 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x0b, 0x13, 0x90 }; /* 176 x 144 */
  const guint8 large[] = { 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x00, 0x10, 0x00, 0x00, 0x80, 0x19 }; /* 16384 a side */
  guint8 packet[64] = { 0x78, 0, sizeof small };
  const gsize n_bytes = 1 + 2 + sizeof small + 2 + sizeof large;
  guint width_px = 0, height_px = 0;

  g_assert_true (mxr_h264_read_size (small, sizeof small, &width_px, &height_px));
  g_assert_cmpuint (width_px, ==, 176);
  memcpy (packet + 3, small, sizeof small);
  packet[3 + sizeof small + 1] = sizeof large;
  memcpy (packet + 5 + sizeof small, large, sizeof large);
  g_assert_true (mxr_read_keyframe_size ("H264", packet, n_bytes, &width_px, &height_px));
  g_assert_cmpuint (width_px, ==, 16384);
  g_assert_cmpuint (height_px, ==, 16384);
  /* One that is cut off behind one that is not. */
  g_assert_false (mxr_read_keyframe_size ("H264", packet, n_bytes - sizeof large + 6, &width_px, &height_px));
  /* STAP-B, FU-A */
  const guint8 numbered[] = { 0x79, 0, 0, 0, sizeof small, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x0b, 0x13, 0x90 };
  g_assert_true (mxr_read_keyframe_size ("H264", numbered, sizeof numbered, &width_px, &height_px));
  g_assert_cmpuint (width_px, ==, 176);
  const guint8 fragment[] = { 0x7c, 0x87, 0x42, 0xc0, 0x1e, 0xda, 0x0b, 0x13, 0x90 };
  g_assert_false (mxr_read_keyframe_size ("H264", fragment, sizeof fragment, &width_px, &height_px));
}

static void
test_any_bytes (void)
{
  for (guint round = 0; round < 200000; round++) {
    guint n = g_test_rand_int_range (1, 24);
    g_autofree guint8 *bytes = g_malloc (n);
    for (guint i = 0; i < n; i++)
      bytes[i] = g_test_rand_int ();
    guint width_px, height_px;
    mxr_is_keyframe_start (round % 2 == 0 ? "VP8" : "H264", bytes, n);
    mxr_read_keyframe_size (round % 2 == 0 ? "VP8" : "H264", bytes, n, &width_px, &height_px);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyframe-start/cases", test_cases);
  g_test_add_func ("/keyframe-start/truncated", test_truncated);
  g_test_add_func ("/keyframe-start/size", test_size);
  g_test_add_func ("/keyframe-start/profile", test_profile);
  g_test_add_func ("/keyframe-start/hidden-size", test_hidden_size);
  g_test_add_func ("/keyframe-start/any-bytes", test_any_bytes);
  return g_test_run ();
}
