#ifndef MXR_H264_SIZE_H
#define MXR_H264_SIZE_H

#include "mixroom/base.h"

/**
 * mxr_h264_read_size:
 * @nal: a sequence parameter set with its header byte, without start code
 * @out_width_px: (out): coded, in whole macroblocks: what a decoder takes memory for; cropping is left out
 *
 * Errors: false, out parameters untouched, when it is cut off or no parameter set that a decoder could use.
 * Thread: any. Source: ITU-T H.264 7.3.2.1.1, 7.4.2.1.1, 9.1.
 */
bool mxr_h264_read_size (const guint8 *nal, gsize n_bytes, guint *out_width_px, guint *out_height_px);
/** mxr_h264_read_shown_size: The same of what is left after cropping. */
bool mxr_h264_read_shown_size (const guint8 *nal, gsize n_bytes, guint *out_width_px, guint *out_height_px);

#endif
