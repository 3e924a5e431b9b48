#include "outlet.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <stdlib.h>

/* A client's packet of sound goes when its last sample is there, and that is what the room's pictures are stamped for. */
static const char sound_chain[] =
  "queue max-size-buffers=0 max-size-bytes=0 max-size-time=500000000 ! audioconvert ! audioresample "
  "! audio/x-raw,format=S16LE,rate=48000,channels=[1,2],layout=interleaved "
  "! audiobuffersplit output-buffer-duration=1/50 ! appsink name=end ts-offset=20000000";

/* A quarter of a second: decoded pictures of large videos are many megabytes each. */
static const char picture_chain[] =
  "queue name=begin max-size-buffers=8 max-size-bytes=0 max-size-time=0 "
  "! videoconvertscale ! video/x-raw,format=I420,pixel-aspect-ratio=1/1,width=[2,1280,2],height=[2,720,2] "
  "! videoflip video-direction=auto ! appsink name=end";

/* Somewhat less than at 30 a second, as times are rounded. */
#define PICTURES_APART_NS (28 * GST_MSECOND)

void
mxr_outlet_wire_send (MxrOutletWire *wire, const MxrWireHeader *header, const void *bytes)
{
  g_mutex_lock (&wire->lock);
  bool is_media = header->kind == MXR_WIRE_SOUND || header->kind == MXR_WIRE_PICTURE;
  bool is_sent = (is_media && !wire->is_open) || mxr_wire_send (wire->fd, header, bytes, true);
  g_mutex_unlock (&wire->lock);
  if (!is_sent)
    _exit (EXIT_SUCCESS);
}

static void
send_sound (MxrOutletWire *wire, const GstMapInfo *map, GstCaps *caps)
{
  MxrWireHeader header = { .kind = MXR_WIRE_SOUND };
  int channels = 0;
  gsize done = 0;

  if (!gst_structure_get_int (gst_caps_get_structure (caps, 0), "channels", &channels))
    return;
  header.width = (guint) channels;
  while (done < map->size) { /* a multiple of whole samples: so is the limit */
    header.n_bytes = (guint32) MIN (map->size - done, MXR_WIRE_SOUND_MAX_BYTES);
    mxr_outlet_wire_send (wire, &header, map->data + done);
    done += header.n_bytes;
  }
}

static void
send_picture (MxrOutletWire *wire, const GstMapInfo *map, GstCaps *caps)
{
  MxrWireHeader header = { .kind = MXR_WIRE_PICTURE, .n_bytes = (guint32) map->size };
  GstVideoInfo info, plain;

  if (!gst_video_info_from_caps (&info, caps))
    return;
  header.width = (guint) info.width;
  header.height = (guint) info.height;
  gst_video_info_set_format (&plain, GST_VIDEO_FORMAT_I420, header.width, header.height);
  if (map->size == plain.size)
    mxr_outlet_wire_send (wire, &header, map->data);
}

static void
send_sample (GstSample *sample, MxrWireKind kind, MxrOutletWire *wire)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  if (kind == MXR_WIRE_SOUND)
    send_sound (wire, &map, gst_sample_get_caps (sample));
  else
    send_picture (wire, &map, gst_sample_get_caps (sample));
  gst_buffer_unmap (buffer, &map);
}

static GstFlowReturn
on_sound (GstAppSink *sink, gpointer user_data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  if (sample == NULL)
    return GST_FLOW_EOS;
  send_sample (sample, MXR_WIRE_SOUND, user_data);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_picture (GstAppSink *sink, gpointer user_data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  if (sample == NULL)
    return GST_FLOW_EOS;
  send_sample (sample, MXR_WIRE_PICTURE, user_data);
  return GST_FLOW_OK;
}

/* Who seeks while it is paused sees where to. */
static GstFlowReturn
on_preroll (GstAppSink *sink, gpointer user_data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_preroll (sink);
  if (sample != NULL)
    send_sample (sample, MXR_WIRE_PICTURE, user_data);
  return GST_FLOW_OK;
}

/* No more of them than the room shows are converted. (videorate limits no stream without a fixed rate, and aborts at pictures
 * of such a one that have no duration.) */
static GstPadProbeReturn
on_decoded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstClockTime *last = user_data;

  if (!(info->type & GST_PAD_PROBE_TYPE_BUFFER)) {
    GstEventType type = GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info));
    if (type == GST_EVENT_SEGMENT || type == GST_EVENT_FLUSH_STOP)
      *last = GST_CLOCK_TIME_NONE;
    return GST_PAD_PROBE_OK;
  }
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  if (GST_CLOCK_TIME_IS_VALID (*last) && time >= *last && time - *last < PICTURES_APART_NS)
    return GST_PAD_PROBE_DROP;
  *last = time;
  return GST_PAD_PROBE_OK;
}

static void
limit_rate (GstElement *bin)
{
  g_autoptr (GstElement) queue = gst_bin_get_by_name (GST_BIN (bin), "begin");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (queue, "src");
  GstClockTime *last = g_new (GstClockTime, 1);

  *last = GST_CLOCK_TIME_NONE;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_decoded,
                     last, g_free);
}

GstElement *
mxr_outlet_new (MxrWireKind kind, MxrOutletWire *wire, GError **error)
{
  static GstAppSinkCallbacks of_sound = { .new_sample = on_sound };
  static GstAppSinkCallbacks of_pictures = { .new_sample = on_picture, .new_preroll = on_preroll };
  bool is_sound = kind == MXR_WIRE_SOUND;
  GstElement *bin = gst_parse_bin_from_description (is_sound ? sound_chain : picture_chain, TRUE, error);

  if (bin == NULL)
    return NULL;
  if (!is_sound)
    limit_rate (bin);
  g_autoptr (GstElement) end = gst_bin_get_by_name (GST_BIN (bin), "end");
  g_object_set (end, "sync", TRUE, "max-buffers", 2, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (end), is_sound ? &of_sound : &of_pictures, wire, NULL);
  return bin;
}
