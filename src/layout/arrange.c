#include "mixroom/layout.h"

#include <math.h>

#define DEFAULT_ASPECT (16.0 / 9.0)
/* Beyond these a picture is a stripe; it is fitted into the nearest tile that can still be seen. */
#define MIN_ASPECT 0.25
#define MAX_ASPECT 4.0
/* Widths are rounded to macroblocks and halved on the way: 640x358 is still 16:9. */
#define SAME_ASPECT 0.02
/* A strip takes a fifth of the canvas, which on 16:9 leaves 1024x576 of 1280x720 to the large tile and has
 * room for five of 256x144; on a narrow canvas it is thinner, so that three fit at least. */
#define STRIP_PART 5
#define STRIP_MIN_TILES 3
/* With gaps above a 32nd of the short side, 7 x 7 tiles on the smallest canvas would have no pixels. */
#define GAP_MAX_PART 32

typedef struct {
  guint w, h; /* px, even */
} Size;

typedef struct {
  Size canvas;
  guint gap; /* px, even */
} Frame;

typedef struct {
  bool is_below; /* the large tile, not at its right */
  Size large;
  Size tile;
  guint n_tiles;
} Stage;

static guint
even_down (guint px)
{
  return px & ~1u;
}

static guint
even_nearest (double px, guint max_px)
{
  return CLAMP (2 * (guint) floor (px / 2 + 0.5), 2, even_down (max_px));
}

static Frame
frame_of (const MxrLayoutRules *rules)
{
  Frame frame = { { even_down (rules->width_px), even_down (rules->height_px) }, 0 };
  frame.gap = even_down (MIN (rules->gap_px, MIN (frame.canvas.w, frame.canvas.h) / GAP_MAX_PART));
  return frame;
}

static double
usable_aspect (float aspect)
{
  if (!isfinite (aspect) || aspect <= 0)
    return 0;
  if (fabs (aspect - DEFAULT_ASPECT) <= SAME_ASPECT * DEFAULT_ASPECT)
    return DEFAULT_ASPECT;
  return CLAMP ((double) aspect, MIN_ASPECT, MAX_ASPECT);
}

/* Screens do not count: they come in all shapes, and the one that matters has its own tile. */
static double
common_aspect (const MxrLayoutPerson *people, guint n)
{
  double common = 0;
  for (guint i = 0; i < n; i++) {
    double aspect = people[i].is_sharing ? 0 : usable_aspect (people[i].aspect);
    if (aspect == 0)
      continue;
    if (common != 0 && fabs (aspect - common) > SAME_ASPECT * common)
      return DEFAULT_ASPECT;
    if (common == 0)
      common = aspect;
  }
  return common != 0 ? common : DEFAULT_ASPECT;
}

/* Largest size of @aspect within @max_w x @max_h, both at least 2. */
static Size
fit (guint max_w, guint max_h, double aspect)
{
  double w = MIN ((double) max_w, max_h * aspect);
  return (Size){ even_nearest (w, max_w), even_nearest (w / aspect, max_h) };
}

static guint
area (Size size)
{
  return size.w * size.h;
}

/* ---- Grid ---- */

typedef struct {
  guint columns, rows;
  Size tile;
} Grid;

/* Largest pictures first, then fewest empty places; two on a wide canvas stand side by side. */
static bool
is_better_grid (const Frame *frame, const Grid *a, const Grid *b)
{
  if (area (a->tile) != area (b->tile))
    return area (a->tile) > area (b->tile);
  guint places_a = a->columns * a->rows, places_b = b->columns * b->rows;
  if (places_a != places_b)
    return places_a < places_b;
  return frame->canvas.w >= frame->canvas.h && a->columns > b->columns;
}

/* A row that would stay empty cannot come up: the rows follow from the columns. */
static Grid
choose_grid (const Frame *frame, guint n, double aspect)
{
  Grid best = { 0 };
  for (guint columns = 1; columns <= n; columns++) {
    guint rows = (n + columns - 1) / columns;
    guint gaps_w = frame->gap * (columns - 1), gaps_h = frame->gap * (rows - 1);
    if (frame->canvas.w < gaps_w + 2 * columns || frame->canvas.h < gaps_h + 2 * rows)
      continue;
    Grid grid = { columns, rows,
                  fit ((frame->canvas.w - gaps_w) / columns, (frame->canvas.h - gaps_h) / rows, aspect) };
    if (is_better_grid (frame, &grid, &best))
      best = grid;
  }
  return best;
}

