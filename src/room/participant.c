/* A participant: what its connection asks for, what its peer tells. */

#include "room-private.h"

#include <string.h>

/* ---- What the peer tells, or a player ------------------------------------------------------------------- */

bool
mxr_participant_add_uplink (MxrParticipant *participant, MxrRtpKind kind, GstElement *bin, GError **error)
{
  MxrRoom *room = participant->room;
  GError *cause = NULL;
  bool ok = kind == MXR_RTP_AUDIO
              ? mxr_sound_add_uplink (room, participant, bin, &cause)
              : mxr_graph_add_input (room->graph, bin, participant->picture_sink, &cause);
  if (!ok) {
    mxr_log (MXR_LOG_ERROR, "room", room->name, participant->id, "uplink not added: %s", cause->message);
    g_propagate_error (error, cause);
    return false;
  }
  participant->uplinks[kind] = bin;
  participant->is_changed = true;
  mxr_room_flush_soon (room);
  return true;
}

void
mxr_participant_remove_uplink (MxrParticipant *participant, MxrRtpKind kind, GstElement *bin)
{
  MxrRoom *room = participant->room;

  participant->uplinks[kind] = NULL;
  if (kind == MXR_RTP_AUDIO)
    mxr_sound_remove_uplink (room, participant, bin);
  else
    mxr_stage_remove_uplink (room, participant, bin);
  participant->is_changed = true;
  mxr_room_flush_soon (room);
}

static bool
on_uplink_added (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data, GError **error)
{
  return mxr_participant_add_uplink (user_data, kind, bin, error);
}

static void
on_uplink_removed (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data)
{
  mxr_participant_remove_uplink (user_data, kind, bin);
}

static void
on_downlink (MxrPeer *peer, MxrRtpKind kind, const char *codec, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  if (kind == MXR_RTP_AUDIO)
    mxr_sound_set_downlink (participant->room, participant, codec != NULL);
  else
    mxr_pictures_set_codec (participant->room, participant, codec);
}

static void
on_candidate (MxrPeer *peer, const char *candidate, const char *mid, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  if (participant->events.on_candidate != NULL)
    participant->events.on_candidate (participant, candidate, mid, participant->user_data);
}

static void
on_connected (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  mxr_log (MXR_LOG_INFO, "room", participant->room->name, participant->id, "connected");
  participant->is_connected = true;
}

static void
on_keyframe_request (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  mxr_pictures_request_keyframe (participant->room, participant);
}

static void
on_voice (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  mxr_sound_on_voice (participant->room, participant);
}

static void
on_bandwidth (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  mxr_pictures_on_bandwidth (participant->room);
}

static void
on_failed (MxrPeer *peer, const char *reason, gpointer user_data)
{
  mxr_participant_remove (user_data, reason);
}

static const MxrPeerEvents peer_events = {
  .on_uplink_added = on_uplink_added,
  .on_uplink_removed = on_uplink_removed,
  .on_downlink = on_downlink,
  .on_candidate = on_candidate,
  .on_connected = on_connected,
  .on_keyframe_request = on_keyframe_request,
  .on_voice = on_voice,
  .on_bandwidth = on_bandwidth,
  .on_failed = on_failed,
};

/* ---- Life ----------------------------------------------------------------------------------------------- */

static void
request_picture_sink (MxrParticipant *participant)
{
  const MxrConfig *config = participant->room->hub->config;
  g_autofree char *name = g_strdup_printf ("sink_%u", participant->key);

  participant->picture_sink = gst_element_request_pad_simple (participant->room->graph->picture, name);
  bool is_player = participant->role == MXR_ROLE_PLAYER; /* its picture stays while it is paused */
  g_object_set (participant->picture_sink, "title", participant->name, "stale-after",
                is_player ? 0 : config->ice.silence_timeout_ms, NULL);
}

