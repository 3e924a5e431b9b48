/* Who is mixed, and which of the sounds each listener gets. Everybody who is not in the mix hears the same full mix,
 * encoded once; who is in it hears an own encode of the mix without him or her. */

#include "room-private.h"

#include <string.h>

/* After somebody left the mix, his own sound goes on for so long, until the last of his voice has left the shared
 * one: the mixer's fade (20 ms) and what its ring held. */
#define BACK_TO_SHARED_US (500 * G_TIME_SPAN_MILLISECOND)
/* Without RFC 6464 levels the mixer's own are taken; above this they are held to be voice. */
#define VOICE_DBOV (-45.0)
/* A level of the mixer says nothing once packets stay away (DTX, loss). */
#define LEVEL_VALID_US (200 * G_TIME_SPAN_MILLISECOND)

/* ---- Rungs --------------------------------------------------------------------------------------------- */

static MxrRung *
new_rung (MxrRoom *room, const char *name, GstPad *source, bool is_request)
{
  const MxrConfig *config = room->hub->config;
  g_autoptr (GError) error = NULL;
  const MxrRungParams params = {
    .encoder = mxr_hub_find_encoder (room->hub, "OPUS", &error),
    .name = name,
    .codec = "OPUS",
    .bitrate_bps = config->media.audio_bitrate_bps * config->media.audio_channels,
    .keyframe_interval_ms = config->media.keyframe_interval_ms,
    .source = source,
    .is_request = is_request,
  };
  MxrRung *rung = params.encoder != NULL ? mxr_rung_new (room->graph, room->hub->net, &params, &error) : NULL;
  if (rung == NULL)
    mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no sound: %s", error->message);
  return rung;
}

static MxrRung *
get_shared (MxrRoom *room)
{
  if (room->shared_sound == NULL) {
    g_autoptr (GstPad) source = gst_element_get_static_pad (room->graph->sound, "src");
    room->shared_sound = new_rung (room, "sound-shared", source, false);
  }
  return room->shared_sound;
}

static void
drop_shared (MxrRoom *room)
{
  if (room->n_listeners == 0)
    g_clear_pointer (&room->shared_sound, mxr_rung_remove);
}

/* The number of the source pad names the sink whose voice is left out. */
static MxrRung *
new_own (MxrRoom *room, MxrParticipant *participant)
{
  const char *number = strrchr (GST_OBJECT_NAME (participant->sound_sink), '_') + 1;
  g_autofree char *pad_name = g_strdup_printf ("src_%s", number);
  g_autofree char *name = g_strdup_printf ("sound-%s-%s", participant->id, number);
  g_autoptr (GstPad) source = gst_element_request_pad_simple (room->graph->sound, pad_name);
  return source != NULL ? new_rung (room, name, source, true) : NULL;
}

/* ---- Subscriptions ------------------------------------------------------------------------------------- */

static void
listen_to_shared (MxrRoom *room, MxrParticipant *participant)
{
  MxrRung *shared = get_shared (room);
  if (shared == NULL)
    return;
  room->n_listeners++;
  mxr_peer_subscribe (participant->peer, MXR_RTP_AUDIO, mxr_rung_get_fanout (shared), NULL, NULL);
}

static void
set_active (MxrParticipant *participant, bool active)
{
  if (participant->sound_sink != NULL)
    g_object_set (participant->sound_sink, "active", active, NULL);
}

/* Nothing of the shared sound reaches this listener any more: now the own voice may enter it. */
static void
on_own_subscribed (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  if (participant->room != NULL)
    set_active (participant, participant->is_mixed);
}

static void
listen_to_own (MxrRoom *room, MxrParticipant *participant)
{
  participant->own_sound = new_own (room, participant);
  if (participant->own_sound == NULL)
    return;
  room->n_listeners--;
  mxr_peer_subscribe (participant->peer, MXR_RTP_AUDIO, mxr_rung_get_fanout (participant->own_sound), on_own_subscribed,
                      participant);
  drop_shared (room);
}

static void
stop_listening (MxrRoom *room, MxrParticipant *participant)
{
  if (participant->own_sound != NULL)
    g_clear_pointer (&participant->own_sound, mxr_rung_remove);
  else
    room->n_listeners--;
  participant->shared_from_us = 0;
  drop_shared (room);
}

/* ---- The mix ------------------------------------------------------------------------------------------- */

static void
enter_mix (MxrRoom *room, MxrParticipant *participant)
{
  participant->is_mixed = true;
  participant->shared_from_us = 0;
  if (participant->has_downlink[MXR_RTP_AUDIO] && participant->own_sound == NULL)
    listen_to_own (room, participant); /* becomes active once that is in effect */
  else
    set_active (participant, true);
}

static void
leave_mix (MxrParticipant *participant)
{
  participant->is_mixed = false;
  set_active (participant, false);
  if (participant->own_sound != NULL)
    participant->shared_from_us = g_get_monotonic_time () + BACK_TO_SHARED_US;
}

