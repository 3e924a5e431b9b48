#ifndef MXR_LOAD_PACKET_H
#define MXR_LOAD_PACKET_H

#include <stdbool.h>
#include <glib.h>

/* What RFC 6464's extension adds to a packet at most: a new block of 4 bytes and a word. */
#define MXR_LEVEL_MAX_BYTES 8

/**
 * mxr_packet_add_level:
 * @packet: of our own sender: no CSRCs, and an extension block of the one-byte form or none; %MXR_LEVEL_MAX_BYTES of
 * room behind it
 * @id: negotiated [1..14]
 * @level_dbov: [0..127], without the sign
 *
 * Returns: bytes of the packet now; as before, and nothing changed, when it is not of that form.
 * Source: RFC 6464 3, RFC 8285 4.2.
 */
gsize mxr_packet_add_level (guint8 *packet, gsize n_bytes, guint8 id, guint8 level_dbov, bool is_voice);

#endif
