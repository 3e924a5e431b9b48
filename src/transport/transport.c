#include "transport-private.h"

#include <string.h>

/* Life of a transport: made, gathering, started, connected, failed, closed; and the peer's consent. */

#define TICK_US G_USEC_PER_SEC

static gint64
consent_timeout_us (const MxrTransport *transport)
{
  return transport->thread->net->config->ice.consent_timeout_s * (gint64) G_USEC_PER_SEC;
}

static void
set_state (MxrTransport *transport, MxrTransportState state, const char *reason)
{
  transport->state = state;
  if (transport->events->on_state != NULL)
    transport->events->on_state (transport, state, reason, transport->user_data);
}

void
mxr_transport_fail (MxrTransport *transport, const char *reason)
{
  if (transport->is_closed || transport->is_hung_up || transport->state == MXR_TRANSPORT_FAILED)
    return;
  set_state (transport, MXR_TRANSPORT_FAILED, reason);
}

/* ---- Consent: RFC 7675 --------------------------------------------------------------------------------- */

/* Over TCP and relays libnice keeps STUN to itself; SRTP and SRTCP count alone there, and a client that sends
 * or receives anything sends reports every few seconds. libnice's own limit of 50 s without an answer to its
 * checks stands behind this one, as on_ice_failed(): it matches answers with questions, which we cannot. */
static void
check_consent (MxrTransport *transport, gint64 now_us)
{
  const gint64 silent_us = now_us - transport->last_received_us;

  if (silent_us > consent_timeout_us (transport))
    mxr_transport_fail (transport, "consent expired");
  else if (transport->ice_failed_us != 0 &&
           now_us - MAX (transport->ice_failed_us, transport->last_received_us) > MXR_TRANSPORT_ICE_GRACE_US)
    mxr_transport_fail (transport, "ICE failed");
}

static gint64
tick_interval_us (const MxrTransport *transport)
{
  return MIN (TICK_US, consent_timeout_us (transport) / 4);
}

/* The ticks of all of a thread's transports fall together, for one wake-up. */
static void
schedule_tick (MxrTransport *transport, gint64 now_us)
{
  const gint64 interval_us = tick_interval_us (transport);
  mxr_timers_set (transport->thread->ice.timers, &transport->tick, (now_us / interval_us + 1) * interval_us);
}

static void
on_tick (gpointer data)
{
  MxrTransport *transport = data;
  const gint64 now_us = g_get_monotonic_time ();

  schedule_tick (transport, now_us);
  if (transport->state == MXR_TRANSPORT_CONNECTING &&
      now_us - transport->started_us > MXR_TRANSPORT_CONNECT_DEADLINE_US)
    mxr_transport_fail (transport,
                        transport->has_pair ? "no DTLS handshake in time" : "no ICE connection in time");
  else if (transport->state == MXR_TRANSPORT_CONNECTED)
    check_consent (transport, now_us);
}

static void
start_tick (MxrTransport *transport)
{
  transport->started_us = g_get_monotonic_time ();
  schedule_tick (transport, transport->started_us);
}

/* ---- What ICE says ------------------------------------------------------------------------------------- */

static void
on_ice_candidate (const char *candidate, gpointer user_data)
{
  MxrTransport *transport = user_data;
  if (!transport->is_closed && transport->events->on_local_candidate != NULL)
    transport->events->on_local_candidate (transport, candidate, transport->user_data);
}

static void
on_ice_gathering_done (gpointer user_data)
{
  MxrTransport *transport = user_data;
  if (!transport->is_closed && transport->events->on_gathering_done != NULL)
    transport->events->on_gathering_done (transport, transport->user_data);
}

static void
on_ice_pair (gpointer user_data)
{
  MxrTransport *transport = user_data;
  transport->stats.pairs_selected++;
  mxr_transport_pair_ready (transport);
}

/* No end while connecting: a peer whose candidates were all hidden behind .local names comes as
 * peer-reflexive when it likes. The deadline is the end. */
static void
on_ice_failed (gpointer user_data)
{
  MxrTransport *transport = user_data;
  if (transport->state == MXR_TRANSPORT_CONNECTED && transport->ice_failed_us == 0)
    transport->ice_failed_us = g_get_monotonic_time ();
}

static void
on_ice_data (guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  mxr_transport_receive (user_data, data, size, now_us);
}

