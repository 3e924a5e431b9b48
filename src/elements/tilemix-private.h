#ifndef MXR_TILEMIX_PRIVATE_H
#define MXR_TILEMIX_PRIVATE_H

#include <stdatomic.h>

#include "tick.h"
#include "tilemix-pads.h"

G_BEGIN_DECLS

#define MXR_TYPE_TILEMIX (mxr_tilemix_get_type ())
G_DECLARE_FINAL_TYPE (MxrTileMix, mxr_tilemix, MXR, TILEMIX, GstElement)

struct _MxrTileMix {
  GstElement parent;
  MxrTick *tick;
  guint group_id;
  atomic_bool has_viewers; /* false while a change of what is shown is no reason to wake up */
  MxrDelay delays[MXR_TILEMIX_N_DELAYS];

  /* Guarded by the object lock. */
  guint tick_n, tick_d;
  guint idle_interval_ms;
  bool skip_unchanged;
  guint64 next_sink_id;
  guint next_sink, next_src;
  MxrTileStats stats;

  /* The tick's. */
  MxrComposer composer;
  GPtrArray *sinks; /* MxrTileSink, of this tick */
  GPtrArray *srcs;  /* MxrTileSrc, of this tick */
  guint n_quiet;    /* ticks since something was drawn */
  bool has_rested;  /* before this tick */
};

/** mxr_tilemix_take_pads: The pads as they are now; whoever is released meanwhile lives on until they are put
 * back. Thread: the tick's, or with the tick stopped. */
void mxr_tilemix_take_pads (MxrTileMix *mix);
void mxr_tilemix_put_pads_back (MxrTileMix *mix);

/** mxr_tilemix_on_tick: A #MxrTickFunc: composes and pushes what is due, and rests when nothing moves. */
void mxr_tilemix_on_tick (GstElement *element, guint64 index, GstClockTime running_time_ns, guint64 n_missed);

G_END_DECLS

#endif
