#ifndef MXR_POLLER_H
#define MXR_POLLER_H

#include <stdbool.h>
#include <glib.h>

/* All descriptors of a net thread behind one GSource and one epoll descriptor: what a wake-up costs does not grow
 * with their number, as it does where each is polled by the main loop.
 *
 * A look at the descriptors serves those that are ready. When looks that found something follow each other closer
 * than half a millisecond, the next waits a millisecond and finds the packets of many peers at once; looks that find
 * next to nothing end that again. A calm thread never waits. */

typedef struct _MxrPoller MxrPoller;

/* Within one look, so that a check that validates an address is seen before what came from there after it. */
typedef enum { MXR_POLLER_FIRST, MXR_POLLER_SECOND, MXR_POLLER_N_TURNS } MxrPollerTurn;

/**
 * MxrPollerFunc:
 *
 * May add and remove any descriptor. Called for a ready descriptor, and rarely for one that is not: never blocks.
 *
 * Returns: whether more waits there than was taken; the next look follows at once then.
 */
typedef bool (*MxrPollerFunc) (int fd, gpointer data);

MxrPoller *mxr_poller_new (GMainContext *context, GError **error);
void mxr_poller_free (MxrPoller *poller);

/**
 * mxr_poller_add:
 * @events: of epoll; level-triggered
 *
 * May repeat what is there. A descriptor of this number that was closed and not removed is forgotten.
 */
void mxr_poller_add (MxrPoller *poller, int fd, guint32 events, MxrPollerTurn turn, MxrPollerFunc func, gpointer data);
/** mxr_poller_remove: before or after it was closed. Nothing when the number stands for another @data meanwhile. */
void mxr_poller_remove (MxrPoller *poller, int fd, gpointer data);

/** mxr_poller_get_n_looks: for measurements. */
guint64 mxr_poller_get_n_looks (const MxrPoller *poller);

#endif
