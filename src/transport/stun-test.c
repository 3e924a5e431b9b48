#include "stun.h"

#include <string.h>

/* RFC 5769 2.1 (a request) and 2.2 (its answer): the password is the same in both. */
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const guint8 request[] = {
  0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
  0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
  0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
  0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
  0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
  0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
static const guint8 response[] = {
  0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
  0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
  0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
  0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
  0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

static void
test_vectors (void)
{
  g_assert_cmpint (mxr_stun_authenticate (request, sizeof request, password, NULL), ==, MXR_STUN_REQUEST);
  g_assert_cmpint (mxr_stun_authenticate (response, sizeof response, "another one", password), ==, MXR_STUN_SUCCESS);
  g_assert_cmpint (mxr_stun_authenticate (response, sizeof response, password, NULL), ==, MXR_STUN_FORGED);
  /* A request is signed with our password, an answer with the peer's: never the other way round. */
  g_assert_cmpint (mxr_stun_authenticate (request, sizeof request, "another one", password), ==, MXR_STUN_FORGED);
  g_assert_cmpint (mxr_stun_authenticate (response, sizeof response, password, "another one"), ==, MXR_STUN_FORGED);
  g_assert_cmpint (mxr_stun_authenticate (request, sizeof request, "", ""), ==, MXR_STUN_FORGED);
}

static void
test_truncated (void)
{
  for (gsize size = 0; size < sizeof request; size++) {
    g_autofree guint8 *copy = g_memdup2 (request, size);
    g_assert_cmpint (mxr_stun_authenticate (copy, size, password, password), ==, MXR_STUN_FORGED);
  }
}

/* All bits but those of FINGERPRINT (the last 8 bytes), which comes after what is signed, and the length in
 * the header, which is replaced for the signature and checked against the datagram's. */
static void
test_bit_flips (void)
{
  for (gsize bit = 0; bit < 8 * (sizeof request - 8); bit++) {
    guint8 copy[sizeof request];
    memcpy (copy, request, sizeof copy);
    copy[bit / 8] ^= (guint8) (1 << bit % 8);
    g_assert_cmpint (mxr_stun_authenticate (copy, sizeof copy, password, password), ==, MXR_STUN_FORGED);
  }
}

/* What libnice makes of it is seen in transport-move-test. */
static void
test_write (void)
{
  const guint8 transaction[MXR_STUN_TRANSACTION_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
  const guint8 never_switches[][12] = {
    { 0x80, 0x29, 0, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    { 0x80, 0x2a, 0, 8 },
  };
  g_autofree char *long_ufrag = g_strnfill (256, 'x');
  guint8 data[MXR_STUN_CHECK_MAX_BYTES];

  g_assert_cmpuint (mxr_stun_write_check (transaction, long_ufrag, long_ufrag, password, false, data), ==, sizeof data);
  g_assert_cmpint (mxr_stun_authenticate (data, sizeof data, password, NULL), ==, MXR_STUN_REQUEST);
  for (guint is_controlling = 0; is_controlling < 2; is_controlling++) {
    const gsize size = mxr_stun_write_check (transaction, "ours", "theirs", password, is_controlling, data);
    g_assert_cmpuint (size, ==, 20 + 16 + 8 + 12 + 24 + 8);
    g_assert_cmpint (mxr_stun_authenticate (data, size, password, NULL), ==, MXR_STUN_REQUEST);
    g_assert_cmpint (mxr_stun_authenticate (data, size, "another one", password), ==, MXR_STUN_FORGED);
    g_assert_cmpmem (mxr_stun_get_transaction (data), MXR_STUN_TRANSACTION_BYTES, transaction, sizeof transaction);
    g_assert_cmpmem (data + 24, 11, "theirs:ours", 11);
    g_assert_cmpmem (data + 44, 12, never_switches[is_controlling], 12);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stun/vectors", test_vectors);
  g_test_add_func ("/stun/write", test_write);
  g_test_add_func ("/stun/truncated", test_truncated);
  g_test_add_func ("/stun/bit-flips", test_bit_flips);
  return g_test_run ();
}
