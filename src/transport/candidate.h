#ifndef MXR_CANDIDATE_H
#define MXR_CANDIDATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <glib.h>

/* Remote ICE candidates as text: grammar of RFC 8839 5.1 and the policy of where we are willing to send.
 * Pure: libnice takes loopback, multicast, port 99999 and priority 0 alike, so nothing reaches it that did
 * not pass here. */

#define MXR_FOUNDATION_MAX_CHARS 32 /* RFC 8839 5.1 */
#define MXR_UFRAG_MAX_CHARS 256     /* RFC 8839 5.4 */

typedef enum {
  MXR_CANDIDATE_OK,
  MXR_CANDIDATE_SKIP,      /* well-formed, of no use to us: not an error of the peer */
  MXR_CANDIDATE_FORBIDDEN, /* well-formed, but its address is none we send to */
  MXR_CANDIDATE_BAD,       /* not the grammar */
} MxrCandidateVerdict;

typedef enum {
  MXR_CANDIDATE_HOST,
  MXR_CANDIDATE_SRFLX,
  MXR_CANDIDATE_PRFLX,
  MXR_CANDIDATE_RELAY
} MxrCandidateType;

typedef struct {
  char foundation[MXR_FOUNDATION_MAX_CHARS + 1];
  guint32 priority;
  bool is_tcp; /* tcptype active: the peer connects to us */
  MxrCandidateType type;
  union {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } address;                           /* network order, port included */
  char ufrag[MXR_UFRAG_MAX_CHARS + 1]; /* the generation it belongs to; "" when not said */
} MxrCandidate;

typedef struct {
  bool allow_loopback;
  bool ipv6;
  bool tcp;
} MxrCandidatePolicy;

/**
 * mxr_candidate_parse:
 * @line: with or without "a=" and "candidate:"
 * @out_candidate: (out): set only with %MXR_CANDIDATE_OK
 *
 * Thread: any. Source: RFC 8839 5.1; RFC 6544 4.5 (TCP); RFC 8840 4.1 (ufrag).
 */
MxrCandidateVerdict mxr_candidate_parse (const char *line, const MxrCandidatePolicy *policy,
                                         MxrCandidate *out_candidate);

/**
 * mxr_candidate_is_allowed_address:
 *
 * Whether we send to it: no loopback (unless the policy says so), no unspecified, multicast, broadcast,
 * reserved or link-local address (cloud metadata services live on 169.254.169.254), and none of those dressed
 * as IPv6 (mapped, compatible, 6to4, NAT64).
 */
bool mxr_candidate_is_allowed_address (const struct sockaddr *address, bool allow_loopback);

/** mxr_candidate_is_ice_text: whether @text is @min to @max ice-chars: ALPHA / DIGIT / "+" / "/". */
bool mxr_candidate_is_ice_text (const char *text, gsize min, gsize max);

#endif
