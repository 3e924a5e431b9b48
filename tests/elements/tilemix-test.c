/* What mxrtilemix puts on its canvases, seen by the colour oracle. */
#include "tilemix-fixture.h"

static const TestColour black = { 16, 128, 128 }, white = { 235, 128, 128 };

static void
check_colour (Receiver *receiver, int x, int y, TestColour right, int line)
{
  TestColour seen = receiver_look (receiver, x, y);
  if (!test_colour_is_near (seen, right, 4))
    g_error ("line %d: at %d,%d is %d %d %d, not %d %d %d", line, x, y, seen.y, seen.u, seen.v, right.y,
             right.u, right.v);
}

#define assert_colour(receiver, x, y, colour) check_colour (receiver, x, y, colour, __LINE__)

/* Where the picture of a sender should sit, thought out anew: in doubles and without the mixer's code. */
static MxrTile
expected_picture (const MxrTile *tile, double source_w, double source_h)
{
  double scale_w = tile->w / source_w, scale_h = tile->h / source_h;
  double lost = 1 - MIN (scale_w, scale_h) / MAX (scale_w, scale_h);
  MxrTile picture = *tile;

  if (lost < 0.25)
    return picture;
  picture.w = (int) (source_w * MIN (scale_w, scale_h) + 0.5);
  picture.h = (int) (source_h * MIN (scale_w, scale_h) + 0.5);
  picture.x += (tile->w - picture.w) / 2;
  picture.y += (tile->h - picture.h) / 2;
  return picture;
}

static void
check_tile (Receiver *receiver, const MxrTile *tile, double source_w, double source_h, TestColour colour)
{
  MxrTile picture = expected_picture (tile, source_w, source_h);
  int left = picture.x + 4, right = picture.x + picture.w - 5;
  int top = picture.y + 4, bottom = picture.y + picture.h - 5;

  /* Even places: the picture may be a pixel to the left of where arithmetic has it. */
  assert_colour (receiver, picture.x + (picture.w - 1) / 2, picture.y + (picture.h - 1) / 2, colour);
  if (left < right && top < bottom) {
    assert_colour (receiver, left, top, colour);
    assert_colour (receiver, right, top, colour);
    assert_colour (receiver, left, bottom, colour);
    assert_colour (receiver, right, bottom, colour);
  }
  if (picture.x - tile->x >= 6) {
    assert_colour (receiver, tile->x + 1, tile->y + tile->h / 2, black);
    assert_colour (receiver, picture.x - 4, tile->y + tile->h / 2, black);
    assert_colour (receiver, tile->x + tile->w - 2, tile->y + tile->h / 2, black);
  }
  if (picture.y - tile->y >= 6) {
    assert_colour (receiver, tile->x + tile->w / 2, picture.y - 4, black);
    assert_colour (receiver, tile->x + tile->w / 2, tile->y + tile->h - 2, black);
  }
}

static guint
lay_grid (MxrTile *tiles, guint n, int width, int height)
{
  guint columns = 1;
  while (columns * columns < n)
    columns++;
  int w = width / (int) columns & ~1, h = height / (int) columns & ~1;
  for (guint i = 0; i < n; i++)
    tiles[i] = (MxrTile){ i, (int) (i % columns) * w, (int) (i / columns) * h, w, h, 0 };
  return columns;
}

static const struct {
  int w, h;
} sizes[] = {
  { 640, 360 }, { 2, 2 },  { 641, 359 }, { 360, 640 }, { 320, 240 },  { 3, 3 },     { 177, 99 },
  { 99, 177 },  { 64, 2 }, { 2, 64 },    { 321, 241 }, { 1280, 720 }, { 426, 240 }, { 17, 1001 }
};

