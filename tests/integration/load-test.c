/* The load generator against the server, both as their users run them: what passes, and what has to fail. */

#include "server-process.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

typedef struct {
  GSubprocess *process;
  char *json; /* file */
  bool is_done;
  char *out, *err;
} Load;

static void
on_output (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Load *load = user_data;
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &load->out, &load->err, &error);
  g_assert_no_error (error);
  load->is_done = true;
}

/* @uri: NULL: the server's. */
static void
load_start (Load *load, ServerProcess *server, const char *uri, const char *const *arguments)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  const int file = g_file_open_tmp ("mixroom-load-XXXXXX.json", &load->json, &error);
  g_assert_no_error (error);
  g_close (file, NULL);

  g_ptr_array_add (argv, (char *) g_getenv ("MIXROOM_LOAD"));
  g_ptr_array_add (argv, (char *) "--json");
  g_ptr_array_add (argv, load->json);
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (char *) arguments[i]);
  g_ptr_array_add (argv, (char *) (uri != NULL ? uri : server->uri));
  g_ptr_array_add (argv, NULL);
  load->process = g_subprocess_newv ((const char *const *) argv->pdata,
                                     G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8_async (load->process, NULL, NULL, on_output, load);
}

static bool
is_done (gpointer load)
{
  return ((Load *) load)->is_done;
}

static int
load_wait (Load *load)
{
  pump_until (is_done, load, 90, "the load generator's end");
  g_test_message ("%s%s", load->out, load->err);
  g_assert_true (g_subprocess_get_if_exited (load->process));
  return g_subprocess_get_exit_status (load->process);
}

static JsonNode *
load_read (const Load *load)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (load->json, &text, NULL, &error);
  g_assert_no_error (error);
  JsonNode *node = json_from_string (text, &error);
  g_assert_no_error (error);
  g_assert_nonnull (node);
  return node;
}

static void
load_clear (Load *load)
{
  g_unlink (load->json);
  g_free (load->json);
  g_free (load->out);
  g_free (load->err);
  g_clear_object (&load->process);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Load, load_clear)

static JsonObject *
get_object (JsonObject *object, const char *name)
{
  g_assert_true (json_object_has_member (object, name));
  return json_object_get_object_member (object, name);
}

/* Between what any network could do and what no server may. */
static void
assert_delay (JsonObject *root, const char *kind, guint n_least)
{
  JsonObject *delay = get_object (get_object (root, kind), "delay_ms");
  const double median_ms = json_object_get_double_member (delay, "median");

  g_assert_cmpint (json_object_get_int_member (delay, "n"), >=, n_least);
  g_assert_cmpfloat (json_object_get_double_member (delay, "least"), >, 0);
  g_assert_cmpfloat (median_ms, >, 1);
  g_assert_cmpfloat (median_ms, <, 500);
  g_assert_cmpfloat (json_object_get_double_member (delay, "p95"), >=, median_ms);
}

/* What is checked does not depend on it, but sanitized servers are slow. For that, too, sound may have pauses here. */
static const char *const small_picture[] = { "room.width_px=480", "room.height_px=270", NULL };

/* Where more programs want to run than there are cores, the server may miss a tone in some half second. That is told
 * as the failure it is, but it is no fault of either program. */
#define CONFERENCES_MAX 3

static void
run_conference (Load *load, ServerProcess *server, const char *const *arguments)
{
  for (guint i = 1; i <= CONFERENCES_MAX; i++) {
    load_start (load, server, NULL, arguments);
    if (load_wait (load) == 0)
      return;
    load_clear (load);
    *load = (Load){ 0 };
  }
  g_error ("%d conferences failed", CONFERENCES_MAX);
}

