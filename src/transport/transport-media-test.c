#include "harness-test.h"
#include "transport-private.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Media beside libnice: whose it is taken for, and what it does to the others of its thread. */

static bool
a_has_rtp (Harness *harness)
{
  return harness->a.n_rtp >= 1;
}

#define BATCH 40

typedef struct {
  guint16 first;
  guint n_sent;
} Batch;

static void
do_send_batch (Peer *peer, gpointer data)
{
  Batch *batch = data;
  MxrTransportPacket packets[BATCH];
  guint8 bytes[BATCH][1200 + MXR_SRTP_TRAILER_BYTES] = { 0 };

  for (guint i = 0; i < BATCH; i++) {
    const guint16 sequence = (guint16) (batch->first + i);
    memcpy (bytes[i], (guint8[]){ 0x80, 96, (guint8) (sequence >> 8), (guint8) sequence }, 4);
    /* As a frame is packed: full ones and a rest, here every eighth. */
    packets[i] = (MxrTransportPacket){ bytes[i], i % 8 == 7 ? 77 + i : 1200, sizeof bytes[i] };
  }
  batch->n_sent = mxr_transport_send_rtp_batch (peer->transport, packets, BATCH);
}

static bool
a_has_two_batches (Harness *harness)
{
  return harness->a.n_rtp >= 2 * BATCH;
}

static void
enable_gro (Harness *harness)
{
  mxr_net_enable_gro (harness->net);
}

static void
test_batches (gconstpointer data)
{
  void (*prepare) (Harness *harness) = data;
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats sent, received;
  Batch batch = { 1, 0 };

  if (prepare != NULL)
    prepare (harness);
  harness_connect (harness);
  for (guint i = 0; i < 2; i++, batch.first += BATCH) {
    harness_call (&harness->b, do_send_batch, &batch);
    g_assert_cmpuint (batch.n_sent, ==, BATCH);
  }
  harness_wait (harness, a_has_two_batches);
  peer_get_stats (&harness->b, &sent);
  peer_get_stats (&harness->a, &received);
  g_assert_cmpuint (sent.packets_sent, ==, 2 * BATCH);
  g_assert_cmpuint (sent.send_drops, ==, 0);
  g_assert_cmpuint (received.packets_received, ==, 2 * BATCH);
  g_assert_cmpuint (received.bytes_received, ==, sent.bytes_sent);
  g_assert_cmpuint (received.drop_unauthenticated + received.drop_replay, ==, 0);
}

/* The rest of the batch is for nobody. */
static void
test_close_in_a_batch (gconstpointer data)
{
  void (*prepare) (Harness *harness) = data;
  g_autoptr (Harness) harness = harness_new (NULL);
  Batch batch = { 1, 0 };

  if (prepare != NULL)
    prepare (harness);
  harness_connect (harness);
  harness->a.close_on_rtp = true;
  harness_call (&harness->b, do_send_batch, &batch);
  harness_wait (harness, a_has_rtp);
  harness_call (&harness->b, do_send_batch, &batch);
  g_assert_cmpuint (harness->a.n_rtp, ==, 1);
}

/* ---- Floods ---------------------------------------------------------------------------------------------- */

#define FLOOD_MAX_US (5 * G_USEC_PER_SEC)

static void
do_flood (Peer *peer, gpointer data)
{
  gint *const stop = data;
  const gint64 end_us = g_get_monotonic_time () + FLOOD_MAX_US;
  Batch batch = { 1, 0 };

  for (; !g_atomic_int_get (stop) && g_get_monotonic_time () < end_us; batch.first += BATCH)
    do_send_batch (peer, &batch);
}

typedef struct {
  Harness *harness;
  gint stop; /* atomic */
} Flood;

static gpointer
flood (gpointer data)
{
  Flood *flood = data;
  harness_call (&flood->harness->b, do_flood, &flood->stop);
  return NULL;
}

static void
use_three_threads (MxrConfig *config)
{
  config->media.net_threads = 3;
}

static bool
b_has_twenty_rtp (Harness *harness)
{
  return harness->b.n_rtp >= 20;
}

/* The flooded one and the calm one share a thread. 32 packets of the flood, and then it is the calm one's turn. */
static void
test_flood_starves_nobody (void)
{
  g_autoptr (Harness) flooded = harness_new (use_three_threads);
  g_autoptr (Harness) calm = harness_new_beside (flooded);
  Flood state = { flooded, 0 };

  harness_connect (flooded);
  harness_connect (calm);
  g_assert_true (calm->b.thread == flooded->a.thread);
  g_assert_true (calm->a.thread != flooded->b.thread);
  GThread *thread = g_thread_new ("flood", flood, &state);
  harness_wait (flooded, a_has_rtp);
  const gint64 begin_us = g_get_monotonic_time ();
  for (guint16 i = 0; i < 20; i++) {
    g_assert_cmpint (peer_send (&calm->a, (guint16) (1 + i)), ==, MXR_SEND_OK);
    g_usleep (2000);
  }
  harness_wait (calm, b_has_twenty_rtp);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, FLOOD_MAX_US / 2);
  g_atomic_int_set (&state.stop, 1);
  g_thread_join (thread);
}

