/**
 * SECTION:element-mxrtilemix
 *
 * Composes the pictures of its sink pads into one picture per source pad (a view), on every tick of the
 * pipeline's clock, from what is there. It never waits for an input: a missing frame is the last one, a stale
 * one becomes an avatar.
 *
 * A picture in which nothing changed is not pushed (`skip-unchanged`), but one is at least every
 * `idle-interval`. All views are pushed from one thread: put a leaky queue behind each, or a slow one delays
 * the others. The stream does not end by itself, since people may come at any time. It is live, and starts
 * without preroll.
 *
 * |[
 * gst-launch-1.0 mxrtilemix name=mix
 *   sink_0::title="Ada Lovelace" sink_1::title="Grace Hopper"
 *   src_0::width=640 src_0::height=360 src_0::labels=true
 *   src_0::tiles="<(GstStructure)[tile,sink=0,x=0,y=0,w=320,h=360],(GstStructure)[tile,sink=1,x=320,y=0,w=320,h=360]>"
 *   mix.src_0 ! queue leaky=downstream ! identity eos-after=15 ! fakevideosink
 *   videotestsrc is-live=true ! video/x-raw,format=I420 ! mix.sink_0
 *   videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420 ! mix.sink_1
 * ]|
 */
#include "tilemix-private.h"

#include "avatar.h"

GST_DEBUG_CATEGORY (mxr_tilemix_debug);
#define GST_CAT_DEFAULT mxr_tilemix_debug

#define TICK_RATE 30
#define IDLE_INTERVAL_MS 1000

enum { PROP_TICK_FRAMERATE = 1, PROP_IDLE_INTERVAL, PROP_SKIP_UNCHANGED, PROP_STATS };

static void child_proxy_init (gpointer iface, gpointer data);

G_DEFINE_TYPE_WITH_CODE (MxrTileMix, mxr_tilemix, GST_TYPE_ELEMENT,
                         G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY, child_proxy_init)
                             GST_DEBUG_CATEGORY_INIT (mxr_tilemix_debug, "mxrtilemix", 0, "tile mixer"))
GST_ELEMENT_REGISTER_DEFINE (mxrtilemix, "mxrtilemix", GST_RANK_NONE, MXR_TYPE_TILEMIX)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (
        "video/x-raw, format=I420, width=[2,4096], height=[2,4096], framerate=[0/1,2147483647/1]"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST,
    GST_STATIC_CAPS ("video/x-raw, format=I420, width=[64,4096], height=[64,4096], framerate=[1/100,240/1]"));

/* ---- Pads ------------------------------------------------------------------------------------------- */

static GstFlowReturn
on_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  return mxr_tile_sink_put_frame (MXR_TILE_SINK (pad), buffer,
                                  mxr_tick_get_time (MXR_TILEMIX (parent)->tick));
}

/* A picture is made of what is there when the tick begins, and is out before the next one begins. */
static bool
answer_latency (MxrTileMix *mix, GstQuery *query)
{
  GST_OBJECT_LOCK (mix);
  GstClockTime interval_ns = gst_util_uint64_scale (GST_SECOND, mix->tick_d, mix->tick_n);
  GST_OBJECT_UNLOCK (mix);
  gst_query_set_latency (query, TRUE, interval_ns, interval_ns);
  return true;
}

static gboolean
on_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_LATENCY:
    return answer_latency (MXR_TILEMIX (parent), query);
  case GST_QUERY_CAPS:
    return mxr_tile_src_answer_caps (MXR_TILE_SRC (pad), query);
  default:
    return gst_pad_query_default (pad, parent, query);
  }
}

/* The index of a pad asked for by name, or the next one. Returns: false when the name is no good. */
static bool
choose_index (MxrTileMix *mix, const char *name, const char *prefix, guint *next, guint *out_index)
{
  guint64 index = 0;
  bool good = true;

  GST_OBJECT_LOCK (mix);
  if (name != NULL)
    good = g_str_has_prefix (name, prefix) &&
           g_ascii_string_to_unsigned (name + strlen (prefix), 10, 0, G_MAXINT, &index, NULL);
  else
    index = *next;
  if (good) {
    *out_index = (guint) index;
    *next = MAX (*next, (guint) index + 1);
  }
  GST_OBJECT_UNLOCK (mix);
  return good;
}

