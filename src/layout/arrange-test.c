#include "mixroom/layout.h"

#include <math.h>
#include <string.h>

#define MAX_PEOPLE 60

static const struct {
  guint w, h;
} canvases[] = { { 64, 64 },    { 320, 180 }, { 1280, 720 }, { 720, 1280 }, { 3840, 2160 }, { 333, 187 },
                 { 1279, 719 }, { 65, 4096 }, { 4096, 64 },  { 640, 640 },  { 1024, 768 },  { 4096, 4096 } };

static const MxrLayoutKind kinds[] = { MXR_LAYOUT_AUTO, MXR_LAYOUT_GRID, MXR_LAYOUT_SPEAKER,
                                       MXR_LAYOUT_SHARE };
static const guint gaps[] = { 0, 4, 7, 1000 };

static void
fill_people (MxrLayoutPerson *people, guint n, float aspect)
{
  memset (people, 0, n * sizeof *people);
  for (guint i = 0; i < n; i++) {
    people[i].key = 1000 + i;
    people[i].aspect = aspect;
  }
}

static const MxrLayoutTile *
find_tile (const MxrLayoutTile *tiles, guint n, guint32 key)
{
  for (guint i = 0; i < n; i++)
    if (tiles[i].key == key)
      return &tiles[i];
  return NULL;
}

static void
assert_same_rectangle (const MxrLayoutTile *a, const MxrLayoutTile *b)
{
  g_assert_nonnull (a);
  g_assert_nonnull (b);
  g_assert_cmpuint (a->x, ==, b->x);
  g_assert_cmpuint (a->y, ==, b->y);
  g_assert_cmpuint (a->w, ==, b->w);
  g_assert_cmpuint (a->h, ==, b->h);
}

static void
assert_tile_is_sane (const MxrLayoutRules *rules, const MxrLayoutTile *tile)
{
  g_assert_cmpuint ((tile->x | tile->y | tile->w | tile->h) & 1, ==, 0);
  g_assert_cmpuint (tile->w, >=, 2);
  g_assert_cmpuint (tile->h, >=, 2);
  g_assert_cmpuint (tile->x, <=, rules->width_px);
  g_assert_cmpuint (tile->y, <=, rules->height_px);
  g_assert_cmpuint (tile->x + tile->w, <=, rules->width_px);
  g_assert_cmpuint (tile->y + tile->h, <=, rules->height_px);
}

