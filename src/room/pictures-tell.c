/* What participants are told of the picture that they get. */

#include "room-private.h"

static void
describe_picture (MxrRoom *room, const MxrParticipant *participant, MxrRung *rung, MxrRungInfo *out_info)
{
  const MxrLevel *level = &participant->view->graph->levels.levels[participant->ladder.level];
  bool is_passed = rung == room->views[MXR_VIEW_ROOM].encodings[MXR_STAGE_VP8][0].rung && mxr_pass_is_complete (room);
  const MxrPass *pass = is_passed ? &room->pass : NULL;

  out_info->kind = level->kind;
  out_info->width_px = pass != NULL ? pass->width_px : level->width_px;
  out_info->height_px = pass != NULL ? pass->height_px : level->height_px;
  out_info->framerate = level->framerate;
  out_info->bitrate_bps = pass != NULL ? pass->bitrate_bps : mxr_rung_get_params (rung)->bitrate_bps;
}

static void
describe_direct (const MxrParticipant *participant, MxrRungInfo *out_info)
{
  const MxrDirect *direct = &participant->direct;

  out_info->kind = MXR_RUNG_VIDEO;
  out_info->width_px = direct->width_px;
  out_info->height_px = direct->height_px;
  out_info->framerate = participant->view->graph->levels.levels[0].framerate;
  out_info->bitrate_bps = direct->bitrate_bps;
}

bool
mxr_pictures_describe (MxrRoom *room, const MxrParticipant *participant, MxrRungInfo *out_info)
{
  const MxrEncoding *encoding = mxr_pictures_find_encoding (participant);
  bool is_direct = participant->direct.is_shown;
  MxrPeerBandwidth bandwidth;

  if (participant->video_codec == NULL || (!is_direct && encoding != NULL && encoding->rung == NULL))
    return false;
  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  *out_info = (MxrRungInfo){
    .kind = MXR_RUNG_AUDIO,
    .codec = participant->video_codec,
    .reason = participant->ladder.reason,
    .available_bps = bandwidth.is_measured ? bandwidth.estimate_bps : 0,
  };
  if (is_direct)
    describe_direct (participant, out_info);
  else if (encoding != NULL)
    describe_picture (room, participant, encoding->rung, out_info);
  return true;
}

void
mxr_pictures_tell_rung (MxrRoom *room, MxrParticipant *participant)
{
  MxrRungInfo info;

  participant->rung_is_changed = false;
  if (!mxr_pictures_describe (room, participant, &info))
    return;
  participant->rung_told_us = g_get_monotonic_time ();
  participant->told_available_bps = info.available_bps;
  if (participant->events.on_rung != NULL)
    participant->events.on_rung (participant, &info, participant->user_data);
}

void
mxr_pictures_tell_passed_soon (MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (mxr_pictures_get_encoding (participant) == &room->views[MXR_VIEW_ROOM].encodings[MXR_STAGE_VP8][0])
      participant->rung_is_changed = true;
  }
  mxr_room_flush_soon (room);
}
