#ifndef MXR_TAP_CLOCK_H
#define MXR_TAP_CLOCK_H

#include "mixroom/peer.h"

/* From the RTP time stamps of one client's sound and picture to the room's running time. Pure: a zeroed one is ready. */

typedef struct {
  bool has_rtp;
  guint32 rtp;      /* of the last packet */
  gint64 units;     /* the same without wraps, from 0 */
  bool has_arrival;
  gint64 earliest_ns; /* arrival minus RTP time of the packets that were held up least */
  gint64 late_from_ns; /* arrival of the first of those that are far behind; 0: none is */
  bool has_report;
  gint64 report_ns; /* the sender's clock minus RTP time */
  bool has_shift;
  gint64 shift_ns;  /* running time minus RTP time, as it is applied */
  gint64 time_ns;   /* of the last packet */
} MxrTapClockStream;

typedef struct {
  MxrTapClockStream streams[MXR_PEER_N_KINDS];
} MxrTapClock;

/** mxr_tap_clock_restart: Another source of that kind begins. Its times still follow on those of the former one. */
void mxr_tap_clock_restart (MxrTapClock *clock, MxrRtpKind kind);

/** mxr_tap_clock_stamp: @arrival_ns: running time. Returns: running time of @rtp, always later than before. */
GstClockTime mxr_tap_clock_stamp (MxrTapClock *clock, MxrRtpKind kind, guint32 rtp, gint64 arrival_ns);

/**
 * mxr_tap_clock_report:
 * @ntp: 32.32 fixed point, of the same instant as @rtp
 *
 * A sender report, maybe one that was told already. Nothing before the first packet. Source: RFC 3550 6.4.1.
 */
void mxr_tap_clock_report (MxrTapClock *clock, MxrRtpKind kind, guint64 ntp, guint32 rtp);

#endif
