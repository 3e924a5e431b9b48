#ifndef MXR_ETAG_H
#define MXR_ETAG_H

#include "mixroom/base.h"

/**
 * mxr_etag_is_listed:
 * @if_match: value of If-Match, several header lines joined by commas
 * @etag: the resource's, with its quotes
 *
 * Whether @if_match is "*" or lists @etag, by strong comparison: a weak one (W/) matches nothing. What is no
 * list of entity tags matches nothing behind the mistake.
 *
 * Thread: any; pure.
 * Source: RFC 9110 13.1.1, 8.8.3, 5.6.1.
 */
bool mxr_etag_is_listed (const char *if_match, const char *etag);

#endif
