/* Outputs of the programme: /api/v1/rooms/{room}/outputs and what is below it. */

#include "server-private.h"

#include <math.h>
#include <string.h>

#include "body.h"
#include "problem.h"
#include "token.h"

/* So that durations in nanoseconds and sizes fit their integers. */
#define SPLIT_MAX_S 604800.0
#define SPLIT_MAX_BYTES 1125899906842624.0

/* Returns: false when the member is there and is no whole number up to @max; 0 when it is not there. */
static bool
get_whole (GHashTable *members, const char *name, double max, guint64 *out_number)
{
  double number = NAN;

  *out_number = 0;
  if (!mxr_body_get_number (members, name, &number))
    return false;
  if (isnan (number))
    return true;
  *out_number = number >= 1 && number <= max ? (guint64) number : 0;
  return *out_number > 0 && trunc (number) == number;
}

/* Returns: (nullable): what is wrong with it. */
static const char *
read_order (GHashTable *members, MxrOutputOrder *out_order)
{
  guint64 split_s;

  if (!mxr_body_get_text (members, "type", &out_order->type) || !mxr_body_get_text (members, "format", &out_order->format) ||
      !mxr_body_get_text (members, "url", &out_order->url) || !mxr_body_get_text (members, "sound", &out_order->sound))
    return "type, format, url and sound are strings of at most 1024 bytes.";
  if (!get_whole (members, "splitDuration", SPLIT_MAX_S, &split_s))
    return "splitDuration is a whole number of seconds, a week at most.";
  if (!get_whole (members, "splitSize", SPLIT_MAX_BYTES, &out_order->split_bytes))
    return "splitSize is a whole number of bytes, 2^50 at most.";
  out_order->split_s = split_s;
  return NULL;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------- */

static void
respond (SoupServerMessage *msg, GVariant *value, const GError *error)
{
  if (value != NULL)
    mxr_rest_respond_json (msg, value);
  else
    mxr_problem_respond_error (msg, error);
}

static void
start (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  g_autoptr (GError) error = NULL;
  MxrOutputOrder order = { 0 };

  if (members == NULL)
    return;
  const char *wrong = read_order (members, &order);
  if (wrong != NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_OUTPUT, wrong);
    return;
  }
  g_autoptr (GVariant) value = mxr_hub_start_output (server->hub, room, &order, &error);
  if (value != NULL)
    g_variant_ref_sink (value);
  respond (msg, value, error);
  if (value == NULL)
    return;
  g_autofree char *escaped = g_uri_escape_string (room, NULL, FALSE);
  g_autoptr (GVariant) id = g_variant_lookup_value (value, "id", G_VARIANT_TYPE_STRING);
  g_autofree char *location =
    g_strdup_printf ("/api/v1/rooms/%s/outputs/%s", escaped, g_variant_get_string (id, NULL));
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Location", location);
  soup_server_message_set_status (msg, SOUP_STATUS_CREATED, NULL);
}

static void
change (MxrServer *server, SoupServerMessage *msg, const char *room, const char *id)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  const MxrJsonValue *paused = members != NULL ? g_hash_table_lookup (members, "paused") : NULL;
  g_autoptr (GError) error = NULL;

  if (members == NULL)
    return;
  if (paused == NULL || paused->type != MXR_JSON_BOOL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_OUTPUT, "Send {\"paused\": true} or {\"paused\": false}.");
    return;
  }
  GVariant *value = mxr_hub_pause_output (server->hub, room, id, paused->boolean, &error);
  respond (msg, value, error);
}

static void
handle_list (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GError) error = NULL;

  if (method == SOUP_METHOD_POST) {
    start (server, msg, room);
  } else if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD) {
    GVariant *value = mxr_hub_describe_outputs (server->hub, room, &error);
    respond (msg, value, error);
  } else {
    mxr_problem_respond_method (msg, "GET, HEAD, POST");
  }
}

static void
handle_one (MxrServer *server, SoupServerMessage *msg, const char *room, const char *id)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  if (g_strcmp0 (method, "PATCH") == 0) {
    change (server, msg, room, id);
    return;
  }
  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD) {
    value = mxr_hub_describe_output (server->hub, room, id, &error);
  } else if (method == SOUP_METHOD_DELETE) {
    value = mxr_hub_stop_output (server->hub, room, id, &error);
  } else {
    mxr_problem_respond_method (msg, "GET, HEAD, PATCH, DELETE");
    return;
  }
  respond (msg, value, error);
}

void
mxr_outputs_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  const char *room = segments[3];

  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_HOST))
    return;
  if (n_segments == 5)
    handle_list (server, msg, room);
  else if (n_segments == 6)
    handle_one (server, msg, room, segments[5]);
  else
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "Look at /api/v1/rooms/{room}/outputs for what there is.");
}
