#ifndef MIXROOM_RTP_H
#define MIXROOM_RTP_H

#include "mixroom/base.h"
#include "mixroom/limits.h"

G_BEGIN_DECLS

/* RTP and RTCP of one peer's connection, without thread, clock or socket: bytes and the time are arguments.
 *
 * @now_us is monotonic [us], greater than 0, and never runs backwards within one session. Sequence numbers
 * and timestamps are in host order. Thread: a session with its receivers and senders belongs to one net
 * thread, which serialises all calls; MxrRtpPacket may be shared between threads; views and governors are the
 * caller's. */

/* RFC 8285 4.2: the longest element of the one-byte form. A longer MID is neither sent nor matched. */
#define MXR_RTP_MID_MAX_BYTES 16
/* Fixed header 12, extension 4 + MID 18 + transport-wide number 4 padded to words, OSN 2: what a sender
 * writes at most before the payload. A payloader's mtu is MXR_MTU_BYTES - MXR_RTP_OVERHEAD_MAX_BYTES + 12. */
#define MXR_RTP_OVERHEAD_MAX_BYTES 42
#define MXR_RTP_PAYLOAD_MAX_BYTES (MXR_PACKET_MAX_BYTES - MXR_RTP_OVERHEAD_MAX_BYTES)
/* A receiver per media section; the senders are the two of the downlink, and as many to come. All their
 * reports and descriptions fit one compound packet. */
#define MXR_RTP_RECEIVERS_MAX MXR_SDP_MAX_SECTIONS
#define MXR_RTP_SENDERS_MAX 4
#define MXR_RTP_CNAME_MAX_BYTES 32

typedef enum { MXR_RTP_AUDIO, MXR_RTP_VIDEO } MxrRtpKind;

/* ---- Packet views -------------------------------------------------------------------------------------- */

/**
 * MxrRtpView:
 *
 * A checked look at the bytes of one RTP packet; points into them and owns nothing. Padding is not part of
 * the payload; a payload of 0 bytes is legal (padding that probes for bandwidth).
 */
typedef struct _MxrRtpView {
  const guint8 *data; /* the whole packet */
  gsize size;
  const guint8 *payload;
  gsize payload_bytes;
  const guint8 *extension; /* elements, behind the four bytes that say profile and length; NULL without */
  gsize extension_bytes;
  guint header_bytes; /* fixed header, CSRCs and extension */
  guint32 ssrc;
  guint32 timestamp;
  guint16 seq;
  guint16 extension_profile;
  guint8 payload_type;
  bool marker;
} MxrRtpView;

/**
 * mxr_rtp_view_parse:
 *
 * Errors: false, and @out_view untouched, when version, CSRC count, extension length or padding do not fit
 * @size. Source: RFC 3550 5.1, 5.3.1.
 */
bool mxr_rtp_view_parse (MxrRtpView *out_view, const guint8 *data, gsize size);

/**
 * mxr_rtp_view_get_extension:
 * @id: as negotiated for the packet's media section; 0 finds nothing
 * @out_data: (out): points into the packet
 *
 * Finds the first element of that id in the one-byte (0xBEDE) or two-byte form (0x100x).
 *
 * Errors: false, out parameters untouched, when there is none or the elements are malformed before it.
 * Source: RFC 8285 4.2, 4.3.
 */
bool mxr_rtp_view_get_extension (const MxrRtpView *view, guint8 id, const guint8 **out_data,
                                 gsize *out_bytes);

/**
 * mxr_rtp_view_get_audio_level:
 * @out_level_dbov: (out): 0 (loudest) down to -127 (silence)
 * @out_voice: (out): the sender thinks it is speech
 *
 * Source: RFC 6464 3.
 */
bool mxr_rtp_view_get_audio_level (const MxrRtpView *view, guint8 id, int *out_level_dbov, bool *out_voice);

/**
 * mxr_rtp_view_get_orientation:
 * @out_rotation_deg: (out): 0, 90, 180 or 270, clockwise, that the receiver must turn the picture by
 * @out_flip: (out): the picture is mirrored horizontally, and is to be mirrored back
 *
 * Source: 3GPP TS 26.114 7.4.5 (urn:3gpp:video-orientation): bits 0 0 0 0 C F R1 R0.
 */
bool mxr_rtp_view_get_orientation (const MxrRtpView *view, guint8 id, guint *out_rotation_deg,
                                   bool *out_flip);

/** mxr_rtp_view_get_mid: @out_mid: (out caller-allocates): 1 to 16 visible ASCII characters. Source: RFC
 * 8843 15. */
bool mxr_rtp_view_get_mid (const MxrRtpView *view, guint8 id, char out_mid[MXR_RTP_MID_MAX_BYTES + 1]);

/** mxr_rtp_view_get_transport_seq: Source: draft-holmer-rmcat-transport-wide-cc-extensions-01 2. */
bool mxr_rtp_view_get_transport_seq (const MxrRtpView *view, guint8 id, guint16 *out_seq);