static void
on_ice_authentic_stun (gpointer user_data)
{
  MxrTransport *transport = user_data;
  if (transport->state == MXR_TRANSPORT_CONNECTED)
    transport->last_received_us = g_get_monotonic_time ();
  transport->stats.stun_seen++;
}

static const MxrIceEvents ice_events = {
  .on_candidate = on_ice_candidate,
  .on_gathering_done = on_ice_gathering_done,
  .on_pair = on_ice_pair,
  .on_failed = on_ice_failed,
  .on_data = on_ice_data,
  .on_authentic_stun = on_ice_authentic_stun,
};

/* ---- Beginning and end --------------------------------------------------------------------------------- */

MxrTransport *
mxr_transport_new (MxrNetThread *thread, const MxrTransportEvents *events, gpointer user_data, GError **error)
{
  g_return_val_if_fail (mxr_net_thread_is_current (thread), NULL);

  if (thread->quitting) {
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED,
                         "the network is shutting down");
    return NULL;
  }
  MxrTransport *transport = g_new0 (MxrTransport, 1);
  transport->thread = thread;
  transport->events = events;
  transport->user_data = user_data;
  transport->tick = (MxrTimer){ .func = on_tick, .data = transport };
  transport->dtls_timer = (MxrTimer){ .func = mxr_transport_handle_dtls_timer, .data = transport };
  transport->ice = mxr_ice_new (&thread->ice, &ice_events, transport, error);
  if (transport->ice == NULL) {
    g_free (transport);
    return NULL;
  }
  mxr_net_thread_add (thread, transport);
  return transport;
}

static void
on_ice_closed (gpointer user_data)
{
  MxrTransport *transport = user_data;
  MxrNetThread *thread = transport->thread;

  g_clear_pointer (&transport->dtls, mxr_dtls_free);
  g_clear_pointer (&transport->srtp, mxr_srtp_free);
  g_free (transport->remote_ufrag);
  g_free (transport);
  mxr_net_thread_forget (thread);
}

/* Everything stays in memory until ICE is closed, which never happens under a caller's feet: so this is safe
 * from inside any event. */
void
mxr_transport_close (MxrTransport *transport)
{
  g_return_if_fail (mxr_net_thread_is_current (transport->thread));
  g_return_if_fail (!transport->is_closed);

  transport->is_closed = true;
  mxr_transport_end_dtls (transport);
  mxr_timers_clear (transport->thread->ice.timers, &transport->tick);
  mxr_net_thread_remove (transport->thread, transport);
  mxr_ice_close (transport->ice, on_ice_closed);
}

MxrNetThread *
mxr_transport_get_thread (MxrTransport *transport)
{
  return transport->thread;
}

MxrTransportState
mxr_transport_get_state (MxrTransport *transport)
{
  return transport->state;
}

/* ---- Negotiation --------------------------------------------------------------------------------------- */

void
mxr_transport_get_local_credentials (MxrTransport *transport, const char **out_ufrag, const char **out_pwd)
{
  *out_ufrag = mxr_ice_get_ufrag (transport->ice);
  *out_pwd = mxr_ice_get_pwd (transport->ice);
}

bool
mxr_transport_gather (MxrTransport *transport, GError **error)
{
  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), false);
  g_return_val_if_fail (!transport->is_gathering_begun, false);

  transport->is_gathering_begun = true;
  return mxr_ice_gather (transport->ice, error);
}

/* RFC 8839 5.4. */
static bool
are_credentials (const char *ufrag, const char *pwd, GError **error)
{
  if (ufrag != NULL && pwd != NULL && mxr_candidate_is_ice_text (ufrag, 4, MXR_UFRAG_MAX_CHARS) &&
      mxr_candidate_is_ice_text (pwd, 22, MXR_UFRAG_MAX_CHARS))
    return true;
  g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_BAD_ARGUMENT,
                       "ICE credentials out of range");
  return false;
}

static void
set_remote_ufrag (MxrTransport *transport, const char *ufrag)
{
  g_free (transport->remote_ufrag);
  transport->remote_ufrag = g_strdup (ufrag);
}

