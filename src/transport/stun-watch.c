#include "stun-watch.h"

#include <sys/socket.h>

#define PEEK_BYTES 1280 /* the largest STUN message we look at */

typedef struct {
  GSource source;
  GSocket *socket;
  gpointer tag;
  void (*on_datagram) (const guint8 *data, gsize size, gpointer user_data);
  gpointer user_data;
} Watch;

static gboolean
prepare_watch (GSource *source, gint *timeout_ms)
{
  *timeout_ms = -1;
  return FALSE;
}

static gboolean
check_watch (GSource *source)
{
  Watch *watch = (Watch *) source;
  guint8 data[PEEK_BYTES];

  if ((g_source_query_unix_fd (source, watch->tag) & G_IO_IN) == 0 || g_socket_is_closed (watch->socket))
    return FALSE;
  const gssize size =
      recv (g_socket_get_fd (watch->socket), data, sizeof data, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);
  if (size > 0 && (gsize) size <= sizeof data)
    watch->on_datagram (data, (gsize) size, watch->user_data);
  return FALSE;
}

static gboolean
dispatch_watch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
finalize_watch (GSource *source)
{
  g_clear_object (&((Watch *) source)->socket);
}

static GSourceFuncs watch_funcs = { prepare_watch, check_watch, dispatch_watch, finalize_watch };

GSource *
mxr_stun_watch_new (GSocket *socket, GMainContext *context,
                    void (*on_datagram) (const guint8 *data, gsize size, gpointer user_data),
                    gpointer user_data)
{
  GSource *source = g_source_new (&watch_funcs, sizeof (Watch));
  Watch *watch = (Watch *) source;

  watch->socket = g_object_ref (socket);
  watch->on_datagram = on_datagram;
  watch->user_data = user_data;
  watch->tag = g_source_add_unix_fd (source, g_socket_get_fd (socket), G_IO_IN);
  g_source_set_static_name (source, "STUN watch");
  g_source_attach (source, context);
  return source;
}
