#ifndef MXR_PLAYER_SOURCE_H
#define MXR_PLAYER_SOURCE_H

#include <gst/gst.h>

#include "wire.h"

/* What the player's process does: decodes one file or address in real time and sends what comes of it. One for each process.
 * Thread: main, which runs the default main context; streaming threads send sound and pictures. */

typedef struct _MxrSource MxrSource;

/** mxr_source_new: @fd: of the wire; @uri: what mxr_registry_restrict() lets be read */
MxrSource *mxr_source_new (int fd, const char *uri, bool loop);
void mxr_source_free (MxrSource *source);
/** mxr_source_command: PLAY, PAUSE, SEEK or LOOP. */
void mxr_source_command (MxrSource *source, const MxrWireHeader *command);

#endif
