#ifndef MXR_MEDIA_H
#define MXR_MEDIA_H

#include "server-private.h"

#include "mixroom/library.h"

/* The header of a request for a range, which libsoup does not see. */
#define MXR_MEDIA_RANGE "mxr-range"

/**
 * mxr_media_respond:
 * @msg: paused
 * @file: (transfer full)
 * @type: media type
 * @name: (nullable): as which it is to be saved
 *
 * Answers with the file, or the range of it that is asked for, and lets @msg go on. What is not sent yet is not in memory
 * either, but for a block: workers read it as the client takes it.
 */
void mxr_media_respond (MxrServer *server, SoupServerMessage *msg, MxrLibraryFile *file, const char *type,
                        const char *name);

#endif
