/* A call of two: each gets the other's picture as it was sent, by a fan-out of one's own, and the mix again as soon as there is
 * more to see. As in pass.c nobody sees a seam: the link changes at a key frame, in both directions, and before the way back those who are in the mix
 * are decoded again, and it is encoded. The two directions are decided upon by themselves. */

#include "room-private.h"

/* What may pass is looked at so often; figures of a peer are as old anyway. */
#define CHECK_US G_TIME_SPAN_SECOND
/* On the way to the mix, until decoders have a key frame and the mixer a picture of it: then the mix makes a key frame, so that
 * nobody sees an avatar in between, and the downlink changes to it when it is there. Before, the link would begin with the encoder's first one
 * and all that came since, at once, and what got lost of that would have to wait for another key frame. */
#define RETURN_US (230 * G_TIME_SPAN_MILLISECOND)
/* An encoder that had to make a key frame for somebody else just before does not make the next at once. */
#define PATIENCE_US (500 * G_TIME_SPAN_MILLISECOND)
/* After the mix was there again, so that what fits just so does not make it come and go. */
#define PAUSE_US (4 * G_TIME_SPAN_SECOND)
/* What a client carries is told to the other in such parts of the full rung's bitrate: an estimate swings. */
#define CARRIED_STEPS 8

/* ---- Who and what ----------------------------------------------------------------------------------------- */

/* Returns: (nullable): who is with @participant in a call of two, both with a connection. */
static MxrParticipant *
find_other (const MxrRoom *room, const MxrParticipant *participant)
{
  MxrParticipant *other = NULL;
  guint n = 0;

  if (!mxr_participant_has_tile (participant))
    return NULL;
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *candidate = room->participants->pdata[i];
    if (!mxr_participant_has_tile (candidate))
      continue;
    if (candidate->peer == NULL || ++n > 2)
      return NULL;
    if (candidate != participant)
      other = candidate;
  }
  return n == 2 ? other : NULL;
}

/* Returns: (nullable): whose picture @receiver is to get if it fits. */
static MxrParticipant *
find_sender (const MxrRoom *room, const MxrParticipant *receiver)
{
  const MxrConfig *config = room->hub->config;
  bool takes_it = config->room.direct_calls && !config->room.labels && receiver->is_connected &&
                  receiver->video_codec != NULL && receiver->ladder.level == 0;
  MxrParticipant *other = takes_it ? find_other (room, receiver) : NULL;

  return other != NULL && other->uplinks[MXR_RTP_VIDEO] != NULL && !other->video_muted ? other : NULL;
}

static const MxrLevel *
get_full (const MxrRoom *room)
{
  return &room->views[MXR_VIEW_ROOM].graph->levels.levels[0];
}

/* What the connection carries of it is for the ladder to say once it is there. */
static void
get_place (const MxrRoom *room, const MxrParticipant *receiver, MxrPassPlace *out_place)
{
  const MxrLevel *full = get_full (room);

  *out_place = (MxrPassPlace){
    .codec = receiver->video_codec,
    .profile_level = mxr_peer_get_downlink_profile (receiver->peer),
    .width_px = full->width_px,
    .height_px = full->height_px,
    .bitrate_bps = full->bitrate_bps,
    .carried_bps = receiver->direct.is_chosen ? G_MAXUINT : mxr_pictures_get_carried_bps (receiver),
    .silence_us = room->hub->config->ice.silence_timeout_ms * G_GINT64_CONSTANT (1000),
  };
}

bool
mxr_direct_is_used (const MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++)
    if (((const MxrParticipant *) room->participants->pdata[i])->direct.fanout != NULL)
      return true;
  return false;
}

bool
mxr_direct_get_needed (MxrRoom *room, const MxrParticipant *participant, guint *out_bitrate_bps)
{
  MxrParticipant *receiver = participant->peer != NULL ? find_other (room, participant) : NULL;
  MxrParticipant *sender = receiver != NULL ? find_sender (room, receiver) : NULL;
  const MxrLevel *full = get_full (room);
  MxrPassPicture picture;
  MxrPassPlace place;

  if (sender != participant)
    return false;
  mxr_pass_look_at (sender, g_get_monotonic_time (), &picture);
  get_place (room, receiver, &place);
  if (!mxr_pass_may_fit (&picture, &place))
    return false;
  guint step_bps = MAX (full->bitrate_bps / CARRIED_STEPS, 1);
  guint carried_bps = mxr_pictures_get_carried_bps (receiver) / step_bps * step_bps;
  *out_bitrate_bps = CLAMP (carried_bps, full->least_bps, full->bitrate_bps);
  return true;
}

