#ifndef MXR_STUN_H
#define MXR_STUN_H

#include <stdbool.h>
#include <glib.h>

/**
 * mxr_stun_is_authentic:
 * @data: a datagram
 * @local_pwd: ours: the key of requests to us
 * @remote_pwd: the peer's: the key of its answers
 *
 * Whether it is a STUN binding request, indication or success response that somebody wrote who knows the key.
 *
 * Thread: any. Pure. Source: RFC 5389 6, 15.4; RFC 8445 7.
 */
bool mxr_stun_is_authentic (const guint8 *data, gsize size, const char *local_pwd, const char *remote_pwd);

#endif
