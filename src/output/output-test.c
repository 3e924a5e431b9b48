/* Outputs, judged by FFmpeg: what they make can be played, whatever happens to them meanwhile. */

#include "output-private.h"
#include "test-feed.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

static char *directory;
static const char *program;

/* ---- One output ------------------------------------------------------------------------------------------------------ */

static MxrOutput *
start (TestFeed *feed, const char *type, const char *format, const char *url)
{
  const MxrOutputRequest request = { type, format, url };
  const MxrOutputPlaces places = { directory, directory, true };
  const MxrOutputEvents events = { NULL };
  g_autoptr (GError) error = NULL;

  MxrOutput *output = mxr_output_new (&request, &places, "a room/ä", feed->feed, &events, NULL, &error);
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
  if (info.state == MXR_OUTPUT_FAILED && wanted->state != MXR_OUTPUT_FAILED)
    g_error ("failed: %s", info.detail);
  return info.state == wanted->state;
}

static void
await (MxrOutput *output, MxrOutputState state)
{
  Wanted wanted = { output, state };
  test_until (is_in_state, &wanted, 20, mxr_output_state_to_string (state));
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
  test_until (is_over, output, 10, "the output's end");
  g_assert_true (is_in_state (&(Wanted){ output, MXR_OUTPUT_FINISHED }));
  mxr_output_free (output);
}

static char *
get_recording (MxrOutput *output)
{
  MxrOutputInfo info;
  mxr_output_get_info (output, &info);
  return g_build_filename (directory, info.recording, NULL);
}

/* ---- Files ------------------------------------------------------------------------------------------------------------- */

/* Sound comes later than pictures, and is as long all the same. The last of a file is not only begun, but shown and played. */
static void
assert_is_recorded (const char *path, double duration_s)
{
  double picture_s = test_get_end_s (path, "v:0") + 1 / 30.0, sound_s = test_get_end_s (path, "a:0") + 1024 / 48000.0;

  g_test_message ("%s: picture up to %.3f s, sound up to %.3f s, and %.3f s when it was stopped", path, picture_s, sound_s, duration_s);
  g_assert_true (test_decode (path));
  g_assert_cmpfloat (fabs (picture_s - sound_s), <, 0.04);
  g_assert_cmpfloat (fabs (picture_s - duration_s), <, 0.1);
}

/* Of one format, from its begin to its end. */
typedef struct {
  MxrOutput *output;
  char *path;
} File;

static File
start_file (TestFeed *feed, const char *format)
{
  File file = { .output = start (feed, "file", format, NULL) };

  file.path = get_recording (file.output);
  return file;
}

static void
finish_file (File *file)
{
  MxrOutputInfo info;

  mxr_output_get_info (file->output, &info);
  g_assert_cmpuint (info.n_bytes, >, 50000);
  g_assert_cmpuint (info.duration_ms, >, 2000);
  g_assert_cmpuint (info.bitrate_bps, >, 100000);
  finish (file->output);
  assert_is_recorded (file->path, info.duration_ms / 1000.0);
}

/* What of the time since some instant is not in it. */
static double
get_lag_s (const File *file)
{
  MxrOutputInfo info;

  mxr_output_get_info (file->output, &info);
  return g_get_monotonic_time () / 1e6 - info.duration_ms / 1000.0;
}

/* Of either format, one of them paused for a while: the others do not notice. */
static void
record_files (TestFeed *feed)
{
  File files[] = { start_file (feed, "mp4"), start_file (feed, "mkv"), start_file (feed, NULL) };
  File *part = &files[2];
  double before_s[3];

  for (guint i = 0; i < 3; i++)
    await (files[i].output, MXR_OUTPUT_RUNNING);
  for (guint i = 0; i < 3; i++)
    before_s[i] = get_lag_s (&files[i]);
  g_assert_true (mxr_output_set_paused (part->output, true, NULL));
  await (part->output, MXR_OUTPUT_PAUSED);
  test_run_ms (5000);
  g_assert_true (mxr_output_set_paused (part->output, false, NULL));
  await (part->output, MXR_OUTPUT_RUNNING);
  test_run_ms (3500);
  for (guint i = 0; i < 3; i++) {
    double left_out_s = get_lag_s (&files[i]) - before_s[i];
    g_test_message ("%s: with or without a pause of 5 s, up to a key frame, %.2f s are left out", files[i].path, left_out_s);
    g_assert_cmpfloat (left_out_s, >, &files[i] == part ? 4 : -1);
    g_assert_cmpfloat (left_out_s, <, &files[i] == part ? 8 : 1);
  }
  for (guint i = 0; i < 3; i++) {
    finish_file (&files[i]);
    g_free (files[i].path);
  }
}

