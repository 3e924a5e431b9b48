#include "link-clock.h"

#include "link-thread.h"

#define ROUND MXR_LINK_ROUND_US
#define START_US G_GINT64_CONSTANT (7000000)

typedef struct {
  MxrLinkTimer timer;
  gint64 planned_us, called_us, period_us; /* period 0: once */
  guint n_calls;
} Ticker;

static gint64
on_due (gpointer user_data, gint64 now_us)
{
  Ticker *ticker = user_data;
  ticker->n_calls++;
  ticker->called_us = now_us;
  ticker->planned_us = ticker->period_us != 0 ? now_us + ticker->period_us : G_MAXINT64;
  return ticker->planned_us;
}

static void
add (MxrLinkClock *clock, Ticker *ticker, gint64 due_us, gint64 period_us)
{
  *ticker = (Ticker){ .planned_us = due_us, .period_us = period_us };
  mxr_link_clock_add (clock, &ticker->timer, on_due, ticker);
  mxr_link_clock_hasten (clock, &ticker->timer, due_us);
}

static void
test_within_a_round (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  g_autofree Ticker *tickers = g_new0 (Ticker, 300);
  MxrLinkClock clock;
  guint n_rounds = 0, n_calls = 0;
  gint64 last_us = 0;

  mxr_link_clock_init (&clock);
  for (guint i = 0; i < 300; i++)
    add (&clock, &tickers[i], START_US + g_rand_int_range (rand, 0, 1000000), g_rand_int_range (rand, 20000, 900000));
  while (mxr_link_clock_get_next_us (&clock) < START_US + 5 * G_USEC_PER_SEC) {
    const gint64 now_us = mxr_link_clock_get_next_us (&clock);
    g_assert_cmpint (now_us, >=, last_us + ROUND);
    g_assert_cmpuint (mxr_link_clock_run (&clock, now_us - 1), ==, 0); /* too early */
    g_assert_cmpuint (mxr_link_clock_run (&clock, now_us), >, 0);
    for (guint i = 0; i < 300; i++)
      g_assert_cmpint (tickers[i].planned_us, >, now_us - ROUND);
    last_us = now_us;
    n_rounds++;
  }
  for (guint i = 0; i < 300; i++) {
    n_calls += tickers[i].n_calls;
    mxr_link_clock_remove (&clock, &tickers[i].timer);
  }
  g_assert_cmpuint (n_rounds, <=, 5 * G_USEC_PER_SEC / ROUND);
  g_assert_cmpuint (n_calls, >, 2 * n_rounds); /* rounds are shared */
  mxr_link_clock_clear (&clock);
}

/* What packets bring forward is earlier than planned, never later; and what is due now does not make a round at once
 * after the last one. */
static void
test_hasten (void)
{
  MxrLinkClock clock;
  Ticker a, b;

  mxr_link_clock_init (&clock);
  add (&clock, &a, START_US + 100 * ROUND, 0);
  add (&clock, &b, START_US, 0);
  g_assert_cmpuint (mxr_link_clock_run (&clock, START_US), ==, 1);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, START_US + 100 * ROUND);
  mxr_link_clock_hasten (&clock, &a.timer, START_US + 200 * ROUND);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, START_US + 100 * ROUND);
  mxr_link_clock_hasten (&clock, &a.timer, 0);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, START_US + ROUND);
  g_assert_cmpuint (mxr_link_clock_run (&clock, START_US + ROUND), ==, 1);
  g_assert_cmpuint (a.n_calls, ==, 1);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, G_MAXINT64);
  mxr_link_clock_hasten (&clock, &b.timer, G_MAXINT64);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, G_MAXINT64);
  mxr_link_clock_remove (&clock, &a.timer);
  mxr_link_clock_remove (&clock, &b.timer);
  mxr_link_clock_clear (&clock);
}

typedef struct {
  MxrLinkClock *clock;
  MxrLinkTimer timer;
  Ticker *other;
  guint n_calls;
} Meddler;

/* Hastens another from within a round: one before it in the array, which the round has passed. */
static gint64
on_meddle (gpointer user_data, gint64 now_us)
{
  Meddler *meddler = user_data;
  meddler->n_calls++;
  mxr_link_clock_hasten (meddler->clock, &meddler->other->timer, now_us);
  return G_MAXINT64;
}

