#ifndef CLIP_FRAMES_H
#define CLIP_FRAMES_H

#include "../../src/load/clip.h"

/**
 * clip_frames_new:
 * @clip: a picture's, of RTP packets
 *
 * Returns: (transfer full): #GBytes, one for each frame, as a decoder takes them. Ends the process when GStreamer's
 * depayloader is missing: there is nothing to measure then.
 */
GPtrArray *clip_frames_new (const MxrClip *clip);

#endif
