#include "support-test.h"

#include <string.h>

/* What is read from each real offer, written down from its text by hand. */
typedef struct {
  const char *name;
  int opus, vp8, vp8_rtx, h264, h264_rtx; /* payload types; -1: not offered in a form we take */
  guint video_feedback;
  guint mid_id, level_id, audio_cc_id, video_cc_id, orientation_id;
  guint32 audio_ssrc, video_ssrc, video_rtx_ssrc;
  guint n_candidates;
  bool is_trickle, is_ended;
  int audio_up, audio_down, video_up, video_down; /* sections */
} Expected;

#define PLI_FIR_CC (MXR_SDP_FEEDBACK_PLI | MXR_SDP_FEEDBACK_FIR | MXR_SDP_FEEDBACK_TRANSPORT_CC)
#define ALL MXR_SDP_FEEDBACK_ALL

static const Expected expected[] = {
  { "aiortc14-call",
    96,
    97,
    98,
    101,
    102,
    MXR_SDP_FEEDBACK_NACK | MXR_SDP_FEEDBACK_PLI | MXR_SDP_FEEDBACK_REMB,
    1,
    2,
    0,
    0,
    0,
    2126529201u,
    3241664191u,
    421473992u,
    2,
    false,
    true,
    0,
    0,
    1,
    1 },
  { "chromium156-call", 111,         96,         97, 108,  109,   ALL, 4, 1, 3, 3, 13,
    1103643845u,        2821219719u, 893773291u, 4,  true, false, 0,   0, 1, 1 },
  { "chromium156-whep", 111, 96, 97, 108, 109, ALL, 4, 1, 3, 3, 13, 0, 0, 0, 4, true, false, -1, 0, -1, 1 },
  { "firefox153-call", 109,         120,         124, -1,   -1,   ALL, 3, 1, 7, 7, 0,
    2377895881u,       3790976773u, 1807087152u, 4,   true, true, 0,   0, 1, 1 },
  { "libwebrtc-node-call", 111,         96, 97,   -1,    -1, ALL, 4, 1, 3, 3, 13, 597873694u,
    1971176630u,           2386093828u, 8,  true, false, 0,  0,   1, 1 },
  { "gstreamer-1.22-call-vp8",
    96,
    97,
    -1,
    -1,
    -1,
    PLI_FIR_CC,
    0,
    0,
    0,
    0,
    0,
    1712961929u,
    552331770u,
    0,
    9,
    true,
    false,
    0,
    0,
    1,
    1 },
  { "gstreamer-1.22-call-h264",
    96,
    -1,
    -1,
    97,
    -1,
    PLI_FIR_CC,
    0,
    0,
    0,
    0,
    0,
    0,
    1807720515u,
    0,
    9,
    true,
    false,
    0,
    0,
    1,
    1 },
  { "safari-call", 111,         100,        101, 98,   99,    ALL, 9, 1, 0, 5, 4,
    4126581560u,   2209845614u, 703070799u, 1,   true, false, 0,   0, 1, 1 },
  { "pion-call", 111,         96,         -1, -1, -1,    0,    0, 0, 0, 0,
    0,           4043859165u, 771866534u, 0,  10, false, true, 1, 1, 0, -1 },
};

static MxrSdpOffer *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  MxrSdpOffer *offer = mxr_sdp_offer_parse (text, -1, &error);
  g_assert_no_error (error);
  return offer;
}

/* RED counts when it holds Opus and nothing else, and is nobody else's payload type. */
static void
test_red (void)
{
  static const struct {
    const char *from, *to;
    int red;
  } cases[] = {
    { "a=fmtp:63 111/111", "a=fmtp:63 111/111", 63 },
    { "a=fmtp:63 111/111", "a=fmtp:63 111/111/111", 63 },
    { "a=fmtp:63 111/111", "a=fmtp:63 111/9", -1 },
    { "a=fmtp:63 111/111", "a=fmtp:63 111/", -1 },
    { "a=fmtp:63 111/111", "a=fmtp:63 0/111", -1 },
    { "a=fmtp:63 111/111", "a=ptime:20", -1 },
    { "red/48000/2", "red/8000", -1 },
    { "red/48000/2", "RED/48000/2", 63 },
  };
  g_autofree char *text = mxr_test_load ("chromium156-call");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *changed = mxr_test_replace (text, cases[i].from, cases[i].to);
    g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (changed, -1, NULL);
    g_assert_nonnull (offer);
    const MxrSdpFormat *opus = mxr_sdp_section_find_format (&offer->sections[offer->uplink[MXR_SDP_AUDIO]], MXR_SDP_CODEC_OPUS);
    g_assert_cmpint (opus->payload_type, ==, 111);
    g_assert_cmpint (opus->red_payload_type, ==, cases[i].red);
    const MxrSdpFormat *vp8 = mxr_sdp_section_find_format (&offer->sections[offer->uplink[MXR_SDP_VIDEO]], MXR_SDP_CODEC_VP8);
    g_assert_cmpint (vp8->red_payload_type, ==, -1);
  }
}

