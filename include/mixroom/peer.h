#ifndef MIXROOM_PEER_H
#define MIXROOM_PEER_H

#include <gst/gst.h>

#include "mixroom/base.h"
#include "mixroom/pipeline.h"
#include "mixroom/rtp.h"
#include "mixroom/transport.h"

G_BEGIN_DECLS

/* Audio and video: size of what is indexed by MxrRtpKind. */
#define MXR_PEER_N_KINDS 2

/* One client: its negotiation, its uplinks, its downlink; and the fan-out that feeds downlinks. */

/* ---- Fan-out: from one stream's RTP packets to many downlinks ------------------------------------------ */

/**
 * MxrFanout:
 *
 * Takes the RTP packets of a stream (a rung's, or an uplink passed through) from one media thread and hands them
 * to subscribers on every network thread. A thread that falls behind by more than its ring loses packets, which are
 * counted; it slows nobody else. No thread and no element exists per subscriber.
 */
typedef struct _MxrFanout MxrFanout;

/* Packets of one call at most; what the transport takes in one go. */
#define MXR_FANOUT_BATCH_MAX MXR_TRANSPORT_BATCH_MAX

/**
 * MxrFanoutFunc:
 * @packets: in order, borrowed; at most %MXR_FANOUT_BATCH_MAX
 * @is_last: nobody else on this thread gets them after this call
 *
 * May unsubscribe itself or others. Thread: the subscriber's network thread.
 */
typedef void (*MxrFanoutFunc) (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data);

typedef struct {
  guint64 packets, bytes; /* pushed */
  guint64 dropped;        /* by lanes whose ring was full */
  guint subscribers;
  guint frames_per_packet; /* as it was set */
  gint64 keyframe_us;      /* when the newest key frame began to be pushed; 0: none was */
} MxrFanoutStats;

/** mxr_fanout_new: @codec: encoding name: it tells where key frames start. @net outlives the fan-out. Thread: control. */
MxrFanout *mxr_fanout_new (MxrNet *net, const char *codec);
MxrFanout *mxr_fanout_ref (MxrFanout *fanout);
void mxr_fanout_unref (MxrFanout *fanout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrFanout, mxr_fanout_unref)

/** mxr_fanout_close: No more deliveries, soon. Once, before the last reference goes. Thread: control, after the producer
 * has stopped. Subscribers still unsubscribe. */
void mxr_fanout_close (MxrFanout *fanout);

/**
 * mxr_fanout_set_frames_per_packet:
 * @n_frames: of a sound [1..MXR_OPUS_AGGREGATE_MAX]; at first 1
 *
 * From 2 on subscribers get packets with an aggregate, and downlinks whose client takes it and loses little send that: fewer packets,
 * and each as much later. What is pushed stays what it is. Thread: any.
 */
void mxr_fanout_set_frames_per_packet (MxrFanout *fanout, guint n_frames);

/** mxr_fanout_push: @packet is shared from here on; it is stamped with the time (pushed_us) and numbered. Thread: the producer;
 * one thread at a time. mxr_fanout_flush() wakes the receivers. */
void mxr_fanout_push (MxrFanout *fanout, MxrRtpPacket *packet, gsize n_bytes);
void mxr_fanout_flush (MxrFanout *fanout);

/** mxr_fanout_push_sample: All RTP buffers of @sample (one, or a list), then a flush. Thread: the producer. */
void mxr_fanout_push_sample (MxrFanout *fanout, GstSample *sample);

/** mxr_fanout_subscribe: Thread: the network thread on which @func shall be called. Not from within @func. */
void mxr_fanout_subscribe (MxrFanout *fanout, MxrFanoutFunc func, gpointer user_data);
/** mxr_fanout_unsubscribe: Thread: the one that subscribed. @user_data is not called any more. */
void mxr_fanout_unsubscribe (MxrFanout *fanout, gpointer user_data);

