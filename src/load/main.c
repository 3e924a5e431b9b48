/* mixroom-load: options, media, the run, the report. */

#include <errno.h>
#include <fcntl.h>
#include <gst/gst.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain.h"
#include "run.h"

#define EXIT_USAGE 2

static int
fail (const MxrLoadOptions *options, const GError *error)
{
  g_autofree char *text = mxr_explain (options, error);
  fprintf (stderr, "mixroom-load: %s\n", text);
  return EXIT_FAILURE;
}

/* In one write, so that several programs at a time do not mix their lines. */
static bool
append (const char *path, const char *line, GError **error)
{
  const gssize size = (gssize) strlen (line);
  const int file = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  const gssize n_written = file >= 0 ? write (file, line, (gsize) size) : -1;
  const int cause = n_written < 0 ? errno : ENOSPC;

  if (file >= 0)
    close (file);
  if (n_written == size)
    return true;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (cause), "%s: %s", path, g_strerror (cause));
  return false;
}

static int
tell (const MxrLoadOptions *options, MxrReport *report)
{
  g_autoptr (GArray) checks = mxr_report_judge (report);
  g_autoptr (GError) error = NULL;

  if (!options->quiet) {
    g_autofree char *text = mxr_report_describe (report, checks);
    fputs (text, stdout);
  }
  if (options->json_file != NULL) {
    g_autofree char *json = mxr_report_to_json (report, checks);
    g_autofree char *line = g_strconcat (json, "\n", NULL);
    if (!append (options->json_file, line, &error))
      return fail (options, error);
  }
  return mxr_checks_passed (checks) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
run (const MxrLoadOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_auto (MxrReport) report = { 0 };
  MxrUsage usage;

  if (options->server_pid > 0 && !mxr_usage_read (options->server_pid, &usage)) {
    fprintf (stderr, "mixroom-load: --server-pid: there is no process %d that can be looked at\n", options->server_pid);
    return EXIT_FAILURE;
  }
  if (options->json_file != NULL && !append (options->json_file, "", &error)) /* told now and not after an hour */
    return fail (options, error);
  g_autoptr (MxrCast) cast = mxr_cast_new (options, &error);
  if (cast == NULL)
    return fail (options, error);
  if (mxr_run (options, cast, &report, &error))
    return tell (options, &report);
  return fail (options, error);
}

int
main (int argc, char **argv)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (!mxr_load_options_parse (&options, argv, &error)) {
    fprintf (stderr, "mixroom-load: %s; --help lists the options\n", error->message);
    return EXIT_USAGE;
  }
  if (options.version) {
    puts ("mixroom-load " MXR_VERSION);
    return EXIT_SUCCESS;
  }
  mxr_log_init ("warning", false);
  gst_init (NULL, NULL);
  return run (&options);
}
