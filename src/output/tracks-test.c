/* Separate tracks: what was received is in the files, byte by byte and at its time, whatever happens meanwhile. */

#include "test-feed.h"
#include "test-media.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *directory;
static const char *program;

/* ---- One recording ------------------------------------------------------------------------------------------------------ */

typedef struct {
  MxrFeed *feed;
  MxrOutput *output;
  gint64 begin_ns;
  guint n_begun, n_over;
  JsonParser *index; /* once it has ended */
} Recording;

static void
on_file (MxrOutput *output, const MxrOutputFile *file, gpointer user_data)
{
  Recording *self = user_data;
  g_autofree char *path = g_build_filename (directory, file->file, NULL);

  g_assert_nonnull (file->participant);
  self->n_begun += !file->is_over;
  self->n_over += file->is_over;
  if (file->is_over && !file->has_failed)
    g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static const MxrOutputEvents events = { .on_file = on_file };

static void
start_in (Recording *self, const char *into)
{
  const MxrOutputRequest request = { .type = "tracks" };
  const MxrOutputPlaces places = { into, "", false };
  g_autoptr (GError) error = NULL;

  *self = (Recording){ .feed = mxr_feed_new () };
  self->begin_ns = g_get_monotonic_time () * 1000;
  self->output = mxr_output_new (&request, &places, "a room/ä", self->feed, &events, self, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    g_assert_false (mxr_output_takes (self->output, i));
}

static MxrOutputState
get_state (MxrOutput *output)
{
  MxrOutputInfo info;
  mxr_output_get_info (output, &info);
  return info.state;
}

static bool
is_running (gpointer user_data)
{
  return get_state (user_data) == MXR_OUTPUT_RUNNING;
}

static bool
is_over (gpointer user_data)
{
  return mxr_output_is_over (user_data);
}

static char *
get_path (Recording *self, const char *file)
{
  MxrOutputInfo info;
  mxr_output_get_info (self->output, &info);
  return g_build_filename (directory, info.recording, file, NULL);
}

static void
finish (Recording *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = get_path (self, "index.json");

  mxr_output_stop (self->output);
  test_until (is_over, self->output, 10, "the recording's end");
  g_assert_cmpint (get_state (self->output), ==, MXR_OUTPUT_FINISHED);
  g_assert_cmpuint (self->n_begun, ==, self->n_over);
  self->index = json_parser_new ();
  json_parser_load_from_file (self->index, path, &error);
  g_assert_no_error (error);
}

static void
clear (Recording *self)
{
  mxr_output_free (self->output);
  mxr_feed_unref (self->feed);
  g_clear_object (&self->index);
}

static JsonArray *
get_entries (Recording *self)
{
  return json_object_get_array_member (json_node_get_object (json_parser_get_root (self->index)), "tracks");
}

static TestFile *
read_entry (Recording *self, JsonObject *entry)
{
  g_autofree char *path = get_path (self, json_object_get_string_member (entry, "file"));
  g_assert_true (test_decode (path));
  return test_file_read (path);
}

/* ---- What is in it --------------------------------------------------------------------------------------------------------- */

/* Payloads of a unit's packets, without descriptors: RTP's 12 bytes, and one of VP8. */
static GBytes *
get_bytes (const MxrTrackUnit *unit)
{
  GByteArray *bytes = g_byte_array_new ();
  const gsize head = g_str_equal (unit->codec, "VP8") ? 13 : 12;

  for (guint i = 0; i < gst_buffer_list_length (unit->packets); i++) {
    GstMapInfo map;
    GstBuffer *packet = gst_buffer_list_get (unit->packets, i);
    gst_buffer_map (packet, &map, GST_MAP_READ);
    gsize skip = g_str_equal (unit->codec, "VP8") && (map.data[12] & 0x80) != 0 ? head + 2 + ((map.data[14] & 0x80) != 0) : head;
    g_byte_array_append (bytes, map.data + skip, map.size - skip);
    gst_buffer_unmap (packet, &map);
  }
  return g_byte_array_free_to_bytes (bytes);
}

static void
assert_holds (const TestFile *file, const TestMedia *media, double at_s)
{
  g_assert_cmpuint (file->packets->len, ==, media->units->len);
  for (guint i = 0; i < media->units->len; i++) {
    const MxrTrackUnit *unit = media->units->pdata[i];
    const double off_s = g_array_index (file->times_ns, GstClockTime, i) / 1e9 - at_s - unit->time_ns / 1e9;
    if (off_s < -0.0011 || off_s > 0.0011)
      g_error ("packet %u is %.4f s off", i, off_s);
    if (g_str_equal (unit->codec, "H264")) /* is in another form there */
      continue;
    g_autoptr (GBytes) sent = get_bytes (unit);
    g_assert_true (g_bytes_equal (sent, file->packets->pdata[i]));
  }
}

/* Sound and picture of one, and a picture of another who comes 2 s later and leaves first. */
static void
test_tracks (void)
{
  g_autoptr (TestMedia) sound = test_media_new ("OPUS", 5, 0), vp8 = test_media_new ("VP8", 5, 160);
  g_autoptr (TestMedia) h264 = test_media_new ("H264", 2, 160);
  Recording recording;
  const double offset_s = 0.5;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) one = mxr_output_add_track (recording.output, "p-1", "Änne/../b");
  g_autoptr (MxrTrack) two = mxr_output_add_track (recording.output, "p-2", "");
  test_until (is_running, recording.output, 10, "running");
  gint64 begin_ns = recording.begin_ns + (gint64) (offset_s * 1e9);
  test_media_give (sound, one, begin_ns);
  test_media_give (vp8, one, begin_ns);
  test_media_give (h264, two, begin_ns + 2 * (gint64) GST_SECOND);
  mxr_track_end (two);
  test_run_ms (500);
  g_assert_cmpuint (recording.n_begun, ==, 3);
  g_assert_cmpuint (recording.n_over, ==, 1);
  finish (&recording);
  JsonArray *entries = get_entries (&recording);
  g_assert_cmpuint (json_array_get_length (entries), ==, 3);
  for (guint i = 0; i < 3; i++) {
    JsonObject *entry = json_array_get_object_element (entries, i);
    const char *codec = json_object_get_string_member (entry, "codec");
    g_autoptr (TestFile) file = read_entry (&recording, entry);
    bool is_late = g_str_equal (codec, "H264");
    /* some microseconds lie between our reading of the clock and the output's */
    g_assert_cmpfloat (ABS (json_object_get_int_member (entry, "begin") / 1e3 - offset_s - (is_late ? 2 : 0)), <, 0.02);
    g_assert_cmpstr (json_object_get_string_member (entry, "state"), ==, "complete");
    assert_holds (file, is_late ? h264 : g_str_equal (codec, "VP8") ? vp8 : sound, g_array_index (file->times_ns, GstClockTime, 0) / 1e9);
    g_assert_cmpfloat (ABS (g_array_index (file->times_ns, GstClockTime, 0) / 1e9 - offset_s - (is_late ? 2 : 0)), <, 0.02);
  }
  clear (&recording);
}

/* A Matroska file has one codec and one size: another file goes on where the former ends. */
static void
test_changes (void)
{
  g_autoptr (TestMedia) small = test_media_new ("VP8", 1, 160), large = test_media_new ("VP8", 1, 320);
  g_autoptr (TestMedia) other = test_media_new ("H264", 1, 320);
  TestMedia *media[] = { small, large, other };
  Recording recording;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) track = mxr_output_add_track (recording.output, "p-1", "A");
  for (guint i = 0; i < G_N_ELEMENTS (media); i++)
    test_media_give (media[i], track, recording.begin_ns + (1 + i) * (gint64) GST_SECOND);
  test_until (is_running, recording.output, 10, "running");
  test_run_ms (300);
  finish (&recording);
  JsonArray *entries = get_entries (&recording);
  g_assert_cmpuint (json_array_get_length (entries), ==, G_N_ELEMENTS (media));
  for (guint i = 0; i < G_N_ELEMENTS (media); i++) {
    g_autoptr (TestFile) file = read_entry (&recording, json_array_get_object_element (entries, i));
    assert_holds (file, media[i], g_array_index (file->times_ns, GstClockTime, 0) / 1e9);
    g_assert_cmpfloat (ABS (g_array_index (file->times_ns, GstClockTime, 0) / 1e9 - 1 - i), <, 0.02);
  }
  clear (&recording);
}

