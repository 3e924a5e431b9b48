#include "../session.h"

/* Rooms have one view for all so far: refused aloud, so that a client need not guess. */
void
mxr_message_handle_layout (MxrSession *session, const MxrMessage *message)
{
  mxr_session_send_error (session, "not-supported", "This server shows everybody the same view.",
                          message->id);
}
