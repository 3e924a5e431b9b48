#ifndef MXR_ICE_CANDIDATE_H
#define MXR_ICE_CANDIDATE_H

#include <nice/agent.h>

#include "candidate.h"
#include "mixroom/base.h"

/** mxr_ice_candidate_to_nice: Returns: (transfer full) */
NiceCandidate *mxr_ice_candidate_to_nice (const MxrCandidate *candidate, guint stream);

/**
 * mxr_ice_candidate_describe:
 * @public_address: told in place of a host candidate's IPv4 address (1:1 NAT); "" for none
 *
 * Returns: (transfer full) (nullable): RFC 8839 5.1 without "a="; %NULL for what nobody can connect to: our
 * active TCP candidates, because we dial no stranger.
 */
char *mxr_ice_candidate_describe (const NiceCandidate *candidate, const char *public_address);

const char *mxr_ice_candidate_type_name (NiceCandidateType type);

/**
 * mxr_ice_candidate_list_addresses:
 *
 * Returns: (transfer full) (element-type utf8): what to gather on: `ice.local_addresses`, or all of the
 * machine's that are of use to a peer.
 */
GPtrArray *mxr_ice_candidate_list_addresses (const MxrConfig *config);

#endif
