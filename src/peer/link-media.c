/* Packets of a link: the RTP session between the transport on one side, uplinks and fan-outs on the other. Per packet
 * nothing is allocated here, and nothing crosses to the control thread. */

#include "link-private.h"

/* Statistics have no time of their own: they are taken when a link is looked at anyway, at the latest with its report. */
#define STATS_MIN_AGE_US (G_USEC_PER_SEC / 2)
/* ---- What is due ----------------------------------------------------------------------------------------- */

static guint64
count_refused (const MxrTransportStats *stats)
{
  return stats->drop_unauthenticated + stats->drop_replay + stats->drop_too_early + stats->drop_too_large +
         stats->drop_dtls + stats->drop_unknown;
}

static void
update_stats (MxrLink *link, gint64 now_us)
{
  MxrPeer *peer = link->peer;
  MxrTransportStats transport;

  mxr_transport_get_stats (link->transport, &transport);
  MxrPeerStats stats = {
    .connected = link->connected,
    .local_type = transport.local_type,
    .remote_type = transport.remote_type,
    .protocol = transport.protocol,
    .send_drops = transport.send_drops,
    .packets_refused = count_refused (&transport),
    .pacer_drops = link->pacer.n_dropped,
    .pacer_packets = link->pacer.n_waiting,
    .pacer_bytes = link->pacer.n_waiting_bytes,
  };
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    stats.has_uplink[i] = link->incoming[i].receiver != NULL;
    stats.has_downlink[i] = link->outgoing[i].sender != NULL;
    if (stats.has_uplink[i])
      mxr_rtp_receiver_get_stats (link->incoming[i].receiver, &stats.uplink[i]);
    if (peer->tap != NULL && stats.uplink[i].sr_ntp != 0)
      mxr_tap_clock_report (&peer->tap->clock, i, stats.uplink[i].sr_ntp, stats.uplink[i].sr_rtp);
    if (link->incoming[i].uplink != NULL)
      mxr_uplink_get_stats (link->incoming[i].uplink, &stats.decoding[i]);
    if (stats.has_downlink[i])
      mxr_rtp_sender_get_stats (link->outgoing[i].sender, &stats.downlink[i]);
  }
  g_mutex_lock (&peer->stats_lock);
  peer->stats = stats;
  g_mutex_unlock (&peer->stats_lock);
  link->stats_us = now_us;
}

static gint64
poll_feeds (MxrLink *link, gint64 now_us)
{
  gint64 due_us = G_MAXINT64;

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    due_us = MIN (due_us, mxr_link_feed_poll (&link->outgoing[i].feed, now_us));
  return due_us;
}

static gint64
poll_uplinks (MxrLink *link, gint64 now_us)
{
  gint64 due_us = G_MAXINT64;

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    if (link->incoming[i].uplink != NULL)
      due_us = MIN (due_us, mxr_uplink_poll (link->incoming[i].uplink, now_us));
  return due_us;
}

gint64
mxr_link_on_due (gpointer user_data, gint64 now_us)
{
  MxrLink *link = user_data;

  link->now_us = now_us;
  if (now_us - link->stats_us >= STATS_MIN_AGE_US)
    update_stats (link, now_us);
  gint64 due_us = MIN (poll_uplinks (link, now_us), poll_feeds (link, now_us));
  mxr_link_send_waiting (link, now_us);
  due_us = MIN (due_us, mxr_rtp_session_poll (link->session, now_us));
  mxr_link_batch_flush (&link->thread->batch);
  mxr_link_update_bandwidth (link, now_us);
  return MIN (due_us, mxr_link_pacer_get_due_us (&link->pacer));
}

void
mxr_link_note_due (MxrLink *link)
{
  gint64 due_us = MIN (mxr_rtp_session_get_due_us (link->session), mxr_link_pacer_get_due_us (&link->pacer));

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    due_us = MIN (due_us, mxr_link_feed_get_due_us (&link->outgoing[i].feed));
    if (link->incoming[i].uplink != NULL)
      due_us = MIN (due_us, mxr_uplink_get_due_us (link->incoming[i].uplink));
  }
  mxr_link_clock_hasten (&link->thread->clock, &link->timer, due_us);
}

void
mxr_link_poll_uplinks (MxrPeer *peer, gpointer unused)
{
  if (peer->link == NULL)
    return;
  poll_uplinks (peer->link, g_get_monotonic_time ());
  mxr_link_note_due (peer->link);
}

/* ---- From the network ------------------------------------------------------------------------------------ */

static void
note_audio_level (MxrPeer *peer, const MxrUplinkPacket *packet)
{
  guint word = mxr_level_pack (packet->level_dbov, packet->voice);
  guint loudest = atomic_load (&peer->audio_level);
  while (word > loudest && !atomic_compare_exchange_weak (&peer->audio_level, &loudest, word))
    ;
}