static void
test_no_directory (void)
{
  const MxrOutputRequest request = { "file", NULL, NULL };
  const MxrOutputPlaces places = { "/nonexistent/recordings", "", false };
  const MxrOutputEvents events = { NULL };
  TestFeed feed;
  MxrOutputInfo info;

  test_feed_start (&feed);
  MxrOutput *output = mxr_output_new (&request, &places, "room", feed.feed, &events, NULL, NULL);
  await (output, MXR_OUTPUT_FAILED);
  mxr_output_get_info (output, &info);
  g_test_message ("%s", info.detail);
  g_assert_nonnull (strstr (info.detail, "/nonexistent/recordings"));
  g_assert_false (mxr_output_set_paused (output, true, NULL));
  test_until (is_over, output, 10, "the output's end");
  mxr_output_free (output);
  test_feed_stop (&feed);
}

static void
test_refusals (void)
{
  static const struct {
    MxrOutputRequest request;
    bool is_allowed;
    MxrOutputError code;
  } cases[] = {
    { { "fax", NULL, NULL }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { NULL, NULL, NULL }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "file", "avi", NULL }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "file", NULL, NULL }, false, MXR_OUTPUT_ERROR_OFF },
    { { "hls", NULL, NULL }, false, MXR_OUTPUT_ERROR_OFF },
    { { "rtmp", NULL, "rtmp://localhost/live/key" }, false, MXR_OUTPUT_ERROR_OFF },
    { { "rtmp", NULL, NULL }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "rtmp", NULL, "http://localhost/live/key" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "rtmp", NULL, "rtmp://localhost/live" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "rtmp", NULL, "rtmp:///live/key" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "rtmp", NULL, "rtmp://local host/live/key" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "srt", NULL, "srt://localhost" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "srt", NULL, "srt://:9000" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
    { { "srt", NULL, "file:///etc/passwd" }, true, MXR_OUTPUT_ERROR_BAD_REQUEST },
  };
  const MxrOutputEvents events = { NULL };
  g_autoptr (MxrFeed) feed = mxr_feed_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const MxrOutputPlaces allowed = { directory, directory, true }, refused = { "", "", false };
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_output_new (&cases[i].request, cases[i].is_allowed ? &allowed : &refused, "room", feed, &events,
                                   NULL, &error));
    g_assert_error (error, MXR_OUTPUT_ERROR, (int) cases[i].code);
  }
}

/* ---- A recorder that is a process of its own: `output-test --record FORMAT SOUND SPLIT DIRECTORY` ----------------------- */

static G_GNUC_NORETURN void
record_for_ever (char **arguments)
{
  const MxrOutputRequest request = { .type = "file", .format = arguments[0], .sound = arguments[1], .split_s = atoi (arguments[2]) };
  const MxrOutputPlaces places = { arguments[3], "", false };
  const MxrOutputEvents events = { NULL };
  TestFeed feed;
  MxrOutputInfo info = { 0 };

  test_feed_start (&feed);
  MxrOutput *output = mxr_output_new (&request, &places, "room", feed.feed, &events, NULL, NULL);
  while (info.duration_ms == 0) {
    test_run_ms (20);
    mxr_output_get_info (output, &info);
  }
  printf ("%s\n", info.recording);
  fflush (stdout);
  for (;;)
    test_run_ms (1000);
}

