/* Who is mixed, and which of the sounds each listener gets. Everybody who is not in the mix hears the same full mix,
 * encoded once; who is in it hears an own encode of the mix without him or her.
 *
 * settle() brings what is into line with what should be, for one participant, and may be called at any time: what could
 * not be done now is done by a later call, at the latest by the next tick. The order of a change to an own sound:
 *
 *   chosen ─> own encode made ─> link told ─> link confirms: nothing of the shared sound is sent any more ─> voice on
 *      └─> uplink wanted: decoded from the begin of the voice on, which the mixer's ring holds meanwhile
 *
 * and back: voice off, uplink not wanted ─> BACK_TO_SHARED_US later, when the last of it has left the shared sound ─>
 * link told ─> link confirms ─> own encode ends. So nobody ever hears the own voice, whatever the threads do.
 *
 * The own encode begins as a copy of the shared one's state (and a shared one that nobody had, of an own one), so as long
 * as the voice is off both make the same packets, and neither change is heard (tests/elements/changeover-test.c). */

#include "room-private.h"

/* The mixer's fade (20 ms), what its ring held (200 ms at most), encode and ring behind it; and some 100 ms in which the
 * two encoders, whose inputs are the same again, become the same for a decoder. */
#define BACK_TO_SHARED_US (500 * G_TIME_SPAN_MILLISECOND)
/* Without RFC 6464 levels the mixer's own are taken; above this they are held to be voice. */
#define VOICE_DBOV (-45.0)
/* A level of the mixer says nothing once packets stay away (DTX, loss). */
#define LEVEL_VALID_US (200 * G_TIME_SPAN_MILLISECOND)
/* After so long without a sound, by RFC 6464, an uplink is not decoded and mixed any more, though there may be room for
 * all. A quiet room's noise is below the first level; a sender's own opinion counts from the second on, as where
 * mxr_uplink tells of voice. */
#define HUSH_US (10 * G_TIME_SPAN_SECOND)
#define SOUND_DBOV (-60)
#define VOICE_FLOOR_DBOV (-75)
/* Without levels ticks go on for so long after the last packet; DTX sends one each 400 ms. */
#define POLL_US (5 * G_TIME_SPAN_SECOND)

/* ---- Rungs --------------------------------------------------------------------------------------------- */

static MxrRung *
new_rung (MxrRoom *room, const char *whose, bool is_programme, guint32 number, MxrRung *goes_on_from)
{
  const MxrConfig *config = room->hub->config;
  g_autofree char *name = g_strdup_printf ("sound-%s-%u", whose, room->next_key++);
  g_autoptr (GError) error = NULL;
  const MxrRungParams params = {
    .encoder = mxr_hub_find_encoder (room->hub, "OPUS", &error),
    .name = name,
    .codec = "OPUS",
    .bitrate_bps = config->media.audio_bitrate_bps * config->media.audio_channels,
    .keyframe_interval_ms = config->media.keyframe_interval_ms,
    .is_programme = is_programme,
    .number = number,
    .goes_on_from = goes_on_from,
  };
  MxrRung *rung = params.encoder != NULL ? mxr_rung_new (room->graph, room->hub->net, &params, &error) : NULL;
  if (rung == NULL && mxr_log_allowed (&room->errors))
    mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no %s: %s", name, error->message);
  return rung;
}

/* Its pad has a number that no sink ever has, so nothing is left out; and never the same twice, because the one before
 * may still be on its way out. */
static MxrRung *
get_shared (MxrRoom *room, MxrRung *goes_on_from)
{
  if (room->shared_sound == NULL)
    room->shared_sound = new_rung (room, "shared", false, room->next_key++, goes_on_from);
  return room->shared_sound;
}

static bool
is_heard (const MxrRoom *room, MxrRung *rung)
{
  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    if (participant->hears == mxr_rung_get_fanout (rung) || participant->n_changes > 0)
      return true;
  }
  return false;
}

