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

#define MXR_STUN_TRANSACTION_BYTES 12
/* A header, two ufrags of 256 characters and a colon in their attribute, and 52 bytes of others. */
#define MXR_STUN_CHECK_MAX_BYTES (20 + 520 + 52)

/** mxr_stun_get_transaction: @data: of a message that mxr_stun_authenticate() knew. Returns: its 12 bytes. */
const guint8 *mxr_stun_get_transaction (const guint8 *data);

/**
 * mxr_stun_write_check:
 * @is_controlling: our role. The tie-breaker is the one that makes no peer change its own, whatever ours is
 * @out_data: (out): room for %MXR_STUN_CHECK_MAX_BYTES
 *
 * A connectivity check without USE-CANDIDATE. Returns: its size [bytes], 0 when OpenSSL cannot sign.
 *
 * Thread: any. Pure. Source: RFC 8445 7.1, 7.3.1.1; RFC 5389 15.4, 15.5.
 */
gsize mxr_stun_write_check (const guint8 *transaction, const char *local_ufrag, const char *remote_ufrag,
                            const char *remote_pwd, bool is_controlling, guint8 *out_data);

#endif
