#include "path-watch.h"

#include <string.h>

/* Transactions count up, so that each test knows which one was sent last. */
typedef struct {
  MxrPathWatch watch;
  guint8 transaction[MXR_STUN_TRANSACTION_BYTES];
  gint64 now_us;
  guint n_other, n_kept, n_lost;
} Fixture;

static MxrPath
path_of (guint16 port)
{
  MxrPath path = { GSIZE_TO_POINTER (16), { .in = { .sin_family = AF_INET, .sin_port = g_htons (port) } } };
  return path;
}

/* Lets time pass, as the loop would. */
static void
pass (Fixture *fixture, gint64 us)
{
  const gint64 end_us = fixture->now_us + us;

  while (fixture->watch.due_us != 0 && fixture->watch.due_us <= end_us) {
    fixture->now_us = MAX (fixture->now_us, fixture->watch.due_us);
    fixture->transaction[0]++;
    switch (mxr_path_watch_step (&fixture->watch, fixture->transaction, fixture->now_us)) {
    case MXR_PATH_CHECK_OTHER:
      fixture->n_other++;
      break;
    case MXR_PATH_CHECK_KEPT:
      fixture->n_kept++;
      break;
    case MXR_PATH_LOST:
      fixture->n_lost++;
      break;
    case MXR_PATH_NOTHING:
      break;
    }
  }
  fixture->now_us = end_us;
}

static void
hear (Fixture *fixture, guint16 port)
{
  const MxrPath path = path_of (port);
  mxr_path_watch_heard_there (&fixture->watch, &path, fixture->now_us);
}

static bool
answer (Fixture *fixture, const guint8 *transaction, guint16 port)
{
  const MxrPath path = path_of (port);
  return mxr_path_watch_answered (&fixture->watch, transaction, &path, fixture->now_us);
}

static void
move (Fixture *fixture, guint16 port)
{
  hear (fixture, port);
  pass (fixture, MXR_PATH_SILENCE_US);
  g_assert_true (answer (fixture, fixture->watch.transaction, port));
}

static void
test_moves (void)
{
  Fixture fixture = { .now_us = 1000 };

  hear (&fixture, 7);
  pass (&fixture, MXR_PATH_SILENCE_US - 1);
  g_assert_cmpuint (fixture.n_other, ==, 0);
  pass (&fixture, 1);
  g_assert_cmpuint (fixture.n_other, ==, 1);
  pass (&fixture, MXR_PATH_CHECK_INTERVAL_US);
  g_assert_cmpuint (fixture.n_other, ==, 2);
  g_assert_true (answer (&fixture, fixture.watch.transaction, 7));
  g_assert_true (fixture.watch.is_kept);
  pass (&fixture, MXR_PATH_KEEP_INTERVAL_US - 1);
  g_assert_cmpuint (fixture.n_other, ==, 2);
}

/* Two paths at once are the peer's business. */
static void
test_stays_while_heard_here (void)
{
  Fixture fixture = { .now_us = 1000 };

  for (guint i = 0; i < 100; i++) {
    hear (&fixture, 7);
    pass (&fixture, MXR_PATH_SILENCE_US / 2);
    mxr_path_watch_heard_here (&fixture.watch);
  }
  g_assert_cmpuint (fixture.n_other, ==, 0);
  g_assert_cmpint (fixture.watch.due_us, ==, 0);
}

static void
test_late_packet_ends_asking (void)
{
  Fixture fixture = { .now_us = 1000 };

  hear (&fixture, 7);
  pass (&fixture, MXR_PATH_SILENCE_US);
  mxr_path_watch_heard_here (&fixture.watch);
  g_assert_false (answer (&fixture, fixture.transaction, 7));
}

