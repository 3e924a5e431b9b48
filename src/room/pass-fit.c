#include "pass-fit.h"

#include <string.h>

/* Cameras' rates swing around what they are told; beyond this clients get more than they are meant to. */
#define BEGIN_PERCENT 125
#define END_PERCENT 160
/* A picture of another shape would have bars in the mix, and a page counts on the view's shape. */
#define SHAPE_PERCENT 2
/* In less a key frame would count for too much. */
#define METER_US (800 * G_TIME_SPAN_MILLISECOND)

guint64
mxr_pass_meter_update (MxrPassMeter *meter, guint64 n_bytes, gint64 packet_us)
{
  bool is_first = meter->packet_us == 0 || n_bytes < meter->n_bytes || packet_us < meter->packet_us;
  gint64 since_us = packet_us - meter->packet_us;

  if (!is_first && since_us < METER_US)
    return meter->bps;
  meter->bps = is_first ? G_MAXUINT64 : (n_bytes - meter->n_bytes) * 8 * G_USEC_PER_SEC / (guint64) since_us;
  meter->n_bytes = n_bytes;
  meter->packet_us = packet_us;
  return meter->bps;
}

static bool
has_shape (const MxrPassPicture *picture, const MxrPassPlace *place)
{
  guint64 shape = (guint64) picture->width_px * place->height_px;
  guint64 wanted = (guint64) picture->height_px * place->width_px;
  guint64 difference = shape > wanted ? shape - wanted : wanted - shape;

  return picture->width_px <= place->width_px && picture->height_px <= place->height_px &&
         difference * 100 <= wanted * SHAPE_PERCENT;
}

/* RFC 6184 8.1, table 5: what every decoder of baseline takes, too. */
static bool
is_constrained_baseline (guint profile_level)
{
  guint profile = profile_level >> 16, iop = profile_level >> 8 & 0xff;
  return (profile == 66 && (iop & 0x40) != 0) || (profile == 77 && (iop & 0x80) != 0) || (profile == 88 && (iop & 0xc0) == 0xc0);
}

/* In tenths of a level's number, so that 1b, which level_idc has as 11 with a bit of profile-iop or as 9, is between 1 and 1.1. */
static guint
get_level (guint profile_level)
{
  guint idc = profile_level & 0xff;
  bool is_1b = idc == 9 || (idc == 11 && (profile_level >> 8 & 0x10) != 0);
  return is_1b ? 105 : idc * 10;
}

/* Whatever the sender said it would send, its parameter sets say what it does. */
static bool
has_profile (const MxrPassPicture *picture, const MxrPassPlace *place)
{
  if (picture->codec == NULL || strcmp (picture->codec, "H264") != 0 || picture->profile_level == 0)
    return true;
  return is_constrained_baseline (picture->profile_level) && get_level (picture->profile_level) <= get_level (place->profile_level);
}

bool
mxr_pass_may_fit (const MxrPassPicture *picture, const MxrPassPlace *place)
{
  return picture->codec != NULL && place->codec != NULL && strcmp (picture->codec, place->codec) == 0 && !picture->is_turned &&
         (picture->width_px == 0 || has_shape (picture, place)) && has_profile (picture, place);
}

bool
mxr_pass_fits (const MxrPassPicture *picture, const MxrPassPlace *place, bool is_passing)
{
  guint percent = is_passing ? END_PERCENT : BEGIN_PERCENT;

  return mxr_pass_may_fit (picture, place) && picture->width_px > 0 &&
         (strcmp (picture->codec, "H264") != 0 || picture->profile_level != 0) &&
         picture->bps <= (guint64) place->bitrate_bps * percent / 100 && picture->bps <= place->carried_bps &&
         picture->silent_us < place->silence_us;
}
