/* The network half of a peer: transport and RTP session, uplinks fed, downlinks sent. Everything here runs on the
 * peer's network thread. */

#include "peer-private.h"

#include <gst/gst.h>
#include <string.h>

/* A trickle-less client waits this long for our server-reflexive and relayed candidates. */
#define GATHERING_MAX_MS 1000
/* Retransmissions reach back so far: half a second and more of a 1.5 Mbit/s picture. */
#define VIDEO_HISTORY_PACKETS 512
#define STATS_INTERVAL_US G_USEC_PER_SEC

/* One media section that the client sends. */
typedef struct {
  MxrRtpReceiver *receiver;
  MxrUplink *uplink;
  guint8 audio_level_id;
  guint8 orientation_id;
} Incoming;

/* One stream that we send. */
typedef struct {
  MxrLink *link;
  MxrRtpSender *sender;
  MxrFanout *fanout; /* NULL: not subscribed */
  int payload_type;
  bool waits_for_keyframe;
  bool has_sent;
  guint32 last_timestamp;
} Outgoing;

struct _MxrLink {
  MxrPeer *peer; /* owned reference */
  MxrTransport *transport;
  MxrRtpSession *session;
  Incoming incoming[MXR_PEER_N_KINDS];
  Outgoing outgoing[MXR_PEER_N_KINDS];
  GSource *timer;
  bool timer_is_soon;
  bool connected;
  gint64 next_stats_us;
  MxrLinkReply *reply; /* held until gathering is done */
  GSource *gathering_timeout;
};

/* ---- RTP session's timer -------------------------------------------------------------------------------- */

static void
update_stats (MxrLink *link, gint64 now_us)
{
  MxrPeer *peer = link->peer;
  MxrPeerStats stats = { .connected = link->connected };
  MxrTransportStats transport;

  mxr_transport_get_stats (link->transport, &transport);
  stats.local_type = transport.local_type;
  stats.remote_type = transport.remote_type;
  stats.protocol = transport.protocol;
  stats.send_drops = transport.send_drops;
  stats.packets_refused = transport.drop_unauthenticated + transport.drop_replay + transport.drop_too_early +
                          transport.drop_too_large + transport.drop_dtls + transport.drop_unknown;
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    stats.has_uplink[i] = link->incoming[i].receiver != NULL;
    stats.has_downlink[i] = link->outgoing[i].sender != NULL;
    if (stats.has_uplink[i])
      mxr_rtp_receiver_get_stats (link->incoming[i].receiver, &stats.uplink[i]);
    if (stats.has_downlink[i])
      mxr_rtp_sender_get_stats (link->outgoing[i].sender, &stats.downlink[i]);
  }
  g_mutex_lock (&peer->stats_lock);
  peer->stats = stats;
  g_mutex_unlock (&peer->stats_lock);
  link->next_stats_us = now_us + STATS_INTERVAL_US;
}

static gboolean
on_timer (gpointer user_data)
{
  MxrLink *link = user_data;
  gint64 now_us = g_get_monotonic_time ();

  link->timer_is_soon = false;
  if (now_us >= link->next_stats_us)
    update_stats (link, now_us);
  gint64 due_us = mxr_rtp_session_poll (link->session, now_us);
  if (!link->timer_is_soon)
    g_source_set_ready_time (link->timer, MIN (due_us, link->next_stats_us));
  return G_SOURCE_CONTINUE;
}

