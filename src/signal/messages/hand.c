#include "../session.h"

void
mxr_message_handle_hand (MxrSession *session, const MxrMessage *message)
{
  mxr_participant_set_hand (session->participant, message->raised);
}
