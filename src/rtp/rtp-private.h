#ifndef MXR_RTP_PRIVATE_H
#define MXR_RTP_PRIVATE_H

#include "mixroom/rtp.h"

#include "bandwidth-private.h"
#include "bytes.h"

#include <gst/rtp/gstrtcpbuffer.h>

/* ---- When ----------------------------------------------------------------------------------------------- */

/* What has time stands on a grid, so that the sessions of a thread, in which nothing else happens, wake it together. */
#define MXR_RTP_GRID_US (50 * 1000)

static inline gint64
mxr_rtp_round_us (gint64 us)
{
  return us + MXR_RTP_GRID_US - 1 - (us - 1) % MXR_RTP_GRID_US;
}

/* ---- packet.c: packets of a rung ------------------------------------------------------------------------ */

/** mxr_rtp_packet_new: The payload is still to be written. */
MxrRtpPacket *mxr_rtp_packet_new (const MxrRtpView *view, gsize payload_bytes, bool keyframe);

/* ---- sequence.c: extended sequence numbers ------------------------------------------------------------- */

/* Packets behind the highest that are still told apart from duplicates. RFC 3550 A.1 has 100; retransmissions
 * come back half a second late, which is 500 packets of a fast stream. */
#define MXR_SEQ_WINDOW 1024
/* RFC 3550 A.1: a larger jump ahead means another stream, believed when a second packet follows. */
#define MXR_SEQ_MAX_DROPOUT 3000

typedef struct {
  guint64 highest;
  guint64 seen[MXR_SEQ_WINDOW / 64]; /* bit: index modulo the window */
  guint64 next_cycle;                /* the first index is above this */
  int bad_seq;                       /* expected next after a jump; -1: none */
  bool started;
} MxrSeqState;

typedef enum {
  MXR_SEQ_ADVANCED,  /* the highest so far */
  MXR_SEQ_LATE,      /* not seen before, below the highest */
  MXR_SEQ_RESTARTED, /* first of all, or after a confirmed jump */
  MXR_SEQ_DUPLICATE,
  MXR_SEQ_REFUSED, /* too old, or a jump not yet confirmed */
} MxrSeqResult;

void mxr_seq_init (MxrSeqState *state, guint64 above);
guint64 mxr_seq_nearest (guint64 highest, guint16 seq);
MxrSeqResult mxr_seq_update (MxrSeqState *state, guint16 seq, bool may_restart, guint64 *out_index);

/* ---- reception.c: statistics of one received SSRC ------------------------------------------------------ */

typedef struct {
  guint32 ssrc;      /* 0: none yet */
  gint64 latched_us; /* heard since; 0: signalled or none */
  guint clock_rate;
  MxrSeqState seq;
  guint64 first;      /* index the count of expected packets starts at */
  guint64 received;   /* since first */
  gint64 lost_before; /* of runs before the last restart */
  guint64 expected_prior, received_prior;
  guint32 transit;
  guint32 jitter_q4; /* clock units x 16 */
  bool has_transit;
  bool is_fresh; /* received something since the last report */
  double fraction_lost;
  guint64 sr_ntp;
  guint32 sr_rtp;
  gint64 sr_arrival_us;
} MxrReception;

typedef struct {
  guint32 ssrc;
  guint8 fraction_lost;
  gint32 lost;
  guint32 highest;
  guint32 jitter;
  guint32 lsr;
  guint32 dlsr;
} MxrReportBlock;

void mxr_reception_start (MxrReception *reception, guint32 ssrc, gint64 now_us);
MxrSeqResult mxr_reception_update (MxrReception *reception, guint16 seq, guint32 timestamp, gint64 now_us,
                                   guint64 *out_index);
gint64 mxr_reception_count_lost (const MxrReception *reception);
void mxr_reception_set_sr (MxrReception *reception, guint64 ntp, guint32 rtp, gint64 now_us);
void mxr_reception_report (MxrReception *reception, gint64 now_us, MxrReportBlock *out_block);

/* ---- nack.c: what is missing --------------------------------------------------------------------------- */

#define MXR_NACK_WINDOW 1024
/* A larger gap costs more to repair than a key frame. */
#define MXR_NACK_MAX_GAP 1000