/* After a packet in or out: once per round of the loop, whatever the number of packets. */
static void
poll_soon (MxrLink *link)
{
  if (link->timer_is_soon)
    return;
  link->timer_is_soon = true;
  g_source_set_ready_time (link->timer, 0);
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

static GSource *
new_timer (MxrLink *link)
{
  GSource *timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (timer, on_timer, link, NULL);
  g_source_set_name (timer, "rtp session");
  g_source_attach (timer, mxr_net_thread_get_context (link->peer->thread));
  return timer;
}

/* ---- From the network ----------------------------------------------------------------------------------- */

static void
note_audio_level (MxrPeer *peer, const MxrRtpView *view, guint8 id)
{
  int level_dbov;
  bool voice;

  if (!mxr_rtp_view_get_audio_level (view, id, &level_dbov, &voice))
    return;
  guint word = level_pack (level_dbov, voice);
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
  const Incoming *incoming = &link->incoming[kind];
  const char *orientation = NULL;

  atomic_store (&link->peer->last_packet_us[kind], now_us);
  if (kind == MXR_RTP_AUDIO)
    note_audio_level (link->peer, view, incoming->audio_level_id);
  else
    orientation = find_orientation (view, incoming->orientation_id);
  if (incoming->uplink != NULL && view->payload_bytes > 0)
    mxr_uplink_push (incoming->uplink, view->data, view->size, orientation, now_us);
}

static void
on_transport_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  MxrLink *link = user_data;
  mxr_rtp_session_receive_rtp (link->session, data, size, now_us);
  poll_soon (link);
}

static void
on_transport_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  MxrLink *link = user_data;
  mxr_rtp_session_receive_rtcp (link->session, data, size, now_us);
  poll_soon (link);
}

static void
on_keyframe_request (MxrRtpSender *sender, gpointer user_data)
{
  MxrLink *link = user_data;
  mxr_peer_post_control (link->peer, mxr_peer_on_link_keyframe_request, NULL, NULL);
}

/* ---- To the network ------------------------------------------------------------------------------------- */

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

static const MxrRtpSessionEvents session_events = {
  .on_send_rtcp = on_send_rtcp,
  .on_send_rtp = on_send_rtp,
  .on_receive_rtp = on_receive_rtp,
  .on_keyframe_request = on_keyframe_request,
};

/* Two fan-outs of one kind share a timeline; after a change from one to the other the blocks that both have are
 * sent once. */
static bool
is_already_sent (const Outgoing *outgoing, const MxrRtpPacket *packet)
{
  return outgoing->has_sent && (gint32) (packet->timestamp - outgoing->last_timestamp) <= 0;
}

static void
send_packet (Outgoing *outgoing, MxrRtpKind kind, MxrRtpPacket *packet, gint64 now_us)
{
  if (outgoing->waits_for_keyframe && !packet->is_keyframe_start)
    return;
  outgoing->waits_for_keyframe = false;
  if (kind == MXR_RTP_AUDIO && is_already_sent (outgoing, packet))
    return;
  outgoing->has_sent = true;
  outgoing->last_timestamp = packet->timestamp;
  mxr_rtp_sender_send (outgoing->sender, packet, outgoing->fanout, now_us);
}

static void
on_fanout_packets (MxrRtpPacket *const *packets, guint n_packets, gpointer user_data)
{
  Outgoing *outgoing = user_data;
  MxrLink *link = outgoing->link;
  MxrRtpKind kind = outgoing == &link->outgoing[MXR_RTP_AUDIO] ? MXR_RTP_AUDIO : MXR_RTP_VIDEO;
  gint64 now_us = g_get_monotonic_time ();

  if (!link->connected)
    return;
  for (guint i = 0; i < n_packets; i++)
    send_packet (outgoing, kind, packets[i], now_us);
  poll_soon (link);
}

