#ifndef MXR_AUDIOMIX_PRIVATE_H
#define MXR_AUDIOMIX_PRIVATE_H

#include <gst/audio/audio.h>

#include "mix-limiter.h"
#include "mix-ring.h"
#include "mixroom/elements.h"
#include "tick.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (mxr_audio_mix_debug);

/** MxrAudioMixFormat: What all pads of one mixer have in common; settled when the element leaves READY. */
typedef struct _MxrAudioMixFormat {
  guint n_channels;
  guint block_frames;
  guint prefill_frames;
} MxrAudioMixFormat;

/* ---- Sink pads ----------------------------------------------------------------------------------------- */

#define MXR_TYPE_AUDIO_MIX_SINK (mxr_audio_mix_sink_get_type ())
G_DECLARE_FINAL_TYPE (MxrAudioMixSink, mxr_audio_mix_sink, MXR, AUDIO_MIX_SINK, GstPad)

MxrAudioMixSink *mxr_audio_mix_sink_new (GstPadTemplate *templ, const char *name, guint index,
                                         const MxrAudioMixFormat *format);

/** mxr_audio_mix_sink_index: The number in its name; constant. */
guint mxr_audio_mix_sink_index (MxrAudioMixSink *sink);

/** mxr_audio_mix_sink_configure: Begins anew with an empty ring. Thread: any. */
void mxr_audio_mix_sink_configure (MxrAudioMixSink *sink, const MxrAudioMixFormat *format);

/**
 * mxr_audio_mix_sink_take:
 * @out: (out): block_frames x n_channels, wide, with volume and ramps applied
 * @now_ns: running time of the block
 *
 * Returns: false, and @out undefined, when the pad adds nothing to this block. Thread: the tick's.
 */
bool mxr_audio_mix_sink_take (MxrAudioMixSink *sink, gint32 *out, GstClockTime now_ns);

/** mxr_audio_mix_sink_skip: Lets a block pass that nobody hears. Thread: the tick's. */
void mxr_audio_mix_sink_skip (MxrAudioMixSink *sink, GstClockTime now_ns);

/** mxr_audio_mix_sink_is_idle: Whether nothing has come for long. What ends that wakes the mixer. Thread: the tick's. */
bool mxr_audio_mix_sink_is_idle (MxrAudioMixSink *sink);

/** mxr_audio_mix_sink_lose: Lets @n_blocks pass that were never produced. Thread: the tick's. */
void mxr_audio_mix_sink_lose (MxrAudioMixSink *sink, guint64 n_blocks);

/* ---- Source pads --------------------------------------------------------------------------------------- */

#define MXR_TYPE_AUDIO_MIX_SOURCE (mxr_audio_mix_source_get_type ())
G_DECLARE_FINAL_TYPE (MxrAudioMixSource, mxr_audio_mix_source, MXR, AUDIO_MIX_SOURCE, GstPad)

/** MXR_AUDIO_MIX_NO_SINK: The index of the source pad that leaves nobody out. Sorts before all others. */
#define MXR_AUDIO_MIX_NO_SINK (-1)

MxrAudioMixSource *mxr_audio_mix_source_new (GstPadTemplate *templ, const char *name, gint64 sink_index);
gint64 mxr_audio_mix_source_sink_index (MxrAudioMixSource *source);

/** mxr_audio_mix_source_restart: The next block is preceded by stream-start, caps and segment. No tick runs.
 */
void mxr_audio_mix_source_restart (MxrAudioMixSource *source);

/**
 * mxr_audio_mix_source_wants_block:
 * @limiter: that of the full mix; a source that does not listen follows it
 *
 * Thread: the tick's, once a tick.
 */
bool mxr_audio_mix_source_wants_block (MxrAudioMixSource *source, const MxrMixLimiter *limiter);

/** mxr_audio_mix_source_limiter: Thread: the tick's. */
MxrMixLimiter *mxr_audio_mix_source_limiter (MxrAudioMixSource *source);

/**
 * mxr_audio_mix_source_push:
 * @caps: of the source pads
 * @buffer: (transfer full): may be shared with other pads
 *
 * What downstream answers concerns this pad alone. Thread: the tick's, without a lock.
 */
void mxr_audio_mix_source_push (MxrAudioMixSource *source, GstCaps *caps, guint group_id, GstBuffer *buffer);

/** mxr_audio_mix_source_has_settled: Whether what is behind the pad has had digital silence for so long that it need not
 * be told any more. Thread: the tick's. */
bool mxr_audio_mix_source_has_settled (MxrAudioMixSource *source);

/* ---- The element --------------------------------------------------------------------------------------- */

#define MXR_TYPE_AUDIO_MIX (mxr_audio_mix_get_type ())
G_DECLARE_FINAL_TYPE (MxrAudioMix, mxr_audio_mix, MXR, AUDIO_MIX, GstElement)

struct _MxrAudioMix {
  GstElement parent;
  MxrTick *tick;

  /* Guarded by the object lock. */
  GPtrArray *sinks;   /* MxrAudioMixSink, by index */
  GPtrArray *sources; /* MxrAudioMixSource, by sink index; `src` is the first */
  guint next_sink, next_source;
  guint n_channels, block_ms, prefill_ms;
  guint64 n_blocks, n_skipped;

  gint may_rest; /* atomic: when there is nothing to do */

  MxrDelay wait_delay;   /* of a packet in its input's ring; noted by streaming threads */
  MxrDelay encode_delay; /* from a tick until a source pad's block is worked off; noted by the tick */

  /* Set between READY and PAUSED, read by the tick. */
  MxrAudioMixFormat format;
  GstCaps *caps;
  GstBufferPool *pool;
  guint group_id;

  /* The tick's. */
  GPtrArray *tick_sinks, *tick_sources; /* what there is at this tick */
  GPtrArray *tick_parts;                /* gint32 block or NULL, beside tick_sources: what to leave out */
  gint32 *sum, *minus, *parts;          /* a block, a block, n_parts blocks */
  guint n_parts;
  MxrMixLimiter limiter; /* of the full mix */
  guint64 next_index;    /* of the block that follows the last one */
  bool has_rested;       /* since the last one */
};

/** mxr_audio_mix_tick: One block on every source pad, and those that came late. Thread: the tick's. */
void mxr_audio_mix_tick (GstElement *element, guint64 index, GstClockTime running_time_ns, guint64 n_missed);

/** mxr_audio_mix_wake: @pad: one of a mixer's, to which something happened. Ends a rest. Thread: any, without a lock. */
void mxr_audio_mix_wake (GstPad *pad);

guint mxr_audio_mix_block_samples (const MxrAudioMix *self);

/** mxr_audio_mix_copy_refs: Appends; @from's lock is held. */
void mxr_audio_mix_copy_refs (GPtrArray *to, const GPtrArray *from);

G_END_DECLS

#endif
