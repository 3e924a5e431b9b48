/* The list and the files, compared once each time that the list is opened. */

#include "library-private.h"
#include "mixroom/limits.h"

typedef struct {
  MxrLibrary *library;
  GHashTable *found, *rows;
  guint n_gone, n_new;
} Scan;

/* Not found, and it has not come since either. */
static bool
is_missing (const Scan *scan, const char *file)
{
  g_autofree char *path = mxr_library_get_path (scan->library, file);

  return !g_hash_table_contains (scan->found, file) && !g_hash_table_contains (scan->library->live, file) &&
         !g_file_test (path, G_FILE_TEST_EXISTS);
}

static bool
forget_missing (Scan *scan, GError **error)
{
  GHashTableIter iter;
  gpointer file, value;

  if (!mxr_store_begin (scan->library->store, error))
    return false;
  g_hash_table_iter_init (&iter, scan->rows);
  while (g_hash_table_iter_next (&iter, &file, &value)) {
    const MxrStoreRow *row = value;
    if (!is_missing (scan, file))
      continue;
    if (!mxr_store_remove (scan->library->store, row->id, error))
      break;
    scan->n_gone++;
  }
  return mxr_store_end (scan->library->store, error);
}

/* Not listed, or not as it is: one that the last run has not finished, or that somebody has changed. */
static void
look_at_new (Scan *scan)
{
  GHashTableIter iter;
  gpointer file, size;

  g_hash_table_iter_init (&iter, scan->found);
  while (g_hash_table_iter_next (&iter, &file, &size)) {
    const MxrStoreRow *row = g_hash_table_lookup (scan->rows, file);
    bool is_cut = row != NULL && row->state == MXR_LIBRARY_RECORDING;

    if (g_hash_table_contains (scan->library->live, file) ||
        (row != NULL && row->is_seen && !is_cut && row->n_bytes == *(guint64 *) size))
      continue;
    mxr_library_look (scan->library, file, is_cut);
    scan->n_new++;
  }
}

static void
tell_done (MxrLibrary *library, gpointer data)
{
  if (!g_cancellable_is_cancelled (library->closing))
    mxr_info ("library", "%u files have been looked into", GPOINTER_TO_UINT (data));
}

/* In records. */
static void
compare (MxrLibrary *library, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Scan scan = { .library = library, .found = data };
  bool is_all = g_hash_table_size (scan.found) < MXR_LIBRARY_SCAN_MAX;

  if (library->store == NULL)
    return;
  scan.rows = mxr_store_read_rows (library->store, &error);
  if (scan.rows == NULL || (is_all && !forget_missing (&scan, &error))) {
    mxr_warning ("library", "%s", error->message);
  } else {
    look_at_new (&scan);
    mxr_info ("library", "%u files are there; %u to be looked into, %u that were listed are gone",
              g_hash_table_size (scan.found), scan.n_new, scan.n_gone);
    if (scan.n_new > 0)
      mxr_library_post (library, library->looker, MXR_JOB_LATER, tell_done, GUINT_TO_POINTER (scan.n_new), NULL);
  }
  g_clear_pointer (&scan.rows, g_hash_table_unref);
  mxr_library_keep (library);
}

/* In looker. */
static void
walk (MxrLibrary *library, gpointer data)
{
  GHashTable *found = mxr_library_walk (library);

  if (found == NULL)
    return;
  if (g_hash_table_size (found) >= MXR_LIBRARY_SCAN_MAX)
    mxr_warning ("library", "more than %u files are in programme.recordings_directory: the others are not listed",
                 MXR_LIBRARY_SCAN_MAX);
  mxr_library_post (library, library->records, MXR_JOB_FIRST, compare, found, (GDestroyNotify) g_hash_table_unref);
}

void
mxr_library_scan (MxrLibrary *library)
{
  mxr_library_post (library, library->looker, MXR_JOB_FIRST, walk, NULL, NULL);
}
