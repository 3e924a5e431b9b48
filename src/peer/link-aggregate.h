#ifndef MXR_LINK_AGGREGATE_H
#define MXR_LINK_AGGREGATE_H

#include "mixroom/rtp.h"

/* Of a downlink's sound: which packets wait until they leave as one, where the fan-out's packets have an aggregate. One packet of
 * two frames costs half of what two packets cost, on the way and in the server, and is 20 ms later.
 *
 * Downlinks of one fan-out do so at different packets (the phase), so that not all of them send at once. What does not
 * go on (a gap, another fan-out, a change of the encoder's mode) leaves by itself, so nothing is lost; what has waited for
 * longer than a gap in speech was followed by silence. There is no timer: what waits goes with the packet after it.
 *
 * Everything belongs to one network thread. Fields are private; begins as zeros and a phase. */

typedef struct {
  guint phase; /* any number */
  guint n_held;
  MxrRtpPacket *held[MXR_OPUS_AGGREGATE_MAX - 1]; /* owned: neighbours of one run */
  gconstpointer run;
} MxrLinkAggregate;

/**
 * mxr_link_aggregate_push:
 * @run: compared only: packets of one are numbered one after the other
 * @may_wait: whether the client takes larger packets
 * @out_packets: (out caller-allocates) (transfer full): what leaves now, in order
 *
 * Returns: the number of @out_packets; 0: @packet waits.
 */
guint mxr_link_aggregate_push (MxrLinkAggregate *aggregate, gconstpointer run, MxrRtpPacket *packet, bool may_wait,
                               MxrRtpPacket *out_packets[MXR_OPUS_AGGREGATE_MAX]);

/** mxr_link_aggregate_clear: What waits does not leave any more. */
void mxr_link_aggregate_clear (MxrLinkAggregate *aggregate);

#endif
