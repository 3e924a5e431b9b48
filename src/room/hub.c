/* All rooms, and what they share: network threads, fragments, the control mailbox, one timer. */

#include "room-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-room-error-quark, mxr_room_error)

/* Calls from the network threads that may wait for the control thread: a few per peer and second. */
#define CONTROL_CALLS_MAX 65536

/* ---- Time ------------------------------------------------------------------------------------------------ */

/* The rooms that are due, which is all of them once in a while, and few of hundreds that are idle. Due times are on
 * one grid, so that one turn of the loop serves them all. */
static gboolean
on_tick (GSource *source, GSourceFunc unused, gpointer user_data)
{
  MxrHub *hub = user_data;
  gint64 now_us = g_get_monotonic_time ();
  gint64 due_us = G_MAXINT64;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    MxrRoom *room = value;
    if (room->due_us <= now_us)
      mxr_room_tick (room, now_us);
    due_us = MIN (due_us, room->due_us);
  }
  g_source_set_ready_time (source, due_us != G_MAXINT64 ? due_us : -1);
  return G_SOURCE_CONTINUE;
}

static GSource *
new_tick (MxrHub *hub)
{
  static GSourceFuncs functions = { .dispatch = on_tick };
  GSource *tick = g_source_new (&functions, sizeof (GSource));

  g_source_set_name (tick, "tick of the rooms");
  g_source_set_callback (tick, NULL, hub, NULL);
  g_source_attach (tick, NULL);
  return tick;
}

void
mxr_hub_tick_at (MxrHub *hub, gint64 due_us)
{
  gint64 ready_us = g_source_get_ready_time (hub->tick);

  if (ready_us < 0 || due_us < ready_us)
    g_source_set_ready_time (hub->tick, due_us);
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

static MxrFragments *
load_fragments (const MxrConfig *config, GError **error)
{
  g_autofree char *source_dir = g_build_filename (MXR_SOURCE_ROOT, "pipelines", NULL);
  const char *own = config->media.pipeline_dir;
  const char *dirs[] = { own, "/etc/mixroom/pipelines", MXR_PIPELINE_DIR, source_dir, NULL };

  /* The others may be missing; one that was asked for may not. */
  if (*own != '\0' && !g_file_test (own, G_FILE_TEST_IS_DIR)) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "media.pipeline_dir is '%s', which is no folder", own);
    return NULL;
  }
  return mxr_fragments_load (dirs, error);
}

/* Fatal is only what the configuration uses, but an operator wants to hear of every slip. */
static void
warn_of_faulty_fragments (const MxrFragments *fragments)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_fragment_problem_free);

  mxr_fragments_check (fragments, problems);
  for (guint i = 0; i < problems->len; i++) {
    const MxrFragmentProblem *problem = problems->pdata[i];
    mxr_log (problem->is_missing ? MXR_LOG_INFO : MXR_LOG_WARNING, "room", NULL, NULL, "fragment %s cannot be used: %s:%u: %s",
             problem->name, problem->file, problem->line, problem->reason);
  }
}

static const char *
encoder_name (const MxrConfig *config, const char *codec)
{
  if (strcmp (codec, "VP8") == 0)
    return config->media.vp8_encoder;
  return strcmp (codec, "H264") == 0 ? config->media.h264_encoder : config->media.opus_encoder;
}

const MxrFragment *
mxr_hub_find_encoder (MxrHub *hub, const char *codec, GError **error)
{
  return mxr_fragments_find (hub->fragments, encoder_name (hub->config, codec), MXR_FRAGMENT_ENCODE, codec, error);
}

const MxrFragment *
mxr_hub_find_programme_encoder (MxrHub *hub, MxrFeedStream stream, GError **error)
{
  const MxrConfig *config = hub->config;

  const char *names[] = {
    [MXR_FEED_PICTURE] = config->programme.picture_encoder,
    [MXR_FEED_SOUND] = config->programme.sound_encoder,
    [MXR_FEED_OPUS] = config->programme.opus_sound_encoder,
  };
  const char *codecs[] = { [MXR_FEED_PICTURE] = "H264", [MXR_FEED_SOUND] = "AAC", [MXR_FEED_OPUS] = "opus" };
  MxrFragmentKind kind = stream == MXR_FEED_PICTURE ? MXR_FRAGMENT_ENCODE : MXR_FRAGMENT_ELEMENTARY;
  return mxr_fragments_find (hub->fragments, names[stream], kind, codecs[stream], error);
}

bool
mxr_hub_may_output (const MxrHub *hub)
{
  const MxrConfig *config = hub->config;
  return config->programme.push || *config->programme.recordings_directory != '\0' ||
         *config->programme.hls_directory != '\0';
}

static bool
check_programme (MxrHub *hub, GError **error)
{
  for (guint i = 0; mxr_hub_may_output (hub) && i < MXR_FEED_N_STREAMS; i++)
    if (mxr_hub_find_programme_encoder (hub, i, error) == NULL)
      return false;
  return true;
}

