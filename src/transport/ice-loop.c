#include "ice-loop.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A turn that leaves a source ready is followed by another, but the other peers come in between after these. */
#define TURNS_MAX 4
/* Timers may be this late, so that those of many agents are run at one wake-up. ICE counts in 50 ms and more. */
#define SLACK_US 5000

struct _MxrIceLoop {
  GMainContext *context;
  int wakeup; /* the context's own descriptor, which GLib writes to; -1: not known yet */
  MxrPoller *poller;
  MxrTimers *timers;
  MxrTimer timer;
  void (*on_ready) (int fd, gpointer data);
  gpointer data;
  GArray *polled; /* GPollFD, as the poller has them */
  GArray *wanted; /* the same, as the context wants them now */
};

static bool on_descriptor (int fd, gpointer data);

static bool
holds (const GArray *descriptors, const GPollFD *wanted)
{
  for (guint i = 0; i < descriptors->len; i++) {
    const GPollFD *other = &g_array_index (descriptors, GPollFD, i);
    if (other->fd == wanted->fd && other->events == wanted->events)
      return true;
  }
  return false;
}

/* A closed descriptor's number may be given to the next one before anybody looks: epoll does not know that one, though
 * nothing seems to have changed. New ones come of who listens, and of calls from outside, which GLib writes about. */
static bool
is_listening (int fd)
{
  int listens = 0;
  socklen_t option_bytes = sizeof listens;

  return getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &option_bytes) == 0 && listens != 0;
}

/* Removed first: the same descriptor may come back with other events. The values of GIOCondition are those of epoll; errors
 * and hang-ups are always told. @all: tell also those that stay. */
static void
follow_descriptors (MxrIceLoop *loop, bool all)
{
  for (guint i = 0; i < loop->polled->len; i++) {
    const GPollFD *old = &g_array_index (loop->polled, GPollFD, i);
    if (!holds (loop->wanted, old))
      mxr_poller_remove (loop->poller, old->fd, loop);
  }
  for (guint i = 0; i < loop->wanted->len; i++) {
    const GPollFD *new = &g_array_index (loop->wanted, GPollFD, i);
    if (all || !holds (loop->polled, new))
      mxr_poller_add (loop->poller, new->fd, new->events, MXR_POLLER_FIRST, on_descriptor, loop);
  }
  GArray *old = loop->polled;
  loop->polled = loop->wanted;
  loop->wanted = old;
}

/* Fills loop->wanted. Returns: [ms] until the earliest timer of the context; -1: it has none. */
static gint
query (MxrIceLoop *loop)
{
  gint timeout_ms, n_wanted, room;

  do {
    room = (gint) loop->wanted->len;
    n_wanted =
        g_main_context_query (loop->context, G_MAXINT, &timeout_ms, (GPollFD *) (void *) loop->wanted->data, room);
    g_array_set_size (loop->wanted, (guint) n_wanted);
  } while (n_wanted > room);
  for (guint i = 0; i < loop->wanted->len; i++)
    g_array_index (loop->wanted, GPollFD, i).events &= G_IO_IN | G_IO_OUT | G_IO_PRI;
  return timeout_ms;
}

/* As g_main_context_iteration(), which would also serve what has become ready meanwhile and was not told by on_ready.
 * @fd: that is ready; -1: none. Returns: whether something was served; if not, loop->wanted and @out_timeout_ms hold. */
static bool
turn (MxrIceLoop *loop, int fd, gint *out_timeout_ms)
{
  gint priority;

  g_main_context_prepare (loop->context, &priority);
  *out_timeout_ms = query (loop);
  GPollFD *wanted = (GPollFD *) (void *) loop->wanted->data;
  for (guint i = 0; i < loop->wanted->len; i++) {
    wanted[i].revents = 0;
    if (wanted[i].fd == fd)
      g_poll (&wanted[i], 1, 0);
  }
  if (!g_main_context_check (loop->context, priority, wanted, (gint) loop->wanted->len))
    return false;
  g_main_context_dispatch (loop->context);
  return true;
}

