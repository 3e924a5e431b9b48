/* What no single key can tell, and what a value must look like beyond its type. */

#include "config-private.h"

#include "mixroom/limits.h"

#include <string.h>

/* RFC 7518 3.2: a key of HS256 is no shorter than its hash. */
#define TOKEN_SECRET_MIN_BYTES 32
#define WEBHOOK_SECRET_PREFIX "whsec_"
#define WEBHOOK_KEY_MIN_BYTES 24

static bool
fail (GError **error, const char *text)
{
  g_set_error_literal (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_CONFLICT, text);
  return false;
}

static bool
fail_value (GError **error, const char *key, const char *value, const char *wanted)
{
  g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE, "%s is '%s'; it must be %s", key, value, wanted);
  return false;
}

/* ---- Shapes of values ------------------------------------------------------------------------------------ */

static bool
is_address (const char *text)
{
  return g_hostname_is_ip_address (text);
}

static bool
is_origin (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  return strcmp (text, "*") == 0 || (uri != NULL && g_uri_get_host (uri) != NULL && *g_uri_get_path (uri) == '\0' &&
                                     g_uri_get_query (uri) == NULL);
}

static bool
is_host_and_port (const char *text)
{
  g_autoptr (GSocketConnectable) where = g_network_address_parse (text, 0, NULL);
  return where != NULL && g_network_address_get_port (G_NETWORK_ADDRESS (where)) != 0;
}

static bool
check_list (const char *key, const char *value, bool (*is_good) (const char *), const char *wanted, GError **error)
{
  g_auto (GStrv) items = g_strsplit (value, ",", -1);
  for (guint i = 0; *value != '\0' && items[i] != NULL; i++)
    if (!is_good (g_strstrip (items[i])))
      return fail_value (error, key, value, wanted);
  return true;
}

static bool
check_folder (const char *key, const char *path, GError **error)
{
  return *path == '\0' || g_file_test (path, G_FILE_TEST_IS_DIR) ||
         fail_value (error, key, path, "a folder that exists");
}

static bool
check_ladder (const MxrConfig *config, GError **error)
{
  MxrLadderRung rungs[MXR_LADDER_RUNGS_MAX];
  guint n_rungs;
  return mxr_ladder_parse (config->media.ladder, rungs, &n_rungs, error);
}

static bool
check_shapes (const MxrConfig *config, GError **error)
{
  const char *host_and_port = "HOST:PORT, such as stun.example.org:3478";

  return check_list ("ice.local_addresses", config->ice.local_addresses, is_address, "IP addresses, comma separated",
                     error) &&
         check_list ("ice.public_address", config->ice.public_address, is_address, "one IP address", error) &&
         check_list ("server.allowed_origins", config->server.allowed_origins, is_origin,
                     "* or origins without a path, such as https://example.org, comma separated", error) &&
         check_list ("ice.stun_server", config->ice.stun_server, is_host_and_port, host_and_port, error) &&
         check_list ("ice.turn_server", config->ice.turn_server, is_host_and_port, host_and_port, error) &&
         check_folder ("server.web_root", config->server.web_root, error) &&
         check_folder ("media.pipeline_dir", config->media.pipeline_dir, error) &&
         check_folder ("programme.recordings_directory", config->programme.recordings_directory, error) &&
         check_folder ("programme.hls_directory", config->programme.hls_directory, error) &&
         check_folder ("programme.images_directory", config->programme.images_directory, error);
}

/* ---- Keys that belong together --------------------------------------------------------------------------- */

/* ADDRESS:PORT, with an IPv6 address in brackets; a name other than localhost is never loopback. */
static bool
check_listen (const MxrConfig *config, GError **error)
{
  const char *listen = config->server.listen;
  g_autoptr (GSocketConnectable) where = g_network_address_parse (listen, 0, NULL);
  guint16 port = where != NULL ? g_network_address_get_port (G_NETWORK_ADDRESS (where)) : 0;

  if (port == 0 && !g_str_has_suffix (listen, ":0")) {
    g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE,
                 "server.listen is '%s'; it must be ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080", listen);
    return false;
  }
  const char *host = g_network_address_get_hostname (G_NETWORK_ADDRESS (where));
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  bool is_loopback = address != NULL ? g_inet_address_get_is_loopback (address) : strcmp (host, "localhost") == 0;
  if (is_loopback || config->server.open_rooms || *config->server.token_secret != '\0')
    return true;
  g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_CONFLICT,
               "refusing to listen on %s, which other machines can reach, while anybody may join: set "
               "server.token_secret, so that only holders of a token may, or say server.open_rooms=true",
               listen);
  return false;
}

