#include "fake-peer.h"

#include "../elements/tones.h"

#define GST_USE_UNSTABLE_API
#include <gst/app/gstappsink.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define HEARD_FRAMES TONES_RATE_HZ /* one second, mono */
#define SENT_WIDTH 320
#define SENT_HEIGHT 180
#define SILENCE_BELOW (0.01 * G_MAXINT16) /* of a block's largest sample; one tone has 0.12 */

/* Who paints the frames: shared with its thread, which ends with the pipeline. */
typedef struct {
  GstElement *source;
  guint index;
  atomic_uint size_px; /* width << 16 | height */
} Feeder;

struct _FakePeer {
  ServerProcess *server;
  char *name;
  guint index;
  char *location;
  GstElement *pipeline;
  GstElement *webrtc;
  char *codec;
  bool is_viewer;
  char *offer;
  char *answer;
  Feeder *feeder; /* NULL: sends no picture */
  bool gathered;
  bool offered;

  GMutex lock; /* guards what follows: media threads write it */
  gint16 heard[HEARD_FRAMES];
  guint64 n_heard;
  guint n_blocks, n_silent; /* since the first block that was not */
  GstSample *seen;
  guint n_frames;
  gint64 last_frame_us;
  guint longest_gap_ms;
};

double
fake_peer_get_tone_hz (guint index)
{
  return tones_frequency (index * 4); /* far enough apart that a lossy codec keeps them apart */
}

/* ---- What comes back ------------------------------------------------------------------------------------- */

static bool
is_silent (const gint16 *samples, gsize n_samples)
{
  int peak = 0;
  for (gsize i = 0; i < n_samples; i++)
    peak = MAX (peak, ABS ((int) samples[i]));
  return peak < SILENCE_BELOW;
}

static GstFlowReturn
on_sound (GstAppSink *sink, gpointer user_data)
{
  FakePeer *peer = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstMapInfo map;

  if (sample == NULL || !gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ))
    return GST_FLOW_OK;
  bool silent = is_silent ((const gint16 *) map.data, map.size / 2);
  g_mutex_lock (&peer->lock);
  if (!silent || peer->n_blocks > 0) {
    peer->n_blocks++;
    peer->n_silent += silent;
  }
  for (gsize i = 0; i < map.size / 2; i++)
    peer->heard[peer->n_heard++ % HEARD_FRAMES] = ((gint16 *) map.data)[i];
  g_mutex_unlock (&peer->lock);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_picture (GstAppSink *sink, gpointer user_data)
{
  FakePeer *peer = user_data;
  GstSample *sample = gst_app_sink_pull_sample (sink);
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&peer->lock);
  g_clear_pointer (&peer->seen, gst_sample_unref);
  peer->seen = sample;
  peer->n_frames++;
  if (peer->last_frame_us != 0)
    peer->longest_gap_ms = MAX (peer->longest_gap_ms, (guint) ((now_us - peer->last_frame_us) / 1000));
  peer->last_frame_us = now_us;
  g_mutex_unlock (&peer->lock);
  return GST_FLOW_OK;
}

static void
on_pad_added (GstElement *webrtc, GstPad *pad, gpointer user_data)
{
  FakePeer *peer = user_data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstAppSinkCallbacks callbacks = { 0 };
  g_autoptr (GError) error = NULL;

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  bool is_audio = g_str_equal (gst_structure_get_string (gst_caps_get_structure (caps, 0), "media"), "audio");
  bool is_h264 = g_str_equal (peer->codec, "H264");
  /* Packets that come too late on a busy machine are lost, and key frames come on request only. */
  const char *chain = is_audio ? "rtpopusdepay ! opusdec ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,"
                                 "rate=48000,channels=1 ! appsink name=sink sync=false"
                      : is_h264 ? "rtph264depay request-keyframe=true wait-for-keyframe=true ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=I420 ! "
                                  "appsink name=sink sync=false"
                                : "rtpvp8depay request-keyframe=true wait-for-keyframe=true ! vp8dec ! videoconvert ! video/x-raw,format=I420 ! "
                                  "appsink name=sink sync=false";
  GstElement *bin = gst_parse_bin_from_description (chain, TRUE, &error);
  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (bin), "sink");
  callbacks.new_sample = is_audio ? on_sound : on_picture;
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, peer, NULL);
  gst_bin_add (GST_BIN (peer->pipeline), bin);
  gst_element_sync_state_with_parent (bin);
  g_autoptr (GstPad) target = gst_element_get_static_pad (bin, "sink");
  g_assert_cmpint (gst_pad_link (pad, target), ==, GST_PAD_LINK_OK);
}

