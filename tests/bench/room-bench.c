/* What a room costs: N webrtcbin peers send webcam clips and speech that were encoded beforehand, and the server's
 * processor time, threads and memory are read from /proc. Prints a table and a line of JSON for each room.
 *
 * usage: room-bench [SECONDS [SIZE...]]     MIXROOM_SERVER, MIXROOM_BENCH_MEDIA (see make-media.sh) */

#include "../integration/server-process.h"

#define GST_USE_UNSTABLE_API
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_CLIPS 4
#define WARM_UP_MS 6000 /* the clips have a key frame every three seconds */

/* ---- Media, read once ------------------------------------------------------------------------------------ */

typedef struct {
  GPtrArray *units; /* GstBuffer: access units or Opus packets */
  GstCaps *caps;
  guint interval_us;
} Media;

static Media *
media_load (const char *folder, const char *file, const char *parser, guint interval_us)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text =
    g_strdup_printf ("filesrc location=%s ! matroskademux ! %s ! appsink name=sink sync=false", path, parser);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  Media *media = g_new0 (Media, 1);
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  media->units = g_ptr_array_new ();
  media->interval_us = interval_us;
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    if (media->caps == NULL)
      media->caps = gst_caps_ref (gst_sample_get_caps (sample));
    g_ptr_array_add (media->units, gst_buffer_copy_deep (gst_sample_get_buffer (sample)));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (media->units->len, >, 0);
  return media;
}

/* ---- A peer ---------------------------------------------------------------------------------------------- */

typedef struct {
  ServerProcess *server;
  GstElement *pipeline;
  GstElement *webrtc;
  char *location;
  int gathered; /* atomic */
  int n_frames; /* atomic: markers of the video downlink */
  bool offered;
  GThread *video, *audio;
} Peer;

typedef struct {
  GstElement *source;
  const Media *media;
  guint start;
  int *stop; /* atomic */
} Feed;

static gpointer
feed (gpointer data)
{
  Feed *self = data;
  gint64 next_us = g_get_monotonic_time ();

  for (guint i = self->start; !g_atomic_int_get (self->stop); i++) {
    GstBuffer *buffer = gst_buffer_copy (self->media->units->pdata[i % self->media->units->len]);
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
    if (gst_app_src_push_buffer (GST_APP_SRC (self->source), buffer) != GST_FLOW_OK)
      break;
    next_us += self->media->interval_us;
    g_usleep (MAX (next_us - g_get_monotonic_time (), 0));
  }
  gst_object_unref (self->source);
  g_free (self);
  return NULL;
}

static GThread *
start_feed (Peer *peer, const char *name, const Media *media, guint start, int *stop)
{
  Feed *self = g_new (Feed, 1);
  *self = (Feed){ gst_bin_get_by_name (GST_BIN (peer->pipeline), name), media, start, stop };
  g_object_set (self->source, "caps", media->caps, NULL);
  return g_thread_new (name, feed, self);
}

static GstPadProbeReturn
on_downlink_packet (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Peer *peer = user_data;
  guint8 second = 0;

  gst_buffer_extract (GST_PAD_PROBE_INFO_BUFFER (info), 1, &second, 1);
  if ((second & 0x80) != 0) /* RTP's marker: the last packet of a frame */
    g_atomic_int_inc (&peer->n_frames);
  return GST_PAD_PROBE_OK;
}

static void
on_pad_added (GstElement *webrtc, GstPad *pad, gpointer user_data)
{
  Peer *peer = user_data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

  if (GST_PAD_DIRECTION (pad) != GST_PAD_SRC)
    return;
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (peer->pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  g_autoptr (GstPad) target = gst_element_get_static_pad (sink, "sink");
  if (g_str_equal (gst_structure_get_string (gst_caps_get_structure (caps, 0), "media"), "video"))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_downlink_packet, peer, NULL);
  gst_pad_link (pad, target);
}

static void
on_gathering_state (GstElement *webrtc, GParamSpec *spec, gpointer user_data)
{
  GstWebRTCICEGatheringState state;
  g_object_get (webrtc, "ice-gathering-state", &state, NULL);
  g_atomic_int_set (&((Peer *) user_data)->gathered, state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE);
}

