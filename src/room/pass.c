/* Pass-through: while the view is one participant's picture and nothing else, viewers of the best rung get the packets as
 * they were sent, and nothing is decoded, composed or encoded for them. The mix goes on until the uplink's next key frame, and begins again before
 * the uplink's frames end, so that viewers see neither seam. */

#include "room-private.h"

/* What may pass is looked at so often; figures of a peer are as old anyway. */
#define CHECK_US G_TIME_SPAN_SECOND
/* Until the decoder has a key frame and the mixer a picture of it: else viewers would see an avatar in between. */
#define RETURN_US (300 * G_TIME_SPAN_MILLISECOND)

static MxrRung *
get_top (MxrRoom *room)
{
  return room->views[MXR_VIEW_ROOM].encodings[MXR_STAGE_VP8][0].rung;
}

static MxrParticipant *
find_only_one (MxrRoom *room)
{
  const MxrRoomView *view = &room->views[MXR_VIEW_ROOM];
  MxrParticipant *participant = view->n_tiles == 1 ? mxr_room_find_key (room, view->tiles[0].key) : NULL;
  bool is_sending = participant != NULL && participant->peer != NULL && participant->uplinks[MXR_RTP_VIDEO] != NULL &&
                    !participant->video_muted;
  return is_sending && !room->hub->config->room.labels && !mxr_direct_is_used (room) ? participant : NULL;
}

void
mxr_pass_look_at (MxrParticipant *participant, gint64 now_us, MxrPassPicture *out_picture)
{
  MxrPeerStats stats;

  mxr_peer_get_stats (participant->peer, &stats);
  const MxrRtpReceiverStats *uplink = &stats.uplink[MXR_RTP_VIDEO];
  const MxrUplinkStats *decoding = &stats.decoding[MXR_RTP_VIDEO];
  *out_picture = (MxrPassPicture){
    .codec = decoding->codec,
    .width_px = decoding->width_px,
    .height_px = decoding->height_px,
    .is_turned = decoding->is_turned,
    .profile_level = decoding->profile_level,
    .bps = mxr_pass_meter_update (&participant->meter, uplink->bytes + uplink->rtx_bytes, uplink->last_packet_us),
    .silent_us = now_us - mxr_peer_get_last_packet_us (participant->peer, MXR_RTP_VIDEO),
  };
}

static void
note_picture (MxrRoom *room, const MxrPassPicture *picture)
{
  MxrPass *pass = &room->pass;
  bool is_resized = pass->width_px != picture->width_px || pass->height_px != picture->height_px;

  pass->width_px = picture->width_px;
  pass->height_px = picture->height_px;
  pass->bitrate_bps = (guint) MIN (picture->bps, G_MAXUINT);
  if (is_resized && mxr_pass_is_complete (room))
    mxr_pictures_tell_passed_soon (room);
}

static bool
may_pass (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  const MxrConfig *config = room->hub->config;
  const MxrPassPlace place = {
    .codec = mxr_encoding_get_codec (MXR_STAGE_VP8),
    .width_px = config->room.width_px,
    .height_px = config->room.height_px,
    .bitrate_bps = mxr_rung_get_params (get_top (room))->bitrate_bps, /* less where no viewer carries all of it */
    .carried_bps = G_MAXUINT,
    .silence_us = config->ice.silence_timeout_ms * G_GINT64_CONSTANT (1000),
  };
  MxrPassPicture picture;

  mxr_pass_look_at (participant, now_us, &picture);
  note_picture (room, &picture);
  return mxr_pass_fits (&picture, &place, room->pass.participant == participant);
}

static void
begin (MxrRoom *room, MxrParticipant *participant)
{
  room->pass.participant = participant;
  room->pass.return_us = 0;
  mxr_rung_pass (get_top (room), participant->peer);
}

void
mxr_pass_end (MxrRoom *room)
{
  if (room->pass.participant == NULL)
    return;
  room->pass.participant = NULL;
  room->pass.return_us = 0;
  if (get_top (room) != NULL)
    mxr_rung_pass (get_top (room), NULL);
  mxr_stage_want_uplinks (room);
}

/* Decoded again first; the mix follows in RETURN_US. */
static void
begin_return (MxrRoom *room, gint64 now_us)
{
  if (room->pass.return_us != 0)
    return;
  room->pass.return_us = now_us + RETURN_US;
  mxr_stage_want_uplinks (room);
}

bool
mxr_pass_is_complete (MxrRoom *room)
{
  MxrRung *rung = get_top (room);
  return room->pass.participant != NULL && room->pass.return_us == 0 && rung != NULL && mxr_rung_is_passing (rung);
}

bool
mxr_pass_is_busy (MxrRoom *room)
{
  const MxrPass *pass = &room->pass;
  return pass->return_us != 0 || pass->was_complete != (pass->participant != NULL);
}

void
mxr_pass_update (MxrRoom *room, gint64 now_us)
{
  MxrParticipant *passed = room->pass.participant;
  MxrParticipant *only = mxr_encodings_get_passable (room) != NULL ? find_only_one (room) : NULL;

  if (passed != NULL && passed->video_muted)
    mxr_pass_end (room); /* an avatar needs no decoder, and who hides shall not be seen for longer */
  else if (passed != NULL && passed != only)
    begin_return (room, now_us);
}

void
mxr_pass_tick (MxrRoom *room, gint64 now_us)
{
  MxrPass *pass = &room->pass;

  mxr_pass_update (room, now_us);
  if (pass->return_us != 0) {
    if (now_us >= pass->return_us)
      mxr_pass_end (room);
    return;
  }
  bool is_complete = mxr_pass_is_complete (room);
  if (is_complete != pass->was_complete) {
    pass->was_complete = is_complete;
    mxr_stage_want_uplinks (room);
    mxr_pictures_tell_passed_soon (room);
  }
  if (now_us < pass->checked_us + CHECK_US)
    return;
  MxrParticipant *only = mxr_encodings_get_passable (room) != NULL ? find_only_one (room) : NULL;
  bool may = only != NULL && may_pass (room, only, now_us);
  pass->checked_us = now_us;
  if (may && pass->participant == NULL)
    begin (room, only);
  else if (!may && pass->participant != NULL)
    begin_return (room, now_us);
  else if (pass->participant != NULL && !is_complete) /* the request for its first key frame may be lost */
    mxr_peer_request_keyframe (pass->participant->peer);
}
