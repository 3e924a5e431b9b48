#ifndef MXR_SRTP_CIPHERS_H
#define MXR_SRTP_CIPHERS_H

#include "mixroom/base.h"

/**
 * mxr_srtp_ciphers_install:
 *
 * Makes libsrtp2 compute AES and SHA-1 with OpenSSL, whichever library it was built on; libsrtp2 tests each against its
 * own vectors and ours before it takes it. Once, after srtp_init(). Returns: false when it refused one.
 */
bool mxr_srtp_ciphers_install (void);

#endif
