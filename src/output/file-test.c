/* Files of an output: what they are divided into is, put together, what came; sound of either codec; what is told of them. */

#include "mixroom/output.h"
#include "test-feed.h"

#include <glib/gstdio.h>
#include <string.h>

static char *directory;
static const char *program;

typedef struct {
  MxrOutput *output;
  GPtrArray *begun, *over; /* names */
  guint64 told_ms;         /* duration of those that are over */
} Recording;

static void
on_file (MxrOutput *output, const MxrOutputFile *file, gpointer user_data)
{
  Recording *self = user_data;

  g_assert_false (file->has_failed);
  g_assert_cmpint (ABS (file->started_ms + (gint64) file->duration_ms - g_get_real_time () / 1000), <, 10000);
  g_ptr_array_add (file->is_over ? self->over : self->begun, g_strdup (file->file));
  self->told_ms += file->is_over ? file->duration_ms : 0;
  g_assert_cmpint (self->begun->len - self->over->len, <=, 2); /* the next begins before the last is closed */
}

static void
recording_start (Recording *self, TestFeed *feed, const MxrOutputRequest *request)
{
  const MxrOutputPlaces places = { directory, "", false };
  const MxrOutputEvents events = { .on_file = on_file };
  g_autoptr (GError) error = NULL;

  self->begun = g_ptr_array_new_with_free_func (g_free);
  self->over = g_ptr_array_new_with_free_func (g_free);
  self->told_ms = 0;
  self->output = mxr_output_new (request, &places, "../a room", feed->feed, &events, self, &error);
  g_assert_no_error (error);
}

static bool
is_over (gpointer user_data)
{
  return mxr_output_is_over (user_data);
}

static void
recording_stop (Recording *self)
{
  MxrOutputInfo info;

  mxr_output_stop (self->output);
  test_until (is_over, self->output, 20, "the output's end");
  mxr_output_get_info (self->output, &info);
  g_assert_cmpint (info.state, ==, MXR_OUTPUT_FINISHED);
  g_assert_cmpuint (ABS ((gint64) (info.duration_ms - self->told_ms)), <=, self->over->len);
  g_assert_cmpuint (self->begun->len, ==, self->over->len);
  mxr_output_free (self->output);
}

static void
recording_clear (Recording *self)
{
  g_ptr_array_unref (self->begun);
  g_ptr_array_unref (self->over);
}

/* Of each packet. @stream: "v:0" or "a:0" */
static char *
hash_packets (const Recording *self, const char *stream)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < self->over->len; i++) {
    g_autofree char *path = g_build_filename (directory, self->over->pdata[i], NULL);
    const char *const arguments[] = { "ffprobe", "-v", "error", "-select_streams", stream, "-show_packets", "-show_data_hash",
                                      "md5", "-show_entries", "packet=data_hash", "-of", "csv=p=0", path, NULL };
    g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
    g_autofree char *out = NULL;
    g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL));
    g_assert_true (g_subprocess_get_successful (process));
    g_string_append (all, out);
  }
  return g_string_free (g_steal_pointer (&all), FALSE);
}

static void
assert_is_part (const Recording *part, const Recording *whole, const char *stream)
{
  g_autofree char *packets = hash_packets (part, stream), *all = hash_packets (whole, stream);

  g_assert_cmpuint (strlen (packets), >, 1000);
  if (strstr (all, packets) == NULL)
    g_error ("%s: packets are missing, doubled or in another order\n%s\nof\n%s", stream, packets, all);
}

/* Each begins at 0, with picture and sound, and is one that FFmpeg decodes without a complaint. */
static void
assert_files_are_whole (const Recording *self)
{
  for (guint i = 0; i < self->over->len; i++) {
    g_autofree char *path = g_build_filename (directory, self->over->pdata[i], NULL);
    g_autofree char *begins = test_ffprobe (path, "stream=codec_name,start_time");
    g_assert_true (test_decode (path));
    g_test_message ("%s: %s; up to %.2f s", path, g_strdelimit (begins, "\n", ' '), test_get_end_s (path, "v:0"));
    g_auto (GStrv) words = g_strsplit_set (begins, ", ", -1);
    g_assert_cmpfloat (g_ascii_strtod (words[1], NULL), ==, 0);
    g_assert_cmpfloat (g_ascii_strtod (words[3], NULL), <, 0.05);
    g_assert_cmpstr (self->begun->pdata[i], ==, self->over->pdata[i]);
    g_assert_true (g_str_has_prefix (self->over->pdata[i], "---a-room-"));
  }
}

