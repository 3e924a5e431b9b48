#include "server-private.h"

#include <string.h>

#include <json-glib/json-glib.h>

#include "problem.h"
#include "token.h"

static void
respond_text (SoupServerMessage *msg, const char *type, const char *text)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Cache-Control", "no-store");
  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (msg, type, SOUP_MEMORY_COPY, text, strlen (text));
}

static void
respond_not_found (SoupServerMessage *msg)
{
  mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "Look at /api/v1/rooms for what there is.");
}

void
mxr_rest_respond_json (SoupServerMessage *msg, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (JsonNode) root = json_gvariant_serialize (owned);
  g_autofree char *text = json_to_string (root, FALSE);
  respond_text (msg, "application/json", text);
}

void
mxr_rest_respond (SoupServerMessage *msg, GVariant *value, const GError *error)
{
  if (value != NULL)
    mxr_rest_respond_json (msg, value);
  else
    mxr_problem_respond_error (msg, error);
}

/* @value: (transfer floating) (nullable) */
static void
respond_json (SoupServerMessage *msg, GVariant *value)
{
  if (value != NULL)
    mxr_rest_respond_json (msg, value);
  else
    respond_not_found (msg);
}

/* Pages that embed a room ask whether the server is there before they offer it. */
static void
handle_health (MxrServer *server, SoupServerMessage *msg)
{
  mxr_server_add_cors (server, msg);
  respond_text (msg, "text/plain; charset=utf-8", "alive\n");
}

static void
handle_ready (MxrServer *server, SoupServerMessage *msg)
{
  const char *reason = NULL;

  if (server->is_draining)
    mxr_problem_respond (msg, MXR_PROBLEM_DRAINING, "The server is going down; send newcomers elsewhere.");
  else if (!mxr_hub_is_ready (server->hub, &reason))
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_READY,
                         reason != NULL ? reason : "The server takes no newcomers.");
  else
    respond_text (msg, "text/plain; charset=utf-8", "ready\n");
}

/* Figures tell who meets whom and when: with tokens on they are for admins. That a request comes from this
 * machine says nothing: behind a local proxy they all do. */
static void
handle_metrics (MxrServer *server, SoupServerMessage *msg)
{
  if (!mxr_server_authorize (server, msg, NULL, MXR_TOKEN_ADMIN))
    return;
  g_autofree char *text = mxr_metrics_write (server);
  respond_text (msg, "text/plain; version=0.0.4; charset=utf-8", text);
}

static void
handle_room (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  const char *room = segments[3];

  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_HOST))
    return;
  if (n_segments == 4) {
    respond_json (msg, mxr_hub_describe_room (server->hub, room));
  } else if (n_segments == 5 && strcmp (segments[4], "graph") == 0) {
    g_autofree char *graph = mxr_hub_draw_room (server->hub, room);
    if (graph != NULL)
      respond_text (msg, "text/vnd.graphviz; charset=utf-8", graph);
    else
      respond_not_found (msg);
  } else {
    respond_not_found (msg);
  }
}

static void
handle_api (MxrServer *server, SoupServerMessage *msg, char **segments)
{
  guint n_segments = g_strv_length (segments);

  if (n_segments < 3 || strcmp (segments[1], "v1") != 0 || strcmp (segments[2], "rooms") != 0)
    respond_not_found (msg);
  else if (n_segments > 3)
    handle_room (server, msg, segments, n_segments);
  else if (mxr_server_authorize (server, msg, NULL, MXR_TOKEN_HOST))
    respond_json (msg, mxr_hub_describe_rooms (server->hub));
}

static void
handle_programme (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  if (n_segments == 5)
    mxr_programme_handle (server, msg, segments[3]);
  else
    respond_not_found (msg);
}

static void
handle_snapshot (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  if (n_segments == 5)
    mxr_snapshot_handle (server, msg, segments[3]);
  else
    respond_not_found (msg);
}

/* What changes something, or wants another role than the rest, has a file of its own. */
typedef struct {
  const char *collection; /* below /api/v1 */
  const char *part;       /* of one of them; NULL: of all */
  void (*handle) (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments);
} Part;

static const Part parts[] = {
  { "recordings", NULL, mxr_recordings_handle }, { "images", NULL, mxr_images_handle },
  { "rooms", "outputs", mxr_outputs_handle },    { "rooms", "players", mxr_players_handle },
  { "rooms", "programme", handle_programme },    { "rooms", "snapshot", handle_snapshot },
};

/* Returns: (nullable) */
static const Part *
find_part (char **segments, guint n_segments)
{
  if (n_segments < 3 || strcmp (segments[0], "api") != 0 || strcmp (segments[1], "v1") != 0)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strcmp (segments[2], parts[i].collection) == 0 &&
        (parts[i].part == NULL || (n_segments >= 5 && strcmp (segments[4], parts[i].part) == 0)))
      return &parts[i];
  return NULL;
}

void
mxr_rest_handle (MxrServer *server, SoupServerMessage *msg, char **segments)
{
  const char *method = soup_server_message_get_method (msg);
  guint n_segments = g_strv_length (segments);
  const Part *part = find_part (segments, n_segments);

  if (part != NULL)
    part->handle (server, msg, segments, n_segments);
  else if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD)
    mxr_problem_respond_method (msg, "GET, HEAD");
  else if (strcmp (segments[0], "api") == 0)
    handle_api (server, msg, segments);
  else if (segments[1] != NULL)
    respond_not_found (msg);
  else if (strcmp (segments[0], "healthz") == 0)
    handle_health (server, msg);
  else if (strcmp (segments[0], "readyz") == 0)
    handle_ready (server, msg);
  else
    handle_metrics (server, msg);
}