static GstPad *
new_sink (MxrTileMix *mix, GstPadTemplate *templ, guint index)
{
  g_autofree char *name = g_strdup_printf ("sink_%u", index);
  MxrTileSink *sink =
      g_object_new (MXR_TYPE_TILE_SINK, "name", name, "direction", GST_PAD_SINK, "template", templ, NULL);
  GstPad *pad = GST_PAD (sink);

  sink->index = index;
  GST_OBJECT_LOCK (mix);
  sink->id = ++mix->next_sink_id;
  GST_OBJECT_UNLOCK (mix);
  gst_pad_set_chain_function (pad, on_sink_chain);
  return pad;
}

/* Both peers are set when this is called. */
static GstPadLinkReturn
on_src_link (GstPad *pad, GstObject *parent, GstPad *peer)
{
  if (parent != NULL)
    mxr_tick_wake (MXR_TILEMIX (parent)->tick);
  return GST_PAD_LINK_OK;
}

static GstPad *
new_src (MxrTileMix *mix, GstPadTemplate *templ, guint index)
{
  g_autofree char *name = g_strdup_printf ("src_%u", index);
  MxrTileSrc *src =
      g_object_new (MXR_TYPE_TILE_SRC, "name", name, "direction", GST_PAD_SRC, "template", templ, NULL);
  GstPad *pad = GST_PAD (src);

  src->index = index;
  src->group_id = mix->group_id;
  gst_pad_set_query_function (pad, on_src_query);
  gst_pad_set_link_function (pad, on_src_link);
  return pad;
}

static GstPad *
mxr_tilemix_request_new_pad (GstElement *element, GstPadTemplate *templ, const char *name,
                             const GstCaps *caps)
{
  MxrTileMix *mix = MXR_TILEMIX (element);
  bool is_sink = GST_PAD_TEMPLATE_DIRECTION (templ) == GST_PAD_SINK;
  guint index;

  if (!choose_index (mix, name, is_sink ? "sink_" : "src_", is_sink ? &mix->next_sink : &mix->next_src,
                     &index)) {
    GST_WARNING_OBJECT (mix, "no pad can be called %s", name);
    return NULL;
  }
  GstPad *pad = is_sink ? new_sink (mix, templ, index) : new_src (mix, templ, index);
  if (!gst_element_add_pad (element, pad)) /* frees it */
    return NULL;
  gst_child_proxy_child_added (GST_CHILD_PROXY (element), G_OBJECT (pad), GST_PAD_NAME (pad));
  mxr_tilemix_wake (pad);
  return pad;
}

static void
mxr_tilemix_release_pad (GstElement *element, GstPad *pad)
{
  gst_object_ref (pad);
  gst_pad_set_active (pad, FALSE);
  if (gst_element_remove_pad (element, pad))
    gst_child_proxy_child_removed (GST_CHILD_PROXY (element), G_OBJECT (pad), GST_PAD_NAME (pad));
  gst_object_unref (pad);
  mxr_tick_wake (MXR_TILEMIX (element)->tick);
}

void
mxr_tilemix_set_tiles (GstElement *mix, GstPad *view, const MxrTile *tiles, guint n_tiles)
{
  g_return_if_fail (MXR_IS_TILEMIX (mix) && MXR_IS_TILE_SRC (view));
  g_return_if_fail (tiles != NULL || n_tiles == 0);
  mxr_tile_src_set_tiles (MXR_TILE_SRC (view), tiles, n_tiles);
}

void
mxr_tilemix_set_look (GstElement *mix, GstPad *view, const MxrTileMixLook *look)
{
  g_return_if_fail (MXR_IS_TILEMIX (mix) && MXR_IS_TILE_SRC (view) && look != NULL);
  mxr_tile_src_set_look (MXR_TILE_SRC (view), look);
}

void
mxr_tilemix_read_delay (GstElement *mix, MxrTileMixDelay which, MxrDelayCounts *out_counts)
{
  g_return_if_fail (MXR_IS_TILEMIX (mix) && which < MXR_TILEMIX_N_DELAYS);
  mxr_delay_read (&MXR_TILEMIX (mix)->delays[which], out_counts);
}