static bool
overlaps (const MxrLayoutTile *a, const MxrLayoutTile *b)
{
  return a->z == b->z && a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static void
assert_arrangement_is_sane (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n,
                            const MxrLayoutTile *tiles, guint n_tiles)
{
  g_assert_cmpuint (n_tiles, <=, MIN (n, MXR_TILES_MAX));
  g_assert_true (n == 0 || n_tiles > 0);
  for (guint i = 0; i < n_tiles; i++) {
    assert_tile_is_sane (rules, &tiles[i]);
    g_assert_cmpuint (tiles[i].key - 1000, <, n);
    for (guint k = 0; k < i; k++) {
      g_assert_false (overlaps (&tiles[i], &tiles[k]));
      g_assert_cmpuint (tiles[i].key, !=, tiles[k].key);
    }
  }
}

static void
check_one (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n)
{
  MxrLayoutTile tiles[MXR_TILES_MAX], again[MXR_TILES_MAX];
  memset (tiles, 0xaa, sizeof tiles);
  memset (again, 0x55, sizeof again);
  guint n_tiles = mxr_layout_arrange (rules, people, n, tiles, MXR_TILES_MAX);
  assert_arrangement_is_sane (rules, people, n, tiles, n_tiles);

  g_assert_cmpuint (mxr_layout_arrange (rules, people, n, again, MXR_TILES_MAX), ==, n_tiles);
  for (guint i = 0; i < n_tiles; i++) {
    g_assert_cmpuint (tiles[i].key, ==, again[i].key);
    assert_same_rectangle (&tiles[i], &again[i]);
  }
}

/* Every kind, canvas, gap and number of people, with a few people sharing, pinned or without video. */
static void
test_nothing_overlaps_or_sticks_out (void)
{
  static const float aspects[] = { 0, 16.0f / 9, 4.0f / 3, 9.0f / 16, 0.001f, 5000, NAN, INFINITY, -1 };
  MxrLayoutPerson people[MAX_PEOPLE + 1];
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (guint c = 0; c < G_N_ELEMENTS (canvases); c++)
    for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
      for (guint g = 0; g < G_N_ELEMENTS (gaps); g++)
        for (guint n = 0; n <= MAX_PEOPLE; n++) {
          fill_people (people, n, aspects[g_rand_int_range (rand, 0, G_N_ELEMENTS (aspects))]);
          for (guint i = 0; i < n; i++) {
            people[i].is_sharing = g_rand_int_range (rand, 0, 30) == 0;
            people[i].is_pinned = g_rand_int_range (rand, 0, 30) == 0;
            if (g_rand_int_range (rand, 0, 4) == 0)
              people[i].aspect = aspects[g_rand_int_range (rand, 0, G_N_ELEMENTS (aspects))];
          }
          MxrLayoutRules rules = { kinds[k], canvases[c].w, canvases[c].h, gaps[g], 16,
                                   n % 7,    1000 + n / 2,  NULL,          0 };
          check_one (&rules, people, n);
        }
}

static void
assert_grid_rows (const MxrLayoutRules *rules, const MxrLayoutTile *tiles, guint n)
{
  guint per_row[MXR_TILES_MAX] = { 0 }, n_rows = 0;
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (tiles[i].w, ==, tiles[0].w);
    g_assert_cmpuint (tiles[i].h, ==, tiles[0].h);
    if (i == 0 || tiles[i].y != tiles[i - 1].y) {
      if (i > 0)
        g_assert_cmpuint (tiles[i].y, >=, tiles[i - 1].y + tiles[i - 1].h);
      n_rows++;
    }
    per_row[n_rows - 1]++;
  }
  for (guint row = 0; row + 1 < n_rows; row++)
    g_assert_cmpuint (per_row[row], ==, per_row[0]);
  g_assert_cmpuint (per_row[n_rows - 1], <=, per_row[0]);

  /* The last row is centred, but for the rounding to even. */
  const MxrLayoutTile *first = &tiles[n - per_row[n_rows - 1]], *last = &tiles[n - 1];
  int right = (int) (rules->width_px & ~1u) - (int) (last->x + last->w);
  g_assert_cmpint (ABS ((int) first->x - right), <=, 2);
}

static void
test_grid_is_regular (void)
{
  MxrLayoutPerson people[MAX_PEOPLE];
  MxrLayoutTile tiles[MXR_TILES_MAX];
  fill_people (people, MAX_PEOPLE, 0);

  for (guint c = 0; c < G_N_ELEMENTS (canvases); c++)
    for (guint g = 0; g < G_N_ELEMENTS (gaps); g++)
      for (guint n = 1; n <= MAX_PEOPLE; n++) {
        MxrLayoutRules rules = { MXR_LAYOUT_GRID, canvases[c].w, canvases[c].h, gaps[g] };
        guint n_tiles = mxr_layout_arrange (&rules, people, n, tiles, MXR_TILES_MAX);
        g_assert_cmpuint (n_tiles, ==, MIN (n, MXR_TILES_MAX));
        assert_grid_rows (&rules, tiles, n_tiles);
        for (guint i = 0; i < n_tiles; i++)
          g_assert_cmpuint (tiles[i].key, ==, people[i].key);
      }
}

/* No other number of columns has larger pictures: by brute force, with slack for the rounding to even pixels.
 */
static void
test_grid_is_the_largest (void)
{
  MxrLayoutPerson people[MXR_TILES_MAX];
  MxrLayoutTile tiles[MXR_TILES_MAX];
  fill_people (people, MXR_TILES_MAX, 0);

  for (guint c = 0; c < G_N_ELEMENTS (canvases); c++)
    for (guint n = 1; n <= MXR_TILES_MAX; n++) {
      MxrLayoutRules rules = { MXR_LAYOUT_GRID, canvases[c].w, canvases[c].h };
      mxr_layout_arrange (&rules, people, n, tiles, MXR_TILES_MAX);
      for (guint columns = 1; columns <= n; columns++) {
        guint rows = (n + columns - 1) / columns;
        double w = MIN ((double) rules.width_px / columns, (double) rules.height_px / rows * 16 / 9);
        g_assert_cmpfloat ((tiles[0].w + 3) * (tiles[0].h + 3), >=, w * (w * 9 / 16));
      }
    }
}

