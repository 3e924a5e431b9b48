#include "udp-port.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stun-peek.h"

/* Two ports on loopback: what one sends the other reads. */

typedef struct {
  int stun;
  MxrUdpPort *port;
  MxrUdpAddress address;
} End;

typedef struct {
  End a, b;
  MxrUdpReader *reader;
  GByteArray *read; /* datagrams of a, one after the other */
  GArray *sizes;    /* gsize */
  MxrUdpAddress from;
  guint close_after;
} Pair;

static void
end_init (End *end, int family, bool has_gro)
{
  g_autoptr (GError) error = NULL;
  socklen_t bytes = sizeof end->address;

  end->stun = socket (family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  end->address = (MxrUdpAddress){ .sa.sa_family = (sa_family_t) family };
  if (family == AF_INET)
    end->address.in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  else
    end->address.in6.sin6_addr = in6addr_loopback;
  g_assert_cmpint (bind (end->stun, &end->address.sa, sizeof end->address), ==, 0);
  g_assert_cmpint (getsockname (end->stun, &end->address.sa, &bytes), ==, 0);
  end->port = mxr_udp_port_new (end->stun, has_gro, &error);
  g_assert_no_error (error);
}

static Pair *
pair_new (int family, bool has_gro)
{
  Pair *pair = g_new0 (Pair, 1);

  end_init (&pair->a, family, has_gro);
  end_init (&pair->b, family, false);
  pair->reader = mxr_udp_reader_new (has_gro);
  pair->read = g_byte_array_new ();
  pair->sizes = g_array_new (FALSE, FALSE, sizeof (gsize));
  return pair;
}

static void
end_clear (End *end)
{
  mxr_udp_port_free (end->port);
  close (end->stun);
}

static void
pair_free (Pair *pair)
{
  end_clear (&pair->a);
  end_clear (&pair->b);
  mxr_udp_reader_free (pair->reader);
  g_byte_array_unref (pair->read);
  g_array_unref (pair->sizes);
  g_free (pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

static void
on_datagram (const MxrUdpAddress *from, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Pair *pair = user_data;

  g_assert_cmpuint (GPOINTER_TO_SIZE (data) % 4, ==, 0);
  g_byte_array_append (pair->read, data, (guint) size);
  g_array_append_val (pair->sizes, size);
  pair->from = *from;
  if (pair->close_after > 0 && pair->sizes->len == pair->close_after)
    mxr_udp_port_close (pair->a.port);
}

static void
read_all (Pair *pair)
{
  while (mxr_udp_port_read (pair->a.port, pair->reader, on_datagram, pair))
    ;
}

/* Each datagram has its number in all of its bytes but the first, which makes it RTP. */
static guint
send_sizes (Pair *pair, const gsize *sizes, guint n_sizes, gsize *out_bytes)
{
  guint8 *datas[MXR_UDP_SEND_MAX] = { NULL };

  for (guint i = 0; i < n_sizes; i++) {
    datas[i] = g_malloc (sizes[i]);
    memset (datas[i], (int) i, sizes[i]);
    datas[i][0] = 0x80;
  }
  const guint n_sent = mxr_udp_port_send (pair->b.port, &pair->a.address, datas, sizes, n_sizes, out_bytes);
  for (guint i = 0; i < n_sizes; i++)
    g_free (datas[i]);
  return n_sent;
}

static void
check_arrival (Pair *pair, const gsize *sizes, guint n_sizes)
{
  gsize at = 0;

  g_assert_cmpuint (pair->sizes->len, ==, n_sizes);
  for (guint i = 0; i < n_sizes; i++) {
    g_assert_cmpuint (g_array_index (pair->sizes, gsize, i), ==, sizes[i]);
    g_assert_cmpuint (pair->read->data[at], ==, 0x80);
    for (gsize j = 1; j < sizes[i]; j++)
      g_assert_cmpuint (pair->read->data[at + j], ==, i);
    at += sizes[i];
  }
  g_byte_array_set_size (pair->read, 0);
  g_array_set_size (pair->sizes, 0);
}

static void
exchange (Pair *pair, const gsize *sizes, guint n_sizes)
{
  gsize bytes, expected_bytes = 0;

  for (guint i = 0; i < n_sizes; i++)
    expected_bytes += sizes[i];
  g_assert_cmpuint (send_sizes (pair, sizes, n_sizes, &bytes), ==, n_sizes);
  g_assert_cmpuint (bytes, ==, expected_bytes);
  read_all (pair);
  check_arrival (pair, sizes, n_sizes);
  g_assert_true (mxr_udp_address_equal (&pair->from, &pair->b.address));
}

/* ---- Tests ---------------------------------------------------------------------------------------------- */

typedef struct {
  int family;
  bool has_gro;
} Way;

static const Way ways[] = { { AF_INET, false }, { AF_INET, true }, { AF_INET6, false }, { AF_INET6, true } };

/* Runs of equal sizes with and without a smaller end, one after the other, growing, single. */
static void
test_sizes (gconstpointer data)
{
  static const gsize frame[] = { 1200, 1200, 1200, 1200, 1200, 300 };
  static const gsize two_frames[] = { 1117, 1117, 301, 1200, 1200, 1200, 7, 7, 7, 1 };
  static const gsize growing[] = { 20, 21, 22, 23, 1200 };
  static const gsize one[] = { 100 };
  const Way *way = data;
  g_autoptr (Pair) pair = pair_new (way->family, way->has_gro);
  gsize full[MXR_UDP_SEND_MAX];

  exchange (pair, frame, G_N_ELEMENTS (frame));
  exchange (pair, two_frames, G_N_ELEMENTS (two_frames));
  exchange (pair, growing, G_N_ELEMENTS (growing));
  exchange (pair, one, 1);
  /* More than one datagram of the kernel's can hold. */
  for (guint i = 0; i < G_N_ELEMENTS (full); i++)
    full[i] = 1232;
  exchange (pair, full, G_N_ELEMENTS (full));
}

static void
test_random_sizes (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Pair) pair = pair_new (way->family, way->has_gro);

  for (guint round = 0; round < 300; round++) {
    gsize sizes[MXR_UDP_SEND_MAX];
    const guint n_sizes = (guint) g_test_rand_int_range (1, MXR_UDP_SEND_MAX + 1);
    const gint n_kinds = g_test_rand_int_range (1, 5);
    for (guint i = 0; i < n_sizes; i++)
      sizes[i] = 1 + 370 * (gsize) g_test_rand_int_range (0, n_kinds);
    exchange (pair, sizes, n_sizes);
  }
}

/* STUN between media, in one batch: each to its socket, in its order. */
static void
test_divides (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Pair) pair = pair_new (way->family, way->has_gro);
  guint8 datagram[40] = { 0 }, got[64];

  for (guint round = 0; round < 256; round += 32) {
    for (guint first = round; first < round + 32; first++) {
      datagram[0] = (guint8) first;
      g_assert_cmpint (sendto (pair->b.stun, datagram, sizeof datagram, 0, &pair->a.address.sa, sizeof pair->a.address),
                       ==, sizeof datagram);
    }
    read_all (pair);
    guint n_media = 0;
    for (guint first = round; first < round + 32; first++) {
      if ((first >= 20 && first <= 63) || (first >= 128 && first <= 191)) {
        g_assert_cmpuint (pair->read->data[sizeof datagram * n_media++], ==, first);
        continue;
      }
      g_assert_cmpint (recv (pair->a.stun, got, sizeof got, 0), ==, sizeof datagram);
      g_assert_cmpuint (got[0], ==, first);
    }
    g_assert_cmpuint (pair->sizes->len, ==, n_media);
    g_byte_array_set_size (pair->read, 0);
    g_array_set_size (pair->sizes, 0);
  }
  g_assert_cmpint (sendto (pair->b.stun, datagram, 0, 0, &pair->a.address.sa, sizeof pair->a.address), ==, 0);
  g_assert_cmpint (recv (pair->a.stun, got, sizeof got, 0), ==, 0);
}

/* Whoever floods one port gets its share of a look, and others theirs. */
static void
test_read_is_bounded (void)
{
  g_autoptr (Pair) pair = pair_new (AF_INET, false);
  gsize sizes[50], bytes;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    sizes[i] = 100;
  g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, G_N_ELEMENTS (sizes));
  g_assert_true (mxr_udp_port_read (pair->a.port, pair->reader, on_datagram, pair));
  g_assert_cmpuint (pair->sizes->len, <, G_N_ELEMENTS (sizes));
  read_all (pair);
  check_arrival (pair, sizes, G_N_ELEMENTS (sizes));
}

