#include "transport-private.h"

#include <string.h>

/* Puts DTLS between ICE and SRTP: sends what it writes, watches its clock, and takes its keys. */

static void
send_outgoing (MxrTransport *transport)
{
  GBytes *datagram;

  /* Before there is a pair nothing can go out; the connection keeps the newest few for
   * mxr_transport_pair_ready(). */
  while (transport->has_pair && (datagram = mxr_dtls_pop_outgoing (transport->dtls)) != NULL) {
    gsize size, sent_bytes;
    guint8 *data = (guint8 *) g_bytes_get_data (datagram, &size);
    mxr_ice_send (transport->ice, &data, &size, 1, &sent_bytes);
    g_bytes_unref (datagram);
  }
}

static void
schedule_timer (MxrTransport *transport)
{
  MxrTimers *timers = transport->thread->ice.timers;
  const bool is_over = transport->is_closed || transport->state == MXR_TRANSPORT_FAILED;
  const gint timeout_ms = is_over ? -1 : mxr_dtls_get_timeout_ms (transport->dtls);

  if (timeout_ms < 0)
    mxr_timers_clear (timers, &transport->dtls_timer);
  else
    mxr_timers_set (timers, &transport->dtls_timer,
                    g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000));
}

static void
become_connected (MxrTransport *transport)
{
  g_autoptr (GError) error = NULL;

  transport->srtp = mxr_srtp_new (mxr_dtls_get_keys (transport->dtls), &error);
  if (transport->srtp == NULL) {
    mxr_transport_fail (transport, error->message);
    return;
  }
  transport->last_received_us = g_get_monotonic_time ();
  transport->state = MXR_TRANSPORT_CONNECTED;
  if (transport->events->on_state != NULL)
    transport->events->on_state (transport, MXR_TRANSPORT_CONNECTED, NULL, transport->user_data);
}

static void
hang_up (MxrTransport *transport)
{
  if (transport->is_hung_up)
    return;
  transport->is_hung_up = true;
  if (transport->events->on_closed_by_peer != NULL)
    transport->events->on_closed_by_peer (transport, transport->user_data);
}

/* After each step of the connection. What it wrote goes out first: an alert tells the peer why we fail. */
static void
follow (MxrTransport *transport)
{
  send_outgoing (transport);
  if (transport->is_closed)
    return;
  schedule_timer (transport);
  switch (mxr_dtls_get_state (transport->dtls)) {
  case MXR_DTLS_HANDSHAKING:
    break;
  case MXR_DTLS_CONNECTED:
    if (transport->state == MXR_TRANSPORT_CONNECTING)
      become_connected (transport);
    break;
  case MXR_DTLS_CLOSED:
    hang_up (transport);
    break;
  case MXR_DTLS_FAILED:
    mxr_transport_fail (transport, mxr_dtls_get_failure (transport->dtls));
    break;
  }
}

void
mxr_transport_handle_dtls_timer (gpointer data)
{
  MxrTransport *transport = data;

  mxr_dtls_handle_timeout (transport->dtls);
  follow (transport);
}

bool
mxr_transport_begin_dtls (MxrTransport *transport, const MxrTransportRemote *remote, GError **error)
{
  MxrDtlsFingerprint fingerprint = { mxr_dtls_normalize_hash (remote->fingerprint_hash,
                                                              remote->fingerprint_size),
                                     { 0 },
                                     remote->fingerprint_size };

  if (fingerprint.hash == NULL) {
    g_set_error (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_BAD_ARGUMENT,
                 "fingerprint of %s with %zu bytes", remote->fingerprint_hash, remote->fingerprint_size);
    return false;
  }
  memcpy (fingerprint.digest, remote->fingerprint, remote->fingerprint_size);
  transport->dtls =
      mxr_dtls_new (transport->thread->net->identity, remote->role == MXR_DTLS_ACTIVE, &fingerprint, error);
  return transport->dtls != NULL;
}

void
mxr_transport_pair_ready (MxrTransport *transport)
{
  const bool is_first = !transport->has_pair;

  transport->has_pair = true;
  transport->ice_failed_us = 0;
  if (transport->dtls == NULL || transport->state != MXR_TRANSPORT_CONNECTING)
    return;
  if (is_first)
    mxr_dtls_start (transport->dtls);
  follow (transport);
}

void
mxr_transport_receive_dtls (MxrTransport *transport, guint8 *data, gsize size)
{
  if (transport->dtls == NULL || transport->state == MXR_TRANSPORT_FAILED) {
    transport->stats.drop_dtls++;
    return;
  }
  mxr_dtls_receive (transport->dtls, data, size);
  follow (transport);
}

void
mxr_transport_end_dtls (MxrTransport *transport)
{
  if (transport->dtls == NULL)
    return;
  mxr_dtls_close (transport->dtls);
  send_outgoing (transport);
  mxr_timers_clear (transport->thread->ice.timers, &transport->dtls_timer);
}
