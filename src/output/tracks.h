#ifndef MXR_OUTPUT_TRACKS_H
#define MXR_OUTPUT_TRACKS_H

#include "output-private.h"

/* One file of the recording, also when it is closed. */
typedef struct {
  MxrOutput *output;
  MxrTrackFile *file; /* NULL: closed */
  char *name;         /* in the recording's directory */
  char *participant, *participant_name;
  const char *codec; /* static */
  bool is_picture;
  guint width_px, height_px, parameters;
  GstClockTime begin_ns, end_ns; /* on the recording's timeline: of the first unit, and of the last */
  gint64 started_ms;             /* Unix time */
  guint64 n_bytes;               /* once it is closed */
  bool has_failed;
} MxrTrackEntry;

void mxr_track_entry_free (gpointer entry);

/** mxr_tracks_describe: Returns: (transfer full): index.json. @entries: MxrTrackEntry */
char *mxr_tracks_describe (const char *room, gint64 started_ms, guint64 duration_ms, const GPtrArray *entries);

/** mxr_tracks_write_async: Makes @directory if this @is_first, and index.json in it. @index: (transfer full). It finishes as
 * g_task_propagate_boolean() does. */
void mxr_tracks_write_async (const char *directory, bool is_first, char *index, GAsyncReadyCallback callback, gpointer user_data);

#endif
