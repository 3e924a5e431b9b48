#include "srtp.h"

#include <srtp2/srtp.h>
#include <string.h>

#include "demux.h"
#include "mixroom/limits.h"
#include "mixroom/transport.h"
#include "srtp-ciphers.h"
#include "srtp-cleanup.h"

/* Packets a stream may come late and still be taken: a second of 720p at 1 Mbit/s, so that retransmissions
 * pass. */
#define REPLAY_WINDOW_PACKETS 1024
#define TAG_MAX_BYTES 16 /* GCM */
#define SRTCP_INDEX_BYTES 4

struct _MxrSrtp {
  srtp_t in, out;
  guint32 ssrcs[MXR_SRTP_STREAMS_MAX]; /* of the peer's packets that authenticated */
  guint n_ssrcs;
};

static gpointer
init_library (gpointer data)
{
  return GINT_TO_POINTER (srtp_init () == srtp_err_status_ok && mxr_srtp_ciphers_install ());
}

static bool
ensure_library (GError **error)
{
  static GOnce once = G_ONCE_INIT;

  if (GPOINTER_TO_INT (g_once (&once, init_library, NULL)))
    return true;
  g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "libsrtp2 does not start");
  return false;
}

static srtp_err_status_t
make_session (srtp_t *session, const MxrSrtpKeys *keys, bool is_inbound)
{
  const gsize salt_bytes = mxr_srtp_salt_bytes (keys->profile);
  const srtp_profile_t profile = keys->profile == MXR_SRTP_AEAD_AES_128_GCM ? srtp_profile_aead_aes_128_gcm
                                                                            : srtp_profile_aes128_cm_sha1_80;
  guint8 master[MXR_SRTP_KEY_BYTES + MXR_SRTP_SALT_MAX_BYTES];
  srtp_policy_t policy = { 0 };

  memcpy (master, is_inbound ? keys->remote_key : keys->local_key, MXR_SRTP_KEY_BYTES);
  memcpy (master + MXR_SRTP_KEY_BYTES, is_inbound ? keys->remote_salt : keys->local_salt, salt_bytes);
  srtp_crypto_policy_set_from_profile_for_rtp (&policy.rtp, profile);
  srtp_crypto_policy_set_from_profile_for_rtcp (&policy.rtcp, profile);
  policy.ssrc.type = is_inbound ? ssrc_any_inbound : ssrc_any_outbound;
  policy.key = master;
  policy.window_size = REPLAY_WINDOW_PACKETS;
  policy.allow_repeat_tx = 1; /* plain retransmissions repeat a sequence number, with the same bytes */

  const srtp_err_status_t status = srtp_create (session, &policy);
  explicit_bzero (master, sizeof master);
  return status;
}

MxrSrtp *
mxr_srtp_new (const MxrSrtpKeys *keys, GError **error)
{
  if (!ensure_library (error))
    return NULL;

  g_auto (srtp_t) in = NULL;
  g_auto (srtp_t) out = NULL;
  if (make_session (&in, keys, true) != srtp_err_status_ok ||
      make_session (&out, keys, false) != srtp_err_status_ok) {
    g_set_error_literal (error, MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, "no SRTP session");
    return NULL;
  }
  MxrSrtp *srtp = g_new0 (MxrSrtp, 1);
  srtp->in = g_steal_pointer (&in);
  srtp->out = g_steal_pointer (&out);
  return srtp;
}

void
mxr_srtp_free (MxrSrtp *srtp)
{
  srtp_dealloc (srtp->in);
  srtp_dealloc (srtp->out);
  g_free (srtp);
}

static guint32
read_ssrc (bool is_rtcp, const guint8 *data)
{
  guint32 ssrc;
  memcpy (&ssrc, data + (is_rtcp ? 4 : 8), sizeof ssrc);
  return ssrc;
}

static bool
is_known (const MxrSrtp *srtp, guint32 ssrc)
{
  for (guint i = 0; i < srtp->n_ssrcs; i++)
    if (srtp->ssrcs[i] == ssrc)
      return true;
  return false;
}

MxrSrtpResult
mxr_srtp_unprotect (MxrSrtp *srtp, bool is_rtcp, guint8 *data, gsize *size)
{
  if (*size < (is_rtcp ? MXR_RTCP_HEADER_BYTES : MXR_RTP_HEADER_BYTES) || *size > MXR_PACKET_MAX_BYTES)
    return MXR_SRTP_UNAUTHENTICATED;

  const guint32 ssrc = read_ssrc (is_rtcp, data);
  const bool known = is_known (srtp, ssrc);
  if (!known && srtp->n_ssrcs == MXR_SRTP_STREAMS_MAX)
    return MXR_SRTP_UNAUTHENTICATED;

  int length = (int) *size;
  const srtp_err_status_t status =
      is_rtcp ? srtp_unprotect_rtcp (srtp->in, data, &length) : srtp_unprotect (srtp->in, data, &length);
  if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
    return MXR_SRTP_REPLAY;
  if (status != srtp_err_status_ok || length < 0)
    return MXR_SRTP_UNAUTHENTICATED;
  if (!known)
    srtp->ssrcs[srtp->n_ssrcs++] = ssrc;
  *size = (gsize) length;
  return MXR_SRTP_OK;
}

MxrSrtpResult
mxr_srtp_protect (MxrSrtp *srtp, bool is_rtcp, guint8 *data, gsize *size, gsize room)
{
  G_STATIC_ASSERT (TAG_MAX_BYTES + SRTCP_INDEX_BYTES <= MXR_SRTP_TRAILER_BYTES);
  if (*size < (is_rtcp ? MXR_RTCP_HEADER_BYTES : MXR_RTP_HEADER_BYTES) ||
      *size + MXR_SRTP_TRAILER_BYTES > MIN (room, MXR_PACKET_MAX_BYTES))
    return MXR_SRTP_BAD_PACKET;

  int length = (int) *size;
  const srtp_err_status_t status =
      is_rtcp ? srtp_protect_rtcp (srtp->out, data, &length) : srtp_protect (srtp->out, data, &length);
  if (status != srtp_err_status_ok)
    return MXR_SRTP_BAD_PACKET;
  *size = (gsize) length;
  return MXR_SRTP_OK;
}
