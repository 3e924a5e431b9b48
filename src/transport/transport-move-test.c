#include "harness-test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer whose NAT gives it another port in the middle of a call.
 *
 *      b -- inside | NAT | outside[0..2] -- a
 *
 * The NAT is a thread that passes datagrams on; the test says by which outside it sends. */

#define OUTSIDES 3

typedef struct {
  int inside, outside[OUTSIDES];
  guint outside_port[OUTSIDES];
  struct sockaddr_in a, b; /* b: where its datagrams came from last */
  gint current;            /* atomic: the outside that b's datagrams leave by; what comes to another is lost */
  gint is_hostile;         /* atomic: nothing comes back to b, and checks are answered by somebody without its key */
  gint n_media[OUTSIDES];  /* atomic, as below: of a's datagrams that came there */
  gint n_requests[OUTSIDES];
  gint is_over;
  GThread *thread;
} Nat;

static int
open_socket (guint *out_port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t bytes = sizeof address;
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &bytes), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

static void
pass_out (Nat *nat)
{
  guint8 data[2048];
  socklen_t bytes = sizeof nat->b;
  const gssize size = recvfrom (nat->inside, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *) &nat->b, &bytes);

  if (size > 0)
    sendto (nat->outside[g_atomic_int_get (&nat->current)], data, (gsize) size, 0, (struct sockaddr *) &nat->a,
            sizeof nat->a);
}

/* The right transaction, from the right place; only the peer could sign it. */
static void
answer_wrongly (Nat *nat, guint index, guint8 *data)
{
  guint8 answer[44] = { 1, 1, 0, 24 };

  memcpy (answer + 4, data + 4, 16);
  memcpy (answer + 20, (const guint8[]){ 0, 8, 0, 20 }, 4);
  sendto (nat->outside[index], answer, sizeof answer, 0, (struct sockaddr *) &nat->a, sizeof nat->a);
}

static void
pass_in (Nat *nat, guint index)
{
  guint8 data[2048];
  const gssize size = recv (nat->outside[index], data, sizeof data, MSG_DONTWAIT);

  if (size < 20)
    return;
  g_atomic_int_add (&nat->n_media[index], data[0] >= 128 && data[0] < 192);
  g_atomic_int_add (&nat->n_requests[index], data[0] == 0 && data[1] == 1);
  if ((guint) g_atomic_int_get (&nat->current) != index)
    return;
  if (!g_atomic_int_get (&nat->is_hostile))
    sendto (nat->inside, data, (gsize) size, 0, (struct sockaddr *) &nat->b, sizeof nat->b);
  else if (data[0] == 0 && data[1] == 1)
    answer_wrongly (nat, index, data);
}

static gpointer
run_nat (gpointer user_data)
{
  Nat *nat = user_data;
  struct pollfd fds[1 + OUTSIDES] = { { nat->inside, POLLIN, 0 } };

  for (guint i = 0; i < OUTSIDES; i++)
    fds[1 + i] = (struct pollfd){ nat->outside[i], POLLIN, 0 };
  while (!g_atomic_int_get (&nat->is_over)) {
    if (poll (fds, 1 + OUTSIDES, 20) <= 0)
      continue;
    if (fds[0].revents != 0)
      pass_out (nat);
    for (guint i = 0; i < OUTSIDES; i++)
      if (fds[1 + i].revents != 0)
        pass_in (nat, i);
  }
  return NULL;
}

static void
nat_start (Nat *nat, guint a_port, guint *out_inside_port)
{
  nat->a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons ((guint16) a_port) };
  nat->a.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  nat->inside = open_socket (out_inside_port);
  for (guint i = 0; i < OUTSIDES; i++)
    nat->outside[i] = open_socket (&nat->outside_port[i]);
  nat->thread = g_thread_new ("nat", run_nat, nat);
}

static void
nat_clear (Nat *nat)
{
  g_atomic_int_set (&nat->is_over, TRUE);
  g_thread_join (nat->thread);
  close (nat->inside);
  for (guint i = 0; i < OUTSIDES; i++)
    close (nat->outside[i]);
}

static bool
a_has_port (Harness *harness)
{
  return harness->a.port != 0;
}

static void
do_add_candidate (Peer *peer, gpointer data)
{
  g_assert_true (mxr_transport_add_candidate (peer->transport, data, NULL));
}

/* b hides its address behind a name of mDNS, as browsers do, and hears of the NAT's in place of a's. */
static void
connect_through (Harness *harness, Nat *nat)
{
  guint port;

  harness->a.other = harness->b.other = NULL;
  peer_open (&harness->a);
  peer_open (&harness->b);
  peer_start (&harness->a);
  peer_start (&harness->b);
  peer_gather (&harness->a);
  harness_wait (harness, a_has_port);
  nat_start (nat, harness->a.port, &port);
  peer_gather (&harness->b);
  char hidden[] = "candidate:1 1 udp 2113937151 3f0bfc1b-6c1f-4d3e-9d7a-0f5a0f8f9c11.local 5000 typ host";
  harness_call (&harness->a, do_add_candidate, hidden);
  g_autofree char *candidate = g_strdup_printf ("candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host", port);
  harness_call (&harness->b, do_add_candidate, candidate);
  harness_wait (harness, are_connected);
}

