#ifndef MXR_LOAD_EXPLAIN_H
#define MXR_LOAD_EXPLAIN_H

#include "options.h"

/** mxr_explain: Returns: (transfer full): what went wrong and, where it is known, what to do about it. Pure. */
char *mxr_explain (const MxrLoadOptions *options, const GError *error);

#endif
