#include "harness-test.h"

#include <string.h>

/* ---- Events -------------------------------------------------------------------------------------------- */

static void
lock_peer (Peer *peer)
{
  g_mutex_lock (&peer->harness->lock);
  peer->n_late += peer->is_closed;
}

static void
unlock_peer (Peer *peer)
{
  g_cond_broadcast (&peer->harness->changed);
  g_mutex_unlock (&peer->harness->lock);
}

typedef struct {
  Peer *to;
  char *candidate;
} Trickle;

static void
deliver_candidate (gpointer data)
{
  Trickle *trickle = data;
  if (!trickle->to->is_closed && trickle->to->transport != NULL)
    g_assert_true (mxr_transport_add_candidate (trickle->to->transport, trickle->candidate, NULL));
}

static void
free_trickle (gpointer data)
{
  g_free (((Trickle *) data)->candidate);
  g_free (data);
}

static void
on_local_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  Peer *peer = user_data;
  g_auto (GStrv) words = g_strsplit (candidate, " ", -1);

  lock_peer (peer);
  peer->n_candidates++;
  if (g_str_equal (words[2], "UDP"))
    g_strlcpy (peer->udp_candidate, candidate, sizeof peer->udp_candidate);
  *(g_str_equal (words[2], "UDP") ? &peer->port : &peer->tcp_port) =
      (guint) g_ascii_strtoull (words[5], NULL, 10);
  unlock_peer (peer);
  if (peer->other != NULL && peer->other->thread != NULL) {
    const Trickle trickle = { peer->other, g_strdup (candidate) };
    mxr_mailbox_post (mxr_net_thread_get_mailbox (peer->other->thread), deliver_candidate,
                      g_memdup2 (&trickle, sizeof trickle), free_trickle);
  }
}

static void
on_gathering_done (MxrTransport *transport, gpointer user_data)
{
  Peer *peer = user_data;
  lock_peer (peer);
  peer->n_gathering_done++;
  unlock_peer (peer);
}

static void
on_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  Peer *peer = user_data;
  g_assert_true (mxr_net_thread_is_current (peer->thread));
  lock_peer (peer);
  peer->state = state;
  g_strlcpy (peer->reason, reason == NULL ? "" : reason, sizeof peer->reason);
  const bool close_now = state == MXR_TRANSPORT_CONNECTED && peer->close_when_connected;
  peer->is_closed |= close_now;
  unlock_peer (peer);
  if (close_now)
    mxr_transport_close (transport);
}

static void
on_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Peer *peer = user_data;
  lock_peer (peer);
  peer->n_rtp++;
  memcpy (peer->rtp, data, size);
  peer->rtp_bytes = size;
  const bool close_now = peer->close_on_rtp;
  peer->is_closed |= close_now;
  unlock_peer (peer);
  if (close_now)
    mxr_transport_close (transport);
}

static void
on_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Peer *peer = user_data;
  lock_peer (peer);
  peer->n_rtcp++;
  unlock_peer (peer);
}

static void
on_closed_by_peer (MxrTransport *transport, gpointer user_data)
{
  Peer *peer = user_data;
  lock_peer (peer);
  peer->n_closed_by_peer++;
  unlock_peer (peer);
}

static const MxrTransportEvents events = {
  on_local_candidate, on_gathering_done, on_state, on_rtp, on_rtcp, on_closed_by_peer,
};

/* ---- Calls --------------------------------------------------------------------------------------------- */

typedef struct {
  Peer *peer;
  void (*func) (Peer *peer, gpointer data);
  gpointer data;
  bool done;
} Call;

static void
make_call (gpointer data)
{
  Call *call = data;
  call->func (call->peer, call->data);
  g_mutex_lock (&call->peer->harness->lock);
  call->done = true;
  g_cond_broadcast (&call->peer->harness->changed);
  g_mutex_unlock (&call->peer->harness->lock);
}

