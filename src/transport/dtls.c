#include "dtls-private.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <string.h>

#include "dtls-cleanup.h"
#include "dtls-filter.h"
#include "mixroom/limits.h"
#include "mixroom/transport.h"

/* Two flights with a large certificate; more than this wait only when there is no way to send, and then are
 * late. */
#define OUTGOING_MAX 16
/* RFC 6347 4.2.4.1 starts at 1 s; for somebody who waits for a picture that is long, and our flights are
 * small. */
#define TIMEOUT_FIRST_US 250000
#define TIMEOUT_MAX_US 4000000
#define FAILURE_MAX_BYTES 160

struct _MxrDtls {
  SSL *ssl;
  MxrDtlsFilter filter;
  MxrDtlsFingerprint remote;
  MxrDtlsState state;
  MxrSrtpKeys keys;
  GQueue outgoing;        /* GBytes, one a datagram */
  const guint8 *incoming; /* borrowed: the datagram under way, NULL when it was read */
  gsize incoming_bytes;
  char failure[FAILURE_MAX_BYTES];
};

/* ---- The BIO: one read or write is one datagram -------------------------------------------------------- */

static int
on_bio_write (BIO *bio, const char *data, int size)
{
  MxrDtls *dtls = BIO_get_data (bio);

  BIO_clear_retry_flags (bio);
  if (size <= 0)
    return 0;
  if (g_queue_get_length (&dtls->outgoing) == OUTGOING_MAX)
    g_bytes_unref (g_queue_pop_head (&dtls->outgoing));
  g_queue_push_tail (&dtls->outgoing, g_bytes_new (data, (gsize) size));
  return size;
}

static int
on_bio_read (BIO *bio, char *data, int size)
{
  MxrDtls *dtls = BIO_get_data (bio);

  BIO_clear_retry_flags (bio);
  if (dtls->incoming == NULL || size <= 0) {
    BIO_set_retry_read (bio);
    return -1;
  }
  const gsize n_bytes = MIN ((gsize) size, dtls->incoming_bytes);
  memcpy (data, dtls->incoming, n_bytes);
  dtls->incoming = NULL;
  return (int) n_bytes;
}

static long
on_bio_control (BIO *bio, int command, long number, void *pointer)
{
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT;
}

BIO_METHOD *
mxr_dtls_make_bio_method (void)
{
  g_autoptr (BIO_METHOD) method =
      BIO_meth_new (BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "mixroom datagrams");

  if (method == NULL || BIO_meth_set_write (method, on_bio_write) != 1 ||
      BIO_meth_set_read (method, on_bio_read) != 1 || BIO_meth_set_ctrl (method, on_bio_control) != 1)
    return NULL;
  return g_steal_pointer (&method);
}

/* ---- The end of the handshake -------------------------------------------------------------------------- */

static void
fail (MxrDtls *dtls, const char *reason)
{
  dtls->state = MXR_DTLS_FAILED;
  g_strlcpy (dtls->failure, reason, sizeof dtls->failure);
}

const char *
mxr_dtls_normalize_hash (const char *name, gsize size)
{
  static const struct {
    const char *name;
    gsize size;
  } hashes[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };

  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++)
    if (g_ascii_strcasecmp (name, hashes[i].name) == 0 && size == hashes[i].size)
      return hashes[i].name;
  return NULL;
}

static const EVP_MD *
find_digest (const char *hash)
{
  if (strcmp (hash, "sha-384") == 0)
    return EVP_sha384 ();
  return strcmp (hash, "sha-512") == 0 ? EVP_sha512 () : EVP_sha256 ();
}