typedef struct {
  gint64 found_us;
  gint64 due_us;
  guint8 tries;
  bool is_missing;
} MxrNackEntry;

typedef struct {
  MxrNackEntry entries[MXR_NACK_WINDOW]; /* index modulo the window */
  guint64 oldest;                        /* nothing below is missing */
  guint64 end;                           /* nothing from here on is known */
  guint n_missing;
  gint64 due_us; /* of the first entry, or earlier */
} MxrNackList;

typedef struct {
  guint16 pid;
  guint16 blp;
} MxrNackPair;

void mxr_nack_list_reset (MxrNackList *list, guint64 end);
bool mxr_nack_list_advance (MxrNackList *list, guint64 index, gint64 now_us);
void mxr_nack_list_remove (MxrNackList *list, guint64 index);
guint mxr_nack_list_collect (MxrNackList *list, gint64 now_us, gint64 rtt_us, MxrNackPair *pairs,
                             guint max_pairs, guint *out_asked, guint *out_abandoned);
gint64 mxr_nack_list_due_us (const MxrNackList *list);

/* ---- twcc.c: transport-wide arrivals and feedback ------------------------------------------------------ */

#define MXR_TWCC_WINDOW 1024
#define MXR_TWCC_MAX_PACKETS 100
#define MXR_TWCC_INTERVAL_US (50 * 1000)
#define MXR_TWCC_INTERVAL_MAX_US (250 * 1000)
#define MXR_TWCC_INTERVAL_SPARSE_US (500 * 1000)

typedef struct {
  gint64 arrival_us[MXR_TWCC_WINDOW]; /* index modulo the window; 0: not received */
  guint64 highest;
  guint64 base; /* first index the next feedback tells about */
  guint n_unreported;
  gint64 unreported_since_us;
  gint64 interval_us;
  int bad_seq;
  guint8 feedback_count;
  bool started;
} MxrTwccRecorder;

void mxr_twcc_recorder_init (MxrTwccRecorder *recorder);
void mxr_twcc_recorder_add (MxrTwccRecorder *recorder, guint16 seq, gint64 now_us);
void mxr_twcc_recorder_set_rate (MxrTwccRecorder *recorder, guint bps);
gint64 mxr_twcc_recorder_due_us (const MxrTwccRecorder *recorder);
gsize mxr_twcc_recorder_build (MxrTwccRecorder *recorder, guint8 *fci, gsize max_bytes);

/* ---- history.c: what was sent -------------------------------------------------------------------------- */

#define MXR_HISTORY_MAX_PACKETS 4096

/* All that is needed to write the packet again byte by byte. */
typedef struct {
  MxrRtpPacket *packet; /* owned; NULL: empty */
  guint64 index;        /* extended sequence number */
  gint64 repeated_us;   /* last retransmission; 0: none */
  guint16 transport_seq;
  guint8 payload_type;
  guint8 red_payload_type; /* of the packet as it went out, if others went along */
  bool has_mid;
  guint8 n_redundant; /* the packets before that went along, which are in the history themselves */
} MxrHistoryEntry;

typedef struct {
  MxrHistoryEntry *entries; /* index modulo n_entries */
  guint n_entries;          /* power of two, or 0 */
} MxrHistory;

void mxr_history_init (MxrHistory *history, guint n_entries);
void mxr_history_clear (MxrHistory *history);
MxrHistoryEntry *mxr_history_find (const MxrHistory *history, guint64 index);
void mxr_history_add (MxrHistory *history, const MxrHistoryEntry *entry);

/* ---- red.c: earlier packets that go along -------------------------------------------------------------- */

/* For whom, and how many. Counted in packets, so that a pause is no good news. */
typedef struct {
  double loss;     /* over the last few hundred packets */
  guint64 n_sent;  /* packets, at the report that counted last */
  guint64 n_clean; /* packets since it was more than next to nothing */
  guint n_blocks;  /* [0..MXR_RED_REDUNDANT_MAX] */
} MxrRedControl;

/* @n_sent: packets in all; @carried_bps: as of mxr_rtp_downlink_get_measured_bps() */
void mxr_red_control_report (MxrRedControl *control, double fraction_lost, guint64 n_sent, guint carried_bps);
/* @loss: of all that is sent, of the last seconds */
void mxr_red_control_hint (MxrRedControl *control, double loss, guint carried_bps);

