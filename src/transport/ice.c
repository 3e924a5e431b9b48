#include "ice.h"

#include <nice/agent.h>
#include <string.h>

#include "ice-candidate.h"
#include "ice-cleanup.h"
#include "ice-loop.h"
#include "ice-media.h"
#include "mixroom/limits.h"

#define COMPONENT NICE_COMPONENT_TYPE_RTP

struct _MxrIce {
  NiceAgent *agent;
  guint stream;
  const MxrIceEnv *env;
  MxrIceLoop *loop;
  const MxrIceEvents *events;
  gpointer user_data;
  void (*on_closed) (gpointer user_data);
  MxrIceKeys keys;
  MxrIceMedia *media;
};

/* ---- Beside libnice ------------------------------------------------------------------------------------- */

static void
divide_ports (MxrIce *ice)
{
  g_autoptr (GPtrArray) sockets = nice_agent_get_sockets (ice->agent, ice->stream, COMPONENT);
  if (sockets != NULL)
    mxr_ice_media_divide (ice->media, sockets);
}

static void
follow_pair (MxrIce *ice)
{
  g_autoptr (GSocket) socket = nice_agent_get_selected_socket (ice->agent, ice->stream, COMPONENT);
  NiceCandidate *local, *remote;
  const bool has_pair = nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote);

  mxr_ice_media_follow (ice->media, socket, has_pair ? &remote->addr : NULL);
}

static void
on_loop_ready (int fd, gpointer data)
{
  MxrIce *ice = data;
  mxr_ice_media_peek (ice->media, fd);
}

/* ---- What libnice says --------------------------------------------------------------------------------- */

static void
announce (MxrIce *ice, const NiceCandidate *candidate)
{
  g_autofree char *text = mxr_ice_candidate_describe (candidate, ice->env->config->ice.public_address);
  if (text != NULL)
    ice->events->on_candidate (text, ice->user_data);
}

static void
on_new_candidate (NiceAgent *agent, NiceCandidate *candidate, gpointer user_data)
{
  /* Before anybody knows the port: nothing is on its way to it. */
  divide_ports (user_data);
  announce (user_data, candidate);
}

static void
on_gathering_done (NiceAgent *agent, guint stream, gpointer user_data)
{
  MxrIce *ice = user_data;
  ice->events->on_gathering_done (ice->user_data);
}

static void
on_selected_pair (NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                  NiceCandidate *remote, gpointer user_data)
{
  MxrIce *ice = user_data;

  follow_pair (ice);
  ice->events->on_pair (ice->user_data);
}

static void
on_component_state (NiceAgent *agent, guint stream, guint component, guint state, gpointer user_data)
{
  MxrIce *ice = user_data;
  guint n_moves;

  /* Of the path that libnice knows, which the peer has left: the media's own is asked by itself. */
  if (mxr_ice_media_get_moved (ice->media, &n_moves) != NULL)
    return;
  if (state == NICE_COMPONENT_STATE_FAILED)
    ice->events->on_failed (ice->user_data);
}

/* Only from addresses that a valid check came from or was answered by: component_io_cb() of libnice drops the
 * others (nice_component_verify_remote_candidate). TCP frames (RFC 4571) are whole here. */
static void
on_data (NiceAgent *agent, guint stream, guint component, guint size, char *data, gpointer user_data)
{
  MxrIce *ice = user_data;
  ice->events->on_data ((guint8 *) data, size, g_get_monotonic_time (), ice->user_data);
}

/* ---- Making one ---------------------------------------------------------------------------------------- */

/* "HOST:PORT", an IPv6 address in brackets. */
static char *
split_server (const char *server, guint *out_port)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (server, 3478, NULL);
  if (server[0] == '\0' || address == NULL)
    return NULL;
  *out_port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  return g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
}

/* A name for each peer, so that a relay's quota for one user is not all peers'. */
static void
add_relay (MxrIce *ice)
{
  const MxrConfig *config = ice->env->config;
  guint port = 0;
  g_autofree char *host = split_server (config->ice.turn_server, &port);
  g_autofree char *user = g_strconcat ("server-", ice->keys.ufrag, NULL);
  g_auto (MxrTurnLogin) login = { NULL, NULL };

  if (host == NULL)
    return;
  mxr_turn_login_init (&login, config, user, g_get_real_time () / G_USEC_PER_SEC);
  nice_agent_set_relay_info (ice->agent, ice->stream, COMPONENT, host, port, login.username, login.password,
                             NICE_RELAY_TYPE_TURN_UDP);
}

