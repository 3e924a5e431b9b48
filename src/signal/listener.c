#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mixroom/signal.h"

/* Somebody's page reload in a full room: everybody comes back within a second. */
#define BACKLOG 512
/* Accepted in one turn of the main loop: the others want a turn as well. */
#define ACCEPTS_PER_TURN 64
/* After running out of descriptors: long enough for some to come back, short enough not to be noticed. */
#define OUT_OF_FILES_PAUSE_MS 100
/* GLib does a handshake in a thread of GTask's pool, where a client that stops half way would stay until its
 * deadline. So few at once, fewer from one address, and none before the client has sent something. */
#define HANDSHAKES_MAX 16
#define HANDSHAKES_MAX_PER_ADDRESS 8
#define HANDSHAKE_RETRY_MS 20
/* Addresses remembered before those with nothing to remember are dropped. */
#define ADDRESSES_MAX 4096

struct _MxrListener {
  const MxrConfig *config;
  MxrAddressTable *addresses;
  const MxrListenerEvents *events;
  gpointer user_data;
  GTlsCertificate *certificate;
  GPtrArray *sockets; /* GSocket */
  GPtrArray *sources; /* GSource; empty while pausing */
  GSource *resume;
  int spare_fd; /* given up to accept, and so close, one connection when there are no descriptors left */
  guint16 port;
  GHashTable *connections; /* MxrConnection -> GInetAddress */
  guint n_handshakes;
  MxrListenerCounts counts;
  MxrBucket log_bucket;
};

/* One TLS handshake, from the first byte of the client to its end. */
typedef struct {
  MxrListener *listener;
  MxrConnection *connection;
  GInetAddress *address;
  GTlsConnection *tls;
} Handshake;

static void start_accepting (MxrListener *self);

/* ---- Connections ----------------------------------------------------------------------------------------
 */

static void
on_connection_gone (MxrConnection *connection, gpointer user_data)
{
  MxrListener *self = user_data;
  GInetAddress *address = g_hash_table_lookup (self->connections, connection);

  mxr_address_table_get (self->addresses, address)->n_connections--;
  g_hash_table_remove (self->connections, connection);
}

static void
on_connection_refused (guint status, gpointer user_data)
{
  MxrListener *self = user_data;
  self->events->on_refused (status, self->user_data);
}

static const MxrConnectionEvents connection_events = {
  .on_gone = on_connection_gone,
  .on_refused = on_connection_refused,
};

/* ---- TLS ------------------------------------------------------------------------------------------------
 */

static void
handshake_free (Handshake *handshake)
{
  g_clear_object (&handshake->tls);
  g_object_unref (handshake->connection);
  g_object_unref (handshake->address);
  g_free (handshake);
}

static void
on_handshake_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Handshake *handshake = user_data;
  MxrListener *self = handshake->listener;

  self->n_handshakes--;
  mxr_address_table_get (self->addresses, handshake->address)->n_handshakes--;
  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, NULL)) {
    mxr_connection_set_tls (handshake->connection, G_IO_STREAM (handshake->tls));
    self->events->on_connection (handshake->connection, self->user_data);
  } else {
    mxr_connection_abort (handshake->connection);
    g_io_stream_close (G_IO_STREAM (handshake->connection), NULL, NULL);
  }
  handshake_free (handshake);
}

static gboolean
begin_handshake (Handshake *handshake)
{
  MxrListener *self = handshake->listener;
  GSocketConnection *socket = mxr_connection_get_socket (handshake->connection);
  g_autoptr (GIOStream) tls = g_tls_server_connection_new (G_IO_STREAM (socket), self->certificate, NULL);

  if (tls == NULL) {
    g_io_stream_close (G_IO_STREAM (handshake->connection), NULL, NULL);
    return FALSE;
  }
  static const char *const protocols[] = { "http/1.1", NULL };
  handshake->tls = G_TLS_CONNECTION (g_steal_pointer (&tls));
  g_tls_connection_set_require_close_notify (handshake->tls, FALSE);
  g_tls_connection_set_advertised_protocols (handshake->tls, protocols);
  self->n_handshakes++;
  mxr_address_table_get (self->addresses, handshake->address)->n_handshakes++;
  g_tls_connection_handshake_async (handshake->tls, G_PRIORITY_DEFAULT, NULL, on_handshake_done, handshake);
  return TRUE;
}

static void wait_for_turn (Handshake *handshake);

