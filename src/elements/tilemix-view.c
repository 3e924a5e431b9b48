#include "tilemix-view.h"

#include "avatar.h"
#include "label.h"

#include <string.h>

/* Canvases a view may have. Two or three are in use with a live encoder; one that looks ahead (x264enc's
 * default is 40 frames) holds as many and would stall for ever if it got no more. */
#define CANVASES_MAX 64
/* A canvas beyond the second that was not used for so many pictures is given back. */
#define CANVAS_IDLE_PICTURES 90

typedef enum {
  CONTENT_NONE,   /* no such input: what is behind shows */
  CONTENT_COLOUR, /* an avatar that waits for its turn to be drawn */
  CONTENT_AVATAR,
  CONTENT_PICTURE,
} ContentKind;

/* What a tile shows. Equal contents in tiles of equal size and background have equal pixels. */
typedef struct {
  ContentKind kind;
  bool labelled;
  guint title_serial; /* 0 where no title shows */
  guint64 source_id;
  guint64 serial; /* of the frame */
} Content;

typedef struct {
  MxrRect rect; /* cut to the canvas */
  guint sink;
  bool covered; /* a tile in front of it overlaps */
  Content wanted;
} Tile;

typedef struct {
  GstBuffer *buffer;
  guint64 layout; /* the view's layout stamp when it was cleared; 0: never */
  guint64 used;   /* the view's count of pictures when it was pushed last */
  Content drawn[MXR_TILES_MAX];
} Canvas;

struct _MxrView {
  MxrViewConfig config;
  GstVideoInfo info;
  MxrColour background;
  guint64 layout; /* stamp: a canvas with another one is drawn from nothing */
  guint n_tiles;
  Tile tiles[MXR_TILES_MAX];
  GPtrArray *canvases;    /* Canvas */
  Canvas *latest;         /* (nullable): the one pushed last */
  guint64 n_pictures;     /* pushed */
  GstClockTime pushed_ns; /* when the last one was */
  guint64 frame_index;    /* on the view's own grid, of the frame shown last */
  bool has_frame_index;
  bool is_asked; /* for a picture, changed or not */
};

/* ---- Canvases --------------------------------------------------------------------------------------- */

static void
canvas_free (gpointer data)
{
  Canvas *canvas = data;
  gst_buffer_unref (canvas->buffer);
  g_free (canvas);
}

/* Pushed pictures share the canvas's memory; when the last of them is gone the memory is ours alone again. */
static bool
canvas_is_free (const Canvas *canvas)
{
  return gst_buffer_is_writable (canvas->buffer) && gst_buffer_is_all_memory_writable (canvas->buffer);
}

static Canvas *
canvas_new (MxrView *view)
{
  Canvas *canvas = g_new0 (Canvas, 1);
  canvas->buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&view->info), NULL);
  g_ptr_array_add (view->canvases, canvas);
  return canvas;
}

/* The free canvas pushed last, since it lags behind by the fewest tiles. */
static Canvas *
take_canvas (MxrView *view)
{
  Canvas *best = NULL;

  for (guint i = 0; i < view->canvases->len; i++) {
    Canvas *canvas = g_ptr_array_index (view->canvases, i);
    if (canvas_is_free (canvas) && (best == NULL || canvas->used > best->used))
      best = canvas;
  }
  if (best == NULL && view->canvases->len < CANVASES_MAX)
    best = canvas_new (view);
  return best;
}

static void
drop_idle_canvas (MxrView *view)
{
  for (guint i = 0; i < view->canvases->len && view->canvases->len > 2; i++) {
    Canvas *canvas = g_ptr_array_index (view->canvases, i);
    if (canvas != view->latest && canvas->used + CANVAS_IDLE_PICTURES < view->n_pictures) {
      g_ptr_array_remove_index_fast (view->canvases, i);
      return;
    }
  }
}

/* ---- Configuration ---------------------------------------------------------------------------------- */

MxrView *
mxr_view_new (void)
{
  MxrView *view = g_new0 (MxrView, 1);
  view->canvases = g_ptr_array_new_with_free_func (canvas_free);
  return view;
}

void
mxr_view_reset (MxrView *view)
{
  view->latest = NULL;
  g_ptr_array_set_size (view->canvases, 0);
  view->has_frame_index = false;
  view->layout++;
}

void
mxr_view_free (MxrView *view)
{
  g_ptr_array_unref (view->canvases);
  g_clear_pointer (&view->config.layout, mxr_tile_list_unref);
  g_free (view);
}

