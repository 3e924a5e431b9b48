/* What is played into a room: each is a participant without a connection. */

#include "room-private.h"

#include <string.h>

#include "mixroom/limits.h"

/* What has ended is told of for so long. */
#define KEPT_US G_TIME_SPAN_MINUTE
#define VOLUME_MAX 4

typedef struct {
  MxrRoom *room; /* unowned: it has this */
  char *id;
  char *participant_id, *name;
  MxrParticipant *participant; /* unowned; NULL: has left */
  MxrPlayer *player;           /* NULL: has ended, and last says how */
  MxrPlayerInfo last;
  char *detail; /* of last */
  double volume;
  gint64 ended_us;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  if (entry->player != NULL)
    mxr_player_stop (entry->player);
  g_free (entry->id);
  g_free (entry->participant_id);
  g_free (entry->name);
  g_free (entry->detail);
  g_free (entry);
}

GPtrArray *
mxr_players_new (void)
{
  return g_ptr_array_new_with_free_func (entry_free);
}

static void
fail (GError **error, MxrRoomError code, const char *text)
{
  g_set_error_literal (error, MXR_ROOM_ERROR, code, text);
}

/* Of the lower module, as one of ours. */
static void
translate_error (GError **error)
{
  static const MxrRoomError codes[] = {
    [MXR_PLAYER_ERROR_BAD_SOURCE] = MXR_ROOM_ERROR_BAD_PLAYER,
    [MXR_PLAYER_ERROR_OFF] = MXR_ROOM_ERROR_OUTPUT_OFF,
    [MXR_PLAYER_ERROR_WRONG_STATE] = MXR_ROOM_ERROR_OUTPUT_ENDED,
    [MXR_PLAYER_ERROR_FAILED] = MXR_ROOM_ERROR_FAILED,
  };
  if (error == NULL || *error == NULL || (*error)->domain != MXR_PLAYER_ERROR)
    return;
  GError *ours = g_error_new_literal (MXR_ROOM_ERROR, codes[(*error)->code], (*error)->message);
  g_clear_error (error);
  *error = ours;
}

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

static void
add (GVariantBuilder *dict, const char *key, GVariant *value)
{
  g_variant_builder_add (dict, "{sv}", key, value);
}

static GVariant *
describe (const Entry *entry)
{
  MxrPlayerInfo info = entry->last;
  GVariantBuilder dict;

  if (entry->player != NULL)
    mxr_player_get_info (entry->player, &info);
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add (&dict, "id", g_variant_new_string (entry->id));
  add (&dict, "participant", g_variant_new_string (entry->participant_id));
  add (&dict, "name", g_variant_new_string (entry->name));
  add (&dict, "state", g_variant_new_string (mxr_player_state_to_string (info.state)));
  if (info.detail != NULL)
    add (&dict, "detail", g_variant_new_string (info.detail));
  if (info.position_ms >= 0)
    add (&dict, "position", g_variant_new_int64 (info.position_ms));
  if (info.duration_ms >= 0)
    add (&dict, "duration", g_variant_new_int64 (info.duration_ms));
  add (&dict, "seekable", g_variant_new_boolean (info.is_seekable));
  add (&dict, "loop", g_variant_new_boolean (info.loop));
  add (&dict, "volume", g_variant_new_double (entry->volume));
  return g_variant_builder_end (&dict);
}

/* ---- What the player tells -------------------------------------------------------------------------------------- */

static void
apply_volume (const Entry *entry)
{
  if (entry->participant != NULL && entry->participant->sound_sink != NULL)
    g_object_set (entry->participant->sound_sink, "volume", entry->volume, NULL);
}

static void
on_ready (MxrPlayer *player, gpointer user_data)
{
  static const MxrRtpKind kinds[] = { [MXR_PLAYER_SOUND] = MXR_RTP_AUDIO, [MXR_PLAYER_PICTURE] = MXR_RTP_VIDEO };
  Entry *entry = user_data;
  MxrPlayerInfo info;

  mxr_player_get_info (player, &info);
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS && entry->participant != NULL; i++) {
    GstElement *bin = mxr_player_get_bin (player, i);
    g_autoptr (GError) error = NULL;
    if (info.streams[i] && !mxr_participant_add_uplink (entry->participant, kinds[i], bin, &error))
      mxr_participant_remove (entry->participant, "its media cannot be mixed");
  }
  apply_volume (entry);
}

static void
on_changed (MxrPlayer *player, gpointer user_data)
{
  Entry *entry = user_data;
  MxrPlayerInfo info;

  mxr_player_get_info (player, &info);
  bool is_over = info.state == MXR_PLAYER_FINISHED || info.state == MXR_PLAYER_FAILED;
  if (info.state == MXR_PLAYER_FAILED && mxr_log_allowed (&entry->room->errors))
    mxr_log (MXR_LOG_INFO, "room", entry->room->name, entry->participant_id, "player %s failed: %s", entry->id, info.detail);
  if (is_over && entry->participant != NULL)
    mxr_participant_remove (entry->participant, info.state == MXR_PLAYER_FINISHED ? "it was played to its end" : "it cannot be played on");
  else
    mxr_hub_tell_player (entry->room, describe (entry));
}

