#include "offer.h"

#include <string.h>

static char *const candidates[] = { (char *) "candidate:1 1 UDP 2015363327 127.0.0.1 40000 typ host", NULL };

static MxrOfferParams
new_params (MxrLoadCodec codec, bool sends_audio, bool sends_video)
{
  return (MxrOfferParams){
    .ice_ufrag = "abcd",
    .ice_pwd = "0123456789012345678901",
    .candidates = candidates,
    .fingerprint = "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"
                   "1E:1F",
    .cname = "load1",
    .sends = { sends_audio, sends_video },
    .ssrcs = { 1111, 2222 },
    .video_rtx_ssrc = 3333,
    .video_codec = codec,
    .audio_level = true,
  };
}

static MxrSdpOffer *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  MxrSdpOffer *offer = mxr_sdp_offer_parse (text, -1, &error);
  g_assert_no_error (error);
  return offer;
}

/* As the server answers. */
static char *
answer (const MxrSdpOffer *offer, MxrSdpCodec codec, bool takes_uplink)
{
  const MxrSdpAnswerKind kind = { .takes_uplink = takes_uplink, .downlink_ssrc = 77, .downlink_rtx_ssrc = 78 };
  const MxrSdpAnswerParams params = {
    .ice_ufrag = "wxyz",
    .ice_pwd = "abcdefghijklmnopqrstuv",
    .fingerprint = "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"
                   "1E:1F",
    .setup = MXR_SDP_SETUP_ACTIVE,
    .session_version = 1,
    .cname = "mix",
    .stream_id = "mix",
    .video_codec = codec,
    .extensions = MXR_SDP_EXTENSIONS_ALL,
    .feedback = MXR_SDP_FEEDBACK_ALL,
    .kinds = { kind, kind },
  };
  return mxr_sdp_answer_write (offer, &params);
}

/* What the server makes of it is what was meant. */
static void
test_offer (void)
{
  for (guint i = 0; i < 12; i++) {
    const MxrLoadCodec codec = (MxrLoadCodec[]){ MXR_CODEC_NONE, MXR_CODEC_VP8, MXR_CODEC_H264 }[i % 3];
    const MxrOfferParams params = new_params (codec, i / 3 % 2 == 0, i / 6 == 0);
    g_autofree char *text = mxr_offer_write (&params);
    g_autoptr (MxrSdpOffer) offer = parse (text);
    const bool has_video = codec != MXR_CODEC_NONE;

    g_assert_cmpuint (offer->n_sections, ==, has_video ? 2 : 1);
    g_assert_cmpstr (offer->ice_ufrag, ==, "abcd");
    g_assert_cmpuint (offer->n_candidates, ==, 1);
    g_assert_true (offer->end_of_candidates);
    g_assert_cmpint (offer->uplink[MXR_SDP_AUDIO], ==, params.sends[MXR_RTP_AUDIO] ? 0 : -1);
    g_assert_cmpint (offer->downlink[MXR_SDP_AUDIO], ==, 0);
    g_assert_cmpint (offer->uplink[MXR_SDP_VIDEO], ==, has_video && params.sends[MXR_RTP_VIDEO] ? 1 : -1);
    g_assert_cmpint (offer->downlink[MXR_SDP_VIDEO], ==, has_video ? 1 : -1);
    g_assert_cmpuint (offer->sections[0].ssrc, ==, params.sends[MXR_RTP_AUDIO] ? 1111 : 0);
    g_assert_cmpuint (offer->sections[0].extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id, !=, 0);
    if (has_video && params.sends[MXR_RTP_VIDEO])
      g_assert_cmpuint (offer->sections[1].rtx_ssrc, ==, 3333);
    if (has_video)
      g_assert_cmpint (offer->sections[1].formats[0].codec, ==,
                       codec == MXR_CODEC_VP8 ? MXR_SDP_CODEC_VP8 : MXR_SDP_CODEC_H264);
  }
}

static void
test_no_audio_level (void)
{
  MxrOfferParams params = new_params (MXR_CODEC_NONE, true, false);
  params.audio_level = false;
  g_autofree char *text = mxr_offer_write (&params);
  g_autoptr (MxrSdpOffer) offer = parse (text);
  g_assert_cmpuint (offer->sections[0].extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id, ==, 0);
}

static void
test_answer (void)
{
  const MxrOfferParams params = new_params (MXR_CODEC_VP8, true, true);
  g_autofree char *text = mxr_offer_write (&params);
  g_autoptr (MxrSdpOffer) offer = parse (text);
  g_autofree char *answer_text = answer (offer, MXR_SDP_CODEC_VP8, true);
  g_autoptr (MxrSdpOffer) parsed = parse (answer_text);
  MxrAgreed agreed;

  mxr_offer_read_answer (parsed, &params, &agreed);
  g_assert_cmpint (parsed->setup, ==, MXR_SDP_SETUP_ACTIVE);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (agreed.uplink[i].is_there);
    g_assert_true (agreed.downlink[i].is_there);
    g_assert_cmpuint (agreed.downlink[i].ssrc, ==, 77);
    g_assert_cmpstr (agreed.downlink[i].mid, ==, i == 0 ? "0" : "1");
    g_assert_cmpuint (agreed.uplink[i].mid_id, !=, 0);
  }
  g_assert_cmpuint (agreed.uplink[0].payload_type, ==, 111);
  g_assert_cmpuint (agreed.uplink[0].audio_level_id, !=, 0);
  g_assert_cmpint (agreed.uplink[1].rtx_payload_type, ==, 97);
  g_assert_cmpuint (agreed.downlink[1].rtx_ssrc, ==, 78);
  g_assert_true (agreed.downlink[1].nack && agreed.downlink[1].pli && agreed.downlink[1].transport_cc);
  g_assert_true (agreed.reduced_size);
}

/* A viewer sends nothing, whatever the answer takes; a codec that was not chosen does not flow. */
static void
test_answer_with_less (void)
{
  const MxrOfferParams params = new_params (MXR_CODEC_H264, false, false);
  g_autofree char *text = mxr_offer_write (&params);
  g_autoptr (MxrSdpOffer) offer = parse (text);
  g_autofree char *answer_text = answer (offer, MXR_SDP_CODEC_NONE, true);
  g_autoptr (MxrSdpOffer) parsed = parse (answer_text);
  MxrAgreed agreed;

  mxr_offer_read_answer (parsed, &params, &agreed);
  g_assert_false (agreed.uplink[0].is_there);
  g_assert_false (agreed.uplink[1].is_there);
  g_assert_true (agreed.downlink[0].is_there);
  g_assert_false (agreed.downlink[1].is_there);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/offer/offer", test_offer);
  g_test_add_func ("/load/offer/no-audio-level", test_no_audio_level);
  g_test_add_func ("/load/offer/answer", test_answer);
  g_test_add_func ("/load/offer/answer-with-less", test_answer_with_less);
  return g_test_run ();
}
