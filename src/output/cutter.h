#ifndef MXR_OUTPUT_CUTTER_H
#define MXR_OUTPUT_CUTTER_H

#include <glib.h>
#include <stdbool.h>

G_BEGIN_DECLS

/**
 * MxrCutter:
 *
 * Divides what mp4mux writes in fragments, ISO/IEC 14496-12, into an initialisation segment and media segments that begin
 * with a key frame: RFC 8216 3.3. Its first track is the picture. Thread: one at a time.
 */
typedef struct _MxrCutter MxrCutter;

typedef struct {
  /* @index: from 0. @duration_s: of the picture, up to the next segment's first. Returns: false: that is enough. */
  bool (*on_head) (const guint8 *bytes, gsize n_bytes, gpointer user_data);
  bool (*on_segment) (guint index, double duration_s, const guint8 *bytes, gsize n_bytes, gpointer user_data);
} MxrCutterEvents;

/** mxr_cutter_new: @timescale: of the first track. @min_s: a key frame sooner begins no segment. */
MxrCutter *mxr_cutter_new (guint timescale, double min_s, const MxrCutterEvents *events, gpointer user_data);
void mxr_cutter_free (MxrCutter *cutter);

/** mxr_cutter_push: Any part of the file, in order. Returns: false when an event did, or the bytes are no such file. */
bool mxr_cutter_push (MxrCutter *cutter, const guint8 *bytes, gsize n_bytes);
/** mxr_cutter_end: What is held is the last segment. */
bool mxr_cutter_end (MxrCutter *cutter);

G_END_DECLS

#endif
