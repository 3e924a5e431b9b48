#include "timers.h"

#define N_TIMERS 200

typedef struct {
  GMainContext *context;
  MxrTimers *timers;
  MxrTimer timer[N_TIMERS];
  guint n_called;
  gint64 last_us;
} Fixture;

typedef struct {
  Fixture *fixture;
  guint index;
} Item;

static Fixture *
fixture_new (void)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  fixture->context = g_main_context_new ();
  fixture->timers = mxr_timers_new (fixture->context);
  return fixture;
}

static void
fixture_free (Fixture *fixture)
{
  mxr_timers_free (fixture->timers);
  g_main_context_unref (fixture->context);
  g_free (fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
note_call (gpointer data)
{
  Fixture *fixture = data;
  fixture->n_called++;
}

static void
run (Fixture *fixture)
{
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
}

/* All of the past, in every order of setting, moving and clearing: each is called once, or not at all. */
static void
test_random (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  const gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < N_TIMERS; i++)
    fixture->timer[i] = (MxrTimer){ .func = note_call, .data = fixture };
  for (guint round = 0; round < 50; round++) {
    guint n_expected = 0;
    fixture->n_called = 0;
    for (guint step = 0; step < 1000; step++) {
      MxrTimer *timer = &fixture->timer[g_test_rand_int_range (0, N_TIMERS)];
      if (g_test_rand_int_range (0, 3) == 0)
        mxr_timers_clear (fixture->timers, timer);
      else
        mxr_timers_set (fixture->timers, timer, now_us - g_test_rand_int_range (0, 1000000));
    }
    for (guint i = 0; i < N_TIMERS; i++)
      n_expected += fixture->timer[i].place > 0;
    run (fixture);
    g_assert_cmpuint (fixture->n_called, ==, n_expected);
    for (guint i = 0; i < N_TIMERS; i++)
      g_assert_cmpuint (fixture->timer[i].place, ==, 0);
  }
}

static void
check_order (gpointer data)
{
  Item *item = data;
  const MxrTimer *timer = &item->fixture->timer[item->index];

  g_assert_cmpint (timer->due_us, >=, item->fixture->last_us);
  item->fixture->last_us = timer->due_us;
  item->fixture->n_called++;
}

static void
test_order (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  Item items[N_TIMERS];

  for (guint i = 0; i < N_TIMERS; i++) {
    items[i] = (Item){ fixture, i };
    fixture->timer[i] = (MxrTimer){ .func = check_order, .data = &items[i] };
    mxr_timers_set (fixture->timers, &fixture->timer[i], g_test_rand_int_range (1, 1000));
  }
  run (fixture);
  g_assert_cmpuint (fixture->n_called, ==, N_TIMERS);
}

static void
set_again (gpointer data)
{
  Fixture *fixture = data;
  fixture->n_called++;
  mxr_timers_set (fixture->timers, &fixture->timer[0], 0);
  mxr_timers_clear (fixture->timers, &fixture->timer[1]);
}

/* One that is always due again gives way to the loop after each call; one cleared by another is not called. */
static void
test_from_inside (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();

  fixture->timer[0] = (MxrTimer){ .func = set_again, .data = fixture };
  fixture->timer[1] = (MxrTimer){ .func = note_call, .data = fixture };
  mxr_timers_set (fixture->timers, &fixture->timer[0], 0);
  mxr_timers_set (fixture->timers, &fixture->timer[1], 1);
  g_assert_true (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (fixture->n_called, <=, 2);
  const guint n_called = fixture->n_called;
  g_assert_true (g_main_context_iteration (fixture->context, FALSE));
  g_assert_cmpuint (fixture->n_called, ==, n_called + 1);
  g_assert_cmpuint (fixture->timer[1].place, ==, 0);
}

static void
test_future_waits (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();

  fixture->timer[0] = (MxrTimer){ .func = note_call, .data = fixture };
  mxr_timers_set (fixture->timers, &fixture->timer[0], G_MAXINT64);
  run (fixture);
  g_assert_cmpuint (fixture->n_called, ==, 0);
  mxr_timers_set (fixture->timers, &fixture->timer[0], g_get_monotonic_time ());
  run (fixture);
  g_assert_cmpuint (fixture->n_called, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/timers/random", test_random);
  g_test_add_func ("/timers/order", test_order);
  g_test_add_func ("/timers/from-inside", test_from_inside);
  g_test_add_func ("/timers/future-waits", test_future_waits);
  return g_test_run ();
}
