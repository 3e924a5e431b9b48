/* Addresses: what may be fetched from, by whatever way it is come by. All in a network of its own, in which a public address is
 * this machine's. */

#include "test-player.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#define URLS "players.urls=true"
#define PRIVATE "players.private_addresses=true"
#define PUBLIC_IPV4 "198.41.0.4"
#define PUBLIC_IPV6 "2001:503:ba3e::2:30"

typedef struct {
  GSocketService *service;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  guint16 port;
  char *clip, *part; /* what is served */
  const char *dir;   /* where it lies */
  gsize n_clip, n_part;
  gint n_private; /* requests that came to an address of this machine's own; atomic */
} Web;

static Web web;

/* ---- A web server ----------------------------------------------------------------------------------------------- */

static void
respond (GOutputStream *out, const char *status, const char *type, const char *extra, const char *body, gsize n_bytes)
{
  g_autofree char *head = g_strdup_printf ("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT
                                           "\r\nConnection: close\r\n%s\r\n", status, type, n_bytes, extra);
  if (g_output_stream_write_all (out, head, strlen (head), NULL, NULL, NULL))
    g_output_stream_write_all (out, body, n_bytes, NULL, NULL, NULL);
}

/* @first: of the bytes that are asked for */
static void
respond_clip (GOutputStream *out, gsize first)
{
  g_autofree char *range = g_strdup_printf ("Accept-Ranges: bytes\r\nContent-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT
                                            "/%" G_GSIZE_FORMAT "\r\n", first, web.n_clip - 1, web.n_clip);
  if (first == 0 || first >= web.n_clip)
    respond (out, "200 OK", "video/mp4", "Accept-Ranges: bytes\r\n", web.clip, web.n_clip);
  else
    respond (out, "206 Partial Content", "video/mp4", range, web.clip + first, web.n_clip - first);
}

/* Only what has a few KiB is taken for XML. */
static void
respond_dash (GOutputStream *out, const char *part)
{
  g_autofree char *blanks = g_strnfill (4096, ' ');
  g_autofree char *list =
    g_strdup_printf ("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" minBufferTime=\"PT1S\" "
                     "mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:mp2t-simple:2011\">%s<Period><AdaptationSet "
                     "mimeType=\"video/mp2t\"><Representation id=\"1\" bandwidth=\"100000\"><SegmentList duration=\"1\">"
                     "<SegmentURL media=\"%s\"/></SegmentList></Representation></AdaptationSet></Period></MPD>", blanks, part);
  respond (out, "200 OK", "application/dash+xml", "", list, strlen (list));
}

/* /to?X: is redirected to X; /list?X: a playlist of X; /dash?X: the same by DASH. */
static void
answer (GOutputStream *out, char *target, gsize first)
{
  const char *argument = strchr (target, '?') != NULL ? strchr (target, '?') + 1 : "";

  if (g_str_has_prefix (target, "/to?")) {
    g_autofree char *location = g_strdup_printf ("Location: %s\r\n", argument);
    respond (out, "302 Found", "text/plain", location, "", 0);
  } else if (g_str_has_prefix (target, "/list?") || g_str_has_prefix (target, "/key?")) {
    g_autofree char *key = *target == '/' && target[1] == 'k' ? g_strdup_printf ("#EXT-X-KEY:METHOD=AES-128,URI=\"%s\"\n", argument) : g_strdup ("");
    g_autofree char *list = g_strdup_printf ("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n%s#EXTINF:3,\n%s\n#EXT-X-ENDLIST\n", key,
                                             *key != '\0' ? "/part.ts" : argument);
    respond (out, "200 OK", "application/vnd.apple.mpegurl", "", list, strlen (list));
  } else if (g_str_has_prefix (target, "/dash?")) {
    respond_dash (out, argument);
  } else if (strcmp (target, "/part.ts") == 0) {
    respond (out, "200 OK", "video/mp2t", "", web.part, web.n_part);
  } else if (strcmp (target, "/clip.mp4") == 0) {
    respond_clip (out, first);
  } else if (strcmp (target, "/slow") == 0) {
    g_usleep (30 * G_USEC_PER_SEC);
  } else {
    respond (out, "404 Not Found", "text/plain", "", "", 0);
  }
}

