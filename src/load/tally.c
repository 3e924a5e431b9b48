#include "tally.h"

void
mxr_tally_add_counts (MxrTally *tally, const MxrTally *others)
{
  tally->up_packets += others->up_packets;
  tally->up_bytes += others->up_bytes;
  tally->up_dropped += others->up_dropped;
  tally->down_packets += others->down_packets;
  tally->down_bytes += others->down_bytes;
  tally->down_samples += others->down_samples;
  tally->down_lost += others->down_lost;
  tally->down_repaired += others->down_repaired;
  tally->nacks_answered += others->nacks_answered;
  tally->nacks_unanswered += others->nacks_unanswered;
  tally->keyframes_asked += others->keyframes_asked;
  tally->frames += others->frames;
  tally->keyframes += others->keyframes;
  tally->freezes += others->freezes;
}

void
mxr_tally_clear (MxrTally *tally)
{
  mxr_samples_clear (&tally->connect_ms);
  mxr_samples_clear (&tally->first_ms[MXR_RTP_AUDIO]);
  mxr_samples_clear (&tally->first_ms[MXR_RTP_VIDEO]);
  mxr_samples_clear (&tally->frame_rate);
  mxr_samples_clear (&tally->sound_share);
  mxr_samples_clear (&tally->clicks_share);
  mxr_samples_clear (&tally->own_db);
  mxr_samples_clear (&tally->sound_ms);
  mxr_samples_clear (&tally->picture_ms);
  *tally = (MxrTally){ 0 };
}
