/* What viewers cost: a fan-out feeds 1 to 1000 peers over real connections on loopback with a picture of 1 Mbit/s and a
 * sound, and the processor time of their network thread is compared with that of a bare loop of the calls that nobody can
 * do without: encrypt and send each packet. Both in turn, and the receivers' thread stands still meanwhile: their sockets
 * fill up and drop, which is the same for both.
 *
 *   fanout-bench [VIEWERS ...]
 */

#include "mixroom/peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../transport/srtp.h"
#include "mixroom/limits.h"

#define FRAMES_PER_SECOND 30
#define BLOCKS_PER_SECOND 50
#define ROUNDS 5
#define PACKETS_PER_ROUND 60000
#define ARRIVALS_AT_ONCE 50
#define KEYFRAME_PACKETS 40

/* 1 Mbit/s at 30 frames a second; the payloader fills packets up to MXR_MTU_BYTES. */
static const guint picture_bytes[] = { 1140, 1140, 1140, 740 };
static const guint sound_bytes[] = { 80 };

typedef struct _Bench Bench;

typedef struct {
  Bench *bench;
  MxrPeer *peer;
  MxrTransport *client;
  char *offer, *answer;
  gint is_gathered, is_connected; /* atomic; of the client */
  GPtrArray *candidates;
} Viewer;

typedef struct {
  MxrFanout *fanout;
  const guint *sizes;
  guint n_sizes;
  guint clock_rate, frames_per_second, payload_type;
  guint16 seq;
  guint32 timestamp;
  bool starts_keyframe; /* the next packet */
  guint n_sent, n_delivered; /* packets; the second under the bench's lock */
} Stream;

struct _Bench {
  MxrConfig *config;
  MxrNet *net, *clients_net;
  MxrNetThread *thread, *clients_thread;
  MxrFragments *fragments;
  MxrMailbox *control;
  MxrPeerDelays *delays;
  Viewer *viewers;
  guint n_viewers;
  guint n_answers, n_connected;
  Stream sound, picture;
  GMutex lock;
  GCond changed;
  bool is_held, is_released; /* the clients' thread; under the lock */
};

/* ---- Peers and their clients ------------------------------------------------------------------------------- */

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

  mxr_net_pick (viewer->bench->clients_net);
  viewer->client = mxr_transport_new (viewer->bench->clients_thread, &client_events, viewer, &error);
  if (viewer->client == NULL)
    g_error ("%s", error->message);
  mxr_transport_get_local_credentials (viewer->client, &ufrag, &pwd);
  viewer->offer = g_strdup_printf (offer_format, ufrag, pwd, mxr_net_get_fingerprint (viewer->bench->clients_net));
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

static void
post (MxrNetThread *thread, MxrMailboxFunc func, gpointer data)
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
  viewer->bench->n_answers++;
}

static void
on_downlink (MxrPeer *peer, MxrRtpKind kind, const char *codec, gpointer user_data)
{
  Bench *bench = ((Viewer *) user_data)->bench;
  mxr_peer_subscribe (peer, kind, (kind == MXR_RTP_AUDIO ? &bench->sound : &bench->picture)->fanout, NULL, NULL);
}

static void
on_candidate (MxrPeer *peer, const char *candidate, const char *mid, gpointer user_data)
{
}

