#include "srtp.h"

#include <string.h>

#include "mixroom/limits.h"

typedef struct {
  MxrSrtp *a, *b;
} Pair;

static Pair
make_pair (MxrSrtpProfile profile)
{
  MxrSrtpKeys keys = { .profile = profile };
  MxrSrtpKeys mirrored = { .profile = profile };

  memset (keys.local_key, 1, sizeof keys.local_key);
  memset (keys.remote_key, 2, sizeof keys.remote_key);
  memset (keys.local_salt, 3, sizeof keys.local_salt);
  memset (keys.remote_salt, 4, sizeof keys.remote_salt);
  memcpy (mirrored.local_key, keys.remote_key, sizeof keys.local_key);
  memcpy (mirrored.remote_key, keys.local_key, sizeof keys.local_key);
  memcpy (mirrored.local_salt, keys.remote_salt, sizeof keys.local_salt);
  memcpy (mirrored.remote_salt, keys.local_salt, sizeof keys.local_salt);
  const Pair pair = { mxr_srtp_new (&keys, NULL), mxr_srtp_new (&mirrored, NULL) };
  g_assert_true (pair.a != NULL && pair.b != NULL);
  return pair;
}

static void
free_pair (Pair *pair)
{
  mxr_srtp_free (pair->a);
  mxr_srtp_free (pair->b);
}

#define PACKET_BYTES 100

typedef struct {
  guint8 data[PACKET_BYTES + MXR_SRTP_TRAILER_BYTES] __attribute__ ((aligned (16)));
  gsize size;
} Packet;

static Packet
make_packet (bool is_rtcp, guint16 sequence, guint32 ssrc)
{
  Packet packet = { { 0x80, is_rtcp ? 200 : 96 }, PACKET_BYTES };
  const guint32 ssrc_be = GUINT32_TO_BE (ssrc);

  memset (packet.data + 12, 0x33, PACKET_BYTES - 12);
  if (is_rtcp) {
    packet.data[3] = PACKET_BYTES / 4 - 1;
    packet.data[8] = (guint8) sequence;
  } else {
    packet.data[2] = (guint8) (sequence >> 8);
    packet.data[3] = (guint8) sequence;
  }
  memcpy (packet.data + (is_rtcp ? 4 : 8), &ssrc_be, 4);
  return packet;
}

static Packet
protect (Pair *pair, bool is_rtcp, guint16 sequence, guint32 ssrc)
{
  Packet packet = make_packet (is_rtcp, sequence, ssrc);
  g_assert_cmpint (mxr_srtp_protect (pair->a, is_rtcp, packet.data, &packet.size, sizeof packet.data), ==,
                   MXR_SRTP_OK);
  g_assert_cmpuint (packet.size, >, PACKET_BYTES);
  g_assert_cmpuint (packet.size, <=, PACKET_BYTES + MXR_SRTP_TRAILER_BYTES);
  return packet;
}

static void
test_round_trip (gconstpointer data)
{
  Pair pair = make_pair ((MxrSrtpProfile) GPOINTER_TO_INT (data));

  for (guint i = 0; i < 2; i++) {
    const Packet plain = make_packet (i == 1, 7, 0x1234);
    Packet packet = protect (&pair, i == 1, 7, 0x1234);
    g_assert_cmpint (memcmp (packet.data + 12, plain.data + 12, PACKET_BYTES - 12), !=, 0);
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, packet.data, &packet.size), ==, MXR_SRTP_OK);
    g_assert_cmpmem (packet.data, packet.size, plain.data, plain.size);
  }
  free_pair (&pair);
}

static void
test_replay (gconstpointer data)
{
  Pair pair = make_pair ((MxrSrtpProfile) GPOINTER_TO_INT (data));

  for (guint i = 0; i < 2; i++) {
    Packet packet = protect (&pair, i == 1, 7, 1);
    Packet copy = packet;
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, packet.data, &packet.size), ==, MXR_SRTP_OK);
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, copy.data, &copy.size), ==, MXR_SRTP_REPLAY);
  }
  free_pair (&pair);
}

/* A sender may protect the same packet again: a plain retransmission. */
static void
test_repeat_sending (void)
{
  Pair pair = make_pair (MXR_SRTP_AEAD_AES_128_GCM);
  const Packet first = protect (&pair, false, 9, 1);
  const Packet second = protect (&pair, false, 9, 1);

  g_assert_cmpmem (first.data, first.size, second.data, second.size);
  free_pair (&pair);
}

static void
test_late_but_in_window (void)
{
  Pair pair = make_pair (MXR_SRTP_AEAD_AES_128_GCM);
  Packet old = protect (&pair, false, 1, 1);
  Packet older = old;

  for (guint16 i = 2; i < 1000; i++) {
    Packet packet = protect (&pair, false, i, 1);
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, packet.data, &packet.size), ==, MXR_SRTP_OK);
  }
  g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, old.data, &old.size), ==, MXR_SRTP_OK);
  for (guint16 i = 1000; i < 1100; i++) {
    Packet packet = protect (&pair, false, i, 1);
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, packet.data, &packet.size), ==, MXR_SRTP_OK);
  }
  g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, older.data, &older.size), ==, MXR_SRTP_REPLAY);
  free_pair (&pair);
}

