/* Who gets which picture, and who is moved from one to another. */

#include "room-private.h"

#include <string.h>

/* All of a room's connections are looked at so often, and when one of them has changed no more often than that. */
#define LOOK_US (900 * G_TIME_SPAN_MILLISECOND)
#define LOOK_LEAST_US (100 * G_TIME_SPAN_MILLISECOND)
/* So much of a change in what a connection carries is told to who does not get the best picture, so often. */
#define TELL_CHANGE 0.2
#define TELL_US (2 * G_TIME_SPAN_SECOND)

static const MxrLevels *
get_levels (const MxrParticipant *participant)
{
  return &participant->view->graph->levels;
}

MxrEncoding *
mxr_pictures_find_encoding (const MxrParticipant *participant)
{
  int codec = mxr_encoding_find_codec (participant->video_codec);
  guint level = participant->ladder.level;
  return codec >= 0 && level < get_levels (participant)->n ? &participant->view->encodings[codec][level] : NULL;
}

MxrEncoding *
mxr_pictures_get_encoding (const MxrParticipant *participant)
{
  bool is_direct = participant->direct.is_chosen && participant->direct.return_us == 0;
  return is_direct ? NULL : mxr_pictures_find_encoding (participant);
}

guint
mxr_pictures_get_carried_bps (const MxrParticipant *participant)
{
  MxrPeerBandwidth bandwidth;

  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  return mxr_ladder_get_carried_bps (get_levels (participant), &bandwidth);
}

/* Viewers watch the programme. */
static MxrRoomView *
choose_view (const MxrParticipant *participant)
{
  MxrRoom *room = participant->room;
  return participant->role == MXR_ROLE_VIEWER ? mxr_stage_get_programme (room) : &room->views[MXR_VIEW_ROOM];
}

/* ---- What each one gets ------------------------------------------------------------------------------------ */

/* Until then the former one is needed too: a picture changes at a key frame. */
static void
on_shown (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;

  if (--participant->n_picture_changes > 0)
    return;
  memset (participant->shown_levels, 0, sizeof participant->shown_levels);
  if (!participant->direct.is_chosen)
    participant->shown_levels[participant->view->number] = 1u << participant->ladder.level;
  mxr_direct_on_shown (participant->room, participant);
}

bool
mxr_pictures_prepare (MxrParticipant *participant)
{
  guint codec = mxr_encoding_find_codec (participant->video_codec);

  return mxr_pictures_find_encoding (participant) == NULL ||
         mxr_encoding_prepare (participant->view, codec, participant->ladder.level, mxr_pictures_get_carried_bps (participant));
}

/* Nothing when there is no encoder just now: mxr_pictures_tick() tries again. */
static void
subscribe_to_mix (MxrRoom *room, MxrParticipant *participant)
{
  MxrEncoding *encoding = mxr_pictures_find_encoding (participant);

  mxr_direct_note_mix (participant);
  if (!mxr_pictures_prepare (participant))
    return;
  participant->shown_levels[participant->view->number] |= 1u << participant->ladder.level;
  participant->n_picture_changes++;
  mxr_stage_want_uplinks (room);
  mxr_peer_subscribe (participant->peer, MXR_RTP_VIDEO, encoding != NULL ? mxr_rung_get_fanout (encoding->rung) : NULL,
                      on_shown, participant);
}

void
mxr_pictures_subscribe (MxrRoom *room, MxrParticipant *participant)
{
  if (!participant->direct.is_chosen) {
    subscribe_to_mix (room, participant);
    return;
  }
  participant->n_picture_changes++;
  mxr_peer_subscribe (participant->peer, MXR_RTP_VIDEO, participant->direct.fanout, on_shown, participant);
}

static bool
is_watched (MxrRoomView *view, int codec)
{
  MxrRoom *room = view->room;

  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    bool may_get_it = participant->view == view || participant->shown_levels[view->number] != 0;
    if (may_get_it && mxr_encoding_find_codec (participant->video_codec) == codec)
      return true;
  }
  return false;
}

/* But what outputs get. */
static void
drop_if_unwatched (MxrRoom *room, int codec)
{
  const MxrEncoding *output = mxr_programme_find_encoding (room);

  for (guint i = 0; codec >= 0 && i < MXR_N_VIEWS; i++) {
    MxrRoomView *view = &room->views[i];
    if (is_watched (view, codec))
      continue;
    for (guint level = 0; level < view->graph->levels.n; level++)
      if (&view->encodings[codec][level] != output)
        mxr_encoding_drop (view, codec, level);
  }
  mxr_stage_want_uplinks (room);
}

