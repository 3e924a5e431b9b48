#include "support-test.h"

#include <string.h>

static MxrSdpOffer *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  MxrSdpOffer *offer = mxr_sdp_offer_parse (text, -1, &error);
  g_assert_no_error (error);
  return offer;
}

static char *
answer (const char *text, const MxrSdpOffer *offer, const MxrSdpAnswerParams *params)
{
  char *written = mxr_sdp_answer_write (offer, params);
  mxr_test_assert_answer_is_valid (text, -1, written);
  return written;
}

/* The text from the @index-th m= line on, to the next. */
static char *
cut_section (const char *text, guint index)
{
  g_auto (GStrv) sections = g_strsplit (text, "\r\nm=", -1);
  g_assert_cmpuint (index + 1, <, g_strv_length (sections));
  return g_strconcat ("m=", sections[index + 1], "\r\n", NULL);
}

static void
test_real (gconstpointer name)
{
  static const MxrSdpCodec codecs[] = { MXR_SDP_CODEC_VP8, MXR_SDP_CODEC_H264 };
  g_autofree char *text = mxr_test_load (name);
  g_autoptr (MxrSdpOffer) offer = parse (text);

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    MxrSdpAnswerParams params = mxr_test_params (offer, codecs[i]);
    g_autofree char *full = answer (text, offer, &params);
    g_assert_nonnull (strstr (full, "a=setup:active\r\n"));

    /* each subset of what the server may do */
    for (guint mask = 0; mask < 16; mask++) {
      for (guint kind = 0; kind < MXR_SDP_N_KINDS; kind++) {
        params.kinds[kind].takes_uplink = (mask >> (2 * kind) & 1) != 0;
        params.kinds[kind].downlink_ssrc = (mask >> (2 * kind) & 2) != 0 ? 1001 + kind : 0;
      }
      g_autofree char *part = answer (text, offer, &params);
    }
  }
}

/* Word for word: what goes to Chromium. */
static void
test_chromium_word_for_word (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autoptr (MxrSdpOffer) offer = parse (text);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_H264);
  g_autofree char *written = answer (text, offer, &params);
#define TRANSPORT                                                                                            \
  "a=ice-ufrag:Serv\r\na=ice-pwd:server0server0server0server\r\na=ice-options:trickle\r\n"                   \
  "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"                                   \
  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:active\r\na=rtcp-mux\r\n"
  g_assert_cmpstr (
      written, ==,
      "v=0\r\no=- 4711 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic:WMS *\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=msid:mix "
      "mix-audio\r\n" TRANSPORT "a=candidate:1 1 udp 2015363327 192.0.2.1 5000 typ host\r\n"
      "a=candidate:2 1 udp 2015363327 192.0.2.1 5002 typ host\r\na=end-of-candidates\r\na=rtcp-rsize\r\n"
      "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
      "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
      "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
      "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=ssrc:1001 cname:mixroom\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 108 109\r\nc=IN IP4 0.0.0.0\r\nb=TIAS:1500000\r\na=mid:1\r\na=sendrecv\r\n"
      "a=msid:mix mix-video\r\n" TRANSPORT "a=rtcp-rsize\r\n"
      "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
      "a=extmap:13 urn:3gpp:video-orientation\r\n"
      "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
      "a=rtpmap:108 H264/90000\r\na=rtcp-fb:108 nack\r\na=rtcp-fb:108 nack pli\r\na=rtcp-fb:108 ccm fir\r\n"
      "a=rtcp-fb:108 transport-cc\r\na=rtcp-fb:108 goog-remb\r\n"
      "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
      "a=rtpmap:109 rtx/90000\r\na=fmtp:109 apt=108\r\n"
      "a=ssrc-group:FID 2001 2002\r\na=ssrc:2001 cname:mixroom\r\na=ssrc:2002 cname:mixroom\r\n");
#undef TRANSPORT
}

