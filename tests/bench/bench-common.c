#include "bench-common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

gint64
bench_now_us (void)
{
  return g_get_monotonic_time ();
}

void
bench_sleep_until_us (gint64 when_us)
{
  struct timespec when = { when_us / G_USEC_PER_SEC, when_us % G_USEC_PER_SEC * 1000 };
  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
    ;
}

double
bench_cpu_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

void
bench_report (double cpu, guint n_threads, double resident_mib)
{
  printf ("{\"cpu\":%.5f,\"threads\":%u,\"rss_mib\":%.1f", cpu, n_threads, resident_mib);
}

static guint
read_status (const char *status, const char *field)
{
  const char *line = strstr (status, field);
  return line != NULL ? (guint) strtoul (line + strlen (field), NULL, 10) : 0;
}

void
bench_report_self (double cpu_s, double span_s)
{
  g_autofree char *status = NULL;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    g_error ("no /proc here");
  bench_report (cpu_s / span_s, read_status (status, "\nThreads:"), read_status (status, "\nVmRSS:") / 1024.0);
}
