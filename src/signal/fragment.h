#ifndef MXR_FRAGMENT_H
#define MXR_FRAGMENT_H

#include "mixroom/room.h"

#define MXR_FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

/**
 * mxr_fragment_apply:
 * @body: of a PATCH
 * @out_ufrag: (out) (transfer full) (nullable): set when other ICE credentials than those in use ask for a
 * restart; nothing is applied then
 * @out_pwd: (out) (transfer full) (nullable)
 *
 * Gives the candidates of a trickle fragment to @participant. Errors: %MXR_ROOM_ERROR_BAD_CANDIDATE.
 * Source: RFC 9725 4.3; RFC 8840 9.
 */
bool mxr_fragment_apply (MxrParticipant *participant, const char *body, gsize n_bytes, char **out_ufrag,
                         char **out_pwd, GError **error);

#endif
