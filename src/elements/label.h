#ifndef MXR_LABEL_H
#define MXR_LABEL_H

#include "tile-image.h"

G_BEGIN_DECLS

/**
 * mxr_label_draw:
 * @title: not empty
 * @w: of the tile [px]; @h likewise
 *
 * White letters on a translucent dark box with round corners, the title shortened with an ellipsis where the
 * tile is narrow. The image is as large as the box and has an alpha plane. A #MxrImageFunc.
 */
MxrImage *mxr_label_draw (PangoFontMap *fonts, const char *title, int w, int h);

/** mxr_label_place: Where the box goes: at the bottom left of @tile. False when the tile has no room for it.
 */
bool mxr_label_place (const MxrRect *tile, const MxrImage *label, MxrRect *out_place);

/** mxr_label_fits: Whether a tile is large enough for a label that can be read. */
bool mxr_label_fits (const MxrRect *tile);

G_END_DECLS

#endif
