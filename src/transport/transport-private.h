#ifndef MXR_TRANSPORT_PRIVATE_H
#define MXR_TRANSPORT_PRIVATE_H

#include "dtls.h"
#include "ice.h"
#include "mixroom/limits.h"
#include "net-private.h"

/* From mxr_transport_start() to CONNECTED, ICE and DTLS together; the peer's own patience is about as long.
 */
#define MXR_TRANSPORT_CONNECT_DEADLINE_US (30 * G_USEC_PER_SEC)
/* A connection that ICE gave up for lost has this long to be restarted, as a phone does that changes
 * networks. */
#define MXR_TRANSPORT_ICE_GRACE_US (5 * G_USEC_PER_SEC)

struct _MxrTransport {
  MxrNetThread *thread;
  const MxrTransportEvents *events;
  gpointer user_data;
  MxrTransportState state;
  bool is_closed; /* the caller is gone: no event any more */
  bool is_gathering_begun;
  bool is_hung_up; /* by the peer */

  MxrIce *ice;
  bool has_pair;
  gint64 ice_failed_us; /* 0: it is well */
  char *remote_ufrag;
  MxrCandidate candidates[MXR_CANDIDATES_MAX]; /* remote ones of this generation */
  guint n_candidates;

  MxrDtls *dtls; /* from mxr_transport_start() on */
  MxrTimer dtls_timer, tick;
  gint64 started_us;
  MxrSrtp *srtp; /* while CONNECTED and after */
  gint64 last_received_us;

  MxrTransportStats stats;
  MxrIcePair pair;
};

/** mxr_transport_fail: for good. Nothing when the transport has failed or ended already. */
void mxr_transport_fail (MxrTransport *transport, const char *reason);

/* ---- transport-dtls.c ---- */

/** mxr_transport_begin_dtls: once, with what the peer announced. */
bool mxr_transport_begin_dtls (MxrTransport *transport, const MxrTransportRemote *remote, GError **error);
/** mxr_transport_handle_dtls_timer: @data: the transport */
void mxr_transport_handle_dtls_timer (gpointer data);
/** mxr_transport_pair_ready: a first or another pair is selected. */
void mxr_transport_pair_ready (MxrTransport *transport);
void mxr_transport_receive_dtls (MxrTransport *transport, guint8 *data, gsize size);
/** mxr_transport_end_dtls: says close_notify and frees what is DTLS's; safe in any state. */
void mxr_transport_end_dtls (MxrTransport *transport);

/* ---- transport-packets.c ---- */

void mxr_transport_receive (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us);

#endif