/**
 * mxr_fanout_finish:
 *
 * As mxr_fanout_unsubscribe(), but first, from within the call, @user_data gets what was pushed before it and is still on
 * its way. The others get it when it is their turn.
 *
 * Thread: the one that subscribed, outside of deliveries of @fanout. Cost: a queue node for each such packet.
 */
void mxr_fanout_finish (MxrFanout *fanout, gpointer user_data);

/**
 * mxr_fanout_get_recent:
 *
 * What was pushed since the last key frame began, so that a picture can begin at once: MxrRtpPacket, in order. A subscriber
 * who asks for it gets the last of them again if they are still on their way; it tells them by their numbers, none is missing.
 *
 * Returns: (transfer full) (nullable): %NULL when that was more than 1.2 s or 512 packets, or no key frame was pushed yet.
 * Thread: any. Cost: a reference to each, under a lock that the producer takes too.
 */
GPtrArray *mxr_fanout_get_recent (MxrFanout *fanout);

/** mxr_fanout_get_stats: Thread: any. */
void mxr_fanout_get_stats (MxrFanout *fanout, MxrFanoutStats *out_stats);

/* ---- Splice: one stream out of several sources ---------------------------------------------------------- */

/**
 * MxrSplice:
 *
 * Feeds a fan-out from one of several sources that show the same picture, an encoder and an uplink passed through, and
 * changes from one to another at a key frame. Numbers and time stamps go on as if it were one source; VP8 has no picture ids.
 * Thread: any; a source pushes from one thread at a time.
 */
typedef struct _MxrSplice MxrSplice;

/** mxr_splice_new: @source: any address, for its identity; its frames are taken at first. */
MxrSplice *mxr_splice_new (MxrFanout *fanout, const char *codec, gconstpointer source);
MxrSplice *mxr_splice_ref (MxrSplice *splice);
void mxr_splice_unref (MxrSplice *splice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrSplice, mxr_splice_unref)

/** mxr_splice_close: When it returns nothing is pushed into the fan-out any more; before mxr_fanout_close(). */
void mxr_splice_close (MxrSplice *splice);

/** mxr_splice_select: @source takes over with its next key frame; the former one's frames are taken until then. */
void mxr_splice_select (MxrSplice *splice, gconstpointer source);
/** mxr_splice_uses: Returns: whether frames of @source are taken, or are to be. Who is not used need not make any. */
bool mxr_splice_uses (MxrSplice *splice, gconstpointer source);
/** mxr_splice_get_active: Returns: the source whose frames are being taken. */
gconstpointer mxr_splice_get_active (MxrSplice *splice);
/**
 * mxr_splice_push:
 * @packets: RTP packets of a frame in order, or of a part of one
 * @shift: what is added to their time stamps to be on the room's timeline [1/90000 s]
 *
 * What comes from another source is left out. Cost: a copy per packet.
 */
void mxr_splice_push (MxrSplice *splice, gconstpointer source, GstBufferList *packets, guint32 shift);
/** mxr_splice_push_sample: What an encoder made, already on the timeline. */
void mxr_splice_push_sample (MxrSplice *splice, gconstpointer source, GstSample *sample);

/* ---- Stages ---------------------------------------------------------------------------------------------- */

/* How long the peers of a room hold things up. Made by mxr_peer_delays_new(), shared by reference, since packets of a peer
 * may still be on their way when its room has ended. */
typedef struct {
  /* Of sound, each packet: from its arrival until it is handed to the decoder. Of pictures, each frame: from the arrival
   * of its last packet until the frame is whole, everything before it is there or given up, and it is queued. */
  MxrDelay buffer[MXR_PEER_N_KINDS];
  /* What the chain takes that ends in the mixer; of pictures, the wait for a worker too. */
  MxrDelay decode[MXR_PEER_N_KINDS];
  /* From a packet's leaving its encoder until it is with the socket: noted once per fan-out, network thread and delivery,
   * for its first packet and the last subscriber, who waits longest. And for each picture that a downlink's pacer has held
   * up, until its last packet leaves. */
  MxrDelay send[MXR_PEER_N_KINDS];
} MxrPeerDelays;

