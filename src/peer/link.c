/* The network half of a peer: its life, its transport, and what the control half asks of it. */

#include "link-private.h"

/* A client that takes no candidates after the answer waits this long for our server-reflexive and relayed ones. */
#define GATHERING_MAX_MS 1000

/* ---- Replies ---------------------------------------------------------------------------------------------- */

static MxrLinkReply *
new_reply (void)
{
  MxrLinkReply *reply = g_new0 (MxrLinkReply, 1);
  reply->candidates = g_ptr_array_new_with_free_func (g_free);
  return reply;
}

static void
reply_error (MxrPeer *peer, const char *message)
{
  MxrLinkReply *reply = new_reply ();
  reply->error = g_error_new_literal (MXR_PEER_ERROR, MXR_PEER_ERROR_FAILED, message);
  mxr_peer_post_control (peer, mxr_peer_on_link_reply, reply, mxr_link_reply_free);
}

static void
stop_gathering_timeout (MxrLink *link)
{
  if (link->gathering_timeout != NULL)
    g_source_destroy (link->gathering_timeout);
  g_clear_pointer (&link->gathering_timeout, g_source_unref);
}

static void
send_reply (MxrLink *link)
{
  stop_gathering_timeout (link);
  MxrLinkReply *reply = g_steal_pointer (&link->reply);
  g_ptr_array_add (reply->candidates, NULL);
  mxr_peer_post_control (link->peer, mxr_peer_on_link_reply, reply, mxr_link_reply_free);
}

static gboolean
on_gathering_timeout (gpointer user_data)
{
  send_reply (user_data);
  return G_SOURCE_REMOVE;
}

static void
hold_reply (MxrLink *link)
{
  link->gathering_timeout = g_timeout_source_new (GATHERING_MAX_MS);
  g_source_set_callback (link->gathering_timeout, on_gathering_timeout, link, NULL);
  g_source_set_name (link->gathering_timeout, "gathering");
  g_source_attach (link->gathering_timeout, mxr_net_thread_get_context (link->peer->thread));
}

static void
fill_credentials (MxrLink *link)
{
  const char *ufrag, *pwd;
  mxr_transport_get_local_credentials (link->transport, &ufrag, &pwd);
  link->reply->ufrag = g_strdup (ufrag);
  link->reply->pwd = g_strdup (pwd);
}

/* ---- What the transport tells ------------------------------------------------------------------------------ */

/* While a reply is being made or held, candidates go along in it; later ones follow the answer. */
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

static void
fail (MxrLink *link, const char *reason)
{
  mxr_link_set_connected (link, false);
  mxr_peer_post_control (link->peer, mxr_peer_on_link_failed, g_strdup (reason), g_free);
}

static void
on_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  MxrLink *link = user_data;

  if (state == MXR_TRANSPORT_FAILED) {
    fail (link, reason != NULL ? reason : "the connection failed");
  } else if (state == MXR_TRANSPORT_CONNECTED) {
    mxr_link_set_connected (link, true);
    mxr_peer_post_control (link->peer, mxr_peer_on_link_connected, NULL, NULL);
  }
}

static void
on_closed_by_peer (MxrTransport *transport, gpointer user_data)
{
  fail (user_data, "the client closed the connection");
}

static void
on_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  mxr_link_receive_rtp (user_data, data, size, now_us);
}

static void
on_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  mxr_link_receive_rtcp (user_data, data, size, now_us);
}

static const MxrTransportEvents transport_events = {
  .on_local_candidate = on_local_candidate,
  .on_gathering_done = on_gathering_done,
  .on_state = on_state,
  .on_rtp = on_rtp,
  .on_rtcp = on_rtcp,
  .on_closed_by_peer = on_closed_by_peer,
};

/* ---- Negotiation ------------------------------------------------------------------------------------------- */

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

  link->transport = mxr_transport_new (peer->thread, &transport_events, link, error);
  if (link->transport == NULL) {
    g_free (link);
    return false;
  }
  link->peer = mxr_peer_ref (peer);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    mxr_link_init_outgoing (link, i);
  link->session = mxr_link_new_session (link, offer);
  link->bandwidth.told.estimate_bps = peer->env.config->media.start_bitrate_bps;
  mxr_link_update_bandwidth (link, g_get_monotonic_time ());
  link->thread = mxr_link_thread_join (mxr_net_thread_get_context (peer->thread));
  mxr_link_clock_add (&link->thread->clock, &link->timer, mxr_link_on_due, link);
  mxr_link_note_due (link);
  peer->link = link;
  return true;
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
apply_transport (MxrLink *link, const MxrLinkPlan *plan, bool is_new, GError **error)
{
  if (is_new && !start_transport (link, plan->offer, error)) {
    link->is_broken = true;
    return false;
  }
  if (!is_new && plan->is_ice_restart &&
      !mxr_transport_restart_ice (link->transport, plan->offer->ice_ufrag, plan->offer->ice_pwd, error))
    return false;
  if (is_new || plan->is_ice_restart)
    add_candidates (link, plan->offer);
  return true;
}

/* Ends the reply that was begun before the transport was called, so that what came from within is in it. */
static void
finish_reply (MxrLink *link, const GError *error, bool hold)
{
  if (error != NULL) {
    g_clear_pointer (&link->reply, mxr_link_reply_free);
    reply_error (link->peer, error->message);
    return;
  }
  fill_credentials (link);
  if (hold && !link->reply->end_of_candidates)
    hold_reply (link);
  else
    send_reply (link);
}

