#include "poller.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define REST_US 1000
/* Looks closer than this begin a rest: fewer than two packets a rest would save nothing. */
#define DENSE_US (REST_US / 2)

typedef struct {
  int fd;
  MxrPollerTurn turn;
  MxrPollerFunc func;
  gpointer data;
} Entry;

struct _MxrPoller {
  GSource *source;
  gpointer tag;
  int epoll;
  GHashTable *entries; /* int fd => Entry, which begins with it */
  bool is_resting;
  gint64 looked_us; /* when something was found last */
  guint64 n_looks;
};

typedef struct {
  GSource source;
  MxrPoller *poller;
} PollerSource;

/* Events name the descriptor and not the entry: a callback may remove any other. */
static bool
serve (MxrPoller *poller, const struct epoll_event *events, int n_events)
{
  bool has_more = n_events == EVENTS_MAX;

  for (MxrPollerTurn turn = 0; turn < MXR_POLLER_N_TURNS; turn++)
    for (int i = 0; i < n_events; i++) {
      const int fd = events[i].data.fd;
      const Entry *entry = g_hash_table_lookup (poller->entries, &fd);
      if (entry != NULL && entry->turn == turn)
        has_more |= entry->func (fd, entry->data);
    }
  return has_more;
}

static void
rest (MxrPoller *poller, bool on, gint64 now_us)
{
  g_source_set_ready_time (poller->source, on ? now_us + REST_US : -1);
  if (poller->is_resting == on)
    return;
  poller->is_resting = on;
  g_source_modify_unix_fd (poller->source, poller->tag, on ? 0 : G_IO_IN);
}

static gboolean
look (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MxrPoller *poller = ((PollerSource *) source)->poller;
  struct epoll_event events[EVENTS_MAX];
  const gint64 now_us = g_get_monotonic_time ();
  const int n_events = epoll_wait (poller->epoll, events, EVENTS_MAX, 0);
  const bool has_more = n_events > 0 && serve (poller, events, n_events);
  const bool is_dense = poller->is_resting ? n_events > 1 : n_events > 0 && now_us - poller->looked_us < DENSE_US;

  poller->n_looks++;
  rest (poller, is_dense && !has_more, now_us);
  if (n_events > 0)
    poller->looked_us = now_us;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = look };

MxrPoller *
mxr_poller_new (GMainContext *context, GError **error)
{
  const int epoll = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "no epoll descriptor: %s", g_strerror (errno));
    return NULL;
  }
  MxrPoller *poller = g_new0 (MxrPoller, 1);
  poller->epoll = epoll;
  poller->entries = g_hash_table_new_full (g_int_hash, g_int_equal, NULL, g_free);
  poller->source = g_source_new (&source_funcs, sizeof (PollerSource));
  ((PollerSource *) poller->source)->poller = poller;
  poller->tag = g_source_add_unix_fd (poller->source, epoll, G_IO_IN);
  g_source_set_static_name (poller->source, "net poller");
  g_source_attach (poller->source, context);
  return poller;
}

void
mxr_poller_free (MxrPoller *poller)
{
  g_source_destroy (poller->source);
  g_source_unref (poller->source);
  g_hash_table_unref (poller->entries);
  close (poller->epoll);
  g_free (poller);
}

/* Most calls repeat what is there already. */
void
mxr_poller_add (MxrPoller *poller, int fd, guint32 events, MxrPollerTurn turn, MxrPollerFunc func, gpointer data)
{
  const Entry entry = { fd, turn, func, data };
  struct epoll_event event = { .events = events, .data.fd = fd };
  Entry *known = g_hash_table_lookup (poller->entries, &fd);

  if (known != NULL) {
    *known = entry;
  } else {
    Entry *added = g_memdup2 (&entry, sizeof entry);
    g_hash_table_insert (poller->entries, &added->fd, added);
  }
  if (epoll_ctl (poller->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
    epoll_ctl (poller->epoll, known != NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

void
mxr_poller_remove (MxrPoller *poller, int fd, gpointer data)
{
  const Entry *entry = g_hash_table_lookup (poller->entries, &fd);

  if (entry == NULL || entry->data != data)
    return;
  epoll_ctl (poller->epoll, EPOLL_CTL_DEL, fd, NULL);
  g_hash_table_remove (poller->entries, &fd);
}

guint64
mxr_poller_get_n_looks (const MxrPoller *poller)
{
  return poller->n_looks;
}
