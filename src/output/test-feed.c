#include "test-feed.h"

#include <gst/app/gstappsink.h>
#include <string.h>

static void
push (GstAppSink *sink, MxrFeedStream stream, MxrFeed *feed)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  if (sample != NULL)
    mxr_feed_push (feed, stream, sample);
}

static GstFlowReturn
on_picture (GstAppSink *sink, gpointer user_data)
{
  push (sink, MXR_FEED_PICTURE, user_data);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_sound (GstAppSink *sink, gpointer user_data)
{
  push (sink, MXR_FEED_SOUND, user_data);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_opus (GstAppSink *sink, gpointer user_data)
{
  push (sink, MXR_FEED_OPUS, user_data);
  return GST_FLOW_OK;
}

static void
connect (TestFeed *self, const char *name, GstFlowReturn (*on_sample) (GstAppSink *, gpointer))
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (self->pipeline), name);
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, self->feed, NULL);
}

void
test_feed_start (TestFeed *self)
{
  g_autoptr (GError) error = NULL;

  self->feed = mxr_feed_new ();
  self->pipeline = gst_parse_launch (
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast bitrate=400 key-int-max=60 ! h264parse config-interval=-1 "
    "! video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=picture sync=false "
    "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! avenc_aac ! aacparse "
    "! audio/mpeg,mpegversion=4,stream-format=raw ! appsink name=sound sync=false "
    "audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! opusparse "
    "! appsink name=opus sync=false",
    &error);
  g_assert_no_error (error);
  connect (self, "picture", on_picture);
  connect (self, "sound", on_sound);
  connect (self, "opus", on_opus);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
}

void
test_feed_stop (TestFeed *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->pipeline);
  mxr_feed_unref (self->feed);
}

/* ---- Waiting ---- */

static gboolean
on_step (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
test_until (TestCondition condition, gpointer user_data, guint seconds, const char *what)
{
  gint64 end_us = g_get_monotonic_time () + seconds * G_TIME_SPAN_SECOND;
  guint step = g_timeout_add (20, on_step, NULL);

  while (!condition (user_data)) {
    if (g_get_monotonic_time () > end_us)
      g_error ("not within %u s: %s", seconds, what);
    g_main_context_iteration (NULL, TRUE);
  }
  g_source_remove (step);
}

static bool
is_past (gpointer user_data)
{
  return g_get_monotonic_time () >= *(gint64 *) user_data;
}

void
test_run_ms (guint ms)
{
  gint64 end_us = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  test_until (is_past, &end_us, ms / 1000 + 60, "time");
}

/* ---- FFmpeg ---- */

static char *
run (const char *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
    g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  char *out = NULL;
  g_autofree char *complaints = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, &complaints, &error));
  if (g_subprocess_get_successful (process) && *complaints == '\0')
    return out;
  g_test_message ("%s: %s", arguments[0], complaints);
  g_free (out);
  return NULL;
}

char *
test_ffprobe (const char *path, const char *entries)
{
  return run ((const char *const[]){ "ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", path, NULL });
}

bool
test_decode (const char *path)
{
  g_autofree char *out =
    run ((const char *const[]){ "ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-", NULL });
  return out != NULL;
}

bool
test_decode_what_is_there (const char *path)
{
  const char *const arguments[] = { "ffmpeg", "-v", "quiet", "-i", path, "-f", "null", "-", NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  return g_subprocess_wait (process, NULL, NULL) && g_subprocess_get_successful (process);
}

char *
test_ffprobe_packets (const char *path, const char *stream)
{
  return run ((const char *const[]){ "ffprobe", "-v", "quiet", "-select_streams", stream, "-show_entries", "packet=pts_time",
                                     "-of", "csv=p=0", path, NULL });
}

double
test_get_end_s (const char *path, const char *stream)
{
  g_autofree char *out = test_ffprobe_packets (path, stream);
  g_auto (GStrv) lines = g_strsplit (out != NULL ? g_strchomp (out) : "", "\n", -1);
  guint n = g_strv_length (lines);
  return n > 0 ? g_ascii_strtod (lines[n - 1], NULL) : 0;
}
