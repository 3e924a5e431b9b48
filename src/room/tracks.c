/* Separate tracks: while such an output is live, what each participant sends is tapped and goes there as it came. */

#include "room-private.h"

#include <string.h>

typedef struct {
  MxrTrack *track;
  gint64 timeline_ns; /* monotonic time of the room's running time 0 */
} Tapping;

static void
tapping_free (gpointer data)
{
  Tapping *tapping = data;
  mxr_track_unref (tapping->track);
  g_free (tapping);
}

/* In the peer's network thread. */
static bool
on_unit (const MxrTapUnit *unit, gpointer user_data)
{
  const Tapping *tapping = user_data;
  const MxrTrackUnit taken = {
    .is_picture = unit->kind == MXR_RTP_VIDEO,
    .codec = unit->codec,
    .packets = unit->packets,
    .n_bytes = unit->n_bytes,
    .time_ns = (gint64) unit->time_ns + tapping->timeline_ns,
    .is_keyframe = unit->is_keyframe,
    .width_px = unit->width_px,
    .height_px = unit->height_px,
    .parameters = unit->parameters,
  };
  return mxr_track_take (tapping->track, &taken);
}

static bool
is_tracks (MxrOutput *output)
{
  MxrOutputInfo info;
  mxr_output_get_info (output, &info);
  return strcmp (info.type, "tracks") == 0;
}

MxrOutput *
mxr_tracks_find_output (const MxrRoom *room)
{
  GPtrArray *outputs = mxr_programme_get_outputs (room);

  for (guint i = 0; outputs != NULL && i < outputs->len; i++)
    if (mxr_output_is_live (outputs->pdata[i]) && is_tracks (outputs->pdata[i]))
      return outputs->pdata[i];
  return NULL;
}

static void
end_track (MxrParticipant *participant)
{
  mxr_track_end (participant->track);
  g_clear_pointer (&participant->track, mxr_track_unref);
}

static void
begin_track (MxrRoom *room, MxrParticipant *participant)
{
  Tapping *tapping = g_new (Tapping, 1);

  participant->track = mxr_output_add_track (room->tracks, participant->id, participant->name);
  mxr_tracks_set_muted (participant);
  *tapping = (Tapping){ mxr_track_ref (participant->track), room->env.timeline_us * 1000 };
  mxr_peer_set_tap (participant->peer, on_unit, tapping, tapping_free);
}

void
mxr_tracks_update (MxrRoom *room)
{
  MxrOutput *output = mxr_tracks_find_output (room);
  bool is_changed = output != room->tracks;

  room->tracks = output;
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->peer == NULL || participant->role == MXR_ROLE_VIEWER)
      continue;
    if (is_changed && participant->track != NULL) {
      mxr_peer_set_tap (participant->peer, NULL, NULL, NULL);
      end_track (participant);
    }
    if (output != NULL && participant->track == NULL)
      begin_track (room, participant);
  }
  if (is_changed)
    mxr_room_flush_soon (room); /* senders are told other sizes */
}

/* The peer's end is the tap's. */
void
mxr_tracks_forget (MxrParticipant *participant)
{
  if (participant->track != NULL)
    end_track (participant);
}

/* Whom the others neither hear nor see is not recorded. */
void
mxr_tracks_set_muted (MxrParticipant *participant)
{
  if (participant->track != NULL)
    mxr_track_set_muted (participant->track, participant->audio_muted, participant->video_muted);
}
