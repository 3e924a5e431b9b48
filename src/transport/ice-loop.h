#ifndef MXR_ICE_LOOP_H
#define MXR_ICE_LOOP_H

#include "poller.h"
#include "timers.h"

/* The main context of one ICE agent, run inside its net thread's loop, and only when one of its own descriptors is
 * ready or one of its own timers due. libnice keeps three to six sources an agent: in one context with those of a
 * thousand others, each packet would ask all of them. */

typedef struct _MxrIceLoop MxrIceLoop;

/**
 * mxr_ice_loop_new:
 * @outer: the net thread's own context; the agent has to do with it when there are no descriptors for another
 * @on_ready: before a descriptor that is ready is served, by whatever the context is run for; never with @outer
 */
MxrIceLoop *mxr_ice_loop_new (GMainContext *outer, MxrPoller *poller, MxrTimers *timers,
                              void (*on_ready) (int fd, gpointer data), gpointer data);
/** mxr_ice_loop_free: never from inside the context's own dispatch. */
void mxr_ice_loop_free (MxrIceLoop *loop);
GMainContext *mxr_ice_loop_get_context (MxrIceLoop *loop);

#endif
