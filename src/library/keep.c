/* Limits of age and size: the oldest go. */

#include <sys/stat.h>

#include "library-private.h"

#define MIB (1024 * 1024)
#define DAY_MS (G_GINT64_CONSTANT (24) * 3600 * 1000)
/* Of one round; the next one comes within a minute. */
#define DELETED_MAX 1000

/* What is being recorded is listed with the size it had at its beginning. */
static guint64
measure_live (MxrLibrary *library)
{
  GHashTableIter iter;
  gpointer file;
  guint64 n_bytes = 0;

  g_hash_table_iter_init (&iter, library->live);
  while (g_hash_table_iter_next (&iter, &file, NULL)) {
    g_autofree char *path = mxr_library_get_path (library, file);
    struct stat status;
    if (stat (path, &status) == 0)
      n_bytes += status.st_size;
  }
  return n_bytes;
}

static const char *
find_reason (MxrLibrary *library, const MxrLibraryEntry *oldest, guint64 n_bytes)
{
  guint64 max_bytes = (guint64) library->config->library.max_total_mib * MIB;
  gint64 max_age_ms = library->config->library.max_age_days * DAY_MS;
  gint64 age_ms = g_get_real_time () / 1000 - oldest->started_ms;

  if (max_age_ms > 0 && age_ms > max_age_ms)
    return "it is older than library.max_age_days";
  if (max_bytes > 0 && n_bytes > max_bytes)
    return "all are more than library.max_total_mib";
  return NULL;
}

typedef struct {
  MxrLibrary *library;
  MxrLibraryEntry *entry;
} Expired;

static void
expired_free (gpointer data)
{
  Expired *expired = data;
  mxr_library_entry_free (expired->entry);
  g_free (expired);
}

/* In control. */
static void
tell (gpointer data)
{
  const Expired *expired = data;
  expired->library->events->on_expired (expired->entry, expired->library->user_data);
}

static bool
expire (MxrLibrary *library, MxrLibraryEntry *entry, const char *reason, GError **error)
{
  if (!mxr_library_delete_file (library, entry, error) || !mxr_store_remove (library->store, entry->id, error))
    return false;
  mxr_log (MXR_LOG_INFO, "library", entry->room, NULL, "%s is deleted: %s", entry->file, reason);
  if (library->events != NULL && library->events->on_expired != NULL) {
    Expired *expired = g_new (Expired, 1);
    *expired = (Expired){ library, mxr_library_entry_copy (entry) };
    mxr_mailbox_post (library->mailbox, tell, expired, expired_free);
  }
  return true;
}

void
mxr_library_keep (MxrLibrary *library)
{
  g_autoptr (GError) error = NULL;
  guint64 n_entries, n_bytes;

  if ((library->config->library.max_age_days == 0 && library->config->library.max_total_mib == 0) || library->n_looking > 0)
    return;
  for (guint i = 0; i < DELETED_MAX && library->store != NULL; i++) {
    g_autoptr (MxrLibraryEntry) oldest = mxr_store_find_oldest (library->store, NULL);
    if (oldest == NULL || !mxr_store_count (library->store, &n_entries, &n_bytes, NULL))
      return;
    const char *reason = find_reason (library, oldest, n_bytes + measure_live (library));
    if (reason == NULL)
      return;
    if (!expire (library, oldest, reason, &error)) {
      mxr_warning ("library", "%s", error->message);
      return;
    }
  }
}
