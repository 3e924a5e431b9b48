#ifndef MXR_LINK_BATCH_H
#define MXR_LINK_BATCH_H

#include "mixroom/limits.h"
#include "mixroom/transport.h"

/* RTP packets on their way to one client, written one behind the other and sent in one go. One for all links of a net
 * thread, because it is empty whenever a link has done its work: so 1000 viewers need the memory of one, and it stays in
 * the processor's cache. Packets leave in the order in which they came. */

#define MXR_LINK_BATCH_ROOM_BYTES (MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES)

/* Fields are private. A zeroed one is empty. */
typedef struct {
  MxrTransport *transport; /* that the packets are for */
  bool is_sending;
  guint n_packets;
  gsize n_bytes;
  MxrTransportPacket packets[MXR_TRANSPORT_BATCH_MAX];
  _Alignas (16) guint8 bytes[MXR_TRANSPORT_BATCH_MAX * MXR_LINK_BATCH_ROOM_BYTES];
} MxrLinkBatch;

/**
 * mxr_link_batch_reserve:
 *
 * Sends what is there when it is full, or for another transport.
 *
 * Returns: (nullable): %MXR_LINK_BATCH_ROOM_BYTES for the next packet; %NULL from within the sending: what came back from
 * the transport meanwhile cannot be answered by that way.
 */
guint8 *mxr_link_batch_reserve (MxrLinkBatch *batch, MxrTransport *transport);
/** mxr_link_batch_add: @size bytes were written where mxr_link_batch_reserve() said last. */
void mxr_link_batch_add (MxrLinkBatch *batch, gsize size);
/** mxr_link_batch_flush: Sends what is there. What the socket does not take is lost, and counted by the transport. */
void mxr_link_batch_flush (MxrLinkBatch *batch);

#endif
