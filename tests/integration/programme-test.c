/* What goes out of a room, looked at with FFmpeg: a recording and HLS of a call hold its colour and its tone. */

#include "fake-peer.h"
#include "media-probe.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define OUTPUTS "/api/v1/rooms/test/outputs"
#define RECORD_MS 6000

static ServerProcess *server;
static char *directory;

/* ---- Outputs over REST --------------------------------------------------------------------------------------------- */

static JsonObject *
start_output (const char *body, JsonParser *parser)
{
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "POST", OUTPUTS, NULL, "application/json", body, -1, &reply);
  if (reply.status != 201)
    g_error ("%s: %u %s", body, reply.status, reply.body);
  g_assert_true (json_parser_load_from_data (parser, reply.body, -1, NULL));
  JsonObject *output = json_node_get_object (json_parser_get_root (parser));
  g_autofree char *location = g_strconcat (OUTPUTS "/", json_object_get_string_member (output, "id"), NULL);
  g_assert_cmpstr (reply.location, ==, location);
  return output;
}

typedef struct {
  const char *id;
  const char *state;
} Wanted;

static bool
is_in_state (gpointer data)
{
  const Wanted *wanted = data;
  g_autofree char *path = g_strconcat (OUTPUTS "/", wanted->id, NULL);
  g_autoptr (JsonNode) node = server_process_get_json (server, path);
  const char *state = json_object_get_string_member (json_node_get_object (node), "state");

  if (strcmp (state, "failed") == 0 && strcmp (wanted->state, "failed") != 0)
    g_error ("output failed: %s", json_object_get_string_member (json_node_get_object (node), "detail"));
  return strcmp (state, wanted->state) == 0;
}

static void
await_state (const char *id, const char *state)
{
  Wanted wanted = { id, state };
  pump_until (is_in_state, &wanted, 15, state);
}

static void
send_to (const char *method, const char *id, const char *body, guint status)
{
  g_autofree char *path = g_strconcat (OUTPUTS "/", id, NULL);
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, method, path, NULL, body != NULL ? "application/json" : NULL, body, body != NULL ? -1 : 0,
                       &reply);
  g_assert_cmpuint (reply.status, ==, status);
}

/* ---- What FFmpeg says ------------------------------------------------------------------------------------------------ */

static double
probe (const char *path, const char *what)
{
  const char *const arguments[] = { "ffprobe", "-v", "error", "-show_entries", what, "-of", "csv=p=0", path, NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  g_autofree char *text = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
  return g_ascii_strtod (text, NULL);
}

/* Amplitude of a tone in the sound (Goertzel). Two seconds are decoded and left out: FFmpeg 5.1 cannot jump in fragmented MP4 of
 * HLS, its own included. */
static double
measure (const char *path, double hz)
{
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-ss", "2", "-t", "2", "-ac", "1", "-ar", "48000",
                                    "-f", "s16le", "-", NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const gint16 *samples = g_bytes_get_data (out, &n_bytes);
  double s1 = 0, s2 = 0, k = 2 * cos (2 * G_PI * hz / 48000);
  gsize n = n_bytes / sizeof *samples;

  g_assert_cmpuint (n, >, 48000);
  for (gsize i = 0; i < n; i++) {
    double s = samples[i] / 32768.0 + k * s1 - s2;
    s2 = s1;
    s1 = s;
  }
  return 2 * sqrt (MAX (s1 * s1 + s2 * s2 - k * s1 * s2, 0)) / n;
}

static void
assert_holds_peer (const char *path, FakePeer *peer)
{
  guint index = fake_peer_get_index (peer);
  TestColour seen = media_probe_colour (path, 3);
  double own = measure (path, fake_peer_get_tone_hz (index)), other = measure (path, fake_peer_get_tone_hz (index + 1));

  g_test_message ("%s: %.1f s, colour %u %u %u, own tone %.3f, another %.4f", path, probe (path, "format=duration"), seen.y,
                  seen.u, seen.v, own, other);
  g_assert_cmpint (test_colour_nearest (seen), ==, index);
  g_assert_cmpfloat (own, >, 0.05);
  g_assert_cmpfloat (other, <, own / 10);
}

/* ---- Tests ----------------------------------------------------------------------------------------------------------- */

static bool
sees_something (gpointer data)
{
  return fake_peer_count_frames (data) > 10;
}

static FakePeer *
join (void)
{
  FakePeer *peer = fake_peer_new (server, "test", 1, "VP8", FAKE_PEER_CALL);
  pump_until (sees_something, peer, 20, "the call's picture");
  return peer;
}

static void
record (const char *format)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *body = g_strdup_printf ("{\"type\":\"file\",\"format\":\"%s\"}", format);
  FakePeer *peer = join ();
  JsonObject *output = start_output (body, parser);
  const char *id = json_object_get_string_member (output, "id");
  g_autofree char *path = g_build_filename (directory, json_object_get_string_member (output, "recording"), NULL);

  await_state (id, "running");
  pump_for (RECORD_MS);
  send_to ("DELETE", id, NULL, 200);
  await_state (id, "finished");
  g_assert_cmpfloat (probe (path, "format=duration"), >, RECORD_MS / 1000.0 - 1.5);
  assert_holds_peer (path, peer);
  fake_peer_leave (peer);
}