void
harness_call (Peer *peer, void (*func) (Peer *peer, gpointer data), gpointer data)
{
  Call call = { peer, func, data, false };

  g_assert_true (mxr_mailbox_post (mxr_net_thread_get_mailbox (peer->thread), make_call, &call, NULL));
  g_mutex_lock (&peer->harness->lock);
  while (!call.done)
    g_cond_wait (&peer->harness->changed, &peer->harness->lock);
  g_mutex_unlock (&peer->harness->lock);
}

void
harness_wait (Harness *harness, bool (*condition) (Harness *harness))
{
  const gint64 end_us = g_get_monotonic_time () + PEER_WATCHDOG_S * G_USEC_PER_SEC;
  bool holds;

  g_mutex_lock (&harness->lock);
  while (!(holds = condition (harness)) && g_cond_wait_until (&harness->changed, &harness->lock, end_us))
    ;
  g_mutex_unlock (&harness->lock);
  if (!holds)
    g_test_message ("a: state %d \"%s\"; b: state %d \"%s\"", harness->a.state, harness->a.reason,
                    harness->b.state, harness->b.reason);
  g_assert_true (holds);
}

static void
do_open (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  peer->transport = mxr_transport_new (peer->thread, &events, peer, &error);
  g_assert_no_error (error);
}

void
peer_open (Peer *peer)
{
  peer->thread = mxr_net_pick (peer->harness->net);
  harness_call (peer, do_open, NULL);
}

static void
do_gather (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  mxr_transport_gather (peer->transport, &error);
  g_assert_no_error (error);
}

void
peer_gather (Peer *peer)
{
  harness_call (peer, do_gather, NULL);
}

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

typedef struct {
  char ufrag[257], pwd[257];
} Credentials;

static void
read_credentials (Peer *peer, gpointer data)
{
  Credentials *credentials = data;
  const char *ufrag, *pwd;
  mxr_transport_get_local_credentials (peer->transport, &ufrag, &pwd);
  g_strlcpy (credentials->ufrag, ufrag, sizeof credentials->ufrag);
  g_strlcpy (credentials->pwd, pwd, sizeof credentials->pwd);
}

static void
do_start (Peer *peer, gpointer data)
{
  g_autoptr (GError) error = NULL;
  mxr_transport_start (peer->transport, data, &error);
  g_assert_no_error (error);
}

void
peer_get_credentials (Peer *peer, char *out_ufrag, char *out_pwd)
{
  Credentials credentials;
  harness_call (peer, read_credentials, &credentials);
  g_strlcpy (out_ufrag, credentials.ufrag, sizeof credentials.ufrag);
  g_strlcpy (out_pwd, credentials.pwd, sizeof credentials.pwd);
}

void
peer_start_with_remote (Peer *peer, MxrTransportRemote *remote)
{
  harness_call (peer, do_start, remote);
}

void
peer_start_with (Peer *peer, const guint8 *fingerprint)
{
  Credentials credentials;
  harness_call (peer == &peer->harness->a ? &peer->harness->b : &peer->harness->a, read_credentials,
                &credentials);
  MxrTransportRemote remote = {
    .ufrag = credentials.ufrag,
    .pwd = credentials.pwd,
    .fingerprint_hash = "SHA-256",
    .fingerprint = fingerprint,
    .fingerprint_size = 32,
    .role = peer->role,
    .is_answerer = peer == &peer->harness->b,
  };
  peer_start_with_remote (peer, &remote);
}

void
peer_start (Peer *peer)
{
  guint8 digest[32];
  g_assert_cmpuint (parse_fingerprint (mxr_net_get_fingerprint (peer->harness->net), digest), ==, 32);
  peer_start_with (peer, digest);
}

static void
do_close (Peer *peer, gpointer data)
{
  if (peer->transport != NULL && !peer->is_closed)
    mxr_transport_close (peer->transport);
  peer->is_closed = true;
}

void
peer_close (Peer *peer)
{
  if (peer->thread != NULL)
    harness_call (peer, do_close, NULL);
}

typedef struct {
  guint16 sequence;
  MxrSendResult result;
} Sending;