/** mxr_is_rtcp: Tells the RTCP of a muxed transport from its RTP, encrypted or not. Source: RFC 5761 4. */
bool mxr_is_rtcp (const guint8 *data, gsize size);

/* ---- Packets of a rung --------------------------------------------------------------------------------- */

/**
 * MxrRtpPacket:
 *
 * One packet of a stream that many downlinks send: made once, immutable once it is shared, counted atomically, so any thread
 * may hold and read it. The header is not kept: each downlink writes its own.
 */
typedef struct _MxrRtpPacket {
  gatomicrefcount refs;
  struct _MxrRtpPacket *aggregate; /* owned: this one and those before it as one; NULL: there is none */
  gint64 pushed_us;  /* monotonic time at which it left its encoder for the downlinks; 0: not yet */
  guint64 number;    /* among all that its fan-out was given, from 1 on; 0: not yet */
  guint32 timestamp; /* clock units on the room's timeline: running time x clock rate, mod 2^32 */
  guint16 seq;       /* the source's */
  guint16 payload_bytes;
  bool marker;
  bool is_keyframe_start;
  guint8 n_frames; /* of an aggregate: the packets that are in it; of others 1 */
  guint8 payload[];
} MxrRtpPacket;

/**
 * mxr_rtp_packet_new_from_rtp:
 * @rtp: a whole RTP packet, copied; CSRCs, extensions and padding are left behind
 * @keyframe: this packet starts a key frame
 *
 * Returns: (transfer full) (nullable): %NULL when the bytes are no RTP packet, or its payload is empty or
 * larger than %MXR_RTP_PAYLOAD_MAX_BYTES. Cost: one allocation, one copy of the payload.
 */
MxrRtpPacket *mxr_rtp_packet_new_from_rtp (const guint8 *rtp, gsize size, gboolean keyframe);
/**
 * mxr_rtp_packet_new_vp8:
 *
 * The same of a packet of VP8, with the shortest payload descriptor: without a picture id and all else that numbers frames,
 * so frames of several encoders make one stream. Temporal layers cannot be told apart any more.
 *
 * Returns: (transfer full) (nullable): %NULL also when the descriptor is cut off. Source: RFC 7741 4.2.
 */
MxrRtpPacket *mxr_rtp_packet_new_vp8 (const MxrRtpView *view, bool keyframe);
/** mxr_rtp_packet_copy: Returns: (transfer full): the same packet of another time. Cost: one allocation, one copy of the payload. */
MxrRtpPacket *mxr_rtp_packet_copy (const MxrRtpPacket *packet, guint32 timestamp);
/** mxr_vp8_descriptor_bytes: Returns: its length; 0: it is cut off. Source: RFC 7741 4.2. */
gsize mxr_vp8_descriptor_bytes (const guint8 *payload, gsize n_bytes);
MxrRtpPacket *mxr_rtp_packet_ref (MxrRtpPacket *packet);
void mxr_rtp_packet_unref (MxrRtpPacket *packet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrRtpPacket, mxr_rtp_packet_unref)

/* ---- Redundant sound ----------------------------------------------------------------------------------- */

#define MXR_RED_OFFSET_MAX 0x3fff     /* [clock units] */
#define MXR_RED_BLOCK_MAX_BYTES 0x3ff /* of an earlier packet */
#define MXR_RED_REDUNDANT_MAX 2       /* earlier packets that a sender of ours adds to one */
#define MXR_RED_BLOCKS_MAX 8          /* that are read; libwebrtc writes 2 */

/* One of the packets in a payload of RED. */
typedef struct _MxrRedBlock {
  guint8 payload_type;
  guint16 timestamp_offset; /* that it is older than the primary, the last one [clock units] */
  const guint8 *data;       /* borrowed */
  gsize n_bytes;
} MxrRedBlock;

/**
 * mxr_red_parse:
 * @out_blocks: (out): the earliest first, the primary last; they point into @payload
 *
 * Whose packets they are follows from their places: senders add the packets right before the primary, without a gap.
 *
 * Returns: how many; 0, and @out_blocks untouched, when @payload is malformed or has more than %MXR_RED_BLOCKS_MAX.
 * Source: RFC 2198 3.
 */
guint mxr_red_parse (const guint8 *payload, gsize n_bytes, MxrRedBlock out_blocks[MXR_RED_BLOCKS_MAX]);
/** mxr_red_count_bytes: Returns: what mxr_red_write() would write. */
gsize mxr_red_count_bytes (const MxrRedBlock *blocks, guint n_blocks);
/** mxr_red_write: @blocks: as of mxr_red_parse(), within the limits above. Returns: the payload's bytes. */
gsize mxr_red_write (guint8 *out, const MxrRedBlock *blocks, guint n_blocks);

