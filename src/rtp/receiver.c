#include "rtp-private.h"

#include <string.h>

/* libwebrtc passes over, without a word, what comes less than 300 ms after a request that it has answered; the rest is for the
 * jitter of the way. */
#define PLI_INTERVAL_US (350 * 1000)
/* Sources may change this often: enough for a client that starts its sender anew, too rare for a flip-flop of
 * two. */
#define LATCH_INTERVAL_US G_USEC_PER_SEC
#define OSN_BYTES 2
#define NACK_MAX_PAIRS 200

MxrRtpReceiver *
mxr_rtp_session_add_receiver (MxrRtpSession *session, const MxrRtpReceiverConfig *config)
{
  g_return_val_if_fail (config->clock_rate > 0, NULL);
  if (session->n_receivers == MXR_RTP_RECEIVERS_MAX)
    return NULL;

  MxrRtpReceiver *receiver = g_new0 (MxrRtpReceiver, 1);
  const gsize mid_bytes = config->mid != NULL ? strlen (config->mid) : 0;

  receiver->session = session;
  receiver->config = *config;
  receiver->config.mid = NULL;
  if (mid_bytes <= MXR_RTP_MID_MAX_BYTES && mid_bytes > 0) {
    receiver->mid_bytes = mid_bytes;
    memcpy (receiver->mid, config->mid, mid_bytes);
  }
  receiver->media.clock_rate = receiver->rtx.clock_rate = config->clock_rate;
  receiver->media.seq.highest = config->above;
  mxr_reception_start (&receiver->media, config->ssrc, 0);
  mxr_reception_start (&receiver->rtx, config->rtx_ssrc, 0);
  if (config->nack) {
    receiver->nacks = g_new (MxrNackList, 1);
    mxr_nack_list_reset (receiver->nacks, 0);
  }
  session->receivers[session->n_receivers++] = receiver;
  return receiver;
}

void
mxr_rtp_receiver_free (MxrRtpReceiver *receiver)
{
  g_free (receiver->nacks);
  g_free (receiver);
}

void
mxr_rtp_session_remove_receiver (MxrRtpSession *session, MxrRtpReceiver *receiver)
{
  for (guint i = 0; i < session->n_receivers; i++) {
    if (session->receivers[i] != receiver)
      continue;
    session->n_receivers--;
    memmove (&session->receivers[i], &session->receivers[i + 1],
             (session->n_receivers - i) * sizeof session->receivers[0]);
    mxr_rtp_receiver_free (receiver);
    return;
  }
  g_return_if_reached ();
}

gpointer
mxr_rtp_receiver_get_user_data (const MxrRtpReceiver *receiver)
{
  return receiver->config.user_data;
}

guint64
mxr_rtp_receiver_get_highest (const MxrRtpReceiver *receiver)
{
  return receiver->media.seq.highest;
}

void
mxr_rtp_receiver_get_stats (const MxrRtpReceiver *receiver, MxrRtpReceiverStats *out_stats)
{
  const MxrReception *media = &receiver->media;

  *out_stats = receiver->stats;
  out_stats->ssrc = media->ssrc;
  out_stats->lost = mxr_reception_count_lost (media);
  out_stats->fraction_lost = media->fraction_lost;
  out_stats->jitter_ms = (double) media->jitter_q4 / 16 * 1000 / media->clock_rate;
  out_stats->sr_ntp = media->sr_ntp;
  out_stats->sr_rtp = media->sr_rtp;
  out_stats->sr_arrival_us = media->sr_arrival_us;
}

void
mxr_rtp_receiver_set_red_payload_type (MxrRtpReceiver *receiver, guint8 payload_type)
{
  receiver->config.red_payload_type = payload_type;
}

/* ---- Packets in ---------------------------------------------------------------------------------------- */

/* Makes @view's SSRC the receiver's. The set of SSRCs we remember is two per receiver. */
static bool
latch (MxrRtpReceiver *receiver, MxrReception *reception, guint32 ssrc, gint64 now_us)
{
  if (reception->ssrc == ssrc)
    return true;
  if (reception->ssrc != 0) {
    if (reception->latched_us != 0 && now_us - reception->latched_us < LATCH_INTERVAL_US)
      return false;
    if (reception == &receiver->media)
      receiver->stats.ssrc_changes++;
  }
  mxr_reception_start (reception, ssrc, now_us);
  return true;
}

/* RFC 4588 4: the payload begins with the original's number. The header is moved up over it, so that what
 * follows is the original packet in one piece. */
static bool
unwrap_rtx (MxrRtpReceiver *receiver, guint8 *data, MxrRtpView *view)
{
  if (view->payload_bytes <= OSN_BYTES || receiver->media.ssrc == 0)
    return false;

  guint8 *original = data + OSN_BYTES;
  guint8 osn[OSN_BYTES];
  memcpy (osn, view->payload, OSN_BYTES);
  memmove (original, data, view->header_bytes);
  original[1] = (guint8) ((original[1] & 0x80) | receiver->config.payload_type);
  memcpy (original + 2, osn, OSN_BYTES);
  mxr_write_u32 (original + 8, receiver->media.ssrc);
  return mxr_rtp_view_parse (view, original, view->size - OSN_BYTES);
}

static void
count_refused (MxrRtpReceiver *receiver, MxrSeqResult result)
{
  if (result == MXR_SEQ_DUPLICATE) {
    receiver->session->stats.dropped_duplicate++;
    receiver->stats.duplicates++;
  } else {
    receiver->session->stats.dropped_sequence++;
  }
}

