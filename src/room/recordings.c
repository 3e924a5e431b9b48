/* Files that outputs write: who was in the room meanwhile, and who watches all rooms is told. */

#include "room-private.h"

#include <string.h>

typedef struct {
  char *file;
  GPtrArray *names; /* each once */
} OpenFile;

static void
open_file_free (gpointer data)
{
  OpenFile *open = data;
  g_free (open->file);
  g_ptr_array_unref (open->names);
  g_free (open);
}

static void
note_name (OpenFile *open, const MxrParticipant *participant)
{
  if (participant->role != MXR_ROLE_VIEWER && !g_ptr_array_find_with_equal_func (open->names, participant->name, g_str_equal, NULL))
    g_ptr_array_add (open->names, g_strdup (participant->name));
}

void
mxr_recordings_note (MxrRoom *room, const MxrParticipant *participant)
{
  for (guint i = 0; room->recordings != NULL && i < room->recordings->len; i++)
    note_name (room->recordings->pdata[i], participant);
}

static OpenFile *
find (MxrRoom *room, const char *file)
{
  for (guint i = 0; i < room->recordings->len; i++) {
    OpenFile *open = room->recordings->pdata[i];
    if (strcmp (open->file, file) == 0)
      return open;
  }
  OpenFile *open = g_new (OpenFile, 1);
  *open = (OpenFile){ g_strdup (file), g_ptr_array_new_with_free_func (g_free) };
  g_ptr_array_add (room->recordings, open);
  for (guint i = 0; i < room->participants->len; i++)
    note_name (open, room->participants->pdata[i]);
  return open;
}

/* Returns: (transfer container): who is in it, NULL behind the last. */
static GPtrArray *
list_names (const OpenFile *open, const MxrOutputFile *file)
{
  GPtrArray *names = file->participant == NULL ? g_ptr_array_copy (open->names, NULL, NULL) : g_ptr_array_new ();

  g_ptr_array_set_free_func (names, NULL);
  if (file->participant != NULL)
    g_ptr_array_add (names, (gpointer) file->participant);
  g_ptr_array_add (names, NULL);
  return names;
}

void
mxr_recordings_on_file (MxrRoom *room, const char *output, const char *type, const MxrOutputFile *file)
{
  if (room->recordings == NULL)
    room->recordings = g_ptr_array_new_with_free_func (open_file_free);

  OpenFile *open = find (room, file->file);
  g_autoptr (GPtrArray) names = list_names (open, file);
  const MxrRecording recording = {
    .output = output,
    .type = type,
    .file = file->file,
    .participants = (const char *const *) names->pdata,
    .started_ms = file->started_ms,
    .duration_ms = file->duration_ms,
    .n_bytes = file->n_bytes,
    .is_over = file->is_over,
    .has_failed = file->has_failed,
  };
  mxr_hub_tell_recording (room, &recording);
  if (file->is_over)
    g_ptr_array_remove (room->recordings, open);
}
