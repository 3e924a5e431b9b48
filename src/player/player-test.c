/* Files: what comes of them, when, and what becomes of broken ones. In second n the luma is 40 + 40 n, the tone 400 (n + 1) Hz. */

#include "test-player.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define FILES "players.files=true"

static char *dir;
static char *clip; /* of 4 s */

static guint
second_of_sound (const TestPiece *piece)
{
  double hz = piece->crossings * 48000.0 / piece->n_frames;
  return (guint) (hz / 400 + 0.5) - 1;
}

static guint
second_of_picture (const TestPiece *piece)
{
  return (piece->luma - 40 + 20) / 40;
}

/* When each second began. @out_us: 0: never */
static guint
find_seconds (const GArray *pieces, guint (*get_second) (const TestPiece *), gint64 *out_us, guint n)
{
  guint n_found = 0;

  memset (out_us, 0, n * sizeof *out_us);
  for (guint i = 0; i < pieces->len; i++) {
    const TestPiece *piece = &g_array_index (pieces, TestPiece, i);
    guint second = get_second (piece);
    if (second >= n || out_us[second] != 0)
      continue;
    out_us[second] = piece->arrival_us;
    n_found++;
  }
  return n_found;
}

static guint64
count_frames (const GArray *pieces)
{
  guint64 n = 0;
  for (guint i = 0; i < pieces->len; i++)
    n += g_array_index (pieces, TestPiece, i).n_frames;
  return n;
}

/* ---- What comes ------------------------------------------------------------------------------------------------- */

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
  return x < y ? -1 : x > y;
}

/* All of it, in real time, and a block of sound when its end is due: 20 ms after the picture of its begin. */
static void
check_played (TestPlayer *test, const char *const *kind)
{
  bool has_picture = strstr (kind[0], "-map 0") != NULL, has_sound = strstr (kind[0], "-map 1") != NULL;
  gint64 sounds_us[4], pictures_us[4], off_us[4];

  g_assert_cmpstr (test->states->str, ==, "playing finished ");
  g_autoptr (GArray) sounds = test_player_copy (test, MXR_PLAYER_SOUND);
  g_autoptr (GArray) pictures = test_player_copy (test, MXR_PLAYER_PICTURE);
  if (has_sound) {
    g_assert_cmpuint (count_frames (sounds), >=, 48000 * 39 / 10);
    g_assert_cmpuint (count_frames (sounds), <=, 48000 * 42 / 10);
    g_assert_cmpuint (find_seconds (sounds, second_of_sound, sounds_us, 4), ==, 4);
    g_assert_cmpint (ABS (sounds_us[3] - sounds_us[1] - 2 * G_USEC_PER_SEC), <, G_USEC_PER_SEC / 2);
  }
  if (has_picture) {
    g_assert_cmpuint (pictures->len, >=, 60);
    g_assert_cmpuint (g_array_index (pictures, TestPiece, 0).width, ==, 320);
    g_assert_cmpuint (find_seconds (pictures, second_of_picture, pictures_us, 4), ==, 4);
    g_assert_cmpint (ABS (pictures_us[3] - pictures_us[1] - 2 * G_USEC_PER_SEC), <, G_USEC_PER_SEC / 2);
  }
  for (guint i = 1; has_sound && has_picture && i < 4; i++)
    off_us[i - 1] = sounds_us[i] - pictures_us[i] - 20000;
  if (has_sound && has_picture) {
    qsort (off_us, 3, sizeof *off_us, compare);
    g_test_message ("%s: sound is %d ms late", kind[1], (int) (off_us[1] / 1000));
    g_assert_cmpint (ABS (off_us[1]), <, 40000);
  }
}

/* One whose process hangs: stopped, it neither sends nor ends by itself. The other tests are done meanwhile. */
static TestPlayer hanging;

static void
begin_to_hang (void)
{
  test_player_init (&hanging, FILES, NULL);
  test_player_start (&hanging, clip, true, true);
  g_free (test_player_wait (&hanging, MXR_PLAYER_PLAYING));
  kill (mxr_player_get_pid (hanging.player), SIGSTOP);
}

static void
test_hanging (void)
{
  g_autofree char *detail = test_player_wait (&hanging, MXR_PLAYER_FAILED);

  g_assert_nonnull (strstr (detail, "10 seconds"));
  test_player_run (200);
  g_assert_cmpint (mxr_player_get_pid (hanging.player), ==, 0);
  test_player_clear (&hanging);
}

