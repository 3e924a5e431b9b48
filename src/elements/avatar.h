#ifndef MXR_AVATAR_H
#define MXR_AVATAR_H

#include "tile-image.h"

G_BEGIN_DECLS

/**
 * mxr_avatar_initials:
 * @title: UTF-8, any script
 *
 * The first letter of the first and of the last word, upper case where the script has one. A letter is a
 * grapheme: with its accents, vowel signs or emoji joiners. Signs before it, "(" or a quotation mark, are
 * passed over.
 *
 * Returns: (transfer full): "" when there is nothing to show.
 */
char *mxr_avatar_initials (const char *title);

/** mxr_avatar_colour: The same for the same name, at least 4.5:1 against white (WCAG 2.1 AA). Returns:
 * 0xRRGGBB */
guint32 mxr_avatar_colour (const char *title);

/** mxr_avatar_draw: Fills a tile: the initials on a disc, or a silhouette where @title is empty. A
 * #MxrImageFunc. */
MxrImage *mxr_avatar_draw (PangoFontMap *fonts, const char *title, int w, int h);

G_END_DECLS

#endif
