#ifndef MXR_STUN_H
#define MXR_STUN_H

#include <stdbool.h>
#include <glib.h>

typedef enum {
  MXR_STUN_FORGED, /* or none of these, or not STUN */
  MXR_STUN_REQUEST,
  MXR_STUN_INDICATION,
  MXR_STUN_SUCCESS,
} MxrStunKind;

/**
 * mxr_stun_authenticate:
 * @data: a datagram
 * @local_pwd: ours: the key of requests to us
 * @remote_pwd: (nullable): the peer's, when it is known: the key of its answers
 *
 * Returns: which kind of STUN binding message it is, when somebody wrote it who knows the key.
 *
 * Thread: any. Pure. Source: RFC 5389 6, 15.4; RFC 8445 7.
 */
MxrStunKind mxr_stun_authenticate (const guint8 *data, gsize size, const char *local_pwd, const char *remote_pwd);

#endif
