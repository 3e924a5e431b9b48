/* Players in a room: a film's tone and colour are heard and seen by an independent client, and what becomes of it is told. */

#include "oracle.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PLAYERS "/api/v1/rooms/test/players"
#define FILM 3 /* its tone and colour */
#define FILM_S 8

static ServerProcess *server;
static SoupServer *web;
static char *film; /* its URL */
static GBytes *film_bytes;

/* ---- Where the film is ------------------------------------------------------------------------------------------- */

static GBytes *
make_film (void)
{
  const TestColour colour = test_colour_of (FILM);
  g_autofree char *dir = g_dir_make_tmp ("mixroom-film-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "film.mp4", NULL);
  g_autofree char *command = g_strdup_printf (
    "ffmpeg -nostdin -v error -f lavfi -i \"color=s=320x180:r=25:d=%d,geq=lum=%d:cb=%d:cr=%d\" "
    "-f lavfi -i \"aevalsrc='0.12*sin(2*PI*%f*t)':s=48000:d=%d\" -c:v libx264 -g 25 -c:a aac %s",
    FILM_S, colour.y, colour.u, colour.v, fake_peer_get_tone_hz (FILM), FILM_S, path);
  char *bytes;
  gsize n_bytes;
  int status = -1;

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL) && status == 0);
  g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (rmdir (dir), ==, 0);
  return g_bytes_new_take (bytes, n_bytes);
}

static void
on_request (SoupServer *unused, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  gsize n_bytes;
  const char *bytes = g_bytes_get_data (film_bytes, &n_bytes);

  soup_server_message_set_status (msg, strcmp (path, "/film.mp4") == 0 ? 200 : 404, NULL);
  if (strcmp (path, "/film.mp4") == 0)
    soup_server_message_set_response (msg, "video/mp4", SOUP_MEMORY_STATIC, bytes, n_bytes);
}

static void
serve_film (void)
{
  web = soup_server_new (NULL, NULL);
  soup_server_add_handler (web, NULL, on_request, NULL, NULL);
  g_assert_true (soup_server_listen_local (web, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  GSList *uris = soup_server_get_uris (web);
  g_autofree char *base = g_uri_to_string (uris->data);
  film = g_strconcat (base, "film.mp4", NULL);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

/* ---- Players over REST ------------------------------------------------------------------------------------------- */

static char *
start (const char *url, bool loop)
{
  g_autofree char *body = g_strdup_printf ("{\"source\":\"%s\",\"name\":\"Film\",\"loop\":%s}", url, loop ? "true" : "false");
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "POST", PLAYERS, NULL, "application/json", body, -1, &reply);
  if (reply.status != 201)
    g_error ("%s: %u %s", body, reply.status, reply.body);
  return g_strdup (reply.location);
}

static void
patch (const char *path, const char *body)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (server, "PATCH", path, NULL, "application/json", body, -1, &reply);
  if (reply.status != 200)
    g_error ("%s %s: %u %s", path, body, reply.status, reply.body);
}

typedef struct {
  const char *path, *state;
  FakePeer *peer;
  char *detail;
} Wanted;

static bool
is_in_state (gpointer data)
{
  Wanted *wanted = data;
  g_autoptr (JsonNode) node = server_process_get_json (server, wanted->path);
  JsonObject *player = json_node_get_object (node);

  if (strcmp (json_object_get_string_member (player, "state"), wanted->state) != 0)
    return false;
  g_free (wanted->detail);
  wanted->detail = g_strdup (json_object_get_string_member_with_default (player, "detail", ""));
  return true;
}

static char *
await_state (const char *path, const char *state)
{
  Wanted wanted = { .path = path, .state = state };
  pump_until (is_in_state, &wanted, 20, state);
  return wanted.detail;
}

static bool
film_is_seen (FakePeer *peer)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  TestColour colour;
  return oracle_find_colour (peer, room, "Film", &colour) && test_colour_nearest (colour) == FILM;
}

static bool
film_is_there (gpointer data)
{
  return film_is_seen (data) && fake_peer_measure (data, FILM) > ORACLE_HEARD_AT_LEAST;
}

static bool
film_is_silent (gpointer data)
{
  return film_is_seen (data) && fake_peer_measure (data, FILM) < ORACLE_HEARD_AT_LEAST / 20;
}

static bool
film_is_gone (gpointer data)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  return oracle_find_participant (room, "Film") == NULL;
}

static bool
film_has_left (gpointer data)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  return oracle_find_participant (room, "Film") == NULL && fake_peer_measure (data, FILM) < ORACLE_HEARD_AT_LEAST / 20;
}

static bool
room_is_gone (gpointer data)
{
  return server_process_request (server, "GET", "/api/v1/rooms/test", NULL, NULL, NULL, NULL) == 404;
}

/* Whose tone goes on when the film's does not: of a sound that is silent nothing is sent. */
static FakePeer *
new_other (void)
{
  return fake_peer_new (server, "test", 1, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_SENDS);
}

/* ---- Tests -------------------------------------------------------------------------------------------------------- */