MxrPeerDelays *mxr_peer_delays_new (void);
MxrPeerDelays *mxr_peer_delays_ref (MxrPeerDelays *delays);
void mxr_peer_delays_unref (MxrPeerDelays *delays);

/* ---- Tap: what an uplink has received, as it came ------------------------------------------------------------ */

/* One packet of sound, or one whole frame of a picture. */
typedef struct {
  MxrRtpKind kind;
  const char *codec;      /* interned encoding name */
  GstBufferList *packets; /* (transfer none): RTP, in order and numbered without a gap */
  gsize n_bytes;          /* of them */
  GstClockTime time_ns;   /* running time at which it was recorded, see mxr_peer_set_tap(); later than that of the one before */
  bool is_keyframe;
  guint width_px, height_px; /* of a key frame */
  guint parameters; /* of a key frame in H.264: a hash of its parameter sets; what has other ones is another stream to a muxer */
} MxrTapUnit;

/**
 * MxrTapFunc:
 *
 * Returns: whether it was taken. A picture that was not goes on with a key frame, which is asked for once a second.
 * Thread: the peer's network thread, which must not wait.
 */
typedef bool (*MxrTapFunc) (const MxrTapUnit *unit, gpointer user_data);

/* ---- Uplink: from RTP packets to decoded media --------------------------------------------------------- */

/**
 * MxrDecodePool:
 *
 * The threads that decode pictures, shared by all uplinks of the process: one of them at a time per uplink.
 */
typedef struct _MxrDecodePool MxrDecodePool;

/** mxr_decode_pool_new: @n_threads: as many as there are cores: they only calculate. Thread: control. */
MxrDecodePool *mxr_decode_pool_new (guint n_threads);
/** mxr_decode_pool_free: After the last uplink was closed. Waits for what is being decoded. Thread: control. */
void mxr_decode_pool_free (MxrDecodePool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrDecodePool, mxr_decode_pool_free)

/**
 * MxrUplink:
 *
 * From packets as they arrive to a bin of depayloader and decoder with one open source pad "src". Packets are put in
 * order, and decoded while the uplink is wanted: sound in the network thread itself, pictures frame by frame in the
 * pool. The control thread makes it, adds the bin to a pipeline and takes it out; one network thread pushes and polls.
 */
typedef struct _MxrUplink MxrUplink;

/** MxrUplinkFunc: May still be on its way when mxr_uplink_close() returns. */
typedef void (*MxrUplinkFunc) (gpointer user_data);

typedef struct {
  /* The picture cannot go on without a key frame; as often as it is so, up to once a frame. Thread: any. */
  MxrUplinkFunc on_keyframe_needed;
  /* (nullable): a sound that is not wanted was silent and has voice. Thread: the network thread. */
  MxrUplinkFunc on_voice;
} MxrUplinkEvents;

typedef struct {
  const char *name; /* of the bin */
  MxrRtpKind kind;
  const char *codec; /* encoding name: OPUS, VP8, H264 */
  int payload_type;
  int clock_rate;
  bool is_repaired;   /* the client sends again what it is asked for (NACK) */
  bool is_wanted;     /* at first */
  gint64 timeline_us; /* monotonic time at which the pipeline's running time is 0 */
  const MxrFragment *decoder;
  const MxrConfig *config;
  MxrDecodePool *pool;   /* outlives the uplink */
  MxrPeerDelays *delays; /* the uplink takes a reference */
} MxrUplinkParams;

/* One packet, borrowed. */
typedef struct {
  const MxrRtpView *view; /* of the whole of it; one without a payload only fills its number's place */
  guint64 extended_seq;   /* as of MxrRtpSessionEvents.on_receive_rtp */
  bool is_red;            /* sound: earlier packets are in its payload too (RFC 2198) */
  const char *orientation; /* (nullable): static string of %GST_TAG_IMAGE_ORIENTATION, from its video orientation */
  bool has_level;          /* RFC 6464; what follows is valid then */
  int level_dbov;
  bool voice;
} MxrUplinkPacket;

