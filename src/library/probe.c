#include <string.h>

#include "library-private.h"

void
mxr_probe_facts_clear (MxrProbeFacts *facts)
{
  g_free (facts->type);
  g_free (facts->ending);
}

/* Tests of other modules are built elsewhere. Where there is none, starting it says so. */
static char *
find_program (void)
{
  const char *const others[] = { MXR_INSTALLED_PROBE, MXR_BUILT_PROBE, NULL };
  char *found = mxr_program_find ("mixroom-probe", "library", others);
  return found != NULL ? found : g_strdup (MXR_INSTALLED_PROBE);
}

static bool
read_answer (const char *text, const char *poster, MxrProbeFacts *facts)
{
  g_autoptr (GKeyFile) keys = g_key_file_new ();

  if (!g_key_file_load_from_data (keys, text, strlen (text), G_KEY_FILE_NONE, NULL))
    return false;
  facts->type = g_key_file_get_string (keys, "file", "type", NULL);
  facts->ending = g_key_file_get_string (keys, "file", "ending", NULL);
  facts->duration_ms = g_key_file_get_uint64 (keys, "file", "duration", NULL);
  facts->width_px = g_key_file_get_uint64 (keys, "file", "width", NULL);
  facts->height_px = g_key_file_get_uint64 (keys, "file", "height", NULL);
  facts->has_poster = facts->width_px > 0 && g_file_test (poster, G_FILE_TEST_IS_REGULAR);
  return facts->type != NULL && facts->ending != NULL;
}

/* What it is killed by is the file's fault, too. */
static bool
fail (GError **error, const char *path, const char *said)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *line = g_strndup (said != NULL ? said : "", 200);

  g_strdelimit (g_strchomp (line), "\r\n", ' ');
  if (g_str_has_suffix (line, "."))
    line[strlen (line) - 1] = '\0';
  mxr_debug ("library", "%s: %s", name, line);
  g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_NOT_MEDIA, "It cannot be played: %s.",
               *line != '\0' ? line : "whoever tries to read it breaks down");
  return false;
}

bool
mxr_probe (const char *path, bool is_whole, const char *poster, GCancellable *cancellable, MxrProbeFacts *out_facts,
           GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_auto (MxrProbeFacts) facts = { 0 };
  g_autofree char *answer = NULL, *said = NULL, *program = find_program ();
  g_autoptr (GSubprocess) process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &cause, program, path,
                      is_whole ? "whole" : "head", poster, NULL);

  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, cancellable, &answer, &said, &cause)) {
    if (process != NULL)
      g_subprocess_force_exit (process);
    g_set_error (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED, "files cannot be looked into: %s", cause->message);
    return false;
  }
  if (!g_subprocess_get_successful (process) || !read_answer (answer, poster, &facts))
    return fail (error, path, said);
  *out_facts = facts;
  facts = (MxrProbeFacts){ 0 };
  return true;
}
