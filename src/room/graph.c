/* One pipeline per room: the two mixers for good, everything else comes and goes while it plays. */

#include "room-private.h"

/* Its number is that of no sink, so nobody is left out. */
#define PROGRAMME_SOUND "src_4294967294"

typedef struct {
  MxrGraphErrorFunc on_error;
  gpointer user_data;
} BusData;

static gboolean
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  const BusData *data = user_data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    data->on_error (GST_MESSAGE_SRC (message), error, data->user_data);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING) {
    g_autoptr (GError) error = NULL;
    gst_message_parse_warning (message, &error, NULL);
    mxr_debug ("room", "%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  }
  return G_SOURCE_CONTINUE;
}

static GstElement *
make (const char *factory, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make (factory, name);
  if (element == NULL)
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "GStreamer has no element '%s' here", factory);
  return element;
}

/* Of which nobody needs to know before somebody gets one: what is not linked costs nothing. Each is composed for itself,
 * and not scaled from a larger one: README.md has the figures. */
static bool
add_tee (MxrGraph *graph, MxrGraphTee *tee, const char *name, GstElement *mixer, const char *pad, GError **error)
{
  tee->tee = tee->first = make ("tee", name, error);
  if (tee->tee == NULL)
    return false;
  g_object_set (tee->tee, "allow-not-linked", TRUE, NULL);
  gst_bin_add (GST_BIN (graph->pipeline), tee->tee);
  tee->pad = gst_element_request_pad_simple (mixer, pad);
  return true;
}

static bool
add_size (MxrGraph *graph, const MxrConfig *config, guint view, guint level, GError **error)
{
  const MxrLevel *picture = &graph->views[view].levels.levels[level];
  MxrGraphTee *size = &graph->views[view].sizes[level];
  g_autofree char *name = g_strdup_printf ("%s-%u", view == MXR_VIEW_ROOM ? "view" : "programme-view", level);
  bool is_slides = picture->kind == MXR_RUNG_SLIDES;

  if (!add_tee (graph, size, name, graph->picture, "src_%u", error))
    return false;
  g_object_set (size->pad, "width", picture->width_px, "height", picture->height_px, "framerate",
                is_slides ? 1 : picture->framerate, is_slides ? config->media.slide_interval_s : 1, "labels",
                config->room.labels, NULL);
  return true;
}

/* Of what is not linked a tick more costs nothing, and the programme may have more frames than the room. */
static guint
get_tick_framerate (const MxrGraph *graph)
{
  return MAX (graph->views[MXR_VIEW_ROOM].levels.levels[0].framerate, graph->views[MXR_VIEW_PROGRAMME].levels.levels[0].framerate);
}

static bool
add_mixers (MxrGraph *graph, const MxrConfig *config, GError **error)
{
  graph->sound = make ("mxraudiomix", "sound", error);
  graph->picture = graph->sound != NULL ? make ("mxrtilemix", "picture", error) : NULL;
  if (graph->picture == NULL)
    return false;
  g_object_set (graph->sound, "channels", config->media.audio_channels, "rest", TRUE, NULL);
  g_object_set (graph->picture, "tick-framerate", get_tick_framerate (graph), 1, NULL);
  gst_bin_add_many (GST_BIN (graph->pipeline), graph->sound, graph->picture, NULL);
  for (guint view = 0; view < MXR_N_VIEWS; view++)
    for (guint level = 0; level < graph->views[view].levels.n; level++)
      if (!add_size (graph, config, view, level, error))
        return false;
  return add_tee (graph, &graph->programme_sound, "programme-sound", graph->sound, PROGRAMME_SOUND, error);
}

/* The base time is set by hand, because the senders' reports and the uplinks' time stamps are on the same timeline
 * and must know it. GstSystemClock is g_get_monotonic_time() in nanoseconds. */
static bool
play (MxrGraph *graph, GError **error)
{
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();

  gst_pipeline_use_clock (GST_PIPELINE (graph->pipeline), clock);
  gst_element_set_start_time (graph->pipeline, GST_CLOCK_TIME_NONE);
  graph->timeline_us = g_get_monotonic_time ();
  gst_element_set_base_time (graph->pipeline, graph->timeline_us * GST_USECOND);
  if (gst_element_set_state (graph->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE)
    return true;
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the room's pipeline does not start");
  return false;
}

MxrGraph *
mxr_graph_new (const MxrConfig *config, const char *name, MxrGraphErrorFunc on_error, gpointer user_data, GError **error)
{
  g_autoptr (MxrGraph) graph = g_new0 (MxrGraph, 1);

  graph->pipeline = gst_object_ref_sink (gst_pipeline_new (name));
  mxr_levels_init (&graph->views[MXR_VIEW_ROOM].levels, config);
  mxr_levels_init_programme (&graph->views[MXR_VIEW_PROGRAMME].levels, config);
  if (!add_mixers (graph, config, error) || !play (graph, error))
    return NULL;

  BusData *data = g_new (BusData, 1);
  *data = (BusData){ on_error, user_data };
  g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (graph->pipeline));
  graph->bus_watch = gst_bus_add_watch_full (bus, G_PRIORITY_DEFAULT, on_bus_message, data, g_free);
  return g_steal_pointer (&graph);
}