static void
test_tampered (gconstpointer data)
{
  Pair pair = make_pair ((MxrSrtpProfile) GPOINTER_TO_INT (data));

  for (guint i = 0; i < 2; i++) {
    const Packet good = protect (&pair, i == 1, 7, 1);
    for (gsize at = 0; at < good.size; at++) {
      Packet packet = good;
      packet.data[at] ^= 0x01;
      g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, packet.data, &packet.size), !=, MXR_SRTP_OK);
    }
    Packet packet = good; /* and it still passes itself */
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, packet.data, &packet.size), ==, MXR_SRTP_OK);
  }
  free_pair (&pair);
}

static void
test_truncated (gconstpointer data)
{
  Pair pair = make_pair ((MxrSrtpProfile) GPOINTER_TO_INT (data));

  for (guint i = 0; i < 2; i++) {
    const Packet good = protect (&pair, i == 1, 7, 1);
    for (gsize size = 0; size < good.size; size++) {
      /* of its exact size, so that the sanitizer sees a step beyond */
      g_autofree guint8 *copy = g_memdup2 (good.data, size);
      gsize left = size;
      g_assert_cmpint (mxr_srtp_unprotect (pair.b, i == 1, copy, &left), ==, MXR_SRTP_UNAUTHENTICATED);
      g_assert_cmpuint (left, ==, size);
    }
  }
  free_pair (&pair);
}

/* Headers that lie about CSRCs and extensions. */
static void
test_lying_header (gconstpointer data)
{
  Pair pair = make_pair ((MxrSrtpProfile) GPOINTER_TO_INT (data));

  for (guint first = 0x80; first < 0xc0; first++)
    for (gsize size = 12; size < 80; size++) {
      g_autofree guint8 *copy = g_malloc (size);
      memset (copy, 0xff, size);
      copy[0] = (guint8) first;
      copy[1] = 96;
      gsize left = size;
      g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, copy, &left), !=, MXR_SRTP_OK);
    }
  free_pair (&pair);
}

static void
test_no_room (void)
{
  Pair pair = make_pair (MXR_SRTP_AEAD_AES_128_GCM);
  Packet packet = make_packet (false, 1, 1);

  g_assert_cmpint (
      mxr_srtp_protect (pair.a, false, packet.data, &packet.size, PACKET_BYTES + MXR_SRTP_TRAILER_BYTES - 1),
      ==, MXR_SRTP_BAD_PACKET);
  packet.size = 11;
  g_assert_cmpint (mxr_srtp_protect (pair.a, false, packet.data, &packet.size, sizeof packet.data), ==,
                   MXR_SRTP_BAD_PACKET);
  guint8 large[2000] = { 0x80, 96 };
  gsize size = MXR_PACKET_MAX_BYTES - MXR_SRTP_TRAILER_BYTES + 1;
  g_assert_cmpint (mxr_srtp_protect (pair.a, false, large, &size, sizeof large), ==, MXR_SRTP_BAD_PACKET);
  free_pair (&pair);
}

/* An authenticated peer opens no more streams than the bound; forged packets do not use it up. */
static void
test_streams_are_bounded (void)
{
  Pair pair = make_pair (MXR_SRTP_AEAD_AES_128_GCM);

  for (guint32 ssrc = 1; ssrc <= 1000; ssrc++) {
    Packet forged = protect (&pair, false, 1, 0x10000 + ssrc);
    forged.data[forged.size - 1] ^= 1;
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, forged.data, &forged.size), ==,
                     MXR_SRTP_UNAUTHENTICATED);
  }
  for (guint32 ssrc = 1; ssrc <= 2 * MXR_SRTP_STREAMS_MAX; ssrc++) {
    Packet packet = protect (&pair, false, 1, ssrc);
    g_assert_cmpint (mxr_srtp_unprotect (pair.b, false, packet.data, &packet.size), ==,
                     ssrc <= MXR_SRTP_STREAMS_MAX ? MXR_SRTP_OK : MXR_SRTP_UNAUTHENTICATED);
  }
  free_pair (&pair);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*func) (gconstpointer data);
  } tests[] = { { "round-trip", test_round_trip },
                { "replay", test_replay },
                { "tampered", test_tampered },
                { "truncated", test_truncated },
                { "lying-header", test_lying_header } };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *gcm = g_strconcat ("/srtp/gcm/", tests[i].name, NULL);
    g_autofree char *sha1 = g_strconcat ("/srtp/sha1-80/", tests[i].name, NULL);
    g_test_add_data_func (gcm, GINT_TO_POINTER (MXR_SRTP_AEAD_AES_128_GCM), tests[i].func);
    g_test_add_data_func (sha1, GINT_TO_POINTER (MXR_SRTP_AES128_CM_SHA1_80), tests[i].func);
  }
  g_test_add_func ("/srtp/repeat-sending", test_repeat_sending);
  g_test_add_func ("/srtp/late-but-in-window", test_late_but_in_window);
  g_test_add_func ("/srtp/no-room", test_no_room);
  g_test_add_func ("/srtp/streams-are-bounded", test_streams_are_bounded);
  return g_test_run ();
}