/* A tick after the last listener has left it, for an own encode that is to begin in its state has begun by then. */
static void
drop_if_unheard (MxrRoom *room, MxrRung **rung, bool *was_unheard)
{
  bool is_unheard = *rung != NULL && !is_heard (room, *rung);

  if (is_unheard && *was_unheard)
    g_clear_pointer (rung, mxr_rung_remove);
  *was_unheard = is_unheard;
}

static void
drop_own (MxrParticipant *participant)
{
  if (participant->own_sound != NULL && participant->hears == mxr_rung_get_fanout (participant->own_sound))
    participant->hears = NULL;
  participant->shared_from_us = 0;
  g_clear_pointer (&participant->own_sound, mxr_rung_remove);
}

/* ---- One participant ------------------------------------------------------------------------------------ */

static void settle (MxrRoom *room, MxrParticipant *participant, gint64 now_us);

static void
on_heard (MxrPeer *peer, gpointer user_data)
{
  MxrParticipant *participant = user_data;
  participant->n_changes--;
  settle (participant->room, participant, g_get_monotonic_time ());
}

static void
hear (MxrParticipant *participant, MxrRung *rung)
{
  MxrFanout *fanout = mxr_rung_get_fanout (rung);

  if (participant->hears == fanout)
    return;
  participant->hears = fanout;
  participant->n_changes++;
  mxr_peer_subscribe (participant->peer, MXR_RTP_AUDIO, fanout, on_heard, participant);
}

static void
hear_own (MxrRoom *room, MxrParticipant *participant)
{
  participant->shared_from_us = 0;
  if (participant->own_sound == NULL && mxr_rung_is_free (room->graph, participant->sound_number))
    participant->own_sound = new_rung (room, participant->id, false, participant->sound_number, room->shared_sound);
  if (participant->own_sound != NULL)
    hear (participant, participant->own_sound);
}

static void
hear_shared (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  if (participant->own_sound != NULL && participant->shared_from_us == 0) {
    participant->shared_from_us = now_us + BACK_TO_SHARED_US;
    if (room->shared_sound != NULL) { /* so that the two become the same */
      mxr_rung_set_loss (participant->own_sound, mxr_rung_get_loss (room->shared_sound));
      mxr_rung_set_bitrate (participant->own_sound, mxr_rung_get_params (room->shared_sound)->bitrate_bps);
    }
  }
  if (participant->own_sound != NULL && now_us < participant->shared_from_us)
    return;
  MxrRung *shared = get_shared (room, participant->own_sound);
  if (shared == NULL)
    return;
  hear (participant, shared);
  if (participant->n_changes == 0) /* the link sends nothing of the own one any more */
    drop_own (participant);
}

/* Of the programme's loudness, encoded once for all viewers. */
static void
hear_programme (MxrRoom *room, MxrParticipant *participant)
{
  if (room->programme_sound == NULL)
    room->programme_sound = new_rung (room, "programme", true, 0, NULL);
  if (room->programme_sound != NULL)
    hear (participant, room->programme_sound);
}

static bool
may_be_heard (const MxrParticipant *participant)
{
  bool hears_own = participant->own_sound != NULL && participant->n_changes == 0 &&
                   participant->hears == mxr_rung_get_fanout (participant->own_sound);
  return participant->is_mixed && (!participant->has_downlink[MXR_RTP_AUDIO] || hears_own);
}

static void
settle (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  if (!participant->has_downlink[MXR_RTP_AUDIO]) {
    drop_own (participant);
    participant->hears = NULL;
  } else if (participant->is_mixed) {
    hear_own (room, participant);
  } else if (participant->role == MXR_ROLE_VIEWER && room->look.loudness_lufs != 0) {
    hear_programme (room, participant);
  } else {
    hear_shared (room, participant, now_us);
  }
  if (participant->sound_sink == NULL)
    return;
  if (participant->peer != NULL)
    mxr_peer_set_wanted (participant->peer, MXR_RTP_AUDIO, participant->is_mixed);
  g_object_set (participant->sound_sink, "active", may_be_heard (participant), NULL);
}

