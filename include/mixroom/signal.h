#ifndef MIXROOM_SIGNAL_H
#define MIXROOM_SIGNAL_H

#include "mixroom/base.h"
#include "mixroom/room.h"

G_BEGIN_DECLS

/* The front end: HTTP(S) with the page, WHIP, WHEP and REST, and the WebSocket `mixroom.v1`.
 *
 * Thread: everything here belongs to the control thread, which runs the default main context. */

#define MXR_SIGNAL_ERROR (mxr_signal_error_quark ())
GQuark mxr_signal_error_quark (void);

typedef enum {
  MXR_SIGNAL_ERROR_LISTEN,      /* the address cannot be listened on */
  MXR_SIGNAL_ERROR_CERTIFICATE, /* the TLS certificate or its key cannot be used */
  MXR_SIGNAL_ERROR_ICE_SERVERS, /* ice.client_ice_servers holds what is no STUN or TURN URL */
} MxrSignalError;

typedef struct _MxrServer MxrServer;

/**
 * mxr_server_new:
 * @config: (transfer none): outlives the server
 * @hub: (transfer none): outlives the server
 *
 * Binds and listens; requests are served as soon as the default main context runs.
 *
 * Returns: (transfer full): free with mxr_server_free().
 * Errors: LISTEN, CERTIFICATE, ICE_SERVERS; the message names the address or the key and says what to do.
 */
MxrServer *mxr_server_new (const MxrConfig *config, MxrHub *hub, GError **error);

/**
 * mxr_server_free:
 *
 * Closes the listening socket and every connection. Participants of WebSockets are detached, those of WHIP
 * and WHEP leave, and every room ends, see mxr_hub_clear(); so call it before mxr_hub_free(). Runs the default
 * main context for the moment that closing takes, until the room has called back for every request, and until
 * webhooks were told, for seconds at most. What the room still calls back for after that,
 * offers of WebSockets, needs the server no more.
 */
void mxr_server_free (MxrServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrServer, mxr_server_free)

/** mxr_server_get_uri: Returns: (transfer none): of the page, with the port in use: `http://127.0.0.1:8080/`.
 */
const char *mxr_server_get_uri (MxrServer *server);

/** mxr_server_get_port: Returns: the port in use, also where port 0 was asked for. */
guint16 mxr_server_get_port (MxrServer *server);

/**
 * mxr_server_drain:
 *
 * Lets nobody join any more (`/readyz` answers 503); those inside go on. Call it with mxr_hub_drain(), which tells
 * them `closing`, in either order.
 */
void mxr_server_drain (MxrServer *server);

/** mxr_server_count_connections: HTTP connections, WebSockets and handshakes under way included. */
guint mxr_server_count_connections (MxrServer *server);

G_END_DECLS

#endif
