#ifndef MXR_HTTP_HEAD_H
#define MXR_HTTP_HEAD_H

#include "mixroom/base.h"

/* A browser sends 1 to 2 KB of head; 16 leaves room for long cookies of other services on the same host. */
#define MXR_HTTP_HEAD_MAX_BYTES (16 * 1024)
#define MXR_HTTP_HEAD_MAX_FIELDS 64

/* What a request's head says about its framing. */
typedef struct {
  guint64 body_bytes; /* Content-Length; 0 without */
  bool is_chunked;    /* the body's end is known only to who parses the chunks */
} MxrHttpFraming;

/**
 * mxr_http_head_find_end:
 *
 * Returns: bytes up to and with the empty line that ends the head; 0 while there is none.
 */
gsize mxr_http_head_find_end (const char *bytes, gsize n_bytes);

/**
 * mxr_http_head_check:
 * @head: a complete head, its empty line included
 * @out_framing: (out)
 * @out_detail: (out): static; what is wrong, and what to do
 *
 * Refuses whatever two parsers could read differently: libsoup 3.2 takes Content-Length together with
 * Transfer-Encoding, two Hosts and bare line feeds.
 *
 * Thread: any; pure.
 * Returns: 0 when all is well, or the HTTP status to refuse it with.
 * Source: RFC 9112 2.2, 3, 5, 6.3; RFC 9110 5.6.2, 7.2.
 */
guint mxr_http_head_check (const char *head, gsize n_bytes, MxrHttpFraming *out_framing,
                           const char **out_detail);

/** mxr_http_head_is_for: @request: such as "POST /path". Whether it is for that path, whatever its query is. */
bool mxr_http_head_is_for (const char *head, gsize n_bytes, const char *request);

#endif