static void
assert_grid (guint w, guint h, guint n, float aspect, guint tile_w, guint tile_h, guint columns)
{
  MxrLayoutPerson people[MXR_TILES_MAX];
  MxrLayoutTile tiles[MXR_TILES_MAX];
  MxrLayoutRules rules = { MXR_LAYOUT_AUTO, w, h, 0, 49 };
  guint in_first_row = 0;

  fill_people (people, n, aspect);
  g_assert_cmpuint (mxr_layout_arrange (&rules, people, n, tiles, MXR_TILES_MAX), ==, n);
  while (in_first_row < n && tiles[in_first_row].y == tiles[0].y)
    in_first_row++;
  g_assert_cmpuint (tiles[0].w, ==, tile_w);
  g_assert_cmpuint (tiles[0].h, ==, tile_h);
  g_assert_cmpuint (in_first_row, ==, columns);
}

static void
test_well_known_grids (void)
{
  assert_grid (1280, 720, 1, 16.0f / 9, 1280, 720, 1);
  assert_grid (1280, 720, 1, 4.0f / 3, 960, 720, 1);
  assert_grid (1280, 720, 2, 0, 640, 360, 2);
  assert_grid (1280, 720, 4, 0, 640, 360, 2);
  assert_grid (1280, 720, 9, 0, 426, 240, 3);
  assert_grid (1280, 720, 16, 0, 320, 180, 4);
  assert_grid (720, 1280, 2, 16.0f / 9, 720, 406, 1);
  assert_grid (720, 1280, 4, 9.0f / 16, 360, 640, 2);
  assert_grid (1280, 720, 2, 9.0f / 16, 406, 720, 2);
}

static guint
arrange (MxrLayoutKind kind, const MxrLayoutPerson *people, guint n, guint32 speaker, MxrLayoutTile *tiles,
         guint n_previous)
{
  MxrLayoutRules rules = { kind, 1280, 720, 4, 9, 0, speaker, tiles, n_previous };
  return mxr_layout_arrange (&rules, people, n, tiles, MXR_TILES_MAX);
}

static void
test_auto_chooses (void)
{
  MxrLayoutPerson people[20];
  MxrLayoutTile tiles[MXR_TILES_MAX];

  fill_people (people, 20, 0);
  g_assert_cmpuint (arrange (MXR_LAYOUT_AUTO, people, 9, 1003, tiles, 0), ==, 9);
  g_assert_cmpuint (tiles[0].w, ==, tiles[8].w);
  g_assert_cmpuint (arrange (MXR_LAYOUT_AUTO, people, 10, 1003, tiles, 0), ==, 5);
  g_assert_cmpuint (tiles[0].key, ==, 1003);
  g_assert_cmpuint (tiles[0].w, >, 3 * tiles[1].w);

  people[2].is_pinned = true;
  arrange (MXR_LAYOUT_AUTO, people, 3, 1000, tiles, 0);
  g_assert_cmpuint (tiles[0].key, ==, 1002);
  g_assert_cmpuint (tiles[0].w, >, tiles[1].w);

  people[2].is_pinned = false;
  people[7].is_sharing = true;
  people[7].aspect = 4.0f / 3;
  arrange (MXR_LAYOUT_AUTO, people, 20, 1015, tiles, 0);
  g_assert_cmpuint (tiles[0].key, ==, 1007);
  g_assert_cmpfloat (fabs ((double) tiles[0].w / tiles[0].h - 4.0 / 3), <, 0.01);
  g_assert_nonnull (find_tile (tiles + 1, 4, 1015)); /* who speaks is seen beside the screen */
}

static void
test_swap_of_speaker_moves_two (void)
{
  MxrLayoutPerson people[5];
  MxrLayoutTile tiles[MXR_TILES_MAX], old[MXR_TILES_MAX];
  static const guint32 speakers[] = { 1003, 1001, 1004, 1002, 1000 };

  fill_people (people, 5, 0);
  guint n = arrange (MXR_LAYOUT_SPEAKER, people, 5, 1000, tiles, 0);
  g_assert_cmpuint (n, ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (speakers); i++) {
    memcpy (old, tiles, sizeof old);
    g_assert_cmpuint (arrange (MXR_LAYOUT_SPEAKER, people, 5, speakers[i], tiles, n), ==, n);
    g_assert_cmpuint (tiles[0].key, ==, speakers[i]);
    for (guint32 key = 1000; key < 1005; key++) {
      guint32 came_from = key == old[0].key ? speakers[i] : key == speakers[i] ? old[0].key : key;
      assert_same_rectangle (find_tile (tiles, n, key), find_tile (old, n, came_from));
    }
  }
}

