#include "harness-test.h"
#include "transport-private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Strangers who found the media port. With MIXROOM_CORPORA set to a folder of packets, all of its files are
 * sent too. */

/* Whatever libnice answers to forged requests, in all it stays near what came: see test_no_amplification().
 */
#define ANSWER_FACTOR_MAX 2

typedef struct {
  int fd;
  gsize sent_bytes, answered_bytes;
} Stranger;

static void
stranger_init (Stranger *stranger, guint port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((guint16) port) };

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  *stranger = (Stranger){ .fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
  g_assert_cmpint (connect (stranger->fd, (struct sockaddr *) &address, sizeof address), ==, 0);
}

static void
collect_answers (Stranger *stranger)
{
  guint8 data[2048];
  gssize size;

  while ((size = recv (stranger->fd, data, sizeof data, MSG_DONTWAIT)) > 0)
    stranger->answered_bytes += (gsize) size;
}

static void
stranger_clear (Stranger *stranger)
{
  collect_answers (stranger);
  g_test_message ("sent %zu bytes, was answered %zu", stranger->sent_bytes, stranger->answered_bytes);
  g_assert_cmpuint (stranger->answered_bytes, <=, ANSWER_FACTOR_MAX * stranger->sent_bytes);
  close (stranger->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stranger, stranger_clear)

static void
throw_at (Stranger *stranger, gconstpointer data, gsize size)
{
  if (send (stranger->fd, data, size, 0) > 0)
    stranger->sent_bytes += size;
  collect_answers (stranger);
}

static void
throw_files (Stranger *stranger, const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    g_autofree char *data = NULL;
    gsize size;
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      throw_files (stranger, child);
    else if (g_file_get_contents (child, &data, &size, NULL) && size <= 65507)
      throw_at (stranger, data, size);
  }
}