static const MxrOutputRequest divided[] = {
  { .type = "file", .split_s = 2 },
  { .type = "file", .sound = "opus", .split_s = 3 },
  { .type = "file", .format = "mkv", .sound = "opus", .split_s = 3 },
  { .type = "file", .split_bytes = 300000 },
};

/* No file is larger than was asked for, but for the muxer's part. */
static void
assert_sizes (const Recording *parts, guint64 max_bytes)
{
  for (guint i = 0; max_bytes > 0 && i < parts->over->len; i++) {
    g_autofree char *path = g_build_filename (directory, parts->over->pdata[i], NULL);
    GStatBuf file;
    g_assert_cmpint (g_stat (path, &file), ==, 0);
    g_test_message ("%s: %ld bytes", path, (long) file.st_size);
    g_assert_cmpint (file.st_size, <, (gint64) (max_bytes + max_bytes / 10));
  }
}

static void
assert_is_divided (Recording *parts, Recording *whole, const MxrOutputRequest *request)
{
  g_assert_cmpuint (whole->over->len, ==, 1);
  g_assert_cmpuint (parts->over->len, >=, 2);
  g_assert_nonnull (strstr (parts->over->pdata[1], "-002."));
  assert_files_are_whole (whole);
  assert_files_are_whole (parts);
  assert_is_part (parts, whole, "v:0");
  assert_is_part (parts, whole, "a:0");
  assert_sizes (parts, request->split_bytes);
  recording_clear (whole);
  recording_clear (parts);
}

/* All kinds at once, each beside one of the same kind that is not divided. */
static void
test_division (void)
{
  Recording whole[G_N_ELEMENTS (divided)], parts[G_N_ELEMENTS (divided)];
  TestFeed feed;

  test_feed_start (&feed);
  for (guint i = 0; i < G_N_ELEMENTS (divided); i++) {
    const MxrOutputRequest undivided = { .type = "file", .format = divided[i].format, .sound = divided[i].sound };
    recording_start (&whole[i], &feed, &undivided);
  }
  test_run_ms (100);
  for (guint i = 0; i < G_N_ELEMENTS (divided); i++)
    recording_start (&parts[i], &feed, &divided[i]);
  test_run_ms (9000);
  for (guint i = 0; i < G_N_ELEMENTS (divided); i++)
    recording_stop (&parts[i]);
  test_run_ms (500);
  for (guint i = 0; i < G_N_ELEMENTS (divided); i++)
    recording_stop (&whole[i]);
  test_feed_stop (&feed);
  for (guint i = 0; i < G_N_ELEMENTS (divided); i++)
    assert_is_divided (&parts[i], &whole[i], &divided[i]);
}

/* One that was stopped before a key frame leaves no empty file. */
static void
test_nothing (void)
{
  const MxrOutputRequest request = { .type = "file", .split_s = 2 };
  g_autoptr (MxrFeed) feed = mxr_feed_new ();
  TestFeed silent = { .feed = feed };
  Recording recording;
  MxrOutputInfo info;

  recording_start (&recording, &silent, &request);
  mxr_output_get_info (recording.output, &info);
  g_autofree char *path = g_build_filename (directory, info.recording, NULL);
  test_run_ms (300);
  recording_stop (&recording);
  g_assert_cmpuint (recording.begun->len, ==, 0);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  recording_clear (&recording);
}

/* ---- A disk that is full: `output-file-test --fill FULL OTHER`, in a mount namespace ------------------------------------- */

typedef struct {
  MxrOutput *output;
  bool has_failed; /* as it was told of the file */
  guint n_over;
} Filling;

static void
on_filled (MxrOutput *output, const MxrOutputFile *file, gpointer user_data)
{
  Filling *self = user_data;

  self->n_over += file->is_over;
  self->has_failed = file->has_failed;
}

static MxrOutput *
start_filling (Filling *self, TestFeed *feed, const char *into)
{
  const MxrOutputRequest request = { .type = "file" };
  const MxrOutputPlaces places = { into, "", false };
  const MxrOutputEvents events = { .on_file = on_filled };

  return self->output = mxr_output_new (&request, &places, "room", feed->feed, &events, self, NULL);
}

