#include <nice/agent.h>
#include <string.h>

#include "dtls.h"
#include "harness-test.h"

/* A client whose network passes TCP only (RFC 6544): a bare libnice agent that connects to our passive
 * candidate, with DTLS of ours. Also the one peer here that is not an MxrTransport. */

typedef struct {
  Harness *harness;
  GMainContext *context;
  NiceAgent *agent;
  guint stream;
  MxrDtlsIdentity *identity;
  MxrDtls *dtls;
} Client;

static gsize
parse_fingerprint (const char *text, guint8 *out_digest)
{
  gsize n = 0;
  for (const char *at = strchr (text, ' ') + 1;; at += 3) {
    out_digest[n++] = (guint8) (g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));
    if (at[2] == '\0')
      return n;
  }
}

static void
flush (Client *client)
{
  GBytes *datagram;
  while ((datagram = mxr_dtls_pop_outgoing (client->dtls)) != NULL) {
    nice_agent_send (client->agent, client->stream, 1, (guint) g_bytes_get_size (datagram),
                     g_bytes_get_data (datagram, NULL));
    g_bytes_unref (datagram);
  }
}

static void
on_data (NiceAgent *agent, guint stream, guint component, guint size, char *data, gpointer user_data)
{
  Client *client = user_data;
  mxr_dtls_receive (client->dtls, (guint8 *) data, size);
  flush (client);
}

static void
on_selected_pair (NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                  NiceCandidate *remote, gpointer user_data)
{
  Client *client = user_data;
  mxr_dtls_start (client->dtls);
  flush (client);
}

static void
client_init (Client *client, Harness *harness)
{
  MxrDtlsFingerprint server = { .hash = "sha-256" };
  NiceAddress loopback;

  *client = (Client){ .harness = harness, .context = g_main_context_new () };
  g_main_context_push_thread_default (client->context);
  client->identity = mxr_dtls_identity_new (NULL);
  server.size = parse_fingerprint (mxr_net_get_fingerprint (harness->net), server.digest);
  client->dtls = mxr_dtls_new (client->identity, true, &server, NULL);
  client->agent =
      nice_agent_new_full (client->context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE);
  g_object_set (client->agent, "upnp", FALSE, "ice-udp", FALSE, "controlling-mode", TRUE, NULL);
  client->stream = nice_agent_add_stream (client->agent, 1);
  nice_address_init (&loopback);
  nice_address_set_from_string (&loopback, "127.0.0.1");
  nice_agent_add_local_address (client->agent, &loopback);
  nice_agent_attach_recv (client->agent, client->stream, 1, client->context, on_data, client);
  g_signal_connect (client->agent, "new-selected-pair-full", G_CALLBACK (on_selected_pair), client);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(bool *) user_data = true;
}

static void
client_clear (Client *client)
{
  bool closed = false;
  g_signal_handlers_disconnect_by_data (client->agent, client);
  nice_agent_close_async (client->agent, on_closed, &closed);
  while (!closed)
    g_main_context_iteration (client->context, TRUE);
  g_clear_object (&client->agent);
  mxr_dtls_free (client->dtls);
  mxr_dtls_identity_free (client->identity);
  g_main_context_pop_thread_default (client->context);
  g_main_context_unref (client->context);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Client, client_clear)

static void
start_server (Client *client)
{
  g_autofree char *ufrag = NULL, *pwd = NULL;
  guint8 digest[32];

  nice_agent_get_local_credentials (client->agent, client->stream, &ufrag, &pwd);
  parse_fingerprint (mxr_dtls_identity_get_fingerprint (client->identity), digest);
  MxrTransportRemote remote = { ufrag, pwd, "sha-256", digest, sizeof digest, MXR_DTLS_PASSIVE, false };
  peer_start_with_remote (&client->harness->a, &remote);
}

static void
connect_client (Client *client)
{
  char ufrag[257], pwd[257];
  g_autoptr (GSList) candidates = NULL;
  NiceCandidate *candidate = nice_candidate_new (NICE_CANDIDATE_TYPE_HOST);

  peer_get_credentials (&client->harness->a, ufrag, pwd);
  nice_agent_gather_candidates (client->agent, client->stream);
  nice_agent_set_remote_credentials (client->agent, client->stream, ufrag, pwd);
  candidate->stream_id = client->stream;
  candidate->component_id = 1;
  candidate->transport = NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE;
  candidate->priority = 1000;
  g_strlcpy (candidate->foundation, "1", sizeof candidate->foundation);
  nice_address_set_from_string (&candidate->addr, "127.0.0.1");
  nice_address_set_port (&candidate->addr, client->harness->a.tcp_port);
  candidates = g_slist_prepend (NULL, candidate);
  nice_agent_set_remote_candidates (client->agent, client->stream, 1, candidates);
  nice_candidate_free (candidate);
}

static gboolean
keep_iterating (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static MxrTransportState
get_state (Harness *harness)
{
  g_mutex_lock (&harness->lock);
  const MxrTransportState state = harness->a.state;
  g_mutex_unlock (&harness->lock);
  return state;
}

static bool
has_tcp_port (Harness *harness)
{
  return harness->a.tcp_port != 0;
}

static void
test_connect (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  g_auto (Client) client;
  MxrTransportStats stats;

  harness->a.other = NULL;
  peer_open (&harness->a);
  client_init (&client, harness);
  start_server (&client);
  peer_gather (&harness->a);
  harness_wait (harness, has_tcp_port);
  connect_client (&client);

  g_autoptr (GSource) alarm = g_timeout_source_new (20); /* wakes the loop below to look again */
  g_source_set_callback (alarm, keep_iterating, NULL, NULL);
  g_source_attach (alarm, client.context);
  const gint64 end_us = g_get_monotonic_time () + PEER_WATCHDOG_S * G_USEC_PER_SEC;
  while (get_state (harness) != MXR_TRANSPORT_CONNECTED && g_get_monotonic_time () < end_us)
    g_main_context_iteration (client.context, TRUE);
  g_source_destroy (alarm);

  g_assert_cmpint (get_state (harness), ==, MXR_TRANSPORT_CONNECTED);
  g_assert_cmpint (mxr_dtls_get_state (client.dtls), ==, MXR_DTLS_CONNECTED);
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpstr (stats.protocol, ==, "tcp");
  g_assert_cmpint (peer_send (&harness->a, 1), ==, MXR_SEND_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tcp/connect", test_connect);
  return g_test_run ();
}