static void
udp_only (MxrConfig *config)
{
  config->ice.tcp = false;
}

typedef struct {
  Harness *harness;
  guint16 sequence;
} Talk;

static void
talk (Talk *talk, gint64 us)
{
  const gint64 end_us = g_get_monotonic_time () + us;

  while (g_get_monotonic_time () < end_us) {
    talk->sequence++;
    peer_send (&talk->harness->a, talk->sequence);
    peer_send (&talk->harness->b, talk->sequence);
    g_usleep (20000);
  }
}

static bool
is_sent_by (const Nat *nat, guint index)
{
  return g_atomic_int_get (&nat->n_media[index]) > 0;
}

/* b's next check of its own accord comes within 6 s (libnice's); the rest is ours. */
static void
test_other_port (void)
{
  g_autoptr (Harness) harness = harness_new (udp_only);
  Talk both = { harness, 0 };
  Nat nat = { 0 };
  MxrTransportStats stats;

  connect_through (harness, &nat);
  talk (&both, G_USEC_PER_SEC / 2);
  g_assert_true (is_sent_by (&nat, 0));
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpstr (stats.remote_type, ==, "prflx");
  for (guint i = 1; i < OUTSIDES; i++) {
    const gint64 moved_us = g_get_monotonic_time ();
    g_atomic_int_set (&nat.current, (gint) i);
    while (!is_sent_by (&nat, i) && g_get_monotonic_time () - moved_us < PEER_WATCHDOG_S * G_USEC_PER_SEC)
      talk (&both, G_USEC_PER_SEC / 10);
    g_test_message ("followed after %.1f s", (double) (g_get_monotonic_time () - moved_us) / G_USEC_PER_SEC);
    g_assert_true (is_sent_by (&nat, i));
    const guint n_before = harness->b.n_rtp;
    talk (&both, G_USEC_PER_SEC / 2);
    g_assert_cmpuint (harness->b.n_rtp, >, n_before);
    peer_get_stats (&harness->a, &stats);
    g_assert_cmpuint (stats.peer_moves, ==, i);
    g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", nat.outside_port[i]);
    g_assert_cmpstr (stats.remote_address, ==, address);
    g_assert_cmpuint (stats.pairs_selected, ==, 1);
  }
  g_assert_true (are_connected (harness));
  nat_clear (&nat);
}

/* Who sees b's packets sends them on from elsewhere, checks and all, lets none of them through in the right way, and
 * answers what it cannot sign. a asks a few times, and sends no media there. */
static void
test_spoofed_source (void)
{
  g_autoptr (Harness) harness = harness_new (udp_only);
  Talk both = { harness, 0 };
  Nat nat = { 0 };
  MxrTransportStats stats;

  connect_through (harness, &nat);
  talk (&both, G_USEC_PER_SEC / 2);
  g_atomic_int_set (&nat.is_hostile, TRUE);
  g_atomic_int_set (&nat.current, 1);
  const gint64 begun_us = g_get_monotonic_time ();
  while (g_atomic_int_get (&nat.n_requests[1]) < 8 &&
         g_get_monotonic_time () - begun_us < PEER_WATCHDOG_S * G_USEC_PER_SEC)
    talk (&both, G_USEC_PER_SEC / 10);
  talk (&both, 2 * G_USEC_PER_SEC);
  const gint n_requests = g_atomic_int_get (&nat.n_requests[1]);
  g_test_message ("asked %d times in %.1f s", n_requests,
                  (double) (g_get_monotonic_time () - begun_us) / G_USEC_PER_SEC);
  g_assert_cmpint (n_requests, >=, 8);
  g_assert_cmpint (n_requests, <, 40); /* libnice's own are among them */
  g_assert_false (is_sent_by (&nat, 1));
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpuint (stats.peer_moves, ==, 0);

  /* It leaves off: the call goes on as it was. */
  g_atomic_int_set (&nat.is_hostile, FALSE);
  g_atomic_int_set (&nat.current, 0);
  const guint n_before = harness->b.n_rtp;
  talk (&both, G_USEC_PER_SEC);
  g_assert_cmpuint (harness->b.n_rtp, >, n_before);
  g_assert_false (is_sent_by (&nat, 1));
  g_assert_true (are_connected (harness));
  nat_clear (&nat);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/move/other-port", test_other_port);
  g_test_add_func ("/move/spoofed-source", test_spoofed_source);
  return g_test_run ();
}
