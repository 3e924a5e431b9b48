/* What a file holds, asked of a process of its own, and then listed. */

#include <glib/gstdio.h>

#include "library-private.h"
#include "names.h"
#include "sidecar.h"

typedef struct {
  char *file;
  bool is_whole;
  bool is_media;
  bool is_known; /* whether it is media */
  MxrProbeFacts facts;
  MxrLibraryEntry *told; /* by its name and what is beside it */
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->file);
  mxr_probe_facts_clear (&look->facts);
  g_clear_pointer (&look->told, mxr_library_entry_free);
  g_free (look);
}

/* For a file that is not listed. */
static MxrLibraryEntry *
make_entry (MxrLibrary *library, const char *file)
{
  g_autofree char *path = mxr_library_get_path (library, file);
  MxrLibraryEntry *entry = g_new0 (MxrLibraryEntry, 1);
  GStatBuf status = { 0 };

  g_stat (path, &status);
  entry->id = mxr_library_make_id (file);
  entry->file = g_strdup (file);
  entry->participants = g_new0 (char *, 1);
  entry->type = g_strdup (mxr_library_guess_type (file));
  entry->n_bytes = status.st_size;
  entry->state = MXR_LIBRARY_FINISHED;
  if (!mxr_library_read_name (file, &entry->room, &entry->started_ms))
    entry->started_ms = (gint64) status.st_mtime * 1000;
  entry->title = *entry->room != '\0' ? g_strdup (entry->room) : g_path_get_basename (file);
  mxr_sidecar_read (path, entry);
  return entry;
}

static void
apply (const Look *look, MxrLibraryEntry *entry)
{
  if (!look->is_media) {
    entry->state = MXR_LIBRARY_FAILED;
    return;
  }
  g_free (entry->type);
  entry->type = g_strdup (look->facts.type);
  entry->duration_ms = look->facts.duration_ms;
  entry->width_px = look->facts.width_px;
  entry->height_px = look->facts.height_px;
  entry->has_poster = look->facts.has_poster;
  if (entry->state == MXR_LIBRARY_RECORDING)
    entry->state = MXR_LIBRARY_FINISHED;
}

/* It may have been deleted or begun anew meanwhile. */
static void
list_looked (MxrLibrary *library, const Look *look)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = mxr_library_make_id (look->file);
  g_autofree char *path = mxr_library_get_path (library, look->file);
  GStatBuf status;

  if (library->store == NULL || g_hash_table_contains (library->live, look->file) || g_stat (path, &status) != 0)
    return;
  g_autoptr (MxrLibraryEntry) entry = mxr_store_get (library->store, id, NULL, NULL);
  if (entry == NULL && !look->is_media)
    return;
  if (entry == NULL)
    entry = mxr_library_entry_copy (look->told);
  entry->n_bytes = status.st_size;
  apply (look, entry);
  if (!mxr_store_put (library->store, entry, true, &error) || !mxr_sidecar_write (path, entry, &error))
    mxr_warning ("library", "%s: %s", look->file, error->message);
}

/* In records. */
static void
end_look (MxrLibrary *library, gpointer data)
{
  const Look *look = data;

  library->n_looking--;
  if (look->is_known)
    list_looked (library, look);
  mxr_library_keep (library);
}

/* In looker. */
static void
look_into (MxrLibrary *library, gpointer data)
{
  Look *look = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = mxr_library_get_path (library, look->file), *id = mxr_library_make_id (look->file);
  g_autofree char *poster = mxr_library_get_poster_path (library, id);
  Look *result = g_new0 (Look, 1);

  result->file = g_strdup (look->file);
  result->told = make_entry (library, look->file);
  bool is_cut = look->is_whole || result->told->state == MXR_LIBRARY_RECORDING;
  result->is_media = mxr_probe (path, is_cut, poster, library->closing, &result->facts, &error);
  if (!result->is_media && !g_cancellable_is_cancelled (library->closing))
    mxr_warning ("library", "%s: %s", look->file, error->message);
  result->is_known = result->is_media || error->code == MXR_LIBRARY_ERROR_NOT_MEDIA;
  mxr_library_post (library, library->records, MXR_JOB_FIRST, end_look, result, look_free);
}