/* ---- Addresses ------------------------------------------------------------------------------------------- */

typedef struct {
  int fd;
  guint16 sequence;
} Foreign;

/* An honest packet of b's, from an address that nobody has checked. */
static void
do_send_from_elsewhere (Peer *peer, gpointer data)
{
  Foreign *foreign = data;
  guint8 packet[100 + MXR_SRTP_TRAILER_BYTES] = { 0x80, 96, 0, (guint8) foreign->sequence };
  gsize size = 100;

  g_assert_cmpint (mxr_srtp_protect (peer->transport->srtp, false, packet, &size, sizeof packet), ==, MXR_SRTP_OK);
  g_assert_cmpint (send (foreign->fd, packet, size, 0), ==, (gssize) size);
}

static int
open_socket (guint port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((guint16) port) };
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (port > 0)
    g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  else
    g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
test_address_must_be_checked (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats stats;

  harness_connect (harness);
  Foreign foreign = { open_socket (harness->a.port), 1 };
  harness_call (&harness->b, do_send_from_elsewhere, &foreign);
  g_assert_cmpint (peer_send (&harness->b, 2), ==, MXR_SEND_OK);
  harness_wait (harness, a_has_rtp);
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpuint (stats.packets_received, ==, 1);
  g_assert_cmpuint (harness->a.rtp[3], ==, 2);
  close (foreign.fd);
}

/* ---- A flood of checks ------------------------------------------------------------------------------------ */

#define CHECKS 64
/* libnice reads as long as there are some, which has no end where they come faster than it reads: a sanitized build manages
 * 70,000 a second, others more than can be sent. */
#ifdef __SANITIZE_ADDRESS__
#define CHECKS_PAUSE_US 2000
#else
#define CHECKS_PAUSE_US 0
#endif

typedef struct {
  int fd;
  gint stop; /* atomic */
  guint64 n_sent;
} CheckFlood;

/* Binding requests that nobody signed, as many as go. */
static gpointer
flood_with_checks (gpointer data)
{
  CheckFlood *flood = data;
  guint8 check[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
  struct iovec vector = { check, sizeof check };
  struct mmsghdr messages[CHECKS] = { 0 };
  const gint64 end_us = g_get_monotonic_time () + FLOOD_MAX_US;

  for (guint i = 0; i < CHECKS; i++)
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
  while (!g_atomic_int_get (&flood->stop) && g_get_monotonic_time () < end_us) {
    flood->n_sent += (guint64) MAX (sendmmsg (flood->fd, messages, CHECKS, 0), 0);
    g_usleep (CHECKS_PAUSE_US);
  }
  return NULL;
}

static void
test_check_flood_starves_nobody (void)
{
  g_autoptr (Harness) flooded = harness_new (use_three_threads);
  g_autoptr (Harness) calm = harness_new_beside (flooded);

  harness_connect (flooded);
  harness_connect (calm);
  g_assert_true (calm->b.thread == flooded->a.thread);
  CheckFlood state = { open_socket (flooded->a.port), 0, 0 };
  GThread *thread = g_thread_new ("flood", flood_with_checks, &state);
  g_usleep (20 * 1000);
  const gint64 begin_us = g_get_monotonic_time ();
  for (guint16 i = 0; i < 20; i++) {
    g_assert_cmpint (peer_send (&calm->a, (guint16) (1 + i)), ==, MXR_SEND_OK);
    g_usleep (2000);
  }
  harness_wait (calm, b_has_twenty_rtp);
  const gint64 took_us = g_get_monotonic_time () - begin_us;
  g_atomic_int_set (&state.stop, 1);
  g_thread_join (thread);
  close (state.fd);
  g_test_message ("%" G_GINT64_FORMAT " ms among %" G_GUINT64_FORMAT " checks", took_us / 1000, state.n_sent);
  g_assert_cmpint (took_us, <, FLOOD_MAX_US / 2);
}

/* ---- A peer behind a NAT, which gives it another port ------------------------------------------------------ */

typedef struct {
  int inner;          /* b sends here */
  int outer[2];       /* and it comes out of one of these */
  gint used;          /* atomic: which */
  gint quit;          /* atomic */
  guint8 check[1500]; /* b's last */
  gssize check_bytes;
  bool is_answered; /* a check through the second */
  struct sockaddr_in b;
  GThread *thread;
} Nat;

static void
carry_out (Nat *nat)
{
  guint8 data[2048];
  socklen_t bytes = sizeof nat->b;
  const gssize size = recvfrom (nat->inner, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *) &nat->b, &bytes);

  if (size <= 0)
    return;
  if (data[0] == 0 && data[1] == 1 && size <= (gssize) sizeof nat->check) {
    memcpy (nat->check, data, (gsize) size);
    nat->check_bytes = size;
  }
  send (nat->outer[g_atomic_int_get (&nat->used)], data, (gsize) size, 0);
}