static bool
check_players (const MxrConfig *config, GError **error)
{
  if ((!config->players.files && !config->players.urls) || mxr_player_is_installed ())
    return true;
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED,
                       "players.files or players.urls is set, but the program mixroom-player is not installed");
  return false;
}

/* What the configuration names must work here, or the first call would find out. */
static bool
check_fragments (MxrHub *hub, GError **error)
{
  const MxrConfig *config = hub->config;
  return mxr_hub_find_encoder (hub, "VP8", error) != NULL && mxr_hub_find_encoder (hub, "H264", error) != NULL &&
         mxr_hub_find_encoder (hub, "OPUS", error) != NULL &&
         mxr_fragments_find (hub->fragments, config->media.vp8_decoder, MXR_FRAGMENT_DECODE, "VP8", error) != NULL &&
         mxr_fragments_find (hub->fragments, config->media.h264_decoder, MXR_FRAGMENT_DECODE, "H264", error) != NULL &&
         mxr_fragments_find (hub->fragments, config->media.opus_decoder, MXR_FRAGMENT_DECODE, "OPUS", error) != NULL &&
         check_programme (hub, error) && check_players (config, error);
}

MxrHub *
mxr_hub_new (const MxrConfig *config, GError **error)
{
  g_autoptr (MxrHub) hub = g_new0 (MxrHub, 1);

  hub->config = config;
  mxr_hub_set_events (hub, NULL, NULL);
  hub->rooms = g_hash_table_new (g_str_hash, g_str_equal);
  hub->tokens = g_hash_table_new (g_str_hash, g_str_equal);
  hub->control = mxr_mailbox_new (NULL, "control", CONTROL_CALLS_MAX);
  hub->tick = new_tick (hub);
  if (!mxr_elements_register (NULL)) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the mixers cannot be registered");
    return NULL;
  }
  hub->fragments = load_fragments (config, error);
  if (hub->fragments == NULL)
    return NULL;
  warn_of_faulty_fragments (hub->fragments);
  if (!check_fragments (hub, error))
    return NULL;
  hub->pool = mxr_decode_pool_new (g_get_num_processors ());
  if (*config->programme.hls_directory != '\0' && config->programme.hls_keep_s > 0)
    hub->hls_keeper = mxr_hls_keeper_new (config->programme.hls_directory, config->programme.hls_keep_s,
                                          mxr_hub_list_live_outputs, hub);
  hub->net = mxr_net_new (config, error);
  return hub->net != NULL ? g_steal_pointer (&hub) : NULL;
}

static void
remove_everybody (MxrHub *hub)
{
  GHashTableIter iter;
  gpointer value;

  while (g_hash_table_iter_init (&iter, hub->rooms), g_hash_table_iter_next (&iter, NULL, &value)) {
    g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (value);
    for (guint i = 0; i < everybody->len; i++)
      mxr_participant_remove (everybody->pdata[i], "the server ends");
  }
}

void
mxr_hub_clear (MxrHub *hub)
{
  hub->draining = true; /* whoever is told "removed" may try to join again at once */
  remove_everybody (hub);
  while (hub->n_ending > 0) /* branches of pipelines are being taken down by workers */
    g_main_context_iteration (NULL, TRUE);
}

void
mxr_hub_free (MxrHub *hub)
{
  mxr_hub_clear (hub);
  g_clear_pointer (&hub->hls_keeper, mxr_hls_keeper_free);
  g_clear_pointer (&hub->net, mxr_net_free);
  g_clear_pointer (&hub->pool, mxr_decode_pool_free);
  mxr_mailbox_close (hub->control);
  mxr_mailbox_unref (hub->control);
  g_source_destroy (hub->tick);
  g_source_unref (hub->tick);
  g_clear_pointer (&hub->fragments, mxr_fragments_free);
  g_hash_table_unref (hub->rooms);
  g_hash_table_unref (hub->tokens);
  g_free (hub);
}

void
mxr_hub_tell_closing (MxrHub *hub, MxrParticipant *participant)
{
  if (hub->draining && participant->room != NULL && participant->events.on_closing != NULL)
    participant->events.on_closing (participant, "the server is going down for maintenance", hub->reconnect_in_ms,
                                    participant->user_data);
}

void
mxr_hub_drain (MxrHub *hub, guint reconnect_in_ms)
{
  hub->draining = true;
  hub->reconnect_in_ms = reconnect_in_ms;
  g_autoptr (GList) rooms = g_hash_table_get_values (hub->rooms);
  for (GList *l = rooms; l != NULL; l = l->next) {
    g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (l->data);
    for (guint k = 0; k < everybody->len; k++)
      mxr_hub_tell_closing (hub, everybody->pdata[k]);
  }
}

bool
mxr_hub_is_ready (MxrHub *hub, const char **out_reason)
{
  const char *reason = hub->draining ? "draining" : NULL;
  if (out_reason != NULL)
    *out_reason = reason;
  return reason == NULL;
}

/* ---- Rooms ----------------------------------------------------------------------------------------------- */

