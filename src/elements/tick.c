#include "tick.h"

/* A bound for what nobody thought of: an element that should have been woken is a little late, not dead. */
#define REST_MAX_NS (10 * GST_SECOND)

struct _MxrTick {
  GstElement *element; /* unowned: it owns us */
  MxrTickFunc func;
  guint rate_n, rate_d;
  GstTask *task;
  GRecMutex task_lock;

  GMutex lock;
  bool running;    /* guarded by lock */
  bool resync;     /* guarded by lock; take up the grid anew */
  bool woken;      /* guarded by lock; since the last call began */
  bool resting;    /* guarded by lock; the task waits for the end of a rest */
  bool roused;     /* guarded by lock; the rest was broken off */
  GstClockID wait; /* guarded by lock; what the task waits for */

  /* The task's. */
  guint64 next;               /* index of the grid point that comes */
  GstClockTime rest_until_ns; /* 0: no rest */
};

static GstClockTime
grid_time (const MxrTick *tick, guint64 index)
{
  return gst_util_uint64_scale (index, GST_SECOND * tick->rate_d, tick->rate_n);
}

/* The last grid point at or before @running_time_ns. Two roundings meet here, hence the look at the
 * neighbour. */
static guint64
grid_index (const MxrTick *tick, GstClockTime running_time_ns)
{
  guint64 index = gst_util_uint64_scale (running_time_ns, tick->rate_n, GST_SECOND * tick->rate_d);
  return grid_time (tick, index + 1) <= running_time_ns ? index + 1 : index;
}

static GstClockTime
running_time (GstClock *clock, GstClockTime base_time_ns)
{
  GstClockTime now = gst_clock_get_time (clock);
  return now > base_time_ns ? now - base_time_ns : 0;
}

/* Goes on with the first grid point that is not over; the one served last before a short pause is not served
 * again. */
static void
take_up_grid (MxrTick *tick, GstClockTime now_ns)
{
  guint64 index = grid_index (tick, now_ns);

  if (grid_time (tick, index) < now_ns)
    index++;
  if (index + 1 != tick->next)
    tick->next = index;
}

/* The grid point to wait for: the next one, or the one that ends the rest. */
static guint64
choose_due_locked (MxrTick *tick, GstClockTime now_ns)
{
  guint64 due = tick->next;

  tick->resting = !tick->woken && tick->rest_until_ns > grid_time (tick, tick->next);
  if (tick->resting) {
    GstClockTime until_ns = MIN (tick->rest_until_ns, now_ns + REST_MAX_NS);
    guint64 last = grid_index (tick, until_ns);
    due = MAX (due, grid_time (tick, last) < until_ns ? last + 1 : last);
  }
  return due;
}

/* Returns: whether the grid point was reached, and not the wait broken off. */
static bool
wait_for (MxrTick *tick, GstClock *clock, GstClockTime base_time_ns)
{
  g_mutex_lock (&tick->lock);
  if (!tick->running) {
    g_mutex_unlock (&tick->lock);
    return false;
  }
  GstClockTime now_ns = running_time (clock, base_time_ns);
  /* Who is roused right on a grid point lets that one pass: it may have been served. */
  if (tick->resync || tick->roused)
    take_up_grid (tick, tick->resync ? now_ns : now_ns + 1);
  tick->resync = tick->roused = false;
  guint64 due = choose_due_locked (tick, now_ns);
  GstClockID id = gst_clock_new_single_shot_id (clock, base_time_ns + grid_time (tick, due));
  tick->wait = id;
  g_mutex_unlock (&tick->lock);

  GstClockReturn result = gst_clock_id_wait (id, NULL);

  g_mutex_lock (&tick->lock);
  tick->wait = NULL;
  tick->resting = false;
  bool reached = tick->running && !tick->resync && !tick->roused &&
                 (result == GST_CLOCK_OK || result == GST_CLOCK_EARLY);
  tick->woken = tick->woken && !reached;
  g_mutex_unlock (&tick->lock);
  gst_clock_id_unref (id);
  if (reached)
    tick->next = due;
  return reached;
}

static void
on_task (gpointer data)
{
  MxrTick *tick = data;
  g_autoptr (GstClock) clock = gst_element_get_clock (tick->element);
  GstClockTime base_time_ns = gst_element_get_base_time (tick->element);

  if (clock == NULL)
    clock = gst_system_clock_obtain ();
  if (!wait_for (tick, clock, base_time_ns))
    return;

  guint64 index = MAX (tick->next, grid_index (tick, running_time (clock, base_time_ns)));
  guint64 n_missed = index - tick->next;
  tick->next = index + 1;
  tick->rest_until_ns = 0;
  tick->func (tick->element, index, grid_time (tick, index), n_missed);
}

MxrTick *
mxr_tick_new (GstElement *element, MxrTickFunc func, guint rate_n, guint rate_d)
{
  MxrTick *tick = g_new0 (MxrTick, 1);

  tick->element = element;
  tick->func = func;
  g_mutex_init (&tick->lock);
  g_rec_mutex_init (&tick->task_lock);
  tick->task = gst_task_new (on_task, tick, NULL);
  gst_task_set_lock (tick->task, &tick->task_lock);
  mxr_tick_set_rate (tick, rate_n, rate_d);
  return tick;
}

void
mxr_tick_free (MxrTick *tick)
{
  mxr_tick_stop (tick);
  gst_object_unref (tick->task);
  g_rec_mutex_clear (&tick->task_lock);
  g_mutex_clear (&tick->lock);
  g_free (tick);
}

void
mxr_tick_set_rate (MxrTick *tick, guint rate_n, guint rate_d)
{
  g_return_if_fail (rate_n > 0 && rate_d > 0);
  tick->rate_n = rate_n;
  tick->rate_d = rate_d;
}

void
mxr_tick_rest (MxrTick *tick, GstClockTime until_ns)
{
  tick->rest_until_ns = until_ns;
}

void
mxr_tick_wake (MxrTick *tick)
{
  g_mutex_lock (&tick->lock);
  tick->woken = true;
  if (tick->resting) {
    tick->resting = false;
    tick->roused = true;
    gst_clock_id_unschedule (tick->wait);
  }
  g_mutex_unlock (&tick->lock);
}

GstClockTime
mxr_tick_get_time (const MxrTick *tick)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (tick->element);

  return clock != NULL ? running_time (clock, gst_element_get_base_time (tick->element)) : 0;
}

void
mxr_tick_start (MxrTick *tick)
{
  g_autofree char *name = g_strconcat (GST_OBJECT_NAME (tick->element), ":tick", NULL);

  g_mutex_lock (&tick->lock);
  tick->running = true;
  tick->resync = true;
  tick->woken = true;
  g_mutex_unlock (&tick->lock);
  if (gst_task_get_state (tick->task) == GST_TASK_STOPPED)
    gst_object_set_name (GST_OBJECT (tick->task), name);
  gst_task_start (tick->task);
}

void
mxr_tick_pause (MxrTick *tick)
{
  g_mutex_lock (&tick->lock);
  tick->running = false;
  if (tick->wait != NULL)
    gst_clock_id_unschedule (tick->wait);
  g_mutex_unlock (&tick->lock);
  gst_task_pause (tick->task);
}

void
mxr_tick_stop (MxrTick *tick)
{
  mxr_tick_pause (tick);
  gst_task_stop (tick->task);
  gst_task_join (tick->task);
  tick->next = 0;
  tick->rest_until_ns = 0;
}
