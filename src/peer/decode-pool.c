/* A queue of lanes, each with a queue of items. A lane is in the pool's queue once at most, and at its end again after each
 * item: lanes take turns, and one is never with two workers. Not GThreadPool, because it refuses what its own workers
 * push while it is being freed. */

#include "decode-pool.h"

struct _MxrDecodePool {
  GMutex lock; /* guards what follows; never held together with a lane's */
  GCond is_filled;
  GQueue lanes; /* MxrDecodeLane, with a reference each */
  bool is_ending;
  guint n_threads;
  GThread *threads[];
};

struct _MxrDecodeLane {
  gatomicrefcount refs;
  MxrDecodePool *pool;
  MxrDecodeFunc func;
  GDestroyNotify free_item;
  gpointer user_data;

  GMutex lock;         /* guards what follows; never held while calling out */
  bool is_scheduled;   /* in the pool's queue, or with a worker: it has a reference then */
  guint first, n;      /* of items in use */
  guint capacity;
  gpointer items[];
};

/* ---- Lanes ---------------------------------------------------------------------------------------------- */

MxrDecodeLane *
mxr_decode_lane_new (MxrDecodePool *pool, guint capacity, MxrDecodeFunc func, GDestroyNotify free_item, gpointer user_data)
{
  MxrDecodeLane *lane = g_malloc0 (sizeof *lane + capacity * sizeof lane->items[0]);

  g_atomic_ref_count_init (&lane->refs);
  g_mutex_init (&lane->lock);
  lane->pool = pool;
  lane->capacity = capacity;
  lane->func = func;
  lane->free_item = free_item;
  lane->user_data = user_data;
  return lane;
}

void
mxr_decode_lane_unref (MxrDecodeLane *lane)
{
  if (!g_atomic_ref_count_dec (&lane->refs))
    return;
  mxr_decode_lane_clear (lane);
  g_mutex_clear (&lane->lock);
  g_free (lane);
}

static gpointer
take_item (MxrDecodeLane *lane)
{
  gpointer item = NULL;

  g_mutex_lock (&lane->lock);
  if (lane->n > 0) {
    item = lane->items[lane->first];
    lane->first = (lane->first + 1) % lane->capacity;
    lane->n--;
  }
  g_mutex_unlock (&lane->lock);
  return item;
}

static void
schedule (MxrDecodePool *pool, MxrDecodeLane *lane)
{
  g_mutex_lock (&pool->lock);
  g_queue_push_tail (&pool->lanes, lane);
  g_cond_signal (&pool->is_filled);
  g_mutex_unlock (&pool->lock);
}

bool
mxr_decode_lane_push (MxrDecodeLane *lane, gpointer item)
{
  g_mutex_lock (&lane->lock);
  bool fits = lane->n < lane->capacity;
  bool schedules = fits && !lane->is_scheduled;
  if (fits)
    lane->items[(lane->first + lane->n++) % lane->capacity] = item;
  if (schedules)
    lane->is_scheduled = true;
  g_mutex_unlock (&lane->lock);

  if (schedules) {
    g_atomic_ref_count_inc (&lane->refs);
    schedule (lane->pool, lane);
  }
  return fits;
}

guint
mxr_decode_lane_clear (MxrDecodeLane *lane)
{
  guint n = 0;

  for (gpointer item; (item = take_item (lane)) != NULL; n++)
    lane->free_item (item);
  return n;
}

/* ---- Workers -------------------------------------------------------------------------------------------- */

static void
work (MxrDecodeLane *lane)
{
  gpointer item = take_item (lane);

  if (item != NULL)
    lane->func (item, lane->user_data);
  g_mutex_lock (&lane->lock);
  lane->is_scheduled = lane->n > 0;
  bool goes_on = lane->is_scheduled;
  g_mutex_unlock (&lane->lock);
  if (goes_on)
    schedule (lane->pool, lane);
  else
    mxr_decode_lane_unref (lane);
}

/* Returns: NULL when the pool ends and nothing is left to do. */
static MxrDecodeLane *
wait_for_lane (MxrDecodePool *pool)
{
  g_mutex_lock (&pool->lock);
  while (pool->lanes.length == 0 && !pool->is_ending)
    g_cond_wait (&pool->is_filled, &pool->lock);
  MxrDecodeLane *lane = g_queue_pop_head (&pool->lanes);
  g_mutex_unlock (&pool->lock);
  return lane;
}

static gpointer
run (gpointer data)
{
  for (MxrDecodeLane *lane; (lane = wait_for_lane (data)) != NULL;)
    work (lane);
  return NULL;
}

MxrDecodePool *
mxr_decode_pool_new (guint n_threads)
{
  MxrDecodePool *pool = g_malloc0 (sizeof *pool + n_threads * sizeof pool->threads[0]);

  g_mutex_init (&pool->lock);
  g_cond_init (&pool->is_filled);
  g_queue_init (&pool->lanes);
  pool->n_threads = n_threads;
  for (guint i = 0; i < n_threads; i++) {
    g_autofree char *name = g_strdup_printf ("decode-%u", i);
    pool->threads[i] = g_thread_new (name, run, pool);
  }
  return pool;
}

void
mxr_decode_pool_free (MxrDecodePool *pool)
{
  g_mutex_lock (&pool->lock);
  pool->is_ending = true;
  g_cond_broadcast (&pool->is_filled);
  g_mutex_unlock (&pool->lock);
  for (guint i = 0; i < pool->n_threads; i++)
    g_thread_join (pool->threads[i]);
  g_mutex_clear (&pool->lock);
  g_cond_clear (&pool->is_filled);
  g_free (pool);
}
