#ifndef MXR_IMAGE_HEAD_H
#define MXR_IMAGE_HEAD_H

#include "mixroom/base.h"

G_BEGIN_DECLS

/* What a PNG or JPEG says of itself, before anything decodes it. */
typedef struct {
  const char *type; /* "image/png" or "image/jpeg"; static */
  guint width_px, height_px;
  gsize n_bytes; /* up to where the one picture ends */
} MxrImageHead;

/**
 * mxr_image_head_read:
 * @out_problem: (out): static; what is wrong, and what to do
 *
 * Refuses what has more than %MXR_IMAGE_MAX_PX on a side, and JPEGs that say their size twice or have no end. Thread: any; pure.
 * Source: PNG (third edition) 5.2, 11.2.1; ITU-T T.81 B.1.1, B.2.2.
 */
bool mxr_image_head_read (const guint8 *bytes, gsize n_bytes, MxrImageHead *out_head, const char **out_problem);

G_END_DECLS

#endif
