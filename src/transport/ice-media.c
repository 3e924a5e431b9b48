#include "ice-media.h"

#include <openssl/rand.h>
#include <sys/epoll.h>

#include "path-watch.h"
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
  const MxrIceKeys *keys;
  GArray *places;  /* Place */
  MxrPath path;    /* what we send over; its port is one of the places'. NULL: libnice sends */
  MxrUdpAddress validated[VALIDATED_MAX];
  guint n_validated;       /* ever; the newest take the place of the oldest */
  MxrUdpPort *reading;     /* while one is read or peeked at */
  const MxrPath *incoming; /* while what came over it is handed out */
  MxrPathWatch watch;
  MxrTimer watch_timer;
  guint n_moves;
};

static void on_watch_due (gpointer data);

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
mxr_ice_media_new (const MxrIceEnv *env, const MxrIceKeys *keys, const MxrIceEvents *events, gpointer user_data)
{
  MxrIceMedia *media = g_new0 (MxrIceMedia, 1);

  media->env = env;
  media->keys = keys;
  media->events = events;
  media->user_data = user_data;
  media->places = g_array_new (FALSE, FALSE, sizeof (Place));
  media->watch_timer = (MxrTimer){ .func = on_watch_due, .data = media };
  return media;
}

void
mxr_ice_media_close (MxrIceMedia *media)
{
  media->path.port = NULL;
  mxr_timers_clear (media->env->timers, &media->watch_timer);
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
  if (media->path.port != NULL && mxr_udp_address_equal (&media->path.remote, address))
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
  const MxrPath path = { media->reading, *from };

  if (!is_validated (media, from))
    return;
  media->incoming = &path;
  media->events->on_data (data, size, now_us, media->user_data);
  media->incoming = NULL;
}

static bool
on_port_ready (int fd, gpointer data)
{
  MxrIceMedia *media = data;

  for (guint i = 0; i < media->places->len; i++) {
    MxrUdpPort *port = get_place (media, i)->port;
    if (port != NULL && mxr_udp_port_get_fd (port) == fd) {
      media->reading = port;
      return mxr_udp_port_read (port, media->env->reader, on_datagram, media);
    }
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

/* ---- A peer that moves ---------------------------------------------------------------------------------- */

static void
reschedule (MxrIceMedia *media)
{
  if (media->watch.due_us == 0)
    mxr_timers_clear (media->env->timers, &media->watch_timer);
  else
    mxr_timers_set (media->env->timers, &media->watch_timer, media->watch.due_us);
}

static void
send_check (const MxrIceMedia *media, const MxrPath *path, const guint8 *transaction)
{
  const MxrIceKeys *keys = media->keys;
  guint8 data[MXR_STUN_CHECK_MAX_BYTES], *datas[] = { data };
  const gsize size = mxr_stun_write_check (transaction, keys->ufrag, keys->remote_ufrag, keys->remote_pwd,
                                           keys->is_controlling, data);
  gsize sent_bytes;

  if (size > 0)
    mxr_udp_port_send (path->port, &path->remote, datas, &size, 1, &sent_bytes);
}

static void
on_watch_due (gpointer data)
{
  MxrIceMedia *media = data;
  guint8 transaction[MXR_STUN_TRANSACTION_BYTES];

  if (RAND_bytes (transaction, sizeof transaction) != 1)
    return;
  const MxrPathStep step = mxr_path_watch_step (&media->watch, transaction, g_get_monotonic_time ());
  reschedule (media);
  if (step == MXR_PATH_CHECK_OTHER)
    send_check (media, &media->watch.other, media->watch.transaction);
  else if (step == MXR_PATH_CHECK_KEPT)
    send_check (media, &media->path, media->watch.keep_transaction);
  else if (step == MXR_PATH_LOST)
    media->events->on_failed (media->user_data);
}

void
mxr_ice_media_heard (MxrIceMedia *media, gint64 now_us)
{
  const MxrPath *incoming = media->incoming;
  const bool is_here =
      incoming == NULL ? media->path.port == NULL : media->path.port != NULL && mxr_path_equal (incoming, &media->path);

  if (is_here && media->watch.state == MXR_PATH_IDLE)
    return;
  if (is_here)
    mxr_path_watch_heard_here (&media->watch);
  else if (incoming != NULL && media->keys->remote_pwd != NULL &&
           mxr_candidate_is_allowed_address (&incoming->remote.sa, media->env->config->ice.allow_loopback))
    mxr_path_watch_heard_there (&media->watch, incoming, now_us);
  reschedule (media);
}

static void
on_answer (MxrIceMedia *media, const MxrUdpAddress *from, const guint8 *data)
{
  const MxrPath path = { media->reading, *from };

  if (mxr_path_watch_answered (&media->watch, mxr_stun_get_transaction (data), &path, g_get_monotonic_time ())) {
    media->path = path;
    media->n_moves++;
  }
  reschedule (media);
}

void
mxr_ice_media_restart (MxrIceMedia *media)
{
  mxr_path_watch_reset (&media->watch);
  reschedule (media);
}

const MxrUdpAddress *
mxr_ice_media_get_moved (const MxrIceMedia *media, guint *out_n_moves)
{
  *out_n_moves = media->n_moves;
  return media->watch.is_kept ? &media->path.remote : NULL;
}

/* ---- Checks of the peer --------------------------------------------------------------------------------- */

/* As nice_component_verify_remote_candidate() of libnice has it: who sent a check that only a holder of our password
 * can write may send media from there. */
static void
on_stun (const MxrUdpAddress *from, const guint8 *data, gsize size, gpointer user_data)
{
  MxrIceMedia *media = user_data;
  const MxrStunKind kind = mxr_stun_authenticate (data, size, media->keys->pwd, media->keys->remote_pwd);

  if (kind == MXR_STUN_FORGED)
    return;
  if (kind == MXR_STUN_REQUEST && !is_validated (media, from))
    media->validated[media->n_validated++ % VALIDATED_MAX] = *from;
  if (kind == MXR_STUN_SUCCESS)
    on_answer (media, from, data);
  media->events->on_authentic_stun (media->user_data);
}

void
mxr_ice_media_peek (MxrIceMedia *media, int fd)
{
  const Place *place = find_place (media, fd);

  if (place == NULL)
    return;
  media->reading = place->port;
  mxr_stun_peek (fd, on_stun, media);
}

/* ---- Out ------------------------------------------------------------------------------------------------ */

void
mxr_ice_media_follow (MxrIceMedia *media, GSocket *socket, const NiceAddress *remote)
{
  const Place *place = socket == NULL ? NULL : find_place (media, g_socket_get_fd (socket));

  media->path.port = place == NULL || remote == NULL ? NULL : place->port;
  if (media->path.port != NULL)
    nice_address_copy_to_sockaddr (remote, &media->path.remote.sa);
  mxr_ice_media_restart (media);
}

bool
mxr_ice_media_can_send (const MxrIceMedia *media)
{
  return media->path.port != NULL;
}

guint
mxr_ice_media_send (MxrIceMedia *media, guint8 *const *datas, const gsize *sizes, guint n_datagrams, gsize *out_bytes)
{
  G_STATIC_ASSERT (MXR_TRANSPORT_BATCH_MAX <= MXR_UDP_SEND_MAX);
  return mxr_udp_port_send (media->path.port, &media->path.remote, datas, sizes, n_datagrams, out_bytes);
}
