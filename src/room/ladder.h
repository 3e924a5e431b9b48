#ifndef MXR_ROOM_LADDER_H
#define MXR_ROOM_LADDER_H

#include "mixroom/limits.h"
#include "mixroom/peer.h"
#include "mixroom/room.h"

G_BEGIN_DECLS

/* Which picture a client gets, and how good its connection is: pure; figures and the time are arguments. */

/* ---- levels.c: the pictures there are to be had ------------------------------------------------------------- */

/* The full picture, the rungs of media.ladder, and slides. */
#define MXR_LEVELS_MAX (MXR_LADDER_RUNGS_MAX + 2)

typedef struct {
  MxrRungKind kind; /* never sound alone */
  guint width_px, height_px;
  guint framerate;   /* 0: slides */
  guint bitrate_bps; /* at its best */
  guint least_bps;   /* as far as it may be lowered */
} MxrLevel;

/* Best first. Behind the last one, as level n, is sound alone. */
typedef struct {
  guint n;
  MxrLevel levels[MXR_LEVELS_MAX];
  guint sound_bps; /* of the sound beside a picture, headers included */
} MxrLevels;

/** mxr_levels_init: Of the room's view. */
void mxr_levels_init (MxrLevels *levels, const MxrConfig *config);
/** mxr_levels_init_programme: Of the programme's, with the same rungs below its full picture. */
void mxr_levels_init_programme (MxrLevels *levels, const MxrConfig *config);
/** mxr_levels_get_name: Returns: (transfer full): "720p30", "slides", "audio". */
char *mxr_levels_get_name (const MxrLevels *levels, guint level);

/* ---- ladder.c: which of them a client gets; ------------------------------------------------------------- */

typedef struct {
  guint level;
  MxrRungReason reason;
  gint64 begun_us;                      /* 0: not yet */
  gint64 short_from_us, lossy_from_us;  /* since when it is so; 0: it is not */
  gint64 enough_from_us;
  gint64 stepped_up_us;                 /* 0: not since the last step down */
  guint stepped_up_bps;                 /* the estimate that promised so */
  gint64 backoff_us;                    /* after the last step up that failed */
  gint64 may_step_up_us;
} MxrLadder;

/** mxr_ladder_begin: @believed_bps: what the connection may carry, before anything is known. */
void mxr_ladder_begin (MxrLadder *ladder, const MxrLevels *levels, guint believed_bps);
/**
 * mxr_ladder_update:
 * @bitrates_bps: of each level's picture, were the client to get it
 *
 * To be called with every new estimate, and each second or so without. Returns: whether level or reason has changed.
 */
bool mxr_ladder_update (MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps,
                        const MxrPeerBandwidth *bandwidth, gint64 now_us);
/** mxr_ladder_get_wanted_bps: What is to be found out: enough for the next better picture with its margin, in all. */
guint mxr_ladder_get_wanted_bps (const MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps,
                                 const MxrPeerBandwidth *bandwidth);
/** mxr_ladder_get_carried_bps: Returns: what picture the client's connection carries; %G_MAXUINT: not known. */
guint mxr_ladder_get_carried_bps (const MxrLevels *levels, const MxrPeerBandwidth *bandwidth);
/** mxr_level_adapt_bitrate: @now_bps: as it is; @carried_bps: what the strongest client carries. Returns: as it shall be. */
guint mxr_level_adapt_bitrate (const MxrLevel *level, guint now_bps, guint carried_bps, gint64 since_change_us);

/* ---- quality.c: how good a connection is; ----------------------------------------------------------------- */

typedef struct {
  bool is_connected;
  bool is_silent;            /* nothing has come for too long */
  double loss_up, loss_down; /* [0..1] */
  double rtt_ms;             /* -1: unknown */
  double queue_ms;
  MxrRungKind kind;
  bool is_lowered; /* there is a better picture */
} MxrQualityInput;

/* A zeroed one: unknown. */
typedef struct {
  MxrQuality told;
  bool is_better;    /* since changed_us, than what was told */
  gint64 changed_us; /* since when it is another; 0: it is not */
  gint64 told_us;
} MxrQualityMeter;

/** mxr_quality_update: About once a second. Returns: whether @meter->told has changed, once a second at most. */
bool mxr_quality_update (MxrQualityMeter *meter, const MxrQualityInput *input, gint64 now_us);

G_END_DECLS

#endif
