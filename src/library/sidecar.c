#include "sidecar.h"

#include <glib/gstdio.h>

#define GROUP "recording"
#define FILE_MAX_BYTES (256 * 1024)

static char *
make_path (const char *path)
{
  return g_strconcat (path, MXR_SIDECAR_ENDING, NULL);
}

bool
mxr_sidecar_write (const char *path, const MxrLibraryEntry *entry, GError **error)
{
  g_autoptr (GKeyFile) keys = g_key_file_new ();
  g_autofree char *own = make_path (path);

  g_key_file_set_string (keys, GROUP, "title", entry->title);
  g_key_file_set_string (keys, GROUP, "room", entry->room);
  g_key_file_set_string_list (keys, GROUP, "participants", (const char *const *) entry->participants,
                              g_strv_length (entry->participants));
  g_key_file_set_int64 (keys, GROUP, "started", entry->started_ms);
  g_key_file_set_string (keys, GROUP, "state", mxr_library_state_to_string (entry->state));
  return g_key_file_save_to_file (keys, own, error);
}

static void
take_string (GKeyFile *keys, const char *name, char **member)
{
  char *value = g_key_file_get_string (keys, GROUP, name, NULL);
  if (value == NULL)
    return;
  g_free (*member);
  *member = value;
}

void
mxr_sidecar_read (const char *path, MxrLibraryEntry *entry)
{
  g_autoptr (GKeyFile) keys = g_key_file_new ();
  g_autofree char *own = make_path (path);
  GStatBuf status;

  if (g_lstat (own, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size > FILE_MAX_BYTES ||
      !g_key_file_load_from_file (keys, own, G_KEY_FILE_NONE, NULL))
    return;
  take_string (keys, "title", &entry->title);
  take_string (keys, "room", &entry->room);
  char **participants = g_key_file_get_string_list (keys, GROUP, "participants", NULL, NULL);
  if (participants != NULL) {
    g_strfreev (entry->participants);
    entry->participants = participants;
  }
  gint64 started_ms = g_key_file_get_int64 (keys, GROUP, "started", NULL);
  if (started_ms > 0)
    entry->started_ms = started_ms;
  g_autofree char *state = g_key_file_get_string (keys, GROUP, "state", NULL);
  if (g_strcmp0 (state, mxr_library_state_to_string (MXR_LIBRARY_FAILED)) == 0)
    entry->state = MXR_LIBRARY_FAILED;
}

void
mxr_sidecar_remove (const char *path)
{
  g_autofree char *own = make_path (path);
  g_unlink (own);
}
