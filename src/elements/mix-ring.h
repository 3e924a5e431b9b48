#ifndef MXR_MIX_RING_H
#define MXR_MIX_RING_H

#include <stdbool.h>
#include <glib.h>

G_BEGIN_DECLS

/* The playout of one input: wide samples (mix-ops.h) come in when the network brings them and go out in
 * blocks of one size at even times. In between the ring keeps a cushion, as small as the arrivals allow:
 *
 *            a block is there, and the next packet may be late by the cushion: fade in
 *   EMPTY  ----------------------------------------------------------------------------->  PLAYING
 *          <-----------------------------------------------------------------------------
 *            less than a block there: fade out over its mirror image
 *
 * After an audible underrun the cushion grows, later it shrinks again. The smallest margin (how much later a packet
 * might have come) of some seconds tells what the cushion really is, jitter included; when that drifts away (the
 * sender's clock is not ours, or the jitter ends), samples are dropped or inserted with a cross-fade, all at once where
 * it is quiet, otherwise a few milliseconds at the place where the wave resembles itself. All times are counted in
 * frames at 48000 Hz. Memory is taken when something comes and given back when nothing does. The caller serialises.
 */

#define MXR_MIX_RATE_HZ 48000
#define MXR_MIX_RING_FRAMES (MXR_MIX_RATE_HZ / 5) /* 200 ms */

typedef struct _MxrMixRing MxrMixRing;

/**
 * MxrMixRingStats:
 * @n_frames: waiting in the ring
 * @underruns: times it ran dry while there was something to hear
 * @pauses: times it ran dry in silence, as at the begin of a DTX pause
 * @overruns: times more came than it holds; the oldest went
 * @dropped: frames left out, by overruns and against drift
 * @inserted: frames made up against drift
 * @memory_bytes: held for samples
 */
typedef struct _MxrMixRingStats {
  guint n_frames;
  gsize memory_bytes;
  guint64 underruns, pauses, overruns, dropped, inserted;
} MxrMixRingStats;

/**
 * mxr_mix_ring_new:
 * @n_channels: 1 or 2
 * @block_frames: what mxr_mix_ring_pull() takes, 10 to 40 ms
 * @prefill_frames: the cushion: how late a packet may be without harm, at most 100 ms
 */
MxrMixRing *mxr_mix_ring_new (guint n_channels, guint block_frames, guint prefill_frames);
void mxr_mix_ring_free (MxrMixRing *ring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrMixRing, mxr_mix_ring_free)

/**
 * mxr_mix_ring_begin:
 * @n_frames: of the packet to be written
 * @now_ns: on the time line of mxr_mix_ring_pull(); G_MAXUINT64 when unknown
 *
 * Makes room; the oldest frames go. Ends what mxr_mix_ring_end() began.
 * Returns: how many of the packet's own first frames are too many, because it alone is larger than the ring.
 */
guint mxr_mix_ring_begin (MxrMixRing *ring, guint n_frames, guint64 now_ns);

/**
 * mxr_mix_ring_span:
 * @n_frames: left to write
 * @out_span: where: n x n_channels
 *
 * Returns: how many frames may be written there in one go. Commit them, then ask again.
 */
guint mxr_mix_ring_span (MxrMixRing *ring, guint n_frames, gint32 **out_span);
void mxr_mix_ring_commit (MxrMixRing *ring, guint n_frames);

/** mxr_mix_ring_write_silence: As much of it as there is room for. */
void mxr_mix_ring_write_silence (MxrMixRing *ring, guint n_frames);

/** mxr_mix_ring_get_wait: How long a packet would wait that came at @now_ns, until its block is due. Returns: false, and
 * @out_frames untouched, while nothing plays. */
bool mxr_mix_ring_get_wait (const MxrMixRing *ring, guint64 now_ns, guint *out_frames);

/** mxr_mix_ring_end: No more will come: plays the rest without a cushion, and does not count the end as an
 * underrun. */
void mxr_mix_ring_end (MxrMixRing *ring);

/** mxr_mix_ring_flush: Forgets what was not played yet; what plays fades out. */
void mxr_mix_ring_flush (MxrMixRing *ring);

/**
 * mxr_mix_ring_pull:
 * @out: block_frames x n_channels
 * @now_ns: when the block is due
 *
 * Returns: false, and @out untouched, when there is nothing to play.
 */
bool mxr_mix_ring_pull (MxrMixRing *ring, gint32 *out, guint64 now_ns);

/**
 * mxr_mix_ring_skip:
 * @now_ns: when the block is due
 *
 * In place of a pull when nobody listens: lets a block's time pass and keeps what is needed to begin at once when
 * somebody listens again: no more than if it had played, or, of a sound that began less than 180 ms ago, all of it.
 */
void mxr_mix_ring_skip (MxrMixRing *ring, guint64 now_ns);

/** mxr_mix_ring_skip_blocks: Time was lost: takes up to @n_blocks out without going below the cushion. */
void mxr_mix_ring_skip_blocks (MxrMixRing *ring, guint64 n_blocks);

MxrMixRingStats mxr_mix_ring_stats (const MxrMixRing *ring);

G_END_DECLS

#endif