/* All kinds at once. */
static void
test_plays (void)
{
  static const char *const kinds[][2] = {
    { "-map 0 -map 1 -c:v libx264 -g 50 -c:a aac", "a.mp4" },           { "-map 0 -map 1 -c:v libvpx -c:a libvorbis", "a.webm" },
    { "-map 0 -map 1 -c:v libx264 -c:a libopus -f matroska", "a.mkv" }, { "-map 1 -c:a libvorbis", "a.ogg" },
    { "-map 1", "a.wav" },                                              { "-map 1 -c:a flac", "a.flac" },
    { "-map 0 -c:v mpeg4", "a.avi" },
  };
  TestPlayer tests[G_N_ELEMENTS (kinds)];
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_ptr_array_add (paths, test_make_media (dir, 4, kinds[i][0], kinds[i][1]));
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    test_player_init (&tests[i], FILES, NULL);
    test_player_start (&tests[i], paths->pdata[i], true, false);
  }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_free (test_player_wait (&tests[i], MXR_PLAYER_FINISHED));
    check_played (&tests[i], kinds[i]);
    test_player_clear (&tests[i]);
  }
}

/* What is too large is scaled and keeps its shape; what is tall stays so. */
static void
test_sizes (void)
{
  static const struct {
    const char *size;
    guint width, height;
  } cases[] = { { "1920x1080", 1280, 720 }, { "1080x1920", 404, 720 }, { "321x179", 320, 178 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *tail = g_strdup_printf ("-map 0 -t 0.1 -vf scale=%s,setsar=1 -c:v mpeg4", cases[i].size);
    g_autofree char *path = test_make_media (dir, 1, tail, "size.mkv");
    TestPlayer test;
    test_player_init (&test, FILES, NULL);
    test_player_start (&test, path, true, false);
    g_free (test_player_wait (&test, MXR_PLAYER_FINISHED));
    g_autoptr (GArray) pictures = test_player_copy (&test, MXR_PLAYER_PICTURE);
    g_assert_cmpuint (pictures->len, >, 0);
    const TestPiece *picture = &g_array_index (pictures, TestPiece, 0);
    g_test_message ("%s becomes %ux%u", cases[i].size, picture->width, picture->height);
    g_assert_cmpint (ABS ((int) picture->width - (int) cases[i].width), <=, 2);
    g_assert_cmpint (ABS ((int) picture->height - (int) cases[i].height), <=, 2);
    test_player_clear (&test);
  }
}

/* Pictures at no fixed rate, as in what a busy server recorded; and more of them than a room shows. */
static void
test_rates (void)
{
  static const struct {
    const char *tail, *name;
    guint least, most;
  } cases[] = { { "-map 0 -vf select='not(mod(n\\,7))+lt(n\\,9)' -fps_mode vfr -c:v libvpx-vp9 -deadline realtime -cpu-used 8", "uneven.mp4", 10, 18 },
                { "-map 0 -r 60 -c:v libx264", "fast.mkv", 40, 70 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = test_make_media (dir, 2, cases[i].tail, cases[i].name);
    TestPlayer test;
    test_player_init (&test, FILES, NULL);
    test_player_start (&test, path, true, false);
    g_free (test_player_wait (&test, MXR_PLAYER_FINISHED));
    g_assert_cmpstr (test.states->str, ==, "playing finished ");
    g_autoptr (GArray) pictures = test_player_copy (&test, MXR_PLAYER_PICTURE);
    g_test_message ("%s: %u pictures", cases[i].name, pictures->len);
    g_assert_cmpuint (pictures->len, >=, cases[i].least);
    g_assert_cmpuint (pictures->len, <=, cases[i].most);
    test_player_clear (&test);
  }
}

/* ---- Control ---------------------------------------------------------------------------------------------------- */

static guint
newest_second (TestPlayer *test)
{
  g_autoptr (GArray) pictures = test_player_copy (test, MXR_PLAYER_PICTURE);
  g_assert_cmpuint (pictures->len, >, 0);
  return second_of_picture (&g_array_index (pictures, TestPiece, pictures->len - 1));
}

static void
test_pause_and_seek (void)
{
  MxrPlayerInfo info;
  TestPlayer test;

  test_player_init (&test, FILES, NULL);
  test_player_start (&test, clip, true, false);
  g_free (test_player_wait (&test, MXR_PLAYER_PLAYING));
  test_player_run (300);
  g_assert_true (mxr_player_set_paused (test.player, true, NULL));
  test_player_run (500);
  g_assert_cmpuint (newest_second (&test), ==, 0);
  test_player_run (700);
  g_autoptr (GArray) none = test_player_copy (&test, MXR_PLAYER_PICTURE);
  g_assert_cmpuint (none->len, ==, 0);
  mxr_player_get_info (test.player, &info);
  g_assert_cmpint (info.position_ms, <, 1500);
  g_assert_cmpint (ABS (info.duration_ms - 4000), <, 100);
  g_assert_true (mxr_player_seek (test.player, 2500, NULL)); /* while it is paused: shown at once */
  test_player_run (800);
  g_assert_cmpuint (newest_second (&test), ==, 2);
  g_autoptr (GArray) before = test_player_copy (&test, MXR_PLAYER_SOUND);
  g_assert_true (mxr_player_set_paused (test.player, false, NULL));
  g_free (test_player_wait (&test, MXR_PLAYER_FINISHED));
  g_autoptr (GArray) sounds = test_player_copy (&test, MXR_PLAYER_SOUND);
  g_assert_cmpint (ABS ((gint64) count_frames (sounds) - 48000 * 3 / 2), <, 48000 / 10); /* from there on, to within 100 ms */
  g_assert_cmpuint (second_of_sound (&g_array_index (sounds, TestPiece, 2)), ==, 2);
  g_assert_false (mxr_player_seek (test.player, 0, NULL));
  g_assert_false (mxr_player_set_paused (test.player, true, NULL));
  g_assert_false (mxr_player_set_loop (test.player, true, NULL));
  test_player_clear (&test);
}

static void
test_loop (void)
{
  g_autofree char *path = test_make_media (dir, 1, "-map 0 -map 1 -c:v libx264 -g 25 -c:a aac", "short.mp4");
  TestPlayer test;

  test_player_init (&test, FILES, NULL);
  test_player_start (&test, path, true, true);
  g_free (test_player_wait (&test, MXR_PLAYER_PLAYING));
  test_player_run (2500);
  g_autoptr (GArray) sounds = test_player_copy (&test, MXR_PLAYER_SOUND);
  g_assert_cmpuint (count_frames (sounds), >, 48000 * 3 / 2);
  g_assert_cmpstr (test.states->str, ==, "playing ");
  g_assert_true (mxr_player_set_loop (test.player, false, NULL));
  g_free (test_player_wait (&test, MXR_PLAYER_FINISHED));
  test_player_clear (&test);
}

/* ---- What goes wrong -------------------------------------------------------------------------------------------- */

static void
test_process_killed (void)
{
  static const int signals[] = { SIGKILL, SIGSEGV };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++) {
    TestPlayer test;
    test_player_init (&test, FILES, NULL);
    test_player_start (&test, clip, true, true);
    g_free (test_player_wait (&test, MXR_PLAYER_PLAYING));
    g_assert_cmpint (mxr_player_get_pid (test.player), >, 0);
    kill (mxr_player_get_pid (test.player), signals[i]);
    g_autofree char *detail = test_player_wait (&test, MXR_PLAYER_FAILED);
    g_assert_nonnull (strstr (detail, "its process"));
    test_player_clear (&test);
  }
}

/* In any state: nothing is left of it, and nothing is told any more. */
static void
test_stop (void)
{
  for (guint i = 0; i < 6; i++) {
    TestPlayer test;
    test_player_init (&test, FILES, NULL);
    test_player_start (&test, clip, true, false);
    gint pid = mxr_player_get_pid (test.player);
    test_player_run (i * 40);
    mxr_player_stop (g_steal_pointer (&test.player));
    g_string_truncate (test.states, 0);
    test_player_run (300);
    g_assert_cmpstr (test.states->str, ==, "");
    g_assert_cmpint (kill (pid, 0), ==, -1);
    test_player_clear (&test);
  }
}

static void
expect_end (const char *path, MxrPlayerState state)
{
  gint64 until_us = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  MxrPlayerInfo info;
  TestPlayer test;

  test_player_init (&test, FILES, NULL);
  test_player_start (&test, path, true, false);
  do {
    test_player_run (10);
    mxr_player_get_info (test.player, &info);
  } while (info.state < MXR_PLAYER_FINISHED && g_get_monotonic_time () < until_us);
  g_test_message ("%s: %s: %s", path, mxr_player_state_to_string (info.state), info.detail);
  g_assert_cmpint (info.state, >=, MXR_PLAYER_FINISHED);
  g_assert_true (state == MXR_PLAYER_STARTING || info.state == state);
  g_assert_true (info.state == MXR_PLAYER_FINISHED || (info.detail != NULL && strlen (info.detail) > 10));
  g_assert_true (info.detail == NULL || strstr (info.detail, "signal") == NULL); /* an error, no crash */
  test_player_clear (&test);
}

static char *
write_file (const char *name, const char *bytes, gsize n_bytes)
{
  char *path = g_build_filename (dir, name, NULL);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) n_bytes, NULL));
  return path;
}

