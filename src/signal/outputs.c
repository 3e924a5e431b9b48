/* Outputs of the programme: /api/v1/rooms/{room}/outputs and what is below it. */

#include "server-private.h"

#include <string.h>

#include "body.h"
#include "problem.h"
#include "token.h"

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
  MxrOutputOrder order;

  if (members == NULL)
    return;
  if (!mxr_body_get_text (members, "type", &order.type) || !mxr_body_get_text (members, "format", &order.format) ||
      !mxr_body_get_text (members, "url", &order.url)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_OUTPUT, "type, format and url are strings of at most 1024 bytes.");
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
