#include <arpa/inet.h>
#include <netinet/udp.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dtls-private.h"
#include "harness-test.h"
#include "transport-private.h"

/* What a packet of 1100 bytes costs on its way out: our path, and the bare calls it cannot do without. */

#define PAYLOAD_BYTES 1100
#define N_PACKETS 60000
#define BATCH 10

typedef struct {
  guint8 data[BATCH][PAYLOAD_BYTES + MXR_SRTP_TRAILER_BYTES];
  guint16 sequence;
  double ns;
} Run;

static void
fill (Run *run, guint i)
{
  run->sequence++;
  memcpy (run->data[i], (const guint8[]){ 0x80, 96, (guint8) (run->sequence >> 8), (guint8) run->sequence },
          4);
  memset (run->data[i] + 4, 0x11, 8);
}

static double
get_cpu_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

static void
run_single (Peer *peer, gpointer data)
{
  Run *run = data;
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS; i++) {
    fill (run, 0);
    mxr_transport_send_rtp (peer->transport, run->data[0], PAYLOAD_BYTES, sizeof run->data[0]);
  }
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
}

static void
run_batch (Peer *peer, gpointer data)
{
  Run *run = data;
  MxrTransportPacket packets[BATCH];
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS / BATCH; i++) {
    for (guint j = 0; j < BATCH; j++) {
      fill (run, j);
      packets[j] = (MxrTransportPacket){ run->data[j], PAYLOAD_BYTES, sizeof run->data[j] };
    }
    mxr_transport_send_rtp_batch (peer->transport, packets, BATCH);
  }
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
}

static void
run_protect (Peer *peer, gpointer data)
{
  Run *run = data;
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS; i++) {
    gsize size = PAYLOAD_BYTES;
    fill (run, 0);
    mxr_srtp_protect (peer->transport->srtp, false, run->data[0], &size, sizeof run->data[0]);
  }
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
}

/* ---- The bare calls: to the peer's port, from an address it drops, so that somebody reads and is woken up ----- */

typedef struct {
  int fd;
  struct sockaddr_in to;
} Bare;

static void
bare_init (Bare *bare, Peer *peer)
{
  *bare = (Bare){ socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                  { .sin_family = AF_INET, .sin_port = htons ((guint16) peer->harness->b.port) } };
  bare->to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
}

static void
run_sendto (Peer *peer, gpointer data)
{
  Run *run = data;
  Bare bare;

  bare_init (&bare, peer);
  fill (run, 0);
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS; i++)
    sendto (bare.fd, run->data[0], PAYLOAD_BYTES + 16, MSG_DONTWAIT, (struct sockaddr *) &bare.to, sizeof bare.to);
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
  close (bare.fd);
}

static void
run_sendmmsg (Peer *peer, gpointer data)
{
  Run *run = data;
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH] = { 0 };
  Bare bare;

  bare_init (&bare, peer);
  for (guint i = 0; i < BATCH; i++) {
    fill (run, i);
    vectors[i] = (struct iovec){ run->data[i], PAYLOAD_BYTES + 16 };
    messages[i].msg_hdr = (struct msghdr){
      .msg_name = &bare.to, .msg_namelen = sizeof bare.to, .msg_iov = &vectors[i], .msg_iovlen = 1
    };
  }
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS / BATCH; i++)
    sendmmsg (bare.fd, messages, BATCH, MSG_DONTWAIT);
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
  close (bare.fd);
}

static void
run_gso (Peer *peer, gpointer data)
{
  Run *run = data;
  const int segment_bytes = PAYLOAD_BYTES + 16;
  struct iovec vectors[BATCH];
  Bare bare;

  bare_init (&bare, peer);
  for (guint i = 0; i < BATCH; i++) {
    fill (run, i);
    vectors[i] = (struct iovec){ run->data[i], PAYLOAD_BYTES + 16 };
  }
  if (setsockopt (bare.fd, SOL_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes) != 0)
    g_error ("no UDP_SEGMENT");
  const struct msghdr message = {
    .msg_name = &bare.to, .msg_namelen = sizeof bare.to, .msg_iov = vectors, .msg_iovlen = BATCH
  };
  const double begin_ns = get_cpu_ns ();
  for (guint i = 0; i < N_PACKETS / BATCH; i++)
    sendmsg (bare.fd, &message, MSG_DONTWAIT);
  run->ns = (get_cpu_ns () - begin_ns) / N_PACKETS;
  close (bare.fd);
}

static double
measure (Peer *peer, void (*func) (Peer *peer, gpointer data))
{
  static const guint n_runs = 3;
  g_autofree Run *run = g_new0 (Run, 1);
  double best_ns = G_MAXDOUBLE;

  for (guint i = 0; i < n_runs; i++) {
    harness_call (peer, func, run);
    best_ns = MIN (best_ns, run->ns);
  }
  return best_ns;
}

static void
measure_profile (const char *profile)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  if (SSL_CTX_set_tlsext_use_srtp (harness->net->identity->context, profile) != 0)
    g_error ("%s", profile);
  harness_connect (harness);
  g_print ("%s, ns a packet of %d bytes; batches of %d\n", profile, PAYLOAD_BYTES, BATCH);
  g_print ("  protect %.0f, sendto %.0f, sendmmsg %.0f, UDP_SEGMENT %.0f\n", measure (&harness->a, run_protect),
           measure (&harness->a, run_sendto), measure (&harness->a, run_sendmmsg), measure (&harness->a, run_gso));
  g_print ("  send_rtp %.0f, send_rtp_batch %.0f\n", measure (&harness->a, run_single),
           measure (&harness->a, run_batch));
}

int
main (int argc, char **argv)
{
  measure_profile ("SRTP_AEAD_AES_128_GCM");
  measure_profile ("SRTP_AES128_CM_SHA1_80");
  return 0;
}
