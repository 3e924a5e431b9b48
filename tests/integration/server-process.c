#include "server-process.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static gboolean
on_deadline (gpointer user_data)
{
  *(bool *) user_data = true;
  return G_SOURCE_REMOVE;
}

void
pump_until (bool (*is_done) (gpointer data), gpointer data, guint seconds, const char *what)
{
  gint64 deadline_us = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;

  while (!is_done (data)) {
    if (g_get_monotonic_time () > deadline_us)
      g_error ("%s: not within %u s", what, seconds);
    bool slice = false;
    guint timer = g_timeout_add (20, on_deadline, &slice);
    g_main_context_iteration (NULL, TRUE);
    if (!slice)
      g_source_remove (timer);
  }
}

void
pump_for (guint ms)
{
  bool done = false;
  g_timeout_add (ms, on_deadline, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

/* The rest of the log is passed on, so that a failing test shows it. */
static void
on_log_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, NULL);
  if (line == NULL)
    return;
  g_printerr ("# server: %s\n", line);
  g_data_input_stream_read_line_async (G_DATA_INPUT_STREAM (source), G_PRIORITY_DEFAULT, NULL, on_log_line, NULL);
}

static char *
wait_for_uri (GDataInputStream *log)
{
  g_autoptr (GError) error = NULL;
  char *line;

  while ((line = g_data_input_stream_read_line (log, NULL, NULL, &error)) != NULL) {
    g_autofree char *owned = line;
    const char *uri = strstr (owned, "serves http");
    g_printerr ("# server: %s\n", owned);
    if (uri != NULL)
      return g_strdup (uri + strlen ("serves "));
  }
  g_error ("the server did not start");
}

/* A test that aborts leaves no server behind. */
static void
prepare_child (gpointer user_data)
{
  rlim_t max_descriptors = GPOINTER_TO_UINT (user_data);
  const struct rlimit limit = { max_descriptors, max_descriptors };

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (max_descriptors > 0)
    setrlimit (RLIMIT_NOFILE, &limit);
}

ServerProcess *
server_process_new (const char *const *settings)
{
  return server_process_new_limited (settings, 0);
}

ServerProcess *
server_process_new_limited (const char *const *settings, guint max_descriptors)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  ServerProcess *server = g_new0 (ServerProcess, 1);
  const char *path = g_getenv ("MIXROOM_SERVER");

  g_assert_nonnull (path);
  g_ptr_array_add (argv, (char *) path);
  const char *fixed[] = { "--listen", "127.0.0.1:0", "--set", "ice.allow_loopback=true",
                          "--set", "ice.local_addresses=127.0.0.1", "--set", "room.direct_calls=false" };
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    g_ptr_array_add (argv, (char *) fixed[i]);
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++) {
    g_ptr_array_add (argv, (char *) "--set");
    g_ptr_array_add (argv, (char *) settings[i]);
  }
  g_ptr_array_add (argv, NULL);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, GUINT_TO_POINTER (max_descriptors), NULL);
  server->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  server->log = g_data_input_stream_new (g_subprocess_get_stderr_pipe (server->process));
  server->uri = wait_for_uri (server->log);
  server->http = soup_session_new ();
  g_data_input_stream_read_line_async (server->log, G_PRIORITY_DEFAULT, NULL, on_log_line, NULL);
  return server;
}

static void
on_process_exit (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  *(bool *) user_data = true;
}

static bool
is_true (gpointer data)
{
  return *(bool *) data;
}

int
server_process_wait (ServerProcess *server, guint seconds)
{
  bool exited = false;

  g_object_unref (server->http);
  g_subprocess_wait_async (server->process, NULL, on_process_exit, &exited);
  pump_until (is_true, &exited, seconds, "the server's end");
  g_assert_true (g_subprocess_get_if_exited (server->process));
  int status = g_subprocess_get_exit_status (server->process);
  g_object_unref (server->log);
  g_object_unref (server->process);
  g_free (server->uri);
  g_free (server);
  return status;
}

void
server_process_free (ServerProcess *server)
{
  g_subprocess_send_signal (server->process, SIGTERM);
  pump_for (100); /* two that come at once are one */
  g_subprocess_send_signal (server->process, SIGTERM);
  g_assert_cmpint (server_process_wait (server, 20), ==, 0);
}

int
server_process_run (const char *const *arguments, char **out_stdout, char **out_stderr)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (argv, (char *) g_getenv ("MIXROOM_SERVER"));
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, NULL);
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_subprocess_launcher_set_child_setup (launcher, prepare_child, NULL, NULL);
  g_autoptr (GSubprocess) process =
    g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, out_stdout, out_stderr, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  return g_subprocess_get_exit_status (process);
}

/* ---- What it holds --------------------------------------------------------------------------------------- */

static guint
read_status (const char *text, const char *field)
{
  const char *line = strstr (text, field);
  g_assert_nonnull (line);
  return (guint) g_ascii_strtoull (line + strlen (field), NULL, 10);
}

