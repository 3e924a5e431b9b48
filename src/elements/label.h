#ifndef MXR_LABEL_H
#define MXR_LABEL_H

#include "mixroom/elements.h"
#include "tile-image.h"

G_BEGIN_DECLS

/* What a label leaves free inside its tile, though its own margin be smaller [px, even]. */
typedef struct {
  int left, right, bottom;
} MxrInsets;

static inline bool
mxr_insets_equal (const MxrInsets *a, const MxrInsets *b)
{
  return a->left == b->left && a->right == b->right && a->bottom == b->bottom;
}

/**
 * mxr_label_draw:
 * @title: not empty
 * @w: of the room that mxr_label_get_room() gives [px]
 * @h: of the tile [px]
 *
 * White letters on a translucent dark box with round corners, the title shortened with an ellipsis where there is little
 * room. The image is as large as the box and has an alpha plane. A #MxrImageFunc.
 */
MxrImage *mxr_label_draw (PangoFontMap *fonts, const char *title, int w, int h);

/** mxr_lower_third_draw: The same for television: a band with bold letters, not held small, and a bar of the colour of the name's avatar. */
MxrImage *mxr_lower_third_draw (PangoFontMap *fonts, const char *title, int w, int h);

/** mxr_clock_draw: @text: such as "20:15:00"; every text of as many digits has the same size. @w: not used; @h: of the canvas. */
MxrImage *mxr_clock_draw (PangoFontMap *fonts, const char *text, int w, int h);

/** mxr_label_get_room: Returns: the part of @tile in whose bottom left corner the label goes; it may be empty. */
MxrRect mxr_label_get_room (const MxrRect *tile, MxrTileMixLabels labels, const MxrInsets *insets);

/** mxr_label_place: Where the box goes in @room. False when there is no room for it. */
bool mxr_label_place (const MxrRect *room, const MxrImage *label, MxrRect *out_place);

/** mxr_label_fits: Whether a tile is large enough for a label that can be read. */
bool mxr_label_fits (const MxrRect *tile);

G_END_DECLS

#endif
