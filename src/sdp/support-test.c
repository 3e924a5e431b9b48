#include "support-test.h"

#include <string.h>

const char *const mxr_test_offer_names[] = {
  "aiortc14-call",
  "chromium156-call",
  "chromium156-mdns-call",
  "chromium156-whep",
  "chromium156-whip",
  "firefox153-call",
  "gstreamer-1.22-call-h264",
  "gstreamer-1.22-call-vp8",
  "libwebrtc-node-call",
  "pion-call",
  "safari-call",
  NULL,
};

char *
mxr_test_load (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".sdp", NULL);
  g_autofree char *path =
      g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "tests", "data", "sdp", file, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

MxrSdpAnswerParams
mxr_test_params (const MxrSdpOffer *offer, MxrSdpCodec first_video_codec)
{
  static const char *const candidates[] = { "candidate:1 1 udp 2015363327 192.0.2.1 5000 typ host",
                                            "a=candidate:2 1 udp 2015363327 192.0.2.1 5002 typ host", NULL };
  MxrSdpCodec preference[] = { first_video_codec, MXR_SDP_CODEC_VP8, MXR_SDP_CODEC_H264 };

  return (MxrSdpAnswerParams){
    .ice_ufrag = "Serv",
    .ice_pwd = "server0server0server0server",
    .candidates = candidates,
    .end_of_candidates = true,
    .fingerprint = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                   "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
    .setup = mxr_sdp_offer_resolve_setup (offer),
    .session_id = 4711,
    .session_version = 1,
    .cname = "mixroom",
    .stream_id = "mix",
    .video_codec = mxr_sdp_offer_choose_video_codec (offer, preference, G_N_ELEMENTS (preference)),
    .extensions = MXR_SDP_EXTENSIONS_ALL,
    .feedback = MXR_SDP_FEEDBACK_ALL,
    .kinds = { { .takes_uplink = true, .downlink_ssrc = 1001 },
               { .takes_uplink = true,
                 .downlink_ssrc = 2001,
                 .downlink_rtx_ssrc = 2002,
                 .uplink_max_bps = 1500000 } },
  };
}

char *
mxr_test_replace (const char *text, const char *from, const char *to)
{
  g_assert_nonnull (strstr (text, from));
  g_autoptr (GString) result = g_string_new (text);
  g_string_replace (result, from, to, 0);
  return g_string_free (g_steal_pointer (&result), FALSE);
}

bool
mxr_test_has_line (const char *text, const char *line)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  return g_strv_contains ((const char *const *)lines, line);
}

static GstSDPMessage *
parse (const char *text, gssize length)
{
  g_autoptr (GError) error = NULL;
  GstSDPMessage *message = mxr_sdp_message_parse (text, length, MXR_SDP_DESCRIPTION, &error);
  g_assert_no_error (error);
  return message;
}

static bool
is_known_direction (const char *key)
{
  static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv", NULL };
  return g_strv_contains (names, key);
}

/* The last one counts, a section's before the session's. */
static const char *
get_direction (const GstSDPMessage *message, const GstSDPMedia *media)
{
  const char *direction = "sendrecv";
  for (guint i = 0; i < gst_sdp_message_attributes_len (message); i++)
    if (is_known_direction (gst_sdp_message_get_attribute (message, i)->key))
      direction = gst_sdp_message_get_attribute (message, i)->key;
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++)
    if (is_known_direction (gst_sdp_media_get_attribute (media, i)->key))
      direction = gst_sdp_media_get_attribute (media, i)->key;
  return direction;
}

static bool
sends (const char *direction)
{
  return g_str_has_prefix (direction, "send");
}

static bool
receives (const char *direction)
{
  return strcmp (direction, "recvonly") == 0 || strcmp (direction, "sendrecv") == 0;
}

/* Whether @media has "a=@key:@value", whatever the case, spaces at the end aside. */
static bool
has_attribute (const GstSDPMedia *media, const char *key, const char *value)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    g_autofree char *other = g_strchomp (g_strdup (attribute->value));
    if (strcmp (attribute->key, key) == 0 && g_ascii_strcasecmp (other, value) == 0)
      return true;
  }
  return false;
}

