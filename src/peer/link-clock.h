#ifndef MXR_LINK_CLOCK_H
#define MXR_LINK_CLOCK_H

#include <glib.h>

/* When the links of a net thread are to be looked at. Pure: the time is an argument. One thread. */

/* Rounds are at least so far apart. A NACK waits for 10 ms of disorder anyway and feedback for 50 ms of packets, so this
 * adds little; it bounds what a thread spends on rounds, whatever its number of links. */
#define MXR_LINK_ROUND_US (5 * 1000)

/** MxrLinkClockFunc: Returns: when it is due again [us]. It may hasten any timer, not add or remove one. */
typedef gint64 (*MxrLinkClockFunc) (gpointer user_data, gint64 now_us);

/* Of one link. Fields are private. */
typedef struct {
  MxrLinkClockFunc func;
  gpointer user_data;
  guint index; /* in the clock */
} MxrLinkTimer;

typedef struct {
  GArray *entries; /* of all timers, without order */
  gint64 next_us;  /* of the next round; G_MAXINT64: none */
  gint64 last_us;  /* of the last round */
} MxrLinkClock;

void mxr_link_clock_init (MxrLinkClock *clock);
/** mxr_link_clock_clear: Without timers. */
void mxr_link_clock_clear (MxrLinkClock *clock);

/** mxr_link_clock_add: @timer stays where it is until it is removed. It is not due until it is hastened. */
void mxr_link_clock_add (MxrLinkClock *clock, MxrLinkTimer *timer, MxrLinkClockFunc func, gpointer user_data);
void mxr_link_clock_remove (MxrLinkClock *clock, MxrLinkTimer *timer);

/** mxr_link_clock_hasten: @timer is due at @due_us, or when it was, if that is earlier. Cost: a few comparisons, no
 * allocation; runs per packet. */
void mxr_link_clock_hasten (MxrLinkClock *clock, MxrLinkTimer *timer, gint64 due_us);

/** mxr_link_clock_get_next_us: Returns: monotonic time of the next round; G_MAXINT64: none. */
gint64 mxr_link_clock_get_next_us (const MxrLinkClock *clock);

/**
 * mxr_link_clock_run:
 *
 * The round, if it is time: calls the timers that are due, each once.
 *
 * Returns: how many were called. Cost: one pass over an array of 16 bytes a timer.
 */
guint mxr_link_clock_run (MxrLinkClock *clock, gint64 now_us);

#endif
