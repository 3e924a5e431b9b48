#include "dtls-private.h"

#include <string.h>

#include "dtls-cleanup.h"
#include "dtls-filter.h"
#include "mixroom/limits.h"

/* Connections in memory. The network between the two is a function that may lose, change or add datagrams. */

typedef struct _Link Link;

struct _Link {
  MxrDtlsIdentity *identities[2];
  MxrDtls *ends[2]; /* 0: active, 1: passive */
  guint n_carried;  /* datagrams, both ways */
  /* Returns: whether @data goes on to ends[@to]. */
  bool (*on_datagram) (Link *link, guint to, const guint8 *data, gsize size);
  guint chosen; /* datagram that the hook does something to */
  GBytes *held;
  GRand *rand;
};

static void
parse_fingerprint (const char *text, MxrDtlsFingerprint *out_fingerprint)
{
  *out_fingerprint = (MxrDtlsFingerprint){ .hash = "sha-256" };
  for (const char *at = strchr (text, ' ') + 1;; at += 3) {
    out_fingerprint->digest[out_fingerprint->size++] =
        (guint8) (g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));
    if (at[2] == '\0')
      return;
  }
}

static MxrDtls *
make_end (Link *link, guint i)
{
  g_autoptr (GError) error = NULL;
  MxrDtlsFingerprint fingerprint;

  parse_fingerprint (mxr_dtls_identity_get_fingerprint (link->identities[!i]), &fingerprint);
  MxrDtls *end = mxr_dtls_new (link->identities[i], i == 0, &fingerprint, &error);
  g_assert_no_error (error);
  return end;
}

static void
link_init (Link *link)
{
  *link = (Link){ .chosen = G_MAXUINT, .rand = g_rand_new_with_seed (1) };
  for (guint i = 0; i < 2; i++)
    link->identities[i] = mxr_dtls_identity_new (NULL);
  for (guint i = 0; i < 2; i++)
    link->ends[i] = make_end (link, i);
}

static void
link_clear (Link *link)
{
  for (guint i = 0; i < 2; i++) {
    mxr_dtls_free (link->ends[i]);
    mxr_dtls_identity_free (link->identities[i]);
  }
  g_clear_pointer (&link->held, g_bytes_unref);
  g_rand_free (link->rand);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Link, link_clear)

/* In memory of its exact size, so that the sanitizer sees a step beyond. */
static void
deliver (MxrDtls *end, gconstpointer data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  mxr_dtls_receive (end, copy, size);
}

static bool
carry_one (Link *link, guint to)
{
  g_autoptr (GBytes) datagram = mxr_dtls_pop_outgoing (link->ends[!to]);
  if (datagram == NULL)
    return false;
  gsize size;
  const guint8 *data = g_bytes_get_data (datagram, &size);
  g_assert_cmpuint (size, <=, MXR_MTU_BYTES);
  const bool goes_on = link->on_datagram == NULL || link->on_datagram (link, to, data, size);
  link->n_carried++;
  if (goes_on)
    deliver (link->ends[to], data, size);
  return true;
}

/* Nobody tells the other of a failure: alerts in plain are dropped, so one failed end is the end. */
static bool
is_over (Link *link)
{
  const MxrDtlsState states[] = { mxr_dtls_get_state (link->ends[0]), mxr_dtls_get_state (link->ends[1]) };
  return states[0] == MXR_DTLS_FAILED || states[1] == MXR_DTLS_FAILED ||
         (states[0] != MXR_DTLS_HANDSHAKING && states[1] != MXR_DTLS_HANDSHAKING);
}

/* Until it is clear how it ended. Loses patience after ten retransmission time-outs. */
static void
run (Link *link)
{
  mxr_dtls_start (link->ends[0]);
  for (guint n_timeouts = 0; n_timeouts < 10;) {
    bool carried = false;
    for (guint to = 0; to < 2; to++)
      while (carry_one (link, to))
        carried = true;
    if (carried)
      continue;
    if (is_over (link))
      return;
    /* The library's timer reads the clock: there is no other way than to wait for it. */
    const gint timeouts_ms[] = { mxr_dtls_get_timeout_ms (link->ends[0]),
                                 mxr_dtls_get_timeout_ms (link->ends[1]) };
    const gint wait_ms = timeouts_ms[0] < 0   ? timeouts_ms[1]
                         : timeouts_ms[1] < 0 ? timeouts_ms[0]
                                              : MIN (timeouts_ms[0], timeouts_ms[1]);
    if (wait_ms < 0)
      return;
    g_usleep ((gulong) wait_ms * 1000);
    for (guint i = 0; i < 2; i++)
      mxr_dtls_handle_timeout (link->ends[i]);
    n_timeouts++;
  }
}

