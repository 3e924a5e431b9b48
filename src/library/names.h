#ifndef MXR_LIBRARY_NAMES_H
#define MXR_LIBRARY_NAMES_H

#include "mixroom/library.h"

/* What a file's name tells. Pure. */

/** mxr_library_is_id: Whether it could be one: nothing else names a poster. */
bool mxr_library_is_id (const char *text);

/** mxr_library_guess_type: Returns: (nullable): media type by the ending; %NULL: not of a kind that is listed. */
const char *mxr_library_guess_type (const char *file);

/**
 * mxr_library_read_name:
 * @file: ROOM-20261121-140102-ID.mp4 as the output makes it, or ROOM-20261121-140102-ID/NAME.mkv, or any other
 * @out_room: (out) (transfer full): "" when the name does not tell
 *
 * Returns: whether it is such a name; the moment is 0 when not.
 */
bool mxr_library_read_name (const char *file, char **out_room, gint64 *out_started_ms);

/** mxr_library_make_name: Returns: (transfer full): of an upload, so that mxr_library_read_name() understands it. */
char *mxr_library_make_name (const char *room, gint64 started_ms, const char *ending);

/** mxr_library_fold: Returns: (transfer full): for comparing: no case, compatibility forms as one, marks composed. */
char *mxr_library_fold (const char *text);

#endif