typedef struct {
  guint64 decoded;     /* packets of sound, frames of pictures that were handed to the decoder */
  guint64 unwanted;    /* those that were not, because nobody wanted them */
  guint64 overflows;   /* times that decoding was so far behind that all that waited was dropped */
  guint64 refused;     /* frames left out before decoding: incomplete, before a key frame, larger than 4096 x 4096 */
  guint64 recovered;   /* lost packets of sound that were in a later one, by RED; of "decoded" when wanted */
  guint64 fec;         /* lost ones of which the next had a coarse copy, by Opus, that was decoded */
  guint64 concealed;   /* lost ones that were made up, or left out */
  const char *codec;         /* interned; NULL: no uplink */
  guint width_px, height_px; /* of the last key frame of a picture, as it is shown; 0: unknown */
  guint profile_level;       /* of H.264: of its parameter set, as MxrSdpFormat has it; 0: unknown */
  bool is_turned;            /* the last orientation was another than upright */
  MxrReorderStats reorder;
} MxrUplinkStats;

/**
 * mxr_uplink_new:
 * @events: copied
 * @destroy: (nullable): frees @user_data when no call can come any more, or at once on failure. Thread: any
 */
MxrUplink *mxr_uplink_new (const MxrUplinkParams *params, const MxrUplinkEvents *events, gpointer user_data,
                           GDestroyNotify destroy, GError **error);
MxrUplink *mxr_uplink_ref (MxrUplink *uplink);
void mxr_uplink_unref (MxrUplink *uplink);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrUplink, mxr_uplink_unref)

/** mxr_uplink_get_bin: Returns: (transfer none): to be added to the pipeline. */
GstElement *mxr_uplink_get_bin (MxrUplink *uplink);

/** mxr_uplink_open: Connects the feed; after the bin was added, because adding unlinks its pads. Thread: control. */
void mxr_uplink_open (MxrUplink *uplink);

/** mxr_uplink_close: Pushes nothing more. A push that is under way in another thread goes on until the bin is stopped.
 * Thread: control; before the bin leaves its pipeline. */
void mxr_uplink_close (MxrUplink *uplink);

/** mxr_uplink_set_wanted: As of mxr_peer_set_wanted(). Takes effect with the next push or poll. Thread: any. */
void mxr_uplink_set_wanted (MxrUplink *uplink, bool wanted);

/**
 * mxr_uplink_pass:
 * @splice: (nullable): %NULL ends it
 * @source: what the uplink is to @splice
 * @delay_us: by which frames are stamped later than they came
 *
 * Whole frames of a picture go to @splice too, whether they are decoded or not. Thread: the network thread.
 */
void mxr_uplink_pass (MxrUplink *uplink, MxrSplice *splice, gconstpointer source, gint64 delay_us);

/**
 * mxr_uplink_push:
 * @now_us: monotonic arrival
 *
 * Cost: sound that is decoded, 30 to 50 us; the rest a copy. Thread: the one network thread of this uplink.
 * Returns: false once it is closed.
 */
bool mxr_uplink_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us);

/** mxr_uplink_poll: What is due though nothing came: packets to be given up, and whether it is wanted. Returns: when to
 * poll again; %G_MAXINT64: after the next push. Thread: the network thread of this uplink. */
gint64 mxr_uplink_poll (MxrUplink *uplink, gint64 now_us);

/** mxr_uplink_get_due_us: What mxr_uplink_poll() would return if it were called now and found nothing to do. Thread: the
 * network thread of this uplink. */
gint64 mxr_uplink_get_due_us (const MxrUplink *uplink);

/** mxr_uplink_get_stats: Thread: the network thread of this uplink. */
void mxr_uplink_get_stats (MxrUplink *uplink, MxrUplinkStats *out_stats);

