#include "address-table.h"

#include <string.h>

struct _MxrAddressTable {
  GHashTable *entries; /* GBytes of the address -> MxrAddressEntry */
};

MxrAddressTable *
mxr_address_table_new (void)
{
  MxrAddressTable *table = g_new0 (MxrAddressTable, 1);
  table->entries = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
  return table;
}

void
mxr_address_table_free (MxrAddressTable *table)
{
  g_hash_table_unref (table->entries);
  g_free (table);
}

static GBytes *
key_of (GInetAddress *address)
{
  static const guint8 mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return g_bytes_new (bytes, 4);
  if (memcmp (bytes, mapped_prefix, sizeof mapped_prefix) == 0)
    return g_bytes_new (bytes + 12, 4);
  return g_bytes_new (bytes, 8);
}

MxrAddressEntry *
mxr_address_table_get (MxrAddressTable *table, GInetAddress *address)
{
  g_autoptr (GBytes) key = key_of (address);
  MxrAddressEntry *entry = g_hash_table_lookup (table->entries, key);
  if (entry == NULL) {
    entry = g_new0 (MxrAddressEntry, 1);
    g_hash_table_insert (table->entries, g_steal_pointer (&key), entry);
  }
  return entry;
}

void
mxr_address_table_prune (MxrAddressTable *table, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, table->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const MxrAddressEntry *entry = value;
    if (entry->n_connections == 0 && now_us - entry->joins.last_us > 60 * G_USEC_PER_SEC)
      g_hash_table_iter_remove (&iter);
  }
}

guint
mxr_address_table_get_size (MxrAddressTable *table)
{
  return g_hash_table_size (table->entries);
}
