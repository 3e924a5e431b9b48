#include "link-batch.h"

/* Packets begin on whole words of AES. */
#define ALIGNMENT_BYTES 16

guint8 *
mxr_link_batch_reserve (MxrLinkBatch *batch, MxrTransport *transport)
{
  if (batch->is_sending)
    return NULL;
  if (transport != batch->transport || batch->n_packets == MXR_TRANSPORT_BATCH_MAX)
    mxr_link_batch_flush (batch);
  batch->transport = transport;
  return batch->bytes + batch->n_bytes;
}

void
mxr_link_batch_add (MxrLinkBatch *batch, gsize size)
{
  const gsize room = MIN ((size + MXR_SRTP_TRAILER_BYTES + ALIGNMENT_BYTES - 1) & ~(gsize) (ALIGNMENT_BYTES - 1),
                          MXR_LINK_BATCH_ROOM_BYTES);

  batch->packets[batch->n_packets++] = (MxrTransportPacket){ batch->bytes + batch->n_bytes, size, room };
  batch->n_bytes += room;
}

void
mxr_link_batch_flush (MxrLinkBatch *batch)
{
  if (batch->is_sending)
    return;
  if (batch->n_packets > 0) {
    batch->is_sending = true;
    mxr_transport_send_rtp_batch (batch->transport, batch->packets, batch->n_packets);
    batch->is_sending = false;
  }
  batch->transport = NULL;
  batch->n_packets = 0;
  batch->n_bytes = 0;
}