/* What is killed, and at which moment, is chosen anew each time. */
typedef struct {
  GSubprocess *process;
  GDataInputStream *lines;
  char *path;
  bool is_divided;
  gint64 begun_us;
} Recorder;

static void
recorder_start (Recorder *self, guint index)
{
  static const char *const kinds[][3] = { { "mp4", "aac", "0" }, { "mp4", "opus", "0" }, { "mkv", "aac", "0" },
                                          { "mp4", "aac", "2" }, { "mkv", "opus", "0" } };
  const char *const *kind = kinds[index % G_N_ELEMENTS (kinds)];

  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, program, "--record", kind[0], kind[1], kind[2],
                                    directory, NULL);
  self->lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  self->is_divided = kind[2][0] != '0';
}

static void
recorder_await (Recorder *self)
{
  g_autofree char *name = g_data_input_stream_read_line (self->lines, NULL, NULL, NULL);
  g_assert_nonnull (name);
  self->path = g_build_filename (directory, name, NULL);
  self->begun_us = g_get_monotonic_time ();
}

/* Of all files together, which FFmpeg decodes. */
static void
measure_files (const Recorder *self, double *out_picture_s, double *out_sound_s)
{
  g_autofree char *path = g_strdup (self->path);
  char *number = strstr (path, "-001.");

  *out_picture_s = *out_sound_s = 0;
  for (guint i = 1; g_file_test (path, G_FILE_TEST_EXISTS); i++) {
    double picture_s = test_get_end_s (path, "v:0");
    *out_sound_s = MAX (*out_sound_s, *out_picture_s + test_get_end_s (path, "a:0"));
    *out_picture_s += picture_s;
    /* The newest of several may hold nothing yet. */
    g_assert_true (picture_s == 0 || test_decode_what_is_there (path));
    if (!self->is_divided)
      return;
    memcpy (number, (char[]){ '-', '0', '0' + (i + 1) / 10, '0' + (i + 1) % 10 }, 4);
  }
}

static void
recorder_kill (Recorder *self)
{
  double lasted_s = (g_get_monotonic_time () - self->begun_us) / 1e6, picture_s, sound_s;

  g_subprocess_send_signal (self->process, SIGKILL);
  g_assert_true (g_subprocess_wait (self->process, NULL, NULL));
  measure_files (self, &picture_s, &sound_s);
  g_test_message ("%s: killed after %.2f s: picture up to %.2f s, sound up to %.2f s", self->path, lasted_s, picture_s, sound_s);
  g_assert_cmpfloat (picture_s, >, lasted_s - 2);
  g_assert_cmpfloat (sound_s, >, lasted_s - 2);
  g_object_unref (self->process);
  g_object_unref (self->lines);
  g_free (self->path);
}

/* Five at once, as often as MIXROOM_KILLS says. */
static void
test_kill (void)
{
  guint n = g_getenv ("MIXROOM_KILLS") != NULL ? atoi (g_getenv ("MIXROOM_KILLS")) : 5;
  Recorder recorders[5];

  for (guint k = 0; k < n; k += G_N_ELEMENTS (recorders)) {
    for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
      recorder_start (&recorders[i], i);
    for (guint i = 0; i < G_N_ELEMENTS (recorders); i++)
      recorder_await (&recorders[i]);
    g_usleep (2500000);
    for (guint i = 0; i < G_N_ELEMENTS (recorders); i++) {
      g_usleep (g_test_rand_int_range (100, 1500) * 1000);
      recorder_kill (&recorders[i]);
    }
  }
}

/* ---- HLS ------------------------------------------------------------------------------------------------------------------ */

static guint
count (const char *text, const char *word)
{
  guint n = 0;
  for (const char *p = strstr (text, word); p != NULL; p = strstr (p + 1, word))
    n++;
  return n;
}

