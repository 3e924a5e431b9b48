#include "udp-port.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _MxrUdpPort {
  int fd; /* -1: closed */
  int stun;
  bool has_gso;
};

bool
mxr_udp_address_equal (const MxrUdpAddress *a, const MxrUdpAddress *b)
{
  if (a->sa.sa_family != b->sa.sa_family)
    return false;
  if (a->sa.sa_family == AF_INET)
    return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
  return a->in6.sin6_port == b->in6.sin6_port &&
         memcmp (&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

/* ---- Dividing a port ------------------------------------------------------------------------------------ */

/* Who takes runs takes them from many senders at once: the 208 KiB that are usual hold three. As far as the system lets us
 * (net.core.rmem_max). */
#define GRO_QUEUE_BYTES (1024 * 1024)

/* The place of a socket among those of its port is the order of their binding. */
enum { STUN_SOCKET, MEDIA_SOCKET };

/* RFC 7983 7: 20 to 63 is DTLS, 128 to 191 RTP and RTCP. */
static const struct sock_filter divide[] = {
  BPF_STMT (BPF_LD | BPF_B | BPF_ABS, 0), /* a datagram of no bytes ends here, with 0 */
  BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, 20, 0, 4),
  BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, 63, 0, 2),
  BPF_JUMP (BPF_JMP | BPF_JGE | BPF_K, 128, 0, 2),
  BPF_JUMP (BPF_JMP | BPF_JGT | BPF_K, 191, 1, 0),
  BPF_STMT (BPF_RET | BPF_K, MEDIA_SOCKET),
  BPF_STMT (BPF_RET | BPF_K, STUN_SOCKET),
};

static bool
set_option (int fd, int level, int option, int value)
{
  return setsockopt (fd, level, option, &value, sizeof value) == 0;
}

static bool
get_bound (int fd, MxrUdpAddress *out_address)
{
  socklen_t bytes = sizeof *out_address;

  G_STATIC_ASSERT (offsetof (struct sockaddr_in, sin_port) == offsetof (struct sockaddr_in6, sin6_port));
  if (getsockname (fd, &out_address->sa, &bytes) != 0)
    return false;
  errno = EDESTADDRREQ;
  return out_address->in.sin_port != 0;
}

/* Both must be equal in all that the kernel compares before it lets them share a port. */
static bool
bind_beside (int fd, int stun)
{
  MxrUdpAddress address = { 0 };
  int is_v6_only = 0;
  socklen_t option_bytes = sizeof is_v6_only;

  return get_bound (stun, &address) &&
         (address.sa.sa_family != AF_INET6 ||
          (getsockopt (stun, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, &option_bytes) == 0 &&
           set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, is_v6_only))) &&
         set_option (stun, SOL_SOCKET, SO_REUSEPORT, 1) && set_option (fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
         bind (fd, &address.sa, sizeof address) == 0;
}

static bool
divide_port (int fd, int stun)
{
  const struct sock_fprog program = { G_N_ELEMENTS (divide), (struct sock_filter *) divide };

  return bind_beside (fd, stun) && setsockopt (fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

MxrUdpPort *
mxr_udp_port_new (int stun, bool has_gro, GError **error)
{
  int family = AF_UNSPEC;
  socklen_t option_bytes = sizeof family;

  getsockopt (stun, SOL_SOCKET, SO_DOMAIN, &family, &option_bytes);
  const int fd = socket (family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || !divide_port (fd, stun)) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "the port cannot be divided: %s",
                 g_strerror (errno));
    if (fd >= 0)
      close (fd);
    set_option (stun, SOL_SOCKET, SO_REUSEPORT, 0);
    return NULL;
  }
  MxrUdpPort *port = g_new0 (MxrUdpPort, 1);
  port->fd = fd;
  port->stun = stun;
  /* A kernel that does not know the option would ignore the control message and send one huge datagram. */
  port->has_gso = set_option (fd, SOL_UDP, UDP_SEGMENT, 0);
  if (has_gro) {
    set_option (fd, SOL_UDP, UDP_GRO, 1);
    set_option (fd, SOL_SOCKET, SO_RCVBUF, GRO_QUEUE_BYTES);
  }
  return port;
}

void
mxr_udp_port_close (MxrUdpPort *port)
{
  if (port->fd >= 0)
    close (port->fd);
  port->fd = -1;
}

void
mxr_udp_port_free (MxrUdpPort *port)
{
  mxr_udp_port_close (port);
  g_free (port);
}

int
mxr_udp_port_get_fd (const MxrUdpPort *port)
{
  return port->fd;
}

int
mxr_udp_port_get_stun_fd (const MxrUdpPort *port)
{
  return port->stun;
}

/* ---- Receiving ------------------------------------------------------------------------------------------ */

