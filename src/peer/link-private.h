#ifndef MXR_LINK_PRIVATE_H
#define MXR_LINK_PRIVATE_H

#include "link-aggregate.h"
#include "link-feed.h"
#include "link-pacer.h"
#include "link-thread.h"
#include "peer-private.h"

/* The network half of a peer, shared by link.c, link-media.c, link-send.c and link-streams.c. Everything belongs
 * to the peer's network thread. */

/* One media section that the client sends. */
typedef struct {
  MxrRtpReceiver *receiver; /* NULL: none */
  MxrUplink *uplink;
  guint32 ssrc; /* as signalled */
  guint8 red_payload_type; /* 0: none */
  guint8 audio_level_id;
  guint8 orientation_id;
} MxrIncoming;

/* One stream that we send. */
typedef struct {
  MxrLink *link;
  MxrRtpKind kind;
  MxrRtpSender *sender; /* NULL: none */
  guint32 ssrc;
  int payload_type;
  MxrLinkFeed feed; /* has a fan-out only with a sender, and listens while connected */
  GQueue changes;   /* MxrLinkSubscription: to be called back when the feed has changed */
  bool has_sent;
  gint64 oldest_us; /* of what the delivery under way has sent: when it left its encoder */
  MxrLinkAggregate aggregate; /* of a sound */
  guint max_ptime_ms;         /* that the client takes; 0: any */
} MxrOutgoing;

/* Of the way down. */
typedef struct {
  MxrPeerBandwidth told; /* to the room */
  gint64 read_us;        /* when it was looked at */
  gsize sent_bytes;      /* since then */
  double sent_bps;       /* smoothed */
} MxrLinkBandwidth;

struct _MxrLink {
  MxrPeer *peer; /* owned reference */
  MxrTransport *transport;
  bool is_broken; /* the transport did not start: every negotiation fails */
  bool connected;
  MxrLinkReply *reply; /* being filled, or held until gathering is done */
  GSource *gathering_timeout;

  MxrLinkThread *thread;
  MxrLinkTimer timer; /* of the session */
  MxrRtpSession *session;
  gint64 stats_us; /* when they were taken */
  gint64 now_us;   /* of what is sent by the call under way */
  MxrIncoming incoming[MXR_PEER_N_KINDS];
  MxrOutgoing outgoing[MXR_PEER_N_KINDS];
  MxrLinkPacer pacer; /* of the picture, behind all else */
  MxrLinkBandwidth bandwidth;
};

/* ---- link-media.c: packets ------------------------------------------------------------------------------ */

extern const MxrRtpSessionEvents mxr_link_session_events;

/** mxr_link_receive_rtp: Of the transport, as it comes; so is mxr_link_receive_rtcp(). */
void mxr_link_receive_rtp (MxrLink *link, guint8 *data, gsize size, gint64 now_us);
void mxr_link_receive_rtcp (MxrLink *link, guint8 *data, gsize size, gint64 now_us);

/** mxr_link_set_connected: Downlinks flow, or do so no more. */
void mxr_link_set_connected (MxrLink *link, bool connected);
/** mxr_link_on_due: MxrLinkClockFunc. */
gint64 mxr_link_on_due (gpointer link, gint64 now_us);
/** mxr_link_note_due: After whatever may have brought the session's due time forward. */
void mxr_link_note_due (MxrLink *link);
void mxr_link_init_outgoing (MxrLink *link, MxrRtpKind kind);
/** mxr_link_unsubscribe: At once. */
void mxr_link_unsubscribe (MxrOutgoing *outgoing);

/* ---- link-send.c: when packets leave ---------------------------------------------------------------------- */

/** mxr_link_send_packet: At once, or of a picture when the pacer says. Written into the batch. */
void mxr_link_send_packet (MxrOutgoing *outgoing, gpointer source_tag, MxrRtpPacket *packet, gint64 now_us);
/** mxr_link_send_waiting: What is due of what waits; into the batch too. */
void mxr_link_send_waiting (MxrLink *link, gint64 now_us);
/** mxr_link_forget_waiting: Of @outgoing: none of it is sent any more. */
void mxr_link_forget_waiting (MxrOutgoing *outgoing);
/** mxr_link_note_sent: Whatever was sent over RTP. */
void mxr_link_note_sent (MxrLink *link, gsize n_bytes);
/** mxr_link_ask_for_keyframe: Of the picture that the client is sent. */
void mxr_link_ask_for_keyframe (MxrLink *link);

/** mxr_link_update_bandwidth: After whatever may have told something of it: to the pacer at once, to the room in time. */
void mxr_link_update_bandwidth (MxrLink *link, gint64 now_us);

/* ---- link-streams.c: what a plan says of streams --------------------------------------------------------- */

MxrRtpSession *mxr_link_new_session (MxrLink *link, const MxrSdpOffer *offer);
void mxr_link_apply_streams (MxrLink *link, const MxrLinkPlan *plan);
void mxr_link_clear_streams (MxrLink *link);

#endif