/* Files are written meanwhile. */
static void
test_hls_and_files (void)
{
  TestFeed feed;
  gint64 begin_us = g_get_monotonic_time ();
  MxrOutputInfo info;
  g_autofree char *live = NULL, *whole = NULL;

  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "hls", NULL, NULL);
  mxr_output_get_info (output, &info);
  g_autofree char *path = g_build_filename (directory, info.playlist, NULL);
  await (output, MXR_OUTPUT_RUNNING);
  record_files (&feed);
  test_run_ms (MAX (15000 - (g_get_monotonic_time () - begin_us) / 1000, 0));
  g_assert_true (g_file_get_contents (path, &live, NULL, NULL));
  mxr_output_get_info (output, &info);
  double duration_s = info.duration_ms / 1000.0;
  finish (output);
  test_feed_stop (&feed);
  g_assert_cmpuint (count (live, "#EXTINF"), ==, 6);
  g_assert_null (strstr (live, "#EXT-X-ENDLIST"));
  g_assert_true (g_file_get_contents (path, &whole, NULL, NULL));
  g_test_message ("%s", whole);
  g_assert_nonnull (strstr (whole, "#EXT-X-ENDLIST"));
  g_assert_cmpuint (count (whole, "#EXTINF"), >=, 8);
  g_assert_true (test_decode (path));
  g_autofree char *duration = test_ffprobe (path, "format=duration");
  g_assert_cmpfloat (g_ascii_strtod (duration, NULL), >, duration_s - 1);
}

/* ---- RTMP and SRT ----------------------------------------------------------------------------------------------------------- */

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

/* FFmpeg, which writes what it gets until it is told to end. @listens: for RTMP; SRT's URL says it. */
static GSubprocess *
receive (const char *url, bool listens, const char *path)
{
  const char *arguments[24] = { "ffmpeg", "-nostdin", "-v", "error", "-y", "-analyzeduration", "1000000" };
  guint n = 7;

  if (listens) {
    arguments[n++] = "-listen";
    arguments[n++] = "1";
  }
  for (const char *const *p = (const char *const[]){ "-i", url, "-c", "copy", "-flush_packets", "1", path, NULL }; *p != NULL; p++)
    arguments[n++] = *p;
  GSubprocess *process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  g_assert_nonnull (process);
  return process;
}

/* FFmpeg begins to write when it has seen enough of both streams, which takes it seconds on a busy machine. */
static void
receive_some (const char *path)
{
  const gint64 end_us = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  GStatBuf file = { 0 };

  while (g_stat (path, &file) != 0 || file.st_size == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, end_us);
    test_run_ms (100);
  }
  test_run_ms (2500);
}

static void
end_receiver (GSubprocess *process)
{
  g_subprocess_send_signal (process, SIGTERM);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_object_unref (process);
}

static void
assert_received (const char *path)
{
  double picture_s = test_get_end_s (path, "v:0"), sound_s = test_get_end_s (path, "a:0");
  g_test_message ("received: picture up to %.2f s, sound up to %.2f s", picture_s, sound_s);
  g_assert_cmpfloat (picture_s, >, 1);
  g_assert_cmpfloat (sound_s, >, 1);
}

/* The server is not there yet, comes, goes, and comes back. GStreamer 1.22.0 has a critical message for FFmpeg's answer to
 * `connect`, which lacks a member that it looks at; nothing else comes of it. */
static void
test_rtmp (void)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_autofree char *url = g_strdup_printf ("rtmp://127.0.0.1:%u/live/sesame", find_port (G_SOCKET_TYPE_STREAM));
  g_autofree char *first = g_build_filename (directory, "first.mkv", NULL);
  g_autofree char *second = g_build_filename (directory, "second.mkv", NULL);
  TestFeed feed;
  MxrOutputInfo info;

  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "rtmp", NULL, url);
  await (output, MXR_OUTPUT_RETRYING);
  mxr_output_get_info (output, &info);
  g_test_message ("%s: %s", info.server, info.detail);
  g_assert_null (strstr (info.detail, "sesame"));
  g_assert_null (strstr (info.server, "sesame"));
  GSubprocess *server = receive (url, true, first);
  await (output, MXR_OUTPUT_RUNNING);
  receive_some (first);
  end_receiver (server);
  await (output, MXR_OUTPUT_RETRYING);
  server = receive (url, true, second);
  await (output, MXR_OUTPUT_RUNNING);
  receive_some (second);
  finish (output);
  end_receiver (server);
  test_feed_stop (&feed);
  g_log_set_always_fatal (fatal);
  assert_received (first);
  assert_received (second);
}

