/* A broadcast as a whole: files, HLS, RTMP and SRT all at once, while somebody joins and leaves and one server dies. What
 * arrives is looked at with FFmpeg: nothing has a gap, everybody's tone and colour is there for as long as they were. */

#include "fake-peer.h"
#include "media-probe.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#define OUTPUTS "/api/v1/rooms/test/outputs"
#define SECRET "0123456789abcdef0123456789abcdef"
#define STRETCH_MS 3000
#define HOST 1 /* who is there all the time, and who for the middle: indices of tones and colours */
#define GUEST 2
#define RATE 48000
#define WINDOW (RATE / 2) /* samples */
/* 0.1 is seen on a calm machine; on a busy one frames are lost while the encoders begin. */
#define PICTURE_GAP_MAX_S 0.6
#define SOUND_GAP_MAX_S 0.1
#define BLOCK_S 0.02

static ServerProcess *server;
static char *directory;

/* ---- Who is told of it -------------------------------------------------------------------------------------------------- */

static void
on_hook (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (parser, g_bytes_get_data (body, NULL), (gssize) g_bytes_get_size (body), NULL));
  JsonObject *message = json_node_get_object (json_parser_get_root (parser));
  JsonObject *data = json_object_get_object_member (message, "data");
  const char *type = json_object_get_string_member (message, "type");
  g_string_append_printf (user_data, "%s%s%s ", type, strcmp (type, "output.changed") == 0 ? ":" : "",
                          strcmp (type, "output.changed") == 0 ? json_object_get_string_member (data, "state") : "");
  soup_server_message_set_status (msg, 204, NULL);
}