/* No word on which of two logins a relay wants: a secret makes those of turn_username useless. */
static bool
check_turn (const MxrConfig *config, GError **error)
{
  const bool has_login = *config->ice.turn_username != '\0' && *config->ice.turn_password != '\0';

  if (*config->ice.turn_secret != '\0' && (*config->ice.turn_username != '\0' || *config->ice.turn_password != '\0'))
    return fail (error, "ice.turn_secret and ice.turn_username with ice.turn_password are two ways to log in; set one");
  if (*config->ice.turn_server != '\0' && *config->ice.turn_secret == '\0' && !has_login)
    return fail (error, "ice.turn_server needs ice.turn_secret, or ice.turn_username and ice.turn_password");
  return true;
}

static bool
is_http_url (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  return host != NULL && *host != '\0' &&
         (strcmp (g_uri_get_scheme (uri), "http") == 0 || strcmp (g_uri_get_scheme (uri), "https") == 0);
}

/* What Standard Webhooks calls a secret is base64 behind a prefix, of 24 to 64 bytes. */
static bool
is_webhook_secret (const char *secret)
{
  gsize n_bytes = 0;

  if (g_str_has_prefix (secret, WEBHOOK_SECRET_PREFIX)) {
    g_autofree guchar *bytes = g_base64_decode (secret + strlen (WEBHOOK_SECRET_PREFIX), &n_bytes);
    return n_bytes >= WEBHOOK_KEY_MIN_BYTES;
  }
  return strlen (secret) >= TOKEN_SECRET_MIN_BYTES;
}

/* The addresses are not repeated: they may hold a login. */
static bool
check_webhooks (const MxrConfig *config, GError **error)
{
  g_auto (GStrv) urls = g_strsplit (config->webhooks.webhook_urls, ",", -1);

  if (*config->webhooks.webhook_urls == '\0')
    return true;
  for (guint i = 0; urls[i] != NULL; i++)
    if (i >= MXR_WEBHOOK_URLS_MAX || !is_http_url (g_strstrip (urls[i])))
      return fail (error, "webhooks.webhook_urls must be http or https addresses, " G_STRINGIFY (
                            MXR_WEBHOOK_URLS_MAX) " at most, comma separated");
  return is_webhook_secret (config->webhooks.webhook_secret) ||
         fail (error, "webhooks.webhook_urls needs a webhooks.webhook_secret of at least 32 characters; make one with: "
                      "echo whsec_$(openssl rand -base64 32)");
}

bool
mxr_config_check (const MxrConfig *config, GError **error)
{
  if ((*config->server.tls_certificate == '\0') != (*config->server.tls_key == '\0'))
    return fail (error, "server.tls_certificate and server.tls_key belong together: set both or neither");
  if (config->ice.udp_port_min > config->ice.udp_port_max ||
      (config->ice.udp_port_min == 0) != (config->ice.udp_port_max == 0))
    return fail (error, "ice.udp_port_min and ice.udp_port_max are no range; set both, or both to 0 for any port");
  if (config->http.ping_timeout_s <= config->http.ping_interval_s)
    return fail (error, "http.ping_timeout_s must be above http.ping_interval_s, or every client times out");
  if (config->ice.silence_timeout_ms >= config->ice.consent_timeout_s * 1000)
    return fail (error, "ice.silence_timeout_ms must be below ice.consent_timeout_s");
  if (config->media.audience_ptime_ms % 20 != 0)
    return fail (error, "media.audience_ptime_ms must be 20, 40 or 60: packets are made of frames of 20 ms");
  if (config->programme.loudness > 0 && config->programme.loudness < 10)
    return fail (error, "programme.loudness must be 10 to 36 LUFS below full scale, or 0 for the sound as it is");
  if (!check_turn (config, error) || !check_webhooks (config, error))
    return false;
  if (*config->server.token_secret != '\0' && strlen (config->server.token_secret) < TOKEN_SECRET_MIN_BYTES)
    return fail (error, "server.token_secret is too short to sign with; make one with: openssl rand -base64 32");
  return check_shapes (config, error) && check_ladder (config, error) && check_listen (config, error);
}