static void
unsubscribe (Outgoing *outgoing)
{
  if (outgoing->fanout == NULL)
    return;
  mxr_fanout_unsubscribe (outgoing->fanout, outgoing);
  g_clear_pointer (&outgoing->fanout, mxr_fanout_unref);
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
  MxrLinkSubscription *subscription = data;
  MxrLink *link = peer->link;

  if (link != NULL && link->outgoing[subscription->kind].sender != NULL) {
    Outgoing *outgoing = &link->outgoing[subscription->kind];
    unsubscribe (outgoing);
    if (subscription->fanout != NULL) {
      outgoing->fanout = mxr_fanout_ref (subscription->fanout);
      outgoing->waits_for_keyframe = subscription->kind == MXR_RTP_VIDEO;
      mxr_fanout_subscribe (outgoing->fanout, on_fanout_packets, outgoing);
    }
  }
  if (subscription->func != NULL) {
    MxrLinkSubscription *done = g_new0 (MxrLinkSubscription, 1);
    done->func = subscription->func;
    done->user_data = subscription->user_data;
    mxr_peer_post_control (peer, call_subscribed, done, mxr_link_subscription_free);
  }
}

void
mxr_link_subscription_free (gpointer data)
{
  MxrLinkSubscription *subscription = data;
  g_clear_pointer (&subscription->fanout, mxr_fanout_unref);
  g_free (subscription);
}

/* ---- ICE and DTLS --------------------------------------------------------------------------------------- */

static void
send_reply (MxrLink *link)
{
  if (link->gathering_timeout != NULL) {
    g_source_destroy (link->gathering_timeout);
    g_clear_pointer (&link->gathering_timeout, g_source_unref);
  }
  MxrLinkReply *reply = g_steal_pointer (&link->reply);
  if (reply == NULL)
    return;
  g_ptr_array_add (reply->candidates, NULL);
  mxr_peer_post_control (link->peer, mxr_peer_on_link_reply, reply, mxr_link_reply_free);
}

static void
on_local_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  MxrLink *link = user_data;
  if (link->reply != NULL)
    g_ptr_array_add (link->reply->candidates, g_strdup (candidate));
  else
    mxr_peer_post_control (link->peer, mxr_peer_on_link_candidate, g_strdup (candidate), g_free);
}

static void
on_gathering_done (MxrTransport *transport, gpointer user_data)
{
  MxrLink *link = user_data;
  if (link->reply == NULL) {
    mxr_peer_post_control (link->peer, mxr_peer_on_link_candidate, g_strdup (""), g_free);
    return;
  }
  link->reply->end_of_candidates = true;
  if (link->gathering_timeout != NULL)
    send_reply (link);
}

