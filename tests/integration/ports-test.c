/* Strangers at the media ports, before, while and after a call connects: calls connect, none ends. */

#include "oracle.h"
#include "wire.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM "test"
#define SEED 20250103
/* About 2000 datagrams a second in all: an annoyance, not the machine's end. */
#define PAUSE_US 2000
#define DATAGRAMS_PER_PAUSE 4
#define PORTS_MAX 32

/* A ClientHello of nobody's: DTLS 1.2, no cookie, two cipher suites (RFC 6347 4.2.1). */
static const guint8 client_hello[] = {
  22, 0xfe, 0xff, 0,    0,  0,  0,  0,  0,  0,  0,  0,  54, 1,  0,  0,  42, 0,    0,    0,    0,    0,  0,
  0,  42,   0xfe, 0xfd, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,   15,   16,   17,   18, 19,
  20, 21,   22,   23,   24, 25, 26, 27, 28, 29, 30, 31, 32, 0,  0,  0,  4,  0xc0, 0x2b, 0xc0, 0x2f, 1,  0,
};
/* Fatal handshake_failure, and a close_notify, in plain and with a sequence number from the future. */
static const guint8 alert_fatal[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
static const guint8 alert_close[] = { 21, 0xfe, 0xfd, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 2, 1, 0 };
/* Binding requests without credentials, and with a user and a wrong MESSAGE-INTEGRITY (RFC 8489 14.3, 14.5).
 */
static const guint8 stun_bare[] = {
  0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
};

typedef struct {
  GThread *thread;
  GPtrArray *datagrams; /* GBytes */
  atomic_bool stopped;
  atomic_uint n_ports;
  _Atomic guint16 ports[PORTS_MAX];
  atomic_uint n_sent;
} Stranger;

static void
send_one (const Stranger *stranger, int fd, GRand *rand, guint n_ports)
{
  GBytes *datagram =
      stranger->datagrams->pdata[g_rand_int_range (rand, 0, (gint32) stranger->datagrams->len)];
  guint16 port = stranger->ports[g_rand_int_range (rand, 0, (gint32) n_ports)];
  const struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons (port),
                                       .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  gsize n_bytes;
  const void *bytes = g_bytes_get_data (datagram, &n_bytes);
  sendto (fd, bytes, n_bytes, MSG_DONTWAIT, (const struct sockaddr *) &address, sizeof address);
}

static gpointer
stranger_run (gpointer data)
{
  Stranger *stranger = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  while (!atomic_load (&stranger->stopped)) {
    guint n_ports = atomic_load (&stranger->n_ports);
    for (guint i = 0; n_ports > 0 && i < DATAGRAMS_PER_PAUSE; i++, atomic_fetch_add (&stranger->n_sent, 1))
      send_one (stranger, fd, rand, n_ports);
    g_usleep (PAUSE_US);
  }
  close (fd);
  return NULL;
}

static void
add_rtp (GPtrArray *datagrams)
{
  GRand *rand = g_rand_new_with_seed (SEED + 1);
  guint8 bytes[200];

  for (guint i = 0; i < 64; i++) { /* RTP, RTCP and what is neither (RFC 7983 7) */
    for (guint k = 0; k < sizeof bytes; k++)
      bytes[k] = (guint8) g_rand_int_range (rand, 0, 256);
    bytes[0] = i % 4 == 3 ? (guint8) (i * 4) : 0x80;
    bytes[1] = i % 2 == 0 ? 200 + i % 8 : 96;
    g_ptr_array_add (datagrams, g_bytes_new (bytes, (gsize) g_rand_int_range (rand, 1, sizeof bytes)));
  }
  g_rand_free (rand);
}

static GPtrArray *
load_datagrams (void)
{
  static const char *const folders[] = { "stun", "rtp", "rtcp", "mediasoup-crashes" };
  GPtrArray *datagrams = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (guint i = 0; i < 16; i++) { /* as many as all others together would be fair */
    g_ptr_array_add (datagrams, g_bytes_new_static (client_hello, sizeof client_hello));
    g_ptr_array_add (datagrams, g_bytes_new_static (alert_fatal, sizeof alert_fatal));
    g_ptr_array_add (datagrams, g_bytes_new_static (alert_close, sizeof alert_close));
    g_ptr_array_add (datagrams, g_bytes_new_static (stun_bare, sizeof stun_bare));
  }
  add_rtp (datagrams);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autoptr (GPtrArray) corpus = corpus_list (folders[i], 1400);
    g_test_message ("%u datagrams of corpus '%s'", corpus->len, folders[i]);
    for (guint k = 0; k < MIN (corpus->len, 300); k++)
      g_ptr_array_add (datagrams, g_bytes_ref (corpus->pdata[k]));
  }
  return datagrams;
}