static void
carry_in (Nat *nat, guint which)
{
  guint8 data[2048];
  const gssize size = recv (nat->outer[which], data, sizeof data, MSG_DONTWAIT);

  nat->is_answered |= which == 1 && size > 1 && data[0] == 1 && data[1] == 1;
  /* The old hole is closed. */
  if (size > 0 && (gint) which == g_atomic_int_get (&nat->used))
    sendto (nat->inner, data, (gsize) size, 0, (struct sockaddr *) &nat->b, sizeof nat->b);
}

static gpointer
run_nat (gpointer data)
{
  Nat *nat = data;

  while (!g_atomic_int_get (&nat->quit)) {
    struct pollfd fds[] = { { nat->inner, POLLIN, 0 }, { nat->outer[0], POLLIN, 0 }, { nat->outer[1], POLLIN, 0 } };
    if (poll (fds, G_N_ELEMENTS (fds), 10) <= 0)
      continue;
    if (fds[0].revents != 0)
      carry_out (nat);
    for (guint i = 0; i < 2; i++)
      if (fds[1 + i].revents != 0)
        carry_in (nat, i);
  }
  return NULL;
}

static guint
get_port (int fd)
{
  struct sockaddr_in address;
  socklen_t bytes = sizeof address;
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &bytes), ==, 0);
  return ntohs (address.sin_port);
}

static void
nat_begin (Nat *nat, guint port)
{
  nat->inner = open_socket (0);
  for (guint i = 0; i < 2; i++)
    nat->outer[i] = open_socket (port);
  nat->thread = g_thread_new ("nat", run_nat, nat);
}

static void
nat_end (Nat *nat)
{
  g_atomic_int_set (&nat->quit, 1);
  g_thread_join (nat->thread);
  close (nat->inner);
  close (nat->outer[0]);
  close (nat->outer[1]);
}

static void
do_add_candidate (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  mxr_transport_add_candidate (peer->transport, data, &error);
  g_assert_no_error (error);
}

static bool
a_has_port (Harness *harness)
{
  return harness->a.port != 0;
}

static bool
a_has_more_rtp (Harness *harness)
{
  return harness->a.n_rtp >= 2;
}

static void
connect_through (Harness *harness, Nat *nat)
{
  harness->a.other = harness->b.other = NULL;
  peer_open (&harness->a);
  peer_open (&harness->b);
  peer_start (&harness->a);
  peer_start (&harness->b);
  peer_gather (&harness->a);
  peer_gather (&harness->b);
  harness_wait (harness, a_has_port);
  nat_begin (nat, harness->a.port);
  g_autofree char *candidate =
      g_strdup_printf ("candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host", get_port (nat->inner));
  harness_call (&harness->b, do_add_candidate, candidate);
  harness_wait (harness, are_connected);
}

/* b's media is taken from its new port as soon as a check has come from there, which libnice has seen and answers.
 * Where a's media goes is for the peer's next nomination to say. */
static void
test_nat_rebinds (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  Nat nat = { 0 };

  connect_through (harness, &nat);
  g_assert_cmpint (peer_send (&harness->b, 1), ==, MXR_SEND_OK);
  harness_wait (harness, a_has_rtp);

  g_atomic_int_set (&nat.used, 1);
  g_assert_cmpint (send (nat.outer[1], nat.check, (gsize) nat.check_bytes, 0), ==, nat.check_bytes);
  for (guint16 i = 2; i < 5; i++)
    g_assert_cmpint (peer_send (&harness->b, i), ==, MXR_SEND_OK);
  harness_wait (harness, a_has_more_rtp);
  nat_end (&nat);
  g_assert_true (nat.is_answered);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/media/batches", NULL, test_batches);
  g_test_add_data_func ("/media/batches-gro", enable_gro, test_batches);
  g_test_add_data_func ("/media/close-in-a-batch", NULL, test_close_in_a_batch);
  g_test_add_data_func ("/media/close-in-a-batch-gro", enable_gro, test_close_in_a_batch);
  g_test_add_func ("/media/flood-starves-nobody", test_flood_starves_nobody);
  g_test_add_func ("/media/check-flood-starves-nobody", test_check_flood_starves_nobody);
  g_test_add_func ("/media/address-must-be-checked", test_address_must_be_checked);
  g_test_add_func ("/media/nat-rebinds", test_nat_rebinds);
  return g_test_run ();
}