/* Nobody is there yet. */
static void
test_srt_caller (void)
{
  guint port = find_port (G_SOCKET_TYPE_DATAGRAM);
  g_autofree char *url = g_strdup_printf ("srt://127.0.0.1:%u?streamid=sesame", port);
  g_autofree char *listener = g_strdup_printf ("srt://127.0.0.1:%u?mode=listener", port);
  g_autofree char *path = g_build_filename (directory, "called.ts", NULL);
  TestFeed feed;

  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "srt", NULL, url);
  await (output, MXR_OUTPUT_RETRYING);
  GSubprocess *server = receive (listener, false, path);
  await (output, MXR_OUTPUT_RUNNING);
  receive_some (path);
  finish (output);
  end_receiver (server);
  test_feed_stop (&feed);
  assert_received (path);
}

static void
test_srt_listener (void)
{
  guint port = find_port (G_SOCKET_TYPE_DATAGRAM);
  g_autofree char *url = g_strdup_printf ("srt://127.0.0.1:%u?mode=listener", port);
  g_autofree char *caller = g_strdup_printf ("srt://127.0.0.1:%u?mode=caller", port);
  g_autofree char *path = g_build_filename (directory, "caller.ts", NULL);
  TestFeed feed;

  test_feed_start (&feed);
  MxrOutput *output = start (&feed, "srt", NULL, url);
  await (output, MXR_OUTPUT_RUNNING);
  GSubprocess *client = receive (caller, false, path);
  receive_some (path);
  end_receiver (client);
  finish (output);
  test_feed_stop (&feed);
  assert_received (path);
}

/* ---- Ended before it has begun -------------------------------------------------------------------------------------------- */

static void
test_stop_at_once (void)
{
  static const MxrOutputRequest requests[] = {
    { "file", "mp4", NULL },
    { "file", "mkv", NULL },
    { "hls", NULL, NULL },
    { "rtmp", NULL, "rtmp://127.0.0.1:1/live/key" },
    { "srt", NULL, "srt://127.0.0.1:1" },
  };
  TestFeed feed;

  test_feed_start (&feed);
  for (guint i = 0; i < 4 * G_N_ELEMENTS (requests); i++) {
    const MxrOutputRequest *request = &requests[i % G_N_ELEMENTS (requests)];
    MxrOutput *output = start (&feed, request->type, request->format, request->url);
    test_run_ms (i / G_N_ELEMENTS (requests) * 40);
    mxr_output_stop (output);
    test_until (is_over, output, 20, "the output's end");
    mxr_output_free (output);
  }
  test_feed_stop (&feed);
}

/* ---- Time that steps back -------------------------------------------------------------------------------------------------- */

