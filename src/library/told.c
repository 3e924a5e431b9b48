/* Files of outputs, as they begin and end. */

#include <string.h>
#include <sys/stat.h>

#include "library-private.h"
#include "names.h"
#include "sidecar.h"

typedef struct {
  MxrLibraryEntry *entry;
  bool is_over;
} Told;

static void
told_free (gpointer data)
{
  Told *told = data;
  mxr_library_entry_free (told->entry);
  g_free (told);
}

/* Tracks have a directory to themselves. They are many of one room, so each is called after whose it is, too. */
static char *
make_title (const MxrLibraryRecording *recording)
{
  bool is_track = strchr (recording->file, '/') != NULL && recording->participants != NULL;
  const char *name = is_track ? recording->participants[0] : NULL;

  return name != NULL && *name != '\0' ? g_strdup_printf ("%s – %s", recording->room, name) : g_strdup (recording->room);
}

static void
take_former (MxrLibraryEntry *entry, MxrLibraryEntry *former)
{
  if (former == NULL)
    return;
  g_free (entry->title);
  entry->title = g_steal_pointer (&former->title);
  entry->has_poster = former->has_poster;
  if (g_strv_length (entry->participants) > 0)
    return;
  g_strfreev (entry->participants);
  entry->participants = g_steal_pointer (&former->participants);
}

/* A file that has never come to anything is none. */
static bool
is_nothing (const char *path)
{
  struct stat status;
  return stat (path, &status) != 0 || status.st_size == 0;
}

static void
list_told (MxrLibrary *self, gpointer data)
{
  const Told *told = data;
  MxrLibraryEntry *entry = told->entry;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = mxr_library_get_path (self, entry->file);

  if (told->is_over)
    g_hash_table_remove (self->live, entry->file);
  else
    g_hash_table_add (self->live, g_strdup (entry->file));
  if (mxr_library_need_store (self, &error) == NULL) {
    mxr_log (MXR_LOG_WARNING, "library", entry->room, NULL, "%s is not listed: %s", entry->file, error->message);
    return;
  }
  if (told->is_over && is_nothing (path)) {
    mxr_store_remove (self->store, entry->id, NULL);
    mxr_sidecar_remove (path);
    return;
  }
  g_autoptr (MxrLibraryEntry) former = mxr_store_get (self->store, entry->id, NULL, NULL);
  take_former (entry, former);
  if (!mxr_store_put (self->store, entry, false, &error) || !mxr_sidecar_write (path, entry, &error))
    mxr_log (MXR_LOG_WARNING, "library", entry->room, NULL, "%s: %s", entry->file, error->message);
  if (told->is_over)
    mxr_library_look (self, entry->file, entry->state == MXR_LIBRARY_FAILED);
}

void
mxr_library_on_recording (MxrLibrary *self, const MxrLibraryRecording *recording)
{
  MxrLibraryState ended = recording->has_failed ? MXR_LIBRARY_FAILED : MXR_LIBRARY_FINISHED;
  const char *type = mxr_library_guess_type (recording->file);

  if (!mxr_library_is_plain (recording->file))
    return;
  Told *told = g_new0 (Told, 1);
  MxrLibraryEntry *entry = told->entry = g_new0 (MxrLibraryEntry, 1);
  told->is_over = recording->is_over;
  entry->id = mxr_library_make_id (recording->file);
  entry->file = g_strdup (recording->file);
  entry->title = make_title (recording);
  entry->room = g_strdup (recording->room);
  entry->participants =
    recording->participants != NULL ? g_strdupv ((char **) recording->participants) : g_new0 (char *, 1);
  entry->type = g_strdup (type != NULL ? type : "application/octet-stream");
  entry->started_ms = recording->started_ms;
  entry->duration_ms = recording->duration_ms;
  entry->n_bytes = recording->n_bytes;
  entry->state = recording->is_over ? ended : MXR_LIBRARY_RECORDING;
  mxr_library_post (self, self->records, MXR_JOB_FIRST, list_told, told, told_free);
}