/* ---- To the other's picture --------------------------------------------------------------------------------- */

static void
begin (MxrRoom *room, MxrParticipant *receiver, MxrParticipant *sender)
{
  MxrDirect *direct = &receiver->direct;

  direct->from = sender;
  direct->fanout = mxr_fanout_new (room->hub->net, receiver->video_codec);
  direct->splice = mxr_splice_new (direct->fanout, receiver->video_codec, NULL);
  mxr_splice_select (direct->splice, sender->peer);
  direct->is_chosen = true;
  mxr_keyframe_governor_init (&direct->governor, room->hub->config->media.keyframe_interval_ms * G_GINT64_CONSTANT (1000));
  mxr_peer_pass (sender->peer, direct->splice, MXR_SOUND_BEHIND_PICTURE / GST_USECOND);
  mxr_pictures_subscribe (room, receiver);
}

/* ---- And back ------------------------------------------------------------------------------------------------- */

/* Nothing of the picture comes any more from now on. */
static void
cut (MxrDirect *direct)
{
  if (direct->from != NULL)
    mxr_peer_pass (direct->from->peer, NULL, 0);
  direct->from = NULL;
  if (direct->splice != NULL)
    mxr_splice_close (direct->splice);
  g_clear_pointer (&direct->splice, mxr_splice_unref);
}

/* The link has a reference to the fan-out for as long as it is subscribed. */
static void
release (MxrDirect *direct)
{
  cut (direct);
  if (direct->fanout != NULL)
    mxr_fanout_close (direct->fanout);
  g_clear_pointer (&direct->fanout, mxr_fanout_unref);
}

static void
set_shown (MxrRoom *room, MxrParticipant *participant, bool is_shown)
{
  if (participant->direct.is_shown == is_shown)
    return;
  participant->direct.is_shown = is_shown;
  participant->tiles_are_changed = participant->rung_is_changed = true;
  mxr_room_flush_soon (room);
}

/* The picture goes on until the link has the mix's key frame. */
static void
end (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  participant->direct.may_begin_us = now_us + PAUSE_US;
  mxr_direct_note_mix (participant);
  mxr_pictures_subscribe (room, participant);
  mxr_room_stir (room);
}

/* The last of it is shown until the mix has begun. */
static void
forget_picture (MxrRoom *room, MxrParticipant *participant)
{
  cut (&participant->direct);
  set_shown (room, participant, false);
}

static void
end_at_once (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  forget_picture (room, participant);
  end (room, participant, now_us);
}

/* Decoded and encoded again first, in what the ladder says now; the downlink follows. */
static void
begin_return (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  MxrDirect *direct = &participant->direct;

  if (direct->return_us == 0)
    direct->return_us = now_us + RETURN_US;
  mxr_pictures_prepare (participant);
  mxr_stage_want_uplinks (room);
  mxr_room_stir (room);
}

void
mxr_direct_step_down (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  begin_return (room, participant, now_us);
}

void
mxr_direct_note_mix (MxrParticipant *participant)
{
  participant->direct.is_chosen = false;
  participant->direct.refreshed_us = participant->direct.return_us = 0;
}

void
mxr_direct_on_shown (MxrRoom *room, MxrParticipant *participant)
{
  MxrDirect *direct = &participant->direct;

  set_shown (room, participant, direct->is_chosen);
  if (!direct->is_chosen)
    release (direct);
  mxr_stage_want_uplinks (room);
}

void
mxr_direct_forget (MxrParticipant *participant)
{
  mxr_direct_note_mix (participant);
  release (&participant->direct);
  set_shown (participant->room, participant, false);
}

void
mxr_direct_forget_sender (MxrRoom *room, const MxrParticipant *participant)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *receiver = room->participants->pdata[i];
    if (receiver->direct.from != participant)
      continue;
    receiver->direct.from = NULL; /* its peer may be closing */
    if (receiver->direct.is_chosen)
      end_at_once (room, receiver, g_get_monotonic_time ());
    else
      forget_picture (room, receiver);
  }
}

void
mxr_direct_update (MxrRoom *room, gint64 now_us)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *receiver = room->participants->pdata[i];
    const MxrParticipant *sender = receiver->direct.from;
    if (sender == NULL)
      continue;
    if (sender->video_muted && receiver->direct.is_chosen)
      end_at_once (room, receiver, now_us); /* who hides shall not be seen for longer */
    else if (sender->video_muted)
      forget_picture (room, receiver);
    else if (receiver->direct.is_chosen && receiver->direct.return_us == 0 && find_sender (room, receiver) != sender)
      begin_return (room, receiver, now_us);
  }
}

