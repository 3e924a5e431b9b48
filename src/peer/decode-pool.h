#ifndef MXR_DECODE_POOL_H
#define MXR_DECODE_POOL_H

#include "mixroom/peer.h"

/**
 * MxrDecodeLane:
 *
 * The work of one uplink: a bounded queue whose items are done one after the other and in order, by whichever worker
 * of the pool is free.
 */
typedef struct _MxrDecodeLane MxrDecodeLane;

/** MxrDecodeFunc: @item: (transfer full). Thread: a worker; never two of a lane at a time. */
typedef void (*MxrDecodeFunc) (gpointer item, gpointer user_data);

/**
 * mxr_decode_lane_new:
 * @pool: outlives the lane's last item
 * @free_item: for what is never done
 * @user_data: alive while items are queued or being done: let the items hold it
 */
MxrDecodeLane *mxr_decode_lane_new (MxrDecodePool *pool, guint capacity, MxrDecodeFunc func, GDestroyNotify free_item,
                                    gpointer user_data);
void mxr_decode_lane_unref (MxrDecodeLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrDecodeLane, mxr_decode_lane_unref)

/** mxr_decode_lane_push: Thread: any; one at a time. Returns: false when it is full; @item stays the caller's. */
bool mxr_decode_lane_push (MxrDecodeLane *lane, gpointer item);

/** mxr_decode_lane_clear: What waits is freed; what is being done goes on. Thread: any. Returns: how many were freed. */
guint mxr_decode_lane_clear (MxrDecodeLane *lane);

#endif
