#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#include "mixroom/library.h"
#include "mixroom/limits.h"
#include "test-media.h"

static char *model; /* a directory with a.mp4 and a.mkv of 5 s */

typedef struct {
  char *directory;
  MxrConfig *config;
  MxrLibrary *library;
  guint n_expired;
} Fixture;

/* ---- Calls, waited for --------------------------------------------------------------------------------------------- */

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static MxrLibraryPage *
list (Fixture *fixture)
{
  const MxrLibraryQuery query = { .limit = MXR_LIBRARY_PAGE_MAX };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  mxr_library_list_async (fixture->library, &query, on_result, &result);
  MxrLibraryPage *page = mxr_library_list_finish (fixture->library, wait_for (&result), &error);
  g_assert_no_error (error);
  return page;
}

static const MxrLibraryEntry *
find (MxrLibraryPage *page, const char *file)
{
  for (guint i = 0; i < page->entries->len; i++) {
    const MxrLibraryEntry *entry = g_ptr_array_index (page->entries, i);
    if (strcmp (entry->file, file) == 0)
      return entry;
  }
  return NULL;
}

static bool
is_looked_into (const MxrLibraryEntry *entry)
{
  return entry != NULL && (entry->width_px > 0 || entry->state == MXR_LIBRARY_FAILED);
}

/* Until @file has been looked into. */
static MxrLibraryEntry *
wait_for_file (Fixture *fixture, const char *file)
{
  gint64 until_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < until_us) {
    g_autoptr (MxrLibraryPage) page = list (fixture);
    const MxrLibraryEntry *entry = find (page, file);
    if (is_looked_into (entry))
      return mxr_library_entry_copy (entry);
    g_usleep (20000);
  }
  g_error ("%s is not listed", file);
}

static void
wait_for_count (Fixture *fixture, guint n)
{
  gint64 until_us = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < until_us) {
    g_autoptr (MxrLibraryPage) page = list (fixture);
    if (page->entries->len == n)
      return;
    g_usleep (20000);
  }
  g_error ("not %u are listed", n);
}

static MxrLibraryEntry *
finish_entry (Fixture *fixture, GAsyncResult **result, GError **error)
{
  MxrLibraryEntry *entry = mxr_library_get_finish (fixture->library, wait_for (result), error);
  g_clear_object (result);
  return entry;
}

/* ---- Fixture ---------------------------------------------------------------------------------------------------------- */

static char *
get_path (Fixture *fixture, const char *file)
{
  return g_build_filename (fixture->directory, file, NULL);
}

static void
copy_in (Fixture *fixture, const char *name, const char *file, double fraction)
{
  g_autofree char *from = g_build_filename (model, name, NULL), *to = get_path (fixture, file);
  g_autofree char *folder = g_path_get_dirname (to);

  g_mkdir (folder, 0700);
  test_media_cut (from, to, fraction);
}

static void
on_expired (const MxrLibraryEntry *entry, gpointer user_data)
{
  ((Fixture *) user_data)->n_expired++;
}

static const MxrLibraryEvents events = { .on_expired = on_expired };

static void
start (Fixture *fixture)
{
  fixture->library = mxr_library_new (fixture->config, &events, fixture);
}

static void
stop (Fixture *fixture)
{
  g_clear_pointer (&fixture->library, mxr_library_free);
}

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("mixroom-library-XXXXXX", NULL);
  fixture->config = mxr_config_new ();
  g_autofree char *setting = g_strconcat ("programme.recordings_directory=", fixture->directory, NULL);
  g_assert_true (mxr_config_set (fixture->config, setting, NULL));
  start (fixture);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *own = g_build_filename (path, name, NULL);
    if (g_file_test (own, G_FILE_TEST_IS_DIR) && !g_file_test (own, G_FILE_TEST_IS_SYMLINK))
      remove_tree (own);
    g_unlink (own);
  }
  g_rmdir (path);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  stop (fixture);
  remove_tree (fixture->directory);
  mxr_config_free (fixture->config);
  g_free (fixture->directory);
}

static const char *const people[] = { "Ada", "Grace; \"G\"", NULL };