static void
lay_out (MxrView *view)
{
  const MxrTileList *list = view->config.layout;

  view->n_tiles = 0;
  for (guint i = 0; list != NULL && i < list->n_tiles; i++) {
    Tile *tile = &view->tiles[view->n_tiles];
    *tile = (Tile){ .sink = list->tiles[i].sink };
    if (!mxr_tile_cut_to_canvas (&list->tiles[i], view->config.width, view->config.height, &tile->rect))
      continue;
    for (guint below = 0; below < view->n_tiles; below++)
      if (mxr_rect_intersects (&view->tiles[below].rect, &tile->rect))
        view->tiles[below].covered = true;
    view->n_tiles++;
  }
  view->background = mxr_colour_from_rgb (view->config.background);
  view->layout++;
}

bool
mxr_view_configure (MxrView *view, const MxrViewConfig *config)
{
  if (config->serial == view->config.serial)
    return false;
  bool resized = config->width != view->config.width || config->height != view->config.height;
  bool changed = resized || config->rate_n != view->config.rate_n || config->rate_d != view->config.rate_d;

  g_clear_pointer (&view->config.layout, mxr_tile_list_unref);
  view->config = *config;
  if (config->layout != NULL)
    g_atomic_rc_box_acquire (config->layout);
  if (changed)
    mxr_view_reset (view);
  if (resized)
    gst_video_info_set_format (&view->info, GST_VIDEO_FORMAT_I420, config->width, config->height);
  lay_out (view);
  return changed;
}

/* Exact, in ticks and not in nanoseconds: every second tick of 30 begins a frame of 15. */
static guint64
frame_index (const MxrView *view, guint64 index, guint tick_n, guint tick_d)
{
  return gst_util_uint64_scale (index, (guint64) view->config.rate_n * tick_d,
                                (guint64) view->config.rate_d * tick_n);
}

bool
mxr_view_begin_frame (MxrView *view, guint64 index, guint tick_n, guint tick_d)
{
  guint64 mine = frame_index (view, index, tick_n, tick_d);
  bool due = !view->has_frame_index || mine != view->frame_index || view->is_asked;

  view->frame_index = mine;
  view->has_frame_index = true;
  return due;
}

/* ---- What the tiles are to show --------------------------------------------------------------------- */

static MxrSource *
find_source (const MxrComposer *composer, guint index)
{
  for (guint i = 0; i < composer->sources->len; i++) {
    MxrSource *source = &g_array_index (composer->sources, MxrSource, i);
    if (source->index == index)
      return source;
  }
  return NULL;
}

static Content
content_of (const MxrSource *source, const Tile *tile, bool labels)
{
  Content content = { .kind = CONTENT_NONE };

  if (source == NULL)
    return content;
  content.kind = source->has_picture ? CONTENT_PICTURE : CONTENT_AVATAR;
  content.labelled = labels && *source->title != '\0' && mxr_label_fits (&tile->rect);
  content.source_id = source->id;
  content.serial = source->has_picture ? source->frame.serial : 0;
  content.title_serial = content.labelled || !source->has_picture ? source->title_serial : 0;
  return content;
}

static bool
content_equal (const Content *a, const Content *b)
{
  return a->kind == b->kind && a->labelled == b->labelled && a->title_serial == b->title_serial &&
         a->source_id == b->source_id && a->serial == b->serial;
}

static void
update_wanted (MxrView *view, const MxrComposer *composer)
{
  for (guint i = 0; i < view->n_tiles; i++) {
    Tile *tile = &view->tiles[i];
    Content wanted = content_of (find_source (composer, tile->sink), tile, view->config.labels);
    /* What was behind a tile that goes away is on no canvas. */
    if (wanted.kind == CONTENT_NONE && tile->wanted.kind != CONTENT_NONE)
      view->layout++;
    tile->wanted = wanted;
  }
}

static bool
is_current (const MxrView *view, const Canvas *canvas)
{
  if (canvas->layout != view->layout)
    return false;
  for (guint i = 0; i < view->n_tiles; i++)
    if (!content_equal (&canvas->drawn[i], &view->tiles[i].wanted))
      return false;
  return true;
}

/* ---- Drawing ---------------------------------------------------------------------------------------- */

static bool
copy_from_canvas (const MxrView *view, const Canvas *canvas, const MxrRect *rect, const MxrPicture *to)
{
  GstMapInfo map;

  if (!gst_buffer_map (canvas->buffer, &map, GST_MAP_READ))
    return false;
  MxrPicture whole = mxr_picture_from_memory (map.data, &view->info);
  MxrPicture from = mxr_picture_region (&whole, rect);
  mxr_picture_copy (&from, to);
  gst_buffer_unmap (canvas->buffer, &map);
  return true;
}

