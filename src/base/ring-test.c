#include "mixroom/base.h"

#define N_ITEMS 200000

static gpointer
produce (gpointer data)
{
  MxrRing *ring = data;
  for (gsize i = 1; i <= N_ITEMS; i++)
    while (!mxr_ring_push (ring, GSIZE_TO_POINTER (i)))
      g_thread_yield ();
  return NULL;
}

static void
test_two_threads_keep_order (void)
{
  MxrRing *ring = mxr_ring_new (64, NULL);
  GThread *producer = g_thread_new ("producer", produce, ring);

  for (gsize expected = 1; expected <= N_ITEMS;) {
    gpointer item = mxr_ring_pop (ring);
    if (item == NULL)
      g_thread_yield ();
    else
      g_assert_cmpuint (GPOINTER_TO_SIZE (item), ==, expected++);
  }
  g_thread_join (producer);
  g_assert_null (mxr_ring_pop (ring));
  mxr_ring_free (ring);
}

static void
test_full_refuses_and_free_destroys (void)
{
  MxrRing *ring = mxr_ring_new (4, g_free);

  for (int i = 0; i < 4; i++)
    g_assert_true (mxr_ring_push (ring, g_malloc (8)));
  int extra;
  g_assert_false (mxr_ring_push (ring, &extra));
  g_free (mxr_ring_pop (ring));
  g_assert_true (mxr_ring_push (ring, g_malloc (8)));
  mxr_ring_free (ring);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ring/two-threads-keep-order", test_two_threads_keep_order);
  g_test_add_func ("/ring/full-refuses-and-free-destroys", test_full_refuses_and_free_destroys);
  return g_test_run ();
}
