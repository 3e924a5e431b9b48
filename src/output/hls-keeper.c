/* Folders of HLS outputs that have ended are deleted after a while, also those that a former server left. By a worker, one
 * at a time. */

#include "output-private.h"

#include <glib/gstdio.h>
#include <string.h>

/* Of one round. What is left is the next one's. */
#define FOLDERS_MAX 64
#define ROUND_MAX_S 60

struct _MxrHlsKeeper {
  gint refs; /* control thread: its owner, and a round */
  char *directory;
  guint keep_s;
  GStrv (*list_live) (gpointer user_data);
  gpointer user_data;
  guint timer;
  bool is_busy;
};

typedef struct {
  char *directory;
  guint keep_s;
  GStrv live;
} Round;

static void
round_free (gpointer data)
{
  Round *round = data;
  g_free (round->directory);
  g_strfreev (round->live);
  g_free (round);
}

/* ---- In the worker -------------------------------------------------------------------------------------------------- */

/* It is as old as its playlist, which a live one writes anew every 2 s unless it is paused. Returns: 0: it is no output's */
static gint64
get_written_s (const char *folder)
{
  static const char *const names[] = { "index.m3u8", "init.mp4" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (folder, names[i], NULL);
    GStatBuf file;
    if (g_lstat (path, &file) == 0 && S_ISREG (file.st_mode))
      return file.st_mtime;
  }
  return 0;
}

/* Only what an output writes; what somebody else has put there stays, and with it the folder. */
static void
delete_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_str_has_suffix (name, ".m4s") || g_str_has_suffix (name, ".next") || strcmp (name, "init.mp4") == 0 ||
        strcmp (name, "index.m3u8") == 0)
      g_unlink (path);
  }
  g_rmdir (folder);
}

static void
sweep (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Round *round = data;
  g_autoptr (GDir) dir = g_dir_open (round->directory, 0, NULL);
  gint64 oldest_s = g_get_real_time () / G_USEC_PER_SEC - round->keep_s;
  const char *name;
  guint n = 0;

  while (dir != NULL && n < FOLDERS_MAX && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *folder = g_build_filename (round->directory, name, NULL);
    gint64 written_s = get_written_s (folder);
    if (written_s == 0 || written_s > oldest_s || g_strv_contains ((const char *const *) round->live, name))
      continue;
    delete_folder (folder);
    n++;
  }
  g_task_return_boolean (task, TRUE);
}

/* ---- Control -------------------------------------------------------------------------------------------------------- */

static void
keeper_unref (MxrHlsKeeper *keeper)
{
  if (--keeper->refs > 0)
    return;
  g_free (keeper->directory);
  g_free (keeper);
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrHlsKeeper *keeper = user_data;

  keeper->is_busy = false;
  keeper_unref (keeper);
}

static gboolean
on_round (gpointer user_data)
{
  MxrHlsKeeper *keeper = user_data;

  if (keeper->is_busy)
    return G_SOURCE_CONTINUE;
  Round *round = g_new (Round, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_swept, keeper);
  *round = (Round){ g_strdup (keeper->directory), keeper->keep_s, keeper->list_live (keeper->user_data) };
  g_task_set_task_data (task, round, round_free);
  keeper->is_busy = true;
  keeper->refs++;
  g_task_run_in_thread (task, sweep);
  return G_SOURCE_CONTINUE;
}

MxrHlsKeeper *
mxr_hls_keeper_new (const char *directory, guint keep_s, GStrv (*list_live) (gpointer user_data), gpointer user_data)
{
  MxrHlsKeeper *keeper = g_new0 (MxrHlsKeeper, 1);

  keeper->refs = 1;
  keeper->directory = g_strdup (directory);
  keeper->keep_s = keep_s;
  keeper->list_live = list_live;
  keeper->user_data = user_data;
  keeper->timer = g_timeout_add_seconds (CLAMP (keep_s / 2, 1, ROUND_MAX_S), on_round, keeper);
  on_round (keeper);
  return keeper;
}

void
mxr_hls_keeper_free (MxrHlsKeeper *keeper)
{
  g_source_remove (keeper->timer);
  keeper_unref (keeper);
}