static SoupServer *
hook_new (GString *told, guint *out_port)
{
  SoupServer *soup = soup_server_new (NULL, NULL);

  soup_server_add_handler (soup, "/", on_hook, told, NULL);
  g_assert_true (soup_server_listen_local (soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  g_autoslist (GUri) uris = soup_server_get_uris (soup);
  *out_port = (guint) g_uri_get_port (uris->data);
  return soup;
}

/* ---- Outputs ------------------------------------------------------------------------------------------------------------ */

typedef struct {
  char *id, *path; /* of what it leaves, for FFmpeg */
  GSubprocess *receiver; /* of RTMP and SRT */
} Output;

static void
output_clear (Output *output)
{
  g_free (output->id);
  g_free (output->path);
  g_clear_object (&output->receiver);
}

static JsonObject *
describe (const char *id, JsonNode **out_node)
{
  g_autofree char *path = g_strconcat (OUTPUTS "/", id, NULL);
  *out_node = server_process_get_json (server, path);
  return json_node_get_object (*out_node);
}

typedef struct {
  const char *id, *state;
} Wanted;

static bool
is_in_state (gpointer data)
{
  const Wanted *wanted = data;
  g_autoptr (JsonNode) node = NULL;
  return strcmp (json_object_get_string_member (describe (wanted->id, &node), "state"), wanted->state) == 0;
}

static void
await_state (const Output *output, const char *state)
{
  Wanted wanted = { output->id, state };
  pump_until (is_in_state, &wanted, 15, state);
}

static void
start_output (Output *output, const char *body)
{
  g_auto (ServerReply) reply = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();

  server_process_send (server, "POST", OUTPUTS, NULL, "application/json", body, -1, &reply);
  if (reply.status != 201)
    g_error ("%s: %u %s", body, reply.status, reply.body);
  g_assert_true (json_parser_load_from_data (parser, reply.body, -1, NULL));
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  output->id = g_strdup (json_object_get_string_member (object, "id"));
  if (json_object_has_member (object, "recording"))
    output->path = g_build_filename (directory, json_object_get_string_member (object, "recording"), NULL);
  if (json_object_has_member (object, "playlist"))
    output->path = g_build_filename (directory, output->id, "index.m3u8", NULL);
}

/* Of a kind that nobody has at the moment; the receiver takes it at once. */
static guint16
find_port (GSocketType type)
{
  g_autoptr (GSocket) probe = g_socket_new (G_SOCKET_FAMILY_IPV4, type, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);

  g_assert_true (g_socket_bind (probe, any, FALSE, NULL));
  g_autoptr (GSocketAddress) bound = g_socket_get_local_address (probe, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static void
start_push (Output *output, const char *type, const char *file)
{
  bool is_rtmp = strcmp (type, "rtmp") == 0;
  guint port = find_port (is_rtmp ? G_SOCKET_TYPE_STREAM : G_SOCKET_TYPE_DATAGRAM);
  g_autofree char *url = g_strdup_printf ("%s://127.0.0.1:%u%s", type, port, is_rtmp ? "/live/key" : "");
  g_autofree char *heard_at = g_strconcat (url, is_rtmp ? "" : "?mode=listener", NULL);
  g_autofree char *body = g_strdup_printf ("{\"type\":\"%s\",\"url\":\"%s\"}", type, url);
  g_autofree char *path = g_build_filename (directory, file, NULL);
  /* RTMP alone must be told to listen. */
  const char *const rtmp[] = { "ffmpeg", "-v", "fatal", "-y", "-listen", "1", "-i", heard_at, "-c", "copy", path, NULL };
  const char *const srt[] = { "ffmpeg", "-v", "fatal", "-y", "-i", heard_at, "-c", "copy", path, NULL };
  g_autoptr (GError) error = NULL;

  output->receiver = g_subprocess_newv (is_rtmp ? rtmp : srt, G_SUBPROCESS_FLAGS_NONE, &error);
  g_assert_no_error (error);
  start_output (output, body);
  output->path = g_steal_pointer (&path);
}

static void
stop_output (Output *output)
{
  g_autofree char *path = g_strconcat (OUTPUTS "/", output->id, NULL);
  g_auto (ServerReply) reply = { 0 };

  server_process_send (server, "DELETE", path, NULL, NULL, NULL, 0, &reply);
  g_assert_cmpuint (reply.status, ==, 200);
}

/* ---- What FFmpeg says ---------------------------------------------------------------------------------------------------- */

/* Longest distance between two packets' times. @out_span: from the first to the last [s] */
static double
find_gap (const char *path, const char *stream, double *out_span)
{
  const char *const arguments[] = { "ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time",
                                    "-of", "csv=p=0", path, NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  g_autofree char *text = g_strndup (g_bytes_get_data (out, NULL), g_bytes_get_size (out));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  double first = 0, last = 0, gap = 0;
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++) {
    if (!g_ascii_isdigit (*lines[i])) /* of HLS it prints empty ones between */
      continue;
    double time = g_ascii_strtod (lines[i], NULL);
    first = n == 0 ? time : first;
    gap = n++ > 0 ? MAX (gap, time - last) : 0;
    last = time;
  }
  g_assert_cmpuint (n, >, 30);
  *out_span = last - first;
  return gap;
}

/* Amplitude of a tone (Goertzel). */
static double
measure (const gint16 *samples, guint index)
{
  double s1 = 0, s2 = 0, k = 2 * cos (2 * G_PI * fake_peer_get_tone_hz (index) / RATE);

  for (guint i = 0; i < WINDOW; i++) {
    double s = samples[i] / 32768.0 + k * s1 - s2;
    s2 = s1;
    s1 = s;
  }
  return 2 * sqrt (MAX (s1 * s1 + s2 * s2 - k * s1 * s2, 0)) / WINDOW;
}

/* The host is heard in each half second but the first and last, the guest in those of a while and not in all. */
static void
assert_tones (const char *path)
{
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-", NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const gint16 *samples = g_bytes_get_data (out, &n_bytes);
  guint n = (guint) (n_bytes / sizeof *samples / WINDOW), n_host = 0, n_guest = 0, n_alone = 0;

  for (guint i = 1; i + 1 < n; i++) {
    double host = measure (samples + i * WINDOW, HOST), guest = measure (samples + i * WINDOW, GUEST);
    n_host += host > 0.05;
    n_guest += guest > 0.05;
    n_alone += guest < 0.005;
  }
  g_test_message ("  of %u half seconds %u have the host, %u the guest, %u not the guest", n, n_host, n_guest, n_alone);
  g_assert_cmpuint (n_host, ==, n - 2);
  g_assert_cmpuint (n_guest, >=, STRETCH_MS / 500 - 1);
  g_assert_cmpuint (n_alone, >=, STRETCH_MS / 500 - 1);
}

/* Twice a second, 32 x 18 points: each picture has the host's colour, those of a while have the guest's. */
static void
assert_colours (const char *path)
{
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-an", "-vf", "fps=2,scale=32:18:flags=neighbor,format=yuv444p",
                                    "-f", "rawvideo", "-", NULL };
  enum { POINTS = 32 * 18 };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const guint8 *frame = g_bytes_get_data (out, &n_bytes);
  guint n = (guint) (n_bytes / (3 * POINTS)), n_host = 0, n_guest = 0;

  for (guint i = 0; i < n; i++, frame += 3 * POINTS) {
    guint seen[TEST_COLOURS_MAX] = { 0 };
    for (guint k = 0; k < POINTS; k++) {
      int who = test_colour_nearest ((TestColour){ frame[k], frame[k + POINTS], frame[k + 2 * POINTS] });
      if (who >= 0)
        seen[who]++;
    }
    n_host += seen[HOST] > 20;
    n_guest += seen[GUEST] > 20;
  }
  g_test_message ("  of %u pictures %u have the host, %u the guest", n, n_host, n_guest);
  g_assert_cmpuint (n_host, ==, n);
  g_assert_cmpuint (n_guest, >=, STRETCH_MS / 500 - 1);
  g_assert_cmpuint (n - n_guest, >=, STRETCH_MS / 500 - 1);
}

static void
assert_whole (const char *path, double lasted_s, double left_out_s)
{
  double picture_s = 0, sound_s = 0;
  double picture_gap = find_gap (path, "v:0", &picture_s), sound_gap = find_gap (path, "a:0", &sound_s);

  g_test_message ("%s: %.2f s of picture, gap %.3f s; %.2f s of sound, gap %.3f s; ran for %.2f s, %.2f s were left out", path,
                  picture_s, picture_gap, sound_s, sound_gap, lasted_s, left_out_s);
  g_assert_cmpfloat (picture_gap, <, PICTURE_GAP_MAX_S + left_out_s);
  g_assert_cmpfloat (sound_gap, <, SOUND_GAP_MAX_S + left_out_s);
  g_assert_cmpfloat (picture_s, >, lasted_s - 2.5);
  g_assert_cmpfloat (ABS (picture_s - sound_s), <, 0.5 + left_out_s);
  assert_tones (path);
  assert_colours (path);
}

/* The machine of a test is busy with others: what the server says that it had no time for may be missing, and no more [s]. */
static double
get_left_out (void)
{
  static const char name[] = "\nmixroom_sound_blocks_left_out ";
  g_autofree char *text = NULL;

  g_assert_cmpuint (server_process_request (server, "GET", "/metrics", NULL, NULL, &text, NULL), ==, 200);
  const char *found = strstr (text, name);
  g_assert_nonnull (found);
  return g_ascii_strtod (found + strlen (name), NULL) * BLOCK_S;
}

/* ---- The test ------------------------------------------------------------------------------------------------------------- */

static bool
sees_something (gpointer data)
{
  return fake_peer_count_frames (data) > 10;
}

static FakePeer *
join (guint index)
{
  FakePeer *peer = fake_peer_new (server, "test", index, "VP8", FAKE_PEER_CALL);
  pump_until (sees_something, peer, 20, "the call's picture");
  return peer;
}

enum { MP4, MKV, HLS, RTMP, SRT, N_WHOLE, VICTIM = N_WHOLE, N_OUTPUTS };

static void
start_all (Output *outputs)
{
  start_push (&outputs[RTMP], "rtmp", "rtmp.flv");
  start_push (&outputs[SRT], "srt", "srt.ts");
  start_push (&outputs[VICTIM], "rtmp", "victim.flv");
  start_output (&outputs[MP4], "{\"type\":\"file\",\"format\":\"mp4\"}");
  start_output (&outputs[MKV], "{\"type\":\"file\",\"format\":\"mkv\"}");
  start_output (&outputs[HLS], "{\"type\":\"hls\"}");
  for (guint i = 0; i < N_OUTPUTS; i++)
    await_state (&outputs[i], "running");
}

static void
stop_all (Output *outputs)
{
  for (guint i = 0; i < N_OUTPUTS; i++)
    stop_output (&outputs[i]);
  for (guint i = 0; i < N_OUTPUTS; i++) {
    await_state (&outputs[i], "finished");
    if (outputs[i].receiver != NULL)
      g_assert_true (g_subprocess_wait (outputs[i].receiver, NULL, NULL));
  }
}

static void
test_all_at_once (gconstpointer user_data)
{
  const GString *told = user_data;
  Output outputs[N_OUTPUTS] = { 0 };
  FakePeer *host = join (HOST);

  start_all (outputs);
  gint64 start_us = g_get_monotonic_time ();
  pump_for (STRETCH_MS);
  FakePeer *guest = join (GUEST);
  g_subprocess_force_exit (outputs[VICTIM].receiver);
  pump_for (STRETCH_MS);
  await_state (&outputs[VICTIM], "retrying");
  fake_peer_leave (guest);
  pump_for (STRETCH_MS);
  double lasted_s = (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC;
  stop_all (outputs);
  double left_out_s = get_left_out ();
  fake_peer_leave (host);
  pump_for (500);
  g_test_message ("%s", told->str);
  g_assert_true (g_str_has_prefix (told->str, "room.began participant.joined output.changed:starting "));
  g_assert_nonnull (strstr (told->str, " output.changed:retrying "));
  g_assert_nonnull (strstr (told->str, " participant.left room.ended "));
  for (guint i = 0; i < N_WHOLE; i++)
    assert_whole (outputs[i].path, lasted_s, left_out_s);
  for (guint i = 0; i < N_OUTPUTS; i++)
    output_clear (&outputs[i]);
}

int
main (int argc, char **argv)
{
  g_autofree char *ffmpeg = g_find_program_in_path ("ffmpeg"), *ffprobe = g_find_program_in_path ("ffprobe");
  g_autoptr (GString) told = g_string_new (NULL);
  guint port;

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("mixroom-broadcast-XXXXXX", NULL);
  g_autofree char *recordings = g_strconcat ("recordings_directory=", directory, NULL);
  g_autofree char *hls = g_strconcat ("hls_directory=", directory, NULL);
  g_autoptr (SoupServer) hook = hook_new (told, &port);
  g_autofree char *urls = g_strdup_printf ("webhook_urls=http://127.0.0.1:%u/", port);
  server = server_process_new (
    (const char *const[]){ recordings, hls, "programme.push=true", urls, "webhook_secret=" SECRET, NULL });
  if (ffmpeg != NULL && ffprobe != NULL)
    g_test_add_data_func ("/broadcast/all-at-once", told, test_all_at_once);
  int result = g_test_run ();
  server_process_free (server);
  g_bytes_unref (media_probe_run ((const char *const[]){ "rm", "-r", directory, NULL }));
  g_free (directory);
  return result;
}
