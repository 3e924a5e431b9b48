#include "transport-private.h"

#include "demux.h"

/* The way of every packet, in and out. */

/* ---- In ------------------------------------------------------------------------------------------------ */

static void
receive_srtp (MxrTransport *transport, bool is_rtcp, guint8 *data, gsize size, gint64 now_us)
{
  const MxrTransportEvents *events = transport->events;

  if (transport->state != MXR_TRANSPORT_CONNECTED) {
    transport->stats.drop_too_early++;
    return;
  }
  const gsize encrypted_bytes = size;
  const MxrSrtpResult result = mxr_srtp_unprotect (transport->srtp, is_rtcp, data, &size);
  if (result != MXR_SRTP_OK) {
    *(result == MXR_SRTP_REPLAY ? &transport->stats.drop_replay : &transport->stats.drop_unauthenticated) +=
        1;
    return;
  }
  transport->last_received_us = now_us;
  mxr_ice_heard (transport->ice, now_us);
  transport->stats.packets_received++;
  transport->stats.bytes_received += encrypted_bytes;
  if (is_rtcp && events->on_rtcp != NULL)
    events->on_rtcp (transport, data, size, now_us, transport->user_data);
  if (!is_rtcp && events->on_rtp != NULL)
    events->on_rtp (transport, data, size, now_us, transport->user_data);
}

void
mxr_transport_receive (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us)
{
  if (size > MXR_PACKET_MAX_BYTES) {
    transport->stats.drop_too_large++;
    return;
  }
  switch (mxr_demux_classify (data, size)) {
  case MXR_PACKET_DTLS:
    mxr_transport_receive_dtls (transport, data, size);
    break;
  case MXR_PACKET_RTP:
    receive_srtp (transport, false, data, size, now_us);
    break;
  case MXR_PACKET_RTCP:
    receive_srtp (transport, true, data, size, now_us);
    break;
  case MXR_PACKET_STUN: /* ill-formed, or libnice would have kept it */
  case MXR_PACKET_UNKNOWN:
    transport->stats.drop_unknown++;
    break;
  }
}

/* ---- Out ----------------------------------------------------------------------------------------------- */

static guint
send_protected (MxrTransport *transport, guint8 *const *datas, const gsize *sizes, guint n_packets)
{
  gsize sent_bytes = 0;
  const guint n_sent = n_packets == 0 ? 0 : mxr_ice_send (transport->ice, datas, sizes, n_packets, &sent_bytes);

  transport->stats.packets_sent += n_sent;
  transport->stats.bytes_sent += sent_bytes;
  transport->stats.send_drops += n_packets - n_sent;
  return n_sent;
}

static MxrSendResult
send_one (MxrTransport *transport, bool is_rtcp, guint8 *data, gsize size, gsize room)
{
  if (transport->state != MXR_TRANSPORT_CONNECTED)
    return MXR_SEND_NOT_CONNECTED;
  if (mxr_srtp_protect (transport->srtp, is_rtcp, data, &size, room) != MXR_SRTP_OK)
    return MXR_SEND_BAD_PACKET;
  return send_protected (transport, &data, &size, 1) == 1 ? MXR_SEND_OK : MXR_SEND_DROPPED;
}

MxrSendResult
mxr_transport_send_rtp (MxrTransport *transport, guint8 *data, gsize size, gsize room)
{
  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), MXR_SEND_NOT_CONNECTED);
  return send_one (transport, false, data, size, room);
}

MxrSendResult
mxr_transport_send_rtcp (MxrTransport *transport, guint8 *data, gsize size, gsize room)
{
  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), MXR_SEND_NOT_CONNECTED);
  return send_one (transport, true, data, size, room);
}

guint
mxr_transport_send_rtp_batch (MxrTransport *transport, MxrTransportPacket *packets, guint n_packets)
{
  guint8 *datas[MXR_TRANSPORT_BATCH_MAX];
  gsize sizes[MXR_TRANSPORT_BATCH_MAX];
  guint n_protected = 0;

  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), 0);
  g_return_val_if_fail (n_packets <= MXR_TRANSPORT_BATCH_MAX, 0);
  if (transport->state != MXR_TRANSPORT_CONNECTED)
    return 0;
  for (guint i = 0; i < n_packets; i++) {
    MxrTransportPacket *packet = &packets[i];
    if (mxr_srtp_protect (transport->srtp, false, packet->data, &packet->size, packet->room) != MXR_SRTP_OK)
      continue;
    datas[n_protected] = packet->data;
    sizes[n_protected++] = packet->size;
  }
  return send_protected (transport, datas, sizes, n_protected);
}
