/* The control half: life, hand-offs, what the room asks. Negotiation is in negotiate.c. */

#include "peer-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-peer-error-quark, mxr_peer_error)

typedef struct {
  MxrPeer *peer;
  void (*func) (MxrPeer *peer, gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} PeerCall;

static PeerCall *
peer_call_new (MxrPeer *peer, void (*func) (MxrPeer *, gpointer), gpointer data, GDestroyNotify destroy)
{
  PeerCall *call = g_new (PeerCall, 1);
  *call = (PeerCall){ mxr_peer_ref (peer), func, data, destroy };
  return call;
}

static void
peer_call_free (gpointer data)
{
  PeerCall *call = data;
  if (call->destroy != NULL)
    call->destroy (call->data);
  mxr_peer_unref (call->peer);
  g_free (call);
}

static void
call_net (gpointer data)
{
  PeerCall *call = data;
  call->func (call->peer, call->data);
}

static void
call_control (gpointer data)
{
  PeerCall *call = data;
  if (!call->peer->closed)
    call->func (call->peer, call->data);
}

bool
mxr_peer_post_net (MxrPeer *peer, void (*func) (MxrPeer *, gpointer), gpointer data, GDestroyNotify destroy)
{
  return mxr_mailbox_post (mxr_net_thread_get_mailbox (peer->thread), call_net, peer_call_new (peer, func, data, destroy),
                    peer_call_free);
}

bool
mxr_peer_post_control (MxrPeer *peer, void (*func) (MxrPeer *, gpointer), gpointer data, GDestroyNotify destroy)
{
  return mxr_mailbox_post (peer->env.control, call_control, peer_call_new (peer, func, data, destroy), peer_call_free);
}

MxrPeerDelays *
mxr_peer_delays_new (void)
{
  return g_atomic_rc_box_new0 (MxrPeerDelays);
}

MxrPeerDelays *
mxr_peer_delays_ref (MxrPeerDelays *delays)
{
  return g_atomic_rc_box_acquire (delays);
}

void
mxr_peer_delays_unref (MxrPeerDelays *delays)
{
  g_atomic_rc_box_release (delays);
}

MxrPeer *
mxr_peer_new (const MxrPeerEnv *env, const char *id, bool takes_uplink, const MxrPeerEvents *events, gpointer user_data)
{
  MxrPeer *peer = g_new0 (MxrPeer, 1);

  g_atomic_ref_count_init (&peer->refs);
  peer->env = *env;
  mxr_peer_delays_ref (peer->env.delays);
  peer->id = g_strdup (id);
  peer->takes_uplink = takes_uplink;
  peer->events = *events;
  peer->user_data = user_data;
  peer->thread = mxr_net_pick (env->net);
  peer->cname = g_strdup_printf ("mixroom-%08x", g_random_int ());
  peer->is_wanted[MXR_RTP_VIDEO] = true;
  peer->session_id = ((guint64) g_random_int () << 31) | g_random_int ();
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    peer->downlinks[i].section = -1;
  g_mutex_init (&peer->stats_lock);
  peer->stats.local_type = peer->stats.remote_type = peer->stats.protocol = "";
  peer->bandwidth.estimate_bps = env->config->media.start_bitrate_bps;
  peer->bandwidth.rtt_ms = -1;
  return peer;
}

MxrPeer *
mxr_peer_ref (MxrPeer *peer)
{
  g_atomic_ref_count_inc (&peer->refs);
  return peer;
}

void
mxr_peer_unref (MxrPeer *peer)
{
  if (!g_atomic_ref_count_dec (&peer->refs))
    return;
  g_clear_pointer (&peer->offer, mxr_sdp_offer_unref);
  g_clear_pointer (&peer->next_offer, mxr_sdp_offer_unref);
  mxr_peer_credentials_clear (&peer->remote);
  mxr_peer_credentials_clear (&peer->next_remote);
  mxr_peer_delays_unref (peer->env.delays);
  g_clear_pointer (&peer->tap, mxr_tap_unref);
  g_free (peer->cname);
  g_free (peer->id);
  g_mutex_clear (&peer->stats_lock);
  g_free (peer);
}

void
mxr_peer_close (MxrPeer *peer)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    mxr_peer_remove_uplink (peer, i);
  peer->closed = true;
  peer->pending = NULL;
  if (peer->link_wanted)
    mxr_peer_post_net (peer, mxr_link_close, NULL, NULL);
  else
    mxr_net_unpick (peer->thread);
  mxr_peer_unref (peer);
}

bool
mxr_peer_add_candidate (MxrPeer *peer, const char *candidate, GError **error)
{
  if (!peer->link_wanted) {
    g_set_error_literal (error, MXR_PEER_ERROR, MXR_PEER_ERROR_NOT_NEGOTIATED,
                         "a candidate came before any offer; send the offer first");
    return false;
  }
  /* Its grammar is judged on the network thread: what is wrong with it harms only the peer's own connectivity. */
  if (strlen (candidate) > MXR_CANDIDATE_MAX_BYTES) {
    g_set_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BAD_CANDIDATE, "a candidate may have %d bytes at most",
                 MXR_CANDIDATE_MAX_BYTES);
    return false;
  }
  if (*candidate != '\0' && peer->n_candidates == MXR_CANDIDATES_MAX) {
    g_set_error (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BAD_CANDIDATE, "more than %d candidates; the rest is not tried",
                 MXR_CANDIDATES_MAX);
    return false;
  }
  peer->n_candidates += *candidate != '\0';
  mxr_peer_post_net (peer, mxr_link_add_candidate, g_strdup (candidate), g_free);
  return true;
}