MxrParticipant *
mxr_participant_new (MxrRoom *room, const char *name, MxrRole role, guint32 key, const MxrParticipantEvents *events,
                     gpointer user_data)
{
  MxrParticipant *participant = g_new0 (MxrParticipant, 1);

  participant->refs = 1;
  participant->room = mxr_room_ref (room);
  g_autofree char *id = mxr_random_text (6);
  participant->id = g_strconcat ("p-", id, NULL); /* never begins with a hyphen */
  participant->name = g_strdup (name);
  participant->resume_token = mxr_random_text (18);
  participant->role = role;
  participant->key = key;
  participant->view = &room->views[MXR_VIEW_ROOM];
  participant->needs_welcome = true;
  participant->is_changed = true;
  mxr_participant_attach (participant, events, user_data);
  if (role != MXR_ROLE_PLAYER)
    participant->peer = mxr_peer_new (&room->env, participant->id, role != MXR_ROLE_VIEWER, &peer_events, participant);
  if (mxr_participant_has_tile (participant))
    request_picture_sink (participant);
  return participant;
}

MxrParticipant *
mxr_participant_ref (MxrParticipant *participant)
{
  participant->refs++;
  return participant;
}

void
mxr_participant_unref (MxrParticipant *participant)
{
  if (--participant->refs > 0)
    return;
  g_free (participant->id);
  g_free (participant->name);
  g_free (participant->resume_token);
  g_free (participant);
}

void
mxr_participant_attach (MxrParticipant *participant, const MxrParticipantEvents *events, gpointer user_data)
{
  g_clear_handle_id (&participant->resume_timeout, g_source_remove);
  participant->events = events != NULL ? *events : (MxrParticipantEvents){ 0 };
  participant->user_data = user_data;
}

static void
release_media (MxrParticipant *participant, MxrRoom *room)
{
  mxr_sound_set_downlink (room, participant, false);
  mxr_pictures_set_codec (room, participant, NULL);
  mxr_tracks_forget (participant);
  if (participant->peer != NULL)
    mxr_peer_close (g_steal_pointer (&participant->peer));
  mxr_players_release (room, participant);
  if (participant->picture_sink != NULL)
    gst_element_release_request_pad (room->graph->picture, participant->picture_sink);
  g_clear_object (&participant->picture_sink);
}

/* Nothing before its last lines calls out, so nobody sees a participant that is half gone. */
void
mxr_participant_remove (MxrParticipant *participant, const char *reason)
{
  if (participant->room == NULL)
    return;
  g_autoptr (MxrParticipant) self = mxr_participant_ref (participant);
  g_autoptr (MxrRoom) room = mxr_room_ref (participant->room);
  MxrParticipantEvents events = self->events;
  gpointer user_data = self->user_data;

  mxr_log (MXR_LOG_INFO, "room", room->name, self->id, "left: %s", reason != NULL ? reason : "by itself");
  mxr_participant_attach (self, NULL, NULL);
  release_media (self, room);
  room->hub->counters.removals++;
  mxr_hub_tell_participant (room, self, true);
  mxr_room_forget (room, self);
  g_clear_pointer (&self->room, mxr_room_unref);
  if (reason != NULL && events.on_removed != NULL)
    events.on_removed (self, MXR_REMOVAL_GONE, reason, user_data);
  mxr_participant_end_ask (self);
}

void
mxr_participant_leave (MxrParticipant *participant)
{
  mxr_participant_remove (participant, NULL);
}

static gboolean
on_resume_timeout (gpointer user_data)
{
  MxrParticipant *participant = user_data;
  participant->resume_timeout = 0;
  mxr_participant_remove (participant, "did not come back");
  return G_SOURCE_REMOVE;
}

void
mxr_participant_detach (MxrParticipant *participant)
{
  mxr_participant_attach (participant, NULL, NULL);
  mxr_log (MXR_LOG_INFO, "room", participant->room->name, participant->id, "connection lost; may resume");
  participant->resume_timeout =
    g_timeout_add_seconds (participant->room->hub->config->room.resume_timeout_s, on_resume_timeout, participant);
}

