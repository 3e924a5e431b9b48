#include "dtls-filter.h"

#include <string.h>

/* RFC 6347 4.1: type, version, epoch, sequence number, length */
#define RECORD_HEADER_BYTES 13
/* RFC 6347 4.2.2: type, length, message_seq, fragment_offset, fragment_length */
#define HANDSHAKE_HEADER_BYTES 12
/* A chain of certificates; a browser's single one is below 1 KiB. */
#define HANDSHAKE_MAX_BYTES 16384
/* No handshake without renegotiation has more messages than this. */
#define MESSAGE_SEQ_MAX 15

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };
enum {
  CLIENT_HELLO = 1,
  SERVER_HELLO = 2,
  HELLO_VERIFY_REQUEST = 3,
  NEW_SESSION_TICKET = 4,
  CERTIFICATE = 11,
  SERVER_KEY_EXCHANGE = 12,
  CERTIFICATE_REQUEST = 13,
  SERVER_HELLO_DONE = 14,
  CERTIFICATE_VERIFY = 15,
  CLIENT_KEY_EXCHANGE = 16,
};

static guint
read_be16 (const guint8 *bytes)
{
  return (guint) bytes[0] << 8 | bytes[1];
}

static guint
read_be24 (const guint8 *bytes)
{
  return (guint) bytes[0] << 16 | (guint) bytes[1] << 8 | bytes[2];
}

/* Finished and what comes after it are always protected. */
static bool
is_message_for_role (guint8 type, bool is_active)
{
  switch (type) {
  case CLIENT_HELLO:
  case CERTIFICATE_VERIFY:
  case CLIENT_KEY_EXCHANGE:
    return !is_active;
  case SERVER_HELLO:
  case HELLO_VERIFY_REQUEST:
  case NEW_SESSION_TICKET:
  case SERVER_KEY_EXCHANGE:
  case CERTIFICATE_REQUEST:
  case SERVER_HELLO_DONE:
    return is_active;
  case CERTIFICATE:
    return true;
  default:
    return false;
  }
}

/* One record may carry several messages or fragments of them. */
static bool
is_plain_handshake (const guint8 *body, gsize size, bool is_active)
{
  if (size == 0)
    return false;
  while (size > 0) {
    if (size < HANDSHAKE_HEADER_BYTES)
      return false;
    const guint length = read_be24 (body + 1);
    const guint offset = read_be24 (body + 6);
    const guint fragment = read_be24 (body + 9);
    if (!is_message_for_role (body[0], is_active) || length > HANDSHAKE_MAX_BYTES ||
        read_be16 (body + 4) > MESSAGE_SEQ_MAX || offset + fragment > length ||
        fragment > size - HANDSHAKE_HEADER_BYTES || (fragment == 0 && length > 0))
      return false;
    body += HANDSHAKE_HEADER_BYTES + fragment;
    size -= HANDSHAKE_HEADER_BYTES + fragment;
  }
  return true;
}

static bool
is_acceptable (const MxrDtlsFilter *filter, const guint8 *record, gsize body_bytes)
{
  const guint8 *body = record + RECORD_HEADER_BYTES;
  const guint version = read_be16 (record + 1);
  const bool is_protected = read_be16 (record + 3) > 0;

  if (version != 0xfeff && version != 0xfefd) /* a ClientHello may say 1.0 */
    return false;
  if (is_protected)
    return record[0] == HANDSHAKE || record[0] == ALERT ||
           (record[0] == APPLICATION_DATA && filter->is_connected);
  if (filter->is_connected)
    return false;
  if (record[0] == CHANGE_CIPHER_SPEC)
    return body_bytes == 1 && body[0] == 1;
  return record[0] == HANDSHAKE && is_plain_handshake (body, body_bytes, filter->is_active);
}

static void
number_anew (MxrDtlsFilter *filter, guint8 *record)
{
  const guint64 sequence = filter->next_sequence++;
  for (guint i = 0; i < 6; i++)
    record[5 + i] = (guint8) (sequence >> (40 - 8 * i));
}

gsize
mxr_dtls_filter_datagram (MxrDtlsFilter *filter, guint8 *data, gsize size)
{
  gsize kept = 0;

  for (gsize at = 0; at < size;) {
    const gsize rest = size - at;
    const gsize body_bytes = rest < RECORD_HEADER_BYTES ? 0 : read_be16 (data + at + 11);
    if (rest < RECORD_HEADER_BYTES || body_bytes > rest - RECORD_HEADER_BYTES) {
      filter->n_dropped++;
      return kept;
    }
    const gsize record_bytes = RECORD_HEADER_BYTES + body_bytes;
    if (is_acceptable (filter, data + at, body_bytes)) {
      memmove (data + kept, data + at, record_bytes);
      if (read_be16 (data + kept + 3) == 0)
        number_anew (filter, data + kept);
      kept += record_bytes;
    } else {
      filter->n_dropped++;
    }
    at += record_bytes;
  }
  return kept;
}
