#include "server-private.h"

#include <string.h>

#include "etag.h"
#include "fragment.h"
#include "mixroom/limits.h"
#include "problem.h"
#include "token.h"

#define OFFER_TYPE "application/sdp"
/* The id is the secret that PATCH and DELETE are allowed by. */
#define ID_BYTES 18

typedef struct _MxrResource MxrResource;

/* A request that waits for the room. */
typedef struct {
  MxrResource *resource;
  SoupServerMessage *msg;
} Request;

/* One WHIP or WHEP session (RFC 9725 4). Freed when its participant is no more and no request waits. */
struct _MxrResource {
  MxrServer *server;
  char *id;
  char *path;
  char *room;
  char *etag;
  MxrTokenRole role;
  MxrParticipant *participant; /* NULL: removed */
  GPtrArray *requests;         /* Request */
};

/* ---- Life of a resource ---------------------------------------------------------------------------------
 */

static void
request_free (gpointer data)
{
  Request *request = data;
  g_object_unref (request->msg);
  g_free (request);
}

static Request *
request_new (MxrResource *resource, SoupServerMessage *msg)
{
  Request *request = g_new0 (Request, 1);
  request->resource = resource;
  request->msg = g_object_ref (msg);
  g_ptr_array_add (resource->requests, request);
  resource->server->n_waiting++;
  soup_server_message_pause (msg);
  return request;
}

static void
free_when_done (MxrResource *self)
{
  if (self->participant != NULL || self->requests->len > 0)
    return;
  g_ptr_array_unref (self->requests);
  g_free (self->id);
  g_free (self->path);
  g_free (self->room);
  g_free (self->etag);
  g_free (self);
}

static void
request_done (Request *request)
{
  MxrResource *self = request->resource;
  self->server->n_waiting--;
  soup_server_message_unpause (request->msg);
  g_ptr_array_remove_fast (self->requests, request);
  free_when_done (self);
}

/* The participant leaves, if it is still there; the room calls back for the requests that wait, later. */
void
mxr_resource_free (gpointer resource)
{
  MxrResource *self = resource;

  if (self->participant != NULL)
    mxr_participant_leave (g_steal_pointer (&self->participant));
  free_when_done (self);
}

static void
on_removed (MxrParticipant *participant, MxrRemoval removal, const char *reason, gpointer user_data)
{
  MxrResource *self = user_data;
  self->participant = NULL;
  g_hash_table_remove (self->server->resources, self->id);
}

static const MxrParticipantEvents resource_events = { .on_removed = on_removed };

static gboolean
is_asked_by (gpointer id, gpointer value, gpointer user_data)
{
  MxrResource *self = value;
  return g_strcmp0 (g_object_get_data (user_data, "mxr-resource"), self->id) == 0;
}

void
mxr_whip_forget (MxrServer *server, SoupServerMessage *msg)
{
  if (g_object_get_data (G_OBJECT (msg), "mxr-resource") != NULL)
    g_hash_table_foreach_remove (server->resources, is_asked_by, msg);
}

/* ---- POST: join -----------------------------------------------------------------------------------------
 */

static void
respond_created (MxrResource *self, SoupServerMessage *msg, const char *answer)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  g_auto (GStrv) links = mxr_ice_servers_get_links (
      self->server->ice_servers, mxr_participant_get_id (self->participant), g_get_real_time () / G_USEC_PER_SEC);

  soup_server_message_set_status (msg, SOUP_STATUS_CREATED, NULL);
  soup_message_headers_replace (headers, "Location", self->path);
  soup_message_headers_replace (headers, "ETag", self->etag);
  soup_message_headers_replace (headers, "Accept-Patch", MXR_FRAGMENT_TYPE);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  for (guint i = 0; links[i] != NULL; i++)
    soup_message_headers_append (headers, "Link", links[i]);
  soup_server_message_set_response (msg, OFFER_TYPE, SOUP_MEMORY_COPY, answer, strlen (answer));
  g_object_set_data_full (G_OBJECT (msg), "mxr-resource", g_strdup (self->id), g_free);
}

static void
on_negotiated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  MxrResource *self = request->resource;
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = mxr_participant_negotiate_finish (result, &error);

  if (answer != NULL && self->participant != NULL)
    respond_created (self, request->msg, answer);
  else if (error != NULL)
    mxr_problem_respond_error (request->msg, error);
  else
    mxr_problem_respond (request->msg, MXR_PROBLEM_NOT_FOUND,
                         "The session ended before it began; POST a new offer.");
  /* Nobody ever learns of this resource; the request still keeps its memory. */
  if (answer == NULL && self->participant != NULL)
    g_hash_table_remove (self->server->resources, self->id);
  request_done (request);
}

