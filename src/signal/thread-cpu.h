#ifndef MXR_THREAD_CPU_H
#define MXR_THREAD_CPU_H

#include "mixroom/base.h"

/* What the process's threads have used so far, by what they do, those that have ended included. Control thread only. */
typedef struct _MxrThreadCpu MxrThreadCpu;

MxrThreadCpu *mxr_thread_cpu_new (void);
void mxr_thread_cpu_free (MxrThreadCpu *cpu);

/**
 * mxr_thread_cpu_look:
 *
 * For when threads are about to end: what they used up to now goes to what they do. Cost: two small files of /proc for each
 * thread; none when the last look was less than a second ago.
 */
void mxr_thread_cpu_look (MxrThreadCpu *cpu);

/**
 * mxr_thread_cpu_append:
 *
 * Looks, and writes `mixroom_thread_cpu_seconds_total`, by stage; none ever falls. What a thread used between the last
 * look and its end is in the stage `ended`. Cost: as above.
 */
void mxr_thread_cpu_append (MxrThreadCpu *cpu, GString *text);

/** mxr_thread_cpu_parse: @stat: of /proc/PID/stat. @out_ticks: (out): user and system time [clock ticks]. Pure. */
bool mxr_thread_cpu_parse (const char *stat, guint64 *out_ticks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrThreadCpu, mxr_thread_cpu_free)

#endif
