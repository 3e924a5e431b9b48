#include "mixroom/sdp.h"

/* An offer to its answer, and a trickle fragment. */

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const MxrSdpCodec preference[] = { MXR_SDP_CODEC_H264, MXR_SDP_CODEC_VP8 };
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse ((const char *)data, (gssize)size, NULL);
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse ((const char *)data, (gssize)size, NULL);
  if (offer == NULL)
    return 0;

  MxrSdpAnswerParams params = {
    .ice_ufrag = "Serv",
    .ice_pwd = "server0server0server0server",
    .fingerprint = "sha-256 00",
    .setup = mxr_sdp_offer_resolve_setup (offer),
    .cname = "c",
    .stream_id = "s",
    .video_codec = mxr_sdp_offer_choose_video_codec (offer, preference, G_N_ELEMENTS (preference)),
    .extensions = MXR_SDP_EXTENSIONS_ALL,
    .feedback = MXR_SDP_FEEDBACK_ALL,
    .kinds = { { .takes_uplink = true, .downlink_ssrc = 1 },
               { .takes_uplink = true, .downlink_ssrc = 2, .downlink_rtx_ssrc = 3 } },
  };
  g_autofree char *answer = mxr_sdp_answer_write (offer, &params);
  g_autofree char *restart = mxr_sdp_fragment_write (offer, &params);
  g_autoptr (GError) error = NULL;
  if (!mxr_sdp_offer_is_compatible (offer, offer, &error))
    g_error ("an offer does not fit itself: %s", error->message);
  return 0;
}
