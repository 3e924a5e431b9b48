#include "ice-servers.h"

#include <string.h>

#include "json-text.h"
#include "mixroom/signal.h"

struct _MxrIceServers {
  char **urls;
  char **links;
  char *username;
  char *password;
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
write_link (MxrIceServers *self, const char *url)
{
  if (!is_turn (url))
    return g_strdup_printf ("<%s>; rel=\"ice-server\"", url);
  g_autofree char *username = quote (self->username);
  g_autofree char *password = quote (self->password);
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
  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func (g_free);

  self->username = g_strdup (config->ice.turn_username);
  self->password = g_strdup (config->ice.turn_password);
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
    g_ptr_array_add (links, write_link (self, url));
  }
  g_ptr_array_add (urls, NULL);
  g_ptr_array_add (links, NULL);
  self->urls = (char **)g_ptr_array_free (g_steal_pointer (&urls), FALSE);
  self->links = (char **)g_ptr_array_free (g_steal_pointer (&links), FALSE);
  return g_steal_pointer (&self);
}

void
mxr_ice_servers_free (MxrIceServers *self)
{
  g_strfreev (self->urls);
  g_strfreev (self->links);
  g_free (self->username);
  g_free (self->password);
  g_free (self);
}

void
mxr_ice_servers_add_json (MxrIceServers *self, JsonBuilder *builder)
{
  json_builder_begin_array (builder);
  for (guint i = 0; self->urls[i] != NULL; i++) {
    json_builder_begin_object (builder);
    mxr_json_add_string (builder, "urls", self->urls[i]);
    if (is_turn (self->urls[i])) {
      mxr_json_add_string (builder, "username", self->username);
      mxr_json_add_string (builder, "credential", self->password);
    }
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

char **
mxr_ice_servers_get_links (MxrIceServers *self)
{
  return self->links;
}
