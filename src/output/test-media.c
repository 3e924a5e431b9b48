#include "test-media.h"

#include <gst/app/gstappsink.h>
#include <string.h>

static void
unit_free (gpointer data)
{
  MxrTrackUnit *unit = data;
  gst_buffer_list_unref (unit->packets);
  g_free (unit);
}

static guint32
get_timestamp (GstBuffer *packet)
{
  guint8 bytes[4];
  gst_buffer_extract (packet, 4, bytes, sizeof bytes);
  return GST_READ_UINT32_BE (bytes);
}

static char *
describe (const char *codec, guint seconds, guint width_px)
{
  if (g_str_equal (codec, "OPUS"))
    return g_strdup_printf ("audiotestsrc num-buffers=%u samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc "
                            "! rtpopuspay pt=111 ! appsink name=sink sync=false",
                            seconds * 50);
  if (g_str_equal (codec, "H264") && seconds == TEST_MEDIA_OTHER_PROFILE_S)
    return g_strdup_printf ("videotestsrc num-buffers=%u pattern=ball ! video/x-raw,format=I420,width=%u,height=90,framerate=15/1 "
                            "! x264enc tune=zerolatency speed-preset=ultrafast ref=4 key-int-max=15 ! video/x-h264,profile=main "
                            "! rtph264pay pt=96 config-interval=-1 ! appsink name=sink sync=false",
                            seconds * 15, width_px);
  return g_strdup_printf (
    "videotestsrc num-buffers=%u pattern=ball ! video/x-raw,format=I420,width=%u,height=90,framerate=15/1 ! %s ! appsink name=sink "
    "sync=false",
    seconds * 15, width_px,
    g_str_equal (codec, "VP8") ? "vp8enc deadline=1 keyframe-max-dist=15 ! rtpvp8pay pt=96"
                               : "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! "
                                 "video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 config-interval=-1");
}

static void
add_packet (TestMedia *media, const char *codec, guint width_px, GstBuffer *packet, GstClockTime time_ns)
{
  MxrTrackUnit *last = media->units->len > 0 ? media->units->pdata[media->units->len - 1] : NULL;
  const bool is_picture = !g_str_equal (codec, "OPUS");

  if (last == NULL || get_timestamp (gst_buffer_list_get (last->packets, 0)) != get_timestamp (packet)) {
    MxrTrackUnit *unit = g_new0 (MxrTrackUnit, 1);
    *unit = (MxrTrackUnit){ .is_picture = is_picture, .codec = codec, .packets = gst_buffer_list_new (),
                            .time_ns = (gint64) time_ns, .is_keyframe = is_picture && media->units->len % 15 == 0 };
    if (unit->is_keyframe) {
      unit->width_px = width_px;
      unit->height_px = 90;
      unit->parameters = media->parameters;
    }
    g_ptr_array_add (media->units, unit);
    last = unit;
  }
  gst_buffer_list_add (last->packets, gst_buffer_copy_deep (packet));
  last->n_bytes += gst_buffer_get_size (packet);
}

TestMedia *
test_media_new (const char *codec, guint seconds, guint width_px)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *description = describe (codec, seconds, width_px);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  TestMedia *media = g_new0 (TestMedia, 1);
  GstSample *sample;

  g_assert_no_error (error);
  media->parameters = seconds == TEST_MEDIA_OTHER_PROFILE_S;
  media->units = g_ptr_array_new_with_free_func (unit_free);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, "buffer-list", TRUE, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBufferList *list = gst_sample_get_buffer_list (sample);
    guint n = list != NULL ? gst_buffer_list_length (list) : 1;
    GstClockTime time_ns = 0;
    for (guint i = 0; i < n; i++) {
      GstBuffer *packet = list != NULL ? gst_buffer_list_get (list, i) : gst_sample_get_buffer (sample);
      time_ns = i == 0 ? gst_segment_to_running_time (gst_sample_get_segment (sample), GST_FORMAT_TIME, GST_BUFFER_PTS (packet))
                       : time_ns;
      add_packet (media, codec, width_px, packet, time_ns);
    }
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return media;
}

void
test_media_free (TestMedia *media)
{
  g_ptr_array_unref (media->units);
  g_free (media);
}

bool
test_media_give_unit (TestMedia *media, guint index, MxrTrack *track, gint64 time_ns)
{
  MxrTrackUnit unit = *(MxrTrackUnit *) media->units->pdata[index];

  unit.time_ns = time_ns;
  unit.packets = gst_buffer_list_copy_deep (unit.packets);
  for (guint i = 0; i < gst_buffer_list_length (unit.packets); i++) {
    const guint16 seq = GUINT16_TO_BE (media->next_seq);
    media->next_seq++;
    gst_buffer_fill (gst_buffer_list_get_writable (unit.packets, i), 2, &seq, sizeof seq);
  }
  bool is_taken = mxr_track_take (track, &unit);
  gst_buffer_list_unref (unit.packets);
  return is_taken;
}

void
test_media_give (TestMedia *media, MxrTrack *track, gint64 begin_ns)
{
  for (guint i = 0; i < media->units->len; i++)
    test_media_give_unit (media, i, track, begin_ns + ((MxrTrackUnit *) media->units->pdata[i])->time_ns);
}

/* ---- Back ---- */

static void
on_pad_added (GstElement *demux, GstPad *pad, gpointer user_data)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (user_data, "sink");
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
}

TestFile *
test_file_read (const char *path)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch ("filesrc name=source ! matroskademux name=demux appsink name=sink sync=false", NULL);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) demux = gst_bin_get_by_name (GST_BIN (pipeline), "demux");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  TestFile *file = g_new0 (TestFile, 1);
  GstSample *sample;

  file->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  file->times_ns = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  g_object_set (source, "location", path, NULL);
  g_signal_connect (demux, "pad-added", G_CALLBACK (on_pad_added), sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 10 * GST_SECOND)) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    GstMapInfo map;
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_ptr_array_add (file->packets, g_bytes_new (map.data, map.size));
    gst_buffer_unmap (buffer, &map);
    g_array_append_val (file->times_ns, GST_BUFFER_PTS (buffer));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return file;
}

void
test_file_free (TestFile *file)
{
  g_ptr_array_unref (file->packets);
  g_array_unref (file->times_ns);
  g_free (file);
}
