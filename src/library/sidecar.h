#ifndef MXR_LIBRARY_SIDECAR_H
#define MXR_LIBRARY_SIDECAR_H

#include "mixroom/library.h"

/* FILE.info beside FILE: what the file itself does not tell, for a list that is made anew. */

#define MXR_SIDECAR_ENDING ".info"

/** mxr_sidecar_write: Atomically. @path: of the recording. */
bool mxr_sidecar_write (const char *path, const MxrLibraryEntry *entry, GError **error);

/** mxr_sidecar_read: Sets title, room, participants, start and state of @entry where there is a file that tells. */
void mxr_sidecar_read (const char *path, MxrLibraryEntry *entry);

void mxr_sidecar_remove (const char *path);

#endif
