#ifndef MXR_TAP_H
#define MXR_TAP_H

#include "tap-clock.h"

/* Of one peer, shared by its uplinks; all but the references belongs to the network thread. */
typedef struct {
  gatomicrefcount refs;
  MxrTapFunc func;
  gpointer user_data;
  GDestroyNotify destroy; /* NULL: none */
  MxrTapClock clock;
  guint16 next_seq[MXR_PEER_N_KINDS];
  bool waits_for_keyframe;
  gint64 asked_us; /* for one */
} MxrTap;

MxrTap *mxr_tap_new (MxrTapFunc func, gpointer user_data, GDestroyNotify destroy);
MxrTap *mxr_tap_ref (MxrTap *tap);
void mxr_tap_unref (gpointer tap);

/** mxr_uplink_set_tap: @tap: (nullable): in place of the former one, or the same for another source. Thread: the network thread. */
void mxr_uplink_set_tap (MxrUplink *uplink, MxrTap *tap);

#endif
