#ifndef MXR_TEST_COLOURS_H
#define MXR_TEST_COLOURS_H

#include <stdbool.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* The colour oracle: each sender has its own colour, and a picture is right when every tile shows its
 * sender's. */

typedef struct {
  int y, u, v;
} TestColour;

/* As many senders as can be told apart after scaling and one pass of a lossy codec: the corners of a 7 x 7
 * grid of chroma, 28 steps apart. */
#define TEST_COLOURS_MAX 49

TestColour test_colour_of (guint sender);

/** test_colour_nearest: Returns: the sender whose colour is nearest, or -1 when none is within half a step.
 */
int test_colour_nearest (TestColour colour);

static inline bool
test_colour_is_near (TestColour a, TestColour b, int tolerance)
{
  return ABS (a.y - b.y) <= tolerance && ABS (a.u - b.u) <= tolerance && ABS (a.v - b.v) <= tolerance;
}

/** test_frame_new: An I420 frame of one colour in the standard layout, without time stamp. */
GstBuffer *test_frame_new (int width, int height, TestColour colour);

/** test_frame_fill: Paints a part of a frame; chroma where a sample's first luma pixel lies inside. */
void test_frame_fill (GstBuffer *frame, int width, int height, int x, int y, int w, int h, TestColour colour);

/** test_frame_quadrants: Four colours: top left, top right, bottom left, bottom right. */
GstBuffer *test_frame_quadrants (int width, int height, const TestColour colours[4]);

/** test_frame_look: The colour at one pixel. */
TestColour test_frame_look (GstBuffer *frame, int width, int height, int x, int y);

G_END_DECLS

#endif
