#include "server-process.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

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
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

ServerProcess *
server_process_new (const char *const *settings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  ServerProcess *server = g_new0 (ServerProcess, 1);
  const char *path = g_getenv ("MIXROOM_SERVER");

  g_assert_nonnull (path);
  g_ptr_array_add (argv, (char *) path);
  const char *fixed[] = { "--listen", "127.0.0.1:0", "--set", "ice.allow_loopback=true",
                          "--set", "ice.local_addresses=127.0.0.1" };
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    g_ptr_array_add (argv, (char *) fixed[i]);
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++) {
    g_ptr_array_add (argv, (char *) "--set");
    g_ptr_array_add (argv, (char *) settings[i]);
  }
  g_ptr_array_add (argv, NULL);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
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

void
server_process_free (ServerProcess *server)
{
  bool exited = false;

  g_object_unref (server->http);
  g_subprocess_send_signal (server->process, SIGTERM);
  g_subprocess_send_signal (server->process, SIGTERM);
  g_subprocess_wait_async (server->process, NULL, on_process_exit, &exited);
  pump_until (is_true, &exited, 20, "the server's end");
  g_assert_true (g_subprocess_get_if_exited (server->process));
  g_assert_cmpint (g_subprocess_get_exit_status (server->process), ==, 0);
  g_object_unref (server->log);
  g_object_unref (server->process);
  g_free (server->uri);
  g_free (server);
}

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

guint
server_process_request (ServerProcess *server, const char *method, const char *path, const char *type,
                        const char *body, char **out_body, char **out_location)
{
  g_autofree char *uri = g_strconcat (server->uri, path[0] == '/' ? path + 1 : path, NULL);
  g_autoptr (SoupMessage) message = soup_message_new (method, uri);
  Reply reply = { 0 };

  if (body != NULL) {
    g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
    soup_message_set_request_body_from_bytes (message, type, bytes);
  }
  soup_session_send_and_read_async (server->http, message, G_PRIORITY_DEFAULT, NULL, on_reply, &reply);
  pump_until (is_true, &reply.done, 20, path);
  if (out_body != NULL)
    *out_body = reply.bytes != NULL
                  ? g_strndup (g_bytes_get_data (reply.bytes, NULL), g_bytes_get_size (reply.bytes))
                  : NULL;
  if (out_location != NULL)
    *out_location = g_strdup (soup_message_headers_get_one (soup_message_get_response_headers (message), "Location"));
  g_clear_pointer (&reply.bytes, g_bytes_unref);
  return soup_message_get_status (message);
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
