/* Background, logo, lower thirds and margins of a view, pixel by pixel. The clock's test is beside the code, where time can be
 * told. */
#include <string.h>

#include "tilemix-fixture.h"

#define W 640
#define H 360

static const TestColour grey = { 120, 128, 128 };

/* ---- Images ------------------------------------------------------------------------------------------------- */

static GstSample *
wrap (GstBuffer *buffer, const char *format, int w, int h)
{
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, format, "width", G_TYPE_INT, w,
                                                  "height", G_TYPE_INT, h, NULL);
  GstSample *sample = gst_sample_new (buffer, caps, NULL, NULL);
  gst_buffer_unref (buffer);
  return sample;
}

/* Three stripes of one colour, from left to right: opaque, half transparent, transparent. */
static GstSample *
striped_logo (int stripe_w, int h, guint8 b, guint8 g, guint8 r)
{
  static const guint8 alphas[] = { 255, 128, 0 };
  int w = 3 * stripe_w;
  g_autofree guint8 *pixels = g_malloc ((gsize) (4 * w * h));

  for (int i = 0; i < w * h; i++) {
    const guint8 pixel[] = { b, g, r, alphas[i % w / stripe_w] };
    memcpy (pixels + 4 * i, pixel, 4);
  }
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) (4 * w * h), NULL);
  gst_buffer_fill (buffer, 0, pixels, (gsize) (4 * w * h));
  return wrap (buffer, "BGRA", w, h);
}

static GstSample *
background_image (int w, int h, TestColour left, TestColour right)
{
  const TestColour quarters[] = { left, right, left, right };
  return wrap (test_frame_quadrants (w, h, quarters), "I420", w, h);
}

static void
assert_colour (Receiver *receiver, int x, int y, TestColour wanted, int tolerance)
{
  TestColour colour = receiver_look (receiver, x, y);

  if (!test_colour_is_near (colour, wanted, tolerance))
    g_error ("at %d, %d: %d %d %d and not %d %d %d", x, y, colour.y, colour.u, colour.v, wanted.y, wanted.u, wanted.v);
}

static GBytes *
take_picture (Receiver *receiver)
{
  GstMapInfo map;

  g_mutex_lock (&receiver->lock);
  g_assert_true (gst_buffer_map (receiver->picture, &map, GST_MAP_READ));
  GBytes *bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (receiver->picture, &map);
  g_mutex_unlock (&receiver->lock);
  return bytes;
}

static void
assert_equal_pictures (Receiver *one, Receiver *other)
{
  g_autoptr (GBytes) a = take_picture (one);
  g_autoptr (GBytes) b = take_picture (other);
  g_assert_true (g_bytes_equal (a, b));
}

/* ---- Tests ---------------------------------------------------------------------------------------------------- */