/* First coordinate of @n things of @size with gaps, centred on @total. */
static guint
centre (guint total, guint n, guint size, guint gap)
{
  return even_down ((total - (n * size + (n - 1) * gap)) / 2);
}

static guint
arrange_grid (const Frame *frame, const MxrLayoutPerson *people, guint n, MxrLayoutTile *out_tiles)
{
  Grid grid = choose_grid (frame, n, common_aspect (people, n));
  guint top = centre (frame->canvas.h, grid.rows, grid.tile.h, frame->gap);

  for (guint i = 0; i < n; i++) {
    guint row = i / grid.columns, column = i % grid.columns;
    guint in_row = MIN (grid.columns, n - row * grid.columns);
    guint left = centre (frame->canvas.w, in_row, grid.tile.w, frame->gap);
    out_tiles[i] = (MxrLayoutTile){
      .key = people[i].key,
      .x = left + column * (grid.tile.w + frame->gap),
      .y = top + row * (grid.tile.h + frame->gap),
      .w = grid.tile.w,
      .h = grid.tile.h,
    };
  }
  return n;
}

/* ---- One large tile and a strip ---- */

static Stage
plan_stage (const Frame *frame, bool is_below, guint max_tiles, double large_aspect, double tile_aspect)
{
  const guint gaps = (STRIP_MIN_TILES - 1) * frame->gap;
  Size canvas = frame->canvas;
  Stage stage = { .is_below = is_below };

  if (max_tiles == 0) {
    stage.large = fit (canvas.w, canvas.h, large_aspect);
    return stage;
  }
  if (is_below) {
    stage.tile = fit ((canvas.w - gaps) / STRIP_MIN_TILES, canvas.h / STRIP_PART, tile_aspect);
    stage.n_tiles = MIN (max_tiles, (canvas.w + frame->gap) / (stage.tile.w + frame->gap));
    stage.large = fit (canvas.w, canvas.h - stage.tile.h - frame->gap, large_aspect);
  } else {
    stage.tile = fit (canvas.w / STRIP_PART, (canvas.h - gaps) / STRIP_MIN_TILES, tile_aspect);
    stage.n_tiles = MIN (max_tiles, (canvas.h + frame->gap) / (stage.tile.h + frame->gap));
    stage.large = fit (canvas.w - stage.tile.w - frame->gap, canvas.h, large_aspect);
  }
  return stage;
}

/* Large tile and strip together stand in the middle of the canvas. */
static void
place_stage (const Frame *frame, const Stage *stage, const guint32 *keys, MxrLayoutTile *out_tiles)
{
  Size canvas = frame->canvas;
  guint strip_w = stage->n_tiles > 0 ? stage->tile.w + frame->gap : 0;
  guint strip_h = stage->n_tiles > 0 ? stage->tile.h + frame->gap : 0;
  guint x = even_down ((canvas.w - stage->large.w - (stage->is_below ? 0 : strip_w)) / 2);
  guint y = even_down ((canvas.h - stage->large.h - (stage->is_below ? strip_h : 0)) / 2);

  out_tiles[0] = (MxrLayoutTile){ .key = keys[0], .x = x, .y = y, .w = stage->large.w, .h = stage->large.h };
  for (guint i = 0; i < stage->n_tiles; i++) {
    MxrLayoutTile *tile = &out_tiles[i + 1];
    *tile = (MxrLayoutTile){ .key = keys[i + 1], .w = stage->tile.w, .h = stage->tile.h };
    if (stage->is_below) {
      tile->x = centre (canvas.w, stage->n_tiles, tile->w, frame->gap) + i * (tile->w + frame->gap);
      tile->y = y + stage->large.h + frame->gap;
    } else {
      tile->x = x + stage->large.w + frame->gap;
      tile->y = centre (canvas.h, stage->n_tiles, tile->h, frame->gap) + i * (tile->h + frame->gap);
    }
  }
}

static bool
is_important (const MxrLayoutRules *rules, const MxrLayoutPerson *person)
{
  return person->is_pinned || person->is_sharing || person->key == rules->speaker;
}

/* Who is in the strip: the important ones before the others, but all in the caller's order, so that becoming
 * important moves nobody who is in it anyway. */
static void
choose_strip (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n, guint large, guint n_strip,
              guint32 *out_keys)
{
  guint n_important = 0;
  for (guint i = 0; i < n && n_important < n_strip; i++)
    n_important += i != large && is_important (rules, &people[i]);

  guint n_chosen = 0, n_others = n_strip - n_important;
  for (guint i = 0; i < n && n_chosen < n_strip; i++) {
    if (i == large)
      continue;
    guint *left = is_important (rules, &people[i]) ? &n_important : &n_others;
    if (*left == 0)
      continue;
    *left -= 1;
    out_keys[n_chosen++] = people[i].key;
  }
}