/* ---- Streams and session ------------------------------------------------------------------------------- */

/* GStreamer's compound packets: with SRTCP's trailer still within a small path's MTU. */
#define MXR_RTCP_MAX_BYTES MXR_MTU_BYTES

struct _MxrRtpReceiver {
  MxrRtpSession *session;
  MxrRtpReceiverConfig config; /* mid is not kept here */
  char mid[MXR_RTP_MID_MAX_BYTES + 1];
  gsize mid_bytes; /* 0: none, or too long to be sent in a packet */
  MxrReception media;
  MxrReception rtx;
  MxrNackList *nacks; /* NULL: not negotiated */
  gint64 pli_sent_us; /* 0: never */
  bool is_pli_pending;
  guint max_bps;        /* 0: no limit */
  guint remb_repeats;   /* more reports that tell it; G_MAXUINT: all */
  bool is_remb_pending; /* to be told at once */
  bool has_left; /* BYE, and nothing since */
  MxrRtpReceiverStats stats;
};

struct _MxrRtpSender {
  MxrRtpSession *session;
  MxrRtpSenderConfig config; /* mid is not kept here */
  char mid[MXR_RTP_MID_MAX_BYTES + 1];
  gsize mid_bytes;
  MxrHistory history;
  gpointer source_tag;
  guint16 source_seq;   /* highest of the source */
  guint64 last_index;   /* highest of ours */
  guint64 source_start; /* our index of the first packet of the source */
  guint16 rtx_seq;
  guint64 payload_octets;
  guint64 mid_due_packets; /* the next frame after so many has the MID */
  guint32 frame_timestamp; /* of the packet sent last */
  bool frame_has_mid;
  MxrBucket rtx_bucket;
  MxrRedControl red;
  int fir_seq; /* last taken; -1: none */
  bool started;
  bool is_known;           /* the client has reported about us: it knows our SSRC */
  bool is_keyframe_wanted; /* asked for in the RTCP packet being read */
  MxrRtpSenderStats stats;
};

/* What is known of the way to the client, and the probe that is under way. */
typedef struct {
  MxrBandwidth *bandwidth; /* NULL: not estimated */
  gint64 due_us;
  guint want_bps, told_want_bps;
  MxrBandwidthProbe probe; /* id 0: none */
  gint64 probe_begun_us;
  gsize probe_sent_bytes;
  guint probe_sent_packets;
} MxrRtpDownlink;

struct _MxrRtpSession {
  MxrRtpSessionConfig config; /* cname is not kept here */
  char cname[MXR_RTP_CNAME_MAX_BYTES + 1];
  const MxrRtpSessionEvents *events;
  gpointer user_data;
  MxrRtpReceiver *receivers[MXR_RTP_RECEIVERS_MAX];
  guint n_receivers;
  MxrRtpSender *senders[MXR_RTP_SENDERS_MAX];
  guint n_senders;
  MxrTwccRecorder arrivals;
  guint32 arrivals_ssrc; /* of the latest packet recorded */
  guint16 transport_seq; /* next to be sent */
  guint64 random_state;
  gint64 timeline_base_us;
  bool has_timeline;
  gint64 report_due_us; /* 0: not planned yet */
  double rtt_us;        /* smoothed; -1: unknown */
  MxrRtpDownlink downlink;
  MxrRtpSessionStats stats;
  GstBuffer *rtcp_in, *rtcp_out; /* wrap the two below, so that no packet allocates */
  _Alignas (8) guint8 rtcp_in_bytes[MXR_PACKET_MAX_BYTES];
  _Alignas (8) guint8 rtcp_out_bytes[MXR_RTCP_MAX_BYTES + MXR_SRTP_TRAILER_BYTES];
};

/* receiver.c */
void mxr_rtp_receiver_free (MxrRtpReceiver *receiver);
void mxr_rtp_receiver_take (MxrRtpReceiver *receiver, guint8 *data, MxrRtpView *view, bool is_rtx,
                            gint64 now_us);
void mxr_rtp_receiver_want_keyframe (MxrRtpReceiver *receiver);
void mxr_rtp_receiver_poll (MxrRtpReceiver *receiver, gint64 now_us);
gint64 mxr_rtp_receiver_get_due_us (const MxrRtpReceiver *receiver);

