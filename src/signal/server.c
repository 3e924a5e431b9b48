#include "server-private.h"

#include <string.h>
#include <sys/socket.h>

#include "hub-watch.h"
#include "media.h"
#include "origin.h"
#include "problem.h"
#include "session.h"
#include "token.h"
#include "upload.h"

G_DEFINE_QUARK (mxr - signal - error - quark, mxr_signal_error)

#define ADDRESS_CONNECTION "mxr-connection"
#define MESSAGE_BODY_BYTES "mxr-body-bytes"

/* ---- What the parts ask ----------------------------------------------------------------------------------
 */

MxrConnection *
mxr_server_get_connection (SoupServerMessage *msg)
{
  return g_object_get_data (G_OBJECT (soup_server_message_get_remote_address (msg)), ADDRESS_CONNECTION);
}

GInetAddress *
mxr_server_get_address (SoupServerMessage *msg)
{
  return g_inet_socket_address_get_address (
      G_INET_SOCKET_ADDRESS (soup_server_message_get_remote_address (msg)));
}

bool
mxr_server_allow_join (MxrServer *server, GInetAddress *address)
{
  double per_minute = server->config->http.joins_per_minute;
  MxrAddressEntry *entry = mxr_address_table_get (server->addresses, address);
  return mxr_bucket_take (&entry->joins, per_minute / 60, per_minute, g_get_monotonic_time ());
}

const char *
mxr_server_get_bearer (SoupServerMessage *msg)
{
  const char *value =
      soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization");
  if (value == NULL || g_ascii_strncasecmp (value, "Bearer ", 7) != 0)
    return NULL;
  return value + 7 + strspn (value + 7, " ");
}

bool
mxr_server_check_token (MxrServer *server, const char *token, const char *room, guint role, guint *out_problem,
                        GError **error)
{
  static const MxrProblem problems[] = {
    [MXR_TOKEN_ERROR_MISSING] = MXR_PROBLEM_TOKEN_MISSING,
    [MXR_TOKEN_ERROR_INVALID] = MXR_PROBLEM_TOKEN_INVALID,
    [MXR_TOKEN_ERROR_TOO_WEAK] = MXR_PROBLEM_TOKEN_TOO_WEAK,
  };
  const char *secret = server->config->server.token_secret;
  g_autoptr (GError) cause = NULL;

  if (*secret == '\0' || mxr_token_check (secret, token, room, role, g_get_real_time () / G_USEC_PER_SEC, &cause))
    return true;
  *out_problem = problems[cause->code];
  g_propagate_error (error, g_steal_pointer (&cause));
  return false;
}

bool
mxr_server_authorize (MxrServer *server, SoupServerMessage *msg, const char *room, guint role)
{
  g_autoptr (GError) error = NULL;
  guint problem;

  if (mxr_server_check_token (server, mxr_server_get_bearer (msg), room, role, &problem, &error))
    return true;
  mxr_problem_respond (msg, problem, error->message);
  return false;
}

bool
mxr_server_is_origin_allowed (MxrServer *server, SoupServerMessage *msg)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  return mxr_origin_is_allowed (
      soup_message_headers_get_one (headers, "Origin"), soup_message_headers_get_one (headers, "Host"),
      mxr_listener_is_tls (server->listener), server->config->server.allowed_origins);
}

void
mxr_server_add_cors (MxrServer *server, SoupServerMessage *msg)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  const char *origin = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Origin");

  soup_message_headers_append (headers, "Vary", "Origin");
  if (origin != NULL && mxr_server_is_origin_allowed (server, msg))
    soup_message_headers_replace (headers, "Access-Control-Allow-Origin", origin);
}

/* ---- Routing --------------------------------------------------------------------------------------------
 */

/* A page of another origin imports modules from here, where that origin is allowed. */
static void
serve_file (MxrServer *self, SoupServerMessage *msg, const char *path)
{
  mxr_server_add_cors (self, msg);
  mxr_static_files_handle (self->files, msg, path);
}

