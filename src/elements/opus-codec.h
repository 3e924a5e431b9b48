#ifndef MXR_OPUS_CODEC_H
#define MXR_OPUS_CODEC_H

#include <stdbool.h>
#include <glib.h>

G_BEGIN_DECLS

/* libopus for one stream, that another one may go on from: blocks of S16 at 48000 Hz in, a packet for each 20 ms out.
 *
 *   shared:  ──┬─[ T0 ]─┬─[ T1 ]─┬─[ T2 ]─┬──        a packet is made of a block and the state before it
 *                       └ copy: ─┬─[ T1 ]─┬─[ T2 ]─  same state, same blocks: the same packets, byte for byte
 *
 * A codec keeps how it stood before its last block, so it can be copied there, too: of two streams of one thread it
 * does not matter which is served first. No clock, no lock, no pads; the caller serialises. */

#define MXR_OPUS_RATE_HZ 48000
#define MXR_OPUS_PACKET_FRAMES (MXR_OPUS_RATE_HZ / 50) /* 20 ms */
/* A frame has at most 1275 bytes, RFC 6716 3.4; one of 20 ms is a packet with a byte before it. */
#define MXR_OPUS_PACKET_MAX_BYTES 1276

/** MxrOpusSettings: As libopus has them, in opus_defines.h. No padding: two are compared as memory. */
typedef struct _MxrOpusSettings {
  int application; /* for good: a codec keeps its own, and its copies have it */
  int bitrate_bps;
  gboolean is_vbr, is_constrained;
  int complexity;
  gboolean has_fec;
  int loss_percent;
  gboolean has_dtx;
} MxrOpusSettings;

typedef struct _MxrOpusCodec MxrOpusCodec;

/** mxr_opus_codec_new: @n_channels: 1 or 2. Returns: (nullable): %NULL when libopus refuses @settings. */
MxrOpusCodec *mxr_opus_codec_new (guint n_channels, const MxrOpusSettings *settings);
void mxr_opus_codec_free (MxrOpusCodec *codec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrOpusCodec, mxr_opus_codec_free)

/**
 * mxr_opus_codec_copy_at:
 * @pts_ns: of the block that the copy is to begin with
 *
 * Returns: (transfer full) (nullable): what @codec was before that block; %NULL when it stood there neither now nor
 * before its last block.
 */
MxrOpusCodec *mxr_opus_codec_copy_at (const MxrOpusCodec *codec, guint64 pts_ns);

guint mxr_opus_codec_get_channels (const MxrOpusCodec *codec);
int mxr_opus_codec_get_application (const MxrOpusCodec *codec);

/** mxr_opus_codec_set: From the next packet on. What did not change is not touched. */
void mxr_opus_codec_set (MxrOpusCodec *codec, const MxrOpusSettings *settings);

/**
 * mxr_opus_codec_begin:
 *
 * A block comes. Returns: false when it does not continue the last one; part of a packet that waited is left out then.
 */
bool mxr_opus_codec_begin (MxrOpusCodec *codec, guint64 pts_ns);

/**
 * mxr_opus_codec_take:
 * @frames: (inout): of the block: n_frames x n_channels, interleaved; moves on
 * @n_frames: (inout): what is left
 * @packet: (out caller-allocates): room for %MXR_OPUS_PACKET_MAX_BYTES
 * @out_pts_ns: of the first frame that a decoder makes of the packet, which is libopus's look-ahead older than the first
 * one that went in (6.5 ms, or 2.5 ms with low delay); 0 for what would be before 0
 *
 * Returns: bytes of the next packet; 0 when there is none: the block is used up and the rest of it waits for the next
 * one, or it is silence, of which DTX sends one byte each 400 ms; -1 when libopus fails. Go on until @n_frames is 0.
 * Cost: an encode per 20 ms that are not silent, no allocation.
 */
int mxr_opus_codec_take (MxrOpusCodec *codec, const gint16 **frames, guint *n_frames, guint8 *packet,
                         guint64 *out_pts_ns);

G_END_DECLS

#endif
