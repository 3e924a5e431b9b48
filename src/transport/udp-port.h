#ifndef MXR_UDP_PORT_H
#define MXR_UDP_PORT_H

#include <gio/gio.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "mixroom/limits.h"

/* A second socket on the address and port of a UDP socket of libnice's, to which the kernel gives what is DTLS, RTP
 * or RTCP by its first byte (RFC 7983), and leaves the rest (STUN, TURN's channel data) to libnice's. So libnice sees
 * no media at all, and media crosses nothing but system calls. */

typedef struct _MxrUdpPort MxrUdpPort;
typedef struct _MxrUdpReader MxrUdpReader; /* what the ports of one thread read into, in turn */

typedef union {
  struct sockaddr sa;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} MxrUdpAddress;

bool mxr_udp_address_equal (const MxrUdpAddress *a, const MxrUdpAddress *b);

#define MXR_UDP_SEND_MAX 64

/** MxrUdpPortFunc: @data is aligned to 4 bytes and changeable until it returns; may close the port. */
typedef void (*MxrUdpPortFunc) (const MxrUdpAddress *from, guint8 *data, gsize size, gint64 now_us, gpointer user_data);

/** mxr_udp_reader_new: @has_gro: whether its ports have; 512 KiB then, 48 otherwise. */
MxrUdpReader *mxr_udp_reader_new (bool has_gro);
void mxr_udp_reader_free (MxrUdpReader *reader);

/**
 * mxr_udp_port_new:
 * @stun: a bound UDP socket; stays its owner's
 * @has_gro: the kernel may hand over runs of equal datagrams as one
 *
 * Errors: the kernel cannot divide a port; @stun goes on to receive everything. Source: socket(7), SO_REUSEPORT and
 * SO_ATTACH_REUSEPORT_CBPF, Linux 4.5.
 */
MxrUdpPort *mxr_udp_port_new (int stun, bool has_gro, GError **error);
/** mxr_udp_port_close: also from inside its reading; no function is called any more. */
void mxr_udp_port_close (MxrUdpPort *port);
/** mxr_udp_port_free: not from inside its reading. Closes it. */
void mxr_udp_port_free (MxrUdpPort *port);

int mxr_udp_port_get_fd (const MxrUdpPort *port);
int mxr_udp_port_get_stun_fd (const MxrUdpPort *port);

/**
 * mxr_udp_port_read:
 *
 * One system call's worth. A datagram that is too large comes cut, with more than %MXR_PACKET_MAX_BYTES.
 *
 * Returns: whether more may wait.
 */
bool mxr_udp_port_read (MxrUdpPort *port, MxrUdpReader *reader, MxrUdpPortFunc func, gpointer user_data);

/**
 * mxr_udp_port_send:
 * @n_datagrams: at most %MXR_UDP_SEND_MAX
 * @out_bytes: (out): of those that went out
 *
 * Runs of equal sizes, the last one smaller or equal, cross the network stack as one (UDP_SEGMENT) where the path can.
 * What the socket has no room for is dropped, with all after it; one that is too large for the path alone is.
 *
 * Returns: how many went out.
 */
guint mxr_udp_port_send (MxrUdpPort *port, const MxrUdpAddress *to, guint8 *const *datas, const gsize *sizes,
                         guint n_datagrams, gsize *out_bytes);

#endif