/* ---- Joining --------------------------------------------------------------------------------------------- */

static void
on_gathering_state (GstElement *webrtc, GParamSpec *spec, gpointer user_data)
{
  FakePeer *peer = user_data;
  GstWebRTCICEGatheringState state;
  g_object_get (webrtc, "ice-gathering-state", &state, NULL);
  if (state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE) {
    g_mutex_lock (&peer->lock);
    peer->gathered = true;
    g_mutex_unlock (&peer->lock);
  }
}

static void
on_offer (GstPromise *promise, gpointer user_data)
{
  FakePeer *peer = user_data;
  GstWebRTCSessionDescription *offer = NULL;

  gst_structure_get (gst_promise_get_reply (promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
  g_signal_emit_by_name (peer->webrtc, "set-local-description", offer, NULL);
  gst_webrtc_session_description_free (offer);
  gst_promise_unref (promise);
}

static void
on_negotiation_needed (GstElement *webrtc, gpointer user_data)
{
  FakePeer *peer = user_data;
  if (peer->offered)
    return;
  peer->offered = true;
  g_signal_emit_by_name (webrtc, "create-offer", NULL, gst_promise_new_with_change_func (on_offer, peer, NULL));
}

static char *
describe_sender (FakePeer *peer, guint index, FakePeerFlags flags)
{
  g_autoptr (GString) text = g_string_new (NULL);
  bool is_h264 = g_str_equal (peer->codec, "H264");

  /* On a busy machine packets that came in time wait for the peer's own threads: with 60 ms they counted as lost. */
  g_string_append (text, "webrtcbin name=webrtc bundle-policy=max-bundle latency=200 ");
  if ((flags & FAKE_PEER_AUDIO) != 0 && (flags & FAKE_PEER_SENDS) != 0)
    g_string_append_printf (text,
                            "audiotestsrc is-live=true wave=sine volume=0.12 freq=%f ! audio/x-raw,rate=48000,channels=1 "
                            "! opusenc audio-type=generic bitrate=64000 ! rtpopuspay name=audio_packets pt=111 ! "
                            "application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc. ",
                            fake_peer_get_tone_hz (index));
  if ((flags & FAKE_PEER_VIDEO) != 0 && (flags & FAKE_PEER_SENDS) != 0)
    g_string_append_printf (text,
                            "appsrc name=colour is-live=true do-timestamp=true format=time "
                            "caps=video/x-raw,format=I420,width=%d,height=%d,framerate=15/1 ! queue ! %s "
                            "name=video_packets pt=96 ! "
                            "application/x-rtp,media=video,encoding-name=%s,payload=96 ! webrtc. ",
                            SENT_WIDTH, SENT_HEIGHT,
                            is_h264 ? "openh264enc name=video_frames complexity=low ! "
                                      "video/x-h264,profile=constrained-baseline ! "
                                      "rtph264pay config-interval=-1 aggregate-mode=zero-latency"
                                    : "vp8enc name=video_frames deadline=1 cpu-used=-8 keyframe-max-dist=60 ! rtpvp8pay",
                            peer->codec);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
feeder_clear (gpointer data)
{
  gst_object_unref (((Feeder *) data)->source);
}

static GstFlowReturn
feed_frame (Feeder *feeder, int width_px, int height_px)
{
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                                                  width_px, "height", G_TYPE_INT, height_px, "framerate",
                                                  GST_TYPE_FRACTION, 15, 1, NULL);
  g_autoptr (GstBuffer) frame = test_frame_new (width_px, height_px, test_colour_of (feeder->index));
  g_autoptr (GstSample) sample = gst_sample_new (frame, caps, NULL, NULL);
  GstFlowReturn result;

  g_signal_emit_by_name (feeder->source, "push-sample", sample, &result);
  return result;
}

static gpointer
feed_colour (gpointer data)
{
  Feeder *feeder = data;
  GstFlowReturn result = GST_FLOW_OK;

  while (result == GST_FLOW_OK) {
    guint size_px = atomic_load (&feeder->size_px);
    if (size_px != 0)
      result = feed_frame (feeder, (int) (size_px >> 16), (int) (size_px & 0xffff));
    else if (GST_STATE (feeder->source) < GST_STATE_PAUSED)
      result = GST_FLOW_FLUSHING;
    g_usleep (G_USEC_PER_SEC / 15);
  }
  g_atomic_rc_box_release_full (feeder, feeder_clear);
  return NULL;
}

static void
start_feeder (FakePeer *peer, guint index)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (peer->pipeline), "colour");

  if (source == NULL)
    return;
  peer->feeder = g_atomic_rc_box_new0 (Feeder);
  peer->feeder->source = source;
  peer->feeder->index = index;
  fake_peer_set_size (peer, SENT_WIDTH, SENT_HEIGHT);
  g_thread_unref (g_thread_new ("colour", feed_colour, g_atomic_rc_box_acquire (peer->feeder)));
}

