#include "rtp-private.h"

#include <string.h>

/* A packet may be overtaken by so many others, or come so much later, before it is asked for. */
#define REORDER_PACKETS 3
#define REORDER_US (10 * 1000)
#define MAX_TRIES 10
#define GIVE_UP_US (500 * 1000)
#define RETRY_MIN_US (20 * 1000)

static MxrNackEntry *
entry_at (MxrNackList *list, guint64 index)
{
  return &list->entries[index % MXR_NACK_WINDOW];
}

/* @end: first index that is still to come */
void
mxr_nack_list_reset (MxrNackList *list, guint64 end)
{
  memset (list->entries, 0, sizeof list->entries);
  list->oldest = list->end = end;
  list->n_missing = 0;
  list->due_us = G_MAXINT64;
}

static void
clear_entry (MxrNackList *list, guint64 index)
{
  MxrNackEntry *entry = entry_at (list, index);
  if (entry->is_missing)
    list->n_missing--;
  entry->is_missing = false;
  if (list->n_missing == 0) {
    list->oldest = list->end;
    list->due_us = G_MAXINT64;
  }
}

void
mxr_nack_list_remove (MxrNackList *list, guint64 index)
{
  if (index >= list->oldest && index < list->end)
    clear_entry (list, index);
}

/* Those overtaken by enough others are due at once. */
static void
hurry_overtaken (MxrNackList *list, guint64 from, guint64 highest, gint64 now_us)
{
  for (guint64 i = MAX (from, list->oldest); i + REORDER_PACKETS <= highest; i++) {
    MxrNackEntry *entry = entry_at (list, i);
    if (!entry->is_missing || entry->tries > 0)
      continue;
    entry->due_us = MIN (entry->due_us, now_us);
    list->due_us = MIN (list->due_us, now_us);
  }
}

/* @index arrived, and is the highest. Returns false when the gap before it is not worth asking for. */
bool
mxr_nack_list_advance (MxrNackList *list, guint64 index, gint64 now_us)
{
  const guint64 old_end = list->end;

  if (index < old_end)
    return true;
  if (index - list->oldest > MXR_NACK_MAX_GAP) {
    mxr_nack_list_reset (list, index + 1);
    return false;
  }
  list->end = index + 1;
  if (list->n_missing == 0)
    list->oldest = old_end;
  for (guint64 i = old_end; i < index; i++) {
    *entry_at (list, i) = (MxrNackEntry){ now_us, now_us + REORDER_US, 0, true };
    list->n_missing++;
    list->due_us = MIN (list->due_us, now_us + REORDER_US);
  }
  entry_at (list, index)->is_missing = false;
  if (list->n_missing == 0)
    list->oldest = list->end;
  else
    hurry_overtaken (list, old_end < REORDER_PACKETS ? 0 : old_end - REORDER_PACKETS, index, now_us);
  return true;
}

static bool
add_to_pairs (MxrNackPair *pairs, guint *n_pairs, guint max_pairs, guint16 seq)
{
  const guint16 behind = *n_pairs > 0 ? (guint16) (seq - pairs[*n_pairs - 1].pid) : 0;
  if (behind >= 1 && behind <= 16) {
    pairs[*n_pairs - 1].blp |= (guint16) (1u << (behind - 1));
    return true;
  }
  if (*n_pairs == max_pairs)
    return false;
  pairs[(*n_pairs)++] = (MxrNackPair){ seq, 0 };
  return true;
}

/* Fills @pairs (RFC 4585 6.2.1) with what is due, and drops what was asked for in vain. What found no room
 * stays due. Returns the number of pairs. */
guint
mxr_nack_list_collect (MxrNackList *list, gint64 now_us, gint64 rtt_us, MxrNackPair *pairs, guint max_pairs,
                       guint *out_asked, guint *out_abandoned)
{
  guint n_pairs = 0;
  gint64 due_us = G_MAXINT64;
  guint64 oldest = list->end;

  *out_asked = *out_abandoned = 0;
  for (guint64 i = list->oldest; i < list->end; i++) {
    MxrNackEntry *entry = entry_at (list, i);
    if (!entry->is_missing)
      continue;
    if (entry->due_us <= now_us && (entry->tries >= MAX_TRIES || now_us - entry->found_us >= GIVE_UP_US)) {
      entry->is_missing = false;
      list->n_missing--;
      (*out_abandoned)++;
      continue;
    }
    if (entry->due_us <= now_us && add_to_pairs (pairs, &n_pairs, max_pairs, (guint16) i)) {
      entry->tries++;
      entry->due_us = now_us + MAX (rtt_us + rtt_us / 4, RETRY_MIN_US);
      (*out_asked)++;
    }
    due_us = MIN (due_us, entry->due_us);
    oldest = MIN (oldest, i);
  }
  list->oldest = oldest;
  list->due_us = due_us;
  return n_pairs;
}

gint64
mxr_nack_list_due_us (const MxrNackList *list)
{
  return list->n_missing > 0 ? list->due_us : G_MAXINT64;
}
