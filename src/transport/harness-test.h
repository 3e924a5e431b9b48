#ifndef MXR_HARNESS_TEST_H
#define MXR_HARNESS_TEST_H

#include "mixroom/limits.h"
#include "mixroom/transport.h"

/* Two transports on loopback and what happened to them. Their events come on a net thread; the test waits for
 * what it expects, with a watchdog, and never sleeps for it. */

#define PEER_WATCHDOG_S 20

typedef struct _Harness Harness;
typedef struct _Peer Peer;

struct _Peer {
  Harness *harness;
  Peer *other; /* gets our candidates; NULL: nobody does */
  MxrNetThread *thread;
  MxrTransport *transport;
  MxrDtlsRole role;
  /* below: under the harness's lock */
  MxrTransportState state;
  char reason[160];
  guint n_candidates, n_gathering_done, n_rtp, n_rtcp, n_closed_by_peer, n_late;
  guint port, tcp_port; /* of our candidates */
  char udp_candidate[MXR_CANDIDATE_MAX_BYTES];
  guint8 rtp[MXR_PACKET_MAX_BYTES];
  gsize rtp_bytes;
  bool is_closed;
  bool close_when_connected, close_on_rtp;
};

struct _Harness {
  MxrConfig *config;
  MxrNet *net;
  bool is_beside; /* another: these are its */
  GMutex lock;
  GCond changed;
  Peer a, b;
};

Harness *harness_new (void (*configure) (MxrConfig *config));
/** harness_new_beside: two more transports on the threads of @first, which outlives it. */
Harness *harness_new_beside (Harness *first);
void harness_free (Harness *harness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Harness, harness_free)

/** harness_call: runs @func in the peer's thread and waits for it. */
void harness_call (Peer *peer, void (*func) (Peer *peer, gpointer data), gpointer data);
/** harness_wait: until @condition holds; fails the test when it never does. */
void harness_wait (Harness *harness, bool (*condition) (Harness *harness));

void peer_open (Peer *peer);
void peer_gather (Peer *peer);
/** peer_start: with the other's credentials and the fingerprint of the process. */
void peer_start (Peer *peer);
void peer_get_credentials (Peer *peer, char *out_ufrag, char *out_pwd); /* 257 bytes each */
void peer_start_with_remote (Peer *peer, MxrTransportRemote *remote);
void peer_start_with (Peer *peer, const guint8 *fingerprint);
void peer_close (Peer *peer);
/** peer_send: an RTP packet with @sequence and a payload made from it. */
MxrSendResult peer_send (Peer *peer, guint16 sequence);
MxrSendResult peer_send_rtcp (Peer *peer);
void peer_get_stats (Peer *peer, MxrTransportStats *out_stats);

/** harness_connect: opens, gathers and starts both, and waits until both are connected. */
void harness_connect (Harness *harness);
bool are_connected (Harness *harness);

guint count_descriptors (void);
guint count_threads (void);

#endif