bool
mxr_transport_start (MxrTransport *transport, const MxrTransportRemote *remote, GError **error)
{
  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), false);
  g_return_val_if_fail (transport->dtls == NULL, false);

  if (!are_credentials (remote->ufrag, remote->pwd, error) ||
      !mxr_transport_begin_dtls (transport, remote, error))
    return false;
  set_remote_ufrag (transport, remote->ufrag);
  start_tick (transport);
  set_state (transport, MXR_TRANSPORT_CONNECTING, NULL);
  if (!transport->is_closed)
    mxr_ice_set_remote (transport->ice, remote->ufrag, remote->pwd,
                        remote->is_lite || remote->is_answerer);
  return true;
}

static bool
is_duplicate (const MxrTransport *transport, const MxrCandidate *candidate)
{
  for (guint i = 0; i < transport->n_candidates; i++) {
    const MxrCandidate *other = &transport->candidates[i];
    if (other->is_tcp == candidate->is_tcp &&
        memcmp (&other->address, &candidate->address, sizeof other->address) == 0)
      return true;
  }
  return false;
}

/* A candidate may say which generation it belongs to; late ones of the last are of no use. RFC 8840 4.1 */
static bool
is_outdated (const MxrTransport *transport, const MxrCandidate *candidate)
{
  return candidate->ufrag[0] != '\0' && transport->remote_ufrag != NULL &&
         strcmp (candidate->ufrag, transport->remote_ufrag) != 0;
}

static bool
take_candidate (MxrTransport *transport, const MxrCandidate *candidate, GError **error)
{
  if (is_duplicate (transport, candidate) || is_outdated (transport, candidate))
    return true;
  if (transport->n_candidates == MXR_CANDIDATES_MAX) {
    g_set_error (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_TOO_MANY_CANDIDATES,
                 "more than %d candidates", MXR_CANDIDATES_MAX);
    return false;
  }
  transport->candidates[transport->n_candidates++] = *candidate;
  mxr_ice_add_candidate (transport->ice, candidate);
  return true;
}

bool
mxr_transport_add_candidate (MxrTransport *transport, const char *candidate, GError **error)
{
  const MxrConfig *config = transport->thread->net->config;
  const MxrCandidatePolicy policy = { config->ice.allow_loopback, config->ice.ipv6, config->ice.tcp };
  MxrCandidate parsed;

  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), false);
  switch (mxr_candidate_parse (candidate, &policy, &parsed)) {
  case MXR_CANDIDATE_OK:
    return take_candidate (transport, &parsed, error);
  case MXR_CANDIDATE_SKIP:
    return true;
  case MXR_CANDIDATE_FORBIDDEN:
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FORBIDDEN_CANDIDATE,
                         "the candidate's address is none we send to");
    return false;
  default:
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_BAD_CANDIDATE,
                         "not a candidate-attribute of RFC 8839");
    return false;
  }
}

void
mxr_transport_end_of_candidates (MxrTransport *transport)
{
  g_return_if_fail (mxr_net_thread_is_current (transport->thread));
  mxr_ice_end_of_candidates (transport->ice);
}

bool
mxr_transport_restart_ice (MxrTransport *transport, const char *ufrag, const char *pwd, GError **error)
{
  g_return_val_if_fail (mxr_net_thread_is_current (transport->thread), false);
  g_return_val_if_fail (transport->dtls != NULL, false);

  if (!are_credentials (ufrag, pwd, error))
    return false;
  set_remote_ufrag (transport, ufrag);
  transport->n_candidates = 0;
  transport->ice_failed_us = 0;
  mxr_ice_restart (transport->ice, ufrag, pwd);
  return true;
}

/* ---- Looking ------------------------------------------------------------------------------------------- */

void
mxr_transport_get_stats (MxrTransport *transport, MxrTransportStats *out_stats)
{
  g_return_if_fail (mxr_net_thread_is_current (transport->thread));

  mxr_ice_get_pair (transport->ice, &transport->pair);
  *out_stats = transport->stats;
  out_stats->local_type = transport->pair.local_type;
  out_stats->remote_type = transport->pair.remote_type;
  out_stats->protocol = transport->pair.protocol;
  out_stats->peer_moves = transport->pair.n_moves;
  out_stats->remote_address = transport->pair.remote_address;
  if (transport->dtls != NULL)
    out_stats->drop_dtls += mxr_dtls_get_drops (transport->dtls);
}

gint64
mxr_transport_get_last_received_us (MxrTransport *transport)
{
  return transport->last_received_us;
}