/** mxr_opus_has_fec: Returns: whether a packet of Opus has a coarse copy of the one before it. Source: RFC 6716 3, 4.2.3. */
bool mxr_opus_has_fec (const guint8 *payload, gsize n_bytes);

#define MXR_OPUS_CLOCK_HZ 48000
#define MXR_OPUS_PTIME_MS 20     /* of the packets that our encoders make */
#define MXR_OPUS_PACKET_SAMPLES (MXR_OPUS_CLOCK_HZ / 1000 * MXR_OPUS_PTIME_MS)
#define MXR_OPUS_AGGREGATE_MAX 3 /* of them in one: 60 ms, the longest frame of Opus too */

/* The last packets of a sound, for the next aggregate. Fields are private; begins as zeros. Thread: the producer's. */
typedef struct _MxrOpusAggregator {
  struct OpusRepacketizer *repacketizer; /* owned; NULL: none yet */
  guint n_last;
  MxrRtpPacket *last[MXR_OPUS_AGGREGATE_MAX]; /* owned, one right behind the other */
} MxrOpusAggregator;

/**
 * mxr_opus_aggregate:
 * @n_frames: how many packets are put into one [2..MXR_OPUS_AGGREGATE_MAX]
 * @packet: the next of its stream, with its payload as libopus made it
 *
 * The same frames behind one header, so nothing is encoded for it.
 *
 * Returns: (transfer full) (nullable): @packet and the @n_frames - 1 before it as one packet; its time stamps are the first one's, its
 * numbers @packet's. %NULL: there are not so many without a gap yet, they are of different modes, too large, or not of
 * %MXR_OPUS_PTIME_MS; or @packet says that there is silence (DTX), which it can only by itself. Source: RFC 6716 3.2.
 */
MxrRtpPacket *mxr_opus_aggregate (MxrOpusAggregator *aggregator, guint n_frames, MxrRtpPacket *packet);
/** mxr_opus_aggregator_clear: The next packet has none before it. Nothing is allocated after it. */
void mxr_opus_aggregator_clear (MxrOpusAggregator *aggregator);

/* ---- Session ------------------------------------------------------------------------------------------- */

typedef struct _MxrRtpSession MxrRtpSession;
typedef struct _MxrRtpReceiver MxrRtpReceiver; /* one uplink stream: media and its retransmissions */
typedef struct _MxrRtpSender MxrRtpSender;     /* one downlink stream: the same */

typedef struct _MxrRtpSessionConfig {
  const char *cname;     /* 1 to MXR_RTP_CNAME_MAX_BYTES; the same for audio and video of a peer (lip sync) */
  guint32 ssrc;          /* of our feedback, and of reports while no sender is active */
  guint64 random_seed;   /* spreads report times and first numbers of retransmissions */
  gint64 wall_offset_us; /* Unix time minus monotonic: makes the NTP time of sender reports */
  bool reduced_size;     /* a=rtcp-rsize: feedback may travel without reports (RFC 5506) */
  guint start_bps;       /* that the way to the client is believed to carry; 0: it is not estimated */
  guint min_bps, max_bps;
} MxrRtpSessionConfig;

/**
 * MxrRtpSessionEvents:
 *
 * Called synchronously from within the session functions, in the net thread. Members may be %NULL. A callback
 * may read statistics and call mxr_rtp_session_request_keyframe(); it must not add or remove receivers and
 * senders, send, receive, poll or free: do that after the session function has returned.
 */
typedef struct _MxrRtpSessionEvents {
  /* One compound or reduced-size packet to protect and send. @data may be overwritten, and has
   * MXR_SRTP_TRAILER_BYTES of room behind @size. From mxr_rtp_session_poll() and _send_bye(). */
  void (*on_send_rtcp) (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data);
  /* Where the next packet or retransmission of @sender shall be written: MXR_PACKET_MAX_BYTES, and
   * MXR_SRTP_TRAILER_BYTES behind them; %NULL: nothing can be sent now. on_send_rtp follows at once, or the packet
   * had no place in the stream and nothing does. From mxr_rtp_sender_send(), mxr_rtp_session_receive_rtcp() and
   * mxr_rtp_session_poll(), which probes. */
  guint8 *(*on_reserve_rtp) (MxrRtpSender *sender, gpointer user_data);
  /* What was written there: the owner of the bytes may collect packets, in order, and send them later in one go.
   * Without RTX a repetition carries a sequence number again, with equal bytes: libsrtp needs `allow_repeat_tx`. */
  void (*on_send_rtp) (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data);
  /* @view: of the original packet, RTX already unwrapped; view->data, view->size are the whole of it, valid
   * during the call. @extended_seq: grows by one a packet and never wraps; late packets have smaller ones;
   * begins anew, above all earlier ones, when the stream restarts or view->ssrc changes. No duplicates. */
  void (*on_receive_rtp) (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq,
                          gint64 now_us, gpointer user_data);
  /* PLI or FIR, at most once per sender and RTCP packet. Not rate limited: that is MxrKeyframeGovernor's. */
  void (*on_keyframe_request) (MxrRtpSender *sender, gpointer user_data);
  /* The client ended the stream. Once, until it sends again. */
  void (*on_bye) (MxrRtpReceiver *receiver, gpointer user_data);
} MxrRtpSessionEvents;