static void
assert_connected (Link *link)
{
  for (guint i = 0; i < 2; i++)
    g_assert_cmpint (mxr_dtls_get_state (link->ends[i]), ==, MXR_DTLS_CONNECTED);
  const MxrSrtpKeys *keys[] = { mxr_dtls_get_keys (link->ends[0]), mxr_dtls_get_keys (link->ends[1]) };
  g_assert_cmpint (keys[0]->profile, ==, keys[1]->profile);
  g_assert_cmpmem (keys[0]->local_key, 16, keys[1]->remote_key, 16);
  g_assert_cmpmem (keys[0]->remote_key, 16, keys[1]->local_key, 16);
  g_assert_cmpmem (keys[0]->local_salt, 14, keys[1]->remote_salt, 14);
  g_assert_cmpmem (keys[0]->remote_salt, 14, keys[1]->local_salt, 14);
  g_assert_cmpint (memcmp (keys[0]->local_key, keys[0]->remote_key, 16), !=, 0);
}

static void
test_connect (void)
{
  g_auto (Link) link;

  link_init (&link);
  run (&link);
  assert_connected (&link);
  g_assert_cmpint (mxr_dtls_get_keys (link.ends[0])->profile, ==, MXR_SRTP_AEAD_AES_128_GCM);
  g_assert_cmpint (mxr_dtls_get_timeout_ms (link.ends[0]), ==, -1);
}

static void
test_fingerprint_hashes (void)
{
  g_assert_cmpstr (mxr_dtls_normalize_hash ("SHA-384", 48), ==, "sha-384");
  g_assert_cmpstr (mxr_dtls_normalize_hash ("sha-512", 64), ==, "sha-512");
  g_assert_null (mxr_dtls_normalize_hash ("sha-256", 20));
  g_assert_null (mxr_dtls_normalize_hash ("sha-1", 20));
  g_assert_null (mxr_dtls_normalize_hash ("", 0));

  static const char *const names[] = { "sha-384", "sha-512" };
  for (guint i = 0; i < 2; i++) {
    g_auto (Link) link;
    link_init (&link);
    X509 *certificate = SSL_CTX_get0_certificate (link.identities[0]->context);
    MxrDtlsFingerprint fingerprint = { .hash = names[i] };
    unsigned size = 0;
    X509_digest (certificate, i == 0 ? EVP_sha384 () : EVP_sha512 (), fingerprint.digest, &size);
    fingerprint.size = size;
    mxr_dtls_free (link.ends[1]);
    link.ends[1] = mxr_dtls_new (link.identities[1], false, &fingerprint, NULL);
    run (&link);
    assert_connected (&link);
  }
}

/* A digest that is right but for its last bit, on either side. */
static void
test_wrong_fingerprint (void)
{
  for (guint i = 0; i < 2; i++) {
    g_auto (Link) link;
    MxrDtlsFingerprint fingerprint;
    link_init (&link);
    parse_fingerprint (mxr_dtls_identity_get_fingerprint (link.identities[!i]), &fingerprint);
    fingerprint.digest[31] ^= 1;
    mxr_dtls_free (link.ends[i]);
    link.ends[i] = mxr_dtls_new (link.identities[i], i == 0, &fingerprint, NULL);
    run (&link);
    g_assert_cmpint (mxr_dtls_get_state (link.ends[i]), ==, MXR_DTLS_FAILED);
    g_assert_cmpstr (mxr_dtls_get_failure (link.ends[i]), ==, "fingerprint mismatch");
  }
}

/* ---- Other people's libraries -------------------------------------------------------------------------- */

/* A context of OpenSSL's defaults with the identity's certificate. */
static void
replace_context (Link *link, guint i, const char *srtp_profiles, bool has_certificate)
{
  MxrDtlsIdentity *identity = link->identities[i];
  SSL_CTX *context = SSL_CTX_new (DTLS_method ());

  if (has_certificate) {
    g_assert_cmpint (SSL_CTX_use_certificate (context, SSL_CTX_get0_certificate (identity->context)), ==, 1);
    g_assert_cmpint (SSL_CTX_use_PrivateKey (context, SSL_CTX_get0_privatekey (identity->context)), ==, 1);
  }
  SSL_CTX_set_options (context, SSL_OP_NO_QUERY_MTU);
  if (srtp_profiles != NULL)
    g_assert_cmpint (SSL_CTX_set_tlsext_use_srtp (context, srtp_profiles), ==, 0);
  SSL_CTX_free (identity->context);
  identity->context = context;
  mxr_dtls_free (link->ends[i]);
  link->ends[i] = make_end (link, i);
}