/* One port's share of a look. */
#define SLOTS 32
#define GRO_SLOTS 8
/* More than the largest packet we take, so that a cut one is too large as well. */
#define SLOT_BYTES 1536
#define GRO_SLOT_BYTES 65536
G_STATIC_ASSERT (SLOT_BYTES > MXR_PACKET_MAX_BYTES);

typedef union {
  char bytes[CMSG_SPACE (sizeof (int))];
  struct cmsghdr alignment;
} Control;

struct _MxrUdpReader {
  guint n_slots;
  guint n_used; /* by the last read */
  gsize slot_bytes;
  guint8 *data; /* n_slots x slot_bytes */
  struct mmsghdr messages[SLOTS];
  struct iovec vectors[SLOTS];
  MxrUdpAddress from[SLOTS];
  Control controls[SLOTS]; /* used with GRO only */
  guint8 segment[SLOT_BYTES] __attribute__ ((aligned (4)));
};

MxrUdpReader *
mxr_udp_reader_new (bool has_gro)
{
  MxrUdpReader *reader = g_new0 (MxrUdpReader, 1);

  reader->n_slots = reader->n_used = has_gro ? GRO_SLOTS : SLOTS;
  reader->slot_bytes = has_gro ? GRO_SLOT_BYTES : SLOT_BYTES;
  reader->data = g_malloc (reader->n_slots * reader->slot_bytes);
  for (guint i = 0; i < reader->n_slots; i++) {
    struct msghdr *header = &reader->messages[i].msg_hdr;
    reader->vectors[i] = (struct iovec){ reader->data + i * reader->slot_bytes, reader->slot_bytes };
    *header = (struct msghdr){ .msg_name = &reader->from[i], .msg_iov = &reader->vectors[i], .msg_iovlen = 1 };
    header->msg_control = has_gro ? reader->controls[i].bytes : NULL;
  }
  return reader;
}

void
mxr_udp_reader_free (MxrUdpReader *reader)
{
  g_free (reader->data);
  g_free (reader);
}

/* The kernel leaves the lengths of what it wrote there. All slots are two kilobytes of headers, for mostly one packet. */
static void
reset (MxrUdpReader *reader)
{
  for (guint i = 0; i < reader->n_used; i++) {
    struct msghdr *header = &reader->messages[i].msg_hdr;
    header->msg_namelen = sizeof reader->from[i];
    header->msg_controllen = header->msg_control != NULL ? sizeof reader->controls[i] : 0;
  }
}

/* The size of the datagrams that were put together, 0: it is one. */
static gsize
get_segment_bytes (struct msghdr *header)
{
  for (struct cmsghdr *item = CMSG_FIRSTHDR (header); item != NULL; item = CMSG_NXTHDR (header, item))
    if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO) {
      int segment_bytes;
      memcpy (&segment_bytes, CMSG_DATA (item), sizeof segment_bytes);
      return segment_bytes > 0 ? (gsize) segment_bytes : 0;
    }
  return 0;
}

/* SRTP wants its packets aligned, and segments of odd sizes are not. */
static guint8 *
align (MxrUdpReader *reader, guint8 *data, gsize size)
{
  if (GPOINTER_TO_SIZE (data) % 4 == 0)
    return data;
  return memcpy (reader->segment, data, size);
}

bool
mxr_udp_port_read (MxrUdpPort *port, MxrUdpReader *reader, MxrUdpPortFunc func, gpointer user_data)
{
  reset (reader);
  const int n_messages = recvmmsg (port->fd, reader->messages, reader->n_slots, MSG_DONTWAIT, NULL);
  const gint64 now_us = g_get_monotonic_time ();

  reader->n_used = (guint) MAX (n_messages, 0);
  for (int i = 0; i < n_messages; i++) {
    const gsize size = reader->messages[i].msg_len;
    const gsize whole = get_segment_bytes (&reader->messages[i].msg_hdr);
    const gsize step = whole > 0 ? whole : MAX (size, 1);
    for (gsize at = 0; at < size && port->fd >= 0; at += step) {
      const gsize segment_bytes = MIN (MIN (step, size - at), SLOT_BYTES);
      guint8 *data = align (reader, (guint8 *) reader->vectors[i].iov_base + at, segment_bytes);
      func (&reader->from[i], data, segment_bytes, now_us, user_data);
    }
  }
  return n_messages == (int) reader->n_slots && port->fd >= 0;
}

/* ---- Sending -------------------------------------------------------------------------------------------- */

/* Below what one IPv6 datagram can hold; and the oldest kernels' bound on segments is MXR_UDP_SEND_MAX. */
#define RUN_MAX_BYTES 64000