/* "/whip/my%20room" -> { "whip", "my room" }; NULL when a segment is no UTF-8 without U+0000. */
static char **
split_path (const char *path)
{
  g_auto (GStrv) segments = g_strsplit (path + 1, "/", -1);
  for (guint i = 0; segments[i] != NULL; i++) {
    char *decoded = g_uri_unescape_string (segments[i], NULL);
    if (decoded == NULL || !g_utf8_validate (decoded, -1, NULL)) {
      g_free (decoded);
      return NULL;
    }
    g_free (segments[i]);
    segments[i] = decoded;
  }
  return g_steal_pointer (&segments);
}

static void
on_request (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  static const char *const rest_roots[] = { "api", "healthz", "readyz", "metrics", NULL };
  MxrServer *self = user_data;

  if (self->is_ending) {
    mxr_problem_respond (msg, MXR_PROBLEM_DRAINING, "The server is going down; try again in a moment.");
    return;
  }
  g_auto (GStrv) segments = *path == '/' ? split_path (path) : NULL;

  if (segments == NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, "The path must be percent-encoded UTF-8.");
    return;
  }
  if (segments[0] == NULL) {
    serve_file (self, msg, "/");
  } else if (strcmp (segments[0], "whip") == 0 || strcmp (segments[0], "whep") == 0) {
    mxr_whip_handle (self, msg, segments, query);
  } else if (strcmp (segments[0], "hls") == 0) {
    mxr_hls_handle (self, msg, segments);
  } else if (g_strv_contains (rest_roots, segments[0])) {
    mxr_rest_handle (self, msg, segments);
  } else {
    g_autofree char *decoded = g_strjoinv ("/", segments);
    g_autofree char *file = g_strconcat ("/", decoded, NULL);
    serve_file (self, msg, file);
  }
}

static void
on_websocket_request (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query,
                      gpointer user_data)
{
  if (strcmp (path, "/ws") == 0)
    mxr_websocket_check (user_data, msg);
  else
    on_request (soup, msg, path, query, user_data);
}

static void
on_websocket (SoupServer *soup, SoupServerMessage *msg, const char *path, SoupWebsocketConnection *ws,
              gpointer user_data)
{
  MxrServer *self = user_data;
  self->n_responses[SOUP_STATUS_SWITCHING_PROTOCOLS]++;
  mxr_session_new (self, ws, mxr_server_get_connection (msg), mxr_server_get_address (msg));
}

/* ---- A request's way through libsoup
 * ----------------------------------------------------------------------- */

static void
on_got_headers (SoupServerMessage *msg, gpointer user_data)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);

  /* libsoup serves Range by itself, of bodies in memory, overlapping ones and thousands of them too: media.c does it. */
  g_object_set_data_full (G_OBJECT (msg), MXR_MEDIA_RANGE, g_strdup (soup_message_headers_get_one (headers, "Range")),
                          g_free);
  soup_message_headers_remove (headers, "Range");
  soup_message_headers_remove (headers, "Sec-WebSocket-Extensions");
  mxr_images_check_early (user_data, msg);
  /* Where a chunked body ends only libsoup knows, so nothing may follow it on the connection. */
  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED)
    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Connection", "close");
  mxr_upload_begin (user_data, msg);
}

static void
on_got_chunk (SoupServerMessage *msg, GBytes *chunk, gpointer user_data)
{
  if (mxr_upload_take (msg, chunk))
    return;
  gsize n_bytes =
    GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (msg), MESSAGE_BODY_BYTES)) + g_bytes_get_size (chunk);

  g_object_set_data (G_OBJECT (msg), MESSAGE_BODY_BYTES, GSIZE_TO_POINTER (n_bytes));
  if (n_bytes > mxr_connection_get_body_limit (mxr_server_get_connection (msg)))
    mxr_connection_refuse (mxr_server_get_connection (msg), 413, MXR_BODY_TOO_LARGE);
}

static void
on_got_body (SoupServerMessage *msg, gpointer user_data)
{
  mxr_connection_hold (mxr_server_get_connection (msg));
}