static bool
has_content_type (SoupServerMessage *msg, const char *wanted)
{
  const char *type =
      soup_message_headers_get_content_type (soup_server_message_get_request_headers (msg), NULL);
  return type != NULL && g_ascii_strcasecmp (type, wanted) == 0;
}

/* The offer as text, or NULL when @msg is answered. */
static char *
take_offer (SoupServerMessage *msg)
{
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  gsize n_bytes;
  const char *bytes = g_bytes_get_data (body, &n_bytes);

  if (!has_content_type (msg, OFFER_TYPE))
    mxr_problem_respond (msg, MXR_PROBLEM_CONTENT_TYPE, "POST an SDP offer as " OFFER_TYPE ".");
  else if (n_bytes > MXR_SDP_MAX_BYTES)
    mxr_problem_respond (msg, MXR_PROBLEM_TOO_LARGE, "Offer fewer media sections or codecs.");
  else if (n_bytes == 0 || !g_utf8_validate_len (bytes, n_bytes, NULL))
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_SDP, "The body must be an SDP offer, in UTF-8.");
  else
    return g_strndup (bytes, n_bytes);
  return NULL;
}

static MxrResource *
resource_new (MxrServer *server, const char *kind, const char *room, const char *name, GError **error)
{
  bool is_whip = strcmp (kind, "whip") == 0;
  MxrResource *self = g_new0 (MxrResource, 1);
  g_autofree char *escaped_room = g_uri_escape_string (room, NULL, FALSE);
  g_autofree char *tag = mxr_random_text (ID_BYTES);

  self->server = server;
  self->role = is_whip ? MXR_TOKEN_PARTICIPANT : MXR_TOKEN_VIEWER;
  self->id = mxr_random_text (ID_BYTES);
  self->path = g_strdup_printf ("/%s/%s/%s", kind, escaped_room, self->id);
  self->room = g_strdup (room);
  self->etag = g_strdup_printf ("\"%s\"", tag);
  self->requests = g_ptr_array_new_with_free_func (request_free);
  self->participant = mxr_hub_join (server->hub, room, name, is_whip ? MXR_ROLE_PUBLISHER : MXR_ROLE_VIEWER,
                                    &resource_events, self, error);
  if (self->participant != NULL) {
    g_hash_table_insert (server->resources, self->id, self);
    return self;
  }
  free_when_done (self);
  return NULL;
}

static void
handle_post (MxrServer *server, SoupServerMessage *msg, char **segments, GHashTable *query)
{
  bool is_whip = strcmp (segments[0], "whip") == 0;
  const char *given = query != NULL ? g_hash_table_lookup (query, "name") : NULL;
  const char *name = given != NULL && *given != '\0' ? given : is_whip ? "Guest" : "Viewer";
  g_autoptr (GError) error = NULL;

  if (!mxr_server_authorize (server, msg, segments[1], is_whip ? MXR_TOKEN_PARTICIPANT : MXR_TOKEN_VIEWER))
    return;
  g_autofree char *offer = take_offer (msg);
  if (offer == NULL)
    return;
  if (server->is_draining) {
    mxr_problem_respond (msg, MXR_PROBLEM_DRAINING, "Come back in a moment.");
    return;
  }
  if (!mxr_server_allow_join (server, mxr_server_get_address (msg))) {
    mxr_problem_respond (msg, MXR_PROBLEM_TOO_MANY_JOINS,
                         "Wait a minute; http.joins_per_minute is the limit.");
    return;
  }
  MxrResource *resource = resource_new (server, segments[0], segments[1], name, &error);
  if (resource == NULL) {
    mxr_problem_respond_error (msg, error);
    return;
  }
  mxr_participant_negotiate_async (resource->participant, offer, true, on_negotiated,
                                   request_new (resource, msg));
}

/* ---- PATCH: trickle and ICE restart (RFC 9725 4.3) --------------------------------------------------------
 */

static void
on_restarted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  MxrResource *self = request->resource;
  g_autoptr (GError) error = NULL;
  g_autofree char *fragment = mxr_participant_restart_ice_finish (result, &error);

  if (fragment != NULL) {
    SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->msg);
    g_autofree char *tag = mxr_random_text (ID_BYTES);
    g_free (self->etag);
    self->etag = g_strdup_printf ("\"%s\"", tag);
    soup_server_message_set_status (request->msg, SOUP_STATUS_OK, NULL);
    soup_message_headers_replace (headers, "ETag", self->etag);
    soup_server_message_set_response (request->msg, MXR_FRAGMENT_TYPE, SOUP_MEMORY_COPY, fragment,
                                      strlen (fragment));
  } else {
    mxr_problem_respond_error (request->msg, error);
  }
  request_done (request);
}

