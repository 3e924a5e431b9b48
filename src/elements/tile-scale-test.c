#include "tile-scale.h"

#include <math.h>
#include <string.h>

/* What must hold for any camera in any tile: inside both, even, centred, and of the right shape. */
static void
check_fit (int w, int h, int par_n, int par_d, GstVideoOrientationMethod orientation, MxrRect tile)
{
  bool sideways = orientation == GST_VIDEO_ORIENTATION_90R || orientation == GST_VIDEO_ORIENTATION_UL_LR;
  MxrFit fit;

  mxr_tile_fit (w, h, par_n, par_d, orientation, &tile, &fit);
  const MxrRect *crop = &fit.crop, *picture = &fit.picture;
  g_assert_true (crop->x >= 0 && crop->y >= 0 && crop->w >= 2 && crop->h >= 2);
  g_assert_true (crop->x + crop->w <= w && crop->y + crop->h <= h);
  g_assert_true (picture->x >= tile.x && picture->y >= tile.y && picture->w >= 2 && picture->h >= 2);
  g_assert_true (picture->x + picture->w <= tile.x + tile.w && picture->y + picture->h <= tile.y + tile.h);
  g_assert_cmpint ((crop->x | crop->y | picture->x | picture->y | picture->w | picture->h) & 1, ==, 0);
  g_assert_true (picture->w == tile.w || picture->h == tile.h);
  g_assert_cmpint (ABS (2 * picture->x + picture->w - 2 * tile.x - tile.w), <=, 3);
  g_assert_cmpint (4 * (gint64) crop->w * crop->h, >=,
                   3 * (gint64) w * h - 4 * MAX (w, h)); /* a quarter at most is lost */

  double source_w = crop->w * (double) par_n / par_d, source_h = crop->h;
  double scale_x = picture->w / (sideways ? source_h : source_w),
         scale_y = picture->h / (sideways ? source_w : source_h);
  double error_x = 2.0 / picture->w + 1.0 / crop->w, error_y = 2.0 / picture->h + 1.0 / crop->h;
  if (picture->w > 4 && picture->h > 4) /* thinner ones are lines */
    g_assert_cmpfloat (fabs (scale_x / scale_y - 1), <=, 1.1 * (error_x + error_y));
}

static void
test_fit (void)
{
  static const GstVideoOrientationMethod ways[] = { GST_VIDEO_ORIENTATION_IDENTITY, GST_VIDEO_ORIENTATION_90R,
                                                    GST_VIDEO_ORIENTATION_180, GST_VIDEO_ORIENTATION_UL_LR };
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 200000; i++) {
    int limit = i % 3 == 0 ? 20 : 4097;
    MxrRect tile = { g_rand_int_range (rand, 0, 100) * 2, g_rand_int_range (rand, 0, 100) * 2,
                     g_rand_int_range (rand, 1, 1000) * 2, g_rand_int_range (rand, 1, 1000) * 2 };
    check_fit (g_rand_int_range (rand, 2, limit), g_rand_int_range (rand, 2, limit), i % 5 == 0 ? 16 : 1,
               i % 5 == 0 ? 15 : 1, ways[i % G_N_ELEMENTS (ways)], tile);
  }
}

static void
test_extreme_pixel_shapes (void)
{
  static const int shapes[][2] = {
    { G_MAXINT, 1 }, { 1, G_MAXINT }, { 0, 0 }, { -1, 5 }, { G_MAXINT, G_MAXINT }
  };
  const MxrRect tile = { 0, 0, 4096, 4096 };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    MxrFit fit;
    mxr_tile_fit (4096, 4096, shapes[i][0], shapes[i][1], GST_VIDEO_ORIENTATION_90R, &tile, &fit);
    g_assert_true (fit.picture.w >= 2 && fit.picture.w <= 4096 && fit.picture.h >= 2 &&
                   fit.picture.h <= 4096);
    g_assert_true (fit.crop.w >= 2 && fit.crop.w <= 4096 && fit.crop.h >= 2 && fit.crop.h <= 4096);
  }
}

/* Every size into every size, each way up: no byte outside of the target is touched, and one colour stays
 * one. */
