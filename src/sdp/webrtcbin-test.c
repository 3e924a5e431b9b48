#include "support-test.h"

#include <gst/gst.h>

/* Somebody else's implementation reads our answers: webrtcbin takes the answer to its own offer. Its header
 * is not needed: a description is these two members (gst/webrtc/rtcsessiondescription.h), and enumerations
 * pass as int. */
typedef struct {
  int type;
  GstSDPMessage *sdp;
} Description;

enum { DESCRIPTION_ANSWER = 3 };

static const GstStructure *
wait_for (GstPromise *promise)
{
  g_assert_cmpint (gst_promise_wait (promise), ==, GST_PROMISE_RESULT_REPLIED);
  const GstStructure *reply = gst_promise_get_reply (promise);
  g_autoptr (GError) error = NULL;
  if (reply != NULL && gst_structure_has_field (reply, "error"))
    gst_structure_get (reply, "error", G_TYPE_ERROR, &error, NULL);
  g_assert_no_error (error);
  return reply;
}

static char *
create_offer (GstElement *peer)
{
  g_autoptr (GstPromise) created = gst_promise_new ();
  g_signal_emit_by_name (peer, "create-offer", NULL, created);
  const GValue *value = gst_structure_get_value (wait_for (created), "offer");
  Description *offer = g_value_get_boxed (value);

  g_autoptr (GstPromise) set = gst_promise_new ();
  g_signal_emit_by_name (peer, "set-local-description", offer, set);
  wait_for (set);
  return gst_sdp_message_as_text (offer->sdp);
}

static void
take_answer (GstElement *peer, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstSDPMessage) message = mxr_sdp_message_parse (text, -1, MXR_SDP_DESCRIPTION, &error);
  g_assert_no_error (error);
  Description answer = { DESCRIPTION_ANSWER, message };
  g_autoptr (GstPromise) set = gst_promise_new ();
  g_signal_emit_by_name (peer, "set-remote-description", &answer, set);
  wait_for (set);
}

static void
add_transceiver (GstElement *peer, const char *direction, const char *caps_text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (caps_text);
  g_autoptr (GObject) transceiver = NULL;
  g_autoptr (GTypeClass) class = g_type_class_ref (g_type_from_name ("GstWebRTCRTPTransceiverDirection"));
  GEnumValue *value = g_enum_get_value_by_nick (G_ENUM_CLASS (class), direction);
  g_signal_emit_by_name (peer, "add-transceiver", value->value, caps, &transceiver);
  g_assert_nonnull (transceiver);
}

/* No packet leaves the machine: neither a search for gateways nor, without candidates, connectivity checks.
 */
static void
keep_quiet (GstElement *peer)
{
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;
  g_object_get (peer, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, NULL);
}

static void
test_takes_answer (gconstpointer data)
{
  const char *const *peer_caps = data;
  g_autoptr (GstElement) peer = gst_element_factory_make ("webrtcbin", NULL);
  if (peer == NULL) {
    g_test_skip ("no webrtcbin here");
    return;
  }
  gst_object_ref_sink (peer);
  gst_util_set_object_arg (G_OBJECT (peer), "bundle-policy", "max-bundle");
  keep_quiet (peer);
  gst_element_set_state (peer, GST_STATE_PLAYING);
  for (guint i = 0; peer_caps[i] != NULL; i += 2)
    add_transceiver (peer, peer_caps[i], peer_caps[i + 1]);

  g_autofree char *text = create_offer (peer);
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (text, -1, &error);
  g_assert_no_error (error);
  MxrSdpAnswerParams params = mxr_test_params (offer, MXR_SDP_CODEC_VP8);
  params.candidates = NULL;
  g_autofree char *answer = mxr_sdp_answer_write (offer, &params);
  g_test_message ("%s%s", text, answer);
  take_answer (peer, answer);

  int state = 0;
  g_object_get (peer, "signaling-state", &state, NULL);
  g_autoptr (GTypeClass) class = g_type_class_ref (g_type_from_name ("GstWebRTCSignalingState"));
  g_assert_cmpstr (g_enum_get_value (G_ENUM_CLASS (class), state)->value_nick, ==, "stable");
  gst_element_set_state (peer, GST_STATE_NULL);
}

#define OPUS                                                                                                 \
  "application/x-rtp,media=audio,encoding-name=OPUS,payload=96,clock-rate=48000,encoding-params=(string)2"
#define VP8 "application/x-rtp,media=video,encoding-name=VP8,payload=97,clock-rate=90000"
#define H264                                                                                                 \
  "application/"                                                                                             \
  "x-rtp,media=video,encoding-name=H264,payload=98,clock-rate=90000,packetization-mode=(string)1,"           \
  "profile-level-id=(string)42e01f"

int
main (int argc, char **argv)
{
  static const char *const vp8[] = { "sendrecv", OPUS, "sendrecv", VP8, NULL };
  static const char *const h264[] = { "sendrecv", OPUS, "sendrecv", H264, NULL };
  static const char *const viewer[] = { "recvonly", VP8, "recvonly", OPUS, NULL };
  static const char *const surplus[] = { "sendrecv", VP8, "sendonly", VP8, "sendonly", OPUS, NULL };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/sdp/webrtcbin/vp8", vp8, test_takes_answer);
  g_test_add_data_func ("/sdp/webrtcbin/h264", h264, test_takes_answer);
  g_test_add_data_func ("/sdp/webrtcbin/viewer", viewer, test_takes_answer);
  g_test_add_data_func ("/sdp/webrtcbin/surplus", surplus, test_takes_answer);
  return g_test_run ();
}
