/* All due times of a net thread in one array. A round looks through it: for 1000 links that is 16 KB in order, less than
 * what a heap would cost each time that a packet moves a due time, which is far more often. */

#include "link-clock.h"

typedef struct {
  gint64 due_us;
  MxrLinkTimer *timer;
} Entry;

static Entry *
get_entry (const MxrLinkClock *clock, guint index)
{
  return &g_array_index (clock->entries, Entry, index);
}

void
mxr_link_clock_init (MxrLinkClock *clock)
{
  clock->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  clock->next_us = G_MAXINT64;
  clock->last_us = G_MININT64 / 2;
}

void
mxr_link_clock_clear (MxrLinkClock *clock)
{
  g_return_if_fail (clock->entries->len == 0);
  g_clear_pointer (&clock->entries, g_array_unref);
}

void
mxr_link_clock_add (MxrLinkClock *clock, MxrLinkTimer *timer, MxrLinkClockFunc func, gpointer user_data)
{
  const Entry entry = { G_MAXINT64, timer };

  *timer = (MxrLinkTimer){ func, user_data, clock->entries->len };
  g_array_append_val (clock->entries, entry);
}

void
mxr_link_clock_remove (MxrLinkClock *clock, MxrLinkTimer *timer)
{
  const guint index = timer->index;

  g_array_remove_index_fast (clock->entries, index);
  if (index < clock->entries->len)
    get_entry (clock, index)->timer->index = index;
}

void
mxr_link_clock_hasten (MxrLinkClock *clock, MxrLinkTimer *timer, gint64 due_us)
{
  Entry *entry = get_entry (clock, timer->index);

  if (due_us >= entry->due_us)
    return;
  entry->due_us = due_us;
  clock->next_us = MIN (clock->next_us, MAX (due_us, clock->last_us + MXR_LINK_ROUND_US));
}

gint64
mxr_link_clock_get_next_us (const MxrLinkClock *clock)
{
  return clock->next_us;
}

guint
mxr_link_clock_run (MxrLinkClock *clock, gint64 now_us)
{
  gint64 due_us = G_MAXINT64;
  guint n_called = 0;

  if (now_us < clock->next_us)
    return 0;
  clock->last_us = now_us;
  clock->next_us = G_MAXINT64; /* what is hastened meanwhile brings it forward */
  for (guint i = 0; i < clock->entries->len; i++) {
    if (get_entry (clock, i)->due_us <= now_us) {
      MxrLinkTimer *timer = get_entry (clock, i)->timer;
      get_entry (clock, i)->due_us = G_MAXINT64;
      mxr_link_clock_hasten (clock, timer, timer->func (timer->user_data, now_us));
      n_called++;
    }
    due_us = MIN (due_us, get_entry (clock, i)->due_us);
  }
  if (due_us != G_MAXINT64)
    clock->next_us = MIN (clock->next_us, MAX (due_us, now_us + MXR_LINK_ROUND_US));
  return n_called;
}
