#include "../session.h"

/* Asked for, not told unasked: few people look at it, and who does asks once a second. */
void
mxr_message_handle_delay (MxrSession *session, const MxrMessage *message)
{
  g_autoptr (GVariant) delays = g_variant_ref_sink (mxr_participant_describe_delays (session->participant));
  JsonBuilder *builder = mxr_session_begin ("delay", message->id);

  json_builder_set_member_name (builder, "server");
  json_builder_add_value (builder, json_gvariant_serialize (delays));
  mxr_session_send (session, builder);
}