static void
test_ptime (void)
{
  static const struct {
    const char *lines;
    guint max_ms;
  } cases[] = {
    { "", 0 },
    { "\r\na=ptime:20", 20 },
    { "\r\na=maxptime:60", 60 },
    { "\r\na=ptime:20\r\na=maxptime:60", 20 },
    { "\r\na=maxptime:40\r\na=ptime:60", 40 },
    { "\r\na=maxptime:20.5", 20 },
    { "\r\na=maxptime:0", 0 },
    { "\r\na=maxptime:-20", 0 },
    { "\r\na=maxptime:99999", 0 },
    { "\r\na=ptime:short", 0 },
  };
  g_autofree char *text = mxr_test_load ("chromium156-call");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = g_strconcat ("a=fmtp:63 111/111", cases[i].lines, NULL);
    g_autofree char *changed = mxr_test_replace (text, "a=fmtp:63 111/111", line);
    g_autoptr (MxrSdpOffer) offer = parse (changed);
    g_assert_cmpuint (offer->sections[offer->uplink[MXR_SDP_AUDIO]].max_ptime_ms, ==, cases[i].max_ms);
    g_assert_cmpuint (offer->sections[offer->uplink[MXR_SDP_VIDEO]].max_ptime_ms, ==, 0);
  }
}

/* In another section 63 is something else: it stays with the one that had it first. */
static void
test_red_is_ambiguous (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autofree char *changed = mxr_test_replace (text, "63", "97");
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (changed, -1, NULL);

  g_assert_nonnull (offer);
  g_assert_cmpint (offer->sections[0].formats[0].red_payload_type, ==, 97);
  g_assert_cmpint (mxr_sdp_section_find_format (&offer->sections[1], MXR_SDP_CODEC_VP8)->rtx_payload_type, ==, -1);
}