static void
test_mp4 (void)
{
  record ("mp4");
}

static void
test_mkv (void)
{
  record ("mkv");
}

/* A pause is not in the file. */
static void
test_pause (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  FakePeer *peer = join ();
  JsonObject *output = start_output ("{\"type\":\"file\"}", parser);
  const char *id = json_object_get_string_member (output, "id");
  g_autofree char *path = g_build_filename (directory, json_object_get_string_member (output, "recording"), NULL);

  await_state (id, "running");
  pump_for (2000);
  send_to ("PATCH", id, "{\"paused\":true}", 200);
  await_state (id, "paused");
  pump_for (6000);
  send_to ("PATCH", id, "{\"paused\":false}", 200);
  await_state (id, "running");
  pump_for (3000);
  send_to ("DELETE", id, NULL, 200);
  await_state (id, "finished");
  double duration_s = probe (path, "format=duration");
  g_test_message ("with a pause of 6 s: %.2f s", duration_s);
  g_assert_cmpfloat (duration_s, >, 3.5);
  g_assert_cmpfloat (duration_s, <, 8.5);
  send_to ("PATCH", id, "{\"paused\":true}", 409);
  fake_peer_leave (peer);
}

/* Between two packets of sound, as the file has them [s]; an AAC frame takes 21 ms. */
static double
find_longest_step_s (const char *path)
{
  const char *const arguments[] = { "ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "packet=pts_time", "-of",
                                    "csv=p=0", path, NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  g_autofree char *text = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  double longest_s = 0;

  for (guint i = 1; lines[i] != NULL; i++)
    longest_s = MAX (longest_s, g_ascii_strtod (lines[i], NULL) - g_ascii_strtod (lines[i - 1], NULL));
  return longest_s;
}

/* Of what is decoded: how long it is, and its longest silence, both [s]. The first second is the way in. */
static void
listen (const char *path, double *out_length_s, double *out_silence_s)
{
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-", NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const gint16 *samples = g_bytes_get_data (out, &n_bytes);
  guint n = n_bytes / 2, silent = 0, longest = 0;

  for (guint begin = 48000; begin + 480 <= n; begin += 480) {
    int peak = 0;
    for (guint i = begin; i < begin + 480; i++)
      peak = MAX (peak, ABS (samples[i]));
    silent = peak < 300 ? silent + 1 : 0;
    longest = MAX (longest, silent);
  }
  *out_length_s = n / 48000.0;
  *out_silence_s = longest / 100.0;
}

/* Others come and go: the one who stays is heard all the time, and no sample is missing. */
static void
test_joins_and_leaves (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  FakePeer *peer = join ();
  JsonObject *output = start_output ("{\"type\":\"file\"}", parser);
  const char *id = json_object_get_string_member (output, "id");
  g_autofree char *path = g_build_filename (directory, json_object_get_string_member (output, "recording"), NULL);
  double length_s, silence_s;

  await_state (id, "running");
  pump_for (1500);
  for (guint i = 0; i < 2; i++) {
    FakePeer *other = fake_peer_new (server, "test", 2 + i, "VP8", FAKE_PEER_CALL);
    pump_until (sees_something, other, 20, "the other's picture");
    fake_peer_leave (other);
    pump_for (300);
  }
  send_to ("DELETE", id, NULL, 200);
  await_state (id, "finished");
  fake_peer_leave (peer);
  listen (path, &length_s, &silence_s);
  double picture_s = probe (path, "format=duration"), step_s = find_longest_step_s (path);
  g_test_message ("%.2f s of sound in a file of %.2f s; longest step %.4f s, longest silence %.2f s", length_s, picture_s, step_s,
                  silence_s);
  g_assert_cmpfloat (fabs (length_s - picture_s), <, 0.25); /* at the end what comes last is cut off: sound */
  g_assert_cmpfloat (step_s, <, 0.0225);
  g_assert_cmpfloat (silence_s, <, 0.5); /* a busy machine makes the mixer leave out blocks, which become silence */
}

/* The room's end is the recording's. */
static void
test_last_leaves (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  FakePeer *peer = join ();
  JsonObject *output = start_output ("{\"type\":\"file\"}", parser);
  g_autofree char *path = g_build_filename (directory, json_object_get_string_member (output, "recording"), NULL);

  await_state (json_object_get_string_member (output, "id"), "running");
  pump_for (3000);
  fake_peer_leave (peer);
  pump_for (2000);
  g_assert_cmpfloat (probe (path, "format=duration"), >, 2);
}

static void
test_hls (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  FakePeer *peer = join ();
  JsonObject *output = start_output ("{\"type\":\"hls\"}", parser);
  const char *id = json_object_get_string_member (output, "id"), *playlist = json_object_get_string_member (output, "playlist");
  g_autofree char *url = g_strconcat (server->uri, playlist + 1, NULL);
  g_autofree char *live = NULL, *whole = NULL;

  await_state (id, "running");
  pump_for (RECORD_MS);
  g_assert_cmpuint (server_process_request (server, "GET", playlist, NULL, NULL, &live, NULL), ==, 200);
  g_assert_null (strstr (live, "ENDLIST"));
  send_to ("DELETE", id, NULL, 200);
  await_state (id, "finished");
  g_assert_cmpuint (server_process_request (server, "GET", playlist, NULL, NULL, &whole, NULL), ==, 200);
  g_test_message ("%s", whole);
  g_assert_nonnull (strstr (whole, "ENDLIST"));
  g_assert_cmpuint (server_process_request (server, "GET", "/hls/../mixroom.conf", NULL, NULL, NULL, NULL), ==, 404);
  g_assert_cmpuint (server_process_request (server, "GET", "/hls/%2e%2e/index.m3u8", NULL, NULL, NULL, NULL), ==, 404);
  fake_peer_leave (peer);
  g_autofree char *path = g_build_filename (directory, id, "index.m3u8", NULL);
  g_assert_cmpfloat (probe (path, "format=duration"), >, 5);
  FakePeer *same = join ();
  assert_holds_peer (path, same);
  fake_peer_leave (same);
}

static void
expect_problem (const char *path, const char *body, guint status, const char *kind)
{
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "POST", path, NULL, "application/json", body, -1, &reply);
  server_reply_assert_problem (&reply, status, kind);
}

