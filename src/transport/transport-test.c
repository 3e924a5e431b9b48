#include "harness-test.h"
#include "transport-private.h"

#include <string.h>

/* Whole transports over loopback. */

static bool
b_has_three_rtp (Harness *harness)
{
  return harness->b.n_rtp >= 3;
}

static bool
a_has_rtcp (Harness *harness)
{
  return harness->a.n_rtcp >= 1;
}

static void
test_exchange (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats stats;

  harness_connect (harness);
  for (guint16 i = 1; i <= 3; i++)
    g_assert_cmpint (peer_send (&harness->a, i), ==, MXR_SEND_OK);
  g_assert_cmpint (peer_send_rtcp (&harness->b), ==, MXR_SEND_OK);
  harness_wait (harness, b_has_three_rtp);
  harness_wait (harness, a_has_rtcp);

  g_assert_cmpuint (harness->b.rtp_bytes, ==, 200);
  g_assert_cmpuint (harness->b.rtp[3], ==, 3);
  g_assert_cmpuint (harness->b.rtp[199], ==, 3);
  peer_get_stats (&harness->b, &stats);
  g_assert_cmpuint (stats.packets_received, ==, 3);
  g_assert_cmpuint (stats.bytes_received, ==, 3 * 216);
  g_assert_cmpuint (stats.packets_sent, ==, 1);
  g_assert_cmpstr (stats.protocol, ==, "udp");
  g_assert_cmpstr (stats.local_type, ==, "host");
  g_assert_true (g_str_has_prefix (stats.remote_address, "127.0.0.1:"));
}

static void
test_roles_swapped (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  harness->a.role = MXR_DTLS_ACTIVE;
  harness->b.role = MXR_DTLS_PASSIVE;
  harness_connect (harness);
  g_assert_cmpint (peer_send (&harness->b, 1), ==, MXR_SEND_OK);
}

static void
test_send_before_connected (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  peer_open (&harness->a);
  g_assert_cmpint (peer_send (&harness->a, 1), ==, MXR_SEND_NOT_CONNECTED);
}

static bool
a_has_failed (Harness *harness)
{
  return harness->a.state == MXR_TRANSPORT_FAILED;
}

static void
test_wrong_fingerprint (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  const guint8 wrong[32] = { 1, 2, 3 };

  peer_open (&harness->a);
  peer_open (&harness->b);
  peer_start_with (&harness->a, wrong);
  peer_start (&harness->b);
  peer_gather (&harness->a);
  peer_gather (&harness->b);
  harness_wait (harness, a_has_failed);
  g_assert_cmpstr (harness->a.reason, ==, "fingerprint mismatch");
  g_assert_cmpint (peer_send (&harness->a, 1), ==, MXR_SEND_NOT_CONNECTED);
}

typedef struct {
  MxrTransportPacket packets[8];
  guint n_sent;
} Batch;

static void
do_send_batch (Peer *peer, gpointer data)
{
  Batch *batch = data;
  batch->n_sent =
      mxr_transport_send_rtp_batch (peer->transport, batch->packets, G_N_ELEMENTS (batch->packets));
}

static bool
b_has_seven_rtp (Harness *harness)
{
  return harness->b.n_rtp >= 7;
}

/* One of eight has no room for its tag: the other seven go. */
static void
test_batch (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  guint8 data[8][100 + MXR_SRTP_TRAILER_BYTES] = { { 0 } };
  Batch batch = { 0 };

  harness_connect (harness);
  for (guint i = 0; i < 8; i++) {
    data[i][0] = 0x80;
    data[i][3] = (guint8) i;
    batch.packets[i] = (MxrTransportPacket){ data[i], 100, i == 4 ? 110 : sizeof data[i] };
  }
  harness_call (&harness->a, do_send_batch, &batch);
  g_assert_cmpuint (batch.n_sent, ==, 7);
  harness_wait (harness, b_has_seven_rtp);
}

static bool
b_was_hung_up (Harness *harness)
{
  return harness->b.n_closed_by_peer == 1;
}

static void
test_closed_by_peer (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  harness_connect (harness);
  peer_close (&harness->a);
  harness_wait (harness, b_was_hung_up);
  g_assert_cmpint (harness->b.state, ==, MXR_TRANSPORT_CONNECTED);
}

typedef struct {
  char ufrag[257], pwd[257];
} Credentials;

static void
do_restart (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  const Credentials *remote = data;
  mxr_transport_restart_ice (peer->transport, remote->ufrag, remote->pwd, &error);
  g_assert_no_error (error);
}

/* What the side that offers does, and we as the one that answers never: new credentials first, the peer's
 * later. */
static void
do_offer_restart (Peer *peer, gpointer data)
{
  const Credentials *stale = data;
  peer->transport->n_candidates = 0;
  mxr_ice_restart (peer->transport->ice, stale->ufrag, stale->pwd);
}

static void
do_take_answer (Peer *peer, gpointer data)
{
  const Credentials *remote = data;
  mxr_ice_set_remote (peer->transport->ice, remote->ufrag, remote->pwd, true);
}