/* ---- Child proxy: sink_0::title in gst-launch ------------------------------------------------------- */

static GObject *
get_child_by_index (GstChildProxy *proxy, guint index)
{
  GST_OBJECT_LOCK (proxy);
  GObject *pad = g_list_nth_data (GST_ELEMENT (proxy)->pads, index);
  if (pad != NULL)
    g_object_ref (pad);
  GST_OBJECT_UNLOCK (proxy);
  return pad;
}

static GObject *
get_child_by_name (GstChildProxy *proxy, const char *name)
{
  return G_OBJECT (gst_element_get_static_pad (GST_ELEMENT (proxy), name));
}

static guint
get_children_count (GstChildProxy *proxy)
{
  GST_OBJECT_LOCK (proxy);
  guint count = GST_ELEMENT (proxy)->numpads;
  GST_OBJECT_UNLOCK (proxy);
  return count;
}

static void
child_proxy_init (gpointer data, gpointer unused)
{
  GstChildProxyInterface *iface = data;
  iface->get_child_by_index = get_child_by_index;
  iface->get_child_by_name = get_child_by_name;
  iface->get_children_count = get_children_count;
}

/* ---- States ----------------------------------------------------------------------------------------- */

/* The first text costs the fonts' loading, which should not cost ticks. */
static void
warm_up (MxrTileMix *mix)
{
  guint budget = 1;
  mxr_image_cache_get (mix->composer.images, mxr_avatar_draw, "Mixroom", 64, 64, &budget);
}

/* With the tick stopped and the pads inactive, all of this is ours alone. */
static void
forget_streams (MxrTileMix *mix)
{
  mxr_tilemix_take_pads (mix);
  for (guint i = 0; i < mix->sinks->len; i++)
    mxr_tile_sink_drop_frame (g_ptr_array_index (mix->sinks, i));
  for (guint i = 0; i < mix->srcs->len; i++)
    mxr_tile_src_reset (g_ptr_array_index (mix->srcs, i), mix->group_id);
  mxr_tilemix_put_pads_back (mix);
  mix->n_quiet = 0;
  mix->has_rested = false;
}

static GstStateChangeReturn
mxr_tilemix_change_state (GstElement *element, GstStateChange transition)
{
  MxrTileMix *mix = MXR_TILEMIX (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    warm_up (mix);
    mix->group_id = gst_util_group_id_next ();
    forget_streams (mix);
    mxr_tick_set_rate (mix->tick, mix->tick_n, mix->tick_d);
  } else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    mxr_tick_pause (mix->tick);
  }

  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (mxr_tilemix_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    mxr_tick_stop (mix->tick);
    forget_streams (mix);
  }
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    mxr_tick_start (mix->tick);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  return result;
}

/* ---- The object ------------------------------------------------------------------------------------- */

static GstStructure *
describe_stats (const MxrTileStats *stats)
{
  return gst_structure_new ("stats", "ticks", G_TYPE_UINT64, stats->n_ticks, "missed", G_TYPE_UINT64,
                            stats->n_missed, "composed", G_TYPE_UINT64, stats->n_composed, "overlaid", G_TYPE_UINT64, stats->n_overlaid, "repeated",
                            G_TYPE_UINT64, stats->n_repeated, "skipped", G_TYPE_UINT64, stats->n_skipped,
                            "busy", G_TYPE_UINT64, stats->n_busy, "scaled", G_TYPE_UINT64, stats->n_scaled,
                            "copied", G_TYPE_UINT64, stats->n_copied, "avatars", G_TYPE_UINT64,
                            stats->n_avatars, "labels", G_TYPE_UINT64, stats->n_labels, NULL);
}

static void
mxr_tilemix_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  MxrTileMix *mix = MXR_TILEMIX (object);

  GST_OBJECT_LOCK (mix);
  switch (id) {
  case PROP_TICK_FRAMERATE:
    mix->tick_n = (guint) gst_value_get_fraction_numerator (value);
    mix->tick_d = (guint) gst_value_get_fraction_denominator (value);
    break;
  case PROP_IDLE_INTERVAL:
    mix->idle_interval_ms = g_value_get_uint (value);
    break;
  default:
    mix->skip_unchanged = g_value_get_boolean (value);
    break;
  }
  GST_OBJECT_UNLOCK (mix);
  mxr_tick_wake (mix->tick);
}

