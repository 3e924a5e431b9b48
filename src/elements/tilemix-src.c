#include "tilemix-pads.h"

GST_DEBUG_CATEGORY_EXTERN (mxr_tilemix_debug);
#define GST_CAT_DEFAULT mxr_tilemix_debug

#define VIEW_WIDTH_PX 1280
#define VIEW_HEIGHT_PX 720
#define BACKGROUND_RGB 0x101214

G_DEFINE_TYPE (MxrTileSrc, mxr_tile_src, GST_TYPE_PAD)

/* ---- Properties ------------------------------------------------------------------------------------- */

enum {
  SRC_PROP_WIDTH = 1,
  SRC_PROP_HEIGHT,
  SRC_PROP_FRAMERATE,
  SRC_PROP_LABELS,
  SRC_PROP_BACKGROUND,
  SRC_PROP_TILES,
};

static void
set_layout (MxrTileSrc *src, MxrTileList *list)
{
  GST_OBJECT_LOCK (src);
  MxrTileList *old = src->config.layout;
  src->config.layout = list;
  src->config.serial++;
  GST_OBJECT_UNLOCK (src);
  g_clear_pointer (&old, mxr_tile_list_unref);
  mxr_tilemix_wake (GST_PAD (src));
}

void
mxr_tile_src_set_tiles (MxrTileSrc *src, const MxrTile *tiles, guint n_tiles)
{
  set_layout (src, mxr_tile_list_new (tiles, n_tiles));
}

void
mxr_tile_src_set_look (MxrTileSrc *src, const MxrTileMixLook *look)
{
  MxrLook *mine = mxr_look_new (look);

  GST_OBJECT_LOCK (src);
  MxrLook *old = src->config.look;
  src->config.look = mine;
  src->config.labels = look->labels;
  src->config.background = look->background;
  src->config.serial++;
  GST_OBJECT_UNLOCK (src);
  g_clear_pointer (&old, mxr_look_unref);
  mxr_tilemix_wake (GST_PAD (src));
}

static int
get_number (const GstStructure *structure, const char *field)
{
  int number = 0;
  guint positive;

  if (gst_structure_get_uint (structure, field, &positive))
    return (int) MIN (positive, (guint) G_MAXINT);
  gst_structure_get_int (structure, field, &number);
  return number;
}

static void
set_tiles_value (MxrTileSrc *src, const GValue *value)
{
  MxrTile tiles[MXR_TILES_MAX];
  guint n_tiles = MIN (gst_value_array_get_size (value), MXR_TILES_MAX);

  for (guint i = 0; i < n_tiles; i++) {
    const GstStructure *structure = gst_value_get_structure (gst_value_array_get_value (value, i));
    tiles[i] = (MxrTile){
      .sink = (guint) get_number (structure, "sink"),
      .x = get_number (structure, "x"),
      .y = get_number (structure, "y"),
      .w = get_number (structure, "w"),
      .h = get_number (structure, "h"),
      .z = get_number (structure, "z"),
    };
  }
  mxr_tile_src_set_tiles (src, tiles, n_tiles);
}

static void
get_tiles_value (MxrTileSrc *src, GValue *value)
{
  MxrViewConfig config = mxr_tile_src_get_config (src);

  for (guint i = 0; config.layout != NULL && i < config.layout->n_tiles; i++) {
    const MxrTile *tile = &config.layout->tiles[i];
    GValue element = G_VALUE_INIT;
    g_value_init (&element, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&element,
                        gst_structure_new ("tile", "sink", G_TYPE_UINT, tile->sink, "x", G_TYPE_INT, tile->x,
                                           "y", G_TYPE_INT, tile->y, "w", G_TYPE_INT, tile->w, "h",
                                           G_TYPE_INT, tile->h, "z", G_TYPE_INT, tile->z, NULL));
    gst_value_array_append_and_take_value (value, &element);
  }
  mxr_view_config_clear (&config);
}