static void
test_red_may_not_become_media (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autofree char *without = mxr_test_replace (text, "red/48000/2", "CN/48000");
  g_autofree char *swapped = mxr_test_replace (without, "rtpmap:111", "rtpmap:64");
  g_autofree char *other = mxr_test_replace (swapped, "rtpmap:63 CN/48000", "rtpmap:63 opus/48000/2");
  g_autoptr (MxrSdpOffer) first = mxr_sdp_offer_parse (text, -1, NULL);
  g_autoptr (MxrSdpOffer) second = mxr_sdp_offer_parse (without, -1, NULL);
  g_autoptr (MxrSdpOffer) third = mxr_sdp_offer_parse (other, -1, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (mxr_sdp_offer_is_compatible (first, second, NULL)); /* RED may go, and come again */
  g_assert_true (mxr_sdp_offer_is_compatible (second, first, NULL));
  g_assert_false (mxr_sdp_offer_is_compatible (first, third, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_UNSUPPORTED);
}

static void
assert_format (const MxrSdpSection *section, MxrSdpCodec codec, int type, int rtx_type)
{
  const MxrSdpFormat *format = mxr_sdp_section_find_format (section, codec);
  g_assert_true ((format == NULL) == (type < 0));
  if (format == NULL)
    return;
  g_assert_cmpint (format->payload_type, ==, type);
  g_assert_cmpint (format->rtx_payload_type, ==, rtx_type);
}

static void
test_real (gconstpointer data)
{
  const Expected *e = data;
  g_autofree char *text = mxr_test_load (e->name);
  g_autoptr (MxrSdpOffer) offer = parse (text);
  const MxrSdpSection *audio = &offer->sections[e->audio_down],
                      *video = &offer->sections[MAX (e->video_up, e->video_down)];

  g_assert_cmpint (offer->uplink[MXR_SDP_AUDIO], ==, e->audio_up);
  g_assert_cmpint (offer->downlink[MXR_SDP_AUDIO], ==, e->audio_down);
  g_assert_cmpint (offer->uplink[MXR_SDP_VIDEO], ==, e->video_up);
  g_assert_cmpint (offer->downlink[MXR_SDP_VIDEO], ==, e->video_down);
  assert_format (audio, MXR_SDP_CODEC_OPUS, e->opus, -1);
  assert_format (video, MXR_SDP_CODEC_VP8, e->vp8, e->vp8_rtx);
  assert_format (video, MXR_SDP_CODEC_H264, e->h264, e->h264_rtx);
  g_assert_cmphex (video->formats[0].feedback, ==, e->video_feedback);
  g_assert_cmpuint (audio->extensions[MXR_SDP_EXTENSION_MID].id, ==, e->mid_id);
  g_assert_cmpuint (video->extensions[MXR_SDP_EXTENSION_MID].id, ==, e->mid_id);
  g_assert_cmpuint (audio->extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id, ==, e->level_id);
  g_assert_cmpuint (audio->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id, ==, e->audio_cc_id);
  g_assert_cmpuint (video->extensions[MXR_SDP_EXTENSION_TRANSPORT_CC].id, ==, e->video_cc_id);
  g_assert_cmpuint (video->extensions[MXR_SDP_EXTENSION_VIDEO_ORIENTATION].id, ==, e->orientation_id);
  if (e->audio_ssrc != 0)
    g_assert_cmpuint (audio->ssrc, ==, e->audio_ssrc);
  g_assert_cmpuint (video->ssrc, ==, e->video_ssrc);
  g_assert_cmpuint (video->rtx_ssrc, ==, e->video_rtx_ssrc);
  g_assert_cmpuint (offer->n_candidates, ==, e->n_candidates);
  g_assert_cmpuint (offer->n_candidates_dropped, ==, 0);
  g_assert_true (offer->ice_trickle == e->is_trickle);
  g_assert_true (offer->end_of_candidates == e->is_ended);
  g_assert_cmpint (offer->setup, ==, MXR_SDP_SETUP_ACTPASS);
  g_assert_cmpstr (offer->fingerprint_algorithm, ==, "sha-256");
  g_assert_cmpuint (offer->fingerprint_bytes, ==, 32);
  g_assert_true (offer->is_bundle && offer->transport_section == 0);
}

static void
test_transport (void)
{
  g_autofree char *text = mxr_test_load ("aiortc14-call");
  g_autoptr (MxrSdpOffer) offer = parse (text);

  /* the tagged section's, not the other's */
  g_assert_cmpstr (offer->ice_ufrag, ==, "AIjD");
  g_assert_cmpstr (offer->ice_pwd, ==, "D8T1s5eCOuc9MLcWbl0LOd");
  g_assert_cmpstr (offer->candidates[0], ==,
                   "candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 60027 typ host");
  g_assert_null (offer->candidates[offer->n_candidates]);
  g_assert_cmphex (offer->fingerprint[0], ==, 0xc8);
  g_assert_cmphex (offer->fingerprint[31], ==, 0x1f);
  g_assert_cmpstr (offer->sections[0].cname, ==, "40a4cc59-5970-4e43-8bf9-12f1d7a9f855");

  /* one id, two URIs, two sections */
  g_assert_cmpuint (offer->sections[0].extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id, ==, 2);
  g_assert_cmpuint (offer->sections[1].extensions[MXR_SDP_EXTENSION_AUDIO_LEVEL].id, ==, 0);
}

static void
assert_error (const char *name, const char *from, const char *to, int code, const char *message)
{
  g_autofree char *text = mxr_test_load (name);
  g_autofree char *changed = mxr_test_replace (text, from, to);
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (changed, -1, &error);
  g_assert_null (offer);
  g_assert_error (error, MXR_SDP_ERROR, code);
  if (strstr (error->message, message) == NULL)
    g_error ("'%s' does not say '%s'", error->message, message);
}

static MxrSdpOffer *
parse_changed (const char *name, const char *from, const char *to)
{
  g_autofree char *text = mxr_test_load (name);
  g_autofree char *changed = mxr_test_replace (text, from, to);
  return parse (changed);
}

static void
test_syntax (void)
{
  const char *call = "chromium156-call";

  assert_error (call, "s=-\r\n", "s\r\n", MXR_SDP_ERROR_SYNTAX, "line 3 (s)");
  assert_error (call, "v=0\r\n", "v=1\r\n", MXR_SDP_ERROR_SYNTAX, "line 1");
  assert_error (call, "v=0\r\n", "", MXR_SDP_ERROR_SYNTAX, "line 1");
  assert_error (call, "s=-\r\n", "v=0\r\n", MXR_SDP_ERROR_SYNTAX, "line 3");
  assert_error (call, " IN IP4 127.0.0.1", " IN", MXR_SDP_ERROR_SYNTAX, "line 2");
  assert_error (call, "m=audio 49224 ", "m=audio 65536 ", MXR_SDP_ERROR_SYNTAX, "line 8");
  assert_error (call, "m=audio 49224 ", "m=audio -1 ", MXR_SDP_ERROR_SYNTAX, "line 8");
  assert_error (call, "m=audio 49224 ", "m=audio 49224/ ", MXR_SDP_ERROR_SYNTAX, "line 8");
  assert_error (call, "m=audio 49224 ", "m=audio  49224 ", MXR_SDP_ERROR_SYNTAX, "line 8");
  assert_error (call, "t=0 0", "t=0\x01", MXR_SDP_ERROR_SYNTAX, "line 4");
  assert_error (call, "t=0 0", "t=0\r0", MXR_SDP_ERROR_SYNTAX, "line 4");
  assert_error (call, "t=0 0", "t=\xff\xfe", MXR_SDP_ERROR_SYNTAX, "line 4: not UTF-8");
  assert_error (call, "a=mid:1\r\n", "a=mid:0\r\n", MXR_SDP_ERROR_SYNTAX, "a=mid:0");
  assert_error (call, "a=mid:1\r\n", "a=mid:1 2\r\n", MXR_SDP_ERROR_SYNTAX, "a=mid");
  assert_error (call, "a=ice-ufrag:u3dM", "a=ice-ufrag:u3d", MXR_SDP_ERROR_SYNTAX, "ice-ufrag");
  assert_error (call, "a=ice-ufrag:u3dM", "a=ice-ufrag:u3d M", MXR_SDP_ERROR_SYNTAX, "ice-ufrag");
  assert_error (call, "a=ice-pwd:H144", "a=ice-pwd:!144", MXR_SDP_ERROR_SYNTAX, "ice-pwd");
  assert_error (call, ":12:82", ":12:8", MXR_SDP_ERROR_SYNTAX, "fingerprint");
}

static void
test_bounds (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autoptr (GString) big = g_string_new (text);
  g_autoptr (GError) error = NULL;

  while (big->len < MXR_SDP_MAX_BYTES)
    g_string_append (big, big->len + 6 <= MXR_SDP_MAX_BYTES ? "a=xx\r\n" : "\n");
  g_autoptr (MxrSdpOffer) largest = parse (big->str);
  g_string_append_c (big, '\n');
  g_assert_null (mxr_sdp_offer_parse (big->str, -1, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX);
  g_clear_error (&error);
  g_assert_null (mxr_sdp_offer_parse (text, 0, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX);
  g_clear_error (&error);
  g_assert_null (mxr_sdp_offer_parse ("v=0\0", 4, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX);

  g_autoptr (GString) many = g_string_new (text);
  for (guint i = 2; i < MXR_SDP_MAX_SECTIONS; i++)
    g_string_append (many, "m=audio 9 RTP/AVP 0\r\n");
  g_autoptr (MxrSdpOffer) most = parse (many->str);
  g_assert_cmpuint (most->n_sections, ==, MXR_SDP_MAX_SECTIONS);
  g_string_append (many, "m=audio 9 RTP/AVP 0\r\n");
  g_assert_null (mxr_sdp_offer_parse (many->str, -1, NULL));
}

static void
test_candidates_are_bounded (void)
{
  g_autoptr (GString) lines = g_string_new ("a=mid:0\r\n");
  for (guint i = 0; i < MXR_CANDIDATES_MAX; i++)
    g_string_append_printf (lines, "a=candidate:%u 1 udp 1 192.0.2.9 9 typ host\r\n", i);
  g_autofree char *blanks = g_strnfill (MXR_CANDIDATE_MAX_BYTES, 'x');
  g_string_append_printf (lines, "a=candidate:%s\r\na=candidate:9 2 udp 1 192.0.2.9 9 typ host\r\n", blanks);
  g_autoptr (MxrSdpOffer) offer = parse_changed ("chromium156-call", "a=mid:0\r\n", lines->str);

  g_assert_cmpuint (offer->n_candidates, ==, MXR_CANDIDATES_MAX);
  g_assert_cmpuint (offer->n_candidates_dropped, ==, 5);
}

static void
test_unsupported (void)
{
  const char *call = "chromium156-call";

  assert_error (call, "a=ice-ufrag:", "a=nice-ufrag:", MXR_SDP_ERROR_UNSUPPORTED, "ICE");
  assert_error (call, "a=fingerprint:sha-256", "a=fingerprint:sha-1", MXR_SDP_ERROR_UNSUPPORTED,
                "fingerprint");
  assert_error (call, "a=rtcp-mux", "a=x-mux", MXR_SDP_ERROR_UNSUPPORTED, "rtcp-mux");
  assert_error (call, "a=setup:actpass", "a=setup:holdconn", MXR_SDP_ERROR_UNSUPPORTED, "setup");
  assert_error (call, "a=group:BUNDLE 0 1", "a=group:LS 0 1", MXR_SDP_ERROR_UNSUPPORTED, "BUNDLE");
  assert_error (call, "a=group:BUNDLE 0 1", "a=group:BUNDLE 7", MXR_SDP_ERROR_UNSUPPORTED, "BUNDLE");
}

static void
test_fingerprints_differ (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  char *second = g_strrstr (text, "a=fingerprint:sha-256 66");
  memcpy (second, "a=fingerprint:sha-256 67", strlen ("a=fingerprint:sha-256 67"));
  g_autoptr (GError) error = NULL;
  g_assert_null (mxr_sdp_offer_parse (text, -1, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_UNSUPPORTED);
}

static void
test_nothing_usable (void)
{
  static const char *const no_codec = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                                      "m=video 9 UDP/TLS/RTP/SAVPF 98 99 45\r\na=rtpmap:98 "
                                      "VP9/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
                                      "a=rtpmap:45 AV1/90000\r\n";
  g_autoptr (GError) error = NULL;

  g_assert_null (mxr_sdp_offer_parse (no_codec, -1, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_NOTHING_USABLE);
  g_assert_cmpstr (error->message, ==,
                   "the offer has video in VP9, AV1 only; this server takes Opus, VP8 and H.264 constrained "
                   "baseline with packetization-mode 1");
  g_clear_error (&error);
  g_assert_null (mxr_sdp_offer_parse ("v=0\no=- 1 1 IN IP4 0.0.0.0\n", -1, &error));
  g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_NOTHING_USABLE);
  assert_error ("chromium156-call", "SAVPF", "OTHER", MXR_SDP_ERROR_NOTHING_USABLE, "the offer has");
}

static void
test_single_section (void)
{
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-vp8");
  *strstr (text, "m=video") = '\0';
  g_autofree char *unbundled = mxr_test_replace (text, "a=group:BUNDLE audio0 video1\r\n", "");
  g_autofree char *nameless = mxr_test_replace (unbundled, "a=mid:audio0\r\n", "");
  g_autoptr (MxrSdpOffer) offer = parse (nameless);

  g_assert_false (offer->is_bundle);
  g_assert_null (offer->sections[0].mid);
  g_assert_cmpint (offer->uplink[MXR_SDP_AUDIO], ==, 0);
  g_assert_cmpint (offer->uplink[MXR_SDP_VIDEO], ==, -1);
  g_assert_cmpint (offer->downlink[MXR_SDP_VIDEO], ==, -1);
}

static void
test_rejected_and_bundle_only (void)
{
  g_autofree char *text = mxr_test_load ("firefox153-call");
  g_autoptr (MxrSdpOffer) bundle_only = parse (text);
  g_assert_false (bundle_only->sections[1].is_rejected);
  g_autoptr (MxrSdpOffer) rejected = parse_changed ("firefox153-call", "a=bundle-only\r\n", "");
  g_assert_true (rejected->sections[1].is_rejected);
  g_assert_false (rejected->sections[1].is_usable);
  g_assert_cmpint (rejected->uplink[MXR_SDP_VIDEO], ==, -1);

  /* the tag itself is rejected: the next of the group carries the transport, with what it inherits */
  g_autoptr (MxrSdpOffer) moved = parse_changed ("firefox153-call", "m=audio 44369", "m=audio 0");
  g_assert_cmpuint (moved->transport_section, ==, 1);
  g_assert_cmpuint (moved->n_candidates, ==, 4);
}

static void
test_session_level (void)
{
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-vp8");
  static const char *const keys[] = { "a=setup:actpass\r\n",
                                      "a=ice-ufrag:ZPWH9UdrK4Q+lgXm9dnNUvK9b7ZqQx07\r\n",
                                      "a=ice-pwd:FLm9uGKDrBBjua47rAM3YFd0r1pFawJd\r\n", "a=sendrecv\r\n" };
  g_autoptr (GString) session = g_string_new ("t=0 0\r\n");
  g_autofree char *moved = g_strdup (text);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    char *without = mxr_test_replace (moved, keys[i], "");
    g_free (moved);
    moved = without;
    g_string_append (session, strcmp (keys[i], "a=sendrecv\r\n") == 0 ? "a=recvonly\r\n" : keys[i]);
  }
  g_autofree char *whole = mxr_test_replace (moved, "t=0 0\r\n", session->str);
  g_autoptr (MxrSdpOffer) offer = parse (whole);

  g_assert_cmpstr (offer->ice_ufrag, ==, "ZPWH9UdrK4Q+lgXm9dnNUvK9b7ZqQx07");
  g_assert_cmpint (offer->setup, ==, MXR_SDP_SETUP_ACTPASS);
  g_assert_cmpint (offer->sections[1].direction, ==, MXR_SDP_RECVONLY);
  g_assert_cmpint (offer->uplink[MXR_SDP_AUDIO], ==, -1);
  g_assert_cmpint (offer->downlink[MXR_SDP_AUDIO], ==, 0);
}

static void
test_h264_profiles (void)
{
  static const struct {
    const char *fmtp;
    bool is_taken;
  } cases[] = {
    { "packetization-mode=1;profile-level-id=42e01f", true },
    { "packetization-mode=1;profile-level-id=42C016", true },
    { "packetization-mode=1;profile-level-id=42001f", true },
    { "packetization-mode=1;profile-level-id=4d801f", true },
    { "packetization-mode=1;profile-level-id=58f00d", true },
    { "packetization-mode=1; profile-level-id=42e01f", true },
    { "packetization-mode=1", true },
    { "profile-level-id=42e01f", false },
    { "packetization-mode=0;profile-level-id=42e01f", false },
    { "packetization-mode=1;profile-level-id=4d001f", false },
    { "packetization-mode=1;profile-level-id=640c1f", false },
    { "packetization-mode=1;profile-level-id=42e01", false },
    { "packetization-mode=1;profile-level-id=42e01fff", false },
    { "packetization-mode=1;profile-level-id=42e0zz", false },
    { "packetization-mode=1;profile-level-id=42e21f", false },
    { "packetization-mode=10;profile-level-id=42e01f", false },
  };
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-h264");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *fmtp = g_strconcat ("a=fmtp:97 ", cases[i].fmtp, "\r\na=x-was:", NULL);
    g_autofree char *changed = mxr_test_replace (text, "a=fmtp:97 ", fmtp);
    g_autoptr (MxrSdpOffer) offer = parse (changed);
    if (offer->sections[1].is_usable != cases[i].is_taken)
      g_error ("%s", cases[i].fmtp);
  }
}

static void
test_extensions (void)
{
  static const char *const mid = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid";
  static const struct {
    const char *line;
    guint id;
    MxrSdpDirection direction;
  } cases[] = {
    { "a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid", 4, MXR_SDP_RECVONLY },
    { "a=extmap:4/sendrecv urn:ietf:params:rtp-hdrext:sdes:mid x", 4, MXR_SDP_SENDRECV },
    { "a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid", 0, MXR_SDP_INACTIVE }, /* the video section has 14 */
    { "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid", 0, MXR_SDP_INACTIVE },
    { "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid", 0, MXR_SDP_INACTIVE },
    { "a=extmap:4/both urn:ietf:params:rtp-hdrext:sdes:mid", 0, MXR_SDP_INACTIVE },
    { "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:middle", 0, MXR_SDP_INACTIVE },
    { "a=extmap:4294967300 urn:ietf:params:rtp-hdrext:sdes:mid", 0, MXR_SDP_INACTIVE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (MxrSdpOffer) offer = parse_changed ("chromium156-call", mid, cases[i].line);
    g_assert_cmpuint (offer->sections[1].extensions[MXR_SDP_EXTENSION_MID].id, ==, cases[i].id);
    g_assert_cmpint (offer->sections[1].extensions[MXR_SDP_EXTENSION_MID].direction, ==, cases[i].direction);
  }
}

static void
test_payload_type_means_one_thing (void)
{
  /* video's VP8 gets audio's payload type: it goes, H.264 stays */
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autofree char *listed = mxr_test_replace (text, "SAVPF 96 97", "SAVPF 111 97");
  g_autofree char *mapped = mxr_test_replace (listed, "a=rtpmap:96 VP8", "a=rtpmap:111 VP8");
  g_autoptr (MxrSdpOffer) offer = parse (mapped);

  g_assert_null (mxr_sdp_section_find_format (&offer->sections[1], MXR_SDP_CODEC_VP8));
  g_assert_nonnull (mxr_sdp_section_find_format (&offer->sections[1], MXR_SDP_CODEC_H264));
}

static void
test_choose_video_codec (void)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autoptr (MxrSdpOffer) offer = parse (text);
  MxrSdpCodec preference[] = { MXR_SDP_CODEC_H264, MXR_SDP_CODEC_VP8 };

  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (offer, preference, 2), ==, MXR_SDP_CODEC_H264);
  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (offer, preference + 1, 1), ==, MXR_SDP_CODEC_VP8);
  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (offer, preference, 0), ==, MXR_SDP_CODEC_NONE);

  g_autofree char *firefox = mxr_test_load ("firefox153-call");
  g_autoptr (MxrSdpOffer) no_h264 = parse (firefox);
  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (no_h264, preference, 2), ==, MXR_SDP_CODEC_VP8);
  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (no_h264, preference, 1), ==, MXR_SDP_CODEC_NONE);
}

