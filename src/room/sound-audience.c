/* How large the packets of a sound are that many hear. */

#include "room-private.h"

/* An audience; and one that gets smaller is one down to here. */
#define AUDIENCE_MIN 20
#define AUDIENCE_KEPT 15

/* Where many hear the same it is their packets that cost, not the sound; and who only listens does not mind 20 ms. Who begins
 * to talk hears an own sound at once, in packets of its own. */
static void
serve (const MxrRoom *room, MxrRung *rung)
{
  MxrFanoutStats stats;

  if (rung == NULL)
    return;
  MxrFanout *fanout = mxr_rung_get_fanout (rung);
  mxr_fanout_get_stats (fanout, &stats);
  if (stats.subscribers >= AUDIENCE_MIN)
    mxr_fanout_set_frames_per_packet (fanout, room->hub->config->media.audience_ptime_ms / MXR_OPUS_PTIME_MS);
  else if (stats.subscribers < AUDIENCE_KEPT)
    mxr_fanout_set_frames_per_packet (fanout, 1);
}

void
mxr_sound_serve_audience (MxrRoom *room)
{
  serve (room, room->shared_sound);
  serve (room, room->programme_sound);
}
