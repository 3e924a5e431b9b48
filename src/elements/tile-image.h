#ifndef MXR_TILE_IMAGE_H
#define MXR_TILE_IMAGE_H

#include <cairo.h>
#include <pango/pango.h>

#include "tile-scale.h"

G_BEGIN_DECLS

/* A drawn thing (avatar, label) as I420, ready to be copied or blended. */
typedef struct {
  MxrPicture picture; /* owns its memory; even width and height */
  guint8 *alpha;      /* (nullable): 255 is opaque; rows of picture.w bytes */
  guint8 *alpha_half; /* with @alpha: the mean of each four, for chroma; rows of picture.w / 2 bytes */
} MxrImage;

/** mxr_image_new: @surface: ARGB32 of even size; @with_alpha: false means that it is opaque all over. */
MxrImage *mxr_image_new (cairo_surface_t *surface, bool with_alpha);
void mxr_image_free (MxrImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrImage, mxr_image_free)

/**
 * mxr_image_blend:
 * @image: with alpha
 * @to: of the same size, begun at even places
 *
 * Lays @image over @to: what is opaque becomes the image's, what is transparent stays, both to the bit.
 */
void mxr_image_blend (const MxrImage *image, const MxrPicture *to);

/** mxr_text_layout: One line of sans serif, @height_px high from ascender to descender. Returns: (transfer
 * full) */
PangoLayout *mxr_text_layout (PangoFontMap *fonts, const char *text, int height_px, bool bold);

/**
 * MxrImageCache:
 *
 * The avatars and labels drawn last, with the fonts to draw them. Thread: the caller serialises.
 */
typedef struct _MxrImageCache MxrImageCache;

/** A painter: @title is never empty for labels; @w and @h are the tile's [px]. */
typedef MxrImage *(*MxrImageFunc) (PangoFontMap *fonts, const char *title, int w, int h);

MxrImageCache *mxr_image_cache_new (void);
void mxr_image_cache_free (MxrImageCache *cache);
PangoFontMap *mxr_image_cache_get_fonts (MxrImageCache *cache);

/**
 * mxr_image_cache_get:
 * @budget: (inout): drawings that may still be made; one is taken when the image was not there
 *
 * Returns: (transfer none) (nullable): good until the next call; %NULL when it was not there and @budget is
 * spent.
 */
const MxrImage *mxr_image_cache_get (MxrImageCache *cache, MxrImageFunc draw, const char *title, int w, int h,
                                     guint *budget);

G_END_DECLS

#endif