static GstCaps *
new_caps (FakePeer *peer, FakePeerFlags kind)
{
  if (kind == FAKE_PEER_AUDIO)
    return gst_caps_from_string (
      "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2");
  return gst_caps_from_string (
    g_str_equal (peer->codec, "H264")
      ? "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1,"
        "profile-level-id=(string)42e01f"
      : "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000");
}

static void
add_receiver (FakePeer *peer, FakePeerFlags kind)
{
  g_autoptr (GstCaps) caps = new_caps (peer, kind);
  GstWebRTCRTPTransceiver *transceiver = NULL;
  g_signal_emit_by_name (peer->webrtc, "add-transceiver", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps,
                         &transceiver);
  g_clear_object (&transceiver);
}

/* The codec is said, or an offer that is made before the encoder's first frame leaves the section out. */
static void
set_sender (FakePeer *peer, GObject *transceiver, FakePeerFlags kind, FakePeerFlags flags)
{
  g_autoptr (GstCaps) caps = new_caps (peer, kind);
  g_object_set (transceiver, "codec-preferences", caps, "do-nack", TRUE, "direction",
                (flags & FAKE_PEER_RECEIVES) != 0 ? GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDRECV
                                                  : GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY,
                NULL);
}

/* The pads of describe_sender() made the transceivers, sound first. */
static void
set_directions (FakePeer *peer, FakePeerFlags flags)
{
  const FakePeerFlags kinds[] = { FAKE_PEER_AUDIO, FAKE_PEER_VIDEO };
  GArray *transceivers = NULL;
  guint n = 0;

  g_signal_emit_by_name (peer->webrtc, "get-transceivers", &transceivers);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if ((flags & kinds[i]) == 0)
      continue;
    if ((flags & FAKE_PEER_SENDS) != 0)
      set_sender (peer, g_array_index (transceivers, GObject *, n++), kinds[i], flags);
    else
      add_receiver (peer, kinds[i]);
  }
  g_array_unref (transceivers);
}

/* One address and nothing else: no test asks the network's router for anything. Its checks go on in a call, as browsers' do
 * (RFC 7675). */
static void
settle (FakePeer *peer, const FakePeerPlace *place)
{
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;
  gboolean added = FALSE;

  g_object_get (peer->webrtc, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, "keepalive-conncheck", TRUE, NULL);
  g_signal_emit_by_name (ice, "add-local-ip-address",
                         place->address != NULL ? place->address : "127.0.0.1", &added);
  g_assert_true (added);
  if (place->stun_server != NULL)
    g_object_set (peer->webrtc, "stun-server", place->stun_server, NULL);
  if (place->turn_server == NULL)
    return;
  g_object_set (peer->webrtc, "turn-server", place->turn_server, NULL);
  gst_util_set_object_arg (G_OBJECT (peer->webrtc), "ice-transport-policy", "relay");
}