void
mxr_peer_set_max_bitrate (MxrPeer *peer, MxrRtpKind kind, guint bps)
{
  if (atomic_exchange (&peer->max_bitrate_bps[kind], bps) == bps || atomic_exchange (&peer->bitrate_is_changed, true))
    return;
  if (!mxr_peer_post_net (peer, mxr_link_limit_bitrate, NULL, NULL))
    atomic_store (&peer->bitrate_is_changed, false);
}

void
mxr_peer_want_bitrate (MxrPeer *peer, guint bps)
{
  if (atomic_exchange (&peer->wanted_bps, bps) == bps || atomic_exchange (&peer->want_is_changed, true))
    return;
  if (!mxr_peer_post_net (peer, mxr_link_want_bitrate, NULL, NULL))
    atomic_store (&peer->want_is_changed, false);
}

void
mxr_peer_get_bandwidth (MxrPeer *peer, MxrPeerBandwidth *out_bandwidth)
{
  g_mutex_lock (&peer->stats_lock);
  *out_bandwidth = peer->bandwidth;
  g_mutex_unlock (&peer->stats_lock);
}

void
mxr_peer_subscribe (MxrPeer *peer, MxrRtpKind kind, MxrFanout *fanout, MxrPeerFunc func, gpointer user_data)
{
  MxrLinkSubscription *subscription = g_new (MxrLinkSubscription, 1);
  *subscription = (MxrLinkSubscription){ kind, fanout != NULL ? mxr_fanout_ref (fanout) : NULL, func, user_data };
  mxr_peer_post_net (peer, mxr_link_subscribe, subscription, mxr_link_subscription_free);
}

/* An uplink may be there before the link knows of it, so it is told here; the call only makes it look soon. */
void
mxr_peer_set_wanted (MxrPeer *peer, MxrRtpKind kind, bool wanted)
{
  if (peer->is_wanted[kind] == wanted)
    return;
  peer->is_wanted[kind] = wanted;
  if (peer->uplinks[kind].uplink == NULL)
    return;
  mxr_uplink_set_wanted (peer->uplinks[kind].uplink, wanted);
  mxr_peer_post_net (peer, mxr_link_poll_uplinks, NULL, NULL);
}

void
mxr_peer_pass (MxrPeer *peer, MxrSplice *splice, gint64 delay_us)
{
  MxrLinkPass *pass = g_new (MxrLinkPass, 1);
  *pass = (MxrLinkPass){ splice != NULL ? mxr_splice_ref (splice) : NULL, delay_us };
  mxr_peer_post_net (peer, mxr_link_pass, pass, mxr_link_pass_free);
}

void
mxr_peer_set_tap (MxrPeer *peer, MxrTapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  MxrTap *tap = func != NULL ? mxr_tap_new (func, user_data, destroy) : NULL;
  mxr_peer_post_net (peer, mxr_link_set_tap, tap, tap != NULL ? mxr_tap_unref : NULL);
}

void
mxr_peer_request_keyframe (MxrPeer *peer)
{
  if (!atomic_exchange (&peer->keyframe_is_needed, true) &&
      !mxr_peer_post_net (peer, mxr_link_request_keyframe, NULL, NULL))
    atomic_store (&peer->keyframe_is_needed, false);
}

guint
mxr_peer_get_downlink_profile (MxrPeer *peer)
{
  const int section = peer->downlinks[MXR_RTP_VIDEO].section;
  bool is_h264 = peer->offer != NULL && section >= 0 && peer->video_codec == MXR_SDP_CODEC_H264;
  const MxrSdpFormat *format = is_h264 ? mxr_sdp_section_find_format (&peer->offer->sections[section], MXR_SDP_CODEC_H264) : NULL;

  return format != NULL ? format->profile_level_id : 0;
}

bool
mxr_peer_take_audio_level (MxrPeer *peer, int *out_level_dbov, bool *out_voice)
{
  guint word = atomic_exchange (&peer->audio_level, 0);
  if (word == 0)
    return false;
  *out_level_dbov = (int) (word >> 1 & 127) - 127;
  *out_voice = word & 1;
  return true;
}

gint64
mxr_peer_get_last_packet_us (MxrPeer *peer, MxrRtpKind kind)
{
  return atomic_load (&peer->last_packet_us[kind]);
}

void
mxr_peer_get_stats (MxrPeer *peer, MxrPeerStats *out_stats)
{
  g_mutex_lock (&peer->stats_lock);
  *out_stats = peer->stats;
  g_mutex_unlock (&peer->stats_lock);
}