/* Other parameter sets, though the size is the same, need another file: they are in its head. */
static void
test_other_profile (void)
{
  g_autoptr (TestMedia) baseline = test_media_new ("H264", 1, 160);
  g_autoptr (TestMedia) other = test_media_new ("H264", TEST_MEDIA_OTHER_PROFILE_S, 160);
  Recording recording;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) track = mxr_output_add_track (recording.output, "p-1", "A");
  test_until (is_running, recording.output, 10, "running");
  test_media_give (baseline, track, recording.begin_ns + (gint64) GST_SECOND);
  other->next_seq = baseline->next_seq;
  test_media_give (other, track, recording.begin_ns + 2 * (gint64) GST_SECOND);
  finish (&recording);
  g_assert_cmpuint (json_array_get_length (get_entries (&recording)), ==, 2);
  g_autoptr (TestFile) first = read_entry (&recording, json_array_get_object_element (get_entries (&recording), 0));
  g_autoptr (TestFile) second = read_entry (&recording, json_array_get_object_element (get_entries (&recording), 1));
  g_assert_cmpuint (first->packets->len, ==, baseline->units->len);
  g_assert_cmpuint (second->packets->len, ==, other->units->len);
  clear (&recording);
}

/* What comes during a pause is in no file, and neither is its time. */
static void
test_pause (void)
{
  g_autoptr (TestMedia) sound = test_media_new ("OPUS", 1, 0), picture = test_media_new ("VP8", 1, 160);
  Recording recording;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) track = mxr_output_add_track (recording.output, "p-1", "A");
  test_until (is_running, recording.output, 10, "running");
  test_media_give (sound, track, g_get_monotonic_time () * 1000);
  test_media_give (picture, track, g_get_monotonic_time () * 1000);
  test_run_ms (1100);
  g_assert_true (mxr_output_set_paused (recording.output, true, NULL));
  test_media_give (sound, track, g_get_monotonic_time () * 1000);
  const MxrTrackUnit *delta = picture->units->pdata[1];
  g_assert_true (mxr_track_take (track, delta));
  test_run_ms (1500);
  g_assert_true (mxr_output_set_paused (recording.output, false, NULL));
  g_assert_false (mxr_track_take (track, delta));
  test_media_give (sound, track, g_get_monotonic_time () * 1000);
  test_media_give (picture, track, g_get_monotonic_time () * 1000);
  finish (&recording);
  g_autoptr (TestFile) file = read_entry (&recording, json_array_get_object_element (get_entries (&recording), 0));
  g_assert_cmpuint (file->packets->len, ==, 2 * sound->units->len);
  double end_s = g_array_index (file->times_ns, GstClockTime, file->times_ns->len - 1) / 1e9;
  g_test_message ("two seconds, with a pause of one and a half: up to %.2f s", end_s);
  g_assert_cmpfloat (end_s, <, 2.5);
  clear (&recording);
}

