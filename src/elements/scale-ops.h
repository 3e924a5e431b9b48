#ifndef MXR_SCALE_OPS_H
#define MXR_SCALE_OPS_H

#include <glib.h>

G_BEGIN_DECLS

/* The arithmetic of the scaler: rows of bytes, no pictures, no memory of its own.
 *
 * A plane is scaled a row at a time, first down, then across: the few source rows of one target row are
 * blended into one row of full width, and that is scaled while it is in the first cache. Weights are parts of
 * 128 and add up to that, so one colour stays one. Both steps round to bytes, and all sets of kernels agree
 * to the last bit, as scale-ops-c.c says: sums have 16 bits, and what would leave them stays at their end. */

#define MXR_SCALE_TAPS 4
#define MXR_SCALE_WEIGHT_BITS 7
#define MXR_SCALE_ONE (1 << MXR_SCALE_WEIGHT_BITS)
/* Neighbours that a vector kernel makes at once, in two lanes. */
#define MXR_SCALE_BLOCK 16
/* What a kernel may read, and not use, before and behind a row that is to be scaled across [bytes]. */
#define MXR_SCALE_ROW_PADDING 32

/* Which samples make one: first, first + 1 ... Those with a weight are inside the source; first is -1 or
 * more. */
typedef struct {
  gint32 first;
  gint16 weights[MXR_SCALE_TAPS]; /* fit into a gint8, but for a lone one: MXR_SCALE_ONE */
} MxrScaleTaps;

/* The same for 16 neighbours from `to` on, as pshufb and pmaddubsw want it, eight to a lane: bytes 2k and
 * 2k + 1 of a lane are taps 0 and 1 of its sample k, taken from the 16 bytes at `from`; taps 2 and 3 are
 * picked by the same mask from the 16 bytes at `from` + 2. A lone tap is picked twice, with half the weight
 * each. */
typedef struct {
  guint8 pick[2 * MXR_SCALE_BLOCK];
  gint8 weights[2][2 * MXR_SCALE_BLOCK]; /* of taps 0 and 1, of taps 2 and 3 */
  gint32 from[2];
  gint32 to;
} MxrScaleBlock;

/* How @n_from samples in a line become @n_to. */
typedef struct {
  int n_from, n_to;
  MxrScaleTaps *taps; /* n_to */
  guint n_blocks;     /* none when @n_to is less than a block; the last one overlaps the one before */
  MxrScaleBlock *blocks;
} MxrScaleAxis;

typedef struct {
  const char *name;

  /**
   * blend_rows:
   * @out: (out): @n bytes
   * @rows: @n bytes each; they may be one and the same
   * @weights: of each row; add up to %MXR_SCALE_ONE
   */
  void (*blend_rows) (guint8 *out, const guint8 *const rows[MXR_SCALE_TAPS],
                      const gint16 weights[MXR_SCALE_TAPS], int n);

  /**
   * scale_row:
   * @out: (out): axis->n_to bytes; not one more is written
   * @row: axis->n_from bytes, and %MXR_SCALE_ROW_PADDING more on either side that may be read
   */
  void (*scale_row) (guint8 *out, const guint8 *row, const MxrScaleAxis *axis);
} MxrScaleOps;

extern const MxrScaleOps mxr_scale_ops_c;
#ifdef MXR_HAVE_AVX2
extern const MxrScaleOps mxr_scale_ops_avx2;
#endif

G_END_DECLS

#endif