static void
test_close_while_reading (gconstpointer data)
{
  const Way *way = data;
  g_autoptr (Pair) pair = pair_new (way->family, way->has_gro);
  gsize sizes[40], bytes;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    sizes[i] = 101;
  pair->close_after = 3;
  g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, G_N_ELEMENTS (sizes));
  g_assert_false (mxr_udp_port_read (pair->a.port, pair->reader, on_datagram, pair));
  g_assert_cmpuint (pair->sizes->len, ==, 3);
  /* Closed: no room for anything, and nothing to read. */
  g_assert_false (mxr_udp_port_read (pair->a.port, pair->reader, on_datagram, pair));
  mxr_udp_port_close (pair->b.port);
  g_assert_cmpuint (send_sizes (pair, sizes, 5, &bytes), ==, 0);
  g_assert_cmpuint (bytes, ==, 0);
}

static void
test_too_large (void)
{
  static const gsize sizes[] = { 100, 65530, 100 };
  g_autoptr (Pair) pair = pair_new (AF_INET, false);
  guint8 large[4000] = { 0x80 };
  gsize bytes;

  /* None of IPv4's datagrams is that large: it alone stays here. */
  g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, 2);
  g_assert_cmpuint (bytes, ==, 200);
  g_assert_cmpint (sendto (pair->b.stun, large, sizeof large, 0, &pair->a.address.sa, sizeof pair->a.address), ==,
                   sizeof large);
  read_all (pair);
  g_assert_cmpuint (pair->sizes->len, ==, 3);
  g_assert_cmpuint (g_array_index (pair->sizes, gsize, 2), >, MXR_PACKET_MAX_BYTES);
}

