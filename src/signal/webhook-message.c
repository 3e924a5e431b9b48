#include "webhook-message.h"

#include <libsoup/soup.h>
#include <string.h>

#include "json-text.h"

#define SECRET_PREFIX "whsec_"
#define SHA256_BYTES 32

GBytes *
mxr_webhook_write (const char *id, const char *type, gint64 time_ms, const char *room, GVariant *data)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GVariant) owned = g_variant_ref_sink (data);

  json_builder_begin_object (builder);
  mxr_json_add_string (builder, "id", id);
  mxr_json_add_string (builder, "type", type);
  mxr_json_add_int (builder, "time", time_ms);
  mxr_json_add_string (builder, "room", room);
  json_builder_set_member_name (builder, "data");
  json_builder_add_value (builder, json_gvariant_serialize (owned));
  json_builder_end_object (builder);
  char *text = mxr_json_finish (builder);
  return g_bytes_new_take (text, strlen (text));
}

GBytes *
mxr_webhook_key_new (const char *secret)
{
  gsize n_bytes;

  if (!g_str_has_prefix (secret, SECRET_PREFIX))
    return g_bytes_new (secret, strlen (secret));
  guchar *bytes = g_base64_decode (secret + strlen (SECRET_PREFIX), &n_bytes);
  return g_bytes_new_take (bytes, n_bytes);
}

char *
mxr_webhook_sign (GBytes *key, const char *id, gint64 timestamp_s, GBytes *body)
{
  gsize n_key, n_body, n_digest = SHA256_BYTES;
  const guchar *key_bytes = g_bytes_get_data (key, &n_key), *body_bytes = g_bytes_get_data (body, &n_body);
  g_autofree char *head = g_strdup_printf ("%s.%" G_GINT64_FORMAT ".", id, timestamp_s);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key_bytes, n_key);
  guint8 digest[SHA256_BYTES];

  g_hmac_update (hmac, (const guchar *) head, -1);
  g_hmac_update (hmac, body_bytes, n_body);
  g_hmac_get_digest (hmac, digest, &n_digest);
  g_autofree char *encoded = g_base64_encode (digest, n_digest);
  return g_strconcat ("v1,", encoded, NULL);
}

guint
mxr_webhook_read_retry_after (const char *value, gint64 now_s)
{
  guint64 seconds;

  if (value == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT, &seconds, NULL))
    return (guint) seconds;
  g_autoptr (GDateTime) date = soup_date_time_new_from_http_string (value);
  gint64 then_s = date != NULL ? g_date_time_to_unix (date) : 0;
  return then_s > now_s ? (guint) MIN (then_s - now_s, G_MAXUINT) : 0;
}