static gboolean
on_gathering_timeout (gpointer user_data)
{
  send_reply (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  MxrLink *link = user_data;
  link->connected = state == MXR_TRANSPORT_CONNECTED;
  if (state == MXR_TRANSPORT_CONNECTED) {
    mxr_peer_post_control (link->peer, mxr_peer_on_link_connected, NULL, NULL);
    link->next_stats_us = 0;
    poll_soon (link);
  } else if (state == MXR_TRANSPORT_FAILED) {
    mxr_peer_post_control (link->peer, mxr_peer_on_link_failed, g_strdup (reason != NULL ? reason : "failed"), g_free);
  }
}

static void
on_closed_by_peer (MxrTransport *transport, gpointer user_data)
{
  MxrLink *link = user_data;
  link->connected = false;
  mxr_peer_post_control (link->peer, mxr_peer_on_link_failed, g_strdup ("the client closed the connection"), g_free);
}

static const MxrTransportEvents transport_events = {
  .on_local_candidate = on_local_candidate,
  .on_gathering_done = on_gathering_done,
  .on_state = on_state,
  .on_rtp = on_transport_rtp,
  .on_rtcp = on_transport_rtcp,
  .on_closed_by_peer = on_closed_by_peer,
};

/* ---- Streams by the plan -------------------------------------------------------------------------------- */

static const MxrSdpFormat *
find_format (const MxrLinkPlan *plan, int section, MxrRtpKind kind)
{
  MxrSdpCodec codec = kind == MXR_RTP_AUDIO ? MXR_SDP_CODEC_OPUS : plan->video_codec;
  return section >= 0 && codec != MXR_SDP_CODEC_NONE
           ? mxr_sdp_section_find_format (&plan->offer->sections[section], codec)
           : NULL;
}

static void
remove_incoming (MxrLink *link, Incoming *incoming)
{
  if (incoming->receiver != NULL)
    mxr_rtp_session_remove_receiver (link->session, incoming->receiver);
  g_clear_pointer (&incoming->uplink, mxr_uplink_unref);
  *incoming = (Incoming){ 0 };
}

static void
apply_incoming (MxrLink *link, const MxrLinkPlan *plan, MxrRtpKind kind)
{
  Incoming *incoming = &link->incoming[kind];
  MxrUplink *uplink = plan->uplinks[kind];
  const MxrSdpFormat *format = find_format (plan, plan->offer->uplink[kind], kind);

  if (incoming->uplink == uplink && uplink != NULL)
    return;
  remove_incoming (link, incoming);
  if (uplink == NULL || format == NULL)
    return;

  const MxrSdpSection *section = &plan->offer->sections[plan->offer->uplink[kind]];
  const MxrRtpReceiverConfig config = {
    .kind = kind,
    .mid = section->mid,
    .payload_type = format->payload_type,
    .clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000,
    .rtx_payload_type = format->rtx_payload_type,
    .ssrc = section->ssrc,
    .rtx_ssrc = section->rtx_ssrc,
    .mid_id = section->extensions[MXR_SDP_EXTENSION_MID].id,
    .transport_seq_id = section->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id,
    .nack = (format->feedback & MXR_SDP_FEEDBACK_NACK) != 0,
    .pli = (format->feedback & MXR_SDP_FEEDBACK_PLI) != 0,
    .transport_cc = (format->feedback & MXR_SDP_FEEDBACK_TRANSPORT_CC) != 0,
    .user_data = GINT_TO_POINTER (kind),
  };
  incoming->uplink = mxr_uplink_ref (uplink);
  incoming->audio_level_id = section->extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id;
  incoming->orientation_id = section->extensions[MXR_SDP_EXTENSION_VIDEO_ORIENTATION].id;
  incoming->receiver = mxr_rtp_session_add_receiver (link->session, &config);
}

static void
apply_outgoing (MxrLink *link, const MxrLinkPlan *plan, MxrRtpKind kind)
{
  Outgoing *outgoing = &link->outgoing[kind];
  const MxrSdpFormat *format = find_format (plan, plan->offer->downlink[kind], kind);

  if (format == NULL) {
    unsubscribe (outgoing);
    if (outgoing->sender != NULL)
      mxr_rtp_session_remove_sender (link->session, g_steal_pointer (&outgoing->sender));
    return;
  }
  if (outgoing->sender != NULL) {
    if (outgoing->payload_type != format->payload_type)
      mxr_rtp_sender_set_payload_type (outgoing->sender, format->payload_type, format->rtx_payload_type);
    outgoing->payload_type = format->payload_type;
    return;
  }
  const MxrSdpSection *section = &plan->offer->sections[plan->offer->downlink[kind]];
  const MxrRtpSenderConfig config = {
    .kind = kind,
    .ssrc = link->peer->ssrc[kind],
    .payload_type = format->payload_type,
    .clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000,
    .rtx_ssrc = kind == MXR_RTP_VIDEO ? link->peer->rtx_ssrc[kind] : 0,
    .rtx_payload_type = format->rtx_payload_type,
    .mid = section->mid,
    .mid_id = section->extensions[MXR_SDP_EXTENSION_MID].id,
    .transport_seq_id = section->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id,
    .history_packets = kind == MXR_RTP_VIDEO ? VIDEO_HISTORY_PACKETS : 0,
    .initial_seq = (guint16) g_random_int_range (1, 1 << 15),
    .timestamp_offset = g_random_int (),
  };
  outgoing->payload_type = format->payload_type;
  outgoing->sender = mxr_rtp_session_add_sender (link->session, &config);
}

static void
apply_streams (MxrLink *link, const MxrLinkPlan *plan)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    apply_incoming (link, plan, i);
    apply_outgoing (link, plan, i);
  }
}

