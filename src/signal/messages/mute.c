#include "../session.h"

void
mxr_message_handle_mute (MxrSession *session, const MxrMessage *message)
{
  if (message->has_audio)
    session->audio_muted = message->audio;
  if (message->has_video)
    session->video_muted = message->video;
  mxr_participant_set_muted (session->participant, session->audio_muted, session->video_muted);
}
