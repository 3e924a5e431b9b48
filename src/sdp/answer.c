#include "sdp-private.h"

#include <string.h>

/* Level 3.1: 1280x720 at 30 frames a second (ITU-T H.264 table A-1). */
#define OUR_H264_LEVEL_IDC 0x1f
/* RFC 6184 8.1: with level_idc 11 this bit of profile-iop means level 1b. */
#define H264_CONSTRAINT_SET3 0x1000

static const MxrSdpFormat *
choose_format (const MxrSdpSection *section, const MxrSdpAnswerParams *params)
{
  if (section->kind == MXR_SDP_AUDIO)
    return mxr_sdp_section_find_format (section, MXR_SDP_CODEC_OPUS);
  return mxr_sdp_section_find_format (section, params->video_codec);
}

MxrSdpDirection
mxr_sdp_answer_direction (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params, guint index)
{
  g_return_val_if_fail (index < offer->n_sections, MXR_SDP_INACTIVE);

  const MxrSdpSection *section = &offer->sections[index];
  if (!section->is_usable || choose_format (section, params) == NULL)
    return MXR_SDP_INACTIVE;

  const MxrSdpAnswerKind *kind = &params->kinds[section->kind];
  guint direction = MXR_SDP_INACTIVE;
  if (offer->uplink[section->kind] == (int)index && kind->takes_uplink)
    direction |= MXR_SDP_RECVONLY;
  if (offer->downlink[section->kind] == (int)index && kind->downlink_ssrc != 0)
    direction |= MXR_SDP_SENDONLY;
  return (MxrSdpDirection)direction;
}

/* Port 0 stops the client's transceiver for good (RFC 8829 5.10), so it is for what has no place here. A
 * section that is inactive for now, or whose direction we do not want now, is accepted and may become active
 * later. */
bool
mxr_sdp_answer_accepts (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params, guint index)
{
  const MxrSdpSection *section = &offer->sections[index];

  if (!section->is_usable)
    return false;
  if (index == offer->transport_section || section->direction == MXR_SDP_INACTIVE)
    return true;
  return choose_format (section, params) != NULL &&
         (offer->uplink[section->kind] == (int)index || offer->downlink[section->kind] == (int)index);
}

void
mxr_sdp_answer_write_group (GString *text, const MxrSdpOffer *offer, const MxrSdpAnswerParams *params)
{
  if (!offer->is_bundle)
    return;
  /* The answerer's tag comes first (RFC 8843 7.3.1). */
  g_string_append_printf (text, "a=group:BUNDLE %s", offer->sections[offer->transport_section].mid);
  for (guint i = 0; i < offer->n_sections; i++)
    if (i != offer->transport_section && mxr_sdp_answer_accepts (offer, params, i))
      g_string_append_printf (text, " %s", offer->sections[i].mid);
  g_string_append (text, "\r\n");
}

