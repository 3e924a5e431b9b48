#ifndef MXR_TILEMIX_PADS_H
#define MXR_TILEMIX_PADS_H

#include "mixroom/elements.h"
#include "mixroom/limits.h"
#include "tilemix-view.h"

G_BEGIN_DECLS

/* The pads of the tile mixer. What streaming and application threads set stands under the pad's object lock;
 * the tick takes a snapshot of it. */

/**
 * mxr_tilemix_wake:
 * @pad: one of the element's
 *
 * What a view shows may have changed: an element that sleeps because nothing did looks again. Thread: any; no
 * lock held.
 */
void mxr_tilemix_wake (GstPad *pad);

/* ---- Inputs ----------------------------------------------------------------------------------------- */

#define MXR_TYPE_TILE_SINK (mxr_tile_sink_get_type ())
G_DECLARE_FINAL_TYPE (MxrTileSink, mxr_tile_sink, MXR, TILE_SINK, GstPad)

struct _MxrTileSink {
  GstPad parent;
  guint index; /* of sink_%u */
  guint64 id;  /* unlike the index never used again in the life of the element */

  /* Guarded by the object lock. */
  bool has_info;
  GstVideoInfo info;                     /* of the frames to come */
  GstVideoOrientationMethod orientation; /* likewise */
  MxrFrame frame;                        /* the newest */
  char *title;                           /* a GRefString, never NULL */
  guint title_serial;
  bool video;
  guint stale_after_ms;

  /* The tick's. */
  guint64 shown_serial; /* of the newest frame that a view has shown */
};

/** mxr_tile_sink_put_frame: @now_ns: running time. Thread: streaming; never blocks. */
GstFlowReturn mxr_tile_sink_put_frame (MxrTileSink *sink, GstBuffer *buffer, GstClockTime now_ns);

void mxr_tile_sink_drop_frame (MxrTileSink *sink);

/**
 * mxr_tile_sink_look:
 * @out_source: (out): holds references that mxr_source_clear() gives back
 *
 * What this input shows at @now_ns. Thread: the tick's.
 */
void mxr_tile_sink_look (MxrTileSink *sink, GstClockTime now_ns, MxrSource *out_source);

/* ---- Views ------------------------------------------------------------------------------------------ */

#define MXR_TYPE_TILE_SRC (mxr_tile_src_get_type ())
G_DECLARE_FINAL_TYPE (MxrTileSrc, mxr_tile_src, MXR, TILE_SRC, GstPad)

struct _MxrTileSrc {
  GstPad parent;
  guint index; /* of src_%u */

  /* Guarded by the object lock. */
  MxrViewConfig config; /* owns references to layout and look */
  bool is_asked;        /* for a picture, changed or not */

  /* The tick's. */
  MxrView *view;
  guint group_id; /* of stream-start */
  bool has_caps;  /* the caps of the view's present configuration were sent */
  bool has_started, has_segment, was_linked;
  GstFlowReturn flow;
};

void mxr_tile_src_set_tiles (MxrTileSrc *src, const MxrTile *tiles, guint n_tiles);

void mxr_tile_src_set_look (MxrTileSrc *src, const MxrTileMixLook *look);

/** mxr_tile_src_get_config: Returns: a copy for mxr_view_config_clear() */
MxrViewConfig mxr_tile_src_get_config (MxrTileSrc *src);

/** mxr_tile_src_get_caps: Returns: (transfer full): what this view's configuration makes */
GstCaps *mxr_tile_src_get_caps (MxrTileSrc *src);

/** mxr_tile_src_answer_caps: To a caps query. */
bool mxr_tile_src_answer_caps (MxrTileSrc *src, GstQuery *query);

/** mxr_tile_src_reset: Forgets what was sent and drawn. Thread: state changes, with the tick stopped. */
void mxr_tile_src_reset (MxrTileSrc *src, guint group_id);

/**
 * mxr_tile_src_prepare:
 *
 * Takes up a changed configuration. Returns: false when nobody would take a frame (unlinked, or ended).
 * Thread: the tick's.
 */
bool mxr_tile_src_prepare (MxrTileSrc *src);

/** mxr_tile_src_push: @picture: (transfer full). Sends the events that are due before it. Thread: the tick's.
 */
void mxr_tile_src_push (MxrTileSrc *src, GstBuffer *picture);

G_END_DECLS

#endif