/* ---- Peer: the WebRTC connection of a participant ------------------------------------------------------ */

#define MXR_PEER_ERROR (mxr_peer_error_quark ())
GQuark mxr_peer_error_quark (void);

typedef enum {
  MXR_PEER_ERROR_BAD_SDP,
  MXR_PEER_ERROR_NOTHING_USABLE,
  MXR_PEER_ERROR_BAD_CANDIDATE,
  MXR_PEER_ERROR_NOT_NEGOTIATED,
  MXR_PEER_ERROR_BUSY,
  MXR_PEER_ERROR_FAILED,
} MxrPeerError;

/**
 * MxrPeer:
 *
 * Two halves: one on the control thread, one on a network thread (the "link": transport and RTP session). They talk
 * through mailboxes only. All functions below and all events belong to the control thread.
 */
typedef struct _MxrPeer MxrPeer;

/* What the peers of a room share; outlives them. */
typedef struct {
  const MxrConfig *config;
  MxrNet *net;
  MxrFragments *fragments;
  MxrMailbox *control;   /* of the control thread */
  MxrDecodePool *pool;   /* of pictures */
  MxrPeerDelays *delays; /* peers take references of their own */
  gint64 timeline_us;    /* monotonic time at which the running time of the room's pipeline is 0 */
} MxrPeerEnv;

typedef struct {
  /* From within mxr_peer_negotiate(): an uplink's bin is there, to be added to the pipeline and linked. Returns: false,
   * with @error set, when that cannot be; the negotiation fails then, and the bin is let go. */
  bool (*on_uplink_added) (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data, GError **error);
  /* From within mxr_peer_negotiate() and mxr_peer_close(): it is to be taken out; nothing is pushed into it any more. */
  void (*on_uplink_removed) (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data);
  /* After an answer: the downlink now is (@codec) or is no more (%NULL). Subscribe it with mxr_peer_subscribe(). One that
   * is replaced by another of the same codec is no more first. */
  void (*on_downlink) (MxrPeer *peer, MxrRtpKind kind, const char *codec, gpointer user_data);
  /* Candidate of ours, without "a="; "" after the last. @mid (nullable): of the section that carries the transport.
   * Only after the answer that it belongs to. */
  void (*on_candidate) (MxrPeer *peer, const char *candidate, const char *mid, gpointer user_data);
  void (*on_connected) (MxrPeer *peer, gpointer user_data);
  /* The client cannot decode without a key frame, or the downlink begins with one: after a subscription is in effect
   * and the connection is there. At most one is on its way at a time. */
  void (*on_keyframe_request) (MxrPeer *peer, gpointer user_data);
  /* (nullable): A sound uplink that is not wanted was silent and has voice now, by the level that its packets carry
   * (RFC 6464). At most one is on its way at a time. It is news, not a state: mxr_peer_take_audio_level() has the level.
   * Never for a client whose packets carry no level; see mxr_peer_set_wanted(). */
  void (*on_voice) (MxrPeer *peer, gpointer user_data);
  /* (nullable): What the way to the client carries has changed by a tenth, or is known for the first time; at most ten times
   * a second. mxr_peer_get_bandwidth() has it. */
  void (*on_bandwidth) (MxrPeer *peer, gpointer user_data);
  /* ICE, DTLS or consent failed, or the client closed the connection. */
  void (*on_failed) (MxrPeer *peer, const char *reason, gpointer user_data);
} MxrPeerEvents;

/* The way down to the client. */
typedef struct {
  guint estimate_bps; /* of sound, picture and repairs together */
  bool is_measured;   /* false: the configured belief, for clients who tell nothing too */
  double loss;        /* [0..1], lately */
  double rtt_ms;      /* -1: unknown */
  double queue_ms;    /* by which packets were held up on the way lately */
  guint sent_bps;     /* lately */
  double paced_ms;    /* by which our own pacer held up the last frame */
} MxrPeerBandwidth;

