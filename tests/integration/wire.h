#ifndef MXR_WIRE_H
#define MXR_WIRE_H

#include "server-process.h"

G_BEGIN_DECLS

/* Clients that keep to no library's idea of what may be sent. */

/* ---- WebSocket: mixroom.v1 ---- */

typedef struct {
  SoupWebsocketConnection *connection; /* NULL: refused */
  GPtrArray *messages;                 /* JsonNode: of objects, as they came */
  bool is_closed;
  guint close_code;
} WsClient;

/** ws_client_new: Connects. */
WsClient *ws_client_new (ServerProcess *server);
/** ws_client_free: Closes without a word if it is open. */
void ws_client_free (WsClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WsClient, ws_client_free)

void ws_client_send (WsClient *client, const char *text, gssize n_bytes);
/** ws_client_send_message: @...: pairs of name and string, NULL-terminated */
void ws_client_send_message (WsClient *client, const char *type, ...) G_GNUC_NULL_TERMINATED;
/** ws_client_expect: Waits for a message of that type, takes it out; what came before it is thrown away.
 * Returns: (transfer full) (nullable): NULL when the connection closed first. */
JsonNode *ws_client_expect (WsClient *client, const char *type);
/** ws_client_expect_error: An error with that code and a detail. */
void ws_client_expect_error (WsClient *client, const char *code);
/** ws_client_expect_reply: The next answer or error. Returns: the error's code, "answer", or NULL: it closed.
 */
char *ws_client_expect_reply (WsClient *client);
const char *ws_get_string (JsonNode *message, const char *member);

/* ---- Sockets ---- */

/** tcp_client_new: Returns: a blocking socket to the server's HTTP port, or -1. */
int tcp_client_new (ServerProcess *server);
/** tcp_client_send: Without minding that it may be closed. */
void tcp_client_send (int fd, const void *bytes, gsize n_bytes);
/** tcp_client_exchange: One request as it is, one answer until the end or 5 s. Returns: (transfer full) what
 * came. */
char *tcp_client_exchange (ServerProcess *server, const void *bytes, gsize n_bytes);

/** sdp_list_udp_ports: Of the host candidates in an answer. Returns: (transfer full): guint16 */
GArray *sdp_list_udp_ports (const char *sdp);
/** sdp_dup_attribute: Returns: (transfer full) (nullable): the first such line's value. */
char *sdp_dup_attribute (const char *sdp, const char *name);

/* ---- Corpora ---- */

/** corpus_list: Files below MIXROOM_CORPORA or what lies beside the source. Returns: (transfer full): GBytes;
 * none when it is not there. @folder: "stun" and so on; @max_bytes: larger ones are cut into pieces of that
 * size. */
GPtrArray *corpus_list (const char *folder, gsize max_bytes);

G_END_DECLS

#endif