/* Names of GST_TAG_IMAGE_ORIENTATION; a flip is to be undone before the turn. */
static const char *
find_orientation (const MxrRtpView *view, guint8 id)
{
  static const char *const turned[] = { "rotate-0", "rotate-90", "rotate-180", "rotate-270" };
  static const char *const flipped[] = { "flip-rotate-0", "flip-rotate-90", "flip-rotate-180", "flip-rotate-270" };
  guint rotation_deg;
  bool flip;

  if (!mxr_rtp_view_get_orientation (view, id, &rotation_deg, &flip))
    return NULL;
  return (flip ? flipped : turned)[rotation_deg / 90 % 4];
}

static void
on_receive_rtp (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq, gint64 now_us,
                gpointer user_data)
{
  MxrLink *link = user_data;
  MxrRtpKind kind = GPOINTER_TO_INT (mxr_rtp_receiver_get_user_data (receiver));
  const MxrIncoming *incoming = &link->incoming[kind];
  MxrUplinkPacket packet = { .view = view, .extended_seq = extended_seq };

  packet.is_red = incoming->red_payload_type != 0 && view->payload_type == incoming->red_payload_type;
  atomic_store (&link->peer->last_packet_us[kind], now_us);
  if (kind == MXR_RTP_AUDIO)
    packet.has_level = mxr_rtp_view_get_audio_level (view, incoming->audio_level_id, &packet.level_dbov, &packet.voice);
  else
    packet.orientation = find_orientation (view, incoming->orientation_id);
  if (packet.has_level)
    note_audio_level (link->peer, &packet);
  mxr_uplink_push (incoming->uplink, &packet, now_us);
}

void
mxr_link_receive_rtp (MxrLink *link, guint8 *data, gsize size, gint64 now_us)
{
  mxr_rtp_session_receive_rtp (link->session, data, size, now_us);
  mxr_link_note_due (link);
}

void
mxr_link_receive_rtcp (MxrLink *link, guint8 *data, gsize size, gint64 now_us)
{
  link->now_us = now_us;
  mxr_rtp_session_receive_rtcp (link->session, data, size, now_us);
  mxr_link_batch_flush (&link->thread->batch); /* what was asked for again */
  mxr_link_update_bandwidth (link, now_us);
  mxr_link_note_due (link);
}

/* ---- To the network -------------------------------------------------------------------------------------- */

static guint8 *
on_reserve_rtp (MxrRtpSender *sender, gpointer user_data)
{
  MxrLink *link = user_data;
  return link->connected ? mxr_link_batch_reserve (&link->thread->batch, link->transport) : NULL;
}

static void
on_send_rtp (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data)
{
  MxrLink *link = user_data;
  mxr_link_batch_add (&link->thread->batch, size);
  mxr_link_note_sent (link, size);
}

static void
on_send_rtcp (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data)
{
  MxrLink *link = user_data;
  if (link->connected)
    mxr_transport_send_rtcp (link->transport, data, size, size + MXR_SRTP_TRAILER_BYTES);
}

/* A client may ask as often as it likes: the control thread gets one call at a time. */
void
mxr_link_ask_for_keyframe (MxrLink *link)
{
  MxrPeer *peer = link->peer;
  if (!atomic_exchange (&peer->keyframe_is_asked, true) &&
      !mxr_peer_post_control (peer, mxr_peer_on_link_keyframe_request, NULL, NULL))
    atomic_store (&peer->keyframe_is_asked, false);
}

static void
on_keyframe_request (MxrRtpSender *sender, gpointer user_data)
{
  mxr_link_ask_for_keyframe (user_data);
}

const MxrRtpSessionEvents mxr_link_session_events = {
  .on_send_rtcp = on_send_rtcp,
  .on_reserve_rtp = on_reserve_rtp,
  .on_send_rtp = on_send_rtp,
  .on_receive_rtp = on_receive_rtp,
  .on_keyframe_request = on_keyframe_request,
};

static void
send_packet (MxrOutgoing *outgoing, gpointer run, MxrRtpPacket *packet, gint64 now_us)
{
  outgoing->has_sent = true;
  outgoing->oldest_us = MIN (outgoing->oldest_us, packet->pushed_us);
  mxr_link_send_packet (outgoing, run, packet, now_us);
}

/* Who is sent copies for what gets lost is better off with small packets: less is missing at a time. On a way that is too thin for
 * copies large ones leave more room than they risk. */
static bool
may_aggregate (const MxrOutgoing *outgoing, const MxrRtpPacket *packet)
{
  const guint ptime_ms = packet->aggregate != NULL ? packet->aggregate->n_frames * MXR_OPUS_PTIME_MS : 0;
  return (outgoing->max_ptime_ms == 0 || ptime_ms <= outgoing->max_ptime_ms) && !mxr_rtp_sender_is_lossy (outgoing->sender);
}

