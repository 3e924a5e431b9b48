#ifndef MXR_ADDRESS_TABLE_H
#define MXR_ADDRESS_TABLE_H

#include "mixroom/base.h"

/**
 * MxrAddressTable:
 *
 * What is counted per client address: connections, handshakes, joins. An IPv6 client owns a /64, so that is
 * what counts as one address; an IPv4 one in IPv6's clothes is IPv4.
 */
typedef struct _MxrAddressTable MxrAddressTable;

typedef struct {
  guint n_connections;
  guint n_handshakes;
  MxrBucket joins;
} MxrAddressEntry;

MxrAddressTable *mxr_address_table_new (void);
void mxr_address_table_free (MxrAddressTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrAddressTable, mxr_address_table_free)

/** mxr_address_table_get: Returns: (transfer none): made when it was not there; valid until the next prune.
 */
MxrAddressEntry *mxr_address_table_get (MxrAddressTable *table, GInetAddress *address);

/** mxr_address_table_prune: Forgets who has no connection and did not join for a minute. Cost: the whole
 * table. */
void mxr_address_table_prune (MxrAddressTable *table, gint64 now_us);

guint mxr_address_table_get_size (MxrAddressTable *table);

#endif