/* Before libsoup makes its WebSocket of the stream, which starts to read at once. */
static void
on_wrote_informational (SoupServerMessage *msg, gpointer user_data)
{
  if (soup_server_message_get_status (msg) == SOUP_STATUS_SWITCHING_PROTOCOLS)
    mxr_connection_upgrade (mxr_server_get_connection (msg));
}

static void
on_request_started (SoupServer *soup, SoupServerMessage *msg, gpointer user_data)
{
  mxr_problem_add_security_headers (soup_server_message_get_response_headers (msg));
  g_signal_connect (msg, "got-headers", G_CALLBACK (on_got_headers), user_data);
  g_signal_connect (msg, "got-chunk", G_CALLBACK (on_got_chunk), user_data);
  g_signal_connect (msg, "got-body", G_CALLBACK (on_got_body), user_data);
  g_signal_connect (msg, "wrote-informational", G_CALLBACK (on_wrote_informational), user_data);
}

static void
count_response (MxrServer *self, guint status)
{
  if (status <= MXR_STATUS_MAX)
    self->n_responses[status]++;
}

static void
on_request_finished (SoupServer *soup, SoupServerMessage *msg, gpointer user_data)
{
  count_response (user_data, soup_server_message_get_status (msg));
  mxr_connection_answered (mxr_server_get_connection (msg));
}

static void
on_request_aborted (SoupServer *soup, SoupServerMessage *msg, gpointer user_data)
{
  mxr_whip_forget (user_data, msg);
}

/* ---- Connections ----------------------------------------------------------------------------------------
 */

static void
on_connection (MxrConnection *connection, gpointer user_data)
{
  MxrServer *self = user_data;
  GSocketConnection *socket = mxr_connection_get_socket (connection);
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (socket, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (socket, NULL);

  if (local == NULL || remote == NULL) {
    g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
    return;
  }
  /* libsoup hands back the address it was given, and nothing else, with each of the connection's messages: a
   * copy, because GSocket keeps the other one. */
  g_autoptr (GSocketAddress) mark =
      g_inet_socket_address_new (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)),
                                 g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (remote)));
  g_object_set_data_full (G_OBJECT (mark), ADDRESS_CONNECTION, g_object_ref (connection), g_object_unref);
  soup_server_accept_iostream (self->soup, G_IO_STREAM (connection), local, mark, NULL);
}

static void
on_refused (guint status, gpointer user_data)
{
  count_response (user_data, status);
}

static const MxrListenerEvents listener_events = {
  .on_connection = on_connection,
  .on_refused = on_refused,
};

/* ---- Life -----------------------------------------------------------------------------------------------
 */

/* SoupServer keeps a connection alive only while it has a listener of its own. This one is a socket pair that
 * nobody ever writes to. */