/* Who collects what many senders batch has room for more than one frame. */
static void
test_gro_queue (void)
{
  g_autoptr (Pair) pair = pair_new (AF_INET, true);
  gsize sizes[50], bytes;
  int queue_bytes = 0;
  socklen_t option_bytes = sizeof queue_bytes;

  getsockopt (mxr_udp_port_get_fd (pair->a.port), SOL_SOCKET, SO_RCVBUF, &queue_bytes, &option_bytes);
  if (queue_bytes < 2 * 1024 * 1024) { /* the kernel doubles what it was told */
    g_test_skip ("net.core.rmem_max is below 1 MiB");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    sizes[i] = 1200;
  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, G_N_ELEMENTS (sizes));
  read_all (pair);
  g_assert_cmpuint (pair->sizes->len, ==, 10 * G_N_ELEMENTS (sizes));
}

/* As test_too_large(), in a run that the kernel put together: also those that do not begin on a whole word. */
static void
test_too_large_in_a_run (void)
{
  static const gsize sizes[] = { 3999, 3999, 3999, 200 };
  g_autoptr (Pair) pair = pair_new (AF_INET, true);
  gsize bytes;

  g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, G_N_ELEMENTS (sizes));
  read_all (pair);
  g_assert_cmpuint (pair->sizes->len, ==, G_N_ELEMENTS (sizes));
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (g_array_index (pair->sizes, gsize, i), >, MXR_PACKET_MAX_BYTES);
  g_assert_cmpuint (g_array_index (pair->sizes, gsize, 3), ==, 200);
}

/* A stranger who may bind to the port, because it runs as the same user, gets nothing that came for us. */
static void
test_third_socket (void)
{
  static const gsize sizes[] = { 100, 100, 50 };
  g_autoptr (Pair) pair = pair_new (AF_INET, false);
  const int third = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), shares = 1;
  guint8 check[40] = { 0, 1 }, got[64];

  g_assert_cmpint (bind (third, &pair->a.address.sa, sizeof pair->a.address), ==, -1);
  g_assert_cmpint (setsockopt (third, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares), ==, 0);
  g_assert_cmpint (bind (third, &pair->a.address.sa, sizeof pair->a.address), ==, 0);
  for (guint i = 0; i < 50; i++) {
    const MxrUdpAddress *to = &pair->a.address;
    exchange (pair, sizes, G_N_ELEMENTS (sizes));
    g_assert_cmpint (sendto (pair->b.stun, check, sizeof check, 0, &to->sa, sizeof *to), ==, sizeof check);
    g_assert_cmpint (recv (pair->a.stun, got, sizeof got, 0), ==, sizeof check);
    g_assert_cmpint (recv (third, got, sizeof got, 0), ==, -1);
  }
  close (third);
}