static bool
is_gathered (gpointer data)
{
  FakePeer *peer = data;
  g_mutex_lock (&peer->lock);
  bool gathered = peer->gathered;
  g_mutex_unlock (&peer->lock);
  return gathered;
}

const char *
fake_peer_post (FakePeer *peer, const char *room)
{
  g_autofree char *path = g_strdup_printf ("/%s/%s?name=%s", peer->is_viewer ? "whep" : "whip", room, peer->name);
  guint status = server_process_request (peer->server, "POST", path, "application/sdp", peer->offer, &peer->answer,
                                         &peer->location);
  if (status != 201)
    g_error ("%s: %u %s\nfor\n%s", path, status, peer->answer, peer->offer);
  return peer->answer;
}

void
fake_peer_accept (FakePeer *peer)
{
  GstSDPMessage *sdp = NULL;

  gst_sdp_message_new_from_text (peer->answer, &sdp);
  GstWebRTCSessionDescription *description = gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
  g_signal_emit_by_name (peer->webrtc, "set-remote-description", description, NULL);
  gst_webrtc_session_description_free (description);
}

static void
start_pipeline (FakePeer *peer, guint index, FakePeerFlags flags, const FakePeerPlace *place)
{
  settle (peer, place);
  g_signal_connect (peer->webrtc, "pad-added", G_CALLBACK (on_pad_added), peer);
  g_signal_connect (peer->webrtc, "notify::ice-gathering-state", G_CALLBACK (on_gathering_state), peer);
  set_directions (peer, flags);
  g_signal_connect (peer->webrtc, "on-negotiation-needed", G_CALLBACK (on_negotiation_needed), peer);
  gst_element_set_state (peer->pipeline, GST_STATE_PLAYING);
  start_feeder (peer, index);
}

/* GStreamer's RTP session changes a table of sources while it walks through it, and walks no further. */
static gboolean
is_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer unused)
{
  return strstr (message, "version == hash_table->version") == NULL;
}

static FakePeer *
prepare (ServerProcess *server, guint index, const char *codec, FakePeerFlags flags, const FakePeerPlace *place)
{
  FakePeer *peer = g_new0 (FakePeer, 1);
  GstWebRTCSessionDescription *offer = NULL;
  g_autoptr (GError) error = NULL;

  g_test_log_set_fatal_handler (is_fatal, NULL);
  g_mutex_init (&peer->lock);
  peer->server = server;
  peer->codec = g_strdup (codec);
  peer->index = index;
  peer->name = g_strdup_printf ("peer%u", index);
  peer->is_viewer = (flags & FAKE_PEER_SENDS) == 0;
  g_autofree char *description = describe_sender (peer, index, flags);
  peer->pipeline = gst_parse_launch (description, &error);
  g_assert_no_error (error);
  peer->webrtc = GST_IS_PIPELINE (peer->pipeline) ? gst_bin_get_by_name (GST_BIN (peer->pipeline), "webrtc") : NULL;
  if (peer->webrtc == NULL) { /* one element is no pipeline */
    peer->webrtc = gst_object_ref (peer->pipeline);
    peer->pipeline = gst_pipeline_new (NULL);
    gst_bin_add (GST_BIN (peer->pipeline), peer->webrtc);
  }
  start_pipeline (peer, index, flags, place);
  pump_until (is_gathered, peer, 20, "the peer's offer");
  g_object_get (peer->webrtc, "local-description", &offer, NULL);
  peer->offer = gst_sdp_message_as_text (offer->sdp);
  gst_webrtc_session_description_free (offer);
  return peer;
}

FakePeer *
fake_peer_prepare (ServerProcess *server, guint index, const char *codec, FakePeerFlags flags)
{
  return prepare (server, index, codec, flags, &(FakePeerPlace){ 0 });
}

FakePeer *
fake_peer_new (ServerProcess *server, const char *room, guint index, const char *codec, FakePeerFlags flags)
{
  return fake_peer_new_at (server, room, index, codec, flags, &(FakePeerPlace){ 0 });
}

FakePeer *
fake_peer_new_at (ServerProcess *server, const char *room, guint index, const char *codec, FakePeerFlags flags,
                  const FakePeerPlace *place)
{
  FakePeer *peer = prepare (server, index, codec, flags, place);
  fake_peer_post (peer, room);
  fake_peer_accept (peer);
  return peer;
}