/* Lets those who had a place in the last strip keep it; the others take what is free, in order. */
static void
keep_places (const MxrLayoutRules *rules, guint n_strip, guint32 *keys)
{
  const MxrLayoutTile *old = rules->previous;
  guint32 chosen[MXR_TILES_MAX];
  bool is_kept[MXR_TILES_MAX] = { false }, is_taken[MXR_TILES_MAX] = { false };

  if (old == NULL || rules->n_previous < 2 || old[0].w * old[0].h <= old[1].w * old[1].h)
    return; /* there was no strip */
  for (guint i = 0; i < n_strip; i++)
    chosen[i] = keys[i];
  for (guint place = 0; place < n_strip && place + 1 < rules->n_previous; place++)
    for (guint i = 0; i < n_strip; i++)
      if (chosen[i] == old[place + 1].key) {
        keys[place] = chosen[i];
        is_kept[i] = is_taken[place] = true;
      }
  for (guint i = 0, place = 0; i < n_strip; i++) {
    if (is_kept[i])
      continue;
    while (is_taken[place])
      place++;
    keys[place++] = chosen[i];
  }
}

static guint
find_large (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n, bool is_share)
{
  guint sharing = n, speaker = n;
  for (guint i = n; i-- > 0;) {
    if (people[i].is_sharing)
      sharing = i;
    if (people[i].key == rules->speaker)
      speaker = i;
  }
  for (guint i = 0; i < n; i++)
    if (people[i].is_pinned)
      return i;
  if (is_share && sharing < n)
    return sharing;
  return speaker < n ? speaker : 0;
}

static guint
arrange_stage (const MxrLayoutRules *rules, const Frame *frame, const MxrLayoutPerson *people, guint n,
               bool is_share, MxrLayoutTile *out_tiles, guint max_tiles)
{
  guint32 keys[MXR_TILES_MAX];
  guint large = find_large (rules, people, n, is_share);
  guint max_strip = MIN (n, max_tiles) - 1;
  if (rules->strip_max > 0)
    max_strip = MIN (max_strip, rules->strip_max);

  double tile_aspect = common_aspect (people, n);
  double own_aspect = people[large].is_sharing ? usable_aspect (people[large].aspect) : tile_aspect;
  double large_aspect = own_aspect != 0 ? own_aspect : DEFAULT_ASPECT;
  Stage below = plan_stage (frame, true, max_strip, large_aspect, tile_aspect);
  Stage right = plan_stage (frame, false, max_strip, large_aspect, tile_aspect);
  const Stage *stage = area (right.large) > area (below.large) ? &right : &below;

  keys[0] = people[large].key;
  choose_strip (rules, people, n, large, stage->n_tiles, keys + 1);
  keep_places (rules, stage->n_tiles, keys + 1);
  place_stage (frame, stage, keys, out_tiles);
  return stage->n_tiles + 1;
}

static MxrLayoutKind
choose_kind (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n)
{
  bool is_pinned = false;
  if (rules->kind != MXR_LAYOUT_AUTO)
    return rules->kind;
  for (guint i = 0; i < n; i++) {
    if (people[i].is_sharing)
      return MXR_LAYOUT_SHARE;
    is_pinned |= people[i].is_pinned;
  }
  return is_pinned || n > rules->grid_max ? MXR_LAYOUT_SPEAKER : MXR_LAYOUT_GRID;
}

guint
mxr_layout_arrange (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n,
                    MxrLayoutTile *out_tiles, guint max_tiles)
{
  g_return_val_if_fail (rules->width_px >= MXR_CANVAS_MIN_PX && rules->width_px <= MXR_CANVAS_MAX_PX, 0);
  g_return_val_if_fail (rules->height_px >= MXR_CANVAS_MIN_PX && rules->height_px <= MXR_CANVAS_MAX_PX, 0);

  Frame frame = frame_of (rules);
  max_tiles = MIN (max_tiles, MXR_TILES_MAX);
  if (n == 0 || max_tiles == 0)
    return 0;
  MxrLayoutKind kind = choose_kind (rules, people, n);
  if (kind == MXR_LAYOUT_GRID)
    return arrange_grid (&frame, people, MIN (n, max_tiles), out_tiles);
  return arrange_stage (rules, &frame, people, n, kind == MXR_LAYOUT_SHARE, out_tiles, max_tiles);
}