static bool
are_announced_again (Harness *harness)
{
  return harness->a.n_gathering_done >= 2 && harness->b.n_gathering_done >= 2;
}

static bool
b_has_two_hundred_rtp (Harness *harness)
{
  return harness->b.n_rtp >= 200;
}

static void
do_add_candidate (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  const bool added = mxr_transport_add_candidate (peer->transport, ((gpointer *) data)[0], &error);
  g_assert_cmpint (added, ==, error == NULL);
  *(int *) ((gpointer *) data)[1] = error == NULL ? -1 : error->code;
}

static int
add_candidate (Peer *peer, const char *candidate)
{
  int code;
  gpointer data[] = { (gpointer) candidate, &code };
  harness_call (peer, do_add_candidate, data);
  return code;
}

static void
wait_for_pair (Peer *peer, guint64 n_pairs)
{
  const gint64 end_us = g_get_monotonic_time () + PEER_WATCHDOG_S * G_USEC_PER_SEC;
  MxrTransportStats stats;

  do {
    peer_get_stats (peer, &stats);
    g_thread_yield ();
  } while (stats.pairs_selected < n_pairs && g_get_monotonic_time () < end_us);
  g_assert_cmpuint (stats.pairs_selected, >=, n_pairs);
}

static void
test_restart_ice (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  Credentials old, a, b;
  MxrTransportStats before;

  harness_connect (harness);
  peer_get_stats (&harness->a, &before);
  harness->a.other = harness->b.other = NULL;
  peer_get_credentials (&harness->a, old.ufrag, old.pwd);
  harness_call (&harness->b, do_offer_restart, &old);
  peer_get_credentials (&harness->b, b.ufrag, b.pwd);
  harness_call (&harness->a, do_restart, &b);
  peer_get_credentials (&harness->a, a.ufrag, a.pwd);
  g_assert_cmpstr (a.ufrag, !=, old.ufrag);
  g_assert_cmpstr (a.pwd, !=, old.pwd);
  harness_wait (harness, are_announced_again);
  for (guint16 i = 0; i < 100; i++) /* over the old pair */
    g_assert_cmpint (peer_send (&harness->a, i), ==, MXR_SEND_OK);

  harness_call (&harness->b, do_take_answer, &a);
  g_assert_cmpint (add_candidate (&harness->a, harness->b.udp_candidate), ==, -1);
  g_assert_cmpint (add_candidate (&harness->b, harness->a.udp_candidate), ==, -1);
  wait_for_pair (&harness->a, before.pairs_selected + 1);
  for (guint16 i = 100; i < 200; i++) /* over the new one */
    g_assert_cmpint (peer_send (&harness->a, i), ==, MXR_SEND_OK);
  harness_wait (harness, b_has_two_hundred_rtp);
  g_assert_true (are_connected (harness));
}

static void
test_candidates_are_bounded (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  peer_open (&harness->a);
  g_assert_cmpint (add_candidate (&harness->a, "nonsense"), ==, MXR_TRANSPORT_ERROR_BAD_CANDIDATE);
  g_assert_cmpint (add_candidate (&harness->a, "candidate:1 1 udp 1 169.254.169.254 80 typ host"), ==,
                   MXR_TRANSPORT_ERROR_FORBIDDEN_CANDIDATE);
  for (guint i = 0; i < MXR_CANDIDATES_MAX; i++) {
    g_autofree char *line = g_strdup_printf ("candidate:1 1 udp 1 127.0.0.1 %u typ host", 1000 + i);
    g_assert_cmpint (add_candidate (&harness->a, line), ==, -1);
    g_assert_cmpint (add_candidate (&harness->a, line), ==, -1);
  }
  g_assert_cmpint (add_candidate (&harness->a, "candidate:1 1 udp 1 127.0.0.1 9000 typ host"), ==,
                   MXR_TRANSPORT_ERROR_TOO_MANY_CANDIDATES);
}

static void
do_start_badly (Peer *peer, gpointer data)
{
  const guint8 digest[64] = { 0 };
  const MxrTransportRemote good = { "abcd", "0123456789012345678901", "sha-256", digest,
                                    32,     MXR_DTLS_PASSIVE,         false };
  MxrTransportRemote bad[] = { good, good, good, good, good };

  bad[0].ufrag = "abc";
  bad[1].pwd = "tooshort";
  bad[2].ufrag = "ab cd";
  bad[3].fingerprint_hash = "md5";
  bad[4].fingerprint_size = 20;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (mxr_transport_start (peer->transport, &bad[i], &error));
    g_assert_error (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_BAD_ARGUMENT);
  }
}

static void
test_bad_arguments (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  peer_open (&harness->a);
  harness_call (&harness->a, do_start_badly, NULL);
  g_assert_cmpint (harness->a.state, ==, MXR_TRANSPORT_NEW);
}

static void
name_public_address (MxrConfig *config)
{
  g_assert_true (mxr_config_set (config, "ice.public_address=203.0.113.7", NULL));
}

static bool
a_has_gathered (Harness *harness)
{
  return harness->a.n_gathering_done == 1;
}