/* A sender in VP8, then a receiver in H.264 only, then one in both: the two ends need one codec. */
static void
test_downlink_shares_the_codec (void)
{
  g_autofree char *text = mxr_test_load ("gstreamer-1.22-call-vp8");
  g_autofree char *grouped = mxr_test_replace (text, "audio0 video1", "audio0 video1 h both");
  char *video = strstr (grouped, "m=video");
  char *direction = strstr (video, "a=sendrecv");
  memcpy (direction, "a=sendonly", 10);
  g_autofree char *whole = g_strconcat (
      grouped,
      "m=video 0 UDP/TLS/RTP/SAVPF 98\r\na=bundle-only\r\na=mid:h\r\na=recvonly\r\na=rtpmap:98 H264/90000\r\n"
      "a=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\n"
      "m=video 0 UDP/TLS/RTP/SAVPF 98 97\r\na=bundle-only\r\na=mid:both\r\na=recvonly\r\na=rtpmap:98 "
      "H264/90000\r\n"
      "a=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:97 VP8/90000\r\n",
      NULL);
  g_autoptr (MxrSdpOffer) offer = parse (whole);
  MxrSdpCodec preference[] = { MXR_SDP_CODEC_H264, MXR_SDP_CODEC_VP8 };

  g_assert_cmpint (offer->uplink[MXR_SDP_VIDEO], ==, 1);
  g_assert_cmpint (offer->downlink[MXR_SDP_VIDEO], ==, 3);
  g_assert_cmpint (mxr_sdp_offer_choose_video_codec (offer, preference, 2), ==, MXR_SDP_CODEC_VP8);
}

