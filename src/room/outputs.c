/* Outputs, as REST asks for them and is told of them. */

#include "room-private.h"

#include <string.h>

static void
add_string (GVariantBuilder *dict, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_builder_add (dict, "{sv}", key, g_variant_new_string (value));
}

GVariant *
mxr_programme_describe_output (MxrOutput *output)
{
  GVariantBuilder dict;
  MxrOutputInfo info;

  mxr_output_get_info (output, &info);
  g_autofree char *playlist = info.playlist != NULL ? g_strconcat ("/hls/", info.playlist, NULL) : NULL;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_string (&dict, "id", info.id);
  add_string (&dict, "type", info.type);
  add_string (&dict, "state", mxr_output_state_to_string (info.state));
  add_string (&dict, "detail", info.detail);
  add_string (&dict, "recording", info.recording);
  add_string (&dict, "playlist", playlist);
  add_string (&dict, "server", info.server);
  g_variant_builder_add (&dict, "{sv}", "bytes", g_variant_new_uint64 (info.n_bytes));
  g_variant_builder_add (&dict, "{sv}", "duration", g_variant_new_uint64 (info.duration_ms));
  g_variant_builder_add (&dict, "{sv}", "bitrate", g_variant_new_uint32 (info.bitrate_bps));
  return g_variant_builder_end (&dict);
}

/* ---- What the people in the room are told ---------------------------------------------------------------- */

static bool
is_recording (const char *type)
{
  return strcmp (type, "file") == 0 || strcmp (type, "tracks") == 0;
}

static MxrOutputsUse
find_use (const MxrRoom *room)
{
  GPtrArray *outputs = mxr_programme_get_outputs (room);
  MxrOutputsUse use = { false, false };

  for (guint i = 0; i < outputs->len; i++) {
    MxrOutputInfo info;
    mxr_output_get_info (outputs->pdata[i], &info);
    if (!mxr_output_is_live (outputs->pdata[i]) || info.state == MXR_OUTPUT_PAUSED)
      continue;
    *(is_recording (info.type) ? &use.is_recorded : &use.is_live) = true;
  }
  return use;
}

void
mxr_outputs_tell (MxrRoom *room, MxrParticipant *participant)
{
  MxrOutputsUse use = find_use (room);

  if (participant->events.on_outputs != NULL)
    participant->events.on_outputs (participant, use.is_recorded, use.is_live, participant->user_data);
}

/* Outputs end after the last has left. */
void
mxr_outputs_tell_soon (MxrRoom *room)
{
  if (room->participants->len > 0)
    mxr_room_flush_soon (room);
}

void
mxr_outputs_tell_changes (MxrRoom *room, GPtrArray *everybody)
{
  MxrOutputsUse use = find_use (room);

  if (use.is_recorded == room->told_use.is_recorded && use.is_live == room->told_use.is_live)
    return;
  room->told_use = use;
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    if (participant->room != NULL && !participant->needs_welcome)
      mxr_outputs_tell (room, participant);
  }
}

/* ---- What REST asks -------------------------------------------------------------------------------------- */

GStrv
mxr_hub_list_live_outputs (gpointer hub)
{
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer room;

  g_hash_table_iter_init (&iter, ((MxrHub *) hub)->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room)) {
    GPtrArray *outputs = mxr_programme_get_outputs (room);
    for (guint i = 0; outputs != NULL && i < outputs->len; i++) {
      MxrOutputInfo info;
      mxr_output_get_info (outputs->pdata[i], &info);
      if (!mxr_output_is_over (outputs->pdata[i]))
        g_strv_builder_add (ids, info.id);
    }
  }
  return g_strv_builder_end (ids);
}

static MxrOutput *
find_output (MxrHub *hub, const char *room_name, const char *id, GError **error)
{
  MxrRoom *room = mxr_hub_find_room (hub, room_name, error);
  MxrOutputInfo info;

  if (room == NULL)
    return NULL;
  GPtrArray *outputs = mxr_programme_get_outputs (room);
  for (guint i = 0; i < outputs->len; i++) {
    MxrOutput *output = outputs->pdata[i];
    mxr_output_get_info (output, &info);
    if (strcmp (info.id, id) == 0)
      return output;
  }
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "the room has no such output");
  return NULL;
}

/* Of the lower module, as one of ours. */
static void
translate_error (GError **error)
{
  static const MxrRoomError codes[] = {
    [MXR_OUTPUT_ERROR_BAD_REQUEST] = MXR_ROOM_ERROR_BAD_OUTPUT,
    [MXR_OUTPUT_ERROR_OFF] = MXR_ROOM_ERROR_OUTPUT_OFF,
    [MXR_OUTPUT_ERROR_WRONG_STATE] = MXR_ROOM_ERROR_OUTPUT_ENDED,
    [MXR_OUTPUT_ERROR_FAILED] = MXR_ROOM_ERROR_FAILED,
  };
  if (error == NULL || (*error)->domain != MXR_OUTPUT_ERROR)
    return;
  GError *ours = g_error_new_literal (MXR_ROOM_ERROR, codes[(*error)->code], (*error)->message);
  g_clear_error (error);
  *error = ours;
}

GVariant *
mxr_hub_start_output (MxrHub *hub, const char *room_name, const MxrOutputOrder *order, GError **error)
{
  MxrRoom *room = mxr_hub_find_room (hub, room_name, error);
  MxrOutput *output = room != NULL ? mxr_programme_add_output (room, order, error) : NULL;

  if (output == NULL) {
    translate_error (error);
    return NULL;
  }
  return mxr_programme_describe_output (output);
}

GVariant *
mxr_hub_describe_outputs (MxrHub *hub, const char *room_name, GError **error)
{
  MxrRoom *room = mxr_hub_find_room (hub, room_name, error);
  GVariantBuilder list;

  if (room == NULL)
    return NULL;
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  GPtrArray *outputs = mxr_programme_get_outputs (room);
  for (guint i = 0; i < outputs->len; i++)
    g_variant_builder_add_value (&list, mxr_programme_describe_output (outputs->pdata[i]));
  return g_variant_builder_end (&list);
}

GVariant *
mxr_hub_describe_output (MxrHub *hub, const char *room, const char *id, GError **error)
{
  MxrOutput *output = find_output (hub, room, id, error);
  return output != NULL ? mxr_programme_describe_output (output) : NULL;
}

GVariant *
mxr_hub_pause_output (MxrHub *hub, const char *room, const char *id, bool paused, GError **error)
{
  MxrOutput *output = find_output (hub, room, id, error);

  if (output == NULL)
    return NULL;
  if (!mxr_output_set_paused (output, paused, error)) {
    translate_error (error);
    return NULL;
  }
  return mxr_programme_describe_output (output);
}

GVariant *
mxr_hub_stop_output (MxrHub *hub, const char *room_name, const char *id, GError **error)
{
  MxrOutput *output = find_output (hub, room_name, id, error);

  if (output == NULL)
    return NULL;
  mxr_output_stop (output);
  MxrRoom *room = mxr_hub_find_room (hub, room_name, NULL);
  mxr_programme_update (room->programme);
  mxr_outputs_tell_soon (room);
  return mxr_programme_describe_output (output);
}
