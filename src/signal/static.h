#ifndef MXR_STATIC_H
#define MXR_STATIC_H

#include <libsoup/soup.h>

#include "mixroom/base.h"

/**
 * MxrStaticFiles:
 *
 * The page's files. They are small, so each is read at its first request and kept until its modification time
 * or size changes: a request costs one fstat().
 */
typedef struct _MxrStaticFiles MxrStaticFiles;

/** mxr_static_files_new: @root: (nullable): folder; %NULL or "": the installed one, or web/ of the source
 * tree. */
MxrStaticFiles *mxr_static_files_new (const char *root);
void mxr_static_files_free (MxrStaticFiles *files);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrStaticFiles, mxr_static_files_free)

/** mxr_static_files_handle: @path: percent-decoded, with its first slash. Answers @msg. */
void mxr_static_files_handle (MxrStaticFiles *files, SoupServerMessage *msg, const char *path);

#endif
