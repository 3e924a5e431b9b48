#include "bench-common.h"

#include <gst/app/gstappsink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
add_unit (GPtrArray *units, GstBuffer *buffer)
{
  GstMapInfo map;
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  g_ptr_array_add (units, g_bytes_new (map.data, map.size));
  gst_buffer_unmap (buffer, &map);
}

BenchMedia *
bench_media_load (const char *folder, const char *file, const char *chain)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text =
    g_strdup_printf ("filesrc location=\"%s\" ! matroskademux ! %s ! appsink name=sink sync=false", path, chain);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  BenchMedia *media = g_new0 (BenchMedia, 1);
  GstSample *sample;

  if (error != NULL)
    g_error ("%s: %s", text, error->message);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  media->units = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    add_unit (media->units, gst_sample_get_buffer (sample));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (media->units->len == 0)
    g_error ("%s: nothing in it; make-media.sh makes it", path);
  return media;
}

BenchMedia *
bench_media_load_clip (const char *folder, guint index, bool is_h264, const char *chain)
{
  g_autofree char *file = g_strdup_printf ("clip%u.%s.mkv", index % BENCH_N_CLIPS, is_h264 ? "h264" : "vp8");
  return bench_media_load (folder, file, chain);
}

void
bench_media_free (BenchMedia *media)
{
  g_ptr_array_unref (media->units);
  g_free (media);
}

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
