#ifndef MXR_WEBHOOKS_H
#define MXR_WEBHOOKS_H

#include "mixroom/base.h"

/* Tells other servers what happens: one POST for each event and address, signed, in order, tried again. Addresses do
 * not wait for each other. Thread: control; nothing blocks. */

typedef struct _MxrWebhooks MxrWebhooks;

/** mxr_webhooks_new: Returns: (transfer full) (nullable): %NULL when nobody is to be told. */
MxrWebhooks *mxr_webhooks_new (const MxrConfig *config);

/** mxr_webhooks_free: What waits is tried once more, for some seconds at most; runs the default main context meanwhile. */
void mxr_webhooks_free (MxrWebhooks *webhooks);

/** mxr_webhooks_tell: @data: (transfer floating): a{sv} */
void mxr_webhooks_tell (MxrWebhooks *webhooks, const char *type, const char *room, GVariant *data);

/** mxr_webhooks_append_metrics: @webhooks: (nullable) */
void mxr_webhooks_append_metrics (MxrWebhooks *webhooks, GString *text);

#endif
