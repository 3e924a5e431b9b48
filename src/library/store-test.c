#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#include "names.h"
#include "store.h"

typedef struct {
  char *directory, *path;
  MxrStore *store;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  bool is_new = false;

  fixture->directory = g_dir_make_tmp ("mixroom-store-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "library.sqlite", NULL);
  fixture->store = mxr_store_open (fixture->path, &is_new, &error);
  g_assert_no_error (error);
  g_assert_true (is_new);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  g_clear_pointer (&fixture->store, mxr_store_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
    g_unlink (path);
  }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static MxrLibraryEntry *
make_entry (const char *file, const char *title, const char *room, const char *names, gint64 started_ms)
{
  MxrLibraryEntry *entry = g_new0 (MxrLibraryEntry, 1);

  entry->id = mxr_library_make_id (file);
  entry->file = g_strdup (file);
  entry->title = g_strdup (title);
  entry->room = g_strdup (room);
  entry->participants = g_strsplit (names, ",", -1);
  entry->type = g_strdup ("video/mp4");
  entry->started_ms = started_ms;
  entry->duration_ms = 1000;
  entry->n_bytes = 10;
  entry->state = MXR_LIBRARY_FINISHED;
  return entry;
}

static void
put (Fixture *fixture, const char *file, const char *title, const char *room, const char *names, gint64 started_ms)
{
  g_autoptr (MxrLibraryEntry) entry = make_entry (file, title, room, names, started_ms);
  g_autoptr (GError) error = NULL;

  mxr_store_put (fixture->store, entry, true, &error);
  g_assert_no_error (error);
}

/* Files of a page, in its order. */
static char *
list (Fixture *fixture, const char *room, const char *search, const char *before, guint limit, char **out_next)
{
  const MxrLibraryQuery query = { room, search, before, limit };
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryPage) page = mxr_store_list (fixture->store, &query, &error);
  GString *files = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < page->entries->len; i++) {
    const MxrLibraryEntry *entry = g_ptr_array_index (page->entries, i);
    g_string_append_printf (files, "%s%s", i > 0 ? " " : "", entry->file);
  }
  if (out_next != NULL)
    *out_next = g_steal_pointer (&page->next);
  return g_string_free (files, FALSE);
}

static void
assert_list (Fixture *fixture, const char *room, const char *search, const char *files)
{
  g_autofree char *found = list (fixture, room, search, NULL, 100, NULL);
  g_assert_cmpstr (found, ==, files);
}

static void
test_keeps_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MxrLibraryEntry) entry = make_entry ("a.mp4", "It's 100% \"good\" \xf0\x9f\x8e\x89", "a'; --", "Ada,B\xc3\xb6", 5);
  g_autoptr (GError) error = NULL;
  bool is_seen = true;

  entry->width_px = 1920;
  entry->height_px = 1080;
  entry->state = MXR_LIBRARY_FAILED;
  entry->has_poster = true;
  g_assert_true (mxr_store_put (fixture->store, entry, false, &error));
  g_autoptr (MxrLibraryEntry) kept = mxr_store_get (fixture->store, entry->id, &is_seen, &error);
  g_assert_no_error (error);
  g_assert_false (is_seen);
  g_assert_cmpstr (kept->title, ==, entry->title);
  g_assert_cmpstr (kept->room, ==, entry->room);
  g_assert_cmpstr (kept->participants[1], ==, "B\xc3\xb6");
  g_assert_null (kept->participants[2]);
  g_assert_cmpuint (kept->width_px, ==, 1920);
  g_assert_cmpint (kept->state, ==, MXR_LIBRARY_FAILED);
  g_assert_true (kept->has_poster);
  g_assert_true (mxr_store_remove (fixture->store, entry->id, NULL));
  g_assert_null (mxr_store_get (fixture->store, entry->id, NULL, &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND);
}

