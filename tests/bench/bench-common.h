#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <gst/gst.h>
#include <stdbool.h>

/* What the programs beside this share: media that was encoded beforehand, clocks, and the form of what they print. */

#define BENCH_N_CLIPS 4
#define BENCH_FRAME_US 33333
#define BENCH_BLOCK_US 20000
#define BENCH_BLOCK_SAMPLES 960 /* 20 ms at 48 kHz */

/**
 * BenchMedia:
 * @units: of #GBytes: one frame or one Opus packet each
 */
typedef struct {
  GPtrArray *units;
} BenchMedia;

/**
 * bench_media_load:
 * @folder: what make-media.sh filled
 * @file: one of its files
 * @chain: gst-launch elements between the demuxer and the sink that hands out the units
 *
 * Ends the process when the file cannot be read: there is nothing to measure then.
 */
BenchMedia *bench_media_load (const char *folder, const char *file, const char *chain);
BenchMedia *bench_media_load_clip (const char *folder, guint index, bool is_h264, const char *chain);
void bench_media_free (BenchMedia *media);

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