static void
check_draw_keeps_to_its_rectangle (const MxrScaleOps *ops)
{
  static const int from_sizes[][2] = { { 2, 2 }, { 3, 5 }, { 130, 131 }, { 641, 359 }, { 257, 1023 } };
  static const int to_sizes[][2] = { { 2, 2 }, { 2, 64 }, { 30, 16 }, { 256, 144 } };
  enum { SIDE = 300 };
  MxrScratch scratch = { .scaler = { .has_chosen = true, .ops = ops } };
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, SIDE, SIDE);
  g_autofree guint8 *canvas_bytes = g_malloc (info.size);
  for (guint i = 0; i < G_N_ELEMENTS (from_sizes) * G_N_ELEMENTS (to_sizes) * 8; i++) {
    const int *size = from_sizes[i / 8 % G_N_ELEMENTS (from_sizes)];
    const int *to_size = to_sizes[i / 8 / G_N_ELEMENTS (from_sizes)];
    GstVideoInfo from_info;
    gst_video_info_set_format (&from_info, GST_VIDEO_FORMAT_I420, (guint) size[0], (guint) size[1]);
    g_autofree guint8 *from_bytes = g_malloc (from_info.size);
    MxrPicture from = mxr_picture_from_memory (from_bytes, &from_info);
    MxrPicture canvas = mxr_picture_from_memory (canvas_bytes, &info);
    /* libyuv's box divides by a rounded reciprocal: up to 4 % dark where it shrinks a hundredfold. */
    int tolerance = to_size[0] > 2 ? 1 : 8;
    const MxrRect rect = { 10, 20, to_size[0], to_size[1] };
    MxrPicture to = mxr_picture_region (&canvas, &rect);
    mxr_picture_fill (&from, (MxrColour){ 200, 50, 60 });
    memset (canvas_bytes, 7, info.size);
    mxr_picture_draw (&from, (GstVideoOrientationMethod) (i % 8), &to, &scratch);
    for (int plane = 0; plane < 3; plane++) {
      int half = plane > 0 ? 2 : 1, colour = plane == 0 ? 200 : plane == 1 ? 50 : 60;
      for (int y = 0; y < SIDE / half; y++)
        for (int x = 0; x < SIDE / half; x++) {
          bool inside = x >= rect.x / half && x < (rect.x + rect.w) / half && y >= rect.y / half &&
                        y < (rect.y + rect.h) / half;
          int seen = canvas.data[plane][y * canvas.stride[plane] + x];
          g_assert_cmpint (ABS (seen - (inside ? colour : 7)), <=, inside ? tolerance : 0);
        }
    }
  }
  mxr_scratch_clear (&scratch);
}

static void
test_draw_keeps_to_its_rectangle (void)
{
  check_draw_keeps_to_its_rectangle (mxr_scale_ops_choose ());
  check_draw_keeps_to_its_rectangle (&mxr_scale_ops_c);
  check_draw_keeps_to_its_rectangle (NULL); /* libyuv alone */
}

static MxrPicture
new_noise (int w, int h, guint8 **out_bytes)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, (guint) w, (guint) h);
  *out_bytes = g_malloc (info.size);
  for (gsize i = 0; i < info.size; i++)
    (*out_bytes)[i] = (guint8) g_test_rand_int ();
  return mxr_picture_from_memory (*out_bytes, &info);
}

static void
halve_plane (const guint8 *from, int from_stride, guint8 *to, int to_stride, int w, int h)
{
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      const guint8 *at = from + 2 * y * from_stride + 2 * x;
      to[y * to_stride + x] = (guint8) ((at[0] + at[1] + at[from_stride] + at[from_stride + 1] + 2) / 4);
    }
}

/* Whatever is left of the width beside whole blocks: each sample is the mean of its four. */
static void
test_first_step_is_halving (void)
{
  enum { TO_W = 62, TO_H = 34, H = 144 };

  for (int w = 128; w <= 644; w += 4) {
    g_autofree guint8 *from_bytes = NULL, *half_bytes = NULL, *seen_bytes = NULL, *wanted_bytes = NULL;
    MxrPicture from = new_noise (w, H, &from_bytes), half = new_noise (w / 2, H / 2, &half_bytes);
    MxrPicture seen = new_noise (TO_W, TO_H, &seen_bytes), wanted = new_noise (TO_W, TO_H, &wanted_bytes);
    const int to_w = MIN (TO_W, w / 2 - 2); /* less than a half */
    MxrScratch scratch = { 0 };

    seen.w = wanted.w = to_w;
    for (int plane = 0; plane < 3; plane++)
      halve_plane (from.data[plane], from.stride[plane], half.data[plane], half.stride[plane], w / (plane > 0 ? 4 : 2),
                   H / (plane > 0 ? 4 : 2));
    mxr_picture_draw (&from, GST_VIDEO_ORIENTATION_IDENTITY, &seen, &scratch);
    mxr_picture_draw (&half, GST_VIDEO_ORIENTATION_IDENTITY, &wanted, &scratch);
    for (int y = 0; y < TO_H; y++)
      g_assert_cmpmem (seen.data[0] + y * seen.stride[0], (gsize) to_w, wanted.data[0] + y * wanted.stride[0], (gsize) to_w);
    for (int y = 0; y < TO_H / 2; y++)
      g_assert_cmpmem (seen.data[1] + y * seen.stride[1], (gsize) to_w / 2, wanted.data[1] + y * wanted.stride[1],
                       (gsize) to_w / 2);
    mxr_scratch_clear (&scratch);
  }
}

static void
test_colour_conversion (void)
{
  MxrColour black = mxr_colour_from_rgb (0), white = mxr_colour_from_rgb (0xffffff),
            red = mxr_colour_from_rgb (0xff0000);

  g_assert_true (black.y == 16 && black.u == 128 && black.v == 128);
  g_assert_true (white.y == 235 && white.u == 128 && white.v == 128);
  g_assert_true (red.y == 82 && red.u == 90 && red.v == 240);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tile-scale/fit", test_fit);
  g_test_add_func ("/tile-scale/extreme-pixel-shapes", test_extreme_pixel_shapes);
  g_test_add_func ("/tile-scale/draw-keeps-to-its-rectangle", test_draw_keeps_to_its_rectangle);
  g_test_add_func ("/tile-scale/first-step-is-halving", test_first_step_is_halving);
  g_test_add_func ("/tile-scale/colour-conversion", test_colour_conversion);
  return g_test_run ();
}
