#include "token.h"

#include <string.h>

#include "json-reader.h"

/* Ours are about 200 bytes; an identity provider's extra claims make it a few hundred more. */
#define TOKEN_MAX_BYTES 4096
#define SHA256_BYTES 32

G_DEFINE_QUARK (mxr - token - error - quark, mxr_token_error)

static bool
fail (GError **error, MxrTokenError code, const char *text)
{
  g_set_error_literal (error, MXR_TOKEN_ERROR, code, text);
  return false;
}

/* Strict: the base64url alphabet only, no padding, no bits left over that could be anything. */
static guchar *
decode_base64url (const char *text, gsize len, gsize *out_len)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  g_autofree guchar *bytes = g_malloc (len * 3 / 4 + 1);
  guint32 bits = 0;
  guint n_bits = 0;
  gsize n_bytes = 0;

  for (gsize i = 0; i < len; i++) {
    const char *found = text[i] != '\0' ? strchr (alphabet, text[i]) : NULL;
    if (found == NULL)
      return NULL;
    bits = bits << 6 | (guint32)(found - alphabet);
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      bytes[n_bytes++] = bits >> n_bits & 0xff;
    }
  }
  if (n_bits >= 6 || (bits & ((1u << n_bits) - 1)) != 0)
    return NULL;
  *out_len = n_bytes;
  return g_steal_pointer (&bytes);
}

/* Takes the same time wherever the first difference is. */
static bool
is_equal (const guchar *a, const guchar *b, gsize len)
{
  volatile guchar difference = 0;
  for (gsize i = 0; i < len; i++)
    difference |= a[i] ^ b[i];
  return difference == 0;
}

static bool
check_signature (const char *secret, const char *token, const char *signature_dot)
{
  gsize n_bytes = 0;
  g_autofree guchar *given = decode_base64url (signature_dot + 1, strlen (signature_dot + 1), &n_bytes);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *)secret, strlen (secret));
  guchar wanted[SHA256_BYTES];
  gsize n_wanted = sizeof wanted;

  g_hmac_update (hmac, (const guchar *)token, signature_dot - token);
  g_hmac_get_digest (hmac, wanted, &n_wanted);
  return given != NULL && n_bytes == n_wanted && is_equal (given, wanted, n_wanted);
}

static GHashTable *
decode_part (const char *start, const char *end)
{
  gsize n_bytes = 0;
  g_autofree guchar *bytes = decode_base64url (start, end - start, &n_bytes);
  return bytes != NULL ? mxr_json_read_object ((const char *)bytes, n_bytes, NULL) : NULL;
}

static const char *
get_string (GHashTable *members, const char *name)
{
  const MxrJsonValue *value = g_hash_table_lookup (members, name);
  return value != NULL && value->type == MXR_JSON_STRING && !value->has_nul ? value->string : NULL;
}

static bool
check_times (GHashTable *claims, gint64 now_s, GError **error)
{
  const MxrJsonValue *exp = g_hash_table_lookup (claims, "exp");
  const MxrJsonValue *nbf = g_hash_table_lookup (claims, "nbf");

  if (exp == NULL || exp->type != MXR_JSON_NUMBER)
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token has no 'exp'; get one with an end.");
  if ((double)now_s >= exp->number)
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token has expired; get a new one.");
  if (nbf != NULL && (nbf->type != MXR_JSON_NUMBER || (double)now_s < nbf->number))
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token is not valid yet; try again later.");
  return true;
}

static bool
find_role (GHashTable *claims, MxrTokenRole *out_role)
{
  static const char *const names[] = {
    [MXR_TOKEN_VIEWER] = "viewer",
    [MXR_TOKEN_PARTICIPANT] = "participant",
    [MXR_TOKEN_HOST] = "host",
    [MXR_TOKEN_ADMIN] = "admin",
  };
  const char *name = get_string (claims, "role");

  *out_role = MXR_TOKEN_PARTICIPANT;
  if (g_hash_table_lookup (claims, "role") == NULL)
    return true;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_strcmp0 (name, names[i]) == 0) {
      *out_role = i;
      return true;
    }
  }
  return false;
}

static bool
check_rights (GHashTable *claims, const char *room, MxrTokenRole role, GError **error)
{
  const char *allowed_room = get_string (claims, "room");
  MxrTokenRole allowed_role;

  if (allowed_room == NULL || !find_role (claims, &allowed_role))
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token has no 'room', or a 'role' that is not known.");
  if (strcmp (allowed_room, "*") != 0 && g_strcmp0 (allowed_room, room) != 0)
    return fail (error, MXR_TOKEN_ERROR_TOO_WEAK, "The token is for another room; get one for this room.");
  if (allowed_role < role)
    return fail (error, MXR_TOKEN_ERROR_TOO_WEAK,
                 "The token's role does not allow this; get one with a higher role.");
  return true;
}

bool
mxr_token_check (const char *secret, const char *token, const char *room, MxrTokenRole role, gint64 now_s,
                 GError **error)
{
  if (token == NULL || *token == '\0')
    return fail (error, MXR_TOKEN_ERROR_MISSING, "Send a token (a JWT signed with the server's secret).");
  const char *payload_dot = strchr (token, '.');
  const char *signature_dot = payload_dot != NULL ? strchr (payload_dot + 1, '.') : NULL;
  if (strlen (token) > TOKEN_MAX_BYTES || signature_dot == NULL ||
      !check_signature (secret, token, signature_dot))
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token is not a JWT signed with this server's secret.");

  g_autoptr (GHashTable) header = decode_part (token, payload_dot);
  g_autoptr (GHashTable) claims = decode_part (payload_dot + 1, signature_dot);
  if (header == NULL || claims == NULL || g_strcmp0 (get_string (header, "alg"), "HS256") != 0 ||
      g_hash_table_lookup (header, "crit") != NULL)
    return fail (error, MXR_TOKEN_ERROR_INVALID, "The token must be a JWT with 'alg' HS256.");
  return check_times (claims, now_s, error) && check_rights (claims, room, role, error);
}
