#include "feed.h"

#include <gst/video/video.h>

/* What the mixer and the pictures on their way to it hold. */
#define POOL_MIN 3

void
mxr_player_feed_init (MxrPlayerFeed *feed)
{
  *feed = (MxrPlayerFeed){ .bin = gst_bin_new (NULL), .pad = gst_pad_new ("src", GST_PAD_SRC) };
  gst_object_ref_sink (feed->bin);
  gst_object_ref (feed->pad);
  gst_element_add_pad (feed->bin, feed->pad);
}

static void
drop_pool (MxrPlayerFeed *feed)
{
  if (feed->pool != NULL)
    gst_buffer_pool_set_active (feed->pool, FALSE);
  gst_clear_object (&feed->pool);
}

void
mxr_player_feed_clear (MxrPlayerFeed *feed)
{
  drop_pool (feed);
  gst_clear_object (&feed->pad);
  gst_clear_object (&feed->bin);
}

bool
mxr_player_feed_check (const MxrWireHeader *header)
{
  GstVideoInfo info;

  if (header->kind == MXR_WIRE_SOUND)
    return (header->width == 1 || header->width == 2) && header->n_bytes > 0 && header->n_bytes <= MXR_WIRE_SOUND_MAX_BYTES &&
           header->n_bytes % (2 * header->width) == 0;
  if (header->width < 2 || header->height < 2 || header->width > MXR_WIRE_SIDE_MAX_PX ||
      header->height > MXR_WIRE_SIDE_MAX_PX || header->width * header->height > MXR_WIRE_PICTURE_MAX_PX)
    return false;
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, header->width, header->height);
  return header->n_bytes == info.size;
}

/* ---- Pushing ---------------------------------------------------------------------------------------------------- */

static GstCaps *
new_caps (const MxrWireHeader *header)
{
  if (header->kind == MXR_WIRE_SOUND)
    return gst_caps_new_simple ("audio/x-raw", "format", G_TYPE_STRING, "S16LE", "rate", G_TYPE_INT, MXR_WIRE_RATE, "channels",
                                G_TYPE_INT, (int) header->width, "layout", G_TYPE_STRING, "interleaved", NULL);
  return gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, (int) header->width,
                              "height", G_TYPE_INT, (int) header->height, "framerate", GST_TYPE_FRACTION, 0, 1,
                              "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, "interlace-mode", G_TYPE_STRING, "progressive", NULL);
}

static void
new_pool (MxrPlayerFeed *feed, GstCaps *caps, guint n_bytes)
{
  drop_pool (feed);
  feed->pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (feed->pool);
  gst_buffer_pool_config_set_params (config, caps, n_bytes, POOL_MIN, 0);
  gst_buffer_pool_set_config (feed->pool, config);
  gst_buffer_pool_set_active (feed->pool, TRUE);
}

static void
follow_format (MxrPlayerFeed *feed, const MxrWireHeader *header)
{
  bool is_first = feed->width == 0;
  GstSegment segment;

  if (feed->width == header->width && feed->height == header->height)
    return;
  g_autoptr (GstCaps) caps = new_caps (header);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  feed->width = header->width;
  feed->height = header->height;
  if (header->kind == MXR_WIRE_PICTURE)
    new_pool (feed, caps, header->n_bytes);
  if (is_first)
    gst_pad_push_event (feed->pad, gst_event_new_stream_start ("player"));
  gst_pad_push_event (feed->pad, gst_event_new_caps (caps));
  if (is_first)
    gst_pad_push_event (feed->pad, gst_event_new_segment (&segment));
}

static GstBuffer *
new_buffer (MxrPlayerFeed *feed, const MxrWireHeader *header)
{
  GstBuffer *buffer = NULL;

  if (feed->pool == NULL)
    return gst_buffer_new_allocate (NULL, header->n_bytes, NULL);
  gst_buffer_pool_acquire_buffer (feed->pool, &buffer, NULL);
  return buffer;
}

static bool
read_into (GstBuffer *buffer, int fd)
{
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    return false;
  bool is_read = mxr_wire_read (fd, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return is_read;
}

bool
mxr_player_feed_read (MxrPlayerFeed *feed, const MxrWireHeader *header, int fd)
{
  follow_format (feed, header);
  g_autoptr (GstBuffer) buffer = new_buffer (feed, header);
  if (buffer == NULL || !read_into (buffer, fd))
    return false;
  __atomic_store_n (&feed->last_us, g_get_monotonic_time (), __ATOMIC_RELAXED);
  gst_pad_push (feed->pad, g_steal_pointer (&buffer));
  return true;
}