static void
test_search (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_text = g_strnfill (10000, '%');

  put (fixture, "a", "Board meeting", "stage", "Ada Lovelace,Grace", 1);
  put (fixture, "b", "100% \xc3\x84rger_\"x\"", "stage", "", 2);
  put (fixture, "c", "\xed\x9a\x8c\xec\x9d\x98 \xf0\x9f\x8e\x89", "other", "Grace", 3);
  assert_list (fixture, NULL, NULL, "c b a");
  assert_list (fixture, "stage", NULL, "b a");
  assert_list (fixture, "stage' OR 1 --", NULL, "");
  assert_list (fixture, NULL, "GRACE", "c a");
  assert_list (fixture, NULL, "lovelace  board", "a");
  assert_list (fixture, NULL, "eet", "a");
  assert_list (fixture, NULL, "%", "b");
  assert_list (fixture, NULL, "_", "b");
  assert_list (fixture, NULL, "\"x\"", "b");
  assert_list (fixture, NULL, "\xc3\xa4rger", "b");
  assert_list (fixture, NULL, "\xed\x9a\x8c", "c");
  assert_list (fixture, NULL, "\xf0\x9f\x8e\x89", "c");
  assert_list (fixture, "stage", "grace", "a");
  assert_list (fixture, NULL, "' OR '1'='1", "");
  assert_list (fixture, NULL, " \t ", "c b a");
  assert_list (fixture, NULL, long_text, "");
  assert_list (fixture, NULL, "a b c d e f g h i j k l m n o p", "");
}

/* Pages go on where the last one ended, whatever comes and goes meanwhile. */
static void
test_pages (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first_next = NULL, *second_next = NULL, *third_next = NULL;

  for (guint i = 0; i < 7; i++) {
    g_autofree char *file = g_strdup_printf ("f%u", i);
    put (fixture, file, file, "stage", "", 100 + i / 2); /* two at the same moment */
  }
  g_autofree char *all = list (fixture, NULL, NULL, NULL, 100, NULL);
  g_autofree char *first = list (fixture, NULL, NULL, NULL, 3, &first_next);
  put (fixture, "new", "new", "stage", "", 200);
  g_autofree char *second = list (fixture, NULL, NULL, first_next, 3, &second_next);
  put (fixture, "newer", "newer", "stage", "", 300);
  g_autofree char *third = list (fixture, NULL, NULL, second_next, 3, &third_next);
  g_autofree char *together = g_strjoin (" ", first, second, third, NULL);
  g_assert_cmpstr (together, ==, all);
  g_assert_null (third_next);
  g_autofree char *nonsense = list (fixture, NULL, NULL, "nonsense", 3, NULL);
  g_autofree char *quotes = list (fixture, NULL, NULL, "';DROP TABLE recordings.'", 3, NULL);
  g_assert_cmpstr (nonsense, ==, "");
  g_assert_cmpstr (quotes, ==, "");
}

static void
test_oldest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MxrLibraryEntry) live = make_entry ("live", "", "", "", 1);
  g_autoptr (GError) error = NULL;
  guint64 n, n_bytes;

  live->state = MXR_LIBRARY_RECORDING;
  g_assert_true (mxr_store_put (fixture->store, live, false, NULL));
  g_assert_null (mxr_store_find_oldest (fixture->store, &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND);
  put (fixture, "b", "", "", "", 3);
  put (fixture, "a", "", "", "", 2);
  g_autoptr (MxrLibraryEntry) oldest = mxr_store_find_oldest (fixture->store, NULL);
  g_assert_cmpstr (oldest->file, ==, "a");
  g_assert_true (mxr_store_count (fixture->store, &n, &n_bytes, NULL));
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (n_bytes, ==, 30);
}

static char *
explain (const char *path, const MxrLibraryQuery *query)
{
  g_autofree char *sql = mxr_store_write_list_sql (query);
  g_autofree char *explained = g_strconcat ("EXPLAIN QUERY PLAN ", sql, NULL);
  GString *plan = g_string_new (NULL);
  sqlite3_stmt *statement;
  sqlite3 *db;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, explained, -1, &statement, NULL), ==, SQLITE_OK);
  while (sqlite3_step (statement) == SQLITE_ROW)
    g_string_append_printf (plan, "%s\n", sqlite3_column_text (statement, 3));
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return g_string_free (plan, FALSE);
}

