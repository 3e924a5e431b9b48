#ifndef MXR_PLAYER_ADDRESS_H
#define MXR_PLAYER_ADDRESS_H

#include <sys/socket.h>

#include "mixroom/base.h"

/* Where may be fetched from. All of it is pure. */

/**
 * mxr_address_is_public:
 *
 * Whether it is an ordinary address of the internet: not of this machine or its networks, not for many, not one that stands
 * for such an IPv4 address inside an IPv6 one. Anything that is no internet address is not.
 *
 * Source: IANA's registries of special-purpose addresses (RFC 6890), RFC 6598, 4193, 6052, 3056, 4380.
 */
bool mxr_address_is_public (const struct sockaddr *address, socklen_t n_bytes);

/**
 * mxr_host_matches:
 * @patterns: comma separated; "*.example.net" is every name below that one, not that one; empty: all hosts
 * @host: a name or a literal address, without brackets
 */
bool mxr_host_matches (const char *patterns, const char *host);

/**
 * mxr_url_check:
 *
 * Whether it has a scheme that can be played, a host that @patterns has and, unless @private_addresses, no literal address
 * that is not public. Errors: MXR_PLAYER_ERROR_BAD_SOURCE.
 */
bool mxr_url_check (const char *url, const char *patterns, bool private_addresses, GError **error);

#endif
