#include "ice.h"

#include <nice/agent.h>
#include <string.h>
#include <sys/epoll.h>

#include "ice-candidate.h"
#include "ice-cleanup.h"
#include "ice-loop.h"
#include "mixroom/limits.h"
#include "stun-peek.h"
#include "stun.h"

#define COMPONENT NICE_COMPONENT_TYPE_RTP
/* Addresses a peer sends checks from: two families, two networks, and those of its last networks. */
#define VALIDATED_MAX 8

struct _MxrIce {
  NiceAgent *agent;
  guint stream;
  const MxrIceEnv *env;
  MxrIceLoop *loop;
  const MxrIceEvents *events;
  gpointer user_data;
  void (*on_closed) (gpointer user_data);
  char *ufrag, *pwd;
  char *remote_pwd;
  GPtrArray *ports; /* MxrUdpPort, beside libnice's UDP sockets */
  GArray *stuns;    /* int: libnice's UDP sockets */
  MxrUdpPort *selected_port; /* one of ports; NULL: libnice sends */
  MxrUdpAddress selected_remote;
  MxrUdpAddress validated[VALIDATED_MAX];
  guint n_validated; /* ever; the newest take the place of the oldest */
};

/* ---- What does not go through libnice -------------------------------------------------------------------- */

static bool
is_validated (const MxrIce *ice, const MxrUdpAddress *address)
{
  if (ice->selected_port != NULL && mxr_udp_address_equal (&ice->selected_remote, address))
    return true;
  for (guint i = 0; i < MIN (ice->n_validated, VALIDATED_MAX); i++)
    if (mxr_udp_address_equal (&ice->validated[i], address))
      return true;
  return false;
}

/* As nice_component_verify_remote_candidate() of libnice has it: who sent a check that only a holder of our password
 * could write may send media from there. */
static void
on_stun (const MxrUdpAddress *from, const guint8 *data, gsize size, gpointer user_data)
{
  MxrIce *ice = user_data;
  const MxrStunKind kind = mxr_stun_authenticate (data, size, ice->pwd, ice->remote_pwd);

  if (kind == MXR_STUN_FORGED)
    return;
  if (kind == MXR_STUN_REQUEST && !is_validated (ice, from))
    ice->validated[ice->n_validated++ % VALIDATED_MAX] = *from;
  ice->events->on_authentic_stun (ice->user_data);
}

static void
on_loop_ready (int fd, gpointer data)
{
  MxrIce *ice = data;

  for (guint i = 0; i < ice->stuns->len; i++)
    if (g_array_index (ice->stuns, int, i) == fd)
      mxr_stun_peek (fd, on_stun, ice);
}

static void
on_datagram (const MxrUdpAddress *from, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  MxrIce *ice = user_data;

  if (is_validated (ice, from))
    ice->events->on_data (data, size, now_us, ice->user_data);
}

static bool
on_port_ready (int fd, gpointer data)
{
  MxrIce *ice = data;

  for (guint i = 0; i < ice->ports->len; i++) {
    MxrUdpPort *port = g_ptr_array_index (ice->ports, i);
    if (mxr_udp_port_get_fd (port) == fd)
      return mxr_udp_port_read (port, ice->env->reader, on_datagram, ice);
  }
  return false;
}

static void
divide_port (MxrIce *ice, int stun)
{
  g_autoptr (GError) error = NULL;
  MxrUdpPort *port = mxr_udp_port_new (stun, ice->env->has_gro, &error);

  g_array_append_val (ice->stuns, stun);
  if (port == NULL) {
    mxr_debug ("transport", "media goes through libnice: %s", error->message);
    return;
  }
  g_ptr_array_add (ice->ports, port);
  mxr_poller_add (ice->env->poller, mxr_udp_port_get_fd (port), EPOLLIN, MXR_POLLER_SECOND, on_port_ready, ice);
}

static bool
is_divided (const MxrIce *ice, int stun)
{
  for (guint i = 0; i < ice->stuns->len; i++)
    if (g_array_index (ice->stuns, int, i) == stun)
      return true;
  return false;
}

/* Sockets of ours that ICE has opened since the last time. */
static void
divide_ports (MxrIce *ice)
{
  g_autoptr (GPtrArray) sockets = nice_agent_get_sockets (ice->agent, ice->stream, COMPONENT);

  for (guint i = 0; sockets != NULL && i < sockets->len; i++) {
    GSocket *socket = g_ptr_array_index (sockets, i);
    const int fd = g_socket_get_fd (socket);
    if (g_socket_get_socket_type (socket) == G_SOCKET_TYPE_DATAGRAM && !is_divided (ice, fd))
      divide_port (ice, fd);
  }
}

static MxrUdpPort *
find_port (const MxrIce *ice, int stun)
{
  for (guint i = 0; i < ice->ports->len; i++) {
    MxrUdpPort *port = g_ptr_array_index (ice->ports, i);
    if (mxr_udp_port_get_stun_fd (port) == stun)
      return port;
  }
  return NULL;
}

