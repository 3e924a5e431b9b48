/* The peers of the fan-out's benchmark, and clients for them: transports on a network of their own, on loopback. */

#include "fanout-bench-peers.h"

#include <string.h>
#include <sys/resource.h>

#define ARRIVALS_AT_ONCE 50

typedef struct _BenchViewer Viewer;

struct _BenchViewer {
  BenchPeers *peers;
  MxrPeer *peer;
  MxrTransport *client;
  char *offer, *answer;
  gint is_gathered, is_connected; /* atomic; of the client */
  GPtrArray *candidates;
};

static const char offer_format[] =
  "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%1$s\r\na=ice-pwd:%2$s\r\n"
  "a=ice-options:trickle\r\na=fingerprint:%3$s\r\na=setup:actpass\r\na=mid:0\r\n"
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
  "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
  "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%1$s\r\na=ice-pwd:%2$s\r\n"
  "a=fingerprint:%3$s\r\na=setup:actpass\r\na=mid:1\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
  "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
  "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
  "a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";

static void
on_client_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  g_ptr_array_add (((Viewer *) user_data)->candidates, g_strdup (candidate));
}

static void
on_client_gathered (MxrTransport *transport, gpointer user_data)
{
  g_atomic_int_set (&((Viewer *) user_data)->is_gathered, 1);
}

static void
on_client_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  if (state == MXR_TRANSPORT_FAILED)
    g_error ("a client failed: %s", reason);
  g_atomic_int_set (&((Viewer *) user_data)->is_connected, state == MXR_TRANSPORT_CONNECTED);
}

static const MxrTransportEvents client_events = {
  .on_local_candidate = on_client_candidate,
  .on_gathering_done = on_client_gathered,
  .on_state = on_client_state,
};

static void
open_client (gpointer data)
{
  Viewer *viewer = data;
  const char *ufrag, *pwd;
  g_autoptr (GError) error = NULL;

  mxr_net_pick (viewer->peers->clients_net);
  viewer->client = mxr_transport_new (viewer->peers->clients_thread, &client_events, viewer, &error);
  if (viewer->client == NULL)
    g_error ("%s", error->message);
  mxr_transport_get_local_credentials (viewer->client, &ufrag, &pwd);
  viewer->offer = g_strdup_printf (offer_format, ufrag, pwd, mxr_net_get_fingerprint (viewer->peers->clients_net));
  if (!mxr_transport_gather (viewer->client, &error))
    g_error ("%s", error->message);
}

static char *
find_value (const char *text, const char *key)
{
  const char *at = strstr (text, key) + strlen (key);
  return g_strndup (at, strcspn (at, "\r"));
}

static void
start_client (gpointer data)
{
  Viewer *viewer = data;
  g_autofree char *ufrag = find_value (viewer->answer, "a=ice-ufrag:");
  g_autofree char *pwd = find_value (viewer->answer, "a=ice-pwd:");
  g_autofree char *digest = find_value (viewer->answer, "a=fingerprint:sha-256 ");
  g_auto (GStrv) lines = g_strsplit (viewer->answer, "\r\n", -1);
  guint8 fingerprint[32];

  for (guint i = 0; i < sizeof fingerprint; i++)
    fingerprint[i] = (guint8) (g_ascii_xdigit_value (digest[3 * i]) << 4 | g_ascii_xdigit_value (digest[3 * i + 1]));
  const MxrTransportRemote remote = { ufrag, pwd, "sha-256", fingerprint, sizeof fingerprint, MXR_DTLS_PASSIVE, false };
  mxr_transport_start (viewer->client, &remote, NULL);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "a=candidate:"))
      mxr_transport_add_candidate (viewer->client, lines[i] + 2, NULL);
}

static void
close_client (gpointer data)
{
  mxr_transport_close (((Viewer *) data)->client);
}

void
bench_post (MxrNetThread *thread, MxrMailboxFunc func, gpointer data)
{
  if (!mxr_mailbox_post (mxr_net_thread_get_mailbox (thread), func, data, NULL))
    g_error ("a mailbox is full");
}

static void
on_answer (const char *answer, const GError *error, gpointer user_data)
{
  Viewer *viewer = user_data;
  if (error != NULL)
    g_error ("%s", error->message);
  viewer->answer = g_strdup (answer);
  viewer->peers->n_answers++;
}

static void
on_downlink (MxrPeer *peer, MxrRtpKind kind, const char *codec, gpointer user_data)
{
  mxr_peer_subscribe (peer, kind, ((Viewer *) user_data)->peers->fanouts[kind], NULL, NULL);
}

static void
on_candidate (MxrPeer *peer, const char *candidate, const char *mid, gpointer user_data)
{
}

static void
on_connected (MxrPeer *peer, gpointer user_data)
{
  ((Viewer *) user_data)->peers->n_connected++;
}

static void
on_keyframe_request (MxrPeer *peer, gpointer user_data)
{
}

static void
on_failed (MxrPeer *peer, const char *reason, gpointer user_data)
{
  g_error ("a peer failed: %s", reason);
}

