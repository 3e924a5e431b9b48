#include "parts.h"

#include "mixroom/rtp.h"

/* Who is alone with this program's own clients expects what they send; viewers without them have come to a room of
 * others, who send both. */
static void
plan_expectation (const MxrLoadOptions *options, MxrPart *part)
{
  const int n_others_talk = options->n_talkers - part->talks;

  if (options->expect != MXR_EXPECT_WHAT_IS_SENT) {
    part->expects[MXR_RTP_AUDIO] = (options->expect & MXR_EXPECT_SOUND) != 0;
    part->expects[MXR_RTP_VIDEO] = (options->expect & MXR_EXPECT_PICTURE) != 0;
    return;
  }
  const bool are_others_there = options->n_participants == 0;
  part->expects[MXR_RTP_AUDIO] = are_others_there || n_others_talk > 0;
  part->expects[MXR_RTP_VIDEO] = options->codec != MXR_CODEC_NONE && (are_others_there || options->n_cameras > 0);
}

/* A few of everybody: talkers, the first who only listens, a viewer. */
static bool
is_sampled (const MxrLoadOptions *options, guint index)
{
  const guint n_talkers = (guint) options->n_talkers;
  return index < 2 || index + 1 == n_talkers || index == n_talkers || index == (guint) options->n_participants;
}

static void
plan_checks (const MxrLoadOptions *options, MxrPart *part)
{
  const guint n_participants = (guint) options->n_participants;
  const guint looker = n_participants > 1 ? 1 : options->n_viewers > 0 ? n_participants : 0;
  const bool hears_others = options->n_talkers - part->talks > 0;

  part->listens = (options->tones || options->delay) && part->room < MXR_PARTS_SAMPLED_ROOMS && hears_others &&
                  part->expects[MXR_RTP_AUDIO] && is_sampled (options, part->index);
  /* Who is one of the speakers hears one less. */
  part->n_others = options->tones ? (guint) MIN (options->n_talkers, options->n_speakers) - part->talks : 0;
  part->looks = options->delay && options->n_cameras > 0 && part->room < MXR_PARTS_LOOKED_ROOMS && part->index == looker;
}

void
mxr_part_plan (const MxrLoadOptions *options, guint seat, MxrPart *out_part)
{
  const guint per_room = (guint) (options->n_participants + options->n_viewers);
  const guint index = seat % per_room;

  *out_part = (MxrPart){
    .room = seat / per_room,
    .index = index,
    .is_viewer = index >= (guint) options->n_participants,
    .talks = index < (guint) options->n_talkers,
    .has_camera = index < (guint) options->n_cameras,
  };
  plan_expectation (options, out_part);
  plan_checks (options, out_part);
  out_part->may_leave = !out_part->talks && !out_part->listens && !out_part->looks;
}

bool
mxr_parts_have_leaver (const MxrLoadOptions *options)
{
  MxrPart part;

  for (guint seat = 0; seat < mxr_load_options_count_clients (options); seat++) {
    mxr_part_plan (options, seat, &part);
    if (part.may_leave)
      return true;
  }
  return false;
}
