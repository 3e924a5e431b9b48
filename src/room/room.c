/* A room: who is in it, and what they are told of each other. */

#include "room-private.h"

#include <string.h>

/* A place in the mix is kept so long after the last voice: longer than a pause for breath or thought, so that who talks
 * keeps the own sound, too. */
#define SPEAKER_HOLD_MS 3000

/* While somebody talks or something changes, levels are taken, speakers chosen and pending key frames made this often:
 * below a syllable, above the cost. Else what happens is told by events, and this seldom is for what has no hurry, and
 * for a client whose voice is too soft for an event. */
#define TICK_US (50 * G_TIME_SPAN_MILLISECOND)
#define IDLE_TICK_US G_TIME_SPAN_SECOND
/* So long ticks follow what happened: longer than any step of a change waits for the one before. */
#define BUSY_US (2 * G_TIME_SPAN_SECOND)

static void
chat_entry_free (gpointer data)
{
  MxrChatEntry *entry = data;
  g_free (entry->participant);
  g_free (entry->name);
  g_free (entry->text);
  g_free (entry);
}

/* ---- Errors of the pipeline ------------------------------------------------------------------------------ */

static MxrParticipant *
find_by_element (MxrRoom *room, GstObject *source)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    for (guint k = 0; k < MXR_PEER_N_KINDS; k++)
      if (participant->uplinks[k] != NULL &&
          gst_object_has_as_ancestor (source, GST_OBJECT (participant->uplinks[k])))
        return participant;
  }
  return NULL;
}

/* One participant's media can break nothing but that participant. */
static void
on_graph_error (GstObject *source, const GError *error, gpointer user_data)
{
  MxrRoom *room = user_data;
  MxrParticipant *participant = find_by_element (room, source);

  room->hub->counters.media_errors++;
  if (mxr_log_allowed (&room->errors))
    mxr_log (MXR_LOG_ERROR, "room", room->name, participant != NULL ? participant->id : NULL, "%s: %s",
             GST_OBJECT_NAME (source), error->message);
  if (participant != NULL) {
    mxr_participant_remove (participant, "its media could not be decoded");
    return;
  }
  mxr_encodings_recover (room, source);
  mxr_sound_recover (room, source);
  mxr_programme_recover (room, source);
  mxr_room_stir (room);
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

MxrRoom *
mxr_room_new (MxrHub *hub, const char *name, GError **error)
{
  g_autoptr (MxrRoom) room = g_new0 (MxrRoom, 1);
  const MxrSpeakersConfig speakers = {
    .max_speakers = hub->config->room.max_speakers,
    .hold_ms = SPEAKER_HOLD_MS,
    .dominant_hold_ms = hub->config->room.speaker_hold_ms,
  };

  room->refs = 1;
  room->due_us = G_MAXINT64;
  room->hub = hub;
  room->name = g_strdup (name);
  room->participants = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_participant_unref);
  room->departed = g_ptr_array_new_with_free_func (g_free);
  room->speakers = mxr_speakers_new (&speakers);
  room->players = mxr_players_new ();
  g_queue_init (&room->chat);
  g_queue_init (&room->chat_unsent);
  room->graph = mxr_graph_new (hub->config, "room", on_graph_error, room, error);
  if (room->graph == NULL)
    return NULL;
  mxr_stage_init (room);
  mxr_programme_look_init (room);
  mxr_programme_images_init (room);
  mxr_programme_look_show (room);
  mxr_graph_set_loudness (room->graph, room->look.loudness_lufs);
  room->programme = mxr_programme_new (room);
  room->env = (MxrPeerEnv){
    .config = hub->config,
    .net = hub->net,
    .fragments = hub->fragments,
    .control = hub->control,
    .pool = hub->pool,
    .delays = mxr_peer_delays_new (),
    .timeline_us = room->graph->timeline_us,
  };
  return g_steal_pointer (&room);
}

MxrRoom *
mxr_room_ref (MxrRoom *room)
{
  room->refs++;
  return room;
}

