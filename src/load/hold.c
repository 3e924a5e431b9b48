#include "hold.h"

#include <string.h>

typedef struct {
  gpointer owner;
  gsize size;
  gint64 mark_us;
  guint mark_value;
  guint8 data[MXR_HOLD_MAX_BYTES + MXR_HOLD_ROOM_BYTES];
} Slot;

typedef struct {
  gint64 due_us;
  guint64 order;
  Slot *slot;
} Entry;

struct _MxrHold {
  GArray *heap; /* Entry; the parent of i is (i - 1) / 2 and never due later */
  GPtrArray *unused;
  guint64 n_added;
};

MxrHold *
mxr_hold_new (void)
{
  MxrHold *hold = g_new0 (MxrHold, 1);
  hold->heap = g_array_new (FALSE, FALSE, sizeof (Entry));
  hold->unused = g_ptr_array_new_with_free_func (g_free);
  return hold;
}

void
mxr_hold_free (MxrHold *hold)
{
  for (guint i = 0; i < hold->heap->len; i++)
    g_free (g_array_index (hold->heap, Entry, i).slot);
  g_array_unref (hold->heap);
  g_ptr_array_unref (hold->unused);
  g_free (hold);
}

static bool
is_before (const Entry *a, const Entry *b)
{
  return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void
swap (Entry *a, Entry *b)
{
  const Entry kept = *a;
  *a = *b;
  *b = kept;
}

static void
rise (Entry *heap, guint at)
{
  for (; at > 0 && is_before (&heap[at], &heap[(at - 1) / 2]); at = (at - 1) / 2)
    swap (&heap[at], &heap[(at - 1) / 2]);
}

static void
sink (Entry *heap, guint n)
{
  for (guint at = 0, child = 1; child < n; at = child, child = 2 * at + 1) {
    if (child + 1 < n && is_before (&heap[child + 1], &heap[child]))
      child++;
    if (!is_before (&heap[child], &heap[at]))
      return;
    swap (&heap[child], &heap[at]);
  }
}

static Slot *
get_slot (MxrHold *hold)
{
  return hold->unused->len > 0 ? g_ptr_array_steal_index_fast (hold->unused, hold->unused->len - 1) : g_new (Slot, 1);
}

bool
mxr_hold_add (MxrHold *hold, gpointer owner, gint64 due_us, const guint8 *data, gsize size, gint64 mark_us,
              guint mark_value)
{
  if (size > MXR_HOLD_MAX_BYTES)
    return false;
  Slot *slot = get_slot (hold);
  slot->owner = owner;
  slot->size = size;
  slot->mark_us = mark_us;
  slot->mark_value = mark_value;
  memcpy (slot->data, data, size);
  const Entry entry = { due_us, hold->n_added++, slot };
  g_array_append_val (hold->heap, entry);
  rise ((Entry *) (gpointer) hold->heap->data, hold->heap->len - 1);
  return true;
}

bool
mxr_hold_take (MxrHold *hold, gint64 now_us, MxrHeld *out_held)
{
  Entry *heap = (Entry *) (gpointer) hold->heap->data;

  if (hold->heap->len == 0 || heap[0].due_us > now_us)
    return false;
  Slot *slot = heap[0].slot;
  heap[0] = heap[hold->heap->len - 1];
  g_array_set_size (hold->heap, hold->heap->len - 1);
  sink (heap, hold->heap->len);
  g_ptr_array_add (hold->unused, slot);
  *out_held = (MxrHeld){ slot->owner, slot->data, slot->size, slot->mark_us, slot->mark_value };
  return true;
}

gint64
mxr_hold_get_due_us (const MxrHold *hold)
{
  return hold->heap->len == 0 ? G_MAXINT64 : g_array_index (hold->heap, Entry, 0).due_us;
}

void
mxr_hold_forget (MxrHold *hold, gpointer owner)
{
  for (guint i = 0; i < hold->heap->len; i++) {
    Slot *slot = g_array_index (hold->heap, Entry, i).slot;
    if (slot->owner == owner)
      slot->owner = NULL;
  }
}