/* Who is muted is not recorded, and a picture comes back with a key frame. */
static void
test_muted (void)
{
  g_autoptr (TestMedia) sound = test_media_new ("OPUS", 1, 0), picture = test_media_new ("VP8", 2, 160);
  Recording recording;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) track = mxr_output_add_track (recording.output, "p-1", "A");
  mxr_track_set_muted (track, true, true);
  test_media_give (sound, track, recording.begin_ns + (gint64) GST_SECOND);
  test_media_give (picture, track, recording.begin_ns + (gint64) GST_SECOND);
  mxr_track_set_muted (track, true, false);
  g_assert_false (mxr_track_take (track, picture->units->pdata[1]));
  test_media_give (picture, track, recording.begin_ns + 3 * (gint64) GST_SECOND);
  test_until (is_running, recording.output, 10, "running");
  test_run_ms (200);
  finish (&recording);
  g_assert_cmpuint (json_array_get_length (get_entries (&recording)), ==, 1);
  g_autoptr (TestFile) file = read_entry (&recording, json_array_get_object_element (get_entries (&recording), 0));
  g_assert_cmpuint (file->packets->len, ==, picture->units->len);
  clear (&recording);
}

/* Whose media cannot be written harms nobody else. */
static void
test_broken_track (void)
{
  g_autoptr (TestMedia) sound = test_media_new ("OPUS", 1, 0), picture = test_media_new ("H264", 1, 160);
  Recording recording;

  start_in (&recording, directory);
  g_autoptr (MxrTrack) good = mxr_output_add_track (recording.output, "p-1", "A");
  g_autoptr (MxrTrack) bad = mxr_output_add_track (recording.output, "p-2", "B");
  test_until (is_running, recording.output, 10, "running");
  for (guint i = 0; i < picture->units->len; i++) {
    MxrTrackUnit unit = *(MxrTrackUnit *) picture->units->pdata[i];
    unit.codec = "VP8"; /* which it is not */
    unit.time_ns += recording.begin_ns + (gint64) GST_SECOND;
    mxr_track_take (bad, &unit);
  }
  test_media_give (sound, good, recording.begin_ns + (gint64) GST_SECOND);
  test_run_ms (300);
  g_assert_cmpint (get_state (recording.output), ==, MXR_OUTPUT_RUNNING);
  finish (&recording);
  for (guint i = 0; i < json_array_get_length (get_entries (&recording)); i++) {
    JsonObject *entry = json_array_get_object_element (get_entries (&recording), i);
    if (!g_str_equal (json_object_get_string_member (entry, "codec"), "OPUS"))
      continue;
    g_autoptr (TestFile) file = read_entry (&recording, entry);
    g_assert_cmpuint (file->packets->len, ==, sound->units->len);
  }
  clear (&recording);
}