static void
configure (MxrIce *ice)
{
  const MxrConfig *config = ice->env->config;
  guint port = 0;

  /* Consent stays off: its 10 s with checks every 4 to 6 s end calls at 5 % loss. keepalive-conncheck asks
   * for answers and gives up after 50 s without one; our own consent is in transport.c. */
  g_object_set (ice->agent, "upnp", FALSE, "ice-tcp", (gboolean) config->ice.tcp, "controlling-mode", FALSE,
                "keepalive-conncheck", TRUE, NULL);
  g_autofree char *stun = split_server (config->ice.stun_server, &port);
  if (stun != NULL)
    g_object_set (ice->agent, "stun-server", stun, "stun-server-port", port, NULL);
  add_relay (ice);
  if (config->ice.udp_port_max > 0)
    nice_agent_set_port_range (ice->agent, ice->stream, COMPONENT, config->ice.udp_port_min,
                               config->ice.udp_port_max);
}

static void
refresh_credentials (MxrIce *ice)
{
  g_clear_pointer (&ice->keys.ufrag, g_free);
  g_clear_pointer (&ice->keys.pwd, g_free);
  nice_agent_get_local_credentials (ice->agent, ice->stream, &ice->keys.ufrag, &ice->keys.pwd);
}

static void
listen_to (MxrIce *ice)
{
  g_signal_connect (ice->agent, "new-candidate-full", G_CALLBACK (on_new_candidate), ice);
  g_signal_connect (ice->agent, "candidate-gathering-done", G_CALLBACK (on_gathering_done), ice);
  g_signal_connect (ice->agent, "new-selected-pair-full", G_CALLBACK (on_selected_pair), ice);
  g_signal_connect (ice->agent, "component-state-changed", G_CALLBACK (on_component_state), ice);
  nice_agent_attach_recv (ice->agent, ice->stream, COMPONENT, mxr_ice_loop_get_context (ice->loop), on_data, ice);
}

static void
free_ice (MxrIce *ice)
{
  g_clear_object (&ice->agent);
  g_clear_pointer (&ice->loop, mxr_ice_loop_free);
  mxr_ice_media_free (ice->media);
  g_free (ice->keys.ufrag);
  g_free (ice->keys.pwd);
  g_free (ice->keys.remote_ufrag);
  g_free (ice->keys.remote_pwd);
  g_free (ice);
}

MxrIce *
mxr_ice_new (const MxrIceEnv *env, const MxrIceEvents *events, gpointer user_data, GError **error)
{
  MxrIce *ice = g_new0 (MxrIce, 1);

  ice->env = env;
  ice->events = events;
  ice->user_data = user_data;
  ice->media = mxr_ice_media_new (env, &ice->keys, events, user_data);
  ice->loop = mxr_ice_loop_new (env->context, env->poller, env->timers, on_loop_ready, ice);
  ice->agent = nice_agent_new_full (mxr_ice_loop_get_context (ice->loop), NICE_COMPATIBILITY_RFC5245,
                                    NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION);
  ice->stream = nice_agent_add_stream (ice->agent, 1);
  if (ice->stream == 0) {
    free_ice (ice);
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "no ICE stream");
    return NULL;
  }
  refresh_credentials (ice);
  configure (ice);
  listen_to (ice);
  return ice;
}

static void
on_agent_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrIce *ice = user_data;
  void (*on_closed) (gpointer) = ice->on_closed;
  const gpointer closed_data = ice->user_data;

  free_ice (ice);
  on_closed (closed_data);
}

void
mxr_ice_close (MxrIce *ice, void (*on_closed) (gpointer user_data))
{
  mxr_ice_media_close (ice->media);
  g_signal_handlers_disconnect_by_data (ice->agent, ice);
  nice_agent_attach_recv (ice->agent, ice->stream, COMPONENT, mxr_ice_loop_get_context (ice->loop), NULL, NULL);
  ice->on_closed = on_closed;
  nice_agent_close_async (ice->agent, on_agent_closed, ice);
}

const char *
mxr_ice_get_ufrag (const MxrIce *ice)
{
  return ice->keys.ufrag;
}

const char *
mxr_ice_get_pwd (const MxrIce *ice)
{
  return ice->keys.pwd;
}

/* ---- The steps of RFC 8445 ----------------------------------------------------------------------------- */

bool
mxr_ice_gather (MxrIce *ice, GError **error)
{
  g_autoptr (GPtrArray) addresses = mxr_ice_candidate_list_addresses (ice->env->config);
  for (guint i = 0; i < addresses->len; i++) {
    NiceAddress address;
    nice_address_init (&address);
    if (nice_address_set_from_string (&address, g_ptr_array_index (addresses, i)))
      nice_agent_add_local_address (ice->agent, &address);
  }
  if (addresses->len > 0 && nice_agent_gather_candidates (ice->agent, ice->stream))
    return true;
  g_set_error (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "cannot gather candidates: %s",
               addresses->len == 0 ? "no usable local address" : "no free port or no socket");
  return false;
}

static void
set_remote_keys (MxrIce *ice, const char *ufrag, const char *pwd)
{
  g_free (ice->keys.remote_ufrag);
  g_free (ice->keys.remote_pwd);
  ice->keys.remote_ufrag = g_strdup (ufrag);
  ice->keys.remote_pwd = g_strdup (pwd);
}

