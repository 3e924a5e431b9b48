#ifndef MXR_SESSION_H
#define MXR_SESSION_H

#include "json-text.h"
#include "message.h"
#include "server-private.h"

/* Close codes beside RFC 6455's; README.md explains them to client authors. */
#define MXR_CLOSE_REMOVED 4000           /* the participant is no more */
#define MXR_CLOSE_RESUMED_ELSEWHERE 4001 /* another connection goes on in its place */
#define MXR_CLOSE_SILENT 4002            /* not even a pong for http.ping_timeout_s */

/* What waits to be read by a client: the roster of a full room takes 60 KB, so this is minutes of a room's
 * life. */
#define MXR_SESSION_QUEUE_MAX_BYTES (1024 * 1024)

/**
 * MxrSession:
 *
 * One WebSocket of mixroom.v1 and the participant it speaks for, if it has joined.
 *
 * It ends when the WebSocket closes: the participant is detached then, and can be resumed. An offer still
 * being answered keeps the memory until the room has called back.
 */
typedef struct _MxrSession MxrSession;
struct _MxrSession {
  MxrServer *server;
  SoupWebsocketConnection *ws;
  MxrConnection *connection;
  GInetAddress *address;
  MxrParticipant *participant; /* NULL: not joined, or no more */
  GPtrArray *offers;           /* MxrPendingOffer: being answered by the room */
  GSource *tick;
  guint64 queued_bytes; /* of all messages so far */
  gint64 chat_after_ms; /* lines up to this time are not told */
  bool is_told_closing;
  bool is_closed; /* the WebSocket is: nothing is sent any more */
};

/** mxr_session_new: Takes the WebSocket over; lives in server->sessions until it closes. */
void mxr_session_new (MxrServer *server, SoupWebsocketConnection *ws, MxrConnection *connection,
                      GInetAddress *address);

/** mxr_session_end: The WebSocket is gone, or shall go without a farewell: detaches the participant. */
void mxr_session_end (MxrSession *session);

/** mxr_session_close: Says why and closes. */
void mxr_session_close (MxrSession *session, guint code, const char *reason);

/** mxr_session_tell_closing: `closing`, at most once. @reconnect_in_ms: negative: do not come back by
 * yourself */
void mxr_session_tell_closing (MxrSession *session, const char *reason, gint64 reconnect_in_ms);

/**
 * mxr_session_begin:
 * @id: (nullable): JSON text of the request's id
 *
 * Returns: (transfer full): a builder inside the message's object, for mxr_session_send().
 */
JsonBuilder *mxr_session_begin (const char *type, const char *id);

/** mxr_session_send: @builder: (transfer full) */
void mxr_session_send (MxrSession *session, JsonBuilder *builder);

void mxr_session_send_error (MxrSession *session, const char *code, const char *detail, const char *id);

/** mxr_session_negotiate: Gives @offer to the room; `answer` or `error` with @id follows. */
void mxr_session_negotiate (MxrSession *session, const char *offer, const char *id);

/** mxr_session_events: What the room tells a session; the user data is the session. */
extern const MxrParticipantEvents mxr_session_events;

/* One function per message, each in its own file of messages/. All but join find a participant. */
typedef void (*MxrMessageHandler) (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_join (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_offer (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_candidate (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_layout (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_mute (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_hand (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_chat (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_leave (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_delay (MxrSession *session, const MxrMessage *message);
void mxr_message_handle_link (MxrSession *session, const MxrMessage *message);

#endif
