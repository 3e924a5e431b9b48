#include "../problem.h"
#include "../session.h"

void
mxr_message_handle_candidate (MxrSession *session, const MxrMessage *message)
{
  g_autoptr (GError) error = NULL;
  if (!mxr_participant_add_candidate (session->participant, message->candidate, message->sdp_mid, &error))
    mxr_session_send_error (session, mxr_room_error_get_code (error), error->message, message->id);
}