static void
give_silent_listener (SoupServer *soup)
{
  int fds[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
    return; /* then every connection serves one request */
  g_autoptr (GSocket) silent = g_socket_new_from_fd (fds[0], NULL);
  g_autoptr (GSocket) other = g_socket_new_from_fd (fds[1], NULL);

  if (silent != NULL && other != NULL && soup_server_listen_socket (soup, silent, 0, NULL))
    g_object_set_data_full (G_OBJECT (soup), "mxr-silent-end", g_steal_pointer (&other), g_object_unref);
}

static SoupServer *
make_soup (MxrServer *self)
{
  static const char *const protocols[] = { "mixroom.v1", NULL };
  SoupServer *soup = soup_server_new ("raw-paths", TRUE, NULL);

  give_silent_listener (soup);
  soup_server_remove_websocket_extension (soup, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  soup_server_add_handler (soup, "/", on_request, self, NULL);
  /* The origin is ours to check, in on_websocket_request(): libsoup knows one or any. */
  soup_server_add_websocket_handler (soup, "/ws", NULL, (char **) protocols, on_websocket, self, NULL);
  soup_server_add_handler (soup, "/ws", on_websocket_request, self, NULL);
  g_signal_connect (soup, "request-started", G_CALLBACK (on_request_started), self);
  g_signal_connect (soup, "request-finished", G_CALLBACK (on_request_finished), self);
  g_signal_connect (soup, "request-aborted", G_CALLBACK (on_request_aborted), self);
  return soup;
}

static char *
write_uri (MxrServer *self)
{
  g_autoptr (GSocketConnectable) where = g_network_address_parse (self->config->server.listen, 0, NULL);
  const char *host = g_network_address_get_hostname (G_NETWORK_ADDRESS (where));
  bool is_ipv6 = strchr (host, ':') != NULL;
  return g_strdup_printf ("%s://%s%s%s:%u/", mxr_listener_is_tls (self->listener) ? "https" : "http",
                          is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
                          mxr_listener_get_port (self->listener));
}

MxrServer *
mxr_server_new (const MxrConfig *config, MxrHub *hub, GError **error)
{
  g_autoptr (MxrServer) self = g_new0 (MxrServer, 1);

  self->config = config;
  self->hub = hub;
  self->addresses = mxr_address_table_new ();
  self->thread_cpu = mxr_thread_cpu_new ();
  self->resources = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, mxr_resource_free);
  self->sessions = g_hash_table_new (NULL, NULL);
  self->soup = make_soup (self);
  self->ice_servers = mxr_ice_servers_new (config, error);
  if (self->ice_servers == NULL)
    return NULL;
  self->listener = mxr_listener_new (config, self->addresses, &listener_events, self, error);
  if (self->listener == NULL)
    return NULL;
  self->files = mxr_static_files_new (config->server.web_root);
  self->uri = write_uri (self);
  self->webhooks = mxr_webhooks_new (config);
  if (*config->programme.recordings_directory != '\0')
    self->library = mxr_library_new (config, &mxr_library_watch, self);
  mxr_hub_watch_start (self);
  return g_steal_pointer (&self);
}

static void
end_sessions (MxrServer *self)
{
  g_autoptr (GList) sessions = g_hash_table_get_keys (self->sessions);
  for (GList *link = sessions; link != NULL; link = link->next) {
    mxr_session_close (link->data, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "the server is going down");
    mxr_session_end (link->data);
  }
}

/* Everything ends while somebody is there to be told of it. */
static void
end_rooms (MxrServer *self)
{
  if (!self->is_watching)
    return;
  mxr_hub_clear (self->hub);
  mxr_hub_watch_stop (self);
  g_clear_pointer (&self->webhooks, mxr_webhooks_free);
}

void
mxr_server_free (MxrServer *self)
{
  self->is_draining = self->is_ending = true; /* nobody comes in while the main context runs here */
  if (self->library != NULL)
    mxr_library_give_up (self->library);
  g_hash_table_remove_all (self->resources);
  while (self->n_waiting > 0)
    g_main_context_iteration (NULL, TRUE);
  end_sessions (self);
  soup_server_disconnect (self->soup);
  g_clear_pointer (&self->listener, mxr_listener_free);
  g_clear_object (&self->soup);
  end_rooms (self);
  while (self->n_waiting > 0) /* blocks of files, which nobody takes any more */
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&self->library, mxr_library_free);
  g_clear_pointer (&self->files, mxr_static_files_free);
  g_clear_pointer (&self->ice_servers, mxr_ice_servers_free);
  g_hash_table_unref (self->resources);
  g_hash_table_unref (self->sessions);
  mxr_address_table_free (self->addresses);
  mxr_thread_cpu_free (self->thread_cpu);
  g_free (self->uri);
  g_free (self);
}

const char *
mxr_server_get_uri (MxrServer *self)
{
  return self->uri;
}

guint16
mxr_server_get_port (MxrServer *self)
{
  return mxr_listener_get_port (self->listener);
}

void
mxr_server_drain (MxrServer *self)
{
  self->is_draining = true;
}

guint
mxr_server_count_connections (MxrServer *self)
{
  return mxr_listener_get_counts (self->listener).n_connections;
}