static void
test_every_sender_in_its_tile (void)
{
  static const guint counts[] = { 1, 2, 3, 4, 9, 16, 25, 36, 49 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 1280, 720);
  Sender *senders[TEST_COLOURS_MAX];
  MxrTile tiles[TEST_COLOURS_MAX];

  for (guint i = 0; i < TEST_COLOURS_MAX; i++) {
    senders[i] = sender_new (rig);
    sender_set_caps (senders[i], sizes[i % G_N_ELEMENTS (sizes)].w, sizes[i % G_N_ELEMENTS (sizes)].h, "");
    sender_show (senders[i], test_colour_of (i));
  }
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++) {
    lay_grid (tiles, counts[k], 1280, 720);
    mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, counts[k]);
    rig_tick (rig, 1);
    for (guint i = 0; i < counts[k]; i++)
      check_tile (receiver, &tiles[i], senders[i]->width, senders[i]->height, test_colour_of (i));
  }
  g_assert_cmpint (test_colour_nearest (receiver_look (receiver, 1, 50)), ==, 0);
  for (guint i = 0; i < TEST_COLOURS_MAX; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* Width and height of what is white around a place. */
static void
measure_white (Receiver *receiver, int x, int y, int *out_w, int *out_h)
{
  int left = x, right = x, top = y, bottom = y;
  while (left > 0 && receiver_look (receiver, left - 1, y).y > 125)
    left--;
  while (right < receiver->width - 1 && receiver_look (receiver, right + 1, y).y > 125)
    right++;
  while (top > 0 && receiver_look (receiver, x, top - 1).y > 125)
    top--;
  while (bottom < receiver->height - 1 && receiver_look (receiver, x, bottom + 1).y > 125)
    bottom++;
  *out_w = right - left + 1;
  *out_h = bottom - top + 1;
}

static void
test_squares_stay_square (void)
{
  static const struct {
    int w, h, square_w, square_h;
    const char *fields;
    MxrTile tile;
  } cases[] = {
    { 640, 480, 100, 100, "", { 0, 0, 0, 640, 360, 0 } },   /* 4:3 in 16:9: whole, with bars */
    { 640, 400, 100, 100, "", { 0, 0, 0, 640, 360, 0 } },   /* 16:10: cut */
    { 360, 640, 100, 100, "", { 0, 0, 0, 640, 360, 0 } },   /* portrait */
    { 641, 361, 101, 101, "", { 0, 0, 0, 426, 240, 0 } },   /* odd */
    { 320, 180, 60, 60, "", { 0, 3, 5, 601, 333, 0 } },     /* enlarged, odd tile */
    { 640, 360, 100, 100, "", { 0, 100, 0, 120, 360, 0 } }, /* wide in a tall tile */
    { 720, 576, 90, 96, ",pixel-aspect-ratio=16/15", { 0, 0, 0, 640, 360, 0 } },
    { 352, 288, 88, 44, ",pixel-aspect-ratio=1/2", { 0, 0, 0, 640, 360, 0 } },
  };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *sender = sender_new (rig);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    int x = (cases[i].w - cases[i].square_w) / 2, y = (cases[i].h - cases[i].square_h) / 2, w, h;
    GstBuffer *frame = test_frame_new (cases[i].w, cases[i].h, black);
    test_frame_fill (frame, cases[i].w, cases[i].h, x, y, cases[i].square_w, cases[i].square_h, white);
    sender_set_caps (sender, cases[i].w, cases[i].h, cases[i].fields);
    sender_send (sender, frame);
    mxr_tilemix_set_tiles (rig->mix, receiver->src, &cases[i].tile, 1);
    rig_tick (rig, 1);
    measure_white (receiver, cases[i].tile.x + cases[i].tile.w / 2, cases[i].tile.y + cases[i].tile.h / 2, &w,
                   &h);
    g_test_message ("%dx%d%s: %dx%d", cases[i].w, cases[i].h, cases[i].fields, w, h);
    g_assert_cmpint (w, >, 15);
    g_assert_cmpint (ABS (w - h), <=, 2);
  }
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
tell_orientation (Sender *sender, const char *orientation)
{
  gst_pad_push_event (sender->pad,
                      gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, orientation, NULL)));
}

