#include <glib-unix.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ice-loop.h"

/* The poller, and the main contexts that it runs. */

typedef struct {
  GMainContext *context;
  MxrPoller *poller;
  MxrTimers *timers;
  int fds[3];
  guint n_called[3];
  GString *order;
  int to_remove; /* -1: none */
} Fixture;

static Fixture *
fixture_new (void)
{
  g_autoptr (GError) error = NULL;
  Fixture *fixture = g_new0 (Fixture, 1);

  fixture->context = g_main_context_new ();
  fixture->poller = mxr_poller_new (fixture->context, &error);
  g_assert_no_error (error);
  fixture->timers = mxr_timers_new (fixture->context);
  fixture->order = g_string_new (NULL);
  fixture->to_remove = -1;
  for (guint i = 0; i < G_N_ELEMENTS (fixture->fds); i++)
    fixture->fds[i] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fixture;
}

static void
fixture_free (Fixture *fixture)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixture->fds); i++)
    close (fixture->fds[i]);
  mxr_timers_free (fixture->timers);
  mxr_poller_free (fixture->poller);
  g_main_context_unref (fixture->context);
  g_string_free (fixture->order, TRUE);
  g_free (fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
ring (int fd)
{
  const guint64 one = 1;
  g_assert_cmpint (write (fd, &one, sizeof one), ==, sizeof one);
}

static bool
on_ready (int fd, gpointer data)
{
  Fixture *fixture = data;
  guint64 count;

  g_assert_cmpint (read (fd, &count, sizeof count), ==, sizeof count);
  for (guint i = 0; i < G_N_ELEMENTS (fixture->fds); i++)
    if (fixture->fds[i] == fd) {
      fixture->n_called[i]++;
      g_string_append_c (fixture->order, (char) ('0' + i));
    }
  if (fixture->to_remove >= 0)
    mxr_poller_remove (fixture->poller, fixture->to_remove, fixture);
  return false;
}

static void
add (Fixture *fixture, guint index, MxrPollerTurn turn)
{
  mxr_poller_add (fixture->poller, fixture->fds[index], EPOLLIN, turn, on_ready, fixture);
}

static void
run (Fixture *fixture)
{
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
}

static void
test_turns (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();

  add (fixture, 0, MXR_POLLER_SECOND);
  add (fixture, 1, MXR_POLLER_FIRST);
  ring (fixture->fds[0]);
  ring (fixture->fds[1]);
  run (fixture);
  g_assert_cmpstr (fixture->order->str, ==, "10");
}

static void
test_remove_in_a_look (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();

  add (fixture, 0, MXR_POLLER_FIRST);
  add (fixture, 1, MXR_POLLER_SECOND);
  fixture->to_remove = fixture->fds[1];
  ring (fixture->fds[1]);
  ring (fixture->fds[0]);
  run (fixture);
  g_assert_cmpstr (fixture->order->str, ==, "0");
}

/* A descriptor that was closed behind the poller's back, and its number given to somebody else. */
static void
test_reused_number (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  const int old = fixture->fds[0];

  mxr_poller_add (fixture->poller, old, EPOLLIN, MXR_POLLER_FIRST, on_ready, fixture->order);
  close (old);
  fixture->fds[0] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert_cmpint (fixture->fds[0], ==, old);
  add (fixture, 0, MXR_POLLER_FIRST);
  mxr_poller_remove (fixture->poller, old, fixture->order);
  ring (fixture->fds[0]);
  run (fixture);
  g_assert_cmpuint (fixture->n_called[0], ==, 1);
}

/* Bells of one every few microseconds: the looks rest, and none is lost. Calm bells are heard without a rest. */
static void
test_rests_when_busy (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  const guint n_bells = 3000;
  guint64 left;
  guint64 n_looks = mxr_poller_get_n_looks (fixture->poller);

  add (fixture, 0, MXR_POLLER_FIRST);
  add (fixture, 1, MXR_POLLER_FIRST);
  for (guint i = 0; i < n_bells; i++) {
    ring (fixture->fds[0]);
    ring (fixture->fds[1]);
    run (fixture);
  }
  g_usleep (5000);
  run (fixture);
  g_assert_cmpint (read (fixture->fds[0], &left, sizeof left), <, 0);
  g_assert_cmpint (read (fixture->fds[1], &left, sizeof left), <, 0);
  n_looks = mxr_poller_get_n_looks (fixture->poller) - n_looks;
  g_assert_cmpuint (n_looks, <, n_bells / 2);
}

static void
test_calm_is_served_at_once (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();

  add (fixture, 0, MXR_POLLER_FIRST);
  for (guint i = 0; i < 20; i++) {
    ring (fixture->fds[0]);
    g_assert_true (g_main_context_iteration (fixture->context, FALSE));
    g_assert_cmpuint (fixture->n_called[0], ==, i + 1);
    g_usleep (1000);
  }
}

static gint n_found_ready;

static gint
poll_and_note (GPollFD *fds, guint n_fds, gint timeout_ms)
{
  return n_found_ready = g_poll (fds, n_fds, timeout_ms);
}

static void
on_due (gpointer data)
{
  g_assert_not_reached ();
}

/* GLib likes to wake a loop up that is awake already. */
static void
test_a_look_is_one_turn (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  MxrTimer timer = { .func = on_due };

  add (fixture, 0, MXR_POLLER_FIRST);
  run (fixture);
  g_main_context_set_poll_func (fixture->context, poll_and_note);
  ring (fixture->fds[0]);
  g_assert_true (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (fixture->n_called[0], ==, 1);
  g_assert_cmpint (n_found_ready, ==, 1);
  mxr_timers_set (fixture->timers, &timer, g_get_monotonic_time () + G_TIME_SPAN_HOUR);
  g_assert_false (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpint (n_found_ready, ==, 0);
  mxr_timers_clear (fixture->timers, &timer);
}

/* ---- Contexts inside ------------------------------------------------------------------------------------ */

static gboolean
count_source (gpointer data)
{
  (*(guint *) data)++;
  return G_SOURCE_REMOVE;
}

static gboolean
count_bell (gint fd, GIOCondition condition, gpointer data)
{
  guint64 count;
  g_assert_cmpint (read (fd, &count, sizeof count), ==, sizeof count);
  (*(guint *) data)++;
  return G_SOURCE_CONTINUE;
}

static void
note_descriptor (int fd, gpointer data)
{
  Fixture *fixture = data;
  if (fd == fixture->fds[0])
    g_string_append_c (fixture->order, 'r');
}

static void
attach (MxrIceLoop *loop, GSource *source, GSourceFunc func, gpointer data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, mxr_ice_loop_get_context (loop));
  g_source_unref (source);
}

/* Sources of every sort, attached from outside, while the loop runs elsewhere. */
static void
test_inner_sources (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  guint n_idle = 0, n_timeout = 0, n_bell = 0;
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);

  run (fixture);
  attach (loop, g_idle_source_new (), count_source, &n_idle);
  attach (loop, g_timeout_source_new (20), count_source, &n_timeout);
  attach (loop, g_unix_fd_source_new (fixture->fds[0], G_IO_IN), G_SOURCE_FUNC (count_bell), &n_bell);
  while (n_idle == 0)
    g_main_context_iteration (fixture->context, TRUE);
  ring (fixture->fds[0]);
  while (n_timeout == 0 || n_bell == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_assert_cmpuint (n_idle, ==, 1);
  g_assert_cmpuint (n_timeout, ==, 1);
  g_assert_cmpuint (n_bell, ==, 1);
  g_assert_cmpstr (fixture->order->str, ==, "r");
  mxr_ice_loop_free (loop);
}

/* libnice closes a connection's socket and accepts the next in one dispatch: the number stays the same. */
static void
test_inner_number_is_reused (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  guint n_bell = 0;
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);
  const int old = fixture->fds[0];

  GSource *first = g_unix_fd_source_new (old, G_IO_IN);
  g_source_attach (first, mxr_ice_loop_get_context (loop));
  run (fixture);
  g_source_destroy (first);
  g_source_unref (first);
  close (old);
  fixture->fds[0] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert_cmpint (fixture->fds[0], ==, old);
  attach (loop, g_unix_fd_source_new (old, G_IO_IN), G_SOURCE_FUNC (count_bell), &n_bell);
  run (fixture);
  ring (old);
  g_usleep (5000); /* longer than a rest */
  run (fixture);
  g_assert_cmpuint (n_bell, ==, 1);
  mxr_ice_loop_free (loop);
}

/* GLib would end the process. */
static void
test_inner_no_descriptors (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  struct rlimit limit, none;
  guint n_idle = 0;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  none = (struct rlimit){ 8, limit.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  attach (loop, g_idle_source_new (), count_source, &n_idle);
  run (fixture);
  g_assert_cmpuint (n_idle, ==, 1);
  mxr_ice_loop_free (loop);
}

/* Idle contexts cost no turns of the loop. */
static void
test_inner_calm (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  MxrIceLoop *loops[50];

  for (guint i = 0; i < G_N_ELEMENTS (loops); i++)
    loops[i] = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);
  run (fixture);
  const guint64 n_looks = mxr_poller_get_n_looks (fixture->poller);
  run (fixture);
  g_assert_false (g_main_context_pending (fixture->context));
  g_assert_cmpuint (mxr_poller_get_n_looks (fixture->poller), ==, n_looks);
  for (guint i = 0; i < G_N_ELEMENTS (loops); i++)
    mxr_ice_loop_free (loops[i]);
}

static gboolean
ring_bell (gpointer data)
{
  ring (*(int *) data);
  return G_SOURCE_REMOVE;
}

/* What becomes ready while the context runs for something else is told before it is served. */
static void
test_inner_told_first (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  guint n_bell = 0;
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);

  attach (loop, g_unix_fd_source_new (fixture->fds[0], G_IO_IN), G_SOURCE_FUNC (count_bell), &n_bell);
  attach (loop, g_timeout_source_new (20), ring_bell, &fixture->fds[0]);
  while (n_bell == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_assert_cmpstr (fixture->order->str, ==, "r");
  mxr_ice_loop_free (loop);
}

/* Nor does it wake up the context inside for nothing. */
static void
test_inner_run_is_one_look (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  guint n_bell = 0;
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);

  attach (loop, g_unix_fd_source_new (fixture->fds[0], G_IO_IN), G_SOURCE_FUNC (count_bell), &n_bell);
  run (fixture);
  g_usleep (2000); /* longer than a rest, also below */
  run (fixture);
  const guint64 n_looks = mxr_poller_get_n_looks (fixture->poller);
  ring (fixture->fds[0]);
  run (fixture);
  g_usleep (2000);
  run (fixture);
  g_assert_cmpuint (n_bell, ==, 1);
  g_assert_cmpuint (mxr_poller_get_n_looks (fixture->poller), ==, n_looks + 1);
  mxr_ice_loop_free (loop);
}

