#ifndef MXR_LOAD_CAST_H
#define MXR_LOAD_CAST_H

#include "client.h"
#include "options.h"

/* The rooms, the media that was made for all parts, and what each client is to do. Read-only
 * once made, but for the rooms' marks. */

typedef struct _MxrCast MxrCast;

/** mxr_cast_new: Encodes all media: takes seconds. @options: outlives the cast. Thread: main. */
MxrCast *mxr_cast_new (const MxrLoadOptions *options, GError **error);
/** mxr_cast_free: After the last client. */
void mxr_cast_free (MxrCast *cast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrCast, mxr_cast_free)

/** mxr_cast_plan: @seat: [0..clients): room by room, the participants of each before its viewers. */
void mxr_cast_plan (MxrCast *cast, guint seat, MxrClientPlan *out_plan);

typedef struct {
  guint64 clicks, flashes; /* sent, in the rooms in which somebody listens, looks */
} MxrCastMarks;

void mxr_cast_count_marks (MxrCast *cast, MxrCastMarks *out_marks);

#endif