/* To be called before a turn, which finds whatever was written about. Returns: whether there was something. */
static bool
forget_wakeup (const MxrIceLoop *loop)
{
  guint64 n_writes;
  return read (loop->wakeup, &n_writes, sizeof n_writes) > 0;
}

/* @timeout_ms: -1: none */
static void
set_timer (MxrIceLoop *loop, gint64 now_us, gint timeout_ms)
{
  if (timeout_ms == 0)
    mxr_timers_set (loop->timers, &loop->timer, now_us);
  else if (timeout_ms < 0)
    mxr_timers_clear (loop->timers, &loop->timer);
  else
    mxr_timers_set (loop->timers, &loop->timer, ((now_us + timeout_ms * G_GINT64_CONSTANT (1000)) / SLACK_US + 1) * SLACK_US);
}

/* The last turn finds nothing to do, but when the next is due and which descriptors count until then. While it serves a
 * source GLib takes its descriptors out of the context, and writes to itself that the poll, which it is not in, must end:
 * unread, each run for a descriptor would be followed by another. */
static void
run (MxrIceLoop *loop, int fd)
{
  gint timeout_ms;

  if (!g_main_context_acquire (loop->context))
    return;
  const bool may_reuse = fd >= 0 && (forget_wakeup (loop) || is_listening (fd));
  for (guint n = 1; turn (loop, n == 1 ? fd : -1, &timeout_ms); n++) {
    if (fd >= 0)
      forget_wakeup (loop);
    if (n == TURNS_MAX) {
      query (loop);
      timeout_ms = 0;
      break;
    }
  }
  follow_descriptors (loop, may_reuse);
  set_timer (loop, g_get_monotonic_time (), timeout_ms);
  g_main_context_release (loop->context);
}

static void
on_timer (gpointer data)
{
  run (data, -1);
}

static bool
on_descriptor (int fd, gpointer data)
{
  MxrIceLoop *loop = data;

  loop->on_ready (fd, loop->data);
  run (loop, fd);
  return false;
}

/* GLib ends the process when a new context gets no descriptor. The other threads will not take as many as this between
 * here and there. */
static bool
has_spare_descriptors (void)
{
  int fds[16];
  guint n_fds = 0;

  while (n_fds < G_N_ELEMENTS (fds) && (fds[n_fds] = eventfd (0, EFD_CLOEXEC)) >= 0)
    n_fds++;
  for (guint i = 0; i < n_fds; i++)
    close (fds[i]);
  return n_fds == G_N_ELEMENTS (fds);
}

MxrIceLoop *
mxr_ice_loop_new (GMainContext *outer, MxrPoller *poller, MxrTimers *timers, void (*on_ready) (int fd, gpointer data),
                  gpointer data)
{
  MxrIceLoop *loop = g_new0 (MxrIceLoop, 1);

  loop->poller = poller;
  loop->timers = timers;
  loop->timer = (MxrTimer){ .func = on_timer, .data = loop };
  loop->on_ready = on_ready;
  loop->data = data;
  loop->polled = g_array_new (FALSE, TRUE, sizeof (GPollFD));
  loop->wanted = g_array_new (FALSE, TRUE, sizeof (GPollFD));
  if (!has_spare_descriptors ()) {
    loop->context = g_main_context_ref (outer);
    return loop;
  }
  /* Nobody owns it between two runs, and what is attached meanwhile must still wake its descriptor. */
  loop->wakeup = -1;
  loop->context = g_main_context_new_with_flags (G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING);
  run (loop, -1);
  loop->wakeup = g_array_index (loop->polled, GPollFD, 0).fd; /* the only one of a context without sources */
  return loop;
}

void
mxr_ice_loop_free (MxrIceLoop *loop)
{
  for (guint i = 0; i < loop->polled->len; i++)
    mxr_poller_remove (loop->poller, g_array_index (loop->polled, GPollFD, i).fd, loop);
  mxr_timers_clear (loop->timers, &loop->timer);
  g_array_unref (loop->polled);
  g_array_unref (loop->wanted);
  g_main_context_unref (loop->context);
  g_free (loop);
}

GMainContext *
mxr_ice_loop_get_context (MxrIceLoop *loop)
{
  return loop->context;
}