/* ---- The mix ------------------------------------------------------------------------------------------- */

/* What is played is always heard, whoever talks: nobody wants half of a film's sound. */
static bool
should_be_mixed (MxrRoom *room, const MxrParticipant *participant)
{
  if (participant->sound_sink == NULL || participant->is_hushed)
    return false;
  return participant->role == MXR_ROLE_PLAYER ? !participant->audio_muted
                                              : mxr_speakers_is_in_mix (room->speakers, participant->key);
}

static void
update_mix (MxrRoom *room)
{
  gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    bool is_mixed = should_be_mixed (room, participant);
    if (is_mixed == participant->is_mixed)
      continue;
    participant->is_mixed = is_mixed;
    settle (room, participant, now_us);
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
  guint32 number = room->next_key++;
  g_autofree char *name = g_strdup_printf ("sink_%u", number);
  gint64 now_us = g_get_monotonic_time ();

  participant->sound_sink = gst_element_request_pad_simple (room->graph->sound, name);
  if (participant->sound_sink == NULL) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the audio mixer takes no more inputs");
    return false;
  }
  g_object_set (participant->sound_sink, "active", FALSE, NULL);
  if (!mxr_graph_add_input (room->graph, bin, participant->sound_sink, error)) {
    gst_element_release_request_pad (room->graph->sound, participant->sound_sink);
    g_clear_object (&participant->sound_sink);
    return false;
  }
  drop_own (participant); /* of a former uplink: it would not leave this one out */
  participant->sound_number = number;
  participant->has_levels = participant->is_hushed = false;
  participant->stirred_us = now_us;
  mxr_room_stir (room);
  apply (room, mxr_speakers_add (room->speakers, participant->key, now_us));
  apply (room, mxr_speakers_set_muted (room->speakers, participant->key, participant->audio_muted, now_us));
  update_mix (room);
  settle (room, participant, now_us);
  return true;
}

/* An own sound goes on until the last of the voice has left the shared one; then it is the full mix itself. */
void
mxr_sound_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin)
{
  g_autoptr (GstPad) sink = g_steal_pointer (&participant->sound_sink); /* the peer may be closed already */

  g_object_set (sink, "active", FALSE, NULL);
  apply (room, mxr_speakers_remove (room->speakers, participant->key, g_get_monotonic_time ()));
  mxr_graph_remove_input (room->graph, bin, room->graph->sound, sink);
}

void
mxr_sound_set_downlink (MxrRoom *room, MxrParticipant *participant, bool has_downlink)
{
  participant->has_downlink[MXR_RTP_AUDIO] = has_downlink;
  mxr_room_stir (room);
  settle (room, participant, g_get_monotonic_time ());
}

void
mxr_sound_set_muted (MxrRoom *room, MxrParticipant *participant)
{
  apply (room, mxr_speakers_set_muted (room->speakers, participant->key, participant->audio_muted,
                                       g_get_monotonic_time ()));
}

/* ---- Levels and time ------------------------------------------------------------------------------------ */

static MxrSpeakersChange
take_level (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  int level_dbov;
  bool voice;
  double level_dbfs = -127;

  if (participant->peer != NULL && mxr_peer_take_audio_level (participant->peer, &level_dbov, &voice)) {
    participant->has_levels = true;
    if (level_dbov > SOUND_DBOV || (voice && level_dbov > VOICE_FLOOR_DBOV))
      participant->stirred_us = now_us;
    return mxr_speakers_level (room->speakers, participant->key, level_dbov, voice, now_us);
  }
  if (participant->has_levels ||
      now_us - mxr_participant_get_last_us (participant, MXR_RTP_AUDIO) > LEVEL_VALID_US)
    return MXR_SPEAKERS_UNCHANGED;
  g_object_get (participant->sound_sink, "level", &level_dbfs, NULL);
  return mxr_speakers_level (room->speakers, participant->key, level_dbfs, level_dbfs > VOICE_DBOV, now_us);
}

