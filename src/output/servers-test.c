/* RTMP and SRT as servers see them that are not ours: nginx with its RTMP module, srt-live-transmit. They go and come back,
 * they hang, and what they got can be played. */

#include "mixroom/output.h"
#include "test-feed.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NGINX_MODULE "/usr/lib/nginx/modules/ngx_rtmp_module.so"
#define KEY "sesame"

static char *directory;

/* ---- Processes -------------------------------------------------------------------------------------------------------- */

static guint16
find_port (GSocketType type)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, type, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  g_assert_true (g_socket_bind (socket, address, FALSE, NULL));
  g_autoptr (GSocketAddress) bound = g_socket_get_local_address (socket, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static GSubprocess *
start_process (const char *const *arguments, const char *stdout_path)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;

  if (stdout_path != NULL)
    g_subprocess_launcher_set_stdout_file_path (launcher, stdout_path);
  GSubprocess *process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  g_assert_no_error (error);
  return process;
}

static void
end_process (GSubprocess *process, int signal_number)
{
  g_subprocess_send_signal (process, signal_number);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_object_unref (process);
}

static bool
is_there (const char *program)
{
  g_autofree char *path = g_find_program_in_path (program);
  if (path == NULL)
    g_test_skip_printf ("%s is not installed here", program);
  return path != NULL;
}

/* ---- nginx -------------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *prefix; /* its own folder, into which it records */
  char *configuration;
  guint16 port;
  GSubprocess *process;
} Nginx;

static bool
nginx_init (Nginx *self)
{
  if (!is_there ("nginx"))
    return false;
  if (!g_file_test (NGINX_MODULE, G_FILE_TEST_EXISTS)) {
    g_test_skip ("the RTMP module of nginx is not installed here");
    return false;
  }
  g_autofree char *name = g_strconcat (directory, "/nginx-XXXXXX", NULL);
  self->prefix = g_strdup (g_mkdtemp (name));
  self->port = find_port (G_SOCKET_TYPE_STREAM);
  self->configuration = g_build_filename (self->prefix, "nginx.conf", NULL);
  g_autofree char *text = g_strdup_printf (
    "load_module " NGINX_MODULE ";\ndaemon off;\nmaster_process off;\npid %s/pid;\nerror_log %s/error.log;\nevents { }\n"
    "rtmp { server { listen 127.0.0.1:%u; application live { live on; record all; record_unique on; record_path %s; } } }\n",
    self->prefix, self->prefix, self->port, self->prefix);
  g_assert_true (g_file_set_contents (self->configuration, text, -1, NULL));
  return true;
}

static void
nginx_start (Nginx *self)
{
  self->process = start_process ((const char *const[]){ "nginx", "-p", self->prefix, "-c", self->configuration, NULL }, NULL);
}

static char *
nginx_get_url (const Nginx *self)
{
  return g_strdup_printf ("rtmp://127.0.0.1:%u/live/" KEY, self->port);
}

/* Of all it recorded: each holds picture and sound, which FFmpeg decodes. Returns: how many. */
static guint
nginx_check_recordings (const Nginx *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->prefix, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (self->prefix, name, NULL);
    if (!g_str_has_suffix (name, ".flv"))
      continue;
    double picture_s = test_get_end_s (path, "v:0"), sound_s = test_get_end_s (path, "a:0");
    g_test_message ("%s: picture up to %.2f s, sound up to %.2f s", name, picture_s, sound_s);
    g_assert_cmpfloat (picture_s, >, 1);
    g_assert_cmpfloat (sound_s, >, 1);
    n++;
  }
  return n;
}

static void
nginx_clear (Nginx *self)
{
  g_free (self->prefix);
  g_free (self->configuration);
}

/* ---- Outputs -------------------------------------------------------------------------------------------------------------- */

static MxrOutput *
start (TestFeed *feed, const char *type, const char *url)
{
  const MxrOutputRequest request = { .type = type, .url = url };
  const MxrOutputPlaces places = { directory, directory, true };
  const MxrOutputEvents events = { NULL };
  g_autoptr (GError) error = NULL;

  MxrOutput *output = mxr_output_new (&request, &places, "room", feed->feed, &events, NULL, &error);
  g_assert_no_error (error);
  return output;
}