static void
track_missing (MxrRtpReceiver *receiver, MxrSeqResult result, guint64 index, gint64 now_us)
{
  if (receiver->nacks == NULL)
    return;
  if (result == MXR_SEQ_RESTARTED)
    mxr_nack_list_reset (receiver->nacks, index + 1);
  else if (result == MXR_SEQ_LATE)
    mxr_nack_list_remove (receiver->nacks, index);
  else if (!mxr_nack_list_advance (receiver->nacks, index, now_us))
    mxr_rtp_receiver_want_keyframe (receiver);
}

/* @view: of @data, whose section was found */
void
mxr_rtp_receiver_take (MxrRtpReceiver *receiver, guint8 *data, MxrRtpView *view, bool is_rtx, gint64 now_us)
{
  MxrRtpSession *session = receiver->session;
  MxrReception *reception = is_rtx ? &receiver->rtx : &receiver->media;
  guint64 index;

  if (!latch (receiver, reception, view->ssrc, now_us)) {
    session->stats.dropped_ssrc_change++;
    return;
  }
  MxrSeqResult result = mxr_reception_update (reception, view->seq, view->timestamp, now_us, &index);
  if (result == MXR_SEQ_DUPLICATE || result == MXR_SEQ_REFUSED) {
    count_refused (receiver, result);
    return;
  }
  receiver->has_left = false;
  receiver->stats.last_packet_us = now_us;
  if (is_rtx) {
    if (!unwrap_rtx (receiver, data, view)) {
      session->stats.dropped_rtx++;
      return;
    }
    result = mxr_seq_update (&receiver->media.seq, view->seq, false, &index);
    if (result == MXR_SEQ_DUPLICATE || result == MXR_SEQ_REFUSED) {
      count_refused (receiver, result);
      return;
    }
    receiver->stats.rtx_packets++;
    receiver->stats.rtx_bytes += view->size;
  } else {
    receiver->stats.packets++;
    receiver->stats.bytes += view->size;
  }
  track_missing (receiver, result, index, now_us);
  if (session->events->on_receive_rtp != NULL)
    session->events->on_receive_rtp (receiver, view, index, now_us, session->user_data);
}

/* ---- Feedback out -------------------------------------------------------------------------------------- */

void
mxr_rtp_receiver_want_keyframe (MxrRtpReceiver *receiver)
{
  receiver->is_pli_pending = receiver->config.pli && receiver->config.kind == MXR_RTP_VIDEO;
}

bool
mxr_rtp_session_request_keyframe (MxrRtpSession *session, MxrRtpReceiver *receiver, gint64 now_us)
{
  if (!receiver->config.pli || receiver->media.ssrc == 0)
    return false;
  receiver->is_pli_pending = true;
  return true;
}

static void
send_nack (MxrRtpReceiver *receiver, const MxrNackPair *pairs, guint n_pairs)
{
  MxrRtcpWriter writer;
  mxr_rtcp_writer_begin_feedback (&writer, receiver->session);
  guint8 *fci = mxr_rtcp_writer_add_feedback (&writer, GST_RTCP_TYPE_RTPFB, GST_RTCP_RTPFB_TYPE_NACK,
                                              receiver->media.ssrc, n_pairs);
  for (guint i = 0; fci != NULL && i < n_pairs; i++) {
    mxr_write_u16 (fci + 4 * i, pairs[i].pid);
    mxr_write_u16 (fci + 4 * i + 2, pairs[i].blp);
  }
  mxr_rtcp_writer_send (&writer);
}

static void
poll_nacks (MxrRtpReceiver *receiver, gint64 now_us)
{
  const gint64 rtt_us = mxr_rtp_session_get_rtt_us (receiver->session);

  while (mxr_nack_list_due_us (receiver->nacks) <= now_us) {
    MxrNackPair pairs[NACK_MAX_PAIRS];
    guint n_asked, n_abandoned;
    const guint n_pairs = mxr_nack_list_collect (receiver->nacks, now_us, rtt_us, pairs, NACK_MAX_PAIRS,
                                                 &n_asked, &n_abandoned);
    receiver->stats.nacks_sent += n_asked;
    receiver->stats.nacks_abandoned += n_abandoned;
    if (n_abandoned > 0)
      mxr_rtp_receiver_want_keyframe (receiver);
    if (n_pairs > 0)
      send_nack (receiver, pairs, n_pairs);
  }
}

static gint64
get_pli_due_us (const MxrRtpReceiver *receiver)
{
  if (!receiver->is_pli_pending)
    return G_MAXINT64;
  return receiver->pli_sent_us != 0 ? receiver->pli_sent_us + PLI_INTERVAL_US : 0;
}

static void
poll_pli (MxrRtpReceiver *receiver, gint64 now_us)
{
  if (now_us < get_pli_due_us (receiver))
    return;

  MxrRtcpWriter writer;
  mxr_rtcp_writer_begin_feedback (&writer, receiver->session);
  mxr_rtcp_writer_add_feedback (&writer, GST_RTCP_TYPE_PSFB, GST_RTCP_PSFB_TYPE_PLI, receiver->media.ssrc, 0);
  mxr_rtcp_writer_send (&writer);
  receiver->is_pli_pending = false;
  receiver->pli_sent_us = now_us;
  receiver->stats.plis_sent++;
}

void
mxr_rtp_receiver_poll (MxrRtpReceiver *receiver, gint64 now_us)
{
  if (receiver->nacks != NULL)
    poll_nacks (receiver, now_us);
  mxr_rtp_receiver_poll_max_bitrate (receiver);
  poll_pli (receiver, now_us);
}

gint64
mxr_rtp_receiver_get_due_us (const MxrRtpReceiver *receiver)
{
  const gint64 pli_due_us = get_pli_due_us (receiver);

  if (mxr_rtp_receiver_has_max_bitrate_due (receiver))
    return 0;
  return receiver->nacks != NULL ? MIN (pli_due_us, mxr_nack_list_due_us (receiver->nacks)) : pli_due_us;
}
