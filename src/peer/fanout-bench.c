/* What viewers cost: a fan-out feeds 1 to 1000 peers over real connections on loopback with a picture of 1 Mbit/s and a
 * sound, and the processor time of their network thread is compared with that of a bare loop of the calls that nobody can
 * do without: encrypt and send each packet. Both in turn, and the receivers' thread stands still meanwhile: their sockets
 * fill up and drop, which is the same for both.
 *
 *   fanout-bench [VIEWERS ...]
 */

#include "fanout-bench-peers.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../transport/srtp.h" /* the bare calls are to be the transport's own */
#include "link-thread.h"

#define FRAMES_PER_SECOND 30
#define BLOCKS_PER_SECOND 50
#define ROUNDS 5
#define PACKETS_PER_ROUND 60000
#define KEYFRAME_PACKETS 40

/* 1 Mbit/s at 30 frames a second; the payloader fills packets up to MXR_MTU_BYTES. */
static const guint picture_bytes[] = { 1140, 1140, 1140, 740 };
static const guint sound_bytes[] = { 80 };

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

typedef struct {
  BenchPeers peers;
  Stream sound, picture;
  GMutex lock;
  GCond changed;
  bool is_held, is_released; /* the clients' thread; under the lock */
} Bench;

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
  bench_post (bench->peers.clients_thread, hold, bench);
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

static double
get_cpu_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

/* Of the network thread, which is asked for it. */
typedef struct {
  Bench *bench;
  double cpu_ns;
  guint64 n_rounds; /* of the links' clock */
  bool is_read;     /* under the bench's lock */
} Reading;

static void
read_thread (gpointer data)
{
  Reading *reading = data;
  MxrLinkThread *thread = mxr_link_thread_join (mxr_net_thread_get_context (reading->bench->peers.thread));

  g_mutex_lock (&reading->bench->lock);
  reading->cpu_ns = get_cpu_ns ();
  reading->n_rounds = thread->n_rounds;
  reading->is_read = true;
  g_cond_broadcast (&reading->bench->changed);
  g_mutex_unlock (&reading->bench->lock);
  mxr_link_thread_leave (thread);
}

static Reading
read_now (Bench *bench)
{
  Reading reading = { .bench = bench };

  bench_post (bench->peers.thread, read_thread, &reading);
  g_mutex_lock (&bench->lock);
  while (!reading.is_read)
    g_cond_wait (&bench->changed, &bench->lock);
  g_mutex_unlock (&bench->lock);
  return reading;
}

/* Returns: the network thread's time a packet and viewer. */
static double
measure_ours (Bench *bench)
{
  guint64 n_packets = 0;
  const double begin_ns = read_now (bench).cpu_ns;
  while (n_packets * bench->peers.n < PACKETS_PER_ROUND)
    n_packets += push_tenth (bench);
  return (read_now (bench).cpu_ns - begin_ns) / (double) (n_packets * bench->peers.n);
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
  const double begin_ns = get_cpu_ns ();
  while (n_packets * bare->n < PACKETS_PER_ROUND) {
    for (guint i = 0; i < BLOCKS_PER_SECOND / 10; i++) {
      bare_send_frame (bare, sound_bytes, 1, 1);
      if (i < FRAMES_PER_SECOND / 10)
        bare_send_frame (bare, picture_bytes, G_N_ELEMENTS (picture_bytes), 1);
    }
    n_packets += BLOCKS_PER_SECOND / 10 + FRAMES_PER_SECOND / 10 * G_N_ELEMENTS (picture_bytes);
  }
  return (get_cpu_ns () - begin_ns) / (double) (n_packets * bare->n);
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
    bench_post (probe->thread, come_back, probe);
    while (!g_atomic_int_get (&probe->is_back))
      g_usleep (100);
  }
  return NULL;
}

static void
measure_keyframe (Bench *bench, double *out_all_ms, double *out_wait_ms)
{
  guint sizes[KEYFRAME_PACKETS];
  Probe probe = { .thread = bench->peers.thread };
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

/* ---- When nothing happens ---------------------------------------------------------------------------------------- */

#define IDLE_S 2

/* Reports and statistics only, and what the transports do. */
static void
measure_idle (Bench *bench)
{
  g_usleep (200 * 1000); /* clients read what was kept for them */
  const Reading begin = read_now (bench);
  g_usleep (IDLE_S * G_USEC_PER_SEC);
  const Reading end = read_now (bench);
  g_print ("%4u viewers, nothing sent: %.1f ms of the processor and %.1f rounds a second\n", bench->peers.n,
           (end.cpu_ns - begin.cpu_ns) / 1e6 / IDLE_S, (double) (end.n_rounds - begin.n_rounds) / IDLE_S);
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
measure (Bench *bench)
{
  double ours_ns[ROUNDS], bare_ns[ROUNDS], ratios[ROUNDS], keyframe_ms, wait_ms;
  const guint packets_per_second = BLOCKS_PER_SECOND + FRAMES_PER_SECOND * G_N_ELEMENTS (picture_bytes);
  Bare bare;

  bare_init (&bare, bench->peers.n);
  hold_clients (bench);
  shrink_receive_buffers (3 * bench->peers.n + 200);
  bench->picture.starts_keyframe = true; /* newcomers wait for it */
  push_tenth (bench);
  for (guint i = 0; i < ROUNDS; i++) {
    bare_ns[i] = measure_bare (&bare);
    ours_ns[i] = measure_ours (bench);
    ratios[i] = ours_ns[i] / bare_ns[i];
  }
  measure_keyframe (bench, &keyframe_ms, &wait_ms);
  release_clients (bench);
  bare_clear (&bare);
  const double median_ns = get_median (ours_ns);
  g_print ("%4u viewers: %6.0f ns a packet, bare calls %6.0f, ratio %.2f; at 1 Mbit/s and a sound %.3f of a core; "
           "key frame of %d packets: %.1f ms, others wait %.1f ms at most\n",
           bench->peers.n, median_ns, get_median (bare_ns), get_median (ratios),
           median_ns * packets_per_second * bench->peers.n / 1e9, KEYFRAME_PACKETS, keyframe_ms, wait_ms);
  measure_idle (bench);
}

static void
bench_init (Bench *bench)
{
  g_mutex_init (&bench->lock);
  g_cond_init (&bench->changed);
  bench_peers_init (&bench->peers);
  bench->sound = (Stream){ bench->peers.fanouts[MXR_RTP_AUDIO], sound_bytes, 1, 48000, BLOCKS_PER_SECOND, 111 };
  bench->picture = (Stream){ bench->peers.fanouts[MXR_RTP_VIDEO], picture_bytes, G_N_ELEMENTS (picture_bytes), 90000,
                             FRAMES_PER_SECOND, 96 };
}

int
main (int argc, char **argv)
{
  static const char *const defaults[] = { "1", "100", "500", "1000", NULL };
  const char *const *counts = argc > 1 ? (const char *const *) argv + 1 : defaults;
  Bench bench = { 0 };

  gst_init (NULL, NULL);
  mxr_log_init ("warning", false);
  bench_init (&bench);
  for (guint i = 0; counts[i] != NULL; i++) {
    bench_peers_connect (&bench.peers, (guint) g_ascii_strtoull (counts[i], NULL, 10));
    bench_post (bench.peers.thread, subscribe_last, &bench);
    g_usleep (100 * 1000); /* what connecting left behind */
    read_now (&bench);     /* and it is subscribed by then */
    measure (&bench);
  }
  bench_post (bench.peers.thread, unsubscribe_last, &bench);
  bench_peers_clear (&bench.peers);
  return 0;
}
