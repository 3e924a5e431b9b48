#ifndef MXR_LOAD_HOLD_H
#define MXR_LOAD_HOLD_H

#include <stdbool.h>
#include <glib.h>

/* Packets of sound that go out later than they should: the jitter of a bad network, on purpose. Slots are used again,
 * so nothing is allocated once as many were held at a time as ever will be. Pure: time is an argument. */

#define MXR_HOLD_MAX_BYTES 1408
#define MXR_HOLD_ROOM_BYTES 32 /* behind them, for SRTP's trailer */

typedef struct _MxrHold MxrHold;

typedef struct {
  gpointer owner; /* NULL: forgotten meanwhile; the packet is none any more */
  guint8 *data;   /* valid until the next add; MXR_HOLD_ROOM_BYTES behind @size */
  gsize size;
  gint64 mark_us; /* this and @mark_value as they were given */
  guint mark_value;
} MxrHeld;

MxrHold *mxr_hold_new (void);
void mxr_hold_free (MxrHold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrHold, mxr_hold_free)

/** mxr_hold_add: @data: copied. Returns: false when it is larger than %MXR_HOLD_MAX_BYTES. */
bool mxr_hold_add (MxrHold *hold, gpointer owner, gint64 due_us, const guint8 *data, gsize size, gint64 mark_us,
                   guint mark_value);
/** mxr_hold_take: Returns: whether one is due; equal times in the order of their adding. */
bool mxr_hold_take (MxrHold *hold, gint64 now_us, MxrHeld *out_held);
/** mxr_hold_get_due_us: Returns: of the next; %G_MAXINT64 of none. */
gint64 mxr_hold_get_due_us (const MxrHold *hold);
/** mxr_hold_forget: @owner is going. */
void mxr_hold_forget (MxrHold *hold, gpointer owner);

#endif
