#ifndef MIXROOM_ELEMENTS_H
#define MIXROOM_ELEMENTS_H

#include <gst/gst.h>

#include "mixroom/base.h"

G_BEGIN_DECLS

/* The mixers, and the Opus decoder and encoder before and behind one. Built once as a static library: the server registers them with
 * mxr_elements_register(), and libgstmixroom.so holds the same code for gst-launch-1.0 and gst-inspect-1.0. */

/**
 * mxr_elements_register:
 * @plugin: (nullable): %NULL for static registration
 *
 * Registers the factories `mxraudiomix`, `mxrloudness`, `mxropusdec`, `mxropusenc`, `mxrpicturedec` and `mxrtilemix`. Call after gst_init().
 */
bool mxr_elements_register (GstPlugin *plugin);

GST_ELEMENT_REGISTER_DECLARE (mxraudiomix);
GST_ELEMENT_REGISTER_DECLARE (mxropusdec);
GST_ELEMENT_REGISTER_DECLARE (mxropusenc);
GST_ELEMENT_REGISTER_DECLARE (mxrtilemix);

/* ---- mxraudiomix --------------------------------------------------------------------------------------- */

/* Sums live audio once and gives everybody the sum less their own part.
 *
 * Pads:
 *   sink_%u  request   S16LE or F32LE, 48000 Hz, 1 or 2 channels interleaved; both may change at any time
 *   src      always    the mix of everybody
 *   src_%u   request   the mix less sink_%u of the same number; the full mix while that sink does not exist or
 *                      is not in the mix. The sink may come later than the source pad and go earlier.
 *   Sources are S16LE, 48000 Hz, `channels` channels. Request and release pads in any state, from any thread.
 *
 * Properties of the element: `channels` (1 or 2, default 1), `block-duration` (10..40 ms, default 20), `prefill`
 * (0..100 ms, default 10), all three count from READY on; `rest` (default false; at any time); `stats` (read-only): see below.
 * Properties of a sink pad, by name or as `sink_0::volume` (GstChildProxy), any thread, any state:
 *   `volume`  0..4, default 1, ramped over a block
 *   `mute`    ramped over a block
 *   `active`  whether the input is in the mix, default true; comes in 5 ms, goes in 20 ms
 *   `level`   read-only: of what came in, before volume and mute, smoothed [dBFS, -127..0]; RFC 6464's measure
 *   `stats`   read-only: see below
 * `stats` of the element: `blocks`, `blocks-skipped` (the machine was late; the PTS grid shows a gap), both guint64.
 * `stats` of a sink pad: `samples` (in the ring, per channel: its delay), guint; and as guint64 `underruns` (audible
 * ones), `pauses` (the ring ran dry in silence: DTX), `overruns`, `dropped` and `inserted` [samples per channel].
 *
 * What a user must know:
 *   - A block leaves at every tick, whatever came in: PTS is the tick's running time. Inputs must be live; their
 *     time stamps are not looked at, the moment of arrival is.
 *   - One thread serves all source pads in turn. What stands behind a source pad must not block: a sink that waits
 *     for the clock or for its preroll (`async=true`), or a slow encoder, gets a queue before it. No blocking probes
 *     on the pads; none are needed.
 *   - With `rest`, no block leaves any more once nothing has come for 2 s, the limiters are at rest and each listening
 *     source pad has had 25 blocks of digital silence, but for one each 10 s. The first packet ends the rest, and so do a
 *     new listener and a change of a sink pad's property; the first block leaves at the next tick and is DISCONT, no block
 *     that is heard is left out or late. It is off by default because sinks that know no gaps (files, sound cards) are
 *     what a pipeline by hand most often ends in.
 *   - A source pad that is not linked costs nothing. One that was answered with an error or EOS rests until it is
 *     linked anew (or gets a RECONFIGURE event); the others go on.
 *   - EOS on a sink means "no more data": the rest is played. The mixer itself never ends; to end what is behind it,
 *     send EOS to the peer of the source pad.
 *   - An input that is not active keeps the begin of a sound, 180 ms at most: made active within that time it is heard
 *     from there on, late by as much, which shrinks while it plays. It holds no memory while nothing comes.
 */