static void
test_sha1_80_only (void)
{
  for (guint i = 0; i < 2; i++) {
    g_auto (Link) link;
    link_init (&link);
    replace_context (&link, i, "SRTP_AES128_CM_SHA1_80", true);
    run (&link);
    if (i == 0) /* a passive default OpenSSL asks for no certificate, so sees none */
      assert_connected (&link);
    g_assert_cmpint (mxr_dtls_get_keys (link.ends[!i])->profile, ==, MXR_SRTP_AES128_CM_SHA1_80);
    g_assert_cmpint (mxr_dtls_get_state (link.ends[!i]), ==, MXR_DTLS_CONNECTED);
  }
}

static void
test_missing_use_srtp (void)
{
  for (guint i = 0; i < 2; i++) {
    g_auto (Link) link;
    link_init (&link);
    replace_context (&link, i, NULL, true);
    run (&link);
    g_assert_cmpint (mxr_dtls_get_state (link.ends[!i]), ==, MXR_DTLS_FAILED);
    g_assert_cmpstr (mxr_dtls_get_failure (link.ends[!i]), ==, "no SRTP profile in common");
  }
}

static void
test_no_certificate (void)
{
  g_auto (Link) link;

  link_init (&link);
  replace_context (&link, 0, "SRTP_AEAD_AES_128_GCM", false);
  run (&link);
  g_assert_cmpint (mxr_dtls_get_state (link.ends[1]), ==, MXR_DTLS_FAILED);
}

static void
test_old_version (void)
{
  g_auto (Link) link;

  link_init (&link);
  replace_context (&link, 0, "SRTP_AES128_CM_SHA1_80", true);
  SSL_CTX_set_security_level (link.identities[0]->context, 0);
  g_assert_cmpint (SSL_CTX_set_max_proto_version (link.identities[0]->context, DTLS1_VERSION), ==, 1);
  mxr_dtls_free (link.ends[0]);
  link.ends[0] = make_end (&link, 0);
  run (&link);
  g_assert_cmpint (mxr_dtls_get_state (link.ends[1]), ==, MXR_DTLS_FAILED);
}

/* ---- A ClientHello of two datagrams, as browsers with post-quantum keys send it ------------------------ */

static int
add_large_extension (SSL *ssl, unsigned type, unsigned context, const guint8 **out, size_t *out_size, X509 *x,
                     size_t chain, int *alert, void *data)
{
  static const guint8 key_share[1216]; /* X25519 and ML-KEM-768 together */
  *out = key_share;
  *out_size = sizeof key_share;
  return 1;
}

static void
link_init_large (Link *link)
{
  link_init (link);
  g_assert_cmpint (SSL_CTX_add_custom_ext (link->identities[0]->context, 0xff77, SSL_EXT_CLIENT_HELLO,
                                           add_large_extension, NULL, NULL, NULL, NULL),
                   ==, 1);
  mxr_dtls_free (link->ends[0]);
  link->ends[0] = make_end (link, 0);
}

static bool
lose_chosen (Link *link, guint to, const guint8 *data, gsize size)
{
  return link->n_carried != link->chosen;
}

/* Each datagram of the first flights in turn, the two of the ClientHello among them. */
static void
test_lost (void)
{
  for (guint i = 0; i < 5; i++) {
    g_auto (Link) link;
    link_init_large (&link);
    link.on_datagram = lose_chosen;
    link.chosen = i;
    run (&link);
    assert_connected (&link);
    g_assert_cmpuint (link.n_carried, >, i);
  }
}

static bool
swap_chosen (Link *link, guint to, const guint8 *data, gsize size)
{
  if (link->n_carried == link->chosen) {
    link->held = g_bytes_new (data, size);
    return false;
  }
  if (link->held == NULL)
    return true;
  deliver (link->ends[to], data, size);
  deliver (link->ends[to], g_bytes_get_data (link->held, NULL), g_bytes_get_size (link->held));
  g_clear_pointer (&link->held, g_bytes_unref);
  return false;
}

