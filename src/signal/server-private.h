#ifndef MXR_SERVER_PRIVATE_H
#define MXR_SERVER_PRIVATE_H

#include <libsoup/soup.h>

#include "mixroom/library.h"
#include "mixroom/signal.h"

#include "address-table.h"
#include "connection.h"
#include "ice-servers.h"
#include "listener.h"
#include "static.h"
#include "thread-cpu.h"
#include "webhooks.h"

/* Largest status that is counted; RFC 9110 15 ends at 599. */
#define MXR_STATUS_MAX 599

/* What the parts of the front end share. Each part is one file with one entry point below. */
struct _MxrServer {
  const MxrConfig *config;
  MxrHub *hub;
  SoupServer *soup;
  MxrListener *listener;
  MxrAddressTable *addresses;
  MxrIceServers *ice_servers;
  MxrStaticFiles *files;
  MxrThreadCpu *thread_cpu;
  GHashTable *resources; /* of WHIP and WHEP: id -> MxrResource */
  GHashTable *sessions;  /* MxrSession, a set */
  guint n_waiting;       /* what requests wait for: the room, the library, a block of a file */
  guint n_uploads;
  guint64 n_responses[MXR_STATUS_MAX + 1];
  MxrLibrary *library;   /* NULL: nothing is recorded */
  MxrWebhooks *webhooks; /* NULL: nobody is told */
  char *uri;
  bool is_watching; /* the hub tells this server what happens */
  bool is_draining; /* nobody comes in */
  bool is_ending;   /* nothing new is begun, and what takes long is given up */
};

/** mxr_server_allow_join: Takes one of the address's joins of this minute. */
bool mxr_server_allow_join (MxrServer *server, GInetAddress *address);

/** mxr_server_get_address: Returns: (transfer none): of who sent @msg. */
GInetAddress *mxr_server_get_address (SoupServerMessage *msg);

/** mxr_server_get_connection: Returns: (transfer none): that carries @msg. */
MxrConnection *mxr_server_get_connection (SoupServerMessage *msg);

/**
 * mxr_server_authorize:
 * @room: (nullable): %NULL: all rooms
 * @role: an #MxrTokenRole
 *
 * Checks `Authorization: Bearer` where tokens are on. Returns: false when @msg is answered with 401 or 403.
 */
bool mxr_server_authorize (MxrServer *server, SoupServerMessage *msg, const char *room, guint role);

/** mxr_server_check_token: As mxr_server_authorize(), for a @token from anywhere; @out_problem says what to answer. */
bool mxr_server_check_token (MxrServer *server, const char *token, const char *room, guint role, guint *out_problem,
                             GError **error);

/** mxr_server_get_bearer: Returns: (transfer none) (nullable): the token of `Authorization: Bearer`. */
const char *mxr_server_get_bearer (SoupServerMessage *msg);

/** mxr_server_is_origin_allowed: Whether the page that sent @msg may use what is not its own. */
bool mxr_server_is_origin_allowed (MxrServer *server, SoupServerMessage *msg);

/** mxr_server_add_cors: Lets pages of allowed origins read the answer to @msg. */
void mxr_server_add_cors (MxrServer *server, SoupServerMessage *msg);

/* Entry points: each answers @msg. @segments: the path between its slashes, percent-decoded. */
void mxr_whip_handle (MxrServer *server, SoupServerMessage *msg, char **segments, GHashTable *query);
void mxr_rest_handle (MxrServer *server, SoupServerMessage *msg, char **segments);
/* @segments: "api", "v1", "rooms", a name, "outputs" and what follows. */
void mxr_outputs_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments);
void mxr_programme_handle (MxrServer *server, SoupServerMessage *msg, const char *room);
void mxr_snapshot_handle (MxrServer *server, SoupServerMessage *msg, const char *room);
/* @segments: "api", "v1", "recordings" and what follows. */
void mxr_recordings_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments);
/* @segments: "api", "v1", "rooms", a name, "players" and what follows. */
void mxr_players_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments);
/* @segments: "api", "v1", "images" and what follows. */
void mxr_images_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments);
/** mxr_images_check_early: When the head of @msg is there: answers who may not put an image before the body is kept. */
void mxr_images_check_early (MxrServer *server, SoupServerMessage *msg);
void mxr_hls_handle (MxrServer *server, SoupServerMessage *msg, char **segments);
/* Leaves @msg unanswered when it is a good handshake: libsoup completes it. */
void mxr_websocket_check (MxrServer *server, SoupServerMessage *msg);

/** mxr_rest_respond_json: @value: (transfer floating): made into JSON; 200. */
void mxr_rest_respond_json (SoupServerMessage *msg, GVariant *value);
/** mxr_rest_respond: @value: (nullable): as above; %NULL: the room's @error as a problem. */
void mxr_rest_respond (SoupServerMessage *msg, GVariant *value, const GError *error);

/* A resource is an MxrResource; freeing it lets its participant leave. */
void mxr_resource_free (gpointer resource);
/** mxr_whip_forget: The answer to @msg did not reach its client: what it made goes. */
void mxr_whip_forget (MxrServer *server, SoupServerMessage *msg);

/** mxr_metrics_write: Returns: (transfer full): Prometheus text. */
char *mxr_metrics_write (MxrServer *server);

#endif