/* Of ten thousand, a page reads what it shows, along an index, and sorts nothing. */
static void
test_many (Fixture *fixture, gconstpointer data)
{
  static const MxrLibraryQuery queries[] = {
    { NULL, NULL, NULL, 50 }, { NULL, NULL, "1.x", 50 }, { "room-7", NULL, NULL, 50 }, { "room-7", NULL, "1.x", 50 }, { NULL, "word", NULL, 50 },
  };
  GError *error = NULL;

  g_assert_true (mxr_store_begin (fixture->store, NULL));
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *file = g_strdup_printf ("file-%u", i), *room = g_strdup_printf ("room-%u", i % 20);
    put (fixture, file, "Some title of some words", room, "Ada,Grace,Edsger", i);
  }
  g_assert_true (mxr_store_end (fixture->store, &error));
  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    g_autofree char *plan = explain (fixture->path, &queries[i]);
    g_test_message ("%s", plan);
    g_assert_nonnull (strstr (plan, queries[i].room != NULL ? "USING INDEX by_room" : "USING INDEX by_time"));
    g_assert_null (strstr (plan, "TEMP B-TREE"));
  }
  gint64 begin_us = g_get_monotonic_time ();
  g_autofree char *none = list (fixture, NULL, "nowhere to be found", NULL, 50, NULL);
  g_test_message ("a search through all of them: %.1f ms", (g_get_monotonic_time () - begin_us) / 1000.0);
  begin_us = g_get_monotonic_time ();
  g_autofree char *page = list (fixture, "room-7", NULL, NULL, 50, NULL);
  g_test_message ("a page: %.1f ms", (g_get_monotonic_time () - begin_us) / 1000.0);
  g_assert_true (g_str_has_prefix (page, "file-9987 file-9967 "));
}

static guint
count_damaged (Fixture *fixture)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += strstr (name, ".damaged-") != NULL;
  return n;
}

static void
test_is_kept (Fixture *fixture, gconstpointer data)
{
  bool is_new = true;

  put (fixture, "a", "", "", "", 1);
  g_clear_pointer (&fixture->store, mxr_store_free);
  fixture->store = mxr_store_open (fixture->path, &is_new, NULL);
  g_assert_false (is_new);
  assert_list (fixture, NULL, NULL, "a");
  g_assert_cmpuint (count_damaged (fixture), ==, 0);
}

/* One that is no database at all, and one whose pages are overwritten. */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize n_bytes;
  bool is_new = false;

  for (guint i = 0; i < 200; i++) {
    g_autofree char *file = g_strdup_printf ("file-%u", i);
    put (fixture, file, "title", "room", "", i);
  }
  g_clear_pointer (&fixture->store, mxr_store_free);
  if (data != NULL) {
    g_assert_true (g_file_set_contents (fixture->path, "This is a text, and long enough to be none else.", -1, NULL));
  } else {
    g_assert_true (g_file_get_contents (fixture->path, &bytes, &n_bytes, NULL));
    memset (bytes + n_bytes / 4, 0xa5, n_bytes / 2);
    g_assert_true (g_file_set_contents (fixture->path, bytes, n_bytes, NULL));
  }
  fixture->store = mxr_store_open (fixture->path, &is_new, &error);
  g_assert_no_error (error);
  g_assert_true (is_new);
  g_assert_cmpuint (count_damaged (fixture), ==, 1);
  assert_list (fixture, NULL, NULL, "");
}

static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sqlite3 *db;
  bool is_new;

  g_clear_pointer (&fixture->store, mxr_store_free);
  g_assert_cmpint (sqlite3_open (fixture->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version = 99", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
  g_assert_null (mxr_store_open (fixture->path, &is_new, &error));
  g_assert_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "newer server"));
}

#define ADD(name, data, func) g_test_add ("/library/store/" name, Fixture, data, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  ADD ("keeps-all", NULL, test_keeps_all);
  ADD ("search", NULL, test_search);
  ADD ("pages", NULL, test_pages);
  ADD ("oldest", NULL, test_oldest);
  ADD ("many", NULL, test_many);
  ADD ("is-kept", NULL, test_is_kept);
  ADD ("damaged", NULL, test_damaged);
  ADD ("not-a-database", "text", test_damaged);
  ADD ("newer", NULL, test_newer);
  return g_test_run ();
}
