#include "tile-scale.h"

#include <libyuv.h>

/* A picture is cut to fill its tile when less than this part of it is lost. 4:3 in 16:9 loses exactly a
 * quarter and stays whole. */
#define COVER_MAX_LOSS_N 1
#define COVER_MAX_LOSS_D 4

/* Halving cuts up to three pixels off; small pictures would notice. */
#define HALVE_MIN_PX 128
#define HALVE_BLOCK_PX 128 /* 32 samples of chroma when halved, as many as libyuv does at once */

#define PLANES(picture)                                                                                      \
  (picture)->data[0], (picture)->stride[0], (picture)->data[1], (picture)->stride[1], (picture)->data[2],    \
      (picture)->stride[2]

/* ---- Where a picture sits --------------------------------------------------------------------------- */

static bool
is_sideways (GstVideoOrientationMethod orientation)
{
  return orientation == GST_VIDEO_ORIENTATION_90R || orientation == GST_VIDEO_ORIENTATION_90L ||
         orientation == GST_VIDEO_ORIENTATION_UL_LR || orientation == GST_VIDEO_ORIENTATION_UR_LL;
}

/* @length * @n / @d, rounded, and kept between 2 and @length. */
static int
shorten (int length, guint64 n, guint64 d)
{
  guint64 shorter = gst_util_uint64_scale_round (length, n, d);
  return (int) CLAMP (shorter, 2, (guint64) length);
}

/* The middle @part of @whole, begun at an even place. */
static int
centre (int whole, int part)
{
  return ((whole - part) / 2) & ~1;
}

void
mxr_tile_fit (int width, int height, int par_n, int par_d, GstVideoOrientationMethod orientation,
              const MxrRect *tile, MxrFit *out_fit)
{
  bool sideways = is_sideways (orientation);
  guint64 n = MAX (par_n, 1), d = MAX (par_d, 1);
  /* The tile in the source's own frame of reference: a sideways camera is fitted into a sideways tile. */
  int tile_w = sideways ? tile->h : tile->w;
  int tile_h = sideways ? tile->w : tile->h;
  /* Shapes are compared as cross products; 31 + 12 + 12 bits at most. */
  guint64 source_shape = (guint64) width * n * tile_h;
  guint64 tile_shape = (guint64) tile_w * height * d;
  bool too_wide = source_shape > tile_shape;
  guint64 less = MIN (source_shape, tile_shape), more = MAX (source_shape, tile_shape);
  bool cover = (more - less) * COVER_MAX_LOSS_D < more * COVER_MAX_LOSS_N;

  MxrRect crop = { 0, 0, width, height };
  int w = tile_w, h = tile_h;
  if (cover && too_wide)
    crop.w = shorten (width, less, more);
  else if (cover)
    crop.h = shorten (height, less, more);
  else if (too_wide)
    h = (shorten (tile_h, less, more) + 1) & ~1;
  else
    w = (shorten (tile_w, less, more) + 1) & ~1;
  crop.x = centre (width, crop.w);
  crop.y = centre (height, crop.h);

  MxrRect picture = { 0, 0, sideways ? h : w, sideways ? w : h };
  picture.x = tile->x + centre (tile->w, picture.w);
  picture.y = tile->y + centre (tile->h, picture.h);
  out_fit->crop = crop;
  out_fit->picture = picture;
}

/* ---- Pictures --------------------------------------------------------------------------------------- */

MxrPicture
mxr_picture_region (const MxrPicture *picture, const MxrRect *rect)
{
  MxrPicture region = *picture;

  region.data[0] += (gsize) rect->y * picture->stride[0] + rect->x;
  for (int i = 1; i < 3; i++)
    region.data[i] += (gsize) (rect->y / 2) * picture->stride[i] + rect->x / 2;
  region.w = rect->w;
  region.h = rect->h;
  return region;
}