/* ---- An RTSP server: one stream, over the connection itself (RFC 2326 10.12) ------------------------------------- */

#define RTP_BYTES 12
#define BLOCK_BYTES 160 /* 20 ms of G.711 */
#define LIVE_MS 1500

/* A square wave of 400 Hz. */
static bool
send_block (GOutputStream *out, guint16 number)
{
  guint8 packet[4 + RTP_BYTES + BLOCK_BYTES] = { '$', 0, 0, RTP_BYTES + BLOCK_BYTES, 0x80, 0 };
  guint32 timestamp = g_htonl ((guint32) number * BLOCK_BYTES);
  guint16 sequence = g_htons (number);

  memcpy (packet + 6, &sequence, sizeof sequence);
  memcpy (packet + 8, &timestamp, sizeof timestamp);
  packet[12] = 1; /* SSRC */
  for (guint i = 0; i < BLOCK_BYTES; i++)
    packet[4 + RTP_BYTES + i] = i % 20 < 10 ? 0x90 : 0x10;
  return g_output_stream_write_all (out, packet, sizeof packet, NULL, NULL, NULL);
}

static void
stream (GOutputStream *out)
{
  for (guint i = 0; i < LIVE_MS / 20 && send_block (out, (guint16) i); i++)
    g_usleep (20000);
}

static bool
reply_rtsp (GOutputStream *out, const char *status, const char *sequence, const char *extra, const char *body)
{
  g_autofree char *text = g_strdup_printf ("RTSP/1.0 %s\r\nCSeq: %s\r\nSession: 1\r\n%sContent-Length: %u\r\n\r\n%s", status,
                                           sequence, extra, (guint) strlen (body), body);
  return g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);
}

/* /live plays; /elsewhere?URL is redirected there; /control?URL has its stream there. */
static bool
answer_rtsp (GOutputStream *out, const char *method, const char *target, const char *sequence)
{
  const char *argument = strchr (target, '?') != NULL ? strchr (target, '?') + 1 : "";
  bool is_control = strstr (target, "/control?") != NULL, is_elsewhere = strstr (target, "/elsewhere?") != NULL;
  g_autofree char *location = g_strdup_printf ("Location: %s\r\n", argument);
  g_autofree char *sdp = g_strdup_printf ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=live\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
                                          "a=rtpmap:0 PCMU/8000\r\na=control:%s\r\n", is_control ? argument : "sound");

  if (strcmp (method, "OPTIONS") == 0)
    return reply_rtsp (out, "200 OK", sequence, "Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN\r\n", "");
  if (strcmp (method, "DESCRIBE") == 0 && is_elsewhere)
    return reply_rtsp (out, "302 Moved", sequence, location, "");
  if (strcmp (method, "DESCRIBE") == 0)
    return reply_rtsp (out, "200 OK", sequence, "Content-Type: application/sdp\r\n", sdp);
  if (strcmp (method, "SETUP") == 0)
    return reply_rtsp (out, "200 OK", sequence, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", "");
  reply_rtsp (out, "200 OK", sequence, "", "");
  if (strcmp (method, "PLAY") == 0)
    stream (out);
  return strcmp (method, "PLAY") != 0;
}

static void
serve_rtsp (GDataInputStream *in, GOutputStream *out, const char *request)
{
  g_autofree char *first = g_strdup (request);

  while (first != NULL) {
    g_auto (GStrv) words = g_strsplit (first, " ", 3);
    g_autofree char *sequence = g_strdup ("0");
    char *line;
    while ((line = g_data_input_stream_read_line (in, NULL, NULL, NULL)) != NULL && *g_strchomp (line) != '\0') {
      if (g_ascii_strncasecmp (line, "cseq:", 5) == 0) {
        g_free (sequence);
        sequence = g_strdup (g_strstrip (line + 5));
      }
      g_free (line);
    }
    g_free (line);
    if (g_strv_length (words) < 3 || !answer_rtsp (out, words[0], words[1], sequence))
      return;
    g_free (first);
    first = g_data_input_stream_read_line (in, NULL, NULL, NULL);
  }
}