typedef struct _MxrRtpSessionStats {
  guint64 rtcp_packets_received, rtcp_packets_sent;
  guint64 feedback_sent;                 /* transport-wide feedback messages */
  guint64 feedback_received;             /* the same, from the client */
  guint64 feedback_acked, feedback_lost; /* packets of ours the client reported as received, missing */
  guint64 remb_bps;                      /* latest receiver estimate; 0: none yet */
  double rtt_ms;                         /* smoothed over all senders; -1: unknown */
  guint64 dropped_malformed;             /* not RTP, or larger than MXR_PACKET_MAX_BYTES */
  guint64 dropped_malformed_rtcp;        /* packets of which nothing or not all could be read */
  guint64 dropped_unknown_source;        /* no section claims the SSRC */
  guint64 dropped_payload_type;          /* section known, payload type not negotiated for it */
  guint64 dropped_ssrc_change;           /* the source changed again too early */
  guint64 dropped_rtx;                   /* retransmissions of nothing we know, and empty ones (probes) */
  guint64 dropped_duplicate;             /* seen before */
  guint64 dropped_sequence;              /* too old, or a jump not yet confirmed by a second packet */
} MxrRtpSessionStats;

/**
 * mxr_rtp_session_new:
 * @config: copied
 * @events: outlives the session
 *
 * gst_init() was called before: RTCP is read and written through GStreamer's buffers.
 */
MxrRtpSession *mxr_rtp_session_new (const MxrRtpSessionConfig *config, const MxrRtpSessionEvents *events,
                                    gpointer user_data);
/** mxr_rtp_session_free: With all its receivers and senders; sends nothing. */
void mxr_rtp_session_free (MxrRtpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrRtpSession, mxr_rtp_session_free)

/**
 * mxr_rtp_session_set_timeline:
 * @base_us: monotonic time at which the room's timeline is 0 (pipeline's base time)
 *
 * A sender report says the RTP time of the instant it is made: (now - base) x clock rate + the sender's
 * offset. Until this is called no sender reports are sent, only receiver reports.
 */
void mxr_rtp_session_set_timeline (MxrRtpSession *session, gint64 base_us);

/**
 * mxr_rtp_session_receive_rtp:
 * @data: a decrypted packet; RTX is unwrapped in place, so the bytes may change
 *
 * Finds the section (known SSRC, MID, payload type if only one section has it), records the arrival for
 * feedback and calls on_receive_rtp. Sends nothing: mxr_rtp_session_poll() does, when it is due. Whatever is
 * wrong with the bytes is counted and dropped. Source: RFC 8843 9.2.
 */
void mxr_rtp_session_receive_rtp (MxrRtpSession *session, guint8 *data, gsize size, gint64 now_us);

/**
 * mxr_rtp_session_receive_rtcp:
 *
 * Reads SR, RR, BYE, NACK, PLI, FIR, REMB and transport-wide feedback; others are passed over. Compound or
 * reduced-size. May call on_send_rtp (retransmissions), on_keyframe_request and on_bye.
 */
void mxr_rtp_session_receive_rtcp (MxrRtpSession *session, const guint8 *data, gsize size, gint64 now_us);

/**
 * mxr_rtp_session_poll:
 *
 * Sends what is due: reports (about one a second, spread at random by half; at once when a sender starts),
 * NACKs, PLIs, transport-wide feedback, and what a probe for bandwidth is made of.
 *
 * Returns: when to poll again at the latest [us], as mxr_rtp_session_get_due_us(). Cost: a few comparisons per stream
 * when nothing is due.
 */
gint64 mxr_rtp_session_poll (MxrRtpSession *session, gint64 now_us);

/**
 * mxr_rtp_session_get_due_us:
 *
 * Returns: monotonic time of the next poll; in the past: it is due. Received packets may bring it forward (NACK,
 * feedback), and so may the first packet of a sender (its report). Cost: a few comparisons per stream.
 */
gint64 mxr_rtp_session_get_due_us (const MxrRtpSession *session);

/** mxr_rtp_session_send_bye: Last report and BYE of all our SSRCs. */
void mxr_rtp_session_send_bye (MxrRtpSession *session, gint64 now_us);

void mxr_rtp_session_get_stats (const MxrRtpSession *session, MxrRtpSessionStats *out_stats);

/* ---- Receivers ----------------------------------------------------------------------------------------- */