static void
mxr_tilemix_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  MxrTileMix *mix = MXR_TILEMIX (object);

  GST_OBJECT_LOCK (mix);
  switch (id) {
  case PROP_TICK_FRAMERATE:
    gst_value_set_fraction (value, (int) mix->tick_n, (int) mix->tick_d);
    break;
  case PROP_IDLE_INTERVAL:
    g_value_set_uint (value, mix->idle_interval_ms);
    break;
  case PROP_SKIP_UNCHANGED:
    g_value_set_boolean (value, mix->skip_unchanged);
    break;
  default:
    g_value_take_boxed (value, describe_stats (&mix->stats));
    break;
  }
  GST_OBJECT_UNLOCK (mix);
}

static void
mxr_tilemix_finalize (GObject *object)
{
  MxrTileMix *mix = MXR_TILEMIX (object);

  mxr_tick_free (mix->tick);
  g_array_unref (mix->composer.sources);
  g_ptr_array_unref (mix->composer.views);
  mxr_image_cache_free (mix->composer.images);
  mxr_scratch_clear (&mix->composer.scratch);
  g_ptr_array_unref (mix->sinks);
  g_ptr_array_unref (mix->srcs);
  G_OBJECT_CLASS (mxr_tilemix_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (object_class, PROP_TICK_FRAMERATE,
                                   gst_param_spec_fraction ("tick-framerate", "Tick frame rate",
                                                            "How often views are looked at", 1, 1, 240, 1,
                                                            TICK_RATE, 1, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_IDLE_INTERVAL,
                                   g_param_spec_uint ("idle-interval", "Idle interval",
                                                      "Push an unchanged picture again after so long (ms)", 0,
                                                      G_MAXUINT, IDLE_INTERVAL_MS,
                                                      flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (
      object_class, PROP_SKIP_UNCHANGED,
      g_param_spec_boolean ("skip-unchanged", "Skip unchanged",
                            "Push nothing while a view does not change; FALSE pushes the same picture again",
                            TRUE, flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (
      object_class, PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "Ticks served and missed; pictures composed, with nothing new but logo or clock, repeated, skipped as unchanged, or lost because all "
          "canvases were busy; tiles scaled and copied; avatars and labels drawn",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
mxr_tilemix_class_init (MxrTileMixClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = mxr_tilemix_set_property;
  object_class->get_property = mxr_tilemix_get_property;
  object_class->finalize = mxr_tilemix_finalize;
  install_properties (object_class);
  element_class->request_new_pad = mxr_tilemix_request_new_pad;
  element_class->release_pad = mxr_tilemix_release_pad;
  element_class->change_state = mxr_tilemix_change_state;
  gst_element_class_add_static_pad_template_with_gtype (element_class, &sink_template, MXR_TYPE_TILE_SINK);
  gst_element_class_add_static_pad_template_with_gtype (element_class, &src_template, MXR_TYPE_TILE_SRC);
  gst_element_class_set_static_metadata (element_class, "Tile mixer", "Filter/Editor/Video/Compositor",
                                         "Composes many videos into several views, on the clock's tick",
                                         "Mixroom");
}

static void
mxr_tilemix_init (MxrTileMix *mix)
{
  mix->tick_n = TICK_RATE;
  mix->tick_d = 1;
  mix->idle_interval_ms = IDLE_INTERVAL_MS;
  mix->skip_unchanged = true;
  mix->sinks = g_ptr_array_new_with_free_func (gst_object_unref);
  mix->srcs = g_ptr_array_new_with_free_func (gst_object_unref);
  mix->composer.sources = g_array_new (FALSE, TRUE, sizeof (MxrSource));
  g_array_set_clear_func (mix->composer.sources, (GDestroyNotify) mxr_source_clear);
  mix->composer.views = g_ptr_array_new ();
  mix->composer.images = mxr_image_cache_new ();
  mix->tick = mxr_tick_new (GST_ELEMENT (mix), mxr_tilemix_on_tick, TICK_RATE, 1);
}
