#include "tally.h"

void
mxr_tally_clear (MxrTally *tally)
{
  mxr_samples_clear (&tally->connect_ms);
  mxr_samples_clear (&tally->first_ms[MXR_RTP_AUDIO]);
  mxr_samples_clear (&tally->first_ms[MXR_RTP_VIDEO]);
  mxr_samples_clear (&tally->frame_rate);
  mxr_samples_clear (&tally->own_db);
  mxr_samples_clear (&tally->sound_ms);
  mxr_samples_clear (&tally->picture_ms);
  *tally = (MxrTally){ 0 };
}