/* @step_ns: the samples from the 31st on are earlier by that. */
static void
push_all (MxrFeed *feed, MxrFeedStream stream, const char *description, GstClockTime step_ns)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, NULL);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSegment segment;
  GstSample *sample;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; (sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL; i++) {
    g_autoptr (GstBuffer) buffer = gst_buffer_copy (gst_sample_get_buffer (sample));
    GstClockTime running_ns = gst_segment_to_running_time (gst_sample_get_segment (sample), GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    GST_BUFFER_PTS (buffer) = GST_SECOND + running_ns - (i >= 30 ? step_ns : 0);
    g_autoptr (GstSample) shifted = gst_sample_new (buffer, gst_sample_get_caps (sample), &segment, NULL);
    mxr_feed_push (feed, stream, shifted);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
assert_steps_forward (const char *path)
{
  g_autofree char *times = test_ffprobe_packets (path, "v:0");
  g_auto (GStrv) lines = g_strsplit (g_strchomp (times), "\n", -1);

  g_assert_cmpuint (g_strv_length (lines), ==, 90);
  for (guint i = 1; i < 90; i++)
    g_assert_cmpfloat (g_ascii_strtod (lines[i], NULL), >, g_ascii_strtod (lines[i - 1], NULL));
}

/* As it does when another encoder goes on, which is further behind than the one before it. */
static void
test_step_back (gconstpointer format)
{
  g_autoptr (MxrFeed) feed = mxr_feed_new ();
  TestFeed stopped = { .feed = feed };
  MxrOutput *output = start (&stopped, "file", format, NULL);
  g_autofree char *path = get_recording (output);

  push_all (feed, MXR_FEED_PICTURE,
            "videotestsrc num-buffers=90 ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! x264enc tune=zerolatency "
            "speed-preset=ultrafast key-int-max=30 ! h264parse config-interval=-1 "
            "! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=sink sync=false", 80 * GST_MSECOND);
  push_all (feed, MXR_FEED_SOUND,
            "audiotestsrc num-buffers=150 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! avenc_aac "
            "! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw ! appsink name=sink sync=false", 0);
  finish (output);
  g_assert_true (test_decode_what_is_there (path));
  assert_steps_forward (path);
}

/* ---- A pipeline that takes nothing --------------------------------------------------------------------------------------------- */

static void
offer (MxrInput *input, guint index)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, 100000, NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-h264");

  if (index % 60 != 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  mxr_input_take (input, MXR_FEED_PICTURE, buffer, caps, (index + 1000) * GST_SECOND / 30);
}

static void
test_jam (void)
{
  GstElement *pipeline = mxr_output_parse ("appsrc name=picture ! fakesink appsrc name=sound ! fakesink", NULL);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "picture");
  g_autoptr (MxrInput) input = mxr_input_new (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PAUSED); /* a sink that prerolls takes one buffer, and no more */
  for (guint i = 1; i < 60; i++)
    offer (input, i); /* no key frame yet */
  g_assert_false (mxr_input_has_begun (input));
  for (guint i = 60; i < 1060; i++)
    offer (input, i);
  g_assert_true (mxr_input_has_begun (input));
  guint64 held_bytes = gst_app_src_get_current_level_bytes (GST_APP_SRC (source));
  g_assert_cmpuint (held_bytes, >, 4 * 1024 * 1024);
  g_assert_cmpuint (held_bytes, <=, 8 * 1024 * 1024 + 100000);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
remove_directory (void)
{
  const char *const arguments[] = { "rm", "-r", directory, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, NULL);
  g_subprocess_wait (process, NULL, NULL);
  g_free (directory);
}

static void
add_tests_with_ffmpeg (void)
{
  g_test_add_data_func ("/output/step-back-mp4", "mp4", test_step_back);
  g_test_add_data_func ("/output/step-back-mkv", "mkv", test_step_back);
  g_test_add_func ("/output/kill", test_kill);
  g_test_add_func ("/output/hls-and-files", test_hls_and_files);
  g_test_add_func ("/output/rtmp", test_rtmp);
  g_test_add_func ("/output/srt-caller", test_srt_caller);
  g_test_add_func ("/output/srt-listener", test_srt_listener);
}

int
main (int argc, char **argv)
{
  g_autofree char *ffmpeg = g_find_program_in_path ("ffmpeg");

  gst_init (NULL, NULL);
  if (argc == 6 && strcmp (argv[1], "--record") == 0)
    record_for_ever (argv + 2);
  g_test_init (&argc, &argv, NULL);
  program = argv[0];
  directory = g_dir_make_tmp ("mixroom-output-XXXXXX", NULL);
  g_test_add_func ("/output/refusals", test_refusals);
  g_test_add_func ("/output/no-directory", test_no_directory);
  g_test_add_func ("/output/jam", test_jam);
  g_test_add_func ("/output/stop-at-once", test_stop_at_once);
  if (ffmpeg != NULL)
    add_tests_with_ffmpeg ();
  int result = g_test_run ();
  remove_directory ();
  return result;
}