static void
test_no_directory (void)
{
  Recording recording;
  MxrOutputInfo info;

  start_in (&recording, "/nonexistent/recordings");
  g_autoptr (MxrTrack) track = mxr_output_add_track (recording.output, "p-1", "A");
  test_until (is_over, recording.output, 10, "the failure");
  mxr_output_get_info (recording.output, &info);
  g_test_message ("%s", info.detail);
  g_assert_cmpint (info.state, ==, MXR_OUTPUT_FAILED);
  clear (&recording);
}

/* ---- A recorder that is a process of its own: `output-tracks-test --record DIRECTORY` ------------------------------------ */

static int
record_for_ever (char *into)
{
  g_autoptr (TestMedia) sound = test_media_new ("OPUS", 1, 0), picture = test_media_new ("VP8", 1, 640);
  Recording recording;
  MxrOutputInfo info = { 0 };

  directory = into;
  start_in (&recording, directory);
  MxrTrack *track = mxr_output_add_track (recording.output, "p-1", "A");
  test_until (is_running, recording.output, 10, "running");
  mxr_output_get_info (recording.output, &info);
  printf ("%s\n", info.recording);
  fflush (stdout);
  for (guint i = 0; info.state != MXR_OUTPUT_FAILED; i++) { /* every fiftieth of a second */
    for (guint k = i % 50 * 15 / 50; k < (i % 50 + 1) * 15 / 50; k++)
      test_media_give_unit (picture, k, track, g_get_monotonic_time () * 1000);
    test_media_give_unit (sound, i % 50, track, g_get_monotonic_time () * 1000);
    test_run_ms (20);
    mxr_output_get_info (recording.output, &info);
  }
  printf ("%s\n", info.detail);
  return 0;
}

