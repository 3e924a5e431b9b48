#include "ice-media.h"

#include <sys/epoll.h>

#include "stun-peek.h"
#include "stun.h"

/* Addresses a peer sends checks from: two families, two networks, and those of its last networks. */
#define VALIDATED_MAX 8

typedef struct {
  int stun;         /* libnice's socket */
  MxrUdpPort *port; /* ours beside it; NULL: the kernel cannot, and libnice reads and sends all */
} Place;

struct _MxrIceMedia {
  const MxrIceEnv *env;
  const MxrIceEvents *events;
  gpointer user_data;
  GArray *places;       /* Place */
  MxrUdpPort *selected; /* one of their ports; NULL: libnice sends */
  MxrUdpAddress remote; /* with selected */
  MxrUdpAddress validated[VALIDATED_MAX];
  guint n_validated;                  /* ever; the newest take the place of the oldest */
  const char *local_pwd, *remote_pwd; /* while peeking */
};

static Place *
get_place (const MxrIceMedia *media, guint index)
{
  return &g_array_index (media->places, Place, index);
}

static Place *
find_place (const MxrIceMedia *media, int stun)
{
  for (guint i = 0; i < media->places->len; i++)
    if (get_place (media, i)->stun == stun)
      return get_place (media, i);
  return NULL;
}

MxrIceMedia *
mxr_ice_media_new (const MxrIceEnv *env, const MxrIceEvents *events, gpointer user_data)
{
  MxrIceMedia *media = g_new0 (MxrIceMedia, 1);

  media->env = env;
  media->events = events;
  media->user_data = user_data;
  media->places = g_array_new (FALSE, FALSE, sizeof (Place));
  return media;
}

void
mxr_ice_media_close (MxrIceMedia *media)
{
  media->selected = NULL;
  for (guint i = 0; i < media->places->len; i++) {
    Place *place = get_place (media, i);
    place->stun = -1;
    if (place->port == NULL)
      continue;
    mxr_poller_remove (media->env->poller, mxr_udp_port_get_fd (place->port), media);
    mxr_udp_port_close (place->port);
  }
}

void
mxr_ice_media_free (MxrIceMedia *media)
{
  for (guint i = 0; i < media->places->len; i++)
    g_clear_pointer (&get_place (media, i)->port, mxr_udp_port_free);
  g_array_unref (media->places);
  g_free (media);
}

/* ---- In ------------------------------------------------------------------------------------------------- */

static bool
is_validated (const MxrIceMedia *media, const MxrUdpAddress *address)
{
  if (media->selected != NULL && mxr_udp_address_equal (&media->remote, address))
    return true;
  for (guint i = 0; i < MIN (media->n_validated, VALIDATED_MAX); i++)
    if (mxr_udp_address_equal (&media->validated[i], address))
      return true;
  return false;
}

static void
on_datagram (const MxrUdpAddress *from, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  MxrIceMedia *media = user_data;

  if (is_validated (media, from))
    media->events->on_data (data, size, now_us, media->user_data);
}

static bool
on_port_ready (int fd, gpointer data)
{
  MxrIceMedia *media = data;

  for (guint i = 0; i < media->places->len; i++) {
    MxrUdpPort *port = get_place (media, i)->port;
    if (port != NULL && mxr_udp_port_get_fd (port) == fd)
      return mxr_udp_port_read (port, media->env->reader, on_datagram, media);
  }
  return false;
}

static void
divide_port (MxrIceMedia *media, int stun)
{
  g_autoptr (GError) error = NULL;
  const Place place = { stun, mxr_udp_port_new (stun, media->env->has_gro, &error) };

  g_array_append_val (media->places, place);
  if (place.port == NULL)
    mxr_debug ("transport", "media goes through libnice: %s", error->message);
  else
    mxr_poller_add (media->env->poller, mxr_udp_port_get_fd (place.port), EPOLLIN, MXR_POLLER_SECOND, on_port_ready,
                    media);
}

void
mxr_ice_media_divide (MxrIceMedia *media, GPtrArray *sockets)
{
  for (guint i = 0; i < sockets->len; i++) {
    GSocket *socket = g_ptr_array_index (sockets, i);
    const int fd = g_socket_get_fd (socket);
    if (g_socket_get_socket_type (socket) == G_SOCKET_TYPE_DATAGRAM && find_place (media, fd) == NULL)
      divide_port (media, fd);
  }
}

/* As nice_component_verify_remote_candidate() of libnice has it: who sent a check that only a holder of our password
 * can write may send media from there. */
static void
on_stun (const MxrUdpAddress *from, const guint8 *data, gsize size, gpointer user_data)
{
  MxrIceMedia *media = user_data;
  const MxrStunKind kind = mxr_stun_authenticate (data, size, media->local_pwd, media->remote_pwd);

  if (kind == MXR_STUN_FORGED)
    return;
  if (kind == MXR_STUN_REQUEST && !is_validated (media, from))
    media->validated[media->n_validated++ % VALIDATED_MAX] = *from;
  media->events->on_authentic_stun (media->user_data);
}

void
mxr_ice_media_peek (MxrIceMedia *media, int fd, const char *local_pwd, const char *remote_pwd)
{
  if (find_place (media, fd) == NULL)
    return;
  media->local_pwd = local_pwd;
  media->remote_pwd = remote_pwd;
  mxr_stun_peek (fd, on_stun, media);
}

/* ---- Out ------------------------------------------------------------------------------------------------ */

void
mxr_ice_media_follow (MxrIceMedia *media, GSocket *socket, const NiceAddress *remote)
{
  const Place *place = socket == NULL ? NULL : find_place (media, g_socket_get_fd (socket));

  media->selected = place == NULL || remote == NULL ? NULL : place->port;
  if (media->selected != NULL)
    nice_address_copy_to_sockaddr (remote, &media->remote.sa);
}

bool
mxr_ice_media_can_send (const MxrIceMedia *media)
{
  return media->selected != NULL;
}

guint
mxr_ice_media_send (MxrIceMedia *media, guint8 *const *datas, const gsize *sizes, guint n_datagrams, gsize *out_bytes)
{
  G_STATIC_ASSERT (MXR_TRANSPORT_BATCH_MAX <= MXR_UDP_SEND_MAX);
  return mxr_udp_port_send (media->selected, &media->remote, datas, sizes, n_datagrams, out_bytes);
}
