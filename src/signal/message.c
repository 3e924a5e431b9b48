#include "message.h"

#include <math.h>
#include <string.h>

#include "json-text.h"
#include "mixroom/limits.h"

/* An id is an opaque mark of the client; longer ones are somebody's mistake. */
#define ID_MAX_BYTES 128

G_DEFINE_QUARK (mxr - message - error - quark, mxr_message_error)

typedef enum { FIELD_STRING, FIELD_BOOL, FIELD_INT } FieldType;

typedef struct {
  MxrMessageType message;
  const char *name;
  FieldType type;
  bool is_required;
  gsize offset;     /* into MxrMessage */
  gsize has_offset; /* of a bool's has_..., 0: none */
} Field;

#define STRING(message_, name_, member, required)                                                            \
  {                                                                                                          \
    message_, name_, FIELD_STRING, required, G_STRUCT_OFFSET (MxrMessage, member), 0                         \
  }
#define BOOL(message_, name_, member, required, has)                                                         \
  {                                                                                                          \
    message_, name_, FIELD_BOOL, required, G_STRUCT_OFFSET (MxrMessage, member), has                         \
  }
#define INT(message_, name_, member, required)                                                               \
  {                                                                                                          \
    message_, name_, FIELD_INT, required, G_STRUCT_OFFSET (MxrMessage, member), 0                            \
  }

static const Field fields[] = {
  STRING (MXR_MESSAGE_JOIN, "room", room, true),
  STRING (MXR_MESSAGE_JOIN, "name", name, true),
  STRING (MXR_MESSAGE_JOIN, "token", token, false),
  STRING (MXR_MESSAGE_JOIN, "offer", offer, false),
  STRING (MXR_MESSAGE_JOIN, "resume", resume, false),
  INT (MXR_MESSAGE_JOIN, "chatAfter", chat_after, false),
  STRING (MXR_MESSAGE_OFFER, "sdp", sdp, true),
  STRING (MXR_MESSAGE_CANDIDATE, "candidate", candidate, true),
  STRING (MXR_MESSAGE_CANDIDATE, "sdpMid", sdp_mid, false),
  STRING (MXR_MESSAGE_LAYOUT, "layout", layout, true),
  STRING (MXR_MESSAGE_LAYOUT, "pin", pin, false),
  BOOL (MXR_MESSAGE_MUTE, "audio", audio, false, G_STRUCT_OFFSET (MxrMessage, has_audio)),
  BOOL (MXR_MESSAGE_MUTE, "video", video, false, G_STRUCT_OFFSET (MxrMessage, has_video)),
  BOOL (MXR_MESSAGE_HAND, "raised", raised, true, 0),
  STRING (MXR_MESSAGE_CHAT, "text", text, true),
};

static const char *const type_names[] = {
  [MXR_MESSAGE_JOIN] = "join",     [MXR_MESSAGE_OFFER] = "offer", [MXR_MESSAGE_CANDIDATE] = "candidate",
  [MXR_MESSAGE_LAYOUT] = "layout", [MXR_MESSAGE_MUTE] = "mute",   [MXR_MESSAGE_HAND] = "hand",
  [MXR_MESSAGE_CHAT] = "chat",     [MXR_MESSAGE_LEAVE] = "leave", [MXR_MESSAGE_DELAY] = "delay",
  [MXR_MESSAGE_LINK] = "link",
};

static bool
fail_field (const Field *field, const char *problem, GError **error)
{
  g_set_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_BAD_MESSAGE, "'%s' of '%s' %s", field->name,
               type_names[field->message], problem);
  return false;
}

/* As far as JavaScript counts in steps of one. */
static bool
is_integer (const MxrJsonValue *value)
{
  return value->type == MXR_JSON_NUMBER && fabs (value->number) <= 9007199254740992.0 &&
         trunc (value->number) == value->number;
}

