#ifndef MXR_DTLS_H
#define MXR_DTLS_H

#include <stdbool.h>
#include <glib.h>

#include "srtp.h"

/* DTLS 1.2 for SRTP keys and nothing else (RFC 5763, 5764). No sockets, no main loop: datagrams go in and out
 * by hand, and the caller asks when the next retransmission is due. */

typedef struct _MxrDtlsIdentity MxrDtlsIdentity; /* our certificate, shared by all connections; read-only */
typedef struct _MxrDtls MxrDtls;                 /* one connection; one thread */

/** mxr_dtls_identity_new: a new ECDSA P-256 key and its self-signed certificate. */
MxrDtlsIdentity *mxr_dtls_identity_new (GError **error);
void mxr_dtls_identity_free (MxrDtlsIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrDtlsIdentity, mxr_dtls_identity_free)
/** mxr_dtls_identity_get_fingerprint: Returns: "sha-256 AA:BB:…" */
const char *mxr_dtls_identity_get_fingerprint (const MxrDtlsIdentity *identity);

typedef enum {
  MXR_DTLS_HANDSHAKING,
  MXR_DTLS_CONNECTED, /* the certificate is the announced one and keys are there */
  MXR_DTLS_CLOSED,    /* by the peer's authenticated close_notify */
  MXR_DTLS_FAILED,
} MxrDtlsState;

#define MXR_FINGERPRINT_MAX_BYTES 64

typedef struct {
  const char *hash; /* one of mxr_dtls_normalize_hash()'s */
  guint8 digest[MXR_FINGERPRINT_MAX_BYTES];
  gsize size;
} MxrDtlsFingerprint;

/** mxr_dtls_normalize_hash: Returns: (nullable): "sha-256", "sha-384" or "sha-512" when @name is one and
 * @size fits. */
const char *mxr_dtls_normalize_hash (const char *name, gsize size);

/**
 * mxr_dtls_new:
 * @identity: outlives the connection
 * @remote: of the certificate that the peer must show
 */
MxrDtls *mxr_dtls_new (const MxrDtlsIdentity *identity, bool is_active, const MxrDtlsFingerprint *remote,
                       GError **error);
void mxr_dtls_free (MxrDtls *dtls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrDtls, mxr_dtls_free)

/** mxr_dtls_start: The active side writes its ClientHello; the passive one waits. */
void mxr_dtls_start (MxrDtls *dtls);
/** mxr_dtls_receive: @data: one datagram, changed. Anything at all may be in it. */
void mxr_dtls_receive (MxrDtls *dtls, guint8 *data, gsize size);
/** mxr_dtls_pop_outgoing: Returns: (transfer full) (nullable): the next datagram to send, at most
 * %MXR_MTU_BYTES. */
GBytes *mxr_dtls_pop_outgoing (MxrDtls *dtls);
/** mxr_dtls_get_timeout_ms: Returns: when mxr_dtls_handle_timeout() is due, 0 for now; -1: never. */
gint mxr_dtls_get_timeout_ms (MxrDtls *dtls);
void mxr_dtls_handle_timeout (MxrDtls *dtls);
/** mxr_dtls_close: Writes close_notify when connected. */
void mxr_dtls_close (MxrDtls *dtls);

MxrDtlsState mxr_dtls_get_state (const MxrDtls *dtls);
/** mxr_dtls_get_failure: Returns: why the state is FAILED, for the log. */
const char *mxr_dtls_get_failure (const MxrDtls *dtls);
/** mxr_dtls_get_keys: Once CONNECTED. */
const MxrSrtpKeys *mxr_dtls_get_keys (const MxrDtls *dtls);
/** mxr_dtls_get_drops: Returns: records that were not even shown to the TLS library. */
guint64 mxr_dtls_get_drops (const MxrDtls *dtls);

#endif