/* ---- Time ----------------------------------------------------------------------------------------------------- */

static void
note_picture (MxrRoom *room, MxrParticipant *receiver, const MxrPassPicture *picture)
{
  MxrDirect *direct = &receiver->direct;
  bool is_resized = direct->width_px != picture->width_px || direct->height_px != picture->height_px;

  direct->width_px = picture->width_px;
  direct->height_px = picture->height_px;
  direct->bitrate_bps = (guint) MIN (picture->bps, G_MAXUINT);
  if (!is_resized || !direct->is_shown)
    return;
  receiver->rung_is_changed = true;
  mxr_room_flush_soon (room);
}

/* A change that is still under way is waited for, and so is the end of what pass.c does with the same picture. */
static bool
may_begin (const MxrRoom *room, const MxrParticipant *receiver, gint64 now_us)
{
  return receiver->direct.fanout == NULL && receiver->n_picture_changes == 0 && now_us >= receiver->direct.may_begin_us &&
         room->pass.participant == NULL;
}

static void
check (MxrRoom *room, MxrParticipant *receiver, gint64 now_us)
{
  MxrParticipant *sender = find_sender (room, receiver);
  MxrDirect *direct = &receiver->direct;
  MxrPassPicture picture;
  MxrPassPlace place;

  if (sender == NULL)
    return;
  mxr_pass_look_at (sender, now_us, &picture);
  get_place (room, receiver, &place);
  bool fits = mxr_pass_fits (&picture, &place, direct->is_chosen);
  note_picture (room, receiver, &picture);
  if (direct->is_chosen && !fits)
    begin_return (room, receiver, now_us);
  else if (fits && may_begin (room, receiver, now_us))
    begin (room, receiver, sender);
}

/* The other one is to know of how much use there is. */
static void
check_limit (MxrRoom *room, MxrParticipant *sender)
{
  guint bitrate_bps = 0;

  mxr_direct_get_needed (room, sender, &bitrate_bps);
  if (bitrate_bps == sender->direct.told_bps)
    return;
  sender->direct.told_bps = bitrate_bps;
  mxr_room_flush_soon (room);
}

/* As of a rung that passes: what was asked for may be lost on its way. */
static bool
needs_keyframe (MxrDirect *direct, gint64 now_us)
{
  MxrFanoutStats stats;

  if (direct->fanout == NULL)
    return false;
  mxr_fanout_get_stats (direct->fanout, &stats);
  return mxr_keyframe_governor_poll (&direct->governor, now_us) ||
         mxr_keyframe_governor_repeat (&direct->governor, stats.keyframe_us, now_us);
}

static void
tick (MxrRoom *room, MxrParticipant *receiver, gint64 now_us)
{
  MxrDirect *direct = &receiver->direct;

  if (needs_keyframe (direct, now_us) && direct->from != NULL)
    mxr_peer_request_keyframe (direct->from->peer);
  if (direct->return_us == 0 || now_us < direct->return_us)
    return;
  if (direct->refreshed_us == 0) {
    direct->refreshed_us = now_us;
    mxr_pictures_refresh (receiver, now_us);
  } else if (mxr_pictures_is_fresh (receiver, direct->refreshed_us) || now_us > direct->refreshed_us + PATIENCE_US) {
    end (room, receiver, now_us);
  }
}

void
mxr_direct_tick (MxrRoom *room, gint64 now_us)
{
  bool is_check = now_us >= room->direct_checked_us + CHECK_US;

  mxr_direct_update (room, now_us);
  if (is_check)
    room->direct_checked_us = now_us;
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    tick (room, participant, now_us);
    if (is_check && participant->direct.return_us == 0)
      check (room, participant, now_us);
    if (is_check)
      check_limit (room, participant);
  }
}

void
mxr_direct_request_keyframe (MxrParticipant *participant, gint64 now_us)
{
  MxrDirect *direct = &participant->direct;

  if (mxr_keyframe_governor_request (&direct->governor, now_us) && direct->from != NULL)
    mxr_peer_request_keyframe (direct->from->peer);
}

bool
mxr_direct_is_busy (const MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++) {
    const MxrDirect *direct = &((const MxrParticipant *) room->participants->pdata[i])->direct;
    if (direct->fanout != NULL && (direct->is_chosen != direct->is_shown || direct->return_us != 0 ||
                                   mxr_keyframe_governor_next_due_us (&direct->governor) != G_MAXINT64))
      return true;
  }
  return false;
}
