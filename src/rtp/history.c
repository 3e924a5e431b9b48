#include "rtp-private.h"

/* @n_entries: a power of two, or 0 */
void
mxr_history_init (MxrHistory *history, guint n_entries)
{
  history->n_entries = n_entries;
  history->entries = g_new0 (MxrHistoryEntry, n_entries);
}

void
mxr_history_clear (MxrHistory *history)
{
  for (guint i = 0; i < history->n_entries; i++)
    g_clear_pointer (&history->entries[i].packet, mxr_rtp_packet_unref);
  g_clear_pointer (&history->entries, g_free);
  history->n_entries = 0;
}

MxrHistoryEntry *
mxr_history_find (const MxrHistory *history, guint64 index)
{
  if (history->n_entries == 0)
    return NULL;
  MxrHistoryEntry *entry = &history->entries[index & (history->n_entries - 1)];
  return entry->packet != NULL && entry->index == index ? entry : NULL;
}

/* Takes a reference of its own; what stood in the place is released. */
void
mxr_history_add (MxrHistory *history, const MxrHistoryEntry *entry)
{
  if (history->n_entries == 0)
    return;
  MxrHistoryEntry *place = &history->entries[entry->index & (history->n_entries - 1)];
  MxrRtpPacket *old = place->packet;
  *place = *entry;
  mxr_rtp_packet_ref (place->packet);
  if (old != NULL)
    mxr_rtp_packet_unref (old);
}
