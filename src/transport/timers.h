#ifndef MXR_TIMERS_H
#define MXR_TIMERS_H

#include <stdbool.h>
#include <glib.h>

/* All timers of a net thread behind one GSource. A GSource for each would be asked at every wake-up of the loop
 * when it is due; here only the earliest is. */

typedef struct _MxrTimers MxrTimers;

/** MxrTimer: Embedded in what has it; @func and @data are set before the first use, the rest is zero. */
typedef struct {
  void (*func) (gpointer data); /* may set and clear any timer, and free what embeds this one after clearing it */
  gpointer data;
  gint64 due_us;
  guint place; /* in the heap, from 1 on; 0: not set */
} MxrTimer;

MxrTimers *mxr_timers_new (GMainContext *context);
/** mxr_timers_free: none is set any more. */
void mxr_timers_free (MxrTimers *timers);

/** mxr_timers_set: @due_us: monotonic; in the past: at the loop's next turn. Once; moves one that is set. */
void mxr_timers_set (MxrTimers *timers, MxrTimer *timer, gint64 due_us);
/** mxr_timers_clear: nothing when it is not set. */
void mxr_timers_clear (MxrTimers *timers, MxrTimer *timer);

#endif