/* Prints what became of the one and of the other, with their files. */
static int
fill (const char *full, const char *other)
{
  Filling one = { NULL }, two = { NULL };
  TestFeed feed;
  MxrOutputInfo info;

  test_feed_start (&feed);
  start_filling (&one, &feed, full);
  start_filling (&two, &feed, other);
  test_until (is_over, one.output, 40, "the disk is full");
  mxr_output_get_info (one.output, &info);
  g_print ("%s|%s|%s|%u|%s/%s\n", mxr_output_state_to_string (info.state), info.detail, one.has_failed ? "told" : "not told",
           one.n_over, full, info.recording);
  /* the file is gone with the namespace */
  g_autofree char *path = g_build_filename (full, info.recording, NULL), *copy = g_build_filename (other, "full.mp4", NULL);
  g_autofree char *content = NULL;
  gsize n_bytes;
  g_assert_true (g_file_get_contents (path, &content, &n_bytes, NULL));
  g_assert_true (g_file_set_contents (copy, content, n_bytes, NULL));
  test_run_ms (2000);
  mxr_output_stop (two.output);
  test_until (is_over, two.output, 20, "the other's end");
  mxr_output_get_info (two.output, &info);
  g_print ("%s|%s/%s\n", mxr_output_state_to_string (info.state), other, info.recording);
  mxr_output_free (one.output);
  mxr_output_free (two.output);
  test_feed_stop (&feed);
  return 0;
}

static void
test_disk_full (void)
{
  g_autofree char *full = g_build_filename (directory, "full", NULL), *copy = g_build_filename (directory, "full.mp4", NULL);
  const char *script = "mount -t tmpfs -o size=200k tmpfs \"$2\" && exec \"$1\" --fill \"$2\" \"$3\"";
  g_autofree char *out = NULL;

  g_assert_cmpint (g_mkdir (full, 0700), ==, 0);
  g_autoptr (GSubprocess) process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL, "timeout", "90", "unshare", "--map-root-user", "--mount", "sh", "-c",
                      script, "sh", program, full, directory, NULL);
  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, NULL) ||
      !g_subprocess_get_successful (process)) {
    g_test_skip ("no mount namespace can be made here");
    return;
  }
  g_test_message ("%s", out);
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1), other = g_strsplit (lines[1], "|", -1);
  g_assert_true (g_str_has_prefix (lines[0], "failed|no space is left on the disk"));
  g_assert_nonnull (strstr (lines[0], "|told|1|"));
  g_assert_cmpstr (other[0], ==, "finished");
  g_assert_true (test_decode (other[1]));
  g_assert_cmpfloat (test_get_end_s (other[1], "v:0"), >, test_get_end_s (copy, "v:0") + 1);
  g_assert_true (test_decode_what_is_there (copy));
  g_assert_cmpfloat (test_get_end_s (copy, "v:0"), >, 1);
}

static void
test_refusals (void)
{
  static const MxrOutputRequest requests[] = {
    { .type = "file", .sound = "mp3" },
    { .type = "file", .split_s = 1 },
    { .type = "file", .split_bytes = 1 },
    { .type = "hls", .sound = "opus" },
    { .type = "hls", .format = "mkv" },
    { .type = "hls", .split_s = 60 },
    { .type = "rtmp", .url = "rtmp://localhost/live/key", .split_bytes = 1000000 },
    { .type = "file", .url = "rtmp://localhost/live/key" },
  };
  const MxrOutputPlaces places = { directory, directory, true };
  const MxrOutputEvents events = { NULL };
  g_autoptr (MxrFeed) feed = mxr_feed_new ();

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_output_new (&requests[i], &places, "room", feed, &events, NULL, &error));
    g_assert_error (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST);
    g_test_message ("%s", error->message);
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *ffprobe = g_find_program_in_path ("ffprobe");

  gst_init (NULL, NULL);
  if (argc == 4 && strcmp (argv[1], "--fill") == 0)
    return fill (argv[2], argv[3]);
  g_test_init (&argc, &argv, NULL);
  program = argv[0];
  directory = g_dir_make_tmp ("mixroom-file-XXXXXX", NULL);
  g_test_add_func ("/file/refusals", test_refusals);
  g_test_add_func ("/file/nothing", test_nothing);
  if (ffprobe != NULL) {
    g_test_add_func ("/file/division", test_division);
    g_test_add_func ("/file/disk-full", test_disk_full);
  }
  int result = g_test_run ();
  const char *const arguments[] = { "rm", "-r", directory, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, NULL);
  g_subprocess_wait (process, NULL, NULL);
  g_free (directory);
  return result;
}
