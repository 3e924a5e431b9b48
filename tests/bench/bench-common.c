#include "bench-common.h"

#include <gst/app/gstappsink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static char *
read_proc (int pid, const char *file)
{
  g_autofree char *path =
    pid == 0 ? g_strdup_printf ("/proc/self/%s", file) : g_strdup_printf ("/proc/%d/%s", pid, file);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, &error))
    g_error ("the measured process is gone: %s", error->message);
  return text;
}

double
bench_cpu_s (int pid)
{
  struct timespec now;
  clockid_t clock;

  if (pid == 0)
    clock = CLOCK_PROCESS_CPUTIME_ID;
  else if (clock_getcpuclockid (pid, &clock) != 0)
    g_error ("the measured process is gone");
  clock_gettime (clock, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

guint
bench_status (int pid, const char *field)
{
  g_autofree char *text = read_proc (pid, "status");
  const char *line = strstr (text, field);
  return line != NULL ? (guint) strtoul (line + strlen (field) + 1, NULL, 10) : 0;
}

void
bench_report (int pid, double cpu)
{
  printf ("{\"cpu\":%.5f,\"threads\":%u,\"rss_mib\":%.1f", cpu, bench_status (pid, "Threads"),
          bench_status (pid, "VmRSS") / 1024.0);
}
