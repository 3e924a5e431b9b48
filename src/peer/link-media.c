/* Packets of a link: the RTP session between the transport on one side, uplinks and fan-outs on the other. Per packet
 * nothing is allocated here, and nothing crosses to the control thread. */

#include "link-private.h"

#define STATS_INTERVAL_US G_USEC_PER_SEC
/* A downlink whose first key frame got lost on the way from its rung has no packet that the client could miss, so
 * nobody but we would ask again. Longer than the governor's interval, shorter than a viewer's patience. */
#define KEYFRAME_PATIENCE_US G_USEC_PER_SEC

/* ---- The session's timer --------------------------------------------------------------------------------- */

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
  };
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    stats.has_uplink[i] = link->incoming[i].receiver != NULL;
    stats.has_downlink[i] = link->outgoing[i].sender != NULL;
    if (stats.has_uplink[i])
      mxr_rtp_receiver_get_stats (link->incoming[i].receiver, &stats.uplink[i]);
    if (link->incoming[i].uplink != NULL)
      mxr_uplink_get_stats (link->incoming[i].uplink, &stats.decoding[i]);
    if (stats.has_downlink[i])
      mxr_rtp_sender_get_stats (link->outgoing[i].sender, &stats.downlink[i]);
  }
  g_mutex_lock (&peer->stats_lock);
  peer->stats = stats;
  g_mutex_unlock (&peer->stats_lock);
  link->next_stats_us = now_us + STATS_INTERVAL_US;
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

