#ifndef MXR_PROBLEM_H
#define MXR_PROBLEM_H

#include <libsoup/soup.h>

#include "mixroom/room.h"

/* Errors of the HTTP interfaces as RFC 9457 problems; README.md lists the types. */
typedef enum {
  MXR_PROBLEM_BAD_REQUEST,
  MXR_PROBLEM_BAD_NAME,
  MXR_PROBLEM_BAD_SDP,
  MXR_PROBLEM_BAD_FRAGMENT,
  MXR_PROBLEM_BAD_OUTPUT,
  MXR_PROBLEM_BAD_LOOK,
  MXR_PROBLEM_BAD_IMAGE,
  MXR_PROBLEM_TOKEN_MISSING,
  MXR_PROBLEM_TOKEN_INVALID,
  MXR_PROBLEM_TOKEN_TOO_WEAK,
  MXR_PROBLEM_ORIGIN,
  MXR_PROBLEM_OUTPUT_OFF,
  MXR_PROBLEM_IMAGES_OFF,
  MXR_PROBLEM_NOT_FOUND,
  MXR_PROBLEM_METHOD,
  MXR_PROBLEM_NOT_ACCEPTABLE,
  MXR_PROBLEM_CONFLICT,
  MXR_PROBLEM_ETAG_MISMATCH,
  MXR_PROBLEM_TOO_LARGE,
  MXR_PROBLEM_CONTENT_TYPE,
  MXR_PROBLEM_NOTHING_USABLE,
  MXR_PROBLEM_ETAG_MISSING,
  MXR_PROBLEM_TOO_MANY_JOINS,
  MXR_PROBLEM_TOO_MANY_OUTPUTS,
  MXR_PROBLEM_HEAD_TOO_LARGE,
  MXR_PROBLEM_FAILED,
  MXR_PROBLEM_UNSUPPORTED,
  MXR_PROBLEM_FULL,
  MXR_PROBLEM_DRAINING,
  MXR_PROBLEM_NOT_READY,
} MxrProblem;

/** mxr_problem_respond: Makes @msg answer with @problem; @detail says what to do. */
void mxr_problem_respond (SoupServerMessage *msg, MxrProblem problem, const char *detail);

/** mxr_problem_respond_method: 405, with the methods that are there, such as "GET, HEAD". */
void mxr_problem_respond_method (SoupServerMessage *msg, const char *allow);

/** mxr_problem_respond_error: Answers with what a call into the room said. */
void mxr_problem_respond_error (SoupServerMessage *msg, const GError *error);

/**
 * mxr_problem_write_raw:
 *
 * Returns: (transfer full): a whole response, for a request that never reaches libsoup; it closes the
 * connection.
 */
char *mxr_problem_write_raw (guint status, const char *detail);

/** mxr_problem_add_security_headers: What every response carries. */
void mxr_problem_add_security_headers (SoupMessageHeaders *headers);

/** mxr_room_error_get_code: Returns: (transfer none): of an `error` message on the WebSocket: "room-full". */
const char *mxr_room_error_get_code (const GError *error);

#endif