/* With the right USERNAME, which a watcher of the signalling may know, and a wrong MESSAGE-INTEGRITY. */
static GBytes *
new_forged_check (const char *offer, const char *answer)
{
  g_autofree char *theirs = sdp_dup_attribute (answer, "ice-ufrag"),
                  *ours = sdp_dup_attribute (offer, "ice-ufrag");
  g_autofree char *user = g_strdup_printf ("%s:%s", theirs, ours);
  gsize n_user = strlen (user), n_padded = (n_user + 3) & ~(gsize) 3;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 username[] = { 0, 6, 0, (guint8) n_user }, integrity[24] = { 0, 8, 0, 20, 1, 2, 3 };
  static const guint8 use_candidate[] = { 0, 0x25, 0, 0 };

  g_byte_array_append (bytes, stun_bare, sizeof stun_bare);
  g_byte_array_append (bytes, username, sizeof username);
  g_byte_array_append (bytes, (const guint8 *) user, (guint) n_user);
  g_byte_array_set_size (bytes, (guint) (sizeof stun_bare + sizeof username + n_padded));
  memset (bytes->data + sizeof stun_bare + sizeof username + n_user, 0, n_padded - n_user);
  g_byte_array_append (bytes, use_candidate, sizeof use_candidate);
  g_byte_array_append (bytes, integrity, sizeof integrity);
  bytes->data[3] = (guint8) (bytes->len - sizeof stun_bare);
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static Stranger *
stranger_new (void)
{
  Stranger *stranger = g_new0 (Stranger, 1);
  stranger->datagrams = load_datagrams ();
  stranger->thread = g_thread_new ("stranger", stranger_run, stranger);
  return stranger;
}

static void
stranger_free (Stranger *stranger)
{
  atomic_store (&stranger->stopped, true);
  g_thread_join (stranger->thread);
  g_test_message ("%u datagrams sent", atomic_load (&stranger->n_sent));
  g_ptr_array_unref (stranger->datagrams);
  g_free (stranger);
}

static void
stranger_aim (Stranger *stranger, const char *answer)
{
  g_autoptr (GArray) ports = sdp_list_udp_ports (answer);
  guint n = atomic_load (&stranger->n_ports);

  g_assert_cmpuint (ports->len, >, 0);
  for (guint i = 0; i < ports->len && n < PORTS_MAX; i++)
    stranger->ports[n++] = g_array_index (ports, guint16, i);
  atomic_store (&stranger->n_ports, n);
}

/* ---- Tests -----------------------------------------------------------------------------------------------
 */

static void
send_forged_checks (FakePeer *peer, guint n)
{
  g_autoptr (GBytes) check = new_forged_check (fake_peer_get_offer (peer), fake_peer_get_answer (peer));
  g_autoptr (GArray) ports = sdp_list_udp_ports (fake_peer_get_answer (peer));
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gsize n_bytes;
  const void *bytes = g_bytes_get_data (check, &n_bytes);

  for (guint i = 0; i < n; i++) {
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons (g_array_index (ports, guint16, i % ports->len)),
                                         .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    sendto (fd, bytes, n_bytes, MSG_DONTWAIT, (const struct sockaddr *) &address, sizeof address);
  }
  close (fd);
}

static void
test_strangers (void)
{
  ServerProcess *server = server_process_new (NULL);
  Stranger *stranger = stranger_new ();
  Call call = { 0 };

  call_start (&call, server, ROOM);
  for (guint i = 0; i < G_N_ELEMENTS (call.peers); i++) {
    stranger_aim (stranger, fake_peer_get_answer (call.peers[i]));
    send_forged_checks (call.peers[i], 200);
  }
  pump_for (2000);
  call_check (&call, "under fire");
  for (guint i = 2; i < 6; i++) { /* the ports are shot at before the peer knows them */
    FakePeer *guest = fake_peer_prepare (server, i, i % 2 == 0 ? "VP8" : "H264", FAKE_PEER_CALL);
    stranger_aim (stranger, fake_peer_post (guest, ROOM));
    send_forged_checks (guest, 100);
    pump_for (300);
    fake_peer_accept (guest);
    call_await_guest (&call, guest);
    pump_for (500);
    fake_peer_leave (guest);
    call_check (&call, "a guest who connected under fire");
  }
  g_assert_cmpuint (atomic_load (&stranger->n_sent), >, 1000);
  stranger_free (stranger);
  call_end (&call);
  server_process_free (server);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ports/strangers", test_strangers);
  return g_test_run ();
}