/**
 * mxr_audiomix_read_delays:
 * @mix: an `mxraudiomix`
 * @out_wait: how long packets waited in the rings of inputs that play, until their block was due
 * @out_encode: from a tick until what stands behind a source pad had worked its block off, per block and linked pad
 *
 * Thread: any.
 */
void mxr_audiomix_read_delays (GstElement *mix, MxrDelayCounts *out_wait, MxrDelayCounts *out_encode);

/* ---- mxropusenc ---------------------------------------------------------------------------------------- */

/**
 * mxr_opusenc_fork:
 * @encoder: an `mxropusenc`, or a bin with one inside, that has encoded nothing yet
 * @donor: another one, or a bin with one inside
 *
 * @encoder's first block is encoded from the state in which @donor was before its own block of that time stamp. As long
 * as both get the same blocks and have the same settings, their packets are the same byte for byte, and a listener may
 * be changed from one's to the other's at any packet. Name the donor before data flows; it is not kept alive by that.
 * In a pause (`dtx`) the donor stands wherever it stood before, also when it gets no blocks meanwhile.
 * When the donor never stood there (a gap in a sound, another number of channels, another `audio-type`, not playing), @encoder
 * begins anew and counts it in `stats`.
 *
 * Properties are named as those of `opusenc`: `bitrate` [bit/s], `bitrate-type`, `complexity`, `inband-fec`,
 * `packet-loss-percentage` and `dtx` may be set at any time, `audio-type` counts from the first block on. With `dtx`,
 * digital silence is neither encoded nor sent, but for a byte each 400 ms, and at the first block after a gap. `stats` (read-only) has `packets`, `forks`
 * and `fresh-starts`, all guint64. S16LE, 48000 Hz, 1 or 2 channels in, blocks of any length, each with a time stamp;
 * packets of 20 ms out.
 *
 * Returns: false when one of the two has no `mxropusenc`, such as an operator's own fragment. Thread: any; @donor may be
 * encoding meanwhile.
 */
bool mxr_opusenc_fork (GstElement *encoder, GstElement *donor);

/**
 * mxr_opusenc_set_loss:
 * @encoder: as above
 * @percent: of packets, that the listeners lose; 0: none worth speaking of
 *
 * Sets `inband-fec` and `packet-loss-percentage`, from the next packet on: each packet has a coarse copy of the one before.
 * With `audio-type=generic` libopus changes to a speech mode for it from 6 % on, without a break, at three times the cost;
 * `restricted-lowdelay` has no such mode, and copies nothing.
 *
 * Returns: false when there is no `mxropusenc`. Thread: any.
 */
bool mxr_opusenc_set_loss (GstElement *encoder, guint percent);

/* ---- mxrtilemix ---------------------------------------------------------------------------------------- */

/**
 * MxrTile:
 * @sink: index of the sink pad shown here: 3 is `sink_3`; it need not exist (yet)
 * @x: left edge on the canvas [px]; @y, @w and @h likewise. All four edges are rounded down to even, because a
 *   chroma sample covers two pixels, and what hangs over the canvas is cut off before the picture is fitted
 * @z: higher is in front; equal ones are drawn in the order of the array
 */
typedef struct {
  guint sink;
  int x, y, w, h;
  int z;
} MxrTile;