/* Extension ids are those of this media section: the same id may mean another in the next. 0: none. */
typedef struct _MxrRtpReceiverConfig {
  MxrRtpKind kind;
  const char *mid; /* (nullable): copied */
  guint8 payload_type;
  guint clock_rate;     /* Hz, not 0 */
  int rtx_payload_type; /* -1: none */
  guint8 red_payload_type; /* 0: none; such packets come to on_receive_rtp as they are */
  guint32 ssrc;         /* 0: learn */
  guint32 rtx_ssrc;     /* 0: learn by payload type */
  guint8 mid_id;
  guint8 transport_seq_id;
  bool nack;
  bool pli;
  bool transport_cc; /* send feedback for transport_seq_id */
  bool remb;         /* mxr_rtp_receiver_set_max_bitrate() has an effect */
  guint64 above;     /* extended numbers are higher than this one; 0: whatever they are */
  gpointer user_data;
} MxrRtpReceiverConfig;

typedef struct _MxrRtpReceiverStats {
  guint32 ssrc;           /* 0: nothing received yet and none signalled */
  guint64 packets, bytes; /* originals, whole RTP packets without SRTP's trailer */
  guint64 rtx_packets;    /* recovered by retransmission: what a sender likes to call so */
  guint64 rtx_bytes;      /* of these, unwrapped */
  guint64 duplicates;
  gint64 lost;             /* expected minus received, recovered ones not deducted; below 0 with duplicates */
  double fraction_lost;    /* [0..1], of the last report interval */
  double jitter_ms;        /* interarrival jitter, RFC 3550 6.4.1 */
  guint64 nacks_sent;      /* sequence numbers asked for, repetitions included */
  guint64 nacks_abandoned; /* sequence numbers given up */
  guint64 plis_sent;
  guint64 ssrc_changes;
  gint64 last_packet_us; /* monotonic; 0: none yet */
  guint64 sr_ntp;        /* last sender report: 32.32 fixed point since 1900; 0: none yet */
  guint32 sr_rtp;        /* the same instant in its RTP time */
  gint64 sr_arrival_us;  /* monotonic */
} MxrRtpReceiverStats;

/** mxr_rtp_session_add_receiver: Returns: (transfer none) (nullable): %NULL when there are
 * %MXR_RTP_RECEIVERS_MAX. */
MxrRtpReceiver *mxr_rtp_session_add_receiver (MxrRtpSession *session, const MxrRtpReceiverConfig *config);
/** mxr_rtp_session_remove_receiver: @receiver is freed. */
void mxr_rtp_session_remove_receiver (MxrRtpSession *session, MxrRtpReceiver *receiver);
gpointer mxr_rtp_receiver_get_user_data (const MxrRtpReceiver *receiver);
/** mxr_rtp_receiver_get_highest: Of extended numbers, so far: what another receiver, whose packets go the same way, is to begin above. */
guint64 mxr_rtp_receiver_get_highest (const MxrRtpReceiver *receiver);
void mxr_rtp_receiver_get_stats (const MxrRtpReceiver *receiver, MxrRtpReceiverStats *out_stats);

/**
 * mxr_rtp_session_request_keyframe:
 *
 * Lets the next poll send a PLI. Within 350 ms of the last one, where a sender may pass it over, it is sent when they have
 * passed, never dropped; whether the key frame came is the caller's to see. Returns: false when PLI was not negotiated or
 * the SSRC is not known yet; then nothing is sent.
 */
bool mxr_rtp_session_request_keyframe (MxrRtpSession *session, MxrRtpReceiver *receiver, gint64 now_us);

/**
 * mxr_rtp_receiver_set_max_bitrate:
 * @bps: most that the client shall send; 0: no limit
 *
 * Told to the client by REMB: with the next poll, which is due at once, then in each report for as long as the limit
 * holds; that it holds no more, in a few reports. libwebrtc takes the number for all that it sends on the connection,
 * sound and repairs included. The value is rounded down to 18 bits of precision. Nothing is sent before the SSRC is
 * known, nor when REMB was not negotiated. Source: draft-alvestrand-rmcat-remb-03 2.2.
 */
void mxr_rtp_receiver_set_max_bitrate (MxrRtpReceiver *receiver, guint bps);
/** mxr_rtp_receiver_set_red_payload_type: 0: none any more. */
void mxr_rtp_receiver_set_red_payload_type (MxrRtpReceiver *receiver, guint8 payload_type);

/* ---- Senders ------------------------------------------------------------------------------------------- */