void
mxr_library_look (MxrLibrary *library, const char *file, bool is_whole)
{
  Look *look = g_new0 (Look, 1);

  look->file = g_strdup (file);
  look->is_whole = is_whole;
  library->n_looking++;
  mxr_library_post (library, library->looker, MXR_JOB_LATER, look_into, look, look_free);
}

/* ---- Uploads -------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *path, *title, *room;
  MxrProbeFacts facts;
  char *poster;
} Upload;

static void
upload_free (gpointer data)
{
  Upload *upload = data;

  g_unlink (upload->path); /* neither is there any more when all went well */
  g_unlink (upload->poster);
  g_free (upload->path);
  g_free (upload->poster);
  g_free (upload->title);
  g_free (upload->room);
  mxr_probe_facts_clear (&upload->facts);
  g_free (upload);
}

/* Its file goes first: the caller may look. */
static void
refuse (GTask *task, GError *error)
{
  const Upload *upload = g_task_get_task_data (task);

  g_unlink (upload->path);
  g_task_return_error (task, error);
}

static bool
move_in (MxrLibrary *library, const Upload *upload, MxrLibraryEntry *entry, GError **error)
{
  g_autofree char *path = mxr_library_get_path (library, entry->file);
  g_autofree char *poster = mxr_library_get_poster_path (library, entry->id);
  GStatBuf status;

  if (g_rename (upload->path, path) != 0 || g_stat (path, &status) != 0) {
    g_set_error_literal (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED, "the upload cannot be moved to its place");
    return false;
  }
  entry->n_bytes = status.st_size;
  entry->has_poster = upload->facts.has_poster && g_rename (upload->poster, poster) == 0;
  return mxr_sidecar_write (path, entry, error) && mxr_store_put (library->store, entry, true, error);
}

/* In records. */
static void
list_upload (MxrLibrary *library, gpointer data)
{
  GTask *task = data;
  const Upload *upload = g_task_get_task_data (task);
  g_autoptr (MxrLibraryEntry) entry = g_new0 (MxrLibraryEntry, 1);
  GError *error = NULL;

  entry->started_ms = g_get_real_time () / 1000;
  entry->file = mxr_library_make_name (upload->room, entry->started_ms, upload->facts.ending);
  entry->id = mxr_library_make_id (entry->file);
  entry->title = g_strdup (upload->title != NULL ? upload->title : entry->file);
  entry->room = g_strdup (upload->room);
  entry->participants = g_new0 (char *, 1);
  entry->type = g_strdup (upload->facts.type);
  entry->duration_ms = upload->facts.duration_ms;
  entry->width_px = upload->facts.width_px;
  entry->height_px = upload->facts.height_px;
  entry->state = MXR_LIBRARY_FINISHED;
  if (mxr_library_need_store (library, &error) == NULL || !move_in (library, upload, entry, &error)) {
    refuse (task, error);
    return;
  }
  g_task_return_pointer (task, g_steal_pointer (&entry), (GDestroyNotify) mxr_library_entry_free);
  mxr_library_keep (library);
}

/* In looker. */
static void
look_into_upload (MxrLibrary *library, gpointer data)
{
  GTask *task = data;
  Upload *upload = g_task_get_task_data (task);
  GError *error = NULL;

  if (mxr_probe (upload->path, false, upload->poster, library->closing, &upload->facts, &error))
    mxr_library_post (library, library->records, MXR_JOB_FIRST, list_upload, g_object_ref (task), g_object_unref);
  else
    refuse (task, error);
}

void
mxr_library_add_async (MxrLibrary *library, const char *path, const char *title, const char *room,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Upload *upload = g_new0 (Upload, 1);

  upload->path = g_strdup (path);
  upload->poster = g_strconcat (path, ".jpg", NULL);
  upload->title = g_strdup (title);
  upload->room = g_strdup (room != NULL ? room : "");
  g_task_set_task_data (task, upload, upload_free);
  mxr_library_post (library, library->looker, MXR_JOB_FIRST, look_into_upload, task, g_object_unref);
}
