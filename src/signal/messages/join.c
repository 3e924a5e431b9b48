#include <string.h>

#include "../problem.h"
#include "../session.h"
#include "../token.h"

static bool
check_token (MxrSession *session, const MxrMessage *message)
{
  const char *secret = session->server->config->server.token_secret;
  g_autoptr (GError) error = NULL;

  if (*secret == '\0' || mxr_token_check (secret, message->token, message->room, MXR_TOKEN_PARTICIPANT,
                                          g_get_real_time () / G_USEC_PER_SEC, &error))
    return true;
  bool is_weak = g_error_matches (error, MXR_TOKEN_ERROR, MXR_TOKEN_ERROR_TOO_WEAK);
  mxr_session_send_error (session, is_weak ? "forbidden" : "unauthorized", error->message, message->id);
  return false;
}

static void
send_joined (MxrSession *session, const char *id)
{
  JsonBuilder *builder = mxr_session_begin ("joined", id);
  mxr_json_add_string (builder, "room", mxr_participant_get_room (session->participant));
  mxr_json_add_string (builder, "participant", mxr_participant_get_id (session->participant));
  mxr_json_add_string (builder, "resume", mxr_participant_get_resume_token (session->participant));
  json_builder_set_member_name (builder, "iceServers");
  mxr_ice_servers_add_json (session->server->ice_servers, mxr_participant_get_id (session->participant),
                            g_get_real_time () / G_USEC_PER_SEC, builder);
  mxr_session_send (session, builder);
}

void
mxr_message_handle_join (MxrSession *session, const MxrMessage *message)
{
  MxrServer *server = session->server;
  g_autoptr (GError) error = NULL;

  if (session->participant != NULL) {
    mxr_session_send_error (session, "already-joined", "One WebSocket, one participant; open another.",
                            message->id);
    return;
  }
  if (!mxr_server_allow_join (server, session->address)) {
    mxr_session_send_error (session, "rate-limited", "Too many joins from this address; wait a minute.",
                            message->id);
    return;
  }
  /* Who once was let in comes back with the resume token alone, a secret that only its holder was told: the
   * other may have run out in a long call. */
  if (message->resume == NULL && !check_token (session, message))
    return;
  /* Only with the room's own clock: who joins anew may have been in another one of this name. */
  session->chat_after_ms = message->resume != NULL ? message->chat_after : 0;
  if (message->resume != NULL)
    session->participant =
        mxr_hub_resume (server->hub, message->resume, message->room, &mxr_session_events, session, &error);
  else if (server->is_draining)
    g_set_error_literal (&error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_DRAINING,
                         "the server is going down; try again soon");
  else
    session->participant = mxr_hub_join (server->hub, message->room, message->name, MXR_ROLE_SESSION,
                                         &mxr_session_events, session, &error);
  if (session->participant == NULL) {
    mxr_session_send_error (session, mxr_room_error_get_code (error), error->message, message->id);
    return;
  }
  send_joined (session, message->id);
  if (message->offer != NULL)
    mxr_session_negotiate (session, message->offer, message->id);
}