typedef struct _MxrRtpSenderConfig {
  MxrRtpKind kind;
  guint32 ssrc; /* not 0 */
  guint8 payload_type;
  guint clock_rate;     /* Hz, not 0 */
  guint32 rtx_ssrc;     /* 0: none */
  int rtx_payload_type; /* -1: none; both are needed for RTX, else repetitions are plain */
  guint8 red_payload_type; /* 0: none; else earlier packets go along while the client loses some. Needs a history */
  const char *mid;      /* (nullable): copied */
  guint8 mid_id;        /* 0: none */
  guint8 transport_seq_id;
  guint history_packets; /* power of two up to 4096, or 0: no retransmission */
  guint16 initial_seq; /* below 2^15, so that a loss near the start cannot hide a rollover (RFC 3711 3.3.1) */
  guint32 timestamp_offset; /* added to the room's timeline */
  gpointer user_data;
} MxrRtpSenderConfig;

typedef struct _MxrRtpSenderStats {
  guint32 ssrc;
  guint64 packets, bytes;         /* first transmissions, whole RTP packets without SRTP's trailer */
  guint64 rtx_packets, rtx_bytes; /* retransmissions of either form */
  guint64 probe_packets, probe_bytes; /* on the retransmission stream, of nothing that was asked for */
  guint64 refused;                /* late or repeated packets of a source that could not be placed, or had no room */
  guint64 nacks_received;         /* sequence numbers asked for */
  guint64
      nacks_unanswered; /* of these: not in the history, sent less than a round trip ago, or over the rate */
  guint64 plis_received, firs_received;
  gint64 lost;           /* as the client reports it, cumulative */
  double fraction_lost;  /* [0..1], in its last report */
  double jitter_ms;      /* as the client reports it */
  double rtt_ms;         /* last measured; -1: unknown */
  gint64 last_packet_us; /* monotonic; 0: none yet */
  gint64 last_report_us; /* last report block about us; 0: none yet */
  double loss;           /* [0..1], over the last few hundred packets, as the client reports it */
  bool has_red;          /* the client takes RED */
  guint red_blocks;      /* earlier packets that go along with each at the moment */
  guint64 red_packets;   /* that had any */
} MxrRtpSenderStats;

/** mxr_rtp_session_add_sender: Returns: (transfer none) (nullable): %NULL when there are
 * %MXR_RTP_SENDERS_MAX. */
MxrRtpSender *mxr_rtp_session_add_sender (MxrRtpSession *session, const MxrRtpSenderConfig *config);
/**
 * mxr_rtp_session_remove_sender:
 *
 * @sender is freed and its history released. Under the same SRTP key its SSRC must not be used again: the
 * numbers would begin anew.
 */
void mxr_rtp_session_remove_sender (MxrRtpSession *session, MxrRtpSender *sender);
gpointer mxr_rtp_sender_get_user_data (const MxrRtpSender *sender);
void mxr_rtp_sender_get_stats (const MxrRtpSender *sender, MxrRtpSenderStats *out_stats);

/**
 * mxr_rtp_sender_send:
 * @packet: (transfer none): the history takes a reference of its own
 * @source_tag: which source (rung) the packet is of, compared only, never followed; not %NULL
 * @now_us: monotonic
 *
 * Writes the packet as one of this downlink, where on_reserve_rtp says, and calls on_send_rtp. Within a source its gaps stay gaps (at
 * most 1000 packets; a larger jump goes on by one) and late packets take the place left for them; another
 * source goes on by one. The timestamp is the packet's plus the offset. The MID goes along until the client
 * has reported about us; packets of one timestamp all have it or all have it not, so that their headers are of
 * one size.
 *
 * Returns: false when nothing was sent: a repeated or too late packet of the source, or no room for it.
 * Cost: one copy of the payload, no allocation.
 */
bool mxr_rtp_sender_send (MxrRtpSender *sender, MxrRtpPacket *packet, gpointer source_tag, gint64 now_us);

/** mxr_rtp_sender_is_lossy: Whether so much is lost on the way of a sound that copies of it are due (RFC 2198), if the client takes them. */
bool mxr_rtp_sender_is_lossy (const MxrRtpSender *sender);

/** mxr_rtp_sender_cut: Packets of the source were left out on purpose: the next one goes on by one, whatever its number, so
 * that the client misses nothing that it could ask for. */
void mxr_rtp_sender_cut (MxrRtpSender *sender);

/**
 * mxr_rtp_sender_set_payload_type:
 * @rtx_payload_type: that repairs @payload_type; -1: none
 *
 * For another codec on the same stream, from the next packet on. What was sent with the former payload type
 * is not retransmitted any more.
 */
void mxr_rtp_sender_set_payload_type (MxrRtpSender *sender, guint8 payload_type, int rtx_payload_type);
/** mxr_rtp_sender_set_red_payload_type: From the next packet on; 0: none. */
void mxr_rtp_sender_set_red_payload_type (MxrRtpSender *sender, guint8 payload_type);

/* ---- Bandwidth estimation ------------------------------------------------------------------------------ */