static MxrRtpSession *
new_session (MxrLink *link, const MxrSdpOffer *offer)
{
  const MxrRtpSessionConfig config = {
    .cname = link->peer->cname,
    .ssrc = MAX (g_random_int (), 1),
    .random_seed = (guint64) g_random_int () << 32 | g_random_int (),
    .wall_offset_us = g_get_real_time () - g_get_monotonic_time (),
    .reduced_size = offer->sections[offer->transport_section].rtcp_rsize,
  };
  MxrRtpSession *session = mxr_rtp_session_new (&config, &session_events, link);
  mxr_rtp_session_set_timeline (session, link->peer->env.timeline_us);
  return session;
}

/* ---- Life ----------------------------------------------------------------------------------------------- */

static MxrLinkReply *
new_reply (void)
{
  MxrLinkReply *reply = g_new0 (MxrLinkReply, 1);
  reply->candidates = g_ptr_array_new_with_free_func (g_free);
  return reply;
}

static void
reply_error (MxrPeer *peer, const GError *cause)
{
  MxrLinkReply *reply = new_reply ();
  reply->error = g_error_new_literal (MXR_PEER_ERROR, MXR_PEER_ERROR_FAILED, cause->message);
  mxr_peer_post_control (peer, mxr_peer_on_link_reply, reply, mxr_link_reply_free);
}

static void
fill_credentials (MxrLink *link, MxrLinkReply *reply)
{
  const char *ufrag, *pwd;
  mxr_transport_get_local_credentials (link->transport, &ufrag, &pwd);
  g_free (reply->ufrag);
  g_free (reply->pwd);
  reply->ufrag = g_strdup (ufrag);
  reply->pwd = g_strdup (pwd);
}

static bool
start_transport (MxrLink *link, const MxrSdpOffer *offer, GError **error)
{
  const MxrTransportRemote remote = {
    .ufrag = offer->ice_ufrag,
    .pwd = offer->ice_pwd,
    .fingerprint_hash = offer->fingerprint_algorithm,
    .fingerprint = offer->fingerprint,
    .fingerprint_size = offer->fingerprint_bytes,
    .role = mxr_sdp_offer_resolve_setup (offer) == MXR_SDP_SETUP_ACTIVE ? MXR_DTLS_ACTIVE : MXR_DTLS_PASSIVE,
    .is_lite = offer->ice_lite,
  };
  return mxr_transport_start (link->transport, &remote, error) && mxr_transport_gather (link->transport, error);
}

static bool
new_link (MxrPeer *peer, const MxrSdpOffer *offer, GError **error)
{
  MxrLink *link = g_new0 (MxrLink, 1);

  link->peer = mxr_peer_ref (peer);
  link->transport = mxr_transport_new (peer->thread, &transport_events, link, error);
  if (link->transport == NULL) {
    mxr_peer_unref (link->peer);
    g_free (link);
    return false;
  }
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    link->outgoing[i].link = link;
  link->session = new_session (link, offer);
  link->timer = new_timer (link);
  peer->link = link;
  return true;
}

static void
hold_reply (MxrLink *link)
{
  link->gathering_timeout = g_timeout_source_new (GATHERING_MAX_MS);
  g_source_set_callback (link->gathering_timeout, on_gathering_timeout, link, NULL);
  g_source_attach (link->gathering_timeout, mxr_net_thread_get_context (link->peer->thread));
}

static void
add_candidates (MxrLink *link, const MxrSdpOffer *offer)
{
  for (guint i = 0; i < offer->n_candidates; i++) {
    g_autoptr (GError) error = NULL;
    if (!mxr_transport_add_candidate (link->transport, offer->candidates[i], &error))
      mxr_log (MXR_LOG_DEBUG, "peer", NULL, link->peer->id, "candidate left out: %s", error->message);
  }
  if (offer->end_of_candidates)
    mxr_transport_end_of_candidates (link->transport);
}