static void
test_red (void)
{
  static const struct {
    const char *name, *media_line;
  } cases[] = { { "chromium156-call", "m=audio 9 UDP/TLS/RTP/SAVPF 63 111" },
                { "chromium156-whep", "m=audio 9 UDP/TLS/RTP/SAVPF 63 111" },
                { "firefox153-call", "m=audio 9 UDP/TLS/RTP/SAVPF 109" },
                { "safari-call", "m=audio 9 UDP/TLS/RTP/SAVPF 111" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = mxr_test_load (cases[i].name);
    g_autoptr (MxrSdpOffer) offer = parse (text);
    MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
    g_autofree char *written = answer (text, offer, &params);
    bool has_red = strstr (cases[i].media_line, " 63 ") != NULL;
    g_assert_true (mxr_test_has_line (written, cases[i].media_line));
    g_assert_true (mxr_test_has_line (written, "a=fmtp:63 111/111") == has_red);
    g_assert_nonnull (strstr (written, "useinbandfec=1"));
  }
}

/* Who takes repetitions of sound is answered so, and what is told of arrivals too. */
static void
test_sound_feedback (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autofree char *asking = mxr_test_replace (text, "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack");
  g_autoptr (MxrSdpOffer) offer = parse (text), asking_offer = parse (asking);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *plain = answer (text, offer, &params);
  g_autofree char *repeating = answer (asking, asking_offer, &params);

  g_assert_true (mxr_test_has_line (plain, "a=rtcp-fb:111 transport-cc"));
  g_assert_false (mxr_test_has_line (plain, "a=rtcp-fb:111 nack"));
  g_assert_true (mxr_test_has_line (repeating, "a=rtcp-fb:111 nack"));
}

static void
test_only_what_we_handle (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autoptr (MxrSdpOffer) offer = parse (text);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  params.extensions = 1u << MXR_SDP_EXTENSION_MID;
  params.feedback = MXR_SDP_FEEDBACK_PLI;
  params.candidates = NULL;
  params.end_of_candidates = false;
  params.audio_stereo = true;
  g_autofree char *written = mxr_sdp_answer_write (offer, &params);

  g_assert_null (strstr (written, "video-orientation"));
  g_assert_null (strstr (written, "transport"));
  g_assert_null (strstr (written, "candidate"));
  g_assert_true (mxr_test_has_line (written, "a=rtcp-fb:96 nack pli"));
  g_assert_false (mxr_test_has_line (written, "a=rtcp-fb:96 nack"));
  g_assert_true (
      mxr_test_has_line (written, "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1"));
}

static void
test_setup (void)
{
  static const struct {
    const char *offered, *answered;
  } cases[] = { { "actpass", "a=setup:active" },
                { "passive", "a=setup:active" },
                { "active", "a=setup:passive" } };
  g_autofree char *text = mxr_test_load ("firefox153-call");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *changed = mxr_test_replace (text, "actpass", cases[i].offered);
    g_autoptr (MxrSdpOffer) offer = parse (changed);
    MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
    g_autofree char *written = answer (changed, offer, &params);
    g_assert_true (mxr_test_has_line (written, cases[i].answered));
  }
}

/* Each direction of each kind, and what comes back when all is taken and served. */
static void
test_directions (void)
{
  static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
  static const char *const mirrored[] = { "a=inactive", "a=recvonly", "a=sendonly", "a=sendrecv" };
  g_autofree char *text = mxr_test_load ("libwebrtc-node-call");

  for (guint i = 0; i < 16; i++) {
    g_autofree char *changed = g_strdup (text);
    char *audio = strstr (changed, "a=sendrecv"), *video = strstr (audio + 1, "a=sendrecv");
    memcpy (audio + 2, names[i % 4], 8);
    memcpy (video + 2, names[i / 4], 8);
    g_autoptr (MxrSdpOffer) offer = parse (changed);
    MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
    g_autofree char *written = answer (changed, offer, &params);
    g_autofree char *audio_section = cut_section (written, 0);
    g_autofree char *video_section = cut_section (written, 1);
    g_assert_true (mxr_test_has_line (audio_section, mirrored[i % 4]));
    g_assert_true (mxr_test_has_line (video_section, mirrored[i / 4]));
    g_assert_false (g_str_has_prefix (video_section, "m=video 0"));
    g_assert_cmpint (mxr_sdp_answer_direction (offer, &params, 0), ==, (i % 4 & 1) << 1 | (i % 4 & 2) >> 1);
  }
}

