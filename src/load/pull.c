#include "pull.h"

#define LOOK_EVERY (100 * GST_MSECOND)

GstSample *
mxr_pull_sample (GstElement *pipeline, GstAppSink *sink, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  while (TRUE) {
    GstSample *sample = gst_app_sink_try_pull_sample (sink, LOOK_EVERY);
    g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    if (message != NULL) {
      g_clear_pointer (&sample, gst_sample_unref);
      gst_message_parse_error (message, error, NULL);
      return NULL;
    }
    if (sample != NULL || gst_app_sink_is_eos (sink))
      return sample;
  }
}
