#include "rtp-private.h"

#include <string.h>

static bool
has_payload_type (const MxrRtpReceiver *receiver, guint8 payload_type)
{
  const MxrRtpReceiverConfig *config = &receiver->config;
  return config->payload_type == payload_type || config->rtx_payload_type == payload_type ||
         (config->red_payload_type != 0 && config->red_payload_type == payload_type);
}

static MxrRtpReceiver *
find_by_ssrc (const MxrRtpSession *session, guint32 ssrc)
{
  for (guint i = 0; i < session->n_receivers; i++) {
    MxrRtpReceiver *receiver = session->receivers[i];
    if (ssrc != 0 && (receiver->media.ssrc == ssrc || receiver->rtx.ssrc == ssrc))
      return receiver;
  }
  return NULL;
}

/* Under the same id another section may carry something else that happens to look like this one's MID, so its
 * payload type must fit as well. */
static MxrRtpReceiver *
find_by_mid (const MxrRtpSession *session, const MxrRtpView *view)
{
  for (guint i = 0; i < session->n_receivers; i++) {
    MxrRtpReceiver *receiver = session->receivers[i];
    const guint8 *mid;
    gsize bytes;
    if (receiver->mid_bytes == 0 || !has_payload_type (receiver, view->payload_type))
      continue;
    if (!mxr_rtp_view_get_extension (view, receiver->config.mid_id, &mid, &bytes))
      continue;
    if (bytes == receiver->mid_bytes && memcmp (mid, receiver->mid, bytes) == 0)
      return receiver;
  }
  return NULL;
}

static MxrRtpReceiver *
find_by_payload_type (const MxrRtpSession *session, guint8 payload_type)
{
  MxrRtpReceiver *found = NULL;
  for (guint i = 0; i < session->n_receivers; i++) {
    if (!has_payload_type (session->receivers[i], payload_type))
      continue;
    if (found != NULL)
      return NULL;
    found = session->receivers[i];
  }
  return found;
}

/* RFC 8843 9.2, in the order in which it is cheap. */
static MxrRtpReceiver *
find_receiver (const MxrRtpSession *session, const MxrRtpView *view)
{
  MxrRtpReceiver *receiver = find_by_ssrc (session, view->ssrc);
  if (receiver == NULL)
    receiver = find_by_mid (session, view);
  if (receiver == NULL)
    receiver = find_by_payload_type (session, view->payload_type);
  return receiver;
}

static void
record_arrival (MxrRtpReceiver *receiver, const MxrRtpView *view, gint64 now_us)
{
  guint16 seq;
  if (!receiver->config.transport_cc)
    return;
  if (!mxr_rtp_view_get_transport_seq (view, receiver->config.transport_seq_id, &seq))
    return;
  mxr_twcc_recorder_add (&receiver->session->arrivals, seq, now_us);
  receiver->session->arrivals_ssrc = view->ssrc;
}

void
mxr_rtp_session_receive_rtp (MxrRtpSession *session, guint8 *data, gsize size, gint64 now_us)
{
  MxrRtpView view;
  if (size > MXR_PACKET_MAX_BYTES || !mxr_rtp_view_parse (&view, data, size)) {
    session->stats.dropped_malformed++;
    return;
  }
  MxrRtpReceiver *receiver = find_receiver (session, &view);
  if (receiver == NULL) {
    session->stats.dropped_unknown_source++;
    return;
  }
  /* A known SSRC of media may not carry retransmissions, nor the other way round. */
  const bool is_rtx = view.payload_type == receiver->config.rtx_payload_type;
  const guint32 other_ssrc = is_rtx ? receiver->media.ssrc : receiver->rtx.ssrc;
  if (!has_payload_type (receiver, view.payload_type) || (other_ssrc != 0 && view.ssrc == other_ssrc)) {
    session->stats.dropped_payload_type++;
    return;
  }
  record_arrival (receiver, &view, now_us);
  mxr_rtp_receiver_take (receiver, data, &view, is_rtx, now_us);
}
