/* What is asked of the library: each is done in records, where the store is. */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library-private.h"
#include "sidecar.h"

static void
post_task (MxrLibrary *self, GTask *task, MxrLibraryFunc func)
{
  mxr_library_post (self, self->records, MXR_JOB_FIRST, func, task, g_object_unref);
}

/* ---- Looking --------------------------------------------------------------------------------------------------------------- */

static void
measure (MxrLibrary *self, MxrLibraryEntry *entry)
{
  g_autofree char *path = mxr_library_get_path (self, entry->file);
  struct stat status;

  if (entry->state == MXR_LIBRARY_RECORDING && stat (path, &status) == 0)
    entry->n_bytes = status.st_size;
}

typedef struct {
  char *room, *search, *before;
  guint limit;
} List;

static void
list_free (gpointer data)
{
  List *list = data;
  g_free (list->room);
  g_free (list->search);
  g_free (list->before);
  g_free (list);
}

static void
do_list (MxrLibrary *self, gpointer data)
{
  const List *list = g_task_get_task_data (data);
  const MxrLibraryQuery query = { list->room, list->search, list->before, list->limit };
  GError *error = NULL;
  MxrLibraryPage *page = mxr_library_need_store (self, &error) != NULL ? mxr_store_list (self->store, &query, &error) : NULL;

  if (page == NULL) {
    g_task_return_error (data, error);
    return;
  }
  for (guint i = 0; i < page->entries->len; i++)
    measure (self, g_ptr_array_index (page->entries, i));
  g_task_return_pointer (data, page, (GDestroyNotify) mxr_library_page_free);
}

void
mxr_library_list_async (MxrLibrary *self, const MxrLibraryQuery *query, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  List *list = g_new0 (List, 1);

  list->room = g_strdup (query->room);
  list->search = g_strdup (query->search);
  list->before = g_strdup (query->before);
  list->limit = query->limit;
  g_task_set_task_data (task, list, list_free);
  post_task (self, task, do_list);
}

MxrLibraryPage *
mxr_library_list_finish (MxrLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- One of them -------------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *title;
  bool is_poster;
} One;

static void
one_free (gpointer data)
{
  One *one = data;
  g_free (one->id);
  g_free (one->title);
  g_free (one);
}

static void
ask (MxrLibrary *self, const char *id, const char *title, bool is_poster, MxrLibraryFunc func,
     GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  One *one = g_new0 (One, 1);

  *one = (One){ g_strdup (id), g_strdup (title), is_poster };
  g_task_set_task_data (task, one, one_free);
  post_task (self, task, func);
}

/* Returns: (transfer full) (nullable): NULL when @task has been answered. */
static MxrLibraryEntry *
find (MxrLibrary *self, GTask *task, bool *out_is_seen)
{
  const One *one = g_task_get_task_data (task);
  GError *error = NULL;
  MxrLibraryEntry *entry =
    mxr_library_need_store (self, &error) != NULL ? mxr_store_get (self->store, one->id, out_is_seen, &error) : NULL;

  if (entry == NULL)
    g_task_return_error (task, error);
  else
    measure (self, entry);
  return entry;
}

static void
return_entry (GTask *task, MxrLibraryEntry *entry)
{
  g_task_return_pointer (task, entry, (GDestroyNotify) mxr_library_entry_free);
}

/* Whether nothing records it; @task is answered when not. */
static bool
is_at_rest (MxrLibrary *self, GTask *task, const MxrLibraryEntry *entry)
{
  if (!g_hash_table_contains (self->live, entry->file))
    return true;
  g_task_return_new_error (task, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_BUSY,
                           "It is being recorded; stop its output first.");
  return false;
}

static void
do_get (MxrLibrary *self, gpointer data)
{
  g_autoptr (MxrLibraryEntry) entry = find (self, data, NULL);
  if (entry != NULL)
    return_entry (data, g_steal_pointer (&entry));
}