/* TURN allocations may be refreshed after hours. */
static void
test_inner_far_timer (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  guint n_timeout = 0;
  MxrIceLoop *loop = mxr_ice_loop_new (fixture->context, fixture->poller, fixture->timers, note_descriptor, fixture);

  attach (loop, g_timeout_source_new_seconds (50 * 60), count_source, &n_timeout);
  run (fixture);
  g_assert_false (g_main_context_pending (fixture->context));
  g_assert_cmpuint (n_timeout, ==, 0);
  mxr_ice_loop_free (loop);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/poller/turns", test_turns);
  g_test_add_func ("/poller/remove-in-a-look", test_remove_in_a_look);
  g_test_add_func ("/poller/reused-number", test_reused_number);
  g_test_add_func ("/poller/rests-when-busy", test_rests_when_busy);
  g_test_add_func ("/poller/calm-is-served-at-once", test_calm_is_served_at_once);
  g_test_add_func ("/poller/a-look-is-one-turn", test_a_look_is_one_turn);
  g_test_add_func ("/poller/inner-sources", test_inner_sources);
  g_test_add_func ("/poller/inner-calm", test_inner_calm);
  g_test_add_func ("/poller/inner-number-is-reused", test_inner_number_is_reused);
  g_test_add_func ("/poller/inner-no-descriptors", test_inner_no_descriptors);
  g_test_add_func ("/poller/inner-told-first", test_inner_told_first);
  g_test_add_func ("/poller/inner-run-is-one-look", test_inner_run_is_one_look);
  g_test_add_func ("/poller/inner-far-timer", test_inner_far_timer);
  return g_test_run ();
}
