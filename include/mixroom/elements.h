#ifndef MIXROOM_ELEMENTS_H
#define MIXROOM_ELEMENTS_H

#include <stdbool.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* The mixers. Built once as a static library: the server registers them with mxr_elements_register(), and
 * libgstmixroom.so holds the same code for gst-launch-1.0 and gst-inspect-1.0. */

/**
 * mxr_elements_register:
 * @plugin: (nullable): %NULL for static registration
 *
 * Registers the factories `mxraudiomix` and `mxrtilemix`. Call after gst_init().
 */
bool mxr_elements_register (GstPlugin *plugin);

GST_ELEMENT_REGISTER_DECLARE (mxraudiomix);
GST_ELEMENT_REGISTER_DECLARE (mxrtilemix);

/* ---- mxrtilemix ---------------------------------------------------------------------------------------- */

/**
 * MxrTile:
 * @sink: index of the sink pad shown here: 3 is `sink_3`; it need not exist (yet)
 * @x: left edge on the canvas [px]; @y, @w and @h likewise. All four edges are rounded down to even, because a
 *   chroma sample covers two pixels, and what hangs over the canvas is cut off before the picture is fitted
 * @z: higher is in front; equal ones are drawn in the order of the array
 */
typedef struct {
  guint sink;
  int x, y, w, h;
  int z;
} MxrTile;

/**
 * mxr_tilemix_set_tiles:
 * @mix: an `mxrtilemix`
 * @view: one of its source pads
 * @tiles: (array length=n_tiles) (nullable): copied
 * @n_tiles: at most %MXR_TILES_MAX; what goes beyond is ignored
 *
 * Replaces the whole layout of one view: the next frame shows all of it or, when it is set later, nothing of it. The
 * same as setting the pad's property `tiles`, without its GValues.
 *
 * Pad properties of a view (`src_%u`): `width`, `height`, `framerate`, `labels`, `background`, `tiles`;
 * of an input (`sink_%u`): `title`, `video`, `stale-after`. All may be set in any state; gst-inspect-1.0 documents them.
 *
 * Thread: any.
 */
void mxr_tilemix_set_tiles (GstElement *mix, GstPad *view, const MxrTile *tiles, guint n_tiles);

G_END_DECLS

#endif
