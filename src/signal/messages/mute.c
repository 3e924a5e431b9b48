#include "../session.h"

static MxrMute
as_mute (bool is_said, bool is_muted)
{
  if (!is_said)
    return MXR_MUTE_UNCHANGED;
  return is_muted ? MXR_MUTE_ON : MXR_MUTE_OFF;
}

void
mxr_message_handle_mute (MxrSession *session, const MxrMessage *message)
{
  mxr_participant_set_muted (session->participant, as_mute (message->has_audio, message->audio),
                             as_mute (message->has_video, message->video));
}