/* Whatever ended the participant, the player ends with it. */
static void
end (Entry *entry)
{
  static const MxrRtpKind kinds[] = { [MXR_PLAYER_SOUND] = MXR_RTP_AUDIO, [MXR_PLAYER_PICTURE] = MXR_RTP_VIDEO };
  MxrParticipant *participant = g_steal_pointer (&entry->participant);

  mxr_player_get_info (entry->player, &entry->last);
  entry->detail = g_strdup (entry->last.detail);
  entry->last.detail = entry->detail;
  if (entry->last.state != MXR_PLAYER_FAILED)
    entry->last.state = MXR_PLAYER_FINISHED;
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    if (participant->uplinks[kinds[i]] != NULL)
      mxr_participant_remove_uplink (participant, kinds[i], participant->uplinks[kinds[i]]);
  participant->player = NULL;
  mxr_player_stop (g_steal_pointer (&entry->player));
  entry->ended_us = g_get_monotonic_time ();
  mxr_hub_tell_player (entry->room, describe (entry));
}

void
mxr_players_release (MxrRoom *room, MxrParticipant *participant)
{
  for (guint i = 0; i < room->players->len; i++) {
    Entry *entry = room->players->pdata[i];
    if (entry->participant == participant)
      end (entry);
  }
}

void
mxr_players_end (MxrRoom *room)
{
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);
  for (guint i = 0; i < everybody->len; i++)
    mxr_participant_remove (everybody->pdata[i], "everybody else has left");
}

void
mxr_players_tick (MxrRoom *room, gint64 now_us)
{
  for (guint i = room->players->len; i > 0; i--) {
    const Entry *entry = room->players->pdata[i - 1];
    if (entry->player == NULL && now_us - entry->ended_us > KEPT_US)
      g_ptr_array_remove_index (room->players, i - 1);
  }
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

static guint
count_players (const MxrRoom *room)
{
  guint n = 0;
  for (guint i = 0; i < room->players->len; i++)
    n += ((const Entry *) room->players->pdata[i])->player != NULL;
  return n;
}

static guint
count_all_players (MxrHub *hub)
{
  GHashTableIter iter;
  gpointer room;
  guint n = 0;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room))
    n += count_players (room);
  return n;
}

static MxrRoom *
find_room (MxrHub *hub, const char *name, GError **error)
{
  MxrRoom *room = g_hash_table_lookup (hub->rooms, name);

  if (room == NULL)
    fail (error, MXR_ROOM_ERROR_NOT_FOUND, "there is no such room; it is there as long as somebody is in it");
  return room;
}

/* An address has a login in it, sometimes: what is shown is its last part. */
static char *
choose_name (const MxrPlayerOrder *order)
{
  if (order->name != NULL && *order->name != '\0')
    return g_strdup (order->name);
  g_autoptr (GUri) uri = order->is_file ? NULL : g_uri_parse (order->location, G_URI_FLAGS_NONE, NULL);
  g_autofree char *base = g_path_get_basename (uri != NULL ? g_uri_get_path (uri) : order->location);
  bool is_name = mxr_hub_check_name ("name", base, NULL) && strcmp (base, ".") != 0 && strcmp (base, "/") != 0;
  return is_name ? g_steal_pointer (&base) : g_strdup ("player");
}

static bool
check_order (MxrRoom *room, const MxrPlayerOrder *order, const char *name, GError **error)
{
  MxrHub *hub = room->hub;

  if (hub->draining)
    fail (error, MXR_ROOM_ERROR_DRAINING, "the server is going down and takes nobody in; try again in a moment");
  else if (!(order->volume >= 0 && order->volume <= VOLUME_MAX))
    fail (error, MXR_ROOM_ERROR_BAD_PLAYER, "a volume is from 0 to 4");
  else if (count_players (room) >= hub->config->players.max_per_room)
    fail (error, MXR_ROOM_ERROR_FULL, "the room has as many players as players.max_per_room allows; stop one first");
  else if (count_all_players (hub) >= MXR_PLAYERS_MAX)
    fail (error, MXR_ROOM_ERROR_FULL, "the server plays 64 things already, in all rooms; stop one first");
  else
    return mxr_hub_check_name ("name", name, error);
  return false;
}

static Entry *
new_entry (MxrRoom *room, const char *name, double volume)
{
  Entry *entry = g_new0 (Entry, 1);
  g_autofree char *id = mxr_random_text (6);

  entry->room = room;
  entry->id = g_strconcat ("pl-", id, NULL);
  entry->name = g_strdup (name);
  entry->volume = volume;
  return entry;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Entry, entry_free)