static void
test_broken (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  g_autofree char *bytes = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (clip, &bytes, &n_bytes, NULL));
  g_autofree char *empty = write_file ("empty.mp4", "", 0);
  g_autofree char *half = write_file ("half.mp4", bytes, n_bytes / 2); /* its table is at its end */
  g_autofree char *text = write_file ("text.mp4", "this is no media at all, but text that goes on for a while", 58);
  for (gsize i = n_bytes / 10; i < n_bytes; i += 1 + g_rand_int_range (rand, 0, 200))
    bytes[i] = (char) g_rand_int (rand);
  g_autofree char *noisy = write_file ("noisy.mp4", bytes, n_bytes);
  for (gsize i = 0; i < n_bytes; i++)
    bytes[i] = (char) g_rand_int (rand);
  g_autofree char *noise = write_file ("noise.mp4", bytes, n_bytes);
  expect_end (empty, MXR_PLAYER_FAILED);
  expect_end (half, MXR_PLAYER_STARTING);
  expect_end (text, MXR_PLAYER_FAILED);
  expect_end (noisy, MXR_PLAYER_STARTING);
  expect_end (noise, MXR_PLAYER_FAILED);
}

/* A file that names others: none of these is opened. */
static void
test_playlist_in_a_file (void)
{
  g_autofree char *list = g_strdup_printf ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://%s\n#EXT-X-ENDLIST\n", clip);
  g_autofree char *path = write_file ("list.m3u8", list, strlen (list));
  expect_end (path, MXR_PLAYER_FAILED);
}