static void
test_refusals (void)
{
  FakePeer *peer = join ();

  expect_problem ("/api/v1/rooms/nobody/outputs", "{\"type\":\"file\"}", 404, "not-found");
  expect_problem (OUTPUTS, "{\"type\":\"fax\"}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":7}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"file\",\"format\":\"avi\"}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"file\",\"sound\":\"mp3\"}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"file\",\"splitDuration\":\"1\"}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"file\",\"splitDuration\":1}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"file\",\"splitSize\":1e99}", 400, "bad-output");
  expect_problem (OUTPUTS, "{\"type\":\"hls\",\"sound\":\"opus\"}", 400, "bad-output");
  expect_problem (OUTPUTS, "[]", 400, "bad-request");
  expect_problem (OUTPUTS, "{\"type\":\"rtmp\",\"url\":\"rtmp://127.0.0.1/live/key\"}", 403, "output-off");
  send_to ("GET", "nothing", NULL, 404);
  send_to ("DELETE", "nothing", NULL, 404);
  send_to ("PUT", "nothing", NULL, 405);
  fake_peer_leave (peer);
}

int
main (int argc, char **argv)
{
  g_autofree char *ffprobe = g_find_program_in_path ("ffprobe");

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("mixroom-programme-XXXXXX", NULL);
  g_autofree char *recordings = g_strconcat ("recordings_directory=", directory, NULL);
  g_autofree char *hls = g_strconcat ("hls_directory=", directory, NULL);
  server = server_process_new ((const char *const[]){ recordings, hls, NULL });
  if (ffprobe != NULL) {
    g_test_add_func ("/programme/mp4", test_mp4);
    g_test_add_func ("/programme/mkv", test_mkv);
    g_test_add_func ("/programme/pause", test_pause);
    g_test_add_func ("/programme/joins-and-leaves", test_joins_and_leaves);
    g_test_add_func ("/programme/last-leaves", test_last_leaves);
    g_test_add_func ("/programme/hls", test_hls);
  }
  g_test_add_func ("/programme/refusals", test_refusals);
  int result = g_test_run ();
  server_process_free (server);
  g_bytes_unref (media_probe_run ((const char *const[]){ "rm", "-r", directory, NULL }));
  g_free (directory);
  return result;
}