static bool
apply_transport (MxrPeer *peer, const MxrLinkPlan *plan, bool is_new, GError **error)
{
  MxrLink *link = peer->link;

  if (is_new && !start_transport (link, plan->offer, error))
    return false;
  if (!is_new && plan->is_ice_restart &&
      !mxr_transport_restart_ice (link->transport, plan->offer->ice_ufrag, plan->offer->ice_pwd, error))
    return false;
  if (is_new || plan->is_ice_restart)
    add_candidates (link, plan->offer);
  return true;
}

void
mxr_link_apply (MxrPeer *peer, gpointer data)
{
  const MxrLinkPlan *plan = data;
  g_autoptr (GError) error = NULL;
  bool is_new = peer->link == NULL;

  if (is_new && !new_link (peer, plan->offer, &error)) {
    reply_error (peer, error);
    return;
  }
  MxrLink *link = peer->link;
  link->reply = new_reply (); /* candidates that come from within the calls below belong into it */
  apply_streams (link, plan);
  if (!apply_transport (peer, plan, is_new, &error)) {
    g_clear_pointer (&link->reply, mxr_link_reply_free);
    reply_error (peer, error);
    return;
  }
  fill_credentials (link, link->reply);
  if (plan->wait_for_candidates && is_new && !link->reply->end_of_candidates)
    hold_reply (link);
  else
    send_reply (link);
}

void
mxr_link_restart (MxrPeer *peer, gpointer data)
{
  char *const *credentials = data;
  g_autoptr (GError) error = NULL;
  MxrLink *link = peer->link;

  if (link == NULL)
    return;
  link->reply = new_reply ();
  if (!mxr_transport_restart_ice (link->transport, credentials[0], credentials[1], &error)) {
    g_clear_pointer (&link->reply, mxr_link_reply_free);
    reply_error (peer, error);
    return;
  }
  fill_credentials (link, link->reply);
  send_reply (link);
}

void
mxr_link_add_candidate (MxrPeer *peer, gpointer candidate)
{
  g_autoptr (GError) error = NULL;

  if (peer->link == NULL)
    return;
  if (*(const char *) candidate == '\0')
    mxr_transport_end_of_candidates (peer->link->transport);
  else if (!mxr_transport_add_candidate (peer->link->transport, candidate, &error))
    mxr_log (MXR_LOG_DEBUG, "peer", NULL, peer->id, "candidate left out: %s", error->message);
}

void
mxr_link_request_keyframe (MxrPeer *peer, gpointer unused)
{
  MxrLink *link = peer->link;

  if (link == NULL || link->incoming[MXR_RTP_VIDEO].receiver == NULL)
    return;
  mxr_rtp_session_request_keyframe (link->session, link->incoming[MXR_RTP_VIDEO].receiver, g_get_monotonic_time ());
  poll_soon (link);
}

void
mxr_link_close (MxrPeer *peer, gpointer unused)
{
  MxrLink *link = g_steal_pointer (&peer->link);

  if (link == NULL) { /* its transport could not be made */
    mxr_net_unpick (peer->thread);
    return;
  }
  if (link->connected)
    mxr_rtp_session_send_bye (link->session, g_get_monotonic_time ());
  mxr_transport_close (link->transport);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    unsubscribe (&link->outgoing[i]);
    g_clear_pointer (&link->incoming[i].uplink, mxr_uplink_unref);
  }
  if (link->gathering_timeout != NULL) {
    g_source_destroy (link->gathering_timeout);
    g_source_unref (link->gathering_timeout);
  }
  g_clear_pointer (&link->reply, mxr_link_reply_free);
  g_source_destroy (link->timer);
  g_source_unref (link->timer);
  mxr_rtp_session_free (link->session);
  mxr_peer_unref (link->peer);
  g_free (link);
}
