/* A rung's packets of H.264 as access units for the programme's feed: RTP -> valve -> depayloader -> parser -> appsink. What
 * outputs get is encoded once along with what clients get, by whatever fragment the operator has chosen, and an output comes
 * and goes without a new encoder: that the packets are put together again costs next to nothing (README.md). */

#include "room-private.h"

#include <gst/app/gstappsink.h>

/* Outputs want byte-stream with parameter sets before each key frame, and the frame rate, which RTP does not tell: what comes
 * after a pause begins a frame later than the last before it. */
#define CHAIN                                                                                                                 \
  "valve name=valve drop=true ! rtph264depay wait-for-keyframe=true ! capssetter caps=video/x-h264,framerate=%u/1 "           \
  "! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au "                                     \
  "! appsink name=units sync=false async=false enable-last-sample=false"

/* Thread: the encoder's. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer user_data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample != NULL)
    mxr_feed_push (user_data, MXR_FEED_PICTURE, sample);
  return GST_FLOW_OK;
}

GstElement *
mxr_units_new_bin (MxrFeed *feed, guint framerate, GError **error)
{
  g_autofree char *chain = g_strdup_printf (CHAIN, framerate);
  GstElement *bin = gst_parse_bin_from_description_full (chain, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  GstAppSinkCallbacks callbacks = { .new_sample = on_new_sample };

  if (bin == NULL)
    return NULL;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (bin), "units");
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, mxr_feed_ref (feed), (GDestroyNotify) mxr_feed_unref);
  return bin;
}

void
mxr_units_set_open (GstElement *bin, bool is_open)
{
  g_autoptr (GstElement) valve = gst_bin_get_by_name (GST_BIN (bin), "valve");
  g_object_set (valve, "drop", !is_open, NULL);
}
