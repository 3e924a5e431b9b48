/* What a negotiation said of streams, put into effect on the RTP session. */

#include "link-private.h"

/* Retransmissions reach back so far: half a second and more of a 1.5 Mbit/s picture. */
#define VIDEO_HISTORY_PACKETS 512
/* A second, for who asks for sound again; what RED repeats of the last packets otherwise. */
#define AUDIO_HISTORY_PACKETS 64
#define RED_HISTORY_PACKETS 4
/* A sound and little more; more than a picture of ours has. */
#define BANDWIDTH_MIN_BPS 30000
#define BANDWIDTH_MAX_BPS 100000000

static const MxrSdpFormat *
find_format (const MxrLinkPlan *plan, int section, MxrRtpKind kind)
{
  MxrSdpCodec codec = kind == MXR_RTP_AUDIO ? MXR_SDP_CODEC_OPUS : plan->video_codec;
  return section >= 0 && codec != MXR_SDP_CODEC_NONE
           ? mxr_sdp_section_find_format (&plan->offer->sections[section], codec)
           : NULL;
}

static guint8
find_red (const MxrSdpFormat *format)
{
  return (guint8) MAX (format->red_payload_type, 0);
}

/* ---- In --------------------------------------------------------------------------------------------------- */

static void
remove_incoming (MxrLink *link, MxrIncoming *incoming)
{
  if (incoming->receiver != NULL)
    mxr_rtp_session_remove_receiver (link->session, incoming->receiver);
  g_clear_pointer (&incoming->uplink, mxr_uplink_unref);
  *incoming = (MxrIncoming){ 0 };
}

static MxrRtpReceiver *
add_receiver (MxrLink *link, const MxrSdpSection *section, const MxrSdpFormat *format, MxrRtpKind kind, guint64 above)
{
  const MxrRtpReceiverConfig config = {
    .kind = kind,
    .mid = section->mid,
    .payload_type = format->payload_type,
    .clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000,
    .rtx_payload_type = format->rtx_payload_type,
    .red_payload_type = find_red (format),
    .ssrc = section->ssrc,
    .rtx_ssrc = section->rtx_ssrc,
    .mid_id = section->extensions[MXR_SDP_EXTENSION_MID].id,
    .transport_seq_id = section->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id,
    .nack = (format->feedback & MXR_SDP_FEEDBACK_NACK) != 0,
    .pli = (format->feedback & MXR_SDP_FEEDBACK_PLI) != 0,
    .transport_cc = (format->feedback & MXR_SDP_FEEDBACK_TRANSPORT_CC) != 0,
    .remb = (format->feedback & MXR_SDP_FEEDBACK_REMB) != 0,
    .above = above,
    .user_data = GINT_TO_POINTER (kind),
  };
  return mxr_rtp_session_add_receiver (link->session, &config);
}

/* An uplink stays with its section (negotiate.c makes a new one for another), but a section may announce another
 * source, as Chromium does for a track that was taken off and put on again. To the uplink numbers below those of the former
 * one would be late. */
static void
apply_incoming (MxrLink *link, const MxrLinkPlan *plan, MxrRtpKind kind)
{
  MxrIncoming *incoming = &link->incoming[kind];
  MxrUplink *uplink = plan->uplinks[kind];
  const MxrSdpFormat *format = find_format (plan, plan->offer->uplink[kind], kind);

  if (uplink == NULL || format == NULL) {
    remove_incoming (link, incoming);
    return;
  }
  const MxrSdpSection *section = &plan->offer->sections[plan->offer->uplink[kind]];
  if (incoming->uplink == uplink && incoming->ssrc == section->ssrc) {
    incoming->red_payload_type = find_red (format);
    mxr_rtp_receiver_set_red_payload_type (incoming->receiver, incoming->red_payload_type);
    return;
  }
  const guint64 above = incoming->uplink == uplink ? mxr_rtp_receiver_get_highest (incoming->receiver) : 0;
  remove_incoming (link, incoming);
  incoming->receiver = add_receiver (link, section, format, kind, above);
  if (incoming->receiver == NULL)
    return;
  mxr_rtp_receiver_set_max_bitrate (incoming->receiver, atomic_load (&link->peer->max_bitrate_bps[kind]));
  incoming->uplink = mxr_uplink_ref (uplink);
  mxr_uplink_set_tap (uplink, link->peer->tap);
  incoming->ssrc = section->ssrc;
  incoming->red_payload_type = find_red (format);
  incoming->audio_level_id = section->extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id;
  incoming->orientation_id = section->extensions[MXR_SDP_EXTENSION_VIDEO_ORIENTATION].id;
}

/* ---- Out -------------------------------------------------------------------------------------------------- */

/* Without both, numbers that the client does not tell about would count as lost. */
static guint8
find_transport_seq_id (const MxrSdpSection *section, const MxrSdpFormat *format)
{
  const MxrSdpExtension *extension = &section->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC];
  const bool is_told = (format->feedback & MXR_SDP_FEEDBACK_TRANSPORT_CC) != 0;
  return is_told && (extension->direction & MXR_SDP_RECVONLY) != 0 ? extension->id : 0;
}