static void
test_logo (void)
{
  static const struct {
    bool is_left, is_top;
    int x, y;
  } corners[] = { { true, true, 32, 18 }, { false, true, 500, 18 }, { true, false, 32, 306 }, { false, false, 500, 306 } };
  const MxrTile tile = { 0, 0, 0, W, H, 0 };
  const TestColour red = { 81, 90, 240 };
  g_autoptr (GstSample) logo = striped_logo (36, 36, 0, 0, 255);
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, W, H);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  for (guint i = 0; i < G_N_ELEMENTS (corners); i++) {
    const MxrTileMixLook look = { .logo = logo,
                                  .logo_is_left = corners[i].is_left,
                                  .logo_is_top = corners[i].is_top,
                                  .logo_height = 0.1, /* as it is */
                                  .safe_margin = 0.05 };
    int x = corners[i].x, y = corners[i].y;
    mxr_tilemix_set_look (rig->mix, receiver->src, &look);
    for (int round = 0; round < 4; round++) { /* the tile changes below it, and blending does not add up */
      TestColour below = { 60 + 40 * round, 128, 128 };
      sender_show (sender, below);
      rig_tick (rig, 1);
      assert_colour (receiver, x, y, red, 2);
      assert_colour (receiver, x + 35, y + 35, red, 2);
      assert_colour (receiver, x + 36 + 18, y + 18, (TestColour){ (81 + below.y) / 2, (90 + 128) / 2, (240 + 128) / 2 }, 2);
      assert_colour (receiver, x + 72 + 18, y + 18, below, 0);
      assert_colour (receiver, x - 1, y, below, 0);
      assert_colour (receiver, x, y - 1, below, 0);
      assert_colour (receiver, x, y + 36, below, 0);
    }
  }
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* A logo is scaled to its part of the canvas, and what is transparent has no colour at the edges: here it were white. */
static void
test_logo_is_scaled (void)
{
  const MxrTile tile = { 0, 0, 0, W, H, 0 };
  const TestColour black = { 16, 128, 128 };
  g_autoptr (GstSample) logo = striped_logo (100, 300, 255, 255, 255);
  const MxrTileMixLook look = { .logo = logo, .logo_is_left = true, .logo_is_top = true, .logo_height = 0.2 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, W, H);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  sender_show (sender, black);
  rig_tick (rig, 1);
  assert_colour (receiver, 2, 2, (TestColour){ 235, 128, 128 }, 1); /* 72 px */
  assert_colour (receiver, 2, 69, (TestColour){ 235, 128, 128 }, 1);
  assert_colour (receiver, 36, 36, (TestColour){ 125, 128, 128 }, 3);
  assert_colour (receiver, 60, 36, black, 0);
  assert_colour (receiver, 2, 72, black, 0);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* What is drawn bit by bit, over many pictures and canvases, is what is drawn at once; and a logo that goes leaves nothing. */
static void
test_nothing_drifts (void)
{
  const MxrTile tiles[] = { { 0, 0, 0, 320, H, 0 }, { 1, 320, 0, 320, H, 0 }, { 2, 240, 4, 160, 60, 1 }, { 3, 100, 200, 80, 160, 2 } };
  g_autoptr (GstSample) logo = striped_logo (60, 70, 10, 200, 30);
  g_autoptr (GstSample) image = background_image (320, 240, test_colour_of (30), test_colour_of (31));
  const MxrTileMixLook look = { .logo = logo,
                                .logo_is_top = true,
                                .logo_height = 0.2,
                                .safe_margin = 0.05,
                                .background_image = image,
                                .labels = MXR_TILEMIX_LABELS_LOWER_THIRD };
  MxrTileMixLook bare = look;
  Rig *rig = rig_new ();
  Receiver *worn = receiver_new (rig, W, H), *plain = receiver_new (rig, W, H);
  Sender *senders[4];

  bare.logo = NULL;
  worn->hold = true; /* as an encoder does: many canvases, each of which lags */
  for (guint i = 0; i < 4; i++) {
    senders[i] = sender_new (rig);
    sender_set_caps (senders[i], i == 1 ? 48 : 64, 36, ""); /* one has bars */
    g_object_set (senders[i]->sink, "title", "Ada Lovelace", "stale-after", 0, NULL);
  }
  mxr_tilemix_set_look (rig->mix, worn->src, &look);
  mxr_tilemix_set_tiles (rig->mix, worn->src, tiles, 4);
  mxr_tilemix_set_tiles (rig->mix, plain->src, tiles, 4);
  mxr_tilemix_set_look (rig->mix, plain->src, &bare);
  for (guint round = 0; round < 40; round++) {
    sender_show (senders[round * 7 % 4], test_colour_of (round));
    rig_tick (rig, 1);
    if (round % 8 == 7)
      g_queue_clear_full (&worn->held, (GDestroyNotify) gst_buffer_unref);
  }
  Receiver *fresh = receiver_new (rig, W, H);
  mxr_tilemix_set_look (rig->mix, fresh->src, &look);
  mxr_tilemix_set_tiles (rig->mix, fresh->src, tiles, 4);
  rig_tick (rig, 2);
  assert_equal_pictures (worn, fresh);
  mxr_tilemix_set_look (rig->mix, worn->src, &bare);
  rig_tick (rig, 1);
  assert_equal_pictures (worn, plain);
  for (guint i = 0; i < 4; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, worn);
  receiver_free (rig, plain);
  receiver_free (rig, fresh);
  rig_free (rig);
}

/* A view without a logo takes what one with a logo has scaled, less the logo. */
static void
test_views_share_what_is_below_a_logo (void)
{
  const MxrTile tile = { 0, 0, 0, W, H, 0 };
  g_autoptr (GstSample) logo = striped_logo (40, 40, 0, 0, 255);
  const MxrTileMixLook look = { .logo = logo, .logo_height = 0.25 };
  Rig *rig = rig_new ();
  Receiver *views[] = { receiver_new (rig, W, H), receiver_new (rig, W, H), receiver_new (rig, W, H) };
  Sender *sender = sender_new (rig);

  for (guint i = 0; i < 3; i++)
    mxr_tilemix_set_tiles (rig->mix, views[i]->src, &tile, 1);
  mxr_tilemix_set_look (rig->mix, views[0]->src, &look);
  mxr_tilemix_set_look (rig->mix, views[2]->src, &look);
  for (guint round = 0; round < 3; round++) {
    sender_show (sender, test_colour_of (round));
    rig_tick (rig, 1);
    g_assert_cmpuint (rig_stat (rig, "scaled"), ==, round + 1);
    g_assert_cmpuint (rig_stat (rig, "copied"), ==, 2 * (round + 1));
    for (int y = 0; y < H; y += 6)
      for (int x = 0; x < W; x += 6)
        assert_colour (views[1], x, y, test_colour_of (round), 0);
    assert_equal_pictures (views[0], views[2]);
  }
  sender_free (rig, sender);
  for (guint i = 0; i < 3; i++)
    receiver_free (rig, views[i]);
  rig_free (rig);
}

static void
test_background_image (void)
{
  const MxrTile tiles[] = { { 0, 20, 20, 200, 320, 0 }, { 1, 420, 20, 200, 320, 0 } };
  const TestColour left = test_colour_of (20), right = test_colour_of (40);
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, W, H);
  Sender *senders[] = { sender_new (rig), sender_new (rig) };

  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, 2);
  for (guint i = 0; i < 3; i++) { /* as large, larger, and of another shape: it is cut, not squeezed */
    static const int sizes[][2] = { { W, H }, { 2 * W, 2 * H }, { 3 * W, H } };
    g_autoptr (GstSample) image = background_image (sizes[i][0], sizes[i][1], left, right);
    const MxrTileMixLook look = { .background_image = image };
    mxr_tilemix_set_look (rig->mix, receiver->src, &look);
    sender_show (senders[0], grey);
    sender_show (senders[1], grey);
    rig_tick (rig, 1);
    assert_colour (receiver, 4, 4, left, 2);
    assert_colour (receiver, W - 4, H - 4, right, 2);
    assert_colour (receiver, 260, 180, left, 2);
    assert_colour (receiver, 380, 180, right, 2);
    assert_colour (receiver, 120, 180, grey, 2);
    assert_colour (receiver, 520, 180, grey, 2);
    assert_colour (receiver, 120, 30, left, 2); /* beside a picture of another shape */
    assert_colour (receiver, 520, 30, right, 2);
  }
  const MxrTileMixLook none = { .background = 0x000000 };
  mxr_tilemix_set_look (rig->mix, receiver->src, &none);
  rig_tick (rig, 1);
  assert_colour (receiver, 4, 4, (TestColour){ 16, 128, 128 }, 0);
  sender_free (rig, senders[0]);
  sender_free (rig, senders[1]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* The box that a label darkens, and how many pixels of letters are in it. */
static MxrTile
find_label (Receiver *receiver, guint *out_white)
{
  int left = W, right = -1, top = H, bottom = -1;

  *out_white = 0;
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++) {
      int luma = receiver_look (receiver, x, y).y;
      *out_white += luma > 220;
      if (ABS (luma - grey.y) < 20)
        continue;
      left = MIN (left, x);
      right = MAX (right, x);
      top = MIN (top, y);
      bottom = MAX (bottom, y);
    }
  return (MxrTile){ 0, left, top, right - left + 1, bottom - top + 1, 0 };
}