static gboolean
on_timer (gpointer user_data)
{
  MxrLink *link = user_data;
  gint64 now_us = g_get_monotonic_time ();

  link->timer_is_soon = false;
  if (now_us >= link->next_stats_us)
    update_stats (link, now_us);
  gint64 due_us = poll_uplinks (link, now_us);
  due_us = MIN (due_us, mxr_rtp_session_poll (link->session, now_us));
  if (!link->timer_is_soon)
    g_source_set_ready_time (link->timer, MIN (due_us, link->next_stats_us));
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

void
mxr_link_start_timer (MxrLink *link)
{
  link->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (link->timer, on_timer, link, NULL);
  g_source_set_name (link->timer, "rtp session");
  g_source_attach (link->timer, mxr_net_thread_get_context (link->peer->thread));
}

void
mxr_link_stop_timer (MxrLink *link)
{
  g_source_destroy (link->timer);
  g_clear_pointer (&link->timer, g_source_unref);
}

void
mxr_link_poll_soon (MxrLink *link)
{
  if (link->timer_is_soon)
    return;
  link->timer_is_soon = true;
  g_source_set_ready_time (link->timer, 0);
}

void
mxr_link_poll_uplinks (MxrPeer *peer, gpointer unused)
{
  if (peer->link != NULL)
    mxr_link_poll_soon (peer->link);
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
  mxr_link_poll_soon (link);
}

void
mxr_link_receive_rtcp (MxrLink *link, guint8 *data, gsize size, gint64 now_us)
{
  mxr_rtp_session_receive_rtcp (link->session, data, size, now_us);
  mxr_link_poll_soon (link);
}

/* ---- To the network -------------------------------------------------------------------------------------- */

static void
on_send_rtp (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data)
{
  MxrLink *link = user_data;
  mxr_transport_send_rtp (link->transport, data, size, size + MXR_SRTP_TRAILER_BYTES);
}

static void
on_send_rtcp (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data)
{
  MxrLink *link = user_data;
  if (link->connected)
    mxr_transport_send_rtcp (link->transport, data, size, size + MXR_SRTP_TRAILER_BYTES);
}

/* A client may ask as often as it likes: the control thread gets one call at a time. */
static void
ask_for_keyframe (MxrLink *link)
{
  MxrPeer *peer = link->peer;
  if (!atomic_exchange (&peer->keyframe_is_asked, true) &&
      !mxr_peer_post_control (peer, mxr_peer_on_link_keyframe_request, NULL, NULL))
    atomic_store (&peer->keyframe_is_asked, false);
}

static void
on_keyframe_request (MxrRtpSender *sender, gpointer user_data)
{
  ask_for_keyframe (user_data);
}

const MxrRtpSessionEvents mxr_link_session_events = {
  .on_send_rtcp = on_send_rtcp,
  .on_send_rtp = on_send_rtp,
  .on_receive_rtp = on_receive_rtp,
  .on_keyframe_request = on_keyframe_request,
};

/* Returns: whether @packet is to be left out, because the picture before it cannot be decoded. */
static bool
wait_for_keyframe (MxrOutgoing *outgoing, const MxrRtpPacket *packet, gint64 now_us)
{
  if (!outgoing->waits_for_keyframe)
    return false;
  outgoing->waits_for_keyframe = !packet->is_keyframe_start;
  if (outgoing->waits_for_keyframe && now_us - outgoing->keyframe_asked_us > KEYFRAME_PATIENCE_US) {
    outgoing->keyframe_asked_us = now_us;
    ask_for_keyframe (outgoing->link);
  }
  return outgoing->waits_for_keyframe;
}

/* Two sounds share a timeline; after a change from one to the other the blocks that both have are sent once. */
static bool
is_already_sent (const MxrOutgoing *outgoing, const MxrRtpPacket *packet)
{
  return outgoing->has_sent && (gint32) (packet->timestamp - outgoing->last_timestamp) <= 0;
}

static void
send_packet (MxrOutgoing *outgoing, MxrRtpPacket *packet, gint64 now_us)
{
  if (wait_for_keyframe (outgoing, packet, now_us))
    return;
  if (outgoing->kind == MXR_RTP_AUDIO && is_already_sent (outgoing, packet))
    return;
  outgoing->has_sent = true;
  outgoing->last_timestamp = packet->timestamp;
  mxr_rtp_sender_send (outgoing->sender, packet, outgoing->fanout, now_us);
}

static void
on_fanout_packets (MxrRtpPacket *const *packets, guint n_packets, gpointer user_data)
{
  MxrOutgoing *outgoing = user_data;
  gint64 now_us = g_get_monotonic_time ();

  if (!outgoing->link->connected)
    return;
  for (guint i = 0; i < n_packets; i++)
    send_packet (outgoing, packets[i], now_us);
  mxr_link_poll_soon (outgoing->link);
}

/* From here on the next key frame is not missed. Before the connection is there it would be. */
static void
begin_picture (MxrOutgoing *outgoing)
{
  outgoing->waits_for_keyframe = true;
  if (!outgoing->link->connected)
    return;
  outgoing->keyframe_asked_us = g_get_monotonic_time ();
  ask_for_keyframe (outgoing->link);
}

void
mxr_link_set_connected (MxrLink *link, bool connected)
{
  MxrOutgoing *video = &link->outgoing[MXR_RTP_VIDEO];

  link->connected = connected;
  link->next_stats_us = 0;
  mxr_link_poll_soon (link);
  if (connected && video->fanout != NULL)
    begin_picture (video);
}

/* ---- Subscriptions --------------------------------------------------------------------------------------- */

void
mxr_link_unsubscribe (MxrOutgoing *outgoing)
{
  if (outgoing->fanout == NULL)
    return;
  mxr_fanout_unsubscribe (outgoing->fanout, outgoing);
  g_clear_pointer (&outgoing->fanout, mxr_fanout_unref);
}

static void
subscribe (MxrOutgoing *outgoing, MxrFanout *fanout)
{
  mxr_link_unsubscribe (outgoing);
  if (fanout == NULL || outgoing->sender == NULL)
    return;
  outgoing->fanout = mxr_fanout_ref (fanout);
  mxr_fanout_subscribe (outgoing->fanout, on_fanout_packets, outgoing);
  if (outgoing->kind == MXR_RTP_VIDEO)
    begin_picture (outgoing);
}

static void
call_subscribed (MxrPeer *peer, gpointer data)
{
  const MxrLinkSubscription *subscription = data;
  subscription->func (peer, subscription->user_data);
}

void
mxr_link_subscribe (MxrPeer *peer, gpointer data)
{
  const MxrLinkSubscription *subscription = data;

  if (peer->link != NULL)
    subscribe (&peer->link->outgoing[subscription->kind], subscription->fanout);
  if (subscription->func == NULL)
    return;
  MxrLinkSubscription *done = g_new0 (MxrLinkSubscription, 1);
  done->func = subscription->func;
  done->user_data = subscription->user_data;
  mxr_peer_post_control (peer, call_subscribed, done, mxr_link_subscription_free);
}

void
mxr_link_subscription_free (gpointer data)
{
  MxrLinkSubscription *subscription = data;
  g_clear_pointer (&subscription->fanout, mxr_fanout_unref);
  g_free (subscription);
}