static void
assert_compatible (const char *from, const char *to, bool wanted)
{
  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autofree char *changed = mxr_test_replace (text, from, to);
  g_autoptr (MxrSdpOffer) previous = parse (text);
  g_autoptr (MxrSdpOffer) next = parse (changed);
  g_autoptr (GError) error = NULL;

  g_assert_true (mxr_sdp_offer_is_compatible (previous, next, &error) == wanted);
  if (!wanted)
    g_assert_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_UNSUPPORTED);
}

static void
test_renegotiation (void)
{
  assert_compatible ("a=sendrecv", "a=inactive", true);
  assert_compatible ("m=video 9 ", "m=video 0 ", true);
  assert_compatible ("a=ice-ufrag:u3dM", "a=ice-ufrag:new1", true);
  assert_compatible ("a=setup:actpass", "a=setup:passive", true);
  assert_compatible ("a=setup:actpass", "a=setup:active", false);
  assert_compatible ("66:38:64", "67:38:64", false);
  assert_compatible ("111", "95", false);
  assert_compatible ("m=video 9 ", "m=text 9 ", false);

  g_autofree char *text = mxr_test_load ("chromium156-call");
  g_autoptr (MxrSdpOffer) previous = parse (text);
  g_autoptr (MxrSdpOffer) restarted = parse_changed ("chromium156-call", "a=ice-pwd:H144", "a=ice-pwd:Z144");
  g_assert_false (mxr_sdp_offer_is_ice_restart (previous, previous));
  g_assert_true (mxr_sdp_offer_is_ice_restart (previous, restarted));
}

