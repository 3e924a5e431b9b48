#ifndef MXR_TICK_H
#define MXR_TICK_H

#include <stdbool.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * MxrTick:
 *
 * The heartbeat of a mixer: a streaming thread that calls back on every point of a grid of running time,
 * counted from running time 0, so that all elements of a pipeline with the same rate tick together. It waits
 * for single-shot ids of the element's clock, and works with #GstTestClock.
 *
 * States:  PAUSED->PLAYING start, PLAYING->PAUSED pause, PAUSED->READY stop (after the pads are flushing).
 * Thread:  start, pause, stop and free: the one that changes the element's state.
 */
typedef struct _MxrTick MxrTick;

/**
 * MxrTickFunc:
 * @element: the mixer
 * @index: of the grid point that was reached; its running time is @running_time_ns
 * @n_missed: grid points that went by unserved since the last call; the first call after a start counts none
 *
 * Thread: the tick's streaming thread; no lock is held.
 */
typedef void (*MxrTickFunc) (GstElement *element, guint64 index, GstClockTime running_time_ns,
                             guint64 n_missed);

/**
 * mxr_tick_new:
 * @element: (transfer none): owns the tick
 * @rate_n: ticks in @rate_d seconds
 */
MxrTick *mxr_tick_new (GstElement *element, MxrTickFunc func, guint rate_n, guint rate_d);
void mxr_tick_free (MxrTick *tick);

/** mxr_tick_set_rate: Only while the tick is stopped. */
void mxr_tick_set_rate (MxrTick *tick, guint rate_n, guint rate_d);

/**
 * mxr_tick_rest:
 * @until_ns: running time; %GST_CLOCK_TIME_NONE when nothing is due
 *
 * Leaves out the ticks before the first grid point at or after @until_ns, for as long as nobody wakes the
 * tick; none of them counts as missed. Without effect when somebody has since the present call began. A rest
 * of more than 10 s is cut there. Thread: the tick's, inside of the call back.
 */
void mxr_tick_rest (MxrTick *tick, GstClockTime until_ns);

/** mxr_tick_wake: Ends a rest: the next grid point is served. Cheap while there is none. Thread: any. */
void mxr_tick_wake (MxrTick *tick);

/** mxr_tick_get_time: Returns: the running time; 0 before the element has a clock. Thread: any. */
GstClockTime mxr_tick_get_time (const MxrTick *tick);

/** mxr_tick_start: From the first grid point that is not yet over. */
void mxr_tick_start (MxrTick *tick);

/**
 * mxr_tick_pause:
 *
 * No call begins afterwards, but one may still run: it may hang in a sink that prerolls, so nobody waits for
 * it.
 */
void mxr_tick_pause (MxrTick *tick);

/** mxr_tick_stop: Waits for a running call; flush the pads first. */
void mxr_tick_stop (MxrTick *tick);

G_END_DECLS

#endif