/* The client has said something, or hung up. */
static gboolean
on_hello_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Handshake *handshake = user_data;
  MxrListener *self = handshake->listener;
  char byte;

  if (recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
    g_io_stream_close (G_IO_STREAM (handshake->connection), NULL, NULL);
    handshake_free (handshake);
  } else if (self->n_handshakes >= HANDSHAKES_MAX ||
             mxr_address_table_get (self->addresses, handshake->address)->n_handshakes >=
                 HANDSHAKES_MAX_PER_ADDRESS) {
    wait_for_turn (handshake);
  } else if (!begin_handshake (handshake)) {
    handshake_free (handshake);
  }
  return G_SOURCE_REMOVE;
}

static void
wait_for_hello (Handshake *handshake)
{
  GSocket *socket = g_socket_connection_get_socket (mxr_connection_get_socket (handshake->connection));
  g_autoptr (GSource) source = g_socket_create_source (socket, G_IO_IN, NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (on_hello_readable), handshake, NULL);
  g_source_set_static_name (source, "mxr-listener-hello");
  g_source_attach (source, NULL);
}

static gboolean
on_turn (gpointer user_data)
{
  wait_for_hello (user_data);
  return G_SOURCE_REMOVE;
}

static void
wait_for_turn (Handshake *handshake)
{
  g_autoptr (GSource) source = g_timeout_source_new (HANDSHAKE_RETRY_MS);
  g_source_set_callback (source, on_turn, handshake, NULL);
  g_source_set_static_name (source, "mxr-listener-handshake-turn");
  g_source_attach (source, NULL);
}

/* ---- Accepting ------------------------------------------------------------------------------------------
 */

static void
take_connection (MxrListener *self, GSocket *socket)
{
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (socket, NULL);
  if (remote == NULL)
    return; /* gone already */
  GInetAddress *address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  if (mxr_address_table_get_size (self->addresses) >= ADDRESSES_MAX)
    mxr_address_table_prune (self->addresses, g_get_monotonic_time ());
  MxrAddressEntry *entry = mxr_address_table_get (self->addresses, address);

  if (g_hash_table_size (self->connections) >= self->config->http.max_connections ||
      entry->n_connections >= self->config->http.max_connections_per_address) {
    self->counts.n_turned_away++;
    return;
  }
  entry->n_connections++;
  self->counts.n_accepted++;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);

  g_autoptr (GSocketConnection) stream = g_socket_connection_factory_create_connection (socket);
  g_autoptr (MxrConnection) connection = mxr_connection_new (stream, self->config, &connection_events, self);
  g_hash_table_insert (self->connections, g_object_ref (connection), g_object_ref (address));
  if (self->certificate == NULL) {
    self->events->on_connection (connection, self->user_data);
    return;
  }
  Handshake *handshake = g_new0 (Handshake, 1);
  handshake->listener = self;
  handshake->address = g_object_ref (address);
  handshake->connection = g_object_ref (connection);
  wait_for_hello (handshake);
}

static int
open_spare (void)
{
  return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
stop_accepting (MxrListener *self)
{
  for (guint i = 0; i < self->sources->len; i++)
    g_source_destroy (g_ptr_array_index (self->sources, i));
  g_ptr_array_set_size (self->sources, 0);
}

static gboolean
on_resume (gpointer user_data)
{
  MxrListener *self = user_data;
  g_clear_pointer (&self->resume, g_source_unref);
  start_accepting (self);
  return G_SOURCE_REMOVE;
}

/* No descriptor is left: the one in reserve serves to tell the first in line that it is turned away, rather
 * than leaving it in the backlog; then some time passes, or the loop would spin on a socket it cannot empty.
 */
static void
give_up_spare (MxrListener *self, GSocket *listening)
{
  self->counts.n_out_of_files++;
  if (mxr_log_allowed (&self->log_bucket))
    mxr_warning ("signal", "out of file descriptors; raise the limit (LimitNOFILE=, ulimit -n) above "
                           "http.max_connections and what media needs");
  if (self->spare_fd >= 0) {
    close (self->spare_fd);
    int fd = accept4 (g_socket_get_fd (listening), NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      close (fd);
  }
  self->spare_fd = open_spare ();

  stop_accepting (self);
  self->resume = g_timeout_source_new (OUT_OF_FILES_PAUSE_MS);
  g_source_set_callback (self->resume, on_resume, self, NULL);
  g_source_set_static_name (self->resume, "mxr-listener-resume");
  g_source_attach (self->resume, NULL);
}

static gboolean
on_listening_readable (GSocket *listening, GIOCondition condition, gpointer user_data)
{
  MxrListener *self = user_data;

  for (guint i = 0; i < ACCEPTS_PER_TURN; i++) {
    int fd = accept4 (g_socket_get_fd (listening), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
      give_up_spare (self, listening);
      return G_SOURCE_CONTINUE; /* destroyed by now */
    }
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
      continue;
    if (fd < 0)
      break;
    g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);
    if (socket == NULL)
      close (fd);
    else
      take_connection (self, socket);
  }
  return G_SOURCE_CONTINUE;
}

static void
start_accepting (MxrListener *self)
{
  for (guint i = 0; i < self->sockets->len; i++) {
    GSource *source = g_socket_create_source (g_ptr_array_index (self->sockets, i), G_IO_IN, NULL);
    g_source_set_callback (source, G_SOURCE_FUNC (on_listening_readable), self, NULL);
    g_source_set_static_name (source, "mxr-listener");
    g_source_attach (source, NULL);
    g_ptr_array_add (self->sources, source);
  }
}

/* ---- Starting -------------------------------------------------------------------------------------------
 */

static bool
load_certificate (MxrListener *self, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (*self->config->server.tls_certificate == '\0')
    return true;
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    g_set_error_literal (error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_CERTIFICATE,
                         "server.tls_certificate is set, but GLib has no TLS here: install glib-networking");
    return false;
  }
  self->certificate = g_tls_certificate_new_from_files (self->config->server.tls_certificate,
                                                        self->config->server.tls_key, &cause);
  if (self->certificate == NULL)
    g_set_error (
        error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_CERTIFICATE,
        "cannot use server.tls_certificate=%s with server.tls_key=%s: %s; both must be PEM files that "
        "this user may read",
        self->config->server.tls_certificate, self->config->server.tls_key, cause->message);
  return self->certificate != NULL;
}