void
mxr_ice_set_remote (MxrIce *ice, const char *ufrag, const char *pwd, bool is_controlling)
{
  set_remote_keys (ice, ufrag, pwd);
  ice->keys.is_controlling = is_controlling;
  g_object_set (ice->agent, "controlling-mode", (gboolean) is_controlling, NULL);
  nice_agent_set_remote_credentials (ice->agent, ice->stream, ufrag, pwd);
}

void
mxr_ice_add_candidate (MxrIce *ice, const MxrCandidate *candidate)
{
  g_autoptr (NiceCandidate) nice = mxr_ice_candidate_to_nice (candidate, ice->stream);
  GSList list = { nice, NULL };

  nice_agent_set_remote_candidates (ice->agent, ice->stream, COMPONENT, &list);
}

void
mxr_ice_end_of_candidates (MxrIce *ice)
{
  nice_agent_peer_candidate_gathering_done (ice->agent, ice->stream);
}

/* libnice wants this very order: credentials that come before the restart are wiped by it. */
void
mxr_ice_restart (MxrIce *ice, const char *ufrag, const char *pwd)
{
  nice_agent_restart (ice->agent);
  refresh_credentials (ice);
  set_remote_keys (ice, ufrag, pwd);
  mxr_ice_media_restart (ice->media);
  nice_agent_set_remote_credentials (ice->agent, ice->stream, ufrag, pwd);

  GSList *candidates = nice_agent_get_local_candidates (ice->agent, ice->stream, COMPONENT);
  for (GSList *item = candidates; item != NULL; item = item->next)
    announce (ice, item->data);
  g_slist_free_full (candidates, (GDestroyNotify) nice_candidate_free);
  ice->events->on_gathering_done (ice->user_data);
}

static guint
send_through_agent (MxrIce *ice, guint8 *const *datas, const gsize *sizes, guint n_datagrams, gsize *out_bytes)
{
  GOutputVector vectors[MXR_TRANSPORT_BATCH_MAX];
  NiceOutputMessage messages[MXR_TRANSPORT_BATCH_MAX];

  for (guint i = 0; i < n_datagrams; i++) {
    vectors[i] = (GOutputVector){ datas[i], sizes[i] };
    messages[i] = (NiceOutputMessage){ &vectors[i], 1 };
  }
  const gint n_sent = nice_agent_send_messages_nonblocking (ice->agent, ice->stream, COMPONENT, messages,
                                                            n_datagrams, NULL, NULL);
  *out_bytes = 0;
  for (gint i = 0; i < n_sent; i++)
    *out_bytes += sizes[i];
  return n_sent < 0 ? 0 : (guint) n_sent;
}

guint
mxr_ice_send (MxrIce *ice, guint8 *const *datas, const gsize *sizes, guint n_datagrams, gsize *out_bytes)
{
  *out_bytes = 0;
  g_return_val_if_fail (n_datagrams <= MXR_TRANSPORT_BATCH_MAX, 0);
  if (mxr_ice_media_can_send (ice->media))
    return mxr_ice_media_send (ice->media, datas, sizes, n_datagrams, out_bytes);
  return send_through_agent (ice, datas, sizes, n_datagrams, out_bytes);
}

void
mxr_ice_heard (MxrIce *ice, gint64 now_us)
{
  mxr_ice_media_heard (ice->media, now_us);
}

/* ---- Looking ------------------------------------------------------------------------------------------- */

static void
write_address (const NiceAddress *address, char *out_text, gsize size)
{
  char text[NICE_ADDRESS_STRING_LEN];

  nice_address_to_string (address, text);
  g_snprintf (out_text, size, nice_address_ip_version (address) == 6 ? "[%s]:%u" : "%s:%u", text,
              nice_address_get_port (address));
}

/* Who was followed is somewhere that no candidate named. */
static void
describe_move (MxrIce *ice, MxrIcePair *pair)
{
  const MxrUdpAddress *moved = mxr_ice_media_get_moved (ice->media, &pair->n_moves);
  NiceAddress address;

  if (moved == NULL)
    return;
  nice_address_init (&address);
  nice_address_set_from_sockaddr (&address, &moved->sa);
  write_address (&address, pair->remote_address, sizeof pair->remote_address);
  pair->local_type = "host";
  pair->remote_type = "prflx";
  pair->protocol = "udp";
}

void
mxr_ice_get_pair (MxrIce *ice, MxrIcePair *out_pair)
{
  NiceCandidate *local, *remote;

  *out_pair = (MxrIcePair){ .local_type = "", .remote_type = "", .protocol = "" };
  if (nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote)) {
    out_pair->local_type = mxr_ice_candidate_type_name (local->type);
    out_pair->remote_type = mxr_ice_candidate_type_name (remote->type);
    out_pair->protocol = local->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp";
    write_address (&remote->addr, out_pair->remote_address, sizeof out_pair->remote_address);
  }
  describe_move (ice, out_pair);
}
