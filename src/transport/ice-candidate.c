#include "ice-candidate.h"

#include <nice/interfaces.h>
#include <string.h>

/* Each costs up to two sockets a peer. */
#define ADDRESSES_MAX 16

static const NiceCandidateType types[] = {
  [MXR_CANDIDATE_HOST] = NICE_CANDIDATE_TYPE_HOST,
  [MXR_CANDIDATE_SRFLX] = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
  [MXR_CANDIDATE_PRFLX] = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE,
  [MXR_CANDIDATE_RELAY] = NICE_CANDIDATE_TYPE_RELAYED,
};

NiceCandidate *
mxr_ice_candidate_to_nice (const MxrCandidate *candidate, guint stream)
{
  NiceCandidate *nice = nice_candidate_new (types[candidate->type]);

  nice->stream_id = stream;
  nice->component_id = NICE_COMPONENT_TYPE_RTP;
  nice->transport = candidate->is_tcp ? NICE_CANDIDATE_TRANSPORT_TCP_ACTIVE : NICE_CANDIDATE_TRANSPORT_UDP;
  nice->priority = candidate->priority;
  g_strlcpy (nice->foundation, candidate->foundation, sizeof nice->foundation);
  nice_address_set_from_sockaddr (&nice->addr, &candidate->address.sa);
  nice->base_addr = nice->addr;
  return nice;
}

const char *
mxr_ice_candidate_type_name (NiceCandidateType type)
{
  switch (type) {
  case NICE_CANDIDATE_TYPE_HOST:
    return "host";
  case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
    return "srflx";
  case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
    return "prflx";
  default:
    return "relay";
  }
}

char *
mxr_ice_candidate_describe (const NiceCandidate *candidate, const char *public_address)
{
  const bool is_host = candidate->type == NICE_CANDIDATE_TYPE_HOST;
  const bool is_tcp = candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP;
  char address[NICE_ADDRESS_STRING_LEN], base[NICE_ADDRESS_STRING_LEN];

  if (candidate->transport == NICE_CANDIDATE_TRANSPORT_TCP_ACTIVE)
    return NULL;
  nice_address_to_string (&candidate->addr, address);
  nice_address_to_string (&candidate->base_addr, base);
  const bool is_mapped =
      is_host && public_address[0] != '\0' && nice_address_ip_version (&candidate->addr) == 4;

  GString *text = g_string_new (NULL);
  g_string_printf (text, "candidate:%.*s %u %s %u %s %u typ %s", NICE_CANDIDATE_MAX_FOUNDATION,
                   candidate->foundation, candidate->component_id, is_tcp ? "TCP" : "UDP",
                   candidate->priority, is_mapped ? public_address : address,
                   nice_address_get_port (&candidate->addr), mxr_ice_candidate_type_name (candidate->type));
  if (!is_host)
    g_string_append_printf (text, " raddr %s rport %u", base, nice_address_get_port (&candidate->base_addr));
  if (is_tcp)
    g_string_append (text, " tcptype passive");
  return g_string_free (text, FALSE);
}

static bool
is_usable (const char *text, const MxrConfig *config)
{
  NiceAddress address;
  union {
    struct sockaddr sa;
    struct sockaddr_in6 in6;
  } socket_address = { 0 };

  nice_address_init (&address);
  if (!nice_address_set_from_string (&address, text))
    return false;
  nice_address_copy_to_sockaddr (&address, &socket_address.sa);
  return mxr_candidate_is_allowed_address (&socket_address.sa, config->ice.allow_loopback) &&
         (config->ice.ipv6 || nice_address_ip_version (&address) == 4);
}

GPtrArray *
mxr_ice_candidate_list_addresses (const MxrConfig *config)
{
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) named = g_strsplit (config->ice.local_addresses, ",", -1);

  if (config->ice.local_addresses[0] != '\0') {
    for (guint i = 0; named[i] != NULL && addresses->len < ADDRESSES_MAX; i++)
      if (is_usable (g_strstrip (named[i]), config))
        g_ptr_array_add (addresses, g_strdup (named[i]));
    return addresses;
  }
  GList *all = nice_interfaces_get_local_ips (FALSE);
  for (GList *item = all; item != NULL && addresses->len < ADDRESSES_MAX; item = item->next)
    if (is_usable (item->data, config))
      g_ptr_array_add (addresses, g_strdup (item->data));
  g_list_free_full (all, g_free);
  return addresses;
}