typedef struct {
  bool connected;
  const char *local_type, *remote_type, *protocol; /* of the candidate pair in use; static */
  bool has_uplink[MXR_PEER_N_KINDS], has_downlink[MXR_PEER_N_KINDS];
  MxrRtpReceiverStats uplink[MXR_PEER_N_KINDS];
  MxrRtpSenderStats downlink[MXR_PEER_N_KINDS];
  MxrUplinkStats decoding[MXR_PEER_N_KINDS]; /* of uplinks */
  guint64 pacer_drops; /* packets of the picture that there was no time for */
  guint pacer_packets; /* that wait to be sent */
  gsize pacer_bytes;
  guint64 packets_refused; /* unauthenticated, replayed, malformed, too early */
  guint64 send_drops;      /* the socket took no more */
} MxrPeerStats;

/**
 * mxr_peer_new:
 * @id: of the participant: names the bins and the log's lines
 * @takes_uplink: false for viewers: what they would send is refused in the answer
 */
MxrPeer *mxr_peer_new (const MxrPeerEnv *env, const char *id, bool takes_uplink, const MxrPeerEvents *events, gpointer user_data);

/** mxr_peer_close: The last call, in any state, also from within an event or an answer: no event comes after it, but
 * on_uplink_removed from within, and a negotiation that is under way is not answered. The connection ends with BYE and
 * close_notify, its memory goes when the network thread is done. */
void mxr_peer_close (MxrPeer *peer);

/** MxrPeerAnswerFunc: Exactly one of @answer and @error is set; both are borrowed. */
typedef void (*MxrPeerAnswerFunc) (const char *answer, const GError *error, gpointer user_data);

/**
 * mxr_peer_negotiate:
 * @wait_for_candidates: hold the answer until gathering is done, for a second at most
 * @func: called once, later, unless the call returned false or the peer is closed first
 *
 * Errors: BAD_SDP, NOTHING_USABLE, BUSY, FAILED. With FAILED the uplinks may have changed already: offer again or close.
 */
bool mxr_peer_negotiate (MxrPeer *peer, const char *offer, bool wait_for_candidates, MxrPeerAnswerFunc func,
                         gpointer user_data, GError **error);

/** mxr_peer_restart_ice: by a trickle fragment; finishes with a fragment. Errors: NOT_NEGOTIATED, BUSY. */
bool mxr_peer_restart_ice (MxrPeer *peer, const char *ufrag, const char *pwd, MxrPeerAnswerFunc func,
                           gpointer user_data, GError **error);
bool mxr_peer_has_ice_credentials (MxrPeer *peer, const char *ufrag, const char *pwd);

/** mxr_peer_add_candidate: Errors: BAD_CANDIDATE (its syntax, or one too many), NOT_NEGOTIATED. */
bool mxr_peer_add_candidate (MxrPeer *peer, const char *candidate, GError **error);

/**
 * mxr_peer_set_wanted:
 *
 * An uplink that is not wanted is received (reports, levels, a short history) but not decoded. Wanted again, sound begins
 * where the voice began, 120 ms back at most, which the playout then holds until it shrinks in a pause; a picture asks
 * for a key frame and shows nothing new until it is there. At first pictures are wanted and sound is not. The choice is
 * the peer's: it holds for uplinks to come too. May be called from within on_uplink_added.
 *
 * The sound of a client whose packets carry no level (RFC 6464) is decoded in any case, or nobody would know how loud it
 * is. Not after mxr_peer_close(). Cost: nothing when it is so already, else a call to the network thread.
 */
void mxr_peer_set_wanted (MxrPeer *peer, MxrRtpKind kind, bool wanted);

/**
 * mxr_peer_set_max_bitrate:
 * @bps: most that the client shall send, in all (see mxr_rtp_receiver_set_max_bitrate()); 0: no limit
 *
 * Holds until it is set again, for uplinks of @kind that come later too. Clients that did not negotiate REMB are not told.
 */
void mxr_peer_set_max_bitrate (MxrPeer *peer, MxrRtpKind kind, guint bps);