static GstPadProbeReturn
drop_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_PAD_PROBE_DROP;
}

static void
fall_silent (const GValue *value, gpointer user_data)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (g_value_get_object (value), "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, drop_buffer, NULL, NULL);
}

void
fake_peer_vanish (FakePeer *peer)
{
  g_autoptr (GstIterator) sinks = gst_bin_iterate_all_by_element_factory_name (GST_BIN (peer->webrtc), "nicesink");

  gst_iterator_foreach (sinks, fall_silent, NULL);
  gst_element_set_state (peer->pipeline, GST_STATE_NULL);
  gst_object_unref (peer->webrtc);
  gst_object_unref (peer->pipeline);
  g_clear_pointer (&peer->seen, gst_sample_unref);
  g_mutex_clear (&peer->lock);
  if (peer->feeder != NULL)
    g_atomic_rc_box_release_full (peer->feeder, feeder_clear);
  g_free (peer->offer);
  g_free (peer->answer);
  g_free (peer->location);
  g_free (peer->codec);
  g_free (peer->name);
  g_free (peer);
}

void
fake_peer_leave (FakePeer *peer)
{
  g_assert_cmpuint (server_process_request (peer->server, "DELETE", peer->location, NULL, NULL, NULL, NULL), ==, 200);
  fake_peer_vanish (peer);
}

const char *
fake_peer_get_offer (FakePeer *peer)
{
  return peer->offer;
}

const char *
fake_peer_get_answer (FakePeer *peer)
{
  return peer->answer;
}

/* ---- Misbehaviour ---------------------------------------------------------------------------------------- */

void
fake_peer_set_size (FakePeer *peer, guint width_px, guint height_px)
{
  atomic_store (&peer->feeder->size_px, width_px << 16 | height_px);
}

typedef struct {
  FakePeerSpoiler spoiler;
  gpointer user_data;
} Spoiling;

/* The packets of a frame. */
static GstBufferList *
spoil_list (const Spoiling *spoiling, GstBufferList *list)
{
  GstBufferList *spoilt = gst_buffer_list_new ();

  for (guint i = 0; i < gst_buffer_list_length (list); i++) {
    GstBuffer *buffer = spoiling->spoiler (gst_buffer_ref (gst_buffer_list_get (list, i)), spoiling->user_data);
    if (buffer != NULL)
      gst_buffer_list_add (spoilt, buffer);
  }
  gst_buffer_list_unref (list);
  if (gst_buffer_list_length (spoilt) == 0)
    gst_clear_buffer_list (&spoilt);
  return spoilt;
}

static GstPadProbeReturn
on_spoiling (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const Spoiling *spoiling = user_data;

  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    info->data = spoiling->spoiler (GST_PAD_PROBE_INFO_BUFFER (info), spoiling->user_data);
  else
    info->data = spoil_list (spoiling, GST_PAD_PROBE_INFO_BUFFER_LIST (info));
  return info->data != NULL ? GST_PAD_PROBE_OK : GST_PAD_PROBE_HANDLED;
}

static GstElement *
find_element (FakePeer *peer, const char *factory)
{
  g_autoptr (GstIterator) elements =
    gst_bin_iterate_all_by_element_factory_name (GST_BIN (peer->webrtc), factory);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_cmpint (gst_iterator_next (elements, &value), ==, GST_ITERATOR_OK);
  return g_value_dup_object (&value);
}

static GstPad *
find_point (FakePeer *peer, FakePeerPoint point)
{
  static const char *const names[] = { "video_frames", "video_packets", "audio_packets" };
  bool is_inside = point >= FAKE_PEER_SENT_RTP;
  g_autoptr (GstElement) element = is_inside ? find_element (peer, "dtlssrtpenc")
                                             : gst_bin_get_by_name (GST_BIN (peer->pipeline), names[point]);
  const char *pad = !is_inside ? "src" : point == FAKE_PEER_SENT_RTP ? "rtp_sink_0" : "rtcp_sink_0";

  g_assert_nonnull (element);
  return gst_element_get_static_pad (element, pad);
}