static void
do_send (Peer *peer, gpointer data)
{
  Sending *sending = data;
  guint8 packet[200 + MXR_SRTP_TRAILER_BYTES] = {
    0x80, 96, (guint8) (sending->sequence >> 8), (guint8) sending->sequence, 0, 0, 0, 1, 1, 2, 3, 4
  };
  memset (packet + 12, sending->sequence & 0xff, 188);
  sending->result = mxr_transport_send_rtp (peer->transport, packet, 200, sizeof packet);
}

MxrSendResult
peer_send (Peer *peer, guint16 sequence)
{
  Sending sending = { sequence, MXR_SEND_OK };
  harness_call (peer, do_send, &sending);
  return sending.result;
}

static void
do_send_rtcp (Peer *peer, gpointer data)
{
  guint8 packet[8 + MXR_SRTP_TRAILER_BYTES] = { 0x80, 201, 0, 1, 1, 2, 3, 4 };
  *(MxrSendResult *) data = mxr_transport_send_rtcp (peer->transport, packet, 8, sizeof packet);
}

MxrSendResult
peer_send_rtcp (Peer *peer)
{
  MxrSendResult result;
  harness_call (peer, do_send_rtcp, &result);
  return result;
}

static void
do_get_stats (Peer *peer, gpointer data)
{
  mxr_transport_get_stats (peer->transport, data);
}

void
peer_get_stats (Peer *peer, MxrTransportStats *out_stats)
{
  harness_call (peer, do_get_stats, out_stats);
}

/* ---- Both ---------------------------------------------------------------------------------------------- */

static Harness *
make_harness (void)
{
  Harness *harness = g_new0 (Harness, 1);

  g_mutex_init (&harness->lock);
  g_cond_init (&harness->changed);
  harness->a = (Peer){ .harness = harness, .other = &harness->b, .role = MXR_DTLS_PASSIVE };
  harness->b = (Peer){ .harness = harness, .other = &harness->a, .role = MXR_DTLS_ACTIVE };
  return harness;
}

Harness *
harness_new (void (*configure) (MxrConfig *config))
{
  g_autoptr (GError) error = NULL;
  Harness *harness = make_harness ();

  harness->config = mxr_config_new ();
  mxr_config_set (harness->config, "ice.allow_loopback=true", &error);
  g_assert_no_error (error);
  mxr_config_set (harness->config, "ice.local_addresses=127.0.0.1", &error);
  g_assert_no_error (error);
  harness->config->media.net_threads = 2;
  if (configure != NULL)
    configure (harness->config);
  harness->net = mxr_net_new (harness->config, &error);
  g_assert_no_error (error);
  return harness;
}

Harness *
harness_new_beside (Harness *first)
{
  Harness *harness = make_harness ();

  harness->config = first->config;
  harness->net = first->net;
  harness->is_beside = true;
  return harness;
}

void
harness_free (Harness *harness)
{
  peer_close (&harness->a);
  peer_close (&harness->b);
  if (!harness->is_beside)
    g_clear_pointer (&harness->net, mxr_net_free);
  g_assert_cmpuint (harness->a.n_late + harness->b.n_late, ==, 0);
  if (!harness->is_beside)
    mxr_config_free (harness->config);
  g_mutex_clear (&harness->lock);
  g_cond_clear (&harness->changed);
  g_free (harness);
}

bool
are_connected (Harness *harness)
{
  return harness->a.state == MXR_TRANSPORT_CONNECTED && harness->b.state == MXR_TRANSPORT_CONNECTED;
}

void
harness_connect (Harness *harness)
{
  peer_open (&harness->a);
  peer_open (&harness->b);
  peer_start (&harness->a);
  peer_start (&harness->b);
  peer_gather (&harness->a);
  peer_gather (&harness->b);
  harness_wait (harness, are_connected);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

guint
count_descriptors (void)
{
  return count_entries ("/proc/self/fd");
}

guint
count_threads (void)
{
  return count_entries ("/proc/self/task");
}