/* The ICE session that the client means must be the one in use; "*" is any, for a restart. */
static bool
check_if_match (MxrResource *self, SoupServerMessage *msg)
{
  const char *if_match =
      soup_message_headers_get_list (soup_server_message_get_request_headers (msg), "If-Match");

  if (if_match == NULL)
    mxr_problem_respond (msg, MXR_PROBLEM_ETAG_MISSING,
                         "Send If-Match with the ETag of the 201, or * to restart ICE.");
  else if (!mxr_etag_is_listed (if_match, self->etag))
    mxr_problem_respond (msg, MXR_PROBLEM_ETAG_MISMATCH, "Send the ETag of the last 201 or 200.");
  else
    return true;
  return false;
}

static void
handle_patch (MxrResource *self, SoupServerMessage *msg)
{
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  g_autofree char *ufrag = NULL, *pwd = NULL;
  g_autoptr (GError) error = NULL;

  if (!has_content_type (msg, MXR_FRAGMENT_TYPE)) {
    mxr_problem_respond (msg, MXR_PROBLEM_CONTENT_TYPE, "PATCH takes " MXR_FRAGMENT_TYPE ".");
    return;
  }
  if (!check_if_match (self, msg))
    return;
  g_autofree char *text = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  if (!mxr_fragment_apply (self->participant, text, g_bytes_get_size (body), &ufrag, &pwd, &error))
    mxr_problem_respond_error (msg, error);
  else if (ufrag != NULL)
    mxr_participant_restart_ice_async (self->participant, ufrag, pwd, on_restarted, request_new (self, msg));
  else
    soup_server_message_set_status (msg, SOUP_STATUS_NO_CONTENT, NULL);
}

/* ---- Dispatch -------------------------------------------------------------------------------------------
 */

static void
handle_resource (MxrServer *server, SoupServerMessage *msg, char **segments)
{
  const char *method = soup_server_message_get_method (msg);
  MxrResource *self = g_hash_table_lookup (server->resources, segments[2]);
  bool is_patch = strcmp (method, "PATCH") == 0;
  bool is_here =
      self != NULL && strcmp (self->room, segments[1]) == 0 && g_str_has_prefix (self->path + 1, segments[0]);

  if (!is_patch && method != SOUP_METHOD_DELETE) {
    mxr_problem_respond_method (msg, "PATCH, DELETE, OPTIONS");
    return;
  }
  if (!mxr_server_authorize (server, msg, segments[1],
                             strcmp (segments[0], "whip") == 0 ? MXR_TOKEN_PARTICIPANT : MXR_TOKEN_VIEWER))
    return;
  if (!is_here) {
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "The session has ended; POST a new offer.");
  } else if (is_patch) {
    handle_patch (self, msg);
  } else {
    g_hash_table_remove (server->resources, segments[2]);
    soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  }
}

static void
respond_options (SoupServerMessage *msg, bool is_resource)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);

  soup_server_message_set_status (msg, SOUP_STATUS_NO_CONTENT, NULL);
  soup_message_headers_replace (headers, "Allow", is_resource ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
  soup_message_headers_replace (headers, "Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS");
  soup_message_headers_replace (headers, "Access-Control-Allow-Headers",
                                "Authorization, Content-Type, If-Match");
  soup_message_headers_replace (headers, "Access-Control-Max-Age", "86400");
  if (is_resource)
    soup_message_headers_replace (headers, "Accept-Patch", MXR_FRAGMENT_TYPE);
  else
    soup_message_headers_replace (headers, "Accept-Post", OFFER_TYPE);
}

void
mxr_whip_handle (MxrServer *server, SoupServerMessage *msg, char **segments, GHashTable *query)
{
  const char *method = soup_server_message_get_method (msg);
  guint n_segments = g_strv_length (segments);

  if (n_segments < 2 || n_segments > 3 || *segments[1] == '\0') {
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "POST to /whip/{room} or /whep/{room}.");
    return;
  }
  if (!mxr_server_is_origin_allowed (server, msg)) {
    mxr_problem_respond (msg, MXR_PROBLEM_ORIGIN,
                         "Pages of this origin need to stand in server.allowed_origins.");
    return;
  }
  mxr_server_add_cors (server, msg);
  soup_message_headers_replace (soup_server_message_get_response_headers (msg),
                                "Access-Control-Expose-Headers",
                                "Location, ETag, Link, Accept-Patch, Retry-After");
  if (method == SOUP_METHOD_OPTIONS)
    respond_options (msg, n_segments == 3);
  else if (n_segments == 3)
    handle_resource (server, msg, segments);
  else if (method == SOUP_METHOD_POST)
    handle_post (server, msg, segments, query);
  else
    mxr_problem_respond_method (msg, "POST, OPTIONS");
}
