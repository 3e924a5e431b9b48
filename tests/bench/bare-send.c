/* The floor under viewers: for each of N of them the packets of one programme are copied, protected by SRTP and sent,
 * at the programme's rate, by a loop that does nothing else. AEAD_AES_128_GCM and sendto(), one key and one port each,
 * and libsrtp2 with OpenSSL's ciphers, as our own downlinks have. A child process receives, because who sends on
 * loopback pays for waking up who receives.
 *
 * usage: bare-send VIEWERS PACKETS_PER_S BYTES_PER_S SECONDS    both rates are a viewer's, of UDP payload */

#include "../../src/transport/srtp-ciphers.h"
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gst/gst.h>
#include <signal.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOUND_PPS 50
#define SOUND_BYTES 110 /* 32 kbit/s in 20 ms, header, extensions and tag */
#define FRAMES_PER_S 30
#define RTP_HEADER_BYTES 12
#define GCM_TAG_BYTES 16
#define MAX_PACKET_BYTES 1500
#define WARM_UP_US (2 * G_USEC_PER_SEC)
#define BATCH 32

typedef struct {
  srtp_t srtp;
  struct sockaddr_in to;
  guint16 seq;
} Viewer;

typedef struct {
  Viewer *viewers;
  guint n_viewers;
  int fd;
  guint video_pps;   /* at least one a frame */
  gsize video_bytes; /* of a packet, tag included */
  guint64 n_sent, n_failed;
} Sender;

/* ---- Who receives ----------------------------------------------------------------------------------------- */

static void
drain (int fd)
{
  guint8 bytes[BATCH][MAX_PACKET_BYTES];
  struct mmsghdr messages[BATCH] = { 0 };
  struct iovec vectors[BATCH];

  for (guint i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){ bytes[i], MAX_PACKET_BYTES };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
  }
  while (recvmmsg (fd, messages, BATCH, MSG_DONTWAIT, NULL) == BATCH)
    ;
}

/* Never returns: ended with its parent. Writes the ports it got into @out_fd. */
static void
receive_for_ever (guint n, int out_fd)
{
  int epoll_fd = epoll_create1 (0);
  struct epoll_event events[64];

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (guint i = 0; i < n; i++) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) < 0)
      g_error ("socket %u: %s", i, g_strerror (errno));
    getsockname (fd, (struct sockaddr *) &address, &size);
    epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (write (out_fd, &address, sizeof address) != sizeof address)
      _exit (1);
  }
  for (;;) {
    int n_ready = epoll_wait (epoll_fd, events, G_N_ELEMENTS (events), -1);
    for (int i = 0; i < n_ready; i++)
      drain (events[i].data.fd);
  }
}

static void
start_receiver (Sender *sender)
{
  int ends[2];

  if (pipe (ends) < 0)
    g_error ("pipe: %s", g_strerror (errno));
  if (fork () == 0)
    receive_for_ever (sender->n_viewers, ends[1]);
  close (ends[1]);
  for (guint i = 0; i < sender->n_viewers; i++)
    if (read (ends[0], &sender->viewers[i].to, sizeof sender->viewers[i].to) != sizeof sender->viewers[i].to)
      g_error ("the receiving process has ended");
}

/* ---- Who sends -------------------------------------------------------------------------------------------- */

static void
start_srtp (Sender *sender)
{
  srtp_init ();
  if (!mxr_srtp_ciphers_install ())
    g_error ("libsrtp2 takes no ciphers");
  for (guint i = 0; i < sender->n_viewers; i++) {
    guint8 key[SRTP_AES_GCM_128_KEY_LEN_WSALT];
    srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound }, .key = key, .window_size = 1024 };
    for (guint k = 0; k < sizeof key; k++)
      key[k] = (guint8) g_random_int ();
    srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtcp);
    if (srtp_create (&sender->viewers[i].srtp, &policy) != srtp_err_status_ok)
      g_error ("no SRTP session");
  }
}

