/* The programme's sound, encoded for outputs: the full mix -> loudness -> tee -> encoder -> appsink -> feed. Viewers' encode, of
 * sound.c, comes from the same tee. */

#include "room-private.h"

#include <gst/app/gstappsink.h>

/* One encoding in the room's pipeline. */
struct _MxrProgrammeSound {
  MxrGraph *graph;
  MxrFeed *feed;
  MxrFeedStream stream;
  GstElement *bin, *encoder;
  GstPad *upstream; /* the request pad of the tee that feeds the bin; owned */
  bool is_added;    /* @bin is in the pipeline */
};

/* The appsink is inside the bin, which has stopped before the encoding is freed. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer user_data)
{
  MxrProgrammeSound *sound = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample != NULL)
    mxr_feed_push (sound->feed, sound->stream, sample);
  return GST_FLOW_OK;
}

static GstElement *
new_sink (MxrProgrammeSound *sound)
{
  GstElement *sink = gst_element_factory_make ("appsink", "sink");
  GstAppSinkCallbacks callbacks = { .new_sample = on_new_sample };

  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, sound, NULL);
  return sink;
}

/* AAC's first frame is what was before the sound, of which no container here says so: players play it, and all else later.
 * Opus' containers say. */
#define AAC_PRIMING (1024 * GST_SECOND / 48000)

static bool
fill_bin (MxrProgrammeSound *sound, MxrHub *hub, GError **error)
{
  const MxrFragment *fragment = mxr_hub_find_programme_encoder (hub, sound->stream, error);

  sound->encoder = fragment != NULL ? mxr_fragment_new_bin (fragment, "encoder", error) : NULL;
  if (sound->encoder == NULL)
    return false;
  GstElement *sink = new_sink (sound);
  gst_bin_add_many (GST_BIN (sound->bin), sound->encoder, sink, NULL);
  mxr_fragment_bin_set_bitrate (sound->encoder, hub->config->programme.sound_bitrate_bps);
  if (!gst_element_link (sound->encoder, sink)) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the programme's encoder does not link");
    return false;
  }
  g_autoptr (GstPad) target = gst_element_get_static_pad (sound->encoder, "sink");
  gst_pad_set_offset (target, sound->stream == MXR_FEED_SOUND ? -(gint64) AAC_PRIMING : 0);
  GstPad *ghost = gst_ghost_pad_new ("sink", target);
  gst_pad_set_active (ghost, TRUE);
  return gst_element_add_pad (sound->bin, ghost);
}

static bool
connect_bin (MxrProgrammeSound *sound, MxrRoom *room, GError **error)
{
  const MxrGraphTee *tee = &room->graph->programme_sound;
  g_autoptr (GstPad) sink = gst_element_get_static_pad (sound->bin, "sink");

  if (!mxr_branch_add (GST_BIN (room->graph->pipeline), sound->bin, error))
    return false;
  sound->is_added = true;
  sound->upstream = gst_element_request_pad_simple (tee->tee, "src_%u");
  if (gst_pad_link (sound->upstream, sink) == GST_PAD_LINK_OK && mxr_graph_link_tee (tee))
    return true;
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the programme does not link to the mixer");
  return false;
}

static void
sound_free (gpointer data)
{
  MxrProgrammeSound *sound = data;

  if (sound->upstream != NULL) {
    gst_element_release_request_pad (sound->graph->programme_sound.tee, sound->upstream);
    gst_object_unref (sound->upstream);
    mxr_graph_link_tee (&sound->graph->programme_sound);
  }
  gst_object_unref (sound->bin);
  mxr_feed_unref (sound->feed);
  g_free (sound);
}

void
mxr_programme_sound_remove (MxrProgrammeSound *sound)
{
  if (sound->is_added)
    mxr_branch_remove (GST_BIN (sound->graph->pipeline), sound->bin, sound->upstream, sound_free, sound);
  else
    sound_free (sound);
}

bool
mxr_programme_sound_is_ancestor (const MxrProgrammeSound *sound, GstObject *object)
{
  return gst_object_has_as_ancestor (object, GST_OBJECT (sound->bin));
}

MxrProgrammeSound *
mxr_programme_sound_new (MxrRoom *room, MxrFeed *feed, MxrFeedStream stream, GError **error)
{
  MxrProgrammeSound *sound = g_new0 (MxrProgrammeSound, 1);
  g_autofree char *name = g_strdup_printf ("programme-%u", room->next_key++);

  sound->graph = room->graph;
  sound->feed = mxr_feed_ref (feed);
  sound->stream = stream;
  sound->bin = gst_object_ref_sink (gst_bin_new (name));
  if (fill_bin (sound, room->hub, error) && connect_bin (sound, room, error))
    return sound;
  mxr_programme_sound_remove (sound);
  return NULL;
}
