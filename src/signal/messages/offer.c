#include "../session.h"

void
mxr_message_handle_offer (MxrSession *session, const MxrMessage *message)
{
  mxr_session_negotiate (session, message->sdp, message->id);
}