static void
test_conference (void)
{
  ServerProcess *server = server_process_new (small_picture);
  const char *arguments[] = { "--participants=4", "--viewers=3", "--tones", "--delay", "--size=320x180", "--duration=6",
                              "--min-sound=50", "--server-pid", g_subprocess_get_identifier (server->process), NULL };
  g_auto (Load) load = { 0 };

  run_conference (&load, server, arguments);
  g_autoptr (JsonNode) node = load_read (&load);
  JsonObject *root = json_node_get_object (node);
  g_assert_true (json_object_get_boolean_member (root, "passed"));
  g_assert_cmpint (json_object_get_int_member (get_object (root, "clients"), "joined"), ==, 7);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "sound"), "least_tones"), ==, 3);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "picture"), "clients"), ==, 7);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "picture"), "frames"), >, 7 * 6 * 10);
  assert_delay (root, "sound", 6);
  assert_delay (root, "picture", 3);
  g_assert_cmpfloat (json_object_get_double_member (get_object (root, "server"), "cores"), >, 0);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "server"), "resident_kib"), >, 1000);
  server_process_free (server);
}

/* Packets of 20 ms to those who are heard, and of 40 to the others: 26.5 on average. */
static void
assert_audience (JsonObject *root, guint n_clients)
{
  JsonObject *traffic = get_object (root, "traffic");
  const double per_second = json_object_get_double_member (traffic, "down_packets") /
                            json_object_get_double_member (root, "measured_s") / n_clients;

  g_assert_cmpfloat (per_second, >, 20);
  g_assert_cmpfloat (per_second, <, 35);
}

/* A hundred in one room, six of whom may be heard at once while twelve talk: who is sampled hears five or six others and
 * never the own tone, and the server needs no thread for any of them. */
static void
test_a_hundred (void)
{
  ServerProcess *server = server_process_new (NULL);
  const char *arguments[] = { "--participants=100", "--talkers=12", "--tones", "--codec=none", "--ramp=50", "--duration=4",
                              "--min-sound=50", "--server-pid", g_subprocess_get_identifier (server->process), NULL };
  g_auto (Load) load = { 0 };

  run_conference (&load, server, arguments);
  g_autoptr (JsonNode) node = load_read (&load);
  JsonObject *root = json_node_get_object (node);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "clients"), "joined"), ==, 100);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "sound"), "least_tones"), >=, 5);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "server"), "threads"), <, 30);
  assert_audience (root, 100);
  server_process_free (server);
}

/* With packets lost and late, people coming and going, and in H.264: all that is still asked for is there. */
static void
test_rough_conference (void)
{
  static const char *const arguments[] = { "--participants=5", "--talkers=2", "--viewers=2", "--codec=h264", "--loss=2",
                                           "--jitter=20", "--churn=2", "--dtx", "--size=320x180", "--rooms=2",
                                           "--duration=3", NULL };
  ServerProcess *server = server_process_new (small_picture);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_assert_cmpint (load_wait (&load), ==, 0);
  g_autoptr (JsonNode) node = load_read (&load);
  JsonObject *root = json_node_get_object (node);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "clients"), "rejoined"), >, 0);
  g_assert_cmpint (json_object_get_int_member (get_object (root, "traffic"), "up_dropped"), >, 0);
  server_process_free (server);
}

/* The server mixes two, but three others are expected to be heard. */
static void
test_too_few_are_heard (void)
{
  static const char *const settings[] = { "room.max_speakers=2", NULL };
  static const char *const arguments[] = { "--participants=4", "--tones", "--codec=none", "--duration=2", NULL };
  ServerProcess *server = server_process_new (settings);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.out, "FAILED others"));
  g_autoptr (JsonNode) node = load_read (&load);
  g_assert_false (json_object_get_boolean_member (json_node_get_object (node), "passed"));
  server_process_free (server);
}

/* Viewers come to see and hear others: where there are none, that is no success. */
static void
test_nobody_to_hear (void)
{
  static const char *const arguments[] = { "--participants=0", "--viewers=2", "--codec=none", "--duration=1", NULL };
  ServerProcess *server = server_process_new (NULL);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.out, "FAILED sound"));
  g_assert_nonnull (strstr (load.out, "passed left"));
  server_process_free (server);
}

/* One talks: who does not is asked whether it is heard. */
static void
test_one_talks (void)
{
  static const char *const arguments[] = { "--participants=2", "--talkers=1", "--viewers=1", "--tones", "--codec=none",
                                           "--min-sound=50", "--duration=2", NULL };
  ServerProcess *server = server_process_new (NULL);
  g_auto (Load) load = { 0 };

  run_conference (&load, server, arguments);
  g_assert_nonnull (strstr (load.out, "passed others"));
  server_process_free (server);
}

