/* Opening: making the table, and what is done about a database that is damaged. */

#include <errno.h>
#include <glib/gstdio.h>

#include "store-private.h"

/* Another process, such as somebody's sqlite3, may hold it for a moment. */
#define BUSY_MS 2000

/* One step from each version to the next; never changed, only added to. */
static const char *const steps[] = {
  "CREATE TABLE recordings (id TEXT PRIMARY KEY NOT NULL, file TEXT NOT NULL, title TEXT NOT NULL, room TEXT NOT NULL,"
  " participants TEXT NOT NULL, words TEXT NOT NULL, type TEXT NOT NULL, started INTEGER NOT NULL,"
  " duration INTEGER NOT NULL, bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
  " state INTEGER NOT NULL, poster INTEGER NOT NULL, seen INTEGER NOT NULL);"
  "CREATE INDEX by_time ON recordings (started, id, bytes);"
  "CREATE INDEX by_room ON recordings (room, started, id, bytes);",
};

/* SQLite's codes that say so of the file itself. */
static bool
is_damage (int code)
{
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool
mxr_store_fail (MxrStore *store, GError **error)
{
  int code = sqlite3_extended_errcode (store->db);

  store->is_damaged |= is_damage (code);
  g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED, "the list of recordings cannot be used: %s",
               sqlite3_errmsg (store->db));
  return false;
}

bool
mxr_store_is_damaged (const MxrStore *store)
{
  return store->is_damaged;
}

sqlite3_stmt *
mxr_store_prepare (MxrStore *store, const char *sql, GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (store->db, sql, -1, &statement, NULL) != SQLITE_OK)
    mxr_store_fail (store, error);
  return statement;
}

bool
mxr_store_finish (MxrStore *store, sqlite3_stmt *statement, GError **error)
{
  bool is_done = sqlite3_step (statement) == SQLITE_DONE || mxr_store_fail (store, error);
  sqlite3_finalize (statement);
  return is_done;
}

bool
mxr_store_run (MxrStore *store, const char *sql, GError **error)
{
  return sqlite3_exec (store->db, sql, NULL, NULL, NULL) == SQLITE_OK || mxr_store_fail (store, error);
}

static bool
read_version (MxrStore *store, guint *out_version, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (store, "PRAGMA user_version", error);
  bool is_read = statement != NULL && sqlite3_step (statement) == SQLITE_ROW;

  if (is_read)
    *out_version = sqlite3_column_int (statement, 0);
  else if (statement != NULL)
    mxr_store_fail (store, error);
  sqlite3_finalize (statement);
  return is_read;
}

static bool
check (MxrStore *store, GError **error)
{
  sqlite3_stmt *statement = mxr_store_prepare (store, "PRAGMA quick_check(1)", error);
  if (statement == NULL)
    return false;
  bool is_row = sqlite3_step (statement) == SQLITE_ROW;
  bool is_good = is_row && g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") == 0;

  if (!is_row) {
    mxr_store_fail (store, error);
  } else if (!is_good) {
    store->is_damaged = true;
    g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED, "%s", sqlite3_column_text (statement, 0));
  }
  sqlite3_finalize (statement);
  return is_good;
}

static bool
migrate (MxrStore *store, bool *out_is_new, GError **error)
{
  guint version = 0;

  if (!read_version (store, &version, error))
    return false;
  if (version > G_N_ELEMENTS (steps)) {
    g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED,
                 "the list of recordings is of a newer server (version %u); move it away to have a new one made", version);
    return false;
  }
  *out_is_new = version == 0;
  for (; version < G_N_ELEMENTS (steps); version++) {
    g_autofree char *sql = g_strdup_printf ("BEGIN; %s PRAGMA user_version = %u; COMMIT", steps[version], version + 1);
    if (!mxr_store_run (store, sql, error))
      return false;
  }
  return true;
}

static MxrStore *
open_once (const char *path, bool *out_is_new, bool *out_is_damaged, GError **error)
{
  g_autoptr (MxrStore) store = g_new0 (MxrStore, 1);
  bool is_open = sqlite3_open_v2 (path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                  NULL) == SQLITE_OK;

  if (!is_open) {
    mxr_store_fail (store, error);
    return NULL;
  }
  sqlite3_busy_timeout (store->db, BUSY_MS);
  if (check (store, error) && mxr_store_run (store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", error) &&
      migrate (store, out_is_new, error))
    return g_steal_pointer (&store);
  *out_is_damaged = store->is_damaged;
  return NULL;
}

/* Kept, as somebody may yet get titles out of it. */
static bool
set_aside (const char *path, const char *reason, GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%d-%H%M%S");
  g_autofree char *aside = g_strdup_printf ("%s.damaged-%s", path, time);
  g_autofree char *wal = g_strconcat (path, "-wal", NULL), *shm = g_strconcat (path, "-shm", NULL);

  if (g_rename (path, aside) != 0) {
    g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED,
                 "the list of recordings is damaged and cannot be renamed: %s", g_strerror (errno));
    return false;
  }
  g_unlink (wal);
  g_unlink (shm);
  mxr_warning ("library", "the list of recordings was damaged (%s): kept as %s, and made anew", reason, aside);
  return true;
}

MxrStore *
mxr_store_open (const char *path, bool *out_is_new, GError **error)
{
  g_autoptr (GError) cause = NULL;
  bool is_damaged = false;
  MxrStore *store = open_once (path, out_is_new, &is_damaged, &cause);

  if (store != NULL)
    return store;
  if (!is_damaged) {
    g_propagate_error (error, g_steal_pointer (&cause));
    return NULL;
  }
  return set_aside (path, cause->message, error) ? open_once (path, out_is_new, &is_damaged, error) : NULL;
}

void
mxr_store_free (MxrStore *store)
{
  sqlite3_close (store->db);
  g_free (store);
}
