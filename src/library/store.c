#include "store.h"

#include <string.h>

#include "names.h"
#include "store-private.h"

/* Names have no control characters. */
#define NAMES_APART "\n"
/* More words than anybody looks for; the others count for nothing. */
#define WORDS_MAX 8

/* ---- Rows --------------------------------------------------------------------------------------------------------- */

void
mxr_store_bind_text (sqlite3_stmt *statement, const char *name, const char *text)
{
  sqlite3_bind_text (statement, sqlite3_bind_parameter_index (statement, name), text, -1, SQLITE_TRANSIENT);
}

void
mxr_store_bind_int (sqlite3_stmt *statement, const char *name, gint64 value)
{
  sqlite3_bind_int64 (statement, sqlite3_bind_parameter_index (statement, name), value);
}

static char *
read_text (sqlite3_stmt *statement, int column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);
  return g_strdup (text != NULL ? text : "");
}

MxrLibraryEntry *
mxr_store_read_entry (sqlite3_stmt *statement)
{
  MxrLibraryEntry *entry = g_new0 (MxrLibraryEntry, 1);
  g_autofree char *participants = read_text (statement, 4);

  entry->id = read_text (statement, 0);
  entry->file = read_text (statement, 1);
  entry->title = read_text (statement, 2);
  entry->room = read_text (statement, 3);
  entry->participants = g_strsplit (participants, NAMES_APART, -1);
  entry->type = read_text (statement, 5);
  entry->started_ms = sqlite3_column_int64 (statement, 6);
  entry->duration_ms = sqlite3_column_int64 (statement, 7);
  entry->n_bytes = sqlite3_column_int64 (statement, 8);
  entry->width_px = sqlite3_column_int (statement, 9);
  entry->height_px = sqlite3_column_int (statement, 10);
  entry->state = CLAMP (sqlite3_column_int (statement, 11), MXR_LIBRARY_RECORDING, MXR_LIBRARY_FAILED);
  entry->has_poster = sqlite3_column_int (statement, 12) != 0;
  return entry;
}

bool
mxr_store_put (MxrStore *store, const MxrLibraryEntry *entry, bool is_seen, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (
    store,
    "INSERT OR REPLACE INTO recordings (" MXR_STORE_COLUMNS ", words) VALUES (:id, :file, :title, :room, :participants,"
    " :type, :started, :duration, :bytes, :width, :height, :state, :poster, :seen, :words)",
    error);
  if (statement == NULL)
    return false;
  g_autofree char *participants = g_strjoinv (NAMES_APART, entry->participants);
  g_autofree char *all = g_strjoin (NAMES_APART, entry->title, entry->room, participants, NULL);
  g_autofree char *words = mxr_library_fold (all);

  mxr_store_bind_text (statement, ":id", entry->id);
  mxr_store_bind_text (statement, ":file", entry->file);
  mxr_store_bind_text (statement, ":title", entry->title);
  mxr_store_bind_text (statement, ":room", entry->room);
  mxr_store_bind_text (statement, ":participants", participants);
  mxr_store_bind_text (statement, ":type", entry->type);
  mxr_store_bind_int (statement, ":started", entry->started_ms);
  mxr_store_bind_int (statement, ":duration", entry->duration_ms);
  mxr_store_bind_int (statement, ":bytes", entry->n_bytes);
  mxr_store_bind_int (statement, ":width", entry->width_px);
  mxr_store_bind_int (statement, ":height", entry->height_px);
  mxr_store_bind_int (statement, ":state", entry->state);
  mxr_store_bind_int (statement, ":poster", entry->has_poster);
  mxr_store_bind_int (statement, ":seen", is_seen);
  mxr_store_bind_text (statement, ":words", words);
  return mxr_store_finish (store, statement, error);
}

