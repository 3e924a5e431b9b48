#ifndef MXR_THREAD_CPU_H
#define MXR_THREAD_CPU_H

#include "mixroom/base.h"

/** mxr_thread_cpu_append: `mixroom_thread_cpu_seconds`, by stage. Cost: two small files of /proc for each thread. */
void mxr_thread_cpu_append (GString *text);

/** mxr_thread_cpu_parse: @stat: of /proc/PID/stat. @out_ticks: (out): user and system time [clock ticks]. Pure. */
bool mxr_thread_cpu_parse (const char *stat, guint64 *out_ticks);

#endif
