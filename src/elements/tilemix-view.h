#ifndef MXR_TILEMIX_VIEW_H
#define MXR_TILEMIX_VIEW_H

#include "tile-image.h"
#include "tilemix-look.h"
#include "tilemix-tiles.h"

G_BEGIN_DECLS

/* The canvases of one view and what is drawn on them. Knows no pads and no clock. Thread: the tick's, all of
 * it. */

/* ---- What goes in ----------------------------------------------------------------------------------- */

typedef struct {
  guint serial; /* changes with every change of the rest */
  int width, height;
  int rate_n, rate_d;
  MxrTileMixLabels labels;
  guint32 background; /* 0xRRGGBB */
  MxrTileList *layout; /* (nullable) */
  MxrLook *look;       /* (nullable): images, clock and margins of it */
} MxrViewConfig;

/** mxr_view_config_copy: Returns: with references of its own, which mxr_view_config_clear() gives back */
MxrViewConfig mxr_view_config_copy (const MxrViewConfig *config);
void mxr_view_config_clear (MxrViewConfig *config);

typedef struct {
  guint64 n_ticks, n_missed;
  guint64 n_composed, n_repeated, n_skipped, n_busy;
  guint64 n_overlaid; /* of the composed ones: in which no tile was drawn, but logo or clock */
  guint64 n_scaled, n_copied, n_avatars, n_labels;
} MxrTileStats;

/* What the views of one mixer share during a tick. */
typedef struct {
  GstClockTime now_ns;
  gint64 wall_us; /* the same moment in Unix time */
  GArray *sources;  /* MxrSource */
  GPtrArray *views; /* MxrView, all of them */
  MxrImageCache *images;
  guint image_budget; /* drawings of text that may still be made in this tick */
  MxrScratch scratch;
  MxrTileStats stats;
} MxrComposer;

/* ---- A view ----------------------------------------------------------------------------------------- */

typedef struct _MxrView MxrView;

MxrView *mxr_view_new (void);
void mxr_view_free (MxrView *view);

/** mxr_view_reset: Forgets all that was drawn: the next picture is drawn from nothing. */
void mxr_view_reset (MxrView *view);

/** mxr_view_configure: @config: it is copied when the serial differs. Returns: whether the caps
 * changed. */
bool mxr_view_configure (MxrView *view, const MxrViewConfig *config);

/** mxr_view_begin_frame: Whether tick @index of a grid of @tick_n / @tick_d per second begins a frame of this
 * view: where its own frame rate says so, and when it was asked. */
bool mxr_view_begin_frame (MxrView *view, guint64 index, guint tick_n, guint tick_d);

/**
 * mxr_view_compose:
 * @idle_ns: show an unchanged picture again when the last one is this old; 0 shows it each time
 *
 * Returns: (transfer full) (nullable): the picture with time stamp and duration; its memory is shared with
 * the canvas until it is freed. %NULL when nothing changed, or when all canvases are still held downstream.
 */
GstBuffer *mxr_view_compose (MxrView *view, MxrComposer *composer, GstClockTime idle_ns);

/** mxr_view_ask: The next tick has a picture, though it be an unchanged one. */
void mxr_view_ask (MxrView *view);
/** mxr_view_due_ns: Returns: when the view wants to be composed again should nothing change; 0: at the next tick. */
GstClockTime mxr_view_due_ns (const MxrView *view, GstClockTime idle_ns);

G_END_DECLS

#endif