static gboolean
on_connection (GThreadedSocketService *service, GSocketConnection *connection, GObject *unused, gpointer user_data)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autofree char *address = g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (local)));
  g_autoptr (GDataInputStream) in = g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_autofree char *request = g_data_input_stream_read_line (in, NULL, NULL, NULL);
  gsize first = 0;

  if (strstr (address, PUBLIC_IPV4) == NULL && strcmp (address, PUBLIC_IPV6) != 0)
    g_atomic_int_inc (&web.n_private);
  if (request != NULL && strstr (request, "RTSP/1.0") != NULL) {
    serve_rtsp (in, g_io_stream_get_output_stream (G_IO_STREAM (connection)), request);
    return TRUE;
  }
  for (;;) {
    g_autofree char *line = g_data_input_stream_read_line (in, NULL, NULL, NULL);
    if (line == NULL || *g_strchomp (line) == '\0')
      break;
    if (g_ascii_strncasecmp (line, "range: bytes=", 13) == 0)
      first = g_ascii_strtoull (line + 13, NULL, 10);
  }
  g_auto (GStrv) words = g_strsplit (request != NULL ? request : "", " ", 3);
  if (g_strv_length (words) == 3)
    answer (g_io_stream_get_output_stream (G_IO_STREAM (connection)), words[1], first);
  return TRUE;
}

static gpointer
run_web (gpointer unused)
{
  g_main_context_push_thread_default (web.context);
  web.service = g_threaded_socket_service_new (32);
  web.port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (web.service), NULL, NULL);
  g_assert_cmpuint (web.port, >, 0);
  g_signal_connect (web.service, "run", G_CALLBACK (on_connection), NULL);
  g_main_loop_run (web.loop);
  return NULL;
}

static void
web_start (const char *dir)
{
  g_autofree char *clip = test_make_media (dir, 1, "-map 0 -map 1 -c:v libx264 -c:a aac -movflags +faststart", "clip.mp4");
  g_autofree char *part = test_make_media (dir, 1, "-map 0 -map 1 -c:v libx264 -c:a aac -f mpegts", "part.ts");

  g_assert_true (g_file_get_contents (clip, &web.clip, &web.n_clip, NULL));
  g_assert_true (g_file_get_contents (part, &web.part, &web.n_part, NULL));
  web.dir = dir;
  web.context = g_main_context_new ();
  web.loop = g_main_loop_new (web.context, FALSE);
  web.thread = g_thread_new ("web", run_web, NULL);
  while (g_atomic_pointer_get (&web.service) == NULL || web.port == 0)
    g_usleep (1000);
}

/* ---- Cases ------------------------------------------------------------------------------------------------------ */

/* A live source that closes its connection has finished, or failed: that is a matter of microseconds in rtspsrc. */
#define ENDS "*"

typedef struct {
  const char *name;
  const char *hosts;
  const char *url; /* @ stands for the server's port, $ for the directory of what it serves */
  const char *detail; /* of why it fails; NULL: it plays to the end */
  bool private_addresses;
} Case;