/**
 * mxr_peer_pass:
 * @splice: (nullable): %NULL ends it
 * @delay_us: as of mxr_uplink_pass()
 *
 * The picture that the client sends goes to @splice as it is, as the source @peer, beginning with a key frame that is asked
 * for. An uplink that is made later is not passed.
 */
void mxr_peer_pass (MxrPeer *peer, MxrSplice *splice, gint64 delay_us);
/**
 * mxr_peer_set_tap:
 * @func: (nullable): %NULL ends it
 * @destroy: (nullable): frees @user_data when no call can come any more. Thread: any
 *
 * What the client sends, of all its uplinks and those to come, also goes to @func, whether it is decoded or not: repaired
 * as far as retransmissions, RED and 250 ms of waiting do it, and without what cannot be decoded for want of a lost frame. A
 * picture begins with a key frame, which is asked for. Silence that is not sent (DTX) is a gap in time.
 *
 * Times follow the sender's time stamps, from the earliest arrival on, so that the network's jitter is not in them. Once both
 * kinds have sender reports (RFC 3550 6.4.1) they are on one clock: what was recorded at one instant has one time.
 *
 * Holds until the next call, or the peer is closed. Cost: nothing without a tap; with one, a copy of each packet.
 */
void mxr_peer_set_tap (MxrPeer *peer, MxrTapFunc func, gpointer user_data, GDestroyNotify destroy);
/** mxr_peer_request_keyframe: Of the picture that the client sends. */
void mxr_peer_request_keyframe (MxrPeer *peer);

/** MxrPeerFunc: Thread: control. Not called after mxr_peer_close(). */
typedef void (*MxrPeerFunc) (MxrPeer *peer, gpointer user_data);

/**
 * mxr_peer_subscribe:
 * @fanout: (nullable): %NULL ends the subscription
 * @func: (nullable): called when nothing of the earlier fan-outs will be sent any more: once per call of this function, in
 *   their order. A subscription whose place was taken before it was in effect is called back with the one that took it.
 *
 * One fan-out feeds a downlink at a time. Sounds of one mixer change without a gap: the earlier one is sent until the
 * first packet of @fanout has come, for 60 ms at most, and for 25 ms when it is silent or has ended. A picture changes at
 * a key frame of @fanout, which the link asks for itself (on_keyframe_request), and again while none comes; the earlier one
 * is sent until then. One that begins, or comes after a pause, begins with the key frame that @fanout has kept, if it has
 * and what came since can be sent at once.
 */
void mxr_peer_subscribe (MxrPeer *peer, MxrRtpKind kind, MxrFanout *fanout, MxrPeerFunc func, gpointer user_data);

/** mxr_peer_get_downlink_profile: Returns: the profile-level-id (RFC 6184 8.1) that the client takes the picture in, when it
 * is H.264; else 0. */
guint mxr_peer_get_downlink_profile (MxrPeer *peer);

/** mxr_peer_get_bandwidth: As of the last on_bandwidth, or later. */
void mxr_peer_get_bandwidth (MxrPeer *peer, MxrPeerBandwidth *out_bandwidth);
/** mxr_peer_want_bitrate: @bps: in all, of the best that could be sent to this client; beyond it nothing is probed for. */
void mxr_peer_want_bitrate (MxrPeer *peer, guint bps);

/** mxr_peer_take_audio_level: Loudest level since the last call [dBov, 0..-127], or false when nothing came. */
bool mxr_peer_take_audio_level (MxrPeer *peer, int *out_level_dbov, bool *out_voice);

/** mxr_peer_get_last_packet_us: Monotonic time of the last media packet of that kind, 0: none yet. */
gint64 mxr_peer_get_last_packet_us (MxrPeer *peer, MxrRtpKind kind);

/** mxr_peer_get_stats: As of about a second ago. */
void mxr_peer_get_stats (MxrPeer *peer, MxrPeerStats *out_stats);

G_END_DECLS

#endif