void
mxr_pictures_set_codec (MxrRoom *room, MxrParticipant *participant, const char *codec)
{
  int former = mxr_encoding_find_codec (participant->video_codec);
  int next = mxr_encoding_find_codec (codec);

  if (former == next)
    return;
  participant->has_downlink[MXR_RTP_VIDEO] = next >= 0;
  participant->video_codec = next >= 0 ? mxr_encoding_get_codec (next) : NULL;
  memset (participant->shown_levels, 0, sizeof participant->shown_levels);
  mxr_direct_forget (participant);
  drop_if_unwatched (room, former);
  if (next < 0)
    return;
  participant->view = choose_view (participant);
  if (!participant->is_connected)
    mxr_ladder_begin (&participant->ladder, get_levels (participant), room->hub->config->media.start_bitrate_bps);
  subscribe_to_mix (room, participant);
  participant->rung_is_changed = true;
  mxr_room_flush_soon (room);
}

/* As good a picture as before, as the other view's ladder has it; better or worse comes as ever. */
static guint
convert_level (const MxrLevels *from, guint level, const MxrLevels *to)
{
  guint found = 0;

  if (level >= from->n)
    return to->n;
  while (found + 1 < to->n && to->levels[found].bitrate_bps > from->levels[level].bitrate_bps)
    found++;
  return level == 0 ? 0 : found;
}

void
mxr_pictures_follow_programme (MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    MxrRoomView *view = choose_view (participant);
    if (participant->view == view)
      continue;
    participant->ladder.level = convert_level (get_levels (participant), participant->ladder.level, &view->graph->levels);
    participant->view = view;
    if (participant->video_codec == NULL)
      continue;
    subscribe_to_mix (room, participant);
    participant->rung_is_changed = true;
  }
  mxr_room_flush_soon (room);
}

void
mxr_pictures_refresh (MxrParticipant *participant, gint64 now_us)
{
  MxrEncoding *encoding = mxr_pictures_find_encoding (participant);
  if (encoding != NULL && encoding->rung != NULL)
    mxr_rung_request_keyframe (encoding->rung, now_us);
}

bool
mxr_pictures_is_fresh (const MxrParticipant *participant, gint64 since_us)
{
  const MxrEncoding *encoding = mxr_pictures_find_encoding (participant);

  if (encoding == NULL || encoding->rung == NULL)
    return true;
  g_autoptr (GPtrArray) recent = mxr_fanout_get_recent (mxr_rung_get_fanout (encoding->rung));
  return recent != NULL && ((const MxrRtpPacket *) recent->pdata[0])->pushed_us >= since_us;
}

void
mxr_pictures_request_keyframe (MxrRoom *room, MxrParticipant *participant)
{
  if (participant->direct.is_chosen)
    mxr_direct_request_keyframe (participant, g_get_monotonic_time ());
  else
    mxr_pictures_refresh (participant, g_get_monotonic_time ());
  mxr_room_stir (room);
}

/* ---- Who gets which ---------------------------------------------------------------------------------------- */

/* What a client may still get is in use too. Who is strongest sets the bitrate, so that one weak connection lowers nobody's
 * picture. */
static void
look_at_user (MxrRoom *room, const MxrParticipant *participant)
{
  MxrEncoding *encoding = mxr_pictures_get_encoding (participant);
  int codec = mxr_encoding_find_codec (participant->video_codec);

  for (guint i = 0; codec >= 0 && i < MXR_N_VIEWS; i++)
    for (guint level = 0; level < room->views[i].graph->levels.n; level++)
      room->views[i].encodings[codec][level].is_used |= (participant->shown_levels[i] >> level & 1) != 0;
  if (encoding == NULL)
    return;
  encoding->is_used = true;
  encoding->carried_bps = MAX (encoding->carried_bps, mxr_pictures_get_carried_bps (participant));
}

static void
forget_users (MxrRoomView *view)
{
  for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
    for (guint level = 0; level < view->graph->levels.n; level++) {
      view->encodings[codec][level].is_used = false;
      view->encodings[codec][level].carried_bps = 0;
    }
}

/* Outputs carry all of it. */
static void
look_at_users (MxrRoom *room)
{
  MxrEncoding *output = mxr_programme_find_encoding (room);

  for (guint i = 0; i < MXR_N_VIEWS; i++)
    forget_users (&room->views[i]);
  for (guint i = 0; i < room->participants->len; i++)
    look_at_user (room, room->participants->pdata[i]);
  if (output == NULL)
    return;
  output->is_used = true;
  output->carried_bps = G_MAXUINT;
}

