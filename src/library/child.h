#ifndef MXR_LIBRARY_CHILD_H
#define MXR_LIBRARY_CHILD_H

#include <gst/gst.h>

#include "mixroom/base.h"

/* The parts of mixroom-probe, the process that looks into files. See probe.h for what it is asked and says. */

typedef struct {
  const char *type; /* static: as HTTP calls it */
  const char *ending;
  guint64 duration_ms;
  guint width_px, height_px; /* 0: it has no picture */
  bool has_sound;
} MxrFacts;

/**
 * mxr_child_limit:
 *
 * Takes memory, processor time and open files away from this process, and from GStreamer's registry whatever opens
 * another file or address than the one that is given, and every demuxer that is not known to be of use here.
 */
void mxr_child_limit (void);

/** mxr_child_read_facts: @is_whole: reads to the end for the duration, whatever the file says of it. Blocks. */
bool mxr_child_read_facts (const char *path, bool is_whole, MxrFacts *out_facts, GError **error);

/** mxr_child_write_poster: A JPEG of the picture at a tenth of @duration_ms. Blocks. */
bool mxr_child_write_poster (const char *path, guint64 duration_ms, const char *poster, GError **error);

/** mxr_child_wait: Returns: whether one of @types came before an error, which is set, or the time-out. */
bool mxr_child_wait (GstElement *pipeline, GstMessageType types, guint seconds, GError **error);

#endif