static bool
listen_on (MxrListener *self, GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return false;
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return false;

  g_autoptr (GSocketAddress) local = g_socket_get_local_address (socket, error);
  if (local == NULL)
    return false;
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  g_ptr_array_add (self->sockets, g_steal_pointer (&socket));
  return true;
}

/* Every address that the name stands for: `localhost` is two. One that works is enough. */
static bool
listen_everywhere (MxrListener *self, GError **error)
{
  const char *listen = self->config->server.listen;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GSocketConnectable) where = g_network_address_parse (listen, 0, &cause);
  g_autoptr (GSocketAddressEnumerator) addresses =
      where != NULL ? g_socket_connectable_enumerate (where) : NULL;

  while (addresses != NULL) {
    g_autoptr (GSocketAddress) address =
        g_socket_address_enumerator_next (addresses, NULL, cause == NULL ? &cause : NULL);
    if (address == NULL)
      break;
    listen_on (self, address, cause == NULL ? &cause : NULL);
  }
  if (self->sockets->len > 0)
    return true;
  g_set_error (
      error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_LISTEN,
      "cannot listen on %s: %s; stop what listens there, or choose another server.listen (port 0: any free "
      "one; ports below 1024 need the right to)",
      listen, cause != NULL ? cause->message : "the name has no address");
  return false;
}

MxrListener *
mxr_listener_new (const MxrConfig *config, MxrAddressTable *addresses, const MxrListenerEvents *events,
                  gpointer user_data, GError **error)
{
  g_autoptr (MxrListener) self = g_new0 (MxrListener, 1);

  self->config = config;
  self->addresses = addresses;
  self->events = events;
  self->user_data = user_data;
  self->sockets = g_ptr_array_new_with_free_func (g_object_unref);
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify)g_source_unref);
  self->connections = g_hash_table_new_full (NULL, NULL, g_object_unref, g_object_unref);
  self->spare_fd = open_spare ();
  if (!load_certificate (self, error) || !listen_everywhere (self, error))
    return NULL;
  start_accepting (self);
  return g_steal_pointer (&self);
}

void
mxr_listener_abort_all (MxrListener *self)
{
  GHashTableIter iter;
  gpointer connection;

  stop_accepting (self);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    mxr_connection_abort (connection);
}

void
mxr_listener_free (MxrListener *self)
{
  mxr_listener_abort_all (self);
  while (g_hash_table_size (self->connections) > 0)
    g_main_context_iteration (NULL, TRUE);
  if (self->resume != NULL) {
    g_source_destroy (self->resume);
    g_source_unref (self->resume);
  }
  if (self->spare_fd >= 0)
    close (self->spare_fd);
  g_ptr_array_unref (self->sources);
  g_ptr_array_unref (self->sockets);
  g_hash_table_unref (self->connections);
  g_clear_object (&self->certificate);
  g_free (self);
}

guint16
mxr_listener_get_port (MxrListener *self)
{
  return self->port;
}

bool
mxr_listener_is_tls (MxrListener *self)
{
  return self->certificate != NULL;
}

MxrListenerCounts
mxr_listener_get_counts (MxrListener *self)
{
  MxrListenerCounts counts = self->counts;
  counts.n_connections = g_hash_table_size (self->connections);
  return counts;
}