MxrPicture
mxr_picture_from_memory (guint8 *bytes, const GstVideoInfo *info)
{
  MxrPicture picture = { .w = GST_VIDEO_INFO_WIDTH (info), .h = GST_VIDEO_INFO_HEIGHT (info) };

  for (int i = 0; i < 3; i++) {
    picture.data[i] = bytes + GST_VIDEO_INFO_PLANE_OFFSET (info, i);
    picture.stride[i] = GST_VIDEO_INFO_PLANE_STRIDE (info, i);
  }
  return picture;
}

MxrPicture
mxr_picture_from_frame (const GstVideoFrame *frame)
{
  MxrPicture picture = { .w = GST_VIDEO_FRAME_WIDTH (frame), .h = GST_VIDEO_FRAME_HEIGHT (frame) };

  for (int i = 0; i < 3; i++) {
    picture.data[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    picture.stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
  return picture;
}

MxrColour
mxr_colour_from_rgb (guint32 rgb)
{
  int r = rgb >> 16 & 0xff, g = rgb >> 8 & 0xff, b = rgb & 0xff;

  return (MxrColour){
    .y = (guint8) ((66 * r + 129 * g + 25 * b + 128) / 256 + 16),
    .u = (guint8) ((-38 * r - 74 * g + 112 * b + 128 + 256 * 128) / 256),
    .v = (guint8) ((112 * r - 94 * g - 18 * b + 128 + 256 * 128) / 256),
  };
}

void
mxr_picture_fill (const MxrPicture *picture, MxrColour colour)
{
  if (picture->w > 0 && picture->h > 0)
    I420Rect (PLANES (picture), 0, 0, picture->w, picture->h, colour.y, colour.u, colour.v);
}

void
mxr_picture_copy (const MxrPicture *from, const MxrPicture *to)
{
  I420Copy (PLANES (from), PLANES (to), to->w, to->h);
}

/* ---- Scaling and turning ---------------------------------------------------------------------------- */

void
mxr_scratch_clear (MxrScratch *scratch)
{
  for (int i = 0; i < MXR_SCRATCH_SLOTS; i++)
    g_clear_pointer (&scratch->bytes[i], g_free);
  mxr_scaler_clear (&scratch->scaler);
  *scratch = (MxrScratch){ 0 };
}

static MxrPicture
scratch_picture (MxrScratch *scratch, int slot, int w, int h)
{
  gsize luma = (gsize) w * h, chroma_w = (w + 1) / 2, chroma = chroma_w * ((h + 1) / 2);

  if (scratch->size[slot] < luma + 2 * chroma) {
    scratch->size[slot] = luma + 2 * chroma;
    g_free (scratch->bytes[slot]);
    scratch->bytes[slot] = g_malloc (scratch->size[slot]);
  }
  guint8 *bytes = scratch->bytes[slot];
  return (MxrPicture){
    { bytes, bytes + luma, bytes + luma + chroma }, { w, (int) chroma_w, (int) chroma_w }, w, h
  };
}

/* Halving is what libyuv does fastest, by far, where all three planes have an even size to halve. */
static bool
can_halve (const MxrPicture *from, const MxrPicture *to)
{
  return from->w > 2 * to->w && from->h > 2 * to->h && from->w >= HALVE_MIN_PX && from->h >= HALVE_MIN_PX;
}

/* libyuv is best where it copies, halves and doubles. Elsewhere it goes pixel by pixel. */
static bool
is_simple (const MxrPicture *from, const MxrPicture *to)
{
  return (from->w == to->w && from->h == to->h) || (from->w == 2 * to->w && from->h == 2 * to->h) ||
         (2 * from->w == to->w && 2 * from->h == to->h);
}

static void
scale_rows (const MxrPicture *from, const MxrPicture *to, MxrScaler *scaler)
{
  for (int i = 0; i < 3; i++) {
    int half = i > 0; /* chroma, and an odd one rounded up */
    mxr_scaler_scale_plane (scaler, from->data[i], from->stride[i], (from->w + half) >> half,
                            (from->h + half) >> half, to->data[i], to->stride[i], (to->w + half) >> half,
                            (to->h + half) >> half);
  }
}

/* libyuv halves rows of all but whole blocks to the end in plain C, ten times as slow: so what is left of them is done with
 * the last whole block, some of it twice. @from is as wide as a block at least. */
static void
halve (const MxrPicture *from, const MxrPicture *half)
{
  const int rest = from->w % HALVE_BLOCK_PX, whole = from->w - rest;
  const MxrRect columns[] = { { 0, 0, whole, from->h }, { from->w - HALVE_BLOCK_PX, 0, HALVE_BLOCK_PX, from->h } };

  for (int i = 0; i < (rest > 0 ? 2 : 1); i++) {
    const MxrRect half_columns = { columns[i].x / 2, 0, columns[i].w / 2, from->h / 2 };
    MxrPicture part = mxr_picture_region (from, &columns[i]), to = mxr_picture_region (half, &half_columns);
    I420Scale (PLANES (&part), part.w, part.h, PLANES (&to), to.w, to.h, kFilterBox);
  }
}

/* A picture made much smaller needs each pixel averaged in, or it shimmers. One filter from end to end does
 * that, but halving until less than a half is left to do gives the same at a fraction of the cost: README.md
 * has the figures. What is squeezed in one direction and much less in the other is left to libyuv's box. */
static void
scale (const MxrPicture *from, const MxrPicture *to, MxrScratch *scratch)
{
  MxrPicture rest = *from;

  for (int slot = 2; can_halve (&rest, to); slot = 5 - slot) {
    rest.w &= ~3;
    rest.h &= ~3;
    MxrPicture half = scratch_picture (scratch, slot, rest.w / 2, rest.h / 2);
    halve (&rest, &half);
    rest = half;
  }
  if (!is_simple (&rest, to) && mxr_scaler_can (&scratch->scaler, rest.w, rest.h, to->w, to->h))
    scale_rows (&rest, to, &scratch->scaler);
  else
    I420Scale (PLANES (&rest), rest.w, rest.h, PLANES (to), to->w, to->h, kFilterBox);
}

/* Each of the eight ways to turn a picture is a mirroring left to right or none, then a rotation clockwise.
 */
static void
split_orientation (GstVideoOrientationMethod orientation, bool *out_mirrored, enum RotationMode *out_rotation)
{
  *out_mirrored = orientation == GST_VIDEO_ORIENTATION_HORIZ || orientation == GST_VIDEO_ORIENTATION_VERT ||
                  orientation == GST_VIDEO_ORIENTATION_UR_LL || orientation == GST_VIDEO_ORIENTATION_UL_LR;
  switch (orientation) {
  case GST_VIDEO_ORIENTATION_90R:
  case GST_VIDEO_ORIENTATION_UR_LL:
    *out_rotation = kRotate90;
    break;
  case GST_VIDEO_ORIENTATION_180:
  case GST_VIDEO_ORIENTATION_VERT:
    *out_rotation = kRotate180;
    break;
  case GST_VIDEO_ORIENTATION_90L:
  case GST_VIDEO_ORIENTATION_UL_LR:
    *out_rotation = kRotate270;
    break;
  default:
    *out_rotation = kRotate0;
    break;
  }
}

void
mxr_picture_draw (const MxrPicture *from, GstVideoOrientationMethod orientation, const MxrPicture *to,
                  MxrScratch *scratch)
{
  bool mirrored;
  enum RotationMode rotation;

  split_orientation (orientation, &mirrored, &rotation);
  if (!mirrored && rotation == kRotate0) {
    scale (from, to, scratch);
    return;
  }
  /* Scaled first: tiles are mostly smaller than cameras, so there is less to turn. */
  bool sideways = is_sideways (orientation);
  MxrPicture turned = scratch_picture (scratch, 0, sideways ? to->h : to->w, sideways ? to->w : to->h);
  scale (from, &turned, scratch);
  if (mirrored) {
    MxrPicture other = scratch_picture (scratch, 1, turned.w, turned.h);
    I420Mirror (PLANES (&turned), PLANES (&other), turned.w, turned.h);
    turned = other;
  }
  I420Rotate (PLANES (&turned), PLANES (to), turned.w, turned.h, rotation);
}