static void
assert_formats_are_offered (const GstSDPMedia *offered, const GstSDPMedia *answered)
{
  g_assert_cmpuint (gst_sdp_media_formats_len (answered), >=, 1);
  for (guint i = 0; i < gst_sdp_media_formats_len (answered); i++) {
    bool is_found = false;
    for (guint k = 0; k < gst_sdp_media_formats_len (offered); k++)
      is_found |= strcmp (gst_sdp_media_get_format (answered, i), gst_sdp_media_get_format (offered, k)) == 0;
    g_assert_true (is_found);
  }
}

static void
assert_attributes_are_offered (const GstSDPMedia *offered, const GstSDPMedia *answered)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (answered); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (answered, i);
    const char *space = strchr (attribute->value, ' ');
    if (strcmp (attribute->key, "rtpmap") == 0)
      g_assert_true (has_attribute (offered, "rtpmap", attribute->value));
    if (strcmp (attribute->key, "rtcp-fb") == 0) {
      g_autofree char *for_all = g_strconcat ("*", space, NULL);
      g_assert_true (has_attribute (offered, "rtcp-fb", attribute->value) ||
                     has_attribute (offered, "rtcp-fb", for_all));
    }
  }
}

/* Each extension under the id and URI it was offered with; directions are mirrored. */
static void
assert_extensions_are_offered (const GstSDPMedia *offered, const GstSDPMedia *answered)
{
  const char *answer;
  for (guint i = 0; (answer = gst_sdp_media_get_attribute_val_n (answered, "extmap", i)) != NULL; i++) {
    const char *offer;
    bool is_found = false;
    for (guint k = 0; (offer = gst_sdp_media_get_attribute_val_n (offered, "extmap", k)) != NULL; k++) {
      g_auto (GStrv) offer_words = g_strsplit (offer, " ", -1);
      g_auto (GStrv) answer_words = g_strsplit (answer, " ", -1);
      const char *offer_uri = NULL;
      for (guint n = 1; offer_words[n] != NULL && offer_uri == NULL; n++)
        offer_uri = *offer_words[n] != '\0' ? offer_words[n] : NULL;
      is_found |= atoi (offer) == atoi (answer) && g_strcmp0 (offer_uri, answer_words[1]) == 0;
    }
    g_assert_true (is_found);
  }
}

/* In each section, rejected ones too: webrtcbin and aiortc insist. */
static void
assert_transport_is_complete (const GstSDPMedia *offered, const GstSDPMedia *answered)
{
  static const char *const needed[] = { "ice-ufrag", "ice-pwd", "fingerprint", "setup" };
  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    g_assert_nonnull (gst_sdp_media_get_attribute_val (answered, needed[i]));

  const char *theirs = gst_sdp_media_get_attribute_val (offered, "setup");
  const char *ours = gst_sdp_media_get_attribute_val (answered, "setup");
  g_assert_true (strcmp (ours, "active") == 0 || strcmp (ours, "passive") == 0);
  if (gst_sdp_media_get_attribute_val (answered, "candidate") != NULL)
    g_assert_cmpstr (ours, !=, theirs);
  if (gst_sdp_media_get_port (answered) != 0)
    g_assert_nonnull (gst_sdp_media_get_attribute_val (answered, "rtcp-mux"));
}

/* Returns the mids of the BUNDLE group, empty when there is none. */
static char **
get_group (const GstSDPMessage *message)
{
  const char *value;
  for (guint i = 0; (value = gst_sdp_message_get_attribute_val_n (message, "group", i)) != NULL; i++)
    if (g_str_has_prefix (value, "BUNDLE"))
      return g_strsplit (g_str_has_prefix (value, "BUNDLE ") ? value + 7 : "", " ", -1);
  return g_strsplit ("", " ", -1);
}