/* bitrate-limit.c */
typedef struct _MxrRtcpWriter MxrRtcpWriter;
void mxr_rtp_receiver_repeat_max_bitrate (MxrRtpReceiver *receiver, MxrRtcpWriter *writer);
bool mxr_rtp_receiver_has_max_bitrate_due (const MxrRtpReceiver *receiver);
void mxr_rtp_receiver_poll_max_bitrate (MxrRtpReceiver *receiver);

/* sender.c, retransmit.c */
void mxr_rtp_sender_free (MxrRtpSender *sender);
gsize mxr_rtp_sender_write (const MxrRtpSender *sender, const MxrHistoryEntry *entry, bool as_rtx,
                            guint8 *out);
gsize mxr_rtp_sender_write_padding (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint8 n_bytes, guint8 *out);
bool mxr_rtp_sender_has_rtx (const MxrRtpSender *sender);
void mxr_rtp_sender_retransmit (MxrRtpSender *sender, guint16 seq, gint64 now_us);
gsize mxr_rtp_sender_probe (MxrRtpSender *sender, gsize n_bytes, gint64 now_us);

/* downlink.c */
void mxr_rtp_downlink_init (MxrRtpSession *session);
void mxr_rtp_downlink_clear (MxrRtpSession *session);
void mxr_rtp_downlink_note_sent (MxrRtpSession *session, guint16 transport_seq, gsize n_bytes, gint64 now_us);
bool mxr_rtp_downlink_feedback (MxrRtpSession *session, const guint8 *fci, gsize size, gint64 now_us);
void mxr_rtp_downlink_report (MxrRtpSession *session, double fraction_lost, gint64 now_us);
void mxr_rtp_downlink_remb (MxrRtpSession *session, guint64 bps, gint64 now_us);
void mxr_rtp_downlink_poll (MxrRtpSession *session, gint64 now_us);
guint mxr_rtp_downlink_get_measured_bps (const MxrRtpSession *session);

/* red.c: of @entry, which is about to be sent: how many of the packets before it go along; whether what went along is still
 * there; the payload of both, into @out, which has room for MXR_RTP_PAYLOAD_MAX_BYTES. */
guint mxr_red_choose (const MxrRtpSender *sender, const MxrHistoryEntry *entry);
bool mxr_red_can_write (const MxrRtpSender *sender, const MxrHistoryEntry *entry);
gsize mxr_red_write_entry (const MxrRtpSender *sender, const MxrHistoryEntry *entry, guint8 *out);

/* feedback.c */
void mxr_rtp_session_read_feedback (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us);

/* report.c */
guint64 mxr_rtp_session_get_ntp (const MxrRtpSession *session, gint64 now_us);
void mxr_rtp_session_read_report (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us);
void mxr_rtp_session_poll_reports (MxrRtpSession *session, gint64 now_us);

/* rtcp.c: one packet being written */
struct _MxrRtcpWriter {
  MxrRtpSession *session;
  GstRTCPBuffer rtcp;
};

gsize mxr_rtcp_normalise (guint8 *data, gsize size, bool *out_is_whole);
void mxr_rtcp_writer_begin (MxrRtcpWriter *writer, MxrRtpSession *session);
void mxr_rtcp_writer_begin_feedback (MxrRtcpWriter *writer, MxrRtpSession *session);
void mxr_rtcp_writer_add_sdes (MxrRtcpWriter *writer, guint32 ssrc);
guint8 *mxr_rtcp_writer_add_feedback (MxrRtcpWriter *writer, GstRTCPType type, GstRTCPFBType format,
                                      guint32 media_ssrc, guint n_words);
void mxr_rtcp_writer_send (MxrRtcpWriter *writer);

/* session.c */
guint32 mxr_rtp_session_random (MxrRtpSession *session);
guint8 *mxr_rtp_session_reserve (MxrRtpSession *session, MxrRtpSender *sender);
void mxr_rtp_session_send (MxrRtpSession *session, MxrRtpSender *sender, guint8 *data, gsize size);
gint64 mxr_rtp_session_get_rtt_us (const MxrRtpSession *session);

#endif
