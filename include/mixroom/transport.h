#ifndef MIXROOM_TRANSPORT_H
#define MIXROOM_TRANSPORT_H

#include "mixroom/base.h"

G_BEGIN_DECLS

/* One peer's way to us: ICE (RFC 8445), DTLS 1.2 (RFC 6347), SRTP (RFC 3711, 5764), told apart by RFC 7983;
 * and the threads on which all of that lives. The only module that knows libnice, OpenSSL and libsrtp2. */

typedef struct _MxrNet MxrNet;             /* the network threads and this process's DTLS identity */
typedef struct _MxrNetThread MxrNetThread; /* one thread, its main context and its transports */
typedef struct _MxrTransport MxrTransport; /* one peer's ICE, DTLS and SRTP */

#define MXR_TRANSPORT_ERROR (mxr_transport_error_quark ())
GQuark mxr_transport_error_quark (void);

typedef enum {
  MXR_TRANSPORT_ERROR_FAILED,              /* ours: descriptors, ports, a library */
  MXR_TRANSPORT_ERROR_BAD_CANDIDATE,       /* not the grammar of RFC 8839 5.1, or a value out of range */
  MXR_TRANSPORT_ERROR_FORBIDDEN_CANDIDATE, /* well-formed, but points where we do not send: most callers
                                              ignore it */
  MXR_TRANSPORT_ERROR_TOO_MANY_CANDIDATES, /* more than %MXR_CANDIDATES_MAX since the start or the last
                                              restart */
  MXR_TRANSPORT_ERROR_BAD_ARGUMENT,        /* ICE credentials or fingerprint out of range */
} MxrTransportError;

/* ---- Network threads ----------------------------------------------------------------------------------- */

/**
 * mxr_net_new:
 * @config: (transfer none): outlives the net
 *
 * Starts `media.net_threads` threads (0: one per core) and makes the process's DTLS certificate: ECDSA P-256,
 * self-signed, new at each start. Thread: any one.
 */
MxrNet *mxr_net_new (const MxrConfig *config, GError **error);

/**
 * mxr_net_free:
 *
 * Closes the transports that are still open (without an event), waits until all have released their sockets,
 * ends and joins the threads. What was posted to the threads' mailboxes before this is still called. Thread:
 * none of the net's.
 */
void mxr_net_free (MxrNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrNet, mxr_net_free)

/**
 * mxr_net_enable_gro:
 *
 * Lets the kernel hand over runs of equal datagrams of one peer as one (UDP_GRO), for programs that receive far
 * more than they send: a batch that the sender gave to the kernel at once then costs about one packet. Off at
 * first. Nothing changes where the kernel has none. Thread: any, before the first transport.
 */
void mxr_net_enable_gro (MxrNet *net);

/** mxr_net_get_fingerprint: Returns: as `a=fingerprint:` wants it, "sha-256 AA:BB:…". Thread: any. */
const char *mxr_net_get_fingerprint (const MxrNet *net);

guint mxr_net_get_n_threads (const MxrNet *net);
/** mxr_net_get_thread: Returns: (transfer none): the net's. @index: [0..n_threads). Thread: any. */
MxrNetThread *mxr_net_get_thread (MxrNet *net, guint index);
/**
 * mxr_net_pick:
 *
 * Counts what was picked before, so that a burst of newcomers spreads although their transports are not made
 * yet. Each pick is taken back by the mxr_transport_close() of the transport made for it, or by
 * mxr_net_unpick().
 *
 * Returns: (transfer none): the thread with the fewest transports. Thread: any.
 */
MxrNetThread *mxr_net_pick (MxrNet *net);
/** mxr_net_unpick: No transport will be made for this pick after all. Thread: any. */
void mxr_net_unpick (MxrNetThread *thread);

/** mxr_net_thread_get_mailbox: Returns: (transfer none): calls into the thread. Thread: any. */
MxrMailbox *mxr_net_thread_get_mailbox (MxrNetThread *thread);
/** mxr_net_thread_get_context: Returns: (transfer none): its thread-default main context, for timers. Thread:
 * any. */
GMainContext *mxr_net_thread_get_context (MxrNetThread *thread);
bool mxr_net_thread_is_current (MxrNetThread *thread);

/* ---- A transport --------------------------------------------------------------------------------------- */

typedef enum {
  MXR_TRANSPORT_NEW,        /* nothing was started */
  MXR_TRANSPORT_CONNECTING, /* ICE checks, then the DTLS handshake */
  MXR_TRANSPORT_CONNECTED,  /* the certificate is the announced one; RTP flows */
  MXR_TRANSPORT_FAILED,     /* for good: no more events but the caller's close */
} MxrTransportState;

typedef enum {
  MXR_DTLS_ACTIVE,  /* we send the ClientHello: the peer said a=setup:passive */
  MXR_DTLS_PASSIVE, /* the peer does: a=setup:active */
} MxrDtlsRole;