static void
test_orientations (void)
{
  /* Where the stored quadrants 0 1 / 2 3 are seen: top left, top right, bottom left, bottom right. */
  static const struct {
    const char *orientation;
    guint seen[4];
  } cases[] = {
    { "rotate-0", { 0, 1, 2, 3 } },        { "rotate-90", { 2, 0, 3, 1 } },
    { "rotate-180", { 3, 2, 1, 0 } },      { "rotate-270", { 1, 3, 0, 2 } },
    { "flip-rotate-0", { 1, 0, 3, 2 } },   { "flip-rotate-90", { 3, 1, 2, 0 } },
    { "flip-rotate-180", { 2, 3, 0, 1 } }, { "flip-rotate-270", { 0, 2, 1, 3 } },
  };
  static const int camera_sizes[][2] = { { 320, 180 }, { 181, 321 }, { 1280, 720 }, { 101, 100 } };
  const TestColour colours[] = { test_colour_of (0), test_colour_of (6), test_colour_of (42),
                                 test_colour_of (48) };
  const MxrTile tile = { 0, 0, 0, 320, 320, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 320, 320);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  for (guint i = 0; i < G_N_ELEMENTS (cases) * G_N_ELEMENTS (camera_sizes); i++) {
    const guint *seen = cases[i % G_N_ELEMENTS (cases)].seen;
    const int *size = camera_sizes[i / G_N_ELEMENTS (cases)];
    bool sideways = i % 2 == 1; /* each second case of the table */
    sender_set_caps (sender, size[0], size[1], "");
    tell_orientation (sender, cases[i % G_N_ELEMENTS (cases)].orientation);
    sender_send (sender, test_frame_quadrants (size[0], size[1], colours));
    rig_tick (rig, 1);
    MxrTile picture = expected_picture (&tile, size[sideways ? 1 : 0], size[sideways ? 0 : 1]);
    for (int quadrant = 0; quadrant < 4; quadrant++)
      assert_colour (receiver, picture.x + picture.w * (quadrant % 2 == 0 ? 1 : 3) / 4,
                     picture.y + picture.h * (quadrant / 2 == 0 ? 1 : 3) / 4, colours[seen[quadrant]]);
    if (picture.x > 4)
      assert_colour (receiver, picture.x - 4, 160, black);
    if (picture.y > 4)
      assert_colour (receiver, 160, picture.y - 4, black);
  }
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_orientation_waits_for_the_next_frame (void)
{
  const TestColour colours[] = { test_colour_of (0), test_colour_of (6), test_colour_of (42),
                                 test_colour_of (48) };
  const MxrTile tile = { 0, 0, 0, 320, 320, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 320, 320);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  sender_set_caps (sender, 320, 320, "");
  sender_send (sender, test_frame_quadrants (320, 320, colours));
  rig_tick (rig, 1);
  tell_orientation (sender, "rotate-180");
  rig_tick (rig, 1);
  assert_colour (receiver, 80, 80, colours[0]);
  sender_send (sender, test_frame_quadrants (320, 320, colours));
  rig_tick (rig, 1);
  assert_colour (receiver, 80, 80, colours[3]);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_stale_and_off_become_avatars (void)
{
  const TestColour own = test_colour_of (8);
  const MxrTile tile = { 0, 0, 0, 320, 180, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 320, 180);
  Sender *sender = sender_new (rig);

  g_object_set (sender->sink, "title", "Ada Lovelace", "stale-after", 1000, NULL);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  rig_tick (rig, 1); /* no frame yet */
  TestColour avatar = receiver_look (receiver, 4, 4);
  g_assert_false (test_colour_is_near (avatar, own, 4));
  g_assert_false (test_colour_is_near (avatar, black, 4)); /* it is painted, too */
  sender_show (sender, own);
  rig_tick (rig, 1);
  assert_colour (receiver, 4, 4, own);
  rig_tick (rig, 28); /* a late frame is the last one */
  assert_colour (receiver, 4, 4, own);
  rig_tick (rig, 4); /* 1.07 s after it */
  assert_colour (receiver, 4, 4, avatar);
  sender_show (sender, own);
  rig_tick (rig, 1);
  assert_colour (receiver, 4, 4, own);
  g_object_set (sender->sink, "video", FALSE, NULL);
  rig_tick (rig, 1);
  assert_colour (receiver, 4, 4, avatar);
  g_object_set (sender->sink, "video", TRUE, "stale-after", 0, NULL);
  rig_tick (rig, 200);
  assert_colour (receiver, 4, 4, own);
  gst_pad_push_event (sender->pad, gst_event_new_eos ());
  rig_tick (rig, 1);
  assert_colour (receiver, 4, 4, avatar);
  g_assert_cmpuint (rig_stat (rig, "avatars"), ==, 1); /* drawn once for all of these */

  g_object_set (sender->sink, "title", "Grace Hopper", NULL);
  rig_tick (rig, 1);
  g_assert_false (test_colour_is_near (receiver_look (receiver, 4, 4), avatar, 2));
  g_object_set (sender->sink, "title", NULL, NULL);
  rig_tick (rig, 1);
  g_assert_cmpuint (rig_stat (rig, "avatars"), ==, 3);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_many_avatars_are_drawn_over_some_ticks (void)
{
  MxrTile tiles[10];
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 1280, 720);
  Sender *senders[10];
  guint n_ticks = 0;

  for (guint i = 0; i < G_N_ELEMENTS (senders); i++) {
    g_autofree char *title = g_strdup_printf ("%c. Person %u", 'A' + (char) i, i);
    senders[i] = sender_new (rig);
    g_object_set (senders[i]->sink, "title", title, NULL);
  }
  lay_grid (tiles, G_N_ELEMENTS (tiles), 1280, 720);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, G_N_ELEMENTS (tiles));
  do {
    guint64 before = rig_stat (rig, "avatars");
    rig_tick (rig, 1);
    g_assert_cmpuint (rig_stat (rig, "avatars") - before, <=, 4);
    n_ticks++;
    for (guint i = 0; i < G_N_ELEMENTS (tiles); i++) /* but no tile is ever empty */
      g_assert_false (
          test_colour_is_near (receiver_look (receiver, tiles[i].x + 4, tiles[i].y + 4), black, 4));
  } while (rig_stat (rig, "avatars") < G_N_ELEMENTS (tiles));
  g_assert_cmpuint (n_ticks, ==, (G_N_ELEMENTS (tiles) + 3) / 4);
  guint count = receiver_count (receiver);
  rig_tick (rig, 3);
  g_assert_cmpuint (receiver_count (receiver), ==, count); /* and then there is peace */
  for (guint i = 0; i < G_N_ELEMENTS (senders); i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_caps_change_in_mid_stream (void)
{
  const MxrTile tile = { 0, 0, 0, 640, 360, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (sizes); i++) {
    int w = sizes[i % G_N_ELEMENTS (sizes)].w, h = sizes[i % G_N_ELEMENTS (sizes)].h;
    sender_show (sender, test_colour_of (i));
    sender_set_caps (sender, w, h, ""); /* between frame and tick: the frame before keeps its own size */
    rig_tick (rig, 1);
    assert_colour (receiver, 320, 180, test_colour_of (i));
    sender_show (sender, test_colour_of (i + 1));
    rig_tick (rig, 1);
    check_tile (receiver, &tile, w, h, test_colour_of (i + 1));
  }
  g_assert_cmpuint (receiver->n_caps, ==, 1);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_no_change_no_work (void)
{
  MxrTile tiles[4];
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *senders[4];

  lay_grid (tiles, 4, 640, 360);
  for (guint i = 0; i < 4; i++) {
    senders[i] = sender_new (rig);
    g_object_set (senders[i]->sink, "stale-after", 0, NULL);
    sender_show (senders[i], test_colour_of (i));
  }
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, 4);
  rig_tick (rig, 1);
  g_assert_cmpuint (receiver_count (receiver), ==, 1);
  g_assert_cmpuint (rig_stat (rig, "scaled"), ==, 4);
  rig_tick (rig, 20);
  g_assert_cmpuint (receiver_count (receiver), ==, 1);
  g_assert_cmpuint (rig_stat (rig, "skipped"), ==, 15); /* then it sleeps */
  rig_tick (rig, 40); /* a second after the first: the same picture again, and nothing composed for it */
  g_assert_cmpuint (receiver_count (receiver), ==, 3);
  g_assert_cmpuint (rig_stat (rig, "repeated"), ==, 2);
  g_assert_cmpuint (rig_stat (rig, "composed"), ==, 1);
  g_assert_cmpuint (rig_stat (rig, "scaled") + rig_stat (rig, "copied"), ==, 4);

  sender_show (senders[2], test_colour_of (20)); /* one of four changes */
  guint64 done = rig_stat (rig, "scaled");
  rig_tick (rig, 1);
  g_assert_cmpuint (rig_stat (rig, "scaled"), ==, done + 1);
  check_tile (receiver, &tiles[2], 64, 36, test_colour_of (20));
  check_tile (receiver, &tiles[3], 64, 36, test_colour_of (3));

  g_object_set (rig->mix, "skip-unchanged", FALSE, NULL);
  guint count = receiver_count (receiver);
  rig_tick (rig, 10);
  g_assert_cmpuint (receiver_count (receiver), ==, count + 10);
  g_assert_cmpuint (rig_stat (rig, "scaled"), ==, done + 1);
  for (guint i = 0; i < 4; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_views_share_the_scaling (void)
{
  static const struct {
    int w, h;
  } canvases[] = { { 640, 360 }, { 640, 360 }, { 1280, 720 } };
  MxrTile tiles[4];
  Rig *rig = rig_new ();
  Receiver *receivers[3];
  Sender *senders[4];

  lay_grid (tiles, 4, 640, 360);
  for (guint i = 0; i < 4; i++)
    senders[i] = sender_new (rig);
  for (guint i = 0; i < 3; i++) {
    receivers[i] = receiver_new (rig, canvases[i].w, canvases[i].h);
    mxr_tilemix_set_tiles (rig->mix, receivers[i]->src, tiles, 4);
  }
  for (guint round = 1; round <= 5; round++) {
    for (guint i = 0; i < 4; i++)
      sender_show (senders[i], test_colour_of (i + round));
    rig_tick (rig, 1);
    g_assert_cmpuint (rig_stat (rig, "scaled"), ==, 4 * round);
    g_assert_cmpuint (rig_stat (rig, "copied"), ==, 8 * round);
    for (guint i = 0; i < 12; i++)
      check_tile (receivers[i / 4], &tiles[i % 4], 64, 36, test_colour_of (i % 4 + round));
  }
  for (guint i = 0; i < 4; i++)
    sender_free (rig, senders[i]);
  for (guint i = 0; i < 3; i++)
    receiver_free (rig, receivers[i]);
  rig_free (rig);
}

/* An encoder that keeps pictures must see them unchanged, and a tile is scaled once however many canvases
 * there are. */
static void
test_held_pictures_stay_as_they_were (void)
{
  MxrTile tiles[4];
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *senders[4];

  lay_grid (tiles, 4, 640, 360);
  receiver->hold = true;
  for (guint i = 0; i < 4; i++) {
    senders[i] = sender_new (rig);
    sender_show (senders[i], test_colour_of (i));
  }
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, 4);
  for (guint round = 0; round < 10; round++) {
    sender_show (senders[0], test_colour_of (10 + round));
    rig_tick (rig, 1);
  }
  g_assert_cmpuint (g_queue_get_length (&receiver->held), ==, 10);
  g_assert_cmpuint (rig_stat (rig, "scaled"), ==, 13);
  for (guint round = 0; round < 10; round++) {
    GstBuffer *picture = g_queue_peek_nth (&receiver->held, round);
    g_assert_cmpuint (GST_BUFFER_PTS (picture), ==, gst_util_uint64_scale (round + 1, GST_SECOND, 30));
    g_assert_true (
        test_colour_is_near (test_frame_look (picture, 640, 360, 100, 100), test_colour_of (10 + round), 2));
    g_assert_true (
        test_colour_is_near (test_frame_look (picture, 640, 360, 500, 300), test_colour_of (3), 2));
  }
  for (guint i = 0; i < 4; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_z_order (void)
{
  const MxrTile tiles[] = { { 1, 200, 100, 160, 90, 5 },
                            { 0, 0, 0, 640, 360, 0 },
                            { 2, 300, 150, 160, 90, 2 } };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *senders[3];

  for (guint i = 0; i < 3; i++) {
    senders[i] = sender_new (rig);
    sender_show (senders[i], test_colour_of (i));
  }
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, 3);
  for (guint round = 0; round < 9; round++) {
    TestColour colours[3];
    for (guint i = 0; i < 3; i++)
      colours[i] = test_colour_of (i == round % 3 ? i + 10 + round : i);
    sender_show (senders[round % 3], colours[round % 3]); /* each alone: from the back, in front, between */
    rig_tick (rig, 1);
    assert_colour (receiver, 20, 20, colours[0]);
    assert_colour (receiver, 210, 110, colours[1]);
    assert_colour (receiver, 340, 170, colours[1]); /* where all three are */
    assert_colour (receiver, 450, 230, colours[2]);
    sender_show (senders[round % 3], test_colour_of (round % 3));
    rig_tick (rig, 1);
  }
  sender_free (rig, senders[1]); /* what was behind comes to light */
  rig_tick (rig, 1);
  assert_colour (receiver, 210, 110, test_colour_of (0));
  assert_colour (receiver, 340, 170, test_colour_of (2));
  sender_free (rig, senders[0]);
  rig_tick (rig, 1);
  assert_colour (receiver, 20, 20, black);
  assert_colour (receiver, 340, 170, test_colour_of (2));
  sender_free (rig, senders[2]);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* Views share what they scaled, but not where something else hides it. */
static void
test_hidden_parts_are_not_shared (void)
{
  const MxrTile tiles[] = { { 0, 0, 0, 640, 360, 0 }, { 1, 200, 100, 160, 90, 1 } };
  Rig *rig = rig_new ();
  Receiver *both = receiver_new (rig, 640, 360), *alone = receiver_new (rig, 640, 360);
  Sender *senders[2];

  for (guint i = 0; i < 2; i++) {
    senders[i] = sender_new (rig);
    sender_show (senders[i], test_colour_of (i));
  }
  mxr_tilemix_set_tiles (rig->mix, both->src, tiles, 2);
  mxr_tilemix_set_tiles (rig->mix, alone->src, tiles, 1);
  rig_tick (rig, 1);
  assert_colour (both, 210, 110, test_colour_of (1));
  assert_colour (alone, 210, 110, test_colour_of (0));
  for (guint i = 0; i < 2; i++)
    sender_free (rig, senders[i]);
  receiver_free (rig, both);
  receiver_free (rig, alone);
  rig_free (rig);
}

static void
test_labels (void)
{
  const MxrTile tile = { 0, 0, 0, 640, 360, 0 };
  Rig *rig = rig_new ();
  Receiver *with = receiver_new (rig, 640, 360), *without = receiver_new (rig, 640, 360);
  Sender *sender = sender_new (rig);
  guint n_white = 0, n_dark = 0;

  g_object_set (sender->sink, "title", "Ada Lovelace", NULL);
  g_object_set (with->src, "labels", TRUE, NULL);
  mxr_tilemix_set_tiles (rig->mix, with->src, &tile, 1);
  mxr_tilemix_set_tiles (rig->mix, without->src, &tile, 1);
  for (guint round = 0; round < 4; round++) {
    sender_show (sender, (TestColour){ 150, 128, 128 });
    rig_tick (rig, 1);
  }
  for (int y = 300; y < 356; y++)
    for (int x = 4; x < 300; x++) {
      n_white += receiver_look (with, x, y).y > 210;
      n_dark += receiver_look (with, x, y).y < 90;
      assert_colour (without, x, y, ((TestColour){ 150, 128, 128 }));
    }
  g_assert_cmpuint (n_white, >, 200);
  g_assert_cmpuint (n_dark, >, 1000);
  assert_colour (with, 320, 100, ((TestColour){ 150, 128, 128 }));
  g_assert_cmpuint (rig_stat (rig, "labels"), ==, 1);
  g_object_set (sender->sink, "title", "", NULL);
  rig_tick (rig, 1);
  assert_colour (with, 24, 336, ((TestColour){ 150, 128, 128 }));
  sender_free (rig, sender);
  receiver_free (rig, with);
  receiver_free (rig, without);
  rig_free (rig);
}

static void
test_wild_tiles (void)
{
  const MxrTile tiles[] = {
    { 0, -100, -100, 200, 200, 0 },
    { 0, G_MAXINT, 0, G_MAXINT, 10, 0 },
    { 0, G_MININT, G_MININT, G_MAXINT, 1, 1 },
    { 0, 600, 340, 1000, 1000, 0 },
    { 0, 101, 101, 1, 1, 3 },
    { 0, 301, 201, 3, 3, 0 },
    { 0, 10, 10, -5, 50, 0 },
    { 99, 0, 0, 640, 360, -1 },
    { G_MAXUINT, 5, 5, 50, 50, G_MAXINT },
    { 0, 200, 200, 2, 100, G_MININT },
  };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *sender = sender_new (rig);
  MxrTile many[200];

  sender_set_caps (sender, 320, 180, "");
  sender_show (sender, white);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, tiles, G_N_ELEMENTS (tiles));
  rig_tick (rig, 1);
  assert_colour (receiver, 50, 50, white);
  assert_colour (receiver, 620, 350, white);
  assert_colour (receiver, 400, 50, black);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    many[i] = (MxrTile){ 0, (int) i, (int) i, 20, 20, (int) i };
  mxr_tilemix_set_tiles (rig->mix, receiver->src, many, G_N_ELEMENTS (many));
  rig_tick (rig, 1);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, NULL, 0);
  rig_tick (rig, 1);
  assert_colour (receiver, 50, 50, black);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_short_frames_do_no_harm (void)
{
  const MxrTile tile = { 0, 0, 0, 640, 360, 0 };
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 640, 360);
  Sender *sender = sender_new (rig);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &tile, 1);
  for (gsize size = 0; size < 64 * 36 * 3 / 2; size += 97) {
    sender_send (sender, gst_buffer_new_allocate (NULL, size, NULL));
    rig_tick (rig, 1);
    assert_colour (receiver, 320, 180, black);
  }
  sender_show (sender, white);
  rig_tick (rig, 1);
  assert_colour (receiver, 320, 180, white);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/tilemix/every-sender-in-its-tile", test_every_sender_in_its_tile);
  g_test_add_func ("/tilemix/squares-stay-square", test_squares_stay_square);
  g_test_add_func ("/tilemix/orientations", test_orientations);
  g_test_add_func ("/tilemix/orientation-waits-for-the-next-frame",
                   test_orientation_waits_for_the_next_frame);
  g_test_add_func ("/tilemix/stale-and-off-become-avatars", test_stale_and_off_become_avatars);
  g_test_add_func ("/tilemix/many-avatars-are-drawn-over-some-ticks",
                   test_many_avatars_are_drawn_over_some_ticks);
  g_test_add_func ("/tilemix/caps-change-in-mid-stream", test_caps_change_in_mid_stream);
  g_test_add_func ("/tilemix/no-change-no-work", test_no_change_no_work);
  g_test_add_func ("/tilemix/views-share-the-scaling", test_views_share_the_scaling);
  g_test_add_func ("/tilemix/held-pictures-stay-as-they-were", test_held_pictures_stay_as_they_were);
  g_test_add_func ("/tilemix/z-order", test_z_order);
  g_test_add_func ("/tilemix/hidden-parts-are-not-shared", test_hidden_parts_are_not_shared);
  g_test_add_func ("/tilemix/labels", test_labels);
  g_test_add_func ("/tilemix/wild-tiles", test_wild_tiles);
  g_test_add_func ("/tilemix/short-frames-do-no-harm", test_short_frames_do_no_harm);
  int result = g_test_run ();
  gst_deinit ();
  return result;
}
