#include "mixroom/base.h"

#include <string.h>

void
mxr_turn_login_init (MxrTurnLogin *login, const MxrConfig *config, const char *user, gint64 now_s)
{
  const char *secret = config->ice.turn_secret;
  guint8 digest[20];
  gsize digest_bytes = sizeof digest;

  if (*secret == '\0') {
    *login = (MxrTurnLogin){ g_strdup (config->ice.turn_username), g_strdup (config->ice.turn_password) };
    return;
  }
  login->username = g_strdup_printf ("%" G_GINT64_FORMAT ":%s", now_s + config->ice.turn_ttl_s, user);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, (const guchar *) secret, strlen (secret));
  g_hmac_update (hmac, (const guchar *) login->username, -1);
  g_hmac_get_digest (hmac, digest, &digest_bytes);
  login->password = g_base64_encode (digest, digest_bytes);
}

void
mxr_turn_login_clear (MxrTurnLogin *login)
{
  g_clear_pointer (&login->username, g_free);
  g_clear_pointer (&login->password, g_free);
}