/* A second camera has no place: port 0. A data channel neither, even where it holds the tag. */
static void
test_surplus_is_rejected (void)
{
  g_autofree char *text = mxr_test_load ("pion-call");
  g_autofree char *first = mxr_test_replace (text, "BUNDLE 0 1 2", "BUNDLE 2 3 1 0");
  g_autofree char *whole =
      g_strconcat (first,
                   "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=sendonly\r\na=rtcp-mux\r\n"
                   "a=rtpmap:96 VP8/90000\r\n",
                   NULL);
  g_autoptr (MxrSdpOffer) offer = parse (whole);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *written = answer (whole, offer, &params);
  g_autofree char *data = cut_section (written, 2);
  g_autofree char *surplus = cut_section (written, 3);

  /* section 3 is surplus, but the first of the group that we can take: it keeps the transport, and no media
   */
  g_assert_cmpuint (offer->transport_section, ==, 3);
  g_assert_true (mxr_test_has_line (written, "a=group:BUNDLE 3 0 1"));
  g_assert_true (g_str_has_prefix (data, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
  g_assert_true (mxr_test_has_line (data, "a=mid:2"));
  g_assert_true (g_str_has_prefix (surplus, "m=video 9 "));
  g_assert_true (mxr_test_has_line (surplus, "a=inactive"));
  g_assert_nonnull (strstr (surplus, "a=candidate:"));

  g_autofree char *behind = mxr_test_replace (whole, "BUNDLE 2 3 1 0", "BUNDLE 0 1 2 3");
  g_autoptr (MxrSdpOffer) usual = parse (behind);
  g_autofree char *rejecting = answer (behind, usual, &params);
  g_autofree char *rejected = cut_section (rejecting, 3);
  g_assert_true (g_str_has_prefix (rejected, "m=video 0 "));
  g_assert_true (mxr_test_has_line (rejecting, "a=group:BUNDLE 0 1"));
}

static void
test_without_mid (void)
{
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-vp8");
  *strstr (text, "m=video") = '\0';
  g_autofree char *unbundled = mxr_test_replace (text, "a=group:BUNDLE audio0 video1\r\n", "");
  g_autofree char *nameless = mxr_test_replace (unbundled, "a=mid:audio0\r\n", "");
  g_autoptr (MxrSdpOffer) offer = parse (nameless);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *written = answer (nameless, offer, &params);

  g_assert_null (strstr (written, "a=mid"));
  g_assert_null (strstr (written, "a=group"));
  g_assert_nonnull (strstr (written, "a=candidate:1 "));
}

static void
test_simulcast_is_not_taken (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-whip");
  g_autofree char *changed = mxr_test_replace (
      text, "a=ssrc-group:FID", "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\na=x-group:FID");
  g_autoptr (MxrSdpOffer) offer = parse (changed);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *written = answer (changed, offer, &params);

  g_assert_cmpint (offer->uplink[MXR_SDP_VIDEO], ==, 1);
  g_assert_null (strstr (written, "simulcast"));
  g_assert_null (strstr (written, "a=rid"));
  /* without it Chromium's next offer fails: "negotiates simulcast but does not negotiate the RID RTP header
   * extension" */
  g_assert_true (mxr_test_has_line (written, "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"));
}

static void
test_extension_direction (void)
{
  g_autofree char *text = mxr_test_load ("firefox153-call");
  g_autofree char *changed = mxr_test_replace (text, "a=extmap:3 ", "a=extmap:3/sendonly ");
  g_autoptr (MxrSdpOffer) offer = parse (changed);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *written = answer (changed, offer, &params);
  g_assert_true (mxr_test_has_line (written, "a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid"));
}

static void
test_h264_level (void)
{
  static const struct {
    const char *offered, *answered;
  } cases[] = {
    { "profile-level-id=42d00b;level-asymmetry-allowed=1", "profile-level-id=42c01f" }, /* 1b */
    { "profile-level-id=42e00a;level-asymmetry-allowed=1", "profile-level-id=42e01f" },
    { "profile-level-id=42e034;level-asymmetry-allowed=1", "profile-level-id=42e034" },
    { "profile-level-id=42e00a;level-asymmetry-allowed=0", "profile-level-id=42e00a" },
    { "x=y", "profile-level-id=42000a" },
  };
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-h264");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *changed =
        mxr_test_replace (text, "profile-level-id=42d00b;level-asymmetry-allowed=1", cases[i].offered);
    g_autoptr (MxrSdpOffer) offer = parse (changed);
    MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_H264);
    g_autofree char *written = answer (changed, offer, &params);
    g_autofree char *wanted = g_strconcat (cases[i].answered, "\r\n", NULL);
    g_assert_nonnull (strstr (written, wanted));
    g_assert_true ((strstr (written, "level-asymmetry-allowed=1") != NULL) ==
                   (strstr (cases[i].offered, "allowed=1") != NULL));
  }
}

