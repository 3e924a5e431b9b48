#ifndef MXR_TOKEN_H
#define MXR_TOKEN_H

#include "mixroom/base.h"

/* In rising order: each may do what the ones before it may. */
typedef enum { MXR_TOKEN_VIEWER, MXR_TOKEN_PARTICIPANT, MXR_TOKEN_HOST, MXR_TOKEN_ADMIN } MxrTokenRole;

#define MXR_TOKEN_ERROR (mxr_token_error_quark ())
GQuark mxr_token_error_quark (void);

typedef enum {
  MXR_TOKEN_ERROR_MISSING,  /* 401 */
  MXR_TOKEN_ERROR_INVALID,  /* 401: malformed, wrong signature, expired, not valid yet */
  MXR_TOKEN_ERROR_TOO_WEAK, /* 403: valid, but for another room or for less */
} MxrTokenError;

/**
 * mxr_token_check:
 * @secret: HS256 key
 * @token: (nullable): a JWT in compact form
 * @room: (nullable): the room it must be for; %NULL: for all of them ("*")
 * @role: what it must at least allow
 * @now_s: Unix time
 *
 * Claims: `exp` and `room` (a name, or "*") are required; `nbf` is honoured; `role` is viewer, participant,
 * host or admin and participant when missing. Only HS256 is taken, whatever the header asks for.
 *
 * Thread: any; pure.
 * Source: RFC 7519 4.1; RFC 7515 5.2; RFC 8725 3.1 (algorithm fixed by the verifier).
 */
bool mxr_token_check (const char *secret, const char *token, const char *room, MxrTokenRole role,
                      gint64 now_s, GError **error);

#endif
