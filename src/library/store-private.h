#ifndef MXR_LIBRARY_STORE_PRIVATE_H
#define MXR_LIBRARY_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store.h"

struct _MxrStore {
  sqlite3 *db;
  bool is_damaged;
};

/* In the order in which mxr_store_read_entry() takes them. */
#define MXR_STORE_COLUMNS \
  "id, file, title, room, participants, type, started, duration, bytes, width, height, state, poster, seen"
#define MXR_STORE_COLUMN_SEEN 13

/** mxr_store_fail: Sets @error to what SQLite said. Returns: false. */
bool mxr_store_fail (MxrStore *store, GError **error);
sqlite3_stmt *mxr_store_prepare (MxrStore *store, const char *sql, GError **error);
/** mxr_store_finish: Runs @statement, which gives no rows, to its end and frees it. */
bool mxr_store_finish (MxrStore *store, sqlite3_stmt *statement, GError **error);
bool mxr_store_run (MxrStore *store, const char *sql, GError **error);
void mxr_store_bind_text (sqlite3_stmt *statement, const char *name, const char *text);
void mxr_store_bind_int (sqlite3_stmt *statement, const char *name, gint64 value);
MxrLibraryEntry *mxr_store_read_entry (sqlite3_stmt *statement);

#endif