static void
send_sound (MxrOutgoing *outgoing, gpointer run, MxrRtpPacket *packet, gint64 now_us)
{
  MxrLinkLeaving leaving[MXR_OPUS_AGGREGATE_MAX];

  if (!mxr_link_feed_is_news (&outgoing->feed, packet))
    return;
  const guint n = mxr_link_aggregate_push (&outgoing->aggregate, run, packet, may_aggregate (outgoing, packet), leaving);
  for (guint i = 0; i < n; i++) {
    if (leaving[i].is_next)
      mxr_rtp_sender_cut (outgoing->sender);
    send_packet (outgoing, leaving[i].run, leaving[i].packet, now_us);
    mxr_rtp_packet_unref (leaving[i].packet);
  }
}

static void
on_feed_packets (gpointer run, MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  MxrOutgoing *outgoing = user_data;
  MxrLink *link = outgoing->link;
  const gint64 now_us = g_get_monotonic_time ();
  const bool is_first = !outgoing->has_sent;

  link->now_us = now_us;
  outgoing->oldest_us = G_MAXINT64;
  for (guint i = 0; i < n_packets; i++)
    if (outgoing->kind == MXR_RTP_AUDIO)
      send_sound (outgoing, run, packets[i], now_us);
    else
      send_packet (outgoing, run, packets[i], now_us);
  if (link->pacer.n_waiting > 0)
    mxr_link_send_waiting (link, now_us);
  mxr_link_batch_flush (&link->thread->batch);
  if (is_last && outgoing->oldest_us != G_MAXINT64)
    mxr_delay_note (&link->peer->env.delays->send[outgoing->kind], g_get_monotonic_time () - outgoing->oldest_us);
  if ((is_first && outgoing->has_sent) || link->pacer.n_waiting > 0) /* its first report is due; or what waits */
    mxr_link_note_due (link);
}

void
mxr_link_set_connected (MxrLink *link, bool connected)
{
  link->connected = connected;
  if (!connected)
    mxr_link_forget_waiting (&link->outgoing[MXR_RTP_VIDEO]);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) /* with what is sent here the connection may end */
    mxr_link_feed_set_listening (&link->outgoing[i].feed, link->connected, g_get_monotonic_time ());
  update_stats (link, g_get_monotonic_time ());
  mxr_link_note_due (link);
}

/* ---- Subscriptions --------------------------------------------------------------------------------------- */

static void
call_subscribed (MxrPeer *peer, gpointer data)
{
  const MxrLinkSubscription *subscription = data;
  subscription->func (peer, subscription->user_data);
}

static void
confirm (MxrPeer *peer, MxrLinkSubscription *done)
{
  mxr_peer_post_control (peer, call_subscribed, done, mxr_link_subscription_free);
}

static void
on_feed_changed (gpointer user_data)
{
  MxrOutgoing *outgoing = user_data;
  MxrLinkSubscription *done;
  while ((done = g_queue_pop_head (&outgoing->changes)) != NULL)
    confirm (outgoing->link->peer, done);
}

static void
on_feed_keyframe_needed (gpointer user_data)
{
  MxrOutgoing *outgoing = user_data;
  mxr_link_ask_for_keyframe (outgoing->link);
}

static gsize
get_feed_room (gpointer user_data)
{
  MxrOutgoing *outgoing = user_data;
  return mxr_link_pacer_get_room (&outgoing->link->pacer);
}

static const MxrLinkFeedEvents feed_events = {
  .on_packets = on_feed_packets,
  .on_changed = on_feed_changed,
  .on_keyframe_needed = on_feed_keyframe_needed,
  .get_room = get_feed_room,
};

void
mxr_link_init_outgoing (MxrLink *link, MxrRtpKind kind)
{
  MxrOutgoing *outgoing = &link->outgoing[kind];

  outgoing->link = link;
  outgoing->kind = kind;
  mxr_link_feed_init (&outgoing->feed, kind, &feed_events, outgoing);
}

void
mxr_link_unsubscribe (MxrOutgoing *outgoing)
{
  mxr_link_forget_waiting (outgoing);
  mxr_link_feed_set (&outgoing->feed, NULL, g_get_monotonic_time ());
}

void
mxr_link_subscribe (MxrPeer *peer, gpointer data)
{
  const MxrLinkSubscription *subscription = data;
  MxrLinkSubscription *done = NULL;

  if (subscription->func != NULL) {
    done = g_new0 (MxrLinkSubscription, 1);
    done->func = subscription->func;
    done->user_data = subscription->user_data;
  }
  if (peer->link == NULL && done != NULL)
    confirm (peer, done);
  if (peer->link == NULL)
    return;
  MxrOutgoing *outgoing = &peer->link->outgoing[subscription->kind];
  if (done != NULL)
    g_queue_push_tail (&outgoing->changes, done);
  if (subscription->fanout == NULL)
    mxr_link_forget_waiting (outgoing);
  mxr_link_feed_set (&outgoing->feed, outgoing->sender != NULL ? subscription->fanout : NULL, g_get_monotonic_time ());
  mxr_link_note_due (peer->link);
}

void
mxr_link_subscription_free (gpointer data)
{
  MxrLinkSubscription *subscription = data;
  g_clear_pointer (&subscription->fanout, mxr_fanout_unref);
  g_free (subscription);
}