/* RFC 8122 6.2: the certificate's DER form hashed is what was announced over signalling. */
static bool
is_announced_certificate (MxrDtls *dtls)
{
  g_autoptr (X509) certificate = SSL_get1_peer_certificate (dtls->ssl);
  guint8 digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;

  return certificate != NULL &&
         X509_digest (certificate, find_digest (dtls->remote.hash), digest, &size) == 1 &&
         size == dtls->remote.size && CRYPTO_memcmp (digest, dtls->remote.digest, size) == 0;
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
static bool
export_keys (MxrDtls *dtls)
{
  static const char label[] = "EXTRACTOR-dtls_srtp";
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile (dtls->ssl);
  guint8 material[2 * (MXR_SRTP_KEY_BYTES + MXR_SRTP_SALT_MAX_BYTES)];
  MxrSrtpKeys *keys = &dtls->keys;

  if (profile == NULL)
    return false;
  keys->profile =
      profile->id == SRTP_AEAD_AES_128_GCM ? MXR_SRTP_AEAD_AES_128_GCM : MXR_SRTP_AES128_CM_SHA1_80;
  const gsize salt_bytes = mxr_srtp_salt_bytes (keys->profile);
  const gsize n_bytes = 2 * (MXR_SRTP_KEY_BYTES + salt_bytes);
  if (SSL_export_keying_material (dtls->ssl, material, n_bytes, label, strlen (label), NULL, 0, 0) != 1)
    return false;

  const guint8 *client_salt = material + 2 * MXR_SRTP_KEY_BYTES;
  const bool is_client = dtls->filter.is_active;
  memcpy (is_client ? keys->local_key : keys->remote_key, material, MXR_SRTP_KEY_BYTES);
  memcpy (is_client ? keys->remote_key : keys->local_key, material + MXR_SRTP_KEY_BYTES, MXR_SRTP_KEY_BYTES);
  memcpy (is_client ? keys->local_salt : keys->remote_salt, client_salt, salt_bytes);
  memcpy (is_client ? keys->remote_salt : keys->local_salt, client_salt + salt_bytes, salt_bytes);
  OPENSSL_cleanse (material, sizeof material);
  return true;
}

static void
finish_handshake (MxrDtls *dtls)
{
  dtls->filter.is_connected = true;
  if (!is_announced_certificate (dtls))
    fail (dtls, "fingerprint mismatch");
  else if (!export_keys (dtls))
    fail (dtls, "no SRTP profile in common");
  else
    dtls->state = MXR_DTLS_CONNECTED;
}

/* ---- Driving the library ------------------------------------------------------------------------------- */

static void
fail_by_library (MxrDtls *dtls)
{
  const char *reason = ERR_reason_error_string (ERR_peek_last_error ());
  g_autofree char *text = g_strdup_printf ("DTLS: %s", reason != NULL ? reason : "protocol error");
  fail (dtls, text);
}

/* Application data is read and thrown away: there are no data channels here. */
static void
read_records (MxrDtls *dtls)
{
  guint8 scratch[512];
  int result;

  do
    result = SSL_read (dtls->ssl, scratch, sizeof scratch);
  while (result > 0);

  const int reason = SSL_get_error (dtls->ssl, result);
  if (reason == SSL_ERROR_ZERO_RETURN)
    dtls->state = MXR_DTLS_CLOSED;
  else if (reason == SSL_ERROR_SSL)
    fail_by_library (dtls);
}

static void
drive (MxrDtls *dtls)
{
  ERR_clear_error (); /* the queue is the thread's, and SSL_get_error() looks into it */
  if (dtls->state == MXR_DTLS_HANDSHAKING) {
    const int result = SSL_do_handshake (dtls->ssl);
    if (result == 1)
      finish_handshake (dtls);
    else if (SSL_get_error (dtls->ssl, result) == SSL_ERROR_SSL)
      fail_by_library (dtls);
  } else if (dtls->state == MXR_DTLS_CONNECTED) {
    read_records (dtls);
  }
  ERR_clear_error ();
}

static unsigned
choose_timeout_us (SSL *ssl, unsigned last_us)
{
  return last_us == 0 ? TIMEOUT_FIRST_US : MIN (last_us * 2, TIMEOUT_MAX_US);
}

MxrDtls *
mxr_dtls_new (const MxrDtlsIdentity *identity, bool is_active, const MxrDtlsFingerprint *remote,
              GError **error)
{
  g_autoptr (SSL) ssl = SSL_new (identity->context);
  g_autoptr (BIO) bio = BIO_new (identity->bio_method);

  if (ssl == NULL || bio == NULL) {
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "no memory for DTLS");
    return NULL;
  }
  MxrDtls *dtls = g_new0 (MxrDtls, 1);
  g_queue_init (&dtls->outgoing);
  dtls->remote = *remote;
  dtls->filter.is_active = is_active;
  BIO_set_data (bio, dtls);
  BIO_set_init (bio, 1);
  SSL_set_bio (ssl, bio, bio);
  bio = NULL; /* the connection's now */
  if (is_active)
    SSL_set_connect_state (ssl);
  else
    SSL_set_accept_state (ssl);
  SSL_set_mtu (ssl, MXR_MTU_BYTES);
  DTLS_set_timer_cb (ssl, choose_timeout_us);
  dtls->ssl = g_steal_pointer (&ssl);
  return dtls;
}

void
mxr_dtls_free (MxrDtls *dtls)
{
  g_clear_pointer (&dtls->ssl, SSL_free);
  g_queue_clear_full (&dtls->outgoing, (GDestroyNotify) g_bytes_unref);
  OPENSSL_cleanse (&dtls->keys, sizeof dtls->keys);
  g_free (dtls);
}

void
mxr_dtls_start (MxrDtls *dtls)
{
  if (dtls->filter.is_active)
    drive (dtls);
}

void
mxr_dtls_receive (MxrDtls *dtls, guint8 *data, gsize size)
{
  if (dtls->state != MXR_DTLS_HANDSHAKING && dtls->state != MXR_DTLS_CONNECTED)
    return;
  dtls->incoming_bytes = mxr_dtls_filter_datagram (&dtls->filter, data, size);
  if (dtls->incoming_bytes == 0)
    return;
  dtls->incoming = data;
  drive (dtls);
  /* The handshake may end with records of this datagram still unread in the library. */
  if (dtls->state == MXR_DTLS_CONNECTED)
    drive (dtls);
  dtls->incoming = NULL;
}

GBytes *
mxr_dtls_pop_outgoing (MxrDtls *dtls)
{
  return g_queue_pop_head (&dtls->outgoing);
}

gint
mxr_dtls_get_timeout_ms (MxrDtls *dtls)
{
  struct timeval left;

  if (dtls->state != MXR_DTLS_HANDSHAKING || DTLSv1_get_timeout (dtls->ssl, &left) != 1)
    return -1;
  return (gint) (left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

/* Too many time-outs are an error of the library's, but not ours: the caller's deadline ends it. */
void
mxr_dtls_handle_timeout (MxrDtls *dtls)
{
  if (dtls->state != MXR_DTLS_HANDSHAKING)
    return;
  DTLSv1_handle_timeout (dtls->ssl);
  ERR_clear_error ();
}

void
mxr_dtls_close (MxrDtls *dtls)
{
  if (dtls->state == MXR_DTLS_CONNECTED)
    SSL_shutdown (dtls->ssl);
  ERR_clear_error ();
}

MxrDtlsState
mxr_dtls_get_state (const MxrDtls *dtls)
{
  return dtls->state;
}

const char *
mxr_dtls_get_failure (const MxrDtls *dtls)
{
  return dtls->failure;
}

const MxrSrtpKeys *
mxr_dtls_get_keys (const MxrDtls *dtls)
{
  return &dtls->keys;
}

guint64
mxr_dtls_get_drops (const MxrDtls *dtls)
{
  return dtls->filter.n_dropped;
}
