#include "udp-port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel refuses, at each place of a batch. Loopback refuses nothing, so the two calls are ours here: they stand
 * before the C library's, and go on to the kernel unless told otherwise. */

typedef struct {
  int error;         /* 0: none */
  guint after;       /* runs and single datagrams that still go out */
  guint n_refused;   /* calls that fail; then all goes on */
  bool only_runs;    /* what is alone in its datagram goes out */
  guint n_calls;
} Refusal;

static Refusal refusal;

static bool
refuses (const struct msghdr *header)
{
  const bool is_run = header != NULL && header->msg_controllen > 0;

  if (refusal.error == 0 || refusal.n_refused == 0 || (refusal.only_runs && !is_run))
    return false;
  if (refusal.after > 0) {
    refusal.after--;
    return false;
  }
  errno = refusal.error;
  return true;
}

static int
fail (void)
{
  refusal.n_refused--;
  return -1;
}

/* As the kernel has it: an error is told when nothing went out; else the next call meets it. */
int
sendmmsg (int fd, struct mmsghdr *messages, unsigned n_messages, int flags)
{
  guint n = 0;

  refusal.n_calls++;
  while (n < n_messages && !refuses (&messages[n].msg_hdr))
    n++;
  return n == 0 ? fail () : (int) syscall (SYS_sendmmsg, fd, messages, n, flags);
}

ssize_t
sendto (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_bytes)
{
  refusal.n_calls++;
  return refuses (NULL) ? fail () : syscall (SYS_sendto, fd, data, size, flags, to, to_bytes);
}

/* ---- A port, and a plain socket that reads ----------------------------------------------------------------- */

typedef struct {
  int stun, reader;
  MxrUdpPort *port;
  MxrUdpAddress to;
} Fixture;

static int
open_bound (MxrUdpAddress *out_address)
{
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t bytes = sizeof *out_address;

  *out_address = (MxrUdpAddress){ .in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) } };
  g_assert_cmpint (bind (fd, &out_address->sa, sizeof out_address->in), ==, 0);
  g_assert_cmpint (getsockname (fd, &out_address->sa, &bytes), ==, 0);
  return fd;
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  MxrUdpAddress own;

  refusal = (Refusal){ 0 };
  fixture->reader = open_bound (&fixture->to);
  fixture->stun = open_bound (&own);
  fixture->port = mxr_udp_port_new (fixture->stun, false, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_udp_port_free (fixture->port);
  close (fixture->stun);
  close (fixture->reader);
}

/* Five of 200 bytes; three of 300 with a smaller end; one alone. */
static const gsize sizes[] = { 200, 200, 200, 200, 200, 300, 300, 300, 100, 60 };
#define N_SENT G_N_ELEMENTS (sizes)

static guint
send_batch (Fixture *fixture, guint n, gsize *out_bytes)
{
  guint8 bytes[N_SENT][300];
  guint8 *datas[N_SENT];

  for (guint i = 0; i < n; i++) {
    memset (bytes[i], (int) i, sizeof bytes[i]);
    datas[i] = bytes[i];
  }
  return mxr_udp_port_send (fixture->port, &fixture->to, datas, sizes, n, out_bytes);
}

/* Returns: one bit for each that arrived. */
static guint
read_arrived (Fixture *fixture)
{
  guint8 got[512];
  guint arrived = 0;

  for (gssize size; (size = recv (fixture->reader, got, sizeof got, 0)) > 0;) {
    g_assert_cmpint (size, ==, (gssize) sizes[got[0]]);
    g_assert_cmpuint (arrived & 1u << got[0], ==, 0);
    arrived |= 1u << got[0];
  }
  return arrived;
}

static gsize
count_bytes (guint arrived)
{
  gsize n_bytes = 0;
  for (guint i = 0; i < N_SENT; i++)
    n_bytes += (arrived >> i & 1) != 0 ? sizes[i] : 0;
  return n_bytes;
}

#define ALL ((1u << N_SENT) - 1)