static void
mxr_tile_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  MxrTileSrc *src = MXR_TILE_SRC (object);

  if (id == SRC_PROP_TILES) {
    set_tiles_value (src, value);
    return;
  }
  GST_OBJECT_LOCK (src);
  switch (id) {
  case SRC_PROP_WIDTH:
    src->config.width = g_value_get_int (value) & ~1;
    break;
  case SRC_PROP_HEIGHT:
    src->config.height = g_value_get_int (value) & ~1;
    break;
  case SRC_PROP_FRAMERATE:
    src->config.rate_n = gst_value_get_fraction_numerator (value);
    src->config.rate_d = gst_value_get_fraction_denominator (value);
    break;
  case SRC_PROP_LABELS:
    src->config.labels = g_value_get_boolean (value) ? MXR_TILEMIX_LABELS_NAMES : MXR_TILEMIX_LABELS_NONE;
    break;
  default:
    src->config.background = g_value_get_uint (value);
    break;
  }
  src->config.serial++;
  GST_OBJECT_UNLOCK (src);
  mxr_tilemix_wake (GST_PAD (src));
}

static void
mxr_tile_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  MxrTileSrc *src = MXR_TILE_SRC (object);

  if (id == SRC_PROP_TILES) {
    get_tiles_value (src, value);
    return;
  }
  GST_OBJECT_LOCK (src);
  switch (id) {
  case SRC_PROP_WIDTH:
    g_value_set_int (value, src->config.width);
    break;
  case SRC_PROP_HEIGHT:
    g_value_set_int (value, src->config.height);
    break;
  case SRC_PROP_FRAMERATE:
    gst_value_set_fraction (value, src->config.rate_n, src->config.rate_d);
    break;
  case SRC_PROP_LABELS:
    g_value_set_boolean (value, src->config.labels != MXR_TILEMIX_LABELS_NONE);
    break;
  default:
    g_value_set_uint (value, src->config.background);
    break;
  }
  GST_OBJECT_UNLOCK (src);
}

static void
mxr_tile_src_finalize (GObject *object)
{
  MxrTileSrc *src = MXR_TILE_SRC (object);

  mxr_view_free (src->view);
  mxr_view_config_clear (&src->config);
  G_OBJECT_CLASS (mxr_tile_src_parent_class)->finalize (object);
}

static void
mxr_tile_src_class_init (MxrTileSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  GParamSpec *tile = g_param_spec_boxed ("tile", "Tile", "Structure with sink, x, y, w, h (px) and z",
                                         GST_TYPE_STRUCTURE, flags);
  GParamSpec *specs[] = {
    [SRC_PROP_WIDTH] = g_param_spec_int ("width", "Width", "Of the canvas (px); odd ones are rounded down",
                                         MXR_CANVAS_MIN_PX, MXR_CANVAS_MAX_PX, VIEW_WIDTH_PX, flags),
    [SRC_PROP_HEIGHT] = g_param_spec_int ("height", "Height", "Of the canvas (px); odd ones are rounded down",
                                          MXR_CANVAS_MIN_PX, MXR_CANVAS_MAX_PX, VIEW_HEIGHT_PX, flags),
    [SRC_PROP_FRAMERATE] = gst_param_spec_fraction (
        "framerate", "Frame rate", "At most the element's tick-framerate", 1, 100, 240, 1, 30, 1, flags),
    [SRC_PROP_LABELS] = g_param_spec_boolean ("labels", "Labels", "Draw titles into the tiles", FALSE, flags),
    [SRC_PROP_BACKGROUND] =
        g_param_spec_uint ("background", "Background", "Colour behind and beside tiles: 0xRRGGBB", 0,
                           0xffffff, BACKGROUND_RGB, flags),
    [SRC_PROP_TILES] =
        gst_param_spec_array ("tiles", "Tiles", "The layout: what is shown where", tile, flags),
  };

  object_class->set_property = mxr_tile_src_set_property;
  object_class->get_property = mxr_tile_src_get_property;
  object_class->finalize = mxr_tile_src_finalize;
  g_object_class_install_properties (object_class, G_N_ELEMENTS (specs), specs);
}

static void
ask_for_picture (MxrTileSrc *src)
{
  GST_OBJECT_LOCK (src);
  src->is_asked = true;
  GST_OBJECT_UNLOCK (src);
  mxr_tilemix_wake (GST_PAD (src));
}

/* Key frames are the encoder's business, but it makes them of pictures that come. Time is the clock's; there is nothing to
 * seek in. */
static gboolean
on_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  bool taken = GST_EVENT_TYPE (event) != GST_EVENT_SEEK;

  if (gst_video_event_is_force_key_unit (event))
    ask_for_picture (MXR_TILE_SRC (pad));
  gst_event_unref (event);
  return taken;
}

