#include "../session.h"

void
mxr_message_handle_chat (MxrSession *session, const MxrMessage *message)
{
  g_autoptr (GError) error = NULL;
  if (!mxr_participant_chat (session->participant, message->text, &error))
    mxr_session_send_error (session, "bad-chat", error->message, message->id);
}