void
server_process_measure (ServerProcess *server, ServerUsage *out_usage)
{
  const char *pid = g_subprocess_get_identifier (server->process);
  g_autofree char *descriptors = g_strdup_printf ("/proc/%s/fd", pid);
  g_autofree char *status = g_strdup_printf ("/proc/%s/status", pid);
  g_autofree char *text = NULL;
  g_autoptr (GDir) dir = g_dir_open (descriptors, 0, NULL);

  g_assert_nonnull (dir);
  *out_usage = (ServerUsage){ 0 };
  while (g_dir_read_name (dir) != NULL)
    out_usage->n_descriptors++;
  g_assert_true (g_file_get_contents (status, &text, NULL, NULL));
  out_usage->n_threads = read_status (text, "\nThreads:\t");
  out_usage->resident_kib = read_status (text, "\nVmRSS:\t");
  out_usage->peak_kib = read_status (text, "\nVmHWM:\t");
}

guint16
server_process_get_port (ServerProcess *server)
{
  g_autoptr (GUri) uri = g_uri_parse (server->uri, G_URI_FLAGS_NONE, NULL);
  return (guint16) g_uri_get_port (uri);
}

/* ---- Requests -------------------------------------------------------------------------------------------- */

typedef struct {
  bool done;
  GBytes *bytes;
} Reply;

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reply *reply = user_data;
  g_autoptr (GError) error = NULL;
  reply->bytes = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  if (error != NULL)
    g_printerr ("# request: %s\n", error->message);
  reply->done = true;
}

static char *
dup_header (SoupMessage *message, const char *name)
{
  return g_strdup (soup_message_headers_get_one (soup_message_get_response_headers (message), name));
}

void
server_process_send (ServerProcess *server, const char *method, const char *path, const char *if_match,
                     const char *type, const void *body, gssize n_bytes, ServerReply *out_reply)
{
  g_autofree char *uri = g_strconcat (server->uri, path[0] == '/' ? path + 1 : path, NULL);
  g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_ENCODED, NULL);
  g_autoptr (SoupMessage) message = soup_message_new_from_uri (method, parsed);
  Reply reply = { 0 };

  if (if_match != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message), "If-Match", if_match);
  if (body != NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, n_bytes >= 0 ? (gsize) n_bytes : strlen (body));
    soup_message_set_request_body_from_bytes (message, type, bytes);
  }
  soup_session_send_and_read_async (server->http, message, G_PRIORITY_DEFAULT, NULL, on_reply, &reply);
  pump_until (is_true, &reply.done, 20, path);
  *out_reply = (ServerReply){
    .status = soup_message_get_status (message),
    .type = dup_header (message, "Content-Type"),
    .location = dup_header (message, "Location"),
    .etag = dup_header (message, "ETag"),
    .retry_after = dup_header (message, "Retry-After"),
    .body = reply.bytes != NULL ? g_strndup (g_bytes_get_data (reply.bytes, NULL), g_bytes_get_size (reply.bytes))
                                : NULL,
  };
  g_clear_pointer (&reply.bytes, g_bytes_unref);
}

void
server_reply_clear (ServerReply *reply)
{
  g_free (reply->type);
  g_free (reply->location);
  g_free (reply->etag);
  g_free (reply->retry_after);
  g_free (reply->body);
  *reply = (ServerReply){ 0 };
}

void
server_reply_assert_problem (const ServerReply *reply, guint status, const char *kind)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *type = g_strconcat ("/problems/", kind, NULL);

  if (reply->status != status)
    g_printerr ("# answer: %s\n", reply->body);
  g_assert_cmpuint (reply->status, ==, status);
  g_assert_cmpstr (reply->type, ==, "application/problem+json");
  g_autoptr (JsonNode) node = json_from_string (reply->body, &error);
  g_assert_no_error (error);
  JsonObject *problem = json_node_get_object (node);
  g_assert_cmpstr (json_object_get_string_member (problem, "type"), ==, type);
  g_assert_cmpuint (strlen (json_object_get_string_member (problem, "title")), >, 0);
  g_assert_cmpuint (strlen (json_object_get_string_member (problem, "detail")), >, 0);
  g_assert_true ((status == 503 || status == 429) == (reply->retry_after != NULL));
}

guint
server_process_request (ServerProcess *server, const char *method, const char *path, const char *type,
                        const char *body, char **out_body, char **out_location)
{
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, method, path, NULL, type, body, -1, &reply);
  if (out_body != NULL)
    *out_body = g_steal_pointer (&reply.body);
  if (out_location != NULL)
    *out_location = g_steal_pointer (&reply.location);
  return reply.status;
}

JsonNode *
server_process_get_json (ServerProcess *server, const char *path)
{
  g_autofree char *body = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (server_process_request (server, "GET", path, NULL, NULL, &body, NULL), ==, 200);
  JsonNode *node = json_from_string (body, &error);
  g_assert_no_error (error);
  return node;
}