/**
 * mxr_tilemix_set_tiles:
 * @mix: an `mxrtilemix`
 * @view: one of its source pads
 * @tiles: (array length=n_tiles) (nullable): copied
 * @n_tiles: at most %MXR_TILES_MAX; what goes beyond is ignored
 *
 * Replaces the whole layout of one view: the next frame shows all of it or, when it is set later, nothing of it. The
 * same as setting the pad's property `tiles`, without its GValues.
 *
 * Pad properties of a view (`src_%u`): `width`, `height`, `framerate`, `labels`, `background`, `tiles`;
 * of an input (`sink_%u`): `title`, `video`, `stale-after`. All may be set in any state; gst-inspect-1.0 documents them.
 *
 * What the element does between its pads: each input keeps its newest frame; on each tick (`tick-framerate`, 30) each view
 * that is due is drawn from these and pushed with the tick's running time. Unchanged views are not pushed but every
 * `idle-interval` (1000 ms). All views are pushed from one thread, so a queue (leaky) belongs behind each. `stats`
 * holds what was done. Latency: one tick. A downstream EOS ends that one view until its pad is linked anew. While no
 * source pad is linked, or nothing has changed for half a second, the element sleeps until that ends.
 *
 * Thread: any.
 */
void mxr_tilemix_set_tiles (GstElement *mix, GstPad *view, const MxrTile *tiles, guint n_tiles);

typedef enum {
  /* From a frame's arrival at its sink pad to the grid point of the tick that shows it first. Frames that another one
   * replaced, or that no view shows, are not counted. Half a tick on average: 17 ms at 30 per second. */
  MXR_TILEMIX_DELAY_WAIT,
  /* From the tick's grid point to the push of a composed picture: waking up, drawing, and the views pushed before. */
  MXR_TILEMIX_DELAY_COMPOSE,
  MXR_TILEMIX_N_DELAYS
} MxrTileMixDelay;

typedef enum {
  MXR_TILEMIX_LABELS_NONE,
  MXR_TILEMIX_LABELS_NAMES,       /* small, at the foot of each tile */
  MXR_TILEMIX_LABELS_LOWER_THIRD, /* a band with the name, as on television */
} MxrTileMixLabels;

/* What a view has beside its tiles. Images are borrowed: samples of one raw picture. */
typedef struct {
  guint32 background;          /* 0xRRGGBB */
  GstSample *background_image; /* (nullable): I420; covers the canvas behind the tiles */
  GstSample *logo;             /* (nullable): BGRA, straight alpha; in front of everything */
  bool logo_is_left, logo_is_top;
  double logo_height;          /* of the canvas */
  MxrTileMixLabels labels;
  bool clock;                  /* time of day, in the corner across from the logo */
  double safe_margin;          /* kept free at each edge by logo, labels and clock; of the canvas */
} MxrTileMixLook;

/** mxr_tilemix_set_look: Of one view, from the next picture on, which is composed anew. @look: copied. Thread: any. */
void mxr_tilemix_set_look (GstElement *mix, GstPad *view, const MxrTileMixLook *look);

/** mxr_tilemix_read_delay: @out_counts: (out): since the element was made. Thread: any. */
void mxr_tilemix_read_delay (GstElement *mix, MxrTileMixDelay which, MxrDelayCounts *out_counts);

/* ---- mxrpicturedec -------------------------------------------------------------------------------------- */

/* Packets of H.264 (RFC 6184, not interleaved) or VP8 (RFC 7741) in, I420 out, up to 4096x4096. One thread, the streaming one.
 * Pictures lie in libavcodec's memory and are read-only, with strides of their own (GstVideoMeta) where downstream takes that,
 * and may outlive the element; else they are copies. Asks for a key frame upstream (force-key-unit) after a gap or a broken
 * frame, and shows nothing until then. */
GST_ELEMENT_REGISTER_DECLARE (mxrpicturedec);

/* ---- mxrloudness ------------------------------------------------------------------------------------------ */

/* Brings a live sound to a loudness (EBU R 128, measured by libebur128) and holds its true peaks below -1 dBTP.
 *
 * S16LE or F32LE in, S16LE out, 48000 Hz, 1 or 2 channels; one channel is measured as one. Properties, at any time: `target` [LUFS, -36..0, default -16; 0: the gain
 * goes to 0 dB];
 * read-only `momentary`, `short-term`, `integrated` [LUFS] of what goes out, `gain` [dB]. Latency: constant, told by the
 * latency query, 5 ms at most.
 */
GST_ELEMENT_REGISTER_DECLARE (mxrloudness);

G_END_DECLS

#endif
