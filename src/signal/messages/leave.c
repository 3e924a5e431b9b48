#include "../session.h"

void
mxr_message_handle_leave (MxrSession *session, const MxrMessage *message)
{
  mxr_participant_leave (g_steal_pointer (&session->participant));
  mxr_session_close (session, SOUP_WEBSOCKET_CLOSE_NORMAL, "left");
}