static void
test_not_let_in (void)
{
  static const char *const settings[] = { "server.token_secret=0123456789abcdef0123456789abcdef", NULL };
  static const char *const arguments[] = { "--participants=3", "--codec=none", "--duration=1", "--ramp=100", NULL };
  ServerProcess *server = server_process_new (settings);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.out, "FAILED joined"));
  g_assert_nonnull (strstr (load.out, "token-missing"));
  server_process_free (server);
}

static gboolean
kill_server (gpointer server)
{
  g_subprocess_force_exit (((ServerProcess *) server)->process);
  return G_SOURCE_REMOVE;
}

static void
test_server_dies (void)
{
  static const char *const arguments[] = { "--participants=3", "--codec=none", "--duration=4", NULL };
  ServerProcess *server = server_process_new (NULL);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_timeout_add_seconds (4, kill_server, server);
  g_assert_cmpint (load_wait (&load), ==, 1);
  /* On a slow machine it dies before all have joined. */
  g_assert_true (strstr (load.out, "FAILED left") != NULL || strstr (load.out, "FAILED joined") != NULL ||
                 strstr (load.err, "Is the server running?") != NULL);
  g_object_unref (server->http);
  g_object_unref (server->log);
  g_object_unref (server->process);
  g_free (server->uri);
  g_free (server);
}

static void
test_no_server (void)
{
  static const char *const arguments[] = { "--participants=2", "--codec=none", NULL };
  g_auto (Load) load = { 0 };

  load_start (&load, NULL, "http://127.0.0.1:1", arguments); /* tcpmux, which nobody runs */
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.err, "Is the server running?"));
}

/* Said before anything else is done, so that no long run is for nothing. */
static void
test_unwritable_results (void)
{
  static const char *const arguments[] = { "--participants=2", "--codec=none", "--json=/nowhere/results", NULL };
  g_auto (Load) load = { 0 };

  load_start (&load, NULL, "http://127.0.0.1:1", arguments);
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.err, "/nowhere/results: No such file"));
  g_assert_null (strstr (load.err, "Is the server running?"));
}

static gboolean
interrupt (gpointer load)
{
  g_subprocess_send_signal (((Load *) load)->process, SIGINT);
  return G_SOURCE_REMOVE;
}

/* All have left when it ends, and it says that it did not measure for as long as it should. */
static void
test_interrupted (void)
{
  static const char *const arguments[] = { "--participants=3", "--codec=none", "--duration=60", NULL };
  ServerProcess *server = server_process_new (NULL);
  g_auto (Load) load = { 0 };

  load_start (&load, server, NULL, arguments);
  g_timeout_add_seconds (4, interrupt, &load);
  g_assert_cmpint (load_wait (&load), ==, 1);
  g_assert_nonnull (strstr (load.out, "FAILED whole"));
  g_assert_nonnull (strstr (load.out, "passed left"));
  g_autoptr (JsonNode) rooms = server_process_get_json (server, "/api/v1/rooms");
  g_autofree char *text = json_to_string (rooms, FALSE);
  g_assert_null (strstr (text, "\"load\""));
  server_process_free (server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/conference", test_conference);
  g_test_add_func ("/load/a-hundred", test_a_hundred);
  g_test_add_func ("/load/rough-conference", test_rough_conference);
  g_test_add_func ("/load/too-few-are-heard", test_too_few_are_heard);
  g_test_add_func ("/load/nobody-to-hear", test_nobody_to_hear);
  g_test_add_func ("/load/one-talks", test_one_talks);
  g_test_add_func ("/load/not-let-in", test_not_let_in);
  g_test_add_func ("/load/server-dies", test_server_dies);
  g_test_add_func ("/load/no-server", test_no_server);
  g_test_add_func ("/load/unwritable-results", test_unwritable_results);
  g_test_add_func ("/load/interrupted", test_interrupted);
  return g_test_run ();
}
