#ifndef MXR_LINK_AGGREGATE_H
#define MXR_LINK_AGGREGATE_H

#include "mixroom/rtp.h"

/* Of a downlink's sound: which packets wait until they leave as one, where the fan-out's packets have an aggregate. One packet of
 * two frames costs half of what two packets cost, on the way and in the server, and is 20 ms later.
 *
 * Downlinks of one fan-out do so at different packets (the phase), so that not all of them send at once. What does not
 * go on (a gap, another fan-out, silence, a change of the encoder's mode) leaves by itself, in order, also when its downlink has gone
 * over to another fan-out meanwhile. There is no timer: what waits goes with the packet after it, unless that comes too late.
 *
 * Everything belongs to one network thread. Fields are private; begins as zeros and a phase. */

typedef struct {
  guint phase; /* any number */
  guint n_held;
  MxrRtpPacket *held[MXR_OPUS_AGGREGATE_MAX - 1]; /* owned: neighbours of one run */
  gpointer run;
  bool has_dropped; /* what waited, behind what left last */
} MxrLinkAggregate;

/* What leaves. */
typedef struct {
  MxrRtpPacket *packet; /* owned by the caller */
  gpointer run;         /* that it came in */
  bool is_next;         /* it follows what left before it, whatever its number says */
} MxrLinkLeaving;

/**
 * mxr_link_aggregate_push:
 * @run: compared only: packets of one are numbered one after the other
 * @may_wait: whether the client takes larger packets
 * @out: (out caller-allocates): what leaves now, in order
 *
 * Returns: the number of @out; 0: @packet waits.
 */
guint mxr_link_aggregate_push (MxrLinkAggregate *aggregate, gpointer run, MxrRtpPacket *packet, bool may_wait,
                               MxrLinkLeaving out[MXR_OPUS_AGGREGATE_MAX]);

/** mxr_link_aggregate_clear: What waits does not leave any more. */
void mxr_link_aggregate_clear (MxrLinkAggregate *aggregate);

#endif