/* A place in the mix is one to be heard at once; who has one and is silent for long gives back what it costs, and gets
 * it again like somebody who has none: at the first packet with voice, from the begin of the voice on. */
static MxrSpeakersChange
update_hush (MxrParticipant *participant, gint64 now_us)
{
  bool is_hushed = participant->has_levels && now_us - participant->stirred_us > HUSH_US;
  bool is_changed = is_hushed != participant->is_hushed;

  participant->is_hushed = is_hushed;
  return is_changed ? MXR_SPEAKERS_MIX : MXR_SPEAKERS_UNCHANGED;
}

/* Within a packet of the first syllable, where the tick would let two or three pass. */
void
mxr_sound_on_voice (MxrRoom *room, MxrParticipant *participant)
{
  gint64 now_us = g_get_monotonic_time ();

  if (participant->sound_sink == NULL)
    return;
  mxr_room_stir (room);
  MxrSpeakersChange change = take_level (room, participant, now_us);
  apply (room, change | update_hush (participant, now_us));
}

static bool
is_changing (const MxrParticipant *participant)
{
  bool is_unheard = participant->has_downlink[MXR_RTP_AUDIO] && participant->hears == NULL;
  return is_unheard || participant->shared_from_us != 0 || (participant->is_mixed && !may_be_heard (participant));
}

void
mxr_sound_tick (MxrRoom *room, gint64 now_us)
{
  MxrSpeakersChange change = MXR_SPEAKERS_UNCHANGED;

  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->sound_sink == NULL)
      continue;
    change |= take_level (room, participant, now_us);
    change |= update_hush (participant, now_us);
  }
  change |= mxr_speakers_tick (room->speakers, now_us);
  apply (room, change);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (is_changing (participant))
      settle (room, participant, now_us);
  }
  drop_if_unheard (room, &room->shared_sound, &room->shared_was_unheard);
  drop_if_unheard (room, &room->programme_sound, &room->programme_was_unheard);
  mxr_sound_serve_audience (room);
  mxr_sound_protect (room, now_us);
}

bool
mxr_sound_is_busy (MxrRoom *room, gint64 now_us)
{
  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    if (participant->talking || is_changing (participant))
      return true;
    if (participant->sound_sink == NULL || participant->audio_muted)
      continue;
    gint64 packet_us = mxr_participant_get_last_us (participant, MXR_RTP_AUDIO);
    bool is_polled = !participant->has_levels && packet_us != 0 && now_us - packet_us < POLL_US;
    bool is_awake = participant->has_levels && !participant->is_hushed;
    if (is_polled || is_awake)
      return true;
  }
  return room->shared_was_unheard || room->programme_was_unheard;
}

void
mxr_sound_follow_programme (MxrRoom *room)
{
  mxr_graph_set_loudness (room->graph, room->look.loudness_lufs);
  for (guint i = 0; i < room->participants->len; i++)
    settle (room, room->participants->pdata[i], g_get_monotonic_time ());
}

static void
recover (MxrRoom *room, MxrRung **rung, GstObject *source)
{
  if (*rung == NULL || !mxr_rung_is_ancestor (*rung, source))
    return;
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->hears == mxr_rung_get_fanout (*rung))
      participant->hears = NULL;
  }
  g_clear_pointer (rung, mxr_rung_remove);
}

/* The next tick makes what is missing. */
void
mxr_sound_recover (MxrRoom *room, GstObject *source)
{
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->own_sound != NULL && mxr_rung_is_ancestor (participant->own_sound, source))
      drop_own (participant);
  }
  recover (room, &room->shared_sound, source);
  recover (room, &room->programme_sound, source);
}

void
mxr_sound_clear (MxrRoom *room)
{
  g_clear_pointer (&room->programme_sound, mxr_rung_remove);
  g_clear_pointer (&room->shared_sound, mxr_rung_remove);
}
