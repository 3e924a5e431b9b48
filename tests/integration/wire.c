#include "wire.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- WebSocket -------------------------------------------------------------------------------------------
 */

static void
on_message (SoupWebsocketConnection *connection, gint type, GBytes *bytes, gpointer user_data)
{
  WsClient *client = user_data;
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autoptr (GError) error = NULL;
  JsonNode *message = json_from_string (text, &error);

  g_assert_no_error (error);
  g_ptr_array_add (client->messages, message);
}

static void
on_closed (SoupWebsocketConnection *connection, gpointer user_data)
{
  WsClient *client = user_data;
  client->is_closed = true;
  client->close_code = soup_websocket_connection_get_close_code (connection);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WsClient *client = user_data;

  client->connection = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, NULL);
  client->is_closed = client->connection == NULL;
  if (client->is_closed)
    return;
  g_signal_connect (client->connection, "message", G_CALLBACK (on_message), client);
  g_signal_connect (client->connection, "closed", G_CALLBACK (on_closed), client);
}

static bool
is_settled (gpointer data)
{
  const WsClient *client = data;
  return client->connection != NULL || client->is_closed;
}

WsClient *
ws_client_new (ServerProcess *server)
{
  WsClient *client = g_new0 (WsClient, 1);
  char *protocols[] = { (char *) "mixroom.v1", NULL };
  g_autofree char *uri = g_strdup_printf ("ws://127.0.0.1:%u/ws", server_process_get_port (server));
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  /* Of its own: libsoup's bound of connections to one host is for pages. */
  g_autoptr (SoupSession) session = soup_session_new ();

  client->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  soup_session_websocket_connect_async (session, message, NULL, protocols, G_PRIORITY_DEFAULT, NULL,
                                        on_connected, client);
  pump_until (is_settled, client, 20, "a WebSocket");
  return client;
}

void
ws_client_free (WsClient *client)
{
  if (client->connection != NULL) {
    g_signal_handlers_disconnect_by_data (client->connection, client);
    g_io_stream_close (soup_websocket_connection_get_io_stream (client->connection), NULL, NULL);
    g_object_unref (client->connection);
  }
  g_ptr_array_unref (client->messages);
  g_free (client);
}

static bool
is_open (const WsClient *client)
{
  return client->connection != NULL &&
         soup_websocket_connection_get_state (client->connection) == SOUP_WEBSOCKET_STATE_OPEN;
}

void
ws_client_send (WsClient *client, const char *text, gssize n_bytes)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, n_bytes >= 0 ? (gsize) n_bytes : strlen (text));
  if (is_open (client))
    soup_websocket_connection_send_message (client->connection, SOUP_WEBSOCKET_DATA_TEXT, bytes);
}

void
ws_client_send_message (WsClient *client, const char *type, ...)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *name;
  va_list arguments;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, type);
  va_start (arguments, type);
  while ((name = va_arg (arguments, const char *)) != NULL) {
    json_builder_set_member_name (builder, name);
    json_builder_add_string_value (builder, va_arg (arguments, const char *));
  }
  va_end (arguments);
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, FALSE);
  ws_client_send (client, text, -1);
}

const char *
ws_get_string (JsonNode *message, const char *member)
{
  return json_object_get_string_member_with_default (json_node_get_object (message), member, NULL);
}

static bool
has_message (gpointer data)
{
  const WsClient *client = data;
  return client->messages->len > 0 || client->is_closed;
}

static JsonNode *
take_message (WsClient *client, const char *awaited)
{
  pump_until (has_message, client, 20, awaited);
  return client->messages->len > 0 ? g_ptr_array_steal_index (client->messages, 0) : NULL;
}

JsonNode *
ws_client_expect (WsClient *client, const char *type)
{
  JsonNode *message;

  while ((message = take_message (client, type)) != NULL) {
    if (strcmp (ws_get_string (message, "type"), type) == 0)
      return message;
    json_node_unref (message);
  }
  return NULL;
}

void
ws_client_expect_error (WsClient *client, const char *code)
{
  g_autoptr (JsonNode) message = ws_client_expect (client, "error");
  g_assert_nonnull (message);
  g_assert_cmpstr (ws_get_string (message, "code"), ==, code);
  g_assert_cmpuint (strlen (ws_get_string (message, "detail")), >, 0);
}