static void
test_gather (void)
{
  g_autoptr (Harness) harness = harness_new (name_public_address);

  harness->a.other = NULL;
  peer_open (&harness->a);
  peer_gather (&harness->a);
  harness_wait (harness, a_has_gathered);
  g_assert_cmpuint (harness->a.n_candidates, ==, 2); /* UDP, and TCP passive; nothing that dials */
  g_assert_nonnull (strstr (harness->a.udp_candidate, " 203.0.113.7 "));
  g_assert_null (strstr (harness->a.udp_candidate, "127.0.0.1"));
}

/* ---- Ends ---------------------------------------------------------------------------------------------- */

static void
close_while_new (Harness *harness)
{
}

static void
close_while_gathering (Harness *harness)
{
  peer_gather (&harness->a);
}

static void
close_while_connecting (Harness *harness)
{
  peer_gather (&harness->a);
  peer_start (&harness->a);
}

static bool
is_any_begun (Harness *harness)
{
  return harness->a.state >= MXR_TRANSPORT_CONNECTED || harness->b.state >= MXR_TRANSPORT_CONNECTED;
}

/* The passive side has keys one flight after the active one: one of them is still in the handshake. */
static void
close_in_handshake (Harness *harness)
{
  peer_start (&harness->a);
  peer_start (&harness->b);
  peer_gather (&harness->a);
  peer_gather (&harness->b);
  harness_wait (harness, is_any_begun);
}

static void
close_from_event (Harness *harness)
{
  harness->a.close_when_connected = harness->b.close_when_connected = true;
  close_in_handshake (harness);
}

static void
test_close (gconstpointer data)
{
  void (*bring) (Harness *) = (void (*) (Harness *)) data;
  const guint n_descriptors = count_descriptors ();
  const guint n_threads = count_threads ();

  {
    g_autoptr (Harness) harness = harness_new (NULL);
    peer_open (&harness->a);
    peer_open (&harness->b);
    bring (harness);
  }
  g_assert_cmpuint (count_descriptors (), <=, n_descriptors);
  g_assert_cmpuint (count_threads (), <=, n_threads);
}

static void
do_cycles (Peer *peer, gpointer data)
{
  static const MxrTransportEvents none = { NULL };
  for (guint i = 0; i < 200; i++) {
    MxrTransport *transport = mxr_transport_new (peer->thread, &none, NULL, NULL);
    g_assert_nonnull (transport);
    if (i % 2 == 0)
      g_assert_true (mxr_transport_gather (transport, NULL));
    mxr_transport_close (transport);
  }
}

static void
test_cycles (void)
{
  const guint n_descriptors = count_descriptors ();
  {
    g_autoptr (Harness) harness = harness_new (NULL);
    harness->a.thread = mxr_net_get_thread (harness->net, 0);
    harness_call (&harness->a, do_cycles, NULL);
    harness->a.is_closed = true;
  }
  g_assert_cmpuint (count_descriptors (), <=, n_descriptors);
}

static void
test_net_closes_what_is_open (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  harness_connect (harness);
  mxr_net_free (g_steal_pointer (&harness->net));
  harness->a.thread = harness->b.thread = NULL;
}

static void
test_pick_spreads (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrNetThread *first = mxr_net_pick (harness->net);

  g_assert_true (mxr_net_pick (harness->net) != first);
  mxr_net_unpick (first);
  g_assert_true (mxr_net_pick (harness->net) == first);
  g_assert_false (mxr_net_thread_is_current (first));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* What stays for the process's life is opened before anybody counts. */
  harness_free (harness_new (NULL));
  g_test_add_func ("/transport/exchange", test_exchange);
  g_test_add_func ("/transport/roles-swapped", test_roles_swapped);
  g_test_add_func ("/transport/send-before-connected", test_send_before_connected);
  g_test_add_func ("/transport/wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func ("/transport/batch", test_batch);
  g_test_add_func ("/transport/closed-by-peer", test_closed_by_peer);
  g_test_add_func ("/transport/restart-ice", test_restart_ice);
  g_test_add_func ("/transport/candidates-are-bounded", test_candidates_are_bounded);
  g_test_add_func ("/transport/bad-arguments", test_bad_arguments);
  g_test_add_func ("/transport/gather", test_gather);
  g_test_add_data_func ("/transport/close/new", (gconstpointer) close_while_new, test_close);
  g_test_add_data_func ("/transport/close/gathering", (gconstpointer) close_while_gathering, test_close);
  g_test_add_data_func ("/transport/close/connecting", (gconstpointer) close_while_connecting, test_close);
  g_test_add_data_func ("/transport/close/handshake", (gconstpointer) close_in_handshake, test_close);
  g_test_add_data_func ("/transport/close/event", (gconstpointer) close_from_event, test_close);
  g_test_add_func ("/transport/cycles", test_cycles);
  g_test_add_func ("/transport/net-closes-what-is-open", test_net_closes_what_is_open);
  g_test_add_func ("/transport/pick-spreads", test_pick_spreads);
  return g_test_run ();
}