static const MxrPeerEvents peer_events = {
  .on_downlink = on_downlink,
  .on_candidate = on_candidate,
  .on_connected = on_connected,
  .on_keyframe_request = on_keyframe_request,
  .on_failed = on_failed,
};

static void
iterate (void)
{
  if (!g_main_context_iteration (NULL, FALSE))
    g_usleep (500);
}

static void
negotiate (BenchPeers *peers, Viewer *viewer)
{
  const MxrPeerEnv env = {
    .config = peers->config,
    .net = peers->net,
    .fragments = peers->fragments,
    .control = peers->control,
    .delays = peers->delays,
    .timeline_us = g_get_monotonic_time (),
  }; /* no pool: viewers have no uplinks */
  g_autoptr (GError) error = NULL;

  viewer->peer = mxr_peer_new (&env, "viewer", false, &peer_events, viewer);
  if (!mxr_peer_negotiate (viewer->peer, viewer->offer, true, on_answer, viewer, &error))
    g_error ("%s", error->message);
}

static void
connect_viewers (BenchPeers *peers, Viewer *viewers, guint n)
{
  for (guint i = 0; i < n; i++) {
    viewers[i].peers = peers;
    viewers[i].candidates = g_ptr_array_new_with_free_func (g_free);
    bench_post (peers->clients_thread, open_client, &viewers[i]);
  }
  for (guint i = 0; i < n; i++)
    while (!g_atomic_int_get (&viewers[i].is_gathered))
      iterate ();
  for (guint i = 0; i < n; i++)
    negotiate (peers, &viewers[i]);
  for (peers->n += n; peers->n_answers < peers->n;)
    iterate ();
  for (guint i = 0; i < n; i++) {
    for (guint k = 0; k < viewers[i].candidates->len; k++)
      mxr_peer_add_candidate (viewers[i].peer, viewers[i].candidates->pdata[k], NULL);
    bench_post (peers->clients_thread, start_client, &viewers[i]);
  }
  while (peers->n_connected < peers->n)
    iterate ();
  for (guint i = 0; i < n; i++)
    while (!g_atomic_int_get (&viewers[i].is_connected))
      iterate ();
}

void
bench_peers_connect (BenchPeers *peers, guint n)
{
  while (peers->n < MIN (n, BENCH_PEERS_MAX))
    connect_viewers (peers, peers->viewers + peers->n, MIN (MIN (n, BENCH_PEERS_MAX) - peers->n, ARRIVALS_AT_ONCE));
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

void
bench_peers_init (BenchPeers *peers)
{
  const char *const dirs[] = { g_getenv ("MIXROOM_PIPELINES"), NULL };
  g_autoptr (GError) error = NULL;

  raise_descriptor_limit ();
  peers->config = mxr_config_new ();
  peers->config->media.net_threads = 1;
  peers->config->ice.allow_loopback = true;
  peers->config->ice.tcp = false;
  peers->config->ice.consent_timeout_s = 300; /* held clients say nothing */
  peers->config->media.start_bitrate_bps = 2000000000; /* frames follow each other as fast as they can be sent */
  mxr_config_set (peers->config, "ice.local_addresses=127.0.0.1", NULL);
  peers->fragments = mxr_fragments_load (dirs, &error);
  peers->net = error == NULL ? mxr_net_new (peers->config, &error) : NULL;
  peers->clients_net = error == NULL ? mxr_net_new (peers->config, &error) : NULL;
  if (error != NULL)
    g_error ("%s", error->message);
  peers->thread = mxr_net_get_thread (peers->net, 0);
  peers->clients_thread = mxr_net_get_thread (peers->clients_net, 0);
  peers->control = mxr_mailbox_new (NULL, "control", 10 * BENCH_PEERS_MAX);
  peers->delays = mxr_peer_delays_new ();
  peers->fanouts[MXR_RTP_AUDIO] = mxr_fanout_new (peers->net, "OPUS");
  peers->fanouts[MXR_RTP_VIDEO] = mxr_fanout_new (peers->net, "VP8");
  peers->viewers = g_new0 (Viewer, BENCH_PEERS_MAX);
}

void
bench_peers_clear (BenchPeers *peers)
{
  for (guint i = 0; i < peers->n; i++) {
    mxr_peer_close (peers->viewers[i].peer);
    bench_post (peers->clients_thread, close_client, &peers->viewers[i]);
  }
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    mxr_fanout_close (peers->fanouts[i]);
    mxr_fanout_unref (peers->fanouts[i]);
  }
  mxr_net_free (peers->net);
  mxr_net_free (peers->clients_net);
  mxr_mailbox_close (peers->control);
  mxr_mailbox_unref (peers->control);
  for (guint i = 0; i < peers->n; i++) {
    g_ptr_array_unref (peers->viewers[i].candidates);
    g_free (peers->viewers[i].offer);
    g_free (peers->viewers[i].answer);
  }
  g_free (peers->viewers);
  mxr_peer_delays_unref (peers->delays);
  mxr_fragments_free (peers->fragments);
  mxr_config_free (peers->config);
}
