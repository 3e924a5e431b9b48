#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "library-private.h"
#include "mixroom/limits.h"
#include "names.h"
#include "sidecar.h"

#define POSTERS ".posters"
#define UPLOADS ".uploads"
/* What a folder of tracks has beside them. */
#define INDEX "index.json"
#define NAME_MAX_BYTES 500

char *
mxr_library_get_path (MxrLibrary *library, const char *file)
{
  return g_build_filename (library->directory, file, NULL);
}

static char *
get_hidden_path (MxrLibrary *library, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (library->directory, folder, NULL);
  g_mkdir (path, 0750);
  return g_build_filename (path, name, NULL);
}

char *
mxr_library_get_poster_path (MxrLibrary *library, const char *id)
{
  g_autofree char *name = g_strconcat (id, ".jpg", NULL);
  return get_hidden_path (library, POSTERS, name);
}

char *
mxr_library_begin_upload (MxrLibrary *library)
{
  g_autofree char *random = mxr_random_text (12), *name = g_strconcat (library->run, random, NULL);
  return g_build_filename (library->directory, UPLOADS, name, NULL);
}

bool
mxr_library_is_plain (const char *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", 3);
  guint n_parts = g_strv_length (parts);

  for (guint i = 0; i < n_parts; i++)
    if (*parts[i] == '\0' || *parts[i] == '.')
      return false;
  for (const char *p = file; *p != '\0'; p++)
    if ((guchar) *p < ' ' || *p == 0x7f)
      return false;
  return (n_parts == 1 || n_parts == 2) && strlen (file) <= NAME_MAX_BYTES && g_utf8_validate (file, -1, NULL);
}

/* The kernel keeps the walk below the directory (openat2(2)). */
int
mxr_library_open_file (MxrLibrary *library, const char *file)
{
  const struct open_how how = {
    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  int root = open (library->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = root >= 0 ? (int) syscall (SYS_openat2, root, file, &how, sizeof how) : -1;

  if (root >= 0)
    close (root);
  return fd;
}

/* A folder that has nothing but its index left goes, too. */
static void
clear_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *index = g_build_filename (folder, INDEX, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (strcmp (name, INDEX) != 0)
      return;
  g_unlink (index);
  g_rmdir (folder);
}

bool
mxr_library_delete_file (MxrLibrary *library, const MxrLibraryEntry *entry, GError **error)
{
  g_autofree char *path = mxr_library_get_path (library, entry->file);
  g_autofree char *poster = mxr_library_get_poster_path (library, entry->id);

  if (g_unlink (path) != 0 && errno != ENOENT) {
    g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED, "%s cannot be deleted: %s", entry->file,
                 g_strerror (errno));
    return false;
  }
  mxr_sidecar_remove (path);
  g_unlink (poster);
  if (strchr (entry->file, '/') != NULL)
    clear_folder (path);
  return true;
}

/* ---- All files ----------------------------------------------------------------------------------------------------- */

static void
take_file (GHashTable *found, const char *file, const struct stat *status)
{
  guint64 *size = g_new (guint64, 1);

  *size = status->st_size;
  g_hash_table_insert (found, g_strdup (file), size);
}

/* @folder: (nullable): within the directory. Links are left alone. Returns: false when it cannot be read. */
static bool
walk_folder (MxrLibrary *library, const char *folder, GHashTable *found)
{
  g_autofree char *path = g_build_filename (library->directory, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL && g_hash_table_size (found) < MXR_LIBRARY_SCAN_MAX) {
    g_autofree char *file = folder != NULL ? g_build_filename (folder, name, NULL) : g_strdup (name);
    g_autofree char *own = mxr_library_get_path (library, file);
    struct stat status;

    if (g_cancellable_is_cancelled (library->closing))
      return false;
    if (!mxr_library_is_plain (file) || lstat (own, &status) != 0)
      continue;
    if (S_ISDIR (status.st_mode) && folder == NULL)
      walk_folder (library, name, found);
    else if (S_ISREG (status.st_mode) && status.st_size > 0 && mxr_library_guess_type (file) != NULL)
      take_file (found, file, &status);
  }
  return dir != NULL;
}

GHashTable *
mxr_library_walk (MxrLibrary *library)
{
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return walk_folder (library, NULL, found) ? g_steal_pointer (&found) : NULL;
}

void
mxr_library_prepare_uploads (MxrLibrary *library)
{
  g_autofree char *path = g_build_filename (library->directory, UPLOADS, NULL);

  g_mkdir (path, 0750);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *own = g_build_filename (path, name, NULL);
    if (!g_str_has_prefix (name, library->run))
      g_unlink (own);
  }
}