/* An address that takes nothing costs that batch, run by run and then one by one, and no other. */
static void
test_nowhere (void)
{
  static const gsize sizes[] = { 100, 100, 100, 50 };
  g_autoptr (Pair) pair = pair_new (AF_INET, false);
  const MxrUdpAddress there = pair->a.address;
  gsize bytes;

  pair->a.address.in.sin_port = 0;
  g_assert_cmpuint (send_sizes (pair, sizes, G_N_ELEMENTS (sizes), &bytes), ==, 0);
  g_assert_cmpuint (bytes, ==, 0);
  pair->a.address = there;
  exchange (pair, sizes, G_N_ELEMENTS (sizes));
}

/* What cannot be divided goes on to receive everything. */
static void
test_cannot_divide (void)
{
  g_autoptr (GError) error = NULL;
  int shares = 1;
  socklen_t bytes = sizeof shares;
  const int unbound = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_null (mxr_udp_port_new (-1, false, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  /* The second binds to any free port, and is alone there. */
  g_assert_null (mxr_udp_port_new (unbound, false, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (getsockopt (unbound, SOL_SOCKET, SO_REUSEPORT, &shares, &bytes), ==, 0);
  g_assert_cmpint (shares, ==, 0);
  close (unbound);
}

typedef struct {
  guint n;
  guint8 first[16];
  MxrUdpAddress from;
} Peeked;

static void
on_peeked (const MxrUdpAddress *from, const guint8 *data, gsize size, gpointer user_data)
{
  Peeked *peeked = user_data;
  g_assert_cmpuint (size, ==, 40);
  peeked->first[peeked->n++] = data[1];
  peeked->from = *from;
}

static void
test_peek_leaves_all (void)
{
  g_autoptr (Pair) pair = pair_new (AF_INET, false);
  guint8 datagram[40] = { 0 }, got[64];

  for (guint round = 0; round < 3; round++) {
    for (guint8 i = 0; i < 5; i++) {
      datagram[1] = i;
      g_assert_cmpint (sendto (pair->b.stun, datagram, sizeof datagram, 0, &pair->a.address.sa, sizeof pair->a.address),
                       ==, sizeof datagram);
    }
    for (guint again = 0; again < 2; again++) {
      Peeked peeked = { 0 };
      mxr_stun_peek (pair->a.stun, on_peeked, &peeked);
      g_assert_cmpuint (peeked.n, ==, 5);
      for (guint8 i = 0; i < 5; i++)
        g_assert_cmpuint (peeked.first[i], ==, i);
      g_assert_true (mxr_udp_address_equal (&peeked.from, &pair->b.address));
    }
    for (guint8 i = 0; i < 5; i++) {
      g_assert_cmpint (recv (pair->a.stun, got, sizeof got, 0), ==, sizeof datagram);
      g_assert_cmpuint (got[1], ==, i);
    }
  }
}

static void
add (const char *name, GTestDataFunc func)
{
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *path = g_strdup_printf ("/udp-port/%s/%s%s", name, ways[i].family == AF_INET ? "ipv4" : "ipv6",
                                             ways[i].has_gro ? "-gro" : "");
    g_test_add_data_func (path, &ways[i], func);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("sizes", test_sizes);
  add ("random-sizes", test_random_sizes);
  add ("divides", test_divides);
  add ("close-while-reading", test_close_while_reading);
  g_test_add_func ("/udp-port/read-is-bounded", test_read_is_bounded);
  g_test_add_func ("/udp-port/too-large", test_too_large);
  g_test_add_func ("/udp-port/too-large-in-a-run", test_too_large_in_a_run);
  g_test_add_func ("/udp-port/gro-queue", test_gro_queue);
  g_test_add_func ("/udp-port/third-socket", test_third_socket);
  g_test_add_func ("/udp-port/nowhere", test_nowhere);
  g_test_add_func ("/udp-port/cannot-divide", test_cannot_divide);
  g_test_add_func ("/udp-port/peek-leaves-all", test_peek_leaves_all);
  return g_test_run ();
}
