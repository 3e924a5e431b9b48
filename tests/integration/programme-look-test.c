/* The programme as a view of its own: what participants see, what viewers, stills and recordings show, and how many encoders
 * that takes. */

#include "fake-peer.h"
#include "oracle.h"

#include <glib/gstdio.h>
#include <string.h>

#define ROOM "/api/v1/rooms/test"
#define WIDTH 640
#define HEIGHT 360

static ServerProcess *server;
static char *directory;

/* ---- Pictures ------------------------------------------------------------------------------------------------------- */

/* FFmpeg's opinion of one place of a still or a recording; fractions of its size. */
static TestColour
look (const char *path, double seconds, double x, double y)
{
  g_autofree char *crop = g_strdup_printf ("crop=2:2:%d:%d,format=yuv444p", (int) (x * WIDTH) & ~1, (int) (y * HEIGHT) & ~1);
  g_autofree char *time = g_strdup_printf ("%g", seconds);
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-ss", time, "-frames:v", "1", "-vf", crop,
                                    "-f", "rawvideo", "-", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_autoptr (GBytes) out = NULL;
  gsize n_bytes;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &out, NULL, &error));
  const guint8 *bytes = g_bytes_get_data (out, &n_bytes);
  g_assert_cmpuint (n_bytes, ==, 12);
  return (TestColour){ bytes[0], bytes[4], bytes[8] };
}

/* Returns: (transfer full): its file. */
static char *
take_snapshot (const char *type, const char *magic, gsize n_magic)
{
  g_autofree char *uri = g_strconcat (server->uri, ROOM + 1, "/snapshot", NULL);
  g_autoptr (SoupMessage) msg = soup_message_new ("GET", uri);
  g_autoptr (GError) error = NULL;
  gsize n_bytes;

  soup_message_headers_append (soup_message_get_request_headers (msg), "Accept", type);
  g_autoptr (GBytes) bytes = soup_session_send_and_read (server->http, msg, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (soup_message_get_status (msg), ==, 200);
  g_assert_cmpstr (soup_message_headers_get_content_type (soup_message_get_response_headers (msg), NULL), ==, type);
  const char *data = g_bytes_get_data (bytes, &n_bytes);
  g_assert_cmpuint (n_bytes, >, n_magic);
  g_assert_cmpint (memcmp (data, magic, n_magic), ==, 0);
  char *path = g_build_filename (directory, strcmp (type, "image/png") == 0 ? "still.png" : "still.jpg", NULL);
  g_assert_true (g_file_set_contents (path, data, n_bytes, &error));
  return path;
}

/* ---- The room --------------------------------------------------------------------------------------------------------- */

static JsonNode *
change (const char *body, guint status)
{
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "PATCH", ROOM "/programme", NULL, "application/json", body, -1, &reply);
  if (reply.status != status)
    g_error ("%s: %u %s", body, reply.status, reply.body);
  return json_from_string (reply.body, NULL);
}

static bool
is_room_picture (JsonNode *look)
{
  return json_object_get_boolean_member (json_node_get_object (look), "isRoomPicture");
}

/* Returns: (transfer none): of the programme's view; %NULL: there is none. */
static JsonArray *
get_programme_tiles (JsonNode *room)
{
  JsonArray *views = json_object_get_array_member (json_node_get_object (room), "views");
  return json_array_get_length (views) > 1 ? json_object_get_array_member (json_array_get_object_element (views, 1), "tiles")
                                           : NULL;
}

/* The middle of @peer's tile among @tiles. */
static void
find_tile (JsonNode *room, JsonArray *tiles, FakePeer *peer, double *out_x, double *out_y, double *out_w)
{
  const char *id = oracle_find_participant (room, fake_peer_get_name (peer));

  for (guint i = 0; i < json_array_get_length (tiles); i++) {
    JsonObject *tile = json_array_get_object_element (tiles, i);
    if (strcmp (json_object_get_string_member (tile, "participant"), id) != 0)
      continue;
    *out_w = json_object_get_double_member (tile, "w");
    *out_x = json_object_get_double_member (tile, "x") + *out_w / 2;
    *out_y = json_object_get_double_member (tile, "y") + json_object_get_double_member (tile, "h") / 2;
    return;
  }
  g_error ("no tile for %s", fake_peer_get_name (peer));
}

static guint
count_encodings (const char *codec)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, ROOM);
  JsonArray *rungs = json_object_get_array_member (json_node_get_object (room), "rungs");
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (rungs); i++)
    n += strcmp (json_object_get_string_member (json_array_get_object_element (rungs, i), "codec"), codec) == 0;
  return n;
}

typedef struct {
  FakePeer *viewer;
  FakePeer *const *peers;
  double x[2], y[2];
} Wanted;

static bool
sees_tiles (gpointer data)
{
  const Wanted *wanted = data;
  TestColour colour;

  for (guint i = 0; i < 2; i++)
    if (!fake_peer_look (wanted->viewer, wanted->x[i], wanted->y[i], &colour) ||
        test_colour_nearest (colour) != (int) fake_peer_get_index (wanted->peers[i]))
      return false;
  return true;
}