static void
test_hasten_in_a_round (void)
{
  MxrLinkClock clock;
  Ticker other;
  Meddler meddler = { .clock = &clock, .other = &other };

  mxr_link_clock_init (&clock);
  add (&clock, &other, G_MAXINT64, 0);
  mxr_link_clock_add (&clock, &meddler.timer, on_meddle, &meddler);
  mxr_link_clock_hasten (&clock, &meddler.timer, START_US);
  g_assert_cmpuint (mxr_link_clock_run (&clock, START_US), ==, 1);
  g_assert_cmpint (mxr_link_clock_get_next_us (&clock), ==, START_US + ROUND);
  g_assert_cmpuint (mxr_link_clock_run (&clock, START_US + ROUND), ==, 1);
  g_assert_cmpuint (other.n_calls, ==, 1);
  mxr_link_clock_remove (&clock, &other.timer);
  mxr_link_clock_remove (&clock, &meddler.timer);
  mxr_link_clock_clear (&clock);
}

static void
test_churn (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (9);
  g_autofree Ticker *tickers = g_new0 (Ticker, 50);
  bool is_in[50] = { false };
  gint64 now_us = START_US;
  MxrLinkClock clock;

  mxr_link_clock_init (&clock);
  for (guint step = 0; step < 20000; step++) {
    const guint i = (guint) g_rand_int_range (rand, 0, 50);
    if (is_in[i])
      mxr_link_clock_remove (&clock, &tickers[i].timer);
    else
      add (&clock, &tickers[i], now_us + g_rand_int_range (rand, 0, 20000), 10000);
    is_in[i] = !is_in[i];
    now_us += g_rand_int_range (rand, 0, 2000);
    mxr_link_clock_run (&clock, now_us);
    for (guint k = 0; k < 50; k++) /* the loop comes up to 2 ms late */
      g_assert_true (!is_in[k] || tickers[k].planned_us > now_us - ROUND - 2000);
  }
  for (guint i = 0; i < 50; i++)
    if (is_in[i])
      mxr_link_clock_remove (&clock, &tickers[i].timer);
  mxr_link_clock_clear (&clock);
}

/* ---- In a loop ---------------------------------------------------------------------------------------------- */

static void
test_thread_is_shared (void)
{
  g_autoptr (GMainContext) context = g_main_context_new (), other = g_main_context_new ();
  MxrLinkThread *first = mxr_link_thread_join (context);
  MxrLinkThread *second = mxr_link_thread_join (context), *third = mxr_link_thread_join (other);

  g_assert_true (first == second);
  g_assert_true (first != third);
  mxr_link_thread_leave (first);
  g_assert_true (mxr_link_thread_join (context) == second);
  mxr_link_thread_leave (second);
  mxr_link_thread_leave (second);
  mxr_link_thread_leave (third);
}

static gboolean
on_end (gpointer is_over)
{
  *(bool *) is_over = true;
  return G_SOURCE_REMOVE;
}

/* Returns: turns of the loop in @ms. */
static guint
run_for_ms (GMainContext *context, guint ms)
{
  g_autoptr (GSource) end = g_timeout_source_new (ms);
  bool is_over = false;
  guint n_turns = 0;

  g_source_set_callback (end, on_end, &is_over, NULL);
  g_source_attach (end, context);
  for (; !is_over; n_turns++)
    g_main_context_iteration (context, TRUE);
  return n_turns;
}

/* Nothing due wakes nobody; what is due is called in time, and one round is one turn. */
static void
test_wake_ups (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  MxrLinkThread *thread = mxr_link_thread_join (context);
  Ticker tickers[20];

  for (guint i = 0; i < 20; i++)
    add (&thread->clock, &tickers[i], G_MAXINT64, 0);
  g_assert_cmpuint (run_for_ms (context, 100), <=, 2);
  g_assert_cmpuint (thread->n_rounds, ==, 0);

  const gint64 due_us = g_get_monotonic_time () + 50 * 1000;
  for (guint i = 0; i < 20; i++)
    mxr_link_clock_hasten (&thread->clock, &tickers[i].timer, due_us);
  g_assert_cmpuint (run_for_ms (context, 100), <=, 4);
  g_assert_cmpuint (thread->n_rounds, ==, 1);
  for (guint i = 0; i < 20; i++) {
    g_assert_cmpuint (tickers[i].n_calls, ==, 1);
    g_assert_cmpint (tickers[i].called_us, >=, due_us);
    mxr_link_clock_remove (&thread->clock, &tickers[i].timer);
  }
  mxr_link_thread_leave (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link-clock/within-a-round", test_within_a_round);
  g_test_add_func ("/link-clock/hasten", test_hasten);
  g_test_add_func ("/link-clock/hasten-in-a-round", test_hasten_in_a_round);
  g_test_add_func ("/link-clock/churn", test_churn);
  g_test_add_func ("/link-clock/thread-is-shared", test_thread_is_shared);
  g_test_add_func ("/link-clock/wake-ups", test_wake_ups);
  return g_test_run ();
}
