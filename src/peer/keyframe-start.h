#ifndef MXR_KEYFRAME_START_H
#define MXR_KEYFRAME_START_H

#include "mixroom/base.h"

/**
 * mxr_is_keyframe_start:
 * @codec: encoding name: VP8 or H264; nothing else has key frames
 * @payload: of an RTP packet
 *
 * Whether a decoder that has seen nothing can begin here. In H.264 that is at the sequence parameter set, which our
 * encoders and browsers send before each IDR picture: one that began at the picture itself could decode nothing. Read
 * from the payload, because rtpvp8pay of GStreamer 1.22.0 gives packets of every frame the flags of a key frame's.
 *
 * Thread: any. Source: RFC 7741 4.2, 4.3; RFC 6184 5.6 to 5.8.
 */
bool mxr_is_keyframe_start (const char *codec, const guint8 *payload, gsize n_bytes);

/**
 * mxr_read_keyframe_size:
 * @payload: for which mxr_is_keyframe_start() holds
 *
 * Of the largest parameter set in the packet when the codec is H264.
 *
 * Errors: false, out parameters untouched, when frame header or a parameter set are cut off or damaged, or go on in the
 * next packet.
 * Thread: any. Source: RFC 6386 9.1; RFC 6184 5.6 to 5.8.
 */
bool mxr_read_keyframe_size (const char *codec, const guint8 *payload, gsize n_bytes, guint *out_width_px,
                             guint *out_height_px);

/**
 * mxr_read_shown_size:
 * @payload: for which mxr_is_keyframe_start() holds
 *
 * What a client shows of it, which in H264 may be less than what is coded; of the first parameter set in the packet.
 *
 * Errors, thread, source: as of mxr_read_keyframe_size().
 */
bool mxr_read_shown_size (const char *codec, const guint8 *payload, gsize n_bytes, guint *out_width_px, guint *out_height_px);

/**
 * mxr_read_h264_profile:
 * @payload: for which mxr_is_keyframe_start() holds
 *
 * Returns: profile_idc << 16 | constraint flags << 8 | level_idc of the first parameter set in the packet; 0: of another codec, or
 * cut off.
 * Thread: any. Source: ITU-T H.264 7.3.2.1.1; RFC 6184 8.1.
 */
guint mxr_read_h264_profile (const char *codec, const guint8 *payload, gsize n_bytes);

#endif
