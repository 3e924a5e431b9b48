#ifndef MXR_LOAD_USAGE_H
#define MXR_LOAD_USAGE_H

#include <stdbool.h>
#include <glib.h>

/* What the kernel says that a process has used. */
typedef struct {
  gint64 at_us; /* monotonic; 0: it is not there */
  double cpu_s; /* user and system, all threads */
  guint64 resident_kib;
  guint n_threads;
} MxrUsage;

/** mxr_usage_read: @pid: 0: this process. Returns: false when there is none, or it is another user's. */
bool mxr_usage_read (int pid, MxrUsage *out_usage);
/** mxr_usage_parse: @stat, @status: contents of /proc/PID/stat and status. Returns: false when they are not. Pure. */
bool mxr_usage_parse (const char *stat, const char *status, double ticks_per_s, MxrUsage *out_usage);
/** mxr_usage_get_cores: Returns: cores used between the two; 0 when one is missing. */
double mxr_usage_get_cores (const MxrUsage *begin, const MxrUsage *end);

#endif
