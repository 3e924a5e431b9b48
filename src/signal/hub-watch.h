#ifndef MXR_HUB_WATCH_H
#define MXR_HUB_WATCH_H

#include "mixroom/signal.h"

/** mxr_hub_watch_start: From now on what happens in the rooms reaches who is to be told: the webhooks of @server. */
void mxr_hub_watch_start (MxrServer *server);

/** mxr_hub_watch_stop: No more of it. */
void mxr_hub_watch_stop (MxrServer *server);

#endif
