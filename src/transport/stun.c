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
enum { MESSAGE_INTEGRITY = 0x0008 };

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

static bool
is_signed_with (const guint8 *data, gsize integrity_at, const char *key)
{
  guint8 message[MESSAGE_MAX_BYTES];
  guint8 digest[EVP_MAX_MD_SIZE];
  unsigned digest_bytes = 0;
  const gsize length = integrity_at + ATTRIBUTE_HEADER_BYTES + INTEGRITY_BYTES - HEADER_BYTES;

  /* RFC 5389 15.4: the length field counts up to this attribute, whatever follows it. */
  memcpy (message, data, integrity_at);
  message[2] = (guint8) (length >> 8);
  message[3] = (guint8) length;
  return HMAC (EVP_sha1 (), key, (int) strlen (key), message, integrity_at, digest, &digest_bytes) != NULL &&
         digest_bytes == INTEGRITY_BYTES &&
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
  static const guint8 cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

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
