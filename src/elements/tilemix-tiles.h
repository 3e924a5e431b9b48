#ifndef MXR_TILEMIX_TILES_H
#define MXR_TILEMIX_TILES_H

#include "mixroom/elements.h"
#include "mixroom/limits.h"
#include "tile-scale.h"

G_BEGIN_DECLS

/* What goes into a view: frames from the inputs, and the layout. */

/* ---- What goes in ----------------------------------------------------------------------------------- */

/* A decoded picture as it came. */
typedef struct {
  GstBuffer *buffer; /* (nullable) */
  GstVideoInfo info;
  GstVideoOrientationMethod orientation;
  guint64 serial;          /* counts the frames of one input */
  GstClockTime arrived_ns; /* running time */
} MxrFrame;

/* One input during one tick. */
typedef struct {
  guint index;           /* of the sink pad */
  guint64 id;            /* never used again, unlike the index */
  bool has_picture;      /* else the avatar is shown */
  bool shown;            /* set when a view draws the frame */
  GstClockTime stale_ns; /* when the frame will be too old to show; NONE: never */
  MxrFrame frame;
  char *title; /* a GRefString */
  guint title_serial;
} MxrSource;

void mxr_source_clear (MxrSource *source);

/* A layout: immutable, shared between threads, a g_atomic_rc_box. */
typedef struct {
  guint n_tiles;
  MxrTile tiles[]; /* in drawing order: by z, back to front */
} MxrTileList;

MxrTileList *mxr_tile_list_new (const MxrTile *tiles, guint n_tiles);
void mxr_tile_list_unref (MxrTileList *list);

/** mxr_tile_cut_to_canvas: Even edges within the canvas. Returns: false when nothing is left. */
bool mxr_tile_cut_to_canvas (const MxrTile *tile, int width, int height, MxrRect *out_rect);

G_END_DECLS

#endif
