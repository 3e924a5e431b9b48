#include "tilemix-view.h"

#include "tilemix-paint.h"

#include <string.h>

/* Canvases a view may have. Two or three are in use with a live encoder; one that looks ahead (x264enc's
 * default is 40 frames) holds as many and would stall for ever if it got no more. */
#define CANVASES_MAX 64
/* A canvas beyond the second that was not used for so many pictures is given back. */
#define CANVAS_IDLE_PICTURES 90
/* A wake-up for the clock comes so much after its second has begun rather than just before. */
#define CLOCK_SLACK_NS (5 * GST_MSECOND)

typedef enum {
  CONTENT_NONE,   /* no such input: what is behind shows */
  CONTENT_COLOUR, /* an avatar that waits for its turn to be drawn */
  CONTENT_AVATAR,
  CONTENT_PICTURE,
} ContentKind;

/* What a tile shows. Equal contents in tiles of equal size and background have equal pixels. */
typedef struct {
  ContentKind kind;
  MxrTileMixLabels label;
  MxrInsets insets; /* of the label */
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
  MxrUnder under[MXR_N_OVERLAYS];
} Canvas;

struct _MxrView {
  MxrViewConfig config;
  GstVideoInfo info;
  MxrDress dress;
  MxrGround ground;
  guint64 layout; /* stamp: a canvas with another one is drawn from nothing */
  guint n_tiles;
  Tile tiles[MXR_TILES_MAX];
  GPtrArray *canvases;    /* Canvas */
  Canvas *latest;         /* (nullable): the one pushed last */
  guint64 n_pictures;     /* pushed */
  GstClockTime pushed_ns; /* when the last one was */
  GstClockTime clock_ns;  /* when the clock shows another second */
  guint64 frame_index;    /* on the view's own grid, of the frame shown last */
  bool has_frame_index;
  bool is_asked; /* for a picture, changed or not */
};

/* ---- Canvases --------------------------------------------------------------------------------------- */

static void
canvas_free (gpointer data)
{
  Canvas *canvas = data;

  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    mxr_under_clear (&canvas->under[i]);
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

MxrViewConfig
mxr_view_config_copy (const MxrViewConfig *config)
{
  if (config->layout != NULL)
    g_atomic_rc_box_acquire (config->layout);
  if (config->look != NULL)
    g_atomic_rc_box_acquire (config->look);
  return *config;
}

void
mxr_view_config_clear (MxrViewConfig *config)
{
  g_clear_pointer (&config->layout, mxr_tile_list_unref);
  g_clear_pointer (&config->look, mxr_look_unref);
}

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
  mxr_view_config_clear (&view->config);
  mxr_dress_clear (&view->dress);
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
  view->layout++;
}

