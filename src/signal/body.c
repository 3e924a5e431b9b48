#include "body.h"

#include <string.h>

#include "mixroom/limits.h"
#include "problem.h"

GHashTable *
mxr_body_read (SoupServerMessage *msg)
{
  const char *type = soup_message_headers_get_content_type (soup_server_message_get_request_headers (msg), NULL);
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  gsize n_bytes, position;
  const char *text = g_bytes_get_data (body, &n_bytes);

  if (g_strcmp0 (type, "application/json") != 0) {
    mxr_problem_respond (msg, MXR_PROBLEM_CONTENT_TYPE, "Send application/json.");
    return NULL;
  }
  GHashTable *members = mxr_json_read_object (text != NULL ? text : "", n_bytes, &position);
  if (members == NULL)
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, "The body must be one JSON object.");
  return members;
}

/* Returns: (nullable): NULL when it is not there. */
static const MxrJsonValue *
find (GHashTable *members, const char *name)
{
  const MxrJsonValue *value = g_hash_table_lookup (members, name);
  return value != NULL && value->type != MXR_JSON_NULL ? value : NULL;
}

bool
mxr_body_get_text (GHashTable *members, const char *name, const char **out_text)
{
  const MxrJsonValue *value = find (members, name);

  *out_text = NULL;
  if (value == NULL)
    return true;
  if (value->type != MXR_JSON_STRING || value->has_nul || strlen (value->string) > MXR_URL_MAX_BYTES)
    return false;
  *out_text = value->string;
  return true;
}

bool
mxr_body_get_number (GHashTable *members, const char *name, double *out_number)
{
  const MxrJsonValue *value = find (members, name);

  if (value != NULL && value->type == MXR_JSON_NUMBER)
    *out_number = value->number;
  return value == NULL || value->type == MXR_JSON_NUMBER;
}

bool
mxr_body_get_bool (GHashTable *members, const char *name, int *out_bool)
{
  const MxrJsonValue *value = find (members, name);

  if (value != NULL && value->type == MXR_JSON_BOOL)
    *out_bool = value->boolean;
  return value == NULL || value->type == MXR_JSON_BOOL;
}
