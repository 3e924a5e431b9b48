#include "clip-frames.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <string.h>

#define PAYLOAD_TYPE 96
#define CAPS "application/x-rtp,media=video,clock-rate=90000,payload=96,encoding-name="

static void
push_packets (GstAppSrc *source, const MxrClip *clip)
{
  guint16 seq = 0;

  for (guint i = 0; i < clip->frames->len; i++) {
    const MxrClipFrame *frame = &g_array_index (clip->frames, MxrClipFrame, i);
    for (guint k = 0; k < frame->n_packets; k++) {
      const MxrClipPacket *packet = &g_array_index (clip->packets, MxrClipPacket, frame->first_packet + k);
      guint8 *bytes = g_memdup2 (clip->bytes->data + packet->offset, packet->size);
      bytes[1] = (bytes[1] & 0x80) | PAYLOAD_TYPE;
      GST_WRITE_UINT16_BE (bytes + 2, seq++);
      GST_WRITE_UINT32_BE (bytes + 4, i * 3000);
      gst_app_src_push_buffer (source, gst_buffer_new_wrapped (bytes, packet->size));
    }
  }
  gst_app_src_end_of_stream (source);
}

static void
add_frame (GPtrArray *frames, GstSample *sample)
{
  GstMapInfo map;
  gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
  g_ptr_array_add (frames, g_bytes_new (map.data, map.size));
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
}

GPtrArray *
clip_frames_new (const MxrClip *clip)
{
  const char *text =
    clip->codec == MXR_CODEC_H264
      ? "appsrc name=in format=time caps=" CAPS "H264 ! rtph264depay ! "
        "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
      : "appsrc name=in format=time caps=" CAPS "VP8 ! rtpvp8depay ! appsink name=out sync=false";
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  GPtrArray *frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GstSample *sample;

  if (error != NULL)
    g_error ("%s", error->message);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  push_packets (GST_APP_SRC (source), clip);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    add_frame (frames, sample);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (frames->len == 0)
    g_error ("a clip without frames");
  return frames;
}
