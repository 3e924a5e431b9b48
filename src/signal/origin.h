#ifndef MXR_ORIGIN_H
#define MXR_ORIGIN_H

#include "mixroom/base.h"

/**
 * mxr_origin_is_allowed:
 * @origin: (nullable): the request's Origin; %NULL: not a browser, which could send any, so allowed
 * @host: (nullable): the request's Host
 * @is_tls: whether it came over TLS
 * @allowed: comma separated origins, or "*"
 *
 * A page of the server's own origin always may. Behind a proxy that ends TLS the page is https and we are
 * http, so the scheme of the own origin is not compared; its port is, with the scheme's default.
 *
 * Thread: any; pure. Source: RFC 6454 4, 6.
 */
bool mxr_origin_is_allowed (const char *origin, const char *host, bool is_tls, const char *allowed);

#endif
