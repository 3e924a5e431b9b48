/* What happens in all rooms, for who watches them. */

#include "room-private.h"

static const MxrHubEvents nobody;

void
mxr_hub_set_events (MxrHub *hub, const MxrHubEvents *events, gpointer user_data)
{
  hub->events = events != NULL ? events : &nobody;
  hub->events_data = user_data;
}

void
mxr_hub_tell_room (MxrRoom *room, bool is_over)
{
  if (room->hub->events->on_room != NULL)
    room->hub->events->on_room (room->name, is_over, room->hub->events_data);
}

void
mxr_hub_tell_participant (MxrRoom *room, const MxrParticipant *participant, bool is_gone)
{
  MxrMember member;

  if (room->hub->events->on_participant == NULL)
    return;
  mxr_participant_describe (participant, &member);
  room->hub->events->on_participant (room->name, &member, participant->role, is_gone, room->hub->events_data);
}

void
mxr_hub_tell_output (MxrRoom *room, GVariant *output)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (output);

  if (room->hub->events->on_output != NULL)
    room->hub->events->on_output (room->name, owned, room->hub->events_data);
}

void
mxr_hub_tell_recording (MxrRoom *room, const MxrRecording *recording)
{
  if (room->hub->events->on_recording != NULL)
    room->hub->events->on_recording (room->name, recording, room->hub->events_data);
}

void
mxr_hub_tell_player (MxrRoom *room, GVariant *player)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (player);

  if (room->hub->events->on_player != NULL)
    room->hub->events->on_player (room->name, owned, room->hub->events_data);
}