/* There is no such socket over TCP and through a relay. */
static void
follow_pair (MxrIce *ice)
{
  g_autoptr (GSocket) socket = nice_agent_get_selected_socket (ice->agent, ice->stream, COMPONENT);
  NiceCandidate *local, *remote;

  ice->selected_port = NULL;
  if (socket == NULL || !nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote))
    return;
  ice->selected_port = find_port (ice, g_socket_get_fd (socket));
  nice_address_copy_to_sockaddr (&remote->addr, &ice->selected_remote.sa);
}

static void
close_ports (MxrIce *ice)
{
  ice->selected_port = NULL;
  g_array_set_size (ice->stuns, 0);
  for (guint i = 0; i < ice->ports->len; i++) {
    MxrUdpPort *port = g_ptr_array_index (ice->ports, i);
    mxr_poller_remove (ice->env->poller, mxr_udp_port_get_fd (port), ice);
    mxr_udp_port_close (port);
  }
}

/* ---- What libnice says
 * --------------------------------------------------------------------------------------- */

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

/* ---- Making one
 * ------------------------------------------------------------------------------------------------ */

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
  g_autofree char *turn = split_server (config->ice.turn_server, &port);
  if (turn != NULL)
    nice_agent_set_relay_info (ice->agent, ice->stream, COMPONENT, turn, port, config->ice.turn_username,
                               config->ice.turn_password, NICE_RELAY_TYPE_TURN_UDP);
  if (config->ice.udp_port_max > 0)
    nice_agent_set_port_range (ice->agent, ice->stream, COMPONENT, config->ice.udp_port_min,
                               config->ice.udp_port_max);
}

static void
refresh_credentials (MxrIce *ice)
{
  g_clear_pointer (&ice->ufrag, g_free);
  g_clear_pointer (&ice->pwd, g_free);
  nice_agent_get_local_credentials (ice->agent, ice->stream, &ice->ufrag, &ice->pwd);
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
  g_ptr_array_unref (ice->ports);
  g_array_unref (ice->stuns);
  g_free (ice->ufrag);
  g_free (ice->pwd);
  g_free (ice->remote_pwd);
  g_free (ice);
}

MxrIce *
mxr_ice_new (const MxrIceEnv *env, const MxrIceEvents *events, gpointer user_data, GError **error)
{
  MxrIce *ice = g_new0 (MxrIce, 1);

  ice->env = env;
  ice->events = events;
  ice->user_data = user_data;
  ice->ports = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_udp_port_free);
  ice->stuns = g_array_new (FALSE, FALSE, sizeof (int));
  ice->loop = mxr_ice_loop_new (env->poller, env->timers, on_loop_ready, ice);
  ice->agent = nice_agent_new_full (mxr_ice_loop_get_context (ice->loop), NICE_COMPATIBILITY_RFC5245,
                                    NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION);
  ice->stream = nice_agent_add_stream (ice->agent, 1);
  if (ice->stream == 0) {
    free_ice (ice);
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "no ICE stream");
    return NULL;
  }
  configure (ice);
  refresh_credentials (ice);
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
  close_ports (ice);
  g_signal_handlers_disconnect_by_data (ice->agent, ice);
  nice_agent_attach_recv (ice->agent, ice->stream, COMPONENT, mxr_ice_loop_get_context (ice->loop), NULL, NULL);
  ice->on_closed = on_closed;
  nice_agent_close_async (ice->agent, on_agent_closed, ice);
}

const char *
mxr_ice_get_ufrag (const MxrIce *ice)
{
  return ice->ufrag;
}

const char *
mxr_ice_get_pwd (const MxrIce *ice)
{
  return ice->pwd;
}

/* ---- The steps of RFC 8445
 * ---------------------------------------------------------------------------------------- */

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

void
mxr_ice_set_remote (MxrIce *ice, const char *ufrag, const char *pwd, bool is_controlling)
{
  g_free (ice->remote_pwd);
  ice->remote_pwd = g_strdup (pwd);
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
  g_free (ice->remote_pwd);
  ice->remote_pwd = g_strdup (pwd);
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
  G_STATIC_ASSERT (MXR_TRANSPORT_BATCH_MAX <= MXR_UDP_SEND_MAX);
  *out_bytes = 0;
  g_return_val_if_fail (n_datagrams <= MXR_TRANSPORT_BATCH_MAX, 0);
  if (ice->selected_port != NULL)
    return mxr_udp_port_send (ice->selected_port, &ice->selected_remote, datas, sizes, n_datagrams, out_bytes);
  return send_through_agent (ice, datas, sizes, n_datagrams, out_bytes);
}

/* ---- Looking
 * ---------------------------------------------------------------------------------------------------------
 */

void
mxr_ice_get_pair (MxrIce *ice, MxrIcePair *out_pair)
{
  NiceCandidate *local, *remote;
  char address[NICE_ADDRESS_STRING_LEN];

  *out_pair = (MxrIcePair){ "", "", "", "" };
  if (!nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote))
    return;
  out_pair->local_type = mxr_ice_candidate_type_name (local->type);
  out_pair->remote_type = mxr_ice_candidate_type_name (remote->type);
  out_pair->protocol = local->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp";
  nice_address_to_string (&remote->addr, address);
  const bool is_ipv6 = nice_address_ip_version (&remote->addr) == 6;
  g_snprintf (out_pair->remote_address, sizeof out_pair->remote_address, is_ipv6 ? "[%s]:%u" : "%s:%u",
              address, nice_address_get_port (&remote->addr));
}