char *
ws_client_expect_reply (WsClient *client)
{
  JsonNode *next;

  while ((next = take_message (client, "an answer or an error")) != NULL) {
    g_autoptr (JsonNode) message = next;
    const char *type = ws_get_string (message, "type");
    if (strcmp (type, "answer") == 0)
      return g_strdup (type);
    if (strcmp (type, "error") != 0)
      continue;
    g_assert_cmpuint (strlen (ws_get_string (message, "detail")), >, 0);
    return g_strdup (ws_get_string (message, "code"));
  }
  return NULL;
}

/* ---- Sockets ---------------------------------------------------------------------------------------------
 */

int
tcp_client_new (ServerProcess *server)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (server_process_get_port (server)),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const struct timeval limit = { .tv_sec = 5 };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

void
tcp_client_send (int fd, const void *bytes, gsize n_bytes)
{
  const char *rest = bytes;
  gssize n;

  while (n_bytes > 0 && (n = send (fd, rest, n_bytes, MSG_NOSIGNAL)) > 0) {
    rest += n;
    n_bytes -= (gsize) n;
  }
}

char *
tcp_client_exchange (ServerProcess *server, const void *bytes, gsize n_bytes)
{
  g_autoptr (GString) answer = g_string_new (NULL);
  char piece[4096];
  gssize n;
  int fd = tcp_client_new (server);

  g_assert_cmpint (fd, >=, 0);
  tcp_client_send (fd, bytes, n_bytes);
  while ((n = recv (fd, piece, sizeof piece, 0)) > 0)
    g_string_append_len (answer, piece, n);
  close (fd);
  return g_string_free (g_steal_pointer (&answer), FALSE);
}

/* ---- SDP -------------------------------------------------------------------------------------------------
 */

GArray *
sdp_list_udp_ports (const char *sdp)
{
  g_auto (GStrv) lines = g_strsplit (sdp, "\n", -1);
  GArray *ports = g_array_new (FALSE, FALSE, sizeof (guint16));

  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) words = NULL;
    if (!g_str_has_prefix (*line, "a=candidate:"))
      continue;
    words = g_strsplit (*line, " ", -1);
    if (g_strv_length (words) < 8 || g_ascii_strcasecmp (words[2], "udp") != 0 ||
        strcmp (words[4], "127.0.0.1") != 0)
      continue;
    guint16 port = (guint16) g_ascii_strtoull (words[5], NULL, 10);
    g_array_append_val (ports, port);
  }
  return ports;
}

char *
sdp_dup_attribute (const char *sdp, const char *name)
{
  g_autofree char *prefix = g_strdup_printf ("a=%s:", name);
  const char *line = strstr (sdp, prefix);

  if (line == NULL)
    return NULL;
  line += strlen (prefix);
  return g_strndup (line, strcspn (line, "\r\n"));
}

/* ---- Corpora ---------------------------------------------------------------------------------------------
 */

static void
append_file (GPtrArray *pieces, const char *path, gsize max_bytes)
{
  g_autofree char *contents = NULL;
  gsize n_bytes;

  if (!g_file_get_contents (path, &contents, &n_bytes, NULL))
    return;
  for (gsize at = 0; at < n_bytes; at += max_bytes)
    g_ptr_array_add (pieces, g_bytes_new (contents + at, MIN (max_bytes, n_bytes - at)));
}

static void
append_folder (GPtrArray *pieces, const char *path, gsize max_bytes)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      append_folder (pieces, child, max_bytes);
    else
      append_file (pieces, child, max_bytes);
  }
}

GPtrArray *
corpus_list (const char *folder, gsize max_bytes)
{
  GPtrArray *pieces = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  const char *root = g_getenv ("MIXROOM_CORPORA");
  g_autofree char *beside =
      g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "..", "shared", "corpora", NULL);
  g_autofree char *path = g_build_filename (root != NULL ? root : beside, folder, NULL);

  append_folder (pieces, path, max_bytes);
  return pieces;
}
