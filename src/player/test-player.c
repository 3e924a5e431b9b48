#include "test-player.h"

#include <gst/app/gstappsink.h>
#include <string.h>

#define WATCHDOG_US (40 * G_TIME_SPAN_SECOND)

/* ---- What comes ------------------------------------------------------------------------------------------------- */

static void
measure_sound (TestPiece *piece, const GstMapInfo *map, GstCaps *caps)
{
  const gint16 *samples = (const gint16 *) map->data;
  int channels = 1;

  gst_structure_get_int (gst_caps_get_structure (caps, 0), "channels", &channels);
  piece->n_frames = (guint) (map->size / 2 / (guint) channels);
  for (guint i = 1; i < piece->n_frames; i++)
    piece->crossings += samples[(i - 1) * (guint) channels] < 0 && samples[i * (guint) channels] >= 0;
}

static void
measure_picture (TestPiece *piece, const GstMapInfo *map, GstCaps *caps)
{
  guint64 sum = 0;

  gst_structure_get (gst_caps_get_structure (caps, 0), "width", G_TYPE_INT, &piece->width, "height", G_TYPE_INT,
                     &piece->height, NULL);
  for (guint i = 0; i < piece->width; i++)
    sum += map->data[i];
  piece->luma = (guint) (sum / piece->width);
}

static GstFlowReturn
on_sample (GstAppSink *sink, gpointer user_data)
{
  TestPlayer *test = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  TestPiece piece = { .arrival_us = g_get_monotonic_time () };
  GstCaps *caps = gst_sample_get_caps (sample);
  bool is_sound = gst_structure_has_name (gst_caps_get_structure (caps, 0), "audio/x-raw");
  GstMapInfo map;

  g_assert_true (gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ));
  (is_sound ? measure_sound : measure_picture) (&piece, &map, caps);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  g_mutex_lock (&test->lock);
  g_array_append_val (test->pieces[is_sound ? MXR_PLAYER_SOUND : MXR_PLAYER_PICTURE], piece);
  g_mutex_unlock (&test->lock);
  return GST_FLOW_OK;
}

static void
add_sink (TestPlayer *test, GstElement *bin)
{
  static GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  GstElement *sink = gst_element_factory_make ("appsink", NULL);

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, test, NULL);
  gst_bin_add_many (GST_BIN (test->pipeline), bin, sink, NULL);
  g_assert_true (gst_element_link (bin, sink));
  gst_element_sync_state_with_parent (sink);
  gst_element_sync_state_with_parent (bin);
}

static void
on_ready (MxrPlayer *player, gpointer user_data)
{
  TestPlayer *test = user_data;
  MxrPlayerInfo info;

  mxr_player_get_info (player, &info);
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    if (info.streams[i])
      add_sink (test, mxr_player_get_bin (player, i));
}

static void
on_changed (MxrPlayer *player, gpointer user_data)
{
  TestPlayer *test = user_data;
  MxrPlayerInfo info;

  mxr_player_get_info (player, &info);
  g_string_append_printf (test->states, "%s ", mxr_player_state_to_string (info.state));
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

void
test_player_init (TestPlayer *test, ...)
{
  va_list settings;
  const char *setting;

  *test = (TestPlayer){ .config = mxr_config_new (), .control = mxr_mailbox_new (NULL, "control", 1024) };
  test->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  test->states = g_string_new (NULL);
  g_mutex_init (&test->lock);
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    test->pieces[i] = g_array_new (FALSE, FALSE, sizeof (TestPiece));
  va_start (settings, test);
  while ((setting = va_arg (settings, const char *)) != NULL)
    g_assert_true (mxr_config_set (test->config, setting, NULL));
  va_end (settings);
  gst_element_set_state (test->pipeline, GST_STATE_PLAYING);
}

void
test_player_clear (TestPlayer *test)
{
  if (test->player != NULL)
    mxr_player_stop (test->player);
  gst_element_set_state (test->pipeline, GST_STATE_NULL);
  gst_object_unref (test->pipeline);
  mxr_mailbox_close (test->control);
  mxr_mailbox_unref (test->control);
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    g_array_unref (test->pieces[i]);
  g_string_free (test->states, TRUE);
  mxr_config_free (test->config);
}

void
test_player_start (TestPlayer *test, const char *location, bool is_file, bool loop)
{
  static const MxrPlayerEvents events = { .on_ready = on_ready, .on_changed = on_changed };
  const MxrPlayerSource source = { .location = location, .is_file = is_file, .loop = loop };
  g_autoptr (GError) error = NULL;

  test->player = mxr_player_start (test->config, test->control, &source, &events, test, &error);
  g_assert_no_error (error);
}

static gboolean
on_timeout (gpointer user_data)
{
  *(bool *) user_data = true;
  return G_SOURCE_REMOVE;
}

void
test_player_run (guint ms)
{
  bool is_due = false;

  g_timeout_add (ms, on_timeout, &is_due);
  while (!is_due)
    g_main_context_iteration (NULL, TRUE);
}

char *
test_player_wait (TestPlayer *test, MxrPlayerState state)
{
  gint64 until_us = g_get_monotonic_time () + WATCHDOG_US;
  MxrPlayerInfo info;

  for (;;) {
    mxr_player_get_info (test->player, &info);
    if (info.state == state)
      return g_strdup (info.detail != NULL ? info.detail : "");
    if (info.state >= MXR_PLAYER_FINISHED || g_get_monotonic_time () > until_us)
      g_error ("not '%s' but %s: %s", mxr_player_state_to_string (state), test->states->str, info.detail);
    test_player_run (10);
  }
}

GArray *
test_player_copy (TestPlayer *test, MxrPlayerStream stream)
{
  g_mutex_lock (&test->lock);
  GArray *copy = g_steal_pointer (&test->pieces[stream]);
  test->pieces[stream] = g_array_new (FALSE, FALSE, sizeof (TestPiece));
  g_mutex_unlock (&test->lock);
  return copy;
}

char *
test_make_media (const char *dir, guint seconds, const char *tail, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *command = g_strdup_printf (
    "ffmpeg -nostdin -v error -y -f lavfi -i \"color=s=320x180:r=25:d=%u,geq=lum='40+40*floor(T)':cb=128:cr=128\" "
    "-f lavfi -i \"aevalsrc='0.5*sin(2*PI*400*(1+floor(t))*t)':s=48000:d=%u\" %s %s",
    seconds, seconds, tail, path);
  g_autofree char *errors = NULL;
  int status = -1;

  if (!g_spawn_command_line_sync (command, NULL, &errors, &status, NULL) || status != 0)
    g_error ("%s: %s", command, errors);
  return g_steal_pointer (&path);
}
