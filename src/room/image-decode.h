#ifndef MXR_IMAGE_DECODE_H
#define MXR_IMAGE_DECODE_H

#include <gst/gst.h>

#include "image-head.h"

G_BEGIN_DECLS

/**
 * mxr_image_decode:
 * @bytes: PNG or JPEG
 * @is_logo: BGRA with straight alpha, at its own size; else I420 (BT.601), scaled and cut to @width_px x @height_px
 *
 * Takes until it is done, 10 s at most. Thread: a worker. Errors: BAD_LOOK, FAILED.
 */
GstSample *mxr_image_decode (GBytes *bytes, bool is_logo, guint width_px, guint height_px, GError **error);

G_END_DECLS

#endif