static void
test_refused (void)
{
  static const MxrPlayerEvents events = { 0 };
  static const struct {
    const char *setting, *location;
    bool is_file;
    int code;
  } cases[] = {
    { "players.urls=true", "/etc/hosts", true, MXR_PLAYER_ERROR_OFF },
    { FILES, "http://example.org/", false, MXR_PLAYER_ERROR_OFF },
    { FILES, "/nonexistent", true, MXR_PLAYER_ERROR_BAD_SOURCE },
    { FILES, "/tmp", true, MXR_PLAYER_ERROR_BAD_SOURCE },
    { "players.urls=true", "file:///etc/hosts", false, MXR_PLAYER_ERROR_BAD_SOURCE },
    { "players.urls=true", "http://127.0.0.1/", false, MXR_PLAYER_ERROR_BAD_SOURCE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const MxrPlayerSource source = { .location = cases[i].location, .is_file = cases[i].is_file };
    g_autoptr (GError) error = NULL;
    TestPlayer test;
    test_player_init (&test, cases[i].setting, NULL);
    g_assert_null (mxr_player_start (test.config, test.control, &source, &events, NULL, &error));
    g_assert_error (error, MXR_PLAYER_ERROR, cases[i].code);
    test_player_clear (&test);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  dir = g_dir_make_tmp ("mixroom-player-XXXXXX", NULL);
  clip = test_make_media (dir, 4, "-map 0 -map 1 -c:v libx264 -g 25 -c:a aac", "clip.mp4");
  begin_to_hang ();
  g_test_add_func ("/player/plays", test_plays);
  g_test_add_func ("/player/sizes", test_sizes);
  g_test_add_func ("/player/rates", test_rates);
  g_test_add_func ("/player/pause-and-seek", test_pause_and_seek);
  g_test_add_func ("/player/loop", test_loop);
  g_test_add_func ("/player/process-killed", test_process_killed);
  g_test_add_func ("/player/stop", test_stop);
  g_test_add_func ("/player/broken", test_broken);
  g_test_add_func ("/player/playlist-in-a-file", test_playlist_in_a_file);
  g_test_add_func ("/player/refused", test_refused);
  g_test_add_func ("/player/hanging", test_hanging);
  int result = g_test_run ();
  g_autofree char *command = g_strdup_printf ("rm -rf %s", dir);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  return result;
}