static void
release_sizes (MxrGraph *graph, const MxrGraphView *view)
{
  for (guint i = 0; i < view->levels.n && view->sizes[i].pad != NULL; i++) {
    gst_element_release_request_pad (graph->picture, view->sizes[i].pad);
    gst_object_unref (view->sizes[i].pad);
  }
}

void
mxr_graph_free (MxrGraph *graph)
{
  if (graph->bus_watch != 0)
    g_source_remove (graph->bus_watch);
  gst_element_set_state (graph->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    release_sizes (graph, &graph->views[i]);
  if (graph->programme_sound.pad != NULL) {
    gst_element_release_request_pad (graph->sound, graph->programme_sound.pad);
    gst_object_unref (graph->programme_sound.pad);
  }
  gst_object_unref (graph->pipeline);
  g_free (graph);
}

void
mxr_graph_read_delays (MxrGraph *graph, MxrStageDelays *delays)
{
  MxrDelayCounts *sound = delays->counts[MXR_RTP_AUDIO];
  MxrDelayCounts *picture = delays->counts[MXR_RTP_VIDEO];

  mxr_audiomix_read_delays (graph->sound, &sound[MXR_DELAY_STAGE_WAIT], &sound[MXR_DELAY_STAGE_ENCODE]);
  mxr_tilemix_read_delay (graph->picture, MXR_TILEMIX_DELAY_WAIT, &picture[MXR_DELAY_STAGE_WAIT]);
  mxr_tilemix_read_delay (graph->picture, MXR_TILEMIX_DELAY_COMPOSE, &picture[MXR_DELAY_STAGE_COMPOSE]);
  mxr_delay_read (&graph->picture_encode, &picture[MXR_DELAY_STAGE_ENCODE]);
}

/* The tee is linked to the mixer for as long as it has a rung, so that nothing is composed for nobody. Linked last and
 * unlinked first: while a size's first rung is being put together no event passes that its pad could miss, and a later
 * one's pad gets those that the tee has kept. */
bool
mxr_graph_link_tee (const MxrGraphTee *tee)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (tee->first, "sink");
  bool is_linked = gst_pad_is_linked (sink);

  if (tee->tee->numsrcpads > 0 && !is_linked)
    return gst_pad_link (tee->pad, sink) == GST_PAD_LINK_OK;
  if (tee->tee->numsrcpads == 0 && is_linked)
    gst_pad_unlink (tee->pad, sink);
  return true;
}

/* It stays once it is there: it costs nothing while nobody gets the sound, and changes of its target are ramped. */
void
mxr_graph_set_loudness (MxrGraph *graph, double lufs)
{
  MxrGraphTee *sound = &graph->programme_sound;

  if (sound->first == sound->tee && lufs == 0)
    return;
  if (sound->first == sound->tee) {
    g_autoptr (GstPad) sink = gst_element_get_static_pad (sound->tee, "sink");
    GstElement *loudness = gst_element_factory_make ("mxrloudness", "loudness");
    if (gst_pad_is_linked (sink))
      gst_pad_unlink (sound->pad, sink);
    gst_bin_add (GST_BIN (graph->pipeline), loudness);
    gst_element_link (loudness, sound->tee);
    gst_element_sync_state_with_parent (loudness);
    sound->first = loudness;
    mxr_graph_link_tee (sound);
  }
  g_object_set (sound->first, "target", lufs, NULL);
}

bool
mxr_graph_add_input (MxrGraph *graph, GstElement *bin, GstPad *sink, GError **error)
{
  if (!mxr_branch_add (GST_BIN (graph->pipeline), bin, error))
    return false;
  g_autoptr (GstPad) src = gst_element_get_static_pad (bin, "src");
  GstPadLinkReturn result = gst_pad_link (src, sink);
  if (result == GST_PAD_LINK_OK)
    return true;
  g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "%s does not link to the mixer: %s", GST_OBJECT_NAME (bin),
               gst_pad_link_get_name (result));
  mxr_branch_remove (GST_BIN (graph->pipeline), bin, NULL, NULL, NULL);
  return false;
}

typedef struct {
  GstElement *element;
  GstPad *pad;
} Request;

static void
release_request (gpointer data)
{
  Request *request = data;
  gst_element_release_request_pad (request->element, request->pad);
  gst_object_unref (request->pad);
  gst_object_unref (request->element);
  g_free (request);
}

void
mxr_graph_remove_input (MxrGraph *graph, GstElement *bin, GstElement *mixer, GstPad *sink)
{
  g_autoptr (GstPad) src = gst_element_get_static_pad (bin, "src");
  g_autoptr (GstPad) peer = gst_pad_get_peer (src);

  if (peer != NULL)
    gst_pad_unlink (src, peer);
  if (sink == NULL) {
    mxr_branch_remove (GST_BIN (graph->pipeline), bin, NULL, NULL, NULL);
    return;
  }
  Request *request = g_new (Request, 1);
  *request = (Request){ gst_object_ref (mixer), gst_object_ref (sink) };
  mxr_branch_remove (GST_BIN (graph->pipeline), bin, NULL, release_request, request);
}