static void
test_fragment (void)
{
  static const char *const text =
      "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
      "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=candidate:1 2 udp 1 192.0.2.1 9 typ host\r\n"
      "a=end-of-candidates\r\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse (text, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (fragment->ice_ufrag, ==, "abcd");
  g_assert_cmpstr (fragment->ice_pwd, ==, "0123456789012345678901");
  g_assert_cmpstr (fragment->mid, ==, "0");
  g_assert_cmpuint (fragment->n_candidates, ==, 1);
  g_assert_cmpstr (fragment->candidates[0], ==, "candidate:1 1 udp 1 192.0.2.1 9 typ host");
  g_assert_null (fragment->candidates[1]);
  g_assert_true (fragment->end_of_candidates);
}

static void
test_fragment_is_refused (void)
{
  static const char *const bad[] = { "",
                                     "candidate",
                                     "a=ice-ufrag:abcd\r\n",
                                     "a=ice-pwd:0123456789012345678901\r\n",
                                     "a=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n",
                                     "a=ice-ufrag:abcd\r\na=ice-pwd:012345678901234567890\r\n",
                                     "m=audio x y z\r\n" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_sdp_fragment_parse (bad[i], -1, &error));
    g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX);
  }
}

static void
test_fragment_is_bounded (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < MXR_CANDIDATES_MAX + 3; i++)
    g_string_append_printf (text, "a=candidate:%u 1 udp 1 192.0.2.1 9 typ host\n", i);
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse (text->str, -1, NULL);
  g_assert_cmpuint (fragment->n_candidates, ==, MXR_CANDIDATES_MAX);
  g_assert_cmpuint (fragment->n_candidates_dropped, ==, 3);
}

/* What we write is what we would read. */
static void
test_fragment_round_trip (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-whip");
  g_autoptr (MxrSdpOffer) offer = parse (text);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  g_autofree char *written = mxr_sdp_fragment_write (offer, &params);
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse (written, -1, &error);

  g_assert_no_error (error);
  g_assert_true (mxr_test_has_line (written, "a=group:BUNDLE 0 1"));
  g_assert_cmpstr (fragment->ice_ufrag, ==, params.ice_ufrag);
  g_assert_cmpstr (fragment->ice_pwd, ==, params.ice_pwd);
  g_assert_cmpstr (fragment->mid, ==, "0");
  g_assert_cmpuint (fragment->n_candidates, ==, 2);
  g_assert_cmpstr (fragment->candidates[1], ==, "candidate:2 1 udp 2015363327 192.0.2.1 5002 typ host");
  g_assert_true (fragment->end_of_candidates);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; mxr_test_offer_names[i] != NULL; i++) {
    g_autofree char *path = g_strconcat ("/sdp/answer/real/", mxr_test_offer_names[i], NULL);
    g_test_add_data_func (path, mxr_test_offer_names[i], test_real);
  }
  g_test_add_func ("/sdp/answer/red", test_red);
  g_test_add_func ("/sdp/answer/sound-feedback", test_sound_feedback);
  g_test_add_func ("/sdp/answer/chromium-word-for-word", test_chromium_word_for_word);
  g_test_add_func ("/sdp/answer/only-what-we-handle", test_only_what_we_handle);
  g_test_add_func ("/sdp/answer/setup", test_setup);
  g_test_add_func ("/sdp/answer/directions", test_directions);
  g_test_add_func ("/sdp/answer/surplus-is-rejected", test_surplus_is_rejected);
  g_test_add_func ("/sdp/answer/without-mid", test_without_mid);
  g_test_add_func ("/sdp/answer/simulcast-is-not-taken", test_simulcast_is_not_taken);
  g_test_add_func ("/sdp/answer/extension-direction", test_extension_direction);
  g_test_add_func ("/sdp/answer/h264-level", test_h264_level);
  g_test_add_func ("/sdp/fragment/parse", test_fragment);
  g_test_add_func ("/sdp/fragment/refused", test_fragment_is_refused);
  g_test_add_func ("/sdp/fragment/bounded", test_fragment_is_bounded);
  g_test_add_func ("/sdp/fragment/round-trip", test_fragment_round_trip);
  return g_test_run ();
}