static void
assert_group_is_valid (const GstSDPMessage *offer, const GstSDPMessage *answer)
{
  g_auto (GStrv) offered = get_group (offer);
  g_auto (GStrv) answered = get_group (answer);
  guint n_accepted = 0;

  for (guint i = 0; answered[i] != NULL; i++)
    g_assert_true (g_strv_contains ((const char *const *)offered, answered[i]));
  for (guint i = 0; i < gst_sdp_message_medias_len (answer); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media (answer, i);
    const char *mid = gst_sdp_media_get_attribute_val (media, "mid");
    bool is_accepted = gst_sdp_media_get_port (media) != 0;
    bool is_tagged = mid != NULL && g_strcmp0 (answered[0], mid) == 0;
    n_accepted += is_accepted;
    if (answered[0] != NULL)
      g_assert_true (is_accepted == (mid != NULL && g_strv_contains ((const char *const *)answered, mid)));
    /* Candidates belong to the tagged section, or to the only one. */
    g_assert_true ((gst_sdp_media_get_attribute_val (media, "candidate") != NULL) ==
                   (is_accepted && (is_tagged || answered[0] == NULL)));
  }
  g_assert_cmpuint (n_accepted, >=, 1);
  g_assert_true (n_accepted == 1 || answered[0] != NULL);
}

static void
assert_section_is_valid (const GstSDPMessage *offer, const GstSDPMessage *answer, guint index)
{
  const GstSDPMedia *offered = gst_sdp_message_get_media (offer, index);
  const GstSDPMedia *answered = gst_sdp_message_get_media (answer, index);
  const char *theirs = get_direction (offer, offered), *ours = get_direction (answer, answered);

  g_assert_cmpstr (gst_sdp_media_get_media (offered), ==, gst_sdp_media_get_media (answered));
  g_assert_cmpstr (gst_sdp_media_get_proto (offered), ==, gst_sdp_media_get_proto (answered));
  g_assert_cmpstr (gst_sdp_media_get_attribute_val (offered, "mid"), ==,
                   gst_sdp_media_get_attribute_val (answered, "mid"));
  assert_formats_are_offered (offered, answered);
  assert_transport_is_complete (offered, answered);
  g_assert_true (!sends (ours) || receives (theirs));
  g_assert_true (!receives (ours) || sends (theirs));
  if (gst_sdp_media_get_port (offered) == 0 &&
      gst_sdp_media_get_attribute_val (offered, "bundle-only") == NULL)
    g_assert_cmpuint (gst_sdp_media_get_port (answered), ==, 0);
  if (gst_sdp_media_get_port (answered) == 0) {
    g_assert_cmpstr (ours, ==, "inactive");
    return;
  }
  assert_attributes_are_offered (offered, answered);
  assert_extensions_are_offered (offered, answered);
  g_assert_true ((gst_sdp_media_get_attribute_val (answered, "ssrc") != NULL) == sends (ours));
  g_assert_true ((gst_sdp_media_get_attribute_val (answered, "msid") != NULL) == sends (ours));
}

void
mxr_test_assert_answer_is_valid (const char *offer_text, gssize length, const char *answer_text)
{
  g_autoptr (GstSDPMessage) offer = parse (offer_text, length);
  g_autoptr (GstSDPMessage) answer = parse (answer_text, -1);
  guint n_sending[2] = { 0, 0 }, n_receiving[2] = { 0, 0 };

  g_assert_cmpuint (gst_sdp_message_medias_len (offer), ==, gst_sdp_message_medias_len (answer));
  assert_group_is_valid (offer, answer);
  for (guint i = 0; i < gst_sdp_message_medias_len (answer); i++) {
    assert_section_is_valid (offer, answer, i);
    const GstSDPMedia *media = gst_sdp_message_get_media (answer, i);
    guint kind = strcmp (gst_sdp_media_get_media (media), "video") == 0;
    n_sending[kind] += sends (get_direction (answer, media));
    n_receiving[kind] += receives (get_direction (answer, media));
  }
  for (guint kind = 0; kind < 2; kind++)
    g_assert_true (n_sending[kind] <= 1 && n_receiving[kind] <= 1);
}
