#ifndef MXR_RTP_BANDWIDTH_PRIVATE_H
#define MXR_RTP_BANDWIDTH_PRIVATE_H

#include "mixroom/rtp.h"

/* The parts of MxrBandwidth. Times are [us] unless a name says [ms]; rates are [bit/s]. */

/* ---- twcc-feedback.c: what a feedback message says ----------------------------------------------------- */

/* Walks a message that was checked as a whole; points into it. */
typedef struct {
  const guint8 *chunk, *delta;
  gint64 ticks; /* of the last packet that arrived, 250 us, from the message's reference time */
  guint chunk_done;
  guint16 seq; /* of the next packet */
  guint n_left;
  guint n_acked, n_lost; /* of the whole message */
  guint32 reference;     /* 64 ms, 24 bits */
} MxrTwccReader;

typedef struct {
  guint16 seq;
  bool is_received;
  gint64 offset_us; /* of its arrival, from the reference time */
} MxrTwccStatus;

#define MXR_TWCC_REFERENCE_US (64 * 1000)

bool mxr_twcc_reader_init (MxrTwccReader *reader, const guint8 *fci, gsize size);
bool mxr_twcc_reader_next (MxrTwccReader *reader, MxrTwccStatus *out_status);
void mxr_twcc_reader_skip_missing (MxrTwccReader *reader, guint n_packets);
void mxr_twcc_unwrap_reference (gint64 *reference, guint32 told);

/* ---- sent-log.c: what was sent and not yet told about -------------------------------------------------- */

/* Six seconds at 3 Mbit/s of full packets. */
#define MXR_SENT_PACKETS 2048

typedef struct {
  gint64 sent_us;
  guint32 index; /* extended number, low half */
  guint32 probe; /* 0: none */
  guint16 n_bytes;
  bool is_told; /* the client said that it came */
  bool is_lost; /* the client said that it did not; it may still come */
} MxrSentPacket;

typedef struct {
  MxrSentPacket packets[MXR_SENT_PACKETS]; /* extended number modulo the size */
  guint64 highest;
  bool has_any;
} MxrSentLog;

bool mxr_sent_log_add (MxrSentLog *log, guint16 seq, gsize n_bytes, guint probe, gint64 now_us);
MxrSentPacket *mxr_sent_log_find (MxrSentLog *log, guint16 seq);
guint mxr_sent_log_count_unknown (const MxrSentLog *log, guint16 seq);

/* One packet of which the client said that it came. Arrivals are by the client's clock: only differences mean anything. */
typedef struct {
  gint64 sent_us, arrival_us;
  guint n_bytes;
  guint probe;
} MxrAckedPacket;

/* ---- delay-queue.c, delay-trend.c: whether queues grow ---------------------------------------------------------------- */

#define MXR_TREND_POINTS 20
#define MXR_BASE_SPANS 4
#define MXR_QUEUE_PACKETS 4

typedef struct {
  gint64 first_sent_us, sent_us; /* of its first and last packet */
  gint64 first_arrival_us, arrival_us;
} MxrPacketGroup;

/* How much later than the fastest of the last ten seconds packets come. */
typedef struct {
  double base_ms[MXR_BASE_SPANS]; /* the fastest of each span; the first is the running one */
  gint64 span_us;                 /* when that began */
  double latest_ms[MXR_QUEUE_PACKETS];
  guint n_latest;
  gint64 latest_us;
  double queue_ms;
  double marked_ms; /* the queue at the last mark */
  gint64 mark_us;
  double slope;       /* growth between the last two marks, without unit */
  gint64 flat_us;     /* since when it neither grew nor shrank; 0: it does */
} MxrDelayQueue;

typedef struct {
  MxrPacketGroup current, former;
  guint n_groups;    /* how many of the two there are */
  guint n_backwards; /* groups in a row that arrived before the former one */
  guint n_deltas;
  double accumulated_ms, smoothed_ms;
  double xs[MXR_TREND_POINTS], ys[MXR_TREND_POINTS]; /* arrival and smoothed delay [ms] */
  guint n_points; /* so far; the last of them are kept */
  gint64 origin_us;
  double trend, threshold;
  gint64 threshold_us;
  double over_ms; /* for how long the trend has been above the threshold; below 0: it is not */
  guint n_over;
  MxrBandwidthUse trend_use; /* by the trend alone */
  MxrDelayQueue queue;
  MxrBandwidthUse use;
} MxrDelayTrend;

void mxr_delay_queue_add (MxrDelayQueue *queue, const MxrAckedPacket *packet);
bool mxr_delay_queue_is_standing (const MxrDelayQueue *queue);
void mxr_delay_trend_init (MxrDelayTrend *trend);
void mxr_delay_trend_add (MxrDelayTrend *trend, const MxrAckedPacket *packet);