static void
mxr_tile_src_init (MxrTileSrc *src)
{
  src->config.serial = 1;
  src->config.width = VIEW_WIDTH_PX;
  src->config.height = VIEW_HEIGHT_PX;
  src->config.rate_n = 30;
  src->config.rate_d = 1;
  src->config.background = BACKGROUND_RGB;
  src->view = mxr_view_new ();
  gst_pad_set_event_function (GST_PAD (src), on_src_event);
}

/* ---- Pushing ---------------------------------------------------------------------------------------- */

MxrViewConfig
mxr_tile_src_get_config (MxrTileSrc *src)
{
  GST_OBJECT_LOCK (src);
  MxrViewConfig config = mxr_view_config_copy (&src->config);
  GST_OBJECT_UNLOCK (src);
  return config;
}

/* Samples go through unchanged, and what browsers' VP8 and most decoders here deliver is BT.601. */
GstCaps *
mxr_tile_src_get_caps (MxrTileSrc *src)
{
  GST_OBJECT_LOCK (src);
  GstCaps *caps = gst_caps_new_simple (
      "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, src->config.width, "height",
      G_TYPE_INT, src->config.height, "framerate", GST_TYPE_FRACTION, src->config.rate_n, src->config.rate_d,
      "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, "interlace-mode", G_TYPE_STRING, "progressive",
      "colorimetry", G_TYPE_STRING, GST_VIDEO_COLORIMETRY_BT601, NULL);
  GST_OBJECT_UNLOCK (src);
  return caps;
}

bool
mxr_tile_src_answer_caps (MxrTileSrc *src, GstQuery *query)
{
  g_autoptr (GstCaps) caps = mxr_tile_src_get_caps (src);
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  if (filter != NULL) {
    GstCaps *common = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (caps);
    caps = common;
  }
  gst_query_set_caps_result (query, caps);
  return true;
}

void
mxr_tile_src_reset (MxrTileSrc *src, guint group_id)
{
  mxr_view_reset (src->view);
  src->group_id = group_id;
  src->has_started = src->has_caps = src->has_segment = src->was_linked = false;
  src->flow = GST_FLOW_OK;
}

static bool
take_is_asked (MxrTileSrc *src)
{
  GST_OBJECT_LOCK (src);
  bool is_asked = src->is_asked;
  src->is_asked = false;
  GST_OBJECT_UNLOCK (src);
  return is_asked;
}

bool
mxr_tile_src_prepare (MxrTileSrc *src)
{
  if (!gst_pad_is_linked (GST_PAD (src)) || !gst_pad_is_active (GST_PAD (src))) {
    src->was_linked = false;
    return false;
  }
  if (!src->was_linked) {
    mxr_view_reset (src->view); /* whoever is new wants a picture now */
    src->was_linked = true;
    src->flow = GST_FLOW_OK;
  }
  if (src->flow == GST_FLOW_EOS || src->flow < GST_FLOW_EOS)
    return false;

  MxrViewConfig config = mxr_tile_src_get_config (src);
  if (mxr_view_configure (src->view, &config))
    src->has_caps = false;
  mxr_view_config_clear (&config);
  if (take_is_asked (src))
    mxr_view_ask (src->view);
  return true;
}

/* gst_pad_create_stream_id() refuses elements with several inputs. */
static void
push_stream_start (MxrTileSrc *src)
{
  g_autofree char *id = g_strdup_printf ("mxrtilemix/%u/%s", src->group_id, GST_PAD_NAME (src));
  GstEvent *event = gst_event_new_stream_start (id);

  gst_event_set_group_id (event, src->group_id);
  gst_pad_push_event (GST_PAD (src), event);
}

void
mxr_tile_src_push (MxrTileSrc *src, GstBuffer *picture)
{
  GstPad *pad = GST_PAD (src);

  if (!src->has_started)
    push_stream_start (src);
  if (!src->has_caps) {
    g_autoptr (GstCaps) caps = mxr_tile_src_get_caps (src);
    gst_pad_push_event (pad, gst_event_new_caps (caps));
  }
  if (!src->has_segment) {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (pad, gst_event_new_segment (&segment));
  }
  src->has_started = src->has_caps = src->has_segment = true;

  src->flow = gst_pad_push (pad, picture);
  if (src->flow == GST_FLOW_EOS)
    gst_pad_push_event (
        pad, gst_event_new_eos ()); /* as a source does that is told so: whoever said it waits for it */
  if (src->flow < GST_FLOW_FLUSHING)
    GST_WARNING_OBJECT (pad, "this view stops: %s", gst_flow_get_name (src->flow));
}