/* Takes @statement. */
static MxrLibraryEntry *
take_one (MxrStore *store, sqlite3_stmt *statement, bool *out_is_seen, GError **error)
{
  MxrLibraryEntry *entry = NULL;
  int code = sqlite3_step (statement);

  if (code == SQLITE_ROW) {
    entry = mxr_store_read_entry (statement);
    if (out_is_seen != NULL)
      *out_is_seen = sqlite3_column_int (statement, MXR_STORE_COLUMN_SEEN) != 0;
  } else if (code == SQLITE_DONE) {
    g_set_error_literal (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND, "There is no such recording.");
  } else {
    mxr_store_fail (store, error);
  }
  sqlite3_finalize (statement);
  return entry;
}

MxrLibraryEntry *
mxr_store_get (MxrStore *store, const char *id, bool *out_is_seen, GError **error)
{
  sqlite3_stmt *statement =
    mxr_store_prepare (store, "SELECT " MXR_STORE_COLUMNS " FROM recordings WHERE id = :id", error);
  if (statement == NULL)
    return NULL;
  mxr_store_bind_text (statement, ":id", id);
  return take_one (store, statement, out_is_seen, error);
}

MxrLibraryEntry *
mxr_store_find_oldest (MxrStore *store, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (
    store, "SELECT " MXR_STORE_COLUMNS " FROM recordings WHERE state <> :live ORDER BY started, id LIMIT 1", error);
  if (statement == NULL)
    return NULL;
  mxr_store_bind_int (statement, ":live", MXR_LIBRARY_RECORDING);
  return take_one (store, statement, NULL, error);
}

bool
mxr_store_remove (MxrStore *store, const char *id, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (store, "DELETE FROM recordings WHERE id = :id", error);
  if (statement == NULL)
    return false;
  mxr_store_bind_text (statement, ":id", id);
  return mxr_store_finish (store, statement, error);
}

static void
row_free (gpointer data)
{
  MxrStoreRow *row = data;
  g_free (row->id);
  g_free (row);
}

GHashTable *
mxr_store_read_rows (MxrStore *store, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (store, "SELECT file, id, bytes, state, seen FROM recordings", error);
  if (statement == NULL)
    return NULL;
  g_autoptr (GHashTable) rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, row_free);
  int code;

  while ((code = sqlite3_step (statement)) == SQLITE_ROW) {
    MxrStoreRow *row = g_new0 (MxrStoreRow, 1);
    row->id = read_text (statement, 1);
    row->n_bytes = sqlite3_column_int64 (statement, 2);
    row->state = sqlite3_column_int (statement, 3);
    row->is_seen = sqlite3_column_int (statement, 4) != 0;
    g_hash_table_insert (rows, read_text (statement, 0), row);
  }
  if (code != SQLITE_DONE)
    mxr_store_fail (store, error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE ? g_steal_pointer (&rows) : NULL;
}

bool
mxr_store_begin (MxrStore *store, GError **error)
{
  return mxr_store_run (store, "BEGIN", error);
}

bool
mxr_store_end (MxrStore *store, GError **error)
{
  if (*error == NULL && mxr_store_run (store, "COMMIT", error))
    return true;
  mxr_store_run (store, "ROLLBACK", NULL);
  return false;
}

/* ---- Lists --------------------------------------------------------------------------------------------------------- */

