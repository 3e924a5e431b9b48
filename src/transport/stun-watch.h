#ifndef MXR_STUN_WATCH_H
#define MXR_STUN_WATCH_H

#include <gio/gio.h>

/**
 * mxr_stun_watch_new:
 * @socket: a datagram socket that somebody else reads in the same context
 * @on_datagram: gets a copy of the head of the datagram that waits, before the reader takes it
 *
 * Peeks in the check phase of the main loop, which comes before anybody's dispatch, and never dispatches
 * itself: so it needs no priority over the reader's source, under which the reader would starve.
 *
 * Returns: (transfer full): attached; end it with g_source_destroy().
 */
GSource *mxr_stun_watch_new (GSocket *socket, GMainContext *context,
                             void (*on_datagram) (const guint8 *data, gsize size, gpointer user_data),
                             gpointer user_data);

#endif
