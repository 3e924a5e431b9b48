#ifndef MXR_LOAD_CHECK_PICTURE_H
#define MXR_LOAD_CHECK_PICTURE_H

#include "clip.h"
#include "marks.h"
#include "samples.h"

/* Looks at the picture that one client gets, for when a flash changes its colour; the one downlink of a room that is
 * decoded. Packets come in on a net thread; GStreamer's thread decodes and looks. */

typedef struct _MxrPictureCheck MxrPictureCheck;

typedef struct {
  guint n_frames; /* decoded */
  MxrSamples delays_ms;
} MxrPictureFindings;

/** mxr_picture_check_new: @codec: of the downlink. @flashes: of the room; outlives the check. Thread: main. */
MxrPictureCheck *mxr_picture_check_new (MxrLoadCodec codec, MxrMarks *flashes, GError **error);
/** mxr_picture_check_free: Thread: main, when nobody feeds it any more. Waits for the decoder to end. */
void mxr_picture_check_free (MxrPictureCheck *check);

/** mxr_picture_check_begin: Forgets what was found so far. Thread: any. */
void mxr_picture_check_begin (MxrPictureCheck *check);
/**
 * mxr_picture_check_feed:
 *
 * Puts late packets back into their place for as long as a repair may take. Thread: one.
 * Returns: false when frames are missing for good: ask for a key frame.
 */
bool mxr_picture_check_feed (MxrPictureCheck *check, const MxrRtpView *view, guint64 extended_seq, gint64 now_us);
/** mxr_picture_check_take: @out_findings: (out): to be cleared by the caller. Thread: any. */
void mxr_picture_check_take (MxrPictureCheck *check, MxrPictureFindings *out_findings);

/**
 * mxr_picture_find_flash:
 * @planes: Y, U and V of I420
 * @strides: [bytes]
 *
 * Looks at points in a grid that no tile falls through. Returns: which colour of %mxr_flash_colours is to be seen, and
 * the other not; -1: none, or both, as while one slides into the other. Pure.
 */
int mxr_picture_find_flash (const guint8 *const planes[3], const int strides[3], int width_px, int height_px);

#endif