/* The place on @canvas where what @tile wants stands already, in the same size and not hidden. */
static const MxrRect *
find_drawn (const MxrView *view, const Canvas *canvas, const Tile *tile)
{
  if (canvas->layout != view->layout)
    return NULL;
  for (guint i = 0; i < view->n_tiles; i++) {
    const Tile *other = &view->tiles[i];
    if (content_equal (&canvas->drawn[i], &tile->wanted) && other->rect.w == tile->rect.w &&
        other->rect.h == tile->rect.h && !other->covered)
      return &other->rect;
  }
  return NULL;
}

/* Each frame is scaled to each size once: other views, and this view's other canvases, copy. */
static bool
copy_drawn (const MxrView *view, const MxrComposer *composer, const Canvas *canvas, const Tile *tile,
            const MxrPicture *to)
{
  for (guint i = 0; i < composer->views->len; i++) {
    const MxrView *other = g_ptr_array_index (composer->views, i);
    if (other->config.background != view->config.background)
      continue;
    for (guint k = 0; k < other->canvases->len; k++) {
      const Canvas *drawn = g_ptr_array_index (other->canvases, k);
      const MxrRect *rect = drawn != canvas ? find_drawn (other, drawn, tile) : NULL;
      if (rect != NULL)
        return copy_from_canvas (other, drawn, rect, to);
    }
  }
  return false;
}

static void
fill_part (const MxrPicture *picture, int x, int y, int w, int h, MxrColour colour)
{
  const MxrRect rect = { x, y, w, h };
  MxrPicture part = mxr_picture_region (picture, &rect);
  mxr_picture_fill (&part, colour);
}

/* All of @tile but @picture, which is as wide or as high as the tile. */
static void
fill_bars (const MxrPicture *canvas, const MxrRect *tile, const MxrRect *picture, MxrColour colour)
{
  int right = picture->x + picture->w, below = picture->y + picture->h;

  fill_part (canvas, tile->x, tile->y, picture->x - tile->x, tile->h, colour);
  fill_part (canvas, right, tile->y, tile->x + tile->w - right, tile->h, colour);
  fill_part (canvas, tile->x, tile->y, tile->w, picture->y - tile->y, colour);
  fill_part (canvas, tile->x, below, tile->w, tile->y + tile->h - below, colour);
}

static void
draw_frame (const MxrView *view, MxrComposer *composer, const MxrFrame *frame, const MxrRect *tile,
            const MxrPicture *canvas)
{
  GstVideoFrame map;
  MxrFit fit;

  if (!gst_video_frame_map (&map, &frame->info, frame->buffer, GST_MAP_READ)) {
    fill_part (canvas, tile->x, tile->y, tile->w, tile->h, view->background); /* shorter than its caps say */
    return;
  }
  mxr_tile_fit (GST_VIDEO_INFO_WIDTH (&frame->info), GST_VIDEO_INFO_HEIGHT (&frame->info),
                GST_VIDEO_INFO_PAR_N (&frame->info), GST_VIDEO_INFO_PAR_D (&frame->info), frame->orientation,
                tile, &fit);
  fill_bars (canvas, tile, &fit.picture, view->background);
  MxrPicture source = mxr_picture_from_frame (&map);
  MxrPicture from = mxr_picture_region (&source, &fit.crop);
  MxrPicture to = mxr_picture_region (canvas, &fit.picture);
  mxr_picture_draw (&from, frame->orientation, &to, &composer->scratch);
  gst_video_frame_unmap (&map);
  composer->stats.n_scaled++;
}

/* Returns: false when only the colour was drawn, since enough text was drawn in this tick. */
static bool
draw_avatar (MxrComposer *composer, const char *title, const MxrPicture *to)
{
  guint budget = composer->image_budget;
  const MxrImage *image =
      mxr_image_cache_get (composer->images, mxr_avatar_draw, title, to->w, to->h, &composer->image_budget);

  composer->stats.n_avatars += budget - composer->image_budget;
  if (image == NULL) {
    mxr_picture_fill (to, mxr_colour_from_rgb (mxr_avatar_colour (title)));
    return false;
  }
  mxr_picture_copy (&image->picture, to);
  return true;
}

static bool
draw_label (MxrComposer *composer, const char *title, const MxrRect *tile, const MxrPicture *canvas)
{
  guint budget = composer->image_budget;
  const MxrImage *image = mxr_image_cache_get (composer->images, mxr_label_draw, title, tile->w, tile->h,
                                               &composer->image_budget);
  MxrRect place;

  composer->stats.n_labels += budget - composer->image_budget;
  if (image == NULL)
    return false;
  if (mxr_label_place (tile, image, &place)) {
    MxrPicture to = mxr_picture_region (canvas, &place);
    mxr_picture_blend (&image->picture, image->alpha, &to);
  }
  return true;
}