bool
mxr_view_configure (MxrView *view, const MxrViewConfig *config)
{
  if (config->serial == view->config.serial)
    return false;
  bool resized = config->width != view->config.width || config->height != view->config.height;
  bool changed = resized || config->rate_n != view->config.rate_n || config->rate_d != view->config.rate_d;

  mxr_view_config_clear (&view->config);
  view->config = mxr_view_config_copy (config);
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
content_of (const MxrView *view, const MxrSource *source, const Tile *tile)
{
  Content content = { .kind = CONTENT_NONE };

  if (source == NULL)
    return content;
  content.kind = source->has_picture ? CONTENT_PICTURE : CONTENT_AVATAR;
  content.source_id = source->id;
  content.serial = source->has_picture ? source->frame.serial : 0;
  if (*source->title != '\0' && mxr_label_fits (&tile->rect))
    content.label = view->config.labels;
  if (content.label != MXR_TILEMIX_LABELS_NONE)
    content.insets = mxr_dress_get_insets (&view->dress, &tile->rect);
  if (content.label != MXR_TILEMIX_LABELS_NONE || !source->has_picture)
    content.title_serial = source->title_serial;
  return content;
}

static bool
content_equal (const Content *a, const Content *b)
{
  return a->kind == b->kind && a->label == b->label && a->title_serial == b->title_serial &&
         a->source_id == b->source_id && a->serial == b->serial && mxr_insets_equal (&a->insets, &b->insets);
}

static void
update_wanted (MxrView *view, const MxrComposer *composer)
{
  for (guint i = 0; i < view->n_tiles; i++) {
    Tile *tile = &view->tiles[i];
    Content wanted = content_of (view, find_source (composer, tile->sink), tile);
    /* What was behind a tile that goes away is on no canvas. */
    if (wanted.kind == CONTENT_NONE && tile->wanted.kind != CONTENT_NONE)
      view->layout++;
    tile->wanted = wanted;
  }
}

static void
update_dress (MxrView *view, MxrComposer *composer)
{
  MxrDress *dress = &view->dress;

  mxr_dress_fit (dress, view->config.look, view->config.width, view->config.height, &composer->scratch);
  mxr_dress_set_time (dress, composer->wall_us, composer->images);
  view->ground = (MxrGround){ mxr_colour_from_rgb (view->config.background), dress->backdrop };
  view->clock_ns = GST_CLOCK_TIME_NONE;
  if (mxr_dress_has_clock (dress))
    view->clock_ns = composer->now_ns + CLOCK_SLACK_NS +
                     (guint64) (G_USEC_PER_SEC - composer->wall_us % G_USEC_PER_SEC) * GST_USECOND;
}

static bool
is_current (const MxrView *view, const Canvas *canvas)
{
  if (canvas->layout != view->layout)
    return false;
  for (guint i = 0; i < view->n_tiles; i++)
    if (!content_equal (&canvas->drawn[i], &view->tiles[i].wanted))
      return false;
  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    if (canvas->under[i].serial != view->dress.overlays[i].serial)
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
  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    mxr_under_patch (&canvas->under[i], rect, to);
  return true;
}

/* Where bars show a part of a picture, equal contents at two places are not equal. */
static bool
has_equal_ground (const MxrView *view, const MxrRect *a, const MxrRect *b)
{
  return view->ground.picture.data[0] == NULL || (a->x == b->x && a->y == b->y);
}

/* The place on @canvas where what @tile wants stands already, in the same size and not hidden by another tile. */
static const MxrRect *
find_drawn (const MxrView *view, const Canvas *canvas, const Tile *tile)
{
  if (canvas->layout != view->layout)
    return NULL;
  for (guint i = 0; i < view->n_tiles; i++) {
    const Tile *other = &view->tiles[i];
    if (content_equal (&canvas->drawn[i], &tile->wanted) && other->rect.w == tile->rect.w &&
        other->rect.h == tile->rect.h && !other->covered && has_equal_ground (view, &other->rect, &tile->rect))
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
    if (other->config.background != view->config.background ||
        other->ground.picture.data[0] != view->ground.picture.data[0])
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

static bool
draw_avatar (MxrComposer *composer, const char *title, const MxrPicture *to)
{
  guint budget = composer->image_budget;
  bool is_drawn = mxr_paint_avatar (composer->images, title, to, &composer->image_budget);

  composer->stats.n_avatars += budget - composer->image_budget;
  return is_drawn;
}

static bool
draw_label (MxrComposer *composer, const char *title, const Tile *tile, const MxrPicture *canvas)
{
  guint budget = composer->image_budget;
  bool is_drawn = mxr_paint_label (composer->images, title, tile->wanted.label, &tile->wanted.insets, &tile->rect, canvas,
                                   &composer->image_budget);

  composer->stats.n_labels += budget - composer->image_budget;
  return is_drawn;
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
    composer->stats.n_scaled +=
        mxr_paint_frame (&source->frame, &view->ground, &tile->rect, picture, &composer->scratch);
  } else if (!draw_avatar (composer, source->title, &to)) {
    drawn.kind = CONTENT_COLOUR;
  }
  if (drawn.label != MXR_TILEMIX_LABELS_NONE && !draw_label (composer, source->title, tile, picture))
    drawn.label = MXR_TILEMIX_LABELS_NONE;
  return drawn;
}

/* Painter's algorithm, from the back: what is redrawn takes everything in front of it along. Returns: whether there is
 * something. */
static bool
find_dirty (const MxrView *view, const Canvas *canvas, bool *out_dirty)
{
  bool any = false;

  for (guint i = 0; i < view->n_tiles; i++) {
    const Tile *tile = &view->tiles[i];
    out_dirty[i] = !content_equal (&canvas->drawn[i], &tile->wanted);
    for (guint below = 0; below < i && !out_dirty[i]; below++)
      out_dirty[i] = out_dirty[below] && mxr_rect_intersects (&view->tiles[below].rect, &tile->rect);
    any |= out_dirty[i];
  }
  return any;
}

/* Overlays go where they change, and where a tile below them is drawn. */
static void
lift_overlays (const MxrView *view, Canvas *canvas, const MxrPicture *picture, const bool *dirty)
{
  for (guint i = 0; i < MXR_N_OVERLAYS; i++) {
    MxrUnder *under = &canvas->under[i];
    bool goes = under->serial != view->dress.overlays[i].serial;
    for (guint k = 0; k < view->n_tiles && !goes; k++)
      goes = dirty[k] && mxr_rect_intersects (&view->tiles[k].rect, &under->rect);
    if (goes && under->serial != 0)
      mxr_overlay_lift (under, picture);
  }
}

static void
lay_overlays (const MxrView *view, Canvas *canvas, const MxrPicture *picture)
{
  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    if (canvas->under[i].serial != view->dress.overlays[i].serial)
      mxr_overlay_lay (&view->dress.overlays[i], &canvas->under[i], picture);
}

static void
clear_canvas (const MxrView *view, Canvas *canvas, const MxrPicture *picture)
{
  const MxrRect all = { 0, 0, view->config.width, view->config.height };

  mxr_ground_fill (&view->ground, picture, &all);
  memset (canvas->drawn, 0, sizeof canvas->drawn);
  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    canvas->under[i].serial = 0;
  canvas->layout = view->layout;
}

static bool
draw_canvas (const MxrView *view, MxrComposer *composer, Canvas *canvas)
{
  bool dirty[MXR_TILES_MAX] = { false }, is_new = canvas->layout != view->layout;
  GstMapInfo map;

  if (!gst_buffer_map (canvas->buffer, &map, GST_MAP_READWRITE))
    return false;
  MxrPicture picture = mxr_picture_from_memory (map.data, &view->info);
  if (is_new)
    clear_canvas (view, canvas, &picture);
  composer->stats.n_overlaid += !find_dirty (view, canvas, dirty) && !is_new;
  lift_overlays (view, canvas, &picture, dirty);
  for (guint i = 0; i < view->n_tiles; i++)
    if (dirty[i])
      canvas->drawn[i] = draw_tile (view, composer, canvas, &picture, &view->tiles[i]);
  lay_overlays (view, canvas, &picture);
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
  update_dress (view, composer);
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
  return may_wait ? MIN (view->pushed_ns + idle_ns, view->clock_ns) : 0;
}