/* The two datagrams of the ClientHello, then the two of the client's second flight. */
static void
test_swapped (void)
{
  g_auto (Link) link;

  link_init_large (&link);
  link.on_datagram = swap_chosen;
  link.chosen = 0;
  run (&link);
  assert_connected (&link);
}

static bool
duplicate_all (Link *link, guint to, const guint8 *data, gsize size)
{
  deliver (link->ends[to], data, size);
  return true;
}

static void
test_duplicated (void)
{
  g_auto (Link) link;

  link_init_large (&link);
  link.on_datagram = duplicate_all;
  run (&link);
  assert_connected (&link);
}

/* ---- Strangers ----------------------------------------------------------------------------------------- */

static void
deliver_noise (Link *link, guint to)
{
  guint8 noise[256];
  const gsize size = (gsize) g_rand_int_range (link->rand, 1, sizeof noise);

  for (gsize i = 0; i < size; i++)
    noise[i] = (guint8) g_rand_int_range (link->rand, 0, 256);
  deliver (link->ends[to], noise, size);
  if (size < 13)
    return;
  /* Again, with a header that is in order: any type, either epoch. */
  noise[0] = (guint8) g_rand_int_range (link->rand, 20, 26);
  noise[1] = 0xfe;
  noise[2] = 0xfd;
  noise[3] = 0;
  noise[4] = (guint8) g_rand_int_range (link->rand, 0, 2);
  noise[11] = (guint8) ((size - 13) >> 8);
  noise[12] = (guint8) (size - 13);
  deliver (link->ends[to], noise, size);
}

static bool
add_noise (Link *link, guint to, const guint8 *data, gsize size)
{
  for (guint i = 0; i < 50; i++)
    deliver_noise (link, to);
  return true;
}

static void
test_noise (void)
{
  g_auto (Link) link;

  link_init_large (&link);
  link.on_datagram = add_noise;
  run (&link);
  assert_connected (&link);
  for (guint i = 0; i < 1000; i++)
    deliver_noise (&link, i % 2);
  assert_connected (&link);
  g_assert_cmpuint (mxr_dtls_get_drops (link.ends[1]), >, 100);
}