static void
on_connected (MxrPeer *peer, gpointer user_data)
{
  ((Viewer *) user_data)->bench->n_connected++;
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
negotiate (Bench *bench, Viewer *viewer)
{
  const MxrPeerEnv env = { bench->config,  bench->net,    bench->fragments,
                           bench->control, bench->delays, g_get_monotonic_time () };
  g_autoptr (GError) error = NULL;

  viewer->peer = mxr_peer_new (&env, "viewer", false, &peer_events, viewer);
  if (!mxr_peer_negotiate (viewer->peer, viewer->offer, true, on_answer, viewer, &error))
    g_error ("%s", error->message);
}

static void
connect_viewers (Bench *bench, Viewer *viewers, guint n)
{
  for (guint i = 0; i < n; i++) {
    viewers[i].bench = bench;
    viewers[i].candidates = g_ptr_array_new_with_free_func (g_free);
    post (bench->clients_thread, open_client, &viewers[i]);
  }
  for (guint i = 0; i < n; i++)
    while (!g_atomic_int_get (&viewers[i].is_gathered))
      iterate ();
  for (guint i = 0; i < n; i++)
    negotiate (bench, &viewers[i]);
  for (bench->n_viewers += n; bench->n_answers < bench->n_viewers;)
    iterate ();
  for (guint i = 0; i < n; i++) {
    for (guint k = 0; k < viewers[i].candidates->len; k++)
      mxr_peer_add_candidate (viewers[i].peer, viewers[i].candidates->pdata[k], NULL);
    post (bench->clients_thread, start_client, &viewers[i]);
  }
  while (bench->n_connected < bench->n_viewers)
    iterate ();
  for (guint i = 0; i < n; i++)
    while (!g_atomic_int_get (&viewers[i].is_connected))
      iterate ();
}

/* Buffers that fill up would have the kernel take fresh memory for each packet until they are full; these hold one. */
static void
shrink_receive_buffers (guint n_descriptors)
{
  const int bytes = 1;
  for (guint i = 0; i < n_descriptors; i++)
    setsockopt ((int) i, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); /* those that are sockets */
}

/* ---- Ours -------------------------------------------------------------------------------------------------- */

/* Comes last of all subscribers, so when it has them all have. */
static void
on_delivered (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  Bench *bench = user_data;
  Stream *stream = packets[0]->payload_bytes == sound_bytes[0] ? &bench->sound : &bench->picture;
  g_mutex_lock (&bench->lock);
  stream->n_delivered += n_packets;
  if (stream->n_delivered == stream->n_sent)
    g_cond_broadcast (&bench->changed);
  g_mutex_unlock (&bench->lock);
}

static void
subscribe_last (gpointer data)
{
  Bench *bench = data;
  for (guint i = 0; i < 2; i++) {
    mxr_fanout_unsubscribe ((i == 0 ? &bench->sound : &bench->picture)->fanout, bench);
    mxr_fanout_subscribe ((i == 0 ? &bench->sound : &bench->picture)->fanout, on_delivered, bench);
  }
}

static void
unsubscribe_last (gpointer data)
{
  Bench *bench = data;
  mxr_fanout_unsubscribe (bench->sound.fanout, bench);
  mxr_fanout_unsubscribe (bench->picture.fanout, bench);
}

static void
push (Stream *stream, guint size, bool marker)
{
  guint8 rtp[MXR_MTU_BYTES] = { 0x80, (guint8) (stream->payload_type | (marker ? 0x80 : 0)) };

  rtp[2] = (guint8) (stream->seq >> 8);
  rtp[3] = (guint8) stream->seq++;
  for (guint i = 0; i < 4; i++)
    rtp[4 + i] = (guint8) (stream->timestamp >> (24 - 8 * i));
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, 12 + size, stream->starts_keyframe);
  stream->starts_keyframe = false;
  mxr_fanout_push (stream->fanout, packet, 12 + size);
}

/* One frame to all; returns when the last has it. */
static void
push_frame (Bench *bench, Stream *stream, const guint *sizes, guint n_sizes)
{
  g_mutex_lock (&bench->lock);
  stream->n_sent += n_sizes;
  g_mutex_unlock (&bench->lock);
  for (guint i = 0; i < n_sizes; i++)
    push (stream, sizes[i], i == n_sizes - 1);
  stream->timestamp += stream->clock_rate / stream->frames_per_second;
  mxr_fanout_flush (stream->fanout);
  g_mutex_lock (&bench->lock);
  while (stream->n_delivered < stream->n_sent)
    g_cond_wait (&bench->changed, &bench->lock);
  g_mutex_unlock (&bench->lock);
}

static void
push_stream_frame (Bench *bench, Stream *stream)
{
  push_frame (bench, stream, stream->sizes, stream->n_sizes);
}

/* A tenth of a second of both streams. */
static guint
push_tenth (Bench *bench)
{
  for (guint i = 0; i < BLOCKS_PER_SECOND / 10; i++) {
    push_stream_frame (bench, &bench->sound);
    if (i < FRAMES_PER_SECOND / 10)
      push_stream_frame (bench, &bench->picture);
  }
  return BLOCKS_PER_SECOND / 10 + FRAMES_PER_SECOND / 10 * G_N_ELEMENTS (picture_bytes);
}

