#include "origin.h"

static int
default_port (const char *scheme)
{
  return g_ascii_strcasecmp (scheme, "https") == 0 ? 443 : 80;
}

static int
port_of (GUri *uri)
{
  return g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : default_port (g_uri_get_scheme (uri));
}

/* A bare origin: scheme, host, port and no more. */
static GUri *
parse_origin (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' ||
      *g_uri_get_path (uri) != '\0' || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL ||
      g_uri_get_userinfo (uri) != NULL)
    return NULL;
  if (g_strcmp0 (g_uri_get_scheme (uri), "http") != 0 && g_strcmp0 (g_uri_get_scheme (uri), "https") != 0)
    return NULL;
  return g_steal_pointer (&uri);
}

static bool
is_same_host (GUri *origin, const char *host, bool is_tls)
{
  const char *scheme = g_uri_get_scheme (origin);
  g_autofree char *text = g_strconcat (scheme, "://", host, NULL);
  g_autoptr (GUri) own = parse_origin (text);

  if (own == NULL || g_ascii_strcasecmp (g_uri_get_host (own), g_uri_get_host (origin)) != 0)
    return false;
  /* A page of plain http must not reach into https. */
  if (is_tls && g_strcmp0 (scheme, "https") != 0)
    return false;
  return port_of (own) == port_of (origin);
}

bool
mxr_origin_is_allowed (const char *origin, const char *host, bool is_tls, const char *allowed)
{
  if (origin == NULL)
    return true;
  g_auto (GStrv) entries = g_strsplit (allowed, ",", -1);
  for (guint i = 0; entries[i] != NULL; i++)
    if (g_strcmp0 (g_strstrip (entries[i]), "*") == 0)
      return true;

  g_autoptr (GUri) uri = parse_origin (origin);
  if (uri == NULL)
    return false; /* "null" as well: a sandboxed frame or a local file */
  if (host != NULL && is_same_host (uri, host, is_tls))
    return true;
  for (guint i = 0; entries[i] != NULL; i++) {
    g_autoptr (GUri) entry = parse_origin (entries[i]);
    if (entry != NULL && g_strcmp0 (g_uri_get_scheme (entry), g_uri_get_scheme (uri)) == 0 &&
        g_ascii_strcasecmp (g_uri_get_host (entry), g_uri_get_host (uri)) == 0 &&
        port_of (entry) == port_of (uri))
      return true;
  }
  return false;
}
