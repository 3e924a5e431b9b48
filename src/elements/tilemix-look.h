#ifndef MXR_TILEMIX_LOOK_H
#define MXR_TILEMIX_LOOK_H

#include "label.h"
#include "overlay.h"

G_BEGIN_DECLS

/* What a view has beside its tiles: a picture behind them, a logo and a clock in front of them. Knows no pads, no canvases
 * and no time but what it is given. */

/* What was asked for: immutable, shared between threads, a g_atomic_rc_box. */
typedef struct {
  MxrTileMixLook wanted; /* owns its samples */
} MxrLook;

/** mxr_look_new: Images of another format than they should have are left out. */
MxrLook *mxr_look_new (const MxrTileMixLook *wanted);
void mxr_look_unref (MxrLook *look);

typedef enum { MXR_OVERLAY_LOGO, MXR_OVERLAY_CLOCK, MXR_N_OVERLAYS } MxrOverlayKind;

/* A look made ready for canvases of one size. Zero it to begin with. Thread: the tick's. */
typedef struct {
  MxrLook *look;       /* (nullable) */
  int width, height;   /* of the canvas */
  MxrPicture backdrop; /* as large as the canvas; no data: the plain colour */
  MxrOverlay overlays[MXR_N_OVERLAYS];
  gint64 clock_s;      /* what the clock shows, Unix time */
  guint64 serial;      /* of the newest overlay */
} MxrDress;

void mxr_dress_clear (MxrDress *dress);

/** mxr_dress_fit: @look: (nullable). Scales its images where they, or the canvas's size, are others than before. */
void mxr_dress_fit (MxrDress *dress, MxrLook *look, int width, int height, MxrScratch *scratch);

/** mxr_dress_set_time: @wall_us: Unix time. Draws the clock when it is to show another second than before. */
void mxr_dress_set_time (MxrDress *dress, gint64 wall_us, MxrImageCache *images);

static inline bool
mxr_dress_has_clock (const MxrDress *dress)
{
  return dress->look != NULL && dress->look->wanted.clock;
}

/** mxr_dress_get_insets: What a label in @tile leaves free to be within the safe margins. */
MxrInsets mxr_dress_get_insets (const MxrDress *dress, const MxrRect *tile);

G_END_DECLS

#endif
