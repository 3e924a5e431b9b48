#include "collection.h"

#include "problem.h"
#include "token.h"

void
mxr_collection_respond_started (const MxrCollection *self, SoupServerMessage *msg, const char *room, GVariant *value,
                                const GError *error)
{
  if (value == NULL) {
    mxr_problem_respond_error (msg, error);
    return;
  }
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (GVariant) id = g_variant_lookup_value (owned, "id", G_VARIANT_TYPE_STRING);
  g_autofree char *escaped = g_uri_escape_string (room, NULL, FALSE);
  g_autofree char *location =
    g_strdup_printf ("/api/v1/rooms/%s/%s/%s", escaped, self->name, g_variant_get_string (id, NULL));

  mxr_rest_respond_json (msg, owned);
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Location", location);
  soup_server_message_set_status (msg, SOUP_STATUS_CREATED, NULL);
}

static void
handle_all (const MxrCollection *self, MxrServer *server, SoupServerMessage *msg, const char *room)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GError) error = NULL;

  if (method == SOUP_METHOD_POST) {
    self->start (server, msg, room);
  } else if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD) {
    GVariant *value = self->list (server->hub, room, &error);
    mxr_rest_respond (msg, value, error);
  } else {
    mxr_problem_respond_method (msg, "GET, HEAD, POST");
  }
}

static void
handle_one (const MxrCollection *self, MxrServer *server, SoupServerMessage *msg, const char *room, const char *id)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (method, "PATCH") == 0) {
    self->change (server, msg, room, id);
  } else if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD) {
    GVariant *value = self->describe (server->hub, room, id, &error);
    mxr_rest_respond (msg, value, error);
  } else if (method == SOUP_METHOD_DELETE) {
    GVariant *value = self->stop (server->hub, room, id, &error);
    mxr_rest_respond (msg, value, error);
  } else {
    mxr_problem_respond_method (msg, "GET, HEAD, PATCH, DELETE");
  }
}

void
mxr_collection_handle (const MxrCollection *self, MxrServer *server, SoupServerMessage *msg, char **segments,
                       guint n_segments)
{
  const char *room = segments[3];

  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_HOST))
    return;
  if (n_segments == 5) {
    handle_all (self, server, msg, room);
  } else if (n_segments == 6) {
    handle_one (self, server, msg, room, segments[5]);
  } else {
    g_autofree char *detail = g_strdup_printf ("Look at /api/v1/rooms/{room}/%s for what there is.", self->name);
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, detail);
  }
}
