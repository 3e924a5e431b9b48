/* What happens in the rooms, handed on to who is to be told. */

#include "hub-watch.h"

#include "recordings.h"
#include "server-private.h"
#include "webhooks.h"

static const char *const roles[] = {
  [MXR_ROLE_SESSION] = "session",
  [MXR_ROLE_PUBLISHER] = "publisher",
  [MXR_ROLE_VIEWER] = "viewer",
  [MXR_ROLE_PLAYER] = "player",
};

static void
on_room (const char *room, bool is_over, gpointer user_data)
{
  MxrServer *server = user_data;

  if (is_over)
    mxr_thread_cpu_look (server->thread_cpu); /* its threads end now */
  if (server->webhooks != NULL)
    mxr_webhooks_tell (server->webhooks, is_over ? "room.ended" : "room.began", room,
                       g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
}

static void
on_participant (const char *room, const MxrMember *member, MxrRole role, bool is_gone, gpointer user_data)
{
  MxrServer *server = user_data;
  GVariantDict data;

  if (server->webhooks == NULL)
    return;
  g_variant_dict_init (&data, NULL);
  g_variant_dict_insert (&data, "participant", "s", member->id);
  g_variant_dict_insert (&data, "name", "s", member->name);
  g_variant_dict_insert (&data, "role", "s", roles[role]);
  mxr_webhooks_tell (server->webhooks, is_gone ? "participant.left" : "participant.joined", room,
                     g_variant_dict_end (&data));
}

static void
on_output (const char *room, GVariant *output, gpointer user_data)
{
  MxrServer *server = user_data;

  if (server->webhooks != NULL)
    mxr_webhooks_tell (server->webhooks, "output.changed", room, output);
}

static void
on_recording (const char *room, const MxrRecording *recording, gpointer user_data)
{
  MxrServer *server = user_data;
  GVariantDict data;

  mxr_recordings_tell (server, room, recording);
  if (server->webhooks == NULL)
    return;
  g_autofree char *id = mxr_library_make_id (recording->file);
  g_variant_dict_init (&data, NULL);
  g_variant_dict_insert (&data, "recording", "s", id);
  g_variant_dict_insert (&data, "output", "s", recording->output);
  g_variant_dict_insert (&data, "type", "s", recording->type);
  g_variant_dict_insert (&data, "file", "s", recording->file);
  if (recording->participants != NULL)
    g_variant_dict_insert (&data, "participants", "^as", recording->participants);
  g_variant_dict_insert (&data, "started", "x", recording->started_ms);
  g_variant_dict_insert (&data, "duration", "t", recording->duration_ms);
  g_variant_dict_insert (&data, "bytes", "t", recording->n_bytes);
  mxr_webhooks_tell (server->webhooks,
                     recording->has_failed ? "recording.failed"
                     : recording->is_over  ? "recording.finished"
                                           : "recording.began",
                     room, g_variant_dict_end (&data));
}

static void
on_player (const char *room, GVariant *player, gpointer user_data)
{
  MxrServer *server = user_data;

  if (server->webhooks != NULL)
    mxr_webhooks_tell (server->webhooks, "player.changed", room, player);
}

static const MxrHubEvents events = {
  .on_room = on_room,
  .on_participant = on_participant,
  .on_output = on_output,
  .on_recording = on_recording,
  .on_player = on_player,
};

static void
on_expired (const MxrLibraryEntry *entry, gpointer user_data)
{
  MxrServer *server = user_data;
  GVariantDict data;

  if (server->webhooks == NULL)
    return;
  g_variant_dict_init (&data, NULL);
  g_variant_dict_insert (&data, "recording", "s", entry->id);
  g_variant_dict_insert (&data, "file", "s", entry->file);
  mxr_webhooks_tell (server->webhooks, "recording.expired", entry->room, g_variant_dict_end (&data));
}

const MxrLibraryEvents mxr_library_watch = { .on_expired = on_expired };

void
mxr_hub_watch_start (MxrServer *server)
{
  server->is_watching = true;
  mxr_hub_set_events (server->hub, &events, server);
}

void
mxr_hub_watch_stop (MxrServer *server)
{
  server->is_watching = false;
  mxr_hub_set_events (server->hub, NULL, NULL);
}