/**
 * MxrBandwidth:
 *
 * What the way to one client carries, by its transport-wide feedback, its loss and its own estimate (REMB). Pure: the
 * time is an argument, and nothing is sent from here: the owner asks for probes and sends them.
 * Source: draft-ietf-rmcat-gcc-02, draft-holmer-rmcat-transport-wide-cc-extensions-01, draft-alvestrand-rmcat-remb-03.
 */
typedef struct _MxrBandwidth MxrBandwidth;

typedef struct {
  guint start_bps; /* believed until something is known */
  guint min_bps, max_bps;
} MxrBandwidthConfig;

typedef enum {
  MXR_BANDWIDTH_NORMAL,
  MXR_BANDWIDTH_OVERUSE,  /* queues grow */
  MXR_BANDWIDTH_UNDERUSE, /* queues drain */
} MxrBandwidthUse;

typedef struct {
  guint estimate_bps; /* of all that is sent, IP and UDP headers not counted */
  guint delay_bps;    /* by the delay gradient alone; 0: no feedback yet */
  guint loss_bps;     /* by loss alone; 0: no limit */
  guint remb_bps;     /* the client's own; 0: none */
  guint acked_bps;    /* what arrived lately; 0: not known */
  double loss;        /* [0..1], smoothed */
  double queue_ms;    /* by which packets are later than the fastest lately */
  MxrBandwidthUse use;
  bool is_measured; /* some feedback or REMB came: the estimate is more than a belief */
} MxrBandwidthState;

/* A burst above the estimate by which more is found out. */
typedef struct {
  guint id; /* not 0: of each of its packets in mxr_bandwidth_sent() */
  guint rate_bps;
  guint n_bytes; /* at least, in at least 5 packets */
} MxrBandwidthProbe;

MxrBandwidth *mxr_bandwidth_new (const MxrBandwidthConfig *config);
void mxr_bandwidth_free (MxrBandwidth *bandwidth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrBandwidth, mxr_bandwidth_free)

/** mxr_bandwidth_sent: Each packet with a transport-wide number. @probe: of which probe it is part; 0: of none.
 * Cost: constant, allocates nothing. */
void mxr_bandwidth_sent (MxrBandwidth *bandwidth, guint16 transport_seq, gsize n_bytes, guint probe, gint64 now_us);

/** mxr_bandwidth_feedback: @fci: of one transport-wide feedback message. Returns: false, with nothing changed, when it is
 * malformed. */
bool mxr_bandwidth_feedback (MxrBandwidth *bandwidth, const guint8 *fci, gsize size, gint64 now_us);

/** mxr_bandwidth_report: A reception report of the client about one of our streams. @rtt_ms: -1: unknown. */
void mxr_bandwidth_report (MxrBandwidth *bandwidth, double fraction_lost, double rtt_ms, gint64 now_us);
void mxr_bandwidth_remb (MxrBandwidth *bandwidth, guint64 bps, gint64 now_us);

/** mxr_bandwidth_want: @bps: what there is use for: no more is probed for. 0: no probes. */
void mxr_bandwidth_want (MxrBandwidth *bandwidth, guint bps);

/** mxr_bandwidth_next_probe: Returns: whether one is due now; it counts as begun then. */
bool mxr_bandwidth_next_probe (MxrBandwidth *bandwidth, gint64 now_us, MxrBandwidthProbe *out_probe);

/** mxr_bandwidth_poll: What follows from time alone: feedback that stays away, probes. Returns: when to poll again. */
gint64 mxr_bandwidth_poll (MxrBandwidth *bandwidth, gint64 now_us);
void mxr_bandwidth_get_state (const MxrBandwidth *bandwidth, MxrBandwidthState *out_state);

/** mxr_rtp_session_get_bandwidth: Of the way to the client. Returns: false, @out_state untouched, when the session does not
 * estimate it. */
bool mxr_rtp_session_get_bandwidth (const MxrRtpSession *session, MxrBandwidthState *out_state);

/**
 * mxr_rtp_session_want_bitrate:
 * @bps: as of mxr_bandwidth_want()
 *
 * Probes are packets of the retransmission stream of a picture: what was sent lately once more, or padding alone when they
 * are to be small. Without such a stream, or without transport-wide numbers on it, nothing is probed for.
 */
void mxr_rtp_session_want_bitrate (MxrRtpSession *session, guint bps);

/* ---- Key frame governor -------------------------------------------------------------------------------- */

/**
 * MxrKeyframeGovernor:
 *
 * Merges the key frame requests of all subscribers of a rung: at most one key frame per interval, and a
 * request inside the interval is answered at its end. Fields are private. The caller serialises.
 */
typedef struct _MxrKeyframeGovernor {
  gint64 interval_us;
  gint64 last_us; /* of the last key frame asked for; G_MININT64: never */
  bool is_pending;
} MxrKeyframeGovernor;

