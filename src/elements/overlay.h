#ifndef MXR_OVERLAY_H
#define MXR_OVERLAY_H

#include "tile-image.h"

G_BEGIN_DECLS

/* What is blended over the tiles of a canvas. Thread: the tick's. */
typedef struct {
  MxrImage *image; /* NULL: nothing */
  MxrRect rect;    /* on the canvas, even */
  guint64 serial;  /* changes with the image; 0: nothing */
} MxrOverlay;

/* What a canvas has below an overlay. Blending cannot be taken back, so the samples of the tiles are kept. */
typedef struct {
  guint64 serial; /* of the overlay that is drawn; 0: none */
  MxrRect rect;
  guint8 *bytes;
  gsize n_bytes;
} MxrUnder;

void mxr_under_clear (MxrUnder *under);

/** mxr_overlay_lay: @canvas has nothing of it drawn. */
void mxr_overlay_lay (const MxrOverlay *overlay, MxrUnder *under, const MxrPicture *canvas);

/** mxr_overlay_lift: @canvas is as if nothing had been drawn, to the bit. */
void mxr_overlay_lift (MxrUnder *under, const MxrPicture *canvas);

/** mxr_under_patch: @to: a copy of @rect of the canvas, which gets the tiles' samples in place of the overlay's. */
void mxr_under_patch (const MxrUnder *under, const MxrRect *rect, const MxrPicture *to);

G_END_DECLS

#endif
