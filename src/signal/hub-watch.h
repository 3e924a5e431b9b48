#ifndef MXR_HUB_WATCH_H
#define MXR_HUB_WATCH_H

#include "mixroom/library.h"
#include "mixroom/signal.h"

/** mxr_hub_watch_start: From now on what happens in the rooms reaches who is to be told: the webhooks of @server. */
void mxr_hub_watch_start (MxrServer *server);

/** mxr_hub_watch_stop: No more of it. */
void mxr_hub_watch_stop (MxrServer *server);

/* What the library has done by itself; its data is the server. */
extern const MxrLibraryEvents mxr_library_watch;

#endif
