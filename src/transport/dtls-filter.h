#ifndef MXR_DTLS_FILTER_H
#define MXR_DTLS_FILTER_H

#include <stdbool.h>
#include <glib.h>

/* What of a datagram may reach the TLS library. Until keys are there every record is anybody's: the rules
 * leave a stranger who can write with the peer's address as little as the protocol allows. Pure. */

typedef struct {
  bool is_active;        /* we are the client */
  bool is_connected;     /* the handshake is done: nothing unprotected is taken any more */
  guint64 next_sequence; /* of unprotected records, in our own count */
  guint64 n_dropped;     /* records */
} MxrDtlsFilter;

/**
 * mxr_dtls_filter_datagram:
 * @data: @size bytes, changed in place
 *
 * Keeps the records that fit the state of the connection, in their order, and drops the others: ill-formed
 * ones, plaintext alerts and application data, handshake messages that our role never receives, and after the
 * handshake everything of epoch 0, foreign ClientHellos among it. Epoch 0 is numbered anew, because a single
 * forged record with a high number would move the replay window past all honest ones; duplicates are found by
 * message_seq.
 *
 * Returns: bytes kept at @data.
 * Source: RFC 6347 4.1, 4.2.2; RFC 5246 7.4.
 */
gsize mxr_dtls_filter_datagram (MxrDtlsFilter *filter, guint8 *data, gsize size);

#endif
