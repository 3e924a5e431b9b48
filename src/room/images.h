#ifndef MXR_IMAGES_H
#define MXR_IMAGES_H

#include <gst/gst.h>

#include "mixroom/room.h"

G_BEGIN_DECLS

/**
 * mxr_image_load_async:
 * @name: of an image of programme.images_directory
 * @is_logo: BGRA with straight alpha at its own size; else I420 (BT.601) of @width_px x @height_px, scaled and cut to cover it
 *
 * Decoded by a worker. The callback is always made, once and in a later turn of the main loop. Thread: control.
 * Errors: NOT_FOUND, BAD_LOOK (the name, or what is in the file), OUTPUT_OFF (there is no such folder), FAILED.
 */
void mxr_image_load_async (const MxrConfig *config, const char *name, bool is_logo, guint width_px, guint height_px,
                           GAsyncReadyCallback callback, gpointer user_data);
/** mxr_image_load_finish: Returns: (transfer full). */
GstSample *mxr_image_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS

#endif