static void
test_film (void)
{
  FakePeer *peer = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_CALL), *other = new_other ();
  g_autofree char *path = start (film, false);

  g_free (await_state (path, "playing"));
  pump_until (film_is_there, peer, 20, "the film's colour and tone");
  patch (path, "{\"paused\":true}");
  pump_until (film_is_silent, peer, 10, "the paused film's picture alone");
  patch (path, "{\"paused\":false,\"position\":1000}");
  pump_until (film_is_there, peer, 10, "the film again");
  patch (path, "{\"volume\":0}");
  pump_until (film_is_silent, peer, 10, "the film without its sound");
  patch (path, "{\"volume\":1}");
  g_free (await_state (path, "finished"));
  pump_until (film_has_left, peer, 10, "the film's leave");
  g_autofree char *metrics = NULL;
  g_assert_cmpuint (server_process_request (server, "GET", "/metrics", NULL, NULL, &metrics, NULL), ==, 200);
  fake_peer_leave (peer);
  fake_peer_leave (other);
  pump_until (room_is_gone, NULL, 5, "the empty room's end");
}

static gint
find_child (void)
{
  const char *pid = g_subprocess_get_identifier (server->process);
  g_autofree char *path = g_strdup_printf ("/proc/%s/task/%s/children", pid, pid);
  g_autofree char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? (gint) g_ascii_strtoll (text, NULL, 10) : 0;
}

/* What goes wrong ends the film, and nothing else. */
static void
test_failures (void)
{
  FakePeer *peer = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_CALL), *other = new_other ();
  g_autofree char *missing = g_strconcat (film, ".not", NULL);
  g_autofree char *path = start (missing, false);
  g_autofree char *detail = await_state (path, "failed");
  g_test_message ("%s", detail);
  g_assert_cmpstr (detail, !=, "");
  g_autofree char *looped = start (film, true);
  g_free (await_state (looped, "playing"));
  pump_until (film_is_there, peer, 20, "the film's colour and tone");
  gint child = find_child ();
  if (child > 0) {
    kill (child, SIGSEGV);
    g_autofree char *why = await_state (looped, "failed");
    g_assert_nonnull (strstr (why, "its process"));
    pump_until (film_has_left, peer, 10, "the film's leave");
  }
  g_autofree char *third = start (film, true);
  pump_until (film_is_there, peer, 20, "another one");
  fake_peer_leave (peer);
  fake_peer_leave (other);
  pump_until (room_is_gone, NULL, 5, "the end of a room in which nobody is but a player");
  pump_for (300);
  g_assert_cmpint (find_child (), ==, 0);
}

/* Who watches is somebody. */
static void
test_film_and_a_viewer (void)
{
  FakePeer *viewer = fake_peer_new (server, "test", 9, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  FakePeer *other = new_other ();
  g_autofree char *path = start (film, true);

  pump_until (film_is_there, viewer, 20, "the film's colour and tone");
  fake_peer_leave (other);
  pump_for (1000);
  pump_until (film_is_there, viewer, 5, "the film alone");
  g_assert_cmpuint (server_process_request (server, "DELETE", path, NULL, NULL, NULL, NULL), ==, 200);
  pump_until (film_is_gone, viewer, 10, "the film's leave");
  fake_peer_leave (viewer);
  pump_until (room_is_gone, NULL, 5, "the empty room's end");
}

/* Uploaded, and played from the library. */
static void
test_recording (void)
{
  FakePeer *peer = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_CALL), *other = new_other ();
  g_auto (ServerReply) reply = { 0 };
  gsize n_bytes;
  const char *bytes = g_bytes_get_data (film_bytes, &n_bytes);

  server_process_send (server, "POST", "/api/v1/recordings?title=Trailer", NULL, "video/mp4", bytes, (gssize) n_bytes, &reply);
  g_assert_cmpuint (reply.status, ==, 201);
  g_autofree char *id = g_path_get_basename (reply.location), *source = g_strconcat ("recording:", id, NULL);
  g_autofree char *path = start (source, true);
  pump_until (film_is_there, peer, 20, "the recording's colour and tone");
  g_assert_cmpuint (server_process_request (server, "DELETE", path, NULL, NULL, NULL, NULL), ==, 200);
  pump_until (film_has_left, peer, 10, "the recording's leave");
  fake_peer_leave (peer);
  fake_peer_leave (other);
  pump_until (room_is_gone, NULL, 5, "the empty room's end");
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  film_bytes = make_film ();
  serve_film ();
  g_autofree char *dir = g_dir_make_tmp ("mixroom-recordings-XXXXXX", NULL);
  g_autofree char *directory = g_strconcat ("programme.recordings_directory=", dir, NULL);
  server = server_process_new ((const char *const[]){ "players.urls=true", "players.private_addresses=true", "players.files=true",
                                                      "library.upload_max_mib=8", directory, NULL });
  g_test_add_func ("/players/film", test_film);
  g_test_add_func ("/players/failures", test_failures);
  g_test_add_func ("/players/film-and-a-viewer", test_film_and_a_viewer);
  g_test_add_func ("/players/recording", test_recording);
  int result = g_test_run ();
  server_process_free (server);
  g_autofree char *command = g_strdup_printf ("rm -rf %s", dir);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_object_unref (web);
  g_bytes_unref (film_bytes);
  g_free (film);
  return result;
}