static void
kill_one (double seconds)
{
  g_autoptr (GSubprocess) process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, program, "--record", directory, NULL);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_autofree char *name = g_data_input_stream_read_line (lines, NULL, NULL, NULL);

  g_assert_nonnull (name);
  gint64 begun_us = g_get_monotonic_time ();
  g_usleep ((gulong) (seconds * 1e6));
  double lasted_s = (g_get_monotonic_time () - begun_us) / 1e6;
  g_subprocess_send_signal (process, SIGKILL);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  g_autofree char *sound = g_build_filename (directory, name, "A-p-1-2-sound.mka", NULL);
  g_autofree char *picture = g_build_filename (directory, name, "A-p-1-1-picture.mkv", NULL);
  g_autofree char *index = g_build_filename (directory, name, "index.json", NULL);
  if (!g_file_test (picture, G_FILE_TEST_EXISTS)) {
    g_free (sound);
    g_free (picture);
    sound = g_build_filename (directory, name, "A-p-1-1-sound.mka", NULL);
    picture = g_build_filename (directory, name, "A-p-1-2-picture.mkv", NULL);
  }
  double sound_s = test_get_end_s (sound, "a:0"), picture_s = test_get_end_s (picture, "v:0");
  g_test_message ("killed after %.2f s: sound up to %.2f s, picture up to %.2f s", lasted_s, sound_s, picture_s);
  g_assert_cmpfloat (sound_s, >, lasted_s - 2);
  g_assert_cmpfloat (picture_s, >, lasted_s - 2);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_assert_true (json_parser_load_from_file (parser, index, NULL));
}

static void
test_kill (void)
{
  const char *n = g_getenv ("MIXROOM_TEST_KILLS");

  for (int i = 0; i < (n != NULL ? atoi (n) : 2); i++)
    kill_one (2.5 + g_test_rand_double_range (0, 1.5));
}

/* In a mount namespace, where it may be made. */
static void
test_disk_full (void)
{
  g_autofree char *full = g_build_filename (directory, "full", NULL);
  const char *script = "mount -t tmpfs -o size=200k tmpfs \"$2\" && exec \"$1\" --record \"$2\"";
  g_autofree char *out = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (full, 0700), ==, 0);
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "timeout", "60", "unshare",
                                                      "--map-root-user", "--mount", "sh", "-c", script, "sh", program, full, NULL);
  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error) ||
      !g_subprocess_get_successful (process)) {
    g_test_skip ("no mount namespace can be made here");
    return;
  }
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);
  g_test_message ("%s", lines[1]);
  g_assert_nonnull (strstr (lines[1], "space"));
}

int
main (int argc, char **argv)
{
  g_autofree char *ffprobe = g_find_program_in_path ("ffprobe");

  gst_init (&argc, &argv);
  program = argv[0];
  if (argc == 3 && strcmp (argv[1], "--record") == 0)
    return record_for_ever (argv[2]);
  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("mixroom-tracks-XXXXXX", NULL);
  if (ffprobe != NULL) {
    g_test_add_func ("/tracks/tracks", test_tracks);
    g_test_add_func ("/tracks/changes", test_changes);
    g_test_add_func ("/tracks/other-profile", test_other_profile);
    g_test_add_func ("/tracks/pause", test_pause);
    g_test_add_func ("/tracks/muted", test_muted);
    g_test_add_func ("/tracks/broken-track", test_broken_track);
    g_test_add_func ("/tracks/kill", test_kill);
  }
  g_test_add_func ("/tracks/no-directory", test_no_directory);
  g_test_add_func ("/tracks/disk-full", test_disk_full);
  int result = g_test_run ();
  g_autofree char *command = g_strdup_printf ("rm -r '%s'", directory);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_free (directory);
  return result;
}
