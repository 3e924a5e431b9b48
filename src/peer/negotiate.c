/* Offer in, answer out (RFC 8829), in three steps: the control thread decides what there will be, the link puts it
 * into effect and names our ICE credentials, the control thread writes the answer. */

#include "peer-private.h"

#include <string.h>

/* ---- What the codecs are ------------------------------------------------------------------------------- */

static const char *
codec_name (MxrSdpCodec codec)
{
  switch (codec) {
  case MXR_SDP_CODEC_OPUS:
    return "OPUS";
  case MXR_SDP_CODEC_VP8:
    return "VP8";
  case MXR_SDP_CODEC_H264:
    return "H264";
  case MXR_SDP_CODEC_NONE:
  default:
    return NULL;
  }
}

static const char *
decoder_name (const MxrConfig *config, MxrSdpCodec codec)
{
  switch (codec) {
  case MXR_SDP_CODEC_OPUS:
    return config->media.opus_decoder;
  case MXR_SDP_CODEC_VP8:
    return config->media.vp8_decoder;
  default:
    return config->media.h264_decoder;
  }
}

static MxrSdpCodec
codec_of_kind (const MxrPeer *peer, MxrRtpKind kind)
{
  return kind == MXR_RTP_AUDIO ? MXR_SDP_CODEC_OPUS : peer->video_codec;
}

/* A renegotiation keeps its codec where it can: decoder and rung go on. */
static MxrSdpCodec
choose_video_codec (const MxrPeer *peer, const MxrSdpOffer *offer)
{
  bool h264_first = strcmp (peer->env.config->media.video_codec, "H264") == 0;
  MxrSdpCodec first = h264_first ? MXR_SDP_CODEC_H264 : MXR_SDP_CODEC_VP8;
  MxrSdpCodec second = h264_first ? MXR_SDP_CODEC_VP8 : MXR_SDP_CODEC_H264;
  MxrSdpCodec preference[] = { peer->video_codec != MXR_SDP_CODEC_NONE ? peer->video_codec : first, first, second };

  return mxr_sdp_offer_choose_video_codec (offer, preference, G_N_ELEMENTS (preference));
}

/* ---- Uplinks ------------------------------------------------------------------------------------------- */

/* As often as there is a frame that cannot be used; one call at a time is enough. */
static void
on_keyframe_needed (gpointer user_data)
{
  mxr_peer_request_keyframe (user_data);
}

static void
on_voice (gpointer user_data)
{
  MxrPeer *peer = user_data;
  if (!atomic_exchange (&peer->voice_is_told, true) &&
      !mxr_peer_post_control (peer, mxr_peer_on_link_voice, NULL, NULL))
    atomic_store (&peer->voice_is_told, false);
}

static const MxrUplinkEvents uplink_events = { .on_keyframe_needed = on_keyframe_needed, .on_voice = on_voice };

static MxrUplink *
new_uplink (MxrPeer *peer, const MxrSdpOffer *offer, MxrRtpKind kind, GError **error)
{
  MxrSdpCodec codec = codec_of_kind (peer, kind);
  const MxrSdpFormat *format = mxr_sdp_section_find_format (&offer->sections[offer->uplink[kind]], codec);
  const MxrFragment *decoder = mxr_fragments_find (peer->env.fragments, decoder_name (peer->env.config, codec),
                                                   MXR_FRAGMENT_DECODE, codec_name (codec), error);
  if (decoder == NULL)
    return NULL;

  /* Numbered, because the bin of a former uplink may still be on its way out of the pipeline. */
  g_autofree char *name = g_strdup_printf ("%s-%s-%u", peer->id, kind == MXR_RTP_AUDIO ? "audio" : "video",
                                           peer->n_uplinks_made++);
  const MxrUplinkParams params = {
    .name = name,
    .kind = kind,
    .codec = codec_name (codec),
    .payload_type = format->payload_type,
    .clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000,
    .is_repaired = (format->feedback & MXR_SDP_FEEDBACK_NACK) != 0,
    .is_wanted = peer->is_wanted[kind],
    .timeline_us = peer->env.timeline_us,
    .decoder = decoder,
    .config = peer->env.config,
    .pool = peer->env.pool,
    .delays = peer->env.delays,
  };
  return mxr_uplink_new (&params, &uplink_events, mxr_peer_ref (peer), (GDestroyNotify) mxr_peer_unref, error);
}

void
mxr_peer_remove_uplink (MxrPeer *peer, MxrRtpKind kind)
{
  g_autoptr (MxrUplink) uplink = g_steal_pointer (&peer->uplinks[kind].uplink);

  if (uplink == NULL)
    return;
  mxr_uplink_close (uplink);
  peer->events.on_uplink_removed (peer, kind, mxr_uplink_get_bin (uplink), peer->user_data);
}

