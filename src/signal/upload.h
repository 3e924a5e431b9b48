#ifndef MXR_UPLOAD_H
#define MXR_UPLOAD_H

#include "server-private.h"

/* A body that goes to the disk as it comes. */
typedef struct _MxrUpload MxrUpload;

#define MXR_UPLOAD_PATH "/api/v1/recordings"

/**
 * mxr_upload_begin:
 *
 * To be called with the head of each request. Returns: whether it is one for an upload; then it has been refused, or its
 * chunks are for mxr_upload_take().
 */
bool mxr_upload_begin (MxrServer *server, SoupServerMessage *msg);

/** mxr_upload_take: Returns: whether @chunk is an upload's. @msg is paused while a worker writes. */
bool mxr_upload_take (SoupServerMessage *msg, GBytes *chunk);

/** mxr_upload_finish: @msg has all of its body: answers it once the file is in the library. */
void mxr_upload_finish (SoupServerMessage *msg);

#endif