void
mxr_sdp_answer_write_credentials (GString *text, const MxrSdpAnswerParams *params)
{
  g_string_append_printf (text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", params->ice_ufrag, params->ice_pwd);
}

void
mxr_sdp_answer_write_candidates (GString *text, const MxrSdpAnswerParams *params)
{
  for (guint i = 0; params->candidates != NULL && params->candidates[i] != NULL; i++) {
    const char *candidate = params->candidates[i];
    g_string_append_printf (text, "%s%s\r\n", g_str_has_prefix (candidate, "a=") ? "" : "a=", candidate);
  }
  if (params->end_of_candidates)
    g_string_append (text, "a=end-of-candidates\r\n");
}

static void
write_media_line (GString *text, const MxrSdpOffer *offer, guint index, guint port)
{
  const GstSDPMedia *media = mxr_sdp_offer_get_media (offer, index);
  g_string_append_printf (text, "m=%s %u %s", gst_sdp_media_get_media (media), port,
                          gst_sdp_media_get_proto (media));
}

/* The profile stays as offered; the level is what we receive, where the two sides may differ (RFC
 * 6184 8.2.2). */
static guint32
answer_profile_level_id (const MxrSdpFormat *format)
{
  guint32 offered = format->profile_level_id;
  if (!format->level_asymmetry_allowed || (offered & 0xff) >= OUR_H264_LEVEL_IDC)
    return offered;
  bool is_level_1b = (offered & 0xff) == 11 && (offered & H264_CONSTRAINT_SET3) != 0;
  return ((offered & 0xffff00) | OUR_H264_LEVEL_IDC) & (is_level_1b ? ~(guint32)H264_CONSTRAINT_SET3 : ~0u);
}

static void
write_format (GString *text, const MxrSdpFormat *format, const MxrSdpAnswerParams *params)
{
  static const char *const encodings[] = { [MXR_SDP_CODEC_OPUS] = "opus/48000/2",
                                           [MXR_SDP_CODEC_VP8] = "VP8/90000",
                                           [MXR_SDP_CODEC_H264] = "H264/90000" };
  int type = format->payload_type;

  g_string_append_printf (text, "a=rtpmap:%d %s\r\n", type, encodings[format->codec]);
  for (guint bit = 1; bit <= MXR_SDP_FEEDBACK_ALL; bit <<= 1)
    if ((format->feedback & params->feedback & bit) != 0)
      g_string_append_printf (text, "a=rtcp-fb:%d %s\r\n", type, mxr_sdp_feedback_get_name (bit));
  if (format->codec == MXR_SDP_CODEC_OPUS) /* usedtx: a silent client sends almost nothing */
    g_string_append_printf (text, "a=fmtp:%d minptime=10;useinbandfec=1;usedtx=1%s\r\n", type,
                            params->audio_stereo ? ";stereo=1;sprop-stereo=1" : "");
  if (format->codec == MXR_SDP_CODEC_H264)
    g_string_append_printf (text, "a=fmtp:%d %spacketization-mode=1;profile-level-id=%06x\r\n", type,
                            format->level_asymmetry_allowed ? "level-asymmetry-allowed=1;" : "",
                            answer_profile_level_id (format));
  if (format->red_payload_type >= 0)
    g_string_append_printf (text, "a=rtpmap:%d red/48000/2\r\na=fmtp:%d %d/%d\r\n", format->red_payload_type,
                            format->red_payload_type, type, type);
  if (format->rtx_payload_type >= 0)
    g_string_append_printf (text, "a=rtpmap:%d rtx/%u\r\na=fmtp:%d apt=%d\r\n", format->rtx_payload_type,
                            format->codec == MXR_SDP_CODEC_OPUS ? 48000 : 90000, format->rtx_payload_type,
                            type);
}

static void
write_extensions (GString *text, const MxrSdpSection *section, const MxrSdpAnswerParams *params)
{
  /* An answer mirrors the direction as it mirrors that of the media (RFC 8285 7). */
  static const char *const mirrored[] = { "/inactive", "/recvonly", "/sendonly", "" };

  for (guint i = 0; i < MXR_SDP_N_EXTENSIONS; i++) {
    const MxrSdpExtension *extension = &section->extensions[i];
    if (extension->id != 0 && (params->extensions & 1u << i) != 0)
      g_string_append_printf (text, "a=extmap:%u%s %s\r\n", extension->id, mirrored[extension->direction],
                              mxr_sdp_extension_get_uri ((MxrSdpExtensionType)i));
  }
}

/* What the downlink is sent with. Receivers bind packets without a MID by these lines. */
static void
write_ssrcs (GString *text, const MxrSdpFormat *format, const MxrSdpAnswerKind *kind, const char *cname)
{
  bool has_rtx = kind->downlink_rtx_ssrc != 0 && format->rtx_payload_type >= 0;

  if (has_rtx)
    g_string_append_printf (text, "a=ssrc-group:FID %u %u\r\n", kind->downlink_ssrc, kind->downlink_rtx_ssrc);
  g_string_append_printf (text, "a=ssrc:%u cname:%s\r\n", kind->downlink_ssrc, cname);
  if (has_rtx)
    g_string_append_printf (text, "a=ssrc:%u cname:%s\r\n", kind->downlink_rtx_ssrc, cname);
}

/* BUNDLE lets all but the tagged section go without these (RFC 8843 7.1.3), yet browsers write and older
 * clients read them in each. Candidates stand in the tagged section alone. */
static void
write_transport (GString *text, const MxrSdpAnswerParams *params)
{
  mxr_sdp_answer_write_credentials (text, params);
  g_string_append_printf (text, "a=ice-options:trickle\r\na=fingerprint:%s\r\na=setup:%s\r\n",
                          params->fingerprint, params->setup == MXR_SDP_SETUP_PASSIVE ? "passive" : "active");
}

/* The formats mean nothing, but there must be one (RFC 3264 6). Nor does the transport, but webrtcbin refuses
 * an answer that leaves it out of any section ("No fingerprint lines in sdp for media 1"), and aiortc looks
 * for it too. */
static void
write_rejected (GString *text, const MxrSdpOffer *offer, const MxrSdpAnswerParams *params, guint index)
{
  const MxrSdpSection *section = &offer->sections[index];

  write_media_line (text, offer, index, 0);
  g_string_append_printf (text, " %s\r\nc=IN IP4 0.0.0.0\r\n",
                          gst_sdp_media_get_format (mxr_sdp_offer_get_media (offer, index), 0));
  if (section->mid != NULL)
    g_string_append_printf (text, "a=mid:%s\r\n", section->mid);
  g_string_append (text, "a=inactive\r\n");
  write_transport (text, params);
  if (section->kind != MXR_SDP_OTHER)
    g_string_append (text, "a=rtcp-mux\r\n");
}

static void
write_accepted (GString *text, const MxrSdpOffer *offer, const MxrSdpAnswerParams *params, guint index)
{
  static const char *const directions[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
  const MxrSdpSection *section = &offer->sections[index];
  const MxrSdpAnswerKind *kind = &params->kinds[section->kind];
  const MxrSdpFormat *format = choose_format (section, params);
  MxrSdpDirection direction = mxr_sdp_answer_direction (offer, params, index);

  if (format == NULL) /* an inactive section: any codec keeps its place */
    format = &section->formats[0];
  write_media_line (text, offer, index, 9); /* discard: the real one is a candidate (RFC 8840 4.1.1) */
  if (format->red_payload_type >= 0) /* first: clients send RED where it is preferred to what is in it */
    g_string_append_printf (text, " %d", format->red_payload_type);
  g_string_append_printf (text, " %d", format->payload_type);
  if (format->rtx_payload_type >= 0)
    g_string_append_printf (text, " %d", format->rtx_payload_type);
  g_string_append (text, "\r\nc=IN IP4 0.0.0.0\r\n");
  if ((direction & MXR_SDP_RECVONLY) != 0 && kind->uplink_max_bps > 0)
    g_string_append_printf (text, "b=TIAS:%u\r\n", kind->uplink_max_bps);
  if (section->mid != NULL)
    g_string_append_printf (text, "a=mid:%s\r\n", section->mid);
  g_string_append_printf (text, "a=%s\r\n", directions[direction]);
  if ((direction & MXR_SDP_SENDONLY) != 0)
    g_string_append_printf (text, "a=msid:%s %s-%s\r\n", params->stream_id, params->stream_id,
                            section->kind == MXR_SDP_AUDIO ? "audio" : "video");
  write_transport (text, params);
  g_string_append (text, "a=rtcp-mux\r\n");
  if (index == offer->transport_section)
    mxr_sdp_answer_write_candidates (text, params);
  if (section->rtcp_rsize)
    g_string_append (text, "a=rtcp-rsize\r\n");
  write_extensions (text, section, params);
  write_format (text, format, params);
  if ((direction & MXR_SDP_SENDONLY) != 0)
    write_ssrcs (text, format, kind, params->cname);
}

char *
mxr_sdp_answer_write (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params)
{
  g_return_val_if_fail (offer != NULL && params != NULL, NULL);
  g_return_val_if_fail (params->setup != MXR_SDP_SETUP_ACTPASS && params->setup != offer->setup, NULL);

  GString *text = g_string_sized_new (4096);
  g_string_append_printf (text,
                          "v=0\r\no=- %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " IN IP4 0.0.0.0\r\n"
                          "s=-\r\nt=0 0\r\n",
                          params->session_id, params->session_version);
  mxr_sdp_answer_write_group (text, offer, params);
  g_string_append (text, "a=msid-semantic:WMS *\r\n");
  for (guint i = 0; i < offer->n_sections; i++)
    if (mxr_sdp_answer_accepts (offer, params, i))
      write_accepted (text, offer, params, i);
    else
      write_rejected (text, offer, params, i);
  return g_string_free (text, FALSE);
}
