#ifndef MXR_TILEMIX_PAINT_H
#define MXR_TILEMIX_PAINT_H

#include "label.h"
#include "tilemix-tiles.h"

G_BEGIN_DECLS

/* What is drawn into one tile of a canvas. Knows no views. Thread: the tick's. */

/* What shows where no tile's picture is. */
typedef struct {
  MxrColour colour;
  MxrPicture picture; /* as large as the canvas; no data: there is the colour */
} MxrGround;

/** mxr_ground_fill: @rect: even, of @canvas; may be empty */
void mxr_ground_fill (const MxrGround *ground, const MxrPicture *canvas, const MxrRect *rect);

/** mxr_paint_frame: The ground shows beside a picture of another shape. Returns: false when the frame is no good, and the
 * ground is all that is drawn. */
bool mxr_paint_frame (const MxrFrame *frame, const MxrGround *ground, const MxrRect *tile, const MxrPicture *canvas,
                      MxrScratch *scratch);

/** mxr_paint_avatar: Returns: false when only its colour was drawn, since @budget is spent. */
bool mxr_paint_avatar (MxrImageCache *images, const char *title, const MxrPicture *to, guint *budget);

/** mxr_paint_label: Returns: false when nothing was drawn, since @budget is spent. */
bool mxr_paint_label (MxrImageCache *images, const char *title, MxrTileMixLabels labels, const MxrInsets *insets,
                      const MxrRect *tile, const MxrPicture *canvas, guint *budget);

G_END_DECLS

#endif
