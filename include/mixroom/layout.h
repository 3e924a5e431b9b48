#ifndef MIXROOM_LAYOUT_H
#define MIXROOM_LAYOUT_H

#include "mixroom/base.h"
#include "mixroom/limits.h"

G_BEGIN_DECLS

/* Who is seen where, and who is heard. Pure: no clock, no thread, no pixels; time is an argument and the
 * caller serialises. A key is whatever number the caller knows a participant by; keys are unique within a
 * room. */

/* ---- Tiles ----------------------------------------------------------------------------------------------
 */

typedef enum {
  MXR_LAYOUT_AUTO, /* share when somebody shares; speaker when somebody is pinned or more than grid_max; else
                      grid */
  MXR_LAYOUT_GRID, /* all of one size */
  MXR_LAYOUT_SPEAKER, /* one large tile and a strip */
  MXR_LAYOUT_SHARE,   /* the shared screen large and a strip; speaker while nobody shares */
} MxrLayoutKind;

/**
 * MxrLayoutPerson:
 * @key: the caller's number
 * @aspect: width / height of the person's video; 0: never had any. Keep the last one while the camera is off,
 * so that a mute moves nobody; values that are no picture's (negative, not finite) count as 0
 * @is_sharing: the video is a screen
 * @is_pinned: wanted large; of several the first
 */
typedef struct {
  guint32 key;
  float aspect;
  bool is_sharing;
  bool is_pinned;
} MxrLayoutPerson;

/**
 * MxrLayoutTile:
 *
 * One person's rectangle. All four numbers are even, because chroma has half the resolution, and the
 * rectangle is at least 2x2 and inside the canvas. Tiles of one @z do not overlap; all layouts so far use z =
 * 0 alone.
 */
typedef struct {
  guint32 key;
  guint x, y, w, h; /* px */
  int z;            /* higher is in front */
} MxrLayoutTile;

/**
 * MxrLayoutRules:
 * @width_px: canvas, [MXR_CANVAS_MIN_PX..MXR_CANVAS_MAX_PX]; odd ones count as one less
 * @height_px: the same
 * @gap_px: between tiles; made even, and smaller where a canvas has no room for it
 * @grid_max: AUTO shows up to so many as a grid
 * @strip_max: tiles in a strip at most; 0: as many as fit
 * @speaker: key of who gets the large tile where nobody is pinned or shares; of nobody present: the first
 * person
 * @previous: (nullable) (array length=n_previous): what the last call returned for this view. Who stays in
 * the strip then keeps the place there, and a new speaker and the old one just change places. %NULL: strip in
 * the caller's order
 */
typedef struct {
  MxrLayoutKind kind;
  guint width_px;
  guint height_px;
  guint gap_px;
  guint grid_max;
  guint strip_max;
  guint32 speaker;
  const MxrLayoutTile *previous;
  guint n_previous;
} MxrLayoutRules;

/**
 * mxr_layout_arrange:
 * @people: (array length=n): by importance, most important first, such as by time of joining; an order that
 * does not change by itself makes a picture that does not
 * @out_tiles: (out caller-allocates): room for @max_tiles; may be @rules->previous
 * @max_tiles: never more than %MXR_TILES_MAX are made
 *
 * Grid: the first people in reading order, columns and rows such that the pictures are largest, every row
 * with somebody, the last row centred. Tiles have the people's common aspect, or 16:9 when they have none in
 * common. Speaker and share: out_tiles[0] is the large tile, the strip follows; the strip lies below or at
 * the right, whichever leaves the large picture larger. A shared screen's tile has the screen's own aspect.
 * Whoever has no tile in @out_tiles is not shown.
 *
 * Returns: number of tiles written.
 * Thread: any; the caller serialises.
 * Cost: O(n), plus O(tiles squared) for the strip's places; no allocation.
 */
guint mxr_layout_arrange (const MxrLayoutRules *rules, const MxrLayoutPerson *people, guint n,
                          MxrLayoutTile *out_tiles, guint max_tiles);

/* ---- Speakers -------------------------------------------------------------------------------------------
 */

