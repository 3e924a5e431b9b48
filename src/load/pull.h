#ifndef MXR_LOAD_PULL_H
#define MXR_LOAD_PULL_H

#include <gst/app/gstappsink.h>

/**
 * mxr_pull_sample:
 * @pipeline: with @sink in it, playing
 *
 * The next sample, however long it takes; but a pipeline that failed gives none, and no end either.
 *
 * Returns: (transfer full): %NULL at the end, and, with @error, when something in the pipeline failed.
 */
GstSample *mxr_pull_sample (GstElement *pipeline, GstAppSink *sink, GError **error);

#endif