static void
await_tiles (FakePeer *viewer, FakePeer *const *peers, JsonArray *tiles, JsonNode *room, const char *what)
{
  Wanted wanted = { .viewer = viewer, .peers = peers };
  double w;

  for (guint i = 0; i < 2; i++)
    find_tile (room, tiles, peers[i], &wanted.x[i], &wanted.y[i], &w);
  pump_until (sees_tiles, &wanted, 20, what);
}

static void
assert_shows (const char *path, double seconds, FakePeer *const *peers, JsonArray *tiles, JsonNode *room)
{
  for (guint i = 0; i < 2; i++) {
    double x, y, w;
    find_tile (room, tiles, peers[i], &x, &y, &w);
    TestColour colour = look (path, seconds, x, y);
    g_test_message ("%s at %.1f s, %.2f %.2f: %d %d %d", path, seconds, x, y, colour.y, colour.u, colour.v);
    g_assert_cmpint (test_colour_nearest (colour), ==, fake_peer_get_index (peers[i]));
  }
}

/* ---- Tests --------------------------------------------------------------------------------------------------------------- */

static void
assert_stills (FakePeer *const *peers, JsonArray *tiles, JsonNode *room)
{
  g_autofree char *png = take_snapshot ("image/png", "\x89PNG", 4);
  g_autofree char *jpeg = take_snapshot ("image/jpeg", "\xff\xd8\xff", 3);

  assert_shows (png, 0, peers, tiles, room);
  assert_shows (jpeg, 0, peers, tiles, room);
}

static bool
has_one_h264 (gpointer unused)
{
  return count_encodings ("H264") == 1;
}

static void
pin (FakePeer *peer, JsonNode *room)
{
  g_autofree char *body =
    g_strdup_printf ("{\"layout\":\"speaker\",\"pin\":\"%s\"}", oracle_find_participant (room, fake_peer_get_name (peer)));
  g_autoptr (JsonNode) changed = change (body, 200);
  g_assert_false (is_room_picture (changed));
}

static char *
start_recording (char **out_id)
{
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "POST", ROOM "/outputs", NULL, "application/json", "{\"type\":\"file\"}", -1, &reply);
  g_assert_cmpuint (reply.status, ==, 201);
  g_autoptr (JsonNode) output = json_from_string (reply.body, NULL);
  *out_id = g_strdup (json_object_get_string_member (json_node_get_object (output), "id"));
  return g_build_filename (directory, json_object_get_string_member (json_node_get_object (output), "recording"), NULL);
}

static bool
is_finished (gpointer id)
{
  g_autofree char *path = g_strconcat (ROOM "/outputs/", id, NULL);
  g_autoptr (JsonNode) output = server_process_get_json (server, path);
  return strcmp (json_object_get_string_member (json_node_get_object (output), "state"), "finished") == 0;
}

static void
stop_recording (const char *id)
{
  g_autofree char *path = g_strconcat (ROOM "/outputs/", id, NULL);
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "DELETE", path, NULL, NULL, NULL, 0, &reply);
  g_assert_cmpuint (reply.status, ==, 200);
  pump_until (is_finished, (gpointer) id, 15, "the recording's end");
}

/* In colours that RGB has, too. The room is a grid all the time; the programme is that, then one large picture with a strip, then the grid again. */
static void
test_speaker (void)
{
  FakePeer *peers[2] = { fake_peer_new (server, "test", 16, "VP8", FAKE_PEER_CALL),
                         fake_peer_new (server, "test", 32, "VP8", FAKE_PEER_CALL) };
  FakePeer *viewer = fake_peer_new (server, "test", 9, "H264", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  g_autofree char *id = NULL;
  double x, y, w;

  g_autoptr (JsonNode) plain = server_process_get_json (server, ROOM "/programme");
  g_assert_true (is_room_picture (plain));
  g_autoptr (JsonNode) room = server_process_get_json (server, ROOM);
  await_tiles (viewer, peers, oracle_get_tiles (room), room, "the room's picture at the viewer");
  assert_stills (peers, oracle_get_tiles (room), room);
  g_autofree char *path = start_recording (&id);
  pump_for (3000);
  g_assert_cmpuint (count_encodings ("H264"), ==, 1); /* of viewer and recording together */

  pin (peers[1], room);
  g_autoptr (JsonNode) speaker = server_process_get_json (server, ROOM);
  JsonArray *tiles = get_programme_tiles (speaker);
  find_tile (speaker, tiles, peers[1], &x, &y, &w);
  g_assert_cmpfloat (w, >, 0.6);
  await_tiles (viewer, peers, tiles, speaker, "the pinned one at the viewer");
  await_tiles (peers[0], peers, oracle_get_tiles (speaker), speaker, "the grid at a participant");
  assert_stills (peers, tiles, speaker);
  pump_for (3000);
  pump_until (has_one_h264, NULL, 15, "one encode in H.264");

  g_autoptr (JsonNode) reset = change ("{\"layout\":\"auto\",\"pin\":\"\"}", 200);
  g_assert_true (is_room_picture (reset));
  await_tiles (viewer, peers, oracle_get_tiles (room), room, "the room's picture at the viewer again");
  stop_recording (id);
  assert_shows (path, 1, peers, oracle_get_tiles (room), room);
  assert_shows (path, 5, peers, tiles, speaker);
  for (guint i = 0; i < 2; i++)
    fake_peer_leave (peers[i]);
  fake_peer_leave (viewer);
}

static void
make_image (const char *name, const char *colour, const char *size)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *source = g_strdup_printf ("color=%s:s=%s", colour, size);
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", path, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, NULL);

  g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
}