/**
 * MxrSpeakers:
 *
 * From audio levels to three answers: who is in the mix, who is talking, who is the dominant speaker.
 *
 * In the mix: with no more than max_speakers people, everybody who is not muted. With more, the loudest: the
 * first packet with voice takes a free place at once, or the place of whoever has paused longest, so no first
 * syllable is lost; where everybody in the mix is talking, one who is clearly louder for a while replaces the
 * quietest. The place is kept for hold_ms after the last voice. Talking: voice that lasts (a cough does not),
 * until it has paused for a moment. Dominant: one who is talking. Another one follows only when the dominant
 * one has been quiet for dominant_hold_ms, or when the other is clearly louder for a sustained time. Stays
 * when all are quiet.
 */
typedef struct _MxrSpeakers MxrSpeakers;

/**
 * MxrSpeakersConfig:
 * @max_speakers: places in the mix, at least 1
 * @hold_ms: a place in the mix is kept so long after the last voice
 * @dominant_hold_ms: another one may become dominant after so long a quiet of the dominant one
 */
typedef struct {
  guint max_speakers;
  guint hold_ms;
  guint dominant_hold_ms;
} MxrSpeakersConfig;

typedef enum {
  MXR_SPEAKERS_UNCHANGED = 0,
  MXR_SPEAKERS_MIX = 1 << 0,      /* somebody entered or left the mix */
  MXR_SPEAKERS_TALKING = 1 << 1,  /* somebody began or ended talking */
  MXR_SPEAKERS_DOMINANT = 1 << 2, /* another dominant speaker, or none any more */
} MxrSpeakersChange;

MxrSpeakers *mxr_speakers_new (const MxrSpeakersConfig *config);
void mxr_speakers_free (MxrSpeakers *speakers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrSpeakers, mxr_speakers_free)

/**
 * mxr_speakers_add:
 * @key: of somebody who sends audio; adding one who is there changes nothing
 *
 * Somebody new is not muted. add, remove, set_muted, level and tick all return what they changed themselves,
 * as a set of flags: a change is told once, by the call that makes it.
 */
MxrSpeakersChange mxr_speakers_add (MxrSpeakers *speakers, guint32 key, gint64 now_us);
MxrSpeakersChange mxr_speakers_remove (MxrSpeakers *speakers, guint32 key, gint64 now_us);
/** mxr_speakers_set_muted: Somebody muted leaves the mix at once and is heard no more; levels are ignored. */
MxrSpeakersChange mxr_speakers_set_muted (MxrSpeakers *speakers, guint32 key, bool muted, gint64 now_us);

/**
 * mxr_speakers_level:
 * @level_dbov: loudness of a packet [-127..0], 0 the loudest; others are clamped
 * @voice: the sender's voice activity bit, or the caller's own guess where the sender has none
 * @now_us: when the packet arrived, monotonic
 *
 * Once per audio packet, before the packet goes into the mix: when %MXR_SPEAKERS_MIX is returned, the
 * packet's sender (perhaps in place of another) is to be mixed from this packet on. Unknown keys are ignored.
 *
 * Cost: constant, plus O(max_speakers) for voice from outside a full mix; no allocation.
 * Source: RFC 6464 3 for level and voice.
 */
MxrSpeakersChange mxr_speakers_level (MxrSpeakers *speakers, guint32 key, float level_dbov, bool voice,
                                      gint64 now_us);

/**
 * mxr_speakers_tick:
 *
 * What time alone changes: holds that end, talking that ends, who is dominant. Levels that stop arriving
 * (DTX, loss, mute) count as silence. Every 50 to 200 ms. Cost: O(people), no allocation.
 */
MxrSpeakersChange mxr_speakers_tick (MxrSpeakers *speakers, gint64 now_us);

bool mxr_speakers_is_in_mix (const MxrSpeakers *speakers, guint32 key);
bool mxr_speakers_is_talking (const MxrSpeakers *speakers, guint32 key);
/** mxr_speakers_get_dominant: @out_key: (out) (nullable). Returns: false, @out_key untouched, when there is
 * none. */
bool mxr_speakers_get_dominant (const MxrSpeakers *speakers, guint32 *out_key);
/** mxr_speakers_get_mix: Returns: how many are in the mix, max_speakers at most; writes @max_keys of them,
 * oldest member first. */
guint mxr_speakers_get_mix (const MxrSpeakers *speakers, guint32 *out_keys, guint max_keys);

G_END_DECLS

#endif