typedef struct {
  MxrOutput *output;
  MxrOutputState state;
} Wanted;

static bool
is_in_state (gpointer user_data)
{
  const Wanted *wanted = user_data;
  MxrOutputInfo info;

  mxr_output_get_info (wanted->output, &info);
  g_assert_true (info.detail == NULL || strstr (info.detail, KEY) == NULL);
  return info.state == wanted->state;
}

static void
await (MxrOutput *output, MxrOutputState state)
{
  Wanted wanted = { output, state };
  test_until (is_in_state, &wanted, 40, mxr_output_state_to_string (state));
}

static bool
is_over (gpointer user_data)
{
  return mxr_output_is_over (user_data);
}

static void
finish (MxrOutput *output)
{
  mxr_output_stop (output);
  test_until (is_over, output, 15, "the output's end");
  mxr_output_free (output);
}

/* Longest silence of the packets of a file [s]. */
static double
find_longest_gap_s (const char *path, const char *stream)
{
  const char *const arguments[] = { "ffprobe", "-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time",
                                    "-of", "csv=p=0", path, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  g_autofree char *out = NULL;
  double longest_s = 0, last_s = 0;

  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (g_strchomp (out), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >, 10);
  for (char **line = lines; *line != NULL; line++) {
    double at_s = g_ascii_strtod (*line, NULL);
    longest_s = MAX (longest_s, at_s - last_s);
    last_s = at_s;
  }
  return longest_s;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------------------ */

/* Not there yet, there, killed, back. */
static void
test_rtmp (void)
{
  Nginx nginx = { NULL };
  MxrOutputInfo info;
  TestFeed feed;

  if (!nginx_init (&nginx))
    return;
  g_autofree char *url = nginx_get_url (&nginx);
  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "rtmp", url);
  await (output, MXR_OUTPUT_RETRYING);
  nginx_start (&nginx);
  await (output, MXR_OUTPUT_RUNNING);
  test_run_ms (3000);
  mxr_output_get_info (output, &info);
  g_assert_cmpuint (info.bitrate_bps, >, 50000);
  end_process (nginx.process, SIGKILL);
  await (output, MXR_OUTPUT_RETRYING);
  nginx_start (&nginx);
  await (output, MXR_OUTPUT_RUNNING);
  test_run_ms (3000);
  mxr_output_get_info (output, &info);
  g_assert_cmpuint (info.n_reconnects, >=, 2);
  finish (output);
  test_run_ms (500);
  end_process (nginx.process, SIGTERM);
  test_feed_stop (&feed);
  g_assert_cmpuint (nginx_check_recordings (&nginx), ==, 2);
  nginx_clear (&nginx);
}

/* One server hangs in the middle, another one never says a word: a recording does not notice, and both can be stopped. */
static void
test_hanging (void)
{
  g_autoptr (GSocketListener) mute = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (mute, NULL, NULL);
  g_autofree char *mute_url = g_strdup_printf ("rtmp://127.0.0.1:%u/live/" KEY, port);
  Nginx nginx = { NULL };
  MxrOutputInfo info;
  TestFeed feed;

  if (!nginx_init (&nginx))
    return;
  g_autofree char *url = nginx_get_url (&nginx);
  nginx_start (&nginx);
  test_feed_start (&feed);
  MxrOutput *file = start (&feed, "file", NULL), *hanging = start (&feed, "rtmp", url), *unheard = start (&feed, "rtmp", mute_url);
  mxr_output_get_info (file, &info);
  g_autofree char *path = g_build_filename (directory, info.recording, NULL);
  await (hanging, MXR_OUTPUT_RUNNING);
  g_subprocess_send_signal (nginx.process, SIGSTOP);
  test_run_ms (7000);
  mxr_output_get_info (unheard, &info);
  g_test_message ("a server that says nothing: %s", info.detail != NULL ? info.detail : mxr_output_state_to_string (info.state));
  g_assert_true (info.state == MXR_OUTPUT_STARTING || info.state == MXR_OUTPUT_RETRYING);
  gint64 begin_us = g_get_monotonic_time ();
  finish (hanging);
  finish (unheard);
  g_test_message ("both stopped within %.1f s", (g_get_monotonic_time () - begin_us) / 1e6);
  finish (file);
  g_subprocess_send_signal (nginx.process, SIGCONT);
  end_process (nginx.process, SIGTERM);
  test_feed_stop (&feed);
  double picture_s = find_longest_gap_s (path, "v:0"), sound_s = find_longest_gap_s (path, "a:0");
  g_test_message ("longest gap of the recording: picture %.3f s, sound %.3f s", picture_s, sound_s);
  g_assert_cmpfloat (picture_s, <, 0.2);
  g_assert_cmpfloat (sound_s, <, 0.03);
  nginx_clear (&nginx);
}

/* TLS in front of nginx: a certificate that is trusted is taken, another one is not. */
static const char proxy[] =
  "import socket,ssl,sys,threading\n"
  "context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
  "context.load_cert_chain(sys.argv[1])\n"
  "listener=socket.create_server(('127.0.0.1',int(sys.argv[2])))\n"
  "def copy(a,b):\n"
  "  try:\n"
  "    while True:\n"
  "      data=a.recv(65536)\n"
  "      if not data: break\n"
  "      b.sendall(data)\n"
  "  except OSError: pass\n"
  "  for s in (a,b):\n"
  "    try: s.shutdown(socket.SHUT_RDWR)\n"
  "    except OSError: pass\n"
  "def serve(raw):\n"
  "  try: near=context.wrap_socket(raw,server_side=True)\n"
  "  except OSError: return\n"
  "  far=socket.create_connection(('127.0.0.1',int(sys.argv[3])))\n"
  "  threading.Thread(target=copy,args=(far,near),daemon=True).start()\n"
  "  copy(near,far)\n"
  "while True:\n"
  "  threading.Thread(target=serve,args=(listener.accept()[0],),daemon=True).start()\n";

static bool
make_certificate (const char *path)
{
  const char *const arguments[] = { "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path, "-out", "-", NULL };
  g_autofree char *key = NULL, *out = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);

  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL) ||
      !g_file_get_contents (path, &key, NULL, NULL))
    return false;
  g_autofree char *both = g_strconcat (key, out, NULL);
  return g_file_set_contents (path, both, -1, NULL);
}

