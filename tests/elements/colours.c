#include "colours.h"

#include <string.h>

#define STEP 28
#define SIDE 7

TestColour
test_colour_of (guint sender)
{
  int u = (int) (sender % SIDE), v = (int) (sender / SIDE % SIDE);
  return (TestColour){ 80 + 20 * ((u + v) % 4), 128 + STEP * (u - SIDE / 2), 128 + STEP * (v - SIDE / 2) };
}

int
test_colour_nearest (TestColour colour)
{
  for (guint sender = 0; sender < TEST_COLOURS_MAX; sender++) {
    TestColour own = test_colour_of (sender);
    if (ABS (own.u - colour.u) < STEP / 2 && ABS (own.v - colour.v) < STEP / 2 &&
        ABS (own.y - colour.y) < STEP)
      return (int) sender;
  }
  return -1;
}

void
test_frame_fill (GstBuffer *frame, int width, int height, int x, int y, int w, int h, TestColour colour)
{
  GstVideoInfo info;
  GstMapInfo map;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, (guint) width, (guint) height);
  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (int plane = 0; plane < 3; plane++) {
    int half = plane > 0 ? 2 : 1, value = plane == 0 ? colour.y : plane == 1 ? colour.u : colour.v;
    int left = (x + half - 1) / half, right = (x + w + half - 1) / half;
    for (int row = (y + half - 1) / half; row < (y + h + half - 1) / half; row++)
      memset (map.data + GST_VIDEO_INFO_PLANE_OFFSET (&info, plane) +
                  (gsize) row * (gsize) GST_VIDEO_INFO_PLANE_STRIDE (&info, plane) + left,
              value, (gsize) (right - left));
  }
  gst_buffer_unmap (frame, &map);
}

GstBuffer *
test_frame_new (int width, int height, TestColour colour)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, (guint) width, (guint) height);
  GstBuffer *frame = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  test_frame_fill (frame, width, height, 0, 0, width, height, colour);
  return frame;
}

GstBuffer *
test_frame_quadrants (int width, int height, const TestColour colours[4])
{
  GstBuffer *frame = test_frame_new (width, height, colours[0]);
  int x = width / 4 * 2, y = height / 4 * 2;

  test_frame_fill (frame, width, height, x, 0, width - x, y, colours[1]);
  test_frame_fill (frame, width, height, 0, y, x, height - y, colours[2]);
  test_frame_fill (frame, width, height, x, y, width - x, height - y, colours[3]);
  return frame;
}

TestColour
test_frame_look (GstBuffer *frame, int width, int height, int x, int y)
{
  GstVideoInfo info;
  GstMapInfo map;
  int sample[3];

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, (guint) width, (guint) height);
  gst_buffer_map (frame, &map, GST_MAP_READ);
  for (int plane = 0; plane < 3; plane++) {
    int half = plane > 0 ? 2 : 1;
    sample[plane] = map.data[GST_VIDEO_INFO_PLANE_OFFSET (&info, plane) +
                             (gsize) (y / half) * (gsize) GST_VIDEO_INFO_PLANE_STRIDE (&info, plane) +
                             (gsize) (x / half)];
  }
  gst_buffer_unmap (frame, &map);
  return (TestColour){ sample[0], sample[1], sample[2] };
}