static bool
add_uplink (MxrPeer *peer, const MxrSdpOffer *offer, MxrRtpKind kind, GError **error)
{
  g_autoptr (MxrUplink) uplink = new_uplink (peer, offer, kind, error);

  if (uplink == NULL || !peer->events.on_uplink_added (peer, kind, mxr_uplink_get_bin (uplink), peer->user_data, error))
    return false;
  mxr_uplink_set_wanted (uplink, peer->is_wanted[kind]); /* the event may have changed it */
  mxr_uplink_open (uplink);
  peer->uplinks[kind] = (MxrPeerUplink){ g_steal_pointer (&uplink), codec_of_kind (peer, kind), offer->uplink[kind] };
  return true;
}

/* Within a section payload types stay (mxr_sdp_offer_is_compatible()), so an uplink that keeps its codec fits the new
 * offer too. */
static bool
update_uplink (MxrPeer *peer, const MxrSdpOffer *offer, MxrRtpKind kind, GError **error)
{
  const MxrPeerUplink *former = &peer->uplinks[kind];
  MxrSdpCodec codec = codec_of_kind (peer, kind);
  bool wanted = peer->takes_uplink && offer->uplink[kind] >= 0 && codec != MXR_SDP_CODEC_NONE;

  if (wanted && former->uplink != NULL && former->codec == codec && former->section == offer->uplink[kind])
    return true;
  mxr_peer_remove_uplink (peer, kind);
  return !wanted || add_uplink (peer, offer, kind, error);
}

/* ---- Downlinks ----------------------------------------------------------------------------------------- */

static guint32
random_ssrc (void)
{
  return MAX (g_random_int (), 1);
}

/* A section's stream has its SSRC for as long as it goes on; one that begins, or begins again, has a new one. */
static void
update_downlink (MxrPeer *peer, const MxrSdpOffer *offer, MxrRtpKind kind)
{
  MxrPeerDownlink *downlink = &peer->downlinks[kind];
  int section = codec_of_kind (peer, kind) != MXR_SDP_CODEC_NONE ? offer->downlink[kind] : -1;

  if (section == downlink->section)
    return;
  downlink->section = section;
  if (section >= 0)
    downlink->ssrcs = (MxrPeerSsrcs){ random_ssrc (), random_ssrc () };
}

/* ---- The first step ------------------------------------------------------------------------------------ */

static bool
fail_as (GError **error, MxrPeerError code, GError *cause)
{
  g_set_error_literal (error, MXR_PEER_ERROR, code, cause->message);
  g_error_free (cause);
  return false;
}

static bool
is_free (MxrPeer *peer, GError **error)
{
  if (peer->pending == NULL)
    return true;
  g_set_error_literal (error, MXR_PEER_ERROR, MXR_PEER_ERROR_BUSY,
                       "the last offer is still being answered; wait for its answer");
  return false;
}

/* A first offer without any has nothing to say; a later one may pause what there is. */
static bool
has_media (const MxrPeer *peer, const MxrSdpOffer *offer)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    if (offer->downlink[i] >= 0 || (peer->takes_uplink && offer->uplink[i] >= 0))
      return true;
  return false;
}

static MxrSdpOffer *
parse_offer (MxrPeer *peer, const char *text, GError **error)
{
  GError *cause = NULL;
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (text, -1, &cause);

  if (offer == NULL) {
    bool is_syntax = g_error_matches (cause, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX);
    fail_as (error, is_syntax ? MXR_PEER_ERROR_BAD_SDP : MXR_PEER_ERROR_NOTHING_USABLE, cause);
    return NULL;
  }
  if (peer->offer != NULL && !mxr_sdp_offer_is_compatible (peer->offer, offer, &cause)) {
    fail_as (error, MXR_PEER_ERROR_NOTHING_USABLE, cause);
    return NULL;
  }
  if (peer->offer == NULL && !has_media (peer, offer)) {
    g_set_error_literal (error, MXR_PEER_ERROR, MXR_PEER_ERROR_NOTHING_USABLE,
                         peer->takes_uplink ? "the offer neither sends nor receives anything"
                                            : "the offer receives nothing; a viewer's sections are recvonly");
    return NULL;
  }
  return g_steal_pointer (&offer);
}