static void
test_rtmps (void)
{
  g_autofree char *certificate = g_build_filename (directory, "certificate.pem", NULL);
  guint16 port = find_port (G_SOCKET_TYPE_STREAM);
  g_autofree char *near = g_strdup_printf ("%u", port), *url = g_strdup_printf ("rtmps://127.0.0.1:%u/live/" KEY, port);
  g_autoptr (GError) error = NULL;
  Nginx nginx = { NULL };
  TestFeed feed;

  if (!is_there ("python3") || !is_there ("openssl") || !nginx_init (&nginx))
    return;
  g_assert_true (make_certificate (certificate));
  g_autofree char *far = g_strdup_printf ("%u", nginx.port);
  nginx_start (&nginx);
  GSubprocess *server = start_process ((const char *const[]){ "python3", "-c", proxy, certificate, near, far, NULL }, NULL);
  test_run_ms (1000);
  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "rtmp", url);
  await (output, MXR_OUTPUT_RETRYING); /* nobody trusts it */
  finish (output);
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (certificate, &error);
  g_assert_no_error (error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), trusted);
  output = start (&feed, "rtmp", url);
  await (output, MXR_OUTPUT_RUNNING);
  test_run_ms (3500);
  finish (output);
  test_run_ms (500);
  end_process (server, SIGKILL);
  end_process (nginx.process, SIGTERM);
  test_feed_stop (&feed);
  g_assert_cmpuint (nginx_check_recordings (&nginx), ==, 1);
  nginx_clear (&nginx);
}