void
mxr_room_unref (MxrRoom *room)
{
  if (--room->refs > 0)
    return;
  if (room->graph != NULL)
    mxr_delays_end (room);
  g_clear_pointer (&room->programme, mxr_programme_free);
  mxr_programme_look_clear (&room->look);
  if (room->images[0] != NULL)
    mxr_programme_images_clear (room);
  g_clear_pointer (&room->graph, mxr_graph_free);
  g_clear_pointer (&room->env.delays, mxr_peer_delays_unref);
  mxr_speakers_free (room->speakers);
  g_ptr_array_unref (room->participants);
  g_ptr_array_unref (room->departed);
  g_clear_pointer (&room->recordings, g_ptr_array_unref);
  g_ptr_array_unref (room->players);
  g_queue_clear_full (&room->chat, chat_entry_free);
  g_queue_clear_full (&room->chat_unsent, chat_entry_free);
  g_free (room->name);
  g_free (room);
}

MxrParticipant *
mxr_room_add (MxrRoom *room, const char *name, MxrRole role, const MxrParticipantEvents *events, gpointer user_data,
              GError **error)
{
  guint max = room->hub->config->room.max_participants;

  if (room->participants->len >= max) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FULL, "the room has its %u participants; try again when one left",
                 max);
    return NULL;
  }
  MxrParticipant *participant = mxr_participant_new (room, name, role, room->next_key++, events, user_data);
  g_ptr_array_add (room->participants, participant);
  mxr_recordings_note (room, participant);
  mxr_tracks_update (room);
  room->layout_is_dirty = true;
  mxr_room_flush_soon (room);
  return participant;
}

/* Nobody would end what plays to itself. */
static bool
has_only_players (const MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++)
    if (((const MxrParticipant *) room->participants->pdata[i])->role != MXR_ROLE_PLAYER)
      return false;
  return true;
}

void
mxr_room_forget (MxrRoom *room, MxrParticipant *participant)
{
  g_hash_table_remove (room->hub->tokens, participant->resume_token);
  if (participant->role != MXR_ROLE_VIEWER)
    g_ptr_array_add (room->departed, g_strdup (participant->id));
  g_ptr_array_remove (room->participants, participant);
  room->layout_is_dirty = true;
  if (room->participants->len == 0)
    mxr_hub_remove_room (room->hub, room);
  else if (participant->role != MXR_ROLE_PLAYER && has_only_players (room))
    mxr_players_end (room);
  else
    mxr_room_flush_soon (room);
}

GPtrArray *
mxr_room_copy_participants (MxrRoom *room)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_participant_unref);
  for (guint i = 0; i < room->participants->len; i++)
    g_ptr_array_add (copy, mxr_participant_ref (room->participants->pdata[i]));
  return copy;
}

MxrParticipant *
mxr_room_find_key (MxrRoom *room, guint32 key)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->key == key)
      return participant;
  }
  return NULL;
}

void
mxr_room_tick (MxrRoom *room, gint64 now_us)
{
  mxr_sound_tick (room, now_us);
  mxr_stage_tick (room, now_us);
  mxr_programme_tick (room, now_us);
  mxr_connections_tick (room, now_us);
  mxr_delays_tick (room, now_us);
  mxr_players_tick (room, now_us);
  bool is_busy = now_us < room->busy_till_us || mxr_sound_is_busy (room, now_us) || mxr_stage_is_busy (room);
  gint64 step_us = is_busy ? TICK_US : IDLE_TICK_US;
  room->due_us = MIN ((now_us / step_us + 1) * step_us, mxr_programme_get_due_us (room));
}

void
mxr_room_tick_soon (MxrRoom *room)
{
  gint64 due_us = (g_get_monotonic_time () / TICK_US + 1) * TICK_US;

  room->due_us = MIN (room->due_us, due_us);
  mxr_hub_tick_at (room->hub, room->due_us);
}

void
mxr_room_stir (MxrRoom *room)
{
  room->busy_till_us = g_get_monotonic_time () + BUSY_US;
  mxr_room_tick_soon (room);
}

/* ---- Telling --------------------------------------------------------------------------------------------- */

static void
tell_chat (MxrParticipant *participant, const MxrChatEntry *entry)
{
  const MxrChatLine line = { entry->participant, entry->name, entry->text, entry->time_ms };
  if (participant->events.on_chat != NULL)
    participant->events.on_chat (participant, &line, participant->user_data);
}

static void
tell_roster (MxrRoom *room, MxrParticipant *participant)
{
  g_autofree MxrMember *members = g_new0 (MxrMember, room->participants->len);
  gsize n = 0;

  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *other = room->participants->pdata[i];
    if (other->role != MXR_ROLE_VIEWER)
      mxr_participant_describe (other, &members[n++]);
  }
  participant->events.on_roster (participant, members, n, participant->user_data);
}