static void
test_lower_thirds (void)
{
  const MxrTile tile = { 0, 0, 0, W, H, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, W, H);
  Sender *sender = sender_new (rig);
  MxrTileMixLook look = { .labels = MXR_TILEMIX_LABELS_LOWER_THIRD };
  guint n_white, n_small;

  g_object_set (sender->sink, "title", "Ada Lovelace", "stale-after", 0, NULL);
  sender_show (sender, grey);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  rig_tick (rig, 1);
  MxrTile band = find_label (receiver, &n_white);
  g_assert_cmpuint (n_white, >, 300);
  g_assert_cmpint (band.h, >, H / 15);
  g_assert_cmpint (band.y, >, H * 2 / 3);
  g_assert_cmpint (band.y + band.h, <, H);
  look.safe_margin = 0.1;
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  rig_tick (rig, 1);
  band = find_label (receiver, &n_white);
  g_assert_cmpint (band.x, ==, 64);
  g_assert_cmpint (band.y + band.h, ==, 324);
  look.labels = MXR_TILEMIX_LABELS_NAMES;
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  rig_tick (rig, 1);
  MxrTile name = find_label (receiver, &n_small);
  g_assert_cmpint (name.x, ==, 64);
  g_assert_cmpint (name.y + name.h, ==, 324);
  g_object_set (sender->sink, "title",
                "A name that is far too long to be shown in one line at the foot of a picture and so ends in dots", NULL);
  look.labels = MXR_TILEMIX_LABELS_LOWER_THIRD;
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  rig_tick (rig, 1);
  band = find_label (receiver, &n_white);
  g_assert_cmpint (band.x + band.w, <=, W - 64);
  look.labels = MXR_TILEMIX_LABELS_NONE;
  mxr_tilemix_set_look (rig->mix, receiver->src, &look);
  rig_tick (rig, 1);
  find_label (receiver, &n_white);
  g_assert_cmpuint (n_white, ==, 0);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* Margins are the canvas's: tiles inside have their own. */
static void
test_margins_are_the_canvas_s (void)
{
  const MxrTile tiles[] = { { 0, 0, 0, 320, 180, 0 }, { 1, 320, 0, 320, 180, 0 } };
  const MxrTileMixLook look = { .labels = MXR_TILEMIX_LABELS_LOWER_THIRD, .safe_margin = 0.1 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, W, H);
  Sender *senders[] = { sender_new (rig), sender_new (rig) };

  for (guint i = 0; i < 2; i++) {
    g_object_set (senders[i]->sink, "title", i == 0 ? "" : "Ada", "stale-after", 0, NULL);
    sender_show (senders[i], grey);
  }
  g_object_set (receiver->src, "background", 0x767676, NULL);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, 2);
  MxrTileMixLook grey_look = look;
  grey_look.background = 0x767676;
  mxr_tilemix_set_look (rig->mix, receiver->src, &grey_look);
  rig_tick (rig, 1);
  guint n_white;
  MxrTile band = find_label (receiver, &n_white);
  g_assert_cmpint (band.x, <, 320 + 32);
  g_assert_cmpint (band.y + band.h, >, 180 - 18);
  g_assert_cmpint (band.y + band.h, <, 180);
  for (guint i = 0; i < 2; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* Of any size and shape, on the smallest canvas and on others; images that are none are left out. */
static void
test_wild_looks (void)
{
  static const int canvases[][2] = { { 64, 64 }, { 1280, 64 }, { 64, 720 }, { 642, 362 } };
  static const double shares[] = { 0, 0.001, 0.3, 1, 50, -1 };
  g_autoptr (GstSample) wide = striped_logo (400, 3, 1, 2, 3), tall = striped_logo (1, 900, 1, 2, 3);
  g_autoptr (GstSample) small = background_image (2, 2, grey, grey), odd = background_image (33, 17, grey, grey);
  GstSample *const images[] = { wide, tall, small, odd, NULL };
  const MxrTile tile = { 0, 0, 0, 4096, 4096, 0 };
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);

  g_object_set (sender->sink, "title", "Ada", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (canvases); i++) {
    Receiver *receiver = receiver_new (rig, canvases[i][0], canvases[i][1]);
    for (guint k = 0; k < 5 * G_N_ELEMENTS (shares); k++) {
      const MxrTileMixLook look = { .background_image = i % 2 ? images[k % 5 < 2 ? 4 : k % 5] : NULL,
                                    .logo = images[k % 5 < 2 ? k % 5 : 4],
                                    .logo_is_left = k % 2,
                                    .logo_height = shares[k % 6],
                                    .labels = k % 3,
                                    .clock = true,
                                    .safe_margin = shares[k / 5] };
      mxr_tilemix_set_look (rig->mix, receiver->src, &look);
      mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, k % 2);
      sender_show (sender, test_colour_of (k));
      rig_tick (rig, 1);
    }
    g_assert_cmpuint (receiver_count (receiver), ==, 5 * G_N_ELEMENTS (shares));
    receiver_free (rig, receiver);
  }
  sender_free (rig, sender);
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/tilemix-look/logo", test_logo);
  g_test_add_func ("/tilemix-look/logo-is-scaled", test_logo_is_scaled);
  g_test_add_func ("/tilemix-look/nothing-drifts", test_nothing_drifts);
  g_test_add_func ("/tilemix-look/views-share-what-is-below-a-logo", test_views_share_what_is_below_a_logo);
  g_test_add_func ("/tilemix-look/background-image", test_background_image);
  g_test_add_func ("/tilemix-look/lower-thirds", test_lower_thirds);
  g_test_add_func ("/tilemix-look/margins-are-the-canvas-s", test_margins_are_the_canvas_s);
  g_test_add_func ("/tilemix-look/wild-looks", test_wild_looks);
  int result = g_test_run ();
  gst_deinit ();
  return result;
}