/* Returns: what the tile shows now; less than it should where the text has to wait for the next tick. */
static Content
draw_tile (const MxrView *view, MxrComposer *composer, const Canvas *canvas, const MxrPicture *picture,
           const Tile *tile)
{
  MxrSource *source = find_source (composer, tile->sink);
  MxrPicture to = mxr_picture_region (picture, &tile->rect);
  Content drawn = tile->wanted;

  if (source == NULL)
    return drawn;
  if (drawn.kind == CONTENT_PICTURE) {
    source->shown = true;
    if (copy_drawn (view, composer, canvas, tile, &to)) {
      composer->stats.n_copied++;
      return drawn;
    }
    draw_frame (view, composer, &source->frame, &tile->rect, picture);
  } else if (!draw_avatar (composer, source->title, &to)) {
    drawn.kind = CONTENT_COLOUR;
  }
  if (drawn.labelled)
    drawn.labelled = draw_label (composer, source->title, &tile->rect, picture);
  return drawn;
}

/* Painter's algorithm, from the back: what is redrawn takes everything in front of it along. */
static void
draw_tiles (const MxrView *view, MxrComposer *composer, Canvas *canvas, const MxrPicture *picture)
{
  bool dirty[MXR_TILES_MAX] = { false };

  for (guint i = 0; i < view->n_tiles; i++) {
    const Tile *tile = &view->tiles[i];
    dirty[i] = !content_equal (&canvas->drawn[i], &tile->wanted);
    for (guint below = 0; below < i && !dirty[i]; below++)
      dirty[i] = dirty[below] && mxr_rect_intersects (&view->tiles[below].rect, &tile->rect);
    if (dirty[i])
      canvas->drawn[i] = draw_tile (view, composer, canvas, picture, tile);
  }
}

static bool
draw_canvas (const MxrView *view, MxrComposer *composer, Canvas *canvas)
{
  GstMapInfo map;

  if (!gst_buffer_map (canvas->buffer, &map, GST_MAP_READWRITE))
    return false;
  MxrPicture picture = mxr_picture_from_memory (map.data, &view->info);
  if (canvas->layout != view->layout) {
    mxr_picture_fill (&picture, view->background);
    memset (canvas->drawn, 0, sizeof canvas->drawn);
    canvas->layout = view->layout;
  }
  draw_tiles (view, composer, canvas, &picture);
  gst_buffer_unmap (canvas->buffer, &map);
  return true;
}

/* ---- Pictures --------------------------------------------------------------------------------------- */

/* A buffer of its own, for the time stamp; the memory is the canvas's. It has no duration: how long the picture stands
 * nobody knows before something changes. libvpx takes durations for the truth, and what is left of the time for a
 * lower frame rate, which it then believes in for a second: 28 pictures a second that each claimed a thirtieth came
 * out at 1.6 times the bitrate asked for. */
static GstBuffer *
picture_of (MxrView *view, Canvas *canvas, GstClockTime now_ns)
{
  GstBuffer *picture = gst_buffer_copy (canvas->buffer);

  GST_BUFFER_PTS (picture) = now_ns;
  GST_BUFFER_DURATION (picture) = GST_CLOCK_TIME_NONE;
  canvas->used = ++view->n_pictures;
  view->latest = canvas;
  view->pushed_ns = now_ns;
  view->is_asked = false;
  return picture;
}

void
mxr_view_ask (MxrView *view)
{
  view->is_asked = true;
}

GstBuffer *
mxr_view_compose (MxrView *view, MxrComposer *composer, GstClockTime idle_ns)
{
  update_wanted (view, composer);
  if (view->latest != NULL && is_current (view, view->latest)) {
    if (!view->is_asked && composer->now_ns < view->pushed_ns + idle_ns) {
      composer->stats.n_skipped++;
      return NULL;
    }
    composer->stats.n_repeated++;
    return picture_of (view, view->latest, composer->now_ns);
  }

  Canvas *canvas = take_canvas (view);
  if (canvas == NULL || !draw_canvas (view, composer, canvas)) {
    composer->stats.n_busy++;
    return NULL;
  }
  composer->stats.n_composed++;
  GstBuffer *picture = picture_of (view, canvas, composer->now_ns);
  drop_idle_canvas (view);
  return picture;
}

GstClockTime
mxr_view_due_ns (const MxrView *view, GstClockTime idle_ns)
{
  bool may_wait = view->latest != NULL && !view->is_asked && is_current (view, view->latest);
  return may_wait ? view->pushed_ns + idle_ns : 0;
}