/* MPEG-TS begins anywhere, and for who comes in the middle with pictures that FFmpeg complains of. */
static double
get_begin_s (const char *path)
{
  const char *const arguments[] = { "ffprobe", "-v", "quiet", "-show_entries", "format=start_time", "-of", "csv=p=0", path, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  g_autofree char *out = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL));
  return g_ascii_strtod (out, NULL);
}

static void
check_received (const char *path)
{
  double begin_s = get_begin_s (path);
  double picture_s = test_get_end_s (path, "v:0") - begin_s, sound_s = test_get_end_s (path, "a:0") - begin_s;
  g_test_message ("received: %.2f s of picture, %.2f s of sound", picture_s, sound_s);
  g_assert_cmpfloat (picture_s, >, 1);
  g_assert_cmpfloat (sound_s, >, 1);
}

/* We call; it ends and comes back. */
static void
test_srt_caller (void)
{
  guint16 port = find_port (G_SOCKET_TYPE_DATAGRAM);
  g_autofree char *url = g_strdup_printf ("srt://127.0.0.1:%u?streamid=" KEY, port);
  g_autofree char *listener = g_strdup_printf ("srt://127.0.0.1:%u?mode=listener", port);
  const char *const arguments[] = { "srt-live-transmit", "-q", listener, "file://con", NULL };
  TestFeed feed;

  if (!is_there ("srt-live-transmit"))
    return;
  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "srt", url);
  await (output, MXR_OUTPUT_RETRYING);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *path = g_strdup_printf ("%s/called-%u.ts", directory, i);
    GSubprocess *server = start_process (arguments, path);
    await (output, MXR_OUTPUT_RUNNING);
    test_run_ms (3500);
    end_process (server, SIGTERM);
    check_received (path);
    await (output, MXR_OUTPUT_RETRYING);
  }
  finish (output);
  test_feed_stop (&feed);
}

static void
test_srt_listener (void)
{
  guint16 port = find_port (G_SOCKET_TYPE_DATAGRAM);
  g_autofree char *url = g_strdup_printf ("srt://127.0.0.1:%u?mode=listener", port);
  g_autofree char *caller = g_strdup_printf ("srt://127.0.0.1:%u?mode=caller", port);
  g_autofree char *path = g_build_filename (directory, "caller.ts", NULL);
  TestFeed feed;

  if (!is_there ("srt-live-transmit"))
    return;
  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "srt", url);
  await (output, MXR_OUTPUT_RUNNING);
  GSubprocess *client = start_process ((const char *const[]){ "srt-live-transmit", "-q", caller, "file://con", NULL }, path);
  test_run_ms (4000);
  end_process (client, SIGTERM);
  finish (output);
  test_feed_stop (&feed);
  check_received (path);
}

/* Nothing that was said of all the above says the key. */
static void
test_secrets (gconstpointer log)
{
  g_autofree char *text = NULL;

  fflush (stderr);
  g_assert_true (g_file_get_contents (log, &text, NULL, NULL));
  g_assert_null (strstr (text, KEY));
}

int
main (int argc, char **argv)
{
  g_autofree char *ffprobe = g_find_program_in_path ("ffprobe");

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK); /* rtmp2sink of GStreamer 1.22.0 has criticals for what servers leave out */
  directory = g_dir_make_tmp ("mixroom-servers-XXXXXX", NULL);
  g_autofree char *log = g_build_filename (directory, "log", NULL);
  g_assert_nonnull (freopen (log, "w", stderr));
  if (ffprobe != NULL) {
    g_test_add_func ("/servers/rtmp", test_rtmp);
    g_test_add_func ("/servers/rtmps", test_rtmps);
    g_test_add_func ("/servers/hanging", test_hanging);
    g_test_add_func ("/servers/srt-caller", test_srt_caller);
    g_test_add_func ("/servers/srt-listener", test_srt_listener);
    g_test_add_data_func ("/servers/secrets", log, test_secrets); /* the last */
  }
  int result = g_test_run ();
  const char *const arguments[] = { "rm", "-r", directory, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, NULL);
  g_subprocess_wait (process, NULL, NULL);
  g_free (directory);
  return result;
}