static MxrLinkPlan *
new_plan (MxrPeer *peer, MxrSdpOffer *offer, bool wait_for_candidates)
{
  MxrLinkPlan *plan = g_new0 (MxrLinkPlan, 1);

  plan->offer = mxr_sdp_offer_ref (offer);
  plan->video_codec = peer->video_codec;
  plan->wait_for_candidates = wait_for_candidates;
  plan->is_ice_restart = peer->offer != NULL && !mxr_peer_has_ice_credentials (peer, offer->ice_ufrag, offer->ice_pwd);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    plan->uplinks[i] = peer->uplinks[i].uplink != NULL ? mxr_uplink_ref (peer->uplinks[i].uplink) : NULL;
    plan->ssrcs[i] = peer->downlinks[i].ssrcs;
  }
  return plan;
}

void
mxr_link_plan_free (gpointer data)
{
  MxrLinkPlan *plan = data;
  mxr_sdp_offer_unref (plan->offer);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    g_clear_pointer (&plan->uplinks[i], mxr_uplink_unref);
  g_free (plan);
}

void
mxr_peer_credentials_clear (MxrPeerCredentials *credentials)
{
  g_clear_pointer (&credentials->ufrag, g_free);
  g_clear_pointer (&credentials->pwd, g_free);
}

/* They are in use once the link has answered; but candidates of theirs may come before that. */
static void
announce_credentials (MxrPeer *peer, const char *ufrag, const char *pwd)
{
  if (!mxr_peer_has_ice_credentials (peer, ufrag, pwd))
    peer->n_candidates = 0;
  mxr_peer_credentials_clear (&peer->next_remote);
  peer->next_remote = (MxrPeerCredentials){ g_strdup (ufrag), g_strdup (pwd) };
}

static void
begin (MxrPeer *peer, MxrPeerAnswerFunc func, gpointer user_data, bool is_fragment)
{
  peer->pending = func;
  peer->pending_data = user_data;
  peer->pending_is_fragment = is_fragment;
}

bool
mxr_peer_negotiate (MxrPeer *peer, const char *text, bool wait_for_candidates, MxrPeerAnswerFunc func,
                    gpointer user_data, GError **error)
{
  GError *cause = NULL;

  if (!is_free (peer, error))
    return false;
  g_autoptr (MxrSdpOffer) offer = parse_offer (peer, text, error);
  if (offer == NULL)
    return false;

  peer->video_codec = choose_video_codec (peer, offer);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    if (!update_uplink (peer, offer, i, &cause))
      return fail_as (error, MXR_PEER_ERROR_FAILED, cause);
    update_downlink (peer, offer, i);
  }
  if (peer->offer == NULL)
    peer->setup = mxr_sdp_offer_resolve_setup (offer);

  MxrLinkPlan *plan = new_plan (peer, offer, wait_for_candidates);
  announce_credentials (peer, offer->ice_ufrag, offer->ice_pwd);
  begin (peer, func, user_data, false);
  peer->next_offer = g_steal_pointer (&offer);
  peer->link_wanted = true;
  mxr_peer_post_net (peer, mxr_link_apply, plan, mxr_link_plan_free);
  return true;
}

bool
mxr_peer_restart_ice (MxrPeer *peer, const char *ufrag, const char *pwd, MxrPeerAnswerFunc func, gpointer user_data,
                      GError **error)
{
  if (!is_free (peer, error))
    return false;
  if (peer->offer == NULL) {
    g_set_error_literal (error, MXR_PEER_ERROR, MXR_PEER_ERROR_NOT_NEGOTIATED, "there is no session to restart yet");
    return false;
  }
  announce_credentials (peer, ufrag, pwd);
  begin (peer, func, user_data, true);

  const char *credentials[] = { ufrag, pwd, NULL };
  mxr_peer_post_net (peer, mxr_link_restart, g_strdupv ((char **) credentials), (GDestroyNotify) g_strfreev);
  return true;
}

bool
mxr_peer_has_ice_credentials (MxrPeer *peer, const char *ufrag, const char *pwd)
{
  return g_strcmp0 (peer->remote.ufrag, ufrag) == 0 && g_strcmp0 (peer->remote.pwd, pwd) == 0;
}

/* ---- The third step ------------------------------------------------------------------------------------ */

