#include "packet.h"

#include <string.h>

enum { FIXED_BYTES = 12, BLOCK_BYTES = 4 };
#define HAS_EXTENSION 0x10
#define ONE_BYTE_PROFILE_0 0xBE
#define ONE_BYTE_PROFILE_1 0xDE

gsize
mxr_packet_add_level (guint8 *packet, gsize n_bytes, guint8 id, guint8 level_dbov, bool is_voice)
{
  const bool has_block = n_bytes >= FIXED_BYTES + BLOCK_BYTES && (packet[0] & HAS_EXTENSION) != 0;
  const gsize elements = has_block ? 4 * ((gsize) packet[14] << 8 | packet[15]) : 0;
  const gsize payload_at = FIXED_BYTES + (has_block ? BLOCK_BYTES + elements : 0);
  const bool is_one_byte = !has_block || (packet[12] == ONE_BYTE_PROFILE_0 && packet[13] == ONE_BYTE_PROFILE_1);

  if (n_bytes < FIXED_BYTES || payload_at > n_bytes || !is_one_byte)
    return n_bytes;
  /* Behind the other elements and their padding, which may stand anywhere. */
  const guint8 element[4] = { (guint8) (id << 4), (guint8) ((is_voice ? 0x80 : 0) | (level_dbov & 0x7f)), 0, 0 };
  const gsize words = elements / 4 + 1;
  const gsize element_at = FIXED_BYTES + BLOCK_BYTES + elements;
  memmove (packet + element_at + sizeof element, packet + payload_at, n_bytes - payload_at);
  memcpy (packet + element_at, element, sizeof element);
  packet[0] |= HAS_EXTENSION;
  packet[12] = ONE_BYTE_PROFILE_0;
  packet[13] = ONE_BYTE_PROFILE_1;
  packet[14] = (guint8) (words >> 8);
  packet[15] = (guint8) words;
  return element_at + sizeof element + n_bytes - payload_at;
}