static void
tell (Fixture *fixture, const char *file, bool is_over, guint64 duration_ms)
{
  const MxrLibraryRecording recording = {
    .room = "stage/\xc3\xa4", .file = file, .participants = people, .started_ms = 1795269662123,
    .duration_ms = duration_ms, .is_over = is_over,
  };
  mxr_library_on_recording (fixture->library, &recording);
}

#define FILE_MP4 "stage----20261121-140102-abc.mp4"

/* ---- Tests -------------------------------------------------------------------------------------------------------------- */

/* From its beginning to its deletion. */
static void
test_recording (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  copy_in (fixture, "a.mp4", FILE_MP4, 0.5);
  tell (fixture, FILE_MP4, false, 0);
  g_autoptr (MxrLibraryPage) page = list (fixture);
  const MxrLibraryEntry *live = find (page, FILE_MP4);
  if (live == NULL)
    g_error ("it is not listed");
  g_assert_cmpint (live->state, ==, MXR_LIBRARY_RECORDING);
  g_assert_cmpuint (live->n_bytes, >, 10000);
  mxr_library_remove_async (fixture->library, live->id, on_result, &result);
  g_assert_null (finish_entry (fixture, &result, &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_BUSY);
  g_clear_error (&error);

  mxr_library_set_title_async (fixture->library, live->id, "The \"best\" = one", on_result, &result);
  mxr_library_entry_free (finish_entry (fixture, &result, &error));
  g_assert_no_error (error);
  copy_in (fixture, "a.mp4", FILE_MP4, 1);
  tell (fixture, FILE_MP4, true, 5000);
  g_autoptr (MxrLibraryEntry) done = wait_for_file (fixture, FILE_MP4);
  g_assert_cmpint (done->state, ==, MXR_LIBRARY_FINISHED);
  g_assert_cmpstr (done->title, ==, "The \"best\" = one");
  g_assert_cmpstr (done->room, ==, "stage/\xc3\xa4");
  g_assert_cmpstr (done->type, ==, "video/mp4");
  g_assert_cmpuint (done->width_px, ==, 320);
  g_assert_cmpint (ABS ((gint64) done->duration_ms - 5000), <=, 100);
  g_assert_true (done->has_poster);

  mxr_library_remove_async (fixture->library, done->id, on_result, &result);
  mxr_library_entry_free (finish_entry (fixture, &result, &error));
  g_assert_no_error (error);
  g_autofree char *path = get_path (fixture, FILE_MP4);
  g_autofree char *poster = g_strdup_printf ("%s/.posters/%s.jpg", fixture->directory, done->id);
  g_autofree char *sidecar = g_strconcat (path, ".info", NULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (poster, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (sidecar, G_FILE_TEST_EXISTS));
  wait_for_count (fixture, 0);
}

static void
test_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) media = NULL, poster = NULL, path_result = NULL, again = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = get_path (fixture, "x.mkv");
  guint8 magic[3];

  stop (fixture);
  copy_in (fixture, "a.mkv", "x.mkv", 1);
  start (fixture);
  g_autoptr (MxrLibraryEntry) entry = wait_for_file (fixture, "x.mkv");
  g_assert_cmpstr (entry->type, ==, "video/x-matroska");
  mxr_library_open_async (fixture->library, entry->id, false, on_result, &media);
  g_autoptr (MxrLibraryFile) file = mxr_library_open_finish (fixture->library, wait_for (&media), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (file->n_bytes, ==, entry->n_bytes);
  mxr_library_open_async (fixture->library, entry->id, true, on_result, &poster);
  g_autoptr (MxrLibraryFile) picture = mxr_library_open_finish (fixture->library, wait_for (&poster), &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (picture->fd, magic, 3), ==, 3);
  g_assert_cmpmem (magic, 3, "\xff\xd8\xff", 3);
  mxr_library_find_path_async (fixture->library, entry->id, on_result, &path_result);
  g_autofree char *found = mxr_library_find_path_finish (fixture->library, wait_for (&path_result), &error);
  g_assert_cmpstr (found, ==, path);

  g_autofree char *target = g_build_filename (model, "a.mkv", NULL);
  g_autoptr (GAsyncResult) linked = NULL;
  g_assert_cmpint (g_unlink (path), ==, 0); /* somebody else does, and puts a link in its place */
  g_assert_cmpint (symlink (target, path), ==, 0);
  mxr_library_find_path_async (fixture->library, entry->id, on_result, &linked);
  g_assert_null (mxr_library_find_path_finish (fixture->library, wait_for (&linked), &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  mxr_library_open_async (fixture->library, entry->id, false, on_result, &again);
  g_assert_null (mxr_library_open_finish (fixture->library, wait_for (&again), &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND);
  wait_for_count (fixture, 0);
}

/* The list is lost, and made anew of what is there: with titles, names, and the same ids. */
static void
test_rebuild (Fixture *fixture, gconstpointer is_damaged)
{
  g_autofree char *database = get_path (fixture, "library.sqlite");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  copy_in (fixture, "a.mp4", FILE_MP4, 1);
  tell (fixture, FILE_MP4, true, 5000);
  g_autoptr (MxrLibraryEntry) before = wait_for_file (fixture, FILE_MP4);
  mxr_library_set_title_async (fixture->library, before->id, "Kept", on_result, &result);
  mxr_library_entry_free (finish_entry (fixture, &result, &error));
  stop (fixture);
  if (is_damaged != NULL)
    g_assert_true (g_file_set_contents (database, "no database, whatever its name says", -1, NULL));
  else
    g_assert_cmpint (g_unlink (database), ==, 0);
  copy_in (fixture, "a.mkv", "room-20200101-000000-x/Ada.mkv", 1);
  start (fixture);
  g_autoptr (MxrLibraryEntry) after = wait_for_file (fixture, FILE_MP4);
  g_autoptr (MxrLibraryEntry) track = wait_for_file (fixture, "room-20200101-000000-x/Ada.mkv");
  g_assert_cmpstr (after->id, ==, before->id);
  g_assert_cmpstr (after->title, ==, "Kept");
  g_assert_cmpstr (after->room, ==, "stage/\xc3\xa4");
  g_assert_cmpstr (after->participants[1], ==, people[1]);
  g_assert_null (after->participants[2]);
  g_assert_cmpint (after->started_ms, ==, 1795269662123);
  g_assert_cmpint (ABS ((gint64) after->duration_ms - 5000), <=, 100);
  g_assert_true (after->has_poster);
  g_assert_cmpstr (track->room, ==, "room");
  g_assert_cmpint (track->started_ms, ==, 1577836800000);
}

/* Of many tracks of one room each says whose it is. */
static void
test_track (Fixture *fixture, gconstpointer data)
{
  static const char file[] = "stage-20261121-140102-x/Ada.mkv";

  copy_in (fixture, "a.mkv", file, 1);
  tell (fixture, file, true, 5000);
  g_autoptr (MxrLibraryEntry) entry = wait_for_file (fixture, file);
  g_assert_cmpstr (entry->title, ==, "stage/\xc3\xa4 – Ada");
}

/* The server is killed while it records. */
static void
test_cut (Fixture *fixture, gconstpointer name)
{
  g_autofree char *file = g_strconcat ("stage-20261121-140102-", name, NULL);

  copy_in (fixture, name, file, 0.6);
  tell (fixture, file, false, 0);
  wait_for_count (fixture, 1);
  stop (fixture);
  start (fixture);
  g_autoptr (MxrLibraryEntry) entry = wait_for_file (fixture, file);
  g_assert_cmpint (entry->state, ==, MXR_LIBRARY_FINISHED);
  g_assert_cmpuint (entry->duration_ms, >, 1500);
  g_assert_cmpuint (entry->duration_ms, <, 4000);
  g_assert_cmpstr (entry->participants[0], ==, "Ada");
}

/* Neither rubbish, nor links out of the directory, nor playlists; what is gone is forgotten. */
static void
test_scan (Fixture *fixture, gconstpointer data)
{
  g_autofree char *rubbish = get_path (fixture, "rubbish.mp4"), *empty = get_path (fixture, "empty.mp4");
  g_autofree char *link = get_path (fixture, "link.mp4"), *list_path = get_path (fixture, "list.m3u8");
  g_autofree char *disguised = get_path (fixture, "disguised.mp4"), *target = g_build_filename (model, "a.mp4", NULL);
  g_autofree char *gone = get_path (fixture, "gone.mp4"), *upload = mxr_library_begin_upload (fixture->library);

  copy_in (fixture, "a.mp4", "gone.mp4", 1);
  mxr_library_page_free (list (fixture)); /* it is open then */
  stop (fixture);
  start (fixture);
  mxr_library_entry_free (wait_for_file (fixture, "gone.mp4"));
  stop (fixture);
  g_unlink (gone);
  g_assert_true (g_file_set_contents (rubbish, "rubbish rubbish rubbish rubbish", -1, NULL));
  g_assert_true (g_file_set_contents (upload, "left behind", -1, NULL));
  g_assert_true (g_file_set_contents (empty, "", -1, NULL));
  g_assert_true (g_file_set_contents (list_path, "#EXTM3U\n#EXTINF:1,\ngone.mp4\n", -1, NULL));
  g_assert_true (g_file_set_contents (disguised, "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", -1, NULL));
  g_assert_cmpint (symlink (target, link), ==, 0);
  copy_in (fixture, "a.mkv", "good.mkv", 1);
  start (fixture);
  mxr_library_entry_free (wait_for_file (fixture, "good.mkv"));
  wait_for_count (fixture, 1);
  g_assert_false (g_file_test (upload, G_FILE_TEST_EXISTS));
}

static void
add (Fixture *fixture, const char *from, double fraction, const char *title, MxrLibraryEntry **out_entry, GError **error)
{
  g_autofree char *path = mxr_library_begin_upload (fixture->library);
  g_autoptr (MxrLibraryPage) page = list (fixture); /* it is open then */
  g_autoptr (GAsyncResult) result = NULL;

  test_media_cut (from, path, fraction);
  mxr_library_add_async (fixture->library, path, title, "stage", on_result, &result);
  *out_entry = finish_entry (fixture, &result, error);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_upload (Fixture *fixture, gconstpointer data)
{
  g_autofree char *media = g_build_filename (model, "a.mkv", NULL), *text = get_path (fixture, "text");
  g_autoptr (MxrLibraryEntry) good = NULL, bad = NULL;
  g_autoptr (GError) error = NULL;

  add (fixture, media, 1, "From elsewhere", &good, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (good->title, ==, "From elsewhere");
  g_assert_cmpstr (good->room, ==, "stage");
  g_assert_true (g_str_has_prefix (good->file, "stage-"));
  g_assert_true (g_str_has_suffix (good->file, ".mkv"));
  g_assert_true (good->has_poster);
  g_assert_true (g_file_set_contents (text, "<html><script>alert(1)</script>", -1, NULL));
  add (fixture, text, 1, NULL, &bad, &error);
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_MEDIA);
  g_assert_null (bad);
  wait_for_count (fixture, 1);
}

/* Whatever is done to a file, it is taken or refused. */
static void
test_broken_uploads (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "a.mp4", "a.mkv" };
  g_autofree char *broken = get_path (fixture, "broken");
  g_autoptr (GRand) random = g_rand_new_with_seed (3); /* others make files that stall for as long as they may */
  guint n_taken = 0, n_refused = 0;

  g_setenv ("MIXROOM_PROBE_PATIENCE_S", "2", TRUE); /* and so does one of these, for its poster */

  for (guint i = 0; i < 6; i++) {
    g_autofree char *path = g_build_filename (model, names[i % 2], NULL), *bytes = NULL;
    g_autoptr (MxrLibraryEntry) entry = NULL;
    g_autoptr (GError) error = NULL;
    gsize n_bytes;

    g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, NULL));
    if (i >= 4)
      for (guint k = 0; k < 64; k++)
        bytes[g_rand_int_range (random, 0, i < 5 ? 2000 : n_bytes)] = g_rand_int (random);
    g_assert_true (g_file_set_contents (broken, bytes, i < 4 ? 10 + i * 300 : n_bytes, NULL));
    add (fixture, broken, 1, NULL, &entry, &error);
    n_taken += entry != NULL;
    n_refused += entry == NULL;
    g_assert_true (entry != NULL || g_error_matches (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_MEDIA));
  }
  g_unsetenv ("MIXROOM_PROBE_PATIENCE_S");
  g_test_message ("%u taken, %u refused", n_taken, n_refused);
  wait_for_count (fixture, n_taken);
}

/* The server ends: who waits for its upload to be looked into is not kept waiting, and what is there stays so. */
static void
test_give_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *media = g_build_filename (model, "a.mkv", NULL), *path = mxr_library_begin_upload (fixture->library);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  mxr_library_page_free (list (fixture)); /* it is open then */
  test_media_cut (media, path, 1);
  mxr_library_add_async (fixture->library, path, NULL, NULL, on_result, &result);
  mxr_library_give_up (fixture->library);
  g_assert_null (finish_entry (fixture, &result, &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED);
  copy_in (fixture, "a.mp4", FILE_MP4, 1);
  tell (fixture, FILE_MP4, true, 5000);
  wait_for_count (fixture, 1);
  stop (fixture);
  start (fixture);
  mxr_library_entry_free (wait_for_file (fixture, FILE_MP4));
}

/* The oldest go first, and never what is being recorded. */
static void
test_limits (Fixture *fixture, gconstpointer is_by_age)
{
  g_autofree char *years = g_strdup_printf ("library.max_age_days=%d", 365 * 20);
  static const char *const files[] = { "r-20000101-000000-x.mkv", "r-20010101-000000-x.mkv", "r-20250101-000000-x.mkv", "r-20260101-000000-x.mkv" };

  stop (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = get_path (fixture, files[i]);
    copy_in (fixture, "a.mkv", files[i], 1);
    g_assert_cmpint (truncate (path, 600000), ==, 0); /* three are below 2 MiB, four above */
  }
  g_assert_true (mxr_config_set (fixture->config, is_by_age != NULL ? years : "library.max_total_mib=2", NULL));
  start (fixture);
  tell (fixture, files[0], false, 0);
  mxr_library_entry_free (wait_for_file (fixture, files[3]));
  wait_for_count (fixture, 3);
  g_autoptr (MxrLibraryPage) page = list (fixture);
  g_assert_nonnull (find (page, files[0]));
  g_assert_null (find (page, files[1]));
  g_assert_nonnull (find (page, files[2]));
  while (fixture->n_expired == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_expired, ==, 1);
}

/* A directory that is not there makes calls fail, and does when it comes. */
static void
test_no_directory (Fixture *fixture, gconstpointer data)
{
  const MxrLibraryQuery query = { .limit = 1 };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  stop (fixture);
  remove_tree (fixture->directory);
  start (fixture);
  mxr_library_list_async (fixture->library, &query, on_result, &result);
  g_assert_null (mxr_library_list_finish (fixture->library, wait_for (&result), &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED);
  g_assert_cmpint (g_mkdir (fixture->directory, 0700), ==, 0);
  wait_for_count (fixture, 0);
}

#define ADD(name, data, func) g_test_add ("/library/" name, Fixture, data, setup, func, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  model = g_dir_make_tmp ("mixroom-library-XXXXXX", NULL);
  g_autofree char *mp4 = g_build_filename (model, "a.mp4", NULL), *mkv = g_build_filename (model, "a.mkv", NULL);
  test_media_write (mp4, TEST_MP4, 5);
  test_media_write (mkv, TEST_MKV, 5);
  ADD ("recording", NULL, test_recording);
  ADD ("open", NULL, test_open);
  ADD ("rebuild", NULL, test_rebuild);
  ADD ("rebuild-damaged", "damaged", test_rebuild);
  ADD ("track", NULL, test_track);
  ADD ("cut-mp4", "a.mp4", test_cut);
  ADD ("cut-mkv", "a.mkv", test_cut);
  ADD ("scan", NULL, test_scan);
  ADD ("upload", NULL, test_upload);
  ADD ("broken-uploads", NULL, test_broken_uploads);
  ADD ("give-up", NULL, test_give_up);
  ADD ("limit-of-size", NULL, test_limits);
  ADD ("limit-of-age", "age", test_limits);
  ADD ("no-directory", NULL, test_no_directory);
  int status = g_test_run ();
  remove_tree (model);
  g_free (model);
  return status;
}