/* ---- What the connection asks ---------------------------------------------------------------------------- */

const char *
mxr_participant_get_id (MxrParticipant *participant)
{
  return participant->id;
}

const char *
mxr_participant_get_room (MxrParticipant *participant)
{
  return participant->room->name;
}

const char *
mxr_participant_get_resume_token (MxrParticipant *participant)
{
  return participant->resume_token;
}

bool
mxr_participant_has_tile (const MxrParticipant *participant)
{
  return participant->role != MXR_ROLE_VIEWER;
}

gint64
mxr_participant_get_last_us (const MxrParticipant *participant, MxrRtpKind kind)
{
  if (participant->player != NULL)
    return mxr_player_get_last_us (participant->player, kind == MXR_RTP_AUDIO ? MXR_PLAYER_SOUND : MXR_PLAYER_PICTURE);
  return participant->peer != NULL ? mxr_peer_get_last_packet_us (participant->peer, kind) : 0;
}

void
mxr_participant_describe (const MxrParticipant *participant, MxrMember *out_member)
{
  *out_member = (MxrMember){
    .id = participant->id,
    .name = participant->name,
    .audio_muted = participant->audio_muted,
    .video_muted = participant->video_muted,
    .hand_raised = participant->hand_raised,
    .talking = participant->talking,
    .sends_audio = participant->uplinks[MXR_RTP_AUDIO] != NULL,
    .sends_video = participant->uplinks[MXR_RTP_VIDEO] != NULL,
    .quality = participant->quality.told,
  };
}

static bool
apply_mute (bool *muted, MxrMute mute)
{
  if (mute == MXR_MUTE_UNCHANGED || *muted == (mute == MXR_MUTE_ON))
    return false;
  *muted = !*muted;
  return true;
}

void
mxr_participant_set_muted (MxrParticipant *participant, MxrMute audio, MxrMute video)
{
  bool audio_is_changed = apply_mute (&participant->audio_muted, audio);
  bool video_is_changed = apply_mute (&participant->video_muted, video);

  if (!audio_is_changed && !video_is_changed)
    return;
  mxr_tracks_set_muted (participant);
  if (audio_is_changed)
    mxr_sound_set_muted (participant->room, participant);
  if (video_is_changed && participant->picture_sink != NULL) {
    g_object_set (participant->picture_sink, "video", !participant->video_muted, NULL);
    mxr_pass_update (participant->room, g_get_monotonic_time ());
    mxr_direct_update (participant->room, g_get_monotonic_time ());
    mxr_stage_want_uplinks (participant->room);
  }
  participant->is_changed = true;
  mxr_room_flush_soon (participant->room);
}

void
mxr_participant_set_hand (MxrParticipant *participant, bool raised)
{
  if (participant->hand_raised == raised)
    return;
  participant->hand_raised = raised;
  participant->is_changed = true;
  mxr_room_flush_soon (participant->room);
}

bool
mxr_participant_chat (MxrParticipant *participant, const char *text, GError **error)
{
  MxrRoom *room = participant->room;
  glong n_chars = g_utf8_validate (text, -1, NULL) ? g_utf8_strlen (text, -1) : 0;

  if (n_chars == 0 || n_chars > MXR_CHAT_MAX_CHARS) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_NAME, "a chat message has 1 to %d characters",
                 MXR_CHAT_MAX_CHARS);
    return false;
  }
  MxrChatEntry *entry = g_new (MxrChatEntry, 1);
  /* Who comes back asks for what is later than the last line it has: so no two are of the same time. */
  room->chat_time_ms = MAX (g_get_real_time () / 1000, room->chat_time_ms + 1);
  *entry = (MxrChatEntry){ g_strdup (participant->id), g_strdup (participant->name), g_strdup (text),
                           room->chat_time_ms };
  g_queue_push_tail (&room->chat_unsent, entry);
  mxr_room_flush_soon (room);
  return true;
}
