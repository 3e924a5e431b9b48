#include "media-probe.h"

#include <gst/app/gstappsink.h>
#include <math.h>

#define RATE_HZ 48000

GBytes *
media_probe_run (const char *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  GBytes *out = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &out, NULL, &error));
  g_assert_true (g_subprocess_get_successful (process));
  return out;
}

TestColour
media_probe_colour (const char *path, double seconds)
{
  g_autofree char *seek = g_strdup_printf ("%.3f", seconds);
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-ss", seek, "-frames:v", "1", "-vf",
                                    "crop=2:2,format=yuv444p", "-f", "rawvideo", "-", NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const guint8 *bytes = g_bytes_get_data (out, &n_bytes);

  g_assert_cmpuint (n_bytes, ==, 12);
  return (TestColour){ bytes[0], bytes[4], bytes[8] };
}

double
media_probe_tone (const char *path, double seconds, double hz)
{
  g_autofree char *seek = g_strdup_printf ("%.3f", seconds);
  const char *const arguments[] = { "ffmpeg", "-v", "error", "-i", path, "-ss", seek, "-t", "1", "-ac", "1", "-ar", "48000",
                                    "-f", "s16le", "-", NULL };
  g_autoptr (GBytes) out = media_probe_run (arguments);
  gsize n_bytes;
  const gint16 *samples = g_bytes_get_data (out, &n_bytes);
  double s1 = 0, s2 = 0, k = 2 * cos (2 * G_PI * hz / RATE_HZ);
  gsize n = n_bytes / sizeof *samples;

  g_assert_cmpuint (n, >, RATE_HZ / 2);
  for (gsize i = 0; i < n; i++) { /* Goertzel */
    double s = samples[i] / 32768.0 + k * s1 - s2;
    s2 = s1;
    s1 = s;
  }
  return 2 * sqrt (MAX (s1 * s1 + s2 * s2 - k * s1 * s2, 0)) / n;
}

static void
on_pad_added (GstElement *demux, GstPad *pad, gpointer user_data)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (user_data, "sink");
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
}

MediaPackets *
media_probe_packets (const char *path)
{
  g_autoptr (GstElement) pipeline =
    gst_parse_launch ("filesrc name=source ! matroskademux name=demux appsink name=sink sync=false", NULL);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) demux = gst_bin_get_by_name (GST_BIN (pipeline), "demux");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  MediaPackets *self = g_new0 (MediaPackets, 1);
  GstSample *sample;

  self->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->times_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_object_set (source, "location", path, NULL);
  g_signal_connect (demux, "pad-added", G_CALLBACK (on_pad_added), sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 10 * GST_SECOND)) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    gint64 time_us = (gint64) GST_TIME_AS_USECONDS (GST_BUFFER_PTS (buffer));
    GstMapInfo map;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_ptr_array_add (self->packets, g_bytes_new (map.data, map.size));
    g_array_append_val (self->times_us, time_us);
    gst_buffer_unmap (buffer, &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return self;
}

void
media_packets_free (MediaPackets *packets)
{
  g_ptr_array_unref (packets->packets);
  g_array_unref (packets->times_us);
  g_free (packets);
}