/* Somebody new, or back again: everything there is, in the state it is in. */
static void
welcome (MxrRoom *room, MxrParticipant *participant)
{
  participant->needs_welcome = false;
  if (participant->events.on_roster == NULL)
    return;
  tell_roster (room, participant);
  if (participant->room != NULL)
    mxr_stage_tell_tiles (room, participant);
  if (participant->room != NULL)
    mxr_stage_tell_uplink_limit (participant);
  if (participant->room != NULL)
    mxr_pictures_tell_rung (room, participant);
  if (participant->room != NULL)
    mxr_outputs_tell (room, participant);
  for (GList *l = room->chat.head; l != NULL && participant->room != NULL; l = l->next)
    tell_chat (participant, l->data);
  mxr_hub_tell_closing (room->hub, participant);
}

static void
tell_member (GPtrArray *everybody, const MxrMember *member, bool is_gone)
{
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *to = everybody->pdata[i];
    if (to->room != NULL && !to->needs_welcome && to->events.on_member != NULL)
      to->events.on_member (to, member, is_gone, to->user_data);
  }
}

static void
tell_departures (MxrRoom *room, GPtrArray *everybody)
{
  g_autoptr (GPtrArray) departed = g_steal_pointer (&room->departed);
  room->departed = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < departed->len; i++) {
    const MxrMember member = { .id = departed->pdata[i], .name = "" };
    tell_member (everybody, &member, true);
  }
}

static void
tell_changes (GPtrArray *everybody)
{
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    MxrMember member;
    if (!participant->is_changed || participant->room == NULL)
      continue;
    participant->is_changed = participant->talking_is_changed = false;
    mxr_participant_describe (participant, &member);
    if (participant->role != MXR_ROLE_VIEWER)
      tell_member (everybody, &member, false);
  }
}

static void
tell_talking (GPtrArray *everybody)
{
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *speaker = everybody->pdata[i];
    if (!speaker->talking_is_changed || speaker->role == MXR_ROLE_VIEWER)
      continue;
    speaker->talking_is_changed = false;
    for (guint k = 0; k < everybody->len; k++) {
      MxrParticipant *to = everybody->pdata[k];
      if (to->room != NULL && !to->needs_welcome && to->events.on_talking != NULL)
        to->events.on_talking (to, speaker->id, speaker->talking, to->user_data);
    }
  }
}

static void
tell_rungs (MxrRoom *room, GPtrArray *everybody)
{
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    if (participant->rung_is_changed && participant->room != NULL && !participant->needs_welcome)
      mxr_pictures_tell_rung (room, participant);
  }
}

static void
tell_chats (MxrRoom *room, GPtrArray *everybody)
{
  MxrChatEntry *entry;

  while ((entry = g_queue_pop_head (&room->chat_unsent)) != NULL) {
    for (guint i = 0; i < everybody->len; i++) {
      MxrParticipant *to = everybody->pdata[i];
      if (to->room != NULL)
        tell_chat (to, entry);
    }
    g_queue_push_tail (&room->chat, entry);
    if (room->chat.length > room->hub->config->room.chat_history)
      chat_entry_free (g_queue_pop_head (&room->chat));
  }
}

/* Tiles before the roster's changes would name people nobody knows; so first people, then places. */
static void
flush (gpointer user_data)
{
  MxrRoom *room = user_data;

  room->flush_is_posted = false;
  if (room->participants->len == 0)
    return;
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);
  tell_departures (room, everybody);
  tell_changes (everybody);
  if (room->layout_is_dirty)
    mxr_stage_update (room);
  mxr_stage_limit_uplinks (room, g_get_monotonic_time ());
  mxr_stage_tell_changed_tiles (room, everybody);
  tell_talking (everybody);
  tell_rungs (room, everybody);
  mxr_outputs_tell_changes (room, everybody);
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    if (participant->needs_welcome && participant->room != NULL)
      welcome (room, participant);
  }
  tell_chats (room, everybody);
}

void
mxr_room_flush_soon (MxrRoom *room)
{
  mxr_room_stir (room);
  if (room->flush_is_posted)
    return;
  room->flush_is_posted =
    mxr_mailbox_post (room->hub->control, flush, mxr_room_ref (room), (GDestroyNotify) mxr_room_unref);
}