/* What is looked for, folded; %NULL-terminated. */
static char **
split_search (const char *search)
{
  g_autofree char *folded = mxr_library_fold (search != NULL ? search : "");
  g_auto (GStrv) parts = g_strsplit_set (folded, " \t\r\n", -1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (guint i = 0, n = 0; parts[i] != NULL && n < WORDS_MAX; i++)
    if (*parts[i] != '\0') {
      g_strv_builder_add (words, parts[i]);
      n++;
    }
  return g_strv_builder_end (words);
}

static void
append_condition (GString *sql, const MxrLibraryQuery *query)
{
  g_auto (GStrv) words = split_search (query->search);

  g_string_append (sql, " WHERE 1");
  if (query->room != NULL)
    g_string_append (sql, " AND room = :room");
  for (guint i = 0; words[i] != NULL; i++)
    g_string_append_printf (sql, " AND instr(words, :word%u) > 0", i);
}

static void
bind_condition (sqlite3_stmt *statement, const MxrLibraryQuery *query)
{
  g_auto (GStrv) words = split_search (query->search);

  if (query->room != NULL)
    mxr_store_bind_text (statement, ":room", query->room);
  for (guint i = 0; words[i] != NULL; i++) {
    g_autofree char *name = g_strdup_printf (":word%u", i);
    mxr_store_bind_text (statement, name, words[i]);
  }
}

char *
mxr_store_write_list_sql (const MxrLibraryQuery *query)
{
  GString *sql = g_string_new ("SELECT " MXR_STORE_COLUMNS " FROM recordings");

  append_condition (sql, query);
  if (query->before != NULL)
    g_string_append (sql, " AND (started, id) < (:started, :id)");
  g_string_append (sql, " ORDER BY started DESC, id DESC LIMIT :limit");
  return g_string_free (sql, FALSE);
}

static bool
count (MxrStore *store, const MxrLibraryQuery *query, guint64 *out_n, guint64 *out_n_bytes, GError **error)
{
  g_autoptr (GString) sql = g_string_new ("SELECT count(*), coalesce(sum(bytes), 0) FROM recordings");

  append_condition (sql, query);
  sqlite3_stmt *statement = mxr_store_prepare (store, sql->str, error);
  if (statement == NULL)
    return false;
  bind_condition (statement, query);
  bool is_read = sqlite3_step (statement) == SQLITE_ROW || mxr_store_fail (store, error);
  if (is_read) {
    *out_n = sqlite3_column_int64 (statement, 0);
    *out_n_bytes = sqlite3_column_int64 (statement, 1);
  }
  sqlite3_finalize (statement);
  return is_read;
}

bool
mxr_store_count (MxrStore *store, guint64 *out_n, guint64 *out_n_bytes, GError **error)
{
  const MxrLibraryQuery all = { 0 };
  return count (store, &all, out_n, out_n_bytes, error);
}

/* "STARTED.ID"; what is none lists from the beginning of time, which is nothing. */
static void
bind_before (sqlite3_stmt *statement, const char *before)
{
  const char *dot = strchr (before, '.');

  mxr_store_bind_int (statement, ":started", dot != NULL ? g_ascii_strtoll (before, NULL, 10) : G_MININT64);
  mxr_store_bind_text (statement, ":id", dot != NULL ? dot + 1 : "");
}

/* One more than asked for tells whether there is a next page. */
static bool
read_page (MxrStore *store, const MxrLibraryQuery *query, MxrLibraryPage *page, GError **error)
{
  g_autofree char *sql = mxr_store_write_list_sql (query);
  sqlite3_stmt *statement = mxr_store_prepare (store, sql, error);
  int code;

  if (statement == NULL)
    return false;
  bind_condition (statement, query);
  if (query->before != NULL)
    bind_before (statement, query->before);
  mxr_store_bind_int (statement, ":limit", query->limit + 1);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW && page->entries->len < query->limit)
    g_ptr_array_add (page->entries, mxr_store_read_entry (statement));
  if (code == SQLITE_ROW) {
    const MxrLibraryEntry *last = g_ptr_array_index (page->entries, page->entries->len - 1);
    page->next = g_strdup_printf ("%" G_GINT64_FORMAT ".%s", last->started_ms, last->id);
  } else if (code != SQLITE_DONE) {
    mxr_store_fail (store, error);
  }
  sqlite3_finalize (statement);
  return code == SQLITE_ROW || code == SQLITE_DONE;
}

MxrLibraryPage *
mxr_store_list (MxrStore *store, const MxrLibraryQuery *query, GError **error)
{
  g_autoptr (MxrLibraryPage) page = g_new0 (MxrLibraryPage, 1);

  page->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_library_entry_free);
  if (!read_page (store, query, page, error) || !count (store, query, &page->n_entries, &page->n_bytes, error))
    return NULL;
  return g_steal_pointer (&page);
}