typedef struct {
  struct mmsghdr messages[MXR_UDP_SEND_MAX]; /* one a run */
  guint n_datagrams[MXR_UDP_SEND_MAX];       /* of each run */
  struct iovec vectors[MXR_UDP_SEND_MAX];
  union {
    char bytes[CMSG_SPACE (sizeof (guint16))];
    struct cmsghdr alignment;
  } controls[MXR_UDP_SEND_MAX];
} Sending;

static socklen_t
get_address_bytes (const MxrUdpAddress *address)
{
  return address->sa.sa_family == AF_INET ? sizeof address->in : sizeof address->in6;
}

static guint
count_run (const gsize *sizes, guint n_sizes)
{
  gsize bytes = sizes[0];
  guint n = 1;

  while (n < n_sizes && sizes[n - 1] == sizes[0] && sizes[n] <= sizes[0] && bytes + sizes[n] <= RUN_MAX_BYTES)
    bytes += sizes[n++];
  return n;
}

static void
add_segment_size (struct msghdr *header, gpointer control, gsize control_bytes, guint16 segment_bytes)
{
  header->msg_control = control;
  header->msg_controllen = control_bytes;
  struct cmsghdr *item = CMSG_FIRSTHDR (header);
  item->cmsg_level = SOL_UDP;
  item->cmsg_type = UDP_SEGMENT;
  item->cmsg_len = CMSG_LEN (sizeof segment_bytes);
  memcpy (CMSG_DATA (item), &segment_bytes, sizeof segment_bytes);
}

/* Returns: how many runs. */
static guint
arrange (Sending *sending, const MxrUdpPort *port, const MxrUdpAddress *to, guint8 *const *datas, const gsize *sizes,
         guint n_datagrams)
{
  guint n_runs = 0;

  for (guint at = 0; at < n_datagrams; at += sending->n_datagrams[n_runs++]) {
    const guint n = port->has_gso ? count_run (sizes + at, n_datagrams - at) : 1;
    struct msghdr *header = &sending->messages[n_runs].msg_hdr;
    *header = (struct msghdr){ .msg_name = (gpointer) to,
                               .msg_namelen = get_address_bytes (to),
                               .msg_iov = &sending->vectors[at],
                               .msg_iovlen = n };
    for (guint i = at; i < at + n; i++)
      sending->vectors[i] = (struct iovec){ datas[i], sizes[i] };
    if (n > 1)
      add_segment_size (header, sending->controls[n_runs].bytes, sizeof sending->controls[n_runs].bytes,
                        (guint16) sizes[at]);
    sending->n_datagrams[n_runs] = n;
  }
  return n_runs;
}

/* What to do about the first run of those that were to go out. Returns: how many datagrams are given up; 0: try again,
 * otherwise arranged. */
static guint
give_up (MxrUdpPort *port, const Sending *sending, guint n_left, int error)
{
  if (sending->n_datagrams[0] > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
    /* No checksums in that device, a small MTU, IPsec: the path's, so only this peer goes without. */
    port->has_gso = false;
    return 0;
  }
  return error == EMSGSIZE ? 1 : n_left;
}

static guint
send_runs (MxrUdpPort *port, Sending *sending, guint n_runs, guint *out_n_datagrams)
{
  const int n_sent = sendmmsg (port->fd, sending->messages, n_runs, MSG_DONTWAIT | MSG_NOSIGNAL);

  *out_n_datagrams = 0;
  for (int i = 0; i < n_sent; i++)
    *out_n_datagrams += sending->n_datagrams[i];
  return *out_n_datagrams;
}

/* A twentieth cheaper than sendmmsg() of one, and most packets of sound are one. */
static guint
send_one (const MxrUdpPort *port, const MxrUdpAddress *to, const guint8 *data, gsize size, gsize *out_bytes)
{
  if (sendto (port->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, get_address_bytes (to)) < 0)
    return 0;
  *out_bytes = size;
  return 1;
}

guint
mxr_udp_port_send (MxrUdpPort *port, const MxrUdpAddress *to, guint8 *const *datas, const gsize *sizes,
                   guint n_datagrams, gsize *out_bytes)
{
  Sending sending;
  guint n_sent = 0;

  *out_bytes = 0;
  g_return_val_if_fail (n_datagrams <= MXR_UDP_SEND_MAX, 0);
  if (n_datagrams == 1)
    return send_one (port, to, datas[0], sizes[0], out_bytes);
  for (guint at = 0; at < n_datagrams;) {
    const guint n_runs = arrange (&sending, port, to, datas + at, sizes + at, n_datagrams - at);
    guint n;
    if (send_runs (port, &sending, n_runs, &n) == 0) {
      at += give_up (port, &sending, n_datagrams - at, errno);
      continue;
    }
    for (guint i = at; i < at + n; i++)
      *out_bytes += sizes[i];
    n_sent += n;
    at += n;
  }
  return n_sent;
}
