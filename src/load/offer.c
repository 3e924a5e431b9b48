#include "offer.h"

#include <string.h>

enum { PT_OPUS = 111, PT_VIDEO = 96, PT_RTX = 97 };
enum { ID_AUDIO_LEVEL = 1, ID_TRANSPORT_SEQ = 3, ID_MID = 4 };

/* ---- Writing: RFC 8829 5.2 ------------------------------------------------------------------------------------ */

static void
write_transport (GString *text, const MxrOfferParams *params, bool is_first)
{
  g_string_append_printf (text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:actpass\r\n",
                          params->ice_ufrag, params->ice_pwd, params->fingerprint);
  g_string_append (text, "a=rtcp-mux\r\na=rtcp-rsize\r\n");
  for (guint i = 0; is_first && params->candidates[i] != NULL; i++)
    g_string_append_printf (text, "a=%s\r\n", params->candidates[i]);
  if (is_first)
    g_string_append (text, "a=end-of-candidates\r\n");
}

static void
write_common (GString *text, const MxrOfferParams *params, MxrRtpKind kind)
{
  g_string_append_printf (text, "c=IN IP4 0.0.0.0\r\na=mid:%u\r\na=%s\r\n", kind,
                          params->sends[kind] ? "sendrecv" : "recvonly");
  write_transport (text, params, kind == MXR_RTP_AUDIO);
  g_string_append_printf (text,
                          "a=extmap:%d http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
                          "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
                          ID_TRANSPORT_SEQ, ID_MID);
}

static void
write_ssrc (GString *text, const MxrOfferParams *params, guint32 ssrc)
{
  g_string_append_printf (text, "a=ssrc:%u cname:%s\r\n", ssrc, params->cname);
}

static void
write_audio (GString *text, const MxrOfferParams *params)
{
  g_string_append_printf (text, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", PT_OPUS);
  write_common (text, params, MXR_RTP_AUDIO);
  if (params->audio_level)
    g_string_append_printf (text, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", ID_AUDIO_LEVEL);
  g_string_append_printf (text,
                          "a=rtpmap:%d opus/48000/2\r\na=rtcp-fb:%d transport-cc\r\n"
                          "a=fmtp:%d minptime=10;useinbandfec=1\r\n",
                          PT_OPUS, PT_OPUS, PT_OPUS);
  if (params->sends[MXR_RTP_AUDIO])
    write_ssrc (text, params, params->ssrcs[MXR_RTP_AUDIO]);
}

static void
write_video (GString *text, const MxrOfferParams *params)
{
  static const char *const feedback[] = { "goog-remb", "transport-cc", "ccm fir", "nack", "nack pli" };
  const bool is_vp8 = params->video_codec == MXR_CODEC_VP8;

  g_string_append_printf (text, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", PT_VIDEO, PT_RTX);
  write_common (text, params, MXR_RTP_VIDEO);
  g_string_append_printf (text, "a=rtpmap:%d %s/90000\r\n", PT_VIDEO, is_vp8 ? "VP8" : "H264");
  for (guint i = 0; i < G_N_ELEMENTS (feedback); i++)
    g_string_append_printf (text, "a=rtcp-fb:%d %s\r\n", PT_VIDEO, feedback[i]);
  if (!is_vp8)
    g_string_append_printf (
      text, "a=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n", PT_VIDEO);
  g_string_append_printf (text, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", PT_RTX, PT_RTX, PT_VIDEO);
  if (!params->sends[MXR_RTP_VIDEO])
    return;
  g_string_append_printf (text, "a=ssrc-group:FID %u %u\r\n", params->ssrcs[MXR_RTP_VIDEO], params->video_rtx_ssrc);
  write_ssrc (text, params, params->ssrcs[MXR_RTP_VIDEO]);
  write_ssrc (text, params, params->video_rtx_ssrc);
}

char *
mxr_offer_write (const MxrOfferParams *params)
{
  const bool has_video = params->video_codec != MXR_CODEC_NONE;
  GString *text = g_string_sized_new (4096);

  g_string_append_printf (text,
                          "v=0\r\no=- %u 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0%s\r\n"
                          "a=msid-semantic:WMS *\r\n",
                          g_str_hash (params->ice_pwd), has_video ? " 1" : "");
  write_audio (text, params);
  if (has_video)
    write_video (text, params);
  return g_string_free (text, FALSE);
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static void
read_stream (const MxrSdpOffer *answer, const MxrSdpSection *section, MxrSdpCodec codec, MxrOfferedStream *out)
{
  const MxrSdpFormat *format = mxr_sdp_section_find_format (section, codec);

  if (format == NULL)
    return;
  *out = (MxrOfferedStream){
    .is_there = true,
    .payload_type = (guint8) format->payload_type,
    .rtx_payload_type = format->rtx_payload_type,
    .ssrc = section->ssrc,
    .rtx_ssrc = section->rtx_ssrc,
    .mid_id = section->extensions[MXR_SDP_EXTENSION_MID].id,
    .audio_level_id = section->extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id,
    .transport_seq_id = section->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id,
    .nack = (format->feedback & MXR_SDP_FEEDBACK_NACK) != 0,
    .pli = (format->feedback & MXR_SDP_FEEDBACK_PLI) != 0,
    .transport_cc = (format->feedback & MXR_SDP_FEEDBACK_TRANSPORT_CC) != 0,
    .mid = { (char) ('0' + section->kind), '\0' },
  };
}

void
mxr_offer_read_answer (const MxrSdpOffer *answer, const MxrOfferParams *params, MxrAgreed *out_agreed)
{
  *out_agreed = (MxrAgreed){ 0 };
  for (guint i = 0; i < answer->n_sections; i++) {
    const MxrSdpSection *section = &answer->sections[i];
    if (section->kind == MXR_SDP_OTHER || !section->is_usable)
      continue;
    const MxrRtpKind kind = section->kind == MXR_SDP_AUDIO ? MXR_RTP_AUDIO : MXR_RTP_VIDEO;
    const MxrSdpCodec codec = kind == MXR_RTP_AUDIO                          ? MXR_SDP_CODEC_OPUS
                              : params->video_codec == MXR_CODEC_VP8 ? MXR_SDP_CODEC_VP8
                                                                             : MXR_SDP_CODEC_H264;
    out_agreed->reduced_size |= section->rtcp_rsize;
    /* Directions are the server's. */
    if ((section->direction & MXR_SDP_SENDONLY) != 0)
      read_stream (answer, section, codec, &out_agreed->downlink[kind]);
    if ((section->direction & MXR_SDP_RECVONLY) != 0 && params->sends[kind])
      read_stream (answer, section, codec, &out_agreed->uplink[kind]);
  }
}
