#ifndef MXR_CONNECTION_H
#define MXR_CONNECTION_H

#include "mixroom/base.h"

#include "frame-watch.h"

G_BEGIN_DECLS

/**
 * MxrConnection:
 *
 * One client's connection, as the stream that libsoup reads and writes. It lets through one checked request
 * at a time, holds the deadlines that libsoup lacks, watches a WebSocket's frames, and closes without
 * blocking.
 *
 *   HEAD ──complete, checked──> DELIVER ──> BODY ──> HOLD (being answered) ──mxr_connection_answered──> HEAD
 * ... │ malformed, too large                          │ mxr_connection_upgrade v v refused: a problem is
 * written                  WEBSOCKET
 *
 * libsoup closing it leads to a lingering close: what was written arrives although the client is still
 * sending.
 *
 * Thread: control. Source: RFC 9112 9.6 (lingering close).
 */
#define MXR_TYPE_CONNECTION (mxr_connection_get_type ())
G_DECLARE_FINAL_TYPE (MxrConnection, mxr_connection, MXR, CONNECTION, GIOStream)

/* A frame limit is broken: close the WebSocket; nothing more is read. */
typedef void (*MxrConnectionFrameFunc) (MxrFrameVerdict verdict, gpointer user_data);
/* The descriptor is closed: last of all calls. */
typedef void (*MxrConnectionGoneFunc) (MxrConnection *connection, gpointer user_data);
/* A request was refused before libsoup saw it. */
typedef void (*MxrConnectionRefusedFunc) (guint status, gpointer user_data);

typedef struct {
  MxrConnectionGoneFunc on_gone;
  MxrConnectionRefusedFunc on_refused;
} MxrConnectionEvents;

/**
 * mxr_connection_new:
 * @socket: just accepted; the deadline for the first request begins now
 * @config: outlives the connection
 * @events: outlives the connection
 */
MxrConnection *mxr_connection_new (GSocketConnection *socket, const MxrConfig *config,
                                   const MxrConnectionEvents *events, gpointer user_data);

GSocketConnection *mxr_connection_get_socket (MxrConnection *connection);

/** mxr_connection_set_tls: @tls wraps the socket and its handshake is done: talk through it. */
void mxr_connection_set_tls (MxrConnection *connection, GIOStream *tls);

/** mxr_connection_hold: libsoup has read the whole request: hold back what comes until it is answered. */
void mxr_connection_hold (MxrConnection *connection);

/** mxr_connection_answered: libsoup has written the answer: the next request may come. */
void mxr_connection_answered (MxrConnection *connection);

/* What has bodies of its own size. */
#define MXR_IMAGES_PATH "/api/v1/images/"

#define MXR_BODY_TOO_LARGE "Send a smaller body: an image has 4 MiB at most, for all else http.max_body_bytes is the limit."

/** mxr_connection_get_body_limit: Returns: for the request whose head came last [bytes] */
guint64 mxr_connection_get_body_limit (MxrConnection *connection);

/** mxr_connection_refuse: Answers with a problem in libsoup's place and ends the connection. */
void mxr_connection_refuse (MxrConnection *connection, guint status, const char *detail);

/** mxr_connection_upgrade: From now on the bytes are a WebSocket's. */
void mxr_connection_upgrade (MxrConnection *connection);

/** mxr_connection_watch: Who is told of frames that break a limit; %NULL forgets the watcher. */
void mxr_connection_watch (MxrConnection *connection, MxrConnectionFrameFunc func, gpointer user_data);

/** mxr_connection_get_read_time: Returns: when something was last read from the client, monotonic. */
gint64 mxr_connection_get_read_time (MxrConnection *connection);

/** mxr_connection_get_sent_bytes: Returns: payload of the text frames handed to the kernel so far. */
guint64 mxr_connection_get_sent_bytes (MxrConnection *connection);

/** mxr_connection_abort: Cuts the line; whoever reads or writes finds out. */
void mxr_connection_abort (MxrConnection *connection);

G_END_DECLS

#endif
