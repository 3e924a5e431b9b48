#ifndef MXR_ICE_SERVERS_H
#define MXR_ICE_SERVERS_H

#include <json-glib/json-glib.h>

#include "mixroom/base.h"

/* The STUN and TURN servers that clients are told of (ice.client_ice_servers). */
typedef struct _MxrIceServers MxrIceServers;

/** mxr_ice_servers_new: @config: outlives them. Errors: %MXR_SIGNAL_ERROR_ICE_SERVERS. */
MxrIceServers *mxr_ice_servers_new (const MxrConfig *config, GError **error);
void mxr_ice_servers_free (MxrIceServers *servers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrIceServers, mxr_ice_servers_free)

/**
 * mxr_ice_servers_add_json:
 * @user: whose login it is to be (mxr_turn_login_init())
 * @now_s: Unix time
 *
 * Adds an array of RTCIceServer as the value that @builder waits for.
 */
void mxr_ice_servers_add_json (const MxrIceServers *servers, const char *user, gint64 now_s, JsonBuilder *builder);

/**
 * mxr_ice_servers_get_links:
 *
 * Returns: (transfer full): values of the Link header, one per server, %NULL-terminated. Source: RFC 9725 4.6.
 */
char **mxr_ice_servers_get_links (const MxrIceServers *servers, const char *user, gint64 now_s);

#endif