static void
do_set_title (MxrLibrary *self, gpointer data)
{
  const One *one = g_task_get_task_data (data);
  bool is_seen = false;
  g_autoptr (MxrLibraryEntry) entry = find (self, data, &is_seen);
  GError *error = NULL;

  if (entry == NULL)
    return;
  g_autofree char *path = mxr_library_get_path (self, entry->file);
  g_free (entry->title);
  entry->title = g_strdup (one->title);
  if (!mxr_store_put (self->store, entry, is_seen, &error) || !mxr_sidecar_write (path, entry, &error))
    g_task_return_error (data, error);
  else
    return_entry (data, g_steal_pointer (&entry));
}

static void
do_remove (MxrLibrary *self, gpointer data)
{
  g_autoptr (MxrLibraryEntry) entry = find (self, data, NULL);
  GError *error = NULL;

  if (entry == NULL || !is_at_rest (self, data, entry))
    return;
  if (!mxr_library_delete_file (self, entry, &error) || !mxr_store_remove (self->store, entry->id, &error))
    g_task_return_error (data, error);
  else
    return_entry (data, g_steal_pointer (&entry));
}

/* Opened, as it is for who downloads it: what has become a link leads out of the directory. */
static void
do_find_path (MxrLibrary *self, gpointer data)
{
  g_autoptr (MxrLibraryEntry) entry = find (self, data, NULL);

  if (entry == NULL || !is_at_rest (self, data, entry))
    return;
  int fd = mxr_library_open_file (self, entry->file);
  if (fd < 0) {
    g_task_return_new_error (data, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND, "Its file is not there any more.");
    return;
  }
  close (fd);
  g_task_return_pointer (data, mxr_library_get_path (self, entry->file), g_free);
}

/* A file that has gone is listed no more. */
static void
do_open (MxrLibrary *self, gpointer data)
{
  const One *one = g_task_get_task_data (data);
  g_autoptr (MxrLibraryEntry) entry = find (self, data, NULL);
  struct stat status;

  if (entry == NULL)
    return;
  g_autofree char *poster = g_strdup_printf (".posters/%s.jpg", entry->id);
  int fd = mxr_library_open_file (self, one->is_poster ? poster : entry->file), code = errno;
  if (fd < 0 && !one->is_poster && code == ENOENT && !g_hash_table_contains (self->live, entry->file))
    mxr_store_remove (self->store, entry->id, NULL);
  if (fd < 0 || fstat (fd, &status) != 0 || !S_ISREG (status.st_mode)) {
    if (fd >= 0)
      close (fd);
    g_task_return_new_error (data, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_FOUND,
                             one->is_poster ? "There is no poster (yet)." : "Its file is not there any more.");
    return;
  }
  MxrLibraryFile *file = g_new0 (MxrLibraryFile, 1);
  file->entry = g_steal_pointer (&entry);
  file->fd = fd;
  file->n_bytes = status.st_size;
  file->etag = g_strdup_printf ("\"%lx-%lx-%lx.%lx\"", (gulong) status.st_ino, (gulong) status.st_size,
                                (gulong) status.st_mtim.tv_sec, (gulong) status.st_mtim.tv_nsec);
  g_task_return_pointer (data, file, (GDestroyNotify) mxr_library_file_free);
}

void
mxr_library_get_async (MxrLibrary *self, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  ask (self, id, NULL, false, do_get, callback, user_data);
}

MxrLibraryEntry *
mxr_library_get_finish (MxrLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mxr_library_set_title_async (MxrLibrary *self, const char *id, const char *title, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  ask (self, id, title, false, do_set_title, callback, user_data);
}

void
mxr_library_remove_async (MxrLibrary *self, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  ask (self, id, NULL, false, do_remove, callback, user_data);
}

void
mxr_library_open_async (MxrLibrary *self, const char *id, bool is_poster, GAsyncReadyCallback callback, gpointer user_data)
{
  ask (self, id, NULL, is_poster, do_open, callback, user_data);
}

MxrLibraryFile *
mxr_library_open_finish (MxrLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mxr_library_find_path_async (MxrLibrary *self, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  ask (self, id, NULL, false, do_find_path, callback, user_data);
}

char *
mxr_library_find_path_finish (MxrLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
