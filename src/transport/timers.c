#include "timers.h"

/* A binary heap in an array; timers[1] is the earliest, the parent of i is i / 2. */

struct _MxrTimers {
  GSource *source;
  GPtrArray *heap; /* MxrTimer; [0] is unused */
};

typedef struct {
  GSource source;
  MxrTimers *timers;
} TimersSource;

static MxrTimer *
get (const MxrTimers *timers, guint place)
{
  return g_ptr_array_index (timers->heap, place);
}

static void
put (MxrTimers *timers, guint place, MxrTimer *timer)
{
  g_ptr_array_index (timers->heap, place) = timer;
  timer->place = place;
}

static void
sift_up (MxrTimers *timers, MxrTimer *timer)
{
  guint place = timer->place;

  for (; place > 1 && get (timers, place / 2)->due_us > timer->due_us; place /= 2)
    put (timers, place, get (timers, place / 2));
  put (timers, place, timer);
}

static void
sift_down (MxrTimers *timers, MxrTimer *timer)
{
  guint place = timer->place;

  for (guint child; (child = place * 2) < timers->heap->len; place = child) {
    if (child + 1 < timers->heap->len && get (timers, child + 1)->due_us < get (timers, child)->due_us)
      child++;
    if (get (timers, child)->due_us >= timer->due_us)
      break;
    put (timers, place, get (timers, child));
  }
  put (timers, place, timer);
}

static void
remove_timer (MxrTimers *timers, MxrTimer *timer)
{
  MxrTimer *last = get (timers, timers->heap->len - 1);
  const guint place = timer->place;

  g_ptr_array_set_size (timers->heap, (gint) timers->heap->len - 1);
  timer->place = 0;
  if (last == timer)
    return;
  put (timers, place, last);
  sift_up (timers, last);
  sift_down (timers, last);
}

void
mxr_timers_set (MxrTimers *timers, MxrTimer *timer, gint64 due_us)
{
  timer->due_us = MAX (due_us, 0);
  if (timer->place == 0) {
    timer->place = timers->heap->len;
    g_ptr_array_add (timers->heap, timer);
  }
  sift_up (timers, timer);
  sift_down (timers, timer);
}

void
mxr_timers_clear (MxrTimers *timers, MxrTimer *timer)
{
  if (timer->place != 0)
    remove_timer (timers, timer);
}

/* Read whenever the loop is about to sleep: g_source_set_ready_time() would write to the context's descriptor each time,
 * for a second turn of the loop. */
static gint64
get_due_us (const MxrTimers *timers)
{
  return timers->heap->len > 1 ? get (timers, 1)->due_us : G_MAXINT64;
}

static gboolean
prepare (GSource *source, int *out_timeout_ms)
{
  const gint64 due_us = get_due_us (((TimersSource *) source)->timers);
  const gint64 now_us = g_source_get_time (source);

  *out_timeout_ms = -1;
  if (due_us == G_MAXINT64)
    return FALSE;
  *out_timeout_ms = (int) CLAMP ((due_us - now_us + 999) / 1000, 0, G_MAXINT);
  return due_us <= now_us;
}

static gboolean
check (GSource *source)
{
  return get_due_us (((TimersSource *) source)->timers) <= g_source_get_time (source);
}

/* What is set to the past from inside waits for the next turn: the loop's other sources want theirs. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MxrTimers *timers = ((TimersSource *) source)->timers;
  const gint64 now_us = g_source_get_time (source);

  for (guint n = timers->heap->len - 1; n > 0 && timers->heap->len > 1; n--) {
    MxrTimer *timer = get (timers, 1);
    if (timer->due_us > now_us)
      break;
    remove_timer (timers, timer);
    timer->func (timer->data);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { prepare, check, dispatch };

MxrTimers *
mxr_timers_new (GMainContext *context)
{
  MxrTimers *timers = g_new0 (MxrTimers, 1);

  timers->heap = g_ptr_array_new ();
  g_ptr_array_add (timers->heap, NULL);
  timers->source = g_source_new (&source_funcs, sizeof (TimersSource));
  ((TimersSource *) timers->source)->timers = timers;
  g_source_set_static_name (timers->source, "net timers");
  g_source_attach (timers->source, context);
  return timers;
}

void
mxr_timers_free (MxrTimers *timers)
{
  g_source_destroy (timers->source);
  g_source_unref (timers->source);
  g_ptr_array_unref (timers->heap);
  g_free (timers);
}
