#include "mixroom/base.h"

#include <stdatomic.h>

/* Producer and consumer each write one index only; the indices run freely and wrap with the integer. They stand
 * on cache lines of their own, or each push would take the line from the consumer. */
struct _MxrRing {
  _Alignas (64) atomic_uint head; /* next to be written */
  _Alignas (64) atomic_uint tail; /* next to be read */
  _Alignas (64) guint mask;
  GDestroyNotify destroy;
  gpointer *items;
};

MxrRing *
mxr_ring_new (guint capacity, GDestroyNotify destroy)
{
  g_return_val_if_fail (capacity > 0 && (capacity & (capacity - 1)) == 0, NULL);

  MxrRing *ring = g_aligned_alloc0 (1, sizeof *ring, 64);
  ring->mask = capacity - 1;
  ring->destroy = destroy;
  ring->items = g_new0 (gpointer, capacity);
  return ring;
}

void
mxr_ring_free (MxrRing *ring)
{
  gpointer item;
  while ((item = mxr_ring_pop (ring)) != NULL)
    if (ring->destroy != NULL)
      ring->destroy (item);
  g_free (ring->items);
  g_aligned_free (ring);
}

bool
mxr_ring_push (MxrRing *ring, gpointer item)
{
  guint head = atomic_load_explicit (&ring->head, memory_order_relaxed);
  if (head - atomic_load_explicit (&ring->tail, memory_order_acquire) > ring->mask)
    return false;
  ring->items[head & ring->mask] = item;
  atomic_store_explicit (&ring->head, head + 1, memory_order_release);
  return true;
}

gpointer
mxr_ring_pop (MxrRing *ring)
{
  guint tail = atomic_load_explicit (&ring->tail, memory_order_relaxed);
  if (tail == atomic_load_explicit (&ring->head, memory_order_acquire))
    return NULL;
  gpointer item = ring->items[tail & ring->mask];
  atomic_store_explicit (&ring->tail, tail + 1, memory_order_release);
  return item;
}