static void
send_to_all (Sender *sender, const guint8 *payload, gsize size, guint8 payload_type)
{
  for (guint i = 0; i < sender->n_viewers; i++) {
    Viewer *viewer = &sender->viewers[i];
    guint8 packet[MAX_PACKET_BYTES + SRTP_MAX_TRAILER_LEN];
    int length = (int) size - GCM_TAG_BYTES;
    memcpy (packet, payload, (gsize) length);
    packet[0] = 0x80;
    packet[1] = payload_type;
    GST_WRITE_UINT16_BE (packet + 2, viewer->seq++);
    GST_WRITE_UINT32_BE (packet + 8, 0x1000u + i);
    if (srtp_protect (viewer->srtp, packet, &length) != srtp_err_status_ok)
      g_error ("a packet cannot be protected");
    bool ok = sendto (sender->fd, packet, (gsize) length, 0, (struct sockaddr *) &viewer->to, sizeof viewer->to) > 0;
    sender->n_sent += ok;
    sender->n_failed += !ok;
  }
}

/* Pictures come in bursts, a frame's packets at once, as from an encoder. */
static void
run_until (Sender *sender, gint64 *sound_us, gint64 *picture_us, guint *n_frames, gint64 end_us)
{
  guint8 payload[MAX_PACKET_BYTES] = { 0 };

  for (;;) {
    gint64 due_us = MIN (*sound_us, *picture_us);
    if (due_us >= end_us)
      return;
    bench_sleep_until_us (due_us);
    if (due_us == *sound_us) {
      send_to_all (sender, payload, SOUND_BYTES, 111);
      *sound_us += BENCH_BLOCK_US;
      continue;
    }
    guint from = *n_frames * sender->video_pps / FRAMES_PER_S, to = (*n_frames + 1) * sender->video_pps / FRAMES_PER_S;
    for (guint k = from; k < to; k++)
      send_to_all (sender, payload, sender->video_bytes, 96);
    ++*n_frames;
    *picture_us += BENCH_FRAME_US;
  }
}

int
main (int argc, char **argv)
{
  Sender sender = { 0 };
  struct rlimit limit;

  if (argc != 5)
    g_error ("usage: bare-send VIEWERS PACKETS_PER_S BYTES_PER_S SECONDS");
  sender.n_viewers = (guint) CLAMP (atoi (argv[1]), 1, 10000);
  sender.viewers = g_new0 (Viewer, sender.n_viewers);
  sender.video_pps = (guint) MAX (atof (argv[2]) - SOUND_PPS, FRAMES_PER_S);
  sender.video_bytes = (gsize) CLAMP ((atof (argv[3]) - SOUND_PPS * SOUND_BYTES) / sender.video_pps, 64, 1200);
  gint64 span_us = (gint64) (atof (argv[4]) * G_USEC_PER_SEC);
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  start_receiver (&sender);
  start_srtp (&sender);
  sender.fd = socket (AF_INET, SOCK_DGRAM, 0);

  gint64 start_us = bench_now_us () + 10000, sound_us = start_us, picture_us = start_us;
  guint n_frames = 0;
  run_until (&sender, &sound_us, &picture_us, &n_frames, start_us + WARM_UP_US);
  double before_s = bench_cpu_s ();
  guint64 sent_before = sender.n_sent;
  run_until (&sender, &sound_us, &picture_us, &n_frames, start_us + WARM_UP_US + span_us);
  double span_s = (double) span_us / G_USEC_PER_SEC;
  bench_report_self (bench_cpu_s () - before_s, span_s);
  printf (",\"pps\":%.1f,\"failed\":%" G_GUINT64_FORMAT ",\"behind_ms\":%.1f}\n",
          (double) (sender.n_sent - sent_before) / span_s / sender.n_viewers, sender.n_failed,
          (double) MAX (bench_now_us () - (start_us + WARM_UP_US + span_us), 0) * 1e-3);
  for (guint i = 0; i < sender.n_viewers; i++)
    srtp_dealloc (sender.viewers[i].srtp);
  g_free (sender.viewers);
  srtp_shutdown ();
  close (sender.fd);
  return 0;
}
