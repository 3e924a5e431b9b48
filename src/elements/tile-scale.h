#ifndef MXR_TILE_SCALE_H
#define MXR_TILE_SCALE_H

#include <stdbool.h>
#include <gst/video/video.h>

#include "tile-rows.h"

G_BEGIN_DECLS

/* The kernels of the tile mixer: where a picture sits in its tile, and how it gets there. Pure: no pads, no
 * clock, no state but the scratch memory the caller brings. */

typedef struct {
  int x, y, w, h; /* [px] */
} MxrRect;

/* An I420 picture, or a region of one. The planes are borrowed; w and h are of luma, and may be odd. */
typedef struct {
  guint8 *data[3]; /* Y, U, V */
  int stride[3];   /* [bytes] */
  int w, h;        /* [px] */
} MxrPicture;

typedef struct {
  guint8 y, u, v;
} MxrColour;

/* What of a source goes where. */
typedef struct {
  MxrRect crop;    /* of the source as it is stored, before it is turned; x and y are even */
  MxrRect picture; /* on the canvas, inside the tile; all four are even */
} MxrFit;

/* Memory for pictures between two steps, and the scaler's tables; grows to the largest one and stays. Zero it
 * to begin with. */
#define MXR_SCRATCH_SLOTS 4
typedef struct {
  MxrScaler scaler;
  guint8 *bytes[MXR_SCRATCH_SLOTS];
  gsize size[MXR_SCRATCH_SLOTS]; /* [bytes] */
} MxrScratch;

void mxr_scratch_clear (MxrScratch *scratch);

static inline bool
mxr_rect_intersects (const MxrRect *a, const MxrRect *b)
{
  return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

/**
 * mxr_tile_fit:
 * @width: of the source as stored, at least 2 [px]; @height likewise
 * @par_n: @par_n / @par_d is the pixels' width over their height
 * @orientation: how the stored picture is to be turned before it is looked at
 * @tile: even x, y, w, h
 * @out_fit: (out): what to take and where to put it
 *
 * Cuts the source to the tile's shape where that loses less than a quarter of it ("cover"), else shows it
 * whole, centred, with bars ("contain"): a 16:10 camera fills a 16:9 tile, and nobody's portrait camera loses
 * a face. The shape is kept to a pixel of rounding in each direction.
 */
void mxr_tile_fit (int width, int height, int par_n, int par_d, GstVideoOrientationMethod orientation,
                   const MxrRect *tile, MxrFit *out_fit);

/** mxr_picture_region: @rect lies within @picture; its x and y are even. */
MxrPicture mxr_picture_region (const MxrPicture *picture, const MxrRect *rect);

/** mxr_picture_from_memory: An I420 picture of GStreamer's standard layout. */
MxrPicture mxr_picture_from_memory (guint8 *bytes, const GstVideoInfo *info);
MxrPicture mxr_picture_from_frame (const GstVideoFrame *frame);

/** mxr_colour_from_rgb: BT.601, limited range. @rgb: 0xRRGGBB */
MxrColour mxr_colour_from_rgb (guint32 rgb);

void mxr_picture_fill (const MxrPicture *picture, MxrColour colour);

/** mxr_picture_copy: Both are of one size. */
void mxr_picture_copy (const MxrPicture *from, const MxrPicture *to);

/** mxr_picture_draw: Scales and turns all of @from into all of @to; copies when there is nothing to scale or
 * turn. */
void mxr_picture_draw (const MxrPicture *from, GstVideoOrientationMethod orientation, const MxrPicture *to,
                       MxrScratch *scratch);

G_END_DECLS

#endif
