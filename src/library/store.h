#ifndef MXR_LIBRARY_STORE_H
#define MXR_LIBRARY_STORE_H

#include "mixroom/library.h"

/* The database: one table of recordings, with their id as the key. Thread: one at a time. */
typedef struct _MxrStore MxrStore;

/**
 * mxr_store_open:
 * @out_is_new: (out): it was made now; one that was there and cannot be used has another name by then
 *
 * Errors: FAILED: the directory cannot be written to, the disk is full, the database is of a newer server.
 */
MxrStore *mxr_store_open (const char *path, bool *out_is_new, GError **error);
void mxr_store_free (MxrStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrStore, mxr_store_free)

/** mxr_store_is_damaged: A call has found so; open it anew. */
bool mxr_store_is_damaged (const MxrStore *store);

/** mxr_store_put: Adds it, or replaces what has its id. @is_seen: what the file holds is known. */
bool mxr_store_put (MxrStore *store, const MxrLibraryEntry *entry, bool is_seen, GError **error);
/** mxr_store_get: @out_is_seen: (out) (optional). Errors: NOT_FOUND, FAILED. */
MxrLibraryEntry *mxr_store_get (MxrStore *store, const char *id, bool *out_is_seen, GError **error);
bool mxr_store_remove (MxrStore *store, const char *id, GError **error);
MxrLibraryPage *mxr_store_list (MxrStore *store, const MxrLibraryQuery *query, GError **error);

/** mxr_store_find_oldest: Not one that is being recorded. Errors: NOT_FOUND, FAILED. */
MxrLibraryEntry *mxr_store_find_oldest (MxrStore *store, GError **error);
bool mxr_store_count (MxrStore *store, guint64 *out_n, guint64 *out_n_bytes, GError **error);

typedef struct {
  char *id;
  guint64 n_bytes;
  MxrLibraryState state;
  bool is_seen;
} MxrStoreRow;

/** mxr_store_read_rows: Returns: (transfer full): file -> MxrStoreRow. */
GHashTable *mxr_store_read_rows (MxrStore *store, GError **error);

/* Many changes at once. */
bool mxr_store_begin (MxrStore *store, GError **error);
/** mxr_store_end: @error: (inout): undoes them all when one of them has set it, or when they cannot be kept. */
bool mxr_store_end (MxrStore *store, GError **error);

/** mxr_store_write_list_sql: Returns: (transfer full): what mxr_store_list() asks for a page of @query. */
char *mxr_store_write_list_sql (const MxrLibraryQuery *query);

#endif