static void
note_step (MxrRoom *room, MxrParticipant *participant, guint former, const MxrPeerBandwidth *bandwidth)
{
  const MxrLevels *levels = get_levels (participant);
  g_autofree char *from = mxr_levels_get_name (levels, former);
  g_autofree char *to = mxr_levels_get_name (levels, participant->ladder.level);

  if (participant->ladder.level > former)
    room->hub->counters.steps_down++;
  else
    room->hub->counters.steps_up++;
  mxr_debug ("room", "%s: from %s to %s: carries %u bit/s, loses %.0f %%, queues %.0f ms", participant->id, from, to,
             bandwidth->estimate_bps, bandwidth->loss * 100, bandwidth->queue_ms);
}

/* Who gets less than the best is told why, and how much that is. */
static bool
is_news (const MxrParticipant *participant, const MxrPeerBandwidth *bandwidth, gint64 now_us)
{
  double told_bps = participant->told_available_bps;
  double change_bps = ABS (bandwidth->estimate_bps - told_bps);
  return participant->ladder.level > 0 && bandwidth->is_measured && now_us - participant->rung_told_us >= TELL_US &&
         change_bps > TELL_CHANGE * told_bps;
}

/* What comes directly has the bitrate that it has. */
static void
place (MxrRoom *room, MxrParticipant *participant, guint *bitrates_bps, gint64 now_us)
{
  const MxrLevels *levels = get_levels (participant);
  guint former = participant->ladder.level;
  MxrPeerBandwidth bandwidth;

  if (participant->direct.is_chosen)
    bitrates_bps[0] = participant->direct.bitrate_bps;
  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  bool is_changed = mxr_ladder_update (&participant->ladder, levels, bitrates_bps, &bandwidth, now_us);
  mxr_peer_want_bitrate (participant->peer, mxr_ladder_get_wanted_bps (&participant->ladder, levels, bitrates_bps, &bandwidth));
  if (is_changed) {
    note_step (room, participant, former, &bandwidth);
    if (participant->direct.is_chosen)
      mxr_direct_step_down (room, participant, now_us);
    else
      subscribe_to_mix (room, participant);
  }
  if (!is_changed && !is_news (participant, &bandwidth, now_us))
    return;
  participant->rung_is_changed = true;
  mxr_room_flush_soon (room);
}

static void
adapt (MxrRoomView *view, guint codec, guint *out_bitrates_bps, gint64 now_us)
{
  bool view_is_watched = is_watched (view, codec);

  for (guint level = 0; level < view->graph->levels.n; level++)
    mxr_encoding_adapt (view, codec, level, view_is_watched, now_us);
  mxr_encodings_get_bitrates (view, codec, out_bitrates_bps);
}

static void
look (MxrRoom *room, gint64 now_us)
{
  guint bitrates_bps[MXR_N_VIEWS][MXR_STAGE_N_CODECS][MXR_LEVELS_MAX] = { 0 };

  room->looked_us = now_us;
  room->look_is_due = false;
  look_at_users (room);
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
      adapt (&room->views[i], codec, bitrates_bps[i][codec], now_us);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    int codec = mxr_encoding_find_codec (participant->video_codec);
    if (codec < 0 || !participant->is_connected)
      continue;
    guint its_bps[MXR_LEVELS_MAX];
    memcpy (its_bps, bitrates_bps[participant->view->number][codec], sizeof its_bps);
    place (room, participant, its_bps, now_us);
  }
}

void
mxr_pictures_on_bandwidth (MxrRoom *room)
{
  gint64 now_us = g_get_monotonic_time ();

  if (now_us - room->looked_us >= LOOK_LEAST_US) {
    look (room, now_us);
    return;
  }
  room->look_is_due = true;
  mxr_room_tick_soon (room);
}

/* ---- Time -------------------------------------------------------------------------------------------------- */

static void
retry (MxrRoom *room, MxrEncoding *encoding)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (mxr_pictures_get_encoding (participant) != encoding)
      continue;
    subscribe_to_mix (room, participant);
    participant->rung_is_changed = true;
  }
  mxr_room_flush_soon (room);
}

static void
tick (MxrRoom *room, MxrEncoding *encoding, gint64 now_us)
{
  if (encoding->rung != NULL) {
    mxr_rung_tick (encoding->rung, now_us);
  } else if (encoding->retry_us != 0 && now_us >= encoding->retry_us) {
    encoding->retry_us = 0;
    retry (room, encoding);
  }
}

void
mxr_pictures_tick (MxrRoom *room, gint64 now_us)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
      for (guint level = 0; level < room->views[i].graph->levels.n; level++)
        tick (room, &room->views[i].encodings[codec][level], now_us);
  gint64 step_us = room->look_is_due ? LOOK_LEAST_US : LOOK_US;
  if (now_us - room->looked_us >= step_us)
    look (room, now_us);
}
