#ifndef MXR_LOAD_PARTS_H
#define MXR_LOAD_PARTS_H

#include "options.h"

/* Who plays which part: what the options make of each seat. Pure. */

/* Rooms in which some are listened to, and of these the ones in which one client's picture is looked at. */
#define MXR_PARTS_SAMPLED_ROOMS 2
#define MXR_PARTS_LOOKED_ROOMS 1

typedef struct {
  guint room, index; /* index: in the room; participants come before viewers */
  bool is_viewer, talks, has_camera;
  bool expects[2];     /* by MxrRtpKind: others send it, so it should come */
  bool listens, looks; /* its sound, its picture is decoded and compared with what others send */
  guint n_others;      /* whose tones it should hear at any time, while it listens for tones */
  bool may_leave;      /* and come again, for churn: nobody misses it, and nothing of it is compared */
} MxrPart;

/** mxr_part_plan: @seat: [0..clients): room by room. */
void mxr_part_plan (const MxrLoadOptions *options, guint seat, MxrPart *out_part);

/** mxr_parts_have_leaver: Returns: whether churn would have anybody to let leave. */
bool mxr_parts_have_leaver (const MxrLoadOptions *options);

#endif