static void
back_to_shared (MxrRoom *room, MxrParticipant *participant)
{
  participant->shared_from_us = 0;
  listen_to_shared (room, participant);
  g_clear_pointer (&participant->own_sound, mxr_rung_remove);
}

static void
update_mix (MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    bool is_mixed = participant->sound_sink != NULL && mxr_speakers_is_in_mix (room->speakers, participant->key);
    if (is_mixed && !participant->is_mixed)
      enter_mix (room, participant);
    else if (!is_mixed && participant->is_mixed)
      leave_mix (participant);
  }
}

static void
update_talking (MxrRoom *room)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *speaker = room->participants->pdata[i];
    bool talking = mxr_speakers_is_talking (room->speakers, speaker->key);
    if (talking == speaker->talking)
      continue;
    speaker->talking = talking;
    speaker->talking_is_changed = true;
    mxr_room_flush_soon (room);
  }
}

static void
apply (MxrRoom *room, MxrSpeakersChange change)
{
  if ((change & MXR_SPEAKERS_MIX) != 0)
    update_mix (room);
  if ((change & MXR_SPEAKERS_TALKING) != 0)
    update_talking (room);
  if ((change & MXR_SPEAKERS_DOMINANT) != 0) {
    room->layout_is_dirty = true;
    mxr_room_flush_soon (room);
  }
}

/* ---- What happens to participants ----------------------------------------------------------------------- */

bool
mxr_sound_add_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin, GError **error)
{
  g_autofree char *name = g_strdup_printf ("sink_%u", room->next_key++);

  participant->sound_sink = gst_element_request_pad_simple (room->graph->sound, name);
  if (participant->sound_sink == NULL) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the audio mixer takes no more inputs");
    return false;
  }
  set_active (participant, false);
  if (!mxr_graph_add_input (room->graph, bin, participant->sound_sink, error)) {
    gst_element_release_request_pad (room->graph->sound, participant->sound_sink);
    g_clear_object (&participant->sound_sink);
    return false;
  }
  gint64 now_us = g_get_monotonic_time ();
  apply (room, mxr_speakers_add (room->speakers, participant->key, now_us));
  apply (room, mxr_speakers_set_muted (room->speakers, participant->key, participant->audio_muted, now_us));
  return true;
}

void
mxr_sound_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin)
{
  apply (room, mxr_speakers_remove (room->speakers, participant->key, g_get_monotonic_time ()));
  mxr_graph_remove_input (room->graph, bin, room->graph->sound, participant->sound_sink);
  g_clear_object (&participant->sound_sink);
  /* The own sound's pad has lost its sink and would be the full mix: the shared one is that already. */
  if (participant->own_sound != NULL && participant->has_downlink[MXR_RTP_AUDIO])
    back_to_shared (room, participant);
}

void
mxr_sound_set_downlink (MxrRoom *room, MxrParticipant *participant, bool has_downlink)
{
  if (participant->has_downlink[MXR_RTP_AUDIO] == has_downlink)
    return;
  participant->has_downlink[MXR_RTP_AUDIO] = has_downlink;
  if (!has_downlink) {
    stop_listening (room, participant);
    return;
  }
  room->n_listeners++;
  if (participant->is_mixed) {
    set_active (participant, false); /* until the own sound is subscribed */
    listen_to_own (room, participant);
  } else {
    room->n_listeners--;
    listen_to_shared (room, participant);
  }
}

void
mxr_sound_set_muted (MxrRoom *room, MxrParticipant *participant)
{
  apply (room, mxr_speakers_set_muted (room->speakers, participant->key, participant->audio_muted,
                                       g_get_monotonic_time ()));
}

/* ---- Levels -------------------------------------------------------------------------------------------- */

static MxrSpeakersChange
take_level (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  int level_dbov;
  bool voice;
  double level_dbfs = -127;

  if (mxr_peer_take_audio_level (participant->peer, &level_dbov, &voice)) {
    participant->has_levels = true;
    return mxr_speakers_level (room->speakers, participant->key, level_dbov, voice, now_us);
  }
  if (participant->has_levels ||
      now_us - mxr_peer_get_last_packet_us (participant->peer, MXR_RTP_AUDIO) > LEVEL_VALID_US)
    return MXR_SPEAKERS_UNCHANGED;
  g_object_get (participant->sound_sink, "level", &level_dbfs, NULL);
  return mxr_speakers_level (room->speakers, participant->key, level_dbfs, level_dbfs > VOICE_DBOV, now_us);
}

void
mxr_sound_tick (MxrRoom *room, gint64 now_us)
{
  MxrSpeakersChange change = MXR_SPEAKERS_UNCHANGED;

  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->sound_sink != NULL)
      change |= take_level (room, participant, now_us);
  }
  change |= mxr_speakers_tick (room->speakers, now_us);
  apply (room, change);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->shared_from_us != 0 && now_us >= participant->shared_from_us)
      back_to_shared (room, participant);
  }
}

void
mxr_sound_clear (MxrRoom *room)
{
  g_clear_pointer (&room->shared_sound, mxr_rung_remove);
}