/* RFC 5389 15.5: CRC-32 of ITU V.42. */
static guint32
checksum (const guint8 *data, gsize size)
{
  guint32 crc = 0xffffffff;
  for (gsize i = 0; i < size; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc ^ 0x5354554e;
}

/* A binding request that ICE has to answer: right in all but its key. @attribute_bytes: 0 or a multiple of 4.
 */
static void
throw_request (Stranger *stranger, const guint8 *attributes, gsize attribute_bytes)
{
  guint8 data[256] = { 0, 1, 0, (guint8) (attribute_bytes + 8), 0x21, 0x12, 0xa4, 0x42 };
  const gsize at = 20 + attribute_bytes;

  if (attribute_bytes > 0)
    memcpy (data + 20, attributes, attribute_bytes);
  const guint32 crc = GUINT32_TO_BE (checksum (data, at));
  memcpy (data + at, (const guint8[]){ 0x80, 0x28, 0, 4 }, 4);
  memcpy (data + at + 4, &crc, 4);
  throw_at (stranger, data, at + 8);
}

static void
throw_requests (Stranger *stranger)
{
  static const guint8 username[] = { 0, 6, 0, 4, 'a', ':', 'b', 'c' };
  static const guint8 unknown[] = { 0x7f, 1, 0, 0, 0x7f, 2, 0, 0, 0x7f, 3, 0, 0 };
  static const guint8 wrong_key[8 + 24] = { 0, 6, 0, 4, 'a', ':', 'b', 'c', 0, 8, 0, 20 };

  throw_request (stranger, NULL, 0);
  throw_request (stranger, username, sizeof username);
  throw_request (stranger, unknown, sizeof unknown);
  throw_request (stranger, wrong_key, sizeof wrong_key);
}

/* Every kind of packet there is, well-formed as far as somebody without keys can make it, then noise of each
 * kind. */
static void
throw_everything (Stranger *stranger)
{
  static const guint8 bare_request[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                         3, 4, 5, 6, 7,    8,    9,    10,   11, 12 };
  static const guint8 client_hello[60] = { 22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,  0,    47,  1,
                                           0,  0,    35,   0, 0, 0, 0, 0, 0, 0, 35, 0xfe, 0xfd };
  static const guint8 alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
  static const guint8 rtp[100] = { 0x80, 96, 0, 1 };
  static const guint8 rtcp[28] = { 0x81, 200, 0, 6 };
  static const guint8 large[4000] = { 0x80, 96 };
  static const guint8 firsts[] = { 0, 1, 20, 21, 22, 23, 64, 79, 128, 191, 255 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  guint8 noise[300];

  throw_at (stranger, bare_request, sizeof bare_request);
  throw_requests (stranger);
  throw_at (stranger, client_hello, sizeof client_hello);
  throw_at (stranger, alert, sizeof alert);
  throw_at (stranger, rtp, sizeof rtp);
  throw_at (stranger, rtcp, sizeof rtcp);
  throw_at (stranger, large, sizeof large);
  throw_at (stranger, "", 0);
  for (guint i = 0; i < 300; i++) {
    for (guint at = 0; at < sizeof noise; at++)
      noise[at] = (guint8) g_rand_int_range (rand, 0, 256);
    noise[0] = firsts[i % G_N_ELEMENTS (firsts)];
    throw_at (stranger, noise, (gsize) g_rand_int_range (rand, 1, sizeof noise));
  }
  if (g_getenv ("MIXROOM_CORPORA") != NULL)
    throw_files (stranger, g_getenv ("MIXROOM_CORPORA"));
}

static bool
a_has_port (Harness *harness)
{
  return harness->a.port != 0;
}

static bool
b_has_ten_rtp (Harness *harness)
{
  return harness->b.n_rtp >= 10;
}

static void
test_spray (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats stats;

  peer_open (&harness->a);
  peer_open (&harness->b);
  peer_gather (&harness->a);
  harness_wait (harness, a_has_port);
  g_auto (Stranger) stranger;
  stranger_init (&stranger, harness->a.port);

  throw_everything (&stranger);
  peer_start (&harness->a);
  peer_start (&harness->b);
  peer_gather (&harness->b);
  for (guint i = 0; i < 10; i++)
    throw_everything (&stranger);
  harness_wait (harness, are_connected);
  for (guint16 i = 0; i < 10; i++) {
    throw_everything (&stranger);
    g_assert_cmpint (peer_send (&harness->a, i), ==, MXR_SEND_OK);
    g_assert_cmpint (peer_send (&harness->b, i), ==, MXR_SEND_OK);
  }
  harness_wait (harness, b_has_ten_rtp);
  g_assert_true (are_connected (harness));
  g_assert_cmpuint (harness->a.n_rtp, <=, 10);
  peer_get_stats (&harness->a, &stats);
  /* libnice lets nothing of an address through that answered no check. */
  g_assert_cmpuint (stats.drop_unauthenticated + stats.drop_too_early + stats.drop_dtls + stats.drop_unknown,
                    ==, 0);
}

static bool
was_answered (Stranger *stranger)
{
  for (guint i = 0; i < 100 && stranger->answered_bytes == 0; i++) {
    throw_requests (stranger);
    g_usleep (10000);
    collect_answers (stranger);
  }
  return stranger->answered_bytes > 0;
}

/* Only what is answered, so that nothing else hides the factor. */
static void
test_no_amplification (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);

  peer_open (&harness->a);
  peer_gather (&harness->a);
  harness_wait (harness, a_has_port);
  g_auto (Stranger) stranger;
  stranger_init (&stranger, harness->a.port);
  g_assert_true (was_answered (&stranger));
  for (guint i = 0; i < 1000; i++)
    throw_requests (&stranger);
}

static bool
a_has_one_rtp (Harness *harness)
{
  return harness->a.n_rtp >= 1;
}

typedef struct {
  const guint8 *data;
  gsize size;
} Datagram;

static void
do_forge (Peer *peer, gpointer data)
{
  const Datagram *datagram = data;
  guint8 *copy = g_memdup2 (datagram->data, datagram->size);
  gsize sent_bytes;
  mxr_ice_send (peer->transport->ice, &copy, &datagram->size, 1, &sent_bytes);
  g_free (copy);
}

/* From b's own address, past its DTLS and SRTP: what somebody does who can forge addresses. */
static void
forge (Harness *harness, const guint8 *data, gsize size)
{
  Datagram datagram = { data, size };
  harness_call (&harness->b, do_forge, &datagram);
}

static void
test_forged_address (void)
{
  static const guint8 rtp[100] = { 0x80, 96, 0, 1 };
  static const guint8 rtcp[40] = { 0x81, 200, 0, 6 };
  static const guint8 alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
  static const guint8 protected_alert[] = { 21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0 };
  static const guint8 hello[60] = { 22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,  0,    47,  1,
                                    0,  0,    35,   0, 0, 0, 0, 0, 0, 0, 35, 0xfe, 0xfd };
  static const guint8 unknown[30] = { 70 };
  static const guint8 large[MXR_PACKET_MAX_BYTES + 1] = { 0x80, 96 };
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats stats;

  harness_connect (harness);
  forge (harness, rtp, sizeof rtp);
  forge (harness, rtcp, sizeof rtcp);
  forge (harness, alert, sizeof alert);
  forge (harness, protected_alert, sizeof protected_alert);
  forge (harness, hello, sizeof hello);
  forge (harness, unknown, sizeof unknown);
  forge (harness, large, sizeof large);
  g_assert_cmpint (peer_send (&harness->b, 1), ==, MXR_SEND_OK);
  harness_wait (harness, a_has_one_rtp);
  g_assert_true (are_connected (harness));
  g_assert_cmpuint (harness->a.n_closed_by_peer, ==, 0);
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpuint (stats.drop_unauthenticated, ==, 2);
  g_assert_cmpuint (stats.drop_dtls, ==, 2);
  g_assert_cmpuint (stats.drop_unknown, ==, 1);
  g_assert_cmpuint (stats.drop_too_large, ==, 1);
  g_assert_cmpuint (stats.packets_received, ==, 1);
}

static bool
a_has_ten_rtp (Harness *harness)
{
  return harness->a.n_rtp >= 10;
}

static void
test_bad_packets_do_not_end_a_call (void)
{
  g_autoptr (Harness) harness = harness_new (NULL);
  MxrTransportStats stats;

  harness_connect (harness);
  /* The same packet twice is a replay to the receiver: it is counted, and the call goes on. */
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (peer_send (&harness->b, 1), ==, MXR_SEND_OK);
  for (guint16 i = 2; i < 11; i++)
    g_assert_cmpint (peer_send (&harness->b, i), ==, MXR_SEND_OK);
  harness_wait (harness, a_has_ten_rtp);
  peer_get_stats (&harness->a, &stats);
  g_assert_cmpuint (stats.drop_replay, ==, 4);
  g_assert_cmpuint (stats.packets_received, ==, 10);
  g_assert_true (are_connected (harness));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/attack/spray", test_spray);
  g_test_add_func ("/attack/no-amplification", test_no_amplification);
  g_test_add_func ("/attack/forged-address", test_forged_address);
  g_test_add_func ("/attack/bad-packets-do-not-end-a-call", test_bad_packets_do_not_end_a_call);
  return g_test_run ();
}
