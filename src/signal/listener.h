#ifndef MXR_LISTENER_H
#define MXR_LISTENER_H

#include "address-table.h"
#include "connection.h"

/**
 * MxrListener:
 *
 * The listening sockets, the accept loop with its limits, and TLS handshakes. libsoup's own accept loop ends
 * for good with the first EMFILE, has a backlog of 10 and no deadline.
 *
 * Thread: control.
 */
typedef struct _MxrListener MxrListener;

typedef struct {
  /* A connection is ready to be read (its TLS handshake done). */
  void (*on_connection) (MxrConnection *connection, gpointer user_data);
  /* A request was refused before it was handed on. */
  void (*on_refused) (guint status, gpointer user_data);
} MxrListenerEvents;

typedef struct {
  guint n_connections;
  guint64 n_accepted;
  guint64 n_turned_away;  /* over a limit */
  guint64 n_out_of_files; /* times that descriptors were used up */
} MxrListenerCounts;

/**
 * mxr_listener_new:
 * @addresses: outlives the listener
 * @events: outlives the listener
 *
 * Listens on config->server.listen. Errors: #MxrSignalError.
 */
MxrListener *mxr_listener_new (const MxrConfig *config, MxrAddressTable *addresses,
                               const MxrListenerEvents *events, gpointer user_data, GError **error);

/** mxr_listener_free: Cuts every connection; all of them are gone when it returns. */
void mxr_listener_free (MxrListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrListener, mxr_listener_free)

guint16 mxr_listener_get_port (MxrListener *listener);
bool mxr_listener_is_tls (MxrListener *listener);
MxrListenerCounts mxr_listener_get_counts (MxrListener *listener);

/** mxr_listener_abort_all: Cuts every connection; they go as the main context runs. */
void mxr_listener_abort_all (MxrListener *listener);

#endif
