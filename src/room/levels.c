/* What pictures there are to be had: the full one, those of media.ladder, and slides. */

#include "ladder.h"

/* An encoder's bitrate follows the strongest of its clients down to here; below, the next rung's picture looks better. */
#define LEAST_PERCENT 65
/* Of slides: a key frame of 320x180 has 5 to 15 KB. */
#define SLIDES_BPS 30000
/* Beside the frames of a sound: 50 headers of RTP with their extensions, and SRTP's tags. */
#define SOUND_HEADERS_BPS 10000

static void
add (MxrLevels *levels, MxrRungKind kind, guint width_px, guint height_px, guint framerate, guint bitrate_bps)
{
  levels->levels[levels->n++] = (MxrLevel){
    .kind = kind,
    .width_px = MAX (width_px, MXR_CANVAS_MIN_PX) & ~1u,
    .height_px = MAX (height_px, MXR_CANVAS_MIN_PX) & ~1u,
    .framerate = framerate,
    .bitrate_bps = bitrate_bps,
    .least_bps = kind == MXR_RUNG_VIDEO ? bitrate_bps / 100 * LEAST_PERCENT : bitrate_bps,
  };
}

static void
fill (MxrLevels *levels, const MxrConfig *config, const MxrLevel *top)
{
  MxrLadderRung rungs[MXR_LADDER_RUNGS_MAX];
  guint n_rungs = 0;

  *levels = (MxrLevels){ .sound_bps = config->media.audio_bitrate_bps + SOUND_HEADERS_BPS };
  add (levels, MXR_RUNG_VIDEO, top->width_px, top->height_px, top->framerate, top->bitrate_bps);
  mxr_ladder_parse (config->media.ladder, rungs, &n_rungs, NULL);
  for (guint i = 0; i < n_rungs; i++) {
    const MxrLadderRung *rung = &rungs[i];
    if (rung->bitrate_bps < top->bitrate_bps && rung->height_px <= top->height_px)
      add (levels, MXR_RUNG_VIDEO, (top->width_px * rung->height_px + top->height_px / 2) / top->height_px, rung->height_px,
           MIN (rung->framerate, top->framerate), rung->bitrate_bps);
  }
  const MxrLevel *last = &levels->levels[levels->n - 1];
  if (config->media.slide_interval_s > 0)
    add (levels, MXR_RUNG_SLIDES, last->width_px, last->height_px, 0, MIN (SLIDES_BPS, last->bitrate_bps));
}

static MxrLevel
get_room_top (const MxrConfig *config)
{
  return (MxrLevel){
    .width_px = config->room.width_px,
    .height_px = config->room.height_px,
    .framerate = config->room.framerate,
    .bitrate_bps = config->media.video_bitrate_bps,
  };
}

void
mxr_levels_init (MxrLevels *levels, const MxrConfig *config)
{
  const MxrLevel top = get_room_top (config);
  fill (levels, config, &top);
}

/* What the configuration does not say is as in the room's picture. */
void
mxr_levels_init_programme (MxrLevels *levels, const MxrConfig *config)
{
  const MxrLevel room = get_room_top (config);
  MxrLevel top = room;

  if (config->programme.programme_width_px > 0)
    top.width_px = config->programme.programme_width_px;
  if (config->programme.programme_height_px > 0)
    top.height_px = config->programme.programme_height_px;
  if (config->programme.programme_framerate > 0)
    top.framerate = config->programme.programme_framerate;
  guint64 n_pixels = (guint64) top.width_px * top.height_px;
  top.bitrate_bps = config->programme.picture_bitrate_bps > 0
                      ? config->programme.picture_bitrate_bps
                      : (guint) (room.bitrate_bps * n_pixels / (room.width_px * room.height_px));
  fill (levels, config, &top);
}

char *
mxr_levels_get_name (const MxrLevels *levels, guint level)
{
  if (level >= levels->n)
    return g_strdup ("audio");
  if (levels->levels[level].kind == MXR_RUNG_SLIDES)
    return g_strdup ("slides");
  return g_strdup_printf ("%up%u", levels->levels[level].height_px, levels->levels[level].framerate);
}
