#include "server-private.h"

#include "problem.h"

#define SUBPROTOCOL "mixroom.v1"

void
mxr_websocket_check (MxrServer *server, SoupServerMessage *msg)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  static const char *const protocols[] = { SUBPROTOCOL, NULL };
  g_autoptr (GError) error = NULL;

  if (soup_server_message_get_method (msg) != SOUP_METHOD_GET)
    mxr_problem_respond_method (msg, "GET");
  else if (!mxr_server_is_origin_allowed (server, msg))
    mxr_problem_respond (msg, MXR_PROBLEM_ORIGIN,
                         "Pages of this origin need to stand in server.allowed_origins.");
  else if (!soup_message_headers_header_contains (headers, "Sec-WebSocket-Protocol", SUBPROTOCOL))
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST,
                         "Open a WebSocket here, with the subprotocol " SUBPROTOCOL ".");
  else if (!soup_websocket_server_check_handshake (msg, NULL, (char **)protocols, NULL, &error))
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, error->message);
}