void mxr_keyframe_governor_init (MxrKeyframeGovernor *governor, gint64 interval_us);
/** mxr_keyframe_governor_request: Returns: true: make a key frame now; false: it is pending. */
bool mxr_keyframe_governor_request (MxrKeyframeGovernor *governor, gint64 now_us);
/** mxr_keyframe_governor_next_due_us: Returns: when to poll; %G_MAXINT64 when nothing is pending. */
gint64 mxr_keyframe_governor_next_due_us (const MxrKeyframeGovernor *governor);
/** mxr_keyframe_governor_poll: Returns: true: make the pending key frame now. */
bool mxr_keyframe_governor_poll (MxrKeyframeGovernor *governor, gint64 now_us);

/**
 * mxr_keyframe_governor_repeat:
 * @came_us: when the newest key frame came; 0: none has
 *
 * Where another one makes key frames, to whom a request may be lost on its way. Returns: true: ask again now: for an
 * interval, a second at least, nothing has come of what was asked for last.
 */
bool mxr_keyframe_governor_repeat (MxrKeyframeGovernor *governor, gint64 came_us, gint64 now_us);

/* ---- Reorder buffer ------------------------------------------------------------------------------------ */

/**
 * MxrReorder:
 *
 * Puts the packets of one stream back in order. What is in order goes out at once; what is missing is waited for until a
 * deadline, then told as lost. It holds packets as opaque items and copies nothing.
 *
 * After each mxr_reorder_push(), and when mxr_reorder_due_us() has come, call mxr_reorder_pop() until it has no more.
 * The caller serialises. Nothing is allocated after mxr_reorder_new().
 */
typedef struct _MxrReorder MxrReorder;

typedef struct _MxrReorderConfig {
  guint n_slots;      /* power of two: packets that wait at most, and how far ahead of a missing one they may be */
  gsize max_bytes;    /* of what waits; more, and the oldest missing packet is given up at once */
  gint64 patience_us; /* with a missing packet, from when it was missed */
  /* Sound plays from a cushion that is a few times the jitter: what is later than that is not waited for, though there
   * were patience left. Else every packet is waited for with all patience: a repair takes a round trip. */
  bool follows_jitter;
  guint clock_rate; /* [Hz] of time stamps; for follows_jitter */
} MxrReorderConfig;

typedef struct _MxrReorderPacket {
  guint64 extended_seq; /* as of on_receive_rtp */
  guint32 timestamp;
  gint64 arrival_us;
  gsize n_bytes; /* counted for max_bytes */
  gpointer item; /* the packet; owned by the buffer while it is inside */
  bool is_recovered; /* out of a later packet: its arrival says nothing of the way */
  gconstpointer tag; /* these two come out as they went in */
  guint flags;
} MxrReorderPacket;

typedef enum {
  MXR_REORDER_NONE,    /* nothing to do before mxr_reorder_due_us() or the next packet */
  MXR_REORDER_PACKET,  /* the next one in order; its item is the caller's again */
  MXR_REORDER_LOST,    /* the packets before the next one will not come, or are not waited for */
  MXR_REORDER_RESTART, /* the next one has nothing to do with what was before: the sender began anew */
} MxrReorderResult;

typedef struct _MxrReorderStats {
  guint64 lost;      /* told as lost */
  guint64 late;      /* refused: came after they were given up */
  guint64 reordered; /* came after one that is behind them, and in time */
  guint n_waiting;
} MxrReorderStats;

/** mxr_reorder_new: @free_item: for what is inside when it is reset or freed. */
MxrReorder *mxr_reorder_new (const MxrReorderConfig *config, GDestroyNotify free_item);
void mxr_reorder_free (MxrReorder *reorder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrReorder, mxr_reorder_free)

/** mxr_reorder_reset: Forgets what waits. The stream goes on with @next_seq; 0: with whatever packet comes next. */
void mxr_reorder_reset (MxrReorder *reorder, guint64 next_seq);

/**
 * mxr_reorder_push:
 *
 * Returns: false when it came too late or twice; its item stays the caller's then.
 * Cost: constant, but for a look at what waits when a gap moves to the front.
 */
bool mxr_reorder_push (MxrReorder *reorder, const MxrReorderPacket *packet);

/** mxr_reorder_is_missing: Returns: whether that number has not come and would still be of use; false before the first. */
bool mxr_reorder_is_missing (const MxrReorder *reorder, guint64 extended_seq);

/**
 * mxr_reorder_pop:
 * @out_packet: (out): set with PACKET
 * @out_n_lost: (out): set with LOST: how many
 */
MxrReorderResult mxr_reorder_pop (MxrReorder *reorder, gint64 now_us, MxrReorderPacket *out_packet, guint *out_n_lost);

/** mxr_reorder_due_us: Returns: when to pop though nothing came; %G_MAXINT64 when nothing waits. */
gint64 mxr_reorder_due_us (const MxrReorder *reorder);
void mxr_reorder_get_stats (const MxrReorder *reorder, MxrReorderStats *out_stats);

G_END_DECLS

#endif
