/* When packets of a link leave, and what the way to the client carries. */

#include "link-private.h"

#include <math.h>

/* Control decides at its own pace, and the estimate of a way moves with each feedback. */
#define READ_INTERVAL_US (G_USEC_PER_SEC / 10)
#define NEWS_PART 0.1
#define NEWS_QUEUE_MS 100
#define SENT_SMOOTHING_US G_USEC_PER_SEC

/* ---- Packets ----------------------------------------------------------------------------------------------- */

/* After what the pacer has dropped comes a key frame. @packet has just left it, or does not go through it. */
static void
send_now (MxrOutgoing *outgoing, gpointer source_tag, MxrRtpPacket *packet, gint64 now_us)
{
  if (outgoing->kind == MXR_RTP_VIDEO && packet->is_keyframe_start && outgoing->link->pacer.has_skipped)
    mxr_rtp_sender_cut (outgoing->sender);
  mxr_rtp_sender_send (outgoing->sender, packet, source_tag, now_us);
}

void
mxr_link_send_packet (MxrOutgoing *outgoing, gpointer source_tag, MxrRtpPacket *packet, gint64 now_us)
{
  MxrLink *link = outgoing->link;

  if (outgoing->kind == MXR_RTP_AUDIO ||
      mxr_link_pacer_push (&link->pacer, packet, source_tag, now_us) == MXR_LINK_PACER_PASSES)
    send_now (outgoing, source_tag, packet, now_us);
  else if (mxr_link_pacer_needs_keyframe (&link->pacer, now_us))
    mxr_link_ask_for_keyframe (link);
}

void
mxr_link_send_waiting (MxrLink *link, gint64 now_us)
{
  MxrOutgoing *outgoing = &link->outgoing[MXR_RTP_VIDEO];
  gpointer source_tag;
  MxrRtpPacket *packet;

  while ((packet = mxr_link_pacer_pop (&link->pacer, &source_tag, now_us)) != NULL) {
    send_now (outgoing, source_tag, packet, now_us);
    if (packet->marker)
      mxr_delay_note (&link->peer->env.delays->send[MXR_RTP_VIDEO], now_us - packet->pushed_us);
    mxr_rtp_packet_unref (packet);
  }
}

void
mxr_link_forget_waiting (MxrOutgoing *outgoing)
{
  if (outgoing->kind == MXR_RTP_VIDEO)
    mxr_link_pacer_clear (&outgoing->link->pacer);
  else
    mxr_link_aggregate_clear (&outgoing->aggregate);
}

void
mxr_link_note_sent (MxrLink *link, gsize n_bytes)
{
  mxr_link_pacer_note_sent (&link->pacer, n_bytes, link->now_us);
  link->bandwidth.sent_bytes += n_bytes;
}

/* ---- The way ----------------------------------------------------------------------------------------------- */

static bool
is_news (const MxrPeerBandwidth *now, const MxrPeerBandwidth *told)
{
  return now->is_measured != told->is_measured || fabs (now->queue_ms - told->queue_ms) >= NEWS_QUEUE_MS ||
         fabs (now->paced_ms - told->paced_ms) >= NEWS_QUEUE_MS ||
         fabs ((double) now->estimate_bps - told->estimate_bps) >= NEWS_PART * told->estimate_bps;
}

static void
tell (MxrLink *link, const MxrPeerBandwidth *bandwidth)
{
  MxrPeer *peer = link->peer;
  const bool news = is_news (bandwidth, &link->bandwidth.told);

  g_mutex_lock (&peer->stats_lock);
  peer->bandwidth = *bandwidth;
  g_mutex_unlock (&peer->stats_lock);
  if (!news || atomic_exchange (&peer->bandwidth_is_told, true))
    return;
  if (mxr_peer_post_control (peer, mxr_peer_on_link_bandwidth, NULL, NULL))
    link->bandwidth.told = *bandwidth;
  else
    atomic_store (&peer->bandwidth_is_told, false);
}

static guint
measure_sent_bps (MxrLinkBandwidth *bandwidth, gint64 now_us)
{
  const gint64 elapsed_us = now_us - bandwidth->read_us;
  const double bps = (double) bandwidth->sent_bytes * 8 * G_USEC_PER_SEC / (double) elapsed_us;

  bandwidth->sent_bps += (bps - bandwidth->sent_bps) * MIN (1, (double) elapsed_us / SENT_SMOOTHING_US);
  bandwidth->sent_bytes = 0;
  bandwidth->read_us = now_us;
  return (guint) bandwidth->sent_bps;
}

void
mxr_link_update_bandwidth (MxrLink *link, gint64 now_us)
{
  MxrBandwidthState state;
  MxrRtpSessionStats stats;

  if (!mxr_rtp_session_get_bandwidth (link->session, &state))
    return;
  /* Loss alone lowers the estimate too, but what it takes from a client who tells nothing else is the room's to decide. */
  mxr_link_pacer_set_rate (&link->pacer,
                           state.is_measured ? state.estimate_bps : link->peer->env.config->media.start_bitrate_bps,
                           state.queue_ms, state.is_measured, now_us);
  if (now_us - link->bandwidth.read_us < READ_INTERVAL_US)
    return;
  mxr_rtp_session_get_stats (link->session, &stats);
  const MxrPeerBandwidth bandwidth = {
    .estimate_bps = state.estimate_bps,
    .is_measured = state.is_measured,
    .loss = state.loss,
    .rtt_ms = stats.rtt_ms,
    .queue_ms = state.queue_ms,
    .sent_bps = measure_sent_bps (&link->bandwidth, now_us),
    .paced_ms = (double) mxr_link_pacer_get_held_us (&link->pacer, now_us) / 1000,
  };
  tell (link, &bandwidth);
}
