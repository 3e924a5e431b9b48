/* What is where in a recording of separate tracks, for whoever lays them out again. */

#include "tracks.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

void
mxr_track_entry_free (gpointer data)
{
  MxrTrackEntry *entry = data;
  g_free (entry->name);
  g_free (entry->participant);
  g_free (entry->participant_name);
  g_free (entry);
}

static void
add_string (JsonBuilder *builder, const char *key, const char *value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_string_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const char *key, gint64 value)
{
  json_builder_set_member_name (builder, key);
  json_builder_add_int_value (builder, value);
}

static void
add_entry (JsonBuilder *builder, const MxrTrackEntry *entry)
{
  json_builder_begin_object (builder);
  add_string (builder, "file", entry->name);
  add_string (builder, "participant", entry->participant);
  add_string (builder, "name", entry->participant_name);
  add_string (builder, "kind", entry->is_picture ? "picture" : "sound");
  add_string (builder, "codec", entry->codec);
  if (entry->is_picture) {
    add_int (builder, "width", entry->width_px);
    add_int (builder, "height", entry->height_px);
  }
  add_int (builder, "begin", (gint64) (entry->begin_ns / GST_MSECOND));
  add_string (builder, "state", entry->has_failed ? "failed" : entry->file != NULL ? "recording" : "complete");
  if (entry->file == NULL) {
    add_int (builder, "end", (gint64) (entry->end_ns / GST_MSECOND));
    add_int (builder, "bytes", (gint64) entry->n_bytes);
  }
  json_builder_end_object (builder);
}

char *
mxr_tracks_describe (const char *room, gint64 started_ms, guint64 duration_ms, const GPtrArray *entries)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_string (builder, "room", room);
  add_int (builder, "started", started_ms);
  add_int (builder, "duration", (gint64) duration_ms);
  json_builder_set_member_name (builder, "tracks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++)
    add_entry (builder, entries->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

/* ---- To the disk, by a worker ---------------------------------------------------------------------------------------- */

typedef struct {
  char *directory;
  char *index;
  bool is_first; /* the directory is to be made */
} Writing;

static void
writing_free (gpointer data)
{
  Writing *writing = data;
  g_free (writing->directory);
  g_free (writing->index);
  g_free (writing);
}

static void
write_in_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Writing *writing = data;
  g_autofree char *path = g_build_filename (writing->directory, "index.json", NULL);
  GError *error = NULL;

  if (writing->is_first && g_mkdir (writing->directory, 0755) != 0)
    g_task_return_new_error (task, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_FAILED, "no directory can be made for the tracks: %s",
                             g_strerror (errno));
  else if (!g_file_set_contents (path, writing->index, -1, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
mxr_tracks_write_async (const char *directory, bool is_first, char *index, GAsyncReadyCallback callback, gpointer user_data)
{
  Writing *writing = g_new (Writing, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  *writing = (Writing){ g_strdup (directory), index, is_first };
  g_task_set_task_data (task, writing, writing_free);
  g_task_run_in_thread (task, write_in_worker);
}