static bool
read_field (MxrMessage *message, const Field *field, const MxrJsonValue *value, GError **error)
{
  char *member = (char *)message + field->offset;

  if (value == NULL || value->type == MXR_JSON_NULL)
    return field->is_required ? fail_field (field, "is missing", error) : true;
  if (field->type == FIELD_BOOL) {
    if (value->type != MXR_JSON_BOOL)
      return fail_field (field, "must be true or false", error);
    *(bool *)member = value->boolean;
    if (field->has_offset != 0)
      *(bool *)((char *)message + field->has_offset) = true;
    return true;
  }
  if (field->type == FIELD_INT) {
    if (!is_integer (value) || value->number < 0)
      return fail_field (field, "must be an integer, not negative", error);
    *(gint64 *)member = (gint64)value->number;
    return true;
  }
  if (value->type != MXR_JSON_STRING)
    return fail_field (field, "must be a string", error);
  if (value->has_nul)
    return fail_field (field, "must not hold U+0000", error);
  *(char **)member = g_strdup (value->string);
  return true;
}

static char *
dup_id (const MxrJsonValue *id)
{
  if (id == NULL || (id->type == MXR_JSON_STRING && (id->has_nul || strlen (id->string) > ID_MAX_BYTES)))
    return NULL;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);
  if (id->type == MXR_JSON_STRING)
    json_node_set_string (node, id->string);
  else if (is_integer (id))
    json_node_set_int (node, (gint64)id->number);
  else
    return NULL;
  return json_to_string (node, FALSE);
}

static bool
find_type (const MxrJsonValue *type, MxrMessageType *out_type, GError **error)
{
  if (type == NULL || type->type != MXR_JSON_STRING || type->has_nul) {
    g_set_error_literal (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_BAD_MESSAGE,
                         "'type' must be there, a string");
    return false;
  }
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++) {
    if (strcmp (type->string, type_names[i]) == 0) {
      *out_type = i;
      return true;
    }
  }
  g_set_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_UNKNOWN_TYPE,
               "there is no message '%.32s' in mixroom.v1", type->string);
  return false;
}

static bool
read_fields (MxrMessage *message, GHashTable *members, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i].message == message->type &&
        !read_field (message, &fields[i], g_hash_table_lookup (members, fields[i].name), error))
      return false;
  if (message->candidate != NULL && strlen (message->candidate) > MXR_CANDIDATE_MAX_BYTES) {
    g_set_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_BAD_MESSAGE,
                 "'candidate' of 'candidate' must not be longer than %d bytes", MXR_CANDIDATE_MAX_BYTES);
    return false;
  }
  return true;
}

MxrMessage *
mxr_message_parse (const char *text, gsize n_bytes, char **out_id, GError **error)
{
  g_autoptr (MxrMessage) message = g_new0 (MxrMessage, 1);
  gsize position = 0;
  g_autoptr (GHashTable) members = mxr_json_read_object (text, n_bytes, &position);

  if (members == NULL) {
    g_set_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_BAD_JSON,
                 "send one JSON object; this stops being one at byte %" G_GSIZE_FORMAT, position);
    return NULL;
  }
  message->id = dup_id (g_hash_table_lookup (members, "id"));
  *out_id = g_strdup (message->id);
  if (!find_type (g_hash_table_lookup (members, "type"), &message->type, error) ||
      !read_fields (message, members, error))
    return NULL;
  return g_steal_pointer (&message);
}

void
mxr_message_free (MxrMessage *message)
{
  g_free (message->id);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i].type == FIELD_STRING)
      g_free (*(char **)((char *)message + fields[i].offset));
  g_free (message);
}

const char *
mxr_message_error_get_code (const GError *error)
{
  switch (error->code) {
  case MXR_MESSAGE_ERROR_BAD_JSON:
    return "bad-json";
  case MXR_MESSAGE_ERROR_UNKNOWN_TYPE:
    return "unknown-type";
  case MXR_MESSAGE_ERROR_BAD_MESSAGE:
  default:
    return "bad-message";
  }
}
