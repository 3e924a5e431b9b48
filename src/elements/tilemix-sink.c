#include "tilemix-pads.h"

#define STALE_AFTER_MS 3000

G_DEFINE_TYPE (MxrTileSink, mxr_tile_sink, GST_TYPE_PAD)

/* ---- Frames ----------------------------------------------------------------------------------------- */

GstFlowReturn
mxr_tile_sink_put_frame (MxrTileSink *sink, GstBuffer *buffer, GstClockTime now_ns)
{
  GST_OBJECT_LOCK (sink);
  bool negotiated = sink->has_info;
  if (negotiated) {
    GstBuffer *old = sink->frame.buffer;
    sink->frame.buffer = buffer;
    sink->frame.info = sink->info;
    sink->frame.orientation = sink->orientation;
    sink->frame.serial++;
    sink->frame.arrived_ns = now_ns;
    buffer = old;
  }
  GST_OBJECT_UNLOCK (sink);
  gst_clear_buffer (&buffer); /* outside of the lock: it may go back to a pool */
  mxr_tilemix_wake (GST_PAD (sink));
  return negotiated ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;
}

void
mxr_tile_sink_drop_frame (MxrTileSink *sink)
{
  GST_OBJECT_LOCK (sink);
  GstBuffer *old = g_steal_pointer (&sink->frame.buffer);
  GST_OBJECT_UNLOCK (sink);
  gst_clear_buffer (&old);
  mxr_tilemix_wake (GST_PAD (sink));
}

static bool
set_caps (MxrTileSink *sink, GstEvent *event)
{
  GstCaps *caps;
  GstVideoInfo info;

  gst_event_parse_caps (event, &caps);
  if (!gst_video_info_from_caps (&info, caps) || GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_I420)
    return false;
  GST_OBJECT_LOCK (sink);
  sink->info = info;
  sink->has_info = true;
  GST_OBJECT_UNLOCK (sink);
  return true;
}

static bool
handle_event (MxrTileSink *sink, GstEvent *event)
{
  GstVideoOrientationMethod orientation;
  GstTagList *tags;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    return set_caps (sink, event);
  case GST_EVENT_TAG:
    gst_event_parse_tag (event, &tags);
    if (gst_video_orientation_from_tag (tags, &orientation)) {
      GST_OBJECT_LOCK (sink);
      sink->orientation = orientation;
      GST_OBJECT_UNLOCK (sink);
    }
    return true;
  case GST_EVENT_EOS:
    mxr_tile_sink_drop_frame (sink);
    return true;
  default:
    return true;
  }
}

/* Nothing is passed on: the views' streams begin, change and end by their own rules. */
static gboolean
on_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  bool taken = handle_event (MXR_TILE_SINK (pad), event);
  gst_event_unref (event);
  return taken;
}

static gboolean
on_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

void
mxr_tile_sink_look (MxrTileSink *sink, GstClockTime now_ns, MxrSource *out_source)
{
  GST_OBJECT_LOCK (sink);
  GstClockTime stale_ns = (GstClockTime) sink->stale_after_ms * GST_MSECOND;
  bool stale = stale_ns > 0 && now_ns > sink->frame.arrived_ns && now_ns - sink->frame.arrived_ns > stale_ns;
  out_source->index = sink->index;
  out_source->id = sink->id;
  out_source->has_picture = sink->video && !stale && sink->frame.buffer != NULL;
  out_source->stale_ns =
      out_source->has_picture && stale_ns > 0 ? sink->frame.arrived_ns + stale_ns + 1 : GST_CLOCK_TIME_NONE;
  out_source->shown = false;
  out_source->frame = sink->frame;
  if (out_source->frame.buffer != NULL)
    gst_buffer_ref (out_source->frame.buffer);
  out_source->title = g_ref_string_acquire (sink->title);
  out_source->title_serial = sink->title_serial;
  GST_OBJECT_UNLOCK (sink);
}

/* ---- Properties ------------------------------------------------------------------------------------- */

enum { SINK_PROP_TITLE = 1, SINK_PROP_VIDEO, SINK_PROP_STALE_AFTER };

/* Pango takes only UTF-8, and time for long texts. */
static char *
clean_title (const char *title)
{
  g_autofree char *valid = g_utf8_make_valid (title != NULL ? title : "", -1);
  g_autofree char *shortened =
      g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), MXR_NAME_MAX_CHARS));
  return g_ref_string_new (g_strstrip (shortened));
}

static void
set_title (MxrTileSink *sink, const char *title)
{
  char *clean = clean_title (title);

  GST_OBJECT_LOCK (sink);
  char *old = sink->title;
  sink->title = clean;
  sink->title_serial++;
  GST_OBJECT_UNLOCK (sink);
  g_ref_string_release (old);
  mxr_tilemix_wake (GST_PAD (sink));
}

static void
mxr_tile_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  MxrTileSink *sink = MXR_TILE_SINK (object);

  if (id == SINK_PROP_TITLE) {
    set_title (sink, g_value_get_string (value));
    return;
  }
  GST_OBJECT_LOCK (sink);
  if (id == SINK_PROP_VIDEO)
    sink->video = g_value_get_boolean (value);
  else
    sink->stale_after_ms = g_value_get_uint (value);
  GST_OBJECT_UNLOCK (sink);
  mxr_tilemix_wake (GST_PAD (sink));
}

static void
mxr_tile_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  MxrTileSink *sink = MXR_TILE_SINK (object);

  GST_OBJECT_LOCK (sink);
  if (id == SINK_PROP_TITLE)
    g_value_set_string (value, sink->title);
  else if (id == SINK_PROP_VIDEO)
    g_value_set_boolean (value, sink->video);
  else
    g_value_set_uint (value, sink->stale_after_ms);
  GST_OBJECT_UNLOCK (sink);
}

static void
mxr_tile_sink_finalize (GObject *object)
{
  MxrTileSink *sink = MXR_TILE_SINK (object);

  gst_clear_buffer (&sink->frame.buffer);
  g_ref_string_release (sink->title);
  G_OBJECT_CLASS (mxr_tile_sink_parent_class)->finalize (object);
}

static void
mxr_tile_sink_class_init (MxrTileSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_CONTROLLABLE;

  object_class->set_property = mxr_tile_sink_set_property;
  object_class->get_property = mxr_tile_sink_get_property;
  object_class->finalize = mxr_tile_sink_finalize;
  g_object_class_install_property (object_class, SINK_PROP_TITLE,
                                   g_param_spec_string ("title", "Title",
                                                        "Name for the avatar and the label; empty for none",
                                                        "", G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (
      object_class, SINK_PROP_VIDEO,
      g_param_spec_boolean ("video", "Video", "Show the picture; FALSE shows the avatar", TRUE, flags));
  g_object_class_install_property (
      object_class, SINK_PROP_STALE_AFTER,
      g_param_spec_uint ("stale-after", "Stale after",
                         "Show the avatar when no frame came for so long (ms, 0 = never)", 0, G_MAXUINT,
                         STALE_AFTER_MS, flags));
}

static void
mxr_tile_sink_init (MxrTileSink *sink)
{
  sink->title = g_ref_string_new ("");
  sink->title_serial = 1;
  sink->video = true;
  sink->stale_after_ms = STALE_AFTER_MS;
  gst_pad_set_event_function (GST_PAD (sink), on_sink_event);
  gst_pad_set_query_function (GST_PAD (sink), on_sink_query);
}
