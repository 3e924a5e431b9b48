#ifndef MXR_JSON_TEXT_H
#define MXR_JSON_TEXT_H

#include <json-glib/json-glib.h>

#include "mixroom/base.h"

/* Writing JSON: thin words over json-glib's builder, so that a message reads as its members. */

static inline void
mxr_json_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static inline void
mxr_json_add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static inline void
mxr_json_add_double (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static inline void
mxr_json_add_bool (JsonBuilder *builder, const char *name, bool value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

/** mxr_json_finish: Returns: (transfer full): the text, one line. */
static inline char *
mxr_json_finish (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

#endif
