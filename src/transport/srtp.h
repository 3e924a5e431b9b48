#ifndef MXR_SRTP_H
#define MXR_SRTP_H

#include <stdbool.h>
#include <glib.h>

/* Both directions of one peer's SRTP and SRTCP (RFC 3711, RFC 7714). */

typedef struct _MxrSrtp MxrSrtp;

typedef enum { MXR_SRTP_AEAD_AES_128_GCM, MXR_SRTP_AES128_CM_SHA1_80 } MxrSrtpProfile;

#define MXR_SRTP_KEY_BYTES 16      /* of both profiles */
#define MXR_SRTP_SALT_MAX_BYTES 14 /* 12 with GCM (RFC 7714 12), 14 with CM (RFC 3711 8.2) */
/* Streams a peer may open: sound, pictures, their retransmissions and a few changes of each; a template would
 * otherwise make a context for every SSRC of 2^32. */
#define MXR_SRTP_STREAMS_MAX 64

typedef struct {
  MxrSrtpProfile profile;
  guint8 local_key[MXR_SRTP_KEY_BYTES], remote_key[MXR_SRTP_KEY_BYTES];
  guint8 local_salt[MXR_SRTP_SALT_MAX_BYTES], remote_salt[MXR_SRTP_SALT_MAX_BYTES];
} MxrSrtpKeys;

typedef enum {
  MXR_SRTP_OK,
  MXR_SRTP_UNAUTHENTICATED, /* or not a packet at all */
  MXR_SRTP_REPLAY,
  MXR_SRTP_BAD_PACKET, /* of our own: too short, no room, index used up */
} MxrSrtpResult;

static inline gsize
mxr_srtp_salt_bytes (MxrSrtpProfile profile)
{
  return profile == MXR_SRTP_AEAD_AES_128_GCM ? 12 : 14;
}

MxrSrtp *mxr_srtp_new (const MxrSrtpKeys *keys, GError **error);
void mxr_srtp_free (MxrSrtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrSrtp, mxr_srtp_free)

/**
 * mxr_srtp_unprotect:
 * @data: decrypted in place; 4-byte aligned
 * @size: (inout): untouched on failure
 */
MxrSrtpResult mxr_srtp_unprotect (MxrSrtp *srtp, bool is_rtcp, guint8 *data, gsize *size);

/**
 * mxr_srtp_protect:
 * @room: [bytes] at @data; the packet grows by at most %MXR_SRTP_TRAILER_BYTES
 */
MxrSrtpResult mxr_srtp_protect (MxrSrtp *srtp, bool is_rtcp, guint8 *data, gsize *size, gsize room);

#endif
