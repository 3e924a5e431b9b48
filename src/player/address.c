#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "mixroom/limits.h"
#include "mixroom/player.h"

G_DEFINE_QUARK (mxr-player-error-quark, mxr_player_error)

typedef struct {
  const char *prefix;
  guint n_bits;
} Range;

/* RFC 6890 and what was added since; 192.88.99.0/24 led to 6to4 relays (RFC 7526). */
static const Range special_ipv4[] = {
  { "0.0.0.0", 8 },       { "10.0.0.0", 8 },     { "100.64.0.0", 10 },  { "127.0.0.0", 8 },    { "169.254.0.0", 16 },
  { "172.16.0.0", 12 },   { "192.0.0.0", 24 },   { "192.0.2.0", 24 },   { "192.88.99.0", 24 }, { "192.168.0.0", 16 },
  { "198.18.0.0", 15 },   { "198.51.100.0", 24 }, { "203.0.113.0", 24 }, { "224.0.0.0", 3 },
};

/* Of 2000::/3, which is all that is given out. 2001::/23 has Teredo (RFC 4380), benchmarks and ORCHIDs. */
static const Range special_ipv6[] = {
  { "2001::", 23 },
  { "2001:db8::", 32 },
  { "3fff::", 20 },
};
static const Range global_ipv6 = { "2000::", 3 };
static const Range six_to_four = { "2002::", 16 }; /* the IPv4 address follows the prefix */
static const Range mapped_ipv4 = { "::ffff:0:0", 96 }; /* it ends both of these */
static const Range nat64 = { "64:ff9b::", 96 };

static bool
is_in (int family, const guint8 *address, const Range *range)
{
  guint8 prefix[16];
  guint n_whole = range->n_bits / 8, n_rest = range->n_bits % 8;

  inet_pton (family, range->prefix, prefix);
  return memcmp (address, prefix, n_whole) == 0 &&
         (n_rest == 0 || (address[n_whole] ^ prefix[n_whole]) >> (8 - n_rest) == 0);
}

static bool
is_public_ipv4 (const guint8 *address)
{
  for (guint i = 0; i < G_N_ELEMENTS (special_ipv4); i++)
    if (is_in (AF_INET, address, &special_ipv4[i]))
      return false;
  return true;
}

static bool
is_public_ipv6 (const guint8 *address)
{
  if (is_in (AF_INET6, address, &mapped_ipv4) || is_in (AF_INET6, address, &nat64))
    return is_public_ipv4 (address + 12);
  if (is_in (AF_INET6, address, &six_to_four))
    return is_public_ipv4 (address + 2);
  for (guint i = 0; i < G_N_ELEMENTS (special_ipv6); i++)
    if (is_in (AF_INET6, address, &special_ipv6[i]))
      return false;
  return is_in (AF_INET6, address, &global_ipv6);
}

bool
mxr_address_is_public (const struct sockaddr *address, socklen_t n_bytes)
{
  if (n_bytes >= sizeof (struct sockaddr_in) && address->sa_family == AF_INET)
    return is_public_ipv4 ((const guint8 *) &((const struct sockaddr_in *) address)->sin_addr);
  if (n_bytes >= sizeof (struct sockaddr_in6) && address->sa_family == AF_INET6)
    return is_public_ipv6 ((const guint8 *) &((const struct sockaddr_in6 *) address)->sin6_addr);
  return false;
}

/* ---- Names -------------------------------------------------------------------------------------------------- */

static bool
matches (const char *pattern, const char *host)
{
  gsize n_pattern = strlen (pattern), n_host = strlen (host);

  if (n_host > 0 && host[n_host - 1] == '.') /* the root, which changes nothing */
    n_host--;
  if (!g_str_has_prefix (pattern, "*."))
    return n_pattern == n_host && g_ascii_strncasecmp (pattern, host, n_host) == 0;
  return n_host > n_pattern - 1 && g_ascii_strncasecmp (host + n_host - (n_pattern - 1), pattern + 1, n_pattern - 1) == 0;
}

bool
mxr_host_matches (const char *patterns, const char *host)
{
  g_auto (GStrv) list = g_strsplit (patterns, ",", -1);
  guint n = 0;

  for (char **pattern = list; *pattern != NULL; pattern++) {
    if (*g_strstrip (*pattern) == '\0')
      continue;
    n++;
    if (matches (*pattern, host))
      return true;
  }
  return n == 0;
}

static bool
is_bad_literal (const char *host)
{
  g_autoptr (GInetAddress) literal = g_inet_address_new_from_string (host);
  struct sockaddr_storage native;

  if (literal == NULL)
    return false;
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (literal, 80);
  gssize n_bytes = g_socket_address_get_native_size (address);
  return !g_socket_address_to_native (address, &native, sizeof native, NULL) ||
         !mxr_address_is_public ((struct sockaddr *) &native, n_bytes);
}

static bool G_GNUC_PRINTF (2, 3)
refuse (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  GError *refusal = g_error_new_valist (MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_BAD_SOURCE, format, arguments);
  va_end (arguments);
  g_propagate_error (error, refusal);
  return false;
}

bool
mxr_url_check (const char *url, const char *patterns, bool private_addresses, GError **error)
{
  static const char *const schemes[] = { "http", "https", "rtsp", "rtsps", NULL };
  g_autoptr (GUri) uri = strlen (url) <= MXR_URL_MAX_BYTES ? g_uri_parse (url, G_URI_FLAGS_NONE, NULL) : NULL;

  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return refuse (error, "that is no URL of at most %d bytes with a host in it", MXR_URL_MAX_BYTES);
  if (!g_strv_contains (schemes, g_uri_get_scheme (uri)))
    return refuse (error, "'%s' cannot be played from; take an http, https, rtsp or rtsps address", g_uri_get_scheme (uri));
  const char *host = g_uri_get_host (uri);
  if (!mxr_host_matches (patterns, host))
    return refuse (error, "nothing may be fetched from %s; the server's players.allowed_hosts says from where", host);
  if (!private_addresses && is_bad_literal (host))
    return refuse (error, "nothing may be fetched from %s, which is no public address", host);
  return true;
}
