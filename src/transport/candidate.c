#include "candidate.h"

#include <arpa/inet.h>
#include <string.h>

#include "mixroom/limits.h"

#define TOKENS_MAX 64 /* Chromium writes 16; beyond this nobody means well */

bool
mxr_candidate_is_ice_text (const char *text, gsize min, gsize max)
{
  const gsize size = strnlen (text, max + 1);
  if (size < min || size > max)
    return false;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isalnum (text[i]) && text[i] != '+' && text[i] != '/')
      return false;
  return true;
}

/* ---- Policy -------------------------------------------------------------------------------------------- */

static bool
is_allowed_ipv4 (guint32 ip, bool allow_loopback)
{
  if (ip >> 24 == 127)
    return allow_loopback;
  return ip >> 24 != 0         /* RFC 1122: this network; Linux sends 0.0.0.0 to itself */
         && ip >> 16 != 0xa9fe /* 169.254/16: RFC 3927, and clouds' metadata services */
         && ip >> 28 != 0xe    /* 224/4: multicast */
         && ip >> 28 != 0xf;   /* 240/4: reserved, and the broadcast address */
}

static guint32
read_be32 (const guint8 *bytes)
{
  return (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
}

static bool
is_allowed_ipv6 (const struct in6_addr *ip, bool allow_loopback)
{
  static const guint8 nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

  if (IN6_IS_ADDR_LOOPBACK (ip))
    return allow_loopback;
  if (IN6_IS_ADDR_UNSPECIFIED (ip) || IN6_IS_ADDR_MULTICAST (ip) || IN6_IS_ADDR_LINKLOCAL (ip) ||
      IN6_IS_ADDR_SITELOCAL (ip))
    return false;
  /* An honest peer says an IPv4 address as IPv4. */
  if (IN6_IS_ADDR_V4MAPPED (ip) || IN6_IS_ADDR_V4COMPAT (ip))
    return false;
  if (ip->s6_addr[0] == 0x20 && ip->s6_addr[1] == 0x02) /* 6to4, RFC 3056 */
    return is_allowed_ipv4 (read_be32 (ip->s6_addr + 2), false);
  if (memcmp (ip->s6_addr, nat64, sizeof nat64) == 0) /* 64:ff9b::/96, RFC 6052 */
    return is_allowed_ipv4 (read_be32 (ip->s6_addr + 12), false);
  /* 64:ff9b:1::/48, RFC 8215: leads into somebody's own network by a prefix we cannot know. */
  return !(memcmp (ip->s6_addr, nat64, 4) == 0 && ip->s6_addr[4] == 0 && ip->s6_addr[5] == 1);
}

bool
mxr_candidate_is_allowed_address (const struct sockaddr *address, bool allow_loopback)
{
  if (address->sa_family == AF_INET)
    return is_allowed_ipv4 (ntohl (((const struct sockaddr_in *) address)->sin_addr.s_addr), allow_loopback);
  if (address->sa_family == AF_INET6)
    return is_allowed_ipv6 (&((const struct sockaddr_in6 *) address)->sin6_addr, allow_loopback);
  return false;
}

/* ---- Grammar ------------------------------------------------------------------------------------------- */

/* 1*@max_digits DIGIT in [min, max]; no sign, no blank: strtoul would take both. */
static bool
parse_number (const char *text, gsize max_digits, guint64 min, guint64 max, guint64 *out_value)
{
  guint64 value = 0;
  gsize i = 0;

  for (; text[i] != '\0'; i++) {
    if (i == max_digits || !g_ascii_isdigit (text[i]))
      return false;
    value = value * 10 + (guint64) (text[i] - '0');
  }
  if (i == 0 || value < min || value > max)
    return false;
  *out_value = value;
  return true;
}

static bool
parse_address (const char *text, guint16 port, MxrCandidate *candidate)
{
  if (inet_pton (AF_INET, text, &candidate->address.in.sin_addr) == 1) {
    candidate->address.in.sin_family = AF_INET;
    candidate->address.in.sin_port = htons (port);
    return true;
  }
  if (inet_pton (AF_INET6, text, &candidate->address.in6.sin6_addr) == 1) {
    candidate->address.in6.sin6_family = AF_INET6;
    candidate->address.in6.sin6_port = htons (port);
    return true;
  }
  return false;
}

/* Names are never looked up: a stranger would choose whom we ask. Those that end in .local are the multicast
 * names behind which browsers hide addresses. */
static bool
is_hostname (const char *text)
{
  bool has_letter = false;
  gsize i = 0;

  for (; text[i] != '\0'; i++) {
    if (!g_ascii_isalnum (text[i]) && text[i] != '-' && text[i] != '.')
      return false;
    has_letter |= g_ascii_isalpha (text[i]);
  }
  return i <= 253 && has_letter;
}

static bool
parse_type (const char *text, MxrCandidateType *out_type)
{
  static const char *const names[] = { "host", "srflx", "prflx", "relay" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (text, names[i]) == 0) {
      *out_type = (MxrCandidateType) i;
      return true;
    }
  return false;
}

/* Everything behind the type: raddr, rport and extensions, all of them pairs of name and value. */
static bool
parse_pairs (char **tokens, MxrCandidate *candidate, const char **out_tcptype)
{
  guint64 port;

  for (; tokens[0] != NULL; tokens += 2) {
    if (tokens[1] == NULL || tokens[0][0] == '\0' || tokens[1][0] == '\0')
      return false;
    if (strcmp (tokens[0], "rport") == 0 && !parse_number (tokens[1], 5, 0, 65535, &port))
      return false;
    if (strcmp (tokens[0], "tcptype") == 0)
      *out_tcptype = tokens[1];
    if (strcmp (tokens[0], "ufrag") == 0) {
      if (!mxr_candidate_is_ice_text (tokens[1], 1, MXR_UFRAG_MAX_CHARS))
        return false;
      g_strlcpy (candidate->ufrag, tokens[1], sizeof candidate->ufrag);
    }
  }
  return true;
}

/* What is well-formed, but not for us. TCP: we only ever listen (tcptype active is the peer's view of that),
 * because a server that connects where a stranger tells it to is a port scanner. */
static MxrCandidateVerdict
judge (const MxrCandidate *candidate, const MxrCandidatePolicy *policy, const char *tcptype)
{
  if (!mxr_candidate_is_allowed_address (&candidate->address.sa, policy->allow_loopback))
    return MXR_CANDIDATE_FORBIDDEN;
  if (candidate->address.sa.sa_family == AF_INET6 && !policy->ipv6)
    return MXR_CANDIDATE_SKIP;
  if (candidate->is_tcp && (!policy->tcp || g_ascii_strcasecmp (tcptype, "active") != 0))
    return MXR_CANDIDATE_SKIP;
  return MXR_CANDIDATE_OK;
}

static MxrCandidateVerdict
parse_tokens (char **tokens, const MxrCandidatePolicy *policy, MxrCandidate *candidate)
{
  guint64 component, priority, port;
  const char *tcptype = NULL;

  if (g_strv_length (tokens) < 8 || g_strv_length (tokens) > TOKENS_MAX || strcmp (tokens[6], "typ") != 0)
    return MXR_CANDIDATE_BAD;
  if (!mxr_candidate_is_ice_text (tokens[0], 1, MXR_FOUNDATION_MAX_CHARS) ||
      !parse_number (tokens[1], 3, 1, 256, &component) || tokens[2][0] == '\0' ||
      !parse_number (tokens[3], 10, 1, G_MAXINT32, &priority) ||
      !parse_number (tokens[5], 5, 1, 65535, &port) || !parse_pairs (tokens + 8, candidate, &tcptype))
    return MXR_CANDIDATE_BAD;

  g_strlcpy (candidate->foundation, tokens[0], sizeof candidate->foundation);
  candidate->priority = (guint32) priority;
  candidate->is_tcp = g_ascii_strcasecmp (tokens[2], "tcp") == 0;
  if (candidate->is_tcp && tcptype == NULL)
    return MXR_CANDIDATE_BAD; /* RFC 6544 4.5; libnice raises a critical */
  if (!parse_address (tokens[4], (guint16) port, candidate))
    return is_hostname (tokens[4]) ? MXR_CANDIDATE_SKIP : MXR_CANDIDATE_BAD;

  const bool is_udp = g_ascii_strcasecmp (tokens[2], "udp") == 0;
  if (component != 1 || (!is_udp && !candidate->is_tcp) || !parse_type (tokens[7], &candidate->type))
    return MXR_CANDIDATE_SKIP;
  return judge (candidate, policy, tcptype);
}

MxrCandidateVerdict
mxr_candidate_parse (const char *line, const MxrCandidatePolicy *policy, MxrCandidate *out_candidate)
{
  MxrCandidate candidate = { 0 };

  if (strnlen (line, MXR_CANDIDATE_MAX_BYTES + 1) > MXR_CANDIDATE_MAX_BYTES)
    return MXR_CANDIDATE_BAD;
  if (g_str_has_prefix (line, "a="))
    line += strlen ("a=");
  if (g_str_has_prefix (line, "candidate:"))
    line += strlen ("candidate:");

  g_autofree char *text = g_strchomp (g_strdup (line));
  g_auto (GStrv) tokens = g_strsplit (text, " ", -1);
  const MxrCandidateVerdict verdict = parse_tokens (tokens, policy, &candidate);
  if (verdict == MXR_CANDIDATE_OK)
    *out_candidate = candidate;
  return verdict;
}
