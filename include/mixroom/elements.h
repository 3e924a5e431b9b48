#ifndef MIXROOM_ELEMENTS_H
#define MIXROOM_ELEMENTS_H

#include <stdbool.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* The mixers. Built once as a static library: the server registers them with mxr_elements_register(), and
 * libgstmixroom.so holds the same code for gst-launch-1.0 and gst-inspect-1.0. */

/**
 * mxr_elements_register:
 * @plugin: (nullable): %NULL for static registration
 *
 * Registers the factories `mxraudiomix` and `mxrtilemix`. Call after gst_init().
 */
bool mxr_elements_register (GstPlugin *plugin);

GST_ELEMENT_REGISTER_DECLARE (mxraudiomix);
GST_ELEMENT_REGISTER_DECLARE (mxrtilemix);

G_END_DECLS

#endif
