#ifndef MXR_BODY_H
#define MXR_BODY_H

#include "server-private.h"

#include "json-reader.h"

/* Bodies of requests to the REST interface: one flat JSON object. */

/** mxr_body_read: Returns: (transfer full) (nullable): its members; %NULL when @msg is answered. */
GHashTable *mxr_body_read (SoupServerMessage *msg);
/** mxr_body_get_text: @out_text: %NULL when it is not there, or null. Returns: false when it is there and no text of a reasonable
 * length. */
bool mxr_body_get_text (GHashTable *members, const char *name, const char **out_text);
/** mxr_body_get_number: @out_number: untouched when it is not there, or null. Returns: false when it is no number. */
bool mxr_body_get_number (GHashTable *members, const char *name, double *out_number);
/** mxr_body_get_bool: @out_bool: 0 or 1, or untouched. Returns: false when it is neither true nor false. */
bool mxr_body_get_bool (GHashTable *members, const char *name, int *out_bool);

#endif