static void
hold (gpointer data)
{
  Bench *bench = data;
  g_mutex_lock (&bench->lock);
  bench->is_held = true;
  g_cond_broadcast (&bench->changed);
  while (!bench->is_released)
    g_cond_wait (&bench->changed, &bench->lock);
  g_mutex_unlock (&bench->lock);
}

static void
hold_clients (Bench *bench)
{
  g_mutex_lock (&bench->lock);
  bench->is_held = bench->is_released = false;
  g_mutex_unlock (&bench->lock);
  post (bench->clients_thread, hold, bench);
  g_mutex_lock (&bench->lock);
  while (!bench->is_held)
    g_cond_wait (&bench->changed, &bench->lock);
  g_mutex_unlock (&bench->lock);
}

static void
release_clients (Bench *bench)
{
  g_mutex_lock (&bench->lock);
  bench->is_released = true;
  g_cond_broadcast (&bench->changed);
  g_mutex_unlock (&bench->lock);
}

static void
read_thread_clock (gpointer data)
{
  pthread_getcpuclockid (pthread_self (), data);
}

static double
get_cpu_ns (clockid_t clock)
{
  struct timespec now;
  clock_gettime (clock, &now);
  return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

/* Returns: the network thread's time a packet and viewer. */
static double
measure_ours (Bench *bench, clockid_t clock)
{
  guint64 n_packets = 0;
  const double begin_ns = get_cpu_ns (clock);
  while (n_packets * bench->n_viewers < PACKETS_PER_ROUND)
    n_packets += push_tenth (bench);
  return (get_cpu_ns (clock) - begin_ns) / (double) (n_packets * bench->n_viewers);
}

/* ---- The bare calls ------------------------------------------------------------------------------------------ */

typedef struct {
  guint n;
  MxrSrtp **srtps;
  struct sockaddr_in *addresses;
  int *sinks;
  int socket;
  guint16 seq;
} Bare;

static void
bare_init (Bare *bare, guint n)
{
  *bare = (Bare){ n, g_new (MxrSrtp *, n), g_new0 (struct sockaddr_in, n), g_new (int, n),
                  socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 0 };
  for (guint i = 0; i < n; i++) {
    const MxrSrtpKeys keys = { .profile = MXR_SRTP_AEAD_AES_128_GCM, .local_key = { (guint8) i, (guint8) (i >> 8) } };
    socklen_t bytes = sizeof bare->addresses[i];
    bare->srtps[i] = mxr_srtp_new (&keys, NULL);
    bare->sinks[i] = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bare->addresses[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    if (bare->srtps[i] == NULL || bind (bare->sinks[i], (struct sockaddr *) &bare->addresses[i], bytes) != 0 ||
        getsockname (bare->sinks[i], (struct sockaddr *) &bare->addresses[i], &bytes) != 0)
      g_error ("no sink");
  }
}

static void
bare_clear (Bare *bare)
{
  for (guint i = 0; i < bare->n; i++) {
    mxr_srtp_free (bare->srtps[i]);
    close (bare->sinks[i]);
  }
  close (bare->socket);
  g_free (bare->srtps);
  g_free (bare->addresses);
  g_free (bare->sinks);
}

static void
bare_send_frame (Bare *bare, const guint *sizes, guint n_sizes, guint8 ssrc)
{
  guint8 data[MXR_MTU_BYTES + MXR_SRTP_TRAILER_BYTES];

  for (guint i = 0; i < bare->n; i++)
    for (guint k = 0; k < n_sizes; k++) {
      const guint16 seq = (guint16) (bare->seq + k);
      gsize size = 20 + sizes[k]; /* header and a number for feedback, as ours */
      memcpy (data, (const guint8[]){ 0x80, 96, (guint8) (seq >> 8), (guint8) seq, 0, 0, 0, 0, 0, 0, 0, ssrc }, 12);
      mxr_srtp_protect (bare->srtps[i], false, data, &size, sizeof data);
      sendto (bare->socket, data, size, MSG_DONTWAIT, (struct sockaddr *) &bare->addresses[i], sizeof bare->addresses[i]);
    }
  bare->seq = (guint16) (bare->seq + n_sizes);
}

static double
measure_bare (Bare *bare)
{
  guint64 n_packets = 0;
  const double begin_ns = get_cpu_ns (CLOCK_THREAD_CPUTIME_ID);
  while (n_packets * bare->n < PACKETS_PER_ROUND) {
    for (guint i = 0; i < BLOCKS_PER_SECOND / 10; i++) {
      bare_send_frame (bare, sound_bytes, 1, 1);
      if (i < FRAMES_PER_SECOND / 10)
        bare_send_frame (bare, picture_bytes, G_N_ELEMENTS (picture_bytes), 1);
    }
    n_packets += BLOCKS_PER_SECOND / 10 + FRAMES_PER_SECOND / 10 * G_N_ELEMENTS (picture_bytes);
  }
  return (get_cpu_ns (CLOCK_THREAD_CPUTIME_ID) - begin_ns) / (double) (n_packets * bare->n);
}

/* ---- How long others wait -------------------------------------------------------------------------------------- */

typedef struct {
  MxrNetThread *thread;
  gint64 posted_us;
  gint64 worst_us;
  gint ends, is_back; /* atomic */
} Probe;

static void
come_back (gpointer data)
{
  Probe *probe = data;
  probe->worst_us = MAX (probe->worst_us, g_get_monotonic_time () - probe->posted_us);
  g_atomic_int_set (&probe->is_back, 1);
}

/* Calls into the thread, one after the other, as a received packet would wait for its turn. */
static gpointer
run_probe (gpointer data)
{
  Probe *probe = data;
  while (!g_atomic_int_get (&probe->ends)) {
    probe->posted_us = g_get_monotonic_time ();
    g_atomic_int_set (&probe->is_back, 0);
    post (probe->thread, come_back, probe);
    while (!g_atomic_int_get (&probe->is_back))
      g_usleep (100);
  }
  return NULL;
}

static void
measure_keyframe (Bench *bench, double *out_all_ms, double *out_wait_ms)
{
  guint sizes[KEYFRAME_PACKETS];
  Probe probe = { .thread = bench->thread };
  GThread *thread = g_thread_new ("probe", run_probe, &probe);

  for (guint i = 0; i < KEYFRAME_PACKETS; i++)
    sizes[i] = picture_bytes[0];
  g_usleep (5000);
  const gint64 begin_us = g_get_monotonic_time ();
  push_frame (bench, &bench->picture, sizes, KEYFRAME_PACKETS);
  *out_all_ms = (double) (g_get_monotonic_time () - begin_us) / 1000;
  g_atomic_int_set (&probe.ends, 1);
  g_thread_join (thread);
  *out_wait_ms = (double) probe.worst_us / 1000;
}

/* ---- All -------------------------------------------------------------------------------------------------------- */

static int
compare (gconstpointer a, gconstpointer b)
{
  return *(const double *) a < *(const double *) b ? -1 : 1;
}

static double
get_median (double *values)
{
  qsort (values, ROUNDS, sizeof *values, compare);
  return values[ROUNDS / 2];
}

static void
measure (Bench *bench, clockid_t clock)
{
  double ours_ns[ROUNDS], bare_ns[ROUNDS], ratios[ROUNDS], keyframe_ms, wait_ms;
  const guint packets_per_second = BLOCKS_PER_SECOND + FRAMES_PER_SECOND * G_N_ELEMENTS (picture_bytes);
  Bare bare;

  bare_init (&bare, bench->n_viewers);
  hold_clients (bench);
  shrink_receive_buffers (3 * bench->n_viewers + 200);
  bench->picture.starts_keyframe = true; /* newcomers wait for it */
  push_tenth (bench);
  for (guint i = 0; i < ROUNDS; i++) {
    bare_ns[i] = measure_bare (&bare);
    ours_ns[i] = measure_ours (bench, clock);
    ratios[i] = ours_ns[i] / bare_ns[i];
  }
  measure_keyframe (bench, &keyframe_ms, &wait_ms);
  release_clients (bench);
  bare_clear (&bare);
  const double median_ns = get_median (ours_ns);
  g_print ("%4u viewers: %6.0f ns a packet, bare calls %6.0f, ratio %.2f; at 1 Mbit/s and a sound %.3f of a core; "
           "key frame of %d packets: %.1f ms, others wait %.1f ms at most\n",
           bench->n_viewers, median_ns, get_median (bare_ns), get_median (ratios),
           median_ns * packets_per_second * bench->n_viewers / 1e9, KEYFRAME_PACKETS, keyframe_ms, wait_ms);
}

static void
bench_init (Bench *bench)
{
  const char *const dirs[] = { g_getenv ("MIXROOM_PIPELINES"), NULL };
  struct rlimit limit;
  g_autoptr (GError) error = NULL;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_mutex_init (&bench->lock);
  g_cond_init (&bench->changed);
  bench->config = mxr_config_new ();
  bench->config->media.net_threads = 1;
  bench->config->ice.allow_loopback = true;
  bench->config->ice.tcp = false;
  bench->config->ice.consent_timeout_s = 300; /* held clients say nothing */
  mxr_config_set (bench->config, "ice.local_addresses=127.0.0.1", &error);
  bench->net = mxr_net_new (bench->config, &error);
  bench->clients_net = mxr_net_new (bench->config, &error);
  bench->fragments = mxr_fragments_load (dirs, &error);
  if (error != NULL)
    g_error ("%s", error->message);
  bench->thread = mxr_net_get_thread (bench->net, 0);
  bench->clients_thread = mxr_net_get_thread (bench->clients_net, 0);
  bench->control = mxr_mailbox_new (NULL, "control", 100000);
  bench->delays = mxr_peer_delays_new ();
  bench->sound = (Stream){ mxr_fanout_new (bench->net, "OPUS"), sound_bytes, 1, 48000, BLOCKS_PER_SECOND, 111 };
  bench->picture = (Stream){ mxr_fanout_new (bench->net, "VP8"), picture_bytes, G_N_ELEMENTS (picture_bytes), 90000,
                             FRAMES_PER_SECOND, 96 };
}

static void
bench_clear (Bench *bench)
{
  post (bench->thread, unsubscribe_last, bench);
  for (guint i = 0; i < bench->n_viewers; i++) {
    mxr_peer_close (bench->viewers[i].peer);
    post (bench->clients_thread, close_client, &bench->viewers[i]);
  }
  for (guint i = 0; i < 2; i++) {
    Stream *stream = i == 0 ? &bench->sound : &bench->picture;
    mxr_fanout_close (stream->fanout);
    mxr_fanout_unref (stream->fanout);
  }
  mxr_net_free (bench->net);
  mxr_net_free (bench->clients_net);
  mxr_mailbox_close (bench->control);
  mxr_mailbox_unref (bench->control);
  for (guint i = 0; i < bench->n_viewers; i++) {
    g_ptr_array_unref (bench->viewers[i].candidates);
    g_free (bench->viewers[i].offer);
    g_free (bench->viewers[i].answer);
  }
  g_free (bench->viewers);
  mxr_peer_delays_unref (bench->delays);
  mxr_fragments_free (bench->fragments);
  mxr_config_free (bench->config);
}

int
main (int argc, char **argv)
{
  static const char *const defaults[] = { "1", "100", "500", "1000", NULL };
  const char *const *counts = argc > 1 ? (const char *const *) argv + 1 : defaults;
  Bench bench = { 0 };
  clockid_t clock;

  gst_init (NULL, NULL);
  mxr_log_init ("warning", false);
  bench_init (&bench);
  bench.viewers = g_new0 (Viewer, 10000);
  post (bench.thread, read_thread_clock, &clock);
  for (guint i = 0; counts[i] != NULL; i++) {
    const guint n = MIN ((guint) g_ascii_strtoull (counts[i], NULL, 10), 10000);
    while (bench.n_viewers < n)
      connect_viewers (&bench, bench.viewers + bench.n_viewers, MIN (n - bench.n_viewers, ARRIVALS_AT_ONCE));
    post (bench.thread, subscribe_last, &bench);
    g_usleep (100 * 1000); /* what connecting left behind */
    measure (&bench, clock);
  }
  bench_clear (&bench);
  return 0;
}
