#include "../session.h"

/* Asked for as `delay` is. */
void
mxr_message_handle_link (MxrSession *session, const MxrMessage *message)
{
  g_autoptr (GVariant) link = g_variant_ref_sink (mxr_participant_describe_link (session->participant));
  JsonBuilder *builder = mxr_session_begin ("link", message->id);

  json_builder_set_member_name (builder, "down");
  json_builder_add_value (builder, json_gvariant_serialize (link));
  mxr_session_send (session, builder);
}
