#include "hold.h"

#include <string.h>

static void
test_order (void)
{
  g_autoptr (MxrHold) hold = mxr_hold_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  guint n_added = 0, n_taken = 0;
  gint64 last_us = 0;
  MxrHeld held;

  g_assert_cmpint (mxr_hold_get_due_us (hold), ==, G_MAXINT64);
  for (gint64 now_us = 0; now_us < 200000; now_us += 500) {
    for (guint i = 0; i < 3; i++, n_added++) {
      const gint64 due_us = now_us + g_rand_int_range (random, 0, 30000);
      g_assert_true (mxr_hold_add (hold, hold, due_us, (const guint8 *) &due_us, sizeof due_us, due_us, (guint) due_us));
    }
    last_us = 0;
    for (; mxr_hold_take (hold, now_us, &held); n_taken++) {
      gint64 due_us;
      g_assert_cmpuint (held.size, ==, sizeof due_us);
      memcpy (&due_us, held.data, sizeof due_us);
      g_assert_cmpint (due_us, ==, held.mark_us);
      g_assert_cmpuint (held.mark_value, ==, (guint) due_us);
      g_assert_cmpint (due_us, <=, now_us);
      g_assert_cmpint (due_us, >=, last_us);
      last_us = due_us;
    }
    g_assert_cmpint (mxr_hold_get_due_us (hold), >, now_us);
  }
  while (mxr_hold_take (hold, G_MAXINT64 - 1, &held))
    n_taken++;
  g_assert_cmpuint (n_taken, ==, n_added);
}

/* Equal times keep the order of their adding: --in-order stands on it. */
static void
test_equal_times (void)
{
  g_autoptr (MxrHold) hold = mxr_hold_new ();
  MxrHeld held;

  for (guint8 i = 0; i < 200; i++)
    mxr_hold_add (hold, hold, 5, &i, 1, i, 0);
  for (guint8 i = 0; i < 200; i++) {
    g_assert_true (mxr_hold_take (hold, 5, &held));
    g_assert_cmpuint (held.data[0], ==, i);
  }
  g_assert_false (mxr_hold_take (hold, 5, &held));
}

static void
test_forgotten_owner (void)
{
  g_autoptr (MxrHold) hold = mxr_hold_new ();
  int going, staying;
  guint n_going = 0, n_staying = 0;
  MxrHeld held;

  for (guint8 i = 0; i < 20; i++)
    mxr_hold_add (hold, i % 2 == 0 ? &going : &staying, i, &i, 1, 0, 0);
  mxr_hold_forget (hold, &going);
  while (mxr_hold_take (hold, 100, &held)) {
    n_going += held.owner == NULL;
    n_staying += held.owner == &staying;
  }
  g_assert_cmpuint (n_going, ==, 10);
  g_assert_cmpuint (n_staying, ==, 10);
}

static void
test_size (void)
{
  g_autoptr (MxrHold) hold = mxr_hold_new ();
  guint8 bytes[MXR_HOLD_MAX_BYTES + 1] = { 0 };
  MxrHeld held;

  g_assert_false (mxr_hold_add (hold, hold, 0, bytes, sizeof bytes, 0, 0));
  g_assert_true (mxr_hold_add (hold, hold, 0, bytes, MXR_HOLD_MAX_BYTES, 0, 0));
  g_assert_true (mxr_hold_take (hold, 0, &held));
  memset (held.data + held.size, 0xff, MXR_HOLD_ROOM_BYTES); /* the room that is promised */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/hold/order", test_order);
  g_test_add_func ("/load/hold/equal-times", test_equal_times);
  g_test_add_func ("/load/hold/forgotten-owner", test_forgotten_owner);
  g_test_add_func ("/load/hold/size", test_size);
  return g_test_run ();
}
