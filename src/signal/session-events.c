#include "session.h"

/* What the room tells, in the words of mixroom.v1. */

static void
on_candidate (MxrParticipant *participant, const char *candidate, const char *mid, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("candidate", NULL);
  mxr_json_add_string (builder, "candidate", candidate);
  if (mid != NULL)
    mxr_json_add_string (builder, "sdpMid", mid);
  mxr_session_send (user_data, builder);
}

static const char *const quality_names[] = {
  [MXR_QUALITY_UNKNOWN] = "unknown", [MXR_QUALITY_LOST] = "lost", [MXR_QUALITY_BAD] = "bad",
  [MXR_QUALITY_POOR] = "poor",       [MXR_QUALITY_GOOD] = "good",
};

static const char *const rung_names[] = {
  [MXR_RUNG_VIDEO] = "video",
  [MXR_RUNG_SLIDES] = "slides",
  [MXR_RUNG_AUDIO] = "audio",
};

static const char *const reason_names[] = {
  [MXR_RUNG_REASON_BEST] = "best",
  [MXR_RUNG_REASON_BANDWIDTH] = "bandwidth",
  [MXR_RUNG_REASON_LOSS] = "loss",
};

static void
add_member (JsonBuilder *builder, const MxrMember *member)
{
  mxr_json_add_string (builder, "id", member->id);
  mxr_json_add_string (builder, "name", member->name);
  mxr_json_add_bool (builder, "audioMuted", member->audio_muted);
  mxr_json_add_bool (builder, "videoMuted", member->video_muted);
  mxr_json_add_bool (builder, "hand", member->hand_raised);
  mxr_json_add_bool (builder, "talking", member->talking);
  json_builder_set_member_name (builder, "uplink");
  json_builder_begin_object (builder);
  mxr_json_add_bool (builder, "audio", member->sends_audio);
  mxr_json_add_bool (builder, "video", member->sends_video);
  json_builder_end_object (builder);
  mxr_json_add_string (builder, "quality", quality_names[member->quality]);
}

static void
on_roster (MxrParticipant *participant, const MxrMember *members, gsize n_members, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("participants", NULL);

  json_builder_set_member_name (builder, "list");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < n_members; i++) {
    json_builder_begin_object (builder);
    add_member (builder, &members[i]);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  mxr_session_send (user_data, builder);
}

static void
on_member (MxrParticipant *participant, const MxrMember *member, bool is_gone, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("participant", NULL);

  add_member (builder, member);
  if (is_gone)
    mxr_json_add_bool (builder, "gone", true);
  mxr_session_send (user_data, builder);
}

static void
on_tiles (MxrParticipant *participant, const char *view, guint width_px, guint height_px,
          const MxrTileInfo *tiles, gsize n_tiles, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("tiles", NULL);

  mxr_json_add_string (builder, "view", view);
  json_builder_set_member_name (builder, "canvas");
  json_builder_begin_object (builder);
  mxr_json_add_int (builder, "width", width_px);
  mxr_json_add_int (builder, "height", height_px);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "tiles");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < n_tiles; i++) {
    json_builder_begin_object (builder);
    mxr_json_add_string (builder, "participant", tiles[i].participant);
    mxr_json_add_double (builder, "x", tiles[i].x);
    mxr_json_add_double (builder, "y", tiles[i].y);
    mxr_json_add_double (builder, "w", tiles[i].w);
    mxr_json_add_double (builder, "h", tiles[i].h);
    mxr_json_add_int (builder, "z", tiles[i].z);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  mxr_session_send (user_data, builder);
}

static void
on_talking (MxrParticipant *participant, const char *id, bool talking, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("talking", NULL);
  mxr_json_add_string (builder, "participant", id);
  mxr_json_add_bool (builder, "talking", talking);
  mxr_session_send (user_data, builder);
}

static void
on_chat (MxrParticipant *participant, const MxrChatLine *line, gpointer user_data)
{
  MxrSession *self = user_data;
  if (line->time_ms <= self->chat_after_ms)
    return; /* of the history, and the client has it */
  JsonBuilder *builder = mxr_session_begin ("chat", NULL);
  mxr_json_add_string (builder, "participant", line->participant);
  mxr_json_add_string (builder, "name", line->name);
  mxr_json_add_string (builder, "text", line->text);
  mxr_json_add_int (builder, "time", line->time_ms);
  mxr_session_send (self, builder);
}

static void
on_rung (MxrParticipant *participant, const MxrRungInfo *rung, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("rung", NULL);
  mxr_json_add_string (builder, "kind", rung_names[rung->kind]);
  mxr_json_add_int (builder, "width", rung->width_px);
  mxr_json_add_int (builder, "height", rung->height_px);
  mxr_json_add_int (builder, "framerate", rung->framerate);
  mxr_json_add_int (builder, "bitrate", rung->bitrate_bps);
  mxr_json_add_string (builder, "codec", rung->codec);
  mxr_json_add_string (builder, "reason", reason_names[rung->reason]);
  mxr_json_add_int (builder, "available", rung->available_bps);
  mxr_session_send (user_data, builder);
}

static void
on_uplink_limit (MxrParticipant *participant, const MxrUplinkLimit *limit, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("uplink", NULL);
  mxr_json_add_int (builder, "maxWidth", limit->width_px);
  mxr_json_add_int (builder, "maxHeight", limit->height_px);
  mxr_json_add_int (builder, "maxFramerate", limit->framerate);
  mxr_json_add_int (builder, "maxBitrate", limit->bitrate_bps);
  mxr_session_send (user_data, builder);
}

static void
on_outputs (MxrParticipant *participant, bool is_recorded, bool is_live, gpointer user_data)
{
  JsonBuilder *builder = mxr_session_begin ("outputs", NULL);
  mxr_json_add_bool (builder, "recording", is_recorded);
  mxr_json_add_bool (builder, "live", is_live);
  mxr_session_send (user_data, builder);
}

static void
on_closing (MxrParticipant *participant, const char *reason, guint reconnect_in_ms, gpointer user_data)
{
  mxr_session_tell_closing (user_data, reason, reconnect_in_ms);
}

static void
on_removed (MxrParticipant *participant, MxrRemoval removal, const char *reason, gpointer user_data)
{
  MxrSession *self = user_data;
  bool is_elsewhere = removal == MXR_REMOVAL_RESUMED_ELSEWHERE;

  self->participant = NULL;
  mxr_session_tell_closing (self, reason, -1);
  mxr_session_close (self, is_elsewhere ? MXR_CLOSE_RESUMED_ELSEWHERE : MXR_CLOSE_REMOVED, reason);
}

const MxrParticipantEvents mxr_session_events = {
  .on_candidate = on_candidate,
  .on_roster = on_roster,
  .on_member = on_member,
  .on_tiles = on_tiles,
  .on_uplink_limit = on_uplink_limit,
  .on_talking = on_talking,
  .on_chat = on_chat,
  .on_rung = on_rung,
  .on_outputs = on_outputs,
  .on_closing = on_closing,
  .on_removed = on_removed,
};