static void
fill_params (MxrPeer *peer, const MxrLinkReply *reply, MxrSdpAnswerParams *out_params)
{
  *out_params = (MxrSdpAnswerParams){
    .ice_ufrag = reply->ufrag,
    .ice_pwd = reply->pwd,
    .candidates = (const char *const *) reply->candidates->pdata,
    .end_of_candidates = reply->end_of_candidates,
    .fingerprint = mxr_net_get_fingerprint (peer->env.net),
    .setup = peer->setup,
    .session_id = peer->session_id,
    .session_version = peer->session_version,
    .cname = peer->cname,
    .stream_id = peer->cname,
    .video_codec = peer->video_codec,
    .extensions = MXR_SDP_EXTENSIONS_ALL,
    .feedback = MXR_SDP_FEEDBACK_ALL,
  };
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    out_params->kinds[i].takes_uplink = peer->takes_uplink;
    out_params->kinds[i].downlink_ssrc = peer->downlinks[i].ssrcs.media;
    out_params->kinds[i].downlink_rtx_ssrc = i == MXR_RTP_VIDEO ? peer->downlinks[i].ssrcs.rtx : 0;
  }
}

static void
tell_downlink (MxrPeer *peer, MxrRtpKind kind, const char *codec)
{
  MxrPeerDownlink *downlink = &peer->downlinks[kind];

  if (codec == downlink->told_codec && downlink->ssrcs.media == downlink->told_ssrc)
    return;
  /* Another stream, even of the same codec, begins with a subscription of its own. */
  if (codec != NULL && downlink->told_codec != NULL && downlink->ssrcs.media != downlink->told_ssrc)
    peer->events.on_downlink (peer, kind, NULL, peer->user_data);
  downlink->told_codec = codec;
  downlink->told_ssrc = downlink->ssrcs.media;
  peer->events.on_downlink (peer, kind, codec, peer->user_data);
}

static void
tell_downlinks (MxrPeer *peer)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS && !peer->closed; i++)
    tell_downlink (peer, i, peer->downlinks[i].section >= 0 ? codec_name (codec_of_kind (peer, i)) : NULL);
}

static char *
write_answer (MxrPeer *peer, const MxrLinkReply *reply)
{
  MxrSdpAnswerParams params;

  if (!peer->pending_is_fragment)
    peer->session_version++;
  fill_params (peer, reply, &params);
  return peer->pending_is_fragment ? mxr_sdp_fragment_write (peer->offer, &params)
                                   : mxr_sdp_answer_write (peer->offer, &params);
}

/* The caller holds a reference; @func may close the peer. */
void
mxr_peer_on_link_reply (MxrPeer *peer, gpointer data)
{
  const MxrLinkReply *reply = data;
  MxrPeerAnswerFunc func = g_steal_pointer (&peer->pending);
  g_autoptr (MxrSdpOffer) next = g_steal_pointer (&peer->next_offer);

  if (func == NULL)
    return;
  if (reply->error != NULL) {
    func (NULL, reply->error, peer->pending_data);
    return;
  }
  if (next != NULL) {
    g_clear_pointer (&peer->offer, mxr_sdp_offer_unref);
    peer->offer = g_steal_pointer (&next);
  }
  mxr_peer_credentials_clear (&peer->remote);
  peer->remote = peer->next_remote;
  peer->next_remote = (MxrPeerCredentials){ 0 };
  g_autofree char *answer = write_answer (peer, reply);
  func (answer, NULL, peer->pending_data);
  tell_downlinks (peer);
}

void
mxr_link_reply_free (gpointer data)
{
  MxrLinkReply *reply = data;
  g_clear_error (&reply->error);
  g_free (reply->ufrag);
  g_free (reply->pwd);
  g_clear_pointer (&reply->candidates, g_ptr_array_unref);
  g_free (reply);
}

/* ---- What else the link tells --------------------------------------------------------------------------- */

void
mxr_peer_on_link_candidate (MxrPeer *peer, gpointer candidate)
{
  peer->events.on_candidate (peer, candidate, peer->offer->sections[peer->offer->transport_section].mid, peer->user_data);
}

void
mxr_peer_on_link_connected (MxrPeer *peer, gpointer unused)
{
  peer->events.on_connected (peer, peer->user_data);
}

void
mxr_peer_on_link_failed (MxrPeer *peer, gpointer reason)
{
  peer->events.on_failed (peer, reason, peer->user_data);
}

void
mxr_peer_on_link_keyframe_request (MxrPeer *peer, gpointer unused)
{
  atomic_store (&peer->keyframe_is_asked, false);
  peer->events.on_keyframe_request (peer, peer->user_data);
}

void
mxr_peer_on_link_voice (MxrPeer *peer, gpointer unused)
{
  atomic_store (&peer->voice_is_told, false);
  if (peer->events.on_voice != NULL)
    peer->events.on_voice (peer, peer->user_data);
}

void
mxr_peer_on_link_bandwidth (MxrPeer *peer, gpointer unused)
{
  atomic_store (&peer->bandwidth_is_told, false);
  if (peer->events.on_bandwidth != NULL)
    peer->events.on_bandwidth (peer, peer->user_data);
}
