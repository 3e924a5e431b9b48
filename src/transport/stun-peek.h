#ifndef MXR_STUN_PEEK_H
#define MXR_STUN_PEEK_H

#include "udp-port.h"

typedef void (*MxrStunPeekFunc) (const MxrUdpAddress *from, const guint8 *data, gsize size, gpointer user_data);

/**
 * mxr_stun_peek:
 * @fd: a non-blocking UDP socket that somebody else reads
 *
 * Hands over copies of the heads of the datagrams that wait there, the first eight at most, and leaves them there.
 */
void mxr_stun_peek (int fd, MxrStunPeekFunc func, gpointer user_data);

#endif
