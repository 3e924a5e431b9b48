#include "tilemix-private.h"

/* Drawing a name takes from 0.1 ms to 4 ms by its size, the first one of a script more, and a tick is 33 ms:
 * when a whole room's are missing, the rest shows its plain colour until the next tick. */
#define IMAGES_PER_TICK 4
/* When nothing was drawn for so many ticks, nothing moves. */
#define QUIET_TICKS 15

/* ---- The tick --------------------------------------------------------------------------------------- */

void
mxr_tilemix_take_pads (MxrTileMix *mix)
{
  GST_OBJECT_LOCK (mix);
  for (GList *l = GST_ELEMENT (mix)->sinkpads; l != NULL; l = l->next)
    g_ptr_array_add (mix->sinks, gst_object_ref (l->data));
  for (GList *l = GST_ELEMENT (mix)->srcpads; l != NULL; l = l->next)
    g_ptr_array_add (mix->srcs, gst_object_ref (l->data));
  GST_OBJECT_UNLOCK (mix);
}

static void
look_at_sinks (MxrTileMix *mix)
{
  MxrComposer *composer = &mix->composer;

  g_array_set_size (composer->sources, mix->sinks->len);
  for (guint i = 0; i < mix->sinks->len; i++)
    mxr_tile_sink_look (g_ptr_array_index (mix->sinks, i), composer->now_ns,
                        &g_array_index (composer->sources, MxrSource, i));
  for (guint i = 0; i < mix->srcs->len; i++)
    g_ptr_array_add (composer->views, MXR_TILE_SRC (g_ptr_array_index (mix->srcs, i))->view);
}

void
mxr_tilemix_put_pads_back (MxrTileMix *mix)
{
  g_ptr_array_set_size (mix->composer.views, 0);
  g_array_set_size (mix->composer.sources, 0);
  g_ptr_array_set_size (mix->sinks, 0);
  g_ptr_array_set_size (mix->srcs, 0);
}

static void
publish_stats (MxrTileMix *mix)
{
  GST_OBJECT_LOCK (mix);
  mix->stats = mix->composer.stats;
  GST_OBJECT_UNLOCK (mix);
}

/* A frame is counted when it is shown for the first time. */
static void
note_waits (MxrTileMix *mix)
{
  for (guint i = 0; i < mix->sinks->len; i++) {
    MxrTileSink *sink = g_ptr_array_index (mix->sinks, i);
    const MxrFrame *frame = &g_array_index (mix->composer.sources, MxrSource, i).frame;
    if (!g_array_index (mix->composer.sources, MxrSource, i).shown || sink->shown_serial == frame->serial)
      continue;
    sink->shown_serial = frame->serial;
    mxr_delay_note (&mix->delays[MXR_TILEMIX_DELAY_WAIT],
                    GST_CLOCK_DIFF (frame->arrived_ns, mix->composer.now_ns) / GST_USECOND);
  }
}

/* Returns: when the view wants its next tick should nothing change; 0: as soon as may be. */
static GstClockTime
serve_view (MxrTileMix *mix, MxrTileSrc *src, GstClockTime idle_ns)
{
  MxrComposer *composer = &mix->composer;
  guint64 n_composed = composer->stats.n_composed;
  GstBuffer *picture = mxr_view_compose (src->view, composer, idle_ns);

  if (composer->stats.n_composed > n_composed)
    mxr_delay_note (&mix->delays[MXR_TILEMIX_DELAY_COMPOSE],
                    GST_CLOCK_DIFF (composer->now_ns, mxr_tick_get_time (mix->tick)) / GST_USECOND);
  if (picture != NULL)
    mxr_tile_src_push (src, picture);
  return idle_ns > 0 ? mxr_view_due_ns (src->view, idle_ns) : 0;
}

/* Returns: when the views want their next tick should nothing change. */
static GstClockTime
serve_views (MxrTileMix *mix, guint64 index)
{
  GstClockTime due_ns = GST_CLOCK_TIME_NONE;

  GST_OBJECT_LOCK (mix);
  guint tick_n = mix->tick_n, tick_d = mix->tick_d;
  GstClockTime idle_ns = mix->skip_unchanged ? (GstClockTime) mix->idle_interval_ms * GST_MSECOND : 0;
  GST_OBJECT_UNLOCK (mix);

  for (guint i = 0; i < mix->srcs->len; i++) {
    MxrTileSrc *src = g_ptr_array_index (mix->srcs, i);
    if (!mxr_tile_src_prepare (src))
      continue;
    bool is_due = mxr_view_begin_frame (src->view, index, tick_n, tick_d);
    GstClockTime view_due_ns = is_due ? serve_view (mix, src, idle_ns) : 0;
    due_ns = MIN (due_ns, view_due_ns);
  }
  return due_ns;
}

/* Without a viewer there is nothing to do until one is linked, whatever comes in. Otherwise a rest is worth a
 * wake-up only when nothing moves: a frame that ends one costs the thread a turn more than a tick does. */
static void
rest_if_quiet (MxrTileMix *mix, GstClockTime due_ns, const MxrTileStats *before)
{
  const MxrTileStats *now = &mix->composer.stats;
  bool has_viewers = due_ns != GST_CLOCK_TIME_NONE;
  guint64 n_overlaid = now->n_overlaid - before->n_overlaid; /* a clock that ticks is no movement */
  bool has_moved = now->n_composed - before->n_composed > n_overlaid;
  bool in_vain = mix->has_rested && n_overlaid == 0 && now->n_repeated == before->n_repeated;

  atomic_store (&mix->has_viewers, has_viewers);
  mix->n_quiet = has_moved || in_vain ? 0 : mix->n_quiet + 1;
  mix->has_rested = !has_viewers || (due_ns > 0 && mix->n_quiet >= QUIET_TICKS);
  if (!mix->has_rested)
    return;
  for (guint i = 0; has_viewers && i < mix->composer.sources->len; i++)
    due_ns = MIN (due_ns, g_array_index (mix->composer.sources, MxrSource, i).stale_ns);
  mxr_tick_rest (mix->tick, due_ns);
}

void
mxr_tilemix_on_tick (GstElement *element, guint64 index, GstClockTime running_time_ns, guint64 n_missed)
{
  MxrTileMix *mix = MXR_TILEMIX (element);
  MxrTileStats before = mix->composer.stats;

  mix->composer.now_ns = running_time_ns;
  mix->composer.wall_us = g_get_real_time ();
  mix->composer.image_budget = IMAGES_PER_TICK;
  mix->composer.stats.n_ticks++;
  mix->composer.stats.n_missed += n_missed;
  atomic_store (&mix->has_viewers, true);
  mxr_tilemix_take_pads (mix);
  look_at_sinks (mix);
  GstClockTime due_ns = serve_views (mix, index);
  note_waits (mix);
  rest_if_quiet (mix, due_ns, &before);
  mxr_tilemix_put_pads_back (mix);
  publish_stats (mix);
}

void
mxr_tilemix_wake (GstPad *pad)
{
  g_autoptr (GstObject) mix = gst_object_get_parent (GST_OBJECT (pad));

  if (mix != NULL && atomic_load (&MXR_TILEMIX (mix)->has_viewers))
    mxr_tick_wake (MXR_TILEMIX (mix)->tick);
}
