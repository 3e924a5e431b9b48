#ifndef MXR_PLAYER_GUARD_H
#define MXR_PLAYER_GUARD_H

#include "mixroom/base.h"

/* The one way out of the player's process. socket(), connect() and getaddrinfo() of this executable stand before libc's for all
 * libraries, so whatever it is that wants to connect - a redirect, a playlist's segment, a name that leads to this machine - is
 * asked for the address that it is really about to be connected to. */

/** mxr_guard_open: From now on these hosts, and private addresses or not, may be connected to. Before that, nothing may. */
void mxr_guard_open (const char *allowed_hosts, bool private_addresses);

/** mxr_guard_take_refusal: Returns: (transfer full) (nullable): in words, what was refused first. Thread: any. */
char *mxr_guard_take_refusal (void);

#endif
