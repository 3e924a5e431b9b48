#include "poller.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define REST_US 1000
/* Looks closer than this begin a rest: fewer than two packets a rest would save nothing. */
#define DENSE_US (REST_US / 2)

typedef struct {
  MxrPollerTurn turn;
  MxrPollerFunc func; /* NULL: of no descriptor */
  gpointer data;
} Entry;

struct _MxrPoller {
  GSource *source;
  GPollFD epoll;
  GArray *entries;      /* Entry of each descriptor's number, which are small */
  gint64 rest_until_us; /* 0: no rest */
  gint64 looked_us;     /* when something was found last */
  guint64 n_looks;
};

typedef struct {
  GSource source;
  MxrPoller *poller;
} PollerSource;

static Entry *
find (const MxrPoller *poller, int fd)
{
  Entry *entry = (guint) fd < poller->entries->len ? &g_array_index (poller->entries, Entry, fd) : NULL;
  return entry != NULL && entry->func != NULL ? entry : NULL;
}

/* Events name the descriptor and not the entry: a callback may remove any other. */
static bool
serve (MxrPoller *poller, const struct epoll_event *events, int n_events)
{
  bool has_more = n_events == EVENTS_MAX;

  for (MxrPollerTurn turn = 0; turn < MXR_POLLER_N_TURNS; turn++)
    for (int i = 0; i < n_events; i++) {
      const int fd = events[i].data.fd;
      const Entry *entry = find (poller, fd);
      if (entry != NULL && entry->turn == turn)
        has_more |= entry->func (fd, entry->data);
    }
  return has_more;
}

/* With g_source_add_unix_fd() and g_source_set_ready_time() GLib tells the loop of each change through its own descriptor: a
 * write, and a second turn that finds nothing. What is read here, whenever the loop is about to sleep, costs neither. */
static gboolean
prepare (GSource *source, int *out_timeout_ms)
{
  MxrPoller *poller = ((PollerSource *) source)->poller;
  const gint64 left_us = poller->rest_until_us - g_source_get_time (source);

  *out_timeout_ms = -1;
  poller->epoll.events = poller->rest_until_us == 0 ? G_IO_IN : 0;
  if (poller->rest_until_us == 0)
    return FALSE;
  *out_timeout_ms = (int) MAX ((left_us + 999) / 1000, 0);
  return left_us <= 0;
}

static gboolean
check (GSource *source)
{
  const MxrPoller *poller = ((PollerSource *) source)->poller;

  if (poller->rest_until_us == 0)
    return poller->epoll.revents != 0;
  return poller->rest_until_us <= g_source_get_time (source);
}

static gboolean
look (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MxrPoller *poller = ((PollerSource *) source)->poller;
  struct epoll_event events[EVENTS_MAX];
  const gint64 now_us = g_get_monotonic_time ();
  const int n_events = epoll_wait (poller->epoll.fd, events, EVENTS_MAX, 0);
  const bool has_more = n_events > 0 && serve (poller, events, n_events);
  const bool was_resting = poller->rest_until_us != 0;
  const bool is_dense = was_resting ? n_events > 1 : n_events > 0 && now_us - poller->looked_us < DENSE_US;

  poller->n_looks++;
  poller->rest_until_us = is_dense && !has_more ? now_us + REST_US : 0;
  if (n_events > 0)
    poller->looked_us = now_us;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { prepare, check, look };

MxrPoller *
mxr_poller_new (GMainContext *context, GError **error)
{
  const int epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "no epoll descriptor: %s", g_strerror (errno));
    return NULL;
  }
  MxrPoller *poller = g_new0 (MxrPoller, 1);
  poller->epoll.fd = epoll;
  poller->entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  poller->source = g_source_new (&source_funcs, sizeof (PollerSource));
  ((PollerSource *) poller->source)->poller = poller;
  g_source_add_poll (poller->source, &poller->epoll);
  /* Or its descriptor would be taken out of the loop for each look, and be put back after it. */
  g_source_set_can_recurse (poller->source, TRUE);
  g_source_set_static_name (poller->source, "net poller");
  g_source_attach (poller->source, context);
  return poller;
}

void
mxr_poller_free (MxrPoller *poller)
{
  g_source_destroy (poller->source);
  g_source_unref (poller->source);
  g_array_unref (poller->entries);
  close (poller->epoll.fd);
  g_free (poller);
}

void
mxr_poller_add (MxrPoller *poller, int fd, guint32 events, MxrPollerTurn turn, MxrPollerFunc func, gpointer data)
{
  struct epoll_event event = { .events = events, .data.fd = fd };
  const bool is_known = find (poller, fd) != NULL;

  g_return_if_fail (fd >= 0);
  if ((guint) fd >= poller->entries->len)
    g_array_set_size (poller->entries, (guint) fd + 1);
  g_array_index (poller->entries, Entry, fd) = (Entry){ turn, func, data };
  if (epoll_ctl (poller->epoll.fd, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
    epoll_ctl (poller->epoll.fd, is_known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void
mxr_poller_remove (MxrPoller *poller, int fd, gpointer data)
{
  Entry *entry = find (poller, fd);

  if (entry == NULL || entry->data != data)
    return;
  epoll_ctl (poller->epoll.fd, EPOLL_CTL_DEL, fd, NULL);
  entry->func = NULL;
}

guint64
mxr_poller_get_n_looks (const MxrPoller *poller)
{
  return poller->n_looks;
}