/* The oldest of those that have ended, when there are many. */
static void
forget_oldest (MxrRoom *room)
{
  for (guint i = 0; i < room->players->len && room->players->len >= MXR_PLAYERS_KEPT; i++) {
    const Entry *entry = room->players->pdata[i];
    if (entry->player == NULL)
      g_ptr_array_remove_index (room->players, i--);
  }
}

/* The player first: it says what is wrong with the order. */
GVariant *
mxr_hub_start_player (MxrHub *hub, const char *room_name, const MxrPlayerOrder *order, GError **error)
{
  static const MxrPlayerEvents events = { .on_ready = on_ready, .on_changed = on_changed };
  const MxrPlayerSource source = { order->location, order->is_file, order->loop };
  MxrRoom *room = find_room (hub, room_name, error);
  g_autofree char *name = choose_name (order);

  if (room == NULL || !check_order (room, order, name, error))
    return NULL;
  g_autoptr (Entry) entry = new_entry (room, name, order->volume);
  entry->player = mxr_player_start (hub->config, hub->control, &source, &events, entry, error);
  if (entry->player != NULL)
    entry->participant = mxr_room_add (room, name, MXR_ROLE_PLAYER, NULL, NULL, error);
  if (entry->participant == NULL) {
    translate_error (error);
    return NULL;
  }
  entry->participant->player = entry->player;
  entry->participant_id = g_strdup (entry->participant->id);
  mxr_log (MXR_LOG_INFO, "room", room->name, entry->participant_id, "player %s begins", entry->id);
  mxr_hub_tell_participant (room, entry->participant, false);
  mxr_hub_tell_player (room, describe (entry));
  forget_oldest (room);
  g_ptr_array_add (room->players, entry);
  return describe (g_steal_pointer (&entry));
}

/* ---- Asking and changing ---------------------------------------------------------------------------------------- */

static Entry *
find_entry (MxrHub *hub, const char *room_name, const char *id, GError **error)
{
  MxrRoom *room = find_room (hub, room_name, error);

  for (guint i = 0; room != NULL && i < room->players->len; i++) {
    Entry *entry = room->players->pdata[i];
    if (strcmp (entry->id, id) == 0)
      return entry;
  }
  if (room != NULL)
    fail (error, MXR_ROOM_ERROR_NOT_FOUND, "the room has no such player; one that has ended is told of for a minute");
  return NULL;
}

GVariant *
mxr_hub_describe_players (MxrHub *hub, const char *room_name, GError **error)
{
  MxrRoom *room = find_room (hub, room_name, error);
  GVariantBuilder list;

  if (room == NULL)
    return NULL;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < room->players->len; i++)
    g_variant_builder_add_value (&list, describe (room->players->pdata[i]));
  return g_variant_builder_end (&list);
}

GVariant *
mxr_hub_describe_player (MxrHub *hub, const char *room, const char *id, GError **error)
{
  Entry *entry = find_entry (hub, room, id, error);
  return entry != NULL ? describe (entry) : NULL;
}

static bool
check_change (const Entry *entry, const MxrPlayerChange *change, GError **error)
{
  if (entry->player == NULL)
    fail (error, MXR_ROOM_ERROR_OUTPUT_ENDED, "it has ended; start another one");
  else if (change->volume != MXR_UNCHANGED && !(change->volume >= 0 && change->volume <= VOLUME_MAX))
    fail (error, MXR_ROOM_ERROR_BAD_PLAYER, "a volume is from 0 to 4");
  else if (change->position_ms != MXR_UNCHANGED && change->position_ms < 0)
    fail (error, MXR_ROOM_ERROR_BAD_PLAYER, "a position is in milliseconds from 0 on");
  else
    return true;
  return false;
}

GVariant *
mxr_hub_change_player (MxrHub *hub, const char *room, const char *id, const MxrPlayerChange *change, GError **error)
{
  Entry *entry = find_entry (hub, room, id, error);

  if (entry == NULL || !check_change (entry, change, error))
    return NULL;
  if ((change->position_ms != MXR_UNCHANGED && !mxr_player_seek (entry->player, change->position_ms, error)) ||
      (change->paused != MXR_UNCHANGED && !mxr_player_set_paused (entry->player, change->paused, error)) ||
      (change->loop != MXR_UNCHANGED && !mxr_player_set_loop (entry->player, change->loop, error))) {
    translate_error (error);
    return NULL;
  }
  if (change->volume != MXR_UNCHANGED)
    entry->volume = change->volume;
  apply_volume (entry);
  return describe (entry);
}

GVariant *
mxr_hub_stop_player (MxrHub *hub, const char *room, const char *id, GError **error)
{
  Entry *entry = find_entry (hub, room, id, error);

  if (entry == NULL)
    return NULL;
  if (entry->participant != NULL)
    mxr_participant_remove (entry->participant, "it was stopped");
  return describe (entry);
}