/**
 * MxrTransportRemote:
 *
 * What the peer's SDP says of its transport. Borrowed for the length of the call.
 */
typedef struct {
  const char *ufrag;            /* 4 to 256 ice-char (RFC 8839 5.4) */
  const char *pwd;              /* 22 to 256 */
  const char *fingerprint_hash; /* "sha-256", "sha-384" or "sha-512", any case */
  const guint8 *fingerprint;    /* the digest itself, not its hexadecimal form */
  gsize fingerprint_size;       /* [bytes]: 32, 48, 64 */
  MxrDtlsRole role;             /* ours */
  bool is_lite;                 /* a=ice-lite: we control the checks then, whoever offered */
  bool is_answerer;             /* we offered: we control the checks (RFC 8445 6.1.1) */
} MxrTransportRemote;

/**
 * MxrTransportEvents:
 *
 * Members may be %NULL. Thread: the transport's net thread. They may come from inside mxr_transport_gather(),
 * mxr_transport_start(), mxr_transport_add_candidate(), mxr_transport_restart_ice() and the send functions;
 * none comes from inside mxr_transport_new(). Each may call any function of the transport,
 * mxr_transport_close() included.
 */
typedef struct {
  /* Ours, to be told to the peer: "candidate:1 1 UDP …", RFC 8839 5.1 without "a=". */
  void (*on_local_candidate) (MxrTransport *transport, const char *candidate, gpointer user_data);
  /* There are no more of ours (of this generation, after a restart). */
  void (*on_gathering_done) (MxrTransport *transport, gpointer user_data);
  /* @reason: (nullable): only with FAILED, for the log: "consent expired", "fingerprint mismatch", … */
  void (*on_state) (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data);
  /* A packet that authenticated and was not seen before, decrypted; the callee may change it in place and
   * must copy what it keeps. @now_us: monotonic. Only while CONNECTED. At least a whole RTP or RTCP header
   * long; beyond that nothing of it is checked. */
  void (*on_rtp) (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data);
  void (*on_rtcp) (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data);
  /* An authenticated close_notify: the peer hung up. No on_state follows; close the transport. */
  void (*on_closed_by_peer) (MxrTransport *transport, gpointer user_data);
} MxrTransportEvents;

/**
 * mxr_transport_new:
 * @thread: from mxr_net_pick()
 * @events: (transfer none): outlives the transport
 *
 * Sockets are opened by mxr_transport_gather() only. Errors: FAILED: none was made; give the pick back.
 *
 * Thread: @thread; so is every function below.
 */
MxrTransport *mxr_transport_new (MxrNetThread *thread, const MxrTransportEvents *events, gpointer user_data,
                                 GError **error);

/**
 * mxr_transport_close:
 *
 * In any state and from inside any event. Says close_notify where there is a DTLS connection. No event comes
 * after it;
 * @transport is invalid for the caller, and frees itself when ICE has given its sockets back.
 */
void mxr_transport_close (MxrTransport *transport);

MxrNetThread *mxr_transport_get_thread (MxrTransport *transport);
MxrTransportState mxr_transport_get_state (MxrTransport *transport);

/**
 * mxr_transport_get_local_credentials:
 * @out_ufrag: (out) (transfer none): valid until the next restart or close
 * @out_pwd: (out) (transfer none): the same
 *
 * There from mxr_transport_new() on; new ones after mxr_transport_restart_ice().
 */
void mxr_transport_get_local_credentials (MxrTransport *transport, const char **out_ufrag,
                                          const char **out_pwd);

/**
 * mxr_transport_gather:
 *
 * Opens the sockets and starts to announce candidates. Once. Errors: FAILED: no address or no free port.
 */
bool mxr_transport_gather (MxrTransport *transport, GError **error);

/**
 * mxr_transport_start:
 * @remote: checked here: what the peer said is never trusted
 *
 * Checks begin with the first remote candidate, or with the peer's first check. Once; state becomes
 * CONNECTING from inside, and FAILED when it is not CONNECTED after 30 s. Errors: BAD_ARGUMENT: nothing was
 * started.
 */
bool mxr_transport_start (MxrTransport *transport, const MxrTransportRemote *remote, GError **error);

/**
 * mxr_transport_add_candidate:
 * @candidate: candidate-attribute with or without "a=" and "candidate:"; at most %MXR_CANDIDATE_MAX_BYTES
 *
 * True also for what is well-formed but of no use to us and is left out: .local names (the peer arrives as
 * peer-reflexive), other components than 1, IPv6 or TCP where they are off, unknown types, duplicates.
 * Before or after mxr_transport_start().
 * Errors: BAD_CANDIDATE, FORBIDDEN_CANDIDATE, TOO_MANY_CANDIDATES; the transport goes on without it in each
 * case.
 */