/* With more people than the strip has places, a new speaker changes two places, and nobody slides along. */
static void
test_speaker_from_outside_the_strip (void)
{
  MxrLayoutPerson people[50];
  MxrLayoutTile tiles[MXR_TILES_MAX], old[MXR_TILES_MAX];

  fill_people (people, 50, 0);
  guint n = arrange (MXR_LAYOUT_AUTO, people, 50, 1001, tiles, 0);
  for (guint32 speaker = 1040; speaker < 1050; speaker++) {
    memcpy (old, tiles, sizeof old);
    g_assert_cmpuint (arrange (MXR_LAYOUT_AUTO, people, 50, speaker, tiles, n), ==, n);
    guint n_changed = 0;
    for (guint i = 0; i < n; i++)
      n_changed += tiles[i].key != old[i].key;
    g_assert_cmpuint (n_changed, <=, 2);
  }
}

static void
test_a_mute_changes_nothing (void)
{
  MxrLayoutPerson people[6];
  MxrLayoutTile before[MXR_TILES_MAX], after[MXR_TILES_MAX];

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
    fill_people (people, 6, 4.0f / 3);
    guint n = arrange (kinds[k], people, 6, 1002, before, 0);
    people[4].aspect = 0;
    g_assert_cmpuint (arrange (kinds[k], people, 6, 1002, after, 0), ==, n);
    g_assert_cmpmem (before, n * sizeof *before, after, n * sizeof *after);
  }
}

static void
test_room_for_few_tiles (void)
{
  MxrLayoutPerson people[12];
  MxrLayoutTile tiles[4];
  fill_people (people, 12, 0);

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint max_tiles = 0; max_tiles <= 3; max_tiles++) {
      MxrLayoutRules rules = { kinds[k], 1280, 720, 0, 16 };
      memset (tiles, 0xaa, sizeof tiles);
      g_assert_cmpuint (mxr_layout_arrange (&rules, people, 12, tiles, max_tiles), ==, max_tiles);
      g_assert_cmpuint (tiles[max_tiles].key, ==, 0xaaaaaaaa);
    }
}

/* A client's last arrangement may be of another kind, canvas or room: it is a hint and never breaks one. */
static void
test_any_previous_is_harmless (void)
{
  MxrLayoutPerson people[MAX_PEOPLE];
  MxrLayoutTile tiles[MXR_TILES_MAX] = { 0 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  guint n_tiles = 0;

  for (guint round = 0; round < 5000; round++) {
    guint n = g_rand_int_range (rand, 0, MAX_PEOPLE), c = g_rand_int_range (rand, 0, G_N_ELEMENTS (canvases));
    fill_people (people, n, 0);
    MxrLayoutRules rules = { kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))],
                             canvases[c].w,
                             canvases[c].h,
                             gaps[g_rand_int_range (rand, 0, G_N_ELEMENTS (gaps))],
                             g_rand_int_range (rand, 0, 50),
                             g_rand_int_range (rand, 0, 50),
                             1000 + g_rand_int_range (rand, 0, MAX_PEOPLE),
                             tiles,
                             n_tiles };
    n_tiles = mxr_layout_arrange (&rules, people, n, tiles, MXR_TILES_MAX);
    assert_arrangement_is_sane (&rules, people, n, tiles, n_tiles);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arrange/nothing-overlaps-or-sticks-out", test_nothing_overlaps_or_sticks_out);
  g_test_add_func ("/arrange/grid-is-regular", test_grid_is_regular);
  g_test_add_func ("/arrange/grid-is-the-largest", test_grid_is_the_largest);
  g_test_add_func ("/arrange/well-known-grids", test_well_known_grids);
  g_test_add_func ("/arrange/auto-chooses", test_auto_chooses);
  g_test_add_func ("/arrange/swap-of-speaker-moves-two", test_swap_of_speaker_moves_two);
  g_test_add_func ("/arrange/speaker-from-outside-the-strip", test_speaker_from_outside_the_strip);
  g_test_add_func ("/arrange/a-mute-changes-nothing", test_a_mute_changes_nothing);
  g_test_add_func ("/arrange/room-for-few-tiles", test_room_for_few_tiles);
  g_test_add_func ("/arrange/any-previous-is-harmless", test_any_previous_is_harmless);
  return g_test_run ();
}