static guint
count_history (const MxrSdpFormat *format, MxrRtpKind kind)
{
  if (kind == MXR_RTP_VIDEO)
    return VIDEO_HISTORY_PACKETS;
  if ((format->feedback & MXR_SDP_FEEDBACK_NACK) != 0)
    return AUDIO_HISTORY_PACKETS;
  return format->red_payload_type >= 0 ? RED_HISTORY_PACKETS : 0;
}

static MxrRtpSender *
add_sender (MxrLink *link, const MxrLinkPlan *plan, const MxrSdpFormat *format, MxrRtpKind kind)
{
  const MxrSdpSection *section = &plan->offer->sections[plan->offer->downlink[kind]];
  const MxrRtpSenderConfig config = {
    .kind = kind,
    .ssrc = plan->ssrcs[kind].media,
    .payload_type = format->payload_type,
    .clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000,
    .rtx_ssrc = kind == MXR_RTP_VIDEO ? plan->ssrcs[kind].rtx : 0,
    .rtx_payload_type = format->rtx_payload_type,
    .red_payload_type = find_red (format),
    .mid = section->mid,
    .mid_id = section->extensions[MXR_SDP_EXTENSION_MID].id,
    .transport_seq_id = find_transport_seq_id (section, format),
    .history_packets = count_history (format, kind),
    .initial_seq = (guint16) g_random_int_range (1, 1 << 15),
    .timestamp_offset = g_random_int (),
  };
  return mxr_rtp_session_add_sender (link->session, &config);
}

static void
remove_outgoing (MxrLink *link, MxrOutgoing *outgoing)
{
  mxr_link_feed_clear (&outgoing->feed);
  mxr_link_forget_waiting (outgoing);
  if (outgoing->sender != NULL)
    mxr_rtp_session_remove_sender (link->session, g_steal_pointer (&outgoing->sender));
  outgoing->has_sent = false;
}

/* Another codec on the same stream: what the former one still brings would be sent under the new payload type. The
 * room subscribes anew once the answer is out. */
static void
change_payload_type (MxrOutgoing *outgoing, const MxrSdpFormat *format)
{
  if (outgoing->payload_type == format->payload_type)
    return;
  mxr_link_unsubscribe (outgoing);
  outgoing->payload_type = format->payload_type;
  mxr_rtp_sender_set_payload_type (outgoing->sender, format->payload_type, format->rtx_payload_type);
}

/* Another section, or one that comes again, has another SSRC: the numbers of a new sender begin anew, and under the
 * same SRTP key an SSRC must never do that. */
static void
apply_outgoing (MxrLink *link, const MxrLinkPlan *plan, MxrRtpKind kind)
{
  MxrOutgoing *outgoing = &link->outgoing[kind];
  const MxrSdpFormat *format = find_format (plan, plan->offer->downlink[kind], kind);

  if (format == NULL) {
    remove_outgoing (link, outgoing);
  } else if (outgoing->sender != NULL && outgoing->ssrc == plan->ssrcs[kind].media) {
    change_payload_type (outgoing, format);
    mxr_rtp_sender_set_red_payload_type (outgoing->sender, find_red (format));
  } else {
    remove_outgoing (link, outgoing);
    outgoing->ssrc = plan->ssrcs[kind].media;
    outgoing->payload_type = format->payload_type;
    outgoing->sender = add_sender (link, plan, format, kind);
    outgoing->aggregate.phase = outgoing->ssrc;
  }
  if (format != NULL)
    outgoing->max_ptime_ms = plan->offer->sections[plan->offer->downlink[kind]].max_ptime_ms;
}

/* ---- All -------------------------------------------------------------------------------------------------- */

void
mxr_link_apply_streams (MxrLink *link, const MxrLinkPlan *plan)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    apply_incoming (link, plan, i);
    apply_outgoing (link, plan, i);
  }
}

void
mxr_link_clear_streams (MxrLink *link)
{
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    remove_incoming (link, &link->incoming[i]);
    remove_outgoing (link, &link->outgoing[i]);
  }
}

MxrRtpSession *
mxr_link_new_session (MxrLink *link, const MxrSdpOffer *offer)
{
  const guint start_bps = link->peer->env.config->media.start_bitrate_bps;
  const MxrRtpSessionConfig config = {
    .cname = link->peer->cname,
    .ssrc = MAX (g_random_int (), 1),
    .random_seed = (guint64) g_random_int () << 32 | g_random_int (),
    .wall_offset_us = g_get_real_time () - g_get_monotonic_time (),
    .reduced_size = offer->sections[offer->transport_section].rtcp_rsize,
    .start_bps = start_bps,
    .min_bps = BANDWIDTH_MIN_BPS,
    .max_bps = MAX (BANDWIDTH_MAX_BPS, start_bps),
  };
  MxrRtpSession *session = mxr_rtp_session_new (&config, &mxr_link_session_events, link);
  mxr_rtp_session_set_timeline (session, link->peer->env.timeline_us);
  mxr_rtp_session_want_bitrate (session, atomic_load (&link->peer->wanted_bps));
  return session;
}