static void
test_answers_that_move_nothing (void)
{
  Fixture fixture = { .now_us = 1000 };
  const guint8 zeros[MXR_STUN_TRANSACTION_BYTES] = { 0 };
  guint8 other[MXR_STUN_TRANSACTION_BYTES];

  g_assert_false (answer (&fixture, zeros, 7));
  hear (&fixture, 7);
  g_assert_false (answer (&fixture, zeros, 7)); /* nobody was asked yet */
  pass (&fixture, MXR_PATH_SILENCE_US);
  memcpy (other, fixture.watch.transaction, sizeof other);
  other[11] ^= 1;
  g_assert_false (answer (&fixture, other, 7));
  g_assert_false (answer (&fixture, fixture.watch.transaction, 8));
  const MxrPath elsewhere = { GSIZE_TO_POINTER (32), path_of (7).remote };
  g_assert_false (mxr_path_watch_answered (&fixture.watch, fixture.watch.transaction, &elsewhere, fixture.now_us));
  g_assert_false (fixture.watch.is_kept);
  g_assert_true (answer (&fixture, fixture.watch.transaction, 7));
}

/* Somebody forges packets from everywhere, for a minute and a hundred a second: no more than the budget goes out. */
static void
test_budget (void)
{
  Fixture fixture = { .now_us = 1000 };
  const guint seconds = 60;

  for (guint i = 0; i < seconds * 100; i++) {
    hear (&fixture, (guint16) (1 + i / 100));
    pass (&fixture, 10000);
  }
  g_assert_cmpuint (fixture.n_other, >, 0);
  g_assert_cmpuint (fixture.n_other, <=, MXR_PATH_CHECKS_MAX * (seconds / 10 + 1));
}

/* One forged packet, and silence: no endless asking. */
static void
test_gives_up (void)
{
  Fixture fixture = { .now_us = 1000 };

  hear (&fixture, 7);
  pass (&fixture, 100 * G_USEC_PER_SEC);
  g_assert_cmpuint (fixture.n_other, ==, MXR_PATH_CHECKS_MAX);
  g_assert_cmpint (fixture.watch.state, ==, MXR_PATH_IDLE);
  hear (&fixture, 7);
  pass (&fixture, MXR_PATH_SILENCE_US);
  g_assert_cmpuint (fixture.n_other, ==, MXR_PATH_CHECKS_MAX + 1);
}

static void
test_keeps (void)
{
  Fixture fixture = { .now_us = 1000 };

  move (&fixture, 7);
  for (guint i = 1; i <= 20; i++) {
    pass (&fixture, MXR_PATH_KEEP_INTERVAL_US);
    g_assert_cmpuint (fixture.n_kept, ==, i);
    g_assert_false (answer (&fixture, fixture.watch.keep_transaction, 7));
  }
  g_assert_cmpuint (fixture.n_lost, ==, 0);
  pass (&fixture, 2 * MXR_PATH_KEEP_TIMEOUT_US);
  g_assert_cmpuint (fixture.n_lost, ==, 1);
  g_assert_false (fixture.watch.is_kept);
  g_assert_cmpuint (fixture.n_kept, <=, 20 + MXR_PATH_KEEP_TIMEOUT_US / MXR_PATH_KEEP_INTERVAL_US);
}

static void
test_moves_again (void)
{
  Fixture fixture = { .now_us = 1000 };

  for (guint16 port = 7; port < 12; port++) {
    move (&fixture, port);
    pass (&fixture, 7 * G_USEC_PER_SEC);
    g_assert_true (fixture.watch.is_kept);
  }
  mxr_path_watch_reset (&fixture.watch);
  g_assert_cmpint (fixture.watch.due_us, ==, 0);
  g_assert_false (fixture.watch.is_kept);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/path-watch/moves", test_moves);
  g_test_add_func ("/path-watch/stays-while-heard-here", test_stays_while_heard_here);
  g_test_add_func ("/path-watch/late-packet-ends-asking", test_late_packet_ends_asking);
  g_test_add_func ("/path-watch/answers-that-move-nothing", test_answers_that_move_nothing);
  g_test_add_func ("/path-watch/budget", test_budget);
  g_test_add_func ("/path-watch/gives-up", test_gives_up);
  g_test_add_func ("/path-watch/keeps", test_keeps);
  g_test_add_func ("/path-watch/moves-again", test_moves_again);
  return g_test_run ();
}
