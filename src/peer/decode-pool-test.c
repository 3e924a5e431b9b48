#include "decode-pool.h"

#define N_LANES 20
#define N_ITEMS 200

typedef struct {
  MxrDecodeLane *lane;
  atomic_uint n_inside, n_done, n_freed;
  atomic_uint last;
  guint work_us;
} Lane;

static void
work (gpointer item, gpointer user_data)
{
  Lane *lane = user_data;

  g_assert_cmpuint (atomic_fetch_add (&lane->n_inside, 1), ==, 0); /* never two of a lane */
  g_assert_cmpuint (GPOINTER_TO_UINT (item), >, atomic_exchange (&lane->last, GPOINTER_TO_UINT (item)));
  if (lane->work_us > 0)
    g_usleep (lane->work_us);
  atomic_fetch_sub (&lane->n_inside, 1);
  atomic_fetch_add (&lane->n_done, 1);
}

static atomic_uint n_freed;

static void
free_item (gpointer item)
{
  atomic_fetch_add (&n_freed, 1);
}

static void
test_order_and_bound (void)
{
  g_autoptr (MxrDecodePool) pool = mxr_decode_pool_new (3);
  Lane lanes[N_LANES] = { 0 };

  for (guint i = 0; i < N_LANES; i++)
    lanes[i].lane = mxr_decode_lane_new (pool, N_ITEMS, work, free_item, &lanes[i]);
  for (guint k = 1; k <= N_ITEMS; k++)
    for (guint i = 0; i < N_LANES; i++)
      g_assert_true (mxr_decode_lane_push (lanes[i].lane, GUINT_TO_POINTER (k)));
  mxr_decode_pool_free (g_steal_pointer (&pool)); /* does what waits */
  for (guint i = 0; i < N_LANES; i++) {
    g_assert_cmpuint (lanes[i].n_done, ==, N_ITEMS);
    mxr_decode_lane_unref (lanes[i].lane);
  }
}

/* A lane that is full refuses; what was there is done all the same, and then there is room again. */
static void
test_full (void)
{
  g_autoptr (MxrDecodePool) pool = mxr_decode_pool_new (1);
  Lane lane = { .work_us = 20000 };
  guint n_taken = 0;

  lane.lane = mxr_decode_lane_new (pool, 4, work, free_item, &lane);
  for (guint k = 1; k <= 20; k++)
    n_taken += mxr_decode_lane_push (lane.lane, GUINT_TO_POINTER (k));
  g_assert_cmpuint (n_taken, >=, 4);
  g_assert_cmpuint (n_taken, <=, 6); /* and what a worker has */
  while (lane.n_done < n_taken)
    g_usleep (1000);
  g_assert_true (mxr_decode_lane_push (lane.lane, GUINT_TO_POINTER (100)));
  mxr_decode_pool_free (g_steal_pointer (&pool));
  g_assert_cmpuint (lane.n_done, ==, n_taken + 1);
  mxr_decode_lane_unref (lane.lane);
}

/* One that has much to do lets the others have their turn. */
static void
test_fair (void)
{
  g_autoptr (MxrDecodePool) pool = mxr_decode_pool_new (1);
  Lane busy = { .work_us = 10000 }, other = { 0 };

  busy.lane = mxr_decode_lane_new (pool, 50, work, free_item, &busy);
  other.lane = mxr_decode_lane_new (pool, 50, work, free_item, &other);
  for (guint k = 1; k <= 50; k++)
    mxr_decode_lane_push (busy.lane, GUINT_TO_POINTER (k));
  mxr_decode_lane_push (other.lane, GUINT_TO_POINTER (1));
  while (other.n_done == 0)
    g_usleep (500);
  g_assert_cmpuint (busy.n_done, <, 25);
  mxr_decode_lane_clear (busy.lane);
  mxr_decode_pool_free (g_steal_pointer (&pool));
  mxr_decode_lane_unref (busy.lane);
  mxr_decode_lane_unref (other.lane);
}

static void
test_clear (void)
{
  g_autoptr (MxrDecodePool) pool = mxr_decode_pool_new (2);

  for (guint round = 0; round < 200; round++) {
    Lane lane = { .work_us = round % 3 == 0 ? 100 : 0 };
    atomic_store (&n_freed, 0);
    lane.lane = mxr_decode_lane_new (pool, 16, work, free_item, &lane);
    guint n_pushed = 0, n_cleared = 0;
    for (guint k = 1; k <= 40; k++) {
      n_pushed += mxr_decode_lane_push (lane.lane, GUINT_TO_POINTER (k));
      if (k % 13 == 0)
        n_cleared += mxr_decode_lane_clear (lane.lane);
    }
    n_cleared += mxr_decode_lane_clear (lane.lane);
    g_assert_cmpuint (n_cleared, ==, n_freed);
    while (lane.n_done + n_cleared < n_pushed)
      g_usleep (50);
    g_assert_cmpuint (lane.n_done + n_cleared, ==, n_pushed);
    mxr_decode_lane_unref (lane.lane);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decode-pool/order-and-bound", test_order_and_bound);
  g_test_add_func ("/decode-pool/full", test_full);
  g_test_add_func ("/decode-pool/fair", test_fair);
  g_test_add_func ("/decode-pool/clear", test_clear);
  return g_test_run ();
}
