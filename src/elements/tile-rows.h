#ifndef MXR_TILE_ROWS_H
#define MXR_TILE_ROWS_H

#include <stdbool.h>

#include "scale-ops.h"

G_BEGIN_DECLS

/* The own scaler: tables, and planes scaled row by row with them. */

/** mxr_scale_ops_choose: Returns: (nullable): the kernels for this processor; %NULL where libyuv is quicker
 * than plain C. */
const MxrScaleOps *mxr_scale_ops_choose (void);

/** mxr_scale_axis_can: From growing to exactly half: what eight neighbours need must fit into 16 bytes. */
static inline bool
mxr_scale_axis_can (int n_from, int n_to)
{
  return n_from > 0 && n_to > 0 && n_from <= 2 * n_to;
}

/**
 * mxr_scale_axis_new:
 *
 * Catmull and Rom's spline over four samples, stretched half as much as the line shrinks: sharp, and every
 * source sample counts nearly alike, so nothing is skipped and nothing shimmers. @n_from and @n_to are as
 * mxr_scale_axis_can() says.
 */
MxrScaleAxis *mxr_scale_axis_new (int n_from, int n_to);
void mxr_scale_axis_free (MxrScaleAxis *axis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrScaleAxis, mxr_scale_axis_free)

/* Luma and chroma, both directions, of as many pairs of sizes as a room has at a time: cameras differ, and so
 * do the tiles of its views. Those used last are kept. */
#define MXR_SCALER_AXES 48

/* Zero it to begin with. Thread: the caller serialises. */
typedef struct {
  bool has_chosen;
  const MxrScaleOps *ops; /* (nullable): chosen at the first question */
  MxrScaleAxis *axes[MXR_SCALER_AXES];
  guint64 used[MXR_SCALER_AXES]; /* when, in calls; 0 is an empty place */
  guint64 n_calls;
  guint8 *row; /* one of the source's width, between padding */
  gsize row_bytes;
} MxrScaler;

void mxr_scaler_clear (MxrScaler *scaler);

/** mxr_scaler_can: Whether the own scaler is there and made for these sizes. */
bool mxr_scaler_can (MxrScaler *scaler, int from_w, int from_h, int to_w, int to_h);

/**
 * mxr_scaler_scale_plane:
 * @from: @from_w x @from_h bytes, the next row @from_stride bytes on; likewise @to
 *
 * Only where mxr_scaler_can(). Allocates only for sizes it has not seen lately.
 */
void mxr_scaler_scale_plane (MxrScaler *scaler, const guint8 *from, int from_stride, int from_w, int from_h,
                             guint8 *to, int to_stride, int to_w, int to_h);

G_END_DECLS

#endif
