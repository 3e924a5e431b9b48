#include "dtls-private.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include "dtls-cleanup.h"
#include "mixroom/limits.h"
#include "mixroom/transport.h"

#define DAY_S (24 * 60 * 60)
/* Peers go by the fingerprint, but some look at the dates: a day for wrong clocks, a year for long uptimes.
 */
#define VALID_BEFORE_S (-DAY_S)
#define VALID_AFTER_S (365 * DAY_S)

/* AEAD with forward secrecy. Ours is an ECDSA certificate; a passive peer's may be RSA (webrtcbin's is). */
#define CIPHERS                                                                                              \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                 \
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

static bool
fail (GError **error, const char *what)
{
  char text[128];
  ERR_error_string_n (ERR_get_error (), text, sizeof text);
  ERR_clear_error ();
  g_set_error (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "%s: %s", what, text);
  return false;
}

static X509 *
make_certificate (EVP_PKEY *key)
{
  g_autoptr (X509) certificate = X509_new ();
  guint64 serial;

  if (certificate == NULL || RAND_bytes ((guint8 *) &serial, sizeof serial) != 1)
    return NULL;
  X509_NAME *name = X509_get_subject_name (certificate);
  if (X509_set_version (certificate, X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_uint64 (X509_get_serialNumber (certificate), serial >> 1) != 1 ||
      X509_gmtime_adj (X509_getm_notBefore (certificate), VALID_BEFORE_S) == NULL ||
      X509_gmtime_adj (X509_getm_notAfter (certificate), VALID_AFTER_S) == NULL ||
      X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guint8 *) "mixroom", -1, -1, 0) != 1 ||
      X509_set_issuer_name (certificate, name) != 1 || X509_set_pubkey (certificate, key) != 1 ||
      X509_sign (certificate, key, EVP_sha256 ()) == 0)
    return NULL;
  return g_steal_pointer (&certificate);
}

static char *
describe_fingerprint (X509 *certificate)
{
  guint8 digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;

  if (X509_digest (certificate, EVP_sha256 (), digest, &size) != 1)
    return NULL;
  GString *text = g_string_new ("sha-256 ");
  for (unsigned i = 0; i < size; i++)
    g_string_append_printf (text, i == 0 ? "%02X" : ":%02X", digest[i]);
  return g_string_free (text, FALSE);
}

/* Anybody's certificate will do here, and each is compared with the announced fingerprint afterwards: RFC
 * 5763 5. */
static int
accept_any_chain (int preverified, X509_STORE_CTX *store)
{
  return 1;
}

static SSL_CTX *
make_context (X509 *certificate, EVP_PKEY *key)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (DTLS_method ());

  if (context == NULL || SSL_CTX_set_min_proto_version (context, DTLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version (context, DTLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list (context, CIPHERS) != 1 ||
      SSL_CTX_set1_groups_list (context, "X25519:P-256:P-384") != 1 ||
      SSL_CTX_use_certificate (context, certificate) != 1 || SSL_CTX_use_PrivateKey (context, key) != 1 ||
      SSL_CTX_set_tlsext_use_srtp (context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0)
    return NULL;
  SSL_CTX_set_options (context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                    SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify (context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any_chain);
  SSL_CTX_set_read_ahead (context, 1); /* a datagram is read whole or lost */
  return g_steal_pointer (&context);
}

MxrDtlsIdentity *
mxr_dtls_identity_new (GError **error)
{
  g_autoptr (MxrDtlsIdentity) identity = g_new0 (MxrDtlsIdentity, 1);
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autoptr (X509) certificate = key == NULL ? NULL : make_certificate (key);

  if (certificate != NULL) {
    identity->fingerprint = describe_fingerprint (certificate);
    identity->context = make_context (certificate, key);
  }
  identity->bio_method = mxr_dtls_make_bio_method ();
  if (identity->fingerprint == NULL || identity->context == NULL || identity->bio_method == NULL) {
    fail (error, "no DTLS certificate");
    return NULL;
  }
  return g_steal_pointer (&identity);
}

void
mxr_dtls_identity_free (MxrDtlsIdentity *identity)
{
  g_clear_pointer (&identity->context, SSL_CTX_free);
  g_clear_pointer (&identity->bio_method, BIO_meth_free);
  g_free (identity->fingerprint);
  g_free (identity);
}

const char *
mxr_dtls_identity_get_fingerprint (const MxrDtlsIdentity *identity)
{
  return identity->fingerprint;
}
