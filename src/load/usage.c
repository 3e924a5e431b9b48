#include "usage.h"

#include <string.h>
#include <unistd.h>

static bool
read_field (const char *status, const char *name, guint64 *out_value)
{
  const char *line = strstr (status, name);
  if (line == NULL)
    return false;
  *out_value = g_ascii_strtoull (line + strlen (name), NULL, 10);
  return true;
}

/* proc(5): the second field is the program's name in brackets, which may hold anything; utime and stime are the 14th
 * and 15th. */
static bool
read_ticks (const char *stat, guint64 *out_ticks)
{
  const char *behind_name = strrchr (stat, ')');
  if (behind_name == NULL)
    return false;
  g_auto (GStrv) fields = g_strsplit (behind_name + 1, " ", 16);
  if (g_strv_length (fields) < 15)
    return false;
  *out_ticks = g_ascii_strtoull (fields[12], NULL, 10) + g_ascii_strtoull (fields[13], NULL, 10);
  return true;
}

bool
mxr_usage_parse (const char *stat, const char *status, double ticks_per_s, MxrUsage *out_usage)
{
  guint64 ticks, resident_kib, n_threads;

  if (!read_ticks (stat, &ticks) || !read_field (status, "\nVmRSS:", &resident_kib) ||
      !read_field (status, "\nThreads:", &n_threads))
    return false;
  *out_usage = (MxrUsage){
    .cpu_s = (double) ticks / ticks_per_s, .resident_kib = resident_kib, .n_threads = (guint) n_threads
  };
  return true;
}

bool
mxr_usage_read (int pid, MxrUsage *out_usage)
{
  const int which = pid == 0 ? getpid () : pid;
  g_autofree char *stat_path = g_strdup_printf ("/proc/%d/stat", which);
  g_autofree char *status_path = g_strdup_printf ("/proc/%d/status", which);
  g_autofree char *stat = NULL, *status = NULL;

  *out_usage = (MxrUsage){ 0 };
  if (!g_file_get_contents (stat_path, &stat, NULL, NULL) || !g_file_get_contents (status_path, &status, NULL, NULL) ||
      !mxr_usage_parse (stat, status, (double) sysconf (_SC_CLK_TCK), out_usage))
    return false;
  out_usage->at_us = g_get_monotonic_time ();
  return true;
}

double
mxr_usage_get_cores (const MxrUsage *begin, const MxrUsage *end)
{
  if (begin->at_us == 0 || end->at_us <= begin->at_us)
    return 0;
  return (end->cpu_s - begin->cpu_s) * G_USEC_PER_SEC / (double) (end->at_us - begin->at_us);
}