static bool
is_usable (MxrPeer *peer)
{
  return peer->link != NULL && !peer->link->is_broken &&
         mxr_transport_get_state (peer->link->transport) != MXR_TRANSPORT_FAILED;
}

void
mxr_link_apply (MxrPeer *peer, gpointer data)
{
  const MxrLinkPlan *plan = data;
  g_autoptr (GError) error = NULL;
  bool is_new = peer->link == NULL;

  if (is_new && !new_link (peer, plan->offer, &error)) {
    reply_error (peer, error->message);
    return;
  }
  if (!is_usable (peer)) {
    reply_error (peer, "the connection is lost; join again");
    return;
  }
  MxrLink *link = peer->link;
  link->reply = new_reply ();
  mxr_link_apply_streams (link, plan);
  apply_transport (link, plan, is_new, &error);
  finish_reply (link, error, plan->wait_for_candidates && is_new);
}

void
mxr_link_restart (MxrPeer *peer, gpointer data)
{
  char *const *credentials = data;
  g_autoptr (GError) error = NULL;

  if (!is_usable (peer)) {
    reply_error (peer, "the connection is lost; join again");
    return;
  }
  peer->link->reply = new_reply ();
  mxr_transport_restart_ice (peer->link->transport, credentials[0], credentials[1], &error);
  finish_reply (peer->link, error, false);
}

void
mxr_link_add_candidate (MxrPeer *peer, gpointer candidate)
{
  g_autoptr (GError) error = NULL;

  if (!is_usable (peer))
    return;
  if (*(const char *) candidate == '\0')
    mxr_transport_end_of_candidates (peer->link->transport);
  else if (!mxr_transport_add_candidate (peer->link->transport, candidate, &error))
    mxr_log (MXR_LOG_DEBUG, "peer", NULL, peer->id, "candidate left out: %s", error->message);
}

/* ---- The rest of life --------------------------------------------------------------------------------------- */

void
mxr_link_request_keyframe (MxrPeer *peer, gpointer unused)
{
  MxrLink *link = peer->link;

  atomic_store (&peer->keyframe_is_needed, false);
  if (link == NULL || link->incoming[MXR_RTP_VIDEO].receiver == NULL)
    return;
  mxr_rtp_session_request_keyframe (link->session, link->incoming[MXR_RTP_VIDEO].receiver, g_get_monotonic_time ());
  mxr_link_note_due (link);
}

void
mxr_link_pass (MxrPeer *peer, gpointer data)
{
  const MxrLinkPass *pass = data;

  if (peer->link != NULL && peer->link->incoming[MXR_RTP_VIDEO].uplink != NULL)
    mxr_uplink_pass (peer->link->incoming[MXR_RTP_VIDEO].uplink, pass->splice, peer, pass->delay_us);
}

void
mxr_link_pass_free (gpointer data)
{
  MxrLinkPass *pass = data;
  g_clear_pointer (&pass->splice, mxr_splice_unref);
  g_free (pass);
}

void
mxr_link_set_tap (MxrPeer *peer, gpointer data)
{
  g_clear_pointer (&peer->tap, mxr_tap_unref);
  peer->tap = data != NULL ? mxr_tap_ref (data) : NULL;
  for (guint i = 0; peer->link != NULL && i < MXR_PEER_N_KINDS; i++)
    if (peer->link->incoming[i].uplink != NULL)
      mxr_uplink_set_tap (peer->link->incoming[i].uplink, peer->tap);
}

void
mxr_link_limit_bitrate (MxrPeer *peer, gpointer unused)
{
  MxrLink *link = peer->link;

  atomic_store (&peer->bitrate_is_changed, false);
  if (link == NULL)
    return;
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    if (link->incoming[i].receiver != NULL)
      mxr_rtp_receiver_set_max_bitrate (link->incoming[i].receiver, atomic_load (&peer->max_bitrate_bps[i]));
  mxr_link_note_due (link);
}

void
mxr_link_want_bitrate (MxrPeer *peer, gpointer unused)
{
  atomic_store (&peer->want_is_changed, false);
  if (peer->link == NULL)
    return;
  mxr_rtp_session_want_bitrate (peer->link->session, atomic_load (&peer->wanted_bps));
  mxr_link_note_due (peer->link);
}

void
mxr_link_close (MxrPeer *peer, gpointer unused)
{
  MxrLink *link = g_steal_pointer (&peer->link);

  g_clear_pointer (&peer->tap, mxr_tap_unref);
  if (link == NULL) { /* its transport could not be made */
    mxr_net_unpick (peer->thread);
    return;
  }
  if (link->connected)
    mxr_rtp_session_send_bye (link->session, g_get_monotonic_time ());
  mxr_transport_close (link->transport);
  stop_gathering_timeout (link);
  g_clear_pointer (&link->reply, mxr_link_reply_free);
  mxr_link_clock_remove (&link->thread->clock, &link->timer);
  mxr_link_thread_leave (link->thread);
  mxr_link_clear_streams (link);
  mxr_rtp_session_free (link->session);
  mxr_peer_unref (link->peer);
  g_free (link);
}
