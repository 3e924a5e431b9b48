#include "ice-servers.h"

#include <string.h>

#include "json-text.h"
#include "mixroom/signal.h"

struct _MxrIceServers {
  const MxrConfig *config;
  char **urls;
};

static bool
is_turn (const char *url)
{
  return g_str_has_prefix (url, "turn:") || g_str_has_prefix (url, "turns:");
}

/* A quoted-string's contents (RFC 9110 5.6.4). */
static char *
quote (const char *text)
{
  g_autoptr (GString) quoted = g_string_new ("\"");
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      g_string_append_c (quoted, '\\');
    g_string_append_c (quoted, *text);
  }
  g_string_append_c (quoted, '"');
  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

static char *
write_link (const MxrTurnLogin *login, const char *url)
{
  if (!is_turn (url))
    return g_strdup_printf ("<%s>; rel=\"ice-server\"", url);
  g_autofree char *username = quote (login->username);
  g_autofree char *password = quote (login->password);
  return g_strdup_printf (
      "<%s>; rel=\"ice-server\"; username=%s; credential=%s; credential-type=\"password\"", url, username,
      password);
}

/* Goes into a header and into pages, so nothing that could end either. */
static bool
is_ice_url (const char *url)
{
  bool is_known = is_turn (url) || g_str_has_prefix (url, "stun:") || g_str_has_prefix (url, "stuns:");
  for (const char *c = url; *c != '\0'; c++)
    if (*c <= ' ' || *c >= 0x7f || strchr ("<>\"\\", *c) != NULL)
      return false;
  return is_known && strchr (url, ':')[1] != '\0';
}

MxrIceServers *
mxr_ice_servers_new (const MxrConfig *config, GError **error)
{
  g_autoptr (MxrIceServers) self = g_new0 (MxrIceServers, 1);
  g_auto (GStrv) entries = g_strsplit (config->ice.client_ice_servers, ",", -1);
  g_autoptr (GPtrArray) urls = g_ptr_array_new_with_free_func (g_free);

  self->config = config;
  for (guint i = 0; entries[i] != NULL; i++) {
    const char *url = g_strstrip (entries[i]);
    if (*url == '\0')
      continue;
    if (!is_ice_url (url)) {
      g_set_error (error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_ICE_SERVERS,
                   "ice.client_ice_servers holds '%s'; an entry must look like stun:HOST:PORT or "
                   "turn:HOST:PORT?transport=udp",
                   url);
      return NULL;
    }
    g_ptr_array_add (urls, g_strdup (url));
  }
  g_ptr_array_add (urls, NULL);
  self->urls = (char **)g_ptr_array_free (g_steal_pointer (&urls), FALSE);
  return g_steal_pointer (&self);
}

void
mxr_ice_servers_free (MxrIceServers *self)
{
  g_strfreev (self->urls);
  g_free (self);
}

void
mxr_ice_servers_add_json (const MxrIceServers *self, const char *user, gint64 now_s, JsonBuilder *builder)
{
  g_auto (MxrTurnLogin) login = { NULL, NULL };

  mxr_turn_login_init (&login, self->config, user, now_s);
  json_builder_begin_array (builder);
  for (guint i = 0; self->urls[i] != NULL; i++) {
    json_builder_begin_object (builder);
    mxr_json_add_string (builder, "urls", self->urls[i]);
    if (is_turn (self->urls[i])) {
      mxr_json_add_string (builder, "username", login.username);
      mxr_json_add_string (builder, "credential", login.password);
    }
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

char **
mxr_ice_servers_get_links (const MxrIceServers *self, const char *user, gint64 now_s)
{
  g_auto (MxrTurnLogin) login = { NULL, NULL };
  const guint n_urls = g_strv_length (self->urls);
  char **links = g_new0 (char *, n_urls + 1);

  mxr_turn_login_init (&login, self->config, user, now_s);
  for (guint i = 0; i < n_urls; i++)
    links[i] = write_link (&login, self->urls[i]);
  return links;
}