static void
on_offer (GstPromise *promise, gpointer user_data)
{
  GstWebRTCSessionDescription *offer = NULL;
  gst_structure_get (gst_promise_get_reply (promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
  g_signal_emit_by_name (((Peer *) user_data)->webrtc, "set-local-description", offer, NULL);
  gst_webrtc_session_description_free (offer);
  gst_promise_unref (promise);
}

static void
on_negotiation_needed (GstElement *webrtc, gpointer user_data)
{
  Peer *peer = user_data;
  if (!peer->offered)
    g_signal_emit_by_name (webrtc, "create-offer", NULL, gst_promise_new_with_change_func (on_offer, peer, NULL));
  peer->offered = true;
}

static bool
is_gathered (gpointer data)
{
  return g_atomic_int_get (&((Peer *) data)->gathered);
}

static void
exchange (Peer *peer, guint index)
{
  GstWebRTCSessionDescription *offer = NULL;
  g_autofree char *path = g_strdup_printf ("/whip/bench?name=peer%u", index);
  g_autofree char *answer = NULL;
  GstSDPMessage *sdp = NULL;

  g_object_get (peer->webrtc, "local-description", &offer, NULL);
  g_autofree char *text = gst_sdp_message_as_text (offer->sdp);
  gst_webrtc_session_description_free (offer);
  guint status =
    server_process_request (peer->server, "POST", path, "application/sdp", text, &answer, &peer->location);
  if (status != 201)
    g_error ("joining: %u %s", status, answer);
  gst_sdp_message_new_from_text (answer, &sdp);
  GstWebRTCSessionDescription *description = gst_webrtc_session_description_new (GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
  g_signal_emit_by_name (peer->webrtc, "set-remote-description", description, NULL);
  gst_webrtc_session_description_free (description);
}

static Peer *
peer_new (ServerProcess *server, guint index, const char *codec, const Media *clip, const Media *speech, int *stop)
{
  Peer *peer = g_new0 (Peer, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) ice = NULL;
  g_autoptr (GObject) agent = NULL;
  gboolean added;
  bool is_h264 = g_str_equal (codec, "H264");
  g_autofree char *text = g_strdup_printf (
    "webrtcbin name=webrtc bundle-policy=max-bundle "
    "appsrc name=audio is-live=true do-timestamp=true format=time ! opusparse ! rtpopuspay pt=111 ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc. "
    "appsrc name=video is-live=true do-timestamp=true format=time ! %s ! "
    "application/x-rtp,media=video,encoding-name=%s,payload=96 ! webrtc. ",
    is_h264 ? "h264parse ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency" : "rtpvp8pay pt=96", codec);

  peer->server = server;
  peer->pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  peer->webrtc = gst_bin_get_by_name (GST_BIN (peer->pipeline), "webrtc");
  g_object_get (peer->webrtc, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &agent, NULL);
  g_object_set (agent, "upnp", FALSE, NULL);
  g_signal_emit_by_name (ice, "add-local-ip-address", "127.0.0.1", &added);
  g_signal_connect (peer->webrtc, "pad-added", G_CALLBACK (on_pad_added), peer);
  g_signal_connect (peer->webrtc, "notify::ice-gathering-state", G_CALLBACK (on_gathering_state), peer);
  g_signal_connect (peer->webrtc, "on-negotiation-needed", G_CALLBACK (on_negotiation_needed), peer);
  gst_element_set_state (peer->pipeline, GST_STATE_PLAYING);
  peer->video = start_feed (peer, "video", clip, 0, stop);
  peer->audio = start_feed (peer, "audio", speech, index * 37, stop);
  pump_until (is_gathered, peer, 20, "gathering");
  exchange (peer, index);
  return peer;
}

static void
peer_free (Peer *peer)
{
  g_thread_join (peer->video);
  g_thread_join (peer->audio);
  server_process_request (peer->server, "DELETE", peer->location, NULL, NULL, NULL, NULL);
  gst_element_set_state (peer->pipeline, GST_STATE_NULL);
  gst_object_unref (peer->webrtc);
  gst_object_unref (peer->pipeline);
  g_free (peer->location);
  g_free (peer);
}

/* ---- The server's figures --------------------------------------------------------------------------------- */

static double
read_cpu_s (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *text = NULL;
  unsigned long user = 0, system = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  sscanf (strrchr (text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (double) (user + system) / (double) sysconf (_SC_CLK_TCK);
}

static guint
read_status (const char *pid, const char *field)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", pid);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  const char *line = strstr (text, field);
  return line != NULL ? (guint) strtoul (line + strlen (field) + 1, NULL, 10) : 0;
}

static void
bench_room (const char *folder, const char *codec, guint n, guint seconds)
{
  ServerProcess *server = server_process_new (NULL);
  const char *pid = g_subprocess_get_identifier (server->process);
  bool is_h264 = g_str_equal (codec, "H264");
  g_autofree Peer **peers = g_new0 (Peer *, n);
  Media *clips[N_CLIPS];
  Media *speech = media_load (folder, "speech.opus.mkv", "opusparse", 20000);
  int stop = 0;

  for (guint i = 0; i < N_CLIPS; i++) {
    g_autofree char *file = g_strdup_printf ("clip%u.%s.mkv", i, is_h264 ? "h264" : "vp8");
    clips[i] = media_load (folder, file,
                           is_h264 ? "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au" : "identity", 33333);
  }
  for (guint i = 0; i < n; i++)
    peers[i] = peer_new (server, i, codec, clips[i % N_CLIPS], speech, &stop);
  pump_for (WARM_UP_MS);
  double before_s = read_cpu_s (pid);
  gint64 start_us = g_get_monotonic_time ();
  int frames = g_atomic_int_get (&peers[0]->n_frames);
  pump_for (seconds * 1000);
  double elapsed_s = (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC;
  double cpu = (read_cpu_s (pid) - before_s) / elapsed_s;
  double fps = (g_atomic_int_get (&peers[0]->n_frames) - frames) / elapsed_s;

  printf ("{\"bench\":\"room\",\"codec\":\"%s\",\"participants\":%u,\"cpu\":%.3f,\"threads\":%u,\"rss_mib\":%.1f,\"fps\":%.1f}\n",
          codec, n, cpu, read_status (pid, "Threads:"), read_status (pid, "VmRSS:") / 1024.0, fps);
  fflush (stdout);
  g_atomic_int_set (&stop, 1);
  for (guint i = 0; i < n; i++)
    peer_free (peers[i]);
  server_process_free (server);
}

int
main (int argc, char **argv)
{
  const char *folder = g_getenv ("MIXROOM_BENCH_MEDIA");
  const char *fixed[] = { "3", "9", "16" };
  guint seconds = argc > 1 ? (guint) atoi (argv[1]) : 15;

  gst_init (NULL, NULL);
  if (folder == NULL)
    g_error ("MIXROOM_BENCH_MEDIA is not set; tests/bench/make-media.sh FOLDER makes what is sent");
  for (int i = 0; i < (argc > 2 ? argc - 2 : (int) G_N_ELEMENTS (fixed)); i++) {
    guint n = (guint) atoi (argc > 2 ? argv[i + 2] : fixed[i]);
    bench_room (folder, "VP8", n, seconds);
    bench_room (folder, "H264", n, seconds);
  }
  return 0;
}