static MxrRoom *
add_room (MxrHub *hub, const char *name, GError **error)
{
  if (g_hash_table_size (hub->rooms) >= hub->config->room.max_rooms) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FULL,
                 "the server has its %u rooms; try again later, or join one that is there", hub->config->room.max_rooms);
    return NULL;
  }
  MxrRoom *room = mxr_room_new (hub, name, error);
  if (room == NULL)
    return NULL;
  g_hash_table_insert (hub->rooms, room->name, room);
  mxr_hub_tell_room (room, false);
  return room;
}

/* Its branches are still being taken down by workers, which need the pipeline. */
static gboolean
on_ending (gpointer user_data)
{
  MxrRoom *room = user_data;
  MxrHub *hub = room->hub;

  if (mxr_branch_count_removals (GST_BIN (room->graph->pipeline)) > 0 || !mxr_programme_is_over (room) ||
      room->snapshots != NULL || room->n_image_loads > 0)
    return G_SOURCE_CONTINUE;
  hub->n_ending--;
  mxr_room_unref (room);
  return G_SOURCE_REMOVE;
}

MxrRoom *
mxr_hub_find_room (MxrHub *hub, const char *name, GError **error)
{
  MxrRoom *room = g_hash_table_lookup (hub->rooms, name);

  if (room == NULL)
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND,
                         "there is no such room; it is there as long as somebody is in it");
  return room;
}

void
mxr_hub_remove_room (MxrHub *hub, MxrRoom *room)
{
  g_hash_table_remove (hub->rooms, room->name);
  mxr_hub_tell_room (room, true);
  mxr_sound_clear (room);
  mxr_pass_end (room);
  mxr_programme_clear (room);
  mxr_snapshots_clear (room);
  mxr_encodings_clear (room);
  hub->n_ending++;
  g_timeout_add (10, on_ending, room);
}

/* ---- Joining --------------------------------------------------------------------------------------------- */

bool
mxr_hub_check_name (const char *what, const char *name, GError **error)
{
  bool is_good = g_utf8_validate (name, -1, NULL);
  glong n_chars = is_good ? g_utf8_strlen (name, -1) : 0;

  for (const char *p = name; is_good && *p != '\0'; p = g_utf8_next_char (p))
    is_good = g_unichar_type (g_utf8_get_char (p)) != G_UNICODE_CONTROL;
  if (is_good && n_chars >= 1 && n_chars <= MXR_NAME_MAX_CHARS)
    return true;
  g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_NAME, "a %s has 1 to %d characters, none of them a control character",
               what, MXR_NAME_MAX_CHARS);
  return false;
}

static MxrParticipant *
join (MxrHub *hub, const char *name_of_room, const char *name, MxrRole role, const MxrParticipantEvents *events,
      gpointer user_data, GError **error)
{
  if (hub->draining) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_DRAINING,
                         "the server is going down and takes nobody in; try again in a moment");
    return NULL;
  }
  MxrRoom *room = g_hash_table_lookup (hub->rooms, name_of_room);
  if (room == NULL)
    room = add_room (hub, name_of_room, error);
  return room != NULL ? mxr_room_add (room, name, role, events, user_data, error) : NULL;
}

MxrParticipant *
mxr_hub_join (MxrHub *hub, const char *room, const char *name, MxrRole role, const MxrParticipantEvents *events,
              gpointer user_data, GError **error)
{
  if (!mxr_hub_check_name ("room's name", room, error) || !mxr_hub_check_name ("name", name, error))
    return NULL;
  MxrParticipant *participant = join (hub, room, name, role, events, user_data, error);
  if (participant == NULL) {
    hub->counters.refusals++;
    return NULL;
  }
  hub->counters.joins++;
  g_hash_table_insert (hub->tokens, participant->resume_token, participant);
  mxr_log (MXR_LOG_INFO, "room", room, participant->id, "joined");
  mxr_hub_tell_participant (participant->room, participant, false);
  return participant;
}

MxrParticipant *
mxr_hub_resume (MxrHub *hub, const char *token, const char *room, const MxrParticipantEvents *events,
                gpointer user_data, GError **error)
{
  MxrParticipant *participant = g_hash_table_lookup (hub->tokens, token);

  if (participant == NULL || participant->role != MXR_ROLE_SESSION) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND,
                         "there is nothing to resume: the session ended, or the server was started anew; join again");
    return NULL;
  }
  if (room != NULL && strcmp (participant->room->name, room) != 0) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "that session is in another room");
    return NULL;
  }
  MxrParticipantEvents former = participant->events;
  gpointer former_data = participant->user_data;
  mxr_participant_attach (participant, events, user_data);
  if (former.on_removed != NULL)
    former.on_removed (participant, MXR_REMOVAL_RESUMED_ELSEWHERE, "resumed elsewhere", former_data);
  mxr_log (MXR_LOG_INFO, "room", participant->room->name, participant->id, "resumed");
  participant->needs_welcome = true;
  mxr_room_flush_soon (participant->room);
  return participant;
}
