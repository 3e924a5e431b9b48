#ifndef MXR_DTLS_PRIVATE_H
#define MXR_DTLS_PRIVATE_H

#include <openssl/ssl.h>

#include "dtls.h"

struct _MxrDtlsIdentity {
  SSL_CTX *context;
  BIO_METHOD *bio_method;
  char *fingerprint;
};

/* What joins the TLS library and the datagrams of an MxrDtls; shared by all connections. */
BIO_METHOD *mxr_dtls_make_bio_method (void);

#endif