/* What was said to have gone out is what arrives. */
static guint
check_batch (Fixture *fixture, guint n)
{
  gsize n_bytes;
  const guint n_sent = send_batch (fixture, n, &n_bytes);
  const guint arrived = read_arrived (fixture);

  g_assert_cmpuint (n_sent, ==, __builtin_popcount (arrived));
  g_assert_cmpuint (n_bytes, ==, count_bytes (arrived));
  return arrived;
}

/* ---- Tests ------------------------------------------------------------------------------------------------ */

/* No room: what went out stays out, the rest is given up at once, and the next batch goes as if nothing had been. */
static void
test_no_room (Fixture *fixture, gconstpointer unused)
{
  static const int errors[] = { EAGAIN, ENOBUFS, EPERM };
  static const guint arrived[] = { 0, 0x1f, 0x1ff, ALL };

  for (guint e = 0; e < G_N_ELEMENTS (errors); e++)
    for (guint after = 0; after < G_N_ELEMENTS (arrived); after++) {
      refusal = (Refusal){ .error = errors[e], .after = after, .n_refused = 1 };
      g_assert_cmphex (check_batch (fixture, N_SENT), ==, arrived[after]);
      g_assert_cmpuint (refusal.n_calls, <=, 2);
      refusal = (Refusal){ 0 };
      g_assert_cmphex (check_batch (fixture, N_SENT), ==, ALL);
      g_assert_cmpuint (refusal.n_calls, ==, 1);
    }
}

static void
test_no_room_for_one (Fixture *fixture, gconstpointer unused)
{
  refusal = (Refusal){ .error = EAGAIN, .n_refused = 1 };
  g_assert_cmphex (check_batch (fixture, 1), ==, 0);
  g_assert_cmphex (check_batch (fixture, 1), ==, 1);
}

/* A path that takes no runs: all go out one by one, in this batch and without another try from then on. */
static void
test_no_runs (Fixture *fixture, gconstpointer unused)
{
  static const int errors[] = { EIO, EINVAL, EMSGSIZE };

  for (guint e = 0; e < G_N_ELEMENTS (errors); e++)
    for (guint after = 0; after < 2; after++) {
      Fixture other = { 0 };
      fixture_init (&other, NULL);
      refusal = (Refusal){ .error = errors[e], .after = after, .n_refused = G_MAXUINT, .only_runs = true };
      g_assert_cmphex (check_batch (&other, N_SENT), ==, ALL);
      g_assert_cmpuint (refusal.n_refused, >=, G_MAXUINT - 2);
      refusal.n_calls = 0;
      g_assert_cmphex (check_batch (&other, N_SENT), ==, ALL);
      g_assert_cmpuint (refusal.n_calls, ==, 1);
      fixture_clear (&other, NULL);
    }
}

/* Neither runs nor room. */
static void
test_no_runs_no_room (Fixture *fixture, gconstpointer unused)
{
  refusal = (Refusal){ .error = EIO, .n_refused = 1, .only_runs = true };
  g_assert_cmphex (check_batch (fixture, N_SENT), ==, ALL);
  refusal = (Refusal){ .error = EAGAIN, .after = 4, .n_refused = 1 };
  g_assert_cmphex (check_batch (fixture, N_SENT), ==, 0x0f);
}

/* One that is too large for the path alone costs itself only. */
static void
test_one_too_large (Fixture *fixture, gconstpointer unused)
{
  refusal = (Refusal){ .error = EIO, .n_refused = 1, .only_runs = true };
  check_batch (fixture, N_SENT);
  for (guint at = 0; at < N_SENT; at++) {
    refusal = (Refusal){ .error = EMSGSIZE, .after = at, .n_refused = 1 };
    g_assert_cmphex (check_batch (fixture, N_SENT), ==, ALL & ~(1u << at));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/udp-port-send/" path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("no-room", test_no_room);
  ADD ("no-room-for-one", test_no_room_for_one);
  ADD ("no-runs", test_no_runs);
  ADD ("no-runs-no-room", test_no_runs_no_room);
  ADD ("one-too-large", test_one_too_large);
#undef ADD
  return g_test_run ();
}
