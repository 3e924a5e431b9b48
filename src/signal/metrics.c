#include "server-private.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void
append_text (GString *text, const char *name, const char *type, const char *help, const char *value)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, type, name, value);
}

static void
append (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  char number[32];
  g_snprintf (number, sizeof number, "%" G_GUINT64_FORMAT, value);
  append_text (text, name, type, help, number);
}

/* To the millisecond: the kernel knows no better than its tick. */
static void
append_seconds (GString *text, const char *name, const char *type, const char *help, double value_s)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  append_text (text, name, type, help, g_ascii_formatd (number, sizeof number, "%.3f", value_s));
}

static double
get_cpu_s (void)
{
  struct rusage usage;
  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return 0;
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / G_USEC_PER_SEC;
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n_entries = 0;
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n_entries++;
  return n_entries;
}

/* Second number of /proc/self/statm [pages] (proc(5)). */
static guint64
get_resident_bytes (void)
{
  g_autofree char *text = NULL;
  unsigned long n_pages = 0;
  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) || sscanf (text, "%*u %lu", &n_pages) != 1)
    return 0;
  return (guint64) n_pages * (guint64) sysconf (_SC_PAGESIZE);
}

static void
append_process (MxrServer *server, GString *text)
{
  append_seconds (text, "process_cpu_seconds_total", "counter", "CPU time of the process.", get_cpu_s ());
  append (text, "process_resident_memory_bytes", "gauge", "Resident memory.", get_resident_bytes ());
  append (text, "process_open_fds", "gauge", "Open file descriptors.", count_entries ("/proc/self/fd"));
  append (text, "process_threads", "gauge", "Threads.", count_entries ("/proc/self/task"));
  mxr_thread_cpu_append (server->thread_cpu, text);
}

static void
append_responses (MxrServer *server, GString *text)
{
  g_string_append (text, "# HELP mixroom_http_requests_total Requests by status code of the answer.\n"
                         "# TYPE mixroom_http_requests_total counter\n");
  for (guint code = 100; code <= MXR_STATUS_MAX; code++)
    if (server->n_responses[code] > 0)
      g_string_append_printf (text, "mixroom_http_requests_total{code=\"%u\"} %" G_GUINT64_FORMAT "\n", code,
                              server->n_responses[code]);
}

char *
mxr_metrics_write (MxrServer *server)
{
  GString *text = g_string_new (NULL);
  MxrListenerCounts counts = mxr_listener_get_counts (server->listener);

  append_process (server, text);
  append (text, "mixroom_http_connections", "gauge", "Open connections, WebSockets included.",
          counts.n_connections);
  append (text, "mixroom_http_connections_total", "counter", "Connections accepted.", counts.n_accepted);
  append (text, "mixroom_http_connections_refused_total", "counter", "Connections over a limit.",
          counts.n_turned_away);
  append (text, "mixroom_http_out_of_files_total", "counter", "Times that no descriptor was left.",
          counts.n_out_of_files);
  append (text, "mixroom_websockets", "gauge", "Open WebSockets.", g_hash_table_size (server->sessions));
  append (text, "mixroom_whip_sessions", "gauge", "Sessions of WHIP and WHEP.",
          g_hash_table_size (server->resources));
  append_responses (server, text);
  mxr_webhooks_append_metrics (server->webhooks, text);
  mxr_hub_append_metrics (server->hub, text);
  return g_string_free (text, FALSE);
}