static const Case cases[] = {
  { "silence", "", "http://" PUBLIC_IPV4 ":@/slow", "", false },
  { "clip", "", "http://" PUBLIC_IPV4 ":@/clip.mp4", NULL, false },
  { "clip-ipv6", "", "http://[" PUBLIC_IPV6 "]:@/clip.mp4", NULL, false },
  { "redirect", "", "http://" PUBLIC_IPV4 ":@/to?/clip.mp4", NULL, false },
  { "playlist", "", "http://" PUBLIC_IPV4 ":@/list?/part.ts", NULL, false },
  { "missing", "", "http://" PUBLIC_IPV4 ":@/nothing.mp4", "Not Found", false },
  { "unreachable", "", "http://" PUBLIC_IPV4 ":9/clip.mp4", "cannot be read", false },
  { "redirect-to-private", "", "http://" PUBLIC_IPV4 ":@/to?http://127.0.0.1:@/clip.mp4", "127.0.0.1", false },
  { "redirect-to-name", "", "http://" PUBLIC_IPV4 ":@/to?http://localhost:@/clip.mp4", "no public address", false },
  { "redirect-to-mapped", "", "http://" PUBLIC_IPV4 ":@/to?http://[::ffff:127.0.0.1]:@/clip.mp4", "no public address", false },
  { "redirect-to-short", "", "http://" PUBLIC_IPV4 ":@/to?http://127.1:@/clip.mp4", "cannot be read", false },
  { "redirect-to-number", "", "http://" PUBLIC_IPV4 ":@/to?http://2130706433:@/clip.mp4", "cannot be read", false },
  { "redirect-to-zero", "", "http://" PUBLIC_IPV4 ":@/to?http://0.0.0.0:@/clip.mp4", "no public address", false },
  { "redirect-to-file", "", "http://" PUBLIC_IPV4 ":@/to?file://$/clip.mp4", "", false },
  { "redirect-to-rtsp", "", "http://" PUBLIC_IPV4 ":@/to?rtsp://127.0.0.1:@/clip", "", false },
  { "playlist-of-private", "", "http://" PUBLIC_IPV4 ":@/list?http://127.0.0.1:@/part.ts", "127.0.0.1", false },
  { "playlist-of-name", "", "http://" PUBLIC_IPV4 ":@/list?http://localhost:@/part.ts", "no public address", false },
  { "playlist-of-redirect", "", "http://" PUBLIC_IPV4 ":@/list?/to?http://127.0.0.1:@/part.ts", "127.0.0.1", false },
  { "playlist-of-file", "", "http://" PUBLIC_IPV4 ":@/list?file://$/part.ts", "", false },
  { "playlist-of-data", "", "http://" PUBLIC_IPV4 ":@/list?data:video/mp2t;base64,R0AAEAAA", "", false },
  { "dash", "", "http://" PUBLIC_IPV4 ":@/dash?/part.ts", NULL, false },
  { "dash-of-private", "", "http://" PUBLIC_IPV4 ":@/dash?http://127.0.0.1:@/part.ts", "127.0.0.1", false },
  { "dash-of-file", "", "http://" PUBLIC_IPV4 ":@/dash?file://$/part.ts", "", false },
  { "playlist-with-private-key", "", "http://" PUBLIC_IPV4 ":@/key?http://127.0.0.1:@/clip.mp4", "127.0.0.1", false },
  { "name-of-private", "", "http://localhost:@/clip.mp4", "no public address", false },
  { "rtsp-to-name-of-private", "", "rtsp://localhost:@/clip", "no public address", false },
  { "rtsps-to-name-of-private", "", "rtsps://localhost:@/clip", "no public address", false },
  { "rtsp", "", "rtsp://" PUBLIC_IPV4 ":@/live", ENDS, false },
  { "rtsp-redirect-to-private", "", "rtsp://" PUBLIC_IPV4 ":@/elsewhere?rtsp://127.0.0.1:@/live", "127.0.0.1", false },
  { "rtsp-redirect-to-name", "", "rtsp://" PUBLIC_IPV4 ":@/elsewhere?rtsp://localhost:@/live", "no public address", false },
  { "rtsp-redirect-to-udp", "", "rtsp://" PUBLIC_IPV4 ":@/elsewhere?rtspu://127.0.0.1:@/live", "127.0.0.1", false },
  { "rtsp-control-elsewhere", "", "rtsp://" PUBLIC_IPV4 ":@/control?rtsp://127.0.0.1:@/live", ENDS, false },
  { "private-allowed", "", "http://127.0.0.1:@/clip.mp4", NULL, true },
  { "name-of-private-allowed", "localhost", "http://localhost:@/clip.mp4", NULL, true },
  { "host-allowed", PUBLIC_IPV4, "http://" PUBLIC_IPV4 ":@/clip.mp4", NULL, false },
  { "redirect-to-other-host", "localhost", "http://localhost:@/to?http://127.0.0.2:@/clip.mp4", "127.0.0.2", true },
  { "redirect-to-other-name", PUBLIC_IPV4, "http://" PUBLIC_IPV4 ":@/to?http://localhost:@/clip.mp4", "allowed_hosts", true },
};

static char *
complete (const char *url)
{
  g_autofree char *port = g_strdup_printf ("%u", web.port);
  g_autoptr (GString) text = g_string_new (url);

  g_string_replace (text, "@", port, 0);
  g_string_replace (text, "$", web.dir, 0);
  return g_strdup (text->str);
}