/* ---- acked-rate.c: what arrives ------------------------------------------------------------------------ */

#define MXR_ACKED_PACKETS 512
#define MXR_ACKED_WINDOW_US (500 * 1000)

typedef struct {
  MxrAckedPacket packets[MXR_ACKED_PACKETS];
  guint64 end;        /* packets seen so far */
  guint64 start;      /* of those, the first within the window */
  guint64 busy_start; /* the first since packets have been queueing; end: they do not */
} MxrAckedRate;

void mxr_acked_rate_init (MxrAckedRate *rate);
void mxr_acked_rate_add (MxrAckedRate *rate, const MxrAckedPacket *packet, bool is_queued);
double mxr_acked_rate_get (const MxrAckedRate *rate);
double mxr_acked_rate_get_whole (const MxrAckedRate *rate);
double mxr_acked_rate_get_busy (const MxrAckedRate *rate);

/* ---- rate-control.c: the rate that follows from the delay ---------------------------------------------- */

typedef struct {
  double bps;
  double min_bps, max_bps;
  double capacity_bps; /* what arrived when queues grew, averaged; 0: not known */
  double variance;     /* of that, in proportion to it [kbit/s] */
  gint64 updated_us;
  gint64 decreased_us; /* 0: never */
  bool is_increasing;
} MxrRateControl;

typedef struct {
  MxrBandwidthUse use;
  double acked_bps;   /* 0: not known */
  double busy_bps;    /* while packets queue; 0: not known */
  double carried_bps; /* while none does; 0: not known */
  double rtt_ms;
} MxrRateInput;

void mxr_rate_control_init (MxrRateControl *control, const MxrBandwidthConfig *config);
bool mxr_rate_control_update (MxrRateControl *control, const MxrRateInput *input, gint64 now_us);
void mxr_rate_control_raise (MxrRateControl *control, double bps);

/* ---- loss-limit.c: the rate that follows from loss ----------------------------------------------------- */

typedef struct {
  double limit_bps; /* 0: none */
  double min_bps, max_bps;
  double loss;     /* smoothed */
  double inherent; /* loss that is there at any rate */
  guint n_packets;
  int n_lost;
  gint64 window_us; /* since when those are counted; 0: none yet */
  gint64 changed_us;
  /* Where the present row of decreases began; 0: there is none. */
  double before_sent_bps, before_loss, before_limit_bps;
  guint n_settling; /* samples that still tell of what was sent before the last decrease */
} MxrLossLimit;

/* What is sent, and whether it waits somewhere. */
typedef struct {
  double sent_bps; /* or what is believed, where it is not known */
  double busy_bps; /* what arrives while packets queue; 0: not known */
  bool is_queued;
} MxrLossInput;

void mxr_loss_limit_init (MxrLossLimit *limit, const MxrBandwidthConfig *config);
void mxr_loss_limit_count (MxrLossLimit *limit, guint n_packets, int n_lost);
void mxr_loss_limit_update (MxrLossLimit *limit, const MxrLossInput *input, gint64 now_us);
void mxr_loss_limit_report (MxrLossLimit *limit, double fraction_lost, const MxrLossInput *input, gint64 now_us);
void mxr_loss_limit_raise (MxrLossLimit *limit, double bps);

/* ---- probe.c: when to look for more, and what was found ------------------------------------------------ */

typedef struct {
  MxrBandwidthProbe probe; /* the last one */
  bool is_open;            /* it was begun, and is not yet judged */
  gint64 begun_us;
  gint64 due_us;   /* of the next one; G_MAXINT64: none */
  gint64 pause_us; /* after one that found nothing */
  gsize sent_bytes, acked_bytes;
  gsize between_bytes; /* of others that were sent between its packets, and arrived */
  gsize other_bytes;   /* since its last packet */
  guint n_acked;
  MxrAckedPacket first, last; /* of those that arrived */
} MxrProber;

void mxr_prober_init (MxrProber *prober);
bool mxr_prober_next (MxrProber *prober, double estimate_bps, double want_bps, gint64 now_us);
void mxr_prober_sent (MxrProber *prober, guint id, gsize n_bytes);
bool mxr_prober_acked (MxrProber *prober, const MxrAckedPacket *packet);
double mxr_prober_finish (MxrProber *prober, double estimate_bps, double want_bps, gint64 now_us);
void mxr_prober_hurry (MxrProber *prober, gint64 due_us);
gint64 mxr_prober_timeout_us (const MxrProber *prober);

#endif
