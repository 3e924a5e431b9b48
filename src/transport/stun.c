#include "stun.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEADER_BYTES 20
#define ATTRIBUTE_HEADER_BYTES 4
#define INTEGRITY_BYTES 20 /* HMAC-SHA1 */
#define MESSAGE_MAX_BYTES 1280

enum { BINDING_REQUEST = 0x0001, BINDING_INDICATION = 0x0011, BINDING_SUCCESS = 0x0101 };
enum {
  USERNAME = 0x0006,
  MESSAGE_INTEGRITY = 0x0008,
  PRIORITY = 0x0024,
  FINGERPRINT = 0x8028,
  ICE_CONTROLLED = 0x8029,
  ICE_CONTROLLING = 0x802a,
};
static const guint8 cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

static guint
read_be16 (const guint8 *bytes)
{
  return (guint) bytes[0] << 8 | bytes[1];
}

/* Offset of the MESSAGE-INTEGRITY attribute's header, 0: there is none. */
static gsize
find_integrity (const guint8 *data, gsize size)
{
  for (gsize at = HEADER_BYTES; size - at >= ATTRIBUTE_HEADER_BYTES;) {
    const gsize length = read_be16 (data + at + 2);
    const gsize padded = (length + 3) & ~(gsize) 3;
    if (padded > size - at - ATTRIBUTE_HEADER_BYTES)
      return 0;
    if (read_be16 (data + at) == MESSAGE_INTEGRITY)
      return length == INTEGRITY_BYTES ? at : 0;
    at += ATTRIBUTE_HEADER_BYTES + padded;
  }
  return 0;
}

static void
write_be16 (guint8 *bytes, guint value)
{
  bytes[0] = (guint8) (value >> 8);
  bytes[1] = (guint8) value;
}

static bool
sign (const guint8 *data, gsize integrity_at, const char *key, guint8 *out_digest)
{
  guint8 message[MESSAGE_MAX_BYTES];
  unsigned digest_bytes = 0;

  /* RFC 5389 15.4: the length field counts up to this attribute, whatever follows it. */
  memcpy (message, data, integrity_at);
  write_be16 (message + 2, integrity_at + ATTRIBUTE_HEADER_BYTES + INTEGRITY_BYTES - HEADER_BYTES);
  return HMAC (EVP_sha1 (), key, (int) strlen (key), message, integrity_at, out_digest, &digest_bytes) != NULL &&
         digest_bytes == INTEGRITY_BYTES;
}

static bool
is_signed_with (const guint8 *data, gsize integrity_at, const char *key)
{
  guint8 digest[EVP_MAX_MD_SIZE];

  return sign (data, integrity_at, key, digest) &&
         CRYPTO_memcmp (digest, data + integrity_at + ATTRIBUTE_HEADER_BYTES, INTEGRITY_BYTES) == 0;
}

static MxrStunKind
get_kind (guint type)
{
  switch (type) {
  case BINDING_REQUEST:
    return MXR_STUN_REQUEST;
  case BINDING_INDICATION:
    return MXR_STUN_INDICATION;
  case BINDING_SUCCESS:
    return MXR_STUN_SUCCESS;
  default:
    return MXR_STUN_FORGED;
  }
}

MxrStunKind
mxr_stun_authenticate (const guint8 *data, gsize size, const char *local_pwd, const char *remote_pwd)
{
  if (size < HEADER_BYTES || size > MESSAGE_MAX_BYTES || size % 4 != 0 ||
      read_be16 (data + 2) != size - HEADER_BYTES || memcmp (data + 4, cookie, sizeof cookie) != 0)
    return MXR_STUN_FORGED;
  const MxrStunKind kind = get_kind (read_be16 (data));
  const char *key = kind == MXR_STUN_SUCCESS ? remote_pwd : local_pwd;
  if (kind == MXR_STUN_FORGED || key == NULL || key[0] == '\0')
    return MXR_STUN_FORGED;
  const gsize integrity_at = find_integrity (data, size);
  return integrity_at > 0 && is_signed_with (data, integrity_at, key) ? kind : MXR_STUN_FORGED;
}

const guint8 *
mxr_stun_get_transaction (const guint8 *data)
{
  return data + HEADER_BYTES - MXR_STUN_TRANSACTION_BYTES;
}

/* ---- Writing -------------------------------------------------------------------------------------------- */

/* What a check asks for the candidate that it may make us: a peer-reflexive one of one component (RFC 8445 5.1.2.1). */
#define PRIORITY_OF_PRFLX (110u << 24 | 0xffffu << 8 | 255u)

/* CRC-32 of ITU V.42 (RFC 5389 15.5), bit by bit: a hundred bytes a few times a call. */
static guint32
get_fingerprint (const guint8 *data, gsize size)
{
  guint32 crc = 0xffffffff;

  for (gsize i = 0; i < size; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc ^ 0x5354554e;
}

/* Returns: where the next one goes. */
static gsize
add_attribute (guint8 *data, gsize at, guint type, gconstpointer value, gsize size)
{
  const gsize padded = (size + 3) & ~(gsize) 3;

  write_be16 (data + at, type);
  write_be16 (data + at + 2, (guint) size);
  memset (data + at + ATTRIBUTE_HEADER_BYTES, 0, padded);
  memcpy (data + at + ATTRIBUTE_HEADER_BYTES, value, size);
  return at + ATTRIBUTE_HEADER_BYTES + padded;
}

/* RFC 8445 7.3.1.1: who is asked changes its role when it is controlling and has the smaller tie-breaker, or controlled and
 * has the larger one. None is smaller than 0, none larger than all ones. */
static gsize
add_role (guint8 *data, gsize at, bool is_controlling)
{
  const guint64 tie_breaker = is_controlling ? 0 : G_MAXUINT64;
  return add_attribute (data, at, is_controlling ? ICE_CONTROLLING : ICE_CONTROLLED, &tie_breaker, sizeof tie_breaker);
}

gsize
mxr_stun_write_check (const guint8 *transaction, const char *local_ufrag, const char *remote_ufrag,
                      const char *remote_pwd, bool is_controlling, guint8 *out_data)
{
  const guint32 priority = GUINT32_TO_BE (PRIORITY_OF_PRFLX);
  char username[2 * 256 + 2];
  const gsize username_bytes = (gsize) g_snprintf (username, sizeof username, "%.256s:%.256s", remote_ufrag, local_ufrag);
  guint8 digest[EVP_MAX_MD_SIZE];
  gsize at = HEADER_BYTES;

  write_be16 (out_data, BINDING_REQUEST);
  memcpy (out_data + 4, cookie, sizeof cookie);
  memcpy (out_data + 8, transaction, MXR_STUN_TRANSACTION_BYTES);
  at = add_attribute (out_data, at, USERNAME, username, username_bytes);
  at = add_attribute (out_data, at, PRIORITY, &priority, sizeof priority);
  at = add_role (out_data, at, is_controlling);
  if (!sign (out_data, at, remote_pwd, digest))
    return 0;
  at = add_attribute (out_data, at, MESSAGE_INTEGRITY, digest, INTEGRITY_BYTES);
  write_be16 (out_data + 2, (guint) (at + ATTRIBUTE_HEADER_BYTES + sizeof (guint32) - HEADER_BYTES));
  const guint32 fingerprint = GUINT32_TO_BE (get_fingerprint (out_data, at));
  return add_attribute (out_data, at, FINGERPRINT, &fingerprint, sizeof fingerprint);
}
