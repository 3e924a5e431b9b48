#ifndef MXR_WEBHOOK_MESSAGE_H
#define MXR_WEBHOOK_MESSAGE_H

#include <gio/gio.h>

#include "mixroom/base.h"

/**
 * mxr_webhook_write:
 * @type: such as "room.began"
 * @data: (transfer floating): a{sv}
 *
 * Returns: (transfer full): one JSON object: id, type, time (Unix, ms), room, data.
 */
GBytes *mxr_webhook_write (const char *id, const char *type, gint64 time_ms, const char *room, GVariant *data);

/** mxr_webhook_key_new: Returns: (transfer full): what is signed with: of `whsec_` and base64 the bytes, else the text's. */
GBytes *mxr_webhook_key_new (const char *secret);

/** mxr_webhook_sign: Returns: (transfer full): "v1," and HMAC-SHA256 of "id.timestamp.body" in base64 (Standard Webhooks 1.0). */
char *mxr_webhook_sign (GBytes *key, const char *id, gint64 timestamp_s, GBytes *body);

/**
 * mxr_webhook_read_retry_after:
 * @value: (nullable): of the header: seconds, or a date (RFC 9110 10.2.3)
 * @now_s: Unix time
 *
 * Returns: seconds; 0: none, not understood, or past.
 */
guint mxr_webhook_read_retry_after (const char *value, gint64 now_s);

#endif