static void
test_outlives_its_text (void)
{
  char *text = mxr_test_load ("firefox153-call");
  MxrSdpOffer *offer = parse (text);
  memset (text, 'x', strlen (text));
  g_free (text);
  g_autoptr (MxrSdpOffer) kept = mxr_sdp_offer_ref (offer);
  mxr_sdp_offer_unref (offer);
  g_assert_cmpstr (kept->sections[0].mid, ==, "0");
  g_assert_cmpstr (kept->sections[0].cname, ==, "{bb13646f-b63d-4319-931f-08709a148058}");
  g_assert_cmpstr (kept->ice_ufrag, ==, "bbf5431a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autofree char *path = g_strconcat ("/sdp/offer/real/", expected[i].name, NULL);
    g_test_add_data_func (path, &expected[i], test_real);
  }
  g_test_add_func ("/sdp/offer/red", test_red);
  g_test_add_func ("/sdp/offer/ptime", test_ptime);
  g_test_add_func ("/sdp/offer/red-is-ambiguous", test_red_is_ambiguous);
  g_test_add_func ("/sdp/offer/red-may-not-become-media", test_red_may_not_become_media);
  g_test_add_func ("/sdp/offer/transport", test_transport);
  g_test_add_func ("/sdp/offer/syntax", test_syntax);
  g_test_add_func ("/sdp/offer/bounds", test_bounds);
  g_test_add_func ("/sdp/offer/candidates-are-bounded", test_candidates_are_bounded);
  g_test_add_func ("/sdp/offer/unsupported", test_unsupported);
  g_test_add_func ("/sdp/offer/fingerprints-differ", test_fingerprints_differ);
  g_test_add_func ("/sdp/offer/nothing-usable", test_nothing_usable);
  g_test_add_func ("/sdp/offer/single-section", test_single_section);
  g_test_add_func ("/sdp/offer/rejected-and-bundle-only", test_rejected_and_bundle_only);
  g_test_add_func ("/sdp/offer/session-level", test_session_level);
  g_test_add_func ("/sdp/offer/h264-profiles", test_h264_profiles);
  g_test_add_func ("/sdp/offer/extensions", test_extensions);
  g_test_add_func ("/sdp/offer/payload-type-means-one-thing", test_payload_type_means_one_thing);
  g_test_add_func ("/sdp/offer/choose-video-codec", test_choose_video_codec);
  g_test_add_func ("/sdp/offer/downlink-shares-the-codec", test_downlink_shares_the_codec);
  g_test_add_func ("/sdp/offer/renegotiation", test_renegotiation);
  g_test_add_func ("/sdp/offer/outlives-its-text", test_outlives_its_text);
  return g_test_run ();
}