void
fake_peer_spoil (FakePeer *peer, FakePeerPoint point, FakePeerSpoiler spoiler, gpointer user_data)
{
  g_autoptr (GstPad) pad = find_point (peer, point);
  Spoiling *spoiling = g_new (Spoiling, 1);

  g_assert_nonnull (pad);
  *spoiling = (Spoiling){ spoiler, user_data };
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_spoiling, spoiling, g_free);
}

/* ---- Looking --------------------------------------------------------------------------------------------- */

const char *
fake_peer_get_name (FakePeer *peer)
{
  return peer->name;
}

guint
fake_peer_get_index (FakePeer *peer)
{
  return peer->index;
}

guint
fake_peer_count_frames (FakePeer *peer)
{
  g_mutex_lock (&peer->lock);
  guint n = peer->n_frames;
  g_mutex_unlock (&peer->lock);
  return n;
}

guint
fake_peer_take_longest_gap_ms (FakePeer *peer)
{
  g_mutex_lock (&peer->lock);
  guint gap_ms = peer->longest_gap_ms;
  peer->longest_gap_ms = 0;
  g_mutex_unlock (&peer->lock);
  return gap_ms;
}

bool
fake_peer_look (FakePeer *peer, double x, double y, TestColour *out_colour)
{
  GstVideoInfo info;

  g_mutex_lock (&peer->lock);
  g_autoptr (GstSample) sample = peer->seen != NULL ? gst_sample_ref (peer->seen) : NULL;
  g_mutex_unlock (&peer->lock);
  if (sample == NULL || !gst_video_info_from_caps (&info, gst_sample_get_caps (sample)))
    return false;
  *out_colour = test_frame_look (gst_sample_get_buffer (sample), info.width, info.height, (int) (x * info.width),
                                 (int) (y * info.height));
  return true;
}

bool
fake_peer_get_seen_size (FakePeer *peer, guint *out_width_px, guint *out_height_px)
{
  GstVideoInfo info;

  g_mutex_lock (&peer->lock);
  g_autoptr (GstSample) sample = peer->seen != NULL ? gst_sample_ref (peer->seen) : NULL;
  g_mutex_unlock (&peer->lock);
  if (sample == NULL || !gst_video_info_from_caps (&info, gst_sample_get_caps (sample)))
    return false;
  *out_width_px = (guint) info.width;
  *out_height_px = (guint) info.height;
  return true;
}

static void
request_keyframe (const GValue *value, gpointer unused)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (g_value_get_object (value), "sink");
  gst_pad_push_event (pad, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

void
fake_peer_request_keyframe (FakePeer *peer)
{
  const char *name = g_str_equal (peer->codec, "H264") ? "rtph264depay" : "rtpvp8depay";
  g_autoptr (GstIterator) depayloaders = gst_bin_iterate_all_by_element_factory_name (GST_BIN (peer->pipeline), name);

  gst_iterator_foreach (depayloaders, request_keyframe, NULL);
}

double
fake_peer_measure (FakePeer *peer, guint index)
{
  g_autofree gint16 *copy = g_new (gint16, HEARD_FRAMES);

  g_mutex_lock (&peer->lock);
  bool is_enough = peer->n_heard >= HEARD_FRAMES;
  guint start = peer->n_heard % HEARD_FRAMES;
  memcpy (copy, peer->heard + start, (HEARD_FRAMES - start) * sizeof *copy);
  memcpy (copy + HEARD_FRAMES - start, peer->heard, start * sizeof *copy);
  g_mutex_unlock (&peer->lock);
  return is_enough ? tones_measure (copy, 1, 0, HEARD_FRAMES, fake_peer_get_tone_hz (index)) : -1;
}

void
fake_peer_count_silence (FakePeer *peer, guint *out_n_blocks, guint *out_n_silent)
{
  g_mutex_lock (&peer->lock);
  *out_n_blocks = peer->n_blocks;
  *out_n_silent = peer->n_silent;
  g_mutex_unlock (&peer->lock);
}

GstElement *
fake_peer_get_pipeline (FakePeer *peer)
{
  return peer->pipeline;
}