/* Fatal handshake_failure and a warning's close_notify, as anybody can write them. */
static void
deliver_plain_alerts (MxrDtls *end)
{
  static const guint8 fatal[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
  static const guint8 close_notify[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0 };
  guint8 forged[] = { 21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0 };

  deliver (end, fatal, sizeof fatal);
  deliver (end, close_notify, sizeof close_notify);
  deliver (end, forged, sizeof forged);
}

static bool
add_alerts (Link *link, guint to, const guint8 *data, gsize size)
{
  deliver_plain_alerts (link->ends[to]);
  return true;
}

static void
test_plain_alerts (void)
{
  g_auto (Link) link;

  link_init (&link);
  link.on_datagram = add_alerts;
  run (&link);
  assert_connected (&link);
  deliver_plain_alerts (link.ends[0]);
  deliver_plain_alerts (link.ends[1]);
  assert_connected (&link);
}

static void
deliver_foreign_hello (MxrDtls *end)
{
  g_auto (Link) foreign;
  g_autoptr (GBytes) hello = NULL;

  link_init (&foreign);
  mxr_dtls_start (foreign.ends[0]);
  while ((hello = mxr_dtls_pop_outgoing (foreign.ends[0])) != NULL) {
    deliver (end, g_bytes_get_data (hello, NULL), g_bytes_get_size (hello));
    g_clear_pointer (&hello, g_bytes_unref);
  }
}

static bool
add_foreign_hello (Link *link, guint to, const guint8 *data, gsize size)
{
  deliver (link->ends[to], data, size);
  deliver_foreign_hello (link->ends[to]);
  return false;
}

/* In the middle of the handshake, at both ends and after each datagram; then afterwards. */
static void
test_foreign_hello (void)
{
  g_auto (Link) link;
  MxrSrtpKeys before;

  link_init (&link);
  link.on_datagram = add_foreign_hello;
  run (&link);
  assert_connected (&link);
  before = *mxr_dtls_get_keys (link.ends[1]);
  for (guint i = 0; i < 20; i++)
    deliver_foreign_hello (link.ends[i % 2]);
  assert_connected (&link);
  g_assert_cmpmem (&before, sizeof before, mxr_dtls_get_keys (link.ends[1]), sizeof before);
  g_assert_null (mxr_dtls_pop_outgoing (link.ends[1]));
}

/* A record of epoch 0 with the highest number there is would close the replay window before the honest ones.
 */
static bool
add_far_sequence (Link *link, guint to, const guint8 *data, gsize size)
{
  guint8 record[] = { 22, 0xfe, 0xfd, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 13,
                      11, 0,    0,    1, 0, 15,   0,    0,    0,    0,    0,    1, 0 };
  deliver (link->ends[to], record, sizeof record);
  return true;
}

static void
test_far_sequence (void)
{
  g_auto (Link) link;

  link_init (&link);
  link.on_datagram = add_far_sequence;
  run (&link);
  assert_connected (&link);
}

static bool
truncate_all (Link *link, guint to, const guint8 *data, gsize size)
{
  for (gsize n = 0; n < size; n += 1 + n / 16)
    deliver (link->ends[to], data, n);
  return true;
}

static void
test_truncated (void)
{
  g_auto (Link) link;

  link_init (&link);
  link.on_datagram = truncate_all;
  run (&link);
  assert_connected (&link);
}

/* ---- The end ------------------------------------------------------------------------------------------- */

static void
test_close_notify (void)
{
  g_auto (Link) link;

  link_init (&link);
  run (&link);
  mxr_dtls_close (link.ends[0]);
  while (carry_one (&link, 1))
    ;
  g_assert_cmpint (mxr_dtls_get_state (link.ends[1]), ==, MXR_DTLS_CLOSED);
}

static void
test_outgoing_is_bounded (void)
{
  g_auto (Link) link;
  guint n = 0;

  link_init_large (&link);
  mxr_dtls_start (link.ends[0]);
  for (guint i = 0; i < 3; i++) {
    g_usleep ((gulong) MAX (0, mxr_dtls_get_timeout_ms (link.ends[0])) * 1000);
    mxr_dtls_handle_timeout (link.ends[0]);
  }
  for (GBytes *datagram; (datagram = mxr_dtls_pop_outgoing (link.ends[0])) != NULL; n++)
    g_bytes_unref (datagram);
  g_assert_cmpuint (n, >=, 4);
  g_assert_cmpuint (n, <=, 16);
}

/* What is kept is whole records, and never more than came. */
static void
test_filter_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 20000; i++) {
    MxrDtlsFilter filter = { .is_active = i & 1, .is_connected = i & 2 };
    const gsize size = (gsize) g_rand_int_range (rand, 0, 120);
    g_autofree guint8 *data = g_malloc (size);
    for (gsize at = 0; at < size; at++)
      data[at] = (guint8) g_rand_int_range (rand, 0, 256);
    if (size > 13) {
      data[0] = (guint8) g_rand_int_range (rand, 20, 24);
      data[1] = 0xfe;
      data[2] = 0xfd;
      data[3] = 0;
      data[4] = (guint8) (i >> 2 & 1);
      data[11] = 0;
      data[12] = (guint8) g_rand_int_range (rand, 0, (gint32) size - 12);
    }
    const gsize kept = mxr_dtls_filter_datagram (&filter, data, size);
    g_assert_cmpuint (kept, <=, size);
    if (kept > 0 && filter.is_connected)
      g_assert_cmpuint (data[4] | data[3], >, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls/connect", test_connect);
  g_test_add_func ("/dtls/fingerprint-hashes", test_fingerprint_hashes);
  g_test_add_func ("/dtls/wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func ("/dtls/sha1-80-only", test_sha1_80_only);
  g_test_add_func ("/dtls/missing-use-srtp", test_missing_use_srtp);
  g_test_add_func ("/dtls/no-certificate", test_no_certificate);
  g_test_add_func ("/dtls/old-version", test_old_version);
  g_test_add_func ("/dtls/lost", test_lost);
  g_test_add_func ("/dtls/swapped", test_swapped);
  g_test_add_func ("/dtls/duplicated", test_duplicated);
  g_test_add_func ("/dtls/noise", test_noise);
  g_test_add_func ("/dtls/plain-alerts", test_plain_alerts);
  g_test_add_func ("/dtls/foreign-hello", test_foreign_hello);
  g_test_add_func ("/dtls/far-sequence", test_far_sequence);
  g_test_add_func ("/dtls/truncated", test_truncated);
  g_test_add_func ("/dtls/close-notify", test_close_notify);
  g_test_add_func ("/dtls/outgoing-is-bounded", test_outgoing_is_bounded);
  g_test_add_func ("/dtls/filter-random", test_filter_random);
  return g_test_run ();
}