typedef struct {
  double x, y;
  TestColour colour;
} Spot;

static bool
still_has_spot (gpointer data)
{
  const Spot *spot = data;
  g_autofree char *path = take_snapshot ("image/png", "\x89PNG", 4);
  return test_colour_is_near (look (path, 0, spot->x, spot->y), spot->colour, 12);
}

/* The background is seen between and beside the tiles, here beside the only one; the logo where it is asked for. */
static void
test_images (void)
{
  FakePeer *peers[2] = { fake_peer_new (server, "test", 16, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_SENDS),
                         fake_peer_new (server, "test", 32, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_SENDS) };
  Spot background = { 0.5, 0.02, { 145, 54, 34 } }, logo = { 0.1, 0.85, { 41, 240, 110 } }; /* BT.601: 0x00ff00, 0x0000ff */

  make_image ("ground.png", "0x00ff00", "640x360");
  make_image ("logo.png", "0x0000ff", "64x64");
  g_autoptr (JsonNode) changed = change ("{\"layout\":\"grid\",\"background\":\"ground.png\",\"logo\":\"logo.png\","
                                         "\"logoCorner\":\"bottom-left\",\"logoHeight\":0.2}", 200);
  g_assert_false (is_room_picture (changed));
  pump_until (still_has_spot, &background, 10, "the background");
  pump_until (still_has_spot, &logo, 10, "the logo");
  g_autoptr (JsonNode) coloured = change ("{\"background\":\"#ff0000\",\"logo\":\"\"}", 200);
  background.colour = (TestColour){ 81, 90, 240 };
  pump_until (still_has_spot, &background, 10, "the colour");
  g_autoptr (JsonNode) plain = change ("{\"background\":\"\",\"layout\":\"auto\"}", 200);
  g_assert_true (is_room_picture (plain));
  for (guint i = 0; i < 2; i++)
    fake_peer_leave (peers[i]);
}

/* Somebody without a camera, watched by nobody. */
static void
test_still_of_an_avatar (void)
{
  FakePeer *peer = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_SENDS);
  g_autofree char *path = take_snapshot ("image/png", "\x89PNG", 4);
  TestColour middle = look (path, 0, 0.5, 0.5), corner = look (path, 0, 0.05, 0.1);

  g_test_message ("middle %d %d %d, corner %d %d %d", middle.y, middle.u, middle.v, corner.y, corner.u, corner.v);
  g_assert_false (test_colour_is_near (middle, corner, 4));
  fake_peer_leave (peer);
}

static void
test_refusals (void)
{
  static const char *const bodies[] = { "{\"layout\":\"round\"}",     "{\"pin\":\"p-nobody\"}",   "{\"background\":\"#12345\"}",
                                        "{\"logo\":\"../secret\"}",   "{\"labels\":\"loud\"}",    "{\"logoCorner\":\"middle\"}",
                                        "{\"logoHeight\":0.7}",       "{\"safeMargin\":0.2}",     "{\"loudness\":-3}",
                                        "{\"layout\":\"grid\",\"clock\":1}" };
  FakePeer *peer = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_SENDS);

  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++) {
    g_auto (ServerReply) reply = { 0 };
    server_process_send (server, "PATCH", ROOM "/programme", NULL, "application/json", bodies[i], -1, &reply);
    server_reply_assert_problem (&reply, 400, "bad-look");
  }
  g_autoptr (JsonNode) look = server_process_get_json (server, ROOM "/programme");
  g_assert_true (is_room_picture (look));
  fake_peer_leave (peer);
}

int
main (int argc, char **argv)
{
  g_autofree char *ffmpeg = g_find_program_in_path ("ffmpeg");

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("mixroom-look-XXXXXX", NULL);
  g_autofree char *recordings = g_strconcat ("recordings_directory=", directory, NULL);
  g_autofree char *images = g_strconcat ("programme.images_directory=", directory, NULL);
  server = server_process_new ((const char *const[]){ recordings, images, "room.width_px=640", "room.height_px=360",
                                                      "room.framerate=15", NULL });
  if (ffmpeg != NULL) {
    g_test_add_func ("/programme-look/speaker", test_speaker);
    g_test_add_func ("/programme-look/images", test_images);
    g_test_add_func ("/programme-look/still-of-an-avatar", test_still_of_an_avatar);
  }
  g_test_add_func ("/programme-look/refusals", test_refusals);
  int result = g_test_run ();
  server_process_free (server);
  g_autofree char *command = g_strdup_printf ("rm -r '%s'", directory);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_free (directory);
  return result;
}
