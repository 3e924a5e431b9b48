#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <glib.h>

/* What the programs beside this share: a clock, and the form of what they print. */

#define BENCH_FRAME_US 33333
#define BENCH_BLOCK_US 20000
#define BENCH_BLOCK_SAMPLES 960 /* 20 ms at 48 kHz */

/** bench_now_us: CLOCK_MONOTONIC. */
gint64 bench_now_us (void);
void bench_sleep_until_us (gint64 when_us);

/** bench_cpu_s: User and system time of all threads of this process so far. */
double bench_cpu_s (void);

/** bench_report: Writes `{"cpu":…,"threads":…,"rss_mib":…`, for the caller to go on and close. @cpu: [cores] */
void bench_report (double cpu, guint n_threads, double resident_mib);
/** bench_report_self: the same of this process, which used @cpu_s within @span_s. */
void bench_report_self (double cpu_s, double span_s);

#endif