bool mxr_transport_add_candidate (MxrTransport *transport, const char *candidate, GError **error);

/** mxr_transport_end_of_candidates: The peer has no more; ICE stops to wait for them. */
void mxr_transport_end_of_candidates (MxrTransport *transport);

/**
 * mxr_transport_restart_ice:
 * @ufrag: the peer's new ones
 *
 * RFC 8445 9: new local credentials, then the peer's; remote candidates start from none. Local candidates
 * stay the same and are announced again (on_local_candidate, on_gathering_done) from inside this call. DTLS,
 * SRTP and the media go on over the old pair until a new one is found. Errors: BAD_ARGUMENT: nothing changed.
 */
bool mxr_transport_restart_ice (MxrTransport *transport, const char *ufrag, const char *pwd, GError **error);

/* ---- Sending ------------------------------------------------------------------------------------------- */

typedef enum {
  MXR_SEND_OK,
  MXR_SEND_NOT_CONNECTED, /* before CONNECTED: nothing was sent */
  MXR_SEND_BAD_PACKET,    /* too short, too long, or the SRTP index is used up */
  MXR_SEND_DROPPED, /* the socket takes no more now, or there is no pair: counted, never queued for UDP */
} MxrSendResult;

/**
 * mxr_transport_send_rtp:
 * @data: RTP header and payload, in plain; encrypted in place, so it is garbage to the caller afterwards
 * @size: [bytes]
 * @room: [bytes] allocated at @data: at least @size + %MXR_SRTP_TRAILER_BYTES
 *
 * Cost: no allocation of ours; runs per packet.
 */
MxrSendResult mxr_transport_send_rtp (MxrTransport *transport, guint8 *data, gsize size, gsize room);
MxrSendResult mxr_transport_send_rtcp (MxrTransport *transport, guint8 *data, gsize size, gsize room);

/* One packet of a batch; @size is updated to the encrypted size. */
typedef struct {
  guint8 *data;
  gsize size;
  gsize room;
} MxrTransportPacket;

#define MXR_TRANSPORT_BATCH_MAX 64

/**
 * mxr_transport_send_rtp_batch:
 * @n_packets: at most %MXR_TRANSPORT_BATCH_MAX
 *
 * The packets of a frame: as mxr_transport_send_rtp() for each, in one system call. Neighbours of equal size, and a
 * smaller one after them, cross the network stack as one (UDP_SEGMENT), which makes each two to three times cheaper:
 * so a frame is best cut into packets of equal size and a rest.
 * Returns: how many went out.
 */
guint mxr_transport_send_rtp_batch (MxrTransport *transport, MxrTransportPacket *packets, guint n_packets);

/* ---- Looking ------------------------------------------------------------------------------------------- */

/**
 * MxrTransportStats:
 *
 * Counters since the start. "drop" counts packets from the network that were left out, by their reason.
 */
typedef struct {
  const char *local_type; /* "host", "srflx", "prflx", "relay"; "" while there is no pair. Static */
  const char *remote_type;
  const char *protocol;             /* "udp", "tcp", "" */
  const char *remote_address;       /* "203.0.113.7:5000", "[2001:db8::1]:5000" or ""; valid until the
                                 next call */
  guint64 packets_sent, bytes_sent; /* RTP and RTCP, encrypted size */
  guint64 packets_received, bytes_received;
  guint64 send_drops;           /* %MXR_SEND_DROPPED */
  guint64 drop_unauthenticated; /* SRTP or SRTCP with a bad tag, or not one packet at all */
  guint64 drop_replay;          /* seen before, or older than the window */
  guint64 drop_too_early;       /* RTP before CONNECTED */
  guint64 drop_too_large;       /* above %MXR_PACKET_MAX_BYTES */
  guint64 drop_dtls;            /* records that were ill-formed, or that nobody may send now in plain */
  guint64 drop_unknown;         /* neither STUN nor DTLS nor RTP */
  guint64 stun_seen;            /* authenticated checks and answers; not over TCP nor through a relay */
  guint64 pairs_selected;       /* by ICE: the first, better ones, and those after restarts */
  guint64 peer_moves;           /* the peer was followed without ICE's knowledge: its NAT gave it another port */
} MxrTransportStats;

void mxr_transport_get_stats (MxrTransport *transport, MxrTransportStats *out_stats);

/**
 * mxr_transport_get_last_received_us:
 *
 * Returns: monotonic time of the last packet that proves the peer (RFC 7675): SRTP or SRTCP that
 * authenticated, or a STUN message with the right integrity; 0 before CONNECTED.
 * `ice.consent_timeout_s` without one ends in FAILED, "consent expired".
 */
gint64 mxr_transport_get_last_received_us (MxrTransport *transport);

G_END_DECLS

#endif