static void
start_case (TestPlayer *test, const Case *c)
{
  g_autofree char *url = complete (c->url), *hosts = g_strconcat ("players.allowed_hosts=", c->hosts, NULL);

  test_player_init (test, URLS, hosts, c->private_addresses ? PRIVATE : NULL, NULL);
  test_player_start (test, url, false, false);
}

static void
wait_for_end (TestPlayer *test, MxrPlayerInfo *out_info)
{
  gint64 until_us = g_get_monotonic_time () + 25 * G_USEC_PER_SEC; /* who says nothing is heard for 10 s */

  for (mxr_player_get_info (test->player, out_info); out_info->state < MXR_PLAYER_FINISHED; test_player_run (10)) {
    mxr_player_get_info (test->player, out_info);
    if (g_get_monotonic_time () > until_us)
      g_error ("it does not end: %s", test->states->str);
  }
}

static void
finish_case (TestPlayer *test, const Case *c)
{
  bool is_played = c->detail == NULL, may_end = g_strcmp0 (c->detail, ENDS) == 0;
  MxrPlayerInfo info;

  wait_for_end (test, &info);
  g_autoptr (GArray) pictures = test_player_copy (test, MXR_PLAYER_PICTURE);
  g_autoptr (GArray) sounds = test_player_copy (test, MXR_PLAYER_SOUND);
  g_test_message ("%s, %s: %s; %u pictures, %u blocks; %s", c->name, c->url, mxr_player_state_to_string (info.state),
                  pictures->len, sounds->len, info.detail);
  if (!may_end)
    g_assert_cmpint (info.state, ==, is_played ? MXR_PLAYER_FINISHED : MXR_PLAYER_FAILED);
  if (is_played)
    g_assert_cmpuint (pictures->len, >, 10);
  if (is_played || may_end)
    g_assert_cmpuint (sounds->len, >, 30);
  else
    g_assert_true (pictures->len == 0 && sounds->len == 0 && strstr (info.detail, c->detail) != NULL);
  test_player_clear (test);
}

/* Processes that start at the same time must not keep each other from it. */
#define AT_ONCE 4

/* The first one of all is waited for last: it takes as long as the others. */
static void
test_cases (gconstpointer private_addresses)
{
  TestPlayer tests[G_N_ELEMENTS (cases)];
  const Case *chosen[G_N_ELEMENTS (cases)];
  guint n = 0, n_finished = 1;

  g_atomic_int_set (&web.n_private, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (cases[i].private_addresses == (private_addresses != NULL))
      chosen[n++] = &cases[i];
  for (guint i = 0; i < n; i++) {
    start_case (&tests[i], chosen[i]);
    if (i < AT_ONCE)
      continue;
    finish_case (&tests[n_finished], chosen[n_finished]);
    n_finished++;
  }
  for (; n_finished < n; n_finished++)
    finish_case (&tests[n_finished], chosen[n_finished]);
  finish_case (&tests[0], chosen[0]);
  if (private_addresses == NULL)
    g_assert_cmpint (g_atomic_int_get (&web.n_private), ==, 0);
}

static bool
enter_network (void)
{
  static const char commands[] = "ip link set lo up && ip address add " PUBLIC_IPV4 "/32 dev lo && "
                                 "ip address add " PUBLIC_IPV6 "/128 dev lo nodad";
  char *argv[] = { (char *) "/bin/sh", (char *) "-c", (char *) commands, NULL };
  int status = -1;

  if (unshare (geteuid () == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return false;
  return g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL) && status == 0;
}

int
main (int argc, char **argv)
{
  bool has_network = enter_network ();

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  if (!has_network) {
    g_print ("1..0 # SKIP a network of its own, or ip, is not to be had here\n");
    return 0;
  }
  g_autofree char *dir = g_dir_make_tmp ("mixroom-fetch-XXXXXX", NULL);
  web_start (dir);
  g_test_add_data_func ("/fetch/public", NULL, test_cases);
  g_test_add_data_func ("/fetch/private-allowed", "allowed", test_cases);
  int result = g_test_run ();
  g_autofree char *command = g_strdup_printf ("rm -rf %s", dir);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_main_loop_quit (web.loop);
  g_thread_join (web.thread);
  return result;
}
