#ifndef MXR_RECORDINGS_H
#define MXR_RECORDINGS_H

#include "server-private.h"

#include "mixroom/library.h"

/** mxr_recordings_is_text: @text: (nullable). Whether it is missing, or has 1 to @max_chars characters, none of control. */
bool mxr_recordings_is_text (const char *text, guint max_chars);
/** mxr_recordings_read_query: Returns: (transfer full) (nullable): the query of @msg, empty without; %NULL when it is not
 * percent-encoded UTF-8. */
GHashTable *mxr_recordings_read_query (SoupServerMessage *msg);
void mxr_recordings_respond_entry (SoupServerMessage *msg, const MxrLibraryEntry *entry);
void mxr_recordings_respond_error (SoupServerMessage *msg, const GError *error);
/** mxr_recordings_tell: What the hub says of a recording, for the library, where there is one. */
void mxr_recordings_tell (MxrServer *server, const char *room, const MxrRecording *recording);

#endif
