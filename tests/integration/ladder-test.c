/* Clients of whom little is believed at first climb the ladder over real transport, and see no gap on their way. */

#include "server-process.h"

#include <string.h>

#define N_CLIENTS "3"

static ServerProcess *server;

/* ---- What the server says ------------------------------------------------------------------------------------ */

/* Returns: (nullable): %NULL before the first has come. */
static JsonNode *
get_room (void)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (server, "GET", "/api/v1/rooms/load", NULL, NULL, NULL, 0, &reply);
  return reply.status == 200 ? json_from_string (reply.body, NULL) : NULL;
}

/* Returns: how many participants' member @name of `bandwidth` is @value. */
static guint
count (JsonNode *room, const char *name, const char *value)
{
  JsonObject *root = json_node_get_object (room);
  JsonArray *people = json_object_get_array_member (root, "participants");
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (people); i++) {
    JsonObject *bandwidth = json_object_get_object_member (json_array_get_object_element (people, i), "bandwidth");
    n += strcmp (json_object_get_string_member_with_default (bandwidth, name, ""), value) == 0;
  }
  return n;
}

static bool
has_rung (JsonNode *room, const char *level)
{
  JsonArray *rungs = json_object_get_array_member (json_node_get_object (room), "rungs");
  bool has = false;

  for (guint i = 0; i < json_array_get_length (rungs); i++)
    has |= strcmp (json_object_get_string_member_with_default (json_array_get_object_element (rungs, i), "level", ""), level) == 0;
  return has;
}

static bool
all_get (const char *rung)
{
  g_autoptr (JsonNode) room = get_room ();
  return room != NULL && count (room, "rung", rung) == (guint) atoi (N_CLIENTS);
}

static bool
all_get_least (gpointer unused)
{
  return all_get ("180p15");
}

static bool
all_get_best (gpointer unused)
{
  return all_get ("720p30");
}

/* Encoders that nobody needs any more end. */
static bool
only_best_is_left (gpointer unused)
{
  g_autoptr (JsonNode) room = get_room ();
  return room != NULL && has_rung (room, "720p30") && !has_rung (room, "360p30") && !has_rung (room, "180p15");
}

static bool
has_metric (const char *text)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (server, "GET", "/metrics", NULL, NULL, NULL, 0, &reply);
  return reply.body != NULL && strstr (reply.body, text) != NULL;
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

/* The clients' own checks are among others that none has waited for a picture for two seconds. Sound may have pauses: it is
 * pictures that are looked at here, and sanitized servers are slow. */
static void
test_climbs (gconstpointer codec)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) load =
    g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, g_getenv ("MIXROOM_LOAD"), "--quiet", "--participants=2", "--viewers=1",
                      "--duration=25", "--min-sound=50", "--codec", (const char *) codec, server->uri, NULL);
  g_assert_no_error (error);

  pump_until (all_get_least, NULL, 10, "the rung that is believed to be carried");
  g_assert_true (has_metric ("mixroom_downlink_rung_participants{rung=\"180p15\"} " N_CLIENTS "\n"));
  pump_until (all_get_best, NULL, 30, "the full picture");
  pump_until (only_best_is_left, NULL, 15, "the end of the lower rungs");
  g_subprocess_wait (load, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (load));
  g_assert_cmpint (g_subprocess_get_exit_status (load), ==, 0);
}

int
main (int argc, char **argv)
{
  static const char *const settings[] = { "media.start_bitrate_bps=300000", NULL };

  g_test_init (&argc, &argv, NULL);
  server = server_process_new (settings);
  g_test_add_data_func ("/ladder/climbs/vp8", "vp8", test_climbs);
  g_test_add_data_func ("/ladder/climbs/h264", "h264", test_climbs);
  int result = g_test_run ();
  server_process_free (server);
  return result;
}
